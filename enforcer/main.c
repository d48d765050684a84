/* SPDX-License-Identifier: Apache-2.0 */
/* bailiffd: the order in which the daemon starts and stops. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <sys/utsname.h>

#include <systemd/sd-daemon.h>

#include "canary.h"
#include "cleanup.h"
#include "cmdline.h"
#include "config.h"
#include "daemon.h"
#include "hostfs.h"
#include "inherit.h"
#include "pins.h"
#include "probe.h"
#include "report.h"
#include "rundir.h"
#include "sandbox.h"

#define LAST_ROUNDS	  64 /* of bl_loader_consume() */
#define CMDLINE_BYTES_MAX (64u << 10)
#define STEP_TIMEOUT_USEC 300000000 /* the verifier of an emulated machine takes minutes */

/* Each step returns BL_EXIT_GOOD, or has logged why not and returns the exit code. */
typedef int (*step_fn)(struct bl_daemon *daemon);

/*
 * What is in force from a daemon before applies to this one, too, until it says that it is the daemon: so that is
 * the first thing. That it can't has its reasons told by later steps.
 */
static int claim(struct bl_daemon *daemon)
{
	int r = bl_pins_new(&daemon->pins);

	if (r < 0)
		return bl_log_failure(&daemon->log, BL_FAILURE_RIGHTS, strerror(-r));
	if (bl_pins_open(daemon->pins, false, NULL) < 0)
		return BL_EXIT_GOOD;
	bl_pins_claim(daemon->pins);
	daemon->log.in_force = bl_pins_in_force(daemon->pins);
	return BL_EXIT_GOOD;
}

static int read_settings(struct bl_daemon *daemon)
{
	_cleanup_free_ char *text = NULL;
	int r;

	daemon->config_fd =
		bl_hostfs_open_root(daemon->options.root ? daemon->options.root : "/", NULL);
	if (daemon->config_fd < 0)
		return bl_log_failure(&daemon->log, BL_FAILURE_SETTINGS,
				      strerror(-daemon->config_fd));
	r = bl_settings_init(&daemon->settings);
	if (r == 0)
		r = bl_settings_read(&daemon->settings, daemon->config_fd, BL_SETTINGS_PATH, &text);
	if (r < 0)
		return bl_log_failure(&daemon->log, BL_FAILURE_SETTINGS,
				      text ? text : strerror(-r));
	return BL_EXIT_GOOD;
}

/* Who has no other way back has this one: it is over all settings. */
static int read_command_line(struct bl_daemon *daemon)
{
	_cleanup_close_ int root_fd = bl_hostfs_open_root("/", NULL);
	_cleanup_free_ char *text = NULL;

	if (root_fd < 0 || bl_hostfs_read(root_fd, "/proc/cmdline", CMDLINE_BYTES_MAX, &text) < 0)
		return BL_EXIT_GOOD;
	switch (bl_cmdline_read(text)) {
	case BL_CMDLINE_OFF:
		return bl_log_failure(&daemon->log, BL_FAILURE_OFF, NULL);
	case BL_CMDLINE_MONITOR:
		daemon->settings.mode = BL_MODE_MONITOR;
		bl_log_line(
			&daemon->log, BL_LEVEL_WARNING,
			"bailiff.mode=monitor on the kernel's command line: nothing is refused, "
			"whatever the settings say");
		break;
	case BL_CMDLINE_UNKNOWN:
		bl_log_line(
			&daemon->log, BL_LEVEL_WARNING,
			"bailiff.mode= on the kernel's command line is none of off, monitor and "
			"enforce: it counts for nothing");
		break;
	case BL_CMDLINE_NONE:
	case BL_CMDLINE_ENFORCE:
	case _BL_CMDLINE_MAX:
		break;
	}
	return BL_EXIT_GOOD;
}

