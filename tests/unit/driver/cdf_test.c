/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/driver/cdf_test.c - catalog definition files: what they say, what is wrong
 * with them, and where the files are. */
#include "driver/cdf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/num.h"
#include "driver/cdf_path.h"

#define HEADER "[CatalogHeader]\nName=a.cat\n"
#define FILES HEADER "[CatalogFiles]\n"
#define TYPE "0x10010001"

static void
everything_is_read(void **state)
{
	static const char text[] =
	    "\xef\xbb\xbf# comment\r\n"
	    "; another = one\r\n"
	    "\r\n"
	    "[catalogheader]\r\n"
	    "NAME = out\\hello world.cat \r\n"
	    "ResultDir=.\\results\r\n"
	    "PublicVersion=0x0000001\r\n"
	    "CatalogVersion=2\r\n"
	    "HashAlgorithms=sha256\r\n"
	    "PageHashes=TRUE\r\n"
	    "EncodingType=0x00010001\r\n"
	    "CatAttr2=0x11010001:Second:\r\n"
	    "CATATTR1=" TYPE ":OSAttr:2:6.0=x\r\n"
	    "[CatalogFiles]\r\n"
	    "<HASH>driverATTR1=0x10020001:File:aGVsbG8=\r\n"
	    "<HASH>driver=x64\\hello#1.sys\r\n"
	    "<hash>driverALTSIPID={de351a42-8e59-11d0-8c47-00c04fc295ee}\r\n"
	    "Plain Tag=hello.inf\r\n"
	    "<HASH>driverATTR2=268500993:Decimal:\xc3\xa4\r\n"
	    "<HASH>fooATTR1=odd name.sys"; /* no line end, and a label like an attribute
					    */
	AUTO(cdf_clear) struct cdf c = {0};
	struct kd_err e = {0};

	if (!cdf_parse("a.cdf", text, sizeof(text) - 1, &c, &e))
		fail_msg("%s", e.msg);
	assert_string_equal(c.name, "out/hello world.cat");
	assert_string_equal(c.result_dir, "./results");
	assert_int_equal(c.version, CAT_V2);
	assert_true(c.page_hashes);
	assert_int_equal(c.values_n, 2);
	assert_string_equal(c.values[0].name, "OSAttr");
	assert_string_equal(c.values[0].value, "2:6.0=x");
	assert_int_equal(c.values[1].flags, 0x11010001);
	assert_string_equal(c.values[1].value, "");
	assert_int_equal(c.members_n, 3);
	assert_string_equal(c.members[0].tag, "<HASH>driver");
	assert_string_equal(c.members[0].path, "x64/hello#1.sys");
	assert_true(c.members[0].by_hash && c.members[0].as_is);
	assert_int_equal(c.members[0].subject, CAT_FLAT);
	assert_int_equal(c.members[0].line, 16);
	assert_int_equal(c.members[0].values_n, 2);
	assert_string_equal(c.members[0].values[0].value, "aGVsbG8=");
	assert_int_equal(c.members[0].values[1].flags, 0x10010001);
	assert_string_equal(c.members[1].tag, "Plain Tag");
	assert_false(c.members[1].by_hash || c.members[1].as_is);
	assert_string_equal(c.members[2].tag, "<HASH>fooATTR1");
	assert_string_equal(c.members[2].path, "odd name.sys");
}

static void
defaults_are_those_of_makecat(void **state)
{
	static const char text[] = HEADER "EncodingType=\nHashAlgorithms=\n"
					  "CatalogVersion=\n[CatalogFiles]\nx=y\n";
	AUTO(cdf_clear) struct cdf c = {0};
	struct kd_err e = {0};

	assert_true(cdf_parse("a.cdf", text, sizeof(text) - 1, &c, &e));
	assert_int_equal(c.version, CAT_V1);
	assert_false(c.page_hashes);
	assert_string_equal(c.result_dir, "");
	assert_int_equal(c.values_n, 0);
	assert_int_equal(c.members[0].values_n, 0);
}

