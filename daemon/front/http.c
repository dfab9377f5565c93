/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - the HTTP library's daemons: the API over TLS, and status-listen without. */
#include "config.h"

#include "daemon/front/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gnutls/abstract.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "daemon/front/request.h"

#define MEMORY_PER_CONNECTION ((size_t)32 << 10) /* so no header is longer: 431 */
#define OPTIONS_MAX 20

struct http {
	struct front *front;
	bool api;
	bool quiet; /* quiesced */
	struct MHD_Daemon *daemon;
};

/* A state the library holds for impossible: nothing about this process can be trusted. */
static void
on_panic(void *cls, const char *file, unsigned line, const char *reason)
{
	(void)cls;
	log_line(LOG_L_ERROR, "libmicrohttpd gave up: %s:%u: %s",
	    file != NULL ? file : "?", line, reason != NULL ? reason : "no reason given");
	_exit(kd_code_info(KD_E_BUG)->exit_daemon);
}

static void
on_log(void *cls, const char *fmt, va_list ap)
{
	char text[256];

	(void)cls;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the library's own formats */
	(void)vsnprintf(text, sizeof(text), fmt, ap);
#pragma GCC diagnostic pop
	text[strcspn(text, "\n")] = '\0';
	log_line(LOG_L_DEBUG, "libmicrohttpd: %s", text);
}

/* The library starts no TLS without a certificate. Ours are set per session (tls_attach),
 * so this is what a session would get if that had failed: none, and so no handshake. */
static int
no_certificate(gnutls_session_t s, const gnutls_datum_t *ca_dn, int n_ca_dn,
    const gnutls_pk_algorithm_t *algos, int n_algos, gnutls_pcert_st **pcert,
    unsigned int *pcert_n, gnutls_privkey_t *key)
{
	(void)s;
	(void)ca_dn;
	(void)n_ca_dn;
	(void)algos;
	(void)n_algos;
	(void)pcert;
	(void)pcert_n;
	(void)key;
	return -1;
}

static enum MHD_Result
on_accept(void *cls, const struct sockaddr *sa, socklen_t len)
{
	struct http *h = cls;

	if (!conns_address_full(h->front->conns, sa, len))
		return MHD_YES;
	(void)atomic_fetch_add(&h->front->metrics.limited, 1);
	return MHD_NO;
}

static bool
connection_begin(struct http *h, struct MHD_Connection *mhd, int fd, struct conn **ret,
    struct kd_err *e)
{
	struct front *f = h->front;
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *sa = info != NULL ? info->client_addr : NULL;
	struct conn *conn = conn_add(f->conns, fd, sa,
	    sa != NULL && sa->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						    : sizeof(struct sockaddr_in),
	    f->conf->header_deadline_ms);

	if (conn == NULL) {
		(void)atomic_fetch_add(&f->metrics.limited, 1);
		return kd_fail(e, KD_E_BUSY, "over the limit of its address");
	}
	*ret = conn;
	if (!h->api)
		return true;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (info == NULL || info->tls_session == NULL)
		return kd_fail(e, KD_E_BUG, "a connection without a TLS session");
	conn->session = info->tls_session;
	conn->out.fd = fd;
	tls_send_through(conn->session, &conn->out);
	return tls_attach(f->tls, conn->session, conn->peer, &conn->tls, e);
}

static void
on_connection(void *cls, struct MHD_Connection *mhd, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	struct http *h = cls;
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct conn *conn = *context;
	struct kd_err e = {0};

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		if (!connection_begin(h, mhd, info->connect_fd, &conn, &e)) {
			log_err(LOG_L_NOTICE, &e);
			(void)shutdown(info->connect_fd, SHUT_RDWR);
		}
		*context = conn;
		return;
	}
	if (conn == NULL)
		return;
	if (h->api && conn->requests == 0) {
		(void)atomic_fetch_add(&h->front->metrics.handshakes_failed, 1);
		log_line(LOG_L_INFO, "%s left without a request", conn->peer);
	}
	conn_drop(conn);
	*context = NULL;
}

