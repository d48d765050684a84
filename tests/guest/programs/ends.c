/* SPDX-License-Identifier: Apache-2.0 */
/* Does nothing and ends with CODE, without a library: so that it can be another program's interpreter. */
void _start(void)
{
	__asm__ volatile("syscall" ::"a"(231), "D"(CODE) : "rcx", "r11", "memory");
	__builtin_unreachable();
}
