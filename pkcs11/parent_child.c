/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/parent_child.c - the child's life: started, given the PIN, watched, replaced. */
#include "config.h"

#include "pkcs11/parent_in.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "pkcs11/module_check.h"
#include "pkcs11/rv.h"

#define KILL_MS 2000 /* SIGKILL to gone; longer is a kernel that waits for a device */
#define BATCH 16
#define JOBS_PER_SESSION 2 /* one in the token, one waiting for it */
#define JOBS_MIN 16 /* so that few fast sessions do not cost a wake-up for each job */

bool
child_setup(struct parent *p, struct kd_err *e)
{
	struct child_setup s = {.module = p->conf->module,
	    .token = p->conf->token,
	    .sessions = (uint32_t)p->conf->sessions,
	    .growth_kib = (uint32_t)(p->conf->module_growth / 1024),
	    .keys = p->conf->keys.n,
	    .pre_start = p->conf->pre_start.v,
	    .pre_start_n = p->conf->pre_start.n};
	AUTO(free) char **uris = kd_alloc_array(s.keys, sizeof(*uris));
	AUTO(free) char **pins = kd_alloc_array(s.keys, sizeof(*pins));
	AUTO(buf_clear) struct buf text = {0};

	if (uris == NULL || pins == NULL)
		return kd_fail_nomem(e, "setup");
	for (size_t i = 0; i < s.keys; i++) {
		struct signer_key_conf *k =
		    &((struct signer_key_conf *)p->conf->keys.v)[i];

		uris[i] = k->uri;
		pins[i] = k->cert_pin;
	}
	s.uris = uris;
	s.pins = pins;
	child_setup_write(&s, &text);
	if (!buf_ok(&text, "setup", e))
		return false;
	p->setup_fd = memfd_create("kdsign-signer-setup", MFD_CLOEXEC);
	if (p->setup_fd < 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "setup");
	return file_write_full(p->setup_fd, text.p, text.len, e);
}

/* What the child no longer needs; its jobs have been settled before. */
static void
forget(struct parent *p)
{
	int *fds[] = {&p->pid_fd, &p->sock, &p->pin_fd, &p->latch_fd};

	for (size_t i = 0; i < KD_ARRAY_LEN(fds); i++) {
		if (*fds[i] >= 0)
			(void)close(*fds[i]);
		*fds[i] = -1;
	}
	share_unmap(p->share);
	p->share = NULL;
	p->pid = 0;
	p->phase = PHASE_NONE;
	p->phase_end_ms = NEVER;
	p->was_ready = p->look_again = false;
}

/* In the new process: the descriptors in their places, then ourselves again. */
static _Noreturn void
become_child(const struct parent *p, int sock, int share, int pin)
{
	char name[] = "kdsign-signer", mode[] = "--child";
	char *argv[] = {name, mode, NULL};
	int from[] = {sock, share, p->setup_fd, pin};
	sigset_t none;

	/* First out of the way of each other. */
	for (size_t i = 0; i < KD_ARRAY_LEN(from); i++) {
		from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, CHILD_FD_END);
		if (from[i] < 0)
			_exit(1);
	}
	for (size_t i = 0; i < KD_ARRAY_LEN(from); i++) {
		if (dup2(from[i], CHILD_FD_SOCK + (int)i) < 0)
			_exit(1);
	}
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execve("/proc/self/exe", argv, p->child_env);
	_exit(1);
}

static bool
spawn(struct parent *p, struct kd_err *e)
{
	AUTO(close) int share_fd = -1;
	AUTO(close) int pin_child = -1;
	AUTO(close) int sock_child = -1;
	int pair[2], pin[2];

	/* Each child loads it anew: what was pinned at the start may have been exchanged. */
	if (p->conf->module_sha256 != NULL &&
	    !module_check(p->conf->module, p->conf->module_sha256, e))
		return kd_in(e, "module");
	if (!share_new(&p->share, &share_fd, e))
		return false;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "socketpair");
	p->sock = pair[0];
	sock_child = pair[1];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pin) != 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "socketpair");
	pin_child = pin[0];
	p->pin_fd = pin[1];
	p->pid = fork();
	if (p->pid < 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "fork");
	if (p->pid == 0)
		become_child(p, sock_child, share_fd, pin_child);
	p->pid_fd = pidfd_open(p->pid, 0);
	if (p->pid_fd < 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "pidfd_open");
	return conns_watch(p, p->pid_fd, WATCH_PID, 0, e) &&
	       conns_watch(p, p->sock, WATCH_SOCK, 0, e);
}

