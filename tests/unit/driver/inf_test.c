/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/driver/inf_test.c - INF files: what they say, what is wrong with them, and
 * what a package of them consists of. */
#include "driver/inf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/num.h"
#include "driver/inf_catalog.h"

#define VERSION                                                                          \
	"[Version]\nSignature=\"$Windows NT$\"\nCatalogFile=Hello.CAT\n"                 \
	"DriverVer=01/02/2020,1.2.3.4\n"

/* "[a]key=<1><2>;..." of all that was read, strings replaced. */
static void
dump(const struct inf *f, struct buf *b)
{
	AUTO(buf_clear) struct buf value = {0};
	struct kd_err e = {0};

	for (size_t i = 0; i < f->sections_n; i++) {
		const struct inf_section *s = &f->sections[i];

		buf_printf(b, "[%s]", s->name);
		for (size_t k = s->first; k < s->first + s->n; k++) {
			const struct inf_line *line = &f->lines[k];

			buf_printf(b, "%u:%s", line->number,
			    line->key == NULL ? "" : line->key);
			for (size_t j = 0; j < line->n; j++) {
				if (!inf_value(f, line, j, &value, &e))
					fail_msg("%s", e.msg);
				buf_printf(b, "<%s>", buf_cstr(&value));
			}
		}
	}
}

static const struct {
	const char *text, *want;
} texts[] = {
    {"[a]\nx=1\n", "[a]2:x<1>"},
    {"; c\r\n\r\n[ A b ] ; c\r\n x = 1 , 2 ;c\r\n y\r\nz=\r\n", "[A b]4:x<1><2>5:<y>6:z"},
    {"[a]\nx=1\n[b]\ny=2\n[A]\nz=3", "[a]2:x<1>6:z<3>[b]4:y<2>"},
    /* quotes */
    {"[a]\nx=\"a \"\"b\"\" ; , = \" ,\"\"\n", "[a]2:x<a \"b\" ; , = ><>"},
    {"[a]\nx=\"not closed ; y\r\nz=1", "[a]2:x<not closed ; y>3:z<1>"},
    {"[a]\nx= a b\"c \"d ,e\n\"k=1\"=2", "[a]2:x<a bc d><e>3:k=1<2>"},
    /* continuation */
    {"[a]\nx=1,\\\n  2, \\ ; c\r\n\t3\ny", "[a]2:x<1><2><3>5:<y>"},
    {"[a]\nx=\"dir\\\"\\\n,1", "[a]2:x<dir\\><1>"},
    {"[a]\nx=dir\\\\\n,1", "[a]2:x<dir><1>"},
    {"[a]\nx=dir\\\\\\\n,1", "[a]2:x<dir\\><1>"},
    {"[a]\nx=\"dir\\\"\ny=a\\b", "[a]2:x<dir\\>3:y<a\\b>"},
    {"[a]\nx=1,,,\\\n[b]\ny=2", "[a]2:x<1><><><>[b]4:y<2>"},
    {"[a]\nx=1,\\\n\ny=2\\", "[a]2:x<1><>4:y<2>"},
    /* keys */
    {"[a]\nx==y\n,=z\n=1\n", "[a]2:x<=y>3:<><=z>4:<1>"},
    /* strings, wherever they are; once; those of a language when there is no other */
    {"[a]\nx=%s%,\"%S% %t%\",%%,%u%,50%\n[Strings.0407]\ns=L\nt=T\n[strings]\ns=\"%t%;\" ; c",
	"[a]2:x<%t%;><%t%; T><%><%u%><50%>[Strings.0407]4:s<L>5:t<T>[strings]7:s<T;>"},
    {"[a]\nx=%a;b%,100% ;c%\n[Strings]\n\"a;b\"=1", "[a]2:x<1><100%>[Strings]4:a;b<1>"},
    {"", ""},
};

static void
the_syntax_is_windows_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(texts); i++) {
		AUTO(inf_clear) struct inf f = {0};
		AUTO(buf_clear) struct buf b = {0};
		struct kd_err e = {0};

		if (!inf_parse("a.inf", texts[i].text, strlen(texts[i].text), &f, &e))
			fail_msg("%zu: %s", i, e.msg);
		dump(&f, &b);
		assert_string_equal(buf_cstr(&b), texts[i].want);
	}
}

