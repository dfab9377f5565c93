/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/keeper/catalog_test.c - what the record says of a catalog, and which are
 * refused. */
#include "daemon/keeper/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "authenticode/cert.h"
#include "base/mem.h"
#include "base/num.h"
#include "tests/unit/keeper/make_ctl.h"

#define A10 "aaaaaaaaaa"
#define A40 A10 A10 A10 A10
#define A64 A40 A10 A10 "aaaa"
#define B10 "bbbbbbbbbb"
#define B40 B10 B10 B10 B10
#define B64 B40 B10 B10 "bbbb"

static uint8_t a[CATALOG_IDENTIFIER_MAX + 2], b[32];

static int
fill(void **state)
{
	(void)state;
	memset(a, 0xaa, sizeof(a));
	memset(b, 0xbb, sizeof(b));
	return 0;
}

static const struct {
	enum cat_version version;
	struct ctl_member v[3];
	size_t n;
	const char *json;
} good[] = {
    {CAT_V2, {{0}}, 0, "[]"},
    {CAT_V2, {{.id = a, .id_len = 32, .md = MD_SHA256, .digest = a}}, 1, "[\"" A64 "\"]"},
    /* beside it the SHA-1, which has no digest of its own */
    {CAT_V2, {{.id = b, .id_len = 32, .md = MD_SHA256, .digest = b}, {.id = a, .id_len = 20}},
	2, "[\"" A40 "\",\"" B64 "\"]"},
    {CAT_V1, {{.tag = B40, .md = MD_SHA1, .digest = b}}, 1, "[\"" B40 "\"]"},
    /* in upper case, as MakeCat writes it, and before the digest */
    {CAT_V1, {{.tag = "BBBBBBBBBB" B10 B10 B10, .md = MD_SHA1, .digest = b}}, 1,
	"[\"" B40 "\"]"},
    {CAT_V1, {{.tag = "hello.sys", .md = MD_SHA1, .digest = a}}, 1,
	"[{\"digest\":\"" A40 "\",\"tag\":\"hello.sys\"}]"},
    {CAT_V1, {{.tag = "a \"b\""}}, 1, "[{\"tag\":\"a \\\"b\\\"\"}]"},
    /* a tag of nine characters has as many bytes as a SHA-1, one of fifteen as a SHA-256 */
    {CAT_V2, {{.tag = "nine-char", .md = MD_SHA256, .digest = a}}, 1,
	"[{\"digest\":\"" A64 "\",\"tag\":\"nine-char\"}]"},
    {CAT_V2, {{.tag = "fifteen-charact", .md = MD_SHA256, .digest = a}}, 1,
	"[{\"digest\":\"" A64 "\",\"tag\":\"fifteen-charact\"}]"},
    {CAT_V1, {{.id = a, .id_len = 20, .md = MD_SHA1, .digest = b}}, 1,
	"[{\"digest\":\"" B40 "\",\"id\":\"" A40 "\"}]"},
    {CAT_V2, {{.id = a, .id_len = 3}}, 1, "[{\"id\":\"aaaaaa\"}]"},
};

static void
members_come_out_in_order_and_in_one_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(good); i++) {
		AUTO(buf_clear) struct buf ctl = {0};
		AUTO(buf_clear) struct buf json = {0};
		struct kd_err e = {0};
		size_t n = 99;

		make_ctl(good[i].version, good[i].v, good[i].n, &ctl);
		if (!catalog_members(ctl.p, ctl.len, &json, &n, &e))
			fail_msg("%zu: %s", i, e.msg);
		assert_string_equal(buf_cstr(&json), good[i].json);
		assert_int_equal(n, good[i].n);
	}
}

