/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/text_test.c - hex, base64, UTF-8, UTF-16, shown text, near misses. */
#include "config.h"

#include "tests/unit/base/test.h"

#include "base/md.h"
#include "base/text.h"

static void
hex_goes_both_ways(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	uint8_t back[4] = {0};
	char text[9];

	text_hex(&b, "\x00\x7f\xab\xff", 4);
	assert_string_equal(buf_cstr(&b), "007fabff");
	text_hex_to(text, "\x00\x7f\xab\xff", 4);
	assert_string_equal(text, "007fabff");
	assert_done(text_unhex("007fABff", back, 4, &e));
	assert_memory_equal(back, "\x00\x7f\xab\xff", 4);
	assert_done(text_unhex("", back, 0, &e));
}

static void
hex_that_is_none(void **state)
{
	uint8_t back[2] = {7, 7};

	assert_fails(
	    text_unhex("00f", back, 2, &e), KD_E_FORMAT, "needs 4 hex digits, has 3");
	assert_fails(
	    text_unhex("00ff0", back, 2, &e), KD_E_FORMAT, "needs 4 hex digits, has 5");
	assert_fails(text_unhex("00g0", back, 2, &e), KD_E_FORMAT,
	    "'00g0': no hex digit at place 3");
	assert_fails(text_unhex("00 0", back, 2, &e), KD_E_FORMAT,
	    "'00 0': no hex digit at place 3");
	assert_int_equal(back[0] + back[1], 14);
}

/* RFC 4648 section 10, "Test Vectors". */
static void
base64_vectors(void **state)
{
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
	    {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
	    {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "+//+"}};

	for (size_t i = 0; i < KD_ARRAY_LEN(pairs); i++) {
		AUTO(buf_clear) struct buf b = {0}, back = {0};

		text_base64(&b, pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(buf_cstr(&b), pairs[i][1]);
		assert_done(text_unbase64(pairs[i][1], strlen(pairs[i][1]), &back, &e));
		assert_string_equal(buf_cstr(&back), pairs[i][0]);
	}
}

static void
base64_that_is_none(void **state)
{
	static const char *const bad[] = {"Zg==Zg==", "Zh==", "Zm9=", "Z===", "====",
	    "Zg=a", "Zm 9", "Zm9-", "Zm9\n", "=AAA"};
	AUTO(buf_clear) struct buf b = {0};

	buf_str(&b, "kept");
	for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++)
		assert_fails(text_unbase64(bad[i], strlen(bad[i]), &b, &e), KD_E_FORMAT,
		    "not base64 (RFC 4648 section 4)");
	assert_fails(text_unbase64("Zg=", 3, &b, &e), KD_E_FORMAT,
	    "base64 of 3 characters: not a multiple of 4");
	assert_fails(text_unbase64("Zm9v\0Zm9", 8, &b, &e), KD_E_FORMAT,
	    "not base64 (RFC 4648 section 4)");
	assert_string_equal(buf_cstr(&b), "kept");
}

static const struct {
	const char *s;
	bool ok;
} utf8[] = {
    {"plain", true},
    {"\xc3\xa9", true},
    {"\xe2\x82\xac", true},
    {"\xf0\x9f\x92\xbe", true},
    {"\xef\xbf\xbf", true},
    {"\xf4\x8f\xbf\xbf", true},
    {"\xed\x9f\xbf", true},
    {"\xee\x80\x80", true},
    {"\xc0\x80", false}, /* overlong NUL */
    {"\xc1\xbf", false},
    {"\xe0\x9f\xbf", false}, /* overlong */
    {"\xf0\x8f\xbf\xbf", false},
    {"\xed\xa0\x80", false}, /* surrogate */
    {"\xf4\x90\x80\x80", false},
    {"\xf5\x80\x80\x80", false}, /* past U+10FFFF */
    {"\x80", false},
    {"\xc3", false},
    {"\xc3(", false},
    {"\xe2\x82", false},
    {"\xe2\x82(", false},
    {"\xf0\x9f\x92", false},
    {"\xff", false},
};

static void
utf8_is_judged(void **state)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(utf8); i++)
		assert_int_equal(text_is_utf8(utf8[i].s, strlen(utf8[i].s)), utf8[i].ok);
	assert_false(text_is_utf8("a\0b", 3));
	assert_true(text_is_utf8("", 0));
}

static void
utf16_goes_both_ways(void **state)
{
	AUTO(buf_clear) struct buf b = {0}, back = {0};

	assert_done(text_utf16be("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\xbe", &b, &e));
	assert_int_equal(b.len, 10);
	assert_memory_equal(b.p, "\0a\0\xe9\x20\xac\xd8\x3d\xdc\xbe", 10);
	assert_done(text_from_utf16be(b.p, b.len, &back, &e));
	assert_string_equal(buf_cstr(&back), "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\xbe");
}