static const struct {
	const char *bytes;
	size_t n;
	enum inf_encoding encoding;
	const char *value; /* of the first field */
} encodings[] = {
    {"[a]\nx", 5, INF_ASCII, "x"},
    {"[a]\n\xe4\x80", 6, INF_ANSI, "\xc3\xa4\xc2\x80"},
    {"[a]\n\xc3\xa4", 6, INF_UTF8, "\xc3\xa4"},
    {"\xef\xbb\xbf[a]\n\xc3\xa4", 9, INF_UTF8_BOM, "\xc3\xa4"},
    {"\xff\xfe[\0a\0]\0\n\0\xe4\0\xac\x20\x3d\xd8\x00\xde", 18, INF_UTF16LE,
	"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"\xfe\xff\0[\0a\0]\0\n\0\xe4", 12, INF_UTF16BE, "\xc3\xa4"},
    {"\xff\xfe[\0a\0]\0\n\0x\0y", 13, INF_UTF16LE, "x"}, /* odd */
    {"\xff\xfe[\0a\0]\0\n\0\x00\xdex\0\x3d\xd8", 16, INF_UTF16LE,
	"\xef\xbf\xbdx\xef\xbf\xbd"}, /* halves of pairs */
};

static void
every_encoding_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(encodings); i++) {
		AUTO(inf_clear) struct inf f = {0};
		struct kd_err e = {0};

		if (!inf_parse("a.inf", encodings[i].bytes, encodings[i].n, &f, &e))
			fail_msg("%zu: %s", i, e.msg);
		assert_int_equal(f.encoding, encodings[i].encoding);
		assert_int_equal(f.lines_n, 1);
		assert_string_equal(inf_field(&f, &f.lines[0], 0), encodings[i].value);
	}
}

static const struct {
	const char *bytes;
	size_t n; /* 0: a string */
	const char *message;
} refusals[] = {
    {"\nx=1\n[a]", 0, "'a.inf' line 2: text before the first [section] (InfVerif 1005)"},
    {"[a]\n[b\nx=1", 0, "'a.inf' line 2: a section's name without ']'"},
    {"[a]\n[ ]\n", 0, "'a.inf' line 2: a section without a name"},
    {"[a]\nb\0c", 7, "'a.inf': line 2: a NUL character, which no text has"},
    {"\xef\xbb\xbf[a]\n\xff", 8, "'a.inf': begins with UTF-8's mark and is not UTF-8"},
};

static void
what_is_no_inf_is_refused_with_its_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(refusals); i++) {
		struct inf f = {.lines_n = 7};
		struct kd_err e = {0};
		size_t n = refusals[i].n != 0 ? refusals[i].n : strlen(refusals[i].bytes);

		assert_false(inf_parse("a.inf", refusals[i].bytes, n, &f, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_string_equal(e.msg, refusals[i].message);
		assert_int_equal(f.lines_n, 7);
	}
}

static void
a_value_has_at_most_4095_characters(void **state)
{
	AUTO(inf_clear) struct inf f = {0};
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};

	(void)state;
	buf_str(&b, "[a]\nx=");
	for (size_t i = 0; i < INF_FIELD_CHARS_MAX; i++)
		buf_str(&b, "\xc3\xa4");
	assert_true(inf_parse("a.inf", b.p, b.len, &f, &e));
	buf_str(&b, "y");
	inf_clear(&f);
	assert_false(inf_parse("a.inf", b.p, b.len, &f, &e));
	assert_int_equal(e.code, KD_E_LIMIT);
	assert_string_equal(
	    e.msg, "'a.inf' line 2: a value of 4096 characters, at most 4095");
}

static void
keys_are_found_in_any_case(void **state)
{
	static const char text[] = "[a]\nk=1\nB=2\nK=3\n[c]\nk=4\n";
	AUTO(inf_clear) struct inf f = {0};
	struct kd_err e = {0};
	const struct inf_line *const *lines;
	size_t n;

	(void)state;
	assert_true(inf_parse("a.inf", text, strlen(text), &f, &e));
	lines = inf_lines_of(&f, inf_section(&f, "A"), "K", &n);
	assert_int_equal(n, 2);
	assert_int_equal(lines[0]->number, 2);
	assert_int_equal(lines[1]->number, 4);
	assert_string_equal(inf_field(&f, lines[1], 0), "3");
	assert_string_equal(inf_field(&f, lines[1], 1), "");
	assert_null(inf_line_of(&f, inf_section(&f, "a"), "c"));
	assert_null(inf_line_of(&f, inf_section(&f, "b"), "k"));
}

