/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - the front from its first socket to its last answer. */
#include "daemon/front/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/harden.h"
#include "base/log.h"
#include "base/service.h"
#include "base/sock.h"
#include "daemon/front/front.h"
#include "daemon/front/http.h"
#include "wire/api.h"

#define BACKLOG 1024
#define LAST_ANSWERS_MS 1000 /* to send the 503s after stop-deadline */
#define ASKS_SPARE 64        /* those of status-listen, beside connection-limit */
#define STOP_TICK_MS 20
/* An answer of 1000 items is some 9 MB of base64, of a large catalog 22 MiB; beyond this,
 * a little more than the largest body, the keeper is broken. */
#define KEEPER_ANSWER_MAX (API_ANSWER_MAX + 1024)
#define RELAY_ANSWER_MAX ((size_t)256 << 10) /* a timestamp of 64 KiB as base64 in JSON */
#define RELAY_HINT                                                                       \
	"try again, or ask another authority; what is signed can be timestamped later"
#define DESCRIPTORS_SPARE 64 /* ours, and the files that a reload reads */

struct sockets {
	int api, status; /* status: -1 when off */
	uint16_t port;   /* 0: no TCP socket */
};

static void
sockets_clear(struct sockets *s)
{
	close_auto(&s->api);
	close_auto(&s->status);
}
AUTO_DEFINE_CLEAR(struct sockets, sockets_clear);

static void
front_clear(struct front *f)
{
	peer_link_free(f->keeper); /* its answers may be questions to the relay */
	peer_link_free(f->relay);
	conns_free(f->conns);
	tls_free(f->tls);
}
AUTO_DEFINE_CLEAR(struct front, front_clear);

/* Passed in by systemd or the supervisor, else bound here. */
static bool
sockets_open(const struct front_conf *conf, struct sockets *ret, struct kd_err *e)
{
	const char *status = conf->status_listen;
	struct kd_err no_port = {0};

	ret->api = service_listen_fd("https");
	if (ret->api < 0 && !sock_listen_tcp(conf->listen, BACKLOG, &ret->api, e))
		return kd_in(e, "listen");
	if (!sock_port(ret->api, &ret->port, &no_port))
		ret->port = 0;
	if (status == NULL)
		return true;
	ret->status = service_listen_fd("status");
	if (ret->status >= 0)
		return true;
	if (status[0] == '/' ? !sock_listen_unix(status, 0660, &ret->status, e)
			     : !sock_listen_tcp(status, BACKLOG, &ret->status, e))
		return kd_in(e, "status-listen");
	return true;
}

struct peers { /* whom their sockets must belong to */
	uid_t keeper, relay;
};

static bool
peer_user(const char *name, const char *key, uid_t *ret, struct kd_err *e)
{
	gid_t gid;

	*ret = geteuid();
	return name == NULL || sock_user(name, ret, &gid, e) || kd_in(e, "%s", key);
}

static bool
peers_resolve(const struct front_conf *conf, struct peers *ret, struct kd_err *e)
{
	return peer_user(conf->keeper_user, "keeper-user", &ret->keeper, e) &&
	       peer_user(conf->relay_user, "relay-user", &ret->relay, e);
}

/* Whom we become, then who the others are. */
static bool
users_resolve(const struct front_conf *conf, struct peers *ret, struct kd_err *e)
{
	uid_t uid;
	gid_t gid;

	if (conf->user != NULL &&
	    (!sock_user(conf->user, &uid, &gid, e) || !harden_become(uid, gid, e)))
		return kd_in(e, "user");
	return peers_resolve(conf, ret, e);
}

bool
run_note(const char *path, unsigned long value, struct kd_err *e)
{
	AUTO(file_replace_clear) struct file_replace out = {.fd = -1};
	char text[32];
	int n = snprintf(text, sizeof(text), "%lu\n", value);

	if (path == NULL)
		return true;
	return file_replace_begin(path, NULL, &out, e) &&
	       file_write_full(out.fd, text, (size_t)n, e) &&
	       file_replace_commit(&out, false, e);
}

/* A connection without a descriptor would be one too many for the link to the keeper and
 * for a reload as well: those must never have to wait for a stranger to leave. */
static bool
descriptors_reserve(const struct front_conf *conf, struct kd_err *e)
{
	rlim_t want = conf->connection_limit + STATUS_CONNECTIONS + DESCRIPTORS_SPARE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "RLIMIT_NOFILE");
	if (limit.rlim_cur >= want)
		return true;
	if (limit.rlim_max < want) {
		(void)kd_fail(e, KD_E_CONFIG,
		    "connection-limit %llu: needs %llu descriptors, at most %llu are "
		    "allowed",
		    (unsigned long long)conf->connection_limit, (unsigned long long)want,
		    (unsigned long long)limit.rlim_max);
		return kd_hint(e, "lower it, or allow more (LimitNOFILE=, ulimit -n)");
	}
	limit.rlim_cur = want;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0 ||
	       kd_fail_errno(e, KD_E_BUG, errno, "RLIMIT_NOFILE");
}

