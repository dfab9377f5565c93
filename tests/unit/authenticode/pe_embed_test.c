/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/pe_embed_test.c - what is written, byte for byte, and which
 * tables are refused. */
#include "authenticode/pe_embed.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/own.h"
#include "tests/unit/authenticode/pe_make.h"

static const uint8_t der[11] = {
    0x30, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9}; /* entry of 19, padded to 24 */

/* A file, what pe_open and pe_digest say of it, and an empty output. */
struct fixture {
	uint8_t in[PE_MAKE_CAP], out[PE_MAKE_CAP];
	size_t in_len;
	int in_fd, out_fd;
	struct pe pe;
	struct pe_digest d;
};

static void
fixture_clear(struct fixture *f)
{
	close(f->in_fd);
	close(f->out_fd);
}
AUTO_DEFINE_CLEAR(struct fixture, fixture_clear);

static void
examine(int fd, struct pe *pe, struct pe_digest *d)
{
	struct kd_err e = {0};

	*d = (struct pe_digest){.md = {MD_SHA256}};
	assert_true(pe_open(fd, pe, &e));
	assert_true(pe_digest(fd, pe, d, &e));
}

static void
fixture_init(struct fixture *f, const struct pe_make *how)
{
	f->in_len = pe_make(how, f->in);
	f->in_fd = pe_make_fd(f->in, f->in_len);
	f->out_fd = pe_make_fd("", 0);
	examine(f->in_fd, &f->pe, &f->d);
}

/* The new file keeps the digest that was signed, and its CheckSum is right. */
static void
check_result(struct fixture *f, struct pe *pe)
{
	struct pe_digest d;

	examine(f->out_fd, pe, &d);
	assert_memory_equal(d.digest[0], f->d.digest[0], 32);
	assert_int_equal(pe->checksum, d.checksum);
	assert_int_equal(pe->trailing, 0);
}

static void
embedded_file_is_the_padded_image_and_one_entry(void **state)
{
	static const struct pe_make shapes[] = {{.plus = true}, {.plus = false},
	    {.plus = true, .overlay = 3}, {.plus = false, .overlay = 7},
	    {.plus = true, .overlay = 1},
	    {.plus = true, .table = 32}, /* an old table, longer than the new one */
	    {.plus = false, .overlay = 8, .table = 8}};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(shapes); i++) {
		AUTO(fixture_clear) struct fixture f = {0};
		struct kd_err e = {0};
		struct pe pe;
		uint8_t want[PE_MAKE_CAP] = {0};
		size_t image = MAKE_SIZE + shapes[i].overlay, table = (image + 7) / 8 * 8;
		size_t dir = shapes[i].plus ? MAKE_SECDIR_PLUS : MAKE_SECDIR_PE32;

		fixture_init(&f, &shapes[i]);
		assert_true(
		    pe_embed(f.in_fd, &f.pe, &f.d, der, sizeof(der), f.out_fd, &e));
		check_result(&f, &pe);
		memcpy(want, f.in, image);
		pe_make_put(want, dir, table, 4);
		pe_make_put(want, dir + 4, 24, 4);
		pe_make_put(want, table, 24, 4);
		pe_make_put(want, table + 4, 0x0200, 2);
		pe_make_put(want, table + 6, 2, 2);
		memcpy(&want[table + 8], der, sizeof(der));
		pe_make_put(want, MAKE_CHECKSUM, pe.checksum, 4); /* checked above */
		assert_int_equal(
		    pe_make_slurp(f.out_fd, f.out, sizeof(f.out)), table + 24);
		assert_memory_equal(f.out, want, table + 24);
		assert_int_equal(pe_make_slurp(f.in_fd, f.out, sizeof(f.out)), f.in_len);
		assert_memory_equal(f.out, f.in, f.in_len); /* input untouched */
	}
}

