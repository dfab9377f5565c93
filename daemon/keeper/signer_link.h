/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/signer_link.h - the connection to one signer, its state, and what it has
 * not answered yet. */
#ifndef KD_KEEPER_SIGNER_LINK_H
#define KD_KEEPER_SIGNER_LINK_H
#include "daemon/keeper/loop.h"
#include "daemon/keeper/request.h"
#include "wire/frame.h"
#include "wire/signer_msg.h"

#define SIGNER_WINDOW_MAX 1024
#define SIGNER_GRACE_MS 5000 /* past a job's deadline: then the signer itself is stuck */

struct signer_link; /* opaque; the loop's thread only */

struct signer_link_hooks {
	void *self;
	/* Whatever became of an item that was sent or given back: exactly one call each. */
	void (*result)(void *self, struct signer_link *l, struct item *it,
	    const struct sign_result *res);
};

struct signer_link_view { /* borrowed, for readiness and metrics */
	bool known;       /* signer_link_connected */
	const char *word; /* the token's state; "not connected", "does not answer" */
	const struct signer_state *state; /* when known */
	size_t sent;
	uid_t peer_uid;
};

bool signer_link_new(const struct signer_conf *c, uid_t uid, struct loop *loop,
    const struct signer_link_hooks *hooks, struct signer_link **ret,
    struct kd_err *e) KD_MUST;
/* Nothing may be sent any more. */
void signer_link_free(struct signer_link *l);
AUTO_DEFINE(struct signer_link, signer_link_free);
const char *signer_link_name(const struct signer_link *l);
/* The same socket and user under the same name: a reload keeps it, with the new limits.
 */
bool signer_link_is(const struct signer_link *l, const struct signer_conf *c, uid_t uid);
void signer_link_adjust(struct signer_link *l, const struct signer_conf *c);
/* Not configured any more: goes on until what it has is done. */
void signer_link_retire(struct signer_link *l);
bool signer_link_retired(const struct signer_link *l);
bool signer_link_retired_and_idle(const struct signer_link *l);
struct signer_link_view signer_link_view(const struct signer_link *l);
/* It has told its state, and answers: a socket may listen with nobody behind it, and a
 * connection stays when the other process is stopped. */
bool signer_link_connected(const struct signer_link *l);
bool signer_link_has_room(const struct signer_link *l); /* in its window */
/* When it would be done with one item more, by what its last signatures took; to be
 * compared with others'. */
uint64_t signer_link_load_us(const struct signer_link *l);
/* For how long none of its token's sessions will be idle when it gets so many more. */
uint64_t signer_link_busy_ms(const struct signer_link *l, size_t more);

/*
 * signer_link_check_key - could this key sign now, as far as its signer knows; its dates are
 * its own: settings_key_check_dates.
 * Errors: KD_E_CERT_INVALID (of another key than the token's), KD_E_TOKEN, KD_E_PIN,
 * KD_E_KEY; each with a sentence.
 */
bool signer_link_check_key(
    const struct signer_link *l, const struct key *k, struct kd_err *e) KD_MUST;
/* A signature of this key did not verify: the signer is told to use the key no more. */
void signer_link_bad(struct signer_link *l, const struct key *k, const char *why);
const struct signer_key *signer_link_find_key(
    const struct signer_link *l, const char *name); /* NULL */

/* Hands an item over, which leaves with the next flush. l is connected, and has room in its
 * window. sign_deadline_ms: from receipt at the signer. */
void signer_link_send(struct signer_link *l, struct item *it, uint64_t now_ms,
    uint64_t sign_deadline_ms);
void signer_link_flush(struct signer_link *l);
/* An item that was not sent, and will not be: nobody heard of it. */
void signer_link_give_back(
    struct signer_link *l, struct item *it, const struct sign_result *why);
/* Connects when it is time, gives up on answers overdue. Returns when to be called again.
 */
uint64_t signer_link_timer(struct signer_link *l, uint64_t now_ms);
#endif
