/* SPDX-License-Identifier: Apache-2.0 */
/* A sample. */
/* this works for now */
