/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/efi_check_test.c - an EFI binary, and each thing that makes it
 * none. */
#include "authenticode/efi_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/num.h"
#include "tests/unit/authenticode/pe_make.h"

enum {
	ENTRY = MAKE_OPT + 16,
	FILE_ALIGN = MAKE_OPT + 36,
	IMAGE_SIZE = MAKE_OPT + 56,
	HEADERS_SIZE = MAKE_OPT + 60,
	SUBSYSTEM = MAKE_OPT + 68,
	DLL_FLAGS = MAKE_OPT + 70,
	DIRECTORIES = MAKE_OPT + 108,
	TEXT = MAKE_SECTIONS_PLUS,
	SBAT = MAKE_SECTIONS_PLUS + 40
};

static const struct pe_make shape = {.plus = true};

static void
put_section(uint8_t *b, size_t off, const char *name, uint32_t at, uint32_t flags)
{
	memset(&b[off], 0, 8);
	memcpy(&b[off], name, strlen(name));
	pe_make_put(b, off + 8, 0x200, 4);
	pe_make_put(b, off + 12, at, 4);
	pe_make_put(b, off + 36, flags, 4);
}

/* x64, an application, with all that firmware and shim ask for. */
static size_t
make_efi(const struct pe_make *how, uint8_t b[PE_MAKE_CAP])
{
	size_t n = pe_make(how, b);

	pe_make_put(b, ENTRY, 0x1000, 4);
	pe_make_put(b, FILE_ALIGN, 0x200, 4);
	pe_make_put(b, IMAGE_SIZE, 0x3000, 4);
	pe_make_put(b, HEADERS_SIZE, 0x200, 4);
	pe_make_put(b, SUBSYSTEM, 10, 2);
	pe_make_put(b, DLL_FLAGS, 0x100, 2);
	put_section(b, TEXT, ".text", 0x1000, 0x60000020);
	put_section(b, SBAT, ".sbat", 0x2000, 0x40000040);
	return n;
}

static void
check(const uint8_t *b, size_t n, struct efi_report *ret)
{
	int fd = pe_make_fd(b, n);
	struct kd_err e = {0};
	struct pe pe;

	if (!pe_open(fd, &pe, &e) || !efi_check(fd, &pe, ret, &e))
		fail_msg("%s", e.msg);
	close(fd);
}

/* The finding of that name. */
static const struct efi_finding *
find(const struct efi_report *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->v[i].name, name) == 0)
			return &r->v[i];
	fail_msg("no finding '%s'", name);
	return NULL;
}

static void
a_good_one_has_nothing_to_say_against_it(void **state)
{
	static const char *const names[] = {"machine", "subsystem", "headers", "sections",
	    "entry point", "certificate table", "sbat", "nx"};
	const struct pe_make how = {.plus = true, .table = 16};
	uint8_t b[PE_MAKE_CAP];
	size_t n = make_efi(&how, b);
	struct efi_report r;
	struct kd_err e = {0};

	(void)state;
	check(b, n, &r);
	assert_true(r.ok);
	assert_int_equal(r.n, KD_ARRAY_LEN(names));
	for (size_t i = 0; i < r.n; i++) {
		assert_string_equal(r.v[i].name, names[i]);
		if (r.v[i].result != EFI_FINE)
			fail_msg("%s: %s", names[i], r.v[i].detail);
	}
	assert_true(efi_refuse(&r, &e));
}

#define MORE                                                                             \
	"firmware would come to another digest"
