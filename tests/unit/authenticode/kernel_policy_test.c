/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/kernel_policy_test.c - each rule of the loader, by the page
 * that states it. */
#include "authenticode/kernel_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"

#define VISTA "Windows Vista, Server 2008"
#define SEVEN_OLD "Windows 7, Server 2008 R2 without KB3033929"
#define SEVEN "Windows 7, Server 2008 R2 with KB3033929"
#define EIGHT "Windows 8, 8.1, Server 2012, 2012 R2"
#define TEN_1511 "Windows 10 1507, 1511"
#define TEN_1607_OFF "Windows 10 1607 to 1803, Secure Boot off"
#define TEN_1607_UP "Windows 10 1607 to 1803, upgraded from before 1607"
#define TEN_1607_ON "Windows 10 1607 to 1803, installed with Secure Boot on"
#define TEN_1809_OFF "Windows 10 1809+, Windows 11 to 23H2, Secure Boot off"
#define TEN_1809_UP "Windows 10 1809+, Windows 11 to 23H2, upgraded from before 1607"
#define TEN_1809_ON "Windows 10 1809+, Windows 11 to 23H2, installed with Secure Boot on"
#define ELEVEN_EVALUATING                                                                \
	"Windows 11 24H2+, 2026 driver policy still evaluating, Secure Boot on"
#define ELEVEN "Windows 11 24H2+, 2026 driver policy enforced"
#define SERVER_OFF "Windows Server 2016, 2019, 2022, Secure Boot off"
#define SERVER_ON "Windows Server 2016, 2019, 2022, Secure Boot on"
#define SERVER_2025_EVALUATING                                                           \
	"Windows Server 2025, 2026 driver policy still evaluating, Secure Boot on"
#define SERVER_2025 "Windows Server 2025, 2026 driver policy enforced"
#define TEST_SIGNING "any of these in test-signing mode, Secure Boot off"

#define T_2013 INT64_C(1356998400) /* 2013-01-01T00:00:00Z */
#define T_2014 INT64_C(1388534400)
#define T_2015_07_28 INT64_C(1438127999) /* the last second of that day */
#define T_2015_07_29 INT64_C(1438128000)
#define T_2016 INT64_C(1451606400)
#define T_2017 INT64_C(1483228800)
#define T_2021_02_22 INT64_C(1614036599) /* end of a real cross-certificate */
#define T_2022 INT64_C(1640995200)
#define T_2026 INT64_C(1767225600)
#define T_2028 INT64_C(1830297600)

/* A driver of 2014 as the guide makes it: SHA-1, cross-signed, timestamped. */
static struct kernel_signature
cross_signed(void)
{
	return (struct kernel_signature){.name = "signature 0", .md = MD_SHA1,
	    .certs = {{"Maker", T_2013, T_2016, false},
		{"CA of Code", T_2013, T_2022, false},
		{"CA Root", T_2013, T_2021_02_22, false}},
	    .certs_n = 3, .root = KERNEL_ROOT_VERIFICATION, .code_signing = true,
	    .stamp = KERNEL_STAMP_TRUSTED, .stamp_time = T_2014};
}

static struct kernel_signature
cross_signed_sha2(void)
{
	struct kernel_signature s = cross_signed();

	s.md = MD_SHA256;
	s.certs[0].sha2 = s.certs[1].sha2 = true;
	return s;
}

/* The leaf's notBefore is all that differs. */
static struct kernel_signature
cross_signed_from(int64_t from)
{
	struct kernel_signature s = cross_signed_sha2();

	s.certs[0].from = from;
	s.certs[0].to = T_2022;
	s.stamp_time = T_2017;
	return s;
}

static struct kernel_signature
portal(bool attested)
{
	return (struct kernel_signature){.name = "signature 0", .md = MD_SHA256,
	    .certs = {{"Microsoft Windows Hardware Compatibility Publisher", T_2022,
			  T_2026, true},
		{"Microsoft Windows Third Party Component CA", T_2014, T_2028, true}},
	    .certs_n = 2, .root = KERNEL_ROOT_MICROSOFT, .code_signing = true,
	    .whql = true, .attested = attested, .extended = !attested,
	    .stamp = KERNEL_STAMP_TRUSTED, .stamp_time = T_2022};
}

