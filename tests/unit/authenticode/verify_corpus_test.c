/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/verify_corpus_test.c - real signatures: every one comes out as
 * others have found it; damaged ones get a sentence. */
#include "authenticode/verify.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "authenticode/chain.h"
#include "base/file.h"
#include "base/mem.h"
#include "tests/unit/authenticode/corpus.h"

static char *
corpus_path(char dst[1024], const char *folder, const char *name)
{
	(void)snprintf(dst, 1024, "%s/%s/%s", corpus, folder, name);
	return dst;
}

/* The facts that the manifest states of a file, in a buffer of the call's own site. */
static const char *
facts(const char *folder, const char *name, char dst[4096])
{
	char key[600];
	const char *row, *end, *tab;

	(void)snprintf(key, sizeof(key), "\n%s/%s\t", folder, name);
	row = strstr(buf_cstr(&corpus_manifest), key);
	assert_non_null(row);
	row++;
	end = strchr(row, '\n');
	assert_non_null(end);
	tab = row;
	for (int i = 0; i < 4; i++)
		tab = strchr(tab, '\t') + 1;
	(void)snprintf(dst, 4096, "%.*s", (int)(end - tab), tab);
	return dst;
}

static void
each_file(const char *folder, void (*visit)(const char *name, const char *path, int fd))
{
	char dir[1024];
	DIR *d = opendir(corpus_path(dir, folder, ""));
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		struct kd_err e = {0};
		char path[1024];
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		if (!file_open_read(
			corpus_path(path, folder, entry->d_name), &fd, NULL, &e))
			fail_msg("%s", e.msg);
		visit(entry->d_name, path, fd);
		close(fd);
		n++;
	}
	closedir(d);
	assert_true(n > 5);
}

static void
no_step_failed(const char *name, const struct verify_signature *s)
{
	for (size_t i = 0; i < s->steps_n; i++)
		if (s->steps[i].result == VERIFY_FAILED)
			fail_msg(
			    "%s: %s: %s", name, s->steps[i].name, s->steps[i].detail);
	assert_true(s->ok);
}

/* "sig:sha256 leaf=NAME rsa2048/..." of the manifest against what we read. */
static void
agrees_with_facts(const char *name, const struct verify_signature *s)
{
	char row[4096], leaf[256], want[300];
	const char *sig = strstr(facts("pe-signed", name, row), "sig:");
	struct cert_info signer;
	struct kd_err e = {0};
	const char *from, *to;

	assert_non_null(sig);
	assert_non_null(strstr(row, "crypto: md-ok sig-ok"));
	(void)snprintf(want, sizeof(want), "sig:%s ", md_name(s->cms.md));
	assert_true(strncmp(sig, want, strlen(want)) == 0);
	from = strstr(sig, "leaf=");
	to = strstr(sig, " rsa");
	assert_true(from != NULL && to != NULL);
	(void)snprintf(leaf, sizeof(leaf), "%.*s", (int)(to - from - 5), from + 5);
	assert_true(cert_info(s->cms.certs, s->cms.signer, &signer, &e));
	for (char *c = signer.subject, *o = c; (*o = *c) != '\0'; c++)
		o += *c != '\\'; /* RFC 2253 escapes the comma */
	assert_non_null(strstr(signer.subject, leaf));
	assert_int_equal(s->cms.nested_n > 0, strstr(row, "nested:") != NULL);
	from = strstr(row, "nested:");
	if (from != NULL)
		row[from - row] = '\0';
	assert_int_equal(s->cms.timestamped, strstr(sig, " ts=") != NULL);
}

static void
inspect_signed(const char *name, const char *path, int fd)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	struct kd_err e = {0};

	if (!verify_inspect(fd, NULL, &r, &e))
		fail_msg("%s: %s", path, e.msg);
	for (size_t i = 0; i < r.sigs_n; i++)
		no_step_failed(name, &r.sigs[i]);
	agrees_with_facts(name, &r.sigs[0]);
}

static void
every_real_signature_verifies(void **state)
{
	(void)state;
	each_file("pe-signed", inspect_signed);
}

static unsigned cross_signed;

/* Cross-signed drivers reach Microsoft's verification root, judged when the leaf was new.
 */
