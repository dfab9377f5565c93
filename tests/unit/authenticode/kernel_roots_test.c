/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/kernel_roots_test.c - our facts are those of the real roots,
 * and what these signed chains to them. */
#include "authenticode/kernel_roots.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/x509v3.h>

#include "authenticode/cert_x509.h"
#include "authenticode/chain.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "tests/unit/authenticode/demo_pki.h"

#define YEAR_2100 INT64_C(4102444800)

static char corpus[512];

/* Kernel policy facts 3 "Roots": thumbprints and ends as Microsoft's pages print them. */
static const struct {
	const char *file, *subject, *sha1;
	enum kernel_root kind;
	unsigned bits;
	int64_t not_after;
} roots[] = {
    {"Microsoft_Code_Verification_Root--8fbe4d07.cer",
	"CN=Microsoft Code Verification Root,O=Microsoft Corporation,L=Redmond,"
	"ST=Washington,C=US",
	"8fbe4d070ef8ab1bccaf2a9d5ccae7282a2c66b3", KERNEL_ROOT_VERIFICATION, 4096,
	1762005243},
    {"Microsoft_Root_Authority--a4348915.cer",
	"CN=Microsoft Root Authority,OU=Microsoft Corporation,OU=Copyright (c) 1997 "
	"Microsoft Corp.",
	"a43489159a520f0d93d032ccaf37e7fe20a8b419", KERNEL_ROOT_MICROSOFT, 2048,
	1609398000},
    {"Microsoft_Root_Certificate_Authority--cdd4eeae.cer",
	"CN=Microsoft Root Certificate Authority,DC=microsoft,DC=com",
	"cdd4eeae6000ac7f40c3802c171e30148030c072", KERNEL_ROOT_MICROSOFT, 4096,
	1620602893},
    {"Microsoft_Root_Certificate_Authority_2010--3b1efd3a.cer",
	"CN=Microsoft Root Certificate Authority 2010,O=Microsoft Corporation,L=Redmond,"
	"ST=Washington,C=US",
	"3b1efd3a66ea28b16697394703a72ca340a05bd5", KERNEL_ROOT_MICROSOFT, 4096,
	2066249041},
};

static struct certs *
ours(void)
{
	struct certs *c = NULL;
	struct kd_err e = {0};

	assert_true(certs_new(&c, &e));
	if (!kernel_roots_add(c, &e))
		fail_msg("%s", e.msg);
	return c;
}

static struct certs *
real(const char *folder, const char *file)
{
	struct certs *c = NULL;
	struct kd_err e = {0};
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s/certs/%s%s", corpus, folder, file);
	assert_true(certs_new(&c, &e));
	if (!certs_load(c, path, &e))
		fail_msg("%s", e.msg);
	return c;
}

static bool
have_corpus(void)
{
	char path[600];

	(void)snprintf(path, sizeof(path), "%s/MANIFEST.tsv", corpus);
	return access(path, R_OK) == 0;
}

static void
four_roots_without_an_end(void **state)
{
	AUTO(certs_free) struct certs *c = ours();
	(void)state;

	assert_int_equal(certs_n(c), KD_ARRAY_LEN(roots));
	for (size_t i = 0; i < KD_ARRAY_LEN(roots); i++) {
		struct kernel_root_info found = {0};
		struct cert_info info;
		struct kd_err e = {0};
		char sha1[41];

		assert_true(cert_info(c, i, &info, &e));
		assert_string_equal(info.subject, roots[i].subject);
		assert_string_equal(info.issuer, roots[i].subject);
		assert_int_equal(info.bits, roots[i].bits);
		assert_true(info.ca);
		assert_true(info.not_before < 0 && info.not_after > YEAR_2100);
		assert_true(kernel_root_find(c, i, &found, &e));
		assert_int_equal(found.kind, roots[i].kind);
		assert_int_equal(found.not_after, roots[i].not_after);
		text_hex_to(sha1, found.sha1, sizeof(found.sha1));
		assert_string_equal(sha1, roots[i].sha1);
	}
}

