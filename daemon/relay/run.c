/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/relay/run.c - the relay from its socket to its last answer. */
#include "daemon/relay/run.h"

#include <assert.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/harden.h"
#include "base/log.h"
#include "base/service.h"
#include "base/sock.h"
#include "daemon/relay/fetch.h"
#include "daemon/relay/front.h"
#include "daemon/relay/stamper.h"

#define STOP_MS 5000 /* for what is under way; clients simply ask again */
#define LAST_ANSWERS_MS 1000

static_assert(1 + FRONT_POLLS_MAX <= FETCH_POLLS_MAX, "what is waited for at once");

struct relay {
	const char *path;
	struct settings *settings; /* one reference: the newest */
	int signals;
	struct front *front;
	struct fetcher *fetcher;
	struct stamper *stamper;
	bool stopping;
	uint64_t stop_at;
};

static void
relay_clear(struct relay *r)
{
	fetcher_free(r->fetcher); /* first: it holds what the stamper's requests are */
	stamper_free(r->stamper);
	front_free(r->front);
	settings_drop(r->settings);
	close_auto(&r->signals);
}
AUTO_DEFINE_CLEAR(struct relay, relay_clear);

static void
on_ask(void *self, const struct front_asker *who, const struct relay_ask *ask)
{
	stamper_ask(((struct relay *)self)->stamper, who, ask);
}

static void
on_answer(void *self, const struct front_asker *who, const struct answer *a)
{
	front_answer(((struct relay *)self)->front, who, a);
}

static bool
become_user(const struct settings *s, struct kd_err *e)
{
	uid_t uid;
	gid_t gid;

	if (s->conf.user == NULL || geteuid() != 0)
		return true;
	return (sock_user(s->conf.user, &uid, &gid, e) && harden_become(uid, gid, e)) ||
	       kd_in(e, "user");
}

static bool
start(struct relay *r, struct kd_err *e)
{
	const struct front_hooks hooks = {.self = r, .ask = on_ask};
	struct stamper_parts parts = {.answer = on_answer, .self = r};
	const struct settings *s = r->settings;
	int fd = service_listen_fd("relay");

	/* Anybody may connect; who is not the front is shown out before a byte is read. */
	if (fd < 0 && !sock_listen_unix(s->conf.socket, 0666, &fd, e))
		return false;
	if (!front_new(fd, s->front_uid, &hooks, &r->front, e) || !become_user(s, e) ||
	    !service_signal_fd(&r->signals, e) || !harden_process(HARDEN_RELAY, e) ||
	    !fetcher_new(&r->fetcher, e))
		return false;
	parts.fetcher = r->fetcher;
	return stamper_new(&parts, r->settings, &r->stamper, e);
}

static void
reload(struct relay *r)
{
	struct settings *fresh = NULL;
	struct kd_err e = {0};

	service_reloading();
	if (settings_load(r->path, &fresh, &e)) {
		settings_drop(r->settings);
		r->settings = fresh;
		stamper_set(r->stamper, fresh);
		front_set_user(r->front, fresh->front_uid);
		log_line(LOG_L_NOTICE, "configuration read again");
	} else {
		(void)kd_in(&e, "reload: the old one stays in use");
		log_err(LOG_L_ERROR, &e);
	}
	service_ready("ready");
}

static void
stop(struct relay *r)
{
	if (r->stopping)
		return;
	service_stopping();
	front_stop_listening(r->front);
	r->stopping = true;
	r->stop_at = clock_ms() + STOP_MS;
}

static void
take_signals(struct relay *r)
{
	int n;

	while ((n = service_signal_next(r->signals)) != 0) {
		if (n == SIGHUP)
			reload(r);
		else if (n == SIGTERM || n == SIGINT)
			stop(r);
	}
}

static void
turn(struct relay *r)
{
	struct pollfd fds[1 + FRONT_POLLS_MAX] = {{.fd = r->signals, .events = POLLIN}};
	uint64_t due = stamper_turn(r->stamper);
	size_t n = front_polls(r->front, &fds[1]);

	if (r->stopping && r->stop_at < due)
		due = r->stop_at;
	fetch_wait(r->fetcher, fds, 1 + n, clock_left(due));
	take_signals(r);
	front_turn(r->front, &fds[1], n);
	fetch_turn(r->fetcher);
	(void)front_flush(r->front);
}

/* What did not come in time is told so, and the front is given a moment to hear it. */
static void
last_answers(struct relay *r)
{
	uint64_t end = clock_ms() + LAST_ANSWERS_MS;

	fetcher_free(r->fetcher);
	r->fetcher = NULL;
	stamper_give_up(r->stamper);
	while (front_flush(r->front) && clock_left(end) > 0) {
		struct pollfd fds[FRONT_POLLS_MAX];
		size_t n = front_polls(r->front, fds);

		(void)poll(fds, (nfds_t)n, clock_left(end));
	}
}

bool
relay_run(const char *path, struct settings *take_settings, struct kd_err *e)
{
	AUTO(relay_clear)
	struct relay r = {.path = path, .settings = take_settings, .signals = -1};

	if (!start(&r, e))
		return false;
	service_ready("ready");
	log_line(LOG_L_NOTICE, "ready");
	while (!r.stopping || (!stamper_idle(r.stamper) && clock_left(r.stop_at) > 0))
		turn(&r);
	last_answers(&r);
	log_line(LOG_L_NOTICE, "stopped");
	return true;
}
