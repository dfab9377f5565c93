/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/cms_test.c - SignedData: the bytes, judges that are not ours,
 * and damage. */
#include "authenticode/cms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authenticode/der.h"
#include "authenticode/spc.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "tests/unit/authenticode/demo_pki.h"

#define CONTENT_TYPE "301906092a864886f70d010903310c060a2b060104018237020104"
#define STATEMENT "301c060a2b06010401823702010b310e300c060a2b060104018237020115"
#define EMPTY_OPUS "3010060a2b06010401823702010c31023000"
/* SHA-256 of "", for a content SEQUENCE with nothing in it */
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define MESSAGE_DIGEST "302f06092a864886f70d01090431220420" EMPTY_SHA256

static const uint8_t empty_content[2] = {0x30, 0};
static const uint8_t image_digest[MD_LEN_MAX] = {1, 2, 3};

static void
signed_attributes_are_byte_exact_and_sorted(void **state)
{
	static const struct {
		const char *description, *url, *der;
	} cases[] = {
	    {NULL, NULL, "317c" EMPTY_OPUS CONTENT_TYPE STATEMENT MESSAGE_DIGEST},
	    {"", "", "317c" EMPTY_OPUS CONTENT_TYPE STATEMENT MESSAGE_DIGEST},
	    {"Ab", NULL,
		"318184"
		"3018060a2b06010401823702010c310a3008a006800400410062" CONTENT_TYPE
		    STATEMENT MESSAGE_DIGEST},
	    {NULL, "http://x.y/",
		"31818b" CONTENT_TYPE STATEMENT
		"301f060a2b06010401823702010c3111300fa10d800b687474703a2f2f782e792"
		"f" MESSAGE_DIGEST},
	    /* U+00E4, U+1F511 (a surrogate pair), and long enough to stand last */
	    {"\xc3\xa4\xf0\x9f\x94\x91", "https://example.org/a/b",
		"3181a1" CONTENT_TYPE STATEMENT MESSAGE_DIGEST
		"3035060a2b06010401823702010c31273025a0088006"
		"00e4d83ddd11"
		"a119801768747470733a2f2f6578616d706c652e6f72672f612f62"},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf attrs = {0};
		AUTO(buf_clear) struct buf hex = {0};
		struct kd_err e = {0};

		assert_true(cms_build_signed_attrs(MD_SHA256,
		    &(struct cms_signed){.content = empty_content,
			.content_len = 2,
			.description = cases[i].description,
			.url = cases[i].url},
		    &attrs, &e));
		text_hex(&hex, attrs.p, attrs.len);
		assert_string_equal(buf_cstr(&hex), cases[i].der);
	}
}

static void
bad_description_url_or_content_is_refused_by_name(void **state)
{
	static const struct {
		const char *content, *description, *url, *msg;
		enum kd_code code;
	} cases[] = {
	    {"\x30\x00", NULL, "http://x y",
		"url 'http://x y': byte 0x20 at 8, printable ASCII expected",
		KD_E_REQUEST},
	    {"\x30\x00", NULL, "http://\xc3\xa4",
		"url 'http://ä': byte 0xc3 at 7, printable ASCII expected", KD_E_REQUEST},
	    {"\x31\x00", NULL, NULL, "content at offset 0: tag 0x31, expected 0x30",
		KD_E_FORMAT},
	};
	AUTO(buf_clear) struct buf attrs = {0};
	struct kd_err e = {0};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		e = (struct kd_err){0};
		assert_false(cms_build_signed_attrs(MD_SHA256,
		    &(struct cms_signed){.content = (const uint8_t *)cases[i].content,
			.content_len = 2,
			.description = cases[i].description,
			.url = cases[i].url},
		    &attrs, &e));
		assert_int_equal(e.code, cases[i].code);
		assert_string_equal(e.msg, cases[i].msg);
		assert_int_equal(attrs.len, 0);
	}
	e = (struct kd_err){0};
	assert_false(cms_build_signed_attrs(MD_SHA256,
	    &(struct cms_signed){.content = empty_content,
		.content_len = 2,
		.description = "bad \xff"},
	    &attrs, &e));
	assert_true(strncmp(e.msg, "description: ", 13) == 0);
	assert_int_equal(attrs.len, 0);
}

/* openssl smime over the content's octets: signature, messageDigest and chain through
 * cross to root. */
