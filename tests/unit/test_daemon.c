/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's loop over a made-up kernel side: reload, requests, signals, what systemd is told. */
#define _GNU_SOURCE
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
#include <time.h>

#include "cleanup.h"
#include "client.h"
#include "daemon.h"
#include "kept.h"
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

int bl_loader_sweep(struct bl_loader *loader, bool all)
{
	return 0;
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
	*ret_generation = ++loader->generation;
	return 0;
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

static void *loop_thread(void *argument)
{
	struct fixture *fixture = argument;

	fixture->loop_result = bl_daemon_loop(&fixture->daemon, NULL);
	return NULL;
}

static void make_notify_socket(struct fixture *fixture)
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

static void start_daemon(struct fixture *fixture)
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

static int setup(void **state)
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

static void stop_daemon(struct fixture *fixture)
{
	struct bl_daemon *daemon = &fixture->daemon;

	bl_worker_free(daemon->worker);
	bl_control_free(daemon->control);
	bl_loader_free(daemon->loader);
	bl_follow_clear(&daemon->follow);
	bl_deliver_done(&daemon->deliver);
	bl_generations_clear(&daemon->generations);
	sd_event_source_disable_unref(daemon->ceiling_end);
	sd_event_unref(daemon->event);
	bl_settings_done(&daemon->settings);
	bl_journal_free(TAKE_PTR(daemon->log.journal));
	bl_entry_clear(&daemon->log.entry);
}

static int teardown(void **state)
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

static int call(struct fixture *fixture, const char *command, json_t **ret, char **ret_text)
{
	return bl_client_call(fixture->socket_path, json_pack("{s:s}", "command", command), 20, ret,
			      ret_text);
}

static json_t *status(struct fixture *fixture)
{
	json_t *result = NULL;

	assert_int_equal(call(fixture, "status", &result, NULL), 0);
	return result;
}

static long long generation(struct fixture *fixture)
{
	_cleanup_json_ json_t *now = status(fixture);

	return json_integer_value(json_object_get(json_object_get(now, "policy"), "generation"));
}

/* Reads what systemd is told until a message holds the word. Returns that message. */
static const char *told(struct fixture *fixture, const char *word)
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

/* ---- tests -------------------------------------------------------------------------------- */

static void ready(void **state)
{
	const char *text = told(*state, "READY=1");

	assert_non_null(strstr(text, "STATUS=Generation 1: 2 rules in 1 files, ceiling enforce"));
}

static void shows_its_status(void **state)
{
	_cleanup_json_ json_t *now = status(*state);
	const json_t *policy = json_object_get(now, "policy");

	assert_string_equal(json_string_value(json_object_get(now, "engine")), "lsm");
	assert_string_equal(json_string_value(json_object_get(now, "mode")), "enforce");
	assert_int_equal(json_integer_value(json_object_get(policy, "rules")), 2);
	assert_int_equal(json_array_size(json_object_get(policy, "files")), 1);
	assert_int_equal(json_array_size(json_object_get(now, "hooks")), 1);
	assert_non_null(json_object_get(json_object_get(now, "counters"), "denied"));
	assert_int_equal(json_object_size(json_object_get(now, "counters")), _BL_COUNT_MAX);
}

static long long reloads(struct fixture *fixture, const char *outcome)
{
	_cleanup_json_ json_t *now = NULL;

	assert_int_equal(call(fixture, "metrics", &now, NULL), 0);
	return json_integer_value(json_object_get(
		json_object_get(json_object_get(now, "meters"), "reloads"), outcome));
}

/* By rule, verdict and hook, and reloads by what came of them. */
static void counts_for_metrics(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_json_ json_t *now = NULL, *answer = NULL, *refused = NULL;
	const struct bl_rule_info info = { .id = "x", .policy = "p" };
	struct bl_event event = { .verdict = BL_VERDICT_WOULD_DENY, .hook = BL_HOOK_CONNECT };
	const json_t *meters, *row;

	bl_meters_verdict(&fixture->daemon.deliver.meters, &event, &info, 1);
	bl_meters_verdict(&fixture->daemon.deliver.meters, &event, &info, 41);
	bl_meters_verdict(&fixture->daemon.deliver.meters, &event, NULL, 1);
	assert_int_equal(call(fixture, "metrics", &now, NULL), 0);
	meters = json_object_get(now, "meters");
	assert_int_equal(json_array_size(json_object_get(meters, "verdicts")), 2);
	row = json_array_get(json_object_get(meters, "verdicts"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "rule")), "x");
	assert_string_equal(json_string_value(json_object_get(row, "policy")), "p");
	assert_string_equal(json_string_value(json_object_get(row, "verdict")), "would-deny");
	assert_string_equal(json_string_value(json_object_get(row, "mode")), "monitor");
	assert_int_equal(json_integer_value(json_object_get(row, "times")), 42);
	assert_int_equal(json_object_size(json_object_get(now, "lost")), _BL_LOST_MAX);
	assert_int_equal(reloads(fixture, "loaded"), 0);
	assert_int_equal(call(fixture, "reload", &answer, NULL), 0);
	assert_int_equal(reloads(fixture, "loaded"), 1);
	tree_text(&fixture->tree, POLICY, "{");
	assert_int_equal(call(fixture, "reload", &refused, NULL), -EREMOTEIO);
	assert_int_equal(reloads(fixture, "rejected"), 1);
}

