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

/* Facts on cabinets and others 2, 4, 5: as osslsigncode writes them. */
#define LINK_OID "060a2b060104018237020119"
#define CAB_OID "060a2b06010401823702011c"
#define SIP_OID "060a2b06010401823702011e"
#define CAB_DATA "3010" LINK_OID "a2028000"
#define SCRIPT_GUID "04101fcc3b60594b084eb724d2c6297ef351"
#define MSI_GUID "0410f1100c0000000000c000000000000046"
#define ZEROS_5 "020100020100020100020100020100"
#define SCRIPT_DATA "3034" SIP_OID "30260203010000" SCRIPT_GUID ZEROS_5
#define MSI_DATA "3032" SIP_OID "3024020101" MSI_GUID ZEROS_5

static void
built_content_says_its_type(void **state)
{
	static const struct {
		enum spc_type type;
		enum md md;
		const char *der;
	} cases[] = {
	    {SPC_TYPE_CABINET, MD_SHA256, "3045" CAB_DATA SHA256_INFO},
	    {SPC_TYPE_CABINET, MD_SHA1, "3035" CAB_DATA SHA1_INFO},
	    {SPC_TYPE_SCRIPT, MD_SHA256, "3069" SCRIPT_DATA SHA256_INFO},
	    {SPC_TYPE_MSI, MD_SHA256, "3067" MSI_DATA SHA256_INFO},
	};
	uint8_t digest[MD_LEN_MAX], want[256];
	(void)state;

	memset(digest, 1, sizeof(digest));
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		size_t n = unhex(cases[i].der, want, sizeof(want));
		AUTO(buf_clear) struct buf b = {0};
		struct kd_err e = {0};
		struct spc spc;

		assert_true(spc_build(cases[i].type, cases[i].md, digest, &b, &e));
		assert_int_equal(b.len, n);
		assert_memory_equal(b.p, want, n);
		assert_true(spc_parse(b.p, b.len, &spc, &e));
		assert_int_equal(spc.type, cases[i].type);
		assert_int_equal(spc.md, cases[i].md);
		assert_null(spc.length_hash);
	}
}

/* The length that signtool hashes into a cabinet's signature. */
#define LENGTH_DATA(oid)                                                                 \
	"3052" CAB_OID "a1440410a6b586d5b4a12466ae05a217da8e60d6"                        \
	"0430312e302c060a2b060104018237" oid "311e041c"                                  \
	"01020304050607080910111213141516171819202122232425262728"

static void
types_are_told_strictly(void **state)
{
	static const struct {
		const char *der;
		enum spc_type type;
		size_t length_hash_len;
	} cases[] = {
	    {"308187" LENGTH_DATA("020501") SHA256_INFO, SPC_TYPE_CABINET, 28},
	    {"308187" LENGTH_DATA("020302") SHA256_INFO, SPC_TYPE_OTHER, 0},
	    /* a link to a file with a name, unicode or not; to a URL */
	    {"3047" "3012" LINK_OID "a20480020041" SHA256_INFO, SPC_TYPE_CABINET, 0},
	    {"3046" "3011" LINK_OID "a203810141" SHA256_INFO, SPC_TYPE_CABINET, 0},
	    {"3045" "3010" LINK_OID "a2028200" SHA256_INFO, SPC_TYPE_OTHER, 0},
	    {"3043" "300e" LINK_OID "8000" SHA256_INFO, SPC_TYPE_OTHER, 0},
	    {"3045" "3010" CAB_OID "a2028000" SHA256_INFO, SPC_TYPE_CABINET, 0},
	    /* another class id */
	    {"3067" "3032" SIP_OID
	     "30240201010410000000000000000000000000000000" "00" ZEROS_5 SHA256_INFO,
		SPC_TYPE_OTHER, 0},
	};
	static const struct {
		const char *der, *msg;
	} wrong[] = {
	    {"3047" "3012" LINK_OID "a20280000500" SHA256_INFO,
		"SpcIndirectDataContent data has 2 unexpected bytes at offset 0x14"},
	    {"3064" "302f" SIP_OID "3021020101" MSI_GUID "020100020100020100020100"
	     SHA256_INFO,
		"SpcSipInfo at offset 0x33 needs 1 bytes; the data ends at 0x33"},
	    {"306a" "3035" SIP_OID "3027020101" MSI_GUID ZEROS_5 "020100" SHA256_INFO,
		"SpcSipInfo has 3 unexpected bytes at offset 0x36"},
	    {"3047" "3012" SIP_OID "3004040101" "00" SHA256_INFO,
		"SpcSipInfo version at offset 0x12: tag 0x04, expected 0x02"},
	};
	uint8_t der[256];
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		size_t n = unhex(cases[i].der, der, sizeof(der));
		struct kd_err e = {0};
		struct spc s;

		if (!spc_parse(der, n, &s, &e))
			fail_msg("case %zu: %s", i, e.msg);
		assert_int_equal(s.type, cases[i].type);
		assert_int_equal(s.length_hash_len, cases[i].length_hash_len);
		assert_int_equal(s.md, MD_SHA256);
	}
	for (size_t i = 0; i < KD_ARRAY_LEN(wrong); i++) {
		size_t n = unhex(wrong[i].der, der, sizeof(der));
		struct kd_err e = {0};
		struct spc s;

		assert_false(spc_parse(der, n, &s, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_string_equal(e.msg, wrong[i].msg);
	}
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
	e = (struct kd_err){0};
	assert_false(spc_build(SPC_TYPE_MSI, MD_NONE, digest, &b, &e));
	assert_int_equal(e.code, KD_E_BUG);
	e = (struct kd_err){0};
	assert_false(spc_build(SPC_TYPE_PE, MD_SHA256, digest, &b, &e));
	assert_int_equal(e.code, KD_E_BUG);
	e = (struct kd_err){0};
	assert_false(spc_build(SPC_TYPE_NONE, MD_SHA256, digest, &b, &e));
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
	    cmocka_unit_test(built_content_says_its_type),
	    cmocka_unit_test(types_are_told_strictly),
	    cmocka_unit_test(no_algorithm_is_refused),
	    cmocka_unit_test(real_variants_are_read),
	    cmocka_unit_test(wrong_content_is_named),
	    cmocka_unit_test(truncated_content_is_refused_at_every_length),
	};

	return cmocka_run_group_tests_name("spc", tests, NULL, NULL);
}
