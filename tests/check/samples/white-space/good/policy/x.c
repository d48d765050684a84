/* SPDX-License-Identifier: Apache-2.0 */
/* A sample. */
int f(void)
{
	return 0;
}