static int
smime_verify(const struct buf *cms, const struct buf *content, const char *root)
{
	char cms_path[512], content_path[512];
	struct rd r = rd_init(content->p, content->len);
	struct kd_err e = {0};
	struct tlv seq;

	assert_true(der_next(&r, "content", &seq, &e));
	demo_write("cms.der", cms->p, cms->len, cms_path);
	demo_write("content", seq.body.p, seq.body.len, content_path);
	return demo_run("openssl smime -verify -inform DER -in %s -binary -content %s "
			"-CAfile %s -purpose any",
	    cms_path, content_path, DEMO(root));
}

static void
openssl_accepts_every_key_and_digest(void **state)
{
	static const char *const keys[] = {
	    "rsa2048", "rsa3072", "rsa4096", "p256", "p384"};
	static const enum md mds[] = {MD_SHA1, MD_SHA256, MD_SHA384, MD_SHA512};
	(void)state;

	for (size_t k = 0; k < KD_ARRAY_LEN(keys); k++) {
		for (size_t m = 0; m < KD_ARRAY_LEN(mds); m++) {
			AUTO(buf_clear) struct buf cms = {0};
			AUTO(buf_clear) struct buf content = {0};
			char chain[32];
			struct demo_signature how = {keys[k], chain, mds[m],
			    m % 2 == 0 ? "Träiber für Ω" : NULL,
			    k % 2 == 0 ? "https://example.org/" : NULL};

			(void)snprintf(chain, sizeof(chain), "%s.chain", keys[k]);
			demo_cms(&how, image_digest, &cms, &content);
			assert_int_equal(smime_verify(&cms, &content, "root.pem"), 0);
			assert_int_not_equal(
			    smime_verify(&cms, &content, "other.pem"), 0);
			content.p[content.len - 1] ^= 1;
			assert_int_not_equal(smime_verify(&cms, &content, "root.pem"), 0);
		}
	}
}

static void
demo_rsa(struct buf *cms)
{
	static const struct demo_signature how = {"rsa2048", "rsa2048.chain", MD_SHA256,
	    "Häppy driver", "https://example.org/"};

	demo_cms(&how, image_digest, cms, NULL);
}

static void
what_was_built_is_read_back(void **state)
{
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(cms_clear) struct cms c = {0};
	struct kd_err e = {0};
	struct spc spc;
	(void)state;

	demo_rsa(&cms);
	buf_zero(&cms, 7); /* padding of the certificate table */
	assert_true(cms_parse(cms.p, cms.len, &c, &e));
	assert_string_equal(c.content_type, "1.3.6.1.4.1.311.2.1.4");
	assert_string_equal(c.attr_content_type, c.content_type);
	assert_int_equal(c.md, MD_SHA256);
	assert_int_equal(c.outer_md, MD_SHA256);
	assert_int_equal(certs_n(c.certs), 3);
	assert_in_range(c.signer, 0, 2);
	assert_string_equal(c.signer_issuer, "CN=Code Signing CA");
	assert_string_equal(c.signer_serial, "6a");
	assert_string_equal(c.signature_algorithm, "1.2.840.113549.1.1.1");
	assert_string_equal(c.description, "Häppy driver");
	assert_string_equal(c.url, "https://example.org/");
	assert_int_equal(c.signing_time, 0);
	assert_int_equal(c.signature_len, 256);
	assert_false(c.timestamped);
	assert_int_equal(c.nested_n, 0);
	assert_int_equal(c.attrs[0], 0xa0);
	assert_true(spc_parse(c.content, c.content_len, &spc, &e));
	assert_memory_equal(spc.digest, image_digest, 32);
	assert_true(cms_check_message_digest(&c, &e));
	assert_true(cms_check_signature(&c, &e));
}

/* The certificates as they stand, and whether they are in DER's order. */
static size_t
sorted_set(const struct buf *cms, bool *ret_sorted)
{
	AUTO(cms_clear) struct cms c = {0};
	struct kd_err e = {0};
	size_t n, len, before_len = 0;
	const uint8_t *before = NULL;

	assert_true(cms_parse(cms->p, cms->len, &c, &e));
	n = certs_n(c.certs);
	*ret_sorted = true;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *der = certs_der(c.certs, i, &len);

		if (before != NULL &&
		    memcmp(before, der, before_len < len ? before_len : len) >= 0)
			*ret_sorted = false;
		before = der;
		before_len = len;
	}
	return n;
}

