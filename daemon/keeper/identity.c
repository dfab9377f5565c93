/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/identity.c - from the certificate chain in a frame to who is asking. */
#include "daemon/keeper/identity.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "authenticode/cert.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#define IDENTITY_CACHE 1024 /* chains remembered; a farm has some hundred build hosts */
#define IDENTITY_LEVEL 2    /* OpenSSL's: 112 bits, so no RSA under 2048 and no SHA-1 */
#define IDENTITY_CRL_FILE_MAX ((size_t)16 << 20)

AUTO_DEFINE(X509, X509_free);
AUTO_DEFINE(X509_CRL, X509_CRL_free);
AUTO_DEFINE(X509_STORE_CTX, X509_STORE_CTX_free);
AUTO_DEFINE(BIO, BIO_free_all);

struct stack { /* X509 certificates of the chain but the leaf */
	STACK_OF(X509) * certs;
};
static void
stack_clear(struct stack *s)
{
	sk_X509_pop_free(s->certs, X509_free);
}
AUTO_DEFINE_CLEAR(struct stack, stack_clear);

struct known {
	bool used;
	uint8_t chain[32]; /* SHA-256 over the certificates as sent */
	struct identity id;
};

struct identity_trust {
	X509_STORE *store;
	bool crl;
	struct known *cache; /* IDENTITY_CACHE of them, each at its hash's place */
};

static bool
fail_openssl(struct kd_err *e, enum kd_code c, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return kd_fail(e, c, "%s: %s", what, reason != NULL ? reason : "no reason given");
}

static bool
load_anchors(struct identity_trust *t, const char *path, struct kd_err *e)
{
	AUTO(certs_free) struct certs *list = NULL;
	size_t i, len;

	if (!certs_new(&list, e) || !certs_load(list, path, e)) {
		if (e->code != KD_E_NOMEM)
			e->code = KD_E_CONFIG;
		return kd_in(e, "client-ca");
	}
	for (i = 0; i < certs_n(list); i++) {
		const uint8_t *der = certs_der(list, i, &len);
		AUTO(X509_free) X509 *x = d2i_X509(NULL, &der, (long)len);

		if (x == NULL || X509_STORE_add_cert(t->store, x) != 1)
			return fail_openssl(e, KD_E_CONFIG, "client-ca");
	}
	return true;
}

/* The whole file, a single CRL. */
static bool
add_der_crl(struct identity_trust *t, const struct buf *file, struct kd_err *e)
{
	const uint8_t *der = file->p;
	AUTO(X509_CRL_free) X509_CRL *crl = d2i_X509_CRL(NULL, &der, (long)file->len);

	if (crl == NULL || X509_STORE_add_crl(t->store, crl) != 1)
		return fail_openssl(e, KD_E_CONFIG, "CRL");
	if (der != file->p + file->len)
		return kd_fail(e, KD_E_CONFIG, "%zu bytes follow the CRL",
		    (size_t)(file->p + file->len - der));
	return true;
}

/* All or none: a newer CRL that is damaged must not leave an older one in force. */
static bool
add_pem_crls(struct identity_trust *t, const struct buf *file, struct kd_err *e)
{
	AUTO(BIO_free_all) BIO *bio = BIO_new_mem_buf(file->p, (int)file->len);
	size_t n = 0;

	if (bio == NULL)
		return kd_fail_nomem(e, "CRL");
	for (;; n++) {
		AUTO(X509_CRL_free)
		X509_CRL *crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);

		if (crl == NULL)
			break;
		if (X509_STORE_add_crl(t->store, crl) != 1)
			return fail_openssl(e, KD_E_CONFIG, "CRL");
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		(void)fail_openssl(e, KD_E_CONFIG, "cannot be decoded");
		return kd_in(e, "CRL %zu of the file", n + 1);
	}
	ERR_clear_error();
	return n > 0 || kd_fail(e, KD_E_CONFIG, "no CRL in PEM or DER form");
}

static bool
load_crls(struct identity_trust *t, const char *path, struct kd_err *e)
{
	AUTO(buf_clear) struct buf file = {0};

	if (!file_read_all(path, IDENTITY_CRL_FILE_MAX, &file, e)) {
		e->code = KD_E_CONFIG;
		return kd_in(e, "client-crl");
	}
	ERR_clear_error();
	if (file.len > 0 && file.p[0] == 0x30 ? add_der_crl(t, &file, e)
					      : add_pem_crls(t, &file, e))
		return true;
	return kd_in(e, "client-crl: '%s'", SHOW(path));
}

