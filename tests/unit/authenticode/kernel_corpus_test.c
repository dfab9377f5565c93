/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/kernel_corpus_test.c - real drivers and packages: the kernel's
 * and the installer's view of each are as others have found them. */
#include "authenticode/kernel_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "tests/unit/authenticode/corpus.h"

#define NOW INT64_C(1795564800) /* 2026-11-25 */

static struct certs *all_roots, *tsa_roots;

struct row {
	char path[300], facts[4096];
};

static void
take_row(const char *line, size_t len, struct row *ret)
{
	const char *tab = memchr(line, '\t', len), *end = line + len;

	assert_non_null(tab);
	(void)snprintf(ret->path, sizeof(ret->path), "%.*s", (int)(tab - line), line);
	for (int i = 0; i < 3; i++) {
		tab = memchr(tab + 1, '\t', (size_t)(end - tab - 1));
		assert_non_null(tab);
	}
	(void)snprintf(ret->facts, sizeof(ret->facts), "%.*s", (int)(end - tab - 1),
	    tab + 1);
}

/* Each row whose path begins like that. */
static size_t
each_row(const char *under, void (*visit)(const struct row *row))
{
	const char *line = buf_cstr(&corpus_manifest), *end;
	size_t n = 0;

	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		struct row row;

		if (strncmp(line, under, strlen(under)) != 0)
			continue;
		take_row(line, (size_t)(end - line), &row);
		visit(&row);
		n++;
	}
	return n;
}

static int
open_file(const char *path)
{
	char whole[1024];
	struct kd_err e = {0};
	int fd = -1;

	(void)snprintf(whole, sizeof(whole), "%s/%s", corpus, path);
	if (!file_open_read(whole, &fd, NULL, &e))
		fail_msg("%s", e.msg);
	return fd;
}

static void
verify(int fd, struct verify_report *ret)
{
	struct verify_options o = {
	    .roots = all_roots, .tsa_roots = tsa_roots, .at = NOW};
	struct kd_err e = {0};

	if (!verify_file(fd, &o, ret, &e) && e.code != KD_E_NOT_VERIFIED &&
	    e.code != KD_E_UNSIGNED)
		fail_msg("%s", e.msg);
}

static void
verify_path(const char *path, struct verify_report *ret)
{
	AUTO(close) int fd = open_file(path);

	verify(fd, ret);
}

static struct kernel_report
kernel_view(const char *path)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	struct kernel_facts f = {.now = NOW};
	struct kernel_report view;
	struct kd_err e = {0};

	verify_path(path, &r);
	if (!kernel_facts_add(&r, NULL, NULL, &f, &e))
		fail_msg("%s: %s", path, e.msg);
	kernel_judge(&f, &view);
	return view;
}

/*
 * Where the manifest's osslsigncode is wrong: it does not know RSA blocks of legacy
 * countersignatures that hold the bare digest. Windows made these, and takes them.
 */
static const char *const bare_hash[] = {
    "cat/scptoolkit--5629a946--scpvbus.cat",
    "packages/scpdriverinterface-scpvbus/ScpVBus.cat",
    "packages/scpdriverinterface-scpvbus/amd64/ScpVBus.sys",
    "packages/scpdriverinterface-scpvbus/x86/ScpVBus.sys",
    "pe-signed/pydivert--WinDivert32--5ef707ea.sys",
    "pe-signed/pydivert--WinDivert64--df12afa6.sys",
};

static bool
is_wrong_fact(const struct row *row)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(bare_hash); i++)
		if (strcmp(row->path, bare_hash[i]) == 0)
			return true;
	return false;
}

static size_t compared, differed;

static void
compare_with_osslsigncode(const struct row *row)
{
	const char *fact = strstr(row->facts, "osslsigncode[kernel-roots]=");
	struct kernel_report view;
	bool theirs;

	if (fact == NULL || strstr(row->path, ".pkcs7") != NULL) /* neither PE nor CTL */
		return;
	theirs = strncmp(strchr(fact, '=') + 1, "ok", 2) == 0;
	view = kernel_view(row->path);
	if (is_wrong_fact(row)) {
		assert_non_null(strstr(row->facts, "bare-hash"));
		assert_false(theirs);
		theirs = true;
		differed++;
	}
	if (view.policy.loads != theirs)
		fail_msg("%s: ours: %s; facts: %.60s", row->path, view.policy.why, fact);
	compared++;
}

