/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/format_cabinet_test.c - signed cabinets, byte for byte: what is
 * hashed, written, and refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "authenticode/cab.h"
#include "authenticode/format.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/own.h"
#include "tests/unit/authenticode/cab_make.h"

static const uint8_t der[11] = {0x30, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9}; /* padded to 16 */
static const uint8_t other[16] = {0x30, 14, 7};

static const struct format *const formats[] = {&format_cabinet};

/* A file, and what format_open says of it. */
struct open_file {
	int fd;
	struct format_file f;
	struct kd_err e;
	bool ok;
};

static void
open_file_clear(struct open_file *o)
{
	format_file_clear(&o->f);
	close(o->fd);
}
AUTO_DEFINE_CLEAR(struct open_file, open_file_clear);

static void
open_bytes(struct open_file *o, const struct buf *b)
{
	o->fd = cab_make_fd(b);
	o->ok = format_open(o->fd, NULL, formats, 1, &o->f, &o->e);
}

static void
must_open(struct open_file *o, const struct buf *b)
{
	open_bytes(o, b);
	assert_string_equal(o->e.msg, "");
	assert_true(o->ok);
	assert_ptr_equal(o->f.format, &format_cabinet);
	assert_int_equal(o->f.size, b->len);
}

static void
digest_of(const struct open_file *o, uint8_t ret[MD_LEN_MAX])
{
	struct kd_err e = {0};

	assert_true(format_cabinet.digest(o->fd, &o->f, MD_SHA256, ret, &e));
}

static bool
embed(const struct open_file *o, const uint8_t *cms, size_t n, struct buf *ret,
    struct kd_err *e)
{
	const struct buf none = {0};
	AUTO(close) int out = cab_make_fd(&none);
	bool ok = format_cabinet.embed(o->fd, &o->f, cms, n, out, e);

	if (ok)
		cab_make_slurp(out, ret);
	return ok;
}

static void
must_sign(const struct buf *in, const uint8_t *cms, size_t n, struct buf *ret)
{
	AUTO(open_file_clear) struct open_file o = {0};
	struct kd_err e = {0};

	must_open(&o, in);
	assert_true(embed(&o, cms, n, ret, &e));
}

/* What the facts say is hashed, of a file that is signed. */
static void
hash_ranges(const struct buf *b, size_t end, uint8_t ret[MD_LEN_MAX])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	assert_non_null(ctx);
	assert_int_equal(EVP_DigestInit_ex(ctx, EVP_sha256(), NULL), 1);
	assert_int_equal(EVP_DigestUpdate(ctx, &b->p[0], 4), 1);
	assert_int_equal(EVP_DigestUpdate(ctx, &b->p[8], 26), 1);
	assert_int_equal(EVP_DigestUpdate(ctx, &b->p[56], 4), 1);
	assert_int_equal(EVP_DigestUpdate(ctx, &b->p[60], end - 60), 1);
	assert_int_equal(EVP_DigestFinal_ex(ctx, ret, NULL), 1);
	EVP_MD_CTX_free(ctx);
}

static void
signed_file_is_the_moved_cabinet_and_the_padded_signature(void **state)
{
	const struct cab_make plain = {0};
	AUTO(buf_clear) struct buf in = {0}, out = {0}, want = {0};

	(void)state;
	cab_make(&plain, &in);
	assert_int_equal(in.len, CAB_MAKE_LEN);
	must_sign(&in, der, sizeof(der), &out);
	buf_add(&want, in.p, 36);
	cab_make_put(&want, 8, in.len + 24, 4);
	cab_make_put(&want, 16, CAB_MAKE_FILES + 24, 4);
	cab_make_put(&want, 30, 4, 2);
	buf_u32le(&want, 20);
	buf_u32le(&want, 0x00100000);
	buf_u32le(&want, (uint32_t)in.len + 24);
	buf_u32le(&want, 16);
	buf_zero(&want, 8);
	buf_add(&want, &in.p[36], in.len - 36);
	cab_make_put(&want, 60, CAB_MAKE_DATA + 24, 4);
	cab_make_put(&want, 68, CAB_MAKE_DATA + 13 + 24, 4);
	buf_add(&want, der, sizeof(der));
	buf_zero(&want, 16 - sizeof(der));
	assert_int_equal(out.len, want.len);
	assert_memory_equal(out.p, want.p, want.len);
}

