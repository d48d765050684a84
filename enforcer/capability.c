/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities of this process, by the kernel's own calls. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capability.h"

struct sets {
	struct __user_cap_data_struct word[2];
};

static int get(struct sets *ret)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capget, &header, ret->word) < 0 ? -errno : 0;
}

uint64_t bl_capability_effective(void)
{
	struct sets sets;

	if (get(&sets) < 0)
		return 0;
	return sets.word[0].effective | (uint64_t)sets.word[1].effective << 32;
}

/* The bounding set goes capability by capability; EINVAL: the kernel knows no more of them. */
static int drop_bounding(uint64_t keep)
{
	for (int cap = 0; cap < 64; cap++) {
		int there = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (there < 0)
			return errno == EINVAL ? 0 : -errno;
		if (there && !(keep & BL_CAP(cap)) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return -errno;
	}
	return 0;
}

int bl_capability_drop(uint64_t keep)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct sets sets;
	int r;

	r = get(&sets);
	if (r < 0)
		return r;
	r = drop_bounding(keep);
	if (r < 0)
		return r;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		uint32_t kept = (uint32_t)(keep >> (32 * i)) & sets.word[i].permitted;

		sets.word[i].permitted = sets.word[i].effective = kept;
		sets.word[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, sets.word) < 0 ? -errno : 0;
}

int bl_capability_all(uint64_t *ret)
{
	struct sets sets;
	uint64_t all = 0;
	int r;

	r = get(&sets);
	if (r < 0)
		return r;
	for (int i = 0; i < 2; i++) {
		uint32_t any = sets.word[i].permitted | sets.word[i].effective |
			       sets.word[i].inheritable;

		all |= (uint64_t)any << (32 * i);
	}
	for (int cap = 0; cap < 64; cap++) {
		int there = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (there < 0)
			break;
		all |= there ? BL_CAP(cap) : 0;
	}
	*ret = all;
	return 0;
}
