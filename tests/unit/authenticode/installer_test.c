/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/installer_test.c - the installer's categories, by the page that
 * states them. */
#include "authenticode/installer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"

#define T_2020 INT64_C(1577836800)
#define T_2022 INT64_C(1640995200)
#define T_2026 INT64_C(1767225600)
#define EVERY_NT6                                                                        \
	(INSTALLER_VISTA | INSTALLER_SEVEN | INSTALLER_EIGHT | INSTALLER_EIGHT_ONE)

static struct installer_facts
third_party(void)
{
	return (struct installer_facts){.catalog = true, .catalog_signed = true,
	    .listed = true, .root_trusted = true, .now = T_2026,
	    .sig = {.catalog = true, .name = "the catalog's signature", .md = MD_SHA1,
		.certs = {{"Maker", T_2020, T_2026, false}}, .certs_n = 1,
		.root = KERNEL_ROOT_VERIFICATION, .code_signing = true}};
}

static struct installer_facts
whql(void)
{
	struct installer_facts f = third_party();

	f.sig.root = KERNEL_ROOT_MICROSOFT;
	f.sig.whql = true;
	(void)snprintf(f.sig.certs[0].name, sizeof(f.sig.certs[0].name), "Publisher");
	return f;
}

static void
only(const struct installer_facts *f, enum installer_category c,
    enum installer_outcome o, const char *why)
{
	struct installer_report r;

	installer_judge(f, &r);
	assert_int_equal(r.rows_n, 1);
	assert_string_equal(r.rows[0].release, "every Windows");
	assert_string_equal(r.rows[0].why, why);
	assert_int_equal(r.rows[0].category, c);
	assert_int_equal(r.rows[0].outcome, o);
	assert_int_equal(r.installs, o != INSTALLER_REFUSED);
}

/* [advisory 3033929]: in the signature, or in a certificate's own. */
static void
old_windows_does_not_know_sha2(void **state)
{
	struct installer_facts f = third_party();
	(void)state;

	f.sig.md = MD_SHA256;
	only(&f, INSTALLER_UNKNOWN_PUBLISHER, INSTALLER_PROMPT,
	    "an administrator is asked whether to trust 'Maker'; others are refused; "
	    "Windows 7 and older without KB3033929 do not know its SHA-2 and take it for "
	    "unsigned");
	f.sig.md = MD_SHA1;
	f.sig.certs[0].sha2 = true;
	f.publisher_trusted = true;
	only(&f, INSTALLER_TRUSTED_PUBLISHER, INSTALLER_SILENT,
	    "'Maker' is among the trusted publishers; Windows 7 and older without "
	    "KB3033929 do not know its SHA-2 and take it for unsigned");
	f.root_trusted = false;
	(void)snprintf(f.root_fault, sizeof(f.root_fault), "ends at nobody");
	only(&f, INSTALLER_UNTRUSTED_CHAIN, INSTALLER_REFUSED, "ends at nobody");
}

/* [Signature Categories and Driver Installation], a row each. */
static void
publisher_categories(void **state)
{
	struct installer_facts f = third_party();
	(void)state;

	only(&f, INSTALLER_UNKNOWN_PUBLISHER, INSTALLER_PROMPT,
	    "an administrator is asked whether to trust 'Maker'; others are refused");
	f.publisher_trusted = true;
	only(&f, INSTALLER_TRUSTED_PUBLISHER, INSTALLER_SILENT,
	    "'Maker' is among the trusted publishers");
	f.root_trusted = false; /* the store of publishers does not replace a chain */
	(void)snprintf(f.root_fault, sizeof(f.root_fault), "ends at nobody");
	only(&f, INSTALLER_UNTRUSTED_CHAIN, INSTALLER_REFUSED, "ends at nobody");
	f = whql();
	only(&f, INSTALLER_WINDOWS, INSTALLER_SILENT,
	    "by 'Publisher', for no version alone");
}

/* Kernel policy facts 1: the INF and every file must be in a signed catalog. */
static void
without_a_signed_catalog_it_is_unsigned(void **state)
{
	struct installer_facts f = third_party();
	(void)state;

	f.catalog = false;
	only(&f, INSTALLER_UNSIGNED, INSTALLER_REFUSED,
	    "no catalog: what is embedded in a file does not count for the installer");
	f = third_party();
	f.catalog_signed = false;
	only(&f, INSTALLER_UNSIGNED, INSTALLER_REFUSED,
	    "the catalog lists it and has no signature");
	f.catalog_itself = true;
	f.listed = false;
	only(&f, INSTALLER_UNSIGNED, INSTALLER_REFUSED, "the catalog has no signature");
	f = whql();
	f.listed = false;
	f.inf = true;
	(void)snprintf(f.listed_fault, sizeof(f.listed_fault), "not listed by its SHA-1");
	only(&f, INSTALLER_UNSIGNED, INSTALLER_REFUSED,
	    "the INF itself must be listed: not listed by its SHA-1");
	f.inf = false;
	f.altered = true;
	only(&f, INSTALLER_ALTERED, INSTALLER_REFUSED, "not listed by its SHA-1");
	f = whql();
	(void)snprintf(f.sig.fault, sizeof(f.sig.fault), "message digest: differs");
	only(&f, INSTALLER_ALTERED, INSTALLER_REFUSED,
	    "the catalog's signature: message digest: differs");
}

/* Kernel policy facts 1: "DRIVER_ACTION_VERIFY checks the OS version range for WHQL-signed
 * catalogs; otherwise falls back to Authenticode policy". */