static const struct {
	const char *text, *message, *hint;
} refused[] = {
    {"", "'a.cdf': no Name in [CatalogHeader]: the catalog's file name",
	"a line such as Name=hello.cat says it"},
    {"[CatalogHeader]\nName=\n", "'a.cdf' line 2: Name is empty, expected a file's name",
	""},
    {"Name=x\n",
	"'a.cdf' line 1: 'Name=x' stands before the first section, [CatalogHeader]", ""},
    {"[CatalogHeadr]\n",
	"'a.cdf' line 1: unknown section '[CatalogHeadr]', expected [CatalogHeader] or "
	"[CatalogFiles]",
	""},
    {HEADER "[CATALOGHEADER]\n",
	"'a.cdf' line 3: section [CatalogHeader] again; it began at line 1", ""},
    {HEADER "Nmae=x\n", "'a.cdf' line 3: unknown key 'Nmae' in [CatalogHeader]",
	"did you mean 'Name'?"},
    {HEADER "Zzzzzzzzzz=x\n",
	"'a.cdf' line 3: unknown key 'Zzzzzzzzzz' in [CatalogHeader]", ""},
    {HEADER "CATATTR0=" TYPE ":a:b\n",
	"'a.cdf' line 3: unknown key 'CATATTR0' in [CatalogHeader]",
	"did you mean 'CATATTR1'?"},
    {HEADER "name=b.cat\n", "'a.cdf' line 3: key 'Name' again, first at line 2", ""},
    {HEADER "nonsense\n", "'a.cdf' line 3: 'nonsense' has no '=', expected KEY=VALUE",
	""},
    {HEADER " = x\n", "'a.cdf' line 3: no key before '='", ""},
    {HEADER "CatalogVersion=3\n",
	"'a.cdf' line 3: CatalogVersion is '3', expected 1 or 2", ""},
    {HEADER "HashAlgorithms=SHA256\n",
	"'a.cdf' line 3: HashAlgorithms is 'SHA256', expected SHA1: SHA256 needs "
	"CatalogVersion=2",
	""},
    {HEADER "CatalogVersion=2\n",
	"'a.cdf': HashAlgorithms is '', expected SHA256 in a catalog of version 2", ""},
    {HEADER "PageHashes=yes\n",
	"'a.cdf' line 3: PageHashes is 'yes', expected true or false", ""},
    {HEADER "EncodingType=2\n",
	"'a.cdf' line 3: EncodingType is '2', expected 0x00010001 (PKCS #7 and X.509), "
	"the only one",
	""},
    {HEADER "CATATTR1=" TYPE ":OS\n",
	"'a.cdf' line 3: attribute '0x10010001:OS', expected TYPE:NAME:VALUE", ""},
    {HEADER "CATATTR1=ten:OS:x\n",
	"'a.cdf' line 3: attribute type 'ten', expected a number such as 0x10010001", ""},
    {HEADER "CATATTR1=0x100000000:OS:x\n",
	"'a.cdf' line 3: attribute type '0x100000000', expected a number such as "
	"0x10010001",
	""},
    {HEADER "CATATTR1=" TYPE "::x\n", "'a.cdf' line 3: attribute without a name", ""},
    {HEADER "CATATTR1=0x10050001:a:b\n",
	"'a.cdf' line 3: attribute type 0x10050001: the bits 0x00040000 have no meaning",
	""},
    {HEADER "CATATTR1=0x10030001:a:b\n",
	"'a.cdf' line 3: attribute type 0x10030001: expected either 0x00010000 (plain "
	"text) or 0x00020000 (base64)",
	""},
    {HEADER "CATATTR1=0x30010001:a:b\n",
	"'a.cdf' line 3: attribute type 0x30010001: both authenticated (0x10000000) and "
	"not (0x20000000)",
	""},
    {HEADER "CATATTR1=0x10010002:1.2.3:b\n",
	"'a.cdf' line 3: attribute type 0x10010002: attributes with an OID for a name "
	"(0x00000002) cannot be written, only those with a text (0x00000001)",
	""},
    {HEADER "CATATTR1=0x10010000:a:b\n",
	"'a.cdf' line 3: attribute type 0x10010000: expected 0x00000001 (the name is a "
	"text)",
	""},
    {HEADER "CATATTR1=" TYPE ":a:b\nCATATTR3=" TYPE ":c:d\n",
	"'a.cdf' line 4: attribute 3, but there is no attribute 2: MakeCat would stop "
	"there",
	""},
    {HEADER "CATATTR1=" TYPE ":a:b\ncatattr1=" TYPE ":c:d\n",
	"'a.cdf' line 4: attribute 1 again, first at line 3", ""},
    {HEADER, "'a.cdf': no file in [CatalogFiles]", ""},
    {FILES "x=\n", "'a.cdf' line 4: 'x': expected a file's path", ""},
    {FILES "x=1\nX=2\n", "'a.cdf' line 5: 'X' again, first at line 4", ""},
    {FILES "<HASH>x=1\n<HASH>yATTR1=" TYPE ":a:b\n",
	"'a.cdf' line 5: '<HASH>yATTR1' is for a member that is not there, '<HASH>y'",
	""},
    {FILES "x=1\nxATTR1=" TYPE ":a:b\nxATTR1ATTR1=" TYPE ":c:d\n",
	"'a.cdf' line 6: 'xATTR1ATTR1': 'xATTR1' is an attribute of 'x', no member", ""},
    {FILES "x=1\nxATTR2=" TYPE ":a:b\n",
	"'a.cdf' line 5: attribute 2, but there is no attribute 1: MakeCat would stop "
	"there",
	""},
    {FILES "x=1\nxATTR1=0x10020001:a:b%\n",
	"'a.cdf' line 5: attribute 'a': base64 of 2 characters: not a multiple of 4", ""},
    {FILES "x=1\nxALTSIPID={000C10F1-0000-0000-C000-000000000046}\n",
	"'a.cdf' line 5: ALTSIPID '{000C10F1-0000-0000-C000-000000000046}': digests of "
	"this kind are not known here",
	"known are flat files {DE351A42-8E59-11D0-8C47-00C04FC295EE}, PE images "
	"{C689AAB8-8E78-11D0-8C47-00C04FC295EE} and cabinets "
	"{C689AABA-8E78-11D0-8C47-00C04FC295EE}"},
    {FILES "a123456789b123456789c123456789d123456789e123456789f123456789g1234=x\n",
	"'a.cdf' line 4: "
	"'a123456789b123456789c123456789d123456789e123456789f123456789g1234': a name of "
	"65 characters, at most 64",
	""},
    {FILES "x=\xe4\n",
	"'a.cdf' line 4: not UTF-8: 'x=\\xe4'; save the file as UTF-8 or ASCII", ""},
    {"\xff\xfe[", "'a.cdf': is UTF-16; save it as UTF-8 or ASCII", ""},
};

