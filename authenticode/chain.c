/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/chain.c - finds paths from a certificate to a trust anchor, and keeps the
 * best. */
#include "authenticode/chain.h"

#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>

#include "authenticode/cert_x509.h"
#include "authenticode/chain_check.h"

/* A hostile set (64 certificates of one name, each signing each) has more paths than one
 * can walk. */
#define SIGNATURE_CHECKS_MAX 256
#define PATHS_MAX 64
#define RSA_BITS_MAX 8192
#define RSA_EXPONENT_BITS_MAX 64

struct search {
	const struct certs *pool, *roots;
	int64_t at;
	const struct chain_use *use;
	struct chain_path path; /* the one being walked */
	unsigned signatures;    /* checked so far */
	unsigned paths;         /* judged so far */
	unsigned best_score;    /* 0: none yet */
	struct chain *best;
	/* Of the path's top: has the name, but not the key; or a key that is_cheap says
	 * no to. */
	const struct cert *forged_issuer;
	bool costly_issuer;
};

void
chain_clear(struct chain *c)
{
	certs_free(c->path);
	*c = (struct chain){0};
}

bool
chain_ok(const struct chain *c)
{
	return c->complete && c->trust.ok && c->validity.ok && c->eku.ok &&
	       c->key_usage.ok;
}

static bool
same_cert(const struct cert *a, const struct cert *b)
{
	return a->len == b->len && memcmp(a->der, b->der, a->len) == 0;
}

static bool
is_root(const struct search *s, const struct cert *c)
{
	for (size_t i = 0; i < certs_n(s->roots); i++)
		if (same_cert(certs_at(s->roots, i), c))
			return true;
	return false;
}

static bool
on_path(const struct chain_path *p, const struct cert *c)
{
	for (size_t i = 0; i < p->n; i++)
		if (same_cert(p->v[i], c))
			return true;
	return false;
}

/*
 * Checking a signature with a key that its maker chose can take thousands of times as
 * long as with an honest one. Windows' own interface has exponents of 32 bits
 * (RSAPUBKEY), no authority has RSA keys over 4096, and none a curve without a name.
 */
static bool
is_cheap(const EVP_PKEY *key)
{
	BIGNUM *exponent = NULL;
	char group[64];
	bool cheap = false;

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
		cheap = EVP_PKEY_get_bits(key) <= RSA_BITS_MAX &&
			EVP_PKEY_get_bn_param(
			    key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
			BN_num_bits(exponent) <= RSA_EXPONENT_BITS_MAX;
		BN_free(exponent);
	} else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
		cheap =
		    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1;
	}
	ERR_clear_error();
	return cheap;
}

/* Did issuer's key sign c? Name first: it is cheap and nearly always decides. */
static bool
issued(struct search *s, const struct cert *issuer, const struct cert *c)
{
	EVP_PKEY *key;

	if (X509_NAME_cmp(X509_get_issuer_name(c->x), X509_get_subject_name(issuer->x)) !=
	    0)
		return false;
	if (s->signatures++ >= SIGNATURE_CHECKS_MAX)
		return false;
	key = X509_get0_pubkey(issuer->x);
	if (key != NULL && !is_cheap(key)) {
		s->costly_issuer = true;
		return false;
	}
	if (key != NULL && X509_verify(c->x, key) == 1)
		return true;
	s->forged_issuer = issuer;
	return false;
}

/* Why nothing was found above the path's last certificate. */
static void
explain_dead_end(const struct search *s, struct chain_check *ret)
{
	const struct cert *top = s->path.v[s->path.n - 1];
	char name[CERT_NAME_LEN], issuer[CERT_NAME_LEN];

	cert_name(top, name);
	cert_issuer_name(top, issuer);
	if (certs_n(s->roots) == 0)
		(void)snprintf(ret->detail, sizeof(ret->detail),
		    "no trust anchor was given; name one with %s", s->use->roots_by);
	else if (s->signatures > SIGNATURE_CHECKS_MAX)
		(void)snprintf(ret->detail, sizeof(ret->detail),
		    "gave up after %d signature checks", SIGNATURE_CHECKS_MAX);
	else if (s->path.n == CHAIN_MAX)
		(void)snprintf(ret->detail, sizeof(ret->detail),
		    "'%s' is certificate %d of the path, and no root is reached", name,
		    CHAIN_MAX);
	else if (s->costly_issuer)
		(void)snprintf(ret->detail, sizeof(ret->detail),
		    "the '%s' at hand has a key that takes too long: RSA over %d bits or "
		    "with an exponent over %d, a curve without a name, or DSA",
		    issuer, RSA_BITS_MAX, RSA_EXPONENT_BITS_MAX);
	else if (s->forged_issuer != NULL)
		(void)snprintf(ret->detail, sizeof(ret->detail),
		    "the '%s' at hand did not sign '%s': its key does not verify the "
		    "signature",
		    issuer, name);
	else if (cert_self_signed(top))
		(void)snprintf(ret->detail, sizeof(ret->detail),
		    "ends at the self-signed '%s', which is not one of the given roots",
		    name);
	else
		(void)snprintf(ret->detail, sizeof(ret->detail),
		    "'%s' was issued by '%s', which is neither embedded nor a given root",
		    name, issuer);
}

