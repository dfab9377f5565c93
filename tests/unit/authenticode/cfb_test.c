/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/cfb_test.c - compound files: what is refused, and that a change of
 * the root's streams leaves a right file in which nothing else has changed. */
#include "config.h" /* _GNU_SOURCE: memmem */

#include "authenticode/cfb_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authenticode/cfb_alloc.h"
#include "authenticode/msi_digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "tests/unit/authenticode/format_file_make.h"

/* The smallest there is: header, FAT in sector 0, directory in sector 1, nothing in it. */
static void
make_empty(uint32_t sector_len, struct buf *ret)
{
	static const char root[] = "Root Entry";
	uint8_t *p = buf_reserve(ret, 3 * (size_t)sector_len);
	uint8_t *fat = &p[sector_len], *dir = &p[2 * (size_t)sector_len];

	assert_non_null(p);
	memset(p, 0, 2 * (size_t)sector_len);
	memcpy(p, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
	p[24] = 0x3e;
	p[26] = sector_len == 512 ? 3 : 4;
	p[28] = 0xfe;
	p[29] = 0xff;
	p[30] = sector_len == 512 ? 9 : 12;
	p[32] = 6;
	cfb_put_u32(&p[CFB_HEAD_DIR_N], sector_len == 512 ? 0 : 1);
	cfb_put_u32(&p[CFB_HEAD_FAT_N], 1);
	cfb_put_u32(&p[CFB_HEAD_DIR], 1);
	cfb_put_u32(&p[CFB_HEAD_CUTOFF], 4096);
	cfb_put_u32(&p[CFB_HEAD_MINI], CFB_END);
	cfb_put_u32(&p[CFB_HEAD_DIFAT], CFB_END);
	memset(&p[CFB_HEAD_FAT_AT], 0xff, (size_t)4 * CFB_DIFAT_HEADER);
	cfb_put_u32(&p[CFB_HEAD_FAT_AT], 0);
	memset(fat, 0xff, sector_len);
	cfb_put_u32(fat, CFB_FATSECT);
	cfb_put_u32(&fat[4], CFB_END);
	for (size_t i = 0; i < sector_len; i += CFB_ENTRY_LEN)
		cfb_blank_entry(&dir[i]);
	for (size_t i = 0; i < sizeof(root); i++)
		dir[2 * i] = (uint8_t)root[i];
	dir[CFB_AT_NAME_LEN] = 22;
	dir[CFB_AT_TYPE] = CFB_ROOT;
	dir[CFB_AT_COLOR] = 1;
	cfb_put_u32(&dir[CFB_AT_START], CFB_END);
	assert_int_equal(ret->len, 3 * sector_len);
}

static int
empty_fd(uint32_t sector_len)
{
	AUTO(buf_clear) struct buf b = {0};

	make_empty(sector_len, &b);
	return format_make_fd(b.p, b.len);
}

static void
open_fd(int fd, struct cfb *ret)
{
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};
	bool done;

	format_make_slurp(fd, &b);
	done = cfb_open(fd, b.len, ret, &e);
	if (!done)
		print_error("%s\n", e.msg);
	assert_true(done);
}

/* A stream "<c>" whose bytes tell which it is. */
struct one {
	uint8_t name[2];
	struct buf data;
};

static void
make_one(char c, size_t len, struct one *ret)
{
	ret->name[0] = (uint8_t)c;
	ret->name[1] = 0;
	for (size_t i = 0; i < len; i++)
		buf_u8(&ret->data, (uint8_t)(i * 7 + (size_t)c));
}

/* The same descriptor afterwards holds the file with the stream, or without it (len 0). */
static void
put(int *fd, char c, size_t len)
{
	AUTO(cfb_clear) struct cfb file = {0};
	struct one s = {{0}};
	int out = format_make_fd("", 0);
	struct kd_err e = {0};

	make_one(c, len, &s);
	open_fd(*fd, &file);
	assert_true(cfb_edit(*fd, &file,
	    &(struct cfb_stream){s.name, 2, len == 0 ? NULL : s.data.p, len}, 1, out, &e));
	buf_clear(&s.data);
	(void)close(*fd);
	*fd = out;
}