static void
what_is_wrong_is_said_with_its_line(void **state)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(refused); i++) {
		AUTO(cdf_clear) struct cdf c = {0};
		struct kd_err e = {0};

		if (cdf_parse("a.cdf", refused[i].text, strlen(refused[i].text), &c, &e))
			fail_msg("taken: %s", refused[i].text);
		assert_string_equal(e.msg, refused[i].message);
		assert_string_equal(e.hint, refused[i].hint);
		assert_true(e.code == KD_E_FORMAT || e.code == KD_E_LIMIT);
		assert_null(c.text);
	}
}

static void
makecats_number_says_where_and_what(void **state)
{
	static const struct {
		const char *text;
		uint32_t fault;
	} cases[] = {
	    {"", 0x00000004},
	    {HEADER "Nmae=x\n", 0x00000001},
	    {HEADER "CatalogVersion=3\n", 0x00000001},
	    {HEADER "name=b.cat\n", 0x00000002},
	    {HEADER "CATATTR1=" TYPE ":OS\n", 0x00020002},
	    {HEADER "CATATTR1=0x10010002:1.2.3:b\n", 0x00020004},
	    {HEADER, 0x00000004},
	    {FILES "x=\n", 0x00010001},
	    {FILES "x=1\nX=2\n", 0x00000002},
	    {FILES "x=1\nyATTR1=" TYPE ":a:b\n", 0x00000004},
	    {FILES "x=1\nxATTR1=" TYPE ":a\n", 0x00020002},
	    {FILES "x=1\nxATTR1=0x10030001:a:b\n", 0x00020004},
	    {FILES "x=1\nxALTSIPID={0}\n", 0x00020001},
	    {FILES "x=1\n", 0},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(cdf_clear) struct cdf c = {0};
		struct kd_err e = {0};
		bool ok =
		    cdf_parse("a.cdf", cases[i].text, strlen(cases[i].text), &c, &e);

		assert_int_equal(ok, cases[i].fault == 0);
		assert_int_equal(c.fault, cases[i].fault);
	}
}

