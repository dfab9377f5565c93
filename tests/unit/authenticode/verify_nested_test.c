/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/verify_nested_test.c - images with nested signatures and with
 * page hashes. */
#include "authenticode/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "authenticode/cms_edit.h"
#include "authenticode/pe_embed.h"
#include "authenticode/pe_pages.h"
#include "base/num.h"
#include "tests/unit/authenticode/demo_pki.h"
#include "tests/unit/authenticode/pe_make.h"

#define NESTED_CAP 65536

static const struct pe_make shape = {.plus = true};
static const struct demo_signature rsa = {
    "rsa2048", "rsa2048.chain", MD_SHA256, NULL, NULL};

static bool
verify_bytes(const uint8_t *p, size_t n, struct verify_report *r, struct kd_err *e)
{
	AUTO(certs_free) struct certs *roots = demo_certs("root.pem");
	const struct verify_options o = {
	    .roots = roots, .tsa_roots = roots, .at = (int64_t)time(NULL)};
	AUTO(close) int fd = pe_make_fd(p, n);

	return verify_file(fd, &o, r, e);
}

static bool
has_step(const struct verify_signature *s, const char *name, enum verify_result result)
{
	for (size_t i = 0; i < s->steps_n; i++)
		if (strcmp(s->steps[i].name, name) == 0)
			return s->steps[i].result == result;
	return false;
}

/* The image with a signature of how, over content, and with nested ones if there are. */
static size_t
make_nested(const struct demo_signature *how, const struct buf *nested, size_t n,
    uint8_t out[NESTED_CAP])
{
	AUTO(buf_clear) struct buf cms = {0};
	struct pe_digest d = {.md = {how->md}};
	struct kd_err e = {0};
	uint8_t b[PE_MAKE_CAP];
	int in = pe_make_fd(b, pe_make(&shape, b)), to = pe_make_fd("", 0);
	struct pe pe;
	size_t len;

	assert_true(pe_open(in, &pe, &e) && pe_digest(in, &pe, &d, &e));
	demo_cms(how, d.digest[0], &cms, NULL);
	for (size_t i = 0; i < n; i++) {
		AUTO(buf_clear) struct buf next = {0};

		assert_true(cms_add_nested(
		    cms.p, cms.len, nested[i].p, nested[i].len, &next, &e));
		buf_reset(&cms);
		buf_add(&cms, next.p, next.len);
	}
	assert_true(pe_embed(in, &pe, &d, cms.p, cms.len, to, &e));
	len = pe_make_slurp(to, out, NESTED_CAP);
	close(in);
	close(to);
	return len;
}

/* A nested signature of that number. */
static void
make_inner(enum md md, unsigned sequence, uint8_t spoil, struct buf *ret)
{
	struct demo_signature how = {"p256", "p256.chain", md, NULL, NULL};
	AUTO(buf_clear) struct buf spc = {0};
	struct pe_digest d = {.md = {md}};
	struct kd_err e = {0};
	uint8_t b[PE_MAKE_CAP];
	int in = pe_make_fd(b, pe_make(&shape, b));
	struct pe pe;

	assert_true(pe_open(in, &pe, &e) && pe_digest(in, &pe, &d, &e));
	d.digest[0][0] ^= spoil;
	assert_true(spc_build_pe(md, d.digest[0], NULL, 0, &spc, &e));
	demo_cms_over(&how,
	    &(struct cms_signed){.type = CMS_SPC,
		.content = spc.p,
		.content_len = spc.len,
		.sequence = sequence},
	    ret);
	close(in);
}

static void
nested_ones_come_by_their_number_when_all_have_one(void **state)
{
	static const unsigned numbers[][3] = {{3, 1, 2}, {2, 0, 1}};
	static const enum md mds[] = {MD_SHA256, MD_SHA384, MD_SHA512};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(numbers); i++) {
		AUTO(verify_report_clear) struct verify_report r = {0};
		struct buf inner[3] = {0};
		uint8_t file[NESTED_CAP];
		struct kd_err e = {0};

		for (size_t k = 0; k < 3; k++)
			make_inner(mds[k], numbers[i][k], 0, &inner[k]);
		if (!verify_bytes(file, make_nested(&rsa, inner, 3, file), &r, &e))
			fail_msg("%s", e.msg);
		assert_int_equal(r.sigs_n, 4);
		assert_true(has_step(&r.sigs[0], "nested signatures", VERIFY_OK));
		for (size_t k = 0; k < 4; k++) {
			assert_true(r.sigs[k].ok && r.sigs[k].nested == (k > 0));
			assert_int_equal(r.sigs[k].index, k);
			if (i == 0)
				assert_int_equal(r.sigs[k].cms.sequence, k);
			else if (k > 0) /* as they are stored */
				assert_int_equal(r.sigs[k].position, k - 1);
		}
		for (size_t k = 0; k < 3; k++)
			buf_clear(&inner[k]);
	}
}

