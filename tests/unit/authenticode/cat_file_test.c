/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/cat_file_test.c - how files are hashed for a catalog, and the
 * members that list them. What MakeCat itself made of real ones is in client_catalog.t.
 */
#include "authenticode/cat_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "authenticode/pe_digest.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "pe_make.h"

static const struct cat_hash_options v1 = {.version = CAT_V1};
static const struct cat_hash_options v2 = {.version = CAT_V2};
static const struct cat_hash_options pages = {.version = CAT_V2, .page_hashes = true};

static bool
hash_of(const void *p, size_t n, const struct cat_hash_options *o, struct cat_hash *ret,
    struct kd_err *e)
{
	AUTO(close) int fd = pe_make_fd(p, n);

	return cat_hash(fd, o, ret, e);
}

static void
hex_is(const uint8_t *p, size_t n, const char *want)
{
	char got[2 * MD_LEN_MAX + 1];

	text_hex_to(got, p, n);
	assert_string_equal(got, want);
}

/* FIPS 180-4's example message "abc". */
static void
other_files_are_hashed_whole(void **state)
{
	AUTO(cat_hash_clear) struct cat_hash h = {0};
	AUTO(cat_hash_clear) struct cat_hash one = {0};
	struct kd_err e = {0};

	assert_true(hash_of("abc", 3, &v2, &h, &e));
	assert_int_equal(h.subject, CAT_FLAT);
	assert_int_equal(h.size, 3);
	hex_is(h.sha1, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
	hex_is(h.sha256, 32,
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_string_equal(h.doubt, "");
	assert_true(hash_of("abc", 3, &v1, &one, &e));
	assert_memory_equal(one.sha1, h.sha1, 20);
}

static void
an_image_has_its_image_digest_signed_or_not(void **state)
{
	uint8_t b[PE_MAKE_CAP];
	size_t n = pe_make(&(struct pe_make){.plus = true, .overlay = 3}, b);
	AUTO(close) int fd = pe_make_fd(b, n);
	AUTO(cat_hash_clear) struct cat_hash h = {0};
	AUTO(cat_hash_clear) struct cat_hash flat = {0};
	struct cat_hash_options as_flat = {CAT_V2, false, true, CAT_FLAT};
	struct pe_digest d = {.md = {MD_SHA1, MD_SHA256}};
	struct kd_err e = {0};
	struct pe pe;

	assert_true(pe_open(fd, &pe, &e) && pe_digest(fd, &pe, &d, &e));
	assert_true(cat_hash(fd, &v2, &h, &e));
	assert_int_equal(h.subject, CAT_PE);
	assert_memory_equal(h.sha1, d.digest[0], 20);
	assert_memory_equal(h.sha256, d.digest[1], 32);
	assert_int_equal(h.pages.len, 0);
	assert_true(cat_hash(fd, &as_flat, &flat, &e));
	assert_int_equal(flat.subject, CAT_FLAT);
	assert_memory_not_equal(flat.sha256, h.sha256, 32);
}

/* Headers, two sections of 0x200 bytes in a page each, the end. */
static void
page_hashes_have_an_entry_a_page(void **state)
{
	static const uint32_t offsets[] = {0, 0x200, 0x400, 0x600};
	static const uint8_t zeros[32];
	uint8_t b[PE_MAKE_CAP], page[4096] = {0};
	size_t n = pe_make(&(struct pe_make){.plus = true}, b);
	AUTO(cat_hash_clear) struct cat_hash h = {0};
	AUTO(cat_hash_clear) struct cat_hash section = {0};
	struct kd_err e = {0};

	pe_make_put(b, MAKE_OPT + 60, 0x200, 4);
	assert_true(hash_of(b, n, &pages, &h, &e));
	assert_int_equal(h.pages.len, 4 * 36);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pe_make_get32(h.pages.p, 36 * i), offsets[i]);
	memcpy(page, &b[0x200], 0x200);
	assert_true(hash_of(page, sizeof(page), &v2, &section, &e));
	assert_memory_equal(&h.pages.p[36 + 4], section.sha256, 32);
	assert_memory_equal(&h.pages.p[3 * 36 + 4], zeros, 32);
}

static const struct {
	size_t off;
	uint32_t value;
	size_t width;
	const char *message;
} bad_pages[] = {
    {MAKE_OPT + 60, 0x2000, 4,
	"page hashes: SizeOfHeaders is 8192: page hashes are known for headers of at "
	"most "
	"4096 bytes"},
    {MAKE_OPT + 60, 0x100, 4,
	"page hashes: SizeOfHeaders is 256; the headers end at 472, the image at 1536"},
    {MAKE_SECTIONS_PLUS + 16, 0x400, 4, NULL},
    {MAKE_SECTIONS_PLUS + 16, 0x600 - 0x200 + 1, 4,
	"section 1: data at offset 0x200 with 1025 bytes ends at 0x601; the file ends at "
	"0x600"},
};

static void
headers_that_cannot_be_paged_get_a_sentence(void **state)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(bad_pages); i++) {
		uint8_t b[PE_MAKE_CAP];
		size_t n = pe_make(&(struct pe_make){.plus = true}, b);
		AUTO(cat_hash_clear) struct cat_hash h = {0};
		struct kd_err e = {0};
		bool ok;

		pe_make_put(b, MAKE_OPT + 60, 0x200, 4);
		pe_make_put(b, bad_pages[i].off, bad_pages[i].value, bad_pages[i].width);
		ok = hash_of(b, n, &pages, &h, &e);
		if (bad_pages[i].message == NULL) {
			assert_true(ok); /* overlapping, but not longer than the file */
		} else if (ok) {         /* no PE image any more: flat, and said */
			assert_int_equal(h.subject, CAT_FLAT);
			assert_string_equal(h.doubt, bad_pages[i].message);
		} else {
			assert_string_equal(e.msg, bad_pages[i].message);
		}
	}
}