static const struct {
	enum cat_version version;
	struct ctl_member v;
	enum kd_code code;
	const char *msg;
} bad[] = {
    {CAT_V2, {.id = a, .id_len = 32, .md = MD_SHA256, .digest = b}, KD_E_REQUEST,
	"member 1: its identifier is " A64 ", but its digest is " B64},
    {CAT_V2, {.id = a, .id_len = 20, .md = MD_SHA256, .digest = a}, KD_E_REQUEST,
	"member 1: its identifier is " A40 ", but its digest is " A64},
    {CAT_V1, {.tag = A40, .md = MD_SHA1, .digest = b}, KD_E_REQUEST,
	"member 1: its identifier is " A40 ", but its digest is " B40},
    {CAT_V1, {.id = a, .id_len = CATALOG_IDENTIFIER_MAX + 2}, KD_E_TOO_LARGE,
	"member 1: its identifier has 1026 bytes, at most 1024 allowed"},
};

static void
members_that_say_two_things_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
		AUTO(buf_clear) struct buf ctl = {0};
		AUTO(buf_clear) struct buf json = {0};
		struct kd_err e = {0};
		size_t n = 99;

		make_ctl(bad[i].version, &bad[i].v, 1, &ctl);
		assert_false(catalog_members(ctl.p, ctl.len, &json, &n, &e));
		assert_string_equal(e.msg, bad[i].msg);
		assert_int_equal(e.code, bad[i].code);
		assert_int_equal(json.len, 0);
		assert_int_equal(n, 99);
	}
}

/* What cat_parse_ctl refuses is the client's fault, and said as that. */
static void
what_is_no_ctl_is_a_bad_request(void **state)
{
	AUTO(buf_clear) struct buf json = {0};
	struct kd_err e = {0};
	size_t n;

	(void)state;
	assert_false(catalog_members((const uint8_t *)"\x30\x00", 2, &json, &n, &e));
	assert_int_equal(e.code, KD_E_REQUEST);
	e = (struct kd_err){0};
	assert_false(catalog_members(a, CAT_LEN_MAX + 1, &json, &n, &e));
	assert_int_equal(e.code, KD_E_TOO_LARGE);
}

static void
the_digest_is_over_the_octets(void **state)
{
	static const uint8_t ctl[] = {0x30, 0x03, 'a', 'b', 'c'};
	uint8_t digest[MD_LEN_MAX];
	struct kd_err e = {0};

	(void)state;
	assert_true(md_digest(MD_SHA1, "abc", 3, digest, &e));
	assert_true(catalog_check_digest(ctl, sizeof(ctl), MD_SHA1, digest, &e));
	digest[0] ^= 1;
	assert_false(catalog_check_digest(ctl, sizeof(ctl), MD_SHA1, digest, &e));
	assert_int_equal(e.code, KD_E_REQUEST);
	assert_string_equal(e.msg, "is not that of the CTL sent, whose content has sha1 "
				   "a9993e364706816aba3e25717850c26c9cd0d89d");
}

static void
without_memory_it_says_so(void **state)
{
	AUTO(buf_clear) struct buf ctl = {0};
	bool done = false;

	(void)state;
	make_ctl(CAT_V1, good[5].v, 1, &ctl);
	for (long nth = 0; !done; nth++) {
		AUTO(buf_clear) struct buf json = {0};
		struct kd_err e = {0};
		size_t n;

		kd_alloc_fail_at(nth);
		done = catalog_members(ctl.p, ctl.len, &json, &n, &e);
		kd_alloc_fail_at(-1);
		if (!done)
			assert_int_equal(e.code, KD_E_NOMEM);
		assert_true(nth < 100);
	}
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(members_come_out_in_order_and_in_one_form),
	    cmocka_unit_test(members_that_say_two_things_are_refused),
	    cmocka_unit_test(what_is_no_ctl_is_a_bad_request),
	    cmocka_unit_test(the_digest_is_over_the_octets),
	    cmocka_unit_test(without_memory_it_says_so),
	};

	return cmocka_run_group_tests_name("catalog", t, fill, NULL);
}