void
child_start(struct parent *p)
{
	struct kd_err e = {0};

	p->start_ms = NEVER;
	if (p->ever_started && !p->absent)
		p->state.restarts++;
	p->ever_started = true;
	p->fault_told = p->absent = false;
	breaker_started(&p->breaker, p->now_ms);
	if (!spawn(p, &e)) {
		if (p->pid > 0) { /* no way to watch it */
			(void)kill(p->pid, SIGKILL);
			(void)waitpid(p->pid, NULL, 0);
		}
		forget(p);
		(void)kd_in(&e, "signing process cannot be started");
		trouble_log(p, e.msg);
		trouble(p, TROUBLE_FAULT, e.msg);
		p->start_ms = trouble_next_start(p);
		return;
	}
	p->phase = PHASE_STARTING;
	p->phase_end_ms = p->now_ms + p->conf->start_deadline_ms;
	p->state.child_pid = (uint32_t)p->pid;
	p->state_changed = true;
}

void
child_kill(struct parent *p)
{
	if (p->pid <= 0 || p->phase == PHASE_KILLED)
		return;
	(void)kill(p->pid, SIGKILL);
	if (p->phase != PHASE_LOGIN) /* a login that was cut off stays one */
		p->phase = PHASE_KILLED;
	p->phase_end_ms = p->now_ms + KILL_MS;
}

/* The state stays TOKEN_READY meanwhile: jobs wait in the queue for the next child, and a
 * keeper that refused them for these milliseconds would be wrong. */
void
child_replace(struct parent *p, enum trouble t, const char *why)
{
	uint64_t drain_ms = trouble_drain_ms(p, t);

	if (p->phase != PHASE_READY) {
		if (t == TROUBLE_BAD) /* of the one before */
			trouble(p, t, why);
		return;
	}
	log_line(
	    LOG_L_WARN, "signing process %d is replaced: %s", (int)p->pid, SHOW(why));
	jobs_take_back(p);
	p->phase = PHASE_DRAIN;
	p->phase_end_ms = p->now_ms + drain_ms;
	if (t != TROUBLE_NONE) /* else what waits has the time that what is begun has */
		trouble_hold(p, drain_ms);
	trouble(p, t, why);
	if (p->flights_n == 0)
		child_kill(p);
}

/* Before the first login ever: an operator's mistake, told by the exit status. Later, the
 * world has changed: what can still be served, is. */
static void
refuse_config(struct parent *p, const struct kd_err *e)
{
	parent_set_state(p, TOKEN_FAILED, e->msg);
	if (!p->found_once) {
		p->fatal = *e;
	} else {
		trouble_log(p, e->msg);
		trouble(p, TROUBLE_FAULT, e->msg); /* not our own SIGKILL */
	}
	child_kill(p);
}

static void
on_found(struct parent *p, const struct child_found *f)
{
	struct signer_state *s = &p->state;
	struct kd_err e = {0};

	(void)text_show(s->label, sizeof(s->label), f->label, strlen(f->label));
	(void)text_show(s->serial, sizeof(s->serial), f->serial, strlen(f->serial));
	(void)text_show(s->model, sizeof(s->model), f->model, strlen(f->model));
	p->state_changed = true;
	if (p->phase != PHASE_STARTING || p->stopping)
		return;
	(void)snprintf(p->found, sizeof(p->found), "%s", f->serial);
	(void)snprintf(p->found_label, sizeof(p->found_label), "%s", f->label);
	if (owner_is_another(p))
		return;
	if (!token_lock_take(&p->token_lock, p->conf, f->serial, f->label, &e) ||
	    (!p->found_once && !key_check_shown(p, f, &e))) {
		refuse_config(p, &e);
		return;
	}
	p->found_once = true;
	if (login_is_forbidden(p, f))
		return;
	if (f->pin_count_low)
		log_line(LOG_L_WARN, "token '%s' says that a wrong PIN was tried before",
		    s->label);
	if (f->login && !login_give_pin(p, f))
		return;
	if (!f->login)
		p->phase = PHASE_KEYS;
	(void)close(p->pin_fd);
	p->pin_fd = -1;
}