/* 1,000 sections that each are the whole file would be 8 GB to hash. */
static void
overlapping_sections_do_not_take_for_ever(void **state)
{
	enum { SECTIONS = 90, SIZE = 8 << 20 };
	uint8_t *b = calloc(1, SIZE);
	AUTO(cat_hash_clear) struct cat_hash h = {0};
	struct kd_err e = {0};
	clock_t start = clock();

	assert_non_null(b);
	(void)pe_make(&(struct pe_make){.plus = true}, b);
	pe_make_put(b, MAKE_NT + 6, SECTIONS, 2);
	for (size_t i = 0; i < SECTIONS; i++) {
		size_t at = MAKE_SECTIONS_PLUS + 40 * i;

		pe_make_put(b, at + 16, SIZE - 0x1000, 4);
		pe_make_put(b, at + 20, 0x1000, 4);
	}
	pe_make_put(b, MAKE_OPT + 60, 0x1000, 4);
	assert_false(hash_of(b, SIZE, &pages, &h, &e));
	assert_string_equal(e.msg,
	    "page hashes: section 2: sections overlap: together they are longer than the "
	    "file, 8388608 bytes");
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 2.0);
	free(b);
}

static void
a_damaged_image_is_listed_flat_and_said(void **state)
{
	uint8_t b[PE_MAKE_CAP];
	size_t n = pe_make(&(struct pe_make){.plus = true}, b);
	AUTO(cat_hash_clear) struct cat_hash h = {0};
	AUTO(cat_hash_clear) struct cat_hash as_pe = {0};
	struct cat_hash_options asked = {CAT_V2, false, true, CAT_PE};
	struct kd_err e = {0};

	b[MAKE_NT] = 'N';
	assert_true(hash_of(b, n, &v2, &h, &e));
	assert_int_equal(h.subject, CAT_FLAT);
	assert_string_equal(h.doubt,
	    "not a PE image: PE signature at offset 0x80 is 0x0000454e, expected "
	    "0x00004550 (PE)");
	assert_false(hash_of(b, n, &asked, &as_pe, &e));
	assert_int_equal(e.code, KD_E_FORMAT);
}

static void
an_image_that_maps_its_signature_is_refused(void **state)
{
	uint8_t b[PE_MAKE_CAP];
	size_t n = pe_make(&(struct pe_make){.plus = true, .table = 0x200}, b);
	AUTO(cat_hash_clear) struct cat_hash h = {0};
	struct kd_err e = {0};

	pe_make_put(b, MAKE_SECTIONS_PLUS + 40 + 16, 0x400, 4);
	assert_false(hash_of(b, n, &v2, &h, &e));
	assert_string_equal(
	    e.msg, "section 2 maps the certificate table, which no digest covers");
}

