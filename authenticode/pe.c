/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/pe.c - reads a PE image's headers in small windows and proves what later
 * code relies on. */
#include "authenticode/pe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/num.h"
#include "base/reader.h"

#define DOS_HEADER_LEN 64
#define NT_HEADER_LEN 24  /* signature and COFF header */
#define OPT_FIXED_PE32 96 /* optional header before the data directories */
#define OPT_FIXED_PLUS 112
#define OPT_WINDOW                                                                       \
	(OPT_FIXED_PLUS + 5 * 8) /* up to and with directory entry 4, either magic */
#define OPT_CHECKSUM 64          /* in the optional header, either magic */
#define SECURITY_ENTRY 4         /* index of the certificate table's directory entry */
#define SECTION_LEN 40
#define SECTION_WINDOW 64 /* section headers read at once */
#define CERT_ALIGN 8

#define MAGIC_PE32 0x10b
#define MAGIC_PLUS 0x20b

/* What lies between e_lfanew and the section table; only while the headers are read. */
struct coff {
	uint16_t opt_len;
	uint64_t opt_off;
};

/* At most n bytes at off as a view; fewer where the file ends, which rd then reports by
 * field. */
static bool
window(int fd, uint64_t size, uint64_t off, void *dst, size_t n, struct rd *ret,
    struct kd_err *e)
{
	uint64_t left = off < size ? size - off : 0;
	size_t have = left < n ? (size_t)left : n;

	if (have > 0 && !file_pread_full(fd, dst, have, off, e))
		return false;
	*ret = rd_init_at(dst, have, off);
	return true;
}

static bool
read_dos_header(int fd, struct pe *pe, struct kd_err *e)
{
	uint8_t b[DOS_HEADER_LEN];
	struct rd r;
	uint16_t magic;

	if (pe->size == 0)
		return kd_fail(e, KD_E_FORMAT, "is empty: there is no byte in it");
	if (!window(fd, pe->size, 0, b, sizeof(b), &r, e))
		return false;
	magic = rd_u16le(&r, "DOS signature");
	if (r.bad == NULL && magic != 0x5a4d) {
		(void)kd_fail(e, KD_E_FORMAT,
		    "not a PE image: DOS signature at offset 0 is 0x%04x, expected "
		    "0x5a4d (MZ)",
		    magic);
		return kd_hint(e, "PE images, catalogs, cabinets, scripts, MSI packages and "
				  "kernel modules have signatures of their own; any other "
				  "file is signed by a catalog that lists it");
	}
	rd_skip(&r, DOS_HEADER_LEN - 2 - 4, "DOS header");
	pe->nt_off = rd_u32le(&r, "e_lfanew");
	if (!rd_ok(&r, e))
		return false;
	if (pe->nt_off < DOS_HEADER_LEN)
		return kd_fail(e, KD_E_FORMAT,
		    "e_lfanew at offset 0x3c is 0x%" PRIx32 ", expected at least 0x%x",
		    pe->nt_off, DOS_HEADER_LEN);
	if (pe->nt_off >= pe->size)
		return kd_fail(e, KD_E_FORMAT,
		    "e_lfanew at offset 0x3c is 0x%" PRIx32
		    "; the file ends at 0x%" PRIx64,
		    pe->nt_off, pe->size);
	return true;
}

static bool
read_coff_header(int fd, struct pe *pe, struct coff *coff, struct kd_err *e)
{
	uint8_t b[NT_HEADER_LEN];
	struct rd r;
	uint32_t sig;

	if (!window(fd, pe->size, pe->nt_off, b, sizeof(b), &r, e))
		return false;
	sig = rd_u32le(&r, "PE signature");
	pe->machine = rd_u16le(&r, "Machine");
	pe->nsections = rd_u16le(&r, "NumberOfSections");
	rd_skip(&r, 12, "COFF header");
	coff->opt_len = rd_u16le(&r, "SizeOfOptionalHeader");
	pe->characteristics = rd_u16le(&r, "Characteristics");
	if (!rd_ok(&r, e))
		return kd_in(e, "e_lfanew 0x%" PRIx32, pe->nt_off);
	if (sig != 0x4550)
		return kd_fail(e, KD_E_FORMAT,
		    "not a PE image: PE signature at offset 0x%" PRIx32 " is 0x%08" PRIx32
		    ", expected 0x00004550 (PE)",
		    pe->nt_off, sig);
	if (pe->nsections > PE_SECTION_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "NumberOfSections at offset 0x%" PRIx64
		    " is %u, at most %u are accepted",
		    (uint64_t)pe->nt_off + 6, pe->nsections, PE_SECTION_MAX);
	coff->opt_off = (uint64_t)pe->nt_off + NT_HEADER_LEN;
	return true;
}

