/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/efi_check.c - would firmware and shim take this PE image for an EFI binary?
 */
#include "authenticode/efi_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/builder.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/own.h"
#include "base/reader.h"

/* Microsoft PE format, "COFF File Header", "Optional Header", "Section Table". */
#define NT_HEADER_LEN 24
#define SECTION_LEN 40
#define OPT_FIXED_PE32 96
#define OPT_FIXED_PLUS 112
#define DIRECTORIES_MAX 16
#define RELOC_DIRECTORY 5
#define RELOCS_STRIPPED 0x0001u
#define NX_COMPAT 0x0100u
#define SCN_UNINITIALIZED 0x00000080u
#define SCN_DISCARDABLE 0x02000000u
#define SCN_EXECUTE 0x20000000u
#define SCN_READ 0x40000000u
#define SCN_WRITE 0x80000000u

struct section {
	char name[9];
	uint32_t size, at;         /* in memory */
	uint32_t raw_size, raw_at; /* in the file */
	uint32_t flags;
	uint16_t number; /* from 1 */
};

struct image {
	const struct pe *pe;
	uint16_t opt_len, dll_flags;
	uint32_t entry, file_align, image_size, headers_size, directories;
	struct section *sections; /* owned; pe->nsections of them */
};

static void
image_clear(struct image *i)
{
	free(i->sections);
	*i = (struct image){0};
}
AUTO_DEFINE_CLEAR(struct image, image_clear);

/* ---- reading ---- */

static bool
read_headers(struct rd *r, struct image *ret, struct kd_err *e)
{
	size_t fixed = ret->pe->plus ? OPT_FIXED_PLUS : OPT_FIXED_PE32;
	struct rd opt;

	rd_skip(r, 20, "PE header");
	ret->opt_len = rd_u16le(r, "SizeOfOptionalHeader");
	rd_skip(r, 2, "Characteristics");
	opt = rd_sub(r, ret->opt_len, "optional header");
	rd_skip(&opt, 16, "optional header");
	ret->entry = rd_u32le(&opt, "AddressOfEntryPoint");
	rd_skip(&opt, 16, "optional header");
	ret->file_align = rd_u32le(&opt, "FileAlignment");
	rd_skip(&opt, 16, "optional header");
	ret->image_size = rd_u32le(&opt, "SizeOfImage");
	ret->headers_size = rd_u32le(&opt, "SizeOfHeaders");
	rd_skip(&opt, 6, "optional header"); /* CheckSum, Subsystem */
	ret->dll_flags = rd_u16le(&opt, "DllCharacteristics");
	rd_skip(&opt, fixed - 72 - 4, "optional header");
	ret->directories = rd_u32le(&opt, "NumberOfRvaAndSizes");
	return rd_ok(&opt, e) && rd_ok(r, e);
}

static void
read_section(struct rd *r, uint16_t number, struct section *ret)
{
	const uint8_t *name = rd_bytes(r, 8, "section's name");

	ret->number = number;
	if (name != NULL)
		memcpy(ret->name, name, 8);
	ret->size = rd_u32le(r, "VirtualSize");
	ret->at = rd_u32le(r, "VirtualAddress");
	ret->raw_size = rd_u32le(r, "SizeOfRawData");
	ret->raw_at = rd_u32le(r, "PointerToRawData");
	rd_skip(r, 12, "section header");
	ret->flags = rd_u32le(r, "Characteristics");
}

static bool
read_image(int fd, const struct pe *pe, struct image *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};
	size_t len = pe->headers_end - pe->nt_off;
	uint8_t *to = buf_reserve(&b, len);
	struct rd r;

	ret->pe = pe;
	if (to == NULL)
		return buf_ok(&b, "headers", e);
	if (!file_pread_full(fd, to, len, pe->nt_off, e))
		return false;
	r = rd_init_at(to, len, pe->nt_off);
	if (!read_headers(&r, ret, e))
		return false;
	ret->sections = kd_alloc_array(pe->nsections + 1u, sizeof(*ret->sections));
	if (ret->sections == NULL)
		return kd_fail_nomem(e, "sections");
	for (uint16_t i = 0; i < pe->nsections; i++)
		read_section(&r, (uint16_t)(i + 1), &ret->sections[i]);
	return rd_ok(&r, e);
}

