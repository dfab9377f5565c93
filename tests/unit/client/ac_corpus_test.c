/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/client/ac_corpus_test.c - of the real cross-certificates, the one is picked
 * that a real driver's maker put in. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "client/ac_check.h"
#include "client/sign_kind.h"
#include "tests/unit/authenticode/corpus.h"

#define VERIFICATION_ROOT "CN=Microsoft Code Verification Root"
#define SIGNED_MIN 5

static bool
read_certs(const char *path, struct cms *ret, struct buf *der)
{
	AUTO(sign_subject_clear) struct sign_subject s = {0};
	AUTO(close) int fd = -1;
	struct kd_err e = {0};

	return file_open_read(path, &fd, NULL, &e) && sign_subject_open(fd, path, &s, &e) &&
	       s.kind->signature(fd, &s, der, &e) && cms_parse(der->p, der->len, ret, &e) &&
	       ret->signer < certs_n(ret->certs);
}

static void
copy(const struct certs *from, size_t i, struct certs *to)
{
	struct kd_err e = {0};
	size_t len;
	const uint8_t *der = certs_der(from, i, &len);

	assert_true(certs_add_der(to, der, len, &e));
}

/* The signer's chain as a service would have it; index of the cross-certificate, or
 * SIZE_MAX. */
static size_t
split(const struct cms *c, struct certs *chain)
{
	size_t cross = SIZE_MAX;
	struct cert_info info;
	struct kd_err e = {0};

	copy(c->certs, c->signer, chain);
	for (size_t i = 0; i < certs_n(c->certs); i++) {
		assert_true(cert_info(c->certs, i, &info, &e));
		if (strncmp(info.issuer, VERIFICATION_ROOT, strlen(VERIFICATION_ROOT)) ==
		    0)
			cross = i;
		else
			copy(c->certs, i, chain);
	}
	return cross;
}

/* Same name, same key: Microsoft issued some of them twice. */
static void
is_as_good_as(const struct certs *picked, const struct certs *embedded, size_t i)
{
	struct cert_info got, want;
	struct kd_err e = {0};

	assert_int_equal(certs_n(picked), 1);
	assert_true(cert_info(picked, 0, &got, &e));
	assert_true(cert_info(embedded, i, &want, &e));
	assert_string_equal(got.subject, want.subject);
	assert_string_equal(got.issuer, want.issuer);
	assert_memory_equal(got.spki_sha256, want.spki_sha256, 32);
	assert_true(got.not_after >= want.not_after);
}

static void
the_makers_own_choice_is_picked(void **state)
{
	char folder[600], cross_folder[600], path[1200];
	const struct dirent *entry;
	size_t n = 0;
	DIR *d;

	(void)state;
	(void)snprintf(folder, sizeof(folder), "%s/pe-signed", corpus);
	(void)snprintf(cross_folder, sizeof(cross_folder), "%s/certs/cross", corpus);
	d = opendir(folder);
	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		AUTO(cms_clear) struct cms c = {0};
		AUTO(buf_clear) struct buf der = {0};
		AUTO(certs_free) struct certs *chain = NULL;
		AUTO(certs_free) struct certs *picked = NULL;
		struct ac_signer signer = {.key = "real"};
		struct kd_err e = {0};
		size_t cross;

		(void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] == '.' || !read_certs(path, &c, &der))
			continue;
		assert_true(certs_new(&chain, &e) && certs_new(&picked, &e));
		cross = split(&c, chain);
		if (cross == SIZE_MAX)
			continue;
		signer.chain = chain;
		if (!ac_pick(&signer, cross_folder, picked, &e))
			fail_msg("%s: %s", entry->d_name, e.msg);
		is_as_good_as(picked, c.certs, cross);
		n++;
	}
	(void)closedir(d);
	assert_true(n >= SIGNED_MIN);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(the_makers_own_choice_is_picked),
	};
	int failed;

	if (!corpus_open())
		return 0;
	failed = cmocka_run_group_tests_name("client/ac_corpus", t, NULL, NULL);
	corpus_close();
	return failed;
}
