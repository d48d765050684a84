/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The one header that user space and the BPF programs both read: tables, keys, records, limits. */
#pragma once

#ifndef __bpf__
#include <assert.h>
#include <linux/types.h>
#include <stddef.h>
#endif

#define BL_ABI_VERSION 2

/* ---- limits ------------------------------------------------------------------------------- */

#define BL_CHUNK_SHIFT	    16
#define BL_CHUNK_BYTES	    (1u << BL_CHUNK_SHIFT) /* value size of the inner table map */
#define BL_PATH_BYTES	    4096		   /* longest in-superblock path text that is matched */
#define BL_NAME_BYTES	    255			   /* NAME_MAX, of what rules name */
#define BL_NAME_LONGEST	    1023		   /* of what is walked: 255 letters of UTF-16 take 765 */
#define BL_DEPTH_MAX	    256			   /* components walked; deeper is 'unresolved' */
#define BL_COND_MAX	    4096		   /* distinct subject conditions of a policy set */
#define BL_COND_WORDS	    (BL_COND_MAX / 64)
#define BL_ARGS_RULES_MAX \
	(BL_COND_MAX - 1)	/* rules with arguments: they are numbered like conditions */
#define BL_CANDS_MAX	    4096		   /* candidate rules of one object class */
#define BL_EXCEPTS_MAX	    256			   /* exceptions of one candidate */
#define BL_ALIASES_MAX	    16			   /* host mounts of one superblock that rules can reach */
#define BL_CLASSES_MAX	    6			   /* classes that one object's names can add up to */
#define BL_HASH_WORDS	    65			   /* 64 words of four name bytes, one more for the state */
#define BL_BUCKET_SLOTS	    4
#define BL_PREFIX_LENS_MAX  32			   /* distinct prefix lengths of one address family */
#define BL_FAMILIES	    64			   /* the kernel has 46 */
#define BL_COMM_BYTES	    16
#define BL_CAPS		    64			   /* the kernel has 41 capabilities */

/* ---- words -------------------------------------------------------------------------------- */

enum bl_op {
	BL_OP_EXEC = 1,
	BL_OP_OPEN,
	BL_OP_CONNECT,
	_BL_OP_MAX,
};

/* Ordered by strictness; 0 is no verdict, so zeroed memory neither grants nor hides anything. */
enum bl_verdict {
	BL_VERDICT_UNSET = 0,
	BL_VERDICT_ALLOW,
	BL_VERDICT_ALERT,
	BL_VERDICT_WOULD_DENY,
	BL_VERDICT_WOULD_KILL,
	BL_VERDICT_DENY, /* from here on it is refused */
	BL_VERDICT_KILL, /* ... and who tried is killed */
	_BL_VERDICT_MAX,
};

/* What is done to an opened object; the bits of a rule's and of an event's access mask. */
enum bl_access {
	BL_ACCESS_READ = 1 << 0,
	BL_ACCESS_WRITE = 1 << 1,
	BL_ACCESS_CREATE = 1 << 2,
	BL_ACCESS_DELETE = 1 << 3,
	BL_ACCESS_ATTRIBUTES = 1 << 4,
	BL_ACCESS_EXEC = 1 << 5, /* every exec asks for it; of a rule: whatever the file is */
	/* To a unix socket: its rules are among those on opening its path. */
	BL_ACCESS_CONNECT = 1 << 6,
	/* No word of the language: taking away a name that a rule goes by. */
	BL_ACCESS_MOVE = 1 << 7,
};
#define BL_ACCESS_MODIFY \
	(BL_ACCESS_WRITE | BL_ACCESS_CREATE | BL_ACCESS_DELETE | BL_ACCESS_ATTRIBUTES)
#define BL_ACCESS_ANY (BL_ACCESS_READ | BL_ACCESS_MODIFY)

/*
 * What a rule on exec can ask of the file beyond its name: its access mask, where it has "file". An exec
 * asks for BL_ACCESS_EXEC and for those that hold, so that a rule's candidate is found as by any access.
 */
