// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* The registry: LSM hooks in the kernel's order, and what each of them asks. No logic here. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "btrfs.bpf.h"
#include "cgroups.bpf.h"
#include "connect.bpf.h"
#include "descent.bpf.h"
#include "device.bpf.h"
#include "established.bpf.h"
#include "exec.bpf.h"
#include "guard.bpf.h"
#include "open.bpf.h"
#include "telling.bpf.h"
#include "trace.bpf.h"
#include "unix.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("lsm/ptrace_access_check")
int BPF_PROG(bl_ptrace_access_check, struct task_struct *child, unsigned int mode)
{
	return bl_trace_access(child, mode);
}

SEC("lsm/ptrace_traceme")
int BPF_PROG(bl_ptrace_traceme, struct task_struct *parent)
{
	return bl_trace_me();
}

SEC("lsm/bprm_creds_for_exec")
int BPF_PROG(bl_bprm_creds_for_exec, struct linux_binprm *bprm)
{
	return bl_exec_check(bprm);
}

SEC("lsm/bprm_creds_for_exec")
int BPF_PROG(bl_bprm_begin, struct linux_binprm *bprm)
{
	return bl_args_forget();
}

SEC("lsm/bprm_check_security")
int BPF_PROG(bl_bprm_check_security, struct linux_binprm *bprm)
{
	return bl_exec_file(bprm->file, bprm, BL_HOOK_BPRM_CHECK);
}

SEC("lsm/bprm_check_security")
int BPF_PROG(bl_bprm_hand_over, struct linux_binprm *bprm)
{
	return bl_open_hand_over(bprm);
}

SEC("lsm/bprm_check_security")
int BPF_PROG(bl_bprm_traced, struct linux_binprm *bprm)
{
	return bl_trace_exec(bprm);
}

SEC("lsm/bprm_check_security")
int BPF_PROG(bl_bprm_descent, struct linux_binprm *bprm)
{
	return bl_descent_exec();
}

SEC("lsm.s/bprm_committed_creds")
int BPF_PROG(bl_bprm_committed_creds, struct linux_binprm *bprm)
{
	return bl_exec_args(bprm);
}

SEC("lsm/bprm_committed_creds")
int BPF_PROG(bl_bprm_started, struct linux_binprm *bprm)
{
	return bl_descent_start(bprm);
}

SEC("lsm/sb_set_mnt_opts")
int BPF_PROG(bl_sb_set_mnt_opts, struct super_block *sb)
{
	return bl_device_mount(sb);
}

SEC("lsm/sb_remount")
int BPF_PROG(bl_sb_remount, struct super_block *sb)
{
	return bl_device_remount(sb);
}

SEC("lsm/quota_on")
int BPF_PROG(bl_quota_on, struct dentry *dentry)
{
	return bl_open_quota(dentry);
}

SEC("lsm/sb_umount")
int BPF_PROG(bl_sb_umount, struct vfsmount *mnt, int flags)
{
	return bl_mounts_change();
}

SEC("lsm/sb_mount")
int BPF_PROG(bl_sb_mount, const char *dev_name, struct path *path)
{
	return bl_mounts_change();
}

SEC("lsm/move_mount")
int BPF_PROG(bl_move_mount, struct path *from, struct path *to)
{
	return bl_mounts_change();
}

SEC("lsm/sb_pivotroot")
int BPF_PROG(bl_sb_pivotroot, const struct path *put_old, const struct path *new_root)
{
	return bl_mounts_change();
}

SEC("lsm/inode_create")
int BPF_PROG(bl_inode_create, struct inode *dir, struct dentry *dentry)
{
	return bl_open_create(dentry, BL_HOOK_CREATE);
}

SEC("lsm/inode_create")
int BPF_PROG(bl_core_create, struct inode *dir, struct dentry *dentry)
{
	return bl_trace_core();
}

SEC("lsm/inode_link")
int BPF_PROG(bl_inode_link, struct dentry *from, struct inode *dir, struct dentry *to)
{
	return bl_open_link(from, to);
}

SEC("lsm/inode_unlink")
int BPF_PROG(bl_inode_unlink, struct inode *dir, struct dentry *dentry)
{
	return bl_open_unlink(dentry);
}

SEC("lsm/inode_symlink")
int BPF_PROG(bl_inode_symlink, struct inode *dir, struct dentry *dentry)
{
	return bl_open_create(dentry, BL_HOOK_SYMLINK);
}

