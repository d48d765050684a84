/* SPDX-License-Identifier: Apache-2.0 */
/* The worker: builds a policy in a thread of its own, so that events are delivered meanwhile. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "cleanup.h"
#include "log.h"
#include "worker.h"

#define WORKER_NICE 10 /* a compile never takes the CPU from the delivery of events */

struct bl_worker {
	struct bl_build_input input;
	bl_worker_built_fn built;
	bl_worker_done_fn done;
	void *userdata;
	sd_event_source *source;
	int finished_fd; /* eventfd, written by the thread as its last act */
	bool running;
	pthread_t thread;
	bl_worker_job_fn job, job_done; /* NULL: a build */
	struct bl_worker_result result; /* the thread's until finished_fd says so */
};

int bl_worker_build(const struct bl_build_input *input, struct bl_worker_result *ret)
{
	uint64_t began_ns = bl_now_ns();

	*ret = (struct bl_worker_result){ 0 };
	ret->error = bl_build(input, &ret->built);
	if (ret->error == 0)
		ret->error =
			bl_generation_new(ret->built.policy, ret->built.tables, &ret->generation);
	if (ret->error == 0)
		ret->error = bl_policy_areas(ret->built.policy, &ret->built.areas);
	/* First the watches, then a look: nothing happens between. */
	if (ret->error == 0 && ret->built.trail)
		ret->error = bl_trail_watch(ret->built.trail);
	if (ret->error == 0 && ret->built.trail)
		ret->moved = bl_trail_look(ret->built.trail, SIZE_MAX);
	if (ret->error == 0) {
		/* Patterns are the bulk of a policy, and nobody needs them any more. */
		bl_policy_free(ret->built.policy);
		ret->built.policy = NULL;
	}
	ret->took_ns = bl_now_ns() - began_ns;
	return ret->error;
}

void bl_worker_result_clear(struct bl_worker_result *result)
{
	bl_built_clear(&result->built);
	bl_generation_free(result->generation);
	*result = (struct bl_worker_result){ 0 };
}

static void *work(void *argument)
{
	struct bl_worker *worker = argument;

	/* On Linux the priority is the thread's own. That it can't be lowered is no reason to fail. */
	setpriority(PRIO_PROCESS, 0, WORKER_NICE);
	if (worker->job)
		worker->job(worker->userdata);
	else if (bl_worker_build(&worker->input, &worker->result) == 0 && worker->built)
		worker->built(worker->userdata, &worker->result.built);
	eventfd_write(worker->finished_fd, 1);
	return NULL;
}

static int on_finished(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct bl_worker *worker = userdata;
	struct bl_worker_result result;
	eventfd_t count;

	if (eventfd_read(fd, &count) < 0)
		return 0;
	pthread_join(worker->thread, NULL);
	worker->running = false;
	if (worker->job) {
		worker->job_done(worker->userdata);
		return 0;
	}
	result = worker->result;
	worker->result = (struct bl_worker_result){ 0 };
	worker->done(worker->userdata, &result);
	bl_worker_result_clear(&result);
	return 0;
}

int bl_worker_new(sd_event *event, const struct bl_build_input *input, bl_worker_built_fn built,
		  bl_worker_done_fn done, void *userdata, struct bl_worker **ret)
{
	struct bl_worker *worker = calloc(1, sizeof(*worker));
	int r;

	if (!worker)
		return -ENOMEM;
	worker->input = *input;
	worker->built = built;
	worker->done = done;
	worker->userdata = userdata;
	worker->finished_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = worker->finished_fd < 0 ? -errno
				    : sd_event_add_io(event, &worker->source, worker->finished_fd,
						      EPOLLIN, on_finished, worker);
	if (r < 0) {
		bl_worker_free(worker);
		return r;
	}
	*ret = worker;
	return 0;
}

void bl_worker_free(struct bl_worker *worker)
{
	if (!worker)
		return;
	if (worker->running)
		pthread_join(worker->thread, NULL);
	bl_worker_result_clear(&worker->result);
	sd_event_source_disable_unref(worker->source);
	bl_close(worker->finished_fd);
	free(worker);
}

int bl_worker_run(struct bl_worker *worker, bl_worker_job_fn job, bl_worker_job_fn job_done)
{
	int r;

	if (worker->running)
		return -EBUSY;
	worker->job = job;
	worker->job_done = job_done;
	r = pthread_create(&worker->thread, NULL, work, worker);
	if (r > 0)
		return -r;
	worker->running = true;
	return 0;
}

int bl_worker_start(struct bl_worker *worker, const struct bl_policies *kept)
{
	if (!worker->running)
		worker->input.kept = kept;
	return bl_worker_run(worker, NULL, NULL);
}