enum bl_fact {
	BL_FACT_MEMFD = 1 << 0,	   /* on a kernel-internal shmem or hugetlbfs mount */
	BL_FACT_DELETED = 1 << 1,  /* no name is left, and it is no memfd */
	BL_FACT_TMPFS = 1 << 2,	   /* on a tmpfs or ramfs that is no kernel-internal one */
	BL_FACT_SETUID = 1 << 3,   /* set-user-ID, or set-group-ID with group execute */
	BL_FACT_WRITABLE = 1 << 4, /* by others */
	BL_FACT_SCRIPT = 1 << 6,   /* begins with #!; or asked about by AT_EXECVE_CHECK */
};
#define BL_FACT_ANY                                                                          \
	(BL_FACT_MEMFD | BL_FACT_DELETED | BL_FACT_TMPFS | BL_FACT_SETUID | BL_FACT_WRITABLE | \
	 BL_FACT_SCRIPT)

/*
 * Of a candidate among those of an exec, and of an event: to take hold of a process that runs the file. No
 * word of the language: where an exception is for a program, whoever the rule holds for could act as it.
 */
#define BL_ACCESS_TRACE (1 << 7)

/* The access mask of connect rules: classes of transport protocols. */
enum bl_proto {
	BL_PROTO_TCP = 1 << 0, /* MPTCP included: it talks to plain TCP servers */
	BL_PROTO_UDP = 1 << 1, /* UDP-Lite included */
	BL_PROTO_SCTP = 1 << 2,
	BL_PROTO_DCCP = 1 << 3,
	BL_PROTO_ICMP = 1 << 4, /* ICMPv6 included; ping sockets and raw sockets of that protocol */
	BL_PROTO_OTHER = 1 << 5,
	BL_PROTO_NONE =
		1
		<< 6, /* as BL_ACCESS_CONNECT; the only bit where the family is neither inet nor inet6 */
	BL_PROTO_RAW = 1 << 7,	/* beside the socket's own: raw sockets can send any protocol */
};
#define BL_PROTO_ANY 0xbf /* of inet and inet6 */

/*
 * What decides which hooks are needed: bits of header.ops are 1 << enum bl_op, and of what connect
 * rules are about:
 */
#define BL_OPS_IP     (1u << 8) /* some is about inet or inet6 */
#define BL_OPS_FAMILY (1u << 9) /* some is about a family other than these and unix */
#define BL_OPS_UNIX   (1u << 10) /* some is about unix sockets */
#define BL_OPS_ARGS   (1u << 11) /* some exec rule asks for arguments */
#define BL_OPS_TRACE  (1u << 12) /* some rule has an exception for a program */

/* The names of socket families: the kernel's AF_* (include/linux/socket.h) in small letters. */
/* clang-format off */
#define BL_FAMILIES_EACH(x) \
	x(1, "unix") \
	x(2, "inet") \
	x(3, "ax25") \
	x(4, "ipx") \
	x(5, "appletalk") \
	x(6, "netrom") \
	x(7, "bridge") \
	x(8, "atmpvc") \
	x(9, "x25") \
	x(10, "inet6") \
	x(11, "rose") \
	x(12, "decnet") \
	x(13, "netbeui") \
	x(14, "security") \
	x(15, "key") \
	x(16, "netlink") \
	x(17, "packet") \
	x(18, "ash") \
	x(19, "econet") \
	x(20, "atmsvc") \
	x(21, "rds") \
	x(22, "sna") \
	x(23, "irda") \
	x(24, "pppox") \
	x(25, "wanpipe") \
	x(26, "llc") \
	x(27, "ib") \
	x(28, "mpls") \
	x(29, "can") \
	x(30, "tipc") \
	x(31, "bluetooth") \
	x(32, "iucv") \
	x(33, "rxrpc") \
	x(34, "isdn") \
	x(35, "phonet") \
	x(36, "ieee802154") \
	x(37, "caif") \
	x(38, "alg") \
	x(39, "nfc") \
	x(40, "vsock") \
	x(41, "kcm") \
	x(42, "qipcrtr") \
	x(43, "smc") \
	x(44, "xdp") \
	x(45, "mctp")
/* clang-format on */

/* ---- tables ------------------------------------------------------------------------------- */