static void
osattr_limits_windows_signatures_alone(void **state)
{
	struct installer_facts f = whql();
	struct installer_report r;
	(void)state;

	f.has_versions = true;
	f.versions = EVERY_NT6;
	installer_judge(&f, &r);
	assert_int_equal(r.rows_n, 5);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(r.rows[i].category, INSTALLER_WINDOWS);
		assert_int_equal(r.rows[i].outcome, INSTALLER_SILENT);
		assert_string_equal(r.rows[i].why,
		    "by 'Publisher', and its OSAttr names this version");
	}
	assert_string_equal(r.rows[1].release, "Windows 7, Server 2008 R2 (6.1)");
	assert_string_equal(
	    r.rows[4].release, "Windows 10, 11, Server 2016 and later (10.0)");
	assert_int_equal(r.rows[4].category, INSTALLER_UNKNOWN_PUBLISHER);
	assert_int_equal(r.rows[4].outcome, INSTALLER_PROMPT);
	assert_string_equal(r.rows[4].why,
	    "its OSAttr does not name this version, so that an administrator is asked "
	    "whether to trust 'Publisher'; others are refused");
	assert_true(r.installs);
	f.root_trusted = false;
	installer_judge(&f, &r);
	assert_int_equal(r.rows[4].outcome, INSTALLER_REFUSED);
	assert_false(r.installs);
	f = third_party();
	f.has_versions = true;
	f.versions = INSTALLER_XP;
	only(&f, INSTALLER_UNKNOWN_PUBLISHER, INSTALLER_PROMPT,
	    "an administrator is asked whether to trust 'Maker'; others are refused");
}

/* What the loader would not take as Microsoft's is not Windows' for the installer. */
static void
windows_signature_must_be_in_time_and_for_drivers(void **state)
{
	struct installer_facts f = whql();
	(void)state;

	f.sig.certs[0].to = T_2022; /* and no timestamp */
	f.root_trusted = false;
	(void)snprintf(f.root_fault, sizeof(f.root_fault), "expired");
	only(&f, INSTALLER_UNTRUSTED_CHAIN, INSTALLER_REFUSED, "expired");
	f.sig.stamp = KERNEL_STAMP_TRUSTED;
	f.sig.stamp_time = T_2022;
	only(&f, INSTALLER_WINDOWS, INSTALLER_SILENT,
	    "by 'Publisher', for no version alone");
	f.sig.whql = false;
	only(&f, INSTALLER_UNTRUSTED_CHAIN, INSTALLER_REFUSED, "expired");
	f = whql();
	f.sig.root = KERNEL_ROOT_VERIFICATION;
	only(&f, INSTALLER_UNKNOWN_PUBLISHER, INSTALLER_PROMPT,
	    "an administrator is asked whether to trust 'Publisher'; others are refused");
}

/* Catalog facts 6: what each operating system's OSAttr looks like. */
static void
osattr_is_read(void **state)
{
	static const struct {
		const char *text;
		unsigned bits;
	} good[] = {{"2:5.00", INSTALLER_XP}, {"2:5.1,2:5.2", INSTALLER_XP},
	    {"2:6.0", INSTALLER_VISTA}, {"2:6.1.7601", INSTALLER_SEVEN},
	    {"2:6.1,2:6.0", INSTALLER_SEVEN | INSTALLER_VISTA},
	    {"2:6.2", INSTALLER_EIGHT}, {"2:6.3", INSTALLER_EIGHT_ONE},
	    {"2:6.4", INSTALLER_TEN}, {"2:10.0", INSTALLER_TEN}, {"1:4.10", 0},
	    {"2:5.1, 2:6.0,2:10.0", INSTALLER_XP | INSTALLER_VISTA | INSTALLER_TEN},
	    {"2:7.0", 0}, {"2:6.9999", 0}};
	static const char *const bad[] = {
	    "", ",", "2", "2:", "2:6", "2:6.", "6.1", "2:6.0,", "2:x.1", "a:6.1"};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(good); i++) {
		unsigned bits = 99;

		assert_true(
		    installer_versions(good[i].text, strlen(good[i].text), &bits));
		assert_int_equal(bits, good[i].bits);
	}
	for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
		unsigned bits = 99;

		assert_false(installer_versions(bad[i], strlen(bad[i]), &bits));
		assert_int_equal(bits, 99);
	}
}

static void
words_are_stable(void **state)
{
	(void)state;
	assert_string_equal(installer_outcome_text(INSTALLER_SILENT), "silent");
	assert_string_equal(installer_outcome_text(INSTALLER_PROMPT), "prompt");
	assert_string_equal(installer_outcome_text(INSTALLER_REFUSED), "refused");
	assert_string_equal(installer_category_text(INSTALLER_WINDOWS),
	    "signed by a Windows signing authority");
	assert_string_equal(installer_category_text(INSTALLER_TRUSTED_PUBLISHER),
	    "signed by a trusted publisher");
	assert_string_equal(installer_category_text(INSTALLER_UNKNOWN_PUBLISHER),
	    "signed by a publisher of unknown trust");
	assert_string_equal(installer_category_text(INSTALLER_UNTRUSTED_CHAIN),
	    "signed, its chain not trusted");
	assert_string_equal(installer_category_text(INSTALLER_ALTERED), "altered");
	assert_string_equal(installer_category_text(INSTALLER_UNSIGNED), "unsigned");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(publisher_categories),
	    cmocka_unit_test(old_windows_does_not_know_sha2),
	    cmocka_unit_test(without_a_signed_catalog_it_is_unsigned),
	    cmocka_unit_test(osattr_limits_windows_signatures_alone),
	    cmocka_unit_test(windows_signature_must_be_in_time_and_for_drivers),
	    cmocka_unit_test(osattr_is_read),
	    cmocka_unit_test(words_are_stable),
	};

	return cmocka_run_group_tests_name("installer", tests, NULL, NULL);
}
