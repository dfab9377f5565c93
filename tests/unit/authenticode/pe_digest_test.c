/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/pe_digest_test.c - digests and sums against a second, plain
 * computation in memory. */
#include "authenticode/pe_digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "authenticode/pe_sum.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/own.h"
#include "tests/unit/authenticode/pe_make.h"

/* Facts 3, word for word: 16 bits at a time, the carry added back each time. */
static uint32_t
plain_sum(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i += 2) {
		sum += (uint32_t)p[i] | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static uint32_t
plain_checksum(const uint8_t *file, size_t n, size_t checksum_off)
{
	AUTO(free) uint8_t *b = kd_memdup(file, n);

	assert_non_null(b);
	memset(&b[checksum_off], 0, 4);
	return plain_sum(b, n) + (uint32_t)n;
}

/* Facts 2: take the three holes out, fill an unsigned file to a multiple of 8, hash what
 * is left. */
static void
plain_digest(
    const char *md, const uint8_t *file, size_t n, const struct pe *pe, uint8_t *ret)
{
	AUTO(free) uint8_t *b = kd_alloc(n + 8);
	size_t len = 0;

	assert_non_null(b);
	for (size_t i = 0; i < n; i++) {
		bool hole =
		    (i >= pe->checksum_off && i < pe->checksum_off + 4u) ||
		    (i >= pe->secdir_off && i < pe->secdir_off + 8u) ||
		    (i >= pe->cert_off && i < (uint64_t)pe->cert_off + pe->cert_len);

		if (!hole)
			b[len++] = file[i];
	}
	if (pe->cert_len == 0)
		len += (8 - n % 8) % 8;
	assert_int_equal(
	    EVP_Digest(b, len, ret, NULL, EVP_get_digestbyname(md), NULL), 1);
}

static const struct pe_make shapes[] = {
    {.plus = true},
    {.plus = false},
    {.plus = true, .overlay = 1},
    {.plus = false, .overlay = 7},
    {.plus = true, .table = 24},
    {.plus = false, .overlay = 16, .table = 8},
    {.plus = true, .table = 16, .trailing = 8},
    {.plus = true, .table = 16, .trailing = 5},
};

static void
digests_and_sums_equal_the_plain_computation(void **state)
{
	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(shapes); i++) {
		uint8_t b[PE_MAKE_CAP], want[MD_LEN_MAX];
		struct kd_err e = {0};
		struct pe_digest d = {.md = {MD_SHA1, MD_SHA256, MD_SHA384, MD_SHA512}};
		struct pe pe;
		uint32_t checksum = 0;
		size_t n = pe_make(&shapes[i], b);
		AUTO(close) int fd = pe_make_fd(b, n);

		assert_true(pe_open(fd, &pe, &e));
		assert_true(pe_digest(fd, &pe, &d, &e));
		for (size_t k = 0; k < PE_DIGESTS_MAX; k++) {
			plain_digest(md_name(d.md[k]), b, n, &pe, want);
			assert_memory_equal(d.digest[k], want, md_len(d.md[k]));
		}
		assert_int_equal(d.trailing, shapes[i].trailing);
		assert_int_equal(d.checksum, plain_checksum(b, n, pe.checksum_off));
		assert_true(pe_checksum(fd, &pe, &checksum, &e));
		assert_int_equal(checksum, d.checksum);
		memset(&b[pe.checksum_off], 0, 4);
		memset(&b[pe.secdir_off], 0, 8);
		assert_int_equal(d.image_sum, plain_sum(b, (size_t)pe.image_end));
	}
}

static void
odd_header_offset_keeps_the_sum_right(void **state)
{
	const struct pe_make how = {.plus = true, .table = 16};
	uint8_t b[PE_MAKE_CAP], moved[PE_MAKE_CAP];
	struct kd_err e = {0};
	struct pe_digest d = {.md = {MD_SHA256}};
	struct pe pe;
	uint8_t want[MD_LEN_MAX];
	size_t n = pe_make(&how, b);

	(void)state;
	memcpy(moved, b, n);
	memcpy(&moved[MAKE_NT + 1], &b[MAKE_NT], MAKE_SECTIONS_PLUS + 80 - MAKE_NT);
	pe_make_put(moved, 0x3c, MAKE_NT + 1, 4);
	AUTO(close) int fd = pe_make_fd(moved, n);
	assert_true(pe_open(fd, &pe, &e));
	assert_int_equal(pe.checksum_off % 2, 1);
	assert_true(pe_digest(fd, &pe, &d, &e));
	assert_int_equal(d.checksum, plain_checksum(moved, n, pe.checksum_off));
	plain_digest("sha256", moved, n, &pe, want);
	assert_memory_equal(d.digest[0], want, 32);
}

