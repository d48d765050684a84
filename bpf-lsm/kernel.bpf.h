/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Kernel constants and small primitives: sequence locks, raw reads, counters, scratch slots. */
#pragma once

#include "lineage.h"
#include "maps.bpf.h"

#define EPERM 1
#define ENOENT 2
#define EAGAIN 11
#define ENOMEM 12
#define SIGKILL 9

/* include/linux/fs.h, include/linux/dcache.h, include/linux/sched.h, include/linux/stat.h */
#define SB_RDONLY	     (1ul << 0)
#define SB_KERNMOUNT	     (1ul << 22)
#define SB_NOUSER	     (1ul << 31)
#define FMODE_READ	     0x1
#define FMODE_WRITE	     0x2
#define FMODE_PATH	     0x4000
#define FMODE_NOACCOUNT	     0x20000000 /* in f_mode: opened by the kernel itself, as by an overlay */
#define FMODE_EXEC	     0x20 /* in f_flags: the kernel opens it to execute it */
#define O_TRUNC		     01000
#define DCACHE_OP_HASH	     0x1
#define DCACHE_OP_COMPARE    0x2
#define DCACHE_OP_REVALIDATE 0x4
#define DCACHE_DISCONNECTED  0x20
#define PF_IO_WORKER	     0x00000010
#define PF_DUMPCORE	     0x00000200
#define PF_KTHREAD	     0x00200000
#define S_IFMT		     0170000
#define S_IFCHR		     0020000
#define S_IFDIR		     0040000
#define S_IFBLK		     0060000
#define S_IFREG		     0100000

/* include/uapi/linux/magic.h */
#define BL_MAGIC_PROC	  0x9fa0
#define BL_MAGIC_SYSFS	  0x62656572
#define BL_MAGIC_MQUEUE	  0x19800202
#define BL_MAGIC_BTRFS	  0x9123683e
#define BL_MAGIC_BCACHEFS 0xca451a4e
#define BL_MAGIC_OVERLAY  0x794c7630

#define AF_UNSPEC 0
#define AF_UNIX	  1
#define AF_INET	  2
#define AF_INET6  10
#define AF_RXRPC  33
#define AF_SMC	  43
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW  3
#define SOCK_SEQPACKET 5

#define BL_JIFFIES_MINUTE (60 * 250) /* a minute at HZ=250, less at a higher HZ */
#define BL_JIFFIES_BEAT	  (2 * 250)  /* the daemon is there each second */
#define BL_JIFFIES_MOUNT  50	     /* what a mount takes at most, before user space sees it, too */

struct bl_globals globals;

/* Counted up when credentials are made at an address that falls here. */
__u32 cred_stamps[BL_CRED_SLOTS];

/* What was looked at lately, and how often: most files are never opened again. */
struct bl_sight sights[BL_SIGHT_SLOTS];

/* What the paths of directories lead to; what is looked at later takes the place of what was. */
struct bl_dir dirs[BL_DIR_SLOTS];

/* Fingerprints of accesses that no rule concerns: who, what, how, by which policy. */
__u64 passes[BL_PASS_SLOTS];

/* Fingerprints of alerts: what was told of an overlay's is not told again of what it opens below. */
__u64 told[BL_TOLD_SLOTS];

/* When the records that were made would have come at their rule's pace: by rule and control group. */
__u64 limits[BL_LIMIT_SLOTS];

/* Sequences that writers make odd: see struct seqcount, which both locks begin with. */
extern const void rename_lock __ksym;
extern const void mount_lock __ksym;

/* From 6.2 on: a plain load instead of a helper call. */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

/* A struct at a kernel address, for plain loads; only where bpf_rdonly_cast is there. */
#define bl_cast(type, address) \
	((type *)bpf_rdonly_cast((const void *)(address), bpf_core_type_id_kernel(type)))

/* A bit of a dentry's flags; before 6.15 no enumeration has it. */
#define bl_dentry_flag(name, before)                            \
	(bpf_core_enum_value_exists(enum dentry_flags, name)    \
		 ? bpf_core_enum_value(enum dentry_flags, name) \
		 : (before))

/* Something is mounted there, in whatever namespace. */
static __always_inline __u32 bl_flag_mounted(void)
{
	return bl_dentry_flag(DCACHE_MOUNTED, 0x10000);
}