static struct kernel_facts
facts(enum kernel_machine machine, size_t n, struct kernel_signature a,
    struct kernel_signature b)
{
	struct kernel_facts f = {.machine = machine, .now = T_2026, .sigs_n = n};

	f.sigs[0] = a;
	f.sigs[1] = b;
	f.sigs[1].nested = !b.catalog;
	(void)snprintf(f.sigs[1].name, sizeof(f.sigs[1].name), "%s",
	    b.catalog ? "the catalog's signature" : "signature 1");
	return f;
}

static struct kernel_facts
one(struct kernel_signature s)
{
	return facts(KERNEL_X64, 1, s, s);
}

static struct kernel_verdict
verdict_of(const struct kernel_facts *f, const char *release)
{
	struct kernel_report r;

	kernel_judge(f, &r);
	for (size_t i = 0; i < r.releases_n; i++)
		if (strcmp(r.releases[i].release, release) == 0)
			return r.releases[i];
	fail_msg("no row for '%s'", release);
	return r.policy;
}

#define LOADS_ON(f, release) loads(&(f), (release), true, NULL)
#define REFUSED_ON(f, release, why) loads(&(f), (release), false, (why))

static void
loads(const struct kernel_facts *f, const char *release, bool want, const char *why)
{
	struct kernel_verdict v = verdict_of(f, release);

	if (v.loads != want)
		fail_msg("'%s' %s: %s", release, v.loads ? "loads" : "refuses", v.why);
	assert_true(v.why[0] != '\0');
	if (why != NULL)
		assert_string_equal(v.why, why);
}

static void
policy_is(const struct kernel_facts *f, bool want, const char *why)
{
	struct kernel_report r;

	kernel_judge(f, &r);
	assert_string_equal(r.policy.why, why);
	assert_int_equal(r.policy.loads, want);
}

/* [Driver Signing Policy] "Signing requirements by version", columns 1 and 2: "Standard
 * roots trusted by Code Integrity"; columns 3 and 4 through the exception for old leaves;
 * [The Windows Driver Policy]. [Signing requirements] "OS support summary", last column. */
static void
old_sha1_driver_by_release(void **state)
{
	static const struct {
		const char *release;
		bool loads;
	} rows[] = {{VISTA, true}, {SEVEN_OLD, true}, {SEVEN, true}, {EIGHT, true},
	    {TEN_1511, true}, {TEN_1607_OFF, true}, {TEN_1607_UP, true},
	    {TEN_1607_ON, true}, {TEN_1809_OFF, true}, {TEN_1809_UP, true},
	    {TEN_1809_ON, false}, {ELEVEN_EVALUATING, false}, {ELEVEN, false},
	    {SERVER_OFF, true}, {SERVER_ON, true}, {SERVER_2025_EVALUATING, true},
	    {SERVER_2025, false}, {TEST_SIGNING, true}};
	struct kernel_facts f = one(cross_signed());
	struct kernel_report r;
	(void)state;

	kernel_judge(&f, &r);
	assert_int_equal(r.releases_n, KD_ARRAY_LEN(rows));
	for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
		assert_string_equal(r.releases[i].release, rows[i].release);
		loads(&f, rows[i].release, rows[i].loads, NULL);
	}
	policy_is(&f, true, "signature 0 is cross-signed, by 'Maker' through 'CA Root'");
	REFUSED_ON(f, TEN_1809_ON,
	    "signature 0 is cross-signed with a SHA-1 certificate, which is not taken "
	    "since Windows 10 1809");
	REFUSED_ON(f, ELEVEN,
	    "signature 0 is cross-signed, which is no longer trusted unless the driver "
	    "is on Microsoft's allow list");
}

/* [Driver Signing Policy] "Exceptions": "signed with an end-entity certificate issued
 * prior to July 29th 2015"; the timestamp, of 2017, does not matter. */
