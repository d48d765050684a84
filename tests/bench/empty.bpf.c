// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* The least that a BPF program can do on the hooks that are measured: what any enforcer costs. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("lsm/file_open")
int empty_file_open(void *ctx)
{
	return 0;
}

SEC("lsm/socket_connect")
int empty_socket_connect(void *ctx)
{
	return 0;
}

SEC("lsm/bprm_check_security")
int empty_bprm_check(void *ctx)
{
	return 0;
}