/* Magic decides where the data directories begin. */
static bool
check_magic(uint16_t magic, const struct coff *coff, struct pe *pe, struct kd_err *e)
{
	size_t need;

	if (magic != MAGIC_PE32 && magic != MAGIC_PLUS)
		return kd_fail(e, KD_E_FORMAT,
		    "optional header's Magic at offset 0x%" PRIx64
		    " is 0x%x, expected 0x10b (PE32) or 0x20b (PE32+)",
		    coff->opt_off, magic);
	pe->plus = magic == MAGIC_PLUS;
	need = (pe->plus ? OPT_FIXED_PLUS : OPT_FIXED_PE32) + (SECURITY_ENTRY + 1) * 8;
	if (coff->opt_len < need)
		return kd_fail(e, KD_E_FORMAT,
		    "SizeOfOptionalHeader at offset 0x%" PRIx64
		    " is %u, expected at least %zu, "
		    "which hold the certificate table's directory entry",
		    (uint64_t)pe->nt_off + 20, coff->opt_len, need);
	return true;
}

static bool
read_optional_header(int fd, struct pe *pe, const struct coff *coff, struct kd_err *e)
{
	uint8_t b[OPT_WINDOW];
	struct rd r;
	uint16_t magic;
	uint32_t directories;
	size_t fixed;

	if (!window(fd, pe->size, coff->opt_off, b, sizeof(b), &r, e))
		return false;
	magic = rd_u16le(&r, "optional header's Magic");
	if (!rd_ok(&r, e) || !check_magic(magic, coff, pe, e))
		return false;
	fixed = pe->plus ? OPT_FIXED_PLUS : OPT_FIXED_PE32;
	rd_skip(&r, OPT_CHECKSUM - 2, "optional header");
	pe->checksum = rd_u32le(&r, "CheckSum");
	pe->subsystem = rd_u16le(&r, "Subsystem");
	rd_skip(&r, fixed - OPT_CHECKSUM - 4 - 2 - 4, "optional header");
	directories = rd_u32le(&r, "NumberOfRvaAndSizes");
	rd_skip(&r, SECURITY_ENTRY * 8, "data directories");
	pe->cert_off = rd_u32le(&r, "certificate table's offset");
	pe->cert_len = rd_u32le(&r, "certificate table's size");
	if (!rd_ok(&r, e))
		return false;
	if (directories <= SECURITY_ENTRY)
		return kd_fail(e, KD_E_FORMAT,
		    "NumberOfRvaAndSizes at offset 0x%" PRIx64 " is %" PRIu32
		    ", expected at least %d",
		    coff->opt_off + fixed - 4, directories, SECURITY_ENTRY + 1);
	/* The whole entry lies in the file, so both offsets fit 32 bits. */
	pe->checksum_off = (uint32_t)(coff->opt_off + OPT_CHECKSUM);
	pe->secdir_off = (uint32_t)(coff->opt_off + fixed + SECURITY_ENTRY * 8);
	return true;
}

/* What a copy that was broken off looks like. */
static bool
cut_short(struct kd_err *e)
{
	return kd_hint(e, "the file is cut short; copy it again and compare its size");
}

static bool
check_header_sizes(struct pe *pe, const struct coff *coff, struct kd_err *e)
{
	uint64_t end =
	    coff->opt_off + coff->opt_len + (uint64_t)pe->nsections * SECTION_LEN;

	if (end > pe->size) {
		(void)kd_fail(e, KD_E_FORMAT,
		    "section table of %u entries at offset 0x%" PRIx64
		    " ends at 0x%" PRIx64 "; the file ends at 0x%" PRIx64,
		    pe->nsections, coff->opt_off + coff->opt_len, end, pe->size);
		return cut_short(e);
	}
	pe->headers_end = (uint32_t)end;
	return true;
}

static bool
check_cert_table(struct pe *pe, struct kd_err *e)
{
	uint64_t end = (uint64_t)pe->cert_off + pe->cert_len;

	pe->image_end = pe->size;
	if (pe->cert_off == 0 && pe->cert_len == 0)
		return true;
	if (pe->cert_len < CERT_ALIGN)
		return kd_fail(e, KD_E_FORMAT,
		    "certificate table's size at offset 0x%" PRIx32 " is %" PRIu32
		    " (table at 0x%" PRIx32 "), expected at least %d, or 0 for both",
		    pe->secdir_off + 4, pe->cert_len, pe->cert_off, CERT_ALIGN);
	if (pe->cert_off < pe->headers_end)
		return kd_fail(e, KD_E_FORMAT,
		    "certificate table's offset at 0x%" PRIx32 " is 0x%" PRIx32
		    ", inside the headers, which end at 0x%" PRIx32,
		    pe->secdir_off, pe->cert_off, pe->headers_end);
	if (pe->cert_off % CERT_ALIGN != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "certificate table's offset at 0x%" PRIx32 " is 0x%" PRIx32
		    ", expected a multiple of %d",
		    pe->secdir_off, pe->cert_off, CERT_ALIGN);
	if (end > pe->size) {
		(void)kd_fail(e, KD_E_FORMAT,
		    "certificate table at offset 0x%" PRIx32 " with %" PRIu32
		    " bytes ends at 0x%" PRIx64 "; the file ends at 0x%" PRIx64,
		    pe->cert_off, pe->cert_len, end, pe->size);
		return cut_short(e);
	}
	pe->image_end = pe->cert_off;
	pe->trailing = pe->size - end;
	return true;
}

