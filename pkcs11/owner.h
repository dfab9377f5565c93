/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/owner.h - the token that took the PIN, remembered from one start to the next. */
#ifndef KD_PKCS11_OWNER_H
#define KD_PKCS11_OWNER_H
#include <stdbool.h>

#include "base/builder.h"
#include "base/error.h"
#include "base/own.h"

/*
 * The file DIR/owner says which token was the last to take the PIN, and for which module
 * and URI of the configuration that was. With it a start tells a token that is away, for
 * which to wait, from a URI that matches none, which is a mistake; and a token of the same
 * label in its place from the right one. A configuration that names another module or
 * another token is an operator's word, so the file then says nothing. kdsign-token pin is
 * one as well, and removes it. Its lines, each ended by a newline, and nothing else:
 *
 *     kdsign-signer owner 1
 *     module PATH
 *     token URI
 *     token-serial TEXT
 *     token-label TEXT
 */
#define OWNER_NAME "owner"
#define OWNER_FILE_MAX ((size_t)64 << 10) /* a path and a URI, however long these are */
#define OWNER_SERIAL_MAX (3 * 16)         /* as owner_text makes it */
#define OWNER_LABEL_MAX (3 * 32)

struct owner { /* all-zero: nobody */
	struct buf text;
	const char *module, *token; /* in text; as configured */
	const char *serial, *label; /* in text; as owner_text makes them */
};

void owner_clear(struct owner *o);
AUTO_DEFINE_CLEAR(struct owner, owner_clear);

/* What a token calls itself in printable ASCII; another byte, and '%', is %XX. One text
 * for each, so that texts can be compared. dst has 3 bytes for each of s and one more. */
void owner_text(char *dst, const char *s);
/*
 * owner_read - who it is; ret stays all-zero when nobody is remembered.
 * Errors: KD_E_CONFIG: the file is damaged or cannot be read. Whose PIN it is is then not
 * known, and no login may be tried.
 */
bool owner_read(const char *dir, struct owner *ret, struct kd_err *e) KD_MUST;
/* Somebody is remembered, and it was under this configuration. */
bool owner_is_of(const struct owner *o, const char *module, const char *token);
/*
 * owner_write - this token, durably: until it is all there (file and folder fsynced) the
 * file before it stays. Does nothing when that says the same.
 * Errors: KD_E_IO, KD_E_CONFIG, KD_E_FILE, KD_E_NOMEM.
 */
bool owner_write(const char *dir, const char *module, const char *token,
    const char *serial, const char *label, struct kd_err *e) KD_MUST;
/* Nobody, durably. Not there is fine. Errors: KD_E_IO, KD_E_CONFIG. */
bool owner_forget(const char *dir, struct kd_err *e) KD_MUST;
#endif
