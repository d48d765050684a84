/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The kernel's structs as far as bailiff reads them. Offsets are relocated by CO-RE when the
 * programs are loaded, so this header is the same for every kernel and every build host. A name
 * after three underscores is the layout of other kernels ('flavour'); the comment says which.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef unsigned int fmode_t;
typedef unsigned short umode_t;
typedef __u32 dev_t;

#ifndef NULL
#define NULL ((void *)0)
#endif

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	unsigned int val;
} kuid_t;

typedef struct {
	unsigned int val;
} kgid_t;

struct list_head {
	struct list_head *next, *prev;
};

struct seqcount {
	unsigned int sequence;
};

struct qstr {
	union {
		struct {
			u32 hash;
			u32 len;
		};
		u64 hash_len;
	};
	const unsigned char *name;
};

struct ns_common {
	unsigned int inum;
};

struct user_namespace {
	int level;
	struct ns_common ns;
};

/* Two words of 32 bits before 6.3. */
typedef struct {
	u64 val;
} kernel_cap_t;

/* From 6.17 on; struct fileattr before. */
struct file_kattr;

struct inode_operations {
	void *fileattr_set;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

typedef struct {
	s64 counter;
} atomic64_t;
typedef atomic64_t atomic_long_t;

struct rw_semaphore {
	atomic_long_t owner;
};

struct inode {
	umode_t i_mode;
	const struct inode_operations *i_op;
	kuid_t i_uid;
	unsigned int i_flags;
	dev_t i_rdev;
	unsigned long i_ino;
	union {
		const unsigned int i_nlink;
		unsigned int __i_nlink;
	};
	struct super_block *i_sb;
	u32 i_generation;
	struct rw_semaphore i_rwsem;
	struct hlist_head i_dentry;
};

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};

struct dentry {
	unsigned int d_flags;
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
	union {
		struct hlist_node d_alias;
	} d_u;
};

/* From 7.0 on. */
struct dentry___anonymous {
	struct hlist_node d_alias;
};

/* From 6.15 on; macros before, with other values. */
enum dentry_flags {
	DCACHE_MOUNTED = 0,
	DCACHE_NOKEY_NAME = 0,
	DCACHE_OP_REAL = 0,
};

/* Where a short name is; from 6.14 on its member has another name. */
struct dentry___iname {
	unsigned char d_iname[32];
};

union shortname_store {
	unsigned char string[40];
};

struct dentry___shortname {
	union shortname_store d_shortname;
};

struct mount;

struct file_system_type {
	const char *name;
	int fs_flags;
};

struct super_block {
	dev_t s_dev;
	struct file_system_type *s_type;
	unsigned long s_flags;
	unsigned long s_magic;
	struct dentry *s_root;
	struct list_head s_mounts;
	struct user_namespace *s_user_ns;
	char s_id[32];
};

/* From 6.18 on the mounts of a superblock are a singly linked list. */
struct super_block___chain {
	struct mount *s_mounts;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};

struct mnt_namespace {
	struct ns_common ns;
	struct mount *root;
	u64 event;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct list_head mnt_mounts;
	struct list_head mnt_child;
	struct list_head mnt_instance;
	struct mnt_namespace *mnt_ns;
};

struct mount___chain {
	struct mount *mnt_next_for_sb;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	unsigned int f_flags;
	fmode_t f_mode;
	struct inode *f_inode;
	struct path f_path;
};

struct group_info {
	int ngroups;
	kgid_t gid[0];
};

struct cred {
	kuid_t uid;
	kgid_t gid;
	kuid_t euid;
	kgid_t egid;
	kernel_cap_t cap_effective;
	struct user_namespace *user_ns;
	struct group_info *group_info;
};

struct net;

struct nsproxy {
	struct mnt_namespace *mnt_ns;
	struct net *net_ns;
};

struct fs_struct {
	struct path root;
	struct path pwd;
};

