/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon in the test's own process, over a made-up kernel side. For one source file of each test. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cleanup.h"
#include "client.h"
#include "daemon.h"
#include "tree.h"

#define POLICY		     "/etc/bailiff/policy.d/a.json"
#define RULE_THAT(does, id) \
	"{\"id\":\"" id "\",\"on\":\"open\",\"path\":\"/srv/" id "\",\"action\":\"" does "\"}"
#define RULE(id)	     RULE_THAT("deny", id)
#define FILE_OF(mode, rules) "{\"bailiff\":1,\"mode\":\"" mode "\",\"rules\":[" rules "]}"

/* ---- the kernel side ---------------------------------------------------------------------- */

/* In place of enforcer/loader.c: what it was asked to do, and whether it shall fail. */
struct bl_loader {
	int fd;
	uint32_t generation;
	int publish_error;
	int consume_result;
	uint64_t counters[_BL_COUNT_MAX];
	unsigned int mounts_changed, staged, retired, looks, beats;
	uint8_t *names;
	size_t names_len;
	struct bl_progress progress[BL_PROGRESS_CPUS + 2];
	uint8_t *texts; /* left for the next daemon */
	size_t texts_len;
	uint64_t next_trial_ns, trial_ns; /* of what is published next, and of what is in force */
	uint32_t before; /* generation to go back to */
	uint32_t ceiling;
	uint64_t until_ns;
	uint32_t linked;
	bool looking;
	atomic_int failure;
};

int bl_loader_new(const struct bl_loader_options *options, struct bl_loader **ret,
		  char **reterr_text)
{
	struct bl_loader *loader = calloc(1, sizeof(*loader));

	loader->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*ret = loader;
	return 0;
}

void bl_loader_free(struct bl_loader *loader)
{
	bl_close(loader->fd);
	free(loader->names);
	free(loader->texts);
	free(loader);
}

void bl_loader_set_ceiling(struct bl_loader *loader, uint32_t ceiling, uint64_t until_ns)
{
	loader->until_ns = until_ns;
	__atomic_store_n(&loader->ceiling, ceiling, __ATOMIC_SEQ_CST);
}

void bl_loader_beat(struct bl_loader *loader)
{
	loader->beats++;
}

uint32_t bl_loader_next(const struct bl_loader *loader)
{
	return loader->generation + 1;
}

int bl_loader_name(struct bl_loader *loader, uint8_t *text, size_t len)
{
	free(loader->names);
	loader->names = text;
	loader->names_len = len;
	return 0;
}

struct bl_progress *bl_loader_progress(const struct bl_loader *loader, size_t *ret_count)
{
	*ret_count = BL_ARRAY_SIZE(loader->progress);
	return ((struct bl_loader *)loader)->progress;
}

int bl_loader_stage(struct bl_loader *loader, const uint8_t *image, size_t len, char **reterr_text)
{
	loader->staged++;
	return 0;
}

void bl_loader_retire(struct bl_loader *loader)
{
	loader->retired++;
}

int bl_loader_publish(struct bl_loader *loader, const uint8_t *image, size_t len,
		      uint32_t *ret_generation, char **reterr_text)
{
	if (loader->publish_error) {
		*reterr_text = strdup("the kernel says no");
		return loader->publish_error;
	}
	loader->before = loader->generation;
	loader->trial_ns = loader->next_trial_ns;
	loader->next_trial_ns = 0;
	*ret_generation = ++loader->generation;
	return 0;
}

void bl_loader_on_trial(struct bl_loader *loader, uint64_t until_ns)
{
	loader->next_trial_ns = until_ns;
}

int bl_loader_leave_texts(struct bl_loader *loader, const uint8_t *bytes, size_t len)
{
	free(loader->texts);
	loader->texts = bytes ? malloc(len) : NULL;
	loader->texts_len = len;
	if (bytes)
		memcpy(loader->texts, bytes, len);
	return 0;
}

int bl_loader_confirm(struct bl_loader *loader)
{
	int r = loader->trial_ns ? 0 : -ENOENT;

	loader->trial_ns = 0;
	return r;
}

uint32_t bl_loader_back(struct bl_loader *loader)
{
	loader->trial_ns = 0;
	return loader->before;
}

int bl_loader_look(struct bl_loader *loader)
{
	assert_false(loader->looking);
	loader->looking = true;
	loader->looks++;
	return 0;
}

/* The first search meets links that are being made. */
void bl_loader_look_end(struct bl_loader *loader)
{
	loader->looking = false;
	if (loader->looks == 1)
		loader->linked++;
}

uint32_t bl_loader_linked(const struct bl_loader *loader)
{
	return loader->linked;
}

int bl_loader_fd(const struct bl_loader *loader)
{
	return loader->fd;
}

int bl_loader_consume(struct bl_loader *loader)
{
	eventfd_t count;

	eventfd_read(loader->fd, &count);
	return loader->consume_result;
}

int bl_loader_counters(const struct bl_loader *loader, uint64_t counters[_BL_COUNT_MAX])
{
	memcpy(counters, loader->counters, sizeof(loader->counters));
	return 0;
}

int bl_loader_canary(struct bl_loader *loader, const char *path)
{
	return 0;
}

int bl_loader_mounts_changed(struct bl_loader *loader)
{
	loader->mounts_changed++;
	return 0;
}

int bl_loader_load_rest(struct bl_loader *loader)
{
	return 0;
}

bool bl_loader_loading(struct bl_loader *loader)
{
	return false;
}

int bl_loader_failure(struct bl_loader *loader)
{
	return atomic_exchange(&loader->failure, 0);
}

