/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What the kernel side remembers: values of the storage maps, the scratch, the global words. */
#pragma once

#include "abi.h"
#include "conditions.h"
#include "match.h"
#include "peer.h"

#define BL_SCRATCH_SLOTS 4
#define BL_SCRATCH_SPARES 128
#define BL_PREFIX_BYTES	 256 /* of a mount point's path, for events only */
#define BL_CHILD_UNKNOWN 256
#define BL_MOUNTS_MAX \
	1024 /* mounts of one superblock that are looked at, before all of the host's are */
#define BL_TREE_STEPS	 (1 << 19) /* through the host's mounts; there and back it is two for each */

#define BL_KEYS		    8
#define BL_CRED_SLOTS	    4096
#define BL_SIGHT_SLOTS	    4096
#define BL_PASS_SLOTS	    16384
#define BL_TOLD_SLOTS	    1024
#define BL_LIMIT_SLOTS	    1024
#define BL_FOLD_SETS	    128 /* of what was told of lately and may come again */
#define BL_FOLD_WAYS	    4	/* places that it can be at */
#define BL_FOLD_SLOTS	    (BL_FOLD_SETS * BL_FOLD_WAYS)
#define BL_FOLD_STRINGS \
	3584 /* a record with more of them is not kept, and so its repeats are told one by one */
#define BL_CGROUPS_MAX \
	131072 /* cgroups whose names are known: the kernel spends more on each than is kept of it */
#define BL_DIR_SLOTS	    4096
#define BL_DIR_DEPTH	    11 /* components of a directory that is kept */
#define BL_DIR_STATES	    4
#define BL_DIR_LEVELS	    3 /* directories above an object that are looked for among those kept */
#define BL_LINKS_MAX	    262144 /* objects with several names, of one policy */
#define BL_POOLS	    16	   /* by who owns the objects: root, 14 for users, one for all from ... */
#define BL_POOL_UIDS	    65536  /* ... here on, which are those of user namespaces */
#define BL_POOL_MAX	    16384  /* objects of each pool but root's, which takes what is left */
#define BL_ORIGINS_MAX	    16384  /* programs that processes come from */
#define BL_ORIGIN_POOL_MAX  512	   /* of each pool but that of root's files on the host */
#define BL_ORIGIN_BYTES	    512	   /* of a program's path */
#define BL_ORIGIN_NONE	    0xffff /* of a process that runs nothing which a rule could name */
#define BL_LINE_MAX	    64	   /* programs that one process comes from */

/* Set by user space through the skeleton (.bss); one word each, read without a lock. */
struct bl_globals {
	union {
		struct {
			__u32 generation; /* of the image in force; 0: none */
			__u32 epoch;	  /* of the mount table, and of the minute */
		};
		__u64 stamp; /* both at once: a label of another stamp is stale */
	};
	__u32 ceiling;	   /* 1: nothing is refused (BL_MODE_MONITOR) */
	__u32 denies;	   /* 1: some rule in force refuses */
	__u32 looking;	   /* generation for which names of linked objects are looked for; 0: none */
	__u32 linked;	   /* links made to objects that rules mention, counted up */
	__u32 spilled[2];  /* by slot: generation that could not keep the names of all objects */
	__u32 tables;	  /* enum bl_table_flags of the image in force, and while it changes of both */
	__u32 daemon_tgid; /* the daemon's own accesses are not judged; 0: none */
	__u64 daemon_start; /* when that process began: its number is somebody else's some day */
	__u32 beat;	   /* 1: the daemon was there since this was last looked at */
	__u32 _pad_beat;
	__u64 fallback;	   /* CLOCK_BOOTTIME at which 'ceiling' becomes 1, also without a daemon; 0: never */
	__u64 watched;	   /* jiffies until which the daemon sees what is mounted */
	__u64 mount_event; /* of the host's mount namespace, when the daemon was last not there */
	__u64 next_epoch;  /* jiffies */
	__u64 mounted;	   /* jiffies when the last mount is there for certain */
	__u64 host_ns;	   /* address of the initial mount namespace */
	__u64 root_mount;  /* address of PID 1's root: struct mount ... */
	__u64 root_dentry; /* ... and dentry */
	__u64 canary_inode;
	__u32 canary_dev;  /* as in s_dev */
	__u32 canary_tgid; /* the process whose open of the canary is refused; 0: none */
	__u32 origins;	   /* the last number that a program was given */
	__u32 origin_pools[BL_POOLS]; /* programs of each pool */
	__u32 _pad_origins;
	/* All in nanoseconds, from the settings; 0: repeats are not folded, and rules not limited. */
	__u64 fold_window;    /* in which repeats of what was told of are only counted */
	__u64 limit_interval; /* at which a rule may make a record for good ... */
	__u64 limit_slack;    /* ... and how much of that may come at once */
	__u64 keys[BL_KEYS]; /* odd, random, nobody else's: of the fingerprints in 'passes' */
};

