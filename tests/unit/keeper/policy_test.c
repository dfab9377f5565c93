/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/keeper/policy_test.c - grants: whom they mean, what they cover, what is said
 * when they do not. */
#include "daemon/keeper/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PE (1u << API_KIND_PE)
#define SHA256 (1u << MD_SHA256)
#define SHA384 (1u << MD_SHA384)

static const uint8_t cert_a[1][32] = {{1}}, spki_a[1][32] = {{2}}, issuer[1][32] = {{3}};
static const uint8_t name[] = {0x30, 2, 1, 1}, longer[] = {0x30, 2, 1, 1, 0};
static const struct policy_bytes subjects[] = {{name, sizeof(name)}};
static const char *const all_keys[] = {"alpha", "beta", "gamma"};
static const char *const alpha[] = {"alpha"}, *const alpha_beta[] = {"alpha", "beta"};

static const struct policy_grant grants[] = {
    {.name = "by-cert",
	.certs = cert_a,
	.certs_n = 1,
	.keys = alpha,
	.keys_n = 1,
	.kinds = PE,
	.digests = SHA256},
    {.name = "by-spki",
	.spkis = spki_a,
	.spkis_n = 1,
	.keys = alpha,
	.keys_n = 1,
	.kinds = PE,
	.digests = SHA384,
	.timestamps = true},
    {.name = "by-name",
	.issuers = issuer,
	.issuers_n = 1,
	.subjects = subjects,
	.subjects_n = 1,
	.keys = alpha_beta,
	.keys_n = 2,
	.kinds = PE,
	.digests = SHA256},
};
static const struct policy policy = {grants, 3, all_keys, 3};

static struct identity
who(uint8_t cert, uint8_t spki, uint8_t ca, const uint8_t *subject, size_t n)
{
	struct identity id = {
	    .cert_sha256 = {cert}, .spki_sha256 = {spki}, .issuer_sha256 = {ca}};

	memcpy(id.subject_der, subject, n);
	id.subject_der_len = n;
	return id;
}

