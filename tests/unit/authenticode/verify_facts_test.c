/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/verify_facts_test.c - our verdict on each real signed file, and
 * what we read of it, against what others have found. */
#include "authenticode/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "tests/unit/authenticode/corpus.h"

static struct certs *all_roots, *kernel_roots;

#define BARE_HASH                                                                        \
	"its countersignature's RSA block holds the bare hash: osslsigncode wants a "    \
	"DigestInfo there, Windows does not"

#define ANY_NESTED                                                                       \
	"osslsigncode is content when a nested signature verifies; the primary one, "    \
	"which Windows takes, leads to none of the kernel's roots"

/* Where the manifest's verdict, osslsigncode's, is not the truth. */
static const struct {
	const char *path, *why;
} wrong_facts[] = {
    {"cat/scptoolkit--33b62716--bluetoothhost.cat", BARE_HASH},
    {"cat/scptoolkit--5629a946--scpvbus.cat", BARE_HASH},
    {"cat/scptoolkit--aa281af8--bluetoothhost.cat", BARE_HASH},
    {"packages/osvr-hdk-cdc-nocross/osvr_cdc.cat", BARE_HASH},
    {"packages/scpdriverinterface-scpvbus/ScpVBus.cat", BARE_HASH},
    {"packages/scpdriverinterface-scpvbus/amd64/ScpVBus.sys", BARE_HASH},
    {"packages/scpdriverinterface-scpvbus/x86/ScpVBus.sys", BARE_HASH},
    {"packages/zerotier-zttap300-x86-attest2020/zttap300.sys", ANY_NESTED},
    {"pe-signed/penet--firefox_x86.exe", BARE_HASH},
    {"pe-signed/pydivert--WinDivert32--2f43f425.sys", ANY_NESTED},
    {"pe-signed/pydivert--WinDivert32--5ef707ea.sys", BARE_HASH},
    {"pe-signed/pydivert--WinDivert64--df12afa6.sys", BARE_HASH},
    {"pe-signed/pydivert--WinDivert64.sys", ANY_NESTED},
};
static bool seen_wrong[KD_ARRAY_LEN(wrong_facts)];

struct fact { /* one row */
	char path[256], kind[64], text[4096];
};

static bool
next_fact(const char **at, struct fact *ret)
{
	const char *line = *at, *end = strchr(line, '\n'), *field[6];
	size_t n = 0;

	if (end == NULL)
		return false;
	*at = end + 1;
	field[n++] = line;
	for (const char *p = line; p < end && n < 5; p++)
		if (*p == '\t')
			field[n++] = p + 1;
	assert_int_equal(n, 5);
	field[5] = end + 1;
	(void)snprintf(ret->path, sizeof(ret->path), "%.*s",
	    (int)(field[1] - field[0] - 1), field[0]);
	(void)snprintf(ret->kind, sizeof(ret->kind), "%.*s",
	    (int)(field[4] - field[3] - 1), field[3]);
	(void)snprintf(ret->text, sizeof(ret->text), "%.*s",
	    (int)(field[5] - field[4] - 1), field[4]);
	return true;
}

static void
each_fact(void (*visit)(const struct fact *f))
{
	const char *at = buf_cstr(&corpus_manifest);
	struct fact f;

	while (next_fact(&at, &f))
		visit(&f);
}

static int
open_file(const char *path)
{
	struct kd_err e = {0};
	char full[1024];
	int fd;

	(void)snprintf(full, sizeof(full), "%s/%s", corpus, path);
	if (!file_open_read(full, &fd, NULL, &e))
		fail_msg("%s", e.msg);
	return fd;
}

static const char *
why_wrong(const char *path)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(wrong_facts); i++) {
		if (strcmp(path, wrong_facts[i].path) == 0) {
			seen_wrong[i] = true;
			return wrong_facts[i].why;
		}
	}
	return NULL;
}