static void
timestamp_roots_leave_the_verification_root_out(void **state)
{
	AUTO(certs_free) struct certs *c = NULL;
	struct kd_err e = {0};
	size_t thawte = 0;
	(void)state;

	assert_true(certs_new(&c, &e) && kernel_roots_add_timestamp(c, &e));
	assert_int_equal(certs_n(c), 4);
	for (size_t i = 0; i < certs_n(c); i++) {
		struct kernel_root_info found = {0};

		assert_true(kernel_root_find(c, i, &found, &e));
		assert_true(found.kind == KERNEL_ROOT_MICROSOFT ||
			    found.kind == KERNEL_ROOT_TIMESTAMP);
		thawte += found.kind == KERNEL_ROOT_TIMESTAMP;
	}
	assert_int_equal(thawte, 1);
}

static void
others_are_no_kernel_roots(void **state)
{
	AUTO(certs_free) struct certs *c = demo_certs("root.pem ca.pem rsa2048.pem");
	(void)state;

	for (size_t i = 0; i < certs_n(c); i++) {
		struct kernel_root_info found = {.kind = KERNEL_ROOT_EXTRA};
		struct kd_err e = {0};

		assert_true(kernel_root_find(c, i, &found, &e));
		assert_int_equal(found.kind, KERNEL_ROOT_NONE);
	}
}

/* Name, key and key identifier byte for byte; the thumbprint is the file's own. */
static void
same_as_real(const struct certs *mine, size_t i, const struct certs *file, size_t k)
{
	const struct cert *a = certs_at(mine, i), *b = certs_at(file, k);
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(b->x);
	AUTO(buf_clear) struct buf key_a = {0};
	AUTO(buf_clear) struct buf key_b = {0};
	struct kernel_root_info found = {0};
	struct cert_info info;
	struct kd_err e = {0};

	assert_int_equal(a->issuer.len, b->issuer.len);
	assert_memory_equal(a->issuer.p, b->issuer.p, a->issuer.len);
	assert_int_equal(a->serial.len, b->serial.len);
	assert_memory_equal(a->serial.p, b->serial.p, a->serial.len);
	assert_true(cert_spki(mine, i, &key_a, &e) && cert_spki(file, k, &key_b, &e));
	assert_int_equal(key_a.len, key_b.len);
	assert_memory_equal(key_a.p, key_b.p, key_a.len);
	assert_int_equal(id != NULL, X509_get0_subject_key_id(a->x) != NULL);
	if (id != NULL)
		assert_int_equal(
		    ASN1_OCTET_STRING_cmp(id, X509_get0_subject_key_id(a->x)), 0);
	assert_true(cert_info(file, k, &info, &e));
	assert_true(kernel_root_find(file, k, &found, &e));
	assert_int_equal(found.not_after, info.not_after);
	assert_memory_equal(found.sha1, info.sha1, sizeof(info.sha1));
}

static void
facts_are_those_of_the_real_certificates(void **state)
{
	AUTO(certs_free) struct certs *mine = ours();
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(roots); i++) {
		AUTO(certs_free)
		struct certs *file = real("microsoft-roots/", roots[i].file);

		same_as_real(mine, i, file, 0);
	}
}

static void
timestamp_facts_are_those_of_the_real_certificate(void **state)
{
	AUTO(certs_free) struct certs *mine = NULL;
	AUTO(certs_free) struct certs *all = NULL;
	size_t same = 0;
	struct kd_err e = {0};
	(void)state;

	assert_true(certs_new(&mine, &e) && kernel_roots_add_timestamp(mine, &e));
	all = real("", "roots-all.pem");
	for (size_t k = 0; k < certs_n(all); k++) {
		struct kernel_root_info found = {0};

		assert_true(kernel_root_find(all, k, &found, &e));
		if (found.kind != KERNEL_ROOT_TIMESTAMP)
			continue;
		same_as_real(mine, certs_n(mine) - 1, all, k);
		same++;
	}
	assert_int_equal(same, 1);
}

static size_t checked;

/* One issued certificate reaches our root, long after every real root has ended: what
 * has ended, if anything, is the certificate itself. */