/*
 * A policy set is one image of plain bytes, cut into chunks of BL_CHUNK_BYTES: the elements of
 * one inner array map. Every reference is a byte offset from the start of the image; 0 is 'none',
 * since the header is there. No record, hash bucket, DFA row or list element crosses a chunk
 * boundary, and each is aligned to its size (a power of two: class, list, candidate and address
 * class 16, bucket 64, bitsets 8, exceptions and DFA rows 4), so that a masked offset is a
 * checked one. All integers are in host order. bl_tables_verify() in policy/ checks all of this
 * before an image is loaded, so that the kernel's loops don't have to.
 */
#define BL_TABLES_MAGIC 0x314c4142u /* "BAL1" */

/*
 * Fingerprints: two independent multilinear hashes (strongly universal; Lemire and Kaser,
 * 'Strongly universal string hashing is fast', 2014) over little-endian 32-bit words, the last
 * one padded with zero bytes (a name holds no NUL, so padding is unambiguous):
 *   h[j] = key[j][0]*word_0 + key[j][1]*word_1 + ... (mod 2^64);  fp = (h[0]>>32)<<32 | h[1]>>32
 * For a trie edge: words of the component (at most 64), and then key[j][64]*(u32)node is added.
 * For an address: word 0..3 of the address as stored in struct bl_prefix_key (bits beyond the
 * prefix zero), word 4 the prefix length (plus 256 for IPv6), word 5 BL_FP_ADDRESS. For a port pair: word 0 the address class, word 1 the port class,
 * word 5 BL_FP_PORT. The keys are random for each load, so that nobody can search for collisions.
 * fp 0 marks an empty slot: keys that make one come out as 0 are replaced, as are those by which
 * two are the same.
 */
#define BL_FP_ADDRESS 0x61646472u
#define BL_FP_PORT    0x706f7274u

/*
 * Cuckoo table with two buckets for a key: fp & mask and (fp >> 32) & mask. A bucket's
 * overflow is nonzero when a key whose first bucket this is lives in its second one, so that
 * most misses cost one bucket.
 */
struct bl_bucket {
	__u64 fp[BL_BUCKET_SLOTS];
	__u32 value[BL_BUCKET_SLOTS];
	__u32 overflow;
	__u32 _pad[3];
};

struct bl_hash {
	__u32 offset; /* of bucket 0; 0: empty table */
	__u32 mask;   /* buckets - 1, a power of two less one */
};

/*
 * The component trie. Node ids are dense, 0 is invalid, 1 is the root; nodes are an array of
 * struct bl_trie_node (4096 a chunk). An edge (node, component) -> node is in the trie hash.
 * What an edge leads to has BL_TRIE_LEAF set where no edge goes on from there. A state with
 * BL_TRIE_BELOW set has left the trie below that node: no literal can match any more. There is a root
 * wherever there are rules about paths.
 */
#define BL_TRIE_ROOT  1u
#define BL_TRIE_BELOW 0x80000000u
#define BL_TRIE_LEAF  0x40000000u
#define BL_TRIE_NODE  0x3fffffffu /* the node's id */

struct bl_trie_node {
	__u32 term;  /* class (offset of struct bl_class) of the path that ends here */
	__u32 below; /* class of a path that goes on below here and finds no edge */
	__u32 dfa;   /* state that the DFA is in after the node's path; 0: dead, or no DFA */
	__u32 _pad;
};

/*
 * The DFA over the path's bytes ("/usr/bin/x"; the root directory is ""), or over a NUL and those of an
 * abstract name of a unix socket or of an argument: of such a class open_list is of sockets, exec_list
 * of arguments. A state is the byte offset of its row; row[0] is its class (or 0), row[1 + byte_class[b]] the next state. State 0 is
 * dead: nothing matches any more. No row leads to it, though: the dead state has a row as well, a
 * sink without a class, so that a block of bytes is walked without a look at the state. A row with
 * BL_DFA_SINK in its class word never changes its class whatever follows.
 */
#define BL_DFA_SINK 0x80000000u