/* "osslsigncode[all-roots]=ok" */
static void
same_verdict(const struct fact *f, const char *which, const struct certs *roots)
{
	struct verify_options o = {
	    .roots = roots, .tsa_roots = all_roots, .at = (int64_t)time(NULL)};
	AUTO(verify_report_clear) struct verify_report r = {0};
	AUTO(close) int fd = -1;
	struct kd_err e = {0};
	char key[64];
	const char *said;
	bool theirs, ours;

	(void)snprintf(key, sizeof(key), "osslsigncode[%s]=", which);
	said = strstr(f->text, key);
	if (said == NULL)
		return;
	theirs = strncmp(said + strlen(key), "ok", 2) == 0;
	fd = open_file(f->path);
	ours = verify_file(fd, &o, &r, &e);
	assert_int_equal(ours, e.code == KD_OK);
	if (ours == theirs)
		return;
	if (why_wrong(f->path) == NULL ||
	    strstr(f->text, ours ? "bare-hash" : "; nested:") == NULL)
		fail_msg("%s, %s: osslsigncode says %s, we say %s", f->path, which,
		    theirs ? "yes" : "no", ours ? "yes" : e.msg);
}

static void
judge_both(const struct fact *f)
{
	same_verdict(f, "all-roots", all_roots);
	same_verdict(f, "kernel-roots", kernel_roots);
}

static void
every_verdict_is_that_of_the_facts_or_explained(void **state)
{
	(void)state;
	each_fact(judge_both);
	for (size_t i = 0; i < KD_ARRAY_LEN(wrong_facts); i++)
		if (!seen_wrong[i])
			fail_msg("%s: is right after all (%s)", wrong_facts[i].path,
			    wrong_facts[i].why);
}

/* The part of the facts that is about one signature: "sig:" or "nested:" begins the next;
 * a catalog's has none of these. */
static void
take_segment(const char **at, char dst[4096])
{
	const char *from = *at, *end = from + strlen(from);
	static const char *const marks[] = {"; nested:", "; sig:", "; osslsigncode"};

	for (size_t i = 0; i < KD_ARRAY_LEN(marks); i++) {
		const char *mark = strstr(from, marks[i]);

		if (mark != NULL && mark < end)
			end = mark;
	}
	(void)snprintf(dst, 4096, "%.*s", (int)(end - from), from);
	*at = *end == '\0' ? end : end + 2;
}

/* "ts=legacy/sha1/2015-04-25 21:48:29" */
static void
same_stamp(const struct fact *f, const char *segment, const struct verify_signature *s)
{
	const char *said = strstr(segment, " ts=");
	char ours[64], when[CLOCK_UTC_LEN];

	if (said == NULL) {
		assert_int_equal(s->stamp.kind, TSP_NONE);
		return;
	}
	clock_utc(when, s->stamp.time * 1000);
	when[10] = ' ';
	(void)snprintf(ours, sizeof(ours), " ts=%s/%s/%.19s",
	    s->stamp.kind == TSP_LEGACY ? "legacy" : "rfc3161", md_name(s->stamp.md),
	    when);
	if (strncmp(said, ours, strlen(ours)) != 0)
		fail_msg("%s: '%s', not '%.50s'", f->path, ours, said);
	assert_true(s->stamp.ok);
}

static unsigned signatures, stamps, nested, paged;

/* All of "crypto:" is ok in the manifest, so every signature must be intact, but for what
 * the facts say of the image. */
static void
nothing_else_failed(const struct fact *f, const char *segment,
    const struct verify_signature *s)
{
	for (size_t i = 0; i < s->steps_n; i++) {
		const struct verify_step *t = &s->steps[i];
		bool said =
		    strcmp(t->name, "image digest") == 0
			? strstr(segment, "DIGEST-MISMATCH") != NULL
			: strcmp(t->name, "layout") == 0 &&
			      strstr(segment, "tail-after-certtable") != NULL;

		if ((t->result == VERIFY_FAILED) != said &&
		    (t->result == VERIFY_FAILED || strcmp(t->name, "layout") != 0))
			fail_msg("%s: %s: %s", f->path, t->name, t->detail);
	}
}

