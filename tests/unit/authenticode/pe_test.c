/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/pe_test.c - pe_open: what it reads, and each sentence it
 * refuses with. */
#include "authenticode/pe.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/num.h"
#include "base/own.h"
#include "tests/unit/authenticode/pe_make.h"

struct patch {
	size_t off;
	uint64_t v;
	size_t width; /* 0 ends */
};

struct refusal {
	struct pe_make how;
	struct patch patch[3];
	size_t cut; /* new length, 0 for all */
	enum kd_code code;
	const char *msg;
};

#define SIGNED_PLUS                                                                      \
	{                                                                                \
		.plus = true, .table = 16                                                \
	}
#define OPEN_PLUS                                                                        \
	{                                                                                \
		.plus = true                                                             \
	}
#define OPEN_PE32                                                                        \
	{                                                                                \
		.plus = false                                                            \
	}

static const struct refusal refusals[] = {
    {OPEN_PLUS, {{0}}, 1, KD_E_FORMAT,
	"DOS signature at offset 0 needs 2 bytes; the data ends at 0x1"},
    {OPEN_PLUS, {{0, 0x5a4e, 2}}, 0, KD_E_FORMAT,
	"not a PE image: DOS signature at offset 0 is 0x5a4e, expected 0x5a4d (MZ)"},
    {OPEN_PLUS, {{0}}, 4, KD_E_FORMAT,
	"DOS header at offset 0x2 needs 58 bytes; the data ends at 0x4"},
    {OPEN_PLUS, {{0}}, 0x3e, KD_E_FORMAT,
	"e_lfanew at offset 0x3c needs 4 bytes; the data ends at 0x3e"},
    {OPEN_PLUS, {{0x3c, 0x3f, 4}}, 0, KD_E_FORMAT,
	"e_lfanew at offset 0x3c is 0x3f, expected at least 0x40"},
    {OPEN_PLUS, {{0x3c, 0xfffffff0, 4}}, 0, KD_E_FORMAT,
	"e_lfanew at offset 0x3c is 0xfffffff0; the file ends at 0x600"},
    {OPEN_PLUS, {{0x3c, 0x5fe, 4}}, 0, KD_E_FORMAT,
	"e_lfanew 0x5fe: PE signature at offset 0x5fe needs 4 bytes; the data ends at "
	"0x600"},
    {OPEN_PLUS, {{0}}, 0x86, KD_E_FORMAT,
	"e_lfanew 0x80: NumberOfSections at offset 0x86 needs 2 bytes; the data ends at "
	"0x86"},
    {OPEN_PLUS, {{MAKE_NT, 0x454e, 2}}, 0, KD_E_FORMAT,
	"not a PE image: PE signature at offset 0x80 is 0x0000454e, expected 0x00004550 "
	"(PE)"},
    {OPEN_PLUS, {{MAKE_NT + 6, 1025, 2}}, 0, KD_E_LIMIT,
	"NumberOfSections at offset 0x86 is 1025, at most 1024 are accepted"},
    {OPEN_PLUS, {{MAKE_NT + 6, 200, 2}}, 0, KD_E_FORMAT,
	"section table of 200 entries at offset 0x188 ends at 0x20c8; the file ends at "
	"0x600"},
    {OPEN_PLUS, {{MAKE_OPT, 0x107, 2}}, 0, KD_E_FORMAT,
	"optional header's Magic at offset 0x98 is 0x107, expected 0x10b (PE32) or 0x20b "
	"(PE32+)"},
    {OPEN_PLUS, {{0}}, MAKE_OPT, KD_E_FORMAT,
	"optional header's Magic at offset 0x98 needs 2 bytes; the data ends at 0x98"},
    {OPEN_PLUS, {{MAKE_NT + 20, 151, 2}}, 0, KD_E_FORMAT,
	"SizeOfOptionalHeader at offset 0x94 is 151, expected at least 152, which hold "
	"the certificate "
	"table's directory entry"},
    {OPEN_PE32, {{MAKE_NT + 20, 135, 2}}, 0, KD_E_FORMAT,
	"SizeOfOptionalHeader at offset 0x94 is 135, expected at least 136, which hold "
	"the certificate "
	"table's directory entry"},
    {OPEN_PLUS, {{MAKE_NT + 20, 0xffff, 2}}, 0, KD_E_FORMAT,
	"section table of 2 entries at offset 0x10097 ends at 0x100e7; the file ends at "
	"0x600"},
    {OPEN_PLUS, {{0}}, MAKE_CHECKSUM + 2, KD_E_FORMAT,
	"CheckSum at offset 0xd8 needs 4 bytes; the data ends at 0xda"},
    {OPEN_PLUS, {{MAKE_OPT + 108, 4, 4}}, 0, KD_E_FORMAT,
	"NumberOfRvaAndSizes at offset 0x104 is 4, expected at least 5"},
    {OPEN_PE32, {{MAKE_OPT + 92, 0, 4}}, 0, KD_E_FORMAT,
	"NumberOfRvaAndSizes at offset 0xf4 is 0, expected at least 5"},
    {OPEN_PLUS, {{0}}, MAKE_SECDIR_PLUS + 6, KD_E_FORMAT,
	"certificate table's size at offset 0x12c needs 4 bytes; the data ends at 0x12e"},
    {SIGNED_PLUS, {{MAKE_SECDIR_PLUS + 4, 0, 4}}, 0, KD_E_FORMAT,
	"certificate table's size at offset 0x12c is 0 (table at 0x600), expected at "
	"least 8, or 0 for both"},
    {SIGNED_PLUS, {{MAKE_SECDIR_PLUS, 0, 4}}, 0, KD_E_FORMAT,
	"certificate table's offset at 0x128 is 0x0, inside the headers, which end at "
	"0x1d8"},
    {SIGNED_PLUS, {{MAKE_SECDIR_PLUS, 0x1d0, 4}}, 0, KD_E_FORMAT,
	"certificate table's offset at 0x128 is 0x1d0, inside the headers, which end at "
	"0x1d8"},
    {SIGNED_PLUS, {{MAKE_SECDIR_PLUS, 0x5fc, 4}}, 0, KD_E_FORMAT,
	"certificate table's offset at 0x128 is 0x5fc, expected a multiple of 8"},
    {SIGNED_PLUS, {{0}}, 0x608, KD_E_FORMAT,
	"certificate table at offset 0x600 with 16 bytes ends at 0x610; the file ends at "
	"0x608"},
    {SIGNED_PLUS,
	{{MAKE_SECDIR_PLUS, 0xfffffff8, 4}, {MAKE_SECDIR_PLUS + 4, 0xffffffff, 4}}, 0,
	KD_E_FORMAT,
	"certificate table at offset 0xfffffff8 with 4294967295 bytes ends at "
	"0x1fffffff7; the file ends at "
	"0x610"},
    {OPEN_PLUS, {{0}}, 0x5ff, KD_E_FORMAT,
	"section 2: data at offset 0x400 with 512 bytes ends at 0x600; the file ends at "
	"0x5ff"},
    {OPEN_PLUS,
	{{MAKE_SECTIONS_PLUS + 16, 0xffffffff, 4},
	    {MAKE_SECTIONS_PLUS + 20, 0xffffffff, 4}},
	0, KD_E_FORMAT,
	"section 1: data at offset 0xffffffff with 4294967295 bytes ends at 0x1fffffffe; "
	"the file ends at "
	"0x600"},
};

