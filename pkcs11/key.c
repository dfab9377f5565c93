/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/key.c - find a private key by its URI; what it is and may do; its public half.
 */
#include "pkcs11/key.h"

#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "pkcs11/attr.h"
#include "pkcs11/spki.h"

#define SEEN_MAX 4 /* keys that an "ambiguous" message names */

static bool
fail_ambiguous(
    const struct token *t, const CK_OBJECT_HANDLE *o, size_t n, struct kd_err *e)
{
	AUTO(buf_clear) struct buf names = {.max = 400};
	AUTO(buf_clear) struct buf v = {0};

	for (size_t i = 0; i < n && i < SEEN_MAX; i++) {
		(void)attr_bytes(t, o[i], CKA_LABEL, &v);
		buf_printf(&names, "%sobject '%s' id ", i > 0 ? ", " : "",
		    text_show(
			(char[64]){0}, 64, v.len > 0 ? (const char *)v.p : "", v.len));
		(void)attr_bytes(t, o[i], CKA_ID, &v);
		text_hex(&names, v.p, v.len < 16 ? v.len : 16);
	}
	return kd_fail(e, KD_E_KEY, "%s%zu private keys match, expected one: %s",
	    n > SEEN_MAX ? "more than " : "", n > SEEN_MAX ? (size_t)SEEN_MAX : n,
	    buf_cstr(&names) != NULL ? buf_cstr(&names) : "");
}

static bool
find_one(
    const struct token *t, const struct uri *u, CK_OBJECT_HANDLE *ret, struct kd_err *e)
{
	CK_OBJECT_HANDLE o[SEEN_MAX];
	size_t found = 0;

	if (!attr_find_uri(t, CKO_PRIVATE_KEY, u, o, SEEN_MAX, &found, e))
		return false;
	if (found == 0)
		return kd_fail(e, KD_E_KEY, "no private key on token '%s' matches",
		    SHOW(token_info(t)->label));
	if (found > 1)
		return fail_ambiguous(t, o, found, e);
	*ret = o[0];
	return true;
}

static uint32_t
read_attrs(const struct token *t, CK_OBJECT_HANDLE o)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		enum key_attr bit;
		bool dflt; /* what is not told counts as the worse */
	} rows[] = {
	    {CKA_SENSITIVE, KEY_ATTR_SENSITIVE, false},
	    {CKA_ALWAYS_SENSITIVE, KEY_ATTR_ALWAYS_SENSITIVE, false},
	    {CKA_EXTRACTABLE, KEY_ATTR_EXTRACTABLE, true},
	    {CKA_NEVER_EXTRACTABLE, KEY_ATTR_NEVER_EXTRACTABLE, false},
	    {CKA_LOCAL, KEY_ATTR_LOCAL, false},
	    {CKA_DECRYPT, KEY_ATTR_DECRYPT, true},
	    {CKA_UNWRAP, KEY_ATTR_UNWRAP, true},
	    {CKA_DERIVE, KEY_ATTR_DERIVE, true},
	    {CKA_MODIFIABLE, KEY_ATTR_MODIFIABLE, true},
	};
	CK_ATTRIBUTE_TYPE types[KD_ARRAY_LEN(rows)];
	CK_BBOOL v[KD_ARRAY_LEN(rows)];
	uint32_t bits = 0;
	bool all;

	for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
		types[i] = rows[i].type;
	all = attr_bools(t, o, types, v, KD_ARRAY_LEN(rows));
	for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
		if (all ? v[i] != CK_FALSE : attr_bool(t, o, rows[i].type, rows[i].dflt))
			bits |= (uint32_t)rows[i].bit;
	}
	return bits;
}

static bool
describe_rsa(const struct token *t, CK_OBJECT_HANDLE o, const struct buf *id,
    struct signer_key *k, struct buf *spki, struct kd_err *e)
{
	AUTO(buf_clear) struct buf modulus = {0};
	size_t zeros = 0, bits;