SEC("lsm/inode_mkdir")
int BPF_PROG(bl_inode_mkdir, struct inode *dir, struct dentry *dentry)
{
	return bl_open_create(dentry, BL_HOOK_MKDIR);
}

SEC("lsm/inode_rmdir")
int BPF_PROG(bl_inode_rmdir, struct inode *dir, struct dentry *dentry)
{
	return bl_open_rmdir(dentry);
}

SEC("lsm/inode_mknod")
int BPF_PROG(bl_inode_mknod, struct inode *dir, struct dentry *dentry)
{
	return bl_open_create(dentry, BL_HOOK_MKNOD);
}

SEC("lsm/inode_rename")
int BPF_PROG(bl_inode_rename, struct inode *old_dir, struct dentry *from, struct inode *new_dir,
	     struct dentry *to)
{
	return bl_open_rename(from, to);
}

/* Before 6.9 the hook has no idmap; the loader takes the one that fits. */
SEC("lsm/inode_setattr")
int BPF_PROG(bl_inode_setattr_v1, struct dentry *dentry, struct iattr *attr)
{
	return bl_open_setattr(dentry, attr);
}

SEC("lsm/inode_setattr")
int BPF_PROG(bl_inode_setattr, struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	return bl_open_setattr(dentry, attr);
}

SEC("lsm/inode_setxattr")
int BPF_PROG(bl_inode_setxattr, void *idmap, struct dentry *dentry)
{
	return bl_open_attributes(dentry, BL_HOOK_SETXATTR);
}

SEC("lsm/inode_removexattr")
int BPF_PROG(bl_inode_removexattr, void *idmap, struct dentry *dentry)
{
	return bl_open_attributes(dentry, BL_HOOK_REMOVEXATTR);
}

SEC("lsm/inode_getxattr")
int BPF_PROG(bl_inode_getxattr, struct dentry *dentry)
{
	return bl_look_at(dentry);
}

SEC("lsm/inode_set_acl")
int BPF_PROG(bl_inode_set_acl, void *idmap, struct dentry *dentry)
{
	return bl_open_attributes(dentry, BL_HOOK_SET_ACL);
}

SEC("lsm/inode_remove_acl")
int BPF_PROG(bl_inode_remove_acl, void *idmap, struct dentry *dentry)
{
	return bl_open_attributes(dentry, BL_HOOK_REMOVE_ACL);
}

/* From 6.17 on: file_setattr(2), and what an ioctl does of the same kind. */
SEC("lsm/inode_file_setattr")
int BPF_PROG(bl_inode_file_setattr, struct dentry *dentry)
{
	return bl_open_attributes(dentry, BL_HOOK_FILE_SETATTR);
}

SEC("lsm/file_ioctl")
int BPF_PROG(bl_file_ioctl, struct file *file, unsigned int cmd)
{
	return bl_open_ioctl(file, cmd, BL_HOOK_IOCTL);
}

/* From 6.8 on calls of 32 bits come here instead. */
SEC("lsm/file_ioctl_compat")
int BPF_PROG(bl_file_ioctl_compat, struct file *file, unsigned int cmd)
{
	return bl_open_ioctl(file, cmd, BL_HOOK_IOCTL_COMPAT);
}

SEC("lsm/file_ioctl")
int BPF_PROG(bl_btrfs_named, struct file *file, unsigned int cmd, unsigned long arg)
{
	return bl_btrfs_ioctl(file, cmd, arg, BL_HOOK_IOCTL);
}

SEC("lsm/file_ioctl_compat")
int BPF_PROG(bl_btrfs_named_compat, struct file *file, unsigned int cmd, unsigned long arg)
{
	return bl_btrfs_ioctl(file, cmd, arg, BL_HOOK_IOCTL_COMPAT);
}

SEC("lsm/file_ioctl")
int BPF_PROG(bl_btrfs_shared, struct file *file, unsigned int cmd)
{
	return bl_btrfs_threads(file, cmd, BL_HOOK_IOCTL);
}

SEC("lsm/file_ioctl_compat")
int BPF_PROG(bl_btrfs_shared_compat, struct file *file, unsigned int cmd)
{
	return bl_btrfs_threads(file, cmd, BL_HOOK_IOCTL_COMPAT);
}

SEC("lsm/mmap_file")
int BPF_PROG(bl_mmap_file, struct file *file, unsigned long reqprot, unsigned long prot)
{
	if (!file || !(prot & PROT_EXEC))
		return 0;
	return bl_exec_map(file, BL_HOOK_MMAP);
}

