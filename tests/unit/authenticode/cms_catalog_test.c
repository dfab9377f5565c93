/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/cms_catalog_test.c - signatures over a CTL, in a catalog's
 * primary signature and nested in it. */
#include "authenticode/cms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"
#include "base/text.h"
#include "tests/unit/authenticode/demo_pki.h"

#define STATEMENT "301c060a2b06010401823702010b310e300c060a2b060104018237020115"
#define EMPTY_OPUS "3010060a2b06010401823702010c31023000"
#define SPC_TYPE "301906092a864886f70d010903310c060a2b060104018237020104"
#define SEQUENCE_7 "3011060a2a864886f70d010919043103020107"
#define CTL_TYPE "301806092a864886f70d010903310b06092b0601040182370a01"
#define DATA_TYPE "301806092a864886f70d010903310b06092a864886f70d010701"
/* SHA-256 of no byte, which is what is in the SEQUENCE; and of the SEQUENCE */
#define MESSAGE_DIGEST                                                                   \
	"302f06092a864886f70d01090431220420"                                             \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define WHOLE_DIGEST                                                                     \
	"302f06092a864886f70d01090431220420"                                             \
	"e4f60d0aa6d7f3d3b6a6494b1c861b99f649c6f9ec51abaf201b20f297327c95"

static const uint8_t empty_content[2] = {0x30, 0};

static void
type_and_sequence_stand_in_the_attributes(void **state)
{
	static const struct {
		enum cms_content_type type;
		unsigned sequence;
		const char *der;
	} cases[] = {
	    {CMS_SPC, 7,
		"31818f" EMPTY_OPUS SEQUENCE_7 SPC_TYPE STATEMENT MESSAGE_DIGEST},
	    {CMS_CTL, 0, "317b" EMPTY_OPUS CTL_TYPE STATEMENT MESSAGE_DIGEST},
	    {CMS_CTL_AWAY, 7,
		"31818e" EMPTY_OPUS SEQUENCE_7 DATA_TYPE STATEMENT WHOLE_DIGEST},
	};
	AUTO(buf_clear) struct buf none = {0};
	struct cms_signed what = {.content = empty_content, .content_len = 2};
	struct kd_err e = {0};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf attrs = {0};
		AUTO(buf_clear) struct buf hex = {0};

		what.type = cases[i].type;
		what.sequence = cases[i].sequence;
		assert_true(cms_build_signed_attrs(MD_SHA256, &what, &attrs, &e));
		text_hex(&hex, attrs.p, attrs.len);
		assert_string_equal(buf_cstr(&hex), cases[i].der);
	}
	what.sequence = CMS_SEQUENCE_MAX + 1;
	assert_false(cms_build_signed_attrs(MD_SHA256, &what, &none, &e));
	assert_int_equal(e.code, KD_E_BUG);
	assert_int_equal(none.len, 0);
}

/* A CTL, as far as OpenSSL cares. */
static const uint8_t ctl[] = {0x30, 0x06, 0x04, 0x04, 'c', 't', 'l', '!'};

/* The judge over the CTL's bytes from at on, and over others. */
static void
check_judge(const char *judge, const struct buf *cms, size_t at)
{
	uint8_t other[sizeof(ctl)];
	char path[512], right[512], wrong[512];

	memcpy(other, ctl, sizeof(ctl));
	other[sizeof(other) - 1] ^= 1;
	demo_write("signature", cms->p, cms->len, path);
	demo_write("ctl", &ctl[at], sizeof(ctl) - at, right);
	demo_write("other", &other[at], sizeof(ctl) - at, wrong);
	for (size_t i = 0; i < 2; i++) {
		int status = demo_run("openssl %s -verify -inform DER -in %s -binary "
				      "-content %s -CAfile %s -purpose any",
		    judge, path, i == 0 ? right : wrong, DEMO("root.pem"));

		assert_int_equal(status == 0, i == 0);
	}
}

static void
openssl_accepts_a_signed_ctl(void **state)
{
	static const struct demo_signature how = {
	    .key = "rsa2048", .certs = "rsa2048.chain", .md = MD_SHA256};
	static const struct cms_signed what = {
	    .type = CMS_CTL, .content = ctl, .content_len = sizeof(ctl)};
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(cms_clear) struct cms c = {0};
	struct kd_err e = {0};
	(void)state;

	demo_cms_over(&how, &what, &cms);
	check_judge("smime", &cms, 2); /* the content's octets */
	assert_true(cms_parse(cms.p, cms.len, &c, &e));
	assert_string_equal(c.content_type, "1.3.6.1.4.1.311.10.1");
	assert_int_equal(c.content_len, sizeof(ctl));
	assert_memory_equal(c.content, ctl, sizeof(ctl));
	assert_int_equal(c.sequence, 0);
	assert_true(cms_check_message_digest(&c, &e) && cms_check_signature(&c, &e));
}

/* Without content and of type data: what CMS calls a detached signature. */
static void
openssl_accepts_a_nested_signature(void **state)
{
	static const struct demo_signature how = {
	    .key = "p256", .certs = "p256.chain", .md = MD_SHA256};
	static const struct cms_signed what = {.type = CMS_CTL_AWAY,
	    .content = ctl,
	    .content_len = sizeof(ctl),
	    .sequence = 1};
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(cms_clear) struct cms c = {0};
	struct kd_err e = {0};
	(void)state;

	demo_cms_over(&how, &what, &cms);
	check_judge("cms", &cms, 0);
	assert_true(cms_parse(cms.p, cms.len, &c, &e));
	assert_string_equal(c.content_type, "1.2.840.113549.1.7.1");
	assert_null(c.content);
	assert_int_equal(c.sequence, 1);
	assert_true(cms_check_message_digest_of(&c, ctl, sizeof(ctl), &e) &&
		    cms_check_signature(&c, &e));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(type_and_sequence_stand_in_the_attributes),
	    cmocka_unit_test(openssl_accepts_a_signed_ctl),
	    cmocka_unit_test(openssl_accepts_a_nested_signature),
	};

	return cmocka_run_group_tests_name("cms_catalog", tests, NULL, NULL);
}
