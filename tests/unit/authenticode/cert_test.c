/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/cert_test.c - certificates loaded, described and used as keys.
 */
#include "authenticode/cert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "tests/unit/authenticode/demo_pki.h"

static void
pem_with_several_and_der_are_loaded(void **state)
{
	AUTO(certs_free) struct certs *c = demo_certs("rsa2048.chain root.pem");
	AUTO(certs_free) struct certs *der = demo_certs("rsa2048.der");
	struct kd_err e = {0};
	const uint8_t *p, *q;
	size_t n, m;
	(void)state;

	assert_int_equal(certs_n(c), 4);
	assert_int_equal(certs_n(der), 1);
	p = certs_der(c, 0, &n);
	q = certs_der(der, 0, &m);
	assert_int_equal(n, m);
	assert_memory_equal(p, q, n);
	assert_true(certs_add_all(c, der, &e)); /* there already */
	assert_int_equal(certs_n(c), 4);
}

static void
key_beside_the_certificate_is_passed_over(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	AUTO(certs_free) struct certs *c = NULL;
	struct kd_err e = {0};
	char path[512];
	(void)state;

	assert_true(file_read_all(DEMO("p256.key"), CERT_FILE_MAX, &b, &e));
	assert_true(file_read_all(DEMO("p256.pem"), CERT_FILE_MAX, &b, &e));
	assert_true(certs_new(&c, &e));
	assert_true(certs_load(c, demo_write("both.pem", b.p, b.len, path), &e));
	assert_int_equal(certs_n(c), 1);
}