static int probe_kernel(struct bl_daemon *daemon)
{
	_cleanup_(bl_probes_clear) struct bl_probes probes = { 0 };
	const struct bl_probe_result *obstacle;
	_cleanup_close_ int root_fd = bl_hostfs_open_root("/", NULL);
	_cleanup_free_ char *text = NULL;

	if (root_fd < 0 || bl_probes_run(root_fd, BL_PROBE_QUICK, &probes) < 0)
		return bl_log_failure(&daemon->log, BL_FAILURE_KERNEL, "no memory");
	obstacle = bl_probes_obstacle(&probes, BL_NEED_PROCESS);
	if (!obstacle)
		return BL_EXIT_GOOD;
	text = bl_format("missing: %s (%s); %s; remedy: %s", obstacle->what,
			 obstacle->detail ? obstacle->detail : "", obstacle->consequence,
			 obstacle->remedy ? obstacle->remedy : "another kernel");
	if (obstacle->need == BL_NEED_PROCESS)
		return bl_log_failure(&daemon->log, BL_FAILURE_RIGHTS, text);
	return bl_log_failure(&daemon->log, BL_FAILURE_KERNEL, text);
}

static int lock_instance(struct bl_daemon *daemon)
{
	_cleanup_free_ char *text = NULL;
	int r = bl_run_dir_lock(daemon->options.run_dir, &daemon->lock_fd, &text);

	if (r == -EBUSY)
		return bl_log_failure(&daemon->log, BL_FAILURE_SECOND, text);
	if (r < 0)
		return bl_log_failure(&daemon->log, BL_FAILURE_RUNTIME_DIR, text);
	return BL_EXIT_GOOD;
}

/* The host's view of itself, held by fds: looking it up again would need rights that go. */
static int open_host(struct bl_daemon *daemon)
{
	bool own = false;

	daemon->host_fd = bl_hostfs_open_root(NULL, &own);
	if (daemon->host_fd < 0)
		return bl_log_failure(&daemon->log, BL_FAILURE_RIGHTS, strerror(-daemon->host_fd));
	if (own)
		bl_log_line(
			&daemon->log, BL_LEVEL_WARNING,
			"the host's root directory can't be opened; symbolic links in rules are "
			"followed as this daemon sees them");
	daemon->mounts_fd = open("/proc/1/mountinfo", O_RDONLY | O_CLOEXEC);
	if (daemon->mounts_fd < 0)
		daemon->mounts_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	return BL_EXIT_GOOD;
}

/* Before any program is loaded: an error in the policy is told at once. */
static int build_policy(struct bl_daemon *daemon)
{
	struct bl_build_input input = bl_daemon_build_input(daemon);
	int r;

	r = bl_worker_build(&input, &daemon->first);
	bl_log_diags(&daemon->log, &daemon->first.built.diags);
	if (r < 0)
		return bl_log_failure(&daemon->log, BL_FAILURE_POLICY,
				      r == -EINVAL ? "the policy has errors" : strerror(-r));
	return BL_EXIT_GOOD;
}

static void on_loader_event(void *userdata, const void *data, size_t size)
{
	struct bl_daemon *daemon = userdata;

	bl_deliver_record(&daemon->deliver, data, size);
}

static void on_old_event(void *userdata, const void *data, size_t size)
{
	struct bl_daemon *daemon = userdata;

	bl_deliver_old_record(&daemon->deliver, data, size);
}

static int load_programs(struct bl_daemon *daemon)
{
	struct bl_loader_options options = {
		.event = on_loader_event,
		.old_event = on_old_event,
		.pins = daemon->pins,
		.userdata = daemon,
		.ring_bytes = daemon->settings.ring_bytes,
		.ceiling = daemon->settings.mode,
		.fold_window_ns = daemon->settings.fold_window_ns,
		.event_rate = daemon->settings.event_rate,
		.event_burst = daemon->settings.event_burst,
	};
	_cleanup_free_ char *text = NULL;
	int r;

	r = bl_pins_open(daemon->pins, true, &text);
	if (r < 0)
		return bl_log_failure(&daemon->log,
				      r == -EBUSY ? BL_FAILURE_SECOND : BL_FAILURE_PINS,
				      text ? text : strerror(-r));
	options.generation = bl_inherit_generations(daemon);
	r = bl_deliver_init(&daemon->deliver, &daemon->log, &daemon->generations);
	daemon->deliver.context.redact = daemon->settings.redact;
	if (r == 0)
		r = bl_loader_new(&options, &daemon->loader, &text);
	if (r < 0)
		return bl_log_failure(&daemon->log, BL_FAILURE_LOAD, text ? text : strerror(-r));
	bl_inherit_records(daemon);
	return BL_EXIT_GOOD;
}