/* Rules without end have a row for the first ones, and the others are counted together. */
static void meters_have_an_end(void **state)
{
	struct bl_event event = { .verdict = BL_VERDICT_DENY, .hook = BL_HOOK_CONNECT };
	struct bl_meters meters;
	char id[32];

	assert_int_equal(bl_meters_init(&meters), 0);
	for (unsigned int i = 0; i < BL_METERS_ROWS_MAX + 10; i++) {
		const struct bl_rule_info info = { .id = id };

		snprintf(id, sizeof(id), "rule-%u", i);
		bl_meters_verdict(&meters, &event, &info, 2);
	}
	assert_int_equal(meters.n_rows, BL_METERS_ROWS_MAX);
	assert_int_equal(meters.rest, 20);
	assert_int_equal(meters.rows[7].times, 2);
	bl_meters_done(&meters);
}

/* The next daemon can tell of this one's rules. */
static void keeps_what_rules_are_called(void **state)
{
	struct fixture *fixture = *state;
	struct bl_loader *loader = fixture->daemon.loader;
	struct bl_generation *kept = NULL;
	struct bl_kept about;

	told(fixture, "READY=1");
	assert_int_equal(bl_kept_read(loader->names, loader->names_len, &about, &kept), 0);
	assert_int_equal(kept->number, 1);
	assert_int_equal(about.ceiling, BL_MODE_ENFORCE);
	assert_string_equal(kept->rules[1].info.id, "two");
	bl_generation_free(kept);
}

static json_t *ask_mode(struct fixture *fixture, const char *mode, json_int_t seconds)
{
	json_t *result = NULL;

	assert_int_equal(bl_client_call(fixture->socket_path,
					json_pack("{s:s, s:s*, s:I}", "command", "mode", "mode",
						  mode, "for", seconds),
					20, &result, NULL),
			 0);
	return result;
}

static void mode_is(struct fixture *fixture, const char *mode)
{
	_cleanup_json_ json_t *now = ask_mode(fixture, NULL, 0);

	assert_string_equal(json_string_value(json_object_get(now, "mode")), mode);
}

/* A mode for a while ends by itself, also in the kernel; one that is confirmed doesn't. */
static void modes(void **state)
{
	struct fixture *fixture = *state;
	struct bl_loader *loader = fixture->daemon.loader;
	const struct timespec pause = { .tv_nsec = 20000000 };

	mode_is(fixture, "enforce");
	if (geteuid() != 0)
		skip();
	json_decref(ask_mode(fixture, "monitor", 0));
	mode_is(fixture, "monitor");
	assert_int_equal(loader->ceiling, BL_MODE_MONITOR);
	json_decref(ask_mode(fixture, "enforce", 1));
	mode_is(fixture, "enforce");
	assert_int_not_equal(loader->until_ns, 0);
	for (int i = 0; i < 500 && loader->ceiling != BL_MODE_MONITOR; i++)
		nanosleep(&pause, NULL);
	mode_is(fixture, "monitor");
	json_decref(ask_mode(fixture, "enforce", 1));
	json_decref(ask_mode(fixture, "enforce", 0));
	assert_int_equal(loader->until_ns, 0);
	for (int i = 0; i < 75; i++)
		nanosleep(&pause, NULL);
	mode_is(fixture, "enforce");
}

/* Who is not root may look on, and not lift what is in force. */
static void unload_is_for_root(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ json_t *answer = NULL;
	int r = call(fixture, "unload", &answer, &text);

	if (geteuid() == 0) {
		assert_int_equal(r, 0);
		pthread_join(fixture->thread, NULL);
		assert_int_equal(fixture->loop_result, 0);
		assert_true(fixture->daemon.lift);
		fixture->ended = true;
	} else {
		assert_int_equal(r, -EREMOTEIO);
		assert_non_null(strstr(text, "only root"));
		assert_false(fixture->daemon.lift);
	}
}