static void
each_refusal_names_field_offset_value_and_expectation(void **state)
{
	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(refusals); i++) {
		const struct refusal *c = &refusals[i];
		uint8_t b[PE_MAKE_CAP];
		struct kd_err e = {0};
		struct pe pe = {.machine = 7};
		size_t n = pe_make(&c->how, b);

		for (const struct patch *p = c->patch; p < &c->patch[3] && p->width > 0;
		     p++)
			pe_make_put(b, p->off, p->v, p->width);
		AUTO(close) int fd = pe_make_fd(b, c->cut > 0 ? c->cut : n);
		assert_false(pe_open(fd, &pe, &e));
		assert_string_equal(e.msg, c->msg);
		assert_int_equal(e.code, c->code);
		assert_int_equal(pe.machine, 7);
	}
}

static void
empty_file_is_no_image(void **state)
{
	struct kd_err e = {0};
	struct pe pe;
	AUTO(close) int fd = pe_make_fd("", 0);

	(void)state;
	assert_false(pe_open(fd, &pe, &e));
	assert_int_equal(e.code, KD_E_FORMAT);
	assert_string_equal(e.msg, "is empty: there is no byte in it");
}

static void
unsigned_pe32_plus_is_described(void **state)
{
	const struct pe_make how = {.plus = true, .overlay = 5};
	uint8_t b[PE_MAKE_CAP];
	struct kd_err e = {0};
	struct pe pe;
	AUTO(close) int fd = pe_make_fd(b, pe_make(&how, b));

	(void)state;
	assert_true(pe_open(fd, &pe, &e));
	assert_true(pe.plus);
	assert_int_equal(pe.size, 0x605);
	assert_int_equal(pe.nt_off, MAKE_NT);
	assert_int_equal(pe.machine, 0x8664);
	assert_int_equal(pe.subsystem, 1);
	assert_int_equal(pe.characteristics, 0x2022);
	assert_int_equal(pe.nsections, 2);
	assert_int_equal(pe.headers_end, MAKE_SECTIONS_PLUS + 80);
	assert_int_equal(pe.checksum_off, MAKE_CHECKSUM);
	assert_int_equal(pe.checksum, 0x11223344);
	assert_int_equal(pe.secdir_off, MAKE_SECDIR_PLUS);
	assert_int_equal(pe.cert_off, 0);
	assert_int_equal(pe.cert_len, 0);
	assert_int_equal(pe.image_end, 0x605);
	assert_int_equal(pe.trailing, 0);
	assert_int_equal(pe.mapped_table, 0);
}