/* osslsigncode with the kernel's roots, file by file; ours with the facts built in. */
static void
kernel_policy_is_as_the_facts_say(void **state)
{
	(void)state;
	compared = differed = 0;
	(void)each_row("packages/", compare_with_osslsigncode);
	(void)each_row("pe-signed/", compare_with_osslsigncode);
	(void)each_row("cat/", compare_with_osslsigncode);
	assert_int_equal(differed, KD_ARRAY_LEN(bare_hash));
	assert_true(compared > 80);
}

/* "packages/NAME/" of a path. */
static void
package_of(const char *path, char ret[300])
{
	const char *slash = strchr(strchr(path, '/') + 1, '/');

	(void)snprintf(ret, 300, "%.*s", (int)(slash + 1 - path), path);
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && text_eq_nocase(s + n - m, end);
}

static void
ask_installer(const struct verify_report *cat, const struct verify_member *member,
    const char *file, struct installer_report *ret)
{
	struct installer_question q = {.catalog = cat,
	    .member = member,
	    .file = file,
	    .roots = all_roots,
	    .now = NOW};
	struct installer_facts f;
	struct kd_err e = {0};

	if (!installer_facts_make(&q, &f, &e))
		fail_msg("%s: %s", file, e.msg);
	installer_judge(&f, ret);
}

static size_t listed;

/* "in-cat: X.cat(flat-sha1,flat-sha256)": in which catalog, hashed how, named how. */
static void
compare_listing(const struct row *row)
{
	AUTO(verify_report_clear) struct verify_report cat = {0};
	const char *fact = strstr(row->facts, "in-cat: "), *open;
	char path[600], package[300], how[100];
	struct verify_member m;
	struct installer_report view, whole;
	struct kd_err e = {0};
	AUTO(close) int fd = -1;
	bool sha256;

	if (fact == NULL)
		return;
	fact += strlen("in-cat: ");
	open = strchr(fact, '(');
	package_of(row->path, package);
	(void)snprintf(path, sizeof(path), "%s%.*s", package, (int)(open - fact), fact);
	(void)snprintf(how, sizeof(how), "%.*s", (int)strcspn(open, ")"), open);
	verify_path(path, &cat);
	fd = open_file(row->path);
	if (!verify_member(fd, &cat.cat, strrchr(row->path, '/') + 1, &m, &e))
		fail_msg("%s: %s", row->path, e.msg);
	sha256 = strstr(how, "-sha256") != NULL;
	assert_int_equal((m.by & VERIFY_BY_SHA256) != 0, sha256);
	assert_int_equal((m.by & (VERIFY_BY_SHA1 | VERIFY_BY_SHA1_TEXT)) != 0,
	    strstr(how, "-sha1") != NULL);
	assert_int_equal(
	    m.subject, strstr(how, "authenticode") != NULL ? CAT_PE : CAT_FLAT);

	/* what is listed gets what its catalog gets */
	ask_installer(&cat, &m, row->path, &view);
	ask_installer(&cat, NULL, path, &whole);
	assert_int_equal(view.installs, whole.installs);
	assert_int_equal(view.rows[view.rows_n - 1].category,
	    whole.rows[whole.rows_n - 1].category);
	listed++;
}

static void
files_are_listed_as_the_facts_say(void **state)
{
	(void)state;
	listed = 0;
	(void)each_row("packages/", compare_listing);
	assert_int_equal(listed, 47);
}

static struct {
	char package[300];
	const struct row *row;
	size_t cats, sys;
} visiting;