static int publish_policy(struct bl_daemon *daemon)
{
	struct bl_built *built = &daemon->first.built;
	_cleanup_free_ char *text = NULL;
	int r;

	/* What is below directories may take long: that comes when the daemon is ready. */
	daemon->areas = built->areas;
	built->areas = (struct bl_areas){ 0 };
	r = bl_loader_stage(daemon->loader, built->tables->bytes, built->tables->len, &text);
	if (r == 0) {
		bl_daemon_look(daemon, &daemon->areas, true);
		r = bl_daemon_publish(daemon, &daemon->first, &text);
	}
	bl_worker_result_clear(&daemon->first);
	if (r < 0)
		return bl_log_failure(&daemon->log, BL_FAILURE_PUBLISH, text ? text : strerror(-r));
	return BL_EXIT_GOOD;
}

static int test_canary(struct bl_daemon *daemon)
{
	_cleanup_free_ char *text = NULL;
	int r = bl_canary_check(daemon->loader, daemon->options.run_dir, &text);

	if (r == 0)
		return BL_EXIT_GOOD;
	if (bl_report_canary_failed(&daemon->log.entry, text ? text : strerror(-r)) == 0)
		bl_log_entry(&daemon->log);
	return bl_log_failure(&daemon->log, BL_FAILURE_CANARY, NULL);
}

/* The last of what takes rights that the daemon gives up. */
static int load_rest(struct bl_daemon *daemon)
{
	int r = bl_loader_load_rest(daemon->loader);

	if (r < 0)
		return bl_log_failure(&daemon->log, BL_FAILURE_LOAD, strerror(-r));
	return BL_EXIT_GOOD;
}

/* From here on what is in force outlives this daemon, and that of the one before is gone. */
static int settle(struct bl_daemon *daemon)
{
	if (daemon->log.in_force)
		bl_log_line(&daemon->log, BL_LEVEL_INFO,
			    bl_loader_adopted(daemon->loader)
				    ? "took over from the daemon before, with its maps"
				    : "took over from a daemon of another version or with other "
				      "settings: its maps don't fit, new ones were made");
	bl_loader_settle(daemon->loader);
	bl_lost_carry(daemon->deliver.lost, bl_loader_carried(daemon->loader));
	daemon->log.in_force = true;
	return BL_EXIT_GOOD;
}

static int open_control(struct bl_daemon *daemon)
{
	struct bl_build_input input = bl_daemon_build_input(daemon);
	_cleanup_free_ char *path = bl_format("%s/control.sock", daemon->options.run_dir);
	struct bl_control_options options = {
		.path = path,
		.group = (gid_t)-1,
		.request = bl_daemon_request,
		.userdata = daemon,
	};
	_cleanup_free_ char *text = NULL;
	int r = path ? 0 : -ENOMEM;

	if (*daemon->settings.socket_group &&
	    bl_group_find(daemon->settings.socket_group, &options.group) < 0)
		bl_log_line(&daemon->log, BL_LEVEL_WARNING,
			    "there is no group '%s': only root can use the control socket",
			    daemon->settings.socket_group);
	if (r >= 0)
		r = sd_event_new(&daemon->event);
	if (r >= 0)
		r = bl_control_new(daemon->event, &options, &daemon->control, &text);
	if (r >= 0)
		r = bl_worker_new(daemon->event, &input, bl_reload_stage, bl_reload_built, daemon,
				  &daemon->worker);
	if (r < 0)
		return bl_log_failure(&daemon->log, BL_FAILURE_CONTROL, text ? text : strerror(-r));
	return BL_EXIT_GOOD;
}