static void
read_stream(int fd, const struct cfb *c, uint32_t id, struct buf *ret)
{
	const struct cfb_entry *v = &c->v[id];
	bool mini = v->size < CFB_MINI_BELOW;
	uint64_t unit = mini ? CFB_MINI_LEN : c->sector_len;
	struct kd_err e = {0};

	for (uint32_t s = v->start; s != CFB_END; s = mini ? c->mini.next[s] : c->fat.next[s]) {
		uint8_t *p = buf_reserve(ret, unit);

		assert_non_null(p);
		assert_true(file_pread_full(fd, p, unit,
		    mini ? cfb_mini_off(c, s) : cfb_sector_off(c, s), &e));
	}
}

/* The stream is there, whole and with zeros behind it. */
static void
has(int fd, char c, size_t len)
{
	AUTO(cfb_clear) struct cfb file = {0};
	AUTO(buf_clear) struct buf got = {0};
	struct one s = {{0}};
	uint32_t id;

	make_one(c, len, &s);
	open_fd(fd, &file);
	id = cfb_find(&file, 0, s.name, 2);
	assert_true(id != CFB_NONE);
	assert_int_equal(file.v[id].size, len);
	read_stream(fd, &file, id, &got);
	assert_memory_equal(got.p, s.data.p, len);
	for (size_t i = len; i < got.len; i++)
		assert_int_equal(got.p[i], 0);
	buf_clear(&s.data);
}

/* Left before right, no red one under a red one, as many black ones on every way down: how
 * many. */
static unsigned
check_tree(const struct cfb *c, uint32_t id, bool under_red)
{
	unsigned left, right;
	bool red;

	if (id == CFB_NONE)
		return 1;
	red = cfb_raw(c, id)[CFB_AT_COLOR] == 0;
	assert_false(red && under_red);
	left = check_tree(c, cfb_u32(&cfb_raw(c, id)[CFB_AT_LEFT]), red);
	right = check_tree(c, cfb_u32(&cfb_raw(c, id)[CFB_AT_RIGHT]), red);
	assert_int_equal(left, right);
	return left + !red;
}

static void
tree_is_red_black(int fd)
{
	AUTO(cfb_clear) struct cfb c = {0};

	open_fd(fd, &c);
	(void)check_tree(&c, cfb_u32(&cfb_raw(&c, 0)[CFB_AT_CHILD]), true);
}

static const uint32_t sector_lens[] = {512, 4096};

static void
streams_of_all_lengths_are_put_in_and_found(void **state)
{
	static const size_t lens[] = {1, 63, 64, 65, 511, 512, 513, 4095, 4096, 4097, 8192, 70000};

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		int fd = empty_fd(sector_lens[k]);

		for (size_t i = 0; i < KD_ARRAY_LEN(lens); i++) {
			put(&fd, (char)('a' + i), lens[i]);
			tree_is_red_black(fd);
		}
		for (size_t i = 0; i < KD_ARRAY_LEN(lens); i++)
			has(fd, (char)('a' + i), lens[i]);
		(void)close(fd);
	}
}

/* 512-byte sectors: 128 to each of the FAT, 109 of these in the header, 127 in each of the
 * DIFAT. */
static void
fat_and_difat_grow_with_the_file(void **state)
{
	int fd = empty_fd(512);
	AUTO(cfb_clear) struct cfb c = {0};

	(void)state;
	put(&fd, 'a', 109 * 128 * 512 - 512 * 200);
	put(&fd, 'b', 512 * 300);
	put(&fd, 'c', 5000);
	put(&fd, 'd', (size_t)128 * 512 * 130);
	has(fd, 'a', 109 * 128 * 512 - 512 * 200);
	has(fd, 'b', 512 * 300);
	has(fd, 'c', 5000);
	has(fd, 'd', (size_t)128 * 512 * 130);
	open_fd(fd, &c);
	assert_int_equal(c.difat.n, 2);
	(void)close(fd);
}

static uint64_t
size_of(int fd)
{
	AUTO(buf_clear) struct buf b = {0};

	format_make_slurp(fd, &b);
	return b.len;
}