	if (!attr_bytes(t, o, CKA_MODULUS, &modulus))
		return kd_fail(e, KD_E_KEY, "the token does not tell the key's modulus");
	while (zeros < modulus.len && modulus.p[zeros] == 0)
		zeros++;
	buf_drop_front(&modulus, zeros);
	bits = modulus.len * 8;
	if (modulus.len > 0)
		bits -= (size_t)__builtin_clz(modulus.p[0]) - 24;
	if (bits < KEY_RSA_BITS_MIN || bits > KEY_RSA_BITS_MAX || bits % 8 != 0)
		return kd_fail(e, KD_E_KEY,
		    "RSA of %zu bits, expected %d to %d in whole bytes", bits,
		    KEY_RSA_BITS_MIN, KEY_RSA_BITS_MAX);
	k->mechanism = SIGN_RSA_PKCS1;
	k->bits = (uint16_t)bits;
	return spki_of_rsa(t, o, id, &modulus, spki, e);
}

static bool
describe_ec(const struct token *t, CK_OBJECT_HANDLE o, const struct buf *id,
    struct signer_key *k, struct buf *spki, struct kd_err *e)
{
	AUTO(buf_clear) struct buf params = {0};

	if (!attr_bytes(t, o, CKA_EC_PARAMS, &params))
		return kd_fail(e, KD_E_KEY, "the token does not tell the key's curve");
	k->bits = spki_curve_bits(&params);
	k->mechanism = SIGN_ECDSA;
	return spki_of_ec(t, o, id, &params, spki, e);
}

static bool
check_use(const struct token *t, CK_OBJECT_HANDLE o, struct kd_err *e)
{
	if (!attr_bool(t, o, CKA_SIGN, false))
		return kd_fail(e, KD_E_KEY, "the key may not sign (CKA_SIGN is false)");
	if (attr_bool(t, o, CKA_ALWAYS_AUTHENTICATE, false))
		return kd_fail(e, KD_E_KEY,
		    "the key asks for the PIN at each signature "
		    "(CKA_ALWAYS_AUTHENTICATE)");
	return true;
}

bool
key_find(const struct token *t, const struct uri *u, CK_OBJECT_HANDLE *ret_handle,
    struct signer_key *ret, struct kd_err *e)
{
	const struct token_info *info = token_info(t);
	AUTO(buf_clear) struct buf id = {0};
	AUTO(buf_clear) struct buf spki = {0};
	struct signer_key k = {0};
	CK_KEY_TYPE type = CK_UNAVAILABLE_INFORMATION;
	CK_OBJECT_HANDLE o = CK_INVALID_HANDLE;
	bool done;

	if (!uri_matches_token(u, &(struct uri_token){.label = info->label,
				      .manufacturer = info->manufacturer,
				      .serial = info->serial,
				      .model = info->model}))
		return kd_fail(e, KD_E_KEY, "the key's URI names another token than '%s'",
		    SHOW(info->label));
	if (!find_one(t, u, &o, e) || !check_use(t, o, e))
		return false;
	(void)attr_ulong(t, o, CKA_KEY_TYPE, &type);
	(void)attr_bytes(t, o, CKA_ID, &id);
	if (type == CKK_RSA)
		done = describe_rsa(t, o, &id, &k, &spki, e);
	else if (type == CKK_EC)
		done = describe_ec(t, o, &id, &k, &spki, e);
	else
		return kd_fail(e, KD_E_KEY, "key type 0x%lx, expected RSA or EC", type);
	if (!done)
		return false;
	if (spki.len > sizeof(k.spki))
		return kd_fail(e, KD_E_KEY,
		    "public key of %zu bytes, at most %zu allowed", spki.len,
		    sizeof(k.spki));
	if (spki.len > 0)
		memcpy(k.spki, spki.p, spki.len);
	k.spki_len = spki.len;
	k.attrs = read_attrs(t, o);
	k.ready = true;
	memcpy(k.name, ret->name, sizeof(k.name));
	*ret = k;
	*ret_handle = o;
	return true;
}
