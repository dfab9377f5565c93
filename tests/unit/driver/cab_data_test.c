/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/driver/cab_data_test.c - a cabinet's blocks: what may be unpacked, and what
 * must not come near to a library that does. */
#include "config.h" /* _GNU_SOURCE: asprintf */

#include "driver/cab_data.h"

#include "tests/unit/authenticode/cab_make.h"
#include "tests/unit/base/test.h"

static bool
check(const struct buf *b, bool *ret_sums, struct kd_err *e)
{
	AUTO(close) int fd = cab_make_fd(b);
	AUTO(cab_clear) struct cab c = {0};
	AUTO(cab_dir_clear) struct cab_dir d = {0};

	return cab_open(fd, &c, e) && cab_dir_read(fd, &c, &d, e) &&
	       cab_data_check(fd, &c, &d, ret_sums, e);
}

static void
sums_are_told_to_lack_and_added(void **state)
{
	const struct cab_make how = {0};
	const struct buf none = {0};
	AUTO(buf_clear) struct buf in = {0}, out = {0};
	AUTO(cab_clear) struct cab c = {0};
	AUTO(cab_dir_clear) struct cab_dir d = {0};
	AUTO(close) int fd = -1, out_fd = cab_make_fd(&none);
	bool sums = true;

	(void)state;
	cab_make(&how, &in);
	assert_done(check(&in, &sums, &e));
	assert_false(sums);
	fd = cab_make_fd(&in);
	assert_done(cab_open(fd, &c, &e));
	assert_done(cab_dir_read(fd, &c, &d, &e));
	assert_done(cab_data_add_sums(fd, &c, &d, out_fd, &e));
	cab_make_slurp(out_fd, &out);
	/* "onet" ^ the two lengths, and the 'w' that is left over */
	assert_int_equal(cab_make_get32(&out, CAB_MAKE_DATA),
	    0x74656e6f ^ 0x00050005 ^ 'w');
	assert_done(check(&out, &sums, &e));
	assert_true(sums);
	out.p[CAB_MAKE_DATA + 8] ^= 1;
	assert_fails(check(&out, &sums, &e), KD_E_FORMAT,
	    "folder 1 of 2: block 1 of 1: csum is 0x74606e1d, the data's sum is "
	    "0x74606e1c: it is damaged");
}

static void
malformed_blocks_are_named(void **state)
{
	static const struct {
		size_t off, width;
		uint64_t v;
		const char *msg;
	} cases[] = {
	    {CAB_MAKE_DATA + 4, 2, 4,
		"folder 1 of 2: block 1 of 1: cbData is 4, expected 5 (cbUncomp) of what "
		"is not compressed"},
	    {CAB_MAKE_DATA + 6, 2, 0,
		"folder 1 of 2: block 1 of 1: cbUncomp is 0, expected 1 to 32768"},
	    {CAB_MAKE_DATA + 6, 2, 32769,
		"folder 1 of 2: block 1 of 1: cbUncomp is 32769, expected 1 to 32768"},
	    {CAB_MAKE_FOLDERS + 4, 2, 2,
		"folder 1 of 2: block 1 of 2: cbUncomp is 5, expected 32768"},
	    {CAB_MAKE_FOLDERS + 6, 2, 1,
		"folder 1 of 2: block 1 of 1: no MSZIP signature at offset 0"},
	    {CAB_MAKE_FOLDERS + 6, 2, 2,
		"folder 1 of 2: typeCompress is 0x0002, expected 1 (MSZIP) or 0 (not "
		"compressed)"},
	    {CAB_MAKE_FOLDERS + 8, 4, CAB_MAKE_DATA,
		"folder 2 of 2: coffCabStart is 132, expected 145 (the end of the folder "
		"before) at least"},
	    {CAB_MAKE_FOLDERS + 8, 4, 152,
		"folder 2 of 2: block 1 of 1: would begin at offset 0x98, too near to the "
		"cabinet's end at 0x9e"},
	    {CAB_MAKE_DATA + 13 + 4, 4, 0x00060006,
		"folder 2 of 2: block 1 of 1: cbData is 6, but the cabinet has 5 bytes "
		"more"},
	    {CAB_MAKE_TWO + 4, 4, 2,
		"'a\\two.txt': uoffFolderStart is 2, expected 3 (the end of the file "
		"before) at least"},
	    {CAB_MAKE_THREE, 4, 6,
		"'b\\three.txt' ends 1 bytes behind the data of folder 2"},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		const struct cab_make how = {0};
		AUTO(buf_clear) struct buf in = {0};
		bool sums;

		cab_make(&how, &in);
		cab_make_put(&in, cases[i].off, cases[i].v, cases[i].width);
		assert_fails(check(&in, &sums, &e), KD_E_FORMAT, cases[i].msg);
	}
}

static void
what_libgcab_is_not_asked_about_is_refused(void **state)
{
	static const struct {
		struct cab_make how;
		const char *msg;
	} cases[] = {
	    {{.next = true},
		"is one of a set of cabinets, expected one that stands alone"},
	    {{.prev = true},
		"is one of a set of cabinets, expected one that stands alone"},
	    {{.reserve = true, .folder_area = 4},
		"cbCFFolder and cbCFData at offset 0x26 are 4 and 0, expected 0"},
	    {{.reserve = true, .data_area = 4},
		"cbCFFolder and cbCFData at offset 0x26 are 0 and 4, expected 0"},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf in = {0};
		bool sums;

		cab_make(&cases[i].how, &in);
		assert_fails(check(&in, &sums, &e), KD_E_FORMAT, cases[i].msg);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sums_are_told_to_lack_and_added),
	    cmocka_unit_test(malformed_blocks_are_named),
	    cmocka_unit_test(what_libgcab_is_not_asked_about_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