static void
stripped_file_is_the_unsigned_one_but_for_checksum(void **state)
{
	static const struct pe_make shapes[] = {
	    {.plus = true}, {.plus = false}, {.plus = true, .overlay = 16}};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(shapes); i++) {
		AUTO(fixture_clear) struct fixture f = {0}, g = {0};
		struct kd_err e = {0};
		struct pe pe;

		fixture_init(&f, &shapes[i]);
		g.out_fd = pe_make_fd("", 0);
		assert_true(
		    pe_embed(f.in_fd, &f.pe, &f.d, der, sizeof(der), f.out_fd, &e));
		g.in_fd = dup(f.out_fd);
		examine(g.in_fd, &g.pe, &g.d);
		assert_true(pe_strip(g.in_fd, &g.pe, &g.d, g.out_fd, &e));
		check_result(&g, &pe);
		assert_int_equal(pe.cert_len, 0);
		assert_int_equal(pe_make_slurp(g.out_fd, g.out, sizeof(g.out)), f.in_len);
		pe_make_put(f.in, MAKE_CHECKSUM, pe.checksum, 4);
		assert_memory_equal(g.out, f.in, f.in_len);
	}
}

static void
file_without_signature_has_none_to_strip_or_read(void **state)
{
	const struct pe_make how = {.plus = true};
	AUTO(fixture_clear) struct fixture f = {0};
	struct pe_certs c = {0};
	struct kd_err strip_err = {0}, read_err = {0};

	(void)state;
	fixture_init(&f, &how);
	assert_false(pe_strip(f.in_fd, &f.pe, &f.d, f.out_fd, &strip_err));
	assert_int_equal(strip_err.code, KD_E_UNSIGNED);
	assert_string_equal(
	    strip_err.msg, "has no signature: there is no certificate table");
	assert_int_equal(pe_make_slurp(f.out_fd, f.out, sizeof(f.out)), 0);
	assert_false(pe_certs_read(f.in_fd, &f.pe, &c, &read_err));
	assert_int_equal(read_err.code, KD_E_UNSIGNED);
	assert_int_equal(c.n, 0);
}

static void
data_after_the_table_is_never_written(void **state)
{
	const struct pe_make how = {.plus = true, .table = 16, .trailing = 5};
	const char *msg = "5 bytes follow the certificate table, which ends at offset "
			  "0x610, expected none: Windows "
			  "may refuse such a file (MS12-024)";
	AUTO(fixture_clear) struct fixture f = {0};
	struct kd_err embed_err = {0}, strip_err = {0};

	(void)state;
	fixture_init(&f, &how);
	assert_false(
	    pe_embed(f.in_fd, &f.pe, &f.d, der, sizeof(der), f.out_fd, &embed_err));
	assert_int_equal(embed_err.code, KD_E_FORMAT);
	assert_string_equal(embed_err.msg, msg);
	assert_false(pe_strip(f.in_fd, &f.pe, &f.d, f.out_fd, &strip_err));
	assert_string_equal(strip_err.msg, msg);
	assert_int_equal(pe_make_slurp(f.out_fd, f.out, sizeof(f.out)), 0);
}

static void
section_mapped_over_the_table_is_never_written(void **state)
{
	const struct pe_make how = {.plus = true, .table = 16};
	AUTO(fixture_clear) struct fixture f = {0};
	struct kd_err e = {0};

	(void)state;
	fixture_init(&f, &how);
	pe_make_put(f.in, MAKE_SECTIONS_PLUS + 40 + 16, 0x208, 4);
	assert_int_equal(pwrite(f.in_fd, f.in, f.in_len, 0), (ssize_t)f.in_len);
	examine(f.in_fd, &f.pe, &f.d);
	assert_false(pe_embed(f.in_fd, &f.pe, &f.d, der, sizeof(der), f.out_fd, &e));
	assert_int_equal(e.code, KD_E_FORMAT);
	assert_string_equal(e.msg,
	    "section 2's data overlaps the certificate table at offset 0x600 to 0x610, "
	    "expected apart: no digest covers the table");
}

