/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/kernel_facts_test.c - facts are read from certificates as they
 * are, and a name alone makes nobody Microsoft. */
#include "authenticode/kernel_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "tests/unit/authenticode/demo_pki.h"

/* A signature's chain facts; the certificates stay the caller's. */
static struct kernel_signature
chain_of(struct certs *certs, const struct certs *extra)
{
	struct cms cms = {.certs = certs};
	struct kernel_signature s = {.name = "signature 0"};
	struct kd_err e = {0};

	if (!kernel_facts_chain(&cms, extra, (int64_t)time(NULL), &s, &e))
		fail_msg("%s", e.msg);
	return s;
}

static void
path_to_the_users_root_leaves_it_out(void **state)
{
	AUTO(certs_free) struct certs *inside = demo_certs("rsa2048.chain");
	AUTO(certs_free) struct certs *root = demo_certs("root.pem");
	struct kernel_signature s = chain_of(inside, root);
	(void)state;

	assert_int_equal(s.root, KERNEL_ROOT_EXTRA);
	assert_int_equal(s.certs_n, 3);
	assert_string_equal(s.certs[0].name, "Leaf rsa2048");
	assert_string_equal(s.certs[1].name, "Code Signing CA");
	assert_string_equal(s.certs[2].name, "CA Root");
	assert_true(s.certs[0].sha2 && s.certs[1].sha2);
	assert_false(s.certs[2].sha2); /* like every real cross-certificate */
	assert_true(s.certs[0].from <= (int64_t)time(NULL));
	assert_true(s.certs[0].to > (int64_t)time(NULL) + 3000 * INT64_C(86400));
	assert_true(s.code_signing);
	assert_false(s.whql || s.attested || s.extended || s.lifetime);
	assert_string_equal(s.fault, "");
}

/* The machine's roots, or the CA's own one inside the signature, are no kernel's. */
static void
without_a_kernel_root_the_last_issuer_is_named(void **state)
{
	static const struct {
		const char *inside, *top;
		size_t n;
	} cases[] = {{"rsa2048.chain", "Verification Root", 3},
	    {"rsa2048.pem inter.pem", "CA Root", 2},
	    {"rsa2048.pem inter.pem ca.pem", "CA Root", 3},
	    {"rsa2048.pem", "Code Signing CA", 1}, {"selfie.pem", "Selfie", 1}};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(certs_free) struct certs *inside = demo_certs(cases[i].inside);
		struct kernel_signature s = chain_of(inside, NULL);

		assert_int_equal(s.root, KERNEL_ROOT_NONE);
		assert_string_equal(s.top, cases[i].top);
		assert_int_equal(s.certs_n, cases[i].n);
		assert_true(s.code_signing);
	}
}

static void
no_signer_inside_is_no_certificate(void **state)
{
	AUTO(certs_free) struct certs *inside = demo_certs("inter.pem");
	struct cms cms = {.certs = inside, .signer = SIZE_MAX}, none = {0};
	struct kernel_signature s = {0};
	struct kd_err e = {0};
	(void)state;

	assert_true(kernel_facts_chain(&cms, NULL, 0, &s, &e));
	assert_int_equal(s.certs_n, 0);
	assert_true(kernel_facts_chain(&none, NULL, 0, &s, &e)); /* "format" failed */
	assert_int_equal(s.certs_n, 0);
	assert_int_equal(s.root, KERNEL_ROOT_NONE);
}

/* A CA that is none, say: complete, and not to be believed. */
static void
sick_path_is_a_fault(void **state)
{
	static const struct {
		const char *inside, *fault;
	} cases[] = {{"not-a-ca-leaf.pem not-a-ca.pem cross.pem",
			 "'not-a-ca' issued a certificate but is no CA (basicConstraints)"},
	    {"tls-ca-leaf.pem tls-ca.pem cross.pem",
		"CA 'tls-ca' is limited to extended key usages without codeSigning"},
	    {"bad-ku.pem inter.pem cross.pem",
		"'Bad KU' lacks digitalSignature in its key usage"},
	    {"tls.pem inter.pem cross.pem", ""}, /* the policy's to say */
	    {"any-ca-leaf.pem any-ca.pem cross.pem", ""}};
	AUTO(certs_free) struct certs *root = demo_certs("root.pem");
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(certs_free) struct certs *inside = demo_certs(cases[i].inside);
		struct kernel_signature s = chain_of(inside, root);

		assert_int_equal(s.root, KERNEL_ROOT_EXTRA);
		assert_string_equal(s.fault, cases[i].fault);
	}
}