/* The classes of paths: distinct sets of patterns that match. Offset 0 is the empty set. */
struct bl_class {
	__u32 exec_list; /* offset of struct bl_list */
	__u32 open_list; /* offset of struct bl_list */
	__u32 exe_bits;	 /* offset of BL_COND words: subject conditions whose exe this is; 0: none */
	__u16 open_access; /* union of the access masks of open_list */
	__u16 exec_access; /* ... and of exec_list, with the facts that exceptions there ask for */
	/*
	 * Class of the same paths on a file system of another user namespace, where whoever made that says what is
	 * called how: no exception with a path holds. 0: it comes to the same.
	 */
	__u32 untrusted;
	__u32 parent_bits;   /* as exe_bits: subject conditions whose parent this is ... */
	__u32 ancestor_bits; /* ... or an ancestor of theirs */
	__u32 _pad;
};

/*
 * Candidate rules of a class, strictest first; struct bl_cand[count] follows directly. A list may
 * go on over a chunk's end (its elements don't cross it: both structs are 16-byte aligned).
 */
struct bl_list {
	__u32 count;
	__u32 access; /* union of the entries' access masks */
	__u32 _pad[2];
};

/*
 * A rule that asks for arguments has two candidates. The one among the file's, which come last, has no
 * verdict: it says by its rank, which is the rule's number from 1, that the arguments matter. The other
 * one is in the list of what an argument is; its condition is that number.
 */
struct bl_cand {
	__u32 rule;    /* index in the policy set; names are user space's business */
	__u16 cond;    /* subject condition that must hold */
	__u8 verdict;  /* enum bl_verdict */
	__u8 access;   /* mask: enum bl_access; BL_ACCESS_EXEC, BL_ACCESS_TRACE or enum bl_fact; enum bl_proto */
	__u32 excepts; /* offset of struct bl_except[], the last one marked; 0: none */
	__u32 rank;    /* among equally strict rules the smallest wins: severity, then id */
};

/* An exception of a rule whose object part is known to hold for the class at hand. */
struct bl_except {
	__u16 cond;
	__u8 access; /* mask that the asked access must intersect; 0xff: any */
	__u8 flags;  /* enum bl_except_flags */
};

enum bl_except_flags {
	BL_EXCEPT_LAST = 1 << 0,  /* no further exception follows */
	BL_EXCEPT_WHOLE =
		1 << 1, /* one bit in common takes out all: facts of one file, not accesses */
};

/*
 * What a process is called by its cgroup. The DFA matches each after a byte of its own, which no path and no
 * other text begins with; exe_bits of the class are the conditions whose name it is.
 */
enum bl_name {
	BL_NAME_UNIT = 1,
	BL_NAME_SLICE,
	BL_NAME_CONTAINER, /* nothing more: in none; else a '/' and the id, which may be empty */
	BL_NAME_CGROUP,	   /* a path; of the root nothing more */
	_BL_NAME_MAX,
};

/*
 * Subject conditions: bit c of a bitset is condition c; condition 0 always holds. A task's bits:
 *   (exe_any | OR of bl_class.exe_bits of its executable) & uid_bits & OR of gid_bits & login_bits &
 *   OR of its capabilities' bits & for each kind of name (names_any | bl_class.exe_bits of the name) &
 *   (parent.any | OR of parent_bits of its parent's) & (ancestor.any | OR of ancestor_bits of its ancestors')
 * where an executable that is on no host-known superblock counts without the grant bits, and one
 * on an untrusted superblock not at all. A parent or an ancestor of which nothing is known may be any: it
 * stands for all conditions that ask for one, but for the grant bits.
 * Ranges are sorted arrays of struct bl_range_bits that cover 0..2^32-1 without gaps: binary
 * search by first.
 */
struct bl_range_bits {
	__u32 first; /* the first id of this range; the range ends before the next one's */
	__u32 bits;  /* offset of cond_words words */
};

struct bl_ranges {
	__u32 offset; /* of struct bl_range_bits[count]; one chunk at most */
	__u32 count;
};

/* Longest-prefix match by binary search over the distinct prefix lengths, with markers. */
struct bl_prefix_key {
	__u32 word[4]; /* network byte order bytes as loaded; IPv4: word[0], the rest 0 */
};

