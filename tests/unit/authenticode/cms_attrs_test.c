/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/cms_attrs_test.c - attributes that other tools write, and what
 * is wrong with some. */
#include "authenticode/cms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authenticode/der.h"
#include "authenticode/oid.h"
#include "base/num.h"
#include "base/text.h"

#define CONTENT_TYPE "301906092a864886f70d010903310c060a2b060104018237020104"
#define MESSAGE_DIGEST                                                                   \
	"302f06092a864886f70d0109043122042001020304050607080102030405060708010203040506" \
	"07"                                                                             \
	"080102030405060708"
#define BOTH CONTENT_TYPE MESSAGE_DIGEST
#define OPUS "060a2b06010401823702010c" /* SpcSpOpusInfo's OID */

static void
put_hex(struct buf *b, const char *hex)
{
	struct kd_err e = {0};
	size_t n = strlen(hex) / 2;
	uint8_t *to;

	if (n == 0)
		return;
	to = buf_reserve(b, n);
	assert_non_null(to);
	assert_true(text_unhex(hex, to, n, &e));
}

/* A ContentInfo with that many bytes of certificates, none of them one; the SignerInfo's
 * attributes given in hex. */
static void
make_with_certs(
    struct buf *b, size_t certs_len, const char *attrs, const char *unsigned_attrs)
{
	size_t info = der_begin(b, DER_SEQUENCE), explicit, data, set, signer, m;

	oid_put(b, &oid_signed_data);
	explicit = der_begin(b, DER_C0);
	data = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_INTEGER, "\1", 1);
	m = der_begin(b, DER_SET);
	oid_put_md(b, MD_SHA256);
	der_end(b, m);
	put_hex(b, "3010060a2b060104018237020104a0023000"); /* empty content */
	if (certs_len > 0) {
		der_put_head(b, DER_C0, certs_len);
		buf_zero(b, certs_len);
	}
	set = der_begin(b, DER_SET);
	signer = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_INTEGER, "\1", 1);
	put_hex(b, "30053000020105"); /* no name, serial 5 */
	oid_put_md(b, MD_SHA256);
	m = der_begin(b, DER_C0);
	put_hex(b, attrs);
	der_end(b, m);
	put_hex(b, "300d06092a864886f70d0101010500"); /* rsaEncryption */
	der_put(b, DER_OCTET_STRING, "sig", 3);
	if (unsigned_attrs != NULL) {
		m = der_begin(b, DER_C1);
		put_hex(b, unsigned_attrs);
		der_end(b, m);
	}
	der_end(b, signer);
	der_end(b, set);
	der_end(b, data);
	der_end(b, explicit);
	der_end(b, info);
}

static void
make(struct buf *b, const char *attrs, const char *unsigned_attrs)
{
	make_with_certs(b, 0, attrs, unsigned_attrs);
}

static void
program_names_and_links_of_all_kinds_are_shown(void **state)
{
	static const struct {
		const char *opus, *description, *url;
	} cases[] = {
	    {"3010" OPUS "31023000", NULL, NULL},
	    /* ascii, as osslsigncode writes it; a control character is made visible */
	    {"301a" OPUS "310c300aa0088106414207434445", "AB\\x07CDE", NULL},
	    /* unicode with half a surrogate pair */
	    {"3016" OPUS "31083006a0048002d83d", "(not UTF-16)", NULL},
	    {"3015" OPUS "31073005a103800161", NULL, "a"},
	    /* file link: unicode in an explicit tag */
	    {"3018" OPUS "310a3008a106a20480020062", NULL, "b"},
	    /* moniker: no text */
	    {"301a" OPUS "310c300aa108a10604000402ffff", NULL, NULL},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf b = {0};
		AUTO(cms_clear) struct cms c = {0};
		struct kd_err e = {0};
		char attrs[512];

		(void)snprintf(attrs, sizeof(attrs), "%s%s", BOTH, cases[i].opus);
		make(&b, attrs, NULL);
		if (!cms_parse(b.p, b.len, &c, &e))
			fail_msg("case %zu: %s", i, e.msg);
		if (cases[i].description == NULL)
			assert_null(c.description);
		else
			assert_string_equal(c.description, cases[i].description);
		if (cases[i].url == NULL)
			assert_null(c.url);
		else
			assert_string_equal(c.url, cases[i].url);
		assert_int_equal(c.signer, SIZE_MAX);
		assert_string_equal(c.signer_serial, "05");
	}
}

static void
signing_time_of_both_kinds_is_read(void **state)
{
	static const struct {
		const char *time;
		int64_t at;
	} cases[] = {
	    /* 231114221320Z; 20231114221320Z: 1700000000 */
	    {"301c06092a864886f70d010905310f170d3233313131343232313332305a", 1700000000},
	    {"301e06092a864886f70d0109053111180f32303233313131343232313332305a",
		1700000000},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf b = {0};
		AUTO(cms_clear) struct cms c = {0};
		struct kd_err e = {0};
		char attrs[512];

		(void)snprintf(attrs, sizeof(attrs), "%s%s", BOTH, cases[i].time);
		make(&b, attrs, NULL);
		assert_true(cms_parse(b.p, b.len, &c, &e));
		assert_int_equal(c.signing_time, cases[i].at);
	}
}

