/* SPDX-License-Identifier: Apache-2.0 */
/* conn.h - the open connections: who holds how many, and until when each may dawdle. */
#ifndef KD_FRONT_CONN_H
#define KD_FRONT_CONN_H
#include <gnutls/gnutls.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/conf.h"
#include "base/error.h"
#include "daemon/front/limits.h"
#include "daemon/front/status.h"
#include "daemon/front/tls.h"
#include "wire/front_msg.h"

/* "local": a connection to status-listen over a Unix socket. */
struct conn {
	struct conn *prev, *next; /* lock: the registry's */
	struct conns *home;
	int fd;                           /* the HTTP library's; open until conn_drop */
	atomic_uint_fast64_t deadline_ms; /* monotonic; 0: none now */
	char peer[ASK_PEER_MAX + 1];
	struct limit_key address, client;
	bool address_counted, client_counted;
	/* The HTTP library's thread of this connection alone touches what follows. */
	gnutls_session_t session;        /* NULL: plain */
	struct tls_out out;              /* of session */
	struct tls_set *tls;             /* counted; what session borrows from */
	uint64_t requests;               /* begun */
	bool known;                      /* chain and client are filled in */
	struct der chain[ASK_CHAIN_MAX]; /* borrowed from session */
	size_t chain_n;
	char client_name[17]; /* the first 16 hex digits of the certificate's SHA-256, or
				 "-" */
};

struct conns_options { /* borrowed while the registry lives */
	uint64_t client_limit, address_limit;
	const struct conf_list *balancers;
	struct metrics *metrics;
};

struct conns; /* opaque: list, counts, and a thread that cuts who is past the deadline */

void conns_free(struct conns *c); /* after the last conn_drop */
AUTO_DEFINE(struct conns, conns_free);
bool conns_new(
    const struct conns_options *o, struct conns **ret, struct kd_err *e) KD_MUST;

/* Before accept: is this address at its limit? */
bool conns_address_full(struct conns *c, const struct sockaddr *sa, socklen_t len);
/* NULL: over the address's limit, or no memory; the caller ends the connection. */
struct conn *conn_add(struct conns *c, int fd, const struct sockaddr *sa, socklen_t len,
    uint64_t deadline_ms);
/* Before fd is closed. */
void conn_drop(struct conn *conn);
/* Within ms from now the present phase must be over, or the socket is shut down; 0: no
 * limit, the request is with the keeper, which has a clock of its own. */
void conn_due(struct conn *conn, uint64_t ms);

/*
 * conn_identify - at a connection's first request: chain, name and count of its client.
 *
 * Errors: KD_E_AUTH (no or an impossible chain), KD_E_BUSY (the client's limit).
 */
bool conn_identify(struct conn *conn, struct kd_err *e) KD_MUST;
#endif
