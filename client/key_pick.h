/* SPDX-License-Identifier: Apache-2.0 */
/* client/key_pick.h - which key --key and --sha1 mean. */
#ifndef CLIENT_KEY_PICK_H
#define CLIENT_KEY_PICK_H
#include "authenticode/cert.h"
#include "client/server.h"

struct key_choice {
	char name[API_KEY_NAME_MAX + 1]; /* "": whichever is the only granted one */
	bool by_thumbprint;
	uint8_t sha1[20]; /* of the certificate, when by_thumbprint */
};

/* 40 hex digits of either case; blanks and colons between them do not count. KD_E_USAGE.
 */
bool key_thumbprint(const char *text, uint8_t ret[20], struct kd_err *e) KD_MUST;
/*
 * key_pick - name and thumbprint (either or both NULL) → the key to ask for. Asks the
 * server only when there is a thumbprint.
 *
 * Errors: KD_E_USAGE, KD_E_KEY_UNKNOWN (none of the granted keys), server_keys'.
 */
bool key_pick(struct server *s, const char *name, const char *sha1,
    struct key_choice *ret, struct kd_err *e) KD_MUST;
/*
 * key_chain - the certificates that the service sends along with signatures of a key.
 *
 * key  as key_pick gave it; a name that was left open becomes that of the only granted one
 * ret  appended to: the key's own first
 * Errors: KD_E_KEY_AMBIGUOUS, KD_E_KEY_UNKNOWN, server_keys'.
 */
bool key_chain(struct server *s, struct key_choice *key, struct certs *ret,
    struct kd_err *e) KD_MUST;
/* Adds the granted keys' names to an error about the choice of key; nothing when the
 * server does not say. */
void key_explain(struct server *s, struct kd_err *e);
#endif
