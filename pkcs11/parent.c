/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/parent.c - the process that holds PIN, socket and clock, and never the module.
 */
#include "config.h"

#include "pkcs11/parent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/harden.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/service.h"
#include "base/text.h"
#include "pkcs11/latch.h"
#include "pkcs11/parent_in.h"

#define EVENTS 32
#define PROBE_CHECK_MS 1000 /* how late a hanging probe may be noticed */

void
parent_set_state(struct parent *p, enum token_state s, const char *detail)
{
	char status[128];

	p->state.token = s;
	(void)text_show(p->state.detail, sizeof(p->state.detail), detail, strlen(detail));
	p->state_changed = true;
	(void)snprintf(status, sizeof(status), "token %s%s%.80s", token_state_name(s),
	    p->state.detail[0] != '\0' ? ": " : "", p->state.detail);
	service_status(status);
	jobs_refuse_all(p);
}

static bool
copy_env(char **env, size_t *n, const char *name, struct kd_err *e)
{
	const char *value = getenv(name);
	AUTO(buf_clear) struct buf b = {0};

	if (value == NULL)
		return true;
	buf_printf(&b, "%s=%s", name, value);
	if (buf_cstr(&b) == NULL)
		return kd_fail_nomem(e, "environment");
	env[*n] = kd_strdup(buf_cstr(&b));
	return env[(*n)++] != NULL || kd_fail_nomem(e, "environment");
}

/* The child sees what is configured for the module and little else. */
static bool
make_env(struct parent *p, struct kd_err *e)
{
	static const char *const passed[] = {
	    "PATH",
	    "LANG",
	    "TZ",
#ifdef KD_SANITIZE
	    "ASAN_OPTIONS",
	    "UBSAN_OPTIONS",
#endif
	};
	const struct conf_list *l = &p->conf->module_environment;
	size_t n = 0;

	p->child_env = kd_alloc_array(l->n + KD_ARRAY_LEN(passed) + 1, sizeof(char *));
	if (p->child_env == NULL)
		return kd_fail_nomem(e, "environment");
	for (size_t i = 0; i < l->n; i++) {
		p->child_env[n] = kd_strdup(l->v[i]);
		if (p->child_env[n++] == NULL)
			return kd_fail_nomem(e, "environment");
	}
	for (size_t i = 0; i < KD_ARRAY_LEN(passed); i++) {
		if (!copy_env(p->child_env, &n, passed[i], e))
			return false;
	}
	return true;
}

static bool
make_state(struct parent *p, struct kd_err *e)
{
	struct signer_state *s = &p->state;

	s->token = TOKEN_STARTING;
	s->sessions = (uint16_t)p->conf->sessions;
	s->keys_n = p->conf->keys.n;
	s->keys = kd_alloc_array(s->keys_n, sizeof(*s->keys));
	if (s->keys == NULL)
		return kd_fail_nomem(e, "keys");
	for (size_t i = 0; i < s->keys_n; i++) {
		child_text(s->keys[i].name, sizeof(s->keys[i].name),
		    signer_conf_key(p->conf, i)->name);
		s->keys[i].relaxed = signer_conf_relaxed(signer_conf_key(p->conf, i));
		child_text(s->keys[i].detail, sizeof(s->keys[i].detail),
		    "the token has not been asked yet");
	}
	return true;
}

static bool
begin(struct parent *p, struct kd_err *e)
{
	struct latch l;
	bool latched;

	p->now_ms = clock_ms();
	p->start_ms = p->now_ms;
	p->phase_end_ms = p->latch_check_ms = p->stop_ms = NEVER;
	conns_init(p);
	p->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (p->epfd < 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "epoll");
	if (!make_state(p, e) || !trouble_init(p, e) || !make_env(p, e) || !jobs_init(p, e) ||
	    !child_setup(p, e) || !service_signal_fd(&p->signal_fd, e) ||
	    !conns_watch(p, p->signal_fd, WATCH_SIGNAL, 0, e) ||
	    !conns_watch(p, p->listen_fd, WATCH_LISTEN, 0, e) ||
	    !owner_recall(p, e) || !latch_read(p->conf->state_dir, &l, &latched, e))
		return false;
	if (latched && !l.under_way) {
		struct kd_err why = {0};

		(void)latch_fail(&l, &why);
		log_err(LOG_L_ERROR, &why);
		p->latched = true;
		p->start_ms = NEVER;
		p->latch_check_ms = p->now_ms;
		parent_set_state(p, TOKEN_LATCHED, why.msg);
	}
	return harden_process(HARDEN_SIGNER_PARENT, e);
}

