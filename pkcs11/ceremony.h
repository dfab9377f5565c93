/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony.h - what the commands of kdsign-token share: options, token,
 * transcript. */
#ifndef KD_PKCS11_CEREMONY_H
#define KD_PKCS11_CEREMONY_H
#include <stdbool.h>
#include <stddef.h>

#include "base/builder.h"
#include "base/error.h"
#include "base/own.h"
#include "base/secret.h"
#include "pkcs11/key.h"
#include "pkcs11/signer_conf.h"
#include "pkcs11/token.h"
#include "pkcs11/transcript.h"

#define CEREMONY_TOOL "kdsign-token"
#define CEREMONY_LIST_MAX 16 /* times an option can be repeated */
#define CEREMONY_TEXT_MAX 1024 /* bytes of an option's value */

struct texts { /* of an option that may be repeated; borrowed from argv */
	const char *v[CEREMONY_LIST_MAX];
	size_t n;
};

struct ceremony_options { /* all borrowed from argv; NULL when not given */
	const char *config, *module, *token, *state, *pin_file;
	int pin_fd; /* -1 */
	bool help, version, json, dry_run, no_login;
	struct texts people;
	const char *key, *label, *id, *type, *subject, *kind, *out, *root, *retire, *yes, *head;
	struct texts certificates, cross, vendor_roots;
	bool no_token, check, mend;
};

struct ceremony; /* below */

struct ceremony_command {
	const char *name, *args, *summary;
	bool (*run)(struct ceremony *c, struct kd_err *e);
	bool keyed;    /* --key has to be given */
	bool offline;  /* touches no token */
	bool recorded; /* an act: stands in the transcript */
};

struct ceremony {
	const struct ceremony_options *o;
	const struct ceremony_command *command;
	struct signer_conf conf; /* all-zero without --config */
	const char *module, *state, *latch_dir;
	struct uri want; /* the token */
	struct secret *pin;
	struct token *token;
	CK_SESSION_HANDLE session; /* read-write; after ceremony_login */
	struct transcript transcript;
	struct transcript_entry entry; /* of the act under way */
	struct buf facts;
	bool begun;
	bool done; /* the act; its last words may fail after it */
};

/*
 * ceremony_open - the configuration or --module and --token, the user of the
 * configuration, the folder of the state, the transcript, then the token.
 *
 * c->o and c->command are set; ceremony_clear, also after a failure. No login. A dry run
 * makes no transcript, and no folder unless pre-start commands are run under its lock.
 * Errors: KD_E_CONFIG, KD_E_USAGE, KD_E_TOKEN, KD_E_PIN (file or descriptor),
 * KD_E_INCONSISTENT (transcript).
 */
bool ceremony_open(struct ceremony *c, struct kd_err *e) KD_MUST;
void ceremony_clear(struct ceremony *c);
AUTO_DEFINE_CLEAR(struct ceremony, ceremony_clear);

/*
 * ceremony_login - one C_Login under the latch, as kdsign-signer does it, then a session
 * that may write.
 *
 * The PIN comes from --pin-fd, --pin-file, the configuration's pin-file, or is asked for
 * on the terminal; it is wiped before this returns. Errors: KD_E_PIN (latched, or the
 * token's flags or C_Login refuse), KD_E_CONFIG (nobody to ask), KD_E_TOKEN, KD_E_IO.
 */
bool ceremony_login(struct ceremony *c, struct kd_err *e) KD_MUST;
/* For "pin": the latch may be there, stays while the one try is made, and is removed
 * after it succeeded. */
bool ceremony_login_latched(struct ceremony *c, struct kd_err *e) KD_MUST;

/* A fact for the transcript. Failures show when the entry is written. */
void ceremony_fact(struct ceremony *c, const char *name, const char *fmt, ...)
    KD_PRINTF(3, 4);
/* The key that the act is about; label and id of 0 bytes are fine. */
void ceremony_about(struct ceremony *c, const char *label, const void *id, size_t id_n,
    const void *spki, size_t spki_n);
/*
 * ceremony_begin - the act is on record, durably, before it is done. Without it, it must
 * not be. ceremony_end - with what became of it: failed (may be e itself) says why not,
 * and the answer is then false; NULL: it was done. Errors: KD_E_IO, KD_E_NOMEM,
 * KD_E_TOO_LARGE.
 */
bool ceremony_begin(struct ceremony *c, struct kd_err *e) KD_MUST;
bool ceremony_end(
    struct ceremony *c, const struct kd_err *failed, struct kd_err *e) KD_MUST;

/*
 * --kind: is the key to sign Linux kernel modules alone, as with the grant's "kinds =
 * module"? Their kernel asks for no extended key usage, all others for codeSigning.
 * Errors: KD_E_USAGE.
 */
bool ceremony_kind_module(const struct ceremony *c, bool *ret, struct kd_err *e) KD_MUST;
/* --key as an URI: "pkcs11:..." itself, the [key NAME] of the configuration, or a label.
 */
bool ceremony_key_uri(
    const struct ceremony *c, struct uri *ret, struct kd_err *e) KD_MUST;
/* The key that --key means, by key_find; ceremony_about has been told. label: its
 * CKA_LABEL, id: its CKA_ID. After ceremony_login. */
struct ceremony_key {
	CK_OBJECT_HANDLE handle;
	struct signer_key k;
	char label[URI_OBJECT_MAX + 1];
	struct buf id;
};
bool ceremony_key_find(
    struct ceremony *c, struct ceremony_key *ret, struct kd_err *e) KD_MUST;
void ceremony_key_clear(struct ceremony_key *k);
AUTO_DEFINE_CLEAR(struct ceremony_key, ceremony_key_clear);
/* Its public half; KD_E_KEY when the token does not tell it. */
bool ceremony_key_spki(const struct ceremony_key *k, struct kd_err *e) KD_MUST;

/* One line to standard output. In a dry run the same with "would" is the caller's. */
void ceremony_say(const char *fmt, ...) KD_PRINTF(1, 2);
/* All of b, and whether it could be written. */
bool ceremony_put(const struct buf *b, struct kd_err *e) KD_MUST;

bool ceremony_list(struct ceremony *c, struct kd_err *e) KD_MUST;
bool ceremony_generate(struct ceremony *c, struct kd_err *e) KD_MUST;
bool ceremony_csr(struct ceremony *c, struct kd_err *e) KD_MUST;
bool ceremony_install(struct ceremony *c, struct kd_err *e) KD_MUST;
bool ceremony_attest(struct ceremony *c, struct kd_err *e) KD_MUST;
bool ceremony_test(struct ceremony *c, struct kd_err *e) KD_MUST;
bool ceremony_rotate(struct ceremony *c, struct kd_err *e) KD_MUST;
bool ceremony_destroy(struct ceremony *c, struct kd_err *e) KD_MUST;
bool ceremony_pin(struct ceremony *c, struct kd_err *e) KD_MUST;
bool ceremony_transcript(struct ceremony *c, struct kd_err *e) KD_MUST;
#endif