/* An entry of an overlay. */
static __always_inline __u32 bl_flag_real(void)
{
	return bl_dentry_flag(DCACHE_OP_REAL, 0x4000000);
}

#define BL_S_ENCRYPTED (1 << 14) /* of inode->i_flags */

/* In an encrypted directory, while its key is not there: the name is none, but what the disk has, encoded. */
static __always_inline __u32 bl_flag_nokey(void)
{
	return bl_dentry_flag(DCACHE_NOKEY_NAME, 0x2000000);
}

/* Keeps loads in order; x86 needs no more than that, others a full barrier. */
#ifdef __TARGET_ARCH_x86
#define bl_barrier() asm volatile("" ::: "memory")
#else
#define bl_barrier()                                    \
	do {                                            \
		__u64 __word = 0;                       \
		__sync_fetch_and_add(&__word, 1);       \
	} while (0)
#endif

/* True when the word was 'from', and is 'to' from now on. */
static __always_inline int bl_exchange(__u32 *word, __u32 from, __u32 to)
{
	__u32 was = __sync_val_compare_and_swap(word, from, to);

	BL_BARRIER(was); /* or the compiler makes a truth value of it before it tests that */
	return was == from;
}

/* Whether overlays open real files by their own path. */
static __always_inline int bl_fake_paths(void)
{
	return !bpf_core_field_exists(struct backing_file, user_path);
}

/* A pointer-sized field of a struct that is known by its address only; 0 where it can't be read. */
#define bl_read(type, address, field)                                                           \
	({                                                                                      \
		__u64 __value = 0;                                                              \
		bpf_probe_read_kernel(                                                          \
			&__value, bpf_core_field_size(((type *)0)->field),                      \
			(const void *)((address) + bpf_core_field_offset(type, field)));        \
		__value;                                                                        \
	})

/* The thread that a worker of io_uring works for; 0: not known. */
static __always_inline __u64 bl_worker_asker(const struct task_struct *task)
{
	__u64 worker = (__u64)task->worker_private, wq = 0;

	if (!worker)
		return 0;
	if (bpf_core_field_exists(struct io_worker, wq))
		wq = bl_read(struct io_worker, worker, wq);
	else if (bpf_core_field_exists(struct io_worker___grouped, wqe))
		wq = bl_read(struct io_worker___grouped, worker, wqe);
	if (wq && !bpf_core_field_exists(struct io_worker, wq))
		wq = bl_read(struct io_wqe, wq, wq);
	return wq ? bl_read(struct io_wq, wq, task) : 0;
}

/*
 * A worker of io_uring has the credentials that its thread had when it was made, and acts with those of a request: its
 * thread's own, or some that were registered before. It acts as its thread, which may have others than the rest of
 * its process. Before 6.2 there is no way to these but by what the worker knows as well.
 */
static __always_inline const struct cred *bl_worker_actor(const struct task_struct *task)
{
	const struct cred *leaders = task->group_leader->real_cred;
	__u64 asker = bl_worker_asker(task);
	__u64 own = asker ? bl_read(struct task_struct, asker, real_cred) : 0;

	if (!own || own == (__u64)leaders)
		return leaders;
	if (own == (__u64)task->cred)
		return task->cred;
	if (own == (__u64)task->real_cred)
		return task->real_cred;
	if (bpf_rdonly_cast)
		return bl_cast(struct cred, own);
	return leaders;
}

/*
 * Who acts. A process is who it is, whatever it acts with: an overlay opens, copies and makes files with the
 * credentials of whoever mounted it, io_uring with those that were registered. Threads of the kernel act for those
 * whose credentials they have put on.
 */
static __always_inline const struct cred *bl_actor(const struct task_struct *task)
{
	if (task->flags & PF_KTHREAD)
		return task->cred;
	if (task->flags & PF_IO_WORKER && task->cred != task->real_cred)
		return bl_worker_actor(task);
	return task->real_cred;
}

/*
 * Whether a process was started as its exe (of these f_flags), or has made another file that since (PR_SET_MM).
 * The kernel opens what it starts for execution, which no descriptor is, and a fork hands the very same open
 * file on.
 */
static __always_inline int bl_is_started(__u32 flags)
{
	return !!(flags & FMODE_EXEC);
}