/* ---- findings ---- */

static void KD_PRINTF(4, 5)
find(struct efi_report *r, const char *name, enum efi_result result, const char *fmt, ...)
{
	struct efi_finding *f = &r->v[r->n++];
	va_list ap;

	f->name = name;
	f->result = result;
	va_start(ap, fmt);
	(void)vsnprintf(f->detail, sizeof(f->detail), fmt, ap);
	va_end(ap);
	r->ok = r->ok && result != EFI_REFUSED;
}

/* UEFI 2.10, 2.1.1; the second is what a PE32+ of that machine may be. */
static const struct {
	uint16_t machine;
	bool plus;
} machines[] = {
    {0x8664, true},  /* x64 */
    {0x014c, false}, /* ia32 */
    {0xaa64, true},  /* aa64 */
    {0x01c2, false}, /* arm */
    {0x5032, false}, /* riscv32 */
    {0x5064, true},  /* riscv64 */
    {0x6264, true},  /* loongarch64 */
};

static void
check_machine(const struct pe *pe, struct efi_report *ret)
{
	char buf[20];
	const char *name = pe_machine_name(pe->machine, buf);

	for (size_t i = 0; i < KD_ARRAY_LEN(machines); i++) {
		if (machines[i].machine != pe->machine)
			continue;
		if (machines[i].plus == pe->plus)
			find(ret, "machine", EFI_FINE, "%s", name);
		else
			find(ret, "machine", EFI_REFUSED, "%s in %s, expected %s", name,
			    pe->plus ? "PE32+" : "PE32", pe->plus ? "PE32" : "PE32+");
		return;
	}
	find(ret, "machine", EFI_REFUSED,
	    "%s, for which there is no UEFI: x64, x86, arm64, thumb, riscv32, riscv64 or "
	    "loongarch64 expected",
	    name);
}

static void
check_subsystem(const struct pe *pe, struct efi_report *ret)
{
	static const char *const names[] = {
	    "EFI application", "EFI boot service driver", "EFI runtime driver", "EFI ROM"};

	if (pe->subsystem >= 10 && pe->subsystem < 10 + KD_ARRAY_LEN(names))
		find(ret, "subsystem", EFI_FINE, "%s", names[pe->subsystem - 10]);
	else
		find(ret, "subsystem", EFI_REFUSED,
		    "%u, expected 10 (EFI application), 11 (boot service driver), 12 "
		    "(runtime driver) or 13 (ROM)",
		    pe->subsystem);
}

/* shim, read_header. */
static void
check_headers(const struct image *i, struct efi_report *ret)
{
	const struct pe *pe = i->pe;
	size_t fixed = pe->plus ? OPT_FIXED_PLUS : OPT_FIXED_PE32;
	uint64_t table = pe->headers_end - (uint64_t)pe->nsections * SECTION_LEN;

	if (i->file_align % 2 != 0)
		find(ret, "headers", EFI_REFUSED, "FileAlignment is %u, which is odd",
		    i->file_align);
	else if (i->directories > DIRECTORIES_MAX || i->directories <= RELOC_DIRECTORY)
		find(ret, "headers", EFI_REFUSED,
		    "NumberOfRvaAndSizes is %u, expected %d to %d", i->directories,
		    RELOC_DIRECTORY + 1, DIRECTORIES_MAX);
	else if (i->opt_len != fixed + i->directories * 8)
		find(ret, "headers", EFI_REFUSED,
		    "SizeOfOptionalHeader is %u, but %u data directories make %zu",
		    i->opt_len, i->directories, fixed + i->directories * 8);
	else if (i->headers_size < pe->headers_end || i->headers_size > pe->image_end)
		find(ret, "headers", EFI_REFUSED,
		    "SizeOfHeaders is 0x%x; the section table ends at 0x%x, the image at "
		    "0x%llx",
		    i->headers_size, pe->headers_end, (unsigned long long)pe->image_end);
	else if (i->image_size < i->headers_size ||
		 (i->image_size - table) / SECTION_LEN <= pe->nsections)
		find(ret, "headers", EFI_REFUSED,
		    "SizeOfImage is 0x%x, too little for the headers", i->image_size);
	else if ((pe->characteristics & RELOCS_STRIPPED) != 0)
		find(ret, "headers", EFI_REFUSED,
		    "relocations have been stripped: no loader can place it");
	else
		find(ret, "headers", EFI_FINE, "0x%x bytes of headers, 0x%x in memory",
		    i->headers_size, i->image_size);
}

