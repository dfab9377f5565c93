/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/chain_check.c - the checks of one path: trust, validity, key usages. */
#include "authenticode/chain_check.h"

#include <stdarg.h>
#include <stdio.h>

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/clock.h"

#define RSA_BITS_MIN 1024

static void
middle_free(STACK_OF(X509) * middle)
{
	sk_X509_free(middle); /* not the certificates: they are borrowed */
}
AUTO_DEFINE(STACK_OF(X509), middle_free);
AUTO_DEFINE(X509_STORE, X509_STORE_free);
AUTO_DEFINE(X509_STORE_CTX, X509_STORE_CTX_free);

static void verdict(struct chain_check *ret, bool ok, const char *fmt, ...)
    KD_PRINTF(3, 4);

static void
verdict(struct chain_check *ret, bool ok, const char *fmt, ...)
{
	va_list ap;

	ret->ok = ok;
	va_start(ap, fmt);
	(void)vsnprintf(ret->detail, sizeof(ret->detail), fmt, ap);
	va_end(ap);
}

static void
explain_trust(const struct chain_path *p, int error, int depth, struct chain_check *ret)
{
	size_t i = depth < 0 || (size_t)depth >= p->n ? 0 : (size_t)depth;
	char name[CERT_NAME_LEN];

	cert_name(p->v[i], name);
	switch (error) {
	case X509_V_ERR_INVALID_CA:
	case X509_V_ERR_INVALID_NON_CA:
		verdict(ret, false,
		    "'%s' issued a certificate but is no CA (basicConstraints)", name);
		return;
	case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
		verdict(ret, false, "'%s' may not sign certificates (keyUsage)", name);
		return;
	case X509_V_ERR_PATH_LENGTH_EXCEEDED:
		verdict(ret, false, "'%s' allows fewer CAs below it (pathLenConstraint)",
		    name);
		return;
	case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
		verdict(ret, false,
		    "'%s' has a critical extension that is not understood", name);
		return;
	default:
		verdict(
		    ret, false, "'%s': %s", name, X509_verify_cert_error_string(error));
	}
}

/* X509_check_issued would call an issuer without keyCertSign "not found": say what it is.
 */
static bool
signers_may_sign(const struct chain_path *p, struct chain_check *ret)
{
	for (size_t i = 1; i < p->n; i++) {
		if ((X509_get_key_usage(p->v[i]->x) & KU_KEY_CERT_SIGN) == 0) {
			explain_trust(p, X509_V_ERR_KEYUSAGE_NO_CERTSIGN, (int)i, ret);
			return false;
		}
	}
	return true;
}

/*
 * What the path's signatures are made with. SHA-1 stays: each cross-certificate for
 * kernel drivers has it. Older ones are forged at will (MD5 in CAs: Flame), and Windows
 * refuses them, as it does RSA keys under 1024 bits (KB2862973, KB2661254).
 */
static bool
signatures_are_strong(const struct chain_path *p, struct chain_check *ret)
{
	char name[CERT_NAME_LEN];

	for (size_t i = 0; i < p->n; i++) {
		const EVP_PKEY *key = X509_get0_pubkey(p->v[i]->x);
		int md = NID_undef;

		cert_name(p->v[i], name);
		(void)X509_get_signature_info(p->v[i]->x, &md, NULL, NULL, NULL);
		if (i + 1 < p->n && md != NID_sha1 && md != NID_sha256 &&
		    md != NID_sha384 && md != NID_sha512) {
			verdict(ret, false,
			    "'%s' is signed with %s, sha1 to sha512 expected", name,
			    md == NID_undef ? "no known digest" : OBJ_nid2ln(md));
			return false;
		}
		if (key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
		    EVP_PKEY_get_bits(key) < RSA_BITS_MIN) {
			verdict(ret, false,
			    "'%s' has an RSA key of %d bits, at least %d expected", name,
			    EVP_PKEY_get_bits(key), RSA_BITS_MIN);
			return false;
		}
	}
	return true;
}

/* The path's own last certificate is the only trusted one; time is judged apart. */
static bool
configure(X509_STORE_CTX *ctx, X509_STORE *store, const struct chain_path *p,
    STACK_OF(X509) * middle)
{
	X509_VERIFY_PARAM *param;

	for (size_t i = 1; i + 1 < p->n; i++)
		if (sk_X509_push(middle, p->v[i]->x) <= 0)
			return false;
	if (X509_STORE_add_cert(store, p->v[p->n - 1]->x) != 1 ||
	    X509_STORE_CTX_init(ctx, store, p->v[0]->x, middle) != 1)
		return false;
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_depth(param, CHAIN_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, 0); /* SHA-1 and RSA-1024 of old chains */
	return X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN |
						      X509_V_FLAG_TRUSTED_FIRST |
						      X509_V_FLAG_NO_CHECK_TIME) == 1;
}