/*
 * Value of an address slot: offset of struct bl_prefix. A pure marker has best = the class of the
 * longest real prefix that covers it. Search: lo=0, hi=n_lens; probe the middle length; a hit
 * remembers 'best' and goes on with longer lengths, a miss with shorter ones.
 */
struct bl_prefix {
	__u32 best; /* offset of struct bl_addr_class, or 0 */
	__u32 _pad;
};

struct bl_addr_class {
	__u32 list;    /* candidates when the port decides nothing more; 0: none */
	__u32 id;      /* dense from 1; for the (class, port class) fingerprint */
	__u32 by_port; /* 1: look up (id, port class) first; a miss means 'list' */
	__u32 _pad;
};

struct bl_lens {
	__u32 n;
	__u8 len[BL_PREFIX_LENS_MAX]; /* ascending */
};

enum bl_table_flags {
	BL_TABLES_SUBJECTS = 1 << 0, /* some condition other than 0 exists */
	BL_TABLES_GIDS = 1 << 1,     /* some condition looks at groups */
	BL_TABLES_EXES = 1 << 2,     /* some condition looks at the executable */
	BL_TABLES_DENIES = 1 << 3,   /* some candidate denies or kills */
	BL_TABLES_LOGINS = 1 << 4,   /* some condition looks at who has logged in */
	BL_TABLES_CAPS = 1 << 5,     /* ... at capabilities */
	BL_TABLES_CGROUPS = 1 << 6,  /* ... at names that the cgroup gives */
	BL_TABLES_DESCENT = 1 << 12, /* some condition looks at parents or ancestors */
};

/* Whose executable a condition asks for. */
enum bl_kin {
	BL_KIN_SELF = 0,
	BL_KIN_PARENT,
	BL_KIN_ANCESTOR,
	_BL_KIN_MAX,
};

/* Bitsets of what processes that one comes from are asked for. */
struct bl_kin_bits {
	__u32 any;   /* conditions that don't ask for them */
	__u32 grant; /* conditions of exceptions that do */
};

struct bl_header {
	__u32 magic;
	__u32 abi;
	__u32 generation; /* set by publish; never 0 */
	__u32 flags;	  /* enum bl_table_flags */
	__u32 bytes;	  /* of the whole image, a multiple of BL_CHUNK_BYTES */
	__u32 ops;	  /* 1 << enum bl_op: operations that some rule mentions; and BL_OPS_ */
	__u32 accesses;	  /* union of the access masks of all open rules, and BL_ACCESS_CONNECT */
	__u32 cond_words; /* 64-bit words of a bitset, 1..BL_COND_WORDS */

	struct bl_hash trie;
	__u32 nodes;   /* offset of struct bl_trie_node[n_nodes]; 0: no trie */
	__u32 n_nodes; /* nodes[0] is unused */

	__u32 dfa_start; /* 0: no DFA */
	__u32 n_byte_classes;

	__u32 exe_any;	   /* bitset: conditions that don't ask for an executable */
	__u32 exe_grant;   /* bitset: conditions of exceptions that do ask for one */
	struct bl_kin_bits parent;   /* the same of the process that a process was forked by */
	struct bl_kin_bits ancestor; /* ... and of all that came before it */
	__u32 open_deep;   /* lists for a path that can't be resolved because it is too long or deep: */
	__u32 exec_deep;   /*   every rule whose pattern can match one; 0: none */
	__u32 open_lost;   /* lists for an object whose name can't be known (disconnected): */
	__u32 exec_lost;   /*   every path rule; 0: none */
	__u32 exec_pseudo; /* list for a file that no path can name: exec rules without one; 0: none */
	struct bl_ranges uids;
	struct bl_ranges gids;
	struct bl_ranges logins;
	struct bl_ranges caps; /* capabilities; BL_CAPS is what every process has */
	__u32 names_any
		[_BL_NAME_MAX]; /* bitsets: conditions that don't ask for such a name; by enum bl_name */
	__u32 names_grant; /* bitset: conditions of exceptions that ask for any such name */