static void
reaches_ours(const char *folder, const char *file, const char *top)
{
	AUTO(certs_free) struct certs *mine = ours();
	AUTO(certs_free) struct certs *c = real(folder, file);
	AUTO(chain_clear) struct chain chain = {0};
	struct cert_info root, own;
	struct kd_err e = {0};

	assert_true(cert_info(c, 0, &own, &e));
	assert_true(chain_find(c, 0, mine, YEAR_2100, &chain, &e));
	if (!chain.complete || !chain.trust.ok)
		fail_msg("%s: %s", file, chain.trust.detail);
	assert_int_equal(certs_n(chain.path), 2);
	assert_true(cert_info(chain.path, 1, &root, &e));
	assert_non_null(strstr(root.subject, top));
	assert_false(chain.validity.ok);
	assert_null(strstr(chain.validity.detail, "Microsoft Root"));
	assert_null(strstr(chain.validity.detail, "Microsoft Code Verification"));
	chain_clear(&chain);
	assert_true(chain_find(c, 0, mine, own.not_after, &chain, &e));
	if (!chain.validity.ok)
		fail_msg("%s: %s", file, chain.validity.detail);
	checked++;
}

static void
each_certificate(const char *folder, void (*visit)(const char *file))
{
	char path[600];
	struct dirent *entry;
	DIR *d;

	checked = 0;
	(void)snprintf(path, sizeof(path), "%s/certs/%s", corpus, folder);
	d = opendir(path);
	assert_non_null(d);
	while ((entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.')
			visit(entry->d_name);
	(void)closedir(d);
}

static void
visit_cross(const char *file)
{
	reaches_ours("cross/", file, "CN=Microsoft Code Verification Root,");
}

static void
every_cross_certificate_reaches_the_verification_root(void **state)
{
	(void)state;
	each_certificate("cross", visit_cross);
	assert_int_equal(checked, 12);
}

static void
visit_intermediate(const char *file)
{
	AUTO(certs_free) struct certs *mine = ours();
	AUTO(certs_free) struct certs *c = real("microsoft-intermediates/", file);
	struct cert_info own, root;
	struct kd_err e = {0};

	assert_true(cert_info(c, 0, &own, &e));
	for (size_t i = 1; i < certs_n(mine); i++) {
		assert_true(cert_info(mine, i, &root, &e));
		/* MD5 in a CA is forged at will; chain.h refuses it */
		if (strcmp(own.issuer, root.subject) == 0 &&
		    strstr(own.signature_algorithm, "md5") == NULL)
			reaches_ours("microsoft-intermediates/", file, root.subject);
	}
}

static void
microsofts_cas_reach_microsofts_roots(void **state)
{
	(void)state;
	each_certificate("microsoft-intermediates", visit_intermediate);
	assert_int_equal(checked, 15);
}

static void
running_out_of_memory_is_an_ordinary_error(void **state)
{
	bool done = false;
	(void)state;

	for (long nth = 0; !done; nth++) {
		AUTO(certs_free) struct certs *c = NULL;
		struct kernel_root_info found = {0};
		struct kd_err e = {0};

		kd_alloc_fail_at(nth);
		done = certs_new(&c, &e) && kernel_roots_add(c, &e) &&
		       kernel_root_find(c, 3, &found, &e);
		kd_alloc_fail_at(-1);
		if (!done)
			assert_int_equal(e.code, KD_E_NOMEM);
		assert_true(nth < 200);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(four_roots_without_an_end),
	    cmocka_unit_test(timestamp_roots_leave_the_verification_root_out),
	    cmocka_unit_test(others_are_no_kernel_roots),
	    cmocka_unit_test(running_out_of_memory_is_an_ordinary_error),
	    /* from here on, with the real certificates */
	    cmocka_unit_test(facts_are_those_of_the_real_certificates),
	    cmocka_unit_test(timestamp_facts_are_those_of_the_real_certificate),
	    cmocka_unit_test(every_cross_certificate_reaches_the_verification_root),
	    cmocka_unit_test(microsofts_cas_reach_microsofts_roots),
	};
	const size_t real_n = 4;
	size_t n = KD_ARRAY_LEN(tests);
	const char *named = getenv("KDSIGN_CORPUS"), *srcdir = getenv("srcdir");

	if (named != NULL)
		(void)snprintf(corpus, sizeof(corpus), "%s", named);
	else
		(void)snprintf(corpus, sizeof(corpus), "%s/../shared/corpus",
		    srcdir == NULL ? "." : srcdir);
	if (!have_corpus()) { /* cmocka's own skip() counts as failed in TAP */
		printf("# skipped: what needs real certificates; none in '%s'\n", corpus);
		n -= real_n;
	}
	return _cmocka_run_group_tests("kernel_roots", tests, n, NULL, NULL);
}
