/* SPDX-License-Identifier: Apache-2.0 */
/* A library that ld.so takes for LD_AUDIT and for LD_PRELOAD alike; it does nothing. */

unsigned int la_version(unsigned int version);

unsigned int la_version(unsigned int version)
{
	return version;
}
