/* SPDX-License-Identifier: Apache-2.0 */
/* conn.c - the open connections: who holds how many, and until when each may dawdle. */
#include "config.h"

#include "daemon/front/conn.h"

#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#define TICK_MS 200 /* how exactly a connection's deadline is kept */

struct conns {
	struct conns_options o;
	struct counts *clients, *addresses;
	struct limit_key *exempt;
	size_t exempt_n;
	pthread_t thread;
	bool running;
	pthread_mutex_t mu;
	pthread_cond_t end;
	struct conn *head; /* lock: mu */
	bool ending;       /* lock: mu */
};

/* lock: mu. A socket cannot be closed and its number reused meanwhile: conn_drop takes
 * mu. */
static void
cut_late(struct conns *c)
{
	uint64_t now = clock_ms();
	struct conn *conn;

	for (conn = c->head; conn != NULL; conn = conn->next) {
		uint64_t due = atomic_load(&conn->deadline_ms);

		if (due == 0 || due > now)
			continue;
		if (!atomic_compare_exchange_strong(&conn->deadline_ms, &due, 0))
			continue; /* it got on just now */
		(void)shutdown(conn->fd, SHUT_RDWR);
		(void)atomic_fetch_add(&c->o.metrics->cut, 1);
	}
}

static void *
conns_main(void *cls)
{
	struct conns *c = cls;

	(void)pthread_mutex_lock(&c->mu);
	while (!c->ending) {
		uint64_t at = clock_ns() + TICK_MS * 1000000ull;
		struct timespec ts = {.tv_sec = (time_t)(at / 1000000000u),
		    .tv_nsec = (long)(at % 1000000000u)};

		(void)pthread_cond_clockwait(&c->end, &c->mu, CLOCK_MONOTONIC, &ts);
		cut_late(c);
	}
	(void)pthread_mutex_unlock(&c->mu);
	return NULL;
}

static bool
exempt_fill(struct conns *c, struct kd_err *e)
{
	size_t i, n = c->o.balancers->n;

	c->exempt = kd_alloc_array(n, sizeof(*c->exempt));
	if (c->exempt == NULL)
		return kd_fail_nomem(e, "balancers");
	for (i = 0; i < n; i++)
		if (!limit_key_parse(c->o.balancers->v[i], &c->exempt[i], e))
			return kd_in(e, "balancers");
	c->exempt_n = n;
	return true;
}

bool
conns_new(const struct conns_options *o, struct conns **ret, struct kd_err *e)
{
	AUTO(conns_free) struct conns *c = kd_alloc(sizeof(*c));
	int rc;

	if (c == NULL)
		return kd_fail_nomem(e, "connections");
	c->o = *o;
	(void)pthread_mutex_init(&c->mu, NULL);
	(void)pthread_cond_init(&c->end, NULL);
	if (!counts_new(o->client_limit, &c->clients, e) ||
	    !counts_new(o->address_limit, &c->addresses, e) || !exempt_fill(c, e))
		return false;
	rc = pthread_create(&c->thread, NULL, conns_main, c);
	if (rc != 0)
		return kd_fail_errno(e, KD_E_BUG, rc, "thread for deadlines");
	c->running = true;
	*ret = STEAL(c);
	return true;
}

void
conns_free(struct conns *c)
{
	if (c == NULL)
		return;
	(void)pthread_mutex_lock(&c->mu);
	c->ending = true;
	(void)pthread_cond_signal(&c->end);
	(void)pthread_mutex_unlock(&c->mu);
	if (c->running)
		(void)pthread_join(c->thread, NULL);
	counts_free(c->clients);
	counts_free(c->addresses);
	free(c->exempt);
	(void)pthread_cond_destroy(&c->end);
	(void)pthread_mutex_destroy(&c->mu);
	free(c);
}

static bool
is_exempt(const struct conns *c, const struct limit_key *k)
{
	size_t i;

	for (i = 0; i < c->exempt_n; i++)
		if (memcmp(&c->exempt[i], k, sizeof(*k)) == 0)
			return true;
	return false;
}

bool
conns_address_full(struct conns *c, const struct sockaddr *sa, socklen_t len)
{
	struct limit_key k;

	return limit_key_address(sa, len, &k) && !is_exempt(c, &k) &&
	       counts_full(c->addresses, &k);
}

static void
peer_format(struct conn *conn, const struct sockaddr *sa, socklen_t len)
{
	char host[46], port[8];

	if (sa != NULL && (sa->sa_family == AF_INET || sa->sa_family == AF_INET6) &&
	    getnameinfo(sa, len, host, sizeof(host), port, sizeof(port),
		NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		(void)snprintf(conn->peer, sizeof(conn->peer),
		    sa->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
	else
		(void)snprintf(conn->peer, sizeof(conn->peer), "local");
}

struct conn *
conn_add(struct conns *c, int fd, const struct sockaddr *sa, socklen_t len,
    uint64_t deadline_ms)
{
	struct conn *conn = kd_alloc(sizeof(*conn));

	if (conn == NULL)
		return NULL;
	conn->home = c;
	conn->fd = fd;
	(void)snprintf(conn->client_name, sizeof(conn->client_name), "-");
	if (limit_key_address(sa, len, &conn->address) && !is_exempt(c, &conn->address)) {
		conn->address_counted = counts_take(c->addresses, &conn->address);
		if (!conn->address_counted) {
			free(conn);
			return NULL;
		}
	}
	peer_format(conn, sa, len);
	conn_due(conn, deadline_ms);
	(void)atomic_fetch_add(&c->o.metrics->connections_now, 1);
	(void)atomic_fetch_add(&c->o.metrics->connections_total, 1);
	(void)pthread_mutex_lock(&c->mu);
	conn->next = c->head;
	if (c->head != NULL)
		c->head->prev = conn;
	c->head = conn;
	(void)pthread_mutex_unlock(&c->mu);
	return conn;
}

void
conn_drop(struct conn *conn)
{
	struct conns *c = conn->home;

	(void)pthread_mutex_lock(&c->mu);
	if (conn->prev != NULL)
		conn->prev->next = conn->next;
	else
		c->head = conn->next;
	if (conn->next != NULL)
		conn->next->prev = conn->prev;
	(void)pthread_mutex_unlock(&c->mu);
	(void)atomic_fetch_sub(&c->o.metrics->connections_now, 1);
	if (conn->address_counted)
		counts_drop(c->addresses, &conn->address);
	if (conn->client_counted)
		counts_drop(c->clients, &conn->client);
	tls_set_drop(conn->tls);
	free(conn);
}

void
conn_due(struct conn *conn, uint64_t ms)
{
	atomic_store(&conn->deadline_ms, ms != 0 ? clock_ms() + ms : 0);
}

bool
conn_identify(struct conn *conn, struct kd_err *e)
{
	struct conns *c = conn->home;
	struct limit_key k = {0};

	if (conn->session == NULL || conn->known)
		return true;
	if (!tls_peer(conn->session, conn->chain, &conn->chain_n, k.b, e))
		return false;
	text_hex_to(conn->client_name, k.b, 8);
	if (!counts_take(c->clients, &k)) {
		(void)atomic_fetch_add(&c->o.metrics->limited, 1);
		(void)kd_fail(e, KD_E_BUSY,
		    "this client holds %llu connections, the limit",
		    (unsigned long long)c->o.client_limit);
		return kd_hint(e, "close idle connections and try again");
	}
	conn->client = k;
	conn->client_counted = true;
	conn->known = true;
	return true;
}
