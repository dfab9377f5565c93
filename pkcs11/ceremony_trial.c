/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_trial.c - do keys of a kind sign: found out with one that is thrown
 * away. */
#include "pkcs11/ceremony_trial.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/num.h"
#include "base/text.h"
#include "pkcs11/rv.h"
#include "pkcs11/sign.h"

#define SIGNATURES 5 /* of each digest algorithm; the first often takes longer */

AUTO_DEFINE(EVP_PKEY, EVP_PKEY_free);
AUTO_DEFINE(EVP_PKEY_CTX, EVP_PKEY_CTX_free);

const enum md trial_mds[TRIAL_MDS] = {MD_SHA256, MD_SHA384, MD_SHA512, MD_SHA1};

/*
 * What was measured of modules, so that nothing has to fail first. tpm2-pkcs11 1.9 makes
 * RSA signatures by TPM2_RSA_Decrypt; knows no keys of a session; does not destroy a key
 * after a signature by it has failed, until its process has ended; and leaves each new
 * key loaded, so that a TPM without a resource manager has no room for a second one from
 * the same process.
 */
static const struct module_fact {
	const char *manufacturer; /* as C_GetInfo has it, without the blanks */
	unsigned rsa_without;     /* bits of enum make_without */
	bool no_session_keys, one_key;
} module_facts[] = {
    {"tpm2-software.github.io", MAKE_DECRYPT, true, true},
    {.manufacturer = ""}, /* all others */
};

static const struct module_fact *
module_fact_of(const struct ceremony *c)
{
	const struct module_fact *f = module_facts;
	CK_INFO info = {0};

	(void)token_fns(c->token)->C_GetInfo(&info);
	while (strncmp((const char *)info.manufacturerID, f->manufacturer,
		   strlen(f->manufacturer)) != 0)
		f++;
	return f;
}

struct key {
	struct made made;
	struct sign_key how;
	EVP_PKEY *pub;
	char label[40];
	unsigned char id[8];
};

static const EVP_MD *
evp_of(enum md md)
{
	switch (md) {
	case MD_SHA384:
		return EVP_sha384();
	case MD_SHA512:
		return EVP_sha512();
	case MD_SHA1:
		return EVP_sha1();
	default:
		return EVP_sha256();
	}
}

static bool
verifies(EVP_PKEY *pub, bool rsa, enum md md, const unsigned char *digest,
    const struct sign_out *s)
{
	AUTO(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pub, NULL);

	return ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
	       (!rsa || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1) &&
	       EVP_PKEY_CTX_set_signature_md(ctx, evp_of(md)) == 1 &&
	       EVP_PKEY_verify(ctx, s->signature, s->len, digest, md_len(md)) == 1;
}

static bool
sign_some(struct ceremony *c, CK_SESSION_HANDLE session, const struct key *k, enum md md,
    uint32_t *ret_us, struct kd_err *e)
{
	unsigned char digest[MD_LEN_MAX];
	uint64_t sum_us = 0;
	struct sign_out s;

	for (int i = 0; i < SIGNATURES; i++) {
		if (getrandom(digest, sizeof(digest), 0) != (ssize_t)sizeof(digest))
			return kd_fail(e, KD_E_CRYPTO, "getrandom gave too few bytes");
		if (!sign_digest(
			token_fns(c->token), session, &k->how, md, digest, &s, e))
			return false;
		if (!verifies(k->pub, k->how.mechanism == SIGN_RSA_PKCS1, md, digest, &s))
			return kd_fail(e, KD_E_BAD_SIGNATURE,
			    "the signature does not verify with OpenSSL");
		sum_us += s.token_us;
	}
	*ret_us = (uint32_t)(sum_us / SIGNATURES);
	return true;
}

/* In a session of its own: tpm2-pkcs11 destroys no key that a session has begun to use,
 * also when that failed. */