	struct bl_hash addrs;	  /* fingerprint of a prefix -> offset of struct bl_prefix */
	struct bl_hash ports;	  /* (address class, port class) -> offset of struct bl_list */
	struct bl_lens v4;
	struct bl_lens v6;
	__u32 port_classes;	  /* offset of __u16[65536]... see below; 0: no rule looks at ports */
	__u32 port_lists;	  /* offset of __u32[n_port_classes]: lists of rules for any address */
	__u32 n_port_classes;
	__u32 family_lists;	  /* offset of __u32[BL_FAMILIES]: lists by AF_*; 0: none is named */
	__u32 n_args;		  /* rules that ask for arguments */

	__u8 byte_class[256];	  /* DFA alphabet */
	__u64 key[2][BL_HASH_WORDS];
	__u8 digest[32];	  /* SHA-256 over the canonical policy set: independent of key and generation */
};

/*
 * port_classes: 65536 entries of __u16 would straddle a chunk, so they are two consecutive
 * chunk-aligned chunks of 32768 entries: entry p is at port_classes + 2*p.
 * port_lists: candidates of the rules without 'to'; a connect has two lists, that of its address
 * class and that of its port class; the strictest match of both wins. An IPv6 address that a gateway
 * or tunnel takes for an IPv4 address is looked up as that, too: it has a third list.
 * family_lists: candidates of the rules about families that have no address here: a list is that of
 * everything that names the family, its candidates have the access BL_PROTO_NONE.
 */

/* ---- events ------------------------------------------------------------------------------- */

enum bl_event_kind {
	BL_EVENT_VERDICT = 1,
	_BL_EVENT_MAX,
};

enum bl_hook {
	BL_HOOK_BPRM_CHECK = 1,
	BL_HOOK_BPRM_CREDS, /* AT_EXECVE_CHECK */
	BL_HOOK_MMAP,
	BL_HOOK_MPROTECT,
	BL_HOOK_FILE_OPEN,
	BL_HOOK_CREATE,
	BL_HOOK_MKDIR,
	BL_HOOK_MKNOD,
	BL_HOOK_SYMLINK,
	BL_HOOK_LINK,
	BL_HOOK_UNLINK,
	BL_HOOK_RMDIR,
	BL_HOOK_RENAME,
	BL_HOOK_SETATTR,
	BL_HOOK_SETXATTR,
	BL_HOOK_CONNECT,
	BL_HOOK_SENDMSG,
	BL_HOOK_REMOVEXATTR,
	BL_HOOK_SET_ACL,
	BL_HOOK_REMOVE_ACL,
	BL_HOOK_IOCTL,
	BL_HOOK_SOCKET_CREATE,
	BL_HOOK_SCTP_CONNECT,
	BL_HOOK_UNIX_CONNECT,
	BL_HOOK_UNIX_SEND,
	BL_HOOK_IOCTL_COMPAT,
	BL_HOOK_FILE_SETATTR,
	BL_HOOK_MMAP_BACKING,
	BL_HOOK_FILE_RECEIVE,
	BL_HOOK_BPRM_COMMITTED, /* the arguments of a program that is about to run */
	BL_HOOK_PTRACE_ACCESS,
	BL_HOOK_PTRACE_TRACEME,
	BL_HOOK_READ_FILE, /* what becomes the kernel's own code */
	BL_HOOK_CONN_ESTABLISHED, /* of the kernel itself: it is told, and can't be refused */
	BL_HOOK_SB_MOUNT,	  /* a file system's block device */
	BL_HOOK_SB_REMOUNT,
	BL_HOOK_QUOTA_ON,
	_BL_HOOK_MAX,
};