/* Higher is better; complete paths before longer ones, then what holds, in the order it
 * is shown. */
static unsigned
score(const struct chain *c)
{
	if (!c->complete)
		return 1 + (unsigned)certs_n(c->path);
	return 100 + 8u * c->trust.ok + 4u * c->validity.ok + 2u * c->eku.ok +
	       c->key_usage.ok;
}

/* The path as it stands becomes a candidate. */
static bool
judge(struct search *s, bool complete, struct kd_err *e)
{
	AUTO(chain_clear) struct chain c = {.complete = complete};
	unsigned points;

	s->paths++;
	if (!certs_new(&c.path, e))
		return false;
	for (size_t i = 0; i < s->path.n; i++)
		if (!certs_share(c.path, s->path.v[i], e))
			return false;
	if (complete && !chain_check_trust(&s->path, &c.trust, e))
		return false;
	if (!complete)
		explain_dead_end(s, &c.trust);
	if (!chain_check_validity(&s->path, s->at, &c.validity, e))
		return false;
	chain_check_eku(&s->path, complete, s->use, &c.eku);
	chain_check_key_usage(&s->path, s->use, &c.key_usage);
	points = score(&c);
	if (points <= s->best_score)
		return true;
	s->best_score = points;
	chain_clear(s->best);
	*s->best = c;
	c = (struct chain){0};
	return true;
}

static bool walk(struct search *s, struct kd_err *e);

/* Every certificate of the list that issued the path's top. */
static bool
walk_issuers(struct search *s, const struct certs *list, bool *ret_any, struct kd_err *e)
{
	const struct cert *top = s->path.v[s->path.n - 1];

	for (size_t i = 0; i < certs_n(list) && s->paths < PATHS_MAX; i++) {
		const struct cert *c = certs_at(list, i);
		bool done;

		if (on_path(&s->path, c) || !issued(s, c, top))
			continue;
		*ret_any = true;
		s->path.v[s->path.n++] = c;
		done = walk(s, e);
		s->path.n--;
		if (!done)
			return false;
		if (chain_ok(s->best))
			return true;
	}
	return true;
}

/* Depth first from the path's top; at most CHAIN_MAX deep. */
static bool
walk(struct search *s, struct kd_err *e)
{
	bool any = false;

	if (is_root(s, s->path.v[s->path.n - 1]))
		return judge(s, true, e);
	s->forged_issuer = NULL;
	s->costly_issuer = false;
	if (s->path.n < CHAIN_MAX) {
		if (!walk_issuers(s, s->roots, &any, e))
			return false;
		if (!chain_ok(s->best) && !walk_issuers(s, s->pool, &any, e))
			return false;
	}
	return any || judge(s, false, e);
}

/* s has what is asked; the walk begins at pool[leaf]. */
static bool
find(struct search *s, size_t leaf, struct chain *ret, struct kd_err *e)
{
	AUTO(chain_clear) struct chain best = {0};

	s->best = &best;
	s->path.v[s->path.n++] = certs_at(s->pool, leaf);
	if (!walk(s, e))
		return false;
	best.checks = s->signatures;
	*ret = best;
	best = (struct chain){0};
	return true;
}

bool
chain_find(const struct certs *pool, size_t leaf, const struct certs *roots, int64_t at,
    struct chain *ret, struct kd_err *e)
{
	struct search s = {
	    .pool = pool, .roots = roots, .at = at, .use = &chain_code_signing};

	return find(&s, leaf, ret, e);
}

bool
chain_find_tsa(const struct certs *pool, size_t leaf, const struct certs *roots,
    int64_t at, struct chain *ret, struct kd_err *e)
{
	struct search s = {
	    .pool = pool, .roots = roots, .at = at, .use = &chain_timestamping};

	return find(&s, leaf, ret, e);
}