static void
leaf_issued_before_july_29_2015(void **state)
{
	struct kernel_facts before = one(cross_signed_from(T_2015_07_28)),
			    on = one(cross_signed_from(T_2015_07_29));
	static const char *const portal_only[] = {TEN_1607_ON, TEN_1809_ON,
	    ELEVEN_EVALUATING, SERVER_ON, SERVER_2025_EVALUATING};
	static const char *const exempt[] = {EIGHT, TEN_1511, TEN_1607_OFF, TEN_1607_UP,
	    TEN_1809_OFF, TEN_1809_UP, SERVER_OFF};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(portal_only); i++) {
		LOADS_ON(before, portal_only[i]);
		REFUSED_ON(on, portal_only[i],
		    "signature 0 is cross-signed, and 'Maker' was issued on 2015-07-29, "
		    "not before 2015-07-29");
	}
	for (size_t i = 0; i < KD_ARRAY_LEN(exempt); i++) {
		LOADS_ON(before, exempt[i]);
		LOADS_ON(on, exempt[i]);
	}
	REFUSED_ON(before, ELEVEN, NULL);
	REFUSED_ON(before, SERVER_2025, NULL);
}

/* Security advisory 3033929; [Driver Signing changes] "Windows Vista doesn't support
 * SHA-256", "Windows 7, if patched", "Windows 8 and later versions support SHA-256". */
static void
sha2_needs_an_update_or_windows_8(void **state)
{
	struct kernel_signature mixed = cross_signed();
	struct kernel_facts f = one(cross_signed_sha2()), certificate;
	(void)state;

	REFUSED_ON(f, VISTA, "this Windows does not know sha256, which signature 0 uses");
	REFUSED_ON(f, SEVEN_OLD, NULL);
	LOADS_ON(f, SEVEN);
	LOADS_ON(f, EIGHT);
	mixed.certs[1].sha2 = true;
	certificate = one(mixed);
	REFUSED_ON(certificate, SEVEN_OLD,
	    "this Windows does not know SHA-2, with which 'CA of Code' is signed");
	LOADS_ON(certificate, SEVEN);
}

/* [Appendix 4: Driver Signing Issues]: a SHA-1 signature first, SHA-256 appended; facts 5
 * (4): Windows 8 takes any, Windows 7 the first. */
static void
nested_signatures_are_for_windows_8(void **state)
{
	struct kernel_signature lost = cross_signed();
	struct kernel_facts dual, attested_second;
	(void)state;

	dual = facts(KERNEL_X64, 2, cross_signed(), cross_signed_from(T_2014));
	LOADS_ON(dual, VISTA);
	LOADS_ON(dual, SEVEN);
	loads(&dual, TEN_1809_ON, true,
	    "signature 1 is cross-signed, by 'Maker' through 'CA Root'");

	lost.root = KERNEL_ROOT_NONE;
	(void)snprintf(lost.top, sizeof(lost.top), "GlobalSign");
	attested_second = facts(KERNEL_X64, 2, lost, portal(true));
	REFUSED_ON(attested_second, SEVEN,
	    "signature 0 ends at 'GlobalSign', which is no root of the kernel's, and has "
	    "no cross-certificate from it to Microsoft Code Verification Root inside");
	LOADS_ON(attested_second, TEN_1607_ON);
	LOADS_ON(attested_second, ELEVEN);
	policy_is(&attested_second, true,
	    "signature 1 is Microsoft's attestation, by 'Microsoft Windows Hardware "
	    "Compatibility Publisher'");
}

/* [Signing requirements] "OS support summary": attestation is for Windows 10 clients;
 * "Windows Server 2016 and greater will only load ... that have successfully passed the
 * HLK tests". */
