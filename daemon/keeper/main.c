/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/main.c - kdsign-keeper: options, and the one place where its parts are
 * plugged together. */
#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/harden.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/service.h"
#include "base/sock.h"
#include "daemon/keeper/call.h"

#define DEFAULT_CONFIG "/etc/kdsign/keeper.conf"
#define CHECKS_AT_ONCE 16 /* signatures for one thread: one lock and wake-up for all */
#define STOP_MS                                                                          \
	10000 /* for what is under way; what is not done then is recorded as unknown at  \
		 the next start */
#define STOP_UNSENT_MS                                                                   \
	5000 /* for what no signer has yet: then it is told and recorded as unheard */

static const char usage[] = "usage: kdsign-keeper [--config FILE] [--check] [--print]\n"
			    "\n"
			    "Decides who may have what signed, records it, and asks the "
			    "signers. See kdsign-keeper(8).\n"
			    "\n"
			    "  --config FILE  instead of " DEFAULT_CONFIG "\n"
			    "  --check        read the configuration and the files it "
			    "names, say what is wrong, end\n"
			    "  --print        the same, and print the effective values\n"
			    "  --version, --help\n";

struct options {
	const char *config;
	bool check, print;
};

/* The signals' descriptor in the loop. */
struct signals {
	struct loop_source src; /* first */
	struct keeper *k;
};

/* ---- signals ---- */

static struct record_limits
limits_of(const struct settings *s)
{
	return (struct record_limits){
	    .reserve = s->conf.main.store_reserve,
	    .busy_ms = (unsigned)(s->conf.main.record_deadline / 2),
	};
}

/* What is bound, opened or given up at the start cannot change under a running keeper. */
static bool
same_start(const struct settings *a, const struct settings *b, struct kd_err *e)
{
	const struct {
		const char *name, *was, *is;
	} fixed[] = {
	    {"socket", a->conf.main.socket, b->conf.main.socket},
	    {"store", a->conf.main.store, b->conf.main.store},
	};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (strcmp(fixed[i].was, fixed[i].is) != 0)
			return kd_fail(e, KD_E_CONFIG,
			    "%s changed from '%s' to '%s', which needs a restart",
			    fixed[i].name, fixed[i].was, fixed[i].is);
	if (a->conf.main.threads != b->conf.main.threads)
		return kd_fail(e, KD_E_CONFIG, "threads changed, which needs a restart");
	return true;
}

static void
reload(struct keeper *k)
{
	AUTO(settings_drop) struct settings *s = NULL;
	struct record_limits limits;
	struct kd_err e = {0};

	service_reloading();
	if (!settings_load(k->config_path, &s, &e) || !same_start(k->settings, s, &e) ||
	    !signers_plug(k, s, &e)) {
		(void)kd_hint(&e, "the configuration before stays in force");
		log_err(LOG_L_ERROR, &e);
		service_ready("reload refused, see the log");
		return;
	}
	limits = limits_of(s);
	record_set_limits(k->record, &limits);
	front_set_limits(k->front, s->front_uid, s->conf.main.frame_limit);
	settings_drop(k->settings);
	k->settings = STEAL(s);
	expiry_watch_clear(&k->expiry);
	loop_wake_at(k->loop, clock_ms());
	pipeline_note(k, "config");
	log_line(LOG_L_NOTICE, "configuration reloaded");
	service_ready("ready");
}

static void
stop(struct keeper *k)
{
	if (k->stopping)
		return;
	service_stopping();
	front_stop_listening(k->front);
	k->stopping = true;
	k->stop_at = clock_ms() + STOP_MS;
	k->unsent_end = clock_ms() + STOP_UNSENT_MS;
	loop_wake_at(k->loop, k->unsent_end);
	pipeline_note(k, "stop");
}

static void
on_signal(struct loop_source *s, uint32_t events)
{
	struct signals *sig = (struct signals *)s; /* its first member */
	int n;

	(void)events;
	while ((n = service_signal_next(s->fd)) != 0) {
		if (n == SIGHUP)
			reload(sig->k);
		else if (n == SIGTERM || n == SIGINT)
			stop(sig->k);
	}
}

/* ---- the loop's hooks ---- */

static bool
on_turn(void *self)
{
	struct keeper *k = self;
	bool unread;

	pipeline_turn(k);
	unread = front_turn(k->front);
	if (!k->stopping) {
		signers_drop_retired(k);
		return true;
	}
	return (!pipeline_idle(k) || unread) && clock_ms() < k->stop_at;
}

static void
on_timer(void *self, uint64_t now_ms)
{
	struct keeper *k = self;

	loop_wake_at(k->loop, pipeline_timer(k, now_ms));
	loop_wake_at(k->loop,
	    expiry_watch_look(&k->expiry, k->settings, now_ms, clock_unix_ms() / 1000));
	if (k->stopping)
		loop_wake_at(
		    k->loop, now_ms < k->unsent_end ? k->unsent_end : k->stop_at);
}

static void
on_ask(void *self, struct front_conn *c, uint64_t id, const struct ask *ask)
{
	pipeline_ask(self, c, id, ask);
}

/* ---- starting and stopping ---- */

