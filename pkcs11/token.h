/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/token.h - the module, the one token in it that is ours, and its sessions. */
#ifndef KD_PKCS11_TOKEN_H
#define KD_PKCS11_TOKEN_H
#include <stdbool.h>

#include <p11-kit/pkcs11.h>

#include "base/error.h"
#include "base/own.h"
#include "base/secret.h"
#include "pkcs11/uri.h"
#include "wire/signer_msg.h"

/*
 * libp11 loads the module and enumerates slots and tokens; login, search and signing are
 * direct calls on the same module. libp11 0.4.12 keeps a copy of the PIN for the slot's
 * life, cannot log in a second time, loses every key when the token holds one of an
 * unknown type, and waits without limit when no session can be opened; the direct calls
 * do not. A process opens one token, once, and ends when that token is lost: nothing is
 * repaired.
 */
struct token; /* opaque */

struct token_info { /* UTF-8 or what the token gives instead, trimmed */
	char label[33], manufacturer[33], serial[17], model[17];
	bool login_required;
	bool pin_count_low; /* a wrong PIN was tried since the last right one */
	char refuse[160]; /* why the token's flags forbid a login; "" when they do not */
};

/*
 * token_open - load the module and find the token.
 *
 * module  absolute path; loaded with CKF_OS_LOCKING_OK
 * want    exactly one token must match; slots without an initialised token do not count
 * ret     owned by the caller: token_close
 * ret_why written on failure: TOKEN_ABSENT (looking again helps) or TOKEN_FAILED
 * Errors: KD_E_TOKEN, KD_E_CONFIG (several match, or the module is none), KD_E_NOMEM.
 */
bool token_open(const char *module, const struct uri *want, struct token **ret,
    enum token_state *ret_why, struct kd_err *e) KD_MUST;
/*
 * token_each - what initialised tokens the module has; at most max of them are told of.
 * The module is loaded and let go again. Errors: KD_E_TOKEN, KD_E_CONFIG (the module is
 * none), KD_E_NOMEM.
 */
bool token_each(const char *module, struct token_info *ret, size_t max, size_t *ret_n,
    struct kd_err *e) KD_MUST;
void token_close(struct token *t); /* NULL is fine */
AUTO_DEFINE(struct token, token_close);
const struct token_info *token_info(const struct token *t);
CK_FUNCTION_LIST *token_fns(const struct token *t); /* borrowed */

/*
 * token_begin - open the session of token_login, before there is a PIN: what goes wrong in
 * it is then no login that was cut off. Errors: KD_E_TOKEN.
 */
bool token_begin(struct token *t, struct kd_err *e) KD_MUST;
/*
 * token_login - C_Login in a session of its own, which stays open: closing a token's last
 * session logs out. Login is per process, so every later session is logged in.
 *
 * pin  borrowed, never copied; NULL where the token asks for no login
 * Errors: KD_E_PIN for whatever C_Login answers but success: one try per operator action.
 *         KD_E_TOKEN when not even the session could be opened: C_Login was not called.
 */
bool token_login(struct token *t, const struct secret *pin, struct kd_err *e) KD_MUST;
/* The session of token_login, for searches. */
CK_SESSION_HANDLE token_session(const struct token *t);
/* Another one, for a thread that signs. *ret_rv: the CK_RV, for CKR_SESSION_COUNT. */
bool token_session_new(
    struct token *t, CK_SESSION_HANDLE *ret, CK_RV *ret_rv, struct kd_err *e) KD_MUST;
/* One that may create and destroy objects: for kdsign-token, never for the service. */
bool token_session_write(
    struct token *t, CK_SESSION_HANDLE *ret, struct kd_err *e) KD_MUST;
CK_SLOT_ID token_slot(const struct token *t);
/* Still the same token in the same slot, and our session alive. Uses no key. */
bool token_probe(const struct token *t, struct kd_err *e) KD_MUST;
#endif