static void
make_cab(uint8_t b[64], uint32_t length, uint16_t flags)
{
	memset(b, 0x5a, 64);
	memcpy(b, "MSCF", 4);
	pe_make_put(b, 8, length, 4);
	pe_make_put(b, 30, flags, 2);
}

static void
a_cabinet_is_hashed_without_reserved1(void **state)
{
	uint8_t b[64], rest[60];
	AUTO(cat_hash_clear) struct cat_hash h = {0};
	AUTO(cat_hash_clear) struct cat_hash want = {0};
	AUTO(cat_hash_clear) struct cat_hash length = {0};
	AUTO(cat_hash_clear) struct cat_hash one = {0};
	struct kd_err e = {0};

	make_cab(b, 64, 0);
	memcpy(rest, b, 4);
	memcpy(&rest[4], &b[8], 56);
	assert_true(hash_of(b, 64, &v2, &h, &e));
	assert_true(hash_of(rest, 60,
	    &(struct cat_hash_options){CAT_V2, false, true, CAT_FLAT}, &want, &e));
	assert_true(hash_of(&b[8], 4, &v2, &length, &e));
	assert_int_equal(h.subject, CAT_CAB);
	assert_memory_equal(h.sha256, want.sha256, 32);
	assert_memory_equal(h.sha1, want.sha1, 20);
	assert_memory_equal(h.cab_header, length.sha256, 32);
	assert_true(hash_of(b, 64, &v1, &one, &e));
	assert_memory_equal(one.cab_header, length.sha1, 20);
}

static void
other_cabinets_get_a_sentence(void **state)
{
	uint8_t b[64];
	AUTO(cat_hash_clear) struct cat_hash h = {0};
	struct kd_err reserved = {0}, length = {0}, cut = {0};

	make_cab(b, 64, 4);
	assert_false(hash_of(b, 64, &v2, &h, &reserved));
	assert_string_equal(reserved.msg,
	    "a cabinet with a reserved area: signed, or made to be; only one without can "
	    "be listed");
	make_cab(b, 65, 0);
	assert_false(hash_of(b, 64, &v2, &h, &length));
	assert_string_equal(
	    length.msg, "cbCabinet at offset 0x8 says 65 bytes; the file has 64");
	assert_false(hash_of(b, 35, &v2, &h, &cut));
	assert_string_equal(
	    cut.msg, "cabinet header needs 36 bytes; the file ends at 35");
}

/* The catalog of one file, as parsed; ctl keeps its bytes. */
static void
list_one(
    enum cat_version version, const struct cat_file *f, struct buf *ctl, struct cat *ret)
{
	static const uint8_t id[CAT_IDENTIFIER_LEN];
	AUTO(cat_builder_free) struct cat_builder *b = NULL;
	struct kd_err e = {0};

	assert_true(cat_builder_new(version, &b, &e));
	assert_true(cat_add_file(b, version, f, &e));
	assert_true(cat_builder_finish(b, id, sizeof(id), 0, ctl, &e));
	assert_true(cat_parse_ctl(ctl->p, ctl->len, ret, &e));
}

static size_t
attrs_of(const struct cat_member *m, struct cat_attr ret[8])
{
	struct rd r = cat_attrs(m);
	struct kd_err e = {0};
	size_t n = 0;

	while (rd_left(&r) > 0)
		assert_true(n < 8 && cat_next_attr(&r, &ret[n++], &e));
	return n;
}

static void
version_1_lists_by_hexadecimal_text(void **state)
{
	static const char want[] = "A\0"
				   "9\0"
				   "9\0"
				   "9\0"
				   "3\0"
				   "E";
	AUTO(cat_hash_clear) struct cat_hash h = {0};
	AUTO(buf_clear) struct buf ctl = {0};
	AUTO(cat_clear) struct cat c = {0};
	struct cat_attr a[8];
	struct kd_err e = {0};

	assert_true(hash_of("abc", 3, &v1, &h, &e));
	list_one(CAT_V1, &(struct cat_file){.hash = &h}, &ctl, &c);
	assert_int_equal(c.members_n, 1);
	assert_int_equal(c.members[0].id_len, 82);
	assert_memory_equal(c.members[0].id, want, sizeof(want));
	assert_memory_equal(&c.members[0].id[78], "D\0\0", 4);
	assert_int_equal(attrs_of(&c.members[0], a), 2);
	assert_int_equal(a[0].kind, CAT_ATTR_INDIRECT);
	assert_int_equal(a[0].indirect.md, MD_SHA1);
	assert_memory_equal(a[0].indirect.digest, h.sha1, 20);
	assert_int_equal(a[1].kind, CAT_ATTR_MEMBER_INFO);
}