/* A search that links are made in the middle of is made once more. */
static void looks_for_other_names(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_json_ json_t *now = NULL, *answer = NULL;
	const json_t *names;

	tree_text(&fixture->tree, "/srv/one", "x");
	assert_int_equal(linkat(fixture->tree.fd, "srv/one", fixture->tree.fd, "other", 0), 0);
	assert_int_equal(call(fixture, "reload", &answer, NULL), 0);
	now = status(fixture);
	names = json_object_get(now, "names");
	assert_int_equal(json_integer_value(json_object_get(names, "linked")), 1);
	assert_true(json_is_true(json_object_get(names, "complete")));
	assert_int_equal(fixture->daemon.loader->looks, 2);
	assert_false(fixture->daemon.loader->looking);
}

static void shows_its_rules(void **state)
{
	_cleanup_json_ json_t *result = NULL;
	const json_t *rule;

	assert_int_equal(call(*state, "rules", &result, NULL), 0);
	assert_int_equal(json_integer_value(json_object_get(result, "total")), 2);
	rule = json_array_get(json_object_get(result, "rules"), 0);
	assert_string_equal(json_string_value(json_object_get(rule, "id")), "one");
	assert_string_equal(json_string_value(json_object_get(rule, "in_force")), "deny");
	assert_string_equal(json_string_value(json_object_get(rule, "file")), POLICY);
	assert_int_equal(json_integer_value(json_object_get(rule, "line")), 1);
	rule = json_array_get(json_object_get(result, "rules"), 1);
	assert_string_equal(json_string_value(json_object_get(rule, "action")), "kill");
	assert_string_equal(json_string_value(json_object_get(rule, "in_force")), "kill");
}

static void an_unknown_command(void **state)
{
	_cleanup_json_ json_t *result = NULL;
	_cleanup_free_ char *text = NULL;

	assert_int_equal(call(*state, "dance", &result, &text), -EREMOTEIO);
	assert_string_equal(text, "this daemon does not know the command");
}

static void a_good_reload(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_json_ json_t *result = NULL;

	told(fixture, "READY=1");
	tree_text(&fixture->tree, POLICY, FILE_OF("monitor", RULE("three")));
	assert_int_equal(call(fixture, "reload", &result, NULL), 0);
	assert_int_equal(json_integer_value(json_object_get(result, "generation")), 2);
	assert_int_equal(json_integer_value(json_object_get(result, "rules")), 1);
	assert_int_equal(generation(fixture), 2);
	assert_non_null(strstr(told(fixture, "RELOADING=1"), "MONOTONIC_USEC="));
	assert_non_null(strstr(told(fixture, "READY=1"), "Generation 2: 1 rules"));
	/* What takes long was done in the worker's thread; the old tables are kept for a while. */
	assert_int_equal(fixture->daemon.loader->staged, 1);
	assert_int_equal(fixture->daemon.loader->retired, 0);
	/* Events of the generation before still find their rule's name. */
	assert_string_equal(bl_generations_rule(&fixture->daemon.generations, 1, 1)->id, "two");
}

/* Whatever is wrong with the new policy, the old one stays, and systemd hears READY again. */
static void a_bad_reload(void **state)
{
	static const char *const bad[] = { "", "{", "{\"bailiff\":1,\"rules\":[{}]}",
					   FILE_OF("enforce", RULE("a") "," RULE("a")) };
	struct fixture *fixture = *state;

	told(fixture, "READY=1");
	for (size_t i = 0; i < BL_ARRAY_SIZE(bad); i++) {
		_cleanup_json_ json_t *result = NULL;
		_cleanup_free_ char *text = NULL;
		const json_t *first;

		tree_text(&fixture->tree, POLICY, bad[i]);
		assert_int_equal(call(fixture, "reload", &result, &text), -EREMOTEIO);
		assert_non_null(strstr(text, "; generation 1 stays in force"));
		assert_non_null(strstr(text, POLICY));
		first = json_array_get(json_object_get(result, "diagnostics"), 0);
		assert_string_equal(json_string_value(json_object_get(first, "file")), POLICY);
		assert_int_equal(generation(fixture), 1);
		assert_int_equal(fixture->daemon.loader->staged, 0);
		told(fixture, "RELOADING=1");
		told(fixture, "READY=1");
	}
}

static void a_refused_publish(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_json_ json_t *result = NULL, *now = NULL;
	_cleanup_free_ char *text = NULL;

	fixture->daemon.loader->publish_error = -ENOMEM;
	tree_text(&fixture->tree, POLICY, FILE_OF("enforce", RULE("three")));
	assert_int_equal(call(fixture, "reload", &result, &text), -EREMOTEIO);
	assert_string_equal(text, "the kernel says no; generation 1 stays in force");
	now = status(fixture);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(now, "policy"), "rules")), 2);
	fixture->daemon.loader->publish_error = 0;
	json_decref(result);
	result = NULL;
	assert_int_equal(call(fixture, "reload", &result, NULL), 0);
	assert_int_equal(generation(fixture), 2);
}