static bool
use(struct ceremony *c, const struct key *k, struct trial *ret, struct kd_err *e)
{
	CK_SESSION_HANDLE session;
	bool done = true;
	CK_RV rv;

	if (!token_session_new(c->token, &session, &rv, e))
		return false;
	for (size_t i = 0; done && i < TRIAL_MDS; i++)
		done = sign_some(c, session, k, trial_mds[i], &ret->us[i], e) ||
		       kd_in(e, "%s", md_name(trial_mds[i]));
	(void)token_fns(c->token)->C_CloseSession(session);
	return done;
}

/* A key of the session, where the token makes such; else of the token. */
static bool
make(struct ceremony *c, const struct make_type *type, unsigned without, struct key *k,
    struct trial *ret, struct kd_err *e)
{
	struct make_order order = {.type = type,
	    .label = k->label,
	    .id = k->id,
	    .id_len = sizeof(k->id),
	    .without = without,
	    .session_only = true};
	struct kd_err first = {0};

	if (getrandom(k->id, sizeof(k->id), 0) != (ssize_t)sizeof(k->id))
		return kd_fail(e, KD_E_CRYPTO, "getrandom gave too few bytes");
	(void)snprintf(k->label, sizeof(k->label), "kdsign-self-test-");
	text_hex_to(&k->label[strlen(k->label)], k->id, sizeof(k->id));
	ret->on_token = module_fact_of(c)->no_session_keys ||
			!make_key(c->token, c->session, &order, &k->made, &first);
	order.session_only = false;
	if (ret->on_token && !make_key(c->token, c->session, &order, &k->made, e))
		return false;
	ret->without = k->made.without;
	return true;
}

static bool
find(struct ceremony *c, struct key *k, struct kd_err *e)
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
	return k->pub != NULL ||
	       kd_fail(e, KD_E_KEY, "the token does not tell the public half");
}

static bool
destroy(struct ceremony *c, struct key *k, struct kd_err *e)
{
	CK_FUNCTION_LIST *f = token_fns(c->token);
	CK_RV private = f->C_DestroyObject(c->session, k->made.private);
	CK_RV public = f->C_DestroyObject(c->session, k->made.public);

	if (private == CKR_OK && public == CKR_OK)
		return true;
	(void)rv_fail(e, private != CKR_OK ? private : public, "C_DestroyObject");
	(void)kd_in(e, "the throw-away key '%s' stays behind", k->label);
	ceremony_fact(c, "left behind", "%s", e->msg);
	return kd_hint(e, "kdsign-token destroy --key %s", k->label);
}

static void
end(struct trial *t, enum trial_end how, const struct kd_err *why)
{
	t->end = how;
	(void)text_show(t->why, sizeof(t->why), why->msg, strlen(why->msg));
}

bool
trial_has_room_for_one(const struct ceremony *c)
{
	return module_fact_of(c)->one_key;
}

unsigned
trial_known(const struct ceremony *c, const struct make_type *type)
{
	return type->curve == NULL ? module_fact_of(c)->rsa_without : 0;
}

/* One key, without these attributes. */
static bool
run(struct ceremony *c, const struct make_type *type, unsigned without,
    struct trial *ret, struct kd_err *e)
{
	struct kd_err why = {0};
	struct key k = {0};
	bool gone;

	*ret = (struct trial){0};
	if (!make(c, type, without, &k, ret, &why)) {
		end(ret, TRIAL_NOT_OFFERED, &why);
		return true;
	}
	if (!find(c, &k, &why) || !use(c, &k, ret, &why))
		end(ret, TRIAL_BAD, &why);
	gone = destroy(c, &k, e);
	EVP_PKEY_free(k.pub);
	return gone;
}

bool
trial_find(
    struct ceremony *c, const struct make_type *type, struct trial *ret, struct kd_err *e)
{
	unsigned without = trial_known(c, type);
	struct trial other;

	if (!run(c, type, without, ret, e))
		return false;
	ret->in_the_way = without;
	if (ret->end != TRIAL_BAD || (ret->without & MAKE_DECRYPT) != 0)
		return true;
	if (!run(c, type, ret->without | MAKE_DECRYPT, &other, e))
		return false;
	if (other.end == TRIAL_GOOD) {
		*ret = other;
		ret->in_the_way = without | MAKE_DECRYPT;
	}
	return true;
}
