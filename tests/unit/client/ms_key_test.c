/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/client/ms_key_test.c - signtool's choice of a certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/num.h"
#include "client/ms_cert.h"
#include "client/ms_key.h"
#include "tests/unit/authenticode/demo_pki.h"

static struct api_keys keys;
static int64_t now;

/* names: of certificates of demo_pki.sh, the signer's first */
static void
add_key(const char *name, const char *names)
{
	AUTO(certs_free) struct certs *c = demo_certs(names);
	struct api_key *k = &keys.v[keys.n++];

	(void)snprintf(k->name, sizeof(k->name), "%s", name);
	(void)snprintf(k->digests, sizeof(k->digests), "sha256 sha384");
	k->certificates_n = certs_n(c);
	k->certificates = kd_alloc_array(k->certificates_n, sizeof(*k->certificates));
	assert_non_null(k->certificates);
	for (size_t i = 0; i < k->certificates_n; i++) {
		const uint8_t *der = certs_der(c, i, &k->certificates[i].len);

		k->certificates[i].der = kd_memdup(der, k->certificates[i].len);
		assert_non_null(k->certificates[i].der);
	}
}

static int
set_up(void **state)
{
	(void)state;
	now = time(NULL);
	keys.v = kd_alloc_array(8, sizeof(*keys.v));
	assert_non_null(keys.v);
	add_key("one", "rsa2048.pem inter.pem cross.pem");
	add_key("two", "p256.pem inter.pem");
	add_key("tls", "tls.pem inter.pem");
	add_key("self", "selfie.pem");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	api_keys_clear(&keys);
	return 0;
}

/* The name of the key that is chosen, or "" with the error in *e. */
static const char *
choose(const struct ms_criteria *c, int64_t at, struct ms_keys *k, struct kd_err *e)
{
	return ms_keys_choose(&keys, c, at, k, e) ? k->v[k->picked].key->name : "";
}

static void
criteria_leave_one_key(void **state)
{
	static const struct {
		struct ms_criteria c;
		const char *key;
	} cases[] = {
	    {{.subject = "leaf RSA2048"}, "one"},
	    {{.subject = "P256"}, "two"},
	    {{.issuer = "selfie"}, "self"},
	    {{.usage = "1.3.6.1.5.5.7.3.1"}, "tls"},
	    {{.root = "verification"}, "one"}, /* through the cross-certificate */
	    {{.root = "ca root", .subject = "p256"}, "two"},
	    {{.issuer = "Code Signing", .subject = "häppy", .root = "verification",
		 .best = true},
		"one"},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(ms_keys_clear) struct ms_keys k = {0};
		struct kd_err e = {0};

		assert_string_equal(choose(&cases[i].c, now, &k, &e), cases[i].key);
	}
}

static void
a_thumbprint_names_its_key(void **state)
{
	AUTO(certs_free) struct certs *c = demo_certs("p256.pem");
	AUTO(ms_keys_clear) struct ms_keys k = {0};
	AUTO(buf_clear) struct buf hex = {0};
	struct cert_info info;
	struct kd_err e = {0};

	(void)state;
	assert_true(cert_info(c, 0, &info, &e));
	for (size_t i = 0; i < 20; i++)
		buf_printf(&hex, "%02X ", info.sha1[i]);
	assert_string_equal(
	    choose(&(struct ms_criteria){.sha1 = buf_cstr(&hex)}, now, &k, &e), "two");
	assert_memory_equal(k.v[k.picked].cert.sha1, info.sha1, 20);
}

static void
none_and_several_are_said_as_signtool_does(void **state)
{
	AUTO(ms_keys_clear) struct ms_keys none = {0};
	AUTO(ms_keys_clear) struct ms_keys late = {0};
	AUTO(ms_keys_clear) struct ms_keys several = {0};
	AUTO(ms_keys_clear) struct ms_keys wrong = {0};
	struct kd_err e1 = {0}, e2 = {0}, e3 = {0}, e4 = {0};

	(void)state;
	choose(&(struct ms_criteria){.subject = "nobody"}, now, &none, &e1);
	assert_int_equal(e1.code, KD_E_KEY_UNKNOWN);
	assert_string_equal(
	    e1.msg, "No certificates were found that met all the given criteria.");
	choose(&(struct ms_criteria){0}, now + 20 * 366 * 86400, &late, &e2);
	assert_int_equal(e2.code, KD_E_KEY_UNKNOWN);
	choose(&(struct ms_criteria){0}, now, &several, &e3);
	assert_int_equal(e3.code, KD_E_KEY_AMBIGUOUS);
	assert_int_equal(several.n, 3); /* not the one for TLS */
	assert_memory_equal(e3.msg, "Multiple certificates were found", 32);
	choose(&(struct ms_criteria){.sha1 = "12 34"}, now, &wrong, &e4);
	assert_int_equal(e4.code, KD_E_USAGE);
}