static void
a_client_is_meant_by_certificate_key_or_issuer_with_subject(void **state)
{
	static const struct {
		uint8_t cert, spki, ca;
		const uint8_t *subject;
		size_t n;
		bool meant[3];
	} cases[] = {
	    {1, 0, 0, name, sizeof(name), {true, false, false}},
	    {0, 2, 0, name, sizeof(name), {false, true, false}},
	    {0, 0, 3, name, sizeof(name), {false, false, true}},
	    {0, 0, 3, longer, sizeof(longer), {false, false, false}}, /* exact subject */
	    {0, 0, 4, name, sizeof(name),
		{false, false, false}}, /* another CA's of the same name */
	    {0, 0, 0, name, sizeof(name), {false, false, false}},
	    {1, 2, 3, name, sizeof(name), {true, true, true}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct identity id = who(cases[i].cert, cases[i].spki, cases[i].ca,
		    cases[i].subject, cases[i].n);

		for (size_t g = 0; g < 3; g++)
			assert_int_equal(
			    policy_grant_means(&grants[g], &id), cases[i].meant[g]);
	}
}

static void
decisions_and_their_words(void **state)
{
	static const struct {
		uint8_t cert, spki, ca;
		const char *asked;
		enum md md[2];
		enum kd_code code;
		const char *key, *grant[2], *msg; /* grant: of each item */
	} cases[] = {
	    {1, 0, 0, "alpha", {MD_SHA256, MD_SHA256}, KD_OK, "alpha", {"by-cert", "by-cert"}, ""},
	    {1, 0, 0, "", {MD_SHA256, MD_SHA256}, KD_OK, "alpha", {"by-cert", "by-cert"}, ""},
	    {1, 2, 0, "alpha", {MD_SHA384, MD_SHA384}, KD_OK, "alpha", {"by-spki", "by-spki"}, ""},
	    /* each item needs one grant, and all of them together none */
	    {1, 2, 0, "alpha", {MD_SHA256, MD_SHA384}, KD_OK, "alpha",
		{"by-cert", "by-spki"}, ""},
	    {1, 2, 0, "", {MD_SHA384, MD_SHA256}, KD_OK, "alpha",
		{"by-spki", "by-cert"}, ""},
	    {1, 2, 0, "alpha", {MD_SHA384, MD_SHA512}, KD_E_DENIED, NULL, {NULL, NULL},
		"items[1]: kind pe with digest algorithm sha512 is not granted to this "
		"client for key 'alpha'"},
	    {1, 0, 0, "alpha", {MD_SHA1, MD_SHA256}, KD_E_DENIED, NULL, {NULL, NULL},
		"items[0]: kind pe with digest algorithm sha1 is not granted to this "
		"client for key 'alpha'"},
	    {1, 0, 0, "beta", {MD_SHA256, MD_SHA256}, KD_E_DENIED, NULL, {NULL, NULL},
		"key 'beta' is not granted to this client"},
	    {1, 0, 0, "delta", {MD_SHA256, MD_SHA256}, KD_E_KEY_UNKNOWN, NULL, {NULL, NULL},
		"there is no key 'delta'"},
	    {0, 0, 3, "", {MD_SHA256, MD_SHA256}, KD_E_KEY_AMBIGUOUS, NULL, {NULL, NULL},
		"no key named and 2 are granted: alpha, beta"},
	    {0, 0, 0, "", {MD_SHA256, MD_SHA256}, KD_E_DENIED, NULL, {NULL, NULL},
		"no key is granted to this client"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct identity id =
		    who(cases[i].cert, cases[i].spki, cases[i].ca, name, sizeof(name));
		struct api_item items[2] = {{.kind = API_KIND_PE, .md = cases[i].md[0]},
		    {.kind = API_KIND_PE, .md = cases[i].md[1]}};
		struct api_sign_request r = {.items = items, .items_n = 2};
		const struct policy_grant *grant[2];
		const char *key = NULL;
		struct kd_err e = {0};

		memcpy(r.key, cases[i].asked, strlen(cases[i].asked));
		assert_int_equal(policy_decide(&policy, &id, &r, &key, grant, &e),
		    cases[i].code == KD_OK);
		assert_int_equal(e.code, cases[i].code);
		assert_string_equal(e.msg, cases[i].msg);
		if (cases[i].code == KD_OK) {
			assert_string_equal(key, cases[i].key);
			for (size_t n = 0; n < 2; n++)
				assert_string_equal(grant[n]->name, cases[i].grant[n]);
		} else {
			assert_null(key);
		}
	}
}

/* A catalog speaks for all that it lists: it has to be granted by name, with the rest. */
static void
catalogs_are_a_kind_of_their_own(void **state)
{
	struct policy_grant g[2] = {grants[0], grants[0]};
	struct policy p = policy;
	struct identity id = who(1, 0, 0, name, sizeof(name));
	struct api_item items[2] = {{.kind = API_KIND_PE, .md = MD_SHA256},
	    {.kind = API_KIND_CATALOG, .md = MD_SHA256}};
	struct api_sign_request r = {.key = "alpha", .items = items, .items_n = 2};
	const struct policy_grant *grant[2];
	const char *key;
	struct kd_err e = {0};

	(void)state;
	p.grants = g;
	p.grants_n = 2;
	assert_false(policy_decide(&p, &id, &r, &key, grant, &e));
	assert_string_equal(e.msg, "items[1]: kind catalog with digest algorithm sha256 "
				   "is not granted to this client for key 'alpha'");
	assert_string_equal(e.hint,
	    "the client's grant in keeper.conf has to name this kind: kinds = pe catalog");
	/* each kind by a grant of its own */
	g[1].kinds = 1u << API_KIND_CATALOG;
	e = (struct kd_err){0};
	assert_true(policy_decide(&p, &id, &r, &key, grant, &e));
	assert_ptr_equal(grant[0], &g[0]);
	assert_ptr_equal(grant[1], &g[1]);
	assert_int_equal(
	    policy_scope_of(&p, &id, "alpha").kinds, PE | 1u << API_KIND_CATALOG);
	/* what each grant says holds within it: kinds of one are not for digests of another */
	g[1].digests = SHA384;
	assert_false(policy_decide(&p, &id, &r, &key, grant, &e));
	assert_string_equal(e.msg, "items[1]: kind catalog with digest algorithm sha256 "
				   "is not granted to this client for key 'alpha'");
	assert_string_equal(e.hint, "");
	g[1].digests = SHA256;
	/* one that covers all goes before, wherever it stands */
	g[1].kinds |= PE;
	e = (struct kd_err){0};
	assert_true(policy_decide(&p, &id, &r, &key, grant, &e));
	assert_ptr_equal(grant[0], &g[1]);
	assert_ptr_equal(grant[1], &g[1]);
	/* and a grant of another client, or of another key, none of these */
	g[1].certs = issuer;
	e = (struct kd_err){0};
	assert_false(policy_decide(&p, &id, &r, &key, grant, &e));
	g[1].certs = cert_a;
	g[1].keys = alpha_beta + 1;
	e = (struct kd_err){0};
	assert_false(policy_decide(&p, &id, &r, &key, grant, &e));
	g[1].keys = alpha;
	/* a key for modules is never to be granted anything else */
	g[0].kinds = g[1].kinds = 1u << API_KIND_MODULE;
	e = (struct kd_err){0};
	assert_false(policy_decide(&p, &id, &r, &key, grant, &e));
	assert_string_equal(e.hint,
	    "key 'alpha' is for kernel modules, and must sign nothing else: name another");
}

static void
scope_is_the_union_of_grants(void **state)
{
	struct identity id = who(1, 2, 0, name, sizeof(name));
	struct policy_scope s = policy_scope_of(&policy, &id, "alpha");

	(void)state;
	assert_int_equal(s.kinds, PE);
	assert_int_equal(s.digests, SHA256 | SHA384);
	s = policy_scope_of(&policy, &id, "beta");
	assert_int_equal(s.kinds | s.digests, 0);
}

static void
one_grant_that_says_so_allows_timestamps(void **state)
{
	static const struct {
		uint8_t cert, spki;
		bool may;
	} rows[] = {{1, 0, false}, {0, 2, true}, {1, 2, true}, {9, 9, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct identity id = who(rows[i].cert, rows[i].spki, 0, name, 0);
		struct kd_err e = {0};

		assert_int_equal(policy_timestamps(&policy, &id, &e), rows[i].may);
		assert_int_equal(e.code, rows[i].may ? KD_OK : KD_E_DENIED);
		assert_string_equal(e.msg,
		    rows[i].may ? "" : "timestamps are not granted to this client");
	}
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(a_client_is_meant_by_certificate_key_or_issuer_with_subject),
	    cmocka_unit_test(decisions_and_their_words),
	    cmocka_unit_test(catalogs_are_a_kind_of_their_own),
	    cmocka_unit_test(scope_is_the_union_of_grants),
	    cmocka_unit_test(one_grant_that_says_so_allows_timestamps),
	};

	return cmocka_run_group_tests_name("policy", t, NULL, NULL);
}
