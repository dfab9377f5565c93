/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/chain_test.c - paths found, and each fault named. */
#include "authenticode/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/num.h"
#include "tests/unit/authenticode/demo_pki.h"

#define YEAR (365 * INT64_C(86400))

/* A verdict as one line: the subjects' way up, and each check that fails. */
static void
check(const char *pool, const char *roots, int64_t offset, const char *way, size_t n,
    const char *trust, const char *eku, const char *key_usage)
{
	AUTO(certs_free) struct certs *p = demo_certs(pool);
	AUTO(certs_free) struct certs *r = demo_certs(roots);
	AUTO(chain_clear) struct chain c = {0};
	struct cert_info last;
	struct kd_err e = {0};

	assert_true(chain_find(p, 0, r, (int64_t)time(NULL) + offset, &c, &e));
	assert_string_equal(c.trust.ok ? "" : c.trust.detail, trust);
	assert_string_equal(c.eku.ok ? "" : c.eku.detail, eku);
	assert_string_equal(c.key_usage.ok ? "" : c.key_usage.detail, key_usage);
	assert_int_equal(certs_n(c.path), n);
	assert_true(cert_info(c.path, n - 1, &last, &e));
	assert_string_equal(last.subject, way);
	assert_int_equal(chain_ok(&c), c.complete && c.validity.ok && trust[0] == '\0' &&
					   eku[0] == '\0' && key_usage[0] == '\0');
	assert_true(c.trust.detail[0] != '\0' && c.validity.detail[0] != '\0');
	assert_true(c.eku.detail[0] != '\0' && c.key_usage.detail[0] != '\0');
}

static void
path_through_the_cross_certificate(void **state)
{
	(void)state;
	check("rsa2048.chain", "root.pem", 0, "CN=Verification Root", 4, "", "", "");
	/* in any order, with others among them, and the CA's own root embedded, too */
	check("rsa2048.pem other.pem ca.pem cross.pem impostor.pem p256.pem inter.pem",
	    "other.pem root.pem", 0, "CN=Verification Root", 4, "", "", "");
}

static void
shorter_path_to_the_cas_own_root(void **state)
{
	(void)state;
	check("rsa2048.chain", "ca.pem", 0, "CN=CA Root", 3, "", "", "");
	check("rsa2048.pem inter.pem", "ca.pem root.pem", 0, "CN=CA Root", 3, "", "", "");
}

static void
any_certificate_may_be_a_root(void **state)
{
	(void)state;
	check("rsa2048.pem", "inter.pem", 0, "CN=Code Signing CA", 2, "", "", "");
	check("rsa2048.pem inter.pem", "cross.pem", 0, "CN=CA Root", 3, "", "", "");
	check("rsa2048.pem", "rsa2048.pem", 0, "CN=Leaf rsa2048,O=Häppy Drivers", 1, "",
	    "", "");
	check("selfie.pem", "selfie.pem", 0, "CN=Selfie", 1, "", "", "");
}

static void
missing_link_is_named(void **state)
{
	(void)state;
	check("rsa2048.pem cross.pem", "root.pem", 0, "CN=Leaf rsa2048,O=Häppy Drivers",
	    1,
	    "'Leaf rsa2048' was issued by 'Code Signing CA', which is neither embedded "
	    "nor a "
	    "given root",
	    "", "");
	check("rsa2048.pem inter.pem", "root.pem", 0, "CN=Code Signing CA", 2,
	    "'Code Signing CA' was issued by 'CA Root', which is neither embedded nor a "
	    "given "
	    "root",
	    "", "");
	check("selfie.pem", "root.pem", 0, "CN=Selfie", 1,
	    "ends at the self-signed 'Selfie', which is not one of the given roots", "",
	    "");
	check("rsa2048.pem impostor.pem", "other.pem", 0,
	    "CN=Leaf rsa2048,O=Häppy Drivers", 1,
	    "the 'Code Signing CA' at hand did not sign 'Leaf rsa2048': its key does not "
	    "verify "
	    "the signature",
	    "", "");
}

static void
no_root_given_is_said(void **state)
{
	AUTO(certs_free) struct certs *p = demo_certs("rsa2048.chain"), *none = NULL;
	struct kd_err e = {0};
	(void)state;

	assert_true(certs_new(&none, &e));
	for (int i = 0; i < 2; i++) {
		AUTO(chain_clear) struct chain c = {0};

		assert_true(chain_find(p, 0, i == 0 ? none : NULL, 0, &c, &e));
		assert_false(c.complete || c.trust.ok || chain_ok(&c));
		assert_string_equal(
		    c.trust.detail, "no trust anchor was given; name one with --root");
	}
}