static int confine(struct bl_daemon *daemon)
{
	_cleanup_free_ char *text = NULL;
	int r;

	r = bl_sandbox_enter(&text);
	if (r == 0)
		r = bl_sandbox_verify(&text);
	if (r < 0)
		return bl_log_failure(&daemon->log, BL_FAILURE_SANDBOX, text ? text : strerror(-r));
	return BL_EXIT_GOOD;
}

static void block_signal(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int serve(struct bl_daemon *daemon)
{
	struct utsname kernel = { 0 };
	struct bl_report_start start = {
		.version = BL_VERSION,
		.engine = BL_ENGINE,
		.mode = bl_mode_name(daemon->settings.mode),
		.numbers = &daemon->begin,
	};
	_cleanup_free_ char *text = NULL;

	/* Up to here they just end the process; from here on they are events of the loop. */
	block_signal(SIGTERM);
	block_signal(SIGINT);
	if (uname(&kernel) == 0)
		start.kernel = kernel.release;
	if (bl_report_started(&daemon->log.entry, &start) == 0)
		bl_log_entry(&daemon->log);
	bl_reload_look(daemon);
	if (bl_daemon_loop(daemon, &text) < 0)
		return bl_log_failure(&daemon->log, BL_FAILURE_LOOP, text);
	sd_notify(0, "STOPPING=1\nSTATUS=Stopping");
	return BL_EXIT_GOOD;
}

/* The order is the point: no step relies on what a later one makes sure of. */
static const step_fn steps[] = {
	claim,	       read_settings, read_command_line, probe_kernel,	lock_instance,
	open_host,     build_policy,  load_programs,	 publish_policy, test_canary,
	settle,	       open_control,  load_rest,	 confine,	serve,
};

/* Returns what holds from now on. */
static const char *end_enforcement(struct bl_daemon *daemon)
{
	if (!daemon->lift && daemon->settings.on_stop == BL_ON_STOP_KEEP)
		return "enforcement stays; 'bailiff unload' lifts it";
	if (bl_loader_lift(daemon->loader) < 0)
		return "enforcement could not be lifted as a whole: see " BL_PINS_DIR;
	return "enforcement lifted";
}

static void stop(struct bl_daemon *daemon, bool served)
{
	const char *consequence = NULL;

	atomic_store(&daemon->stopping, true);
	bl_loader_give_up(daemon->loader);
	bl_worker_free(daemon->worker);
	bl_control_free(daemon->control);
	/* What happened up to here is told; a storm that goes on does not keep us. */
	if (served)
		bl_loader_sweep(daemon->loader, true);
	for (int i = 0; served && i < LAST_ROUNDS && bl_loader_consume(daemon->loader) > 0; i++)
		;
	if (served) {
		consequence = end_enforcement(daemon);
		bl_inherit_waiting(daemon, 0, 0); /* they are sent below, while there is time */
	}
	if (served)
		bl_deliver_numbers(&daemon->deliver, &daemon->begin);
	bl_loader_free(daemon->loader);
	bl_pins_free(daemon->pins);
	if (served && bl_report_stopped(&daemon->log.entry, consequence, &daemon->begin) == 0)
		bl_log_entry(&daemon->log);
	bl_worker_result_clear(&daemon->first);
	bl_areas_clear(&daemon->areas);
	bl_follow_clear(&daemon->follow);
	bl_deliver_done(&daemon->deliver);
	bl_generations_clear(&daemon->generations);
	sd_event_source_disable_unref(daemon->ceiling_end);
	sd_event_unref(daemon->event);
	bl_close(daemon->mounts_fd);
	bl_close(daemon->host_fd);
	bl_close(daemon->config_fd);
	bl_settings_done(&daemon->settings);
	bl_log_done(&daemon->log);
	bl_close(daemon->lock_fd);
}

/* A start can be long, of a big policy on a slow machine; one that makes no progress is ended. */
static int run_steps(struct bl_daemon *daemon)
{
	int code = BL_EXIT_GOOD;

	for (size_t i = 0; code == BL_EXIT_GOOD && i < BL_ARRAY_SIZE(steps); i++) {
		sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%d", STEP_TIMEOUT_USEC);
		code = steps[i](daemon);
	}
	return code;
}

static int run(const struct bl_options *options)
{
	struct bl_daemon daemon = {
		.options = *options,
		.lock_fd = -1,
		.config_fd = -1,
		.host_fd = -1,
		.mounts_fd = -1,
		.deliver = { .proc_fd = -1 },
		.started_ns = bl_now_ns(),
	};
	int code;

	block_signal(SIGHUP); /* a reload asked for too early is done when we are ready */
	if (bl_log_init(&daemon.log, options->target) < 0)
		return BL_EXIT_INTERNAL;
	code = run_steps(&daemon);
	stop(&daemon, code == BL_EXIT_GOOD);
	return code;
}

static void usage(FILE *out)
{
	fputs("Usage: bailiffd [OPTION...]\n"
	      "Enforces the policy of bailiff-policy(5) and reports to the journal.\n"
	      "\n"
	      "  --root DIR       look for settings and policy files below DIR\n"
	      "  --run-dir DIR    lock and control socket are here (" BL_RUN_DIR ")\n"
	      "  --log TARGET     auto, journal or console\n"
	      "  --help           this text\n"
	      "  --version        the version\n"
	      "\n"
	      "Exit codes: 0 stopped on request, 1 the policy has errors, 2 usage or settings,\n"
	      "3 this kernel can't, 4 no right, 5 a daemon is running already, 6 can't be\n"
	      "confined, 7 other failures.\n",
	      out);
}

static int parse_target(const char *word, enum bl_log_target *ret)
{
	static const char *const words[] = {
		[BL_LOG_AUTO] = "auto",
		[BL_LOG_JOURNAL] = "journal",
		[BL_LOG_CONSOLE] = "console",
	};

	for (size_t i = 0; i < BL_ARRAY_SIZE(words); i++) {
		if (strcmp(word, words[i]) == 0) {
			*ret = (enum bl_log_target)i;
			return 0;
		}
	}
	fprintf(stderr, "bailiffd: --log takes auto, journal or console\n");
	return -EINVAL;
}

int main(int argc, char **argv)
{
	enum { OPTION_ROOT = 256, OPTION_RUN_DIR, OPTION_LOG, OPTION_HELP, OPTION_VERSION };
	static const struct option long_options[] = {
		{ "root", required_argument, NULL, OPTION_ROOT },
		{ "run-dir", required_argument, NULL, OPTION_RUN_DIR },
		{ "log", required_argument, NULL, OPTION_LOG },
		{ "help", no_argument, NULL, OPTION_HELP },
		{ "version", no_argument, NULL, OPTION_VERSION },
		{ 0 },
	};
	struct bl_options options = { .run_dir = BL_RUN_DIR };
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
		switch (option) {
		case OPTION_ROOT:
			options.root = optarg;
			break;
		case OPTION_RUN_DIR:
			options.run_dir = optarg;
			break;
		case OPTION_LOG:
			if (parse_target(optarg, &options.target) < 0)
				return BL_EXIT_USAGE;
			break;
		case OPTION_HELP:
			usage(stdout);
			return BL_EXIT_GOOD;
		case OPTION_VERSION:
			puts("bailiffd " BL_VERSION);
			return BL_EXIT_GOOD;
		default:
			return BL_EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "bailiffd: takes no argument '%s'; see --help\n", argv[optind]);
		return BL_EXIT_USAGE;
	}
	return run(&options);
}