static const struct {
	size_t off, width;
	uint64_t value;
	const char *name;
	enum efi_result result;
	const char *detail;
} changes[] = {
    {MAKE_NT + 4, 2, 0x200, "machine", EFI_REFUSED,
	"ia64, for which there is no UEFI: x64, x86, arm64, thumb, riscv32, riscv64 or "
	"loongarch64 expected"},
    {MAKE_NT + 4, 2, 0x14c, "machine", EFI_REFUSED, "x86 in PE32+, expected PE32"},
    {MAKE_NT + 4, 2, 0xaa64, "machine", EFI_FINE, "arm64"},
    {MAKE_NT + 4, 2, 0x5064, "machine", EFI_FINE, "riscv64"},
    {SUBSYSTEM, 2, 1, "subsystem", EFI_REFUSED,
	"1, expected 10 (EFI application), 11 (boot service driver), 12 (runtime driver) or "
	"13 (ROM)"},
    {SUBSYSTEM, 2, 12, "subsystem", EFI_FINE, "EFI runtime driver"},
    {SUBSYSTEM, 2, 13, "subsystem", EFI_FINE, "EFI ROM"},
    {SUBSYSTEM, 2, 14, "subsystem", EFI_REFUSED, NULL},
    {FILE_ALIGN, 4, 0x201, "headers", EFI_REFUSED, "FileAlignment is 513, which is odd"},
    {DIRECTORIES, 4, 17, "headers", EFI_REFUSED,
	"NumberOfRvaAndSizes is 17, expected 6 to 16"},
    {DIRECTORIES, 4, 5, "headers", EFI_REFUSED, NULL},
    {DIRECTORIES, 4, 15, "headers", EFI_REFUSED,
	"SizeOfOptionalHeader is 240, but 15 data directories make 232"},
    {HEADERS_SIZE, 4, 0x1d0, "headers", EFI_REFUSED, NULL},
    {HEADERS_SIZE, 4, 0x601, "headers", EFI_REFUSED,
	"SizeOfHeaders is 0x601; the section table ends at 0x1d8, the image at 0x600"},
    {IMAGE_SIZE, 4, 0x1ff, "headers", EFI_REFUSED,
	"SizeOfImage is 0x1ff, too little for the headers"},
    {MAKE_NT + 22, 2, 0x2023, "headers", EFI_REFUSED,
	"relocations have been stripped: no loader can place it"},
    {SBAT + 12, 4, 0x2e01, "sections", EFI_REFUSED,
	"section 2 ends at 0x3001 in memory; the image has 0x3000 bytes"},
    {SBAT + 12, 4, 0xffffff00, "sections", EFI_REFUSED, NULL},
    {SBAT + 8, 4, 0, "sections", EFI_REFUSED, "section 2 has no size in memory"},
    {TEXT + 12, 4, 0x1ff, "sections", EFI_REFUSED,
	"section 1 lies inside the headers, which have 0x200 bytes"},
    {TEXT + 20, 4, 0x100, "sections", EFI_REFUSED,
	"section 1 lies inside the headers, which have 0x200 bytes"},
    {SBAT + 20, 4, 0x3ff, "sections", EFI_REFUSED,
	"section 2's data begins at 0x3ff, overlapping what is before it at 0x400: " MORE},
    {TEXT + 16, 4, 0x1f0, "sections", EFI_REFUSED,
	"section 2's data begins at 0x400, with a gap behind what is before it at 0x3f0: " MORE},
    {ENTRY, 4, 0x1200, "entry point", EFI_REFUSED, "0x1200, in 0 sections, expected one"},
    {SBAT + 12, 4, 0x1000, "entry point", EFI_REFUSED, "0x1000, in 2 sections, expected one"},
    {SBAT, 1, 'x', "sbat", EFI_WARNED,
	"no .sbat section: shim since 15.3 does not load it; firmware does"},
    {TEXT, 8, 0x746162732e, "sbat", EFI_WARNED,
	"2 .sbat sections, 2 of them whole, expected one: shim since 15.3 does not load it"},
    {SBAT + 8, 4, 0x201, "sbat", EFI_WARNED, NULL},
    {DLL_FLAGS, 2, 0, "nx", EFI_WARNED,
	"DllCharacteristics lacks NX_COMPAT: refused where NX is required"},
    {TEXT + 36, 4, 0xe0000020, "nx", EFI_WARNED,
	"section 1 is writable and executable: refused where NX is required"},
};

static void
each_change_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(changes); i++) {
		uint8_t b[PE_MAKE_CAP];
		size_t n = make_efi(&shape, b);
		const struct efi_finding *f;
		struct efi_report r;
		struct kd_err e = {0};

		pe_make_put(b, changes[i].off, changes[i].value, changes[i].width);
		check(b, n, &r);
		f = find(&r, changes[i].name);
		if (f->result != changes[i].result)
			fail_msg("change %zu: %s: %s", i, f->name, f->detail);
		if (changes[i].detail != NULL)
			assert_string_equal(f->detail, changes[i].detail);
		if (f->result != EFI_REFUSED)
			continue;
		assert_false(r.ok);
		assert_false(efi_refuse(&r, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_non_null(strstr(e.msg, "no EFI binary: "));
	}
}

static void
the_certificate_table_is_the_end(void **state)
{
	static const struct {
		size_t table, trailing;
		const char *detail;
	} cases[] = {
	    {16, 8, "8 bytes follow it, expected none: " MORE},
	    {20, 0, "20 bytes, expected a multiple of 8"},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		const struct pe_make how = {.plus = true,
		    .table = cases[i].table,
		    .trailing = cases[i].trailing};
		uint8_t b[PE_MAKE_CAP];
		size_t n = make_efi(&how, b);
		struct efi_report r;

		check(b, n, &r);
		assert_false(r.ok);
		assert_string_equal(find(&r, "certificate table")->detail, cases[i].detail);
	}
}

static void
without_memory_it_says_so(void **state)
{
	uint8_t b[PE_MAKE_CAP];
	int fd = pe_make_fd(b, make_efi(&shape, b));
	struct kd_err e = {0};
	bool done = false;
	struct pe pe;

	(void)state;
	assert_true(pe_open(fd, &pe, &e));
	for (long nth = 0; !done; nth++) {
		struct efi_report r = {.n = 7};

		kd_alloc_fail_at(nth);
		done = efi_check(fd, &pe, &r, &e);
		kd_alloc_fail_at(-1);
		if (!done) {
			assert_int_equal(e.code, KD_E_NOMEM);
			assert_int_equal(r.n, 7);
		}
		e = (struct kd_err){0};
		assert_true(nth < 20);
	}
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_good_one_has_nothing_to_say_against_it),
	    cmocka_unit_test(each_change_is_found),
	    cmocka_unit_test(the_certificate_table_is_the_end),
	    cmocka_unit_test(without_memory_it_says_so),
	};

	return cmocka_run_group_tests_name("efi_check", tests, NULL, NULL);
}