static void
file_of_many_chunks_equals_the_plain_computation(void **state)
{
	const struct pe_make how = {.plus = true};
	const size_t n = ((size_t)1 << 20) + 12345; /* no multiple of chunk, word or 8 */
	AUTO(free) uint8_t *b = kd_alloc(n);
	struct kd_err e = {0};
	struct pe_digest d = {.md = {MD_SHA256}};
	struct pe pe;
	uint8_t want[MD_LEN_MAX];

	(void)state;
	assert_non_null(b);
	for (size_t i = pe_make(&how, b); i < n; i++)
		b[i] = (uint8_t)(i * i >> 7);
	AUTO(close) int fd = pe_make_fd(b, n);
	assert_true(pe_open(fd, &pe, &e));
	assert_true(pe_digest(fd, &pe, &d, &e));
	plain_digest("sha256", b, n, &pe, want);
	assert_memory_equal(d.digest[0], want, 32);
	assert_int_equal(d.checksum, plain_checksum(b, n, pe.checksum_off));
}

static void
sum_of_parts_in_any_order_is_the_sum_of_the_whole(void **state)
{
	uint8_t b[211];

	(void)state;
	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(255 - i * 3);
	for (size_t cut = 0; cut <= sizeof(b); cut++) {
		struct pe_sum front = {0}, back = {0};

		pe_sum_add(&back, cut, &b[cut], sizeof(b) - cut);
		pe_sum_add(&front, 0, b, cut);
		assert_int_equal(pe_sum_fold(front, back), plain_sum(b, sizeof(b)));
	}
}

static void
sum_keeps_its_two_zeros_apart(void **state)
{
	static const uint8_t zeros[64];
	uint8_t ones[64];
	struct pe_sum s = {0};

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	pe_sum_add(&s, 0, zeros, sizeof(zeros));
	assert_int_equal(pe_sum_fold(s, (struct pe_sum){0}), 0);
	pe_sum_add(&s, 64, ones, sizeof(ones));
	assert_int_equal(
	    pe_sum_fold(s, (struct pe_sum){0}), 0xffff); /* never folds to 0 */
}

static void
file_that_became_shorter_is_an_error_and_leaves_the_outputs(void **state)
{
	const struct pe_make how = {.plus = true};
	uint8_t b[PE_MAKE_CAP];
	struct kd_err e = {0};
	struct pe_digest d = {
	    .md = {MD_SHA256}, .image_sum = 7, .checksum = 8, .trailing = 9};
	struct pe pe;
	AUTO(close) int fd = pe_make_fd(b, pe_make(&how, b));

	(void)state;
	assert_true(pe_open(fd, &pe, &e));
	assert_int_equal(ftruncate(fd, 0x500), 0);
	assert_false(pe_digest(fd, &pe, &d, &e));
	assert_int_equal(e.code, KD_E_FILE);
	assert_non_null(strstr(e.msg, "ends at"));
	assert_int_equal(d.image_sum, 7);
	assert_int_equal(d.checksum, 8);
	assert_int_equal(d.trailing, 9);
	assert_int_equal(d.digest[0][0], 0);
}

static void
out_of_memory_is_an_ordinary_error(void **state)
{
	const struct pe_make how = {.plus = true};
	uint8_t b[PE_MAKE_CAP];
	struct kd_err e = {0};
	struct pe_digest d = {.md = {MD_SHA256}, .image_sum = 7};
	struct pe pe;
	AUTO(close) int fd = pe_make_fd(b, pe_make(&how, b));

	(void)state;
	assert_true(pe_open(fd, &pe, &e));
	kd_alloc_fail_at(0);
	assert_false(pe_digest(fd, &pe, &d, &e));
	kd_alloc_fail_at(-1);
	assert_int_equal(e.code, KD_E_NOMEM);
	assert_int_equal(d.image_sum, 7);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(digests_and_sums_equal_the_plain_computation),
	    cmocka_unit_test(odd_header_offset_keeps_the_sum_right),
	    cmocka_unit_test(file_of_many_chunks_equals_the_plain_computation),
	    cmocka_unit_test(sum_of_parts_in_any_order_is_the_sum_of_the_whole),
	    cmocka_unit_test(sum_keeps_its_two_zeros_apart),
	    cmocka_unit_test(file_that_became_shorter_is_an_error_and_leaves_the_outputs),
	    cmocka_unit_test(out_of_memory_is_an_ordinary_error),
	};
	return cmocka_run_group_tests_name("pe_digest", t, NULL, NULL);
}
