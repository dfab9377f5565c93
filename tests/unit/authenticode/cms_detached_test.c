/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/cms_detached_test.c - a signature without signed attributes, as
 * Linux's modules have them: the bytes, judges that are not ours, and who must refuse it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authenticode/cms.h"
#include "authenticode/cms_edit.h"
#include "authenticode/cms_outer.h"
#include "base/file.h"
#include "base/num.h"
#include "tests/unit/authenticode/demo_pki.h"

#define SIGN_FILE "/usr/lib/linux-kbuild-*/scripts/sign-file"
#define TRAILER 40 /* struct module_signature and the magic, which sign-file appends */

static const uint8_t module[] = "what stands for a module";
static const struct cms_signed detached = {.type = CMS_DETACHED};

/* The certificates as text, and the module's digest. */
static void
make(const char *key, const char *certs, enum md md, struct buf *ret, uint8_t *digest)
{
	AUTO(certs_free) struct certs *chain = demo_certs(certs);
	uint8_t sig[1024];
	struct kd_err e = {0};
	size_t len;

	assert_true(md_digest(md, module, sizeof(module), digest, &e));
	demo_sign(key, md, digest, sig, &len);
	assert_true(cms_assemble(md, &detached, chain, NULL, 0, sig, len, ret, &e));
}

/* RSA's PKCS #1 v1.5 has no randomness in it: equal input, equal file. */
static void
sign_file_writes_the_same_bytes(void **state)
{
	static const enum md mds[] = {MD_SHA1, MD_SHA256, MD_SHA384, MD_SHA512};
	char path[512];
	(void)state;

	if (demo_run("ls " SIGN_FILE) != 0) {
		print_message("# skipped: linux-kbuild-6.1 (sign-file) is not here\n");
		return;
	}
	demo_write("module", module, sizeof(module), path);
	for (size_t i = 0; i < KD_ARRAY_LEN(mds); i++) {
		AUTO(buf_clear) struct buf cms = {0};
		AUTO(buf_clear) struct buf theirs = {0};
		uint8_t digest[MD_LEN_MAX];
		struct kd_err e = {0};
		char signed_path[600];

		(void)snprintf(signed_path, sizeof(signed_path), "%s.signed", path);
		make("rsa3072", "rsa3072.chain", mds[i], &cms, digest);
		assert_int_equal(demo_run(SIGN_FILE " %s %s %s %s %s", md_name(mds[i]),
				     DEMO("rsa3072.key"), DEMO("rsa3072.pem"), path,
				     signed_path),
		    0);
		assert_true(file_read_all(signed_path, 1 << 20, &theirs, &e));
		assert_int_equal(theirs.len, sizeof(module) + cms.len + TRAILER);
		assert_memory_equal(&theirs.p[sizeof(module)], cms.p, cms.len);
	}
}

/* CMS version 3: the signer's key is named, not its certificate. */
static void
sign_file_s_other_forms_are_read(void **state)
{
	static const char *const forms[] = {"-k sha256", "sha256"};
	char path[512], signed_path[600], cert[600];
	(void)state;

	if (demo_run("ls " SIGN_FILE) != 0) {
		print_message("# skipped: linux-kbuild-6.1 (sign-file) is not here\n");
		return;
	}
	demo_write("module", module, sizeof(module), path);
	(void)snprintf(signed_path, sizeof(signed_path), "%s.signed", path);
	(void)snprintf(cert, sizeof(cert), "%s.pem", path);
	assert_int_equal(demo_run("openssl req -x509 -key %s -subj /CN=Modules -out %s",
			     DEMO("p384.key"), cert),
	    0);
	for (size_t i = 0; i < KD_ARRAY_LEN(forms); i++) {
		AUTO(certs_free) struct certs *certs = NULL;
		AUTO(buf_clear) struct buf theirs = {0};
		AUTO(cms_clear) struct cms c = {0};
		uint8_t digest[MD_LEN_MAX];
		struct kd_err e = {0};

		assert_int_equal(demo_run(SIGN_FILE " %s %s %s %s %s", forms[i],
				     DEMO("p384.key"), cert, path, signed_path),
		    0);
		assert_true(file_read_all(signed_path, 1 << 20, &theirs, &e));
		assert_true(certs_new(&certs, &e) && certs_load(certs, cert, &e));
		assert_true(cms_parse(&theirs.p[sizeof(module)],
		    theirs.len - sizeof(module), &c, &e));
		assert_int_equal(cms_find_signer(&c, certs), 0);
		assert_true(md_digest(c.md, module, sizeof(module), digest, &e));
		assert_true(cms_check_signature_digest(&c, digest, certs, &e));
	}
}

