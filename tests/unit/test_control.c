/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: who may ask, and that no client can make the loop wait. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "cleanup.h"
#include "client.h"
#include "control.h"
#include "tree.h"

struct fixture {
	struct tree tree;
	char path[128];
	sd_event *event;
	struct bl_control *control;
	uint64_t deferred; /* id of a request that was not answered at once */
	unsigned int requests;
};

/* 'echo' is answered at once, 'later' not before the test does, 'big' with too much. */
static void on_request(void *userdata, const struct bl_request *request)
{
	struct fixture *fixture = userdata;
	_cleanup_free_ char *big = NULL;

	fixture->requests++;
	if (strcmp(request->command, "later") == 0) {
		fixture->deferred = request->id;
	} else if (strcmp(request->command, "big") == 0) {
		big = malloc(BL_CONTROL_ANSWER_MAX + 2);
		memset(big, 'x', BL_CONTROL_ANSWER_MAX + 1);
		big[BL_CONTROL_ANSWER_MAX + 1] = '\0';
		bl_control_answer(fixture->control, request->id,
				  bl_control_success(json_string(big)));
	} else if (strcmp(request->command, "no") == 0) {
		bl_control_answer(fixture->control, request->id,
				  bl_control_failure("no", "it is refused", json_integer(7)));
	} else {
		bl_control_answer(
			fixture->control, request->id,
			bl_control_success(json_incref(json_object_get(request->body, "what"))));
	}
}

static int setup_for(void **state, gid_t group)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct bl_control_options options = {
		.path = fixture->path,
		.group = group,
		.request = on_request,
		.userdata = fixture,
	};

	tree_make(&fixture->tree);
	chmod(fixture->tree.path, 0755);
	snprintf(fixture->path, sizeof(fixture->path), "%s/control.sock", fixture->tree.path);
	if (sd_event_new(&fixture->event) < 0)
		return -1;
	*state = fixture;
	return bl_control_new(fixture->event, &options, &fixture->control, NULL);
}

static int setup(void **state)
{
	return setup_for(state, (gid_t)-1);
}

static int setup_group(void **state)
{
	return setup_for(state, 4242);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	bl_control_free(fixture->control);
	assert_int_equal(access(fixture->path, F_OK), -1);
	sd_event_unref(fixture->event);
	tree_remove(&fixture->tree);
	free(fixture);
	return 0;
}

/* Lets the loop do all that can be done now. */
static void settle(struct fixture *fixture)
{
	while (sd_event_run(fixture->event, 20000) > 0)
		;
}

/* ---- bare clients ------------------------------------------------------------------------- */

static int dial(struct fixture *fixture)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, fixture->path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -errno;
	}
	return fd;
}

/* What the server has sent so far; NULL once it has hung up without a word. */
static char *hear(int fd)
{
	static char buf[65536];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);

	if (n <= 0)
		return n == 0 || errno == ECONNRESET ? NULL : "";
	buf[n] = '\0';
	return buf;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* ---- the tool's client, in a thread while the loop runs here -------------------------------- */

struct call {
	const char *path;
	json_t *request, *result;
	char *text;
	int r;
	atomic_bool done;
};

static void *call_thread(void *argument)
{
	struct call *call = argument;

	call->r = bl_client_call(call->path, call->request, 5, &call->result, &call->text);
	call->done = true;
	return NULL;
}

static void call_start(struct fixture *fixture, struct call *call, pthread_t *thread)
{
	call->path = fixture->path;
	assert_int_equal(pthread_create(thread, NULL, call_thread, call), 0);
}

static void call_end(struct fixture *fixture, struct call *call, pthread_t thread)
{
	while (!call->done)
		sd_event_run(fixture->event, 1000);
	pthread_join(thread, NULL);
}

static void call_clear(struct call *call)
{
	json_decref(call->result);
	free(call->text);
}

static void round_trip(void **state)
{
	struct call call = { .request = json_pack("{s:s, s:[i, s]}", "command", "echo", "what", 1,
						  "two\nlines") };
	json_t *expected = json_pack("[i, s]", 1, "two\nlines");
	pthread_t thread;

	call_start(*state, &call, &thread);
	call_end(*state, &call, thread);
	assert_int_equal(call.r, 0);
	assert_true(json_equal(call.result, expected));
	json_decref(expected);
	call_clear(&call);
}