/* A package of one INF in a folder that is not there: nothing may be copied from it. */
static bool
plan(const char *text, struct inf_findings *found, struct buf *ret, struct kd_err *e)
{
	AUTO(inf_package_clear) struct inf_package p = {0};
	AUTO(inf_contents_clear) struct inf_contents contents = {0};
	AUTO(inf_catalogs_clear) struct inf_catalogs catalogs = {0};
	struct inf_check_options o = {.today = {2026, 11, 26, false}};
	struct oslist os = {0};

	if (!oslist_parse("7_X86,10_X64", &os, e))
		return false;
	o.os = &os;
	p.dir = kd_strdup("/nonexistent");
	p.v = kd_alloc_array(1, sizeof(*p.v));
	if (p.dir == NULL || p.v == NULL)
		return kd_fail_nomem(e, "package");
	if (!inf_parse("/nonexistent/A.inf", text, strlen(text), &p.v[0].inf, e))
		return false;
	p.n = 1;
	p.v[0].tested = true;
	p.v[0].name = kd_strdup("a.inf");
	if (p.v[0].name == NULL)
		return kd_fail_nomem(e, "package");
	if (!inf_check(&p, &o, &contents, found, e))
		return false;
	if (found->errors > 0)
		return true;
	if (!inf_catalogs_plan(&p, &contents, &os, CAT_V1, &catalogs, e))
		return false;
	for (size_t i = 0; i < catalogs.n; i++) {
		const struct cdf *cdf = &catalogs.v[i].cdf;

		buf_printf(ret, "%s:", catalogs.v[i].name);
		for (size_t k = 0; k < cdf->values_n; k++)
			buf_printf(
			    ret, " %s=%s", cdf->values[k].name, cdf->values[k].value);
		for (size_t k = 0; k < cdf->members_n; k++)
			buf_printf(ret, " %s(%s,%s)", cdf->members[k].path,
			    cdf->members[k].values[0].value,
			    cdf->members[k].values[1].value);
		buf_u8(ret, '\n');
	}
	return true;
}

static const char models[] = VERSION
    "[Manufacturer]\n%M%=D,NTamd64.6.1,NTx86\nE\n"
    "[D.NTx86]\nx=I,C\n[D.NTamd64.6.1]\nx=I,%ID%,a\nx=I,A,B\n[D]\nx=I,z\n[E]\nx=I,b,y\n"
    "[Strings]\nM=E\nID=Root\\X\n";

static void
ids_are_numbered_as_inf2cat_does(void **state)
{
	AUTO(inf_findings_clear) struct inf_findings found = {0};
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};

	(void)state;
	if (!plan(models, &found, &b, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(found.n, 0);
	assert_string_equal(buf_cstr(&b),
	    "hello.cat: HWID1=z HWID2=root\\x HWID3=a HWID4=b HWID5=c HWID6=y "
	    "OS=7X86,_v100_X64 /nonexistent/A.inf(a.inf,2:6.1,2:10.0)\n");
}

static const struct {
	const char *text, *number, *finding;
	unsigned line;
} faults[] = {
    {"[Strings]\n", "1001", "no section [Version]", 0},
    {"[Version]\nCatalogFile=a.cat\nDriverVer=01/02/2020,1\n", "1001",
	"no Signature in [Version]", 1},
    {"[Version]\nSignature=$x$\nCatalogFile=a.cat\nDriverVer=01/02/2020,1\n", "1001",
	"Signature is '$x$', expected \"$Windows NT$\"", 2},
    {"[Version]\nSignature=$CHICAGO$\nDriverVer=01/02/2020,1\nCatalogFile.ntx86=a.cat\n",
	"22.9.4", "Missing AMD64 CatalogFile entry from [Version] section of \\A.inf", 0},
    {"[Version]\nSignature=$CHICAGO$\nDriverVer=02/29/2019,1\nCatalogFile.nt=a.cat\n",
	"22.9.6",
	"DriverVer missing or in incorrect format in \\A.inf: the date is '02/29/2019'", 3},
    {VERSION "[I]\nDriverVer=11/27/2026,1\n", "22.9.7",
	"DriverVer set to incorrect date (postdated DriverVer not allowed) in \\A.inf. The "
	"current date (UTC) is 11/26/2026.",
	6},
    {VERSION "[I]\nCopyFiles=@x.sys\n", "22.9.10",
	"\\x.sys in \\A.inf is missing from [SourceDisksFiles] section; ok if file source is "
	"provided via LayoutFile in [Version]",
	6},
    {VERSION "[I]\nCopyFiles=@x.sys\n[SourceDisksFiles.x86]\nx.sys=1\n", "1008",
	"\\x.sys: its disk in [SourceDisksFiles] is not in [SourceDisksNames] of \\A.inf", 6},
    {VERSION "[I]\nCopyFiles=@x.sys\n[SourceDisksFiles]\nx.sys=1,a\\..\\..\n"
	     "[SourceDisksNames]\n1=x\n",
	"",
	"\\x.sys: by [SourceDisksFiles] and [SourceDisksNames] it is not in the folder of "
	"\\A.inf",
	6},
    {VERSION "[I]\nCopyINF=b.inf\n", "22.9.1",
	"\\b.inf in \\A.inf is missing or cannot be decompressed from source media", 6},
    {VERSION "[I]\nCopyINF=b.sys\n", "1110", "CopyINF names 'b.sys', which is no INF", 6},
    {VERSION "[Manufacturer]\nx=D,NTx86\n[D.NTx86]\nx=I,a\n", "",
	"\\A.inf does not have NTAMD64 decorated model sections", 5},
    {VERSION "[a]\nNeeds=b\n[b]\nNeeds=a\n", "",
	"[b] needs [a] of \\A.inf, which by its own Needs comes back to it: a cycle", 8},
};

static void
what_is_wrong_is_found_with_number_and_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(faults); i++) {
		AUTO(inf_findings_clear) struct inf_findings found = {0};
		AUTO(buf_clear) struct buf b = {0};
		struct kd_err e = {0};

		if (!plan(faults[i].text, &found, &b, &e))
			fail_msg("%s", e.msg);
		assert_int_equal(found.errors, 1);
		assert_string_equal(found.v[0].text, faults[i].finding);
		assert_string_equal(found.v[0].number, faults[i].number);
		assert_int_equal(found.v[0].line, faults[i].line);
		assert_string_equal(found.v[0].path, "/nonexistent/A.inf");
		assert_int_equal(b.len, 0);
	}
}