static void
timestamps_and_nested_signatures_are_noticed(void **state)
{
	static const struct {
		const char *attrs;
		bool timestamped;
		size_t nested;
	} cases[] = {
	    {NULL, false, 0}, {"", false, 0},
	    {"300f06092a864886f70d01090631023000", true, 0},
	    {"3010060a2b06010401823703030131023000", true, 0},
	    {"3014060a2b060104018237020401310630003000300"
	     "0",
		false, 3},
	    {"300f06092a864886f70d01090631023000"
	     "3010060a2b06010401823702040131023000",
		true, 1},
	    {"3006060253033100", false, 0}, /* unknown, without value */
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf b = {0};
		AUTO(cms_clear) struct cms c = {0};
		struct kd_err e = {0};

		make(&b, BOTH, cases[i].attrs);
		if (!cms_parse(b.p, b.len, &c, &e))
			fail_msg("case %zu: %s", i, e.msg);
		assert_int_equal(c.timestamped, cases[i].timestamped);
		assert_int_equal(c.nested_n, cases[i].nested);
	}
}

static void
missing_doubled_and_malformed_attributes_are_named(void **state)
{
	static const struct {
		const char *attrs, *unsigned_attrs, *msg;
	} cases[] = {
	    {MESSAGE_DIGEST, NULL, "no contentType among the signed attributes"},
	    {CONTENT_TYPE, NULL, "no messageDigest among the signed attributes"},
	    {"", NULL, "no contentType among the signed attributes"},
	    {BOTH CONTENT_TYPE, NULL, "contentType attribute stands twice"},
	    {BOTH MESSAGE_DIGEST, NULL, "messageDigest attribute stands twice"},
	    {CONTENT_TYPE "300f06092a864886f70d01090431020400", NULL,
		"messageDigest has 0 bytes, 1 to 64 expected"},
	    {CONTENT_TYPE "301306092a864886f70d0109043106040101040102", NULL,
		"messageDigest attribute has 3 unexpected bytes at offset 0x86"},
	    {CONTENT_TYPE "300f06092a864886f70d01090431020500", NULL,
		"messageDigest attribute at offset 0x83: tag 0x05, expected 0x04"},
	    {BOTH "301006092a864886f70d0109053103170130", NULL,
		"signingTime: time cannot be decoded"},
	    {BOTH "3100", NULL,
		"signed attribute at offset 0xa5: tag 0x31, expected 0x30"},
	    {BOTH "3004060253030500", NULL,
		"signed attribute at offset 0xad needs 1 bytes; the data ends at 0xad"},
	    {BOTH, "3012060a2b060104018237020401310405000500",
		"nested signature at offset 0xcd: tag 0x05, expected 0x30"},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf b = {0};
		AUTO(cms_clear) struct cms c = {0};
		struct kd_err e = {0};

		make(&b, cases[i].attrs, cases[i].unsigned_attrs);
		assert_false(cms_parse(b.p, b.len, &c, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		/* OpenSSL's reason for a time, in parentheses, differs by version. */
		if (strncmp(e.msg, cases[i].msg, strlen(cases[i].msg)) != 0)
			fail_msg("case %zu: %s", i, e.msg);
	}
}

/* OpenSSL's memory is a multiple of what it decodes: it gets little. */
static void
megabytes_of_certificates_are_refused_unread(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	AUTO(buf_clear) struct buf most = {0};
	AUTO(cms_clear) struct cms c = {0};
	struct kd_err e = {0};
	(void)state;

	make_with_certs(&most, CMS_CERTS_LEN_MAX, BOTH, NULL);
	assert_true(cms_parse(most.p, most.len, &c, &e));
	make_with_certs(&b, CMS_CERTS_LEN_MAX + 1, BOTH, NULL);
	assert_false(cms_parse(b.p, b.len, &c, &e));
	assert_int_equal(e.code, KD_E_LIMIT);
	assert_string_equal(
	    e.msg, "embedded certificates of 131073 bytes, at most 131072 allowed");
}

/* The digest of an empty content is not that of the attribute; another type in the
 * attribute. */
static void
content_that_the_attributes_do_not_cover_is_refused(void **state)
{
	static const struct {
		const char *attrs, *msg;
	} cases[] = {
	    {BOTH, "attribute says "
		   "0102030405060708010203040506070801020304050607080102030405060708, "
		   "sha256 of the content is "
		   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	    {"301806092a864886f70d010903310b06092a864886f70d010701" MESSAGE_DIGEST,
		"contentType attribute is 1.2.840.113549.1.7.1, content is "
		"1.3.6.1.4.1.311.2.1.4"},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf b = {0};
		AUTO(cms_clear) struct cms c = {0};
		struct kd_err e = {0};

		make(&b, cases[i].attrs, NULL);
		assert_true(cms_parse(b.p, b.len, &c, &e));
		assert_false(cms_check_message_digest(&c, &e));
		assert_int_equal(e.code, KD_E_NOT_VERIFIED);
		assert_string_equal(e.msg, cases[i].msg);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(program_names_and_links_of_all_kinds_are_shown),
	    cmocka_unit_test(signing_time_of_both_kinds_is_read),
	    cmocka_unit_test(timestamps_and_nested_signatures_are_noticed),
	    cmocka_unit_test(missing_doubled_and_malformed_attributes_are_named),
	    cmocka_unit_test(megabytes_of_certificates_are_refused_unread),
	    cmocka_unit_test(content_that_the_attributes_do_not_cover_is_refused),
	};

	return cmocka_run_group_tests_name("cms_attrs", tests, NULL, NULL);
}
