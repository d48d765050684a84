/* SPDX-License-Identifier: Apache-2.0 */
/* A sample. */
struct s {
	int a;	  /* aligned */
	long bcd; /* by hand */
};

int f(int a)
{
	if (a)
		return 1;
	return 0;
}
