/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/sign.c - one digest signed in one session: C_SignInit, C_Sign, and the right
 * form. */
#include "pkcs11/sign.h"

#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "pkcs11/rv.h"

#define PREFIX_MAX 19

/* RFC 8017 9.2 note 1: DER of DigestInfo up to the digest itself. */
static const struct prefix {
	enum md md;
	uint8_t len, der[PREFIX_MAX];
} prefixes[] = {
    {MD_SHA1, 15,
	{0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00,
	    0x04, 0x14}},
    {MD_SHA256, 19,
	{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
	    0x02, 0x01, 0x05, 0x00, 0x04, 0x20}},
    {MD_SHA384, 19,
	{0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
	    0x02, 0x02, 0x05, 0x00, 0x04, 0x30}},
    {MD_SHA512, 19,
	{0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
	    0x02, 0x03, 0x05, 0x00, 0x04, 0x40}},
};

/* What goes into C_Sign. 0: no such digest algorithm. */
static size_t
to_be_signed(const struct sign_key *key, enum md md, const uint8_t *digest,
    uint8_t dst[PREFIX_MAX + MD_LEN_MAX])
{
	size_t n = md_len(md);

	if (key->mechanism == SIGN_ECDSA) {
		n = n < key->bytes ? n : key->bytes;
		memcpy(dst, digest, n);
		return n;
	}
	for (size_t i = 0; i < KD_ARRAY_LEN(prefixes); i++) {
		if (prefixes[i].md != md)
			continue;
		memcpy(dst, prefixes[i].der, prefixes[i].len);
		memcpy(&dst[prefixes[i].len], digest, n);
		return prefixes[i].len + n;
	}
	return 0;
}

/* A positive INTEGER without needless leading zeros (X.690 8.3.2). Returns its length. */
static size_t
put_integer(const uint8_t *v, size_t n, uint8_t *dst)
{
	size_t skip = 0, pad;

	while (skip + 1 < n && v[skip] == 0)
		skip++;
	pad = (v[skip] & 0x80) != 0 ? 1 : 0;
	dst[0] = 0x02;
	dst[1] = (uint8_t)(n - skip + pad);
	dst[2] = 0;
	memcpy(&dst[2 + pad], &v[skip], n - skip);
	return 2 + pad + n - skip;
}

size_t
sign_ecdsa_der(const uint8_t *rs, size_t n, uint8_t *dst)
{
	uint8_t ints[2 * (66 + 3)];
	size_t len = put_integer(rs, n, ints);
	size_t head = 2;

	len += put_integer(&rs[n], n, &ints[len]);
	dst[0] = 0x30;
	dst[1] = (uint8_t)len;
	if (len >= 0x80) { /* P-521 only; P-384 needs at most 102 */
		dst[1] = 0x81;
		dst[2] = (uint8_t)len;
		head = 3;
	}
	memcpy(&dst[head], ints, len);
	return head + len;
}

static bool
finish(const struct sign_key *key, const uint8_t *raw, size_t n, struct sign_out *ret,
    struct kd_err *e)
{
	size_t want = key->mechanism == SIGN_ECDSA ? 2 * key->bytes : key->bytes;

	if (n != want)
		return kd_fail(e, KD_E_BAD_SIGNATURE,
		    "C_Sign gave %zu bytes, expected %zu", n, want);
	if (key->mechanism == SIGN_ECDSA) {
		ret->len = sign_ecdsa_der(raw, key->bytes, ret->signature);
		return true;
	}
	memcpy(ret->signature, raw, n);
	ret->len = n;
	return true;
}

bool
sign_digest_if(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s, const struct sign_key *key,
    enum md md, const uint8_t *digest, const struct sign_leave *leave,
    struct sign_out *ret, struct kd_err *e)
{
	CK_MECHANISM mech = {
	    .mechanism = key->mechanism == SIGN_ECDSA ? CKM_ECDSA : CKM_RSA_PKCS};
	uint8_t data[PREFIX_MAX + MD_LEN_MAX], raw[SIGNER_SIGNATURE_MAX];
	CK_ULONG raw_len = sizeof(raw);
	size_t n = to_be_signed(key, md, digest, data);
	uint64_t began = clock_ns();

	ret->rv = CKR_OK;
	ret->call = "";
	ret->token_us = 0;
	if (n == 0)
		return kd_fail(e, KD_E_KEY, "no digest algorithm of number %d", (int)md);
	ret->call = "C_SignInit";
	ret->rv = f->C_SignInit(s, &mech, key->handle);
	if (ret->rv == CKR_OK) {
		ret->call = "";
		if (!leave->may_sign(leave->self))
			return false;
		ret->call = "C_Sign";
		ret->rv = f->C_Sign(s, data, n, raw, &raw_len);
	}
	ret->token_us = (uint32_t)((clock_ns() - began) / 1000);
	if (ret->rv != CKR_OK)
		return rv_fail(e, ret->rv, ret->call);
	return finish(key, raw, raw_len, ret, e);
}

static bool
always(void *self)
{
	(void)self;
	return true;
}

bool
sign_digest(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s, const struct sign_key *key,
    enum md md, const uint8_t *digest, struct sign_out *ret, struct kd_err *e)
{
	static const struct sign_leave leave = {always, NULL};

	return sign_digest_if(f, s, key, md, digest, &leave, ret, e);
}