/* The word of a package's row for all signers of one kind: "cross x3". */
static void
view_has(const char *view, const char *word, size_t n)
{
	const char *from = strstr(visiting.row->facts, view);
	char want[100];

	if (n == 0)
		return;
	assert_non_null(from);
	(void)snprintf(want, sizeof(want), "%s: %s", view, word);
	if (strncmp(from, want, strlen(want)) != 0)
		fail_msg(
		    "%s: '%s' expected, the facts: %s", visiting.package, want, from);
	(void)snprintf(want, sizeof(want), " x%zu", n);
	if (strstr(from, want) == NULL)
		fail_msg(
		    "%s: '%s' expected, the facts: %s", visiting.package, want, from);
}

/* A signature's kind in the facts' words; the one that the kernel likes best. */
static const char *
kind_of(const char *path)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	struct kernel_facts f = {.now = NOW};
	struct kd_err e = {0};
	const char *kind = "unsigned";

	verify_path(path, &r);
	assert_true(kernel_facts_add(&r, NULL, NULL, &f, &e));
	for (size_t i = 0; i < f.sigs_n; i++) {
		const struct kernel_signature *s = &f.sigs[i];

		assert_string_equal(s->fault, "");
		if (s->root == KERNEL_ROOT_MICROSOFT && s->attested)
			return "attest x";
		if (s->root == KERNEL_ROOT_VERIFICATION)
			return "cross x";
		kind = "nocross:";
	}
	return kind;
}

static const char *kinds[2]; /* of the package's catalogs, of its drivers */

static void
visit_package_file(const struct row *row)
{
	bool cat = ends_with(row->path, ".cat");
	const char *kind;

	if (!cat && !ends_with(row->path, ".sys"))
		return;
	kind = kind_of(row->path);
	if (kinds[!cat] != NULL)
		assert_string_equal(kinds[!cat], kind); /* all alike in each real one */
	kinds[!cat] = kind;
	visiting.cats += cat;
	visiting.sys += !cat;
}

static void
compare_package(const struct row *row)
{
	if (row->path[strlen(row->path) - 1] != '/')
		return;
	memset(&visiting, 0, sizeof(visiting));
	(void)snprintf(visiting.package, sizeof(visiting.package), "%s", row->path);
	visiting.row = row;
	kinds[0] = kinds[1] = NULL;
	(void)each_row(visiting.package, visit_package_file);
	assert_true(visiting.cats > 0);
	view_has("installer view (cat signer)", kinds[0], visiting.cats);
	view_has("kernel view (embedded .sys signer)", kinds[1], visiting.sys);
	assert_int_equal(visiting.sys == 0, strstr(row->facts, "no sys") != NULL);
	if (kinds[1] != NULL)
		assert_int_equal(strcmp(kinds[0], kinds[1]) != 0,
		    strstr(row->facts, "VIEWS DIFFER") != NULL);
	listed++;
}

static void
packages_are_seen_as_the_facts_say(void **state)
{
	(void)state;
	listed = 0;
	(void)each_row("packages/", compare_package);
	assert_int_equal(listed, 15);
}

/* What becomes of each kind of catalog. */
static void
outcomes_of_real_catalogs(void **state)
{
	static const struct {
		const char *path;
		enum installer_category category;
		enum installer_outcome outcome;
		size_t rows;
	} cats[] = {
	    {"packages/zerotier-zttap300-x64-attest2020/zttap300.cat", INSTALLER_WINDOWS,
		INSTALLER_SILENT, 5},
	    {"packages/zerotier-zttap300-x64-crosssigned/zttap300.cat",
		INSTALLER_UNKNOWN_PUBLISHER, INSTALLER_PROMPT, 1},
	    /* without a cross-certificate: no matter to the installer */
	    {"packages/osvr-hdk-cdc-nocross/osvr_cdc.cat", INSTALLER_UNKNOWN_PUBLISHER,
		INSTALLER_PROMPT, 1},
	    {"packages/zerotier-zttap-x86-unsigned-cat/zttap100.cat", INSTALLER_UNSIGNED,
		INSTALLER_REFUSED, 1},
	    /* self-signed */
	    {"cat/koush--287e6925--androidwinusba64.cat", INSTALLER_UNTRUSTED_CHAIN,
		INSTALLER_REFUSED, 1}};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cats); i++) {
		AUTO(verify_report_clear) struct verify_report cat = {0};
		struct installer_report view;

		verify_path(cats[i].path, &cat);
		ask_installer(&cat, NULL, cats[i].path, &view);
		if (view.rows_n != cats[i].rows)
			fail_msg("%s: %zu rows", cats[i].path, view.rows_n);
		assert_int_equal(view.rows[view.rows_n - 1].category, cats[i].category);
		assert_int_equal(view.rows[view.rows_n - 1].outcome, cats[i].outcome);
	}
}

