/* SPDX-License-Identifier: Apache-2.0 */
/* A sample. */
#ifndef X_H
#define X_H
#endif
