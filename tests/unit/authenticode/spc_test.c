/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/spc_test.c - SpcIndirectDataContent: the bytes of signtool, and
 * what other tools write. */
#include "authenticode/spc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"
#include "base/text.h"

#define PE_OID "060a2b06010401823702010f"
#define PE_DATA "3017" PE_OID "3009030100a004a2028000" /* signtool today */
#define ONES_20 "0101010101010101010101010101010101010101"
#define ONES_32 "0101010101010101010101010101010101010101010101010101010101010101"
#define SHA256_INFO "3031300d060960864801650304020105000420" ONES_32
#define SHA1_INFO "3021300906052b0e03021a05000414" ONES_20

static size_t
unhex(const char *hex, uint8_t *dst, size_t cap)
{
	struct kd_err e = {0};
	size_t n = strlen(hex) / 2;

	assert_true(n <= cap);
	assert_true(text_unhex(hex, dst, n, &e));
	return n;
}

static void
built_content_is_signtools(void **state)
{
	static const struct {
		enum md md;
		const char *der; /* up to the digest */
	} cases[] = {
	    {MD_SHA1, "303c" PE_DATA "3021300906052b0e03021a05000414"},
	    {MD_SHA256, "304c" PE_DATA "3031300d060960864801650304020105000420"},
	    {MD_SHA384, "305c" PE_DATA "3041300d060960864801650304020205000430"},
	    {MD_SHA512, "306c" PE_DATA "3051300d060960864801650304020305000440"},
	};
	uint8_t digest[MD_LEN_MAX], want[256];
	(void)state;

	memset(digest, 1, sizeof(digest));
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		size_t n = unhex(cases[i].der, want, sizeof(want));
		AUTO(buf_clear) struct buf b = {0};
		struct kd_err e = {0};
		struct spc spc;

		assert_true(spc_build_pe(cases[i].md, digest, NULL, 0, &b, &e));
		assert_int_equal(b.len, n + md_len(cases[i].md));
		assert_memory_equal(b.p, want, n);
		assert_memory_equal(&b.p[n], digest, md_len(cases[i].md));
		assert_true(spc_parse(b.p, b.len, &spc, &e));
		assert_int_equal(spc.md, cases[i].md);
		assert_memory_equal(spc.digest, digest, md_len(cases[i].md));
	}
}

/* Facts 11. */
#define MONIKER_CLASS "0410a6b586d5b4a12466ae05a217da8e60d6"
#define PAGES_1                                                                          \
	"306d" PE_OID "305f030100a05aa158" MONIKER_CLASS                                 \
	"044431423040060a2b06010401823702030131320430"
#define PAGES_2                                                                          \
	"308185" PE_OID "3077030100a072a170" MONIKER_CLASS                               \
	"045c315a3058060a2b060104018237020302314a0448"

static void
built_page_hashes_are_signtools(void **state)
{
	static const struct {
		enum md md;
		size_t table_len;
		const char *before, *info; /* around the table */
	} cases[] = {
	    {MD_SHA1, 48, "308192" PAGES_1, SHA1_INFO},
	    {MD_SHA256, 72, "3081bb" PAGES_2, SHA256_INFO},
	};
	uint8_t digest[MD_LEN_MAX], table[72], want[512];
	(void)state;

	memset(digest, 1, sizeof(digest));
	memset(table, 0x5a, sizeof(table));
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		size_t n = unhex(cases[i].before, want, sizeof(want)), table_at = n;
		AUTO(buf_clear) struct buf b = {0};
		struct kd_err e = {0};
		struct spc spc;

		memcpy(&want[n], table, cases[i].table_len);
		n += cases[i].table_len;
		n += unhex(cases[i].info, &want[n], sizeof(want) - n);
		assert_true(spc_build_pe(
		    cases[i].md, digest, table, cases[i].table_len, &b, &e));
		assert_int_equal(b.len, n);
		assert_memory_equal(b.p, want, n);
		assert_true(spc_parse(b.p, b.len, &spc, &e));
		assert_true(spc.page_hashes);
		assert_memory_equal(&b.p[table_at], table, cases[i].table_len);
	}
	assert_int_equal(spc_pages_md(MD_SHA384), MD_SHA256);
}

static void
no_algorithm_is_refused(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	uint8_t digest[MD_LEN_MAX] = {0};
	struct kd_err e = {0};
	(void)state;

	assert_false(spc_build_pe(MD_NONE, digest, NULL, 0, &b, &e));
	assert_int_equal(e.code, KD_E_BUG);
	assert_int_equal(b.len, 0);
}

/* A table of two bytes, its type 1.3.6.1.4.1.311.2.3.KIND. */
#define PAGES(kind)                                                                      \
	"3074303f" PE_OID "3031030100a02ca12a0410a6b586d5b4a12466ae05a217da8e60d6"       \
	"041631143012060a2b0601040182370203" kind "31040402aabb"