enum bl_event_flags {
	BL_EF_HOST = 1 << 0,	    /* path is the host's own name of the object */
	BL_EF_CONTAINER = 1 << 1,   /* path is within a superblock that the host doesn't mount */
	BL_EF_UNTRUSTED = 1 << 2,   /* ... of another user namespace */
	BL_EF_TOO_DEEP = 1 << 3,    /* path is incomplete: too many components or bytes */
	BL_EF_LOST = 1 << 4,	    /* path is incomplete: disconnected from its root */
	BL_EF_EXE_CUT = 1 << 5,	    /* exe is incomplete */
	BL_EF_PARENT_CUT = 1 << 6,  /* parent's exe is incomplete */
	BL_EF_KTHREAD = 1 << 7,	    /* a kernel thread acts */
	BL_EF_PSEUDO = 1 << 8,	    /* the object lives on a kernel-internal file system (memfd, pipe) */
	BL_EF_CGROUP_CUT = 1 << 9, /* cgroup path is incomplete */
	BL_EF_SPARED = 1 << 10,    /* the rule kills, but not PID 1 nor a kernel thread */
	/* The kernel acts on a packet; the process is one that it interrupted. */
	BL_EF_INTERRUPT = 1 << 11,
	BL_EF_ARGUMENT_CUT = 1 << 12, /* argument is incomplete */
	BL_EF_CWD_CUT = 1 << 13,      /* working directory is incomplete, or had no room */
	BL_EF_ARGV_CUT = 1 << 14,     /* the process's arguments are, or they could not be read */
	BL_EF_ANCESTORS_CUT = 1 << 15, /* some ancestor's exe is, or had no room */
};

#define BL_ABOVE_MAX  4 /* ancestors beyond the parent */
#define BL_ARGV_BYTES	 1024

/* Of those above the parent; pid 0: there is none. */
struct bl_ancestor {
	__u32 pid;
	__u16 exe_len;
	__u16 _pad;
};

/*
 * One verdict. The strings follow the fixed part, without NULs but for those between the process's arguments, in the
 * order path, exe, parent exe, cgroup path, argument, working directory, the process's arguments, exes of ancestors;
 * size is the whole record's. Zeroed before it is filled.
 */
struct bl_event {
	__u16 abi;
	__u16 kind;	  /* enum bl_event_kind */
	__u32 size;
	__u32 cpu;
	__u32 generation; /* policy set that decided */
	__u64 seq;	  /* per CPU, from 1, counts the lost ones too */
	__u64 time_ns;	  /* CLOCK_BOOTTIME */
	__u64 start_ns;	  /* boot-time start of the thread group */
	__u64 folded;	  /* repeats that this record tells of besides */
	__u64 since_ns;	  /* CLOCK_BOOTTIME of the first of them; 0: there are none */

	__u32 rule;
	__u32 others;	  /* further rules that matched */
	__u32 flags;	  /* enum bl_event_flags */
	__u8 op;	  /* enum bl_op */
	__u8 verdict;	  /* enum bl_verdict */
	__u8 access;	  /* enum bl_access asked for, or enum bl_proto */
	__u8 hook;	  /* enum bl_hook */

	__u32 pid;	  /* thread group, initial namespace */
	__u32 tid;
	__u32 ppid;
	__u32 uid;
	__u32 euid;
	__u32 gid;
	__u32 egid;
	__u32 login_uid;  /* audit; ~0: unset */
	__u32 session;	  /* audit; ~0: unset */
	__s32 ret;	  /* what the hook answered: 0 or -EPERM */

	__u64 cgroup_id;
	__u64 inode;
	__u32 dev_major;
	__u32 dev_minor;
	__u32 mode;	  /* i_mode of the object */
	__u32 owner;	  /* its uid */

	__u8 addr[16];	  /* destination as stored; IPv4 in the first four bytes */
	__u16 port;	  /* host order */
	__u16 family;	  /* AF_* of a connect: the address's, or the socket's; 0: not a connect */
	__u16 protocol;	  /* IPPROTO_* of the socket */
	__u8 facts;	  /* enum bl_fact: what holds of the file of an exec */
	__u8 _pad0;

	char comm[BL_COMM_BYTES];
	char parent_comm[BL_COMM_BYTES];

	__u16 path_len;
	__u16 exe_len;
	__u16 parent_exe_len;
	__u16 cgroup_len;

	__u16 argument_len; /* of the one that the rule asks for; only where the hook is bprm_committed_creds */
	__u16 cwd_len;
	__u16 argv_len; /* of the process that acts: each argument with a NUL behind it, but maybe the last one */
	__u16 _pad1;