static void
file_without_certificate_says_so_and_adds_nothing(void **state)
{
	static const struct {
		const char *text, *msg;
		size_t n;
	} cases[] = {
	    {"hello\n", "no certificate in it, PEM or DER expected", 6},
	    {"", "no certificate in it, PEM or DER expected", 0},
	    {"-----BEGIN CERTIFICATE-----\nAAAA\n", "PEM block is damaged (bad end line)",
		33},
	    {"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
		"certificate 1 of the file: tbsCertificate at offset 0x2 needs 1 bytes; "
		"the data "
		"ends at 0x2",
		59},
	    {"\x30\x03\x02\x01\x01",
		"tbsCertificate at offset 0x2: tag 0x02, expected 0x30", 5},
	    {"\x30\x03", "certificate at offset 0x2 needs 3 bytes; the data ends at 0x2",
		2},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(certs_free) struct certs *c = demo_certs("root.pem");
		char path[512], msg[800];
		struct kd_err e = {0};

		demo_write("bad.pem", cases[i].text, cases[i].n, path);
		assert_false(certs_load(c, path, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		(void)snprintf(msg, sizeof(msg), "'%s': %s", path, cases[i].msg);
		assert_string_equal(e.msg, msg);
		assert_int_equal(certs_n(c), 1);
	}
}

static void
damaged_second_certificate_takes_the_first_back(void **state)
{
	AUTO(certs_free) struct certs *c = NULL;
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};
	char path[512];
	(void)state;

	assert_true(file_read_all(DEMO("p256.pem"), CERT_FILE_MAX, &b, &e));
	buf_str(&b, "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
	assert_true(certs_new(&c, &e));
	assert_false(certs_load(c, demo_write("half.pem", b.p, b.len, path), &e));
	assert_int_equal(certs_n(c), 0);
	assert_non_null(strstr(e.msg, "certificate 2 of the file"));
}

static void
absent_file_is_a_file_error(void **state)
{
	AUTO(certs_free) struct certs *c = NULL;
	struct kd_err e = {0};
	(void)state;

	assert_true(certs_new(&c, &e));
	assert_false(certs_load(c, "/nonexistent/x.pem", &e));
	assert_int_equal(e.code, KD_E_FILE);
}

static void
certificate_with_bytes_after_it_is_refused(void **state)
{
	AUTO(certs_free) struct certs *from = demo_certs("root.pem"), *c = NULL;
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};
	const uint8_t *der;
	size_t n;
	(void)state;

	der = certs_der(from, 0, &n);
	buf_add(&b, der, n);
	buf_u8(&b, 0);
	assert_true(certs_new(&c, &e));
	assert_false(certs_add_der(c, b.p, b.len, &e));
	assert_int_equal(e.code, KD_E_FORMAT);
	assert_non_null(strstr(e.msg, "certificate has 1 unexpected bytes"));
	assert_int_equal(certs_n(c), 0);
}

/* OpenSSL's own words about the same certificate. */
static void
check_thumbprint(const char *pem, const char *md, const uint8_t *print, size_t n)
{
	char hex[65];

	text_hex_to(hex, print, n);
	assert_int_equal(
	    demo_run("openssl x509 -in %s -noout -fingerprint -%s | tr -d : | "
		     "grep -qix '%s fingerprint=%s'",
		DEMO(pem), md, md, hex),
	    0);
}

static void
description_says_what_policies_ask(void **state)
{
	AUTO(certs_free)
	struct certs *c = demo_certs(
	    "rsa3072.pem p384.pem cross.pem root.pem no-eku.pem bad-ku.pem any-eku.pem");
	struct cert_info i;
	struct kd_err e = {0};
	(void)state;

	assert_true(cert_info(c, 0, &i, &e));
	assert_string_equal(i.subject, "CN=Leaf rsa3072,O=Häppy Drivers");
	assert_string_equal(i.issuer, "CN=Code Signing CA");
	assert_string_equal(i.subject_name, "Leaf rsa3072");
	assert_string_equal(i.issuer_name, "Code Signing CA");
	assert_string_equal(i.serial, "6b");
	assert_string_equal(i.algorithm, "rsa");
	assert_int_equal(i.bits, 3072);
	assert_string_equal(i.signature_algorithm, "sha256WithRSAEncryption");
	assert_int_equal(i.not_after - i.not_before, 3650 * 86400);
	assert_true(i.has_key_usage && i.ku_digital_signature);
	assert_true(i.has_eku && i.eku_code_signing);
	assert_false(i.ca || i.self_signed);
	check_thumbprint("rsa3072.pem", "sha1", i.sha1, 20);
	check_thumbprint("rsa3072.pem", "sha256", i.sha256, 32);
	assert_true(cert_info(c, 1, &i, &e));
	assert_string_equal(i.algorithm, "ecdsa");
	assert_int_equal(i.bits, 384);
	assert_true(cert_info(c, 2, &i, &e)); /* of another issuer: not self-signed */
	assert_true(i.ca && !i.self_signed && !i.has_eku);
	assert_string_equal(i.signature_algorithm, "sha1WithRSAEncryption");
	assert_true(cert_info(c, 3, &i, &e));
	assert_true(i.ca && i.self_signed);
	assert_true(cert_info(c, 4, &i, &e));
	assert_true(!i.has_eku && !i.eku_code_signing && i.ku_digital_signature);
	assert_true(cert_info(c, 5, &i, &e));
	assert_true(i.has_key_usage && !i.ku_digital_signature);
	assert_true(cert_info(c, 6, &i, &e));
	assert_true(i.has_eku && !i.eku_code_signing); /* any is not code signing */
}

static void
names_without_a_common_name_are_shown_by_their_unit(void **state)
{
	AUTO(certs_free) struct certs *c = demo_certs("no-cn.pem no-unit.pem");
	struct cert_info i;
	struct kd_err e = {0};
	(void)state;

	assert_true(cert_info(c, 0, &i, &e));
	assert_string_equal(i.subject_name, "Second Unit");
	assert_true(cert_info(c, 1, &i, &e));
	assert_string_equal(i.subject_name, "Some Org");
}

static void
usages_are_found_by_their_oid(void **state)
{
	AUTO(certs_free) struct certs *c = demo_certs("p256.pem no-eku.pem tls.pem");
	(void)state;

	assert_true(cert_has_eku(c, 0, "1.3.6.1.5.5.7.3.3"));
	assert_false(cert_has_eku(c, 0, "1.3.6.1.5.5.7.3.1"));
	assert_false(cert_has_eku(c, 1, "1.3.6.1.5.5.7.3.3"));
	assert_true(cert_has_eku(c, 2, "1.3.6.1.5.5.7.3.1"));
}

static void
public_key_is_what_openssl_extracts(void **state)
{
	AUTO(certs_free) struct certs *c = demo_certs("p256.pem rsa2048.pem");
	struct cert_info info;
	uint8_t digest[MD_LEN_MAX];
	struct kd_err e = {0};
	(void)state;

	for (size_t i = 0; i < 2; i++) {
		AUTO(buf_clear) struct buf spki = {0};
		char path[512];

		assert_true(cert_spki(c, i, &spki, &e));
		demo_write("spki", spki.p, spki.len, path);
		assert_int_equal(
		    demo_run("openssl pkey -in %s -pubout -outform DER | cmp - %s",
			DEMO(i == 0 ? "p256.key" : "rsa2048.key"), path),
		    0);
		assert_true(md_digest(MD_SHA256, spki.p, spki.len, digest, &e));
		assert_true(cert_info(c, i, &info, &e));
		assert_memory_equal(info.spki_sha256, digest, 32);
	}
}

static void
each_key_verifies_its_own_signature_only(void **state)
{
	static const char *const keys[] = {
	    "rsa2048", "rsa3072", "rsa4096", "p256", "p384"};
	static const enum md mds[] = {MD_SHA1, MD_SHA256, MD_SHA384, MD_SHA512};
	AUTO(certs_free)
	struct certs *c =
	    demo_certs("rsa2048.pem rsa3072.pem rsa4096.pem p256.pem p384.pem");
	(void)state;

	for (size_t k = 0; k < KD_ARRAY_LEN(keys); k++) {
		AUTO(cert_key_free) struct cert_key *key = NULL;
		struct kd_err e = {0};

		assert_true(cert_key_new(c, k, &key, &e));
		assert_int_equal(cert_key_is_rsa(key), k < 3);
		for (size_t m = 0; m < KD_ARRAY_LEN(mds); m++) {
			uint8_t digest[MD_LEN_MAX], sig[1024];
			size_t n;

			assert_true(md_digest(mds[m], keys[k], 4, digest, &e));
			demo_sign(keys[k], mds[m], digest, sig, &n);
			assert_true(cert_key_verify(key, mds[m], digest, sig, n, &e));
			sig[n / 2] ^= 1;
			assert_false(cert_key_verify(key, mds[m], digest, sig, n, &e));
			assert_int_equal(e.code, KD_E_BAD_SIGNATURE);
			sig[n / 2] ^= 1;
			e = (struct kd_err){0};
			digest[0] ^= 1;
			assert_false(cert_key_verify(key, mds[m], digest, sig, n, &e));
			assert_int_equal(e.code, KD_E_BAD_SIGNATURE);
			digest[0] ^= 1;
			e = (struct kd_err){0};
			assert_false(
			    cert_key_verify(key, mds[m], digest, sig, n - 1, &e));
			assert_int_equal(e.code, KD_E_BAD_SIGNATURE);
			e = (struct kd_err){0};
		}
	}
}

/* FIPS 180-4 examples: "abc". */
static void
digests_are_the_standards(void **state)
{
	static const struct {
		enum md md;
		const char *hex;
	} cases[] = {
	    {MD_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
	    {MD_SHA256,
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	    {MD_SHA384,
		"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072b"
		"a1e7cc2358baeca134c825a7"},
	    {MD_SHA512,
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a"
		"274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
	};
	uint8_t md[MD_LEN_MAX];
	char hex[2 * MD_LEN_MAX + 1];
	struct kd_err e = {0};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		assert_true(md_digest(cases[i].md, "abc", 3, md, &e));
		text_hex_to(hex, md, md_len(cases[i].md));
		assert_string_equal(hex, cases[i].hex);
	}
	assert_false(md_digest(MD_NONE, "abc", 3, md, &e));
	assert_int_equal(e.code, KD_E_CRYPTO);
}

/* Our own allocations fail one after the other: an error, no crash, no leak. */
static void
loading_without_memory_is_an_ordinary_error(void **state)
{
	bool done = false;
	(void)state;

	for (long nth = 0; !done; nth++) {
		AUTO(certs_free) struct certs *c = NULL;
		struct kd_err e = {0};

		kd_alloc_fail_at(nth);
		done = certs_new(&c, &e) && certs_load(c, DEMO("rsa2048.chain"), &e);
		kd_alloc_fail_at(-1);
		if (!done)
			assert_int_equal(e.code, KD_E_NOMEM);
		assert_true(nth < 100);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pem_with_several_and_der_are_loaded),
	    cmocka_unit_test(key_beside_the_certificate_is_passed_over),
	    cmocka_unit_test(file_without_certificate_says_so_and_adds_nothing),
	    cmocka_unit_test(damaged_second_certificate_takes_the_first_back),
	    cmocka_unit_test(absent_file_is_a_file_error),
	    cmocka_unit_test(certificate_with_bytes_after_it_is_refused),
	    cmocka_unit_test(description_says_what_policies_ask),
	    cmocka_unit_test(names_without_a_common_name_are_shown_by_their_unit),
	    cmocka_unit_test(usages_are_found_by_their_oid),
	    cmocka_unit_test(public_key_is_what_openssl_extracts),
	    cmocka_unit_test(each_key_verifies_its_own_signature_only),
	    cmocka_unit_test(digests_are_the_standards),
	    cmocka_unit_test(loading_without_memory_is_an_ordinary_error),
	};

	return cmocka_run_group_tests_name("cert", tests, NULL, NULL);
}