static void
openssl_accepts_every_key_and_digest(void **state)
{
	static const char *const keys[] = {
	    "rsa2048", "rsa3072", "rsa4096", "p256", "p384"};
	static const enum md mds[] = {MD_SHA1, MD_SHA256, MD_SHA384, MD_SHA512};
	char path[512], cms_path[512], cert[32];
	(void)state;

	demo_write("module", module, sizeof(module), path);
	for (size_t k = 0; k < KD_ARRAY_LEN(keys); k++) {
		(void)snprintf(cert, sizeof(cert), "%s.pem", keys[k]);
		for (size_t m = 0; m < KD_ARRAY_LEN(mds); m++) {
			AUTO(buf_clear) struct buf cms = {0};
			uint8_t digest[MD_LEN_MAX];

			make(keys[k], cert, mds[m], &cms, digest);
			demo_write("cms.der", cms.p, cms.len, cms_path);
			assert_int_equal(
			    demo_run("openssl cms -verify -binary -inform DER -in %s "
				     "-content %s -certfile %s -nointern -noverify",
				cms_path, path, DEMO(cert)),
			    0);
			assert_int_not_equal(
			    demo_run("openssl cms -verify -binary -inform DER -in %s "
				     "-content %s -certfile %s -nointern -noverify",
				cms_path, cms_path, DEMO(cert)),
			    0);
		}
	}
}

static void
what_was_built_is_read_back_and_holds_for_its_digest_alone(void **state)
{
	AUTO(certs_free) struct certs *right = demo_certs("inter.pem p256.pem");
	AUTO(certs_free) struct certs *wrong = demo_certs("p384.pem");
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(cms_clear) struct cms c = {0};
	uint8_t digest[MD_LEN_MAX];
	struct kd_err e = {0};
	(void)state;

	make("p256", "p256.chain", MD_SHA256, &cms, digest);
	assert_true(cms_parse(cms.p, cms.len, &c, &e));
	assert_string_equal(c.content_type, CMS_TYPE_DATA);
	assert_null(c.content);
	assert_null(c.attrs);
	assert_string_equal(c.attr_content_type, "");
	assert_int_equal(c.message_digest_len, 0);
	assert_int_equal(certs_n(c.certs), 0);
	assert_int_equal(c.signer, SIZE_MAX);
	assert_string_equal(c.signer_issuer, "CN=Code Signing CA");
	assert_string_equal(c.signature_algorithm, "1.2.840.10045.4.3.2");
	assert_int_equal(cms_find_signer(&c, right), 1);
	assert_int_equal(cms_find_signer(&c, wrong), SIZE_MAX);
	assert_true(cms_check_signature_digest(&c, digest, right, &e));
	assert_false(cms_check_signature_digest(&c, digest, wrong, &e));
	assert_int_equal(e.code, KD_E_NOT_VERIFIED);
	assert_string_equal(e.msg,
	    "the signer's certificate, serial 6d, is neither embedded nor given");
	e = (struct kd_err){0};
	assert_false(cms_check_signature_digest(&c, digest, NULL, &e));
	assert_int_equal(e.code, KD_E_NOT_VERIFIED);
	e = (struct kd_err){0};
	digest[31] ^= 1;
	assert_false(cms_check_signature_digest(&c, digest, right, &e));
	assert_int_equal(e.code, KD_E_NOT_VERIFIED);
}

