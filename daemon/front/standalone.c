/* SPDX-License-Identifier: Apache-2.0 */
/* standalone.c - kdsignd --standalone: all daemons under one supervisor, on one machine. */
#include "config.h"

#include "daemon/front/standalone.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/builder.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/own.h"
#include "base/service.h"
#include "base/sock.h"
#include "daemon/front/child.h"

#define BACKLOG 1024
#define SIGNERS_MAX 16
#define CHILDREN_MAX (3 + SIGNERS_MAX) /* front, keeper, and where there is one a relay */
#define FRONT 0
#define KEEPER 1
#define BEHIND 2 /* the relay, if any, and the signers: without one of them all goes on */
#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 10000
#define NOTIFIES_MAX 64
#define STEADY_MS 30000 /* having run that long, a child starts anew without a pause */
#define STOP_MS                                                                          \
	15000 /* for all but the front, which has its stop-deadline and this */

struct supervisor {
	struct child child[CHILDREN_MAX];
	size_t n;
	uint16_t port;
	uint64_t stop_deadline_ms; /* the front's */
	int signals, notify;
	char notify_name[64];
	bool announced;
};

static void
supervisor_clear(struct supervisor *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) /* the front first: nobody asks a keeper that stops */
		child_stop(
		    &s->child[i], i == FRONT ? s->stop_deadline_ms + STOP_MS : STOP_MS);
	for (i = 0; i < s->n; i++) {
		if (i != FRONT && s->child[i].socket != NULL && s->child[i].fd >= 0)
			(void)unlink(s->child[i].socket);
		child_clear(&s->child[i]);
	}
	close_auto(&s->signals);
	close_auto(&s->notify);
}
AUTO_DEFINE_CLEAR(struct supervisor, supervisor_clear);

static char *
join(const char *dir, const char *name)
{
	struct buf b = {0};

	buf_printf(&b, "%s/%s", dir, name);
	buf_u8(&b, 0);
	return (char *)buf_take(&b, &(size_t){0});
}

/* Beside our own executable (a build tree, a copied folder), else where it was installed.
 */
static char *
program_find(const char *name)
{
	char self[PATH_MAX], *beside;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		*strrchr(self, '/') = '\0'; /* an absolute path: there is one */
		beside = join(self, name);
		if (beside == NULL || access(beside, X_OK) == 0)
			return beside;
		free(beside);
	}
	return join(SBINDIR, name);
}

/* config moves in. */
static bool
child_add(struct supervisor *s, const char *role, const char *program, char *take_config,
    struct kd_err *e)
{
	struct child *c = &s->child[s->n];

	if (s->n == CHILDREN_MAX) {
		free(take_config);
		return kd_fail(
		    e, KD_E_CONFIG, "over %d signer configurations", SIGNERS_MAX);
	}
	s->n++;
	*c = (struct child){.role = role, .config = take_config, .fd = -1, .pidfd = -1};
	c->program = program_find(program);
	if (c->program == NULL || c->config == NULL)
		return kd_fail_nomem(e, "configuration");
	if (!child_settings(c, e))
		return false;
	c->uid = geteuid();
	c->gid = getegid();
	if (c->user != NULL && !sock_user(c->user, &c->uid, &c->gid, e))
		return kd_in(e, "'%s': user", c->config);
	return true;
}

/* Asked by the front, as the keeper is; the signers are asked by the keeper. */
static bool
is_relay(const struct child *c)
{
	return strcmp(c->role, "relay") == 0;
}

/* relay.conf says that there is one. Its upstreams are its own affair; the socket is the
 * front's too. */
static bool
relay_add(struct supervisor *s, const char *dir, const char *front_says, struct kd_err *e)
{
	char *path = join(dir, "relay.conf");
	const char *socket;

	if (path != NULL && access(path, F_OK) != 0) {
		free(path);
		return true;
	}
	if (!child_add(s, "relay", "kdsign-relay", path, e))
		return false;
	socket = s->child[s->n - 1].socket;
	if (front_says == NULL || socket == NULL || strcmp(front_says, socket) != 0)
		return kd_fail(e, KD_E_CONFIG,
		    "'%s': relay '%s' is not the socket of '%s', '%s'",
		    s->child[FRONT].config, front_says != NULL ? front_says : "",
		    s->child[s->n - 1].config, socket != NULL ? socket : "");
	return true;
}

static bool
signers_add(struct supervisor *s, const char *dir, struct kd_err *e)
{
	char *pattern = join(dir, "signer*.conf");
	glob_t g = {0};
	bool ok = true;
	size_t i;

	if (pattern == NULL)
		return kd_fail_nomem(e, "configuration");
	if (glob(pattern, 0, NULL, &g) != 0 || g.gl_pathc == 0)
		ok = kd_fail(e, KD_E_CONFIG, "'%s': no such file", pattern);
	for (i = 0; ok && i < g.gl_pathc; i++)
		ok = child_add(s, "signer", "kdsign-signer", kd_strdup(g.gl_pathv[i]), e);
	globfree(&g);
	free(pattern);
	return ok;
}

