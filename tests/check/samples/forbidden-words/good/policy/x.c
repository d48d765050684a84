/* SPDX-License-Identifier: Apache-2.0 */
/* A sample. */
/* hacksaw, stubborn, XXXXXX */