static const struct cab_make shapes[] = {
    {0},
    {.next = true},
    {.prev = true, .next = true},
    {.reserve = true},                                /* areas of no bytes */
    {.reserve = true, .area = 6144},                  /* kept free */
    {.reserve = true, .area = 20},                    /* as long as it has to be */
    {.reserve = true, .area = 20, .mark = true},      /* signable */
    {.reserve = true, .area = 20, .mark = true, .sig_off = CAB_MAKE_LEN + 24},
    {.reserve = true, .area = 300, .prev = true},
};

static void
digest_is_that_of_the_file_once_signed(void **state)
{
	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(shapes); i++) {
		AUTO(open_file_clear) struct open_file o = {0}, s = {0};
		AUTO(buf_clear) struct buf in = {0}, out = {0};
		uint8_t before[MD_LEN_MAX], after[MD_LEN_MAX], ranges[MD_LEN_MAX];
		struct kd_err e = {0};

		cab_make(&shapes[i], &in);
		must_open(&o, &in);
		assert_false(o.f.is_signed);
		assert_true(embed(&o, der, sizeof(der), &out, &e));
		must_open(&s, &out);
		assert_true(s.f.is_signed);
		digest_of(&o, before);
		digest_of(&s, after);
		hash_ranges(&out, out.len - 16, ranges);
		assert_memory_equal(before, ranges, 32);
		assert_memory_equal(after, ranges, 32);
	}
}

static void
area_kept_free_leaves_no_trace(void **state)
{
	AUTO(buf_clear) struct buf plain = {0}, want = {0};

	(void)state;
	cab_make(&shapes[0], &plain);
	must_sign(&plain, der, sizeof(der), &want);
	for (size_t i = 3; i < 8; i++) {
		AUTO(buf_clear) struct buf in = {0}, out = {0};

		cab_make(&shapes[i], &in);
		must_sign(&in, der, sizeof(der), &out);
		assert_int_equal(out.len, want.len);
		assert_memory_equal(out.p, want.p, want.len);
	}
}

static void
removed_signature_leaves_the_unsigned_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		AUTO(open_file_clear) struct open_file s = {0}, u = {0};
		AUTO(buf_clear) struct buf in = {0}, out = {0}, removed = {0}, none = {0};
		struct kd_err e = {0}, no = {0};

		cab_make(&shapes[i], &in);
		must_sign(&in, der, sizeof(der), &out);
		must_open(&s, &out);
		assert_true(embed(&s, NULL, 0, &removed, &e));
		assert_int_equal(removed.len, in.len);
		assert_memory_equal(removed.p, in.p, in.len);
		must_open(&u, &removed);
		assert_false(embed(&u, NULL, 0, &none, &no));
		assert_int_equal(no.code, KD_E_UNSIGNED);
		assert_string_equal(
		    no.msg, "has no signature: the header has no place of one");
	}
}

static void
second_signature_takes_the_place_of_the_first(void **state)
{
	AUTO(buf_clear) struct buf in = {0}, once = {0}, twice = {0}, want = {0};

	(void)state;
	cab_make(&shapes[1], &in);
	must_sign(&in, der, sizeof(der), &once);
	must_sign(&once, other, sizeof(other), &twice);
	must_sign(&in, other, sizeof(other), &want);
	assert_int_equal(twice.len, want.len);
	assert_memory_equal(twice.p, want.p, want.len);
}

static void
signature_is_read_without_its_padding(void **state)
{
	AUTO(open_file_clear) struct open_file u = {0}, s = {0};
	AUTO(buf_clear) struct buf in = {0}, out = {0}, got = {0};
	struct kd_err e = {0}, none = {0};

	(void)state;
	cab_make(&shapes[0], &in);
	must_open(&u, &in);
	assert_false(format_cabinet.signature(u.fd, &u.f, &got, &none));
	assert_int_equal(none.code, KD_E_UNSIGNED);
	must_sign(&in, der, sizeof(der), &out);
	must_open(&s, &out);
	assert_true(format_cabinet.signature(s.fd, &s.f, &got, &e));
	assert_int_equal(got.len, sizeof(der));
	assert_memory_equal(got.p, der, sizeof(der));
}

/* A signed file with one byte changed is refused, or its digest or signature is another;
 * iCabinet alone is nobody's. */
