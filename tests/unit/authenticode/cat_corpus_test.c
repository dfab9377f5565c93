/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/cat_corpus_test.c - real catalogs: parsed and built again, they
 * are the same bytes; damaged ones get a sentence. */
#include "config.h" /* _GNU_SOURCE: nftw; KD_SANITIZE */

#include "authenticode/cat.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "authenticode/pe.h"
#include "authenticode/pe_embed.h"
#include "authenticode/pe_pages.h"
#include "authenticode/cms.h"
#include "base/file.h"
#include "base/mem.h"
#include "cat_again.h"
#include "tests/unit/authenticode/corpus.h"

#define HOSTILE_BYTES_MAX ((long)64 << 20)
#define FLIPS 512

static size_t visited;
static void (*visit_bytes)(const char *path, const struct buf *file);

static int
visit_cat(const char *path, const struct stat *st, int type, struct FTW *where)
{
	AUTO(buf_clear) struct buf file = {0};
	const char *dot = strrchr(path, '.');
	struct kd_err e = {0};

	if (type != FTW_F || dot == NULL || strcmp(dot, ".cat") != 0)
		return 0;
	if (!file_read_all(path, CAT_LEN_MAX, &file, &e))
		fail_msg("%s", e.msg);
	visit_bytes(path, &file);
	visited++;
	return 0;
}

/* Every .cat of the corpus, wherever it is. */
static void
each_catalog(void (*visit)(const char *path, const struct buf *file))
{
	visited = 0;
	visit_bytes = visit;
	assert_int_equal(nftw(corpus, visit_cat, 16, FTW_PHYS), 0);
	assert_true(visited > 20);
}

/* "; v2; members=7;" of the manifest. */
static void
agrees_with_facts(const char *path, const struct cat *c)
{
	char want[64], key[600];
	const char *row, *end, *at;

	(void)snprintf(key, sizeof(key), "\n%s\t", path + strlen(corpus) + 1);
	row = strstr(buf_cstr(&corpus_manifest), key);
	assert_non_null(row);
	end = strchr(row + 1, '\n');
	at = strstr(row, "cat; v");
	if (at == NULL || at > end) /* facts in other words */
		return;
	(void)snprintf(
	    want, sizeof(want), "cat; v%d; members=%zu;", (int)c->version, c->members_n);
	if (strncmp(at, want, strlen(want)) != 0)
		fail_msg("%s: ours '%s', the facts say '%.40s'", path, want, at);
}

static void
build_again(const char *path, const struct buf *file)
{
	AUTO(cat_clear) struct cat c = {0};
	AUTO(buf_clear) struct buf again = {0};
	struct cat_again seen = {0};
	struct kd_err e = {0};

	if (!cat_parse(file->p, file->len, &c, &e) || !cat_again(&c, &again, &seen, &e))
		fail_msg("%s: %s", path, e.msg);
	if (again.len != c.ctl_len || memcmp(again.p, c.ctl, c.ctl_len) != 0)
		fail_msg("%s: differs", path);
	if (seen.others != 0 || seen.unlike != 0)
		print_message("# %s: %zu of %zu attributes, %zu types not understood\n",
		    path, seen.others, seen.attrs, seen.unlike);
	assert_true(seen.attrs >= c.members_n);
	agrees_with_facts(path, &c);
}

static void
every_catalog_is_the_same_when_built_again(void **state)
{
	each_catalog(build_again);
	print_message("# %zu catalogs\n", visited);
}

static void
wrap_again(const char *path, const struct buf *file)
{
	AUTO(cat_clear) struct cat c = {0};
	AUTO(buf_clear) struct buf again = {0};
	struct kd_err e = {0};

	assert_true(cat_parse(file->p, file->len, &c, &e));
	assert_true(cat_wrap(c.ctl, c.ctl_len, &again, &e));
	if (file->p[file->len - 1] != 0) /* signed: ends with something else */
		return;
	if (again.len != file->len || memcmp(again.p, file->p, file->len) != 0)
		fail_msg("%s: differs", path);
}

static void
unsigned_catalogs_are_the_same_files(void **state)
{
	each_catalog(wrap_again);
}

/* Refused with a sentence, or all of it is still understood. */
static void
judge_damaged(const char *path, const uint8_t *p, size_t n)
{
	AUTO(cat_clear) struct cat c = {0};
	struct kd_err e = {0};

	if (!cat_parse(p, n, &c, &e) &&
	    (e.msg[0] == '\0' || (e.code != KD_E_FORMAT && e.code != KD_E_LIMIT)))
		fail_msg("%s: code %d, '%s'", path, (int)e.code, e.msg);
}