static void
room_that_became_free_is_used_again(void **state)
{
	(void)state;
	for (size_t k = 0; k < 2; k++) {
		int fd = empty_fd(sector_lens[k]);
		uint64_t size;

		put(&fd, 'a', 3000);
		put(&fd, 'b', 20000);
		put(&fd, 'c', 70);
		size = size_of(fd);
		for (int i = 0; i < 3; i++) {
			put(&fd, 'b', 0);
			put(&fd, 'a', 0);
			tree_is_red_black(fd);
			has(fd, 'c', 70);
			put(&fd, 'a', 3000);
			put(&fd, 'b', 20000);
			assert_int_equal(size_of(fd), size);
		}
		put(&fd, 'b', 4000); /* and again as another kind of stream */
		has(fd, 'a', 3000);
		has(fd, 'b', 4000);
		has(fd, 'c', 70);
		(void)close(fd);
	}
}

/* What was in a stream that is taken out is nowhere in the file any more. */
static void
freed_sectors_are_filled_with_zeros(void **state)
{
	int fd = empty_fd(512);
	AUTO(buf_clear) struct buf b = {0};
	struct one s = {{0}};

	(void)state;
	put(&fd, 'a', 5000);
	put(&fd, 'b', 200);
	put(&fd, 'a', 0);
	put(&fd, 'b', 0);
	format_make_slurp(fd, &b);
	make_one('a', 16, &s);
	assert_null(memmem(b.p, b.len, s.data.p, 16));
	buf_clear(&s.data);
	make_one('b', 16, &s);
	assert_null(memmem(b.p, b.len, s.data.p, 16));
	buf_clear(&s.data);
	(void)close(fd);
}

/* Short names first, then upper-cased. */
static void
new_streams_stand_where_windows_looks_for_them(void **state)
{
	static const char *const names = "zBaYc";
	static const char *const want = "aBcYz";
	AUTO(cfb_clear) struct cfb c = {0};
	int fd = empty_fd(512);
	uint32_t path[8], n = 0, id;
	size_t seen = 0;

	(void)state;
	for (const char *p = names; *p != '\0'; p++)
		put(&fd, *p, 10);
	open_fd(fd, &c);
	for (id = cfb_u32(&cfb_raw(&c, 0)[CFB_AT_CHILD]); id != CFB_NONE || n > 0;) {
		for (; id != CFB_NONE; id = cfb_u32(&cfb_raw(&c, id)[CFB_AT_LEFT]))
			path[n++] = id;
		id = path[--n];
		assert_int_equal(cfb_raw(&c, id)[0], want[seen++]);
		id = cfb_u32(&cfb_raw(&c, id)[CFB_AT_RIGHT]);
	}
	assert_int_equal(seen, 5);
	(void)close(fd);
}

/* ---- what is refused ---- */

struct wrong {
	size_t at; /* in a file with streams a (100 bytes) and b (5000), 512-byte sectors */
	uint32_t v;
	const char *msg;
};

/* Sectors: 0 FAT, 1 directory, 2 mini FAT, 3 mini stream, 4 to 13 b. */
#define FAT_AT(s) (512 + 4 * (size_t)(s))
#define MINI_AT(s) (3 * 512 + 4 * (size_t)(s))
#define ENTRY_AT(id, field) (2 * 512 + 128 * (size_t)(id) + (size_t)(field))