static void
attestation_is_for_windows_10_clients(void **state)
{
	struct kernel_facts attested = one(portal(true)), tested = one(portal(false));
	static const char *const clients[] = {TEN_1511, TEN_1607_OFF, TEN_1607_ON,
	    TEN_1809_ON, ELEVEN_EVALUATING, ELEVEN};
	static const char *const others[] = {SEVEN, EIGHT, SERVER_OFF, SERVER_ON,
	    SERVER_2025_EVALUATING, SERVER_2025};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(clients); i++) {
		LOADS_ON(attested, clients[i]);
		LOADS_ON(tested, clients[i]);
	}
	for (size_t i = 0; i < KD_ARRAY_LEN(others); i++) {
		REFUSED_ON(attested, others[i],
		    "signature 0 is an attestation signature, which Microsoft makes for "
		    "Windows 10 and 11 clients only");
		LOADS_ON(tested, others[i]);
	}
	REFUSED_ON(tested, VISTA, NULL); /* its digest */
}

/* [Cross-Certificates Overview], facts 5 (2): the loader fetches none. */
static void
without_the_cross_certificate(void **state)
{
	struct kernel_signature s = cross_signed();
	struct kernel_facts f;
	(void)state;

	s.root = KERNEL_ROOT_NONE;
	s.certs_n = 2;
	(void)snprintf(s.top, sizeof(s.top), "CA Root");
	f = one(s);
	policy_is(&f, false,
	    "signature 0 ends at 'CA Root', which is no root of the kernel's, and has no "
	    "cross-certificate from it to Microsoft Code Verification Root inside");
	REFUSED_ON(f, VISTA, NULL);
	REFUSED_ON(f, ELEVEN, NULL);
	/* bcdedit /set testsigning on: any certificate for code */
	loads(&f, TEST_SIGNING, true,
	    "signature 0 is intact, by 'Maker'; the installer wants its root among the "
	    "machine's");
	f.sigs[0].certs_n = 0;
	policy_is(&f, false, "signature 0: the signer's certificate is not inside");
}

/* [Deprecation of Software Publisher Certificates and Commercial Release Certificates]:
 * timestamped before the leaf's end goes on; after the cross-certificate's end there are
 * no new signatures for any Windows. */
static void
time_of_the_signature(void **state)
{
	struct kernel_signature s = cross_signed();
	struct kernel_facts f;
	(void)state;

	s.stamp = KERNEL_STAMP_NONE;
	f = one(s);
	policy_is(&f, false,
	    "signature 0: 'Maker' expired on 2016-01-01, and no timestamp says that the "
	    "signature was made before");
	s.stamp = KERNEL_STAMP_UNTRUSTED;
	(void)snprintf(s.stamp_fault, sizeof(s.stamp_fault), "imprint differs");
	f = one(s);
	policy_is(&f, false,
	    "signature 0: 'Maker' expired on 2016-01-01, and the timestamp is not "
	    "trusted: imprint differs");
	s = cross_signed();
	s.stamp_time = T_2017;
	f = one(s);
	policy_is(&f, false,
	    "signature 0: 'Maker' expired on 2016-01-01, and the signature was made after "
	    "that, on 2017-01-01");
	s = cross_signed_from(T_2014);
	s.certs[0].to = T_2028;
	s.certs[1].to = T_2028;
	s.stamp_time = T_2022;
	f = one(s);
	policy_is(&f, false,
	    "signature 0: cross-certificate for 'CA Root' expired on 2021-02-22, and the "
	    "signature was made after that, on 2022-01-01");
	s.stamp_time = T_2021_02_22;
	f = one(s);
	LOADS_ON(f, EIGHT); /* its last second */
	s = cross_signed();
	s.stamp_time = T_2013 - 86400;
	f = one(s);
	policy_is(&f, false,
	    "signature 0: 'Maker' is not valid before 2013-01-01, and the timestamp is of "
	    "2012-12-31");
	/* facts 10.3: lifetime signing */
	s = cross_signed();
	s.lifetime = true;
	f = one(s);
	policy_is(&f, false,
	    "signature 0: 'Maker' expired on 2016-01-01, and its signatures end with it "
	    "(lifetime signing), timestamp or not");
	LOADS_ON(f, TEST_SIGNING);
}