#define PUBLISHER_EKUS                                                                   \
	"codeSigning,1.3.6.1.4.1.311.10.3.5,1.3.6.1.4.1.311.10.3.5.1,"                   \
	"1.3.6.1.4.1.311.10.3.39,1.3.6.1.4.1.311.10.3.13"
#define ROOT_2010                                                                        \
	"/C=US/ST=Washington/L=Redmond/O=Microsoft Corporation/CN=Microsoft Root "       \
	"Certificate Authority 2010"

/* "root.pem" and "leaf.pem", the latter issued by the former, in the test's folder. */
static struct certs *
make_publisher(const char *root_subject)
{
	struct certs *c = NULL;
	struct kd_err e = {0};
	char root[512], leaf[512], folder[512];

	(void)demo_write("forged-root.pem", "", 0, root);
	(void)demo_write("forged-leaf.pem", "", 0, leaf);
	(void)snprintf(folder, sizeof(folder), "%.*s",
	    (int)(strrchr(root, '/') - root), root);
	assert_int_equal(
	    demo_run("cd '%s' && openssl req -x509 -newkey ec -pkeyopt "
		     "ec_paramgen_curve:P-256 -nodes -keyout k -days 9 -subj '%s' "
		     "-addext keyUsage=keyCertSign -out forged-root.pem",
		folder, root_subject),
	    0);
	assert_int_equal(
	    demo_run("cd '%s' && openssl req -x509 -newkey ec -pkeyopt "
		     "ec_paramgen_curve:P-256 -nodes -keyout l -days 9 -subj "
		     "'/CN=Microsoft Windows Hardware Compatibility Publisher' -addext "
		     "extendedKeyUsage=" PUBLISHER_EKUS " -CA forged-root.pem -CAkey k "
		     "-out forged-leaf.pem",
		folder),
	    0);
	assert_true(certs_new(&c, &e));
	if (!certs_load(c, leaf, &e) || !certs_load(c, root, &e))
		fail_msg("%s", e.msg);
	return c;
}

/* Whoever names his root and his signer like Microsoft's is nobody: keys count. */
static void
names_of_microsoft_do_not_make_its_signature(void **state)
{
	AUTO(certs_free) struct certs *inside = NULL;
	struct kernel_facts f = {.now = (int64_t)time(NULL), .sigs_n = 1};
	struct kernel_report r;
	(void)state;

	if (!demo_have("openssl"))
		return; /* cmocka's own skip() counts as failed in TAP */
	inside = make_publisher(ROOT_2010);
	f.sigs[0] = chain_of(inside, NULL);
	assert_int_equal(f.sigs[0].root, KERNEL_ROOT_NONE);
	assert_string_equal(f.sigs[0].top, "Microsoft Root Certificate Authority 2010");
	kernel_judge(&f, &r);
	assert_false(r.policy.loads);
	for (size_t i = 0; i + 1 < r.releases_n; i++)
		assert_false(r.releases[i].loads);
	assert_true(r.releases[r.releases_n - 1].loads); /* test-signing mode */
}

static void
usages_are_read(void **state)
{
	AUTO(certs_free) struct certs *inside = NULL;
	AUTO(certs_free) struct certs *any = demo_certs("any-eku.pem");
	AUTO(certs_free) struct certs *none = demo_certs("no-eku.pem");
	struct kernel_signature s;
	(void)state;

	s = chain_of(any, NULL);
	assert_false(s.code_signing || s.whql);
	s = chain_of(none, NULL);
	assert_false(s.code_signing || s.whql);
	if (!demo_have("openssl"))
		return; /* cmocka's own skip() counts as failed in TAP */
	inside = make_publisher("/CN=Root");
	s = chain_of(inside, NULL);
	assert_true(
	    s.code_signing && s.whql && s.attested && s.extended && s.lifetime);
}