enum bl_label_flags {
	BL_LABEL_LOST = 1 << 0,	     /* the name can't be known: disconnected, or always changing */
	BL_LABEL_DEEP = 1 << 1,	     /* longer or deeper than is walked */
	BL_LABEL_PSEUDO = 1 << 2,    /* on a kernel-internal file system: no path can name it */
	BL_LABEL_CONTAINER = 1 << 3, /* on a superblock that the host does not mount */
	BL_LABEL_UNTRUSTED = 1 << 4, /* on a superblock of another user namespace */
	BL_LABEL_SPILLED = 1 << 5,   /* its names are not known: they may be what others' are */
};

/*
 * Inode storage. Valid while nothing was renamed and neither the policy nor the mount table has
 * changed. An inode with one name gets another one only by a rename or a link: a link marks its
 * label for good (BL_LOCK_LINKED). Written under the odd 'lock', with the stamp being 0 meanwhile: a
 * reader that sees single words of an older and a newer label at once has two good reasons instead of
 * one.
 */
struct bl_label {
	__u64 stamp;  /* of struct bl_globals; 0: nothing is known */
	__u64 dentry; /* that has the name */
	union {
		struct {
			__u32 renames;	   /* rename_lock's sequence */
			__u32 open_access; /* union over the lists, so that most accesses stop here */
		};
		__u64 unmentioned; /* equals the sequence where no rule mentions it */
	};
	__u64 key;	   /* of the classes and their policy; 0: what passes is not remembered */
	__u32 exec_access; /* the same of exec rules */
	__u32 tables;	   /* enum bl_table_flags of the image */
	__u32 flags;	   /* enum bl_label_flags */
	__u32 n_classes;
	__u32 classes[BL_CLASSES_MAX];
	__u32 lock;
	__u32 _pad;
};

#define BL_LOCK_LINKED 0xffffffffu

/* An object with several names. Of a pool: its number in the inode's place, the rest is 0. */
struct bl_linked_key {
	__u64 inode;   /* number */
	__u32 dev;     /* of its superblock, as in s_dev */
	__u32 version; /* i_generation: numbers are given out again */
};

/* What its names come to, or those of a pool's objects that had no room: classes are only added, 0 is a free place. */
struct bl_linked {
	__u32 classes[BL_CLASSES_MAX];
	__u32 overflow; /* 1: more than fit */
	union {
		__u32 pool; /* that the object is counted in */
		__u32 kept; /* objects of the pool, and BL_POOL_FULL */
	};
};

#define BL_POOL_FULL 0x80000000u /* once, and for the policy: nothing more is kept */

/* States of both machines after a path. */
struct bl_state {
	__u32 trie;
	__u32 dfa;
} __attribute__((aligned(8)));

/* A host mount of a superblock, as far as rules can reach below it. */
struct bl_alias {
	__u64 root;	       /* dentry that is mounted there */
	struct bl_state state; /* that the mount point's path leads to */
};

/* Racing looks may count wrong: it decides only what is worth remembering. */
struct bl_sight {
	__u64 what; /* address of a dentry, or of a directory: its superblock's key and inode number */
	__u64 looks;
};

/*
 * What the path of a directory leads to, found by its inode's number. It holds wherever a chain of
 * dentries has these names up to the root of a superblock with the same record: so a rename does
 * not make it stale, nor does the directory's going.
 */