static void
utf16_that_is_none(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	static const struct {
		const char *p;
		size_t n;
		const char *msg;
	} bad[] = {
	    {"\0a\0", 3, "UTF-16 text of 3 bytes: an odd number"},
	    {"\0a\0\0", 4, "UTF-16 text: malformed at byte 2"},
	    {"\0a\xd8\x3d", 4, "UTF-16 text: malformed at byte 2"},
	    {"\xd8\x3d\0a", 4, "UTF-16 text: malformed at byte 0"},
	    {"\xdc\xbe\0a", 4, "UTF-16 text: malformed at byte 0"},
	};

	buf_str(&b, "kept");
	for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++)
		assert_fails(
		    text_from_utf16be((const uint8_t *)bad[i].p, bad[i].n, &b, &e),
		    KD_E_FORMAT, bad[i].msg);
	assert_fails(text_utf16be("x\xff", &b, &e), KD_E_FORMAT, "'x\\xff': not UTF-8");
	assert_string_equal(buf_cstr(&b), "kept");
}

static void
shown_text_is_harmless(void **state)
{
	static const char *const pairs[][2] = {
	    {"net.sys", "net.sys"}, {"a\nb\x1b[2J\x7f", "a\\x0ab\\x1b[2J\\x7f"},
	    {"\xc3\xa9", "\xc3\xa9"}, {"\xff\xc3", "\\xff\\xc3"},
	    {"\xc2\x9b", "\\xc2\\x9b"}, /* CSI in eight bits */
	    {"\xe2\x80\xae"
	     "exe",
		"\\xe2\\x80\\xaeexe"}, /* right-to-left override */
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(pairs); i++)
		assert_string_equal(SHOW(pairs[i][0]), pairs[i][1]);
	assert_string_equal(SHOW(NULL), "(none)");
}

static void
shown_text_is_cut(void **state)
{
	static const struct {
		size_t room;
		const char *s, *want;
	} cases[] = {
	    {8, "1234567", "1234567"},
	    {8, "12345678", "1234..."},
	    {8, "1234\n", "1234..."},
	    {8, "123\n", "123\\x0a"},
	    {8, "12\n34", "12..."},
	    {8, "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", "\xe2\x82\xac..."},
	    {4, "12345", "..."},
	    {3, "12345", ""},
	    {1, "1", ""},
	};
	char dst[8];

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++)
		assert_string_equal(
		    text_show(dst, cases[i].room, cases[i].s, strlen(cases[i].s)),
		    cases[i].want);
}

static void
case_is_ascii_only(void **state)
{
	assert_true(text_eq_nocase("SHA256", "sha256"));
	assert_false(text_eq_nocase("sha256", "sha25"));
	assert_false(text_eq_nocase("sha25", "sha256"));
	assert_false(text_eq_nocase("\xc3\x89", "\xc3\xa9"));
}

static void
nearest_name(void **state)
{
	static const char *const names[] = {
	    "store", "socket", "sign-deadline", "x", NULL};
	struct kd_err e = {0};
	char longest[100];

	memset(longest, 's', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_string_equal(text_nearest("sotre", names), "store");
	assert_string_equal(text_nearest("STORE", names), "store");
	assert_string_equal(text_nearest("sign_deadline", names), "sign-deadline");
	assert_null(text_nearest("certificates", names));
	assert_null(text_nearest("y", names));
	assert_null(text_nearest(longest, names));
	assert_true(text_hint_nearest(&e, "--", "sotre", names));
	assert_string_equal(e.hint, "did you mean '--store'?");
	assert_false(text_hint_nearest(&e, "--", "y", names));
}

static void
digest_algorithms(void **state)
{
	assert_int_equal(md_by_name("SHA384"), MD_SHA384);
	assert_int_equal(md_by_name("none"), MD_NONE);
	assert_int_equal(md_by_name("md5"), MD_NONE);
	assert_string_equal(md_name(MD_SHA1), "sha1");
	assert_string_equal(md_name(MD_NONE), "none");
	assert_string_equal(md_name((enum md)99), "none");
	assert_int_equal(md_len(MD_NONE), 0);
	assert_int_equal(md_len(MD_SHA1), 20);
	assert_int_equal(md_len(MD_SHA256), 32);
	assert_int_equal(md_len(MD_SHA384), 48);
	assert_int_equal(md_len(MD_SHA512), MD_LEN_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hex_goes_both_ways),
	    cmocka_unit_test(hex_that_is_none),
	    cmocka_unit_test(base64_vectors),
	    cmocka_unit_test(base64_that_is_none),
	    cmocka_unit_test(utf8_is_judged),
	    cmocka_unit_test(utf16_goes_both_ways),
	    cmocka_unit_test(utf16_that_is_none),
	    cmocka_unit_test(shown_text_is_harmless),
	    cmocka_unit_test(shown_text_is_cut),
	    cmocka_unit_test(case_is_ascii_only),
	    cmocka_unit_test(nearest_name),
	    cmocka_unit_test(digest_algorithms),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