static void
broken_files_are_refused_with_what_is_wrong_where(void **state)
{
	static const struct wrong cases[] = {
	    {0, 0, "header: is not that of a compound file"},
	    {26, 0xfffe0005, "header: major version is 5, expected 3 or 4"},
	    {30, 0x0006000c,
		"header: sector shift at offset 0x1e is 0xc, expected 0x9 ([MS-CFB] 2.2)"},
	    {CFB_HEAD_CUTOFF, 8192,
		"header: streams are said to be in mini sectors below 8192 bytes, expected 4096"},
	    {CFB_HEAD_FAT_N, 0,
		"header: the FAT has 0 sectors, expected 1 to 17 in a file of 7680 bytes"},
	    {CFB_HEAD_DIFAT_N, 1,
		"header: the DIFAT has 1 sectors, expected 0 for the 1 of the FAT"},
	    {CFB_HEAD_FAT_AT, 14,
		"FAT sector 0 is said to be in sector 0xe, expected one of the 14 that are there"},
	    {CFB_HEAD_MINI_N, 0, "header: the mini FAT has 0 sectors, expected the 1 of its chain"},
	    {FAT_AT(20), 0x1000,
		"FAT: sector 0x14 is followed by 0x1000, expected less than 0x80 or one of the "
		"special values from 0xfffffffc on"},
	    {FAT_AT(1), 1,
		"directory: its chain goes on in sector 0x1 after 1 of them, which is in use "
		"already, expected a free one: a cycle, or two chains that meet"},
	    {FAT_AT(6), 5,
		"stream 'b': FAT: its chain goes on in sector 0x5 after 3 of them, which is in use "
		"already, expected a free one: a cycle, or two chains that meet"},
	    {FAT_AT(6), 3,
		"stream 'b': FAT: its chain goes on in sector 0x3 after 3 of them, which is in use "
		"already, expected a free one: a cycle, or two chains that meet"},
	    {FAT_AT(6), 100,
		"stream 'b': FAT: its chain goes on in sector 0x64 after 3 of them, expected one of "
		"the 14 that are there, or the end 0xfffffffe"},
	    {FAT_AT(6), CFB_FREE,
		"stream 'b': FAT: its chain goes on in sector 0xffffffff after 3 of them, expected "
		"one of the 14 that are there, or the end 0xfffffffe"},
	    {FAT_AT(6), CFB_END,
		"stream 'b': FAT: its chain ends after 3 sectors, expected 10 for its size"},
	    {MINI_AT(0), 0,
		"stream 'a': FAT: its chain goes on in mini sector 0x0 after 1 of them, which is in "
		"use already, expected a free one: a cycle, or two chains that meet"},
	    {MINI_AT(0), CFB_END,
		"stream 'a': FAT: its chain ends after 1 mini sectors, expected 2 for its size"},
	    {ENTRY_AT(0, CFB_AT_TYPE), 0x01000001,
		"directory entry 0 is of type 1, expected 5 (the root)"},
	    {ENTRY_AT(0, CFB_AT_LEFT), 1,
		"directory entry 0, the root, has siblings, expected none"},
	    {ENTRY_AT(0, CFB_AT_CHILD), 99,
		"directory entry 0 points to entry 0x63, expected one that is there"},
	    {ENTRY_AT(0, CFB_AT_SIZE), 0x10000000,
		"mini stream has 268435456 bytes, at most 67108864 are accepted"},
	    {ENTRY_AT(1, CFB_AT_RIGHT), 1,
		"directory entry 1 points to entry 0x1, expected one that nothing else points to: a "
		"cycle in the tree"},
	    {ENTRY_AT(1, CFB_AT_RIGHT), 3,
		"directory entry 3 is of type 0, expected 1 (storage) or 2 (stream)"},
	    {ENTRY_AT(1, CFB_AT_CHILD), 2,
		"directory entry 1 is a stream with a child 0x2, expected none"},
	    {ENTRY_AT(1, CFB_AT_NAME_LEN), 0x01020041,
		"directory entry 1: its name of 65 bytes is not 1 to 31 UTF-16 characters with a "
		"NUL behind them"},
	    {ENTRY_AT(1, 0), 0x0000d800,
		"directory entry 1: its name of 4 bytes is not 1 to 31 UTF-16 characters with a "
		"NUL behind them"},
	    {ENTRY_AT(2, 0), 'a', "directory entries 1 and 2 of one storage are both named 'a'"},
	    {ENTRY_AT(2, CFB_AT_SIZE), 0x7fffffff,
		"stream 'b' is said to have 2147483647 bytes, expected less than the 7680 of the "
		"file"},
	};
	AUTO(buf_clear) struct buf good = {0};
	int fd = empty_fd(512);

	(void)state;
	put(&fd, 'a', 100);
	put(&fd, 'b', 5000);
	format_make_slurp(fd, &good);
	(void)close(fd);
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(cfb_clear) struct cfb c = {0};
		AUTO(buf_clear) struct buf b = {0};
		struct kd_err e = {0};

		buf_add(&b, good.p, good.len);
		cfb_put_u32(&b.p[cases[i].at], cases[i].v);
		fd = format_make_fd(b.p, b.len);
		assert_false(cfb_open(fd, b.len, &c, &e));
		(void)close(fd);
		assert_string_equal(e.msg, cases[i].msg);
		assert_true(e.code == KD_E_FORMAT || e.code == KD_E_LIMIT);
		assert_true(e.code == KD_E_LIMIT || e.hint[0] != '\0');
	}
}

