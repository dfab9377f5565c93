/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/uri.h - RFC 7512 URIs, cut down to what names a token or a private key. */
#ifndef KD_PKCS11_URI_H
#define KD_PKCS11_URI_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define URI_LABEL_MAX 32   /* PKCS #11 3.1 CK_TOKEN_INFO: label and manufacturerID */
#define URI_SERIAL_MAX 16
#define URI_OBJECT_MAX 255 /* ours: CKA_LABEL and CKA_ID have no limit */

enum uri_kind { URI_TOKEN, URI_KEY };

/* What a token or key must be like. An empty string (id: has_id false) matches anything.
 */
struct uri {
	char label[URI_LABEL_MAX + 1], manufacturer[URI_LABEL_MAX + 1];
	char serial[URI_SERIAL_MAX + 1], model[URI_SERIAL_MAX + 1];
	char object[URI_OBJECT_MAX + 1];
	bool has_id;
	uint8_t id[URI_OBJECT_MAX];
	size_t id_len;
};

/* How a token calls itself; strings without the padding blanks. */
struct uri_token {
	const char *label, *manufacturer, *serial, *model;
};

/*
 * uri_parse - the URI of a token (URI_TOKEN) or of a private key (URI_KEY).
 *
 * A key's URI needs object or id, and may repeat the token's attributes, which must then
 * match. Refused, each with a sentence: a PIN or where to find one (pin-value,
 * pin-source), a module (module-path, module-name, library-*), a slot, an object in a
 * token's URI, a type other than private, and attributes nobody knows: a misspelt one
 * would silently widen the match.
 *
 * Errors: KD_E_CONFIG.
 * Spec:   RFC 7512 section 2.3.
 */
bool uri_parse(
    const char *s, enum uri_kind kind, struct uri *ret, struct kd_err *e) KD_MUST;
bool uri_matches_token(const struct uri *u, const struct uri_token *t);
#endif