static void
signature_of_no_or_too_many_bytes_is_refused(void **state)
{
	static const size_t lens[] = {0, PE_CERT_TABLE_MAX - 15};
	const struct pe_make how = {.plus = true};
	AUTO(fixture_clear) struct fixture f = {0};
	AUTO(free) uint8_t *big = kd_alloc(PE_CERT_TABLE_MAX);

	(void)state;
	assert_non_null(big);
	fixture_init(&f, &how);
	for (size_t i = 0; i < KD_ARRAY_LEN(lens); i++) {
		struct kd_err e = {0};

		assert_false(pe_embed(f.in_fd, &f.pe, &f.d, big, lens[i], f.out_fd, &e));
		assert_int_equal(e.code, KD_E_TOO_LARGE);
		assert_non_null(strstr(e.msg, "expected 1 to 16777200"));
	}
}

static void
result_over_4_gib_is_refused(void **state)
{
	const struct pe_make how = {.plus = true};
	AUTO(fixture_clear) struct fixture f = {0};
	struct kd_err e = {0};

	(void)state;
	fixture_init(&f, &how);
	f.pe.size = f.pe.image_end = 0xfffffff0; /* as if the file were that long */
	assert_false(pe_embed(f.in_fd, &f.pe, &f.d, der, sizeof(der), f.out_fd, &e));
	assert_int_equal(e.code, KD_E_LIMIT);
	assert_string_equal(e.msg,
	    "would be 4294967304 bytes long with its signature, at most 4294967295 fit");
}