static void answered_later(void **state)
{
	struct fixture *fixture = *state;
	struct call call = { .request = json_pack("{s:s}", "command", "later") };
	pthread_t thread;

	call_start(fixture, &call, &thread);
	while (!fixture->deferred)
		sd_event_run(fixture->event, 1000);
	settle(fixture);
	assert_false(call.done);
	bl_control_answer(fixture->control, fixture->deferred,
			  bl_control_success(json_integer(42)));
	call_end(fixture, &call, thread);
	assert_int_equal(call.r, 0);
	assert_int_equal(json_integer_value(call.result), 42);
	call_clear(&call);
}

static void a_failure(void **state)
{
	struct call call = { .request = json_pack("{s:s}", "command", "no") };
	pthread_t thread;

	call_start(*state, &call, &thread);
	call_end(*state, &call, thread);
	assert_int_equal(call.r, -EREMOTEIO);
	assert_string_equal(call.text, "it is refused");
	assert_int_equal(json_integer_value(call.result), 7);
	call_clear(&call);
}

static void an_answer_too_big(void **state)
{
	struct call call = { .request = json_pack("{s:s}", "command", "big") };
	pthread_t thread;

	call_start(*state, &call, &thread);
	call_end(*state, &call, thread);
	assert_int_equal(call.r, -EREMOTEIO);
	assert_string_equal(call.text, "the answer would be too long");
	call_clear(&call);
}

static void no_daemon(void **state)
{
	json_t *result = NULL;
	char *text = NULL;

	assert_int_equal(bl_client_call("/nonexistent/control.sock",
					json_pack("{s:s}", "command", "echo"), 1, &result, &text),
			 -ENOENT);
	assert_non_null(strstr(text, "bailiffd is not running"));
	free(text);
}

/* ---- bad clients -------------------------------------------------------------------------- */

static void bad_requests(void **state)
{
	static const char *const requests[] = {
		"\n",
		"{}\n",
		"[]\n",
		"nonsense\n",
		"{\"command\":7}\n",
		"\xff\xfe\n",
		"\"x\"\n",
		"{\"command\":\"a\",\"command\":\"b\"}\n",
		"{\"command\":\"echo\"}x\n",
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < BL_ARRAY_SIZE(requests); i++) {
		int fd = dial(fixture);
		char *heard;

		say(fd, requests[i]);
		settle(fixture);
		heard = hear(fd);
		assert_non_null(heard);
		assert_non_null(strstr(heard, "bad-request"));
		assert_null(hear(fd));
		close(fd);
	}
	assert_int_equal(fixture->requests, 0);
}

static void a_request_too_big(void **state)
{
	static char big[BL_CONTROL_REQUEST_MAX + 1];
	struct fixture *fixture = *state;
	int fd = dial(fixture);
	char *heard;

	memset(big, '[', sizeof(big) - 1);
	say(fd, big);
	settle(fixture);
	heard = hear(fd);
	assert_non_null(heard);
	assert_non_null(strstr(heard, "too-big"));
	close(fd);
}

static void byte_by_byte(void **state)
{
	static const char request[] = "{\"command\":\"echo\",\"what\":\"x\"}\n";
	struct fixture *fixture = *state;
	int fd = dial(fixture);

	for (size_t i = 0; i < strlen(request); i++) {
		char byte[2] = { request[i] };

		say(fd, byte);
		while (sd_event_run(fixture->event, 0) > 0)
			;
	}
	settle(fixture);
	assert_non_null(strstr(hear(fd), "\"result\":\"x\""));
	close(fd);
}

static void gone_before_the_answer(void **state)
{
	struct fixture *fixture = *state;
	int fd = dial(fixture);

	say(fd, "{\"command\":\"later\"}\n");
	settle(fixture);
	assert_int_not_equal(fixture->deferred, 0);
	close(fd);
	settle(fixture);
	bl_control_answer(fixture->control, fixture->deferred, bl_control_success(json_null()));
	bl_control_answer(fixture->control, 12345, bl_control_success(json_null()));
	settle(fixture);
}

