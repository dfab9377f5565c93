/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_csr.c - "csr": a certificate request that the token signs. */
#include "pkcs11/ceremony.h"

#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/file.h"
#include "base/text.h"
#include "pkcs11/ceremony_out.h"
#include "pkcs11/ceremony_subject.h"
#include "pkcs11/sign.h"

AUTO_DEFINE(X509_REQ, X509_REQ_free);
AUTO_DEFINE(X509_NAME, X509_NAME_free);
AUTO_DEFINE(X509_ALGOR, X509_ALGOR_free);
AUTO_DEFINE(EVP_PKEY, EVP_PKEY_free);
AUTO_DEFINE(ASN1_BIT_STRING, ASN1_BIT_STRING_free);

static void
extensions_free(STACK_OF(X509_EXTENSION) * s)
{
	sk_X509_EXTENSION_pop_free(s, X509_EXTENSION_free);
}
AUTO_DEFINE(STACK_OF(X509_EXTENSION), extensions_free);

static void
der_free(unsigned char *p)
{
	OPENSSL_free(p);
}
AUTO_DEFINE(unsigned char, der_free);

#define REQUEST_ROOM ((size_t)16 << 10) /* one of RSA-4096 has 3 KiB */

struct wish { /* what the certificate shall say */
	const X509_NAME *subject;
	char shown[1024];
	bool module; /* for Linux kernel modules alone */
};

static bool
fail_crypto(struct kd_err *e)
{
	return kd_fail(e, KD_E_CRYPTO, "OpenSSL cannot build the request");
}

static bool
add_extension(STACK_OF(X509_EXTENSION) * to, int nid, const char *value)
{
	X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	if (x != NULL && sk_X509_EXTENSION_push(to, x) > 0)
		return true;
	X509_EXTENSION_free(x);
	return false;
}

/* RFC 2986 4.1; what is asked of the CA: RFC 5280 4.2.1.3, 4.2.1.12. */
static bool
fill_request(X509_REQ *req, const X509_NAME *subject, EVP_PKEY *key, bool module,
    struct kd_err *e)
{
	AUTO(extensions_free) STACK_OF(X509_EXTENSION) *x = sk_X509_EXTENSION_new_null();

	if (x == NULL || !add_extension(x, NID_key_usage, "critical,digitalSignature") ||
	    (!module && !add_extension(x, NID_ext_key_usage, "codeSigning")) ||
	    X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 ||
	    X509_REQ_set_subject_name(req, subject) != 1 ||
	    X509_REQ_set_pubkey(req, key) != 1 || X509_REQ_add_extensions(req, x) != 1)
		return fail_crypto(e);
	return true;
}

static bool
set_algorithm(X509_REQ *req, const struct signer_key *k, struct kd_err *e)
{
	AUTO(X509_ALGOR_free) X509_ALGOR *a = X509_ALGOR_new();
	bool rsa = k->mechanism == SIGN_RSA_PKCS1;
	int nid = rsa             ? NID_sha256WithRSAEncryption
		  : k->bits > 256 ? NID_ecdsa_with_SHA384
				  : NID_ecdsa_with_SHA256;

	/* RFC 4055 5: NULL parameters for RSA; RFC 5758 3.2: none for ECDSA. */
	if (a == NULL ||
	    X509_ALGOR_set0(
		a, OBJ_nid2obj(nid), rsa ? V_ASN1_NULL : V_ASN1_UNDEF, NULL) != 1 ||
	    X509_REQ_set1_signature_algo(req, a) != 1)
		return fail_crypto(e);
	return true;
}

static bool
set_signature(X509_REQ *req, const struct sign_out *s, struct kd_err *e)
{
	AUTO(ASN1_BIT_STRING_free) ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();

	/* Without the flag the encoder would cut zeros off the end. */
	if (bits == NULL ||
	    ASN1_BIT_STRING_set(
		bits, (unsigned char *)(uintptr_t)s->signature, (int)s->len) != 1)
		return fail_crypto(e);
	bits->flags &= ~(long)(ASN1_STRING_FLAG_BITS_LEFT | 7);
	bits->flags |= ASN1_STRING_FLAG_BITS_LEFT;
	X509_REQ_set0_signature(req, STEAL(bits));
	return true;
}