static void
what_is_broken_loads_nowhere(void **state)
{
	struct kernel_signature s = cross_signed();
	struct kernel_facts f;
	struct kernel_report r;
	(void)state;

	(void)snprintf(s.fault, sizeof(s.fault), "image digest: differs");
	f = one(s);
	kernel_judge(&f, &r);
	assert_false(r.policy.loads);
	for (size_t i = 0; i < r.releases_n; i++) {
		assert_false(r.releases[i].loads);
		assert_string_equal(
		    r.releases[i].why, "signature 0: image digest: differs");
	}
	s = cross_signed();
	s.code_signing = false;
	f = one(s);
	policy_is(
	    &f, false, "signature 0: 'Maker' is not a certificate for signing code");
	REFUSED_ON(f, TEST_SIGNING, NULL);
	f.sigs_n = 0;
	policy_is(
	    &f, false, "it has no signature, embedded or in a catalog that was given");
	REFUSED_ON(f, VISTA, NULL);
	REFUSED_ON(f, TEST_SIGNING, NULL);
}

/* Facts 1: "embedded signature or any catalog that lists the image hash". */
static void
catalog_is_as_good_as_an_embedded_signature(void **state)
{
	struct kernel_signature c = portal(false), none = cross_signed();
	struct kernel_facts f;
	struct kernel_report r;
	(void)state;

	c.catalog = true;
	none.root = KERNEL_ROOT_NONE;
	f = facts(KERNEL_X64, 2, none, c);
	f.sigs[1].nested = false;
	LOADS_ON(f, SEVEN);
	loads(&f, SERVER_ON, true,
	    "the catalog's signature is Microsoft's, after tests of the Hardware Lab Kit, "
	    "by 'Microsoft Windows Hardware Compatibility Publisher'");
	f.sigs[0] = f.sigs[1];
	f.sigs_n = 1;
	kernel_judge(&f, &r);
	assert_int_equal(r.notes_n, 1);
	assert_string_equal(r.notes[0],
	    "a boot-start driver needs an embedded signature, too: catalogs are not "
	    "there yet when it loads");
}

/* Catalog facts 8: an old Windows looks for the SHA-1 of a file. */
static void
old_windows_looks_for_sha1_in_a_catalog(void **state)
{
	struct kernel_signature c = cross_signed();
	struct kernel_facts f;
	(void)state;

	c.catalog = true;
	f = one(c);
	REFUSED_ON(f, SEVEN_OLD,
	    "this Windows looks for the file's SHA-1 in the catalog, which lists another "
	    "digest only");
	f.sigs[0].listed_sha1 = true;
	LOADS_ON(f, SEVEN_OLD);
}

/* [Driver Signing Policy]: "64-bit only, no signature required for 32-bit" without Secure
 * Boot, "64-bit, 32-bit" with it. The policy itself, signtool's /kp, is another matter. */
static void
thirty_two_bits_without_secure_boot_are_free(void **state)
{
	struct kernel_facts f = facts(KERNEL_X86, 0, cross_signed(), cross_signed());
	static const struct {
		const char *release;
		bool loads;
	} rows[] = {{VISTA, true}, {SEVEN, true}, {"Windows 8, 8.1, Secure Boot off", true},
	    {"Windows 8, 8.1, Secure Boot on", false},
	    {"Windows 10 1507, 1511, Secure Boot off", true},
	    {"Windows 10 1507, 1511, Secure Boot on", false}, {TEN_1607_OFF, true},
	    {TEN_1607_UP, false}, {TEN_1607_ON, false}, {TEN_1809_OFF, true}};
	struct kernel_report r;
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
		loads(&f, rows[i].release, rows[i].loads, NULL);
	kernel_judge(&f, &r);
	assert_false(r.policy.loads);
	for (size_t i = 0; i < r.releases_n; i++)
		assert_null(strstr(r.releases[i].release, "Windows 11 24H2"));
}