static void
version_2_lists_twice_and_keeps_some_attributes_back(void **state)
{
	const struct cat_value values[] = {
	    {"Both", CAT_AUTHENTICATED | CAT_VALUE_TEXT | CAT_NAME_TEXT, "x"},
	    {"Once",
		CAT_AUTHENTICATED | CAT_NOT_IN_COMPAT | CAT_VALUE_BASE64 | CAT_NAME_TEXT,
		"AAECAw=="},
	};
	AUTO(cat_hash_clear) struct cat_hash h = {0};
	AUTO(buf_clear) struct buf ctl = {0};
	AUTO(cat_clear) struct cat c = {0};
	const struct cat_member *main_member, *compat;
	struct cat_attr a[8];
	struct kd_err e = {0};

	assert_true(hash_of("abc", 3, &v2, &h, &e));
	list_one(CAT_V2, &(struct cat_file){.hash = &h, .values = values, .values_n = 2},
	    &ctl, &c);
	assert_int_equal(c.members_n, 2);
	main_member = cat_find(&c, h.sha256, 32);
	compat = cat_find(&c, h.sha1, 20);
	assert_non_null(main_member);
	assert_non_null(compat);
	assert_int_equal(attrs_of(main_member, a), 4);
	assert_int_equal(a[0].kind, CAT_ATTR_MEMBER_INFO2);
	assert_int_equal(a[1].name_value.flags, 0x10010001); /* "Both": shorter */
	assert_memory_equal(a[1].name_value.value, "x\0\0", 4);
	assert_int_equal(a[2].name_value.flags, 0x10020001);
	assert_memory_equal(a[2].name_value.value, "\0\1\2\3", 4);
	assert_int_equal(a[2].name_value.value_len, 4);
	assert_int_equal(a[3].kind, CAT_ATTR_INDIRECT);
	assert_int_equal(attrs_of(compat, a), 2);
	assert_int_equal(a[0].kind, CAT_ATTR_MEMBER_INFO2);
	assert_int_equal(a[1].name_value.flags, 0x10010001);
}

static void
a_tag_is_listed_by_its_name(void **state)
{
	AUTO(cat_hash_clear) struct cat_hash h = {0};
	struct kd_err e = {0};

	assert_true(hash_of("abc", 3, &v2, &h, &e));
	for (int version = CAT_V1; version <= CAT_V2; version++) {
		AUTO(buf_clear) struct buf ctl = {0};
		AUTO(cat_clear) struct cat c = {0};

		list_one((enum cat_version)version,
		    &(struct cat_file){.tag = "Aq", .hash = &h}, &ctl, &c);
		assert_int_equal(c.members_n, 1);
		assert_int_equal(c.members[0].id_len, 6);
		assert_memory_equal(c.members[0].id, "A\0q\0\0", 6);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(other_files_are_hashed_whole),
	    cmocka_unit_test(an_image_has_its_image_digest_signed_or_not),
	    cmocka_unit_test(page_hashes_have_an_entry_a_page),
	    cmocka_unit_test(headers_that_cannot_be_paged_get_a_sentence),
	    cmocka_unit_test(overlapping_sections_do_not_take_for_ever),
	    cmocka_unit_test(a_damaged_image_is_listed_flat_and_said),
	    cmocka_unit_test(an_image_that_maps_its_signature_is_refused),
	    cmocka_unit_test(a_cabinet_is_hashed_without_reserved1),
	    cmocka_unit_test(other_cabinets_get_a_sentence),
	    cmocka_unit_test(version_1_lists_by_hexadecimal_text),
	    cmocka_unit_test(version_2_lists_twice_and_keeps_some_attributes_back),
	    cmocka_unit_test(a_tag_is_listed_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