static void
signed_pe32_with_data_after_the_table_is_described(void **state)
{
	const struct pe_make how = {.overlay = 8, .table = 24, .trailing = 3};
	uint8_t b[PE_MAKE_CAP];
	struct kd_err e = {0};
	struct pe pe;
	AUTO(close) int fd = pe_make_fd(b, pe_make(&how, b));

	(void)state;
	assert_true(pe_open(fd, &pe, &e));
	assert_false(pe.plus);
	assert_int_equal(pe.machine, 0x14c);
	assert_int_equal(pe.secdir_off, MAKE_SECDIR_PE32);
	assert_int_equal(pe.headers_end, MAKE_SECTIONS_PE32 + 80);
	assert_int_equal(pe.cert_off, 0x608);
	assert_int_equal(pe.cert_len, 24);
	assert_int_equal(pe.image_end, 0x608);
	assert_int_equal(pe.trailing, 3);
}

static void
section_over_the_certificate_table_is_reported(void **state)
{
	const struct pe_make how = {.plus = true, .table = 16};
	uint8_t b[PE_MAKE_CAP];
	struct kd_err e = {0};
	struct pe pe;
	size_t n = pe_make(&how, b);

	(void)state;
	pe_make_put(b, MAKE_SECTIONS_PLUS + 40 + 16, 0x201, 4); /* one byte too far */
	AUTO(close) int fd = pe_make_fd(b, n);
	assert_true(pe_open(fd, &pe, &e));
	assert_int_equal(pe.mapped_table, 2);
}

static void
uninitialised_section_needs_no_data(void **state)
{
	const struct pe_make how = {.plus = true};
	uint8_t b[PE_MAKE_CAP];
	struct kd_err e = {0};
	struct pe pe;
	size_t n = pe_make(&how, b);

	(void)state;
	pe_make_put(b, MAKE_SECTIONS_PLUS + 16, 0x10000, 4);
	pe_make_put(b, MAKE_SECTIONS_PLUS + 20, 0, 4);
	pe_make_put(b, MAKE_SECTIONS_PLUS + 40 + 16, 0, 4);
	pe_make_put(b, MAKE_SECTIONS_PLUS + 40 + 20, 0xfffff000, 4);
	AUTO(close) int fd = pe_make_fd(b, n);
	assert_true(pe_open(fd, &pe, &e));
}