/* An anchor is trusted because it is configured: nobody's CRL can say otherwise. */
static int
verify_callback(int ok, X509_STORE_CTX *ctx)
{
	int depth = X509_STORE_CTX_get_error_depth(ctx);

	if (!ok && X509_STORE_CTX_get_error(ctx) == X509_V_ERR_UNABLE_TO_GET_CRL &&
	    depth == sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) - 1) {
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		return 1;
	}
	return ok;
}

bool
identity_trust_new(
    const char *ca, const char *crl, struct identity_trust **ret, struct kd_err *e)
{
	AUTO(identity_trust_free) struct identity_trust *t = kd_alloc(sizeof(*t));
	X509_VERIFY_PARAM *param;
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;

	if (t == NULL)
		return kd_fail_nomem(e, "client trust");
	t->cache = kd_alloc_array(IDENTITY_CACHE, sizeof(*t->cache));
	t->store = X509_STORE_new();
	if (t->cache == NULL || t->store == NULL)
		return kd_fail_nomem(e, "client trust");
	if (!load_anchors(t, ca, e))
		return false;
	if (crl != NULL) {
		if (!load_crls(t, crl, e))
			return false;
		t->crl = true;
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	}
	param = X509_STORE_get0_param(t->store);
	X509_VERIFY_PARAM_set_auth_level(param, IDENTITY_LEVEL);
	if (X509_STORE_set_purpose(t->store, X509_PURPOSE_SSL_CLIENT) != 1 ||
	    X509_STORE_set_flags(t->store, flags) != 1)
		return fail_openssl(e, KD_E_CRYPTO, "client trust");
	X509_STORE_set_verify_cb(t->store, verify_callback);
	*ret = STEAL(t);
	return true;
}

void
identity_trust_free(struct identity_trust *t)
{
	if (t == NULL)
		return;
	X509_STORE_free(t->store);
	free(t->cache);
	free(t);
}

/* Unix seconds; false on a time that is none. */
static bool
unix_time(const ASN1_TIME *t, int64_t *ret)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*ret = (int64_t)timegm(&tm);
	return true;
}

static bool
narrow(struct identity *id, const ASN1_TIME *from, const ASN1_TIME *until)
{
	int64_t a, b;

	if (!unix_time(from, &a) || !unix_time(until, &b))
		return false;
	id->from = a > id->from ? a : id->from;
	id->until = b < id->until ? b : id->until;
	return true;
}

/* The time in which the chain as verified, and every CRL that may speak of it, holds. */
static bool
narrow_all(const struct identity_trust *t, STACK_OF(X509) * chain, struct identity *id)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(t->store);

	id->from = INT64_MIN;
	id->until = INT64_MAX;
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *x = sk_X509_value(chain, i);

		if (!narrow(id, X509_get0_notBefore(x), X509_get0_notAfter(x)))
			return false;
		for (int k = 0; t->crl && k < sk_X509_OBJECT_num(objects); k++) {
			X509_CRL *crl =
			    X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, k));

			if (crl == NULL || X509_NAME_cmp(X509_CRL_get_issuer(crl),
					       X509_get_issuer_name(x)) != 0)
				continue;
			if (X509_CRL_get0_nextUpdate(crl) != NULL &&
			    !narrow(id, X509_CRL_get0_lastUpdate(crl),
				X509_CRL_get0_nextUpdate(crl)))
				return false;
		}
	}
	return true;
}

static bool
digest_der(int (*encode)(const void *x, uint8_t **out), const void *x, uint8_t ret[32],
    struct kd_err *e)
{
	uint8_t *der = NULL, md[MD_LEN_MAX];
	int len = encode(x, &der);
	bool done;

	if (len <= 0)
		return fail_openssl(e, KD_E_AUTH, "client certificate");
	done = md_digest(MD_SHA256, der, (size_t)len, md, e);
	OPENSSL_free(der);
	if (done)
		memcpy(ret, md, 32);
	return done;
}

static int
encode_cert(const void *x, uint8_t **out)
{
	return i2d_X509(x, out);
}

static int
encode_spki(const void *x, uint8_t **out)
{
	return i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), out);
}