static void
self_signed_certificates_stay_out_unless_the_signer_is_one(void **state)
{
	static const struct {
		struct demo_signature how;
		size_t want;
	} cases[] = {
	    {{"rsa2048", "rsa2048.chain root.pem ca.pem", MD_SHA256, NULL, NULL}, 3},
	    {{"p256", "selfie.pem", MD_SHA256, NULL, NULL}, 1},
	    {{"p256", "selfie.pem inter.pem root.pem", MD_SHA256, NULL, NULL}, 3},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf cms = {0};
		bool sorted;

		demo_cms(&cases[i].how, image_digest, &cms, NULL);
		assert_int_equal(sorted_set(&cms, &sorted), cases[i].want);
		assert_true(sorted);
	}
}

static void
signer_made_once_gives_the_same_bytes(void **state)
{
	AUTO(certs_free) struct certs *certs = demo_certs("p384.chain");
	AUTO(cms_signer_free) struct cms_signer *signer = NULL;
	struct cms_signed what = {.content = empty_content, .content_len = 2};
	AUTO(buf_clear) struct buf attrs = {0};
	AUTO(buf_clear) struct buf once = {0};
	AUTO(buf_clear) struct buf each = {0};
	struct kd_err e = {0};
	(void)state;

	assert_true(cms_build_signed_attrs(MD_SHA384, &what, &attrs, &e));
	assert_true(cms_signer_new(certs, &signer, &e));
	assert_true(cms_signer_assemble(signer, MD_SHA384, &what, attrs.p, attrs.len,
	    image_digest, 9, &once, &e));
	assert_true(cms_assemble(MD_SHA384, &what, certs, attrs.p, attrs.len,
	    image_digest, 9, &each, &e));
	assert_int_equal(once.len, each.len);
	assert_memory_equal(once.p, each.p, each.len);
}

static void
signer_without_certificates_is_refused(void **state)
{
	AUTO(certs_free) struct certs *none = NULL;
	struct cms_signer *signer = NULL;
	struct kd_err e = {0};
	(void)state;

	assert_true(certs_new(&none, &e));
	assert_false(cms_signer_new(none, &signer, &e));
	assert_int_equal(e.code, KD_E_CERT_INVALID);
	assert_string_equal(e.msg, "no signer certificate given");
	assert_null(signer);
}

static void
merged_certificates_keep_signature_and_order(void **state)
{
	AUTO(certs_free)
	struct certs *more = demo_certs("cross.pem impostor.pem p384.pem inter.pem");
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(buf_clear) struct buf content = {0};
	AUTO(buf_clear) struct buf merged = {0};
	AUTO(buf_clear) struct buf again = {0};
	struct demo_signature how = {
	    "rsa2048", "rsa2048.pem inter.pem", MD_SHA256, NULL, NULL};
	struct kd_err e = {0};
	bool sorted;
	(void)state;

	demo_cms(&how, image_digest, &cms, &content);
	assert_int_not_equal(smime_verify(&cms, &content, "root.pem"), 0);
	assert_true(cms_add_certs(cms.p, cms.len, more, &merged, &e));
	assert_int_equal(sorted_set(&merged, &sorted), 5);
	assert_true(sorted);
	assert_int_equal(smime_verify(&merged, &content, "root.pem"), 0);
	assert_true(cms_add_certs(merged.p, merged.len, more, &again, &e));
	assert_int_equal(again.len, merged.len);
	assert_memory_equal(again.p, merged.p, merged.len);
}

/* The signature holds, for whoever has the other certificates from elsewhere. */
static void
all_certificates_but_the_signers_can_go(void **state)
{
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(buf_clear) struct buf content = {0};
	AUTO(buf_clear) struct buf lone = {0};
	AUTO(buf_clear) struct buf same = {0};
	AUTO(cms_clear) struct cms c = {0};
	struct demo_signature how = {
	    "rsa2048", "rsa2048.pem inter.pem cross.pem", MD_SHA256, NULL, NULL};
	struct kd_err e = {0};
	(void)state;

	demo_cms(&how, image_digest, &cms, &content);
	assert_true(cms_keep_signer(cms.p, cms.len, &lone, &e));
	assert_true(cms_parse(lone.p, lone.len, &c, &e));
	assert_int_equal(certs_n(c.certs), 1);
	assert_int_equal(c.signer, 0);
	assert_true(cms_check_signature(&c, &e));
	assert_int_not_equal(smime_verify(&lone, &content, "root.pem"), 0);
	assert_true(cms_keep_signer(lone.p, lone.len, &same, &e));
	assert_int_equal(same.len, lone.len);
	assert_memory_equal(same.p, lone.p, same.len);
}