static void
embedded_signer_is_found(void **state)
{
	AUTO(certs_free) struct certs *signer = demo_certs("rsa2048.pem");
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(buf_clear) struct buf more = {0};
	AUTO(cms_clear) struct cms c = {0};
	uint8_t digest[MD_LEN_MAX];
	struct kd_err e = {0};
	(void)state;

	make("rsa2048", "rsa2048.pem", MD_SHA512, &cms, digest);
	assert_true(cms_add_certs(cms.p, cms.len, signer, &more, &e));
	assert_true(cms_parse(more.p, more.len, &c, &e));
	assert_int_equal(c.signer, 0);
	assert_true(cms_check_signature_digest(&c, digest, NULL, &e));
}

/* Whoever asks for attributes must not take their absence for consent. */
static void
no_other_check_takes_it(void **state)
{
	AUTO(certs_free) struct certs *signer = demo_certs("rsa2048.pem");
	static const uint8_t stamp[] = {0x30, 0};
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(buf_clear) struct buf out = {0};
	AUTO(buf_clear) struct buf more = {0};
	AUTO(cms_clear) struct cms c = {0};
	uint8_t digest[MD_LEN_MAX];
	struct kd_err e[5] = {{0}};
	(void)state;

	make("rsa2048", "rsa2048.pem", MD_SHA256, &cms, digest);
	assert_true(cms_add_certs(cms.p, cms.len, signer, &more, &e[0]));
	assert_true(cms_parse(more.p, more.len, &c, &e[0]));
	assert_false(cms_check_message_digest(&c, &e[0]));
	assert_int_equal(e[0].code, KD_E_NOT_VERIFIED);
	assert_false(
	    cms_check_message_digest_of(&c, module, sizeof(module), &e[1]));
	assert_string_equal(
	    e[1].msg, "the signature has no signed attributes that name a digest");
	assert_false(cms_check_signature(&c, &e[2]));
	assert_string_equal(e[2].msg,
	    "the signature has no signed attributes, and is over a whole file");
	assert_false(cms_check_countersignature(&c, &e[3]));
	assert_int_equal(e[3].code, KD_E_NOT_VERIFIED);
	assert_false(cms_set_timestamp(
	    more.p, more.len, TSP_LEGACY, stamp, sizeof(stamp), NULL, &out, &e[4]));
	assert_string_equal(
	    e[4].msg, "SignerInfo has no signed attributes, and needs them");
}

static void
signature_over_attributes_is_none_over_a_file(void **state)
{
	static const struct demo_signature how = {
	    "rsa2048", "rsa2048.chain", MD_SHA256, NULL, NULL};
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(cms_clear) struct cms c = {0};
	uint8_t digest[MD_LEN_MAX] = {1};
	struct kd_err e = {0};
	(void)state;

	demo_cms(&how, digest, &cms, NULL);
	assert_true(cms_parse(cms.p, cms.len, &c, &e));
	assert_true(md_digest(MD_SHA256, c.attrs, c.attrs_len, digest, &e));
	assert_false(cms_check_signature_digest(&c, digest, NULL, &e));
	assert_string_equal(e.msg, "the signature has signed attributes, and is not over the "
				   "file itself");
}

/* Real content and no attributes: PKCS #7 allows it, no file of Windows has it. Made of a
 * good signature, whose attributes are cut out. */