struct bl_dir {
	__u64 super; /* key of the record; 0: nothing is known */
	__u64 inode; /* number */
	__u32 lock;  /* odd while written */
	__u8 depth;
	__u8 n_states;
	__u8 len[BL_DIR_DEPTH + 1];
	__u32 _pad;
	struct bl_state states[BL_DIR_STATES];
	__u64 name[BL_DIR_DEPTH][BL_SHORT_NAME_WORDS]; /* from the directory up */
	__u64 dentry[BL_DIR_DEPTH];
};

/* Inode storage on a superblock's root. The lock is as in struct bl_label. */
struct bl_super {
	__u32 lock;
	__u32 generation;
	__u64 event;	/* of the host's mount namespace */

	/* What a run takes a copy of. */
	__u64 key;	/* of what is mounted where; 0: nothing is kept of its directories */
	__u32 renames;
	__u32 n_aliases;
	__u32 prefix_len;
	__u8 trust;	/* enum bl_trust */
	__u8 moves;	/* 1: a rename above a mount point would change names here */
	__u8 parts;	/* 1: some mount shows only a part of it */
	__u8 overflow;	/* 1: names are missing */
	__u8 many;	/* 1: more aliases than fit: each object is looked at for those that show it */
	__u8 outside;	/* 1: what no alias shows no mount shows, and is named from the superblock's root on */
	struct bl_alias aliases[BL_ALIASES_MAX];
	char prefix[BL_PREFIX_BYTES]; /* host path of the first mount of its root */
};

/* Task storage. */
struct bl_subject {
	__u32 generation;
	__u32 euid; /* for the search only: see cred */
	__u64 exec_id;
	__u64 cred;
	__u32 egid;
	__u32 cred_stamp; /* with cred: these very credentials, not later ones at their address */
	__u64 print; /* fingerprint of bits; never 0 */
	__u64 cgroup; /* number */
	__u32 login;  /* audit's login uid */
	__u32 _pad;
	__u64 bits[BL_COND_WORDS];
};

/* Whose PID namespace is not the first one may be in a container. */
enum bl_called_by {
	BL_CALLED_PLAIN = 0,
	BL_CALLED_NESTED,
	_BL_CALLED_MAX,
};

/* The conditions that the names of a cgroup leave open, by one policy: by BL_CALLED_NESTED. */
struct bl_called {
	__u64 bits[_BL_CALLED_MAX][BL_COND_WORDS];
};

/*
 * Task storage: a program that is being started, the rules that hold of it if its arguments do, and of the
 * event that they would make what can't be found any more by then. From 7.2 on no storage is larger than
 * 8 KiB, so the file's path has one of its own.
 */
struct bl_exec {
	__u32 generation; /* 0: no such rule */
	__u32 _pad;
	__u64 pending[BL_COND_WORDS];
	struct bl_event event;
	char exe[BL_PATH_BYTES]; /* of who starts it */
};

struct bl_exec_path {
	char text[BL_PATH_BYTES];
};

/*
 * A program that a process came from, by a fingerprint of all but its number: what it was called is kept, and
 * not what rules said of that, since another policy says something else. Written here once, and by user space
 * of processes that were there before.
 */
struct bl_origin {
	__u64 inode;   /* of a file with several names, as in struct bl_linked_key; else 0 */
	__u32 dev;     /* of its superblock, where the host mounts that; else 0 */
	__u32 version;
	__u32 number;  /* from 1 */
	__u16 len;
	__u16 prefix_len; /* that many bytes are where its superblock is mounted, the rest is its name below */
	__u8 trust;    /* enum bl_trust */
	__u8 linked;
	__u8 pool;     /* of its owner, as of struct bl_linked */
	__u8 _pad[5];
	char path[BL_ORIGIN_BYTES]; /* zeroes behind it */
};

/* What rules of one policy ask for of a program that processes come from. User space makes it. */
struct bl_kin_sets {
	__u64 parent[BL_COND_WORDS];
	__u64 ancestor
		[BL_COND_WORDS]; /* under the number 0: the last number that all of this is known of */
};

enum bl_line_flags {
	BL_LINE_ANY = 1 << 0,	 /* some ancestor is not known: it may be any */
	BL_LINE_SHORT = 1 << 1,	 /* not all numbers are here: under another policy some may be any */
	BL_LINE_PARENT_ANY = 1 << 2,
	BL_LINE_OWN_ANY = 1 << 3,
};