/* A path that a call is looking up, on its stack. */
struct nameidata {
	struct path path;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

/* A system call's number and arguments. */
struct pt_regs {
#ifdef __TARGET_ARCH_x86
	unsigned long bx;
	unsigned long di;
	unsigned long orig_ax;
#elif defined(__TARGET_ARCH_arm64)
	u64 orig_x0;
	s32 syscallno;
#endif
};

typedef struct {
	int counter;
} atomic_t;

struct mm_struct {
	atomic_t mm_users;
	unsigned long arg_start;
	unsigned long arg_end;
	struct file *exe_file;
};

struct kernfs_node {
	struct kernfs_node *parent;
	const char *name;
	u64 id;
};

/* From 6.15 on. */
struct kernfs_node___rcu {
	struct kernfs_node *__parent;
};

struct cgroup_root;

struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct pid_namespace {
	struct ns_common ns;
};

/* What a process is called in one of the namespaces that it is in. */
struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level; /* of its namespace: 0 is the first one */
	struct upid numbers[0];
};

/* io_uring's workers, and who has them: until 6.4 by another struct. */
struct io_wq {
	struct task_struct *task;
};

struct io_wqe {
	struct io_wq *wq;
};

struct io_worker {
	struct io_wq *wq;
};

struct io_worker___grouped {
	struct io_wqe *wqe;
};

struct task_struct {
	unsigned int flags;
	unsigned int ptrace;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *parent; /* who traces it, if anybody does */
	struct task_struct *group_leader;
	void *worker_private;
	struct mm_struct *mm;
	const struct cred *real_cred;
	const struct cred *cred;
	struct nsproxy *nsproxy;
	struct fs_struct *fs;
	struct files_struct *files;
	struct nameidata *nameidata;
	struct css_set *cgroups;
	struct pid *thread_pid;
	kuid_t loginuid;
	unsigned int sessionid;
	u64 self_exec_id;
	unsigned int in_execve : 1;
	u64 start_boottime;
	char comm[16];
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct linux_binprm {
	struct file *executable;
	struct file *file;
	unsigned int have_execfd : 1;
	unsigned long p;
	int argc;
	unsigned long exec;
	const char *filename;
	char buf[256];
};

/* From 6.14 on: AT_EXECVE_CHECK. */
struct linux_binprm___check {
	unsigned int is_check : 1;
};

/* From 6.7 on: the file that an overlay opens has its own path, and the overlay's beside it. */
struct backing_file {
	struct file file;
	struct path user_path;
};

/* What the kernel reads a file for. */
enum kernel_read_file_id {
	READING_MODULE = 2,
	READING_KEXEC_IMAGE,
	READING_KEXEC_INITRAMFS,
};

/* Newer kernels tell modules that they unpack themselves apart. */
enum kernel_read_file_id___packed {
	READING_MODULE_COMPRESSED,
};

struct vm_area_struct {
	unsigned long vm_flags;
	struct file *vm_file;
};

struct iattr {
	unsigned int ia_valid;
};

struct in6_addr {
	union {
		u8 u6_addr8[16];
	} in6_u;
};

struct net {
	struct ns_common ns;
	struct list_head dev_base_head;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
};

struct sock {
	struct sock_common __sk_common;
	unsigned int sk_kern_sock : 1;
	u16 sk_protocol;
	u16 sk_type;
};

struct inet_sock {
	int uc_index;
};

struct in_ifaddr {
	struct in_ifaddr *ifa_next;
	u32 ifa_local;
};

struct in_device {
	struct in_ifaddr *ifa_list;
};

struct net_device {
	struct list_head dev_list;
	struct in_device *ip_ptr;
};

struct inet_connection_sock {
	void *icsk_ulp_data;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	unsigned int is_mptcp : 1;
};

struct mptcp_sock {
	struct sock *first;
};

/* Of a TCP socket that carries a part of an MPTCP connection: where it belongs. */
struct mptcp_subflow_context {
	struct sock *conn;
};

struct sockaddr_un {
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[0];
};

struct unix_sock {
	struct unix_address *addr;
	struct path path;
	struct sock *peer;
};

struct socket {
	short type;
	struct sock *sk;
};

struct msghdr {
	void *msg_name;
	int msg_namelen;
	unsigned int msg_flags;
	void *msg_control;
	unsigned long msg_controllen;
};

struct sockaddr {
	u16 sa_family;
	char sa_data[14];
};

struct in_addr {
	u32 s_addr;
};

struct sockaddr_in {
	u16 sin_family;
	u16 sin_port;
	struct in_addr sin_addr;
};

struct sockaddr_in6 {
	u16 sin6_port;
	struct in6_addr sin6_addr;
};

struct mnt_idmap;
struct posix_acl;

#pragma clang attribute pop