static void
debug_counts_what_each_filter_leaves(void **state)
{
	AUTO(ms_keys_clear) struct ms_keys k = {0};
	struct kd_err e = {0};
	const char *text;

	(void)state;
	assert_string_equal(
	    choose(&(struct ms_criteria){.subject = "p256"}, now, &k, &e), "two");
	text = buf_cstr(&k.debug);
	assert_non_null(strstr(text, "The following certificates were considered:\n"
				     "    Issued to: Leaf rsa2048\n"
				     "    Issued by: Code Signing CA\n"
				     "    Expires:   "));
	assert_non_null(strstr(text, "\nAfter EKU filter, 3 certs were left.\n"
				     "After expiry filter, 3 certs were left.\n"
				     "After Subject Name filter, 1 certs were left.\n"
				     "After Private Key filter, 1 certs were left.\n"));
}

static void
digests_are_chosen_without_sha1(void **state)
{
	struct api_key k = {0};
	struct cert_info c = {0};

	(void)state;
	memcpy(k.digests, "sha1 sha512 sha384", 19);
	assert_int_equal(ms_key_md(&k), MD_SHA384);
	memcpy(k.digests, "sha1 sha256", 12);
	assert_int_equal(ms_key_md(&k), MD_SHA256);
	memcpy(k.digests, "sha1", 5);
	assert_int_equal(ms_key_md(&k), MD_NONE);
	memcpy(c.signature_algorithm, "sha1WithRSAEncryption", 22);
	assert_int_equal(ms_cert_md(&c), MD_SHA1);
	memcpy(c.signature_algorithm, "ecdsa-with-SHA384", 18);
	assert_int_equal(ms_cert_md(&c), MD_SHA384);
	memcpy(c.signature_algorithm, "ED25519", 8);
	assert_int_equal(ms_cert_md(&c), MD_NONE);
}

static void
usages_have_names(void **state)
{
	(void)state;
	assert_string_equal(ms_usage_oid("code signing"), MS_EKU_CODE_SIGNING);
	assert_string_equal(ms_usage_oid("1.2.3"), "1.2.3");
	assert_null(ms_usage_oid("something else"));
	assert_null(ms_usage_oid(""));
}

static void
times_are_local_with_two_digits_for_the_day(void **state)
{
	AUTO(buf_clear) struct buf b = {0};

	(void)state;
	assert_int_equal(setenv("TZ", "EST5", 1), 0);
	tzset();
	ms_put_time(&b, 1401653101); /* 2014-06-01 20:05:01 UTC */
	assert_string_equal(buf_cstr(&b), "Sun Jun 01 15:05:01 2014");
}

static void
chains_begin_with_the_root(void **state)
{
	struct cert_info chain[2] = {
	    {.subject_name = "Leaf", .issuer_name = "Root", .sha1 = {0xAB}},
	    {.subject_name = "Root", .issuer_name = "Root"},
	};
	AUTO(buf_clear) struct buf b = {0};

	(void)state;
	ms_put_chain(&b, chain, 2, NULL);
	assert_memory_equal(
	    buf_cstr(&b), "    Issued to: Root\n    Issued by: Root\n", 40);
	assert_non_null(strstr(buf_cstr(&b),
	    "\n\n        Issued to: Leaf\n        Issued by: Root\n        Expires:   "));
	assert_non_null(strstr(buf_cstr(&b),
	    "\n        SHA1 hash: AB00000000000000000000000000000000000000\n\n"));
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(criteria_leave_one_key),
	    cmocka_unit_test(a_thumbprint_names_its_key),
	    cmocka_unit_test(none_and_several_are_said_as_signtool_does),
	    cmocka_unit_test(debug_counts_what_each_filter_leaves),
	    cmocka_unit_test(digests_are_chosen_without_sha1),
	    cmocka_unit_test(usages_have_names),
	    cmocka_unit_test(times_are_local_with_two_digits_for_the_day),
	    cmocka_unit_test(chains_begin_with_the_root),
	};

	return cmocka_run_group_tests_name("client/ms_key", t, set_up, tear_down);
}
