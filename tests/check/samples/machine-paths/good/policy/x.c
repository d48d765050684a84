/* SPDX-License-Identifier: Apache-2.0 */
/* A sample. */
static const char *home = "/home";