/* As a root of the user's, even the publisher's name and usages are cross-signed ones. */
static void
users_root_never_counts_as_microsoft(void **state)
{
	AUTO(certs_free) struct certs *inside = NULL;
	struct kernel_signature s;
	(void)state;

	if (!demo_have("openssl"))
		return; /* cmocka's own skip() counts as failed in TAP */
	inside = make_publisher(ROOT_2010);
	s = chain_of(inside, inside); /* the leaf is an anchor, too */
	assert_int_equal(s.root, KERNEL_ROOT_EXTRA);
}

/* What the verifier makes of a timestamp: trusted, or of after the time asked for. */
static void
timestamp_counts_when_the_verifier_goes_by_it(void **state)
{
	AUTO(certs_free) struct certs *inside = demo_certs("rsa2048.chain");
	struct verify_signature sig = {.intact = true,
	    .cms = {.certs = inside, .md = MD_SHA256},
	    .at = 5000,
	    .stamp = {.kind = TSP_RFC3161, .ok = true, .trusted = true, .time = 5000,
		.detail = "what it says"}};
	struct verify_report r = {.sigs = &sig, .sigs_n = 1};
	struct kd_err e = {0};
	(void)state;

	for (int i = 0; i < 4; i++) {
		struct kernel_facts f = {.now = 4000};

		sig.stamp.trusted = i != 1;
		sig.at = i == 2 ? 4000 : 5000;
		sig.stamp.kind = i == 3 ? TSP_NONE : TSP_RFC3161;
		assert_true(kernel_facts_add(&r, NULL, NULL, &f, &e));
		assert_int_equal(f.sigs_n, 1);
		assert_string_equal(f.sigs[0].name, "signature 0");
		assert_int_equal(f.sigs[0].md, MD_SHA256);
		assert_int_equal(f.sigs[0].stamp, i == 0 ? KERNEL_STAMP_TRUSTED
						  : i == 3 ? KERNEL_STAMP_NONE
							   : KERNEL_STAMP_UNTRUSTED);
		assert_string_equal(
		    f.sigs[0].stamp_fault, i == 1 || i == 2 ? "what it says" : "");
	}
}

/* A run that was broken off leaves signatures behind that no step speaks of. */
static void
signature_that_nobody_judged_is_not_intact(void **state)
{
	AUTO(certs_free) struct certs *inside = demo_certs("rsa2048.chain");
	struct verify_signature sig = {
	    .ok = true, .cms = {.certs = inside}, .at = (int64_t)time(NULL)};
	struct verify_report r = {.sigs = &sig, .sigs_n = 1};
	struct verify_report cat = {.subject = VERIFY_CATALOG, .sigs = &sig, .sigs_n = 1};
	struct verify_member listed = {.ok = false};
	struct kernel_facts f = {.now = sig.at};
	struct kd_err e = {0};
	(void)state;

	assert_true(kernel_facts_add(&r, NULL, NULL, &f, &e));
	assert_true(kernel_facts_add(&cat, NULL, NULL, &f, &e));
	sig.intact = true; /* and the list says nothing of the file */
	assert_true(kernel_facts_add(&cat, &listed, NULL, &f, &e));
	assert_int_equal(f.sigs_n, 3);
	for (size_t i = 0; i < f.sigs_n; i++)
		assert_string_equal(
		    f.sigs[i].fault, "not judged, since the file is faulty before it");
}