/* Called with the target as received, before the library decodes it. */
static void *
on_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct http *h = cls;

	(void)mhd;
	return request_new(h->front, uri);
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
    const char *version, const char *data, size_t *size, void **con_cls)
{
	(void)cls;
	(void)url; /* decoded; ours is the one of on_uri */
	if (*con_cls == NULL)
		return MHD_NO;
	return request_handle(*con_cls, mhd, method, version, data, size);
}

static void
on_completed(void *cls, struct MHD_Connection *mhd, void **con_cls,
    enum MHD_RequestTerminationCode why)
{
	(void)cls;
	(void)mhd;
	(void)why;
	request_end(*con_cls);
	*con_cls = NULL;
}

static void
option(struct MHD_OptionItem *o, size_t *n, enum MHD_OPTION which, intptr_t v, void *p)
{
	o[(*n)++] = (struct MHD_OptionItem){which, v, p};
}

static void
options_fill(struct http *h, int fd, struct MHD_OptionItem *o)
{
	const struct front_conf *c = h->front->conf;
	intptr_t idle_s = (intptr_t)(c->header_deadline_ms / 1000 + 1);
	size_t n = 0;

	option(o, &n, MHD_OPTION_LISTEN_SOCKET, fd, NULL);
	option(o, &n, MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_PER_CONNECTION, NULL);
	option(o, &n, MHD_OPTION_CONNECTION_TIMEOUT, idle_s,
	    NULL); /* behind our own clock */
	option(o, &n, MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, h);
	option(o, &n, MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, h);
	option(o, &n, MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_uri, h);
	option(o, &n, MHD_OPTION_CONNECTION_LIMIT,
	    h->api ? (intptr_t)c->connection_limit : (intptr_t)STATUS_CONNECTIONS, NULL);
	if (h->api) {
		option(o, &n, MHD_OPTION_HTTPS_PRIORITIES, 0,
		    (void *)(uintptr_t)TLS_PRIORITIES);
		option(o, &n, MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)no_certificate);
	}
	if (h->api && c->threads > 1)
		option(o, &n, MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)c->threads, NULL);
	option(o, &n, MHD_OPTION_END, 0, NULL);
}

bool
http_start(struct front *f, int fd, bool api, struct http **ret, struct kd_err *e)
{
	AUTO(http_free) struct http *h = kd_alloc(sizeof(*h));
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC |
			 MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem options[OPTIONS_MAX] = {0};

	if (h == NULL)
		return kd_fail_nomem(e, "HTTP daemon");
	h->front = f;
	h->api = api;
	if (api)
		flags |= MHD_USE_TLS;
	MHD_set_panic_func(on_panic, NULL);
	options_fill(h, fd, options);
	h->daemon = MHD_start_daemon(flags, 0, on_accept, h, on_request, h,
	    MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_ARRAY, options,
	    MHD_OPTION_END);
	if (h->daemon == NULL)
		return kd_fail(e, KD_E_BUG, "libmicrohttpd does not start");
	*ret = STEAL(h);
	return true;
}

/*
 * The C library's, but that to take out what is not there is done, not an error.
 *
 * libmicrohttpd takes the listening socket out of a thread's epoll set in two places at
 * once: in MHD_quiesce_daemon and in that thread, which tell each other by plain flags. Who
 * comes second gets ENOENT and ends the process, in the middle of an orderly stop (seen
 * under load; 0.9.75, MHD_epoll). The library finds this one first, since the program's
 * own symbols come before the C library's.
 */
int
epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	int rc = (int)syscall(SYS_epoll_ctl, epfd, op, fd, event);

	return rc != 0 && op == EPOLL_CTL_DEL && errno == ENOENT ? 0 : rc;
}

void
http_quiesce(struct http *h)
{
	if (h == NULL || h->quiet)
		return;
	h->quiet = true;
	(void)MHD_quiesce_daemon(h->daemon);
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	if (h->daemon != NULL) {
		http_quiesce(h);
		/* The library aborts when it is stopped with a suspended connection. */
		front_links_close(h->front);
		MHD_stop_daemon(h->daemon);
	}
	free(h);
}