/* The programs that a process comes from, by number; 0 of one: it has none, and is what BL_LINE_SHORT says. */
struct bl_line {
	__u32 n;
	__u32 flags;  /* enum bl_line_flags */
	__u16 parent; /* that of the process that forked it, as it was then */
	__u16 own;    /* its own */
	__u32 _pad;
	__u16 numbers[BL_LINE_MAX]; /* all that came before */
};

/*
 * Task storage of a process's first thread: made at the fork, changed at each exec and at no other time. It
 * holds if exec_id is the process's: it has started no program by which it was not looked at.
 */
struct bl_lineage {
	__u32 generation; /* of the policy that the bits are by; 0: none */
	__u32 words;	  /* of each bitset */
	__u64 exec_id;
	__u64 start;	  /* of the process, where user space says what it comes from; else 0 */
	struct bl_line line;
	/* Conditions that ask for such an ancestor or parent, and for one as this process is itself. */
	__u64 ancestor[BL_COND_WORDS];
	__u64 parent[BL_COND_WORDS];
	__u64 own_ancestor[BL_COND_WORDS];
	__u64 own_parent[BL_COND_WORDS];
};

/* What user space is told of each process. */
struct bl_process {
	__u32 tgid;
	__u32 ppid;
	__u64 exec_id;
	__u64 start;
	__u32 lineage; /* 1: 'line' is the process's */
	__u32 program; /* enum bl_process_program */
	struct bl_line line;
	struct bl_origin origin; /* but for its number */
};

enum bl_process_program {
	BL_PROCESS_NONE = 0, /* that a rule could name */
	BL_PROCESS_NAMED,
	BL_PROCESS_UNKNOWN,
};

#define BL_ASSOCIATED_MAX 16

/* Socket storage. A place is taken by counting on: whoever counts beyond the last one leaves it full. */
struct bl_associated {
	__u32 n;
	__u32 _pad;
	struct bl_peer peers[BL_ASSOCIATED_MAX];
};

/*
 * What was told of lately, and how often it came again since. Whoever brings 'state' from anything to BUSY has all
 * of it for himself until he gives it another state; else it changes by its number only.
 */
struct bl_fold {
	__u64 state; /* 0: free; BL_FOLD_BUSY; else the fingerprint's upper half with its lowest bit set, and
			below how many repeats nobody was told of */
	__u64 print;
	__u64 until; /* CLOCK_BOOTTIME: repeats are only counted */
	__u64 first; /* of these repeats */
	__u64 last;
	struct bl_event event; /* the record, as it was told */
	char strings[BL_FOLD_STRINGS];
};

#define BL_FOLD_BUSY 1

/* Cursor of the mount table's walk. */
struct bl_cursor {
	__u64 mount;
	__u64 dentry;
	__u32 state; /* enum bl_cursor_state */
	__u32 seen;  /* a host mount was found */
	__u32 whole; /* one that shows all of the superblock */
	__u32 parts; /* enum bl_parts */
};

/* What is kept of mounts that show a part of a superblock, at places that no rule reaches. */
enum bl_parts {
	BL_PARTS_MATTERING = 0,
	BL_PARTS_ALL, /* no mount shows all of it: what lies outside of the parts has no name but its own */
	BL_PARTS_TOO_MANY,
};

enum bl_cursor_state {
	BL_CURSOR_GOING = 0,
	BL_CURSOR_DONE,
	BL_CURSOR_BROKEN,
};

/*
 * One run's memory. The parts that the verifier checks on their own (global functions) get this
 * struct and nothing else, so what they need of the kernel's objects is here as addresses.
 */
struct bl_scratch {
	__u32 busy;
	__u32 generation; /* of the image that this run decides by */
	__u32 tables;	  /* enum bl_table_flags of that image */
	__u32 walk_end;	  /* enum bl_walk_end of the last walk */
	__u32 renames;	  /* rename_lock's sequence at that instant */
	__u32 level;	  /* component that a mount below the root is at */
	__u32 depth;	  /* of the dentry that 'dentries' are of: its components */
	__u32 narrow;	  /* 1: only mounts count that show one of them */
	__u32 unshown;	  /* 1: no mount of the host shows the object */
	__u32 strings_used;
	__u32 search;	  /* access mask that rules are searched for */
	__u32 access;	  /* the one for the record */
	__u32 passed;	  /* 1: no rule concerns the access */
	__u64 stamp;	  /* generation and epoch that this run began with */
	__u64 print;	  /* of the subject's conditions, 1 where the policy looks at none */