bool
chain_check_trust(const struct chain_path *p, struct chain_check *ret, struct kd_err *e)
{
	/* Released last first: ctx borrows the other two. */
	AUTO(middle_free) STACK_OF(X509) *middle = sk_X509_new_null();
	AUTO(X509_STORE_free) X509_STORE *store = X509_STORE_new();
	AUTO(X509_STORE_CTX_free) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	char leaf[CERT_NAME_LEN], root[CERT_NAME_LEN];

	if (store == NULL || ctx == NULL || middle == NULL ||
	    !configure(ctx, store, p, middle))
		return cert_fail_openssl(e, KD_E_CRYPTO, "chain check cannot start");
	if (!signers_may_sign(p, ret) || !signatures_are_strong(p, ret))
		return true;
	cert_name(p->v[0], leaf);
	cert_name(p->v[p->n - 1], root);
	if (X509_verify_cert(ctx) == 1)
		verdict(
		    ret, true, "from '%s' to '%s', %zu certificates", leaf, root, p->n);
	else
		explain_trust(p, X509_STORE_CTX_get_error(ctx),
		    X509_STORE_CTX_get_error_depth(ctx), ret);
	return true;
}

/* Microsoft Root Authority (1997 to 2020-12-31) is still in every Windows, and vouches for
 * what it always did: that it has expired is no finding, as with osslsigncode (facts
 * 10.3). */
static bool
may_be_expired(const struct chain_path *p, size_t i)
{
	static const uint8_t serial[] = {0x00, 0xc1, 0x00, 0x8b, 0x3c, 0x3c, 0x88, 0x11,
	    0xd1, 0x3e, 0xf6, 0x63, 0xec, 0xdf, 0x40};

	return i == p->n - 1 && der_body_is(&p->v[i]->serial, serial, sizeof(serial)) &&
	       cert_self_signed(p->v[i]);
}

bool
chain_check_validity(
    const struct chain_path *p, int64_t at, struct chain_check *ret, struct kd_err *e)
{
	char name[CERT_NAME_LEN], limit[CLOCK_UTC_LEN], now[CLOCK_UTC_LEN];
	int64_t from, to;

	clock_utc(now, at * 1000);
	for (size_t i = 0; i < p->n; i++) {
		cert_name(p->v[i], name);
		if (!cert_time(X509_get0_notBefore(p->v[i]->x), &from, e) ||
		    !cert_time(X509_get0_notAfter(p->v[i]->x), &to, e))
			return kd_in(e, "certificate '%s'", name);
		if (at >= from && (at <= to || may_be_expired(p, i)))
			continue;
		clock_utc(limit, (at < from ? from : to) * 1000);
		verdict(ret, false, "'%s' %s %s; judged at %s", name,
		    at < from ? "is not valid before" : "expired at", limit, now);
		return true;
	}
	verdict(ret, true, "every certificate of the path is valid at %s", now);
	return true;
}

const struct chain_use chain_code_signing = {
    "codeSigning", XKU_CODE_SIGN, "digitalSignature", KU_DIGITAL_SIGNATURE, "--root"};
/* Key usages as OpenSSL's purpose of that name has them. */
const struct chain_use chain_timestamping = {"timeStamping", XKU_TIMESTAMP,
    "digitalSignature or nonRepudiation", KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION,
    "--tsa-root"};

static bool
allows(const struct cert *c, const struct chain_use *use, bool any_counts)
{
	uint32_t xku = X509_get_extended_key_usage(c->x);

	return (xku & use->xku) != 0 || (any_counts && (xku & XKU_ANYEKU) != 0);
}

void
chain_check_eku(const struct chain_path *p, bool has_anchor, const struct chain_use *use,
    struct chain_check *ret)
{
	size_t cas = has_anchor && p->n > 1 ? p->n - 1 : p->n;
	char name[CERT_NAME_LEN];

	cert_name(p->v[0], name);
	if ((X509_get_extension_flags(p->v[0]->x) & EXFLAG_XKUSAGE) == 0) {
		verdict(ret, false, "'%s' has no extended key usage, %s expected", name,
		    use->eku);
		return;
	}
	if (!allows(p->v[0], use, false)) {
		verdict(ret, false, "'%s' lacks %s among its extended key usages", name,
		    use->eku);
		return;
	}
	for (size_t i = 1; i < cas; i++) {
		if ((X509_get_extension_flags(p->v[i]->x) & EXFLAG_XKUSAGE) == 0 ||
		    allows(p->v[i], use, true))
			continue;
		cert_name(p->v[i], name);
		verdict(ret, false, "CA '%s' is limited to extended key usages without %s",
		    name, use->eku);
		return;
	}
	verdict(ret, true, "'%s' has %s", name, use->eku);
}

void
chain_check_key_usage(
    const struct chain_path *p, const struct chain_use *use, struct chain_check *ret)
{
	char name[CERT_NAME_LEN];

	cert_name(p->v[0], name);
	if ((X509_get_extension_flags(p->v[0]->x) & EXFLAG_KUSAGE) == 0)
		verdict(ret, true, "'%s' has no key usage extension", name);
	else if ((X509_get_key_usage(p->v[0]->x) & use->ku_any) != 0)
		verdict(ret, true, "'%s' has %s", name, use->ku);
	else
		verdict(ret, false, "'%s' lacks %s in its key usage", name, use->ku);
}