/* Takes a word into a fingerprint with secret keys. */
static __always_inline __u64 bl_mix(__u64 print, __u64 word)
{
	return bl_print_mix(print, word, globals.keys);
}

static __always_inline void bl_sequence_read(const void *lock, __u32 *ret_value)
{
	if (bpf_rdonly_cast)
		*ret_value = bl_cast(struct seqcount, lock)->sequence;
	else
		bpf_probe_read_kernel(ret_value, sizeof(*ret_value), lock);
	bl_barrier();
}

static __always_inline __u32 bl_sequence(const void *lock)
{
	__u32 value;

	bl_sequence_read(lock, &value);
	return value;
}

/*
 * The daemon sees when the host's mount table has changed, and makes all labels stale. While none is there
 * that is seen here: a mount may take longer than labels are kept from being made for it.
 */
static __always_inline void bl_mounts_watch(__u64 now)
{
	__u64 event;

	if (globals.beat) {
		globals.beat = 0;
		globals.watched = now + BL_JIFFIES_BEAT;
	}
	if (now < globals.watched || !globals.host_ns)
		return;
	event = bl_read(struct mnt_namespace, globals.host_ns, event);
	if (event == globals.mount_event)
		return;
	globals.mount_event = event;
	__sync_fetch_and_add(&globals.epoch, 1);
}

/*
 * Every minute all labels are made stale: rename_lock's sequence wraps some day, and must not come
 * round to what an old one has. Whoever finds a label stale calls this, so it can't be kept waiting.
 * Returns 0 while something is being mounted: the hook comes before it, and nothing after it.
 */
static __always_inline int bl_epoch_turn(void)
{
	__u64 now = bpf_jiffies64();

	bl_mounts_watch(now);
	if (globals.fallback && bpf_ktime_get_boot_ns() >= globals.fallback) {
		globals.ceiling = 1;
		globals.fallback = 0;
	}
	if (now >= globals.next_epoch) {
		globals.next_epoch = now + BL_JIFFIES_MINUTE;
		__sync_fetch_and_add(&globals.epoch, 1);
	}
	return now >= globals.mounted;
}

static __always_inline void bl_count_more(__u32 counter, __u64 n)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &counter);

	if (value)
		__sync_fetch_and_add(value, n);
}

static __always_inline void bl_count(__u32 counter)
{
	bl_count_more(counter, 1);
}

/*
 * Sets up a part of a run on the image of the run's generation, but for what only a search of rules
 * needs. 0: it isn't there, which user space sees to that it can't happen.
 */
static __always_inline int bl_run_start(struct bl_matcher *m, struct bl_scratch *scratch)
{
	__u32 slot = scratch->generation & 1, zero = 0;

	m->image = bpf_map_lookup_elem(&images, &slot);
	if (!m->image)
		return 0;
	m->header = bpf_map_lookup_elem(m->image, &zero);
	if (!m->header)
		return 0;
	m->walk = &scratch->walk;
	scratch->tables = m->header->flags;
	return scratch->generation == m->header->generation;
}

static long bl_spare_turn(__u32 index, void *ctx)
{
	struct bl_scratch *scratch = bpf_map_lookup_elem(&scratches, &index);

	if (!scratch || !bl_exchange(&scratch->busy, 0, 1))
		return 0;
	*(__u32 *)ctx = index;
	return 1;
}

static __always_inline struct bl_scratch *bl_scratch_get(void)
{
	__u32 first = BL_SCRATCH_SPARES + bpf_get_smp_processor_id() * BL_SCRATCH_SLOTS, spare;

	for (__u32 i = 0; i < BL_SCRATCH_SLOTS; i++) {
		__u32 slot = first + i;
		struct bl_scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);

		if (scratch && bl_exchange(&scratch->busy, 0, 1))
			return scratch;
	}
	spare = BL_SCRATCH_SPARES;
	bpf_loop(BL_SCRATCH_SPARES, bl_spare_turn, &spare, 0);
	return spare < BL_SCRATCH_SPARES ? bpf_map_lookup_elem(&scratches, &spare) : NULL;
}

static __always_inline void bl_scratch_put(struct bl_scratch *scratch)
{
	scratch->shown = 0;
	scratch->layered = 0;
	bl_barrier();
	scratch->busy = 0;
}
