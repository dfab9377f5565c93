/* SPDX-License-Identifier: Apache-2.0 */
/* bench/pe.c - PE32+ images to hash and sign: a right header, one section, any content.
 */
#include <fcntl.h>

#include "base/builder.h"
#include "base/file.h"
#include "base/num.h"
#include "bench/loads.h"

#define HEADERS 0x400
#define NT_AT 0x80
#define OPTIONAL_LEN 240 /* PE32+ with 16 data directories */
#define PART ((size_t)1 << 20)
#define SECTION_ALIGN 0x1000u

static void
put_coff(struct buf *b)
{
	buf_u32le(b, 0x4550); /* "PE\0\0" */
	buf_u16le(b, 0x8664); /* x64 */
	buf_u16le(b, 1);      /* sections */
	buf_zero(b, 12);      /* time, symbols */
	buf_u16le(b, OPTIONAL_LEN);
	buf_u16le(b, 0x0022); /* executable, large addresses */
}

static void
put_optional(struct buf *b, uint32_t image)
{
	buf_u16le(b, 0x20b);
	buf_zero(b, 14);             /* linker, sizes of code and data */
	buf_u32le(b, SECTION_ALIGN); /* entry point */
	buf_u32le(b, SECTION_ALIGN); /* base of code */
	buf_u32le(b, 0x40000000);    /* image base */
	buf_u32le(b, 1);
	buf_u32le(b, SECTION_ALIGN);
	buf_u32le(b, 0x200); /* file alignment */
	buf_u16le(b, 10);    /* operating system */
	buf_zero(b, 6);
	buf_u16le(b, 10); /* subsystem version */
	buf_zero(b, 6);
	buf_u32le(b, image);
	buf_u32le(b, HEADERS);
	buf_u32le(b, 0); /* CheckSum */
	buf_u16le(b, 1); /* native: a driver */
	buf_zero(b, 2 + 4 * 8 + 4);
	buf_u32le(b, 16);
	buf_zero(b, (size_t)16 * 8);
}

static void
put_section(struct buf *b, uint32_t size)
{
	buf_add(b, ".text\0\0\0", 8);
	buf_u32le(b, size);
	buf_u32le(b, SECTION_ALIGN);
	buf_u32le(b, size);
	buf_u32le(b, HEADERS);
	buf_zero(b, 12);
	buf_u32le(b, 0x60000020); /* code, read, execute */
}

/* xorshift64: any content will do, as long as files differ. */
static void
put_content(struct buf *b, size_t n, uint64_t *state)
{
	buf_reset(b);
	for (; n >= 8; n -= 8) {
		*state ^= *state << 13;
		*state ^= *state >> 7;
		*state ^= *state << 17;
		buf_u64le(b, *state);
	}
	buf_zero(b, n);
}

bool
load_pe(struct meter *m, char **argv, struct kd_err *e)
{
	AUTO(file_replace_clear) struct file_replace file = {.fd = -1};
	AUTO(buf_clear) struct buf b = {0};
	uint64_t size, left, state;

	if (!kd_parse_size(argv[1], HEADERS + 0x200, UINT32_MAX / 2, &size, e) ||
	    !kd_parse_u64(argv[2], 1, UINT32_MAX, &state, e) ||
	    !file_replace_begin(argv[0], NULL, &file, e))
		return false;
	left = (size - HEADERS) & ~(uint64_t)0x1ff;
	buf_add(&b, "MZ", 2);
	buf_zero(&b, 0x3a);
	buf_u32le(&b, NT_AT);
	buf_zero(&b, NT_AT - b.len);
	put_coff(&b);
	put_optional(&b,
	    SECTION_ALIGN + (uint32_t)((left + SECTION_ALIGN - 1) & ~(uint64_t)0xfff));
	put_section(&b, (uint32_t)left);
	buf_zero(&b, HEADERS - b.len);
	while (buf_ok(&b, "image", e) && file_write_full(file.fd, b.p, b.len, e) &&
	       left > 0) {
		size_t n = left < PART ? (size_t)left : PART;

		put_content(&b, n, &state);
		left -= n;
	}
	return e->code == KD_OK && file_replace_commit(&file, false, e);
}
