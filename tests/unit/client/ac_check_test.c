/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/client/ac_check_test.c - does a certificate continue the signer's chain? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"
#include "client/ac_check.h"
#include "tests/unit/authenticode/demo_pki.h"

struct fit {
	const char *chain, *ac[2]; /* of the signer; files of --ac */
	const char *refused;       /* words of the refusal; NULL: fits */
};

static const struct fit fits[] = {
    {"p256.pem inter.pem", {"cross.pem"}, NULL},
    {"p256.pem inter.pem ca.pem", {"cross.pem"}, NULL}, /* the service sends the root, too */
    {"p256.pem inter.pem", {"ca.pem"}, NULL},
    {"p256.pem inter.pem", {"cross.pem", "root.pem"}, NULL},
    {"p256.pem", {"cross.pem", "inter.pem"}, NULL}, /* what the service left out */
    {"p256.pem", {"cross.pem"},
	"does not continue the chain of key 'driver', which ends at 'CN=Leaf "
	"p256,O=Häppy Drivers', issued by 'CN=Code Signing CA'"},
    {"p256.pem inter.pem", {"cross.pem", "other.pem"},
	"other.pem': 'CN=Other Root' does not continue the chain of key 'driver', which "
	"ends at 'CN=Code Signing CA', issued by 'CN=CA Root'"},
    {"p256.pem inter.pem", {"rsa2048.pem"}, "does not continue the chain"},
};

static void
what_leads_on_from_the_chain_fits(void **state)
{
	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(fits); i++) {
		AUTO(certs_free) struct certs *chain = demo_certs(fits[i].chain);
		AUTO(certs_free) struct certs *more = NULL;
		const struct ac_signer signer = {.key = "driver", .chain = chain};
		char paths[2][512];
		const char *v[2];
		struct option_list files = {.v = v, .n = 0};
		struct kd_err e = {0};

		for (; files.n < 2 && fits[i].ac[files.n] != NULL; files.n++)
			v[files.n] = demo_path(paths[files.n], fits[i].ac[files.n]);
		assert_true(certs_new(&more, &e));
		if (fits[i].refused == NULL) {
			assert_true(ac_load(&signer, &files, more, &e));
			assert_int_equal(certs_n(more), files.n);
			continue;
		}
		assert_false(ac_load(&signer, &files, more, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_non_null(strstr(e.msg, fits[i].refused));
	}
}

/* The whole miniature world lies in one folder, with keys and broken things between. */
static void
a_folder_gives_the_one_that_is_no_root(void **state)
{
	AUTO(certs_free) struct certs *chain = demo_certs("p256.pem inter.pem");
	AUTO(certs_free) struct certs *cross = demo_certs("cross.pem");
	AUTO(certs_free) struct certs *more = NULL;
	const struct ac_signer signer = {.key = "driver", .chain = chain};
	char dir[512];
	struct cert_info got, want;
	struct kd_err e = {0};

	(void)state;
	(void)demo_path(dir, "cross.pem");
	*strrchr(dir, '/') = '\0';
	assert_true(certs_new(&more, &e));
	assert_true(ac_pick(&signer, dir, more, &e));
	assert_int_equal(certs_n(more), 1);
	assert_true(cert_info(more, 0, &got, &e));
	assert_true(cert_info(cross, 0, &want, &e));
	assert_memory_equal(got.sha256, want.sha256, 32);
}

static void
a_folder_without_one_is_refused(void **state)
{
	AUTO(certs_free) struct certs *chain = demo_certs("selfie.pem");
	AUTO(certs_free) struct certs *more = NULL;
	const struct ac_signer signer = {.key = "driver", .chain = chain};
	char dir[512];
	struct kd_err e = {0}, e2 = {0};

	(void)state;
	(void)demo_path(dir, "cross.pem");
	*strrchr(dir, '/') = '\0';
	assert_true(certs_new(&more, &e));
	assert_false(ac_pick(&signer, dir, more, &e));
	assert_int_equal(e.code, KD_E_FORMAT);
	assert_non_null(strstr(e.msg, "continues the chain of key 'driver', which ends at "
				      "'CN=Selfie', issued by 'CN=Selfie'"));
	assert_false(ac_pick(&signer, "/no/such/folder", more, &e2));
	assert_int_equal(e2.code, KD_E_FILE);
	assert_int_equal(certs_n(more), 0);
}

/* The service is configured with the cross-certificate, the folder has it as well. */
static void
what_the_service_sends_already_is_pointed_out(void **state)
{
	AUTO(certs_free) struct certs *chain =
	    demo_certs("p256.pem inter.pem cross.pem");
	AUTO(certs_free) struct certs *more = NULL;
	const struct ac_signer signer = {.key = "driver", .chain = chain};
	char dir[512];
	struct kd_err e = {0};

	(void)state;
	(void)demo_path(dir, "cross.pem");
	*strrchr(dir, '/') = '\0';
	assert_true(certs_new(&more, &e));
	assert_false(ac_pick(&signer, dir, more, &e));
	assert_int_equal(e.code, KD_E_FORMAT);
	assert_non_null(strstr(e.hint, "the service sends it along"));
	assert_int_equal(certs_n(more), 0);
}

static void
expiry_is_one_sentence(void **state)
{
	AUTO(certs_free) struct certs *two = demo_certs("cross.pem inter.pem");
	struct cert_info info;
	char said[320];
	struct kd_err e = {0};

	(void)state;
	assert_true(cert_info(two, 0, &info, &e));
	assert_true(ac_expired(two, info.not_before + 1, said, &e));
	assert_string_equal(said, "");
	assert_true(ac_expired(two, info.not_after + 86400 * 2, said, &e));
	assert_non_null(strstr(
	    said, "the certificate 'CN=CA Root' by 'CN=Verification Root' expired 20"));
	assert_non_null(strstr(said, " (others have, too): Windows takes no new"));
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(what_leads_on_from_the_chain_fits),
	    cmocka_unit_test(a_folder_gives_the_one_that_is_no_root),
	    cmocka_unit_test(a_folder_without_one_is_refused),
	    cmocka_unit_test(what_the_service_sends_already_is_pointed_out),
	    cmocka_unit_test(expiry_is_one_sentence),
	};

	return cmocka_run_group_tests_name("client/ac_check", t, NULL, NULL);
}