static void
truncate_it(const char *path, const struct buf *file)
{
	AUTO(free) uint8_t *exact = NULL;

	for (size_t i = 0; i < 200; i++) {
		size_t n = file->len * i / 200;
		AUTO(cat_clear) struct cat c = {0};
		struct kd_err e = {0};

		free(exact); /* so that a sanitizer sees one byte too far */
		exact = malloc(n + 1);
		assert_non_null(exact);
		memcpy(exact, file->p, n);
		assert_false(cat_parse(exact, n, &c, &e));
		judge_damaged(path, exact, n);
	}
}

static void
a_truncated_catalog_gets_a_sentence(void **state)
{
	each_catalog(truncate_it);
}

static void
flip_it(const char *path, const struct buf *file)
{
	for (size_t i = 0; i < FLIPS; i++) { /* all of the head, and over the whole */
		size_t at = i < FLIPS / 2 ? i : file->len * (i - FLIPS / 2) / (FLIPS / 2);
		uint8_t bit = (uint8_t)(1u << i % 8);

		if (at >= file->len)
			continue;
		file->p[at] ^= bit;
		judge_damaged(path, file->p, file->len);
		file->p[at] ^= bit;
	}
}

static void
a_flipped_bit_gets_a_sentence_or_a_right_parse(void **state)
{
	struct rusage use;

	each_catalog(flip_it);
	assert_int_equal(getrusage(RUSAGE_SELF, &use), 0);
#ifndef KD_SANITIZE
	assert_true(use.ru_maxrss * 1024 < HOSTILE_BYTES_MAX);
#endif
}

static void
check_table(const char *path, int fd, const struct pe *pe, const struct cat_indirect *i)
{
	AUTO(buf_clear) struct buf ours = {0};
	enum md md = i->link == CAT_LINK_PAGES_SHA1 ? MD_SHA1 : MD_SHA256;
	struct kd_err e = {0};

	if (!pe_pages(fd, pe, md, &ours, &e) ||
	    !pe_pages_check(md, i->table, i->table_len, pe->image_end, &e))
		fail_msg("%s: %s", path, e.msg);
	if (ours.len != i->table_len || memcmp(ours.p, i->table, ours.len) != 0)
		fail_msg("%s: table of %zu bytes differs from ours of %zu", path,
		    i->table_len, ours.len);
}

/* One signed PE image's table, if it has one, computed again. */
static void
same_pages(const char *path, size_t *tables)
{
	AUTO(close) int fd = -1;
	AUTO(pe_certs_clear) struct pe_certs certs = {0};
	AUTO(cms_clear) struct cms cms = {0};
	struct cat_indirect i = {0};
	struct kd_err e = {0};
	struct pe pe;
	struct rd r;

	if (!file_open_read(path, &fd, NULL, &e) || !pe_open(fd, &pe, &e) ||
	    !pe_certs_read(fd, &pe, &certs, &e) || certs.n == 0 ||
	    !cms_parse(certs.v[0].p, certs.v[0].len, &cms, &e))
		return;
	r = rd_init(cms.content, cms.content_len);
	if (!cat_indirect_get(&r, &i, &e) || i.subject != CAT_PE ||
	    (i.link != CAT_LINK_PAGES_SHA1 && i.link != CAT_LINK_PAGES_SHA256))
		return;
	check_table(path, fd, &pe, &i);
	tables[i.link == CAT_LINK_PAGES_SHA1 ? 0 : 1]++;
}

static size_t tables[2];

static int
visit_pe(const char *path, const struct stat *st, int type, struct FTW *where)
{
	if (type == FTW_F)
		same_pages(path, tables);
	return 0;
}

static void
page_hashes_are_those_in_real_files(void **state)
{
	static const char *const folders[] = {"pe-signed", "packages"};

	for (size_t i = 0; i < 2; i++) {
		char dir[600];

		(void)snprintf(dir, sizeof(dir), "%s/%s", corpus, folders[i]);
		assert_int_equal(nftw(dir, visit_pe, 16, FTW_PHYS), 0);
	}
	print_message("# %zu tables of SHA-1, %zu of SHA-256\n", tables[0], tables[1]);
	assert_true(tables[0] > 0); /* SHA-256: by MakeCat, in client_catalog.t */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_catalog_is_the_same_when_built_again),
	    cmocka_unit_test(unsigned_catalogs_are_the_same_files),
	    cmocka_unit_test(a_truncated_catalog_gets_a_sentence),
	    cmocka_unit_test(a_flipped_bit_gets_a_sentence_or_a_right_parse),
	    cmocka_unit_test(page_hashes_are_those_in_real_files),
	};
	int failed;

	if (!corpus_open())
		return 0;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	corpus_close();
	return failed;
}