SEC("lsm/mmap_backing_file")
int BPF_PROG(bl_mmap_backing_file, struct vm_area_struct *vma, struct file *backing,
	     struct file *shown)
{
	return bl_exec_backing(vma, backing, shown);
}

SEC("lsm/file_mprotect")
int BPF_PROG(bl_file_mprotect, struct vm_area_struct *vma, unsigned long reqprot,
	     unsigned long prot)
{
	return bl_exec_mprotect(vma, prot);
}

SEC("lsm/file_receive")
int BPF_PROG(bl_file_receive, struct file *file)
{
	return bl_open_receive(file);
}

SEC("lsm/file_receive")
int BPF_PROG(bl_socket_receive, struct file *file)
{
	return bl_connect_receive(file);
}

SEC("lsm/file_receive")
int BPF_PROG(bl_unix_receive, struct file *file)
{
	return bl_unix_take_over(file);
}

SEC("lsm/file_open")
int BPF_PROG(bl_file_open, struct file *file)
{
	return bl_open_file(file);
}

SEC("lsm/file_open")
int BPF_PROG(bl_file_open_real, struct file *file)
{
	return bl_open_file_real(file);
}

SEC("lsm/file_open")
int BPF_PROG(bl_login_open, struct file *file)
{
	return bl_login_keep(file);
}

SEC("lsm/kernel_read_file")
int BPF_PROG(bl_kernel_read_file, struct file *file, enum kernel_read_file_id id)
{
	return bl_exec_kernel(file, id);
}

SEC("lsm/task_alloc")
int BPF_PROG(bl_task_alloc, struct task_struct *task, unsigned long flags)
{
	return bl_descent_fork(task, flags);
}

SEC("lsm/task_prctl")
int BPF_PROG(bl_task_prctl, int option, unsigned long arg)
{
	return bl_exe_keep(option, arg);
}

SEC("lsm/cred_prepare")
int BPF_PROG(bl_cred_prepare, struct cred *new, const struct cred *old)
{
	bl_cred_made(new);
	return 0;
}

SEC("lsm/cred_alloc_blank")
int BPF_PROG(bl_cred_alloc_blank, struct cred *new)
{
	bl_cred_made(new);
	return 0;
}

SEC("lsm/unix_stream_connect")
int BPF_PROG(bl_unix_stream_connect, struct sock *sock, struct sock *other, struct sock *accepted)
{
	return bl_unix_connect(sock, other, accepted);
}

SEC("lsm/unix_may_send")
int BPF_PROG(bl_unix_may_send, struct socket *sock, struct socket *other)
{
	return bl_unix_decide(other->sk, BL_HOOK_UNIX_SEND, 0);
}

SEC("lsm/socket_create")
int BPF_PROG(bl_socket_create, int family, int type, int protocol, int kern)
{
	return bl_connect_create(family, protocol, kern);
}

SEC("lsm/socket_connect")
int BPF_PROG(bl_socket_connect, struct socket *sock, struct sockaddr *address, int len)
{
	return bl_connect_to(sock->sk, address, address, len);
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(bl_socket_sendmsg, struct socket *sock, struct msghdr *msg)
{
	return bl_connect_message(sock, msg);
}

SEC("lsm/inet_conn_established")
int BPF_PROG(bl_inet_conn_established, struct sock *sk)
{
	return bl_connect_established(sk);
}

SEC("lsm/sctp_bind_connect")
int BPF_PROG(bl_sctp_bind_connect, struct sock *sk, int option, struct sockaddr *address, int len)
{
	return bl_sctp_connect(sk, option, address, len);
}

SEC("lsm/sctp_sk_clone")
int BPF_PROG(bl_sctp_sk_clone, void *association, struct sock *sk, struct sock *made)
{
	return bl_sctp_peeled(sk, made);
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(bl_cgroup_mkdir, struct cgroup *cgroup)
{
	return bl_cgroup_made(cgroup);
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(bl_cgroup_rmdir, struct cgroup *cgroup)
{
	return bl_cgroup_gone(cgroup);
}

/* Read by the loader when rules ask for what processes come from. */
SEC("iter/task")
int bl_tell_processes(struct bpf_iter__task *ctx)
{
	return bl_tell_process(ctx);
}

/* Run by user space every second: tells of repeats that were folded, when nothing else does. */
SEC("syscall")
int bl_sweep(struct bl_sweep *ctx)
{
	return bl_fold_sweep(ctx->all);
}

/* Run once by the loader: remembers PID 1's mount namespace and root. */
SEC("syscall")
int bl_find_host(void *ctx)
{
	return bl_host_find();
}