static void
every_changed_byte_shows(void **state)
{
	AUTO(open_file_clear) struct open_file good = {0};
	AUTO(buf_clear) struct buf in = {0}, out = {0};
	uint8_t want[MD_LEN_MAX];

	(void)state;
	cab_make(&shapes[2], &in);
	must_sign(&in, der, sizeof(der), &out);
	must_open(&good, &out);
	digest_of(&good, want);
	for (size_t i = 0; i < out.len; i++) {
		AUTO(open_file_clear) struct open_file o = {0};
		AUTO(buf_clear) struct buf sig = {0};
		struct kd_err e = {0};
		uint8_t got[MD_LEN_MAX];

		if (i == 34 || i == 35)
			continue;
		out.p[i] ^= 0x41;
		open_bytes(&o, &out);
		out.p[i] ^= 0x41;
		if (!o.ok || o.f.format == NULL || !o.f.is_signed)
			continue;
		digest_of(&o, got);
		assert_true(memcmp(got, want, 32) != 0 ||
			    !format_cabinet.signature(o.fd, &o.f, &sig, &e) ||
			    sig.len != sizeof(der) ||
			    memcmp(sig.p, der, sizeof(der)) != 0);
	}
}

static void
every_truncation_is_refused(void **state)
{
	AUTO(buf_clear) struct buf in = {0}, out = {0};

	(void)state;
	cab_make(&shapes[2], &in);
	must_sign(&in, der, sizeof(der), &out);
	for (size_t n = 4; n < out.len; n++) {
		AUTO(open_file_clear) struct open_file o = {0};
		struct buf cut = {.p = out.p, .len = n};

		open_bytes(&o, &cut);
		assert_false(o.ok);
		assert_int_equal(o.e.code, KD_E_FORMAT);
		assert_true(o.e.msg[0] != '\0');
	}
}

static void
malformed_headers_are_named(void **state)
{
	static const struct {
		size_t off, width;
		uint64_t v;
		const char *msg;
	} cases[] = {
	    {4, 4, 1, "reserved1 at offset 0x4 is 0x1, expected 0"},
	    {8, 4, 35,
		"cbCabinet at offset 0x8 is 35, expected 36 to 158 (the file's end)"},
	    {8, 4, 159,
		"cbCabinet at offset 0x8 is 159, expected 36 to 158 (the file's end)"},
	    {16, 4, 35,
		"coffFiles at offset 0x10 is 35, expected 36 to 158 (cbCabinet)"},
	    {16, 4, 159,
		"coffFiles at offset 0x10 is 159, expected 36 to 158 (cbCabinet)"},
	    {16, 4, 51,
		"table of folders, in front of coffFiles at offset 0x24 needs 16 bytes; "
		"the data ends at 0x33"},
	    {16, 4, 157,
		"file 1 of 3: cbFile at offset 0x9d needs 4 bytes; the data ends at 0x9e"},
	    {24, 2, 0x0104, "version at offset 0x18 is 1.4, expected 1.3"},
	    {30, 2, 8, "flags at offset 0x1e is 0x0008, expected none but 1, 2 and 4"},
	    {30, 2, 4,
		"abReserve at offset 0x28 needs 132 bytes; the data ends at 0x34"},
	    {CAB_MAKE_FOLDERS, 4, CAB_MAKE_DATA - 1,
		"folder 1 of 2: coffCabStart is 131, expected 132 (the end of the tables) "
		"to 158 (cbCabinet)"},
	    {CAB_MAKE_FOLDERS + 8, 4, 158,
		"folder 2 of 2: coffCabStart is 158, expected 132 (the end of the tables) "
		"to 158 (cbCabinet)"},
	    {CAB_MAKE_FOLDERS + 8, 4, 0xffffffff,
		"folder 2 of 2: coffCabStart is 4294967295, expected 132 (the end of the "
		"tables) to 158 (cbCabinet)"},
	    {CAB_MAKE_FILES, 4, 0xffffffff,
		"file 1 of 3: 'a\\one.txt': uoffFolderStart and cbFile are 0 and "
		"4294967295, together more than the 32768 bytes that the blocks of folder "
		"0 can have"},
	    {CAB_MAKE_TWO + 4, 4, 0xffffffff,
		"file 2 of 3: 'a\\two.txt': uoffFolderStart and cbFile are 4294967295 and "
		"2, together more than the 32768 bytes that the blocks of folder 0 can "
		"have"},
	    {CAB_MAKE_TWO + 8, 2, 2,
		"file 2 of 3: 'a\\two.txt': iFolder is 2, expected less than 2 "
		"(cFolders)"},
	    {CAB_MAKE_TWO + 8, 2, 0xfffe,
		"file 2 of 3: 'a\\two.txt': iFolder is 0xfffe (goes on in another "
		"cabinet), but the header names no other"},
	    {CAB_MAKE_THREE + 16, 1, 0,
		"file 3 of 3: szName at offset 0x78 is empty"},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(open_file_clear) struct open_file o = {0};
		AUTO(buf_clear) struct buf in = {0};

		cab_make(&shapes[0], &in);
		cab_make_put(&in, cases[i].off, cases[i].v, cases[i].width);
		open_bytes(&o, &in);
		assert_false(o.ok);
		assert_string_equal(o.e.msg, cases[i].msg);
		assert_int_equal(o.e.code, KD_E_FORMAT);
	}
}