/* A temporary file with these bytes, already unlinked. */
static int
scratch(const void *p, size_t n)
{
	char path[] = "/tmp/kdsign-kernel-corpus.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(write(fd, p, n), (ssize_t)n);
	return fd;
}

static void
read_corpus(const char *path, struct buf *ret)
{
	char whole[1024];
	struct kd_err e = {0};

	(void)snprintf(whole, sizeof(whole), "%s/%s", corpus, path);
	if (!file_read_all(whole, (size_t)16 << 20, ret, &e))
		fail_msg("%s", e.msg);
}

#define ATTESTED "packages/zerotier-zttap300-x64-attest2020/"

/* An INF whose line ends git has turned is no longer the one that was signed. */
static void
inf_with_other_line_ends_is_refused(void **state)
{
	AUTO(verify_report_clear) struct verify_report cat = {0};
	AUTO(buf_clear) struct buf inf = {0};
	AUTO(close) int fd = -1;
	struct installer_report view;
	struct verify_member m;
	struct kd_err e = {0};
	size_t n = 0;
	(void)state;

	verify_path(ATTESTED "zttap300.cat", &cat);
	read_corpus(ATTESTED "zttap300.inf", &inf);
	for (size_t i = 0; i < inf.len; i++)
		if (inf.p[i] != '\r')
			inf.p[n++] = inf.p[i];
	assert_true(n < inf.len);
	fd = scratch(inf.p, n);
	assert_false(verify_member(fd, &cat.cat, "zttap300.inf", &m, &e));
	ask_installer(&cat, &m, "zttap300.inf", &view);
	assert_int_equal(view.rows_n, 1);
	assert_false(view.installs);
	assert_int_equal(view.rows[0].category, INSTALLER_ALTERED);
	assert_non_null(strstr(view.rows[0].why, "the INF itself must be listed: "));
	assert_non_null(strstr(view.rows[0].why, "has changed since"));
}

/* The file's digest does not change when its signature goes: by the catalog it loads, on
 * its own it does not. */
static void
unsigned_driver_loads_by_its_catalog(void **state)
{
	AUTO(verify_report_clear) struct verify_report cat = {0};
	AUTO(verify_report_clear) struct verify_report own = {0};
	AUTO(buf_clear) struct buf file = {0};
	AUTO(close) int fd = -1;
	struct kernel_facts f = {.now = NOW};
	struct kernel_report view;
	struct verify_member m;
	struct kd_err e = {0};
	uint32_t nt, entry;
	(void)state;

	read_corpus(ATTESTED "zttap300.sys", &file);
	verify_path(ATTESTED "zttap300.sys", &own);
	file.len = own.pe.cert_off; /* the table is the file's end */
	nt = (uint32_t)file.p[0x3c] | (uint32_t)file.p[0x3d] << 8;
	entry = nt + 24 + 144; /* PE32+: directory entry 4 */
	memset(&file.p[entry], 0, 8);
	verify_report_clear(&own);
	fd = scratch(file.p, file.len);
	verify(fd, &own);
	assert_int_equal(own.sigs_n, 0);
	assert_true(kernel_facts_add(&own, NULL, NULL, &f, &e));
	assert_int_equal(f.machine, KERNEL_X64);
	kernel_judge(&f, &view);
	assert_false(view.policy.loads);
	assert_string_equal(view.policy.why,
	    "it has no signature, embedded or in a catalog that was given");

	verify_path(ATTESTED "zttap300.cat", &cat);
	if (!verify_member(fd, &cat.cat, "zttap300.sys", &m, &e))
		fail_msg("%s", e.msg);
	assert_true(kernel_facts_add(&cat, &m, NULL, &f, &e));
	kernel_judge(&f, &view);
	assert_string_equal(view.policy.why,
	    "the catalog's signature is Microsoft's attestation, by 'Microsoft Windows "
	    "Hardware Compatibility Publisher'");
	assert_true(view.policy.loads);
	assert_int_equal(view.notes_n, 2);
	assert_non_null(strstr(view.notes[0], "needs an embedded signature"));
	assert_non_null(strstr(view.notes[1], "CheckSum is wrong")); /* nor was it set */

	/* one byte of it changed: listed no more, and nothing else speaks for it */
	assert_int_equal(pwrite(fd, "\xff", 1, (off_t)file.len - 100), 1);
	assert_false(verify_member(fd, &cat.cat, "zttap300.sys", &m, &e));
	f.sigs_n = 0;
	memset(f.sigs, 0, sizeof(f.sigs));
	assert_true(kernel_facts_add(&cat, &m, NULL, &f, &e));
	kernel_judge(&f, &view);
	assert_false(view.policy.loads);
	for (size_t i = 0; i < view.releases_n; i++)
		assert_false(view.releases[i].loads);
}

