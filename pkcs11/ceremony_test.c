/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_test.c - "test": does the token sign as the service needs it, by throw-away keys. */
#include "pkcs11/ceremony.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"
#include "pkcs11/ceremony_make.h"
#include "pkcs11/rv.h"
#include "pkcs11/sign.h"

#define SIGNATURES 5 /* of each digest algorithm; the first often takes longer */

AUTO_DEFINE(EVP_PKEY, EVP_PKEY_free);
AUTO_DEFINE(EVP_PKEY_CTX, EVP_PKEY_CTX_free);

static const struct test_md {
	enum md md;
	const EVP_MD *(*evp)(void);
} mds[] = {
    {MD_SHA256, EVP_sha256},
    {MD_SHA384, EVP_sha384},
    {MD_SHA512, EVP_sha512},
    {MD_SHA1, EVP_sha1},
};

struct test_key {
	struct made made;
	struct sign_key how;
	EVP_PKEY *pub;
	char label[40];
	unsigned char id[8];
};

static bool
verifies(EVP_PKEY *pub, bool rsa, const EVP_MD *md, const unsigned char *digest,
    const struct sign_out *s)
{
	AUTO(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pub, NULL);

	return ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
	       (!rsa || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1) &&
	       EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
	       EVP_PKEY_verify(ctx, s->signature, s->len, digest,
		   (size_t)EVP_MD_get_size(md)) == 1;
}

static bool
sign_one(struct ceremony *c, const struct test_key *k, const struct test_md *md,
    struct kd_err *e)
{
	bool rsa = k->how.mechanism == SIGN_RSA_PKCS1;
	unsigned char digest[MD_LEN_MAX];
	uint64_t sum_us = 0;
	struct sign_out s;

	for (int i = 0; i < SIGNATURES; i++) {
		if (getrandom(digest, sizeof(digest), 0) != (ssize_t)sizeof(digest))
			return kd_fail(e, KD_E_CRYPTO, "getrandom gave too few bytes");
		if (!sign_digest(token_fns(c->token), c->session, &k->how, md->md, digest, &s, e))
			return false;
		if (!verifies(k->pub, rsa, md->evp(), digest, &s))
			return kd_fail(e, KD_E_BAD_SIGNATURE,
			    "the signature does not verify with OpenSSL");
		sum_us += s.token_us;
	}
	ceremony_say("  %-10s %-6s ok, %llu.%02llu ms each", rsa ? "CKM_RSA_PKCS" : "CKM_ECDSA",
	    md_name(md->md), (unsigned long long)(sum_us / SIGNATURES / 1000),
	    (unsigned long long)(sum_us / SIGNATURES / 10 % 100));
	return true;
}

/* A key of the session, where the token makes such; else of the token, and destroyed as well. */
static bool
make(struct ceremony *c, const struct make_type *type, struct test_key *k, struct kd_err *e)
{
	struct make_order order = {.type = type,
	    .label = k->label,
	    .id = k->id,
	    .id_len = sizeof(k->id),
	    .session_only = true};
	struct kd_err first = {0};

	if (getrandom(k->id, sizeof(k->id), 0) != (ssize_t)sizeof(k->id))
		return kd_fail(e, KD_E_CRYPTO, "getrandom gave too few bytes");
	(void)snprintf(k->label, sizeof(k->label), "kdsign-self-test-");
	text_hex_to(&k->label[strlen(k->label)], k->id, sizeof(k->id));
	if (make_key(c->token, c->session, &order, &k->made, &first))
		return true;
	order.session_only = false;
	if (!make_key(c->token, c->session, &order, &k->made, e))
		return false;
	ceremony_say("  the token makes no key for a session only (%s): one on the token instead",
	    first.msg);
	return true;
}

static bool
find(struct ceremony *c, struct test_key *k, struct kd_err *e)
{
	struct uri u = {.has_id = true, .id_len = sizeof(k->id)};
	struct signer_key found = {0};
	const unsigned char *p = found.spki;

	memcpy(u.object, k->label, strlen(k->label));
	memcpy(u.id, k->id, sizeof(k->id));
	if (!key_find(c->token, &u, &k->how.handle, &found, e))
		return false;
	k->how.mechanism = found.mechanism;
	k->how.bytes = (size_t)found.bits / 8;
	k->pub = d2i_PUBKEY(NULL, &p, (long)found.spki_len);
	return k->pub != NULL || kd_fail(e, KD_E_KEY, "the token does not tell the public half");
}

static bool
destroy(struct ceremony *c, struct test_key *k, struct kd_err *e)
{
	CK_FUNCTION_LIST *f = token_fns(c->token);
	CK_RV private = f->C_DestroyObject(c->session, k->made.private);
	CK_RV public = f->C_DestroyObject(c->session, k->made.public);

	EVP_PKEY_free(k->pub);
	made_clear(&k->made);
	if (private == CKR_OK && public == CKR_OK)
		return true;
	(void)rv_fail(e, private != CKR_OK ? private : public, "C_DestroyObject");
	return kd_hint(e, "destroy the key '%s' by hand", k->label);
}

static bool
use(struct ceremony *c, struct test_key *k, struct kd_err *e)
{
	if (!find(c, k, e))
		return false;
	for (size_t i = 0; i < KD_ARRAY_LEN(mds); i++)
		if (!sign_one(c, k, &mds[i], e))
			return kd_in(e, "%s", md_name(mds[i].md));
	return true;
}

/* *ret_offered: the token makes keys of this type at all. */
static bool
test_type(struct ceremony *c, const char *name, bool *ret_offered, struct kd_err *e)
{
	const struct make_type *type = NULL;
	struct test_key k = {0};
	struct kd_err why = {0}, undo = {0};
	bool done;

	if (!make_type_find(name, &type, e))
		return false;
	ceremony_say("%s", type->shown);
	*ret_offered = make(c, type, &k, &why);
	if (!*ret_offered) {
		ceremony_say("  not offered: %s", why.msg);
		ceremony_fact(c, type->shown, "not offered: %s", why.msg);
		return true;
	}
	done = use(c, &k, e);
	if (!destroy(c, &k, &undo)) {
		ceremony_fact(c, "left behind", "%s: %s", k.label, undo.msg);
		if (done) {
			*e = undo;
			done = false;
		}
	}
	ceremony_fact(c, type->shown, "%s", done ? "ok" : e->msg);
	return done || kd_in(e, "%s", type->shown);
}

static bool
test_all(struct ceremony *c, struct kd_err *e)
{
	static const char *const all[] = {"rsa3072", "p256", "p384"};
	size_t offered_n = 0;

	for (size_t i = 0; i < KD_ARRAY_LEN(all); i++) {
		const char *name = c->o->type != NULL ? c->o->type : all[i];
		bool offered = false;

		if (!test_type(c, name, &offered, e))
			return false;
		offered_n += offered ? 1 : 0;
		if (c->o->type != NULL)
			break;
	}
	if (offered_n > 0)
		return true;
	return kd_fail(e, KD_E_KEY, "the token makes no key of a type that the service can use");
}

bool
ceremony_test(struct ceremony *c, struct kd_err *e)
{
	bool done;

	if (c->o->dry_run) {
		ceremony_say("would make throw-away keys on token '%s', serial %s, sign with each "
			     "of them, verify that with OpenSSL, and destroy them",
		    SHOW(token_info(c->token)->label), SHOW(token_info(c->token)->serial));
		return true;
	}
	if (!ceremony_login(c, e) || !ceremony_begin(c, e))
		return false;
	done = test_all(c, e);
	return ceremony_end(c, done ? NULL : e, e);
}