static void
nested_one_of_another_image_is_refused(void **state)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	AUTO(buf_clear) struct buf inner = {0};
	uint8_t file[NESTED_CAP];
	struct kd_err e = {0};
	(void)state;

	make_inner(MD_SHA256, 1, 0x80, &inner);
	assert_false(verify_bytes(
	    file, make_nested(&rsa, &inner, 1, file), &r, &e));
	assert_int_equal(e.code, KD_E_NOT_VERIFIED);
	assert_true(strncmp(e.msg,
			"nested signatures: signature 1: image digest: signature says ",
			61) == 0);
	assert_true(!r.sigs[1].intact && r.sigs[0].intact);
}

/* How many is bounded, for what they cost. */
static void
more_signatures_than_any_file_has_are_refused(void **state)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	struct buf inner[VERIFY_SIGNATURES_MAX] = {0};
	static uint8_t file[NESTED_CAP];
	struct kd_err e = {0};
	size_t n;
	(void)state;

	for (unsigned i = 0; i < VERIFY_SIGNATURES_MAX; i++)
		make_inner(MD_SHA256, i + 1, 0, &inner[i]);
	n = make_nested(&rsa, inner, VERIFY_SIGNATURES_MAX, file);
	assert_false(verify_bytes(file, n, &r, &e));
	assert_int_equal(e.code, KD_E_LIMIT);
	assert_string_equal(e.msg, "more than 16 signatures");
	for (size_t i = 0; i < r.sigs_n; i++)
		assert_false(r.sigs[i].ok || r.sigs[i].intact);
	for (size_t i = 0; i < VERIFY_SIGNATURES_MAX; i++)
		buf_clear(&inner[i]);
}

static void
page_hashes_are_compared(void **state)
{
	(void)state;
	for (int bad = 0; bad < 2; bad++) {
		AUTO(verify_report_clear) struct verify_report r = {0};
		AUTO(buf_clear) struct buf pages = {0};
		AUTO(buf_clear) struct buf spc = {0};
		AUTO(buf_clear) struct buf cms = {0};
		struct pe_digest d = {.md = {MD_SHA256}};
		uint8_t b[PE_MAKE_CAP], file[NESTED_CAP];
		size_t n = pe_make(&shape, b);
		int in, to = pe_make_fd("", 0);
		struct kd_err e = {0};
		struct pe pe;

		pe_make_put(b, MAKE_OPT + 60, 0x200, 4); /* SizeOfHeaders */
		in = pe_make_fd(b, n);
		assert_true(pe_open(in, &pe, &e) && pe_digest(in, &pe, &d, &e));
		assert_true(pe_pages(in, &pe, MD_SHA256, &pages, &e));
		pages.p[2 * 36 + 4] ^= (uint8_t)bad;
		assert_true(spc_build_pe(
		    MD_SHA256, d.digest[0], pages.p, pages.len, &spc, &e));
		demo_cms_over(&rsa,
		    &(struct cms_signed){.type = CMS_SPC,
			.content = spc.p,
			.content_len = spc.len},
		    &cms);
		assert_true(pe_embed(in, &pe, &d, cms.p, cms.len, to, &e));
		n = pe_make_slurp(to, file, NESTED_CAP);
		assert_int_equal(verify_bytes(file, n, &r, &e), bad == 0);
		if (bad == 0)
			assert_true(has_step(&r.sigs[0], "page hashes", VERIFY_OK));
		else
			assert_true(strncmp(e.msg,
					"page hashes: page at offset 0x400: the table "
					"says sha256 ",
					57) == 0);
		close(in);
		close(to);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nested_ones_come_by_their_number_when_all_have_one),
	    cmocka_unit_test(nested_one_of_another_image_is_refused),
	    cmocka_unit_test(more_signatures_than_any_file_has_are_refused),
	    cmocka_unit_test(page_hashes_are_compared),
	};

	return cmocka_run_group_tests_name("verify_nested", tests, NULL, NULL);
}