static void
same_signature(
    const struct fact *f, const char *segment, const struct verify_signature *s)
{
	char want[32];

	nothing_else_failed(f, segment, s);
	(void)snprintf(want, sizeof(want), "%s:%s ", s->nested ? "nested" : "sig",
	    md_name(s->cms.md));
	if (strstr(f->path, ".cat") == NULL &&
	    strncmp(segment, want, strlen(want)) != 0)
		fail_msg("%s: '%s', not '%.20s'", f->path, want, segment);
	assert_int_equal(
	    s->spc.page_hashes, strstr(segment, "pagehash") != NULL);
	same_stamp(f, segment, s);
	signatures++;
	stamps += s->stamp.kind != TSP_NONE;
	nested += s->nested;
	paged += s->spc.page_hashes;
}

static void
read_signatures(const struct fact *f)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	AUTO(close) int fd = -1;
	struct kd_err e = {0};
	const char *at;

	if (strstr(f->text, "crypto: ") == NULL || strncmp(f->text, "p7;", 3) == 0 ||
	    strcmp(f->kind, "pkg-file") == 0)
		return; /* a PKCS#7 without its file; files without facts of theirs */
	fd = open_file(f->path);
	if (!verify_inspect(fd, NULL, &r, &e))
		fail_msg("%s: %s", f->path, e.msg);
	at = strstr(f->text, "sig:");
	if (at == NULL)
		at = strstr(f->text, "signed; ");
	assert_non_null(at);
	for (size_t i = 0; i < r.sigs_n; i++) {
		char segment[4096];

		take_segment(&at, segment);
		same_signature(f, segment, &r.sigs[i]);
	}
	assert_null(strstr(at, "nested:sha"));
}

static void
every_signature_and_timestamp_is_read_as_the_facts_say(void **state)
{
	(void)state;
	each_fact(read_signatures);
	print_message("# %u signatures, %u nested, %u timestamps, %u with page hashes\n",
	    signatures, nested, stamps, paged);
	assert_true(signatures > 60 && nested > 6 && stamps > 50 && paged > 0);
}

static unsigned listed;

/* "in-cat: X.cat(authenticode-sha1,authenticode-sha256)", in the package's folder. */
static void
look_up(const struct fact *f)
{
	const char *said = strstr(f->text, "in-cat: "), *open, *close_, *folder;
	AUTO(verify_report_clear) struct verify_report by = {0};
	AUTO(verify_report_clear) struct verify_report r = {0};
	struct verify_options o = {.at = (int64_t)time(NULL)};
	AUTO(close) int fd = -1;
	AUTO(close) int cat = -1;
	struct kd_err why = {0}, e = {0};
	char path[512], ways[128];
	bool sha1, sha256;

	if (said == NULL)
		return;
	said += strlen("in-cat: ");
	open = strchr(said, '(');
	close_ = strchr(said, ')');
	folder = strchr(strchr(f->path, '/') + 1, '/');
	assert_true(open != NULL && close_ != NULL && folder != NULL);
	(void)snprintf(path, sizeof(path), "%.*s/%.*s", (int)(folder - f->path), f->path,
	    (int)(open - said), said);
	(void)snprintf(ways, sizeof(ways), "%.*s", (int)(close_ - open), open);
	fd = open_file(f->path);
	cat = open_file(path);
	assert_false(verify_file(cat, &o, &by, &why)); /* no root is given */
	assert_false(verify_by_catalog(fd, &by, &why, NULL, &r, &e));
	if (!r.member.ok)
		fail_msg("%s: %s", f->path, e.msg);
	sha1 = (r.member.by & (VERIFY_BY_SHA1 | VERIFY_BY_SHA1_TEXT)) != 0;
	sha256 = (r.member.by & VERIFY_BY_SHA256) != 0;
	assert_int_equal(sha1, strstr(ways, "-sha1") != NULL);
	assert_int_equal(sha256, strstr(ways, "-sha256") != NULL);
	assert_int_equal(r.member.subject,
	    strstr(ways, "authenticode-") != NULL ? CAT_PE : CAT_FLAT);
	listed++;
}