	__u64 parent_start_ns;
	__u64 capabilities; /* effective ones */
	__u32 pid_ns;	    /* inode numbers of its namespaces */
	__u32 mnt_ns;
	__u32 net_ns;
	__u32 user_ns;
	__u32 inner_pid; /* thread group in its own pid namespace */
	__u32 _pad2;
	char fs_type[16]; /* of the object's superblock */
	struct bl_ancestor ancestors[BL_ABOVE_MAX];
};

/* Of one CPU's records: missing are highest - arrived, whatever the order in which they arrive. */
struct bl_progress {
	__u64 highest; /* sequence number that was read */
	__u64 arrived;
};

/* Elements before those of the CPUs. */
enum bl_progress_index {
	BL_PROGRESS_TOLD =
		0, /* losses that were told of: in 'highest' for want of room, in 'arrived' of scratch */
	BL_PROGRESS_WAITING,  /* in 'highest': events that were read, and that journald has not taken; in
				 'arrived' the repeats that they tell of */
	/* As TOLD: in 'highest' for being more than a rule may make, in 'arrived' the repeats of what was lost. */
	BL_PROGRESS_TOLD_MORE,
	BL_PROGRESS_SERIES, /* in 'highest': a random name for these numbers; 'arrived' has BL_SERIES_MAGIC then */
	BL_PROGRESS_CPUS,
};

/* What the program that tells of folded repeats is given. */
struct bl_sweep {
	__u64 all; /* 1: also of those that may come again */
};

#define BL_SERIES_MAGIC 0x7365726965730001ull

#define BL_EVENT_STRINGS_MAX (4 * BL_PATH_BYTES) /* the argument has what the others leave */

/* Counters, one array element each (per CPU); names in audit/. Only ever grow. */
enum bl_counter {
	BL_COUNT_EVENTS = 0,	  /* records written to the ring */
	BL_COUNT_LOST_RING,	  /* records lost: no room in the ring */
	BL_COUNT_LOST_SCRATCH,	  /* records lost: no scratch buffer on this CPU */
	BL_COUNT_DENIED,	  /* operations refused */
	BL_COUNT_ALERTED,	  /* operations reported and let through */
	BL_COUNT_WALK_RETRIES,	  /* path walks repeated because of a rename */
	BL_COUNT_WALK_FAILED,	  /* ... given up: failed closed */
	BL_COUNT_EXE_KEPT,	  /* attempts to change what a process's executable is, refused */
	BL_COUNT_FAILED_CLOSED,	  /* operations refused because no verdict could be computed */
	BL_COUNT_LINKS_FULL,	  /* objects with several names that could not be kept */
	BL_COUNT_ANCESTORS_LOST,  /* programs and processes of which what comes from them can't be kept */
	BL_COUNT_CGROUPS_LOST,	  /* cgroups whose names can't be kept: they may be any */
	BL_COUNT_LOGIN_KEPT,	  /* attempts to say who has logged in, refused */
	BL_COUNT_MOUNTS,	  /* changes of the host's mount table, or attempts of who may */
	BL_COUNT_FOLDED,	  /* repeats of what was told of, that were only counted */
	BL_COUNT_UNFOLDED,	  /* ... of which some record has told since, or was lost */
	BL_COUNT_LOST_LIMIT,	  /* records lost: more of their rule than it may make */
	BL_COUNT_LOST_REPEATS,	  /* repeats that records which were lost would have told of */
	_BL_COUNT_MAX,
};

#ifndef __bpf__
static_assert(sizeof(struct bl_bucket) == 64, "one bucket is one cache line");
static_assert(sizeof(struct bl_trie_node) == 16, "abi");
static_assert(sizeof(struct bl_class) == 32, "abi");
static_assert(sizeof(struct bl_list) == 16, "abi");
static_assert(sizeof(struct bl_cand) == 16, "abi");
static_assert(sizeof(struct bl_except) == 4, "abi");
static_assert(sizeof(struct bl_addr_class) == 16, "abi");
static_assert(sizeof(struct bl_event) % 8 == 0, "strings follow aligned");
static_assert(sizeof(struct bl_header) <= BL_CHUNK_BYTES / 4, "header fits the first chunk");
#endif