static bool
front_start(struct front *f, const struct peers *peers, struct kd_err *e)
{
	const struct front_conf *conf = f->conf;
	struct peer_link_options keeper = {.name = "keeper",
	    .path = conf->keeper,
	    .uid = peers->keeper,
	    .asks_max = (size_t)conf->connection_limit + ASKS_SPARE,
	    .bytes_max = (size_t)conf->bytes_in_flight,
	    .answer_max = KEEPER_ANSWER_MAX,
	    .late = KD_E_TOKEN_TIMEOUT,
	    .late_hint = "the work may go on: ask for GET /v1/signatures/{id}",
	    .lost_hint = "send the same request again: its id makes that safe"};
	struct peer_link_options relay = {.name = "relay",
	    .path = conf->relay,
	    .uid = peers->relay,
	    .asks_max = keeper.asks_max,
	    .bytes_max = keeper.bytes_max,
	    .answer_max = RELAY_ANSWER_MAX,
	    .late = KD_E_TIMESTAMP,
	    .late_hint = RELAY_HINT,
	    .lost_hint = RELAY_HINT,
	    .hasty = true}; /* a timestamp that comes late after all does no harm */
	struct conns_options conns = {.client_limit = conf->client_connection_limit,
	    .address_limit = conf->address_connection_limit,
	    .balancers = &conf->balancers,
	    .metrics = &f->metrics};

	f->relay_apart =
	    conf->relay != NULL && peers->relay != geteuid() && peers->relay != peers->keeper;
	f->budget.max = conf->bytes_in_flight;
	f->answers.max = conf->bytes_in_flight > KEEPER_ANSWER_MAX ? conf->bytes_in_flight
								   : KEEPER_ANSWER_MAX;
	return conns_new(&conns, &f->conns, e) &&
	       peer_link_start(&keeper, &f->keeper, e) &&
	       (conf->relay == NULL || peer_link_start(&relay, &f->relay, e));
}

static void
reload(struct front *f)
{
	struct kd_err e = {0};

	service_reloading();
	if (tls_reload(f->tls, &e)) {
		log_line(LOG_L_NOTICE, "certificates, client CA and CRL read again");
	} else {
		(void)kd_in(&e, "reload: the old ones stay in use");
		log_err(LOG_L_ERROR, &e);
	}
	service_ready("serving");
}

static bool
idle(struct front *f)
{
	return atomic_load(&f->metrics.in_flight) == 0;
}

/* Until nothing is in flight, at most ms. A second signal ends the wait. */
static void
drain_wait(struct front *f, int signals, uint64_t ms)
{
	uint64_t end = clock_ms() + ms;

	while (!idle(f) && clock_left(end) > 0) {
		struct pollfd p = {.fd = signals, .events = POLLIN};

		(void)poll(&p, 1, STOP_TICK_MS);
		switch (service_signal_next(signals)) {
		case SIGTERM:
		case SIGINT:
			return;
		default:
			break;
		}
	}
}

static void
stop(struct front *f, struct http *api, int signals)
{
	service_stopping();
	http_quiesce(api);
	atomic_store(&f->draining, true);
	log_line(LOG_L_NOTICE, "stopping; requests in flight: %llu",
	    (unsigned long long)atomic_load(&f->metrics.in_flight));
	drain_wait(f, signals, f->conf->stop_deadline_ms);
	front_links_close(f);
	drain_wait(f, signals, LAST_ANSWERS_MS);
}

static void
serve(struct front *f, struct http *api, int signals)
{
	for (;;) {
		struct pollfd p = {.fd = signals, .events = POLLIN};

		(void)poll(&p, 1, -1);
		switch (service_signal_next(signals)) {
		case SIGHUP:
			reload(f);
			break;
		case SIGTERM:
		case SIGINT:
			stop(f, api, signals);
			return;
		default:
			break;
		}
	}
}

static struct tls_files
files_of(const struct front_conf *conf)
{
	return (struct tls_files){.certificate = conf->tls_certificate,
	    .key = conf->tls_key,
	    .client_ca = conf->client_ca,
	    .client_crl = conf->client_crl};
}

bool
front_check(const struct front_conf *conf, struct kd_err *e)
{
	struct tls_files files = files_of(conf);
	AUTO(tls_free) struct tls *tls = NULL;
	struct peers peers;
	uid_t uid;
	gid_t gid;

	if (conf->user != NULL && !sock_user(conf->user, &uid, &gid, e))
		return kd_in(e, "user");
	return peers_resolve(conf, &peers, e) && tls_new(&files, &tls, e);
}

bool
front_run(const struct front_conf *conf, const struct run_options *o, struct kd_err *e)
{
	struct tls_files files = files_of(conf);
	AUTO(sockets_clear) struct sockets s = {.api = -1, .status = -1};
	AUTO(close) int signals = -1;
	AUTO(front_clear) struct front f = {.conf = conf};
	AUTO(http_free) struct http *status = NULL;
	AUTO(http_free) struct http *api = NULL;
	struct peers peers;

	/* The files are read as the user that will read them again at SIGHUP. */
	if (!descriptors_reserve(conf, e) || !service_signal_fd(&signals, e) ||
	    !sockets_open(conf, &s, e) || !users_resolve(conf, &peers, e) ||
	    !tls_new(&files, &f.tls, e) || !harden_process(HARDEN_FRONT, e) ||
	    !front_start(&f, &peers, e))
		return false;
	if (s.status >= 0 && !http_start(&f, s.status, false, &status, e))
		return kd_in(e, "status-listen");
	if (!http_start(&f, s.api, true, &api, e) ||
	    !run_note(o->pid_file, (unsigned long)getpid(), e) ||
	    !run_note(o->port_file, s.port, e))
		return false;
	log_line(LOG_L_NOTICE, "ready, port %u", s.port);
	service_ready("serving");
	serve(&f, api, signals);
	log_line(LOG_L_NOTICE, "stopped");
	return true;
}