static void
every_section_header_is_read_window_by_window(void **state)
{
	const struct pe_make how = {.plus = true, .overlay = 6000};
	uint8_t b[PE_MAKE_CAP];
	struct kd_err e = {0};
	struct pe pe;
	size_t n = pe_make(&how, b);

	(void)state;
	/* 150 sections: two whole windows and a part; the last one's data is cut off */
	pe_make_put(b, MAKE_NT + 6, 150, 2);
	memset(&b[MAKE_SECTIONS_PLUS], 0, 150 * 40);
	pe_make_put(b, MAKE_SECTIONS_PLUS + 149 * 40 + 16, 2, 4);
	pe_make_put(b, MAKE_SECTIONS_PLUS + 149 * 40 + 20, n - 1, 4);
	AUTO(close) int fd = pe_make_fd(b, n);
	assert_false(pe_open(fd, &pe, &e));
	assert_string_equal(e.msg, "section 150: data at offset 0x1d6f with 2 bytes ends "
				   "at 0x1d71; the file ends at 0x1d70");
}

static void
over_4_gib_is_refused_by_its_size_alone(void **state)
{
	const struct pe_make how = {.plus = true};
	uint8_t b[PE_MAKE_CAP];
	struct kd_err e = {0};
	struct pe pe;
	AUTO(close) int fd = pe_make_fd(b, pe_make(&how, b));

	(void)state;
	assert_int_equal(ftruncate(fd, 0xffffffff), 0); /* sparse */
	assert_true(pe_open(fd, &pe, &e));
	assert_int_equal(ftruncate(fd, 0x100000000), 0);
	assert_false(pe_open(fd, &pe, &e));
	assert_int_equal(e.code, KD_E_LIMIT);
	assert_string_equal(e.msg, "is 4294967296 bytes long; a PE image has at most "
				   "4294967295, its offsets are "
				   "32 bits");
}

static void
what_is_no_regular_file_is_refused(void **state)
{
	struct kd_err dir_err = {0}, closed_err = {0};
	struct pe pe;
	AUTO(close) int dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_false(pe_open(dir, &pe, &dir_err));
	assert_int_equal(dir_err.code, KD_E_FILE);
	assert_string_equal(dir_err.msg, "is not a regular file");
	assert_false(pe_open(-1, &pe, &closed_err));
	assert_int_equal(closed_err.code, KD_E_FILE);
	assert_string_equal(closed_err.msg, "cannot be examined: Bad file descriptor");
}

static void
machines_have_names_and_unknown_ones_a_number(void **state)
{
	static const struct {
		uint16_t machine;
		const char *name;
	} cases[] = {{0x14c, "x86"}, {0x8664, "x64"}, {0xaa64, "arm64"}, {0x1c4, "armnt"},
	    {0x200, "ia64"}, {0xebc, "ebc"}, {0x5064, "riscv64"}, {0x6264, "loongarch64"},
	    {0xa641, "arm64ec"}, {0xabcd, "machine 0xabcd"}, {0x1, "machine 0x0001"}};
	char buf[20];

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++)
		assert_string_equal(
		    pe_machine_name(cases[i].machine, buf), cases[i].name);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(each_refusal_names_field_offset_value_and_expectation),
	    cmocka_unit_test(empty_file_is_no_image),
	    cmocka_unit_test(unsigned_pe32_plus_is_described),
	    cmocka_unit_test(signed_pe32_with_data_after_the_table_is_described),
	    cmocka_unit_test(section_over_the_certificate_table_is_reported),
	    cmocka_unit_test(uninitialised_section_needs_no_data),
	    cmocka_unit_test(every_section_header_is_read_window_by_window),
	    cmocka_unit_test(over_4_gib_is_refused_by_its_size_alone),
	    cmocka_unit_test(what_is_no_regular_file_is_refused),
	    cmocka_unit_test(machines_have_names_and_unknown_ones_a_number),
	};
	return cmocka_run_group_tests_name("pe", t, NULL, NULL);
}