static void
every_cut_is_refused(void **state)
{
	AUTO(buf_clear) struct buf good = {0};
	int fd = empty_fd(512);

	(void)state;
	put(&fd, 'b', 5000);
	format_make_slurp(fd, &good);
	(void)close(fd);
	for (size_t n = 0; n < good.len; n += 100) {
		AUTO(cfb_clear) struct cfb c = {0};
		struct kd_err e = {0};

		fd = format_make_fd(good.p, n);
		assert_false(cfb_open(fd, n, &c, &e));
		assert_true(e.msg[0] != '\0');
		(void)close(fd);
	}
}

static void
bytes_behind_the_last_sector_are_read_over_and_never_written(void **state)
{
	AUTO(cfb_clear) struct cfb c = {0};
	AUTO(buf_clear) struct buf b = {0};
	struct one s = {{0}};
	struct kd_err e = {0};
	int fd, out = format_make_fd("", 0);

	(void)state;
	make_empty(512, &b);
	buf_str(&b, "tag");
	fd = format_make_fd(b.p, b.len);
	open_fd(fd, &c);
	make_one('a', 10, &s);
	assert_false(
	    cfb_edit(fd, &c, &(struct cfb_stream){s.name, 2, s.data.p, 10}, 1, out, &e));
	assert_int_equal(e.code, KD_E_FORMAT);
	assert_string_equal(e.msg,
	    "3 bytes follow the last sector that the FAT knows of, expected none: no digest "
	    "covers them");
	assert_int_equal(size_of(out), 0);
	buf_clear(&s.data);
	(void)close(fd);
	(void)close(out);
}

static void
out_of_memory_is_an_ordinary_error(void **state)
{
	int fd = empty_fd(512);
	struct one s = {{0}};
	bool done = false;
	long n = 0;

	(void)state;
	put(&fd, 'a', 100);
	put(&fd, 'b', 5000);
	make_one('c', 9000, &s);
	for (; !done && n < 200; n++) {
		AUTO(cfb_clear) struct cfb c = {0};
		int out = format_make_fd("", 0);
		struct kd_err e = {0};

		kd_alloc_fail_at(n);
		done = cfb_open(fd, 7680, &c, &e) &&
		    cfb_edit(fd, &c, &(struct cfb_stream){s.name, 2, s.data.p, 9000}, 1, out,
			&e);
		kd_alloc_fail_at(-1);
		if (!done)
			assert_int_equal(e.code, KD_E_NOMEM);
		(void)close(out);
	}
	assert_true(done && n > 10);
	buf_clear(&s.data);
	(void)close(fd);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(streams_of_all_lengths_are_put_in_and_found),
	    cmocka_unit_test(fat_and_difat_grow_with_the_file),
	    cmocka_unit_test(room_that_became_free_is_used_again),
	    cmocka_unit_test(freed_sectors_are_filled_with_zeros),
	    cmocka_unit_test(new_streams_stand_where_windows_looks_for_them),
	    cmocka_unit_test(broken_files_are_refused_with_what_is_wrong_where),
	    cmocka_unit_test(every_cut_is_refused),
	    cmocka_unit_test(bytes_behind_the_last_sector_are_read_over_and_never_written),
	    cmocka_unit_test(out_of_memory_is_an_ordinary_error),
	};
	return cmocka_run_group_tests_name("cfb", t, NULL, NULL);
}