static void
long_lines_and_nul_bytes_are_refused(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	AUTO(cdf_clear) struct cdf c = {0};
	struct kd_err e = {0}, nul_e = {0};

	buf_str(&b, FILES "x=");
	memset(buf_reserve(&b, CDF_LINE_MAX), 'y', CDF_LINE_MAX);
	assert_false(cdf_parse("a.cdf", (const char *)b.p, b.len, &c, &e));
	assert_string_equal(e.msg, "'a.cdf' line 4: 4098 bytes, at most 4096");
	assert_int_equal(e.code, KD_E_LIMIT);
	assert_false(cdf_parse("a.cdf", "#\0", 2, &c, &nul_e));
	assert_string_equal(
	    nul_e.msg, "'a.cdf' line 1: not UTF-8: '#'; save the file as UTF-8 or ASCII");
}

static void
fifty_thousand_files_take_no_time(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	AUTO(cdf_clear) struct cdf c = {0};
	struct kd_err e = {0};
	clock_t start;

	buf_str(&b, FILES);
	for (unsigned i = 0; i < CDF_MEMBERS_MAX; i++)
		buf_printf(&b, "<HASH>f%u=d\\f%u.sys\n<HASH>f%uATTR1=" TYPE ":File:f%u\n",
		    i * 7919 % 50000, i, i * 7919 % 50000, i);
	start = clock();
	assert_true(cdf_parse("a.cdf", (const char *)b.p, b.len, &c, &e));
	assert_int_equal(c.members_n, CDF_MEMBERS_MAX);
	for (size_t i = 0; i < c.members_n; i++)
		assert_int_equal(c.members[i].values_n, 1);
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 2.0);
}

static void
one_file_more_is_too_many(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	AUTO(cdf_clear) struct cdf c = {0};
	struct kd_err e = {0};

	buf_str(&b, FILES);
	for (unsigned i = 0; i <= CDF_MEMBERS_MAX; i++)
		buf_printf(&b, "%u=f\n", i);
	assert_false(cdf_parse("a.cdf", (const char *)b.p, b.len, &c, &e));
	assert_string_equal(e.msg, "'a.cdf': 50001 files, at most 50000");
}

static void
a_file_with_too_many_attributes_is_refused(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	AUTO(cdf_clear) struct cdf c = {0};
	struct kd_err e = {0};

	buf_str(&b, FILES "f=x\n");
	for (unsigned i = 1; i <= CDF_VALUES_MAX + 1; i++)
		buf_printf(&b, "fATTR%u=" TYPE ":a:b\n", i);
	assert_false(cdf_parse("a.cdf", (const char *)b.p, b.len, &c, &e));
	assert_string_equal(
	    e.msg, "'a.cdf' line 4: 'f' has 1001 attributes, at most 1000");
}