/* A section's data must lie in the file, else the file was cut off. */
static bool
check_section(
    struct pe *pe, uint16_t number, uint32_t off, uint32_t len, struct kd_err *e)
{
	uint64_t end = (uint64_t)off + len;
	uint64_t cert_end = (uint64_t)pe->cert_off + pe->cert_len;

	if (off == 0 || len == 0) /* nothing is mapped from the file */
		return true;
	if (end > pe->size) {
		(void)kd_fail(e, KD_E_FORMAT,
		    "section %u: data at offset 0x%" PRIx32 " with %" PRIu32
		    " bytes ends at 0x%" PRIx64 "; the file ends at 0x%" PRIx64,
		    number, off, len, end, pe->size);
		return cut_short(e);
	}
	if (pe->mapped_table == 0 && pe->cert_len != 0 && off < cert_end &&
	    end > pe->cert_off)
		pe->mapped_table = number;
	return true;
}

static bool
check_sections(int fd, struct pe *pe, struct kd_err *e)
{
	uint8_t b[SECTION_WINDOW * SECTION_LEN];
	uint64_t table = pe->headers_end - (uint64_t)pe->nsections * SECTION_LEN;
	struct rd r = {0};

	for (uint16_t i = 0; i < pe->nsections; i++) {
		struct rd s;
		uint32_t len, off;

		if (i % SECTION_WINDOW == 0 &&
		    !window(fd, pe->size, table + (uint64_t)i * SECTION_LEN, b, sizeof(b),
			&r, e))
			return false;
		s = rd_sub(&r, SECTION_LEN, "section header");
		rd_skip(&s, 16, "section header");
		len = rd_u32le(&s, "SizeOfRawData");
		off = rd_u32le(&s, "PointerToRawData");
		if (!rd_ok(&s, e) || !check_section(pe, (uint16_t)(i + 1), off, len, e))
			return false;
	}
	return true;
}

bool
pe_open(int fd, struct pe *ret, struct kd_err *e)
{
	struct pe pe = {0};
	struct coff coff = {0};
	struct stat st;

	if (fstat(fd, &st) != 0)
		return kd_fail_errno(e, KD_E_FILE, errno, "cannot be examined");
	if (!S_ISREG(st.st_mode))
		return kd_fail(e, KD_E_FILE, "is not a regular file");
	pe.size = (uint64_t)st.st_size;
	if (pe.size > PE_SIZE_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "is %" PRIu64
		    " bytes long; a PE image has at most %llu, its offsets are 32 bits",
		    pe.size, PE_SIZE_MAX);
	if (!read_dos_header(fd, &pe, e) || !read_coff_header(fd, &pe, &coff, e) ||
	    !read_optional_header(fd, &pe, &coff, e) ||
	    !check_header_sizes(&pe, &coff, e) || !check_cert_table(&pe, e) ||
	    !check_sections(fd, &pe, e))
		return false;
	*ret = pe;
	return true;
}

const char *
pe_machine_name(uint16_t machine, char buf[20])
{
	/* Microsoft PE format, "Machine Types". */
	static const struct {
		uint16_t machine;
		const char *name;
	} names[] = {
	    {0x0000, "any"},
	    {0x014c, "x86"},
	    {0x0166, "mips"},
	    {0x0169, "mips-wce2"},
	    {0x0184, "alpha"},
	    {0x01a2, "sh3"},
	    {0x01a3, "sh3-dsp"},
	    {0x01a6, "sh4"},
	    {0x01a8, "sh5"},
	    {0x01c0, "arm"},
	    {0x01c2, "thumb"},
	    {0x01c4, "armnt"},
	    {0x01d3, "am33"},
	    {0x01f0, "powerpc"},
	    {0x01f1, "powerpc-fp"},
	    {0x0200, "ia64"},
	    {0x0266, "mips16"},
	    {0x0284, "alpha64"},
	    {0x0366, "mips-fpu"},
	    {0x0466, "mips16-fpu"},
	    {0x0ebc, "ebc"},
	    {0x5032, "riscv32"},
	    {0x5064, "riscv64"},
	    {0x5128, "riscv128"},
	    {0x6232, "loongarch32"},
	    {0x6264, "loongarch64"},
	    {0x8664, "x64"},
	    {0x9041, "m32r"},
	    {0xa641, "arm64ec"},
	    {0xa64e, "arm64x"},
	    {0xaa64, "arm64"},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++)
		if (names[i].machine == machine)
			return names[i].name;
	(void)snprintf(buf, 20, "machine 0x%04x", machine);
	return buf;
}