static void
follow_cross(const char *name, const char *path, int fd)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	AUTO(certs_free) struct certs *roots = NULL;
	AUTO(chain_clear) struct chain chain = {0};
	struct cert_info leaf, top;
	struct kd_err e = {0};
	char row[4096], pem[1024];
	const char *primary = facts("pe-signed", name, row), *nested;

	nested = strstr(primary, "nested:");
	if (nested != NULL)
		row[nested - primary] = '\0';
	if (strstr(row, "MSCVR-cross") == NULL)
		return;
	cross_signed++;
	assert_true(certs_new(&roots, &e));
	assert_true(certs_load(roots, corpus_path(pem, "certs", "roots-kernel.pem"), &e));
	if (!verify_inspect(fd, NULL, &r, &e))
		fail_msg("%s: %s", path, e.msg);
	assert_true(cert_info(r.sigs[0].cms.certs, r.sigs[0].cms.signer, &leaf, &e));
	assert_true(chain_find(r.sigs[0].cms.certs, r.sigs[0].cms.signer, roots,
	    leaf.not_before + 86400, &chain, &e));
	if (!chain_ok(&chain))
		fail_msg("%s: %s; %s; %s; %s", name, chain.trust.detail,
		    chain.validity.detail, chain.eku.detail, chain.key_usage.detail);
	assert_true(cert_info(chain.path, certs_n(chain.path) - 1, &top, &e));
	assert_true(
	    strncmp(top.subject, "CN=Microsoft Code Verification Root,", 36) == 0);
}

static void
cross_signed_drivers_reach_the_verification_root(void **state)
{
	(void)state;
	each_file("pe-signed", follow_cross);
	assert_true(cross_signed >= 5);
}

static void
judge_hostile(const char *name, const char *path, int fd)
{
	const struct verify_options o = {.at = 1700000000};
	AUTO(verify_report_clear) struct verify_report r = {0};
	struct kd_err e = {0};

	(void)name;
	(void)path;
	assert_false(verify_file(fd, &o, &r, &e));
	assert_true(e.msg[0] != '\0');
	assert_true(e.code == KD_E_FORMAT || e.code == KD_E_LIMIT ||
		    e.code == KD_E_UNSIGNED || e.code == KD_E_NOT_VERIFIED);
}

static void
hostile_and_unsigned_files_get_a_sentence(void **state)
{
	(void)state;
	each_file("pe-hostile", judge_hostile);
	each_file("pe-unsigned", judge_hostile);
}

#define DAMAGES 200

/* Bits flipped all over a real ContentInfo, and the same cut short: the parser alone, so
 * that no PE header saves it. */
static void
damage(const char *name, const char *path, int fd)
{
	AUTO(pe_certs_clear) struct pe_certs table = {0};
	struct kd_err e = {0};
	struct pe pe;

	(void)name;
	(void)path;
	assert_true(pe_open(fd, &pe, &e) && pe_certs_read(fd, &pe, &table, &e));
	for (size_t i = 0; i < DAMAGES; i++) {
		size_t n = table.v[0].len, at = i * n / DAMAGES;
		AUTO(cms_clear) struct cms whole = {0};
		AUTO(cms_clear) struct cms cut = {0};
		AUTO(free) uint8_t *copy = kd_memdup(table.v[0].p, n);
		AUTO(free) uint8_t *head = kd_memdup(table.v[0].p, at);
		struct kd_err flipped = {0}, truncated = {0};

		copy[at] ^= (uint8_t)(1 << (i % 8));
		if (!(cms_parse(copy, n, &whole, &flipped) &&
			cms_check_message_digest(&whole, &flipped) &&
			cms_check_signature(&whole, &flipped)))
			assert_true(flipped.msg[0] != '\0');
		assert_false(cms_parse(head, at, &cut, &truncated));
		assert_int_equal(truncated.code, KD_E_FORMAT);
	}
}

static void
damaged_real_signatures_never_crash(void **state)
{
	(void)state;
	each_file("pe-signed", damage);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_real_signature_verifies),
	    cmocka_unit_test(cross_signed_drivers_reach_the_verification_root),
	    cmocka_unit_test(hostile_and_unsigned_files_get_a_sentence),
	    cmocka_unit_test(damaged_real_signatures_never_crash),
	};
	int failed;

	if (!corpus_open())
		return 0;
	failed = cmocka_run_group_tests_name("verify_corpus", tests, NULL, NULL);
	corpus_close();
	return failed;
}