static void
content_without_attributes_is_refused(void **state)
{
	static const struct demo_signature how = {
	    "rsa2048", "rsa2048.chain", MD_SHA256, NULL, NULL};
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(buf_clear) struct buf info = {0};
	AUTO(buf_clear) struct buf bald = {0};
	uint8_t digest[MD_LEN_MAX] = {1};
	struct cms_signer_info s;
	struct kd_err e = {0};
	struct cms_outer o;
	struct tlv signer;
	struct cms c = {0};
	size_t set, seq;
	(void)state;

	demo_cms(&how, digest, &cms, NULL);
	assert_true(cms_outer_parse(cms.p, cms.len, &o, &e) &&
		    der_next(&o.signer_infos.body, "SignerInfo", &signer, &e) &&
		    cms_signer_info_parse(signer.body, &s, &e));
	set = der_begin(&info, DER_SET);
	seq = der_begin(&info, DER_SEQUENCE);
	buf_add(&info, s.version.p, s.version.len);
	buf_add(&info, s.sid.p, s.sid.len);
	buf_add(&info, s.digest_algorithm.p, s.digest_algorithm.len);
	buf_add(&info, s.signature_algorithm.p, s.signature_algorithm.len);
	buf_add(&info, s.signature.p, s.signature.len);
	der_end(&info, seq);
	der_end(&info, set);
	o.signer_infos.p = info.p;
	o.signer_infos.len = info.len;
	assert_true(cms_outer_put(&o, NULL, &bald, &e));
	assert_false(cms_parse(bald.p, bald.len, &c, &e));
	assert_int_equal(e.code, KD_E_FORMAT);
	assert_string_equal(e.msg, "SignerInfo has no signed attributes, and needs them");
}

static void
attributes_are_neither_built_nor_taken(void **state)
{
	AUTO(certs_free) struct certs *certs = demo_certs("rsa2048.pem");
	static const uint8_t attrs[] = {0x31, 0};
	AUTO(buf_clear) struct buf out = {0};
	struct kd_err build = {0}, assemble = {0};
	(void)state;

	assert_false(cms_build_signed_attrs(MD_SHA256, &detached, &out, &build));
	assert_int_equal(build.code, KD_E_BUG);
	assert_false(cms_assemble(MD_SHA256, &detached, certs, attrs, sizeof(attrs), attrs,
	    sizeof(attrs), &out, &assemble));
	assert_int_equal(assemble.code, KD_E_BUG);
	assert_int_equal(out.len, 0);
}

/* No bit of what is written may change and the signature still hold; but rsaEncryption
 * may become sha1WithRSAEncryption (digestAlgorithm decides), and its NULL may go. */
static void
any_flipped_bit_is_noticed(void **state)
{
	AUTO(certs_free) struct certs *certs = demo_certs("rsa2048.pem");
	AUTO(buf_clear) struct buf cms = {0};
	uint8_t digest[MD_LEN_MAX];
	unsigned passed = 0;
	(void)state;

	make("rsa2048", "rsa2048.pem", MD_SHA256, &cms, digest);
	for (size_t i = 0; i < 8 * cms.len; i++) {
		AUTO(cms_clear) struct cms c = {0};
		struct kd_err e = {0};

		cms.p[i / 8] ^= (uint8_t)(1 << i % 8);
		if (cms_parse(cms.p, cms.len, &c, &e) && c.outer_md == c.md &&
		    cms_check_signature_digest(&c, digest, certs, &e))
			passed++;
		cms.p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_in_range(passed, 0, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sign_file_writes_the_same_bytes),
	    cmocka_unit_test(sign_file_s_other_forms_are_read),
	    cmocka_unit_test(openssl_accepts_every_key_and_digest),
	    cmocka_unit_test(what_was_built_is_read_back_and_holds_for_its_digest_alone),
	    cmocka_unit_test(embedded_signer_is_found),
	    cmocka_unit_test(no_other_check_takes_it),
	    cmocka_unit_test(signature_over_attributes_is_none_over_a_file),
	    cmocka_unit_test(content_without_attributes_is_refused),
	    cmocka_unit_test(attributes_are_neither_built_nor_taken),
	    cmocka_unit_test(any_flipped_bit_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