static void reload_by_signal(void **state)
{
	struct fixture *fixture = *state;

	told(fixture, "READY=1");
	kill(getpid(), SIGHUP);
	told(fixture, "RELOADING=1");
	assert_non_null(strstr(told(fixture, "READY=1"), "Generation 2: 2 rules"));
}

/* Records that never end leave the others their turn: clients, reloads, the watchdog. */
static void a_storm_of_records(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_json_ json_t *result = NULL;

	told(fixture, "READY=1");
	fixture->daemon.loader->consume_result = 256;
	eventfd_write(fixture->daemon.loader->fd, 1);
	json_decref(status(fixture));
	assert_int_equal(call(fixture, "reload", &result, NULL), 0);
	told(fixture, "RELOADING=1");
	told(fixture, "Generation 2");
	fixture->daemon.loader->consume_result = 0;
}

static void *reload_thread(void *argument)
{
	struct fixture *fixture = argument;
	_cleanup_json_ json_t *result = NULL;
	int r = call(fixture, "reload", &result, NULL);

	return (void *)(intptr_t)(r == 0 ? json_integer_value(json_object_get(result, "rules"))
					 : r);
}

/* Reloads that are asked for while one runs get one that reads the files after they asked. */
static void many_reloads_at_once(void **state)
{
	struct fixture *fixture = *state;
	pthread_t threads[12];

	for (size_t i = 0; i < BL_ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reload_thread, fixture), 0);
	for (size_t i = 0; i < BL_ARRAY_SIZE(threads); i++) {
		void *rules;

		pthread_join(threads[i], &rules);
		assert_int_equal((intptr_t)rules, 2);
	}
	assert_in_range(generation(fixture), 2, 13);
	tree_text(&fixture->tree, POLICY, FILE_OF("enforce", RULE("last")));
	assert_int_equal((intptr_t)reload_thread(fixture), 1);
}

/* A client that goes away while its reload runs does no harm. */
static void a_client_that_goes(void **state)
{
	static const char request[] = "{\"command\":\"reload\"}\n";
	struct fixture *fixture = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	told(fixture, "READY=1");
	strcpy(address.sun_path, fixture->socket_path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(write(fd, request, strlen(request)), (ssize_t)strlen(request));
	close(fd);
	assert_int_equal(generation(fixture) < 3, 1);
	json_decref(status(fixture));
}

static void many_rules_come_in_pages(void **state)
{
	struct fixture *fixture = *state;
	size_t room = 64 + 20000 * 128, seen = 0;
	char *text = malloc(room), *end = text;
	_cleanup_json_ json_t *result = NULL;
	json_int_t next = 0, total = 1;

	end += sprintf(end, "{\"bailiff\":1,\"rules\":[");
	for (int i = 0; i < 20000; i++)
		end += sprintf(end,
			       "%s{\"id\":\"rule-%d\",\"on\":\"open\",\"path\":\"/srv/%d\","
			       "\"action\":\"alert\"}",
			       i ? "," : "", i, i);
	strcpy(end, "]}");
	tree_text(&fixture->tree, POLICY, text);
	free(text);
	assert_int_equal(call(fixture, "reload", &result, NULL), 0);
	while (next < total) {
		_cleanup_json_ json_t *page = NULL;

		assert_int_equal(
			bl_client_call(fixture->socket_path,
				       json_pack("{s:s, s:I}", "command", "rules", "offset", next),
				       20, &page, NULL),
			0);
		seen += json_array_size(json_object_get(page, "rules"));
		next = json_integer_value(json_object_get(page, "next"));
		total = json_integer_value(json_object_get(page, "total"));
	}
	assert_int_equal(seen, 20000);
}

/* Programs that no rule needs may fail to load without anybody waiting for them: it is told all the same, once. */
static void a_failure_behind_its_back(void **state)
{
	struct fixture *fixture = *state;
	struct bl_loader *loader = fixture->daemon.loader;

	atomic_store(&loader->failure, -EPERM);
	for (int i = 0; i < 200 && atomic_load(&loader->failure); i++)
		usleep(50000);
	assert_int_equal(atomic_load(&loader->failure), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ready),
		TEST(shows_its_status),
		TEST(counts_for_metrics),
		cmocka_unit_test(meters_have_an_end),
		TEST(keeps_what_rules_are_called),
		TEST(modes),
		TEST(unload_is_for_root),
		TEST(looks_for_other_names),
		TEST(shows_its_rules),
		TEST(an_unknown_command),
		TEST(a_good_reload),
		TEST(a_bad_reload),
		TEST(a_refused_publish),
		TEST(reload_by_signal),
		TEST(many_reloads_at_once),
		TEST(a_client_that_goes),
		TEST(a_storm_of_records),
		TEST(a_failure_behind_its_back),
		TEST(many_rules_come_in_pages),
	};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