static void
on_ready(struct parent *p, const struct child_ready *m)
{
	p->phase = PHASE_READY;
	p->phase_end_ms = NEVER;
	jobs_heeded(p);
	p->was_ready = true;
	p->hold_end_ms = NEVER;
	p->said[0] = p->last_fault[0] = '\0';
	breaker_ready(&p->breaker);
	p->in_flight_max = JOBS_PER_SESSION * m->sessions;
	if (p->in_flight_max < JOBS_MIN)
		p->in_flight_max = JOBS_MIN;
	p->state.sessions = (uint16_t)m->sessions;
	if (!p->have_owner) /* it wants no PIN */
		owner_remember(p);
	log_line(LOG_L_NOTICE, "token '%s' serial '%s' is ready: %u sessions, process %d",
	    p->state.label, p->state.serial, m->sessions, (int)p->pid);
	parent_set_state(p, TOKEN_READY, "");
	if (p->look_again)
		child_replace(p, TROUBLE_NONE, LOOK_AGAIN);
}

static void
on_fault(struct parent *p, const struct child_fault *f)
{
	bool gone = f->state == TOKEN_ABSENT;
	char text[SIGNER_DETAIL_MAX + 1];
	struct kd_err e = {0};

	if (f->grown) {
		child_replace(p, TROUBLE_NONE, f->detail);
		return;
	}
	if (f->misconfigured && !p->found_once)
		(void)kd_fail(&e, KD_E_CONFIG, "%s",
		    text_show(text, sizeof(text), f->detail, strlen(f->detail)));
	if (e.code != KD_OK || (gone && !owner_missing(p, f->detail, &e))) {
		refuse_config(p, &e);
		return;
	}
	trouble_log(p, f->detail);
	if (p->phase == PHASE_READY) { /* the next one says what is there now */
		child_replace(p, gone ? TROUBLE_GONE : TROUBLE_FAULT, f->detail);
		return;
	}
	if (p->phase == PHASE_DRAIN || p->phase == PHASE_KILLED || p->latched ||
	    p->state.token == TOKEN_LATCHED)
		return;
	p->absent = gone;
	if (gone)
		parent_set_state(p, TOKEN_ABSENT, f->detail);
	else
		trouble(p, TROUBLE_FAULT, f->detail);
}

static void
on_message(struct parent *p, union child_msg *m, size_t n)
{
	struct kd_err e = {0};
	enum trouble t;

	if (!child_msg_check(m, n, p->conf->keys.n, &e)) {
		log_err(LOG_L_ERROR, &e);
		child_kill(p);
		return;
	}
	switch ((enum child_msg_type)m->type) {
	case CHILD_FOUND:
		on_found(p, &m->found);
		break;
	case CHILD_LOGIN:
		login_told(p, &m->login);
		break;
	case CHILD_KEY:
		key_told(p, &m->key);
		break;
	case CHILD_READY:
		if (p->phase == PHASE_KEYS)
			on_ready(p, &m->ready);
		break;
	case CHILD_RESULT:
		if (m->result.code == KD_E_PIN)
			login_refused(p);
		t = jobs_result(p, &m->result);
		if (t != TROUBLE_NONE)
			child_replace(p, t,
			    t == TROUBLE_BAD ? "a signature is wrong"
					     : rv_info(m->result.ckr)->name);
		if (p->phase == PHASE_DRAIN && p->flights_n == 0)
			child_kill(p);
		break;
	case CHILD_FAULT:
		on_fault(p, &m->fault);
		break;
	case CHILD_JOB: /* never comes from a child; child_msg_check refuses it */
		break;
	}
}