static void
leaf_usages_are_judged(void **state)
{
	static const struct {
		const char *leaf, *eku, *key_usage;
	} cases[] = {
	    {"no-eku.pem", "'No EKU' has no extended key usage, codeSigning expected",
		""},
	    {"any-eku.pem", "'Any EKU' lacks codeSigning among its extended key usages",
		""},
	    {"tls.pem", "'TLS Server' lacks codeSigning among its extended key usages",
		""},
	    {"no-ku.pem", "", ""},
	    {"bad-ku.pem", "", "'Bad KU' lacks digitalSignature in its key usage"},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		char pool[64];

		(void)snprintf(pool, sizeof(pool), "%s inter.pem", cases[i].leaf);
		check(pool, "ca.pem", 0, "CN=CA Root", 3, "", cases[i].eku,
		    cases[i].key_usage);
	}
}

static void
sick_cas_are_named(void **state)
{
	static const struct {
		const char *pool;
		size_t n;
		const char *trust, *eku;
	} cases[] = {
	    {"not-a-ca-leaf.pem not-a-ca.pem", 3,
		"'not-a-ca' issued a certificate but is no CA (basicConstraints)", ""},
	    {"no-certsign-leaf.pem no-certsign.pem", 3,
		"'no-certsign' may not sign certificates (keyUsage)", ""},
	    {"below-leaf.pem below.pem pathlen.pem", 4,
		"'pathlen' allows fewer CAs below it (pathLenConstraint)", ""},
	    {"pathlen-leaf.pem pathlen.pem", 3, "", ""},
	    {"critical.pem inter.pem", 3,
		"'Critical' has a critical extension that is not understood", ""},
	    {"tls-ca-leaf.pem tls-ca.pem", 3, "",
		"CA 'tls-ca' is limited to extended key usages without codeSigning"},
	    {"any-ca-leaf.pem any-ca.pem", 3, "", ""},
	    {"sha1-ca-leaf.pem sha1-ca.pem", 3, "", ""},
	    {"md5-ca-leaf.pem md5-ca.pem", 3,
		"'md5-ca' is signed with md5, sha1 to sha512 expected", ""},
	    {"tiny.pem inter.pem", 3,
		"'Tiny' has an RSA key of 512 bits, at least 1024 expected", ""},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++)
		check(cases[i].pool, "ca.pem", 0, "CN=CA Root", cases[i].n,
		    cases[i].trust, cases[i].eku, "");
}

/* An anchor is trusted as a key and a name: its own extended key usages bind nobody. */
static void
limits_of_an_anchor_do_not_count(void **state)
{
	(void)state;
	check("tls-ca-leaf.pem", "tls-ca.pem", 0, "CN=tls-ca", 2, "", "", "");
}

static void
validity_names_certificate_limit_and_time(void **state)
{
	static const struct {
		int64_t offset;
		const char *has;
	} cases[] = {
	    {-YEAR, "' is not valid before 2"}, {11 * YEAR, "' expired at 2"}, {0, NULL}};
	AUTO(certs_free) struct certs *p = demo_certs("rsa2048.chain");
	AUTO(certs_free) struct certs *r = demo_certs("root.pem");
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(chain_clear) struct chain c = {0};
		struct kd_err e = {0};

		assert_true(
		    chain_find(p, 0, r, (int64_t)time(NULL) + cases[i].offset, &c, &e));
		assert_true(c.trust.ok);
		assert_int_equal(c.validity.ok, cases[i].has == NULL);
		assert_int_equal(chain_ok(&c), cases[i].has == NULL);
		if (cases[i].has == NULL)
			continue;
		assert_non_null(strstr(c.validity.detail, cases[i].has));
		assert_true(strncmp(c.validity.detail, "'Leaf rsa2048'", 14) == 0);
		assert_non_null(strstr(c.validity.detail, "; judged at 2"));
	}
}

/* Both edges count as valid (RFC 5280 4.1.2.5). */
static void
validity_includes_both_ends(void **state)
{
	AUTO(certs_free) struct certs *p = demo_certs("selfie.pem");
	struct cert_info info;
	struct kd_err e = {0};
	(void)state;

	assert_true(cert_info(p, 0, &info, &e));
	for (int i = 0; i < 4; i++) {
		AUTO(chain_clear) struct chain c = {0};
		const int64_t at[] = {info.not_before - 1, info.not_before,
		    info.not_after, info.not_after + 1};

		assert_true(chain_find(p, 0, p, at[i], &c, &e));
		assert_int_equal(c.validity.ok, i == 1 || i == 2);
	}
}

/* A path that is complete but faulty yields to one that is not: 'below' by pathlen, and
 * by ca itself. */
static void
good_path_is_found_behind_a_bad_one(void **state)
{
	(void)state;
	check("below-leaf.pem below.pem below-again.pem pathlen.pem", "ca.pem", 0,
	    "CN=CA Root", 3, "", "", "");
}

/* Sixty certificates of one name and key, all signed by it: a tree without end for who
 * walks it all. */
