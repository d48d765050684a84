/* SPDX-License-Identifier: Apache-2.0 */
/* Ring buffer records as the kernel side makes them, for the tests of the audit room. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "abi.h"

/* event is the fixed part, texts what follows it; record_seal() makes bytes of them. */
struct record {
	struct bl_event event;
	char texts[BL_EVENT_STRINGS_MAX];
	size_t texts_len;
	char bytes[sizeof(struct bl_event) + BL_EVENT_STRINGS_MAX];
	size_t size;
};

static inline void record_seal(struct record *record)
{
	record->size = sizeof(record->event) + record->texts_len;
	record->event.size = (__u32)record->size;
	memcpy(record->bytes, &record->event, sizeof(record->event));
	memcpy(record->bytes + sizeof(record->event), record->texts, record->texts_len);
}

static inline void record_add(struct record *record, __u16 *len, const void *bytes, size_t n)
{
	memcpy(record->texts + record->texts_len, bytes, n);
	record->texts_len += n;
	*len = (__u16)n;
}

/* Gives the record its texts anew; an argument it has none. */
static inline void record_texts(struct record *record, const char *path, size_t path_len,
				const char *exe, size_t exe_len, const char *cgroup)
{
	static const char parent[] = "/usr/sbin/nginx";

	record->texts_len = 0;
	record_add(record, &record->event.path_len, path, path_len);
	record_add(record, &record->event.exe_len, exe, exe_len);
	record_add(record, &record->event.parent_exe_len, parent, sizeof(parent) - 1);
	record_add(record, &record->event.cgroup_len, cgroup, strlen(cgroup));
	record_seal(record);
}

static inline void record_common(struct record *record)
{
	memset(record, 0, sizeof(*record));
	record->event.abi = BL_ABI_VERSION;
	record->event.kind = BL_EVENT_VERDICT;
	record->event.cpu = 3;
	record->event.generation = 12;
	record->event.seq = 7;
	record->event.time_ns = 1000000000123456ull;
	record->event.start_ns = 999000000000000ull;
	record->event.rule = 5;
	record->event.others = 1;
	record->event.verdict = BL_VERDICT_DENY;
	record->event.ret = -EPERM;
	record->event.pid = 812;
	record->event.tid = 813;
	record->event.ppid = 600;
	record->event.uid = 33;
	record->event.euid = 34;
	record->event.gid = 35;
	record->event.egid = 36;
	record->event.login_uid = 1000;
	record->event.session = 2;
	record->event.cgroup_id = 4321;
	memcpy(record->event.comm, "bash", 4);
	memcpy(record->event.parent_comm, "nginx", 5);
}

/* A denied exec of /tmp/x by bash in nginx.service. */
static inline void record_exec(struct record *record)
{
	record_common(record);
	record->event.flags = BL_EF_HOST;
	record->event.op = BL_OP_EXEC;
	record->event.access = BL_ACCESS_EXEC;
	record->event.hook = BL_HOOK_BPRM_CHECK;
	record->event.inode = 99;
	record->event.dev_major = 254;
	record->event.dev_minor = 1;
	record->event.mode = 0100755;
	record->event.owner = 1001;
	record_texts(record, "/tmp/x", 6, "/usr/bin/bash", 13, "/system.slice/nginx.service");
}

/* Adds what is said of who acts: a directory, arguments with a NUL behind each, and two ancestors. */
static inline void record_context(struct record *record, const char *argv, size_t argv_len)
{
	record->event.parent_start_ns = 998000000000000ull;
	record->event.capabilities = 0x3fful;
	record->event.pid_ns = 4026531836u;
	record->event.mnt_ns = 4026531841u;
	record->event.net_ns = 4026531840u;
	record->event.user_ns = 4026531837u;
	record->event.inner_pid = 12;
	memcpy(record->event.fs_type, "ext4", 4);
	record_add(record, &record->event.cwd_len, "/srv/ww", 7);
	record_add(record, &record->event.argv_len, argv, argv_len);
	record->event.ancestors[0].pid = 590;
	record_add(record, &record->event.ancestors[0].exe_len, "/sbin/a\n", 8);
	record->event.ancestors[1].pid = 1;
	record_add(record, &record->event.ancestors[1].exe_len, "/sbin/init", 10);
	record_seal(record);
}

/* Makes an exec one that is killed for an argument. */
static inline void record_argument(struct record *record, const char *argument)
{
	record->event.hook = BL_HOOK_BPRM_COMMITTED;
	record->event.verdict = BL_VERDICT_KILL;
	record->event.ret = 0;
	record_add(record, &record->event.argument_len, argument, strlen(argument));
	record_seal(record);
}

/* A denied connect to 192.0.2.1, TCP port 443. */
static inline void record_connect(struct record *record)
{
	record_common(record);
	record->event.op = BL_OP_CONNECT;
	record->event.access = BL_PROTO_TCP;
	record->event.hook = BL_HOOK_CONNECT;
	record->event.family = AF_INET;
	record->event.port = 443;
	record->event.protocol = IPPROTO_TCP;
	inet_pton(AF_INET, "192.0.2.1", record->event.addr);
	record_texts(record, "", 0, "/usr/bin/curl", 13, "/system.slice/nginx.service");
}