void
child_readable(struct parent *p)
{
	static union child_msg in[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr msgs[BATCH];
	int n;

	do {
		if (p->sock < 0)
			return;
		for (size_t i = 0; i < BATCH; i++) {
			iov[i] =
			    (struct iovec){.iov_base = &in[i], .iov_len = sizeof(in[i])};
			msgs[i] = (struct mmsghdr){
			    .msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}};
		}
		n = recvmmsg(p->sock, msgs, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++) {
			if (msgs[i].msg_len == 0) { /* its end: WATCH_PID tells the rest */
				(void)close(p->sock);
				p->sock = -1;
				child_kill(p);
				return;
			}
			on_message(p, &in[i], msgs[i].msg_len);
		}
	} while (n == BATCH || (n < 0 && errno == EINTR));
}

static void
describe_end(char *dst, size_t n, int status)
{
	if (WIFSIGNALED(status))
		(void)snprintf(dst, n, "ended by signal %d", WTERMSIG(status));
	else
		(void)snprintf(dst, n, "ended with status %d", WEXITSTATUS(status));
}

void
child_exited(struct parent *p)
{
	bool at_login;
	int status = 0;
	char how[64];

	child_readable(p); /* what it had still said */
	if (p->pid <= 0 || waitpid(p->pid, &status, WNOHANG) != p->pid)
		return;
	describe_end(how, sizeof(how), status);
	if (p->was_ready || !p->fault_told)
		log_line(p->absent ? LOG_L_DEBUG : LOG_L_NOTICE, "signing process %d %s",
		    (int)p->pid, how);
	at_login = p->phase == PHASE_LOGIN;
	jobs_settle(p);
	trouble_hold(p, 0);
	forget(p);
	p->state.child_pid = 0;
	p->state_changed = true;
	if (at_login)
		login_cut_off(p);
	if (!p->latched && !p->stopping) {
		if (!p->absent)
			trouble(p, TROUBLE_FAULT, how);
		p->start_ms = trouble_next_start(p);
	}
	jobs_refuse_all(p); /* what came back to the queue just now */
}

static void
phase_over(struct parent *p)
{
	p->phase_end_ms = NEVER;
	if (p->phase == PHASE_KILLED) {
		parent_set_state(p, TOKEN_FAILED, "the signing process cannot be killed");
		return;
	}
	if (p->phase != PHASE_DRAIN) {
		trouble_log(p, "the module did not become ready by start-deadline");
		trouble(p, TROUBLE_HANG, p->said);
	}
	child_kill(p);
}

void
child_timers(struct parent *p)
{
	uint64_t ran;

	if (p->phase_end_ms <= p->now_ms)
		phase_over(p);
	if (p->latched && p->pid <= 0 && p->latch_check_ms <= p->now_ms)
		login_check_latch(p);
	if (p->start_ms <= p->now_ms && p->pid <= 0 && !p->stopping)
		child_start(p);
	trouble_timer(p);
	if (jobs_expire(p))
		child_replace(p, TROUBLE_HANG, "a call of the module hangs, or no job is taken");
	if (p->phase == PHASE_READY &&
	    share_begun(p->share, SHARE_PROBE, p->now_ms, &ran) &&
	    ran >= p->conf->sign_deadline_ms)
		child_replace(
		    p, TROUBLE_HANG, "the module hangs while the token is looked at");
}

void
child_clear(struct parent *p)
{
	if (p->pid > 0) {
		struct pollfd gone = {.fd = p->pid_fd, .events = POLLIN};

		(void)kill(p->pid, SIGKILL);
		if (poll(&gone, 1, KILL_MS) > 0)
			(void)waitpid(p->pid, NULL, WNOHANG);
	}
	forget(p);
	if (p->setup_fd >= 0)
		(void)close(p->setup_fd);
	for (char **v = p->child_env; v != NULL && *v != NULL; v++)
		free(*v);
	free(p->child_env);
}