/* The socket belongs to the one user who may connect to it; root's mode 0600 does the
 * rest. */
static bool
bind_for(struct child *c, uid_t peer, struct kd_err *e)
{
	if (c->socket == NULL)
		return kd_fail(e, KD_E_CONFIG, "'%s': names no socket", c->config);
	if (!sock_listen_unix(c->socket, 0600, &c->fd, e))
		return kd_in(e, "'%s'", c->config);
	if (geteuid() == 0 && chown(c->socket, peer, (gid_t)-1) != 0)
		return kd_fail_errno(e, KD_E_CONFIG, errno, "'%s': owner", c->socket);
	return true;
}

static bool
bind_all(struct supervisor *s, const struct front_conf *conf, struct kd_err *e)
{
	struct child *front = &s->child[FRONT], *keeper = &s->child[KEEPER];
	size_t i;

	if (keeper->socket == NULL || strcmp(conf->keeper, keeper->socket) != 0)
		return kd_fail(e, KD_E_CONFIG,
		    "'%s': keeper '%s' is not the socket of '%s', '%s'", front->config,
		    conf->keeper, keeper->config,
		    keeper->socket != NULL ? keeper->socket : "");
	if (!sock_listen_tcp(conf->listen, BACKLOG, &front->fd, e))
		return kd_in(e, "'%s': listen", front->config);
	if (!sock_port(front->fd, &s->port, e) || !bind_for(keeper, front->uid, e))
		return false;
	for (i = BEHIND; i < s->n; i++)
		if (!bind_for(&s->child[i],
			is_relay(&s->child[i]) ? front->uid : keeper->uid, e))
			return false;
	return true;
}

/* Where the children say READY=1 (sd_notify); in the abstract name space, for any user.
 */
static bool
notify_open(struct supervisor *s, struct kd_err *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int n = snprintf(s->notify_name, sizeof(s->notify_name), "@kdsign-standalone-%ld",
	    (long)getpid());
	int on = 1;

	memcpy(sa.sun_path + 1, s->notify_name + 1, (size_t)n - 1);
	s->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->notify < 0 ||
	    setsockopt(s->notify, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0 ||
	    bind(s->notify, (struct sockaddr *)&sa,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)) != 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "socket for readiness");
	return true;
}

/* One message: true while there was one. Believed only from a child, by the kernel's
 * word. */
static bool
notify_take(struct supervisor *s)
{
	union {
		char b[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	char text[1024];
	struct iovec iov = {.iov_base = text, .iov_len = sizeof(text) - 1};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(s->notify, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *h = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;
	struct ucred cred;
	size_t i;

	if (h == NULL || h->cmsg_type != SCM_CREDENTIALS)
		return n >= 0;
	text[n] = '\0';
	memcpy(&cred, CMSG_DATA(h), sizeof(cred));
	for (i = 0; i < s->n; i++)
		if (s->child[i].pid == cred.pid && strstr(text, "READY=1") != NULL)
			s->child[i].ready = true;
	return true;
}

static bool
start_all(struct supervisor *s, struct kd_err *e)
{
	size_t i;

	for (i = s->n; i > 0; i--) /* front last: each finds whom it asks */
		if (!child_start(&s->child[i - 1], s->notify_name, e))
			return false;
	return true;
}

static void
warn_users(const struct supervisor *s)
{
	size_t i;

	for (i = 1; i < s->n; i++)
		if (geteuid() != 0 || s->child[i].uid == s->child[FRONT].uid ||
		    (i > KEEPER && s->child[i].uid == s->child[KEEPER].uid)) {
			log_line(LOG_L_WARN,
			    "one user, no separation: who takes over the "
			    "front has the record and the token too");
			return;
		}
}

/* Once, when every child said that it is ready (or, one behind, that it will not be). */
static bool
announce(struct supervisor *s, const struct run_options *o, struct kd_err *e)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (!s->child[i].ready && !s->child[i].gone)
			return true;
	if (s->announced)
		return true;
	s->announced = true;
	if (!run_note(o->port_file, s->port, e))
		return false;
	log_line(LOG_L_NOTICE, "all ready, port %u", s->port);
	service_ready("serving");
	return true;
}

static enum kd_code
code_of_exit(int status)
{
	switch (status) {
	case 64:
		return KD_E_USAGE;
	case 76:
		return KD_E_INCONSISTENT;
	case 78:
		return KD_E_CONFIG;
	default:
		return KD_OK;
	}
}

/* A child has ended: again after a pause, or not. False: the service cannot go on. */
static bool
child_ended(struct supervisor *s, size_t i, struct kd_err *e)
{
	struct child *c = &s->child[i];
	uint64_t now = clock_ms(), ran = now - c->started_ms;
	int status = child_reap(c);
	enum kd_code why = code_of_exit(status);

	if (why != KD_OK && i < BEHIND)
		return kd_fail(
		    e, why, "'%s' gave up with exit status %d", c->program, status);
	if (why != KD_OK) {
		c->gone = true;
		log_line(LOG_L_ERROR,
		    "'%s --config %s' gave up with exit status %d; it stays "
		    "down until SIGHUP",
		    c->program, c->config, status);
		return true;
	}
	if (ran >= STEADY_MS)
		c->pause_ms = 0;
	else if (c->pause_ms == 0)
		c->pause_ms = PAUSE_MIN_MS;
	else if (c->pause_ms < PAUSE_MAX_MS)
		c->pause_ms *= 2;
	c->restart_ms = now + c->pause_ms;
	log_line(LOG_L_WARN, "'%s' ended (%s %d); again in %llu ms", c->program,
	    status < 0 ? "signal" : "status", abs(status),
	    (unsigned long long)c->pause_ms);
	return true;
}

static void
restart_due(struct supervisor *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		struct child *c = &s->child[i];
		struct kd_err e = {0};

		if (c->pid != 0 || c->gone || clock_left(c->restart_ms) > 0 ||
		    child_start(c, s->notify_name, &e))
			continue;
		log_err(LOG_L_ERROR, &e); /* no memory, no process: that passes */
		c->restart_ms = clock_ms() + PAUSE_MAX_MS;
	}
}

static void
pass_on_hup(struct supervisor *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		child_signal(&s->child[i], SIGHUP);
		if (s->child[i].gone) { /* the operator has acted */
			s->child[i].gone = false;
			s->child[i].restart_ms = clock_ms();
		}
	}
}

