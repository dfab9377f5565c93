/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/tsp_corpus_test.c - the timestamps of real files: each says
 * what others have read in it, covers its signature, and no longer does after a flipped
 * bit. */
#include "config.h" /* _GNU_SOURCE: nftw */

#include "authenticode/tsp.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authenticode/cms_edit.h"
#include "authenticode/der.h"
#include "authenticode/pe.h"
#include "authenticode/pe_embed.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "tests/unit/authenticode/corpus.h"
#include "tests/unit/authenticode/tsa_ask.h"

#define FILE_MAX ((size_t)64 << 20)
#define FLIPS 256

static struct certs *roots;
static size_t stamps[3], bare, trusted, files;

/* The first "ts=" of the file's facts that stands behind the mark (or NULL: of all). */
static bool
fact(const char *path, const char *mark, char dst[64])
{
	char key[600];
	const char *row, *end, *at;

	(void)snprintf(key, sizeof(key), "\n%s\t", path + strlen(corpus) + 1);
	row = strstr(buf_cstr(&corpus_manifest), key);
	assert_non_null(row);
	end = strchr(row + 1, '\n');
	at = mark == NULL ? row : strstr(row, mark);
	if (at == NULL || at > end)
		return false;
	at = strstr(at, "ts=");
	if (at == NULL || at > end)
		return false;
	(void)snprintf(dst, 64, "%.*s", (int)strcspn(at + 3, ";\n") , at + 3);
	return true;
}

/* "legacy/sha1/2015-07-28 13:56:05", as the manifest has it. */
static void
describe(const struct tsp_stamp *s, char dst[64])
{
	char utc[CLOCK_UTC_LEN];

	clock_utc(utc, s->time * 1000);
	(void)snprintf(dst, 64, "%s/%s/%.10s %.8s", tsp_kind_name(s->kind),
	    md_name(s->md), utc, &utc[11]);
}

static bool
read_stamp(const struct cms *c, struct tsp_stamp *ret, struct kd_err *e)
{
	return c->token != NULL
		   ? tsp_read_token(c->token, c->token_len, ret, e)
		   : tsp_read_countersignature(c->countersignature,
			 c->countersignature_len, c->certs, ret, e);
}

/* What no signature covers: versions, algorithm lists, the signature algorithm (whose
 * digest SignerInfo's decides), unsigned attributes, certificates. */
static bool
is_uncovered(const struct cms *c, size_t at)
{
	bool token = c->token != NULL;
	struct rd r = rd_init(c->countersignature, c->countersignature_len);
	struct cms_signer_info s;
	struct cms_outer o = {0};
	struct kd_err e = {0};
	struct tlv info;
	const uint8_t *p = &(token ? c->token : c->countersignature)[at];

	if (token)
		assert_true(cms_outer_open(c->token, c->token_len, &o, &e));
	assert_true(der_next(token ? &o.signer_infos.body : &r, "SignerInfo", &info, &e) &&
		    cms_signer_info_parse(info.body, &s, &e));
	return tsa_inside(p, &o.version) || tsa_inside(p, &o.digest_algorithms) ||
	       tsa_inside(p, &o.certificates) || tsa_inside(p, &s.version) ||
	       tsa_inside(p, &s.signature_algorithm) ||
	       tsa_inside(p, &s.unsigned_attrs);
}

/* The stamp with each of many bits flipped: no longer read, or no longer right; but for
 * what no signature covers. */
static void
damage(const char *path, const struct cms *c)
{
	bool token = c->token != NULL;
	size_t n = token ? c->token_len : c->countersignature_len;
	AUTO(free) uint8_t *copy =
	    kd_memdup(token ? c->token : c->countersignature, n);

	assert_non_null(copy);
	for (size_t i = 0; i < FLIPS; i++) {
		AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
		struct kd_err e = {0};
		struct cms damaged = *c;
		size_t at = i * n / FLIPS;

		copy[at] ^= (uint8_t)(1 << i % 8);
		if (token)
			damaged.token = copy;
		else
			damaged.countersignature = copy;
		if (!read_stamp(&damaged, &s, &e) ||
		    !tsp_check(&s, c->signature, c->signature_len, &e)) {
			if (e.msg[0] == '\0' ||
			    (e.code != KD_E_FORMAT && e.code != KD_E_NOT_VERIFIED))
				fail_msg("%s: byte %zu: %d, '%s'", path, at, (int)e.code,
				    e.msg);
		} else if (!is_uncovered(c, at)) {
			fail_msg("%s: byte %zu of %zu may be flipped unseen", path, at, n);
		}
		copy[at] ^= (uint8_t)(1 << i % 8);
	}
}