/* Facts 6: the variants found in 1,082 real signatures. */
static void
real_variants_are_read(void **state)
{
	static const struct {
		const char *der;
		enum spc_type type;
		enum md md;
		bool page_hashes;
	} cases[] = {
	    {"304c" PE_DATA SHA256_INFO, SPC_TYPE_PE, MD_SHA256, false},
	    {"3058"
	     "3033" PE_OID "3025030100a020a21e801c"
	     "003c003c003c004f00620073006f006c006500740065003e003e003e" SHA1_INFO,
		SPC_TYPE_PE, MD_SHA1, false},
	    {"304d3018" PE_OID "300a030205a0a004a2028000" SHA256_INFO, SPC_TYPE_PE,
		MD_SHA256, false},
	    {"304d3018" PE_OID "300a03020780a004a2028000" SHA256_INFO, SPC_TYPE_PE,
		MD_SHA256, false},
	    {PAGES("02") SHA256_INFO, SPC_TYPE_PE, MD_SHA256, true},
	    {"305f302a" PE_OID "301c030100a017a115"
	     "041000000000000000000000000000000000"
	     "0401ff" SHA256_INFO,
		SPC_TYPE_PE, MD_SHA256, false},
	    /* SPC_CAB_DATA: read as of another type, no opinion on its value */
	    {"30463011060a2b0601040182370201198003010203" SHA256_INFO, SPC_TYPE_OTHER,
		MD_SHA256, false},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		uint8_t der[256];
		size_t n = unhex(cases[i].der, der, sizeof(der));
		struct kd_err e = {0};
		struct spc s;

		if (!spc_parse(der, n, &s, &e))
			fail_msg("case %zu: %s", i, e.msg);
		assert_int_equal(s.type, cases[i].type);
		assert_int_equal(s.md, cases[i].md);
		assert_int_equal(s.page_hashes, cases[i].page_hashes);
		assert_int_equal(s.pages_len, cases[i].page_hashes ? 2 : 0);
		assert_int_equal(s.pages_md, cases[i].page_hashes ? MD_SHA256 : MD_NONE);
		assert_int_equal(s.digest[0], 1);
	}
}

static void
wrong_content_is_named(void **state)
{
	static const struct {
		const char *der, *msg;
	} cases[] = {
	    {PAGES("03") SHA256_INFO,
		"page hashes' type is 1.3.6.1.4.1.311.2.3.3, expected "
		"1.3.6.1.4.1.311.2.3.1 (sha1) or .2 (sha256)"},
	    {"304c" PE_DATA SHA256_INFO "00",
		"SpcIndirectDataContent has 1 unexpected bytes at offset 0x4e"},
	    {"304e" PE_DATA SHA256_INFO "0500",
		"SpcIndirectDataContent has 2 unexpected bytes at offset 0x4e"},
	    {"3048" PE_DATA "302d"
	     "300d0609608648016503040201050004"
	     "1c01010101010101010101010101010101010101010101010101010101",
		"DigestInfo digest has 28 bytes, sha256 has 32"},
	    {"303b" PE_DATA
	     "3020300c06082a864886f70d02050500041001010101010101010101010101010101",
		"DigestInfo algorithm names 1.2.840.113549.2.5, expected sha1, sha256, "
		"sha384 or "
		"sha512"},
	    {"0400", "SpcIndirectDataContent at offset 0: tag 0x04, expected 0x30"},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		uint8_t der[256];
		size_t n = unhex(cases[i].der, der, sizeof(der));
		struct spc s = {.md = MD_SHA384};
		struct kd_err e = {0};

		assert_false(spc_parse(der, n, &s, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_string_equal(e.msg, cases[i].msg);
		assert_int_equal(s.md, MD_SHA384);
	}
}

static void
truncated_content_is_refused_at_every_length(void **state)
{
	uint8_t der[256];
	size_t n = unhex("304c" PE_DATA SHA256_INFO, der, sizeof(der));
	(void)state;

	for (size_t k = 0; k < n; k++) {
		uint8_t *exact =
		    malloc(k == 0 ? 1 : k); /* so that a sanitizer sees one byte more */
		struct kd_err e = {0};
		struct spc s;

		assert_non_null(exact);
		memcpy(exact, der, k);
		assert_false(spc_parse(exact, k, &s, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_true(e.msg[0] != '\0');
		free(exact);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(built_content_is_signtools),
	    cmocka_unit_test(built_page_hashes_are_signtools),
	    cmocka_unit_test(no_algorithm_is_refused),
	    cmocka_unit_test(real_variants_are_read),
	    cmocka_unit_test(wrong_content_is_named),
	    cmocka_unit_test(truncated_content_is_refused_at_every_length),
	};

	return cmocka_run_group_tests_name("spc", tests, NULL, NULL);
}