static bool
become_user(const struct settings *s, struct kd_err *e)
{
	uid_t uid;
	gid_t gid;

	if (s->conf.main.user == NULL || geteuid() != 0)
		return true;
	return sock_user(s->conf.main.user, &uid, &gid, e) && harden_become(uid, gid, e);
}

static bool
open_front(struct keeper *k, struct kd_err *e)
{
	const struct front_hooks hooks = {.self = k, .ask = on_ask};
	const struct settings *s = k->settings;
	int fd = service_listen_fd("keeper");

	/* Anybody may connect; who is not the front is shown out before a byte is read.
	 */
	if (fd < 0 && !sock_listen_unix(s->conf.main.socket, 0666, &fd, e))
		return false;
	return front_new(
	    fd, s->front_uid, s->conf.main.frame_limit, k->loop, &hooks, &k->front, e);
}

static bool
start(struct keeper *k, struct signals *sig, struct kd_err *e)
{
	const struct loop_hooks hooks = {.self = k, .turn = on_turn, .timer = on_timer};
	struct record_limits limits = limits_of(k->settings);

	sig->k = k;
	sig->src = (struct loop_source){.fd = -1, .ready = on_signal};
	if (!become_user(k->settings, e) || !service_signal_fd(&sig->src.fd, e) ||
	    !harden_process(HARDEN_KEEPER, e) || !loop_new(&hooks, &k->loop, e) ||
	    !loop_watch(k->loop, &sig->src, EPOLLIN, e))
		return false;
	if (!record_open(k->settings->conf.main.store, &limits, k->loop, &k->record, e) ||
	    !pool_new((unsigned)k->settings->conf.main.threads, CHECKS_AT_ONCE, k->loop,
		&k->pool, e) ||
	    !pool_new(1, 1, k->loop, &k->heavy_pool, e) ||
	    !signers_plug(k, k->settings, e) || !open_front(k, e))
		return false;
	pipeline_note(k, "start");
	pipeline_turn(k);
	loop_wake_at(k->loop, clock_ms());
	service_ready("ready");
	log_line(LOG_L_NOTICE, "ready, %llu events on record",
	    (unsigned long long)record_last(k->record));
	return true;
}

/* Threads first: what they still hold points into requests. */
static void
tear_down(struct keeper *k)
{
	struct request *r;

	pool_free(k->pool);
	pool_free(k->heavy_pool);
	heavy_clear(&k->heavy);
	record_free(k->record);
	prepare_forget(k);
	while ((r = k->live.first) != NULL) {
		live_remove(&k->live, r);
		pipeline_forget(r);
	}
	signers_free(k);
	front_free(k->front);
	loop_free(k->loop);
	expiry_watch_clear(&k->expiry);
	settings_drop(k->settings);
}

static int
serve(struct keeper *k)
{
	struct signals sig = {0};
	struct kd_err e = {0};
	bool ok = start(k, &sig, &e) && loop_run(k->loop, &e);

	tear_down(k);
	close_auto(&sig.src.fd);
	if (ok)
		return 0;
	log_err(LOG_L_ERROR, &e);
	return kd_code_info(e.code)->exit_daemon;
}

static int
check(const struct options *o, struct settings *s)
{
	struct expiry_watch w = {0};
	AUTO(buf_clear) struct buf text = {0};

	if (!o->print) /* good, but perhaps not for long, or no more */
		(void)expiry_watch_look(&w, s, 0, clock_unix_ms() / 1000);
	expiry_watch_clear(&w);
	conf_print(settings_sections, &s->conf, &text);
	if (o->print && buf_cstr(&text) != NULL)
		(void)fputs(buf_cstr(&text), stdout);
	settings_drop(s);
	return 0;
}

/* Returns -1 to go on, else the exit status. */
static int
parse_options(int argc, char **argv, struct options *ret)
{
	static const struct option longs[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"check", no_argument, NULL, 'k'},
	    {"print", no_argument, NULL, 'p'},
	    {"version", no_argument, NULL, 'V'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'c') {
			ret->config = optarg;
		} else if (c == 'k') {
			ret->check = true;
		} else if (c == 'p') {
			ret->check = ret->print = true;
		} else if (c == 'V') {
			(void)puts("kdsign-keeper " PACKAGE_VERSION);
			return 0;
		} else {
			(void)fputs(usage, c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : kd_code_info(KD_E_USAGE)->exit_daemon;
		}
	}
	if (optind == argc)
		return -1;
	(void)fprintf(
	    stderr, "kdsign-keeper: unexpected argument '%s'\n%s", argv[optind], usage);
	return kd_code_info(KD_E_USAGE)->exit_daemon;
}

int
main(int argc, char **argv)
{
	struct options o = {.config = DEFAULT_CONFIG};
	struct keeper k = {0};
	struct kd_err e = {0};
	int status = parse_options(argc, argv, &o);

	if (status >= 0)
		return status;
	log_init("kdsign-keeper", LOG_L_INFO);
	k.config_path = o.config;
	if (!settings_load(o.config, &k.settings, &e)) {
		log_err(LOG_L_ERROR, &e);
		return kd_code_info(e.code)->exit_daemon;
	}
	return o.check ? check(&o, k.settings) : serve(&k);
}