/* The one signature by a production key that the service does not make. */
static bool
sign_request(
    struct ceremony *c, const struct ceremony_key *key, X509_REQ *req, struct kd_err *e)
{
	struct sign_key how = {.handle = key->handle,
	    .mechanism = key->k.mechanism,
	    .bytes = (size_t)key->k.bits / 8};
	enum md md =
	    key->k.mechanism == SIGN_ECDSA && key->k.bits > 256 ? MD_SHA384 : MD_SHA256;
	AUTO(der_free) unsigned char *tbs = NULL;
	unsigned char digest[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	unsigned int digest_n = 0;
	struct sign_out out;
	int n;

	if (!set_algorithm(req, &key->k, e))
		return false;
	n = i2d_re_X509_REQ_tbs(req, &tbs);
	if (n <= 0 || EVP_Digest(tbs, (size_t)n, digest, &digest_n,
			  md == MD_SHA384 ? EVP_sha384() : EVP_sha256(), NULL) != 1)
		return fail_crypto(e);
	text_hex_to(hex, digest, digest_n);
	ceremony_fact(c, "signed with", "%s", md_name(md));
	ceremony_fact(c, "digest that the key signs", "%s", hex);
	if (!ceremony_begin(c, e))
		return false;
	return sign_digest(token_fns(c->token), c->session, &how, md, digest, &out, e) &&
	       set_signature(req, &out, e);
}

static bool
build(struct ceremony *c, const struct ceremony_key *key, const struct wish *wish,
    struct buf *ret, struct kd_err *e)
{
	AUTO(X509_REQ_free) X509_REQ *req = X509_REQ_new();
	AUTO(EVP_PKEY_free) EVP_PKEY *pub = NULL;
	const unsigned char *p = key->k.spki;

	pub = d2i_PUBKEY(NULL, &p, (long)key->k.spki_len);
	if (req == NULL || pub == NULL)
		return fail_crypto(e);
	if (!fill_request(req, wish->subject, pub, wish->module, e) ||
	    !sign_request(c, key, req, e))
		return false;
	if (X509_REQ_verify(req, pub) != 1)
		return kd_fail(e, KD_E_BAD_SIGNATURE,
		    "the token's signature does not verify with the key's public half");
	return out_pem_request(req, ret, e);
}

static bool
say_dry(const struct ceremony *c, const struct wish *wish)
{
	ceremony_say(
	    "would ask the key '%s' on token '%s', serial %s, to sign a request for "
	    "%s %s extended key usage%s",
	    SHOW(c->o->key), SHOW(token_info(c->token)->label),
	    SHOW(token_info(c->token)->serial), wish->shown,
	    wish->module ? "without an" : "with the", wish->module ? "" : " codeSigning");
	return true;
}

/* What the CA is told by another way than the request's. */
static void
say_request(const struct ceremony *c, const struct wish *wish, const struct out *out)
{
	if (c->o->out == NULL)
		return;
	ceremony_say("%s: request for %s\n"
		     "  SHA-256 of the file       %s\n"
		     "  SHA-256 of the public key %s",
	    c->o->out, wish->shown, out->sha256, c->entry.key_spki_sha256);
}

/*
 * Recorded once the entry has been begun; what fails before was not done at all. The
 * place for the request is there before the key signs: a signature that is lost would have
 * to be made a second time.
 */
static bool
make_request(struct ceremony *c, const struct wish *wish, struct kd_err *e)
{
	AUTO(ceremony_key_clear) struct ceremony_key key = {0};
	AUTO(buf_clear) struct buf pem = {0};
	AUTO(out_clear) struct out out = {.r.fd = -1};
	struct out *const all[] = {&out};
	bool done;

	if (!out_open(c->o->out, "", REQUEST_ROOM, &out, e) || !ceremony_login(c, e) ||
	    !ceremony_key_find(c, &key, e) || !ceremony_key_spki(&key, e))
		return false;
	ceremony_fact(c, "subject", "%s", wish->shown);
	if (wish->module)
		ceremony_fact(c, "kind", "module: no extended key usage is asked for");
	done = build(c, &key, wish, &pem, e) && out_fill(&out, &pem, e) &&
	       out_place(c, all, 1, e);
	if (!c->begun || !ceremony_end(c, done ? NULL : e, e))
		return false;
	say_request(c, wish, &out);
	return true;
}

bool
ceremony_csr(struct ceremony *c, struct kd_err *e)
{
	AUTO(X509_NAME_free) X509_NAME *subject = NULL;
	struct wish wish = {0};

	if (c->o->subject == NULL) {
		(void)kd_fail(e, KD_E_USAGE, "whose certificate? --subject NAME");
		return kd_hint(
		    e, "like --subject 'CN=Example Drivers,O=Example\\, Inc.,C=DE'");
	}
	if (!subject_parse(c->o->subject, &subject, e) ||
	    !ceremony_kind_module(c, &wish.module, e))
		return false;
	wish.subject = subject;
	subject_print(subject, wish.shown, sizeof(wish.shown));
	if (c->o->dry_run)
		return say_dry(c, &wish);
	return make_request(c, &wish, e);
}
