/* SPDX-License-Identifier: Apache-2.0 */
/* tls.h - server certificate, client CA and CRL; who is at the other end. */
#ifndef KD_FRONT_TLS_H
#define KD_FRONT_TLS_H
#include <gnutls/gnutls.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/own.h"
#include "wire/front_msg.h"

/* TLS 1.3 only; MEDIUM: no key below RSA-2048 or 256-bit curves in any chain. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:%PROFILE_MEDIUM"

struct tls_files {               /* borrowed while the struct tls lives */
	const char *certificate; /* PEM: leaf first, then intermediates */
	const char *key;         /* PEM; private to us */
	const char *client_ca;   /* PEM: one or more */
	const char *client_crl;  /* PEM: one or more; NULL: none is asked */
};

struct tls;     /* opaque: the current set, exchanged as a whole */
struct tls_set; /* opaque: what one connection was begun with; counted */

void tls_free(struct tls *t);
AUTO_DEFINE(struct tls, tls_free);

/*
 * tls_new - read all files into a first set.
 *
 * A CRL must be signed by one of client_ca and not be past its nextUpdate.
 * Errors: KD_E_CONFIG naming the file.
 */
bool tls_new(const struct tls_files *files, struct tls **ret, struct kd_err *e) KD_MUST;
/* Reads them again. On failure the set in use stays as it was: wholly or not at all. */
bool tls_reload(struct tls *t, struct kd_err *e) KD_MUST;

/*
 * tls_attach - make a session that has not begun its handshake ours: our credentials, a
 * client certificate required, and verified before the handshake ends: chain to
 * client_ca, validity, CRL, and clientAuth as a stated purpose.
 *
 * MHD's own option for a client CA only asks for a certificate and checks nothing, hence
 * this.
 *
 * peer  borrowed while the session lives: names the client in the log when it is refused
 * ret   the set the session now borrows from; tls_set_drop after the session's end
 * Errors: KD_E_AUTH when the CRL in use has run out: nobody is let in on an old one.
 */
bool tls_attach(struct tls *t, gnutls_session_t s, const char *peer, struct tls_set **ret,
    struct kd_err *e) KD_MUST;
void tls_set_drop(struct tls_set *set);

/* Where a session's records go; used by its own thread alone. */
struct tls_out {
	int fd;
	bool more; /* the next record is an answer's header: its body follows at once */
};
/*
 * tls_send_through - write a session's records through out, which must outlive its last
 * one.
 *
 * MHD sends header and body of an answer as two records. With more set before the header,
 * both leave in one segment: one wake-up for the client instead of two.
 */
void tls_send_through(gnutls_session_t s, struct tls_out *out);

/*
 * tls_peer - the chain the client sent, leaf first, and the leaf's SHA-256.
 *
 * chain  ASK_CHAIN_MAX entries; they borrow from the session
 * Errors: KD_E_AUTH: none, too many, one too long.
 */
bool tls_peer(gnutls_session_t s, struct der *chain, size_t *ret_n, uint8_t sha256[32],
    struct kd_err *e) KD_MUST;
#endif