/* The release that a name begins with loads the file, or not. */
static void
release_says(const char *path, const char *release, bool loads)
{
	struct kernel_report view = kernel_view(path);

	for (size_t i = 0; i < view.releases_n; i++) {
		if (strcmp(view.releases[i].release, release) != 0)
			continue;
		if (view.releases[i].loads != loads)
			fail_msg("%s, %s: %s", path, release, view.releases[i].why);
		return;
	}
	fail_msg("no row '%s'", release);
}

/* Drivers whose history is known: a SHA-1 cross-signed one of 2015 under a root that has
 * expired, one with Microsoft's signature nested behind the maker's. */
static void
releases_of_real_drivers(void **state)
{
	const char *cross = "packages/zerotier-zttap300-x64-crosssigned/zttap300.sys";
	const char *nested = "packages/zerotier-zttap300-x86-attest2020/zttap300.sys";
	(void)state;

	release_says(cross, "Windows Vista, Server 2008", true);
	release_says(
	    cross, "Windows 10 1607 to 1803, installed with Secure Boot on", true);
	release_says(cross, "Windows 11 24H2+, 2026 driver policy enforced", false);
	release_says(ATTESTED "zttap300.sys", "Windows 7, Server 2008 R2 with KB3033929",
	    false);
	release_says(ATTESTED "zttap300.sys",
	    "Windows 11 24H2+, 2026 driver policy enforced", true);
	release_says(ATTESTED "zttap300.sys",
	    "Windows Server 2016, 2019, 2022, Secure Boot on", false);
	release_says(
	    nested, "Windows 10 1607 to 1803, installed with Secure Boot on", true);
	release_says(nested, "Windows 8, 8.1, Secure Boot on", false);
}

static bool
load_roots(struct kd_err *e)
{
	char path[600];

	(void)snprintf(path, sizeof(path), "%s/certs/roots-all.pem", corpus);
	return certs_new(&all_roots, e) && certs_new(&tsa_roots, e) &&
	       certs_load(all_roots, path, e) && certs_add_all(tsa_roots, all_roots, e) &&
	       kernel_roots_add_timestamp(tsa_roots, e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kernel_policy_is_as_the_facts_say),
	    cmocka_unit_test(files_are_listed_as_the_facts_say),
	    cmocka_unit_test(packages_are_seen_as_the_facts_say),
	    cmocka_unit_test(outcomes_of_real_catalogs),
	    cmocka_unit_test(inf_with_other_line_ends_is_refused),
	    cmocka_unit_test(unsigned_driver_loads_by_its_catalog),
	    cmocka_unit_test(releases_of_real_drivers),
	};
	struct kd_err e = {0};
	int failed;

	if (!corpus_open())
		return 0;
	if (!load_roots(&e)) {
		printf("Bail out! %s\n", e.msg);
		return 99;
	}
	failed = cmocka_run_group_tests_name("kernel_corpus", tests, NULL, NULL);
	certs_free(all_roots);
	certs_free(tsa_roots);
	corpus_close();
	return failed;
}