static void
hostile_set_of_one_name_ends_soon(void **state)
{
	AUTO(certs_free) struct certs *p = demo_certs("maze-leaf.pem maze.pem");
	AUTO(certs_free) struct certs *r = demo_certs("root.pem");
	AUTO(chain_clear) struct chain c = {0};
	struct kd_err e = {0};
	clock_t start = clock();
	(void)state;

	assert_true(certs_n(p) > 50);
	assert_true(chain_find(p, 0, r, (int64_t)time(NULL), &c, &e));
	assert_false(c.complete);
	assert_true(c.trust.detail[0] != '\0');
	assert_true((clock() - start) / CLOCKS_PER_SEC < 5);
}

/* Its exponent has 66 bits. It could have 2048, and each check take ten milliseconds. */
static void
slow_keys_certify_nobody(void **state)
{
	(void)state;
	check("slow-leaf.pem slow.pem", "ca.pem", 0, "CN=leaf of slow", 1,
	    "the 'slow' at hand has a key that takes too long: RSA over 8192 bits or with "
	    "an exponent over 64, a curve without a name, or DSA",
	    "", "");
}

static void
searching_without_memory_is_an_ordinary_error(void **state)
{
	AUTO(certs_free) struct certs *p = demo_certs("rsa2048.chain");
	AUTO(certs_free) struct certs *r = demo_certs("root.pem");
	bool done = false;
	(void)state;

	for (long nth = 0; !done; nth++) {
		AUTO(chain_clear) struct chain c = {0};
		struct kd_err e = {0};

		kd_alloc_fail_at(nth);
		done = chain_find(p, 0, r, 0, &c, &e);
		kd_alloc_fail_at(-1);
		if (!done)
			assert_int_equal(e.code, KD_E_NOMEM);
		assert_true(nth < 100);
	}
}

static void
timestamp_authorities_need_another_extended_key_usage(void **state)
{
	static const struct {
		const char *pool, *eku, *key_usage;
	} cases[] = {
	    {"tsa.pem inter.pem", "", ""},
	    {"rsa2048.pem inter.pem",
		"'Leaf rsa2048' lacks timeStamping among its extended key usages", ""},
	    {"no-eku.pem inter.pem",
		"'No EKU' has no extended key usage, timeStamping expected", ""},
	    {"any-eku.pem inter.pem",
		"'Any EKU' lacks timeStamping among its extended key usages", ""},
	    {"tsa-ku.pem inter.pem", "",
		"'TSA without' lacks digitalSignature or nonRepudiation in its key "
		"usage"},
	    {"tsa-signing.pem signing-ca.pem",
		"CA 'signing-ca' is limited to extended key usages without timeStamping",
		""},
	};
	AUTO(certs_free) struct certs *roots = demo_certs("ca.pem");
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(certs_free) struct certs *pool = demo_certs(cases[i].pool);
		AUTO(chain_clear) struct chain c = {0};
		struct kd_err e = {0};

		assert_true(
		    chain_find_tsa(pool, 0, roots, (int64_t)time(NULL), &c, &e));
		assert_true(c.trust.ok);
		assert_string_equal(c.eku.ok ? "" : c.eku.detail, cases[i].eku);
		assert_string_equal(
		    c.key_usage.ok ? "" : c.key_usage.detail, cases[i].key_usage);
		assert_int_equal(chain_ok(&c), i == 0);
	}
}

static void
without_roots_the_option_for_them_is_named(void **state)
{
	AUTO(certs_free) struct certs *pool = demo_certs("tsa.pem inter.pem");
	AUTO(chain_clear) struct chain c = {0};
	struct kd_err e = {0};
	(void)state;

	assert_true(chain_find_tsa(pool, 0, NULL, (int64_t)time(NULL), &c, &e));
	assert_false(chain_ok(&c));
	assert_string_equal(c.trust.detail,
	    "no trust anchor was given; name one with --tsa-root");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(path_through_the_cross_certificate),
	    cmocka_unit_test(shorter_path_to_the_cas_own_root),
	    cmocka_unit_test(any_certificate_may_be_a_root),
	    cmocka_unit_test(missing_link_is_named),
	    cmocka_unit_test(no_root_given_is_said),
	    cmocka_unit_test(leaf_usages_are_judged),
	    cmocka_unit_test(sick_cas_are_named),
	    cmocka_unit_test(limits_of_an_anchor_do_not_count),
	    cmocka_unit_test(validity_names_certificate_limit_and_time),
	    cmocka_unit_test(validity_includes_both_ends),
	    cmocka_unit_test(good_path_is_found_behind_a_bad_one),
	    cmocka_unit_test(hostile_set_of_one_name_ends_soon),
	    cmocka_unit_test(slow_keys_certify_nobody),
	    cmocka_unit_test(searching_without_memory_is_an_ordinary_error),
	    cmocka_unit_test(timestamp_authorities_need_another_extended_key_usage),
	    cmocka_unit_test(without_roots_the_option_for_them_is_named),
	};

	return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
