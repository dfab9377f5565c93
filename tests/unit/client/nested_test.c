/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/client/nested_test.c - which of a file's signatures a number means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "authenticode/cms_edit.h"
#include "authenticode/spc.h"
#include "client/nested.h"
#include "tests/unit/authenticode/demo_pki.h"

static void
make(unsigned sequence, const char *description, struct buf *ret)
{
	const struct demo_signature how = {
	    .key = "p256", .certs = "p256.chain", .md = MD_SHA256};
	AUTO(buf_clear) struct buf content = {0};
	const uint8_t digest[32] = {1};
	struct kd_err e = {0};
	struct cms_signed what = {
	    .type = CMS_SPC, .description = description, .sequence = sequence};

	assert_true(spc_build_pe(MD_SHA256, digest, NULL, 0, &content, &e));
	what.content = content.p;
	what.content_len = content.len;
	demo_cms_over(&how, &what, ret);
}

/* A primary signature with nested ones of these sequence numbers and descriptions. */
static void
make_with(const unsigned *sequences, const char *const *descriptions, size_t n,
    struct buf *ret)
{
	struct kd_err e = {0};

	make(0, "primary", ret);
	for (size_t i = 0; i < n; i++) {
		AUTO(buf_clear) struct buf one = {0};
		struct buf both = {0};

		make(sequences[i], descriptions[i], &one);
		assert_true(
		    cms_add_nested(ret->p, ret->len, one.p, one.len, &both, &e));
		buf_clear(ret);
		*ret = both;
	}
}

static void
is_described(const struct nested_place *place, const char *want)
{
	AUTO(cms_clear) struct cms c = {0};
	struct kd_err e = {0};

	assert_true(cms_parse(place->p, place->len, &c, &e));
	assert_string_equal(c.description, want);
}

/* The longer description makes the set's order the other way round. */
static void
sequence_numbers_decide_before_the_order_in_the_set(void **state)
{
	static const char *const texts[] = {"the longest of the three", "longer", "l"};
	static const unsigned numbers[] = {1, 2, 3};
	AUTO(buf_clear) struct buf cms = {0};
	struct nested_place place;
	struct kd_err e = {0};

	(void)state;
	make_with(numbers, texts, 3, &cms);
	assert_true(nested_find(cms.p, cms.len, 0, &place, &e));
	assert_false(place.nested);
	is_described(&place, "primary");
	for (size_t i = 0; i < 3; i++) {
		assert_true(nested_find(cms.p, cms.len, i + 1, &place, &e));
		assert_true(place.nested);
		is_described(&place, texts[i]);
	}
	assert_int_equal(place.position, 0);
}

static void
without_numbers_the_order_in_the_set_counts(void **state)
{
	static const char *const texts[] = {"a long description", "l"};
	static const unsigned numbers[] = {1, 0};
	AUTO(buf_clear) struct buf cms = {0};
	struct nested_place place;
	struct kd_err e = {0};

	(void)state;
	make_with(numbers, texts, 2, &cms);
	assert_true(nested_find(cms.p, cms.len, 1, &place, &e));
	assert_int_equal(place.position, 0);
	is_described(&place, "l");
	assert_true(nested_find(cms.p, cms.len, 2, &place, &e));
	assert_int_equal(place.position, 1);
}

static void
a_number_too_high_names_the_last(void **state)
{
	AUTO(buf_clear) struct buf cms = {0};
	struct nested_place place = {.len = 77};
	struct kd_err e = {0};

	(void)state;
	make_with(NULL, NULL, 0, &cms);
	assert_false(nested_find(cms.p, cms.len, 1, &place, &e));
	assert_int_equal(e.code, KD_E_UNSIGNED);
	assert_string_equal(
	    e.msg, "has no signature 1: the first is 0, the last 0");
	assert_int_equal(place.len, 77);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(sequence_numbers_decide_before_the_order_in_the_set),
	    cmocka_unit_test(without_numbers_the_order_in_the_set_counts),
	    cmocka_unit_test(a_number_too_high_names_the_last),
	};

	return cmocka_run_group_tests_name("client/nested", t, NULL, NULL);
}