/* How long nothing can be due, for poll(2). */
static int
next_wait(const struct supervisor *s)
{
	int wait = -1;
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->child[i].pid == 0 && !s->child[i].gone) {
			int left = clock_left(s->child[i].restart_ms);

			if (wait < 0 || left < wait)
				wait = left;
		}
	return wait;
}

static bool
supervise(struct supervisor *s, const struct run_options *o, struct kd_err *e)
{
	for (;;) {
		struct pollfd p[2 + CHILDREN_MAX] = {{.fd = s->signals, .events = POLLIN},
		    {.fd = s->notify, .events = POLLIN}};
		size_t i;

		for (i = 0; i < s->n; i++) /* a negative descriptor is passed over */
			p[2 + i] =
			    (struct pollfd){.fd = s->child[i].pidfd, .events = POLLIN};
		(void)poll(p, 2 + s->n, next_wait(s));
		switch (service_signal_next(s->signals)) {
		case SIGTERM:
		case SIGINT:
			service_stopping();
			return true;
		case SIGHUP:
			pass_on_hup(s);
			break;
		default:
			break;
		}
		for (i = 0; i < NOTIFIES_MAX && notify_take(s); i++)
			continue; /* anybody may write there: no more than that a turn */
		for (i = 0; i < s->n; i++)
			if ((p[2 + i].revents & POLLIN) != 0 && !child_ended(s, i, e))
				return false;
		restart_due(s);
		if (!announce(s, o, e))
			return false;
	}
}

static bool
children_find(
    struct supervisor *s, const char *dir, struct front_conf *conf, struct kd_err *e)
{
	if (!child_add(s, "https", "kdsignd", join(dir, "kdsignd.conf"), e) ||
	    !conf_load(s->child[FRONT].config, front_conf_sections, conf, e) ||
	    !front_conf_check(conf, e) ||
	    !child_add(s, "keeper", "kdsign-keeper", join(dir, "keeper.conf"), e))
		return false;
	s->stop_deadline_ms = conf->stop_deadline_ms;
	return relay_add(s, dir, conf->relay, e) && signers_add(s, dir, e) &&
	       bind_all(s, conf, e);
}

bool
standalone_run(const char *dir, const struct run_options *o, struct kd_err *e)
{
	AUTO(supervisor_clear) struct supervisor s = {.signals = -1, .notify = -1};
	struct front_conf conf = {0};
	bool ok;

	ok = children_find(&s, dir, &conf, e);
	conf_clear(front_conf_sections, &conf);
	if (!ok || !service_signal_fd(&s.signals, e) || !notify_open(&s, e) ||
	    !run_note(o->pid_file, (unsigned long)getpid(), e))
		return false;
	warn_users(&s);
	return start_all(&s, e) && supervise(&s, o, e);
}