static void
what_needs_windows_own_files_is_good(void **state)
{
	static const char *const good[] = {
	    VERSION "LayoutFile=layout.inf\n[I]\nCopyFiles=@x.sys\n",
	    VERSION "[I]\nCopyFiles=L\n[L]\nHELLO.cat\n[SourceDisksFiles]\nhello.CAT=1\n",
	    VERSION "[I]\nInclude=usb.inf\nNeeds=I\nCopyFiles=Windows.Own\n",
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(good); i++) {
		AUTO(inf_findings_clear) struct inf_findings found = {0};
		AUTO(buf_clear) struct buf b = {0};
		struct kd_err e = {0};

		if (!plan(good[i], &found, &b, &e))
			fail_msg("%s", e.msg);
		assert_int_equal(found.n, 0);
	}
}

/* Every allocation fails once, with all that follow it, until none is left to fail. */
static void
starve(const char *text, size_t errors)
{
	bool done = false;

	for (long n = 0; !done; n++) {
		AUTO(inf_findings_clear) struct inf_findings found = {0};
		AUTO(buf_clear) struct buf b = {0};
		struct kd_err e = {0};

		kd_alloc_fail_at(n);
		done = plan(text, &found, &b, &e);
		kd_alloc_fail_at(-1);
		if (!done)
			assert_int_equal(e.code, KD_E_NOMEM);
		else
			assert_int_equal(found.errors, errors);
	}
}

static void
memory_may_end_anywhere(void **state)
{
	static const char text[] = VERSION
	    "[I]\nCopyFiles=@x.sys,L\n[L]\na,x.sys\n[SourceDisksNames]\n1=a\n"
	    "[SourceDisksFiles]\nx.sys=1,s\n[Manufacturer]\nx=D,NTamd64\n"
	    "[D.NTamd64]\nx=I,a,b,%c%\n[Strings]\nc=d\n";

	(void)state;
	starve(text, 2); /* neither file is there */
	starve(models, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_syntax_is_windows_own),
	    cmocka_unit_test(every_encoding_is_read),
	    cmocka_unit_test(what_is_no_inf_is_refused_with_its_line),
	    cmocka_unit_test(a_value_has_at_most_4095_characters),
	    cmocka_unit_test(keys_are_found_in_any_case),
	    cmocka_unit_test(ids_are_numbered_as_inf2cat_does),
	    cmocka_unit_test(what_is_wrong_is_found_with_number_and_line),
	    cmocka_unit_test(what_needs_windows_own_files_is_good),
	    cmocka_unit_test(memory_may_end_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