static uint64_t
end_of(const struct section *s)
{
	return (uint64_t)s->at + s->size;
}

/* In memory. "" when all is well. */
static void
section_fault(const struct image *i, const struct section *s, char ret[160])
{
	bool discardable = (s->flags & SCN_DISCARDABLE) != 0;

	ret[0] = '\0';
	if (s->size == 0 && discardable)
		return;
	if (s->size == 0)
		(void)snprintf(ret, 160, "has no size in memory");
	else if (end_of(s) > i->image_size)
		(void)snprintf(ret, 160,
		    "ends at 0x%llx in memory; the image has 0x%x bytes",
		    (unsigned long long)end_of(s), i->image_size);
	else if ((s->flags & SCN_UNINITIALIZED) == 0 &&
		 (s->at < i->headers_size ||
		     (s->raw_at < i->headers_size && s->raw_size != 0)))
		(void)snprintf(ret, 160, "lies inside the headers, which have 0x%x bytes",
		    i->headers_size);
}

static int
by_place(const void *a, const void *b)
{
	const struct section *one = a, *two = b;

	if (one->raw_at != two->raw_at)
		return one->raw_at < two->raw_at ? -1 : 1;
	return one->number < two->number ? -1 : one->number > two->number;
}

/* From the headers on, each byte belongs to one section: shim and EDK II hash the sections
 * in the order they have in the file, and then as many bytes as are left over. Sorts them.
 */
static bool
check_places(struct image *i, struct efi_report *ret)
{
	uint64_t at = i->headers_size;

	qsort(i->sections, i->pe->nsections, sizeof(*i->sections), by_place);
	for (uint16_t k = 0; k < i->pe->nsections; k++) {
		const struct section *s = &i->sections[k];

		if (s->raw_size == 0)
			continue;
		if (s->raw_at != at) {
			find(ret, "sections", EFI_REFUSED,
			    "section %u's data begins at 0x%x, %s what is before it at "
			    "0x%llx: firmware would come to another digest",
			    s->number, s->raw_at,
			    s->raw_at < at ? "overlapping" : "with a gap behind",
			    (unsigned long long)at);
			return false;
		}
		at += s->raw_size;
	}
	if (at <= i->pe->image_end)
		return true;
	find(ret, "sections", EFI_REFUSED,
	    "section data ends at 0x%llx, the image at 0x%llx", (unsigned long long)at,
	    (unsigned long long)i->pe->image_end);
	return false;
}

static void
check_sections(struct image *i, struct efi_report *ret)
{
	char fault[160];

	for (uint16_t k = 0; k < i->pe->nsections; k++) {
		section_fault(i, &i->sections[k], fault);
		if (fault[0] == '\0')
			continue;
		find(ret, "sections", EFI_REFUSED, "section %u %s",
		    i->sections[k].number, fault);
		return;
	}
	if (i->pe->nsections == 0)
		find(ret, "sections", EFI_REFUSED, "there is none");
	else if (check_places(i, ret))
		find(ret, "sections", EFI_FINE, "%u, one after the other",
		    i->pe->nsections);
}