size_t bl_loader_hooks(const struct bl_loader *loader, struct bl_hook_info *infos, size_t max)
{
	infos[0] =
		(struct bl_hook_info){ .hook = "file_open", .available = true, .attached = true };
	return 1;
}

/* ---- a daemon in this process ------------------------------------------------------------- */

struct fixture {
	struct tree tree;
	struct bl_daemon daemon;
	char socket_path[128], notify_path[128];
	int notify_fd;
	pthread_t thread;
	bool ended; /* and joined */
	int loop_result;
};

static inline void *loop_thread(void *argument)
{
	struct fixture *fixture = argument;

	fixture->loop_result = bl_daemon_loop(&fixture->daemon, NULL);
	return NULL;
}

static inline void make_notify_socket(struct fixture *fixture)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(fixture->notify_path, sizeof(fixture->notify_path), "%s/notify",
		 fixture->tree.path);
	strcpy(address.sun_path, fixture->notify_path);
	fixture->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(fixture->notify_fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		abort();
	setenv("NOTIFY_SOCKET", fixture->notify_path, 1);
}

static inline void start_daemon(struct fixture *fixture)
{
	struct bl_daemon *daemon = &fixture->daemon;
	struct bl_build_input input;
	struct bl_worker_result result;
	struct bl_control_options control = {
		.path = fixture->socket_path,
		.group = (gid_t)-1,
		.request = bl_daemon_request,
		.userdata = daemon,
	};

	daemon->config_fd = daemon->host_fd = fixture->tree.fd;
	daemon->mounts_fd = -1;
	daemon->started_ns = bl_now_ns();
	assert_int_equal(bl_settings_init(&daemon->settings), 0);
	assert_int_equal(bl_log_init(&daemon->log, BL_LOG_JOURNAL), 0);
	assert_int_equal(bl_deliver_init(&daemon->deliver, &daemon->log, &daemon->generations), 0);
	assert_int_equal(bl_loader_new(NULL, &daemon->loader, NULL), 0);
	input = bl_daemon_build_input(daemon);
	assert_int_equal(bl_worker_build(&input, &result), 0);
	assert_int_equal(bl_daemon_publish(daemon, &result, NULL), 0);
	bl_worker_result_clear(&result);
	assert_int_equal(sd_event_new(&daemon->event), 0);
	assert_int_equal(bl_control_new(daemon->event, &control, &daemon->control, NULL), 0);
	assert_int_equal(bl_worker_new(daemon->event, &input, bl_reload_stage, bl_reload_built,
				       daemon, &daemon->worker),
			 0);
	assert_int_equal(pthread_create(&fixture->thread, NULL, loop_thread, fixture), 0);
}

static inline int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	*state = fixture;
	tree_make(&fixture->tree);
	tree_text(&fixture->tree, POLICY,
		  FILE_OF("enforce", RULE("one") "," RULE_THAT("kill", "two")));
	snprintf(fixture->socket_path, sizeof(fixture->socket_path), "%s/control.sock",
		 fixture->tree.path);
	make_notify_socket(fixture);
	start_daemon(fixture);
	return 0;
}

static inline void stop_daemon(struct fixture *fixture)
{
	struct bl_daemon *daemon = &fixture->daemon;

	bl_worker_free(daemon->worker);
	bl_control_free(daemon->control);
	bl_loader_free(daemon->loader);
	bl_follow_clear(&daemon->follow);
	bl_confirm_clear(&daemon->confirm);
	bl_deliver_done(&daemon->deliver);
	bl_generations_clear(&daemon->generations);
	sd_event_source_disable_unref(daemon->ceiling_end);
	sd_event_unref(daemon->event);
	bl_settings_done(&daemon->settings);
	bl_journal_free(TAKE_PTR(daemon->log.journal));
	bl_entry_clear(&daemon->log.entry);
}

static inline int teardown(void **state)
{
	struct fixture *fixture = *state;

	fixture->daemon.loader->consume_result = 0; /* a storm that was not survived ends here */
	if (!fixture->ended) {
		kill(getpid(), SIGTERM);
		pthread_join(fixture->thread, NULL);
	}
	assert_int_equal(fixture->loop_result, 0);
	stop_daemon(fixture);
	close(fixture->notify_fd);
	tree_remove(&fixture->tree);
	free(fixture);
	return 0;
}

/* ---- helpers ------------------------------------------------------------------------------ */

static inline int call(struct fixture *fixture, const char *command, json_t **ret, char **ret_text)
{
	return bl_client_call(fixture->socket_path, json_pack("{s:s}", "command", command), 20, ret,
			      ret_text);
}

static inline json_t *status(struct fixture *fixture)
{
	json_t *result = NULL;

	assert_int_equal(call(fixture, "status", &result, NULL), 0);
	return result;
}

static inline long long generation(struct fixture *fixture)
{
	_cleanup_json_ json_t *now = status(fixture);

	return json_integer_value(json_object_get(json_object_get(now, "policy"), "generation"));
}

/* Reads what systemd is told until a message holds the word. Returns that message. */
static inline const char *told(struct fixture *fixture, const char *word)
{
	static char buf[4096];
	struct pollfd wait = { .fd = fixture->notify_fd, .events = POLLIN };

	while (poll(&wait, 1, 20000) == 1) {
		ssize_t n = recv(fixture->notify_fd, buf, sizeof(buf) - 1, 0);

		buf[n > 0 ? n : 0] = '\0';
		if (strstr(buf, word))
			return buf;
	}
	fail_msg("systemd is not told '%s'", word);
	return NULL;
}

#define SERVED(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Signals reach the daemon's loop alone. */
static inline void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}