static void
disk_full_while_writing_is_an_io_error(void **state)
{
	const struct pe_make how = {.plus = true};
	const struct rlimit small = {
	    0x300, RLIM_INFINITY}; /* the file may not grow beyond */
	struct rlimit old;
	AUTO(fixture_clear) struct fixture f = {0};
	struct kd_err e = {0};
	bool done;

	(void)state;
	fixture_init(&f, &how);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	done = pe_embed(f.in_fd, &f.pe, &f.d, der, sizeof(der), f.out_fd, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_false(done);
	assert_int_equal(e.code, KD_E_IO);
	assert_string_equal(e.msg, "writing at offset 0x300: File too large");
}

static void
output_that_cannot_be_written_is_an_io_error(void **state)
{
	const struct pe_make how = {.plus = true};
	AUTO(fixture_clear) struct fixture f = {0};
	struct kd_err e = {0};

	(void)state;
	fixture_init(&f, &how);
	close(f.out_fd);
	f.out_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_false(pe_embed(f.in_fd, &f.pe, &f.d, der, sizeof(der), f.out_fd, &e));
	assert_int_equal(e.code, KD_E_IO);
	assert_string_equal(e.msg, "writing at offset 0x0: Bad file descriptor");
}

/* A file with this certificate table. */
static void
with_table(struct fixture *f, const uint8_t *table, size_t n)
{
	const struct pe_make how = {.plus = true, .table = n};

	f->in_len = pe_make(&how, f->in);
	memcpy(&f->in[MAKE_SIZE], table, n);
	f->in_fd = pe_make_fd(f->in, f->in_len);
	f->out_fd = pe_make_fd("", 0);
	examine(f->in_fd, &f->pe, &f->d);
}

static void
entries_are_read_without_their_padding(void **state)
{
	/* padding inside the entry; a foreign type; padding left out of entry and
	 * directory */
	static const uint8_t table[] = {16, 0, 0, 0, 0, 2, 2, 0, 0x30, 3, 1, 2, 3, 0, 0,
	    0,                                                     /* */
	    9, 0, 0, 0, 0, 1, 0xf1, 0x0e, 77, 0, 0, 0, 0, 0, 0, 0, /* */
	    14, 0, 0, 0, 0, 2, 2, 0, 0x30, 0x81, 3, 1, 2, 3};
	AUTO(fixture_clear) struct fixture f = {0};
	AUTO(pe_certs_clear) struct pe_certs c = {0};
	struct kd_err e = {0};

	(void)state;
	with_table(&f, table, sizeof(table));
	assert_true(pe_certs_read(f.in_fd, &f.pe, &c, &e));
	assert_int_equal(c.n, 3);
	assert_int_equal(c.table.len, sizeof(table));
	assert_int_equal(c.v[0].revision, 0x200);
	assert_int_equal(c.v[0].type, 2);
	assert_int_equal(c.v[0].len, 5);
	assert_memory_equal(c.v[0].p, &table[8], 5);
	assert_int_equal(c.v[1].revision, 0x100);
	assert_int_equal(c.v[1].type, 0xef1);
	assert_int_equal(c.v[1].len, 1);
	assert_int_equal(c.v[1].p[0], 77);
	assert_int_equal(c.v[2].len, 6);
	assert_memory_equal(c.v[2].p, &table[40], 6);
}

static void
what_was_embedded_is_read_back(void **state)
{
	const struct pe_make how = {.plus = false, .overlay = 3};
	AUTO(fixture_clear) struct fixture f = {0};
	AUTO(pe_certs_clear) struct pe_certs c = {0};
	struct kd_err e = {0};
	struct pe pe;

	(void)state;
	fixture_init(&f, &how);
	assert_true(pe_embed(f.in_fd, &f.pe, &f.d, der, sizeof(der), f.out_fd, &e));
	check_result(&f, &pe);
	assert_true(pe_certs_read(f.out_fd, &pe, &c, &e));
	assert_int_equal(c.n, 1);
	assert_int_equal(c.v[0].len, sizeof(der));
	assert_memory_equal(c.v[0].p, der, sizeof(der));
}

static void
malformed_entries_are_named(void **state)
{
	static const struct {
		uint8_t table[32];
		size_t n;
		const char *msg;
	} cases[] = {
	    {{7, 0, 0, 0, 0, 2, 2, 0}, 16,
		"certificate table entry 1: dwLength at offset 0x600 is 7, expected 8 to "
		"16 (the end of "
		"the table)"},
	    {{17, 0, 0, 0, 0, 2, 2, 0}, 16,
		"certificate table entry 1: dwLength at offset 0x600 is 17, expected 8 "
		"to 16 (the end of "
		"the table)"},
	    {{0xff, 0xff, 0xff, 0xff, 0, 2, 2, 0}, 16,
		"certificate table entry 1: dwLength at offset 0x600 is 4294967295, "
		"expected 8 to 16 (the "
		"end of the table)"},
	    {{8, 0, 0, 0, 0, 2, 2, 0}, 8,
		"certificate table entry 1: signature's tag at offset 0x608 needs 1 "
		"bytes; the data ends at "
		"0x608"},
	    {{16, 0, 0, 0, 0, 2, 2, 0, 0x31, 2}, 16,
		"certificate table entry 1: signature's tag at offset 0x608 is 0x31, "
		"expected 0x30 "
		"(SEQUENCE)"},
	    {{16, 0, 0, 0, 0, 2, 2, 0, 0x30, 7}, 16,
		"certificate table entry 1: signature at offset 0x60a needs 7 bytes; the "
		"data ends at 0x610"},
	    {{16, 0, 0, 0, 0, 2, 2, 0, 0x30, 0x80}, 16,
		"certificate table entry 1: signature's length at offset 0x609 begins "
		"with 0x80, expected a "
		"definite length of at most 4 octets (DER)"},
	    {{16, 0, 0, 0, 0, 2, 2, 0, 0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, 16,
		"certificate table entry 1: signature at offset 0x60e needs 4294967295 "
		"bytes; the data ends "
		"at 0x610"},
	    {{16, 0, 0, 0, 0, 2, 2, 0, 0x30, 1, 9, 0, 0, 0, 0, 0, 8, 0}, 18,
		"certificate table entry 2: dwLength at offset 0x610 needs 4 bytes; the "
		"data ends at 0x612"},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(fixture_clear) struct fixture f = {0};
		struct pe_certs c = {.n = 99};
		struct kd_err e = {0};

		with_table(&f, cases[i].table, cases[i].n);
		assert_false(pe_certs_read(f.in_fd, &f.pe, &c, &e));
		assert_string_equal(e.msg, cases[i].msg);
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_int_equal(c.n, 99);
	}
}

static void
table_of_17_entries_is_over_the_limit(void **state)
{
	uint8_t table[17 * 8] = {0};
	AUTO(fixture_clear) struct fixture f = {0};
	struct pe_certs c = {0};
	struct kd_err e = {0};

	(void)state;
	for (size_t i = 0; i < 17; i++)
		memcpy(&table[i * 8], (const uint8_t[]){8, 0, 0, 0, 0, 2, 1, 0}, 8);
	with_table(&f, table, sizeof(table));
	assert_false(pe_certs_read(f.in_fd, &f.pe, &c, &e));
	assert_int_equal(e.code, KD_E_LIMIT);
	assert_string_equal(
	    e.msg, "certificate table has more than 16 entries, the most accepted");
}

static void
table_over_16_mib_is_not_read(void **state)
{
	const struct pe_make how = {.plus = true, .table = 8};
	AUTO(fixture_clear) struct fixture f = {0};
	struct pe_certs c = {0};
	struct kd_err e = {0};

	(void)state;
	fixture_init(&f, &how);
	assert_int_equal(ftruncate(f.in_fd, MAKE_SIZE + (16 << 20) + 8), 0); /* sparse */
	pe_make_put(f.in, MAKE_SECDIR_PLUS + 4, (16 << 20) + 8, 4);
	assert_int_equal(pwrite(f.in_fd, f.in, f.in_len, 0), (ssize_t)f.in_len);
	assert_true(pe_open(f.in_fd, &f.pe, &e));
	assert_false(pe_certs_read(f.in_fd, &f.pe, &c, &e));
	assert_int_equal(e.code, KD_E_LIMIT);
	assert_string_equal(
	    e.msg, "certificate table has 16777224 bytes, at most 16777216 are accepted");
}

static void
out_of_memory_is_an_ordinary_error(void **state)
{
	const struct pe_make how = {.plus = true, .table = 16};
	AUTO(fixture_clear) struct fixture f = {0};
	long n = 0;
	bool done = false;

	(void)state;
	fixture_init(&f, &how);
	for (; !done && n < 20; n++) {
		struct kd_err e = {0};

		kd_alloc_fail_at(n);
		done = pe_embed(f.in_fd, &f.pe, &f.d, der, sizeof(der), f.out_fd, &e);
		kd_alloc_fail_at(-1);
		if (!done)
			assert_int_equal(e.code, KD_E_NOMEM);
	}
	assert_true(done && n > 1);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(embedded_file_is_the_padded_image_and_one_entry),
	    cmocka_unit_test(stripped_file_is_the_unsigned_one_but_for_checksum),
	    cmocka_unit_test(file_without_signature_has_none_to_strip_or_read),
	    cmocka_unit_test(data_after_the_table_is_never_written),
	    cmocka_unit_test(section_mapped_over_the_table_is_never_written),
	    cmocka_unit_test(signature_of_no_or_too_many_bytes_is_refused),
	    cmocka_unit_test(result_over_4_gib_is_refused),
	    cmocka_unit_test(disk_full_while_writing_is_an_io_error),
	    cmocka_unit_test(output_that_cannot_be_written_is_an_io_error),
	    cmocka_unit_test(entries_are_read_without_their_padding),
	    cmocka_unit_test(what_was_embedded_is_read_back),
	    cmocka_unit_test(malformed_entries_are_named),
	    cmocka_unit_test(table_of_17_entries_is_over_the_limit),
	    cmocka_unit_test(table_over_16_mib_is_not_read),
	    cmocka_unit_test(out_of_memory_is_an_ordinary_error),
	};
	return cmocka_run_group_tests_name("pe_embed", t, NULL, NULL);
}