static void
check_entry(const struct image *i, struct efi_report *ret)
{
	size_t n = 0;

	for (uint16_t k = 0; k < i->pe->nsections; k++) {
		const struct section *s = &i->sections[k];

		n += (s->flags & SCN_READ) != 0 && s->at <= i->entry &&
		     i->entry < end_of(s);
	}
	find(ret, "entry point", n == 1 ? EFI_FINE : EFI_REFUSED, "0x%x, in %zu section%s",
	    i->entry, n, n == 1 ? "" : "s, expected one");
}

static void
check_table(const struct pe *pe, struct efi_report *ret)
{
	if (pe->cert_len == 0)
		return;
	if (pe->trailing != 0)
		find(ret, "certificate table", EFI_REFUSED,
		    "%llu bytes follow it, expected none: firmware would come to another "
		    "digest",
		    (unsigned long long)pe->trailing);
	else if (pe->cert_len % 8 != 0)
		find(ret, "certificate table", EFI_REFUSED,
		    "%u bytes, expected a multiple of 8", pe->cert_len);
	else
		find(ret, "certificate table", EFI_FINE, "at the end, %u bytes",
		    pe->cert_len);
}

/* shim 15.3 and later; firmware itself knows nothing of it. */
static void
check_sbat(const struct image *i, struct efi_report *ret)
{
	size_t n = 0, filled = 0;

	for (uint16_t k = 0; k < i->pe->nsections; k++) {
		const struct section *s = &i->sections[k];

		if (strcmp(s->name, ".sbat") != 0)
			continue;
		n++;
		filled += s->size != 0 && s->raw_size >= s->size;
	}
	if (n == 1 && filled == 1)
		find(ret, "sbat", EFI_FINE, "there");
	else if (n == 0)
		find(ret, "sbat", EFI_WARNED,
		    "no .sbat section: shim since 15.3 does not load it; firmware does");
	else
		find(ret, "sbat", EFI_WARNED,
		    "%zu .sbat sections, %zu of them whole, expected one: shim since 15.3 "
		    "does not load it",
		    n, filled);
}

/* shim with the policy that Microsoft has for new signatures; some firmware. */
static void
check_nx(const struct image *i, struct efi_report *ret)
{
	for (uint16_t k = 0; k < i->pe->nsections; k++) {
		const struct section *s = &i->sections[k];

		if ((s->flags & SCN_WRITE) == 0 || (s->flags & SCN_EXECUTE) == 0 ||
		    (s->flags & SCN_DISCARDABLE) != 0)
			continue;
		find(ret, "nx", EFI_WARNED,
		    "section %u is writable and executable: refused where NX is required",
		    s->number);
		return;
	}
	if ((i->dll_flags & NX_COMPAT) != 0)
		find(ret, "nx", EFI_FINE, "compatible");
	else
		find(ret, "nx", EFI_WARNED,
		    "DllCharacteristics lacks NX_COMPAT: refused where NX is required");
}

bool
efi_check(int fd, const struct pe *pe, struct efi_report *ret, struct kd_err *e)
{
	AUTO(image_clear) struct image i = {0};
	struct efi_report r = {.ok = true};

	if (!read_image(fd, pe, &i, e))
		return false;
	check_machine(pe, &r);
	check_subsystem(pe, &r);
	check_headers(&i, &r);
	check_sections(&i, &r);
	check_entry(&i, &r);
	check_table(pe, &r);
	check_sbat(&i, &r);
	check_nx(&i, &r);
	*ret = r;
	return true;
}

bool
efi_refuse(const struct efi_report *r, struct kd_err *e)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].result == EFI_REFUSED)
			return kd_fail(e, KD_E_FORMAT, "no EFI binary: %s: %s",
			    r->v[i].name, r->v[i].detail);
	return true;
}