/* Silent clients fill the room: one more is turned away, and whoever was in is still served. */
static void many_silent_clients(void **state)
{
	struct fixture *fixture = *state;
	int fds[BL_CONTROL_CLIENTS_MAX], more;

	for (size_t i = 0; i < BL_ARRAY_SIZE(fds); i++) {
		fds[i] = dial(fixture);
		assert_true(fds[i] >= 0);
	}
	settle(fixture);
	more = dial(fixture);
	settle(fixture);
	assert_null(hear(more));
	say(fds[7], "{\"command\":\"echo\",\"what\":7}\n");
	settle(fixture);
	assert_non_null(strstr(hear(fds[7]), "\"result\":7"));
	close(more);
	more = dial(fixture);
	say(more, "{\"command\":\"echo\",\"what\":8}\n");
	settle(fixture);
	assert_non_null(strstr(hear(more), "\"result\":8"));
	close(more);
	for (size_t i = 0; i < BL_ARRAY_SIZE(fds); i++)
		close(fds[i]);
	settle(fixture);
}

/* ---- who may ------------------------------------------------------------------------------ */

/* Runs as another user: connects although the file would let it, and asks. Exit code 0: answered. */
static int ask_as(struct fixture *fixture, uid_t uid, gid_t gid, gid_t extra)
{
	int status = -1;
	pid_t pid;

	chmod(fixture->path, 0666); /* so that it is the daemon that decides */
	pid = fork();
	if (pid == 0) {
		json_t *result = NULL;
		int r;

		if (setgroups(extra ? 1 : 0, &extra) < 0 || setgid(gid) < 0 || setuid(uid) < 0)
			_exit(2);
		r = bl_client_call(fixture->path,
				   json_pack("{s:s, s:i}", "command", "echo", "what", 3), 5,
				   &result, NULL);
		_exit(r == 0 ? 0 : r == -EACCES ? 1 : 3);
	}
	while (waitpid(pid, &status, WNOHANG) == 0)
		sd_event_run(fixture->event, 1000);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void only_root(void **state)
{
	struct stat st;

	if (geteuid() != 0)
		skip();
	assert_int_equal(stat(((struct fixture *)*state)->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(ask_as(*state, 0, 0, 0), 0);
	assert_int_equal(ask_as(*state, 12345, 12345, 0), 1);
	assert_int_equal(ask_as(*state, 12345, 12345, 4242), 1);
}

static void root_and_a_group(void **state)
{
	struct stat st;

	if (geteuid() != 0)
		skip();
	assert_int_equal(stat(((struct fixture *)*state)->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_gid, 4242);
	assert_int_equal(ask_as(*state, 0, 0, 0), 0);
	assert_int_equal(ask_as(*state, 12345, 12345, 0), 1);
	assert_int_equal(ask_as(*state, 12345, 4242, 0), 0);
	assert_int_equal(ask_as(*state, 12345, 12345, 4242), 0);
}

/* A crowd of the group's cannot keep root out. */
static void room_for_root(void **state)
{
	struct fixture *fixture = *state;
	int ready[2], status;
	pid_t pid;
	char byte;

	if (geteuid() != 0)
		skip();
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		int n = 0;

		if (setgid(4242) < 0 || setuid(12345) < 0)
			_exit(2);
		while (n < 60 && dial(fixture) >= 0)
			n++;
		if (write(ready[1], "x", 1) != 1)
			_exit(3);
		pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	settle(fixture);
	assert_int_equal(ask_as(fixture, 12345, 4242, 0), 1);
	assert_int_equal(ask_as(fixture, 0, 0, 0), 0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(ready[0]);
	close(ready[1]);
}

#define TEST(name)	 cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_GROUP(name) cmocka_unit_test_setup_teardown(name, setup_group, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(round_trip),	   TEST(answered_later), TEST(a_failure),
		TEST(an_answer_too_big),   TEST(no_daemon),	 TEST(bad_requests),
		TEST(a_request_too_big),   TEST(byte_by_byte),	 TEST(gone_before_the_answer),
		TEST(many_silent_clients), TEST(only_root),	 TEST_GROUP(root_and_a_group),
		TEST_GROUP(room_for_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