static bool
describe(X509 *leaf, X509 *issuer, struct identity *id, struct kd_err *e)
{
	AUTO(BIO_free_all) BIO *bio = BIO_new(BIO_s_mem());
	X509_NAME *name = X509_get_subject_name(leaf);
	uint8_t *p = id->subject_der;
	int len = i2d_X509_NAME(name, NULL);
	char *text;
	long n;

	if (len <= 0 || len > IDENTITY_SUBJECT_MAX)
		return kd_fail(e, KD_E_AUTH,
		    "client certificate: subject has %d bytes, at most %d allowed", len,
		    IDENTITY_SUBJECT_MAX);
	id->subject_der_len = (size_t)i2d_X509_NAME(name, &p);
	if (bio == NULL ||
	    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
		return fail_openssl(e, KD_E_NOMEM, "client certificate");
	n = BIO_get_mem_data(bio, &text);
	(void)text_show(id->subject, sizeof(id->subject), text, (size_t)(n > 0 ? n : 0));
	return digest_der(encode_cert, leaf, id->cert_sha256, e) &&
	       digest_der(encode_spki, leaf, id->spki_sha256, e) &&
	       digest_der(encode_cert, issuer, id->issuer_sha256, e);
}

static bool
read_chain(const struct der *chain, size_t n, X509 **ret_leaf, struct stack *ret,
    struct kd_err *e)
{
	ret->certs = sk_X509_new_null();
	if (ret->certs == NULL)
		return kd_fail_nomem(e, "client certificate");
	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = chain[i].p;
		AUTO(X509_free) X509 *x = d2i_X509(NULL, &p, (long)chain[i].len);

		if (x == NULL || p != chain[i].p + chain[i].len) {
			ERR_clear_error();
			return kd_fail(e, KD_E_AUTH,
			    "client certificate %zu of %zu is not one", i + 1, n);
		}
		if (i == 0)
			*ret_leaf = STEAL(x);
		else if (sk_X509_push(ret->certs, x) > 0)
			x = NULL; /* moved into the stack */
		else
			return kd_fail_nomem(e, "client certificate");
	}
	return true;
}

static bool
verify(const struct identity_trust *t, const struct der *chain, size_t n, int64_t now,
    struct identity *ret, struct kd_err *e)
{
	AUTO(X509_free) X509 *leaf = NULL;
	AUTO(stack_clear) struct stack others = {0};
	AUTO(X509_STORE_CTX_free) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) * built;
	int err;

	if (!read_chain(chain, n, &leaf, &others, e))
		return false;
	if (ctx == NULL || X509_STORE_CTX_init(ctx, t->store, leaf, others.certs) != 1)
		return kd_fail_nomem(e, "client certificate");
	X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), (time_t)now);
	if (X509_verify_cert(ctx) != 1) {
		err = X509_STORE_CTX_get_error(ctx);
		ERR_clear_error();
		return kd_fail(e, KD_E_AUTH, "client certificate %d of the chain: %s",
		    X509_STORE_CTX_get_error_depth(ctx) + 1,
		    X509_verify_cert_error_string(err));
	}
	/* OpenSSL takes a certificate without extended key usage as good for everything.
	 */
	if ((X509_get_extension_flags(leaf) & EXFLAG_XKUSAGE) == 0 ||
	    (X509_get_extended_key_usage(leaf) & XKU_SSL_CLIENT) == 0)
		return kd_fail(e, KD_E_AUTH,
		    "client certificate: no clientAuth in its extended key usage");
	built = X509_STORE_CTX_get0_chain(ctx);
	if (!narrow_all(t, built, ret))
		return kd_fail(e, KD_E_AUTH,
		    "client certificate: a date in its chain cannot be read");
	return describe(
	    leaf, sk_X509_value(built, sk_X509_num(built) > 1 ? 1 : 0), ret, e);
}

/* Length before each certificate, so that no other split of the same bytes hashes alike.
 */
static bool
chain_digest(const struct der *chain, size_t n, uint8_t ret[32], struct kd_err *e)
{
	AUTO(buf_clear) struct buf all = {0};
	uint8_t md[MD_LEN_MAX];

	for (size_t i = 0; i < n; i++) {
		buf_u32le(&all, (uint32_t)chain[i].len);
		buf_add(&all, chain[i].p, chain[i].len);
	}
	if (!buf_ok(&all, "client certificate", e) ||
	    !md_digest(MD_SHA256, all.p, all.len, md, e))
		return false;
	memcpy(ret, md, 32);
	return true;
}

bool
identity_check(struct identity_trust *t, const struct der *chain, size_t n, int64_t now,
    const struct identity **ret, struct kd_err *e)
{
	uint8_t digest[32];
	struct known *k;

	if (n == 0)
		return kd_fail(e, KD_E_AUTH, "no client certificate");
	if (!chain_digest(chain, n, digest, e))
		return false;
	k = &t->cache[(digest[0] | (unsigned)digest[1] << 8) % IDENTITY_CACHE];
	if (!k->used || memcmp(k->chain, digest, 32) != 0 || now < k->id.from ||
	    now > k->id.until) {
		k->used = false;
		if (!verify(t, chain, n, now, &k->id, e))
			return false;
		memcpy(k->chain, digest, 32);
		k->used = true;
	}
	*ret = &k->id;
	return true;
}