static void
malformed_signature_places_are_named(void **state)
{
	static const struct {
		size_t off, width;
		uint64_t v;
		const char *msg;
	} cases[] = {
	    {44, 4, 181,
		"signature's offset at offset 0x2c is 181, expected 182 (cbCabinet)"},
	    {48, 4, 15,
		"signature's length at offset 0x30 is 15, expected 16 (up to the file's "
		"end)"},
	    {48, 4, 17,
		"signature's length at offset 0x30 is 17, expected 16 (up to the file's "
		"end)"},
	    {52, 1, 1,
		"last 8 bytes of the reserved area at offset 0x34 are not zero"},
	    {38, 1, 1,
		"cbCFFolder and cbCFData at offset 0x26 are 1 and 0, expected 0 in a "
		"cabinet with a place for a signature"},
	    {39, 1, 2,
		"cbCFFolder and cbCFData at offset 0x26 are 0 and 2, expected 0 in a "
		"cabinet with a place for a signature"},
	    {36, 2, 60001, "cbCFHeader at offset 0x24 is 60001, expected at most 60000"},
	};
	AUTO(buf_clear) struct buf in = {0}, out = {0};

	(void)state;
	cab_make(&shapes[0], &in);
	must_sign(&in, der, sizeof(der), &out);
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(open_file_clear) struct open_file o = {0};
		AUTO(buf_clear) struct buf bad = {0};

		buf_add(&bad, out.p, out.len);
		cab_make_put(&bad, cases[i].off, cases[i].v, cases[i].width);
		open_bytes(&o, &bad);
		assert_false(o.ok);
		assert_string_equal(o.e.msg, cases[i].msg);
		assert_int_equal(o.e.code, KD_E_FORMAT);
	}
}

static void
name_without_an_end_is_refused(void **state)
{
	AUTO(open_file_clear) struct open_file o = {0};
	AUTO(buf_clear) struct buf in = {0};

	(void)state;
	cab_make(&shapes[0], &in);
	for (size_t i = in.len; i < 600; i++)
		buf_u8(&in, 'x');
	cab_make_put(&in, 8, 600, 4);
	memset(&in.p[CAB_MAKE_THREE + 16], 'x', 600 - CAB_MAKE_THREE - 16);
	open_bytes(&o, &in);
	assert_false(o.ok);
	assert_string_equal(o.e.msg,
	    "file 3 of 3: szName at offset 0x78 has no end within 256 bytes");
}

static void
what_no_signature_would_cover_is_not_signed(void **state)
{
	static const struct {
		struct cab_make how;
		const char *msg;
	} cases[] = {
	    {{.tail = 7},
		"7 bytes follow the cabinet, which ends at offset 0x9e, expected none: no "
		"digest would cover them"},
	    {{.reserve = true, .area = 8, .fill = 1},
		"header's reserved area at offset 0x28 holds 8 bytes of something else, "
		"where a signature's place would be"},
	    {{.reserve = true, .folder_area = 3},
		"cbCFFolder and cbCFData at offset 0x26 are 3 and 0, expected 0: a signed "
		"cabinet reserves nothing there"},
	    {{.reserve = true, .data_area = 4},
		"cbCFFolder and cbCFData at offset 0x26 are 0 and 4, expected 0: a signed "
		"cabinet reserves nothing there"},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(open_file_clear) struct open_file o = {0};
		AUTO(buf_clear) struct buf in = {0}, out = {0};
		struct kd_err e = {0}, hashing = {0}, asked = {0};
		uint8_t digest[MD_LEN_MAX];

		cab_make(&cases[i].how, &in);
		must_open(&o, &in);
		assert_false(o.f.is_signed);
		assert_false(format_cabinet.signable(o.fd, &o.f, &asked));
		assert_string_equal(asked.msg, cases[i].msg);
		assert_false(embed(&o, der, sizeof(der), &out, &e));
		assert_string_equal(e.msg, cases[i].msg);
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_false(
		    format_cabinet.digest(o.fd, &o.f, MD_SHA256, digest, &hashing));
		assert_string_equal(hashing.msg, cases[i].msg);
	}
}