static void
a_signer_that_is_not_there_cannot_be_kept(void **state)
{
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(buf_clear) struct buf out = {0};
	struct kd_err e = {0};
	size_t at = 0;
	(void)state;

	demo_rsa(&cms);
	for (size_t i = 0; i + 3 < cms.len; i++) /* the last one is the SignerInfo's */
		if (memcmp(&cms.p[i], "\x02\x01\x6a", 3) == 0)
			at = i;
	cms.p[at + 2] = 0x6f;
	assert_false(cms_keep_signer(cms.p, cms.len, &out, &e));
	assert_int_equal(e.code, KD_E_FORMAT);
	assert_int_equal(out.len, 0);
}

/* A ContentInfo that never had certificates, and one with too many. */
static void
merging_into_nothing_and_over_the_limit(void **state)
{
	AUTO(certs_free) struct certs *leaf = demo_certs("rsa2048.pem"), *more = NULL;
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(buf_clear) struct buf der = {0};
	AUTO(buf_clear) struct buf out = {0};
	struct kd_err e = {0};
	size_t n, serial;
	const uint8_t *p;
	(void)state;

	demo_rsa(&cms);
	assert_true(certs_new(&more, &e));
	assert_true(cms_add_certs(cms.p, cms.len, more, &out, &e));
	assert_memory_equal(out.p, cms.p, cms.len);
	buf_reset(&out);
	p = certs_der(leaf, 0, &n);
	buf_add(&der, p, n);
	for (serial = 0; serial < n && memcmp(&p[serial], "\x02\x01\x6a", 3) != 0;
	     serial++)
		;
	assert_true(serial < n);
	for (unsigned i = 0; i < 62; i++) { /* 62 others of the same name */
		der.p[serial + 2] = (uint8_t)i;
		assert_true(certs_add_der(more, der.p, der.len, &e));
	}
	assert_false(cms_add_certs(cms.p, cms.len, more, &out, &e));
	assert_int_equal(e.code, KD_E_LIMIT);
	assert_string_equal(e.msg, "more than 64 certificates in the signature");
	assert_int_equal(out.len, 0);
}