/* Taken off and put on again, it is the same timestamp of the same signature. */
static void
move_stamp(const char *path, const uint8_t *p, size_t len, const struct cms *c)
{
	AUTO(buf_clear) struct buf bald = {0};
	AUTO(buf_clear) struct buf again = {0};
	AUTO(cms_clear) struct cms back = {0};
	AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
	struct kd_err e = {0};
	bool token = c->token != NULL;

	if (!cms_remove_unsigned(p, len, &bald, &e) ||
	    !cms_set_timestamp(bald.p, bald.len, token ? TSP_RFC3161 : TSP_LEGACY,
		token ? c->token : c->countersignature,
		token ? c->token_len : c->countersignature_len, NULL, &again, &e) ||
	    !cms_parse(again.p, again.len, &back, &e) || !read_stamp(&back, &s, &e) ||
	    !tsp_check(&s, back.signature, back.signature_len, &e) ||
	    !cms_check_signature(&back, &e))
		fail_msg("%s: %s", path, e.msg);
	assert_int_equal(back.attrs_len, c->attrs_len);
	assert_memory_equal(back.attrs, c->attrs, c->attrs_len);
}

static void
judge(const char *path, const char *mark, const uint8_t *p, size_t len,
    const struct cms *c)
{
	AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
	AUTO(chain_clear) struct chain chain = {0};
	struct kd_err e = {0}, plain = {0};
	char seen[64], want[64] = "";

	if (!c->timestamped) {
		if (fact(path, mark, want) && strcmp(want, "1") != 0)
			fail_msg("%s: no timestamp, the facts say '%s'", path, want);
		return;
	}
	if (!read_stamp(c, &s, &e) || !tsp_check(&s, c->signature, c->signature_len, &e))
		fail_msg("%s: %s", path, e.msg);
	describe(&s, seen);
	if (fact(path, mark, want) && strcmp(seen, want) != 0)
		fail_msg("%s: ours '%s', the facts say '%s'", path, seen, want);
	stamps[s.kind]++;
	if (!cms_check_signature(&s.cms, &plain))
		bare++;
	if (!tsp_check_chain(&s, roots, &chain, &e))
		fail_msg("%s: %s", path, e.msg);
	if (chain_ok(&chain))
		trusted++;
	else
		print_message("# %s: %s; %s; %s; %s\n", path + strlen(corpus) + 1,
		    chain.trust.detail, chain.validity.detail, chain.eku.detail,
		    chain.key_usage.detail);
	damage(path, c);
	move_stamp(path, p, len, c);
}

static void
judge_all(const char *path, const uint8_t *p, size_t len)
{
	AUTO(cms_clear) struct cms c = {0};
	struct kd_err e = {0};
	struct rd r;

	if (!cms_parse(p, len, &c, &e))
		return; /* hostile, unsigned catalogs: other tests' business */
	files++;
	judge(path, NULL, p, len, &c);
	for (r = c.nested; rd_left(&r) > 0;) {
		AUTO(cms_clear) struct cms nested = {0};
		const uint8_t *q;
		size_t n;

		if (!cms_next_nested(&r, &q, &n, &e) || !cms_parse(q, n, &nested, &e))
			fail_msg("%s: %s", path, e.msg);
		judge(path, "nested:", q, n, &nested);
	}
}

static int
visit(const char *path, const struct stat *st, int type, struct FTW *where)
{
	AUTO(close) int fd = -1;
	AUTO(pe_certs_clear) struct pe_certs table = {0};
	AUTO(buf_clear) struct buf file = {0};
	struct kd_err e = {0}, other = {0};
	struct pe pe;

	if (type != FTW_F || !file_open_read(path, &fd, NULL, &e))
		return 0;
	if (pe_open(fd, &pe, &e)) {
		if (pe_certs_read(fd, &pe, &table, &e) && table.n > 0)
			judge_all(path, table.v[0].p, table.v[0].len);
	} else if (file_read_all(path, FILE_MAX, &file, &other) && file.len > 0) {
		judge_all(path, file.p, file.len);
	}
	return 0;
}

static void
every_real_timestamp_is_read_and_covers_its_signature(void **state)
{
	static const char *const folders[] = {
	    "pe-signed", "pe-hostile", "cat", "packages"};
	struct kd_err e = {0};
	char dir[600];
	(void)state;

	assert_true(certs_new(&roots, &e));
	(void)snprintf(dir, sizeof(dir), "%s/certs/roots-all.pem", corpus);
	assert_true(certs_load(roots, dir, &e));
	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(dir, sizeof(dir), "%s/%s", corpus, folders[i]);
		assert_int_equal(nftw(dir, visit, 16, FTW_PHYS), 0);
	}
	certs_free(roots);
	print_message("# %zu files: %zu tokens, %zu countersignatures, %zu of these bare; "
		      "%zu chains reach a root\n",
	    files, stamps[TSP_RFC3161], stamps[TSP_LEGACY], bare, trusted);
	assert_true(stamps[TSP_RFC3161] >= 20);
	assert_true(stamps[TSP_LEGACY] >= 40);
	assert_true(bare >= 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_real_timestamp_is_read_and_covers_its_signature),
	};
	int failed;

	if (!corpus_open())
		return 0;
	failed = cmocka_run_group_tests_name("tsp_corpus", tests, NULL, NULL);
	corpus_close();
	return failed;
}