	__u64 sb;	  /* superblock being looked at, or that was last */
	__u64 sb_root;
	__u64 former;	  /* dentry whose name is gone: 'linked' has what comes of the one that is left */
	__u64 entry;	  /* first in the list of an inode's dentries */
	struct bl_state from; /* where the matching of one of a name's parts begins */
	__u64 part;	  /* what one of its mounts shows, looked for among a name's dentries */
	__u64 above;	  /* fingerprint of the dentries that mounts were looked for of */
	__u64 mount;	  /* cursor over its mounts, or the host's */
	__u32 ascends;	  /* 1: what is below that one was seen */
	__u32 super_of;	  /* generation of which 'super' is the record of 'sb', for further use; 0: none */
	__u64 mounts_end;
	__u64 groups;	  /* the subject's struct group_info */
	__u64 cgroup;	  /* cursor over cgroups */
	__u32 cgroup_level; /* of that cgroup: 0 is the root */
	__u32 nested;	  /* enum bl_called_by of the subject */
	__u64 capabilities; /* the subject's */
	struct bl_called called; /* what the names of a new cgroup come to */
	__u64 shown;	  /* as in struct bl_act; in a record's making the dentry, see bl_shown_find() */
	__u64 layer;	  /* dentry of a directory that an overlay opens; 0: it is none */
	__u64 unix_address; /* of a socket with an abstract name */
	__u64 args;	  /* user space address of a program's arguments that were not looked at yet */
	__u64 args_end;
	__u32 n_args;
	__u32 args_failed; /* 1: they could not be read */

	__u64 directory;  /* number of the inode that the last dentry is in */
	__u32 based;	  /* 1: 'states' are those of the directory that the walk's names are below */
	__u32 keep;	  /* 1: what the directory's path leads to is going to be kept */
	__u32 n_states;
	__u32 is_linked;  /* 'linked' is of the object: 1: it has several names; 2: it is as in layered */
	__u32 layered;	  /* 2: as in struct bl_act */
	__u32 settled;	  /* 1: nothing is being mounted, so that labels may be kept */
	__u32 mode;	  /* of an object that may have several names, and the device if it is one */
	__u32 rdev;
	__u32 own;	  /* as in struct bl_act */
	__u32 listing;	  /* 1: the directory above is open already */
	__u32 spilled;	  /* 1: 'linked' is what may be, not what is */
	__u32 exe_flags;  /* f_flags of the exe that is looked at */
	__u32 below;	  /* bytes of 'child'; 0: it is the dentry itself that is looked at */
	__u32 _pad;
	struct bl_state states[BL_ALIASES_MAX];

	struct bl_lists lists;	/* of a destination */
	struct bl_peer peer;

	struct bl_walk walk;
	struct bl_label label;	   /* of the object, and of an executable while it is looked at */
	struct bl_label object;	   /* the object's meanwhile */
	struct bl_linked linked;   /* what other names of the object come to */
	struct bl_super super;	   /* of the last dentry's superblock */
	struct bl_subject subject; /* where the task's own storage can't be had */
	struct bl_kin_sets kin;	   /* of what the subject comes from */
	struct bl_origin origin;   /* of a program that is started */
	__u64 origin_key;
	__u64 ancestor; /* task whose exe is looked at for a record */
	__u64 acted; /* fingerprint of what a record is about, besides its numbers */
	__u64 repeat; /* fingerprint of the record: what is the same again */
	__u32 fold;   /* the slot that is held for the record, from 1; 0: none */
	__u32 _pad_fold;
	__u32 unsettled; /* 1: what the subject comes from will be known the next moment */
	__u32 kin_flags; /* enum bl_line_flags of 'kin' */
	struct bl_cursor cursor;
	char name[BL_NAME_BYTES + 1];
	char child[BL_NAME_BYTES +
		   1]; /* what is named in the directory that is looked at, see bl_child_decide() */
	__u64 dentries[BL_DEPTH_MAX];
	struct bl_event event;
	char strings[BL_EVENT_STRINGS_MAX]; /* follows the event: one record */
};