static void
end(struct parent *p)
{
	int *fds[] = {&p->listen_fd, &p->signal_fd, &p->epfd};

	child_clear(p);
	token_lock_release(&p->token_lock);
	conns_close(p);
	jobs_clear(p);
	trouble_clear(p);
	signer_state_clear(&p->state);
	secret_free(p->pin);
	for (size_t i = 0; i < KD_ARRAY_LEN(fds); i++) {
		if (*fds[i] >= 0)
			(void)close(*fds[i]);
	}
}

/* What the token has begun is waited for; nothing new is. */
static void
stop(struct parent *p)
{
	if (p->stopping)
		return;
	p->stopping = true;
	service_stopping();
	(void)close(p->listen_fd);
	p->listen_fd = -1;
	p->stop_ms = p->now_ms + p->conf->sign_deadline_ms;
	if (p->share != NULL)
		jobs_take_back(p);
	jobs_refuse_all(p);
}

static void
on_signals(struct parent *p)
{
	int sig;

	while ((sig = service_signal_next(p->signal_fd)) != 0) {
		if (sig == SIGTERM || sig == SIGINT)
			stop(p);
		else if (sig == SIGHUP)
			log_line(LOG_L_NOTICE, "SIGHUP: the configuration is read at the "
					       "start only; restart to change it");
		else if (sig == SIGUSR1)
			quarantine_end(p);
	}
}

static void
on_event(struct parent *p, const struct epoll_event *ev)
{
	uint32_t index = (uint32_t)ev->data.u64;

	switch ((enum watch)(ev->data.u64 >> 32)) {
	case WATCH_LISTEN:
		if (!p->stopping)
			conns_accept(p);
		break;
	case WATCH_SIGNAL:
		on_signals(p);
		break;
	case WATCH_CONN:
		if ((ev->events & EPOLLOUT) != 0)
			p->conns[index].touched = true;
		if ((ev->events & ~(uint32_t)EPOLLOUT) != 0)
			conns_readable(p, &p->conns[index]);
		break;
	case WATCH_SOCK:
		child_readable(p);
		break;
	case WATCH_PID:
		child_exited(p);
		break;
	}
}

static int
wait_ms(const struct parent *p)
{
	uint64_t at[] = {p->phase_end_ms, p->flights_check_ms, p->queue_check_ms,
	    p->stop_ms, p->hold_end_ms, p->pid <= 0 ? p->start_ms : NEVER,
	    p->latched && p->pid <= 0 ? p->latch_check_ms : NEVER};
	uint64_t next = p->phase == PHASE_READY ? p->now_ms + PROBE_CHECK_MS : NEVER;

	for (size_t i = 0; i < KD_ARRAY_LEN(at); i++) {
		if (at[i] < next)
			next = at[i];
	}
	return next == NEVER ? -1 : clock_left(next);
}

/* A login is waited for as well: cut off, it would count as refused. */
static bool
may_end(const struct parent *p)
{
	bool idle = p->flights_n == 0 && p->phase != PHASE_LOGIN;

	return p->stopping && (idle || p->stop_ms <= p->now_ms);
}

static bool
serve(struct parent *p, struct kd_err *e)
{
	struct epoll_event events[EVENTS];

	while (!may_end(p)) {
		int n;

		child_timers(p);
		jobs_feed(p);
		if (p->state_changed)
			conns_push_state(p);
		p->state_changed = false;
		conns_flush(p);
		n = epoll_wait(p->epfd, events, EVENTS, wait_ms(p));
		if (n < 0 && errno != EINTR)
			return kd_fail_errno(e, KD_E_BUG, errno, "epoll_wait");
		p->now_ms = clock_ms();
		for (int i = 0; i < n; i++)
			on_event(p, &events[i]);
		if (p->fatal.code != KD_OK) {
			*e = p->fatal;
			return false;
		}
	}
	jobs_refuse_all(p); /* what came back to the queue when a child ended */
	conns_flush(p);
	return true;
}

bool
parent_run(const struct parent_opts *o, struct kd_err *e)
{
	struct parent *p = kd_alloc(sizeof(*p));
	bool done;

	if (p == NULL) {
		secret_free(o->pin);
		(void)close(o->listen_fd);
		return kd_fail_nomem(e, "signer");
	}
	p->conf = o->conf;
	p->pin_from = o->pin_from;
	p->pin = o->pin;
	secret_hide(p->pin);
	p->keeper = o->keeper;
	p->listen_fd = o->listen_fd;
	p->epfd = p->signal_fd = p->setup_fd = p->pid_fd = p->sock = p->pin_fd = p->latch_fd = -1;
	done = begin(p, e);
	if (done) {
		service_ready("serving");
		done = serve(p, e);
	}
	end(p);
	free(p);
	return done;
}