static void
bytes_hidden_behind_the_signature_are_refused(void **state)
{
	AUTO(open_file_clear) struct open_file o = {0};
	AUTO(buf_clear) struct buf in = {0}, out = {0}, got = {0};
	struct kd_err e = {0};

	(void)state;
	cab_make(&shapes[0], &in);
	must_sign(&in, der, sizeof(der), &out);
	out.p[out.len - 1] = 1;
	must_open(&o, &out);
	assert_false(format_cabinet.signature(o.fd, &o.f, &got, &e));
	assert_string_equal(e.msg,
	    "byte at offset 0xc5, behind the signature, is not zero: no digest covers it");
	assert_int_equal(e.code, KD_E_FORMAT);
	assert_int_equal(got.len, 0);
}

static void
padding_of_eight_bytes_and_more_is_refused(void **state)
{
	AUTO(open_file_clear) struct open_file o = {0};
	AUTO(buf_clear) struct buf in = {0}, out = {0}, got = {0};
	struct kd_err e = {0};

	(void)state;
	cab_make(&shapes[0], &in);
	must_sign(&in, der, sizeof(der), &out);
	buf_zero(&out, 8);
	cab_make_put(&out, 48, 24, 4);
	must_open(&o, &out);
	assert_false(format_cabinet.signature(o.fd, &o.f, &got, &e));
	assert_string_equal(e.msg,
	    "13 bytes follow the signature, expected fewer than 8, of padding");
	assert_int_equal(e.code, KD_E_FORMAT);
}

static void
lack_of_memory_is_said(void **state)
{
	AUTO(buf_clear) struct buf in = {0}, out = {0};
	bool done = false;

	(void)state;
	cab_make(&shapes[0], &in);
	must_sign(&in, der, sizeof(der), &out);
	for (long n = 0; !done; n++) {
		AUTO(open_file_clear) struct open_file o = {0};
		AUTO(buf_clear) struct buf got = {0};
		uint8_t digest[MD_LEN_MAX];

		o.fd = cab_make_fd(&out);
		kd_alloc_fail_at(n);
		done = format_open(o.fd, NULL, formats, 1, &o.f, &o.e) &&
		       format_cabinet.digest(o.fd, &o.f, MD_SHA256, digest, &o.e) &&
		       format_cabinet.signature(o.fd, &o.f, &got, &o.e);
		kd_alloc_fail_at(-1);
		assert_int_equal(o.e.code, done ? KD_OK : KD_E_NOMEM);
	}
}

static void
other_files_are_not_recognised(void **state)
{
	static const char *const files[] = {"", "MSC", "MSCG....", "MZ......"};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(files); i++) {
		AUTO(open_file_clear) struct open_file o = {0};
		AUTO(buf_clear) struct buf b = {0};

		buf_str(&b, files[i]);
		open_bytes(&o, &b);
		assert_true(o.ok);
		assert_null(o.f.format);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(signed_file_is_the_moved_cabinet_and_the_padded_signature),
	    cmocka_unit_test(digest_is_that_of_the_file_once_signed),
	    cmocka_unit_test(area_kept_free_leaves_no_trace),
	    cmocka_unit_test(removed_signature_leaves_the_unsigned_file),
	    cmocka_unit_test(second_signature_takes_the_place_of_the_first),
	    cmocka_unit_test(signature_is_read_without_its_padding),
	    cmocka_unit_test(every_changed_byte_shows),
	    cmocka_unit_test(every_truncation_is_refused),
	    cmocka_unit_test(malformed_headers_are_named),
	    cmocka_unit_test(malformed_signature_places_are_named),
	    cmocka_unit_test(name_without_an_end_is_refused),
	    cmocka_unit_test(what_no_signature_would_cover_is_not_signed),
	    cmocka_unit_test(bytes_hidden_behind_the_signature_are_refused),
	    cmocka_unit_test(padding_of_eight_bytes_and_more_is_refused),
	    cmocka_unit_test(lack_of_memory_is_said),
	    cmocka_unit_test(other_files_are_not_recognised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