static void
every_failed_allocation_is_an_ordinary_error(void **state)
{
	static const char text[] = HEADER "CATATTR1=" TYPE ":a:b\n[CatalogFiles]\n"
					  "x=1\nxATTR1=0x10020001:a:aGVsbG8=\n";
	bool done = false;

	for (long nth = 0; !done; nth++) {
		AUTO(cdf_clear) struct cdf c = {0};
		struct kd_err e = {0};

		kd_alloc_fail_at(nth);
		done = cdf_parse("a.cdf", text, sizeof(text) - 1, &c, &e);
		kd_alloc_fail_at(-1);
		assert_int_equal(e.code, done ? KD_OK : KD_E_NOMEM);
		assert_true(nth < 1000);
	}
}

static void
touch(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
}

static void
finds(const char *cdf, const char *path, const char *want)
{
	AUTO(cdf_finder_clear) struct cdf_finder f = {0};
	AUTO(buf_clear) struct buf found = {0};
	struct kd_err e = {0};

	if (!cdf_find(&f, cdf, path, &found, &e))
		fail_msg("%s: %s", path, e.msg);
	assert_string_equal(buf_cstr(&found), want);
}

static void
files_are_found_from_here_then_from_the_cdf_in_any_case(void **state)
{
	char dir[] = "/tmp/kdsign-unit.XXXXXX", command[64];
	AUTO(cdf_finder_clear) struct cdf_finder f = {0};
	AUTO(buf_clear) struct buf found = {0};
	struct kd_err e = {0}, two = {0}, none = {0};

	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(mkdir("Sub", 0700), 0);
	assert_int_equal(mkdir("Sub/X64", 0700), 0);
	touch("here.sys");
	touch("Sub/here.sys");
	touch("Sub/X64/Driver.SYS");
	touch("Sub/two.inf");
	touch("Sub/TWO.inf");
	finds("Sub/a.cdf", "here.sys", "here.sys");
	finds("Sub/a.cdf", "./here.sys", "./here.sys");
	finds("Sub/a.cdf", "x64/driver.sys", "Sub/X64/Driver.SYS");
	finds("Sub/a.cdf", "two.inf", "Sub/two.inf");
	finds("Sub/a.cdf", "../HERE.sys", "Sub/../here.sys");
	finds("a.cdf", "sub//x64/driver.sys", "Sub//X64/Driver.SYS");
	assert_false(cdf_find(&f, "Sub/a.cdf", "none.sys", &found, &e));
	assert_string_equal(e.msg, "'none.sys': no such file");
	assert_int_equal(e.code, KD_E_FILE);
	assert_false(cdf_find(&f, "Sub/a.cdf", "Two.INF", &found, &two));
	assert_string_equal(two.msg, "'Two.INF': no such file");
	for (unsigned i = 0; i < 3 * CDF_FOLDERS; i++) { /* more folders than are kept */
		char name[16], like[32], want[32];

		(void)snprintf(name, sizeof(name), "D%u", i);
		(void)snprintf(like, sizeof(like), "D%u/file", i);
		(void)snprintf(want, sizeof(want), "D%u/FILE", i);
		assert_int_equal(mkdir(name, 0700), 0);
		touch(want);
		assert_true(cdf_find(&f, "a.cdf", like, &found, &none));
		assert_string_equal(buf_cstr(&found), want);
	}
	assert_int_equal(chdir("/"), 0);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(everything_is_read),
	    cmocka_unit_test(defaults_are_those_of_makecat),
	    cmocka_unit_test(what_is_wrong_is_said_with_its_line),
	    cmocka_unit_test(makecats_number_says_where_and_what),
	    cmocka_unit_test(long_lines_and_nul_bytes_are_refused),
	    cmocka_unit_test(fifty_thousand_files_take_no_time),
	    cmocka_unit_test(one_file_more_is_too_many),
	    cmocka_unit_test(a_file_with_too_many_attributes_is_refused),
	    cmocka_unit_test(every_failed_allocation_is_an_ordinary_error),
	    cmocka_unit_test(files_are_found_from_here_then_from_the_cdf_in_any_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