/* Whatever is inside, a file's chains cost so much and no more. */
static void
costly_chains_are_cut_off(void **state)
{
	AUTO(certs_free) struct certs *maze = demo_certs("maze-leaf.pem maze.pem");
	static struct verify_signature sigs[VERIFY_SIGNATURES_MAX];
	struct verify_report r = {.sigs = sigs, .sigs_n = KD_ARRAY_LEN(sigs)};
	struct kernel_facts f = {.now = (int64_t)time(NULL)};
	struct kd_err e = {0};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(sigs); i++)
		sigs[i] = (struct verify_signature){.intact = true,
		    .cms = {.certs = maze}, .index = i, .nested = i > 0};
	assert_true(kernel_facts_add(&r, NULL, NULL, &f, &e));
	assert_string_equal(f.sigs[0].fault, "");
	assert_string_equal(f.sigs[VERIFY_SIGNATURES_MAX - 1].fault,
	    "chains before took too many signature checks");
	assert_true(f.checks < 2 * VERIFY_CHECKS_MAX);
}

static void
machines_have_their_bits(void **state)
{
	static const struct {
		unsigned pe;
		enum kernel_machine want;
	} cases[] = {{0x14c, KERNEL_X86}, {0x8664, KERNEL_X64}, {0xaa64, KERNEL_ARM64},
	    {0x200, KERNEL_IA64}, {0x1c4, KERNEL_ARM}, {0x1c0, KERNEL_ARM},
	    {0x166, KERNEL_OTHER}, {0, KERNEL_OTHER}};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++)
		assert_int_equal(kernel_facts_machine(cases[i].pe), cases[i].want);
}

static void
running_out_of_memory_is_an_ordinary_error(void **state)
{
	AUTO(certs_free) struct certs *inside = demo_certs("rsa2048.chain");
	AUTO(certs_free) struct certs *root = demo_certs("root.pem");
	struct cms cms = {.certs = inside};
	bool done = false;
	(void)state;

	for (long nth = 0; !done; nth++) {
		struct kernel_signature s = {0};
		struct kd_err e = {0};

		kd_alloc_fail_at(nth);
		done = kernel_facts_chain(&cms, root, (int64_t)time(NULL), &s, &e);
		kd_alloc_fail_at(-1);
		if (!done)
			assert_int_equal(e.code, KD_E_NOMEM);
		assert_true(nth < 300);
	}
}

/* Given as --kernel-root, it is bound by all that the user's roots are. */
static void
timestamp_root_is_no_way_around_the_cross_signing_rules(void **state)
{
	AUTO(certs_free) struct certs *roots = NULL;
	struct kd_err e = {0};
	size_t extra = 0;
	(void)state;

	assert_true(certs_new(&roots, &e) && kernel_roots_add_timestamp(roots, &e));
	for (size_t i = 0; i < certs_n(roots); i++) {
		struct kernel_root_info root = {0};
		struct cms cms = {.certs = roots, .signer = i};
		struct kernel_signature s = {0};

		assert_true(kernel_root_find(roots, i, &root, &e) &&
			    kernel_facts_chain(&cms, roots, (int64_t)time(NULL), &s, &e));
		assert_int_equal(s.root, root.kind == KERNEL_ROOT_TIMESTAMP
					     ? KERNEL_ROOT_EXTRA
					     : KERNEL_ROOT_MICROSOFT);
		extra += s.root == KERNEL_ROOT_EXTRA;
	}
	assert_true(extra > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(path_to_the_users_root_leaves_it_out),
	    cmocka_unit_test(without_a_kernel_root_the_last_issuer_is_named),
	    cmocka_unit_test(no_signer_inside_is_no_certificate),
	    cmocka_unit_test(sick_path_is_a_fault),
	    cmocka_unit_test(names_of_microsoft_do_not_make_its_signature),
	    cmocka_unit_test(usages_are_read),
	    cmocka_unit_test(users_root_never_counts_as_microsoft),
	    cmocka_unit_test(timestamp_root_is_no_way_around_the_cross_signing_rules),
	    cmocka_unit_test(timestamp_counts_when_the_verifier_goes_by_it),
	    cmocka_unit_test(signature_that_nobody_judged_is_not_intact),
	    cmocka_unit_test(costly_chains_are_cut_off),
	    cmocka_unit_test(machines_have_their_bits),
	    cmocka_unit_test(running_out_of_memory_is_an_ordinary_error),
	};

	return cmocka_run_group_tests_name("kernel_facts", tests, NULL, NULL);
}