static void
each_machine_has_its_releases(void **state)
{
	static const struct {
		enum kernel_machine machine;
		const char *first;
		size_t n;
	} rows[] = {{KERNEL_ARM64, TEN_1607_OFF, 8}, {KERNEL_IA64, VISTA, 4},
	    {KERNEL_ARM, TEST_SIGNING, 1}, {KERNEL_X86, VISTA, 14}, {0, VISTA, 18}};
	struct kernel_facts other = facts(KERNEL_OTHER, 1, portal(true), portal(true));
	struct kernel_report none;
	(void)state;

	kernel_judge(&other, &none);
	assert_int_equal(none.releases_n, 0);
	assert_true(none.policy.loads);
	assert_string_equal(none.notes[0],
	    "no Windows of this table runs on the file's machine type");

	for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
		struct kernel_facts f =
		    facts(rows[i].machine, 1, portal(true), portal(true));
		struct kernel_report r;

		kernel_judge(&f, &r);
		assert_int_equal(r.releases_n, rows[i].n);
		assert_string_equal(r.releases[0].release, rows[i].first);
		assert_true(r.policy.loads);
	}
}

/* A root of the user's own plays the verification root: all that holds for cross-signed
 * drivers holds for these. */
static void
extra_root_counts_as_the_verification_root(void **state)
{
	struct kernel_signature s = cross_signed_from(T_2022);
	struct kernel_facts f;
	struct kernel_report r;
	(void)state;

	s.root = KERNEL_ROOT_EXTRA;
	s.certs[0].to = s.certs[1].to = s.certs[2].to = T_2028;
	s.stamp_time = T_2026;
	f = one(s);
	policy_is(&f, true,
	    "signature 0 is cross-signed, by 'Maker' through 'CA Root' to the root given");
	REFUSED_ON(f, TEN_1607_ON, NULL);
	LOADS_ON(f, TEN_1607_OFF);
	REFUSED_ON(f, ELEVEN, NULL);
	kernel_judge(&f, &r);
	assert_int_equal(r.notes_n, 1);
}

static void
notes_name_the_driver_policy_and_the_end_of_the_cross_certificate(void **state)
{
	struct kernel_facts f = one(cross_signed());
	struct kernel_report r;
	(void)state;

	kernel_judge(&f, &r);
	assert_int_equal(r.notes_n, 2);
	assert_non_null(strstr(r.notes[0], "April 2026"));
	assert_non_null(strstr(r.notes[0], "3077"));
	assert_string_equal(r.notes[1],
	    "the cross-certificate for 'CA Root' expired on 2021-02-22: no new signature "
	    "through it is good for any Windows");
	f.subsystem = 1;
	kernel_judge(&f, &r);
	assert_int_equal(r.notes_n, 2);
	f.subsystem = 2;
	f.checksum_wrong = true;
	kernel_judge(&f, &r);
	assert_int_equal(r.notes_n, 4);
	assert_string_equal(r.notes[2],
	    "the image's CheckSum is wrong: as a boot-start driver it does not load");
	assert_string_equal(
	    r.notes[3], "subsystem 2 is no driver's, which have 1 (native)");
	f.subsystem = 0;
	f.checksum_wrong = false;
	f.machine = 0;
	f.now = T_2014;
	kernel_judge(&f, &r);
	assert_int_equal(r.notes_n, 2);
	assert_string_equal(
	    r.notes[1], "a catalog alone: judged as for a 64-bit driver that it lists");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(old_sha1_driver_by_release),
	    cmocka_unit_test(leaf_issued_before_july_29_2015),
	    cmocka_unit_test(sha2_needs_an_update_or_windows_8),
	    cmocka_unit_test(nested_signatures_are_for_windows_8),
	    cmocka_unit_test(attestation_is_for_windows_10_clients),
	    cmocka_unit_test(without_the_cross_certificate),
	    cmocka_unit_test(time_of_the_signature),
	    cmocka_unit_test(what_is_broken_loads_nowhere),
	    cmocka_unit_test(catalog_is_as_good_as_an_embedded_signature),
	    cmocka_unit_test(old_windows_looks_for_sha1_in_a_catalog),
	    cmocka_unit_test(thirty_two_bits_without_secure_boot_are_free),
	    cmocka_unit_test(each_machine_has_its_releases),
	    cmocka_unit_test(extra_root_counts_as_the_verification_root),
	    cmocka_unit_test(
		notes_name_the_driver_policy_and_the_end_of_the_cross_certificate),
	};

	return cmocka_run_group_tests_name("kernel_policy", tests, NULL, NULL);
}