static void
every_file_of_a_package_is_listed_as_the_facts_say(void **state)
{
	(void)state;
	each_fact(look_up);
	assert_true(listed > 40);
}

/* An INF whose line ends were turned is another file. */
static void
turned_line_ends_are_no_longer_listed(void **state)
{
	static const char inf[] = "packages/scpdriverinterface-scpvbus/ScpVBus.inf";
	static const char cat_path[] = "packages/scpdriverinterface-scpvbus/ScpVBus.cat";
	AUTO(verify_report_clear) struct verify_report by = {0};
	AUTO(verify_report_clear) struct verify_report r = {0};
	struct verify_options o = {
	    .roots = all_roots, .tsa_roots = all_roots, .at = (int64_t)time(NULL)};
	AUTO(buf_clear) struct buf text = {0};
	AUTO(close) int fd = open_file(inf);
	AUTO(close) int cat = open_file(cat_path);
	char name[] = "/tmp/kdsign-facts.XXXXXX";
	AUTO(close) int lf = mkstemp(name);
	struct kd_err none = {0}, e = {0};
	(void)state;

	assert_true(verify_file(cat, &o, &by, &none));
	assert_true(verify_by_catalog(fd, &by, &none, NULL, &r, &e));
	verify_report_clear(&r);
	assert_true(lf >= 0 && unlink(name) == 0);
	assert_true(file_read_fd(fd, (size_t)1 << 20, &text, &e));
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] != '\r')
			assert_int_equal(write(lf, &text.p[i], 1), 1);
	assert_false(verify_by_catalog(lf, &by, &none, NULL, &r, &e));
	assert_int_equal(e.code, KD_E_NOT_VERIFIED);
	assert_true(strncmp(e.msg, "listed: none of the catalog's 3 members has ", 44) ==
		    0);
	assert_int_equal(r.member.by, 0);
}

/* Two signatures, nested and not, with a timestamp of each kind. */
static void
running_out_of_memory_is_an_ordinary_error(void **state)
{
	AUTO(close) int fd = open_file("pe-signed/pydivert--WinDivert64.sys");
	struct verify_options o = {
	    .roots = all_roots, .tsa_roots = all_roots, .at = (int64_t)time(NULL)};
	bool done = false;
	(void)state;

	for (long nth = 0; !done; nth++) {
		AUTO(verify_report_clear) struct verify_report r = {0};
		struct kd_err e = {0};

		kd_alloc_fail_at(nth);
		done = verify_file(fd, &o, &r, &e);
		kd_alloc_fail_at(-1);
		if (!done && e.code != KD_E_NOMEM)
			fail_msg("allocation %ld: %s", nth, e.msg);
		assert_int_equal(r.ok, done);
		assert_true(nth < 1000);
	}
}

static void
load_roots(const char *name, struct certs **ret)
{
	struct kd_err e = {0};
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s/certs/%s", corpus, name);
	if (!certs_new(ret, &e) || !certs_load(*ret, path, &e)) {
		fprintf(stderr, "%s\n", e.msg);
		exit(99);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_verdict_is_that_of_the_facts_or_explained),
	    cmocka_unit_test(every_signature_and_timestamp_is_read_as_the_facts_say),
	    cmocka_unit_test(every_file_of_a_package_is_listed_as_the_facts_say),
	    cmocka_unit_test(turned_line_ends_are_no_longer_listed),
	    cmocka_unit_test(running_out_of_memory_is_an_ordinary_error),
	};
	int failed;

	if (!corpus_open())
		return 0;
	load_roots("roots-all.pem", &all_roots);
	load_roots("roots-kernel.pem", &kernel_roots);
	failed = cmocka_run_group_tests_name("verify_facts", tests, NULL, NULL);
	certs_free(all_roots);
	certs_free(kernel_roots);
	corpus_close();
	return failed;
}