static void
truncated_at_every_length_is_refused(void **state)
{
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(certs_free) struct certs *more = demo_certs("cross.pem");
	(void)state;

	demo_rsa(&cms);
	for (size_t k = 0; k < cms.len; k++) {
		AUTO(buf_clear) struct buf out = {0};
		AUTO(free) uint8_t *exact = malloc(k == 0 ? 1 : k);
		struct cms c = {0};
		struct kd_err e = {0};

		assert_non_null(exact);
		memcpy(exact, cms.p, k);
		assert_false(cms_parse(exact, k, &c, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_true(e.msg[0] != '\0');
		assert_null(c.certs);
		assert_false(cms_add_certs(exact, k, more, &out, &e));
		assert_int_equal(out.len, 0);
	}
}

/* May a flipped bit at byte i pass? Only in the certificate, whose own signature is the
 * chain's business, and at the end of the signature algorithm: rsaEncryption may become
 * sha1WithRSAEncryption (digestAlgorithm decides), and its NULL has no meaning. */
static bool
bit_may_pass(const struct buf *cms, size_t i, size_t cert, size_t cert_len)
{
	size_t signature = cms->len - 256 - 4;

	return (i >= cert && i < cert + cert_len) ||
	       (i >= signature - 3 && i < signature);
}

static bool
all_checks(const struct buf *cms, struct kd_err *e)
{
	AUTO(cms_clear) struct cms c = {0};
	struct spc spc;

	return cms_parse(cms->p, cms->len, &c, e) &&
	       spc_parse(c.content, c.content_len, &spc, e) &&
	       cms_check_message_digest(&c, e) && cms_check_signature(&c, e) &&
	       (c.md == c.outer_md ||
		   kd_fail(e, KD_E_NOT_VERIFIED, "digest algorithms differ"));
}

static void
every_flipped_bit_is_found(void **state)
{
	static const struct demo_signature how = {
	    "rsa2048", "rsa2048.pem", MD_SHA256, "d", NULL};
	AUTO(certs_free) struct certs *leaf = demo_certs("rsa2048.pem");
	AUTO(buf_clear) struct buf cms = {0};
	size_t n, cert = 0;
	const uint8_t *der = certs_der(leaf, 0, &n);
	(void)state;

	demo_cms(&how, image_digest, &cms, NULL);
	while (memcmp(&cms.p[cert], der, n) != 0)
		cert++;
	for (size_t i = 0; i < 8 * cms.len; i++) {
		struct kd_err e = {0};

		cms.p[i / 8] ^= (uint8_t)(1 << (i % 8));
		if (!all_checks(&cms, &e))
			assert_true(e.msg[0] != '\0');
		else if (!bit_may_pass(&cms, i / 8, cert, n))
			fail_msg(
			    "bit %zu of byte %zu may be flipped unseen", i % 8, i / 8);
		cms.p[i / 8] ^= (uint8_t)(1 << (i % 8));
	}
}

static void
wrong_signers_are_named(void **state)
{
	static const struct {
		struct demo_signature how;
		const char *msg;
	} cases[] = {
	    {{"p256", "rsa2048.pem", MD_SHA256, NULL, NULL},
		"signature does not verify with the certificate's key"},
	    {{"rsa3072", "p256.pem", MD_SHA256, NULL, NULL},
		"signature does not verify with the certificate's key"},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf cms = {0};
		AUTO(cms_clear) struct cms c = {0};
		struct kd_err e = {0};

		demo_cms(&cases[i].how, image_digest, &cms, NULL);
		assert_true(cms_parse(cms.p, cms.len, &c, &e));
		assert_false(cms_check_signature(&c, &e));
		assert_int_equal(e.code, KD_E_NOT_VERIFIED);
		assert_true(strncmp(e.msg, cases[i].msg, strlen(cases[i].msg)) == 0);
	}
}

static void
absent_signer_certificate_is_said(void **state)
{
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(cms_clear) struct cms c = {0};
	struct kd_err e = {0};
	(void)state;

	demo_rsa(&cms);
	assert_true(cms_parse(cms.p, cms.len, &c, &e));
	c.signer = SIZE_MAX;
	assert_false(cms_check_signature(&c, &e));
	assert_string_equal(
	    e.msg, "the signer's certificate, serial 6a, is not among the embedded ones");
}

static bool
build_and_assemble(const struct buf *content, const struct certs *certs,
    struct buf *attrs, struct buf *cms, struct kd_err *e)
{
	struct cms_signed what = {.content = content->p,
	    .content_len = content->len,
	    .description = "name",
	    .url = "http://x/",
	    .sequence = 1};

	return cms_build_signed_attrs(MD_SHA256, &what, attrs, e) &&
	       cms_assemble(MD_SHA256, &what, certs, attrs->p, attrs->len, image_digest,
		   32, cms, e);
}

static void
building_without_memory_is_an_ordinary_error(void **state)
{
	AUTO(certs_free) struct certs *certs = demo_certs("rsa2048.chain");
	bool done = false;
	(void)state;

	for (long nth = 0; !done; nth++) {
		AUTO(buf_clear) struct buf content = {0};
		AUTO(buf_clear) struct buf attrs = {0};
		AUTO(buf_clear) struct buf cms = {0};
		AUTO(buf_clear) struct buf merged = {0};
		AUTO(cms_clear) struct cms c = {0};
		struct kd_err e = {0};

		kd_alloc_fail_at(nth);
		done =
		    spc_build_pe(MD_SHA256, image_digest, NULL, 0, &content, &e) &&
		    build_and_assemble(&content, certs, &attrs, &cms, &e) &&
		    cms_add_certs(cms.p, cms.len, certs, &merged, &e) &&
		    cms_parse(merged.p, merged.len, &c, &e);
		kd_alloc_fail_at(-1);
		if (!done)
			assert_int_equal(e.code, KD_E_NOMEM);
		assert_true(nth < 200);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(signed_attributes_are_byte_exact_and_sorted),
	    cmocka_unit_test(bad_description_url_or_content_is_refused_by_name),
	    cmocka_unit_test(openssl_accepts_every_key_and_digest),
	    cmocka_unit_test(what_was_built_is_read_back),
	    cmocka_unit_test(self_signed_certificates_stay_out_unless_the_signer_is_one),
	    cmocka_unit_test(signer_made_once_gives_the_same_bytes),
	    cmocka_unit_test(signer_without_certificates_is_refused),
	    cmocka_unit_test(merged_certificates_keep_signature_and_order),
	    cmocka_unit_test(all_certificates_but_the_signers_can_go),
	    cmocka_unit_test(a_signer_that_is_not_there_cannot_be_kept),
	    cmocka_unit_test(merging_into_nothing_and_over_the_limit),
	    cmocka_unit_test(truncated_at_every_length_is_refused),
	    cmocka_unit_test(every_flipped_bit_is_found),
	    cmocka_unit_test(wrong_signers_are_named),
	    cmocka_unit_test(absent_signer_certificate_is_said),
	    cmocka_unit_test(building_without_memory_is_an_ordinary_error),
	};

	return cmocka_run_group_tests_name("cms", tests, NULL, NULL);
}
