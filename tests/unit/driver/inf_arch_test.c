/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/driver/inf_arch_test.c - images and the architectures that an INF copies them
 * to. */
#include "config.h" /* _GNU_SOURCE: asprintf */

#include "driver/inf_arch.h"

#include "base/num.h"
#include "tests/unit/authenticode/pe_make.h"
#include "tests/unit/base/test.h"

#define IMAGES_MAX 4
#define NATIVE 1
#define GUI 2
#define EFI 11
#define X86 0x014c
#define X64 0x8664
#define ARM64 0xaa64
#define ARMNT 0x01c4
#define IA64 0x0200
#define ALPHA 0x0184

struct image {
	const char *name;
	uint16_t machine, subsystem;
};

static void
put_image(void **state, const struct image *i)
{
	const struct pe_make how = {.plus = i->machine != X86 && i->machine != ARMNT};
	uint8_t b[PE_MAKE_CAP];
	size_t n = pe_make(&how, b);
	FILE *f = fopen(in_folder(state, i->name), "w");

	pe_make_put(b, MAKE_NT + 4, i->machine, 2);
	pe_make_put(b, MAKE_OPT + 68, i->subsystem, 2);
	assert_non_null(f);
	assert_int_equal(fwrite(b, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* The INF test.inf of the folder, judged: what is found, a line each. */
static void
check(void **state, const char *text, struct buf *ret)
{
	AUTO(inf_package_clear) struct inf_package p = {0};
	AUTO(inf_findings_clear) struct inf_findings found = {0};
	AUTO(cdf_finder_clear) struct cdf_finder finder = {0};

	write_file(in_folder(state, "test.inf"), text, 0600);
	assert_done(inf_package_open(*state, &p, &e));
	for (size_t i = 0; i < p.n; i++)
		if (strcmp(p.v[i].name, "test.inf") == 0)
			assert_done(inf_arch_check(&p, &p.v[i], &finder, &found, &e));
	buf_reset(ret);
	for (size_t i = 0; i < found.n; i++)
		buf_printf(ret, "%s%s:%u: %s\n",
		    found.v[i].severity == INF_WARNING ? "warning: " : "",
		    strrchr(found.v[i].path, '/') + 1, found.v[i].line, found.v[i].text);
	if (ret->len == 0)
		buf_str(ret, "");
}

#define DISKS "[SourceDisksNames]\n1=D\n[SourceDisksFiles]\na.sys=1\nb.dll=1\n"
#define MODELS(decorations) "[Manufacturer]\nM=Models" decorations "\n"
#define LINE "D=Install,ROOT\\A\n"
#define INSTALL "[Install]\nCopyFiles=L\n[L]\na.sys\n"

static const struct {
	const char *what, *text;
	struct image images[IMAGES_MAX];
	const char *found;
} cases[] = {
    {"the right build", MODELS(",NTamd64") "[Models.NTamd64]\n" LINE INSTALL DISKS,
	{{"a.sys", X64, NATIVE}}, ""},
    {"another one, by the Models' decoration",
	MODELS(",NTamd64") "[Models.NTamd64]\n" LINE INSTALL DISKS, {{"a.sys", ARM64, NATIVE}},
	"test.inf:8: \\a.sys is built for arm64, and [L] copies it to Windows for amd64\n"},
    {"Models without a decoration are for x86", MODELS("") "[Models]\n" LINE INSTALL DISKS,
	{{"a.sys", X64, NATIVE}},
	"test.inf:8: \\a.sys is built for x64, and [L] copies it to Windows for x86\n"},
    {"so are those for NT", MODELS(",NT") "[Models.NT]\n" LINE INSTALL DISKS,
	{{"a.sys", X64, NATIVE}},
	"test.inf:8: \\a.sys is built for x64, and [L] copies it to Windows for x86\n"},
    {"a release in the decoration changes nothing",
	MODELS(",NTamd64.10.0...16299") "[Models.NTamd64.10.0...16299]\n" LINE INSTALL DISKS,
	{{"a.sys", X86, NATIVE}},
	"test.inf:8: \\a.sys is built for x86, and [L] copies it to Windows for amd64\n"},
    {"one of two architectures is a warning",
	MODELS(",NTx86,NTamd64") "[Models.NTx86]\n" LINE "[Models.NTamd64]\n" LINE INSTALL DISKS,
	{{"a.sys", X64, NATIVE}},
	"warning: test.inf:10: \\a.sys is built for x64, and [L] copies it to Windows for "
	"x86\n"},
    {"a source for each architecture",
	MODELS(",NTx86,NTamd64") "[Models.NTx86]\n" LINE "[Models.NTamd64]\n" LINE INSTALL
	"[SourceDisksNames]\n1=D\n[SourceDisksFiles.x86]\na.sys=1,i\n"
	"[SourceDisksFiles.amd64]\na.sys=1,x\n",
	{{"i/a.sys", X86, NATIVE}, {"x/a.sys", X64, NATIVE}}, ""},
    {"interchanged", MODELS(",NTx86,NTamd64") "[Models.NTx86]\n" LINE
	"[Models.NTamd64]\n" LINE INSTALL
	"[SourceDisksNames]\n1=D\n[SourceDisksFiles.x86]\na.sys=1,i\n"
	"[SourceDisksFiles.amd64]\na.sys=1,x\n",
	{{"i/a.sys", X64, NATIVE}, {"x/a.sys", X86, NATIVE}},
	"test.inf:10: \\i/a.sys is built for x64, and [L] copies it to Windows for x86\n"
	"test.inf:10: \\x/a.sys is built for x86, and [L] copies it to Windows for amd64\n"},
    {"an install section with a decoration stands for its architecture",
	MODELS(",NTx86,NTamd64") "[Models.NTx86]\n" LINE "[Models.NTamd64]\n" LINE
	"[Install.NTx86]\nCopyFiles=@a.sys\n[Install.NTamd64]\nCopyFiles=@b.dll\n" DISKS,
	{{"a.sys", X86, NATIVE}, {"b.dll", X64, GUI}}, ""},
    {"also with a release behind it, and another section that begins like it",
	MODELS(",NTamd64") "[Models.NTamd64]\n" LINE
	"[Install]\nCopyFiles=@a.sys\n[Install.NTamd64-old]\n[Install.NTamd64.10.0]\n"
	"CopyFiles=@b.dll\n" DISKS,
	{{"a.sys", X86, NATIVE}, {"b.dll", X64, GUI}}, ""},
    {".NT is taken before the plain one",
	MODELS(",NTamd64") "[Models.NTamd64]\n" LINE
	"[Install]\nCopyFiles=@a.sys\n[Install.NT]\nCopyFiles=@b.dll\n" DISKS,
	{{"a.sys", X86, NATIVE}, {"b.dll", X64, GUI}}, ""},
    {"co-installers, too", MODELS(",NTamd64") "[Models.NTamd64]\n" LINE
	"[Install]\n[Install.CoInstallers]\nCopyFiles=@b.dll\n" DISKS,
	{{"b.dll", ARM64, GUI}},
	"test.inf:7: \\b.dll is built for arm64, and [Install.CoInstallers] copies it to "
	"Windows for amd64\n"},
    {"a name in [Strings]", "[Manufacturer]\n%M%=%S%,NTamd64\n[Models.NTamd64]\n"
	"D=%I%,ROOT\\A\n" INSTALL DISKS "[Strings]\nM=x\nS=Models\nI=Install\n",
	{{"a.sys", X86, NATIVE}},
	"test.inf:8: \\a.sys is built for x86, and [L] copies it to Windows for amd64\n"},
    {"a manufacturer's own name is that of its Models",
	"[Manufacturer]\nModels\n[Models]\n" LINE INSTALL DISKS, {{"a.sys", X64, NATIVE}},
	"test.inf:8: \\a.sys is built for x64, and [L] copies it to Windows for x86\n"},
    {"x86 libraries run everywhere", MODELS(",NTamd64,NTarm64") "[Models.NTamd64]\n" LINE
	"[Models.NTarm64]\n" LINE "[Install]\nCopyFiles=@b.dll\n" DISKS,
	{{"b.dll", X86, GUI}}, ""},
    {"x64 ones on ARM64, too", MODELS(",NTarm64") "[Models.NTarm64]\n" LINE
	"[Install]\nCopyFiles=@b.dll\n" DISKS, {{"b.dll", X64, GUI}}, ""},
    {"but not on x86", MODELS(",NTx86") "[Models.NTx86]\n" LINE
	"[Install]\nCopyFiles=@b.dll\n" DISKS, {{"b.dll", X64, GUI}},
	"test.inf:6: \\b.dll is built for x64, and [Install] copies it to Windows for x86\n"},
    {"drivers nowhere else", MODELS(",NTarm64") "[Models.NTarm64]\n" LINE INSTALL DISKS,
	{{"a.sys", X64, NATIVE}},
	"test.inf:8: \\a.sys is built for x64, and [L] copies it to Windows for arm64\n"},
    {"firmware's binaries are nobody's", MODELS(",NTamd64") "[Models.NTamd64]\n" LINE INSTALL DISKS,
	{{"a.sys", ARM64, EFI}}, ""},
    {"so are machines that Windows never had",
	MODELS(",NTamd64") "[Models.NTamd64]\n" LINE INSTALL DISKS, {{"a.sys", ALPHA, NATIVE}},
	""},
    {"the case of a name does not matter",
	MODELS(",NTAMD64") "[MODELS.ntAmd64]\nD=INSTALL,ROOT\\A\n" INSTALL DISKS,
	{{"A.SYS", ARM64, NATIVE}},
	"test.inf:8: \\a.sys is built for arm64, and [L] copies it to Windows for amd64\n"},
    {"name and source", MODELS(",NTamd64") "[Models.NTamd64]\n" LINE
	"[Install]\nCopyFiles=L\n[L]\nc.sys,a.sys\n" DISKS, {{"a.sys", ARM64, NATIVE}},
	"test.inf:8: \\a.sys is built for arm64, and [L] copies it to Windows for amd64\n"},
    {"one file by two lists is said once", MODELS(",NTamd64") "[Models.NTamd64]\n" LINE
	"[Install]\nCopyFiles=L,K,@a.sys\n[L]\na.sys\n[K]\na.sys\n" DISKS,
	{{"a.sys", ARM64, NATIVE}},
	"test.inf:8: \\a.sys is built for arm64, and [L] copies it to Windows for amd64\n"},
    {"what is not there is not its business",
	MODELS(",NTamd64") "[Models.NTamd64]\n" LINE INSTALL DISKS, {{0}}, ""},
    {"a section that needs itself ends", MODELS(",NTamd64") "[Models.NTamd64]\n" LINE
	"[Install]\nNeeds=Install\nCopyFiles=L\n[L]\na.sys\n" DISKS,
	{{"a.sys", ARM64, NATIVE}},
	"test.inf:9: \\a.sys is built for arm64, and [L] copies it to Windows for amd64\n"},
};

static void
images_fit_where_they_are_copied(void **state)
{
	assert_int_equal(mkdir(in_folder(state, "i"), 0700), 0);
	assert_int_equal(mkdir(in_folder(state, "x"), 0700), 0);
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf b = {0};

		for (size_t k = 0; k < IMAGES_MAX && cases[i].images[k].name != NULL; k++)
			put_image(state, &cases[i].images[k]);
		check(state, cases[i].text, &b);
		if (strcmp(b.len == 0 ? "" : buf_cstr(&b), cases[i].found) != 0)
			fail_msg("%s:\n%sexpected\n%s", cases[i].what,
			    b.len == 0 ? "" : buf_cstr(&b), cases[i].found);
		for (size_t k = 0; k < IMAGES_MAX && cases[i].images[k].name != NULL; k++)
			assert_int_equal(
			    unlink(in_folder(state, cases[i].images[k].name)), 0);
	}
}

/* The other INF's section is for the architecture of who needs it; its files are found by
 * its own [SourceDisks...]. */
static void
needs_lead_into_other_infs(void **state)
{
	AUTO(buf_clear) struct buf b = {0};

	assert_int_equal(mkdir(in_folder(state, "x"), 0700), 0);
	put_image(state, &(struct image){"x/a.sys", ARM64, NATIVE});
	write_file(in_folder(state, "other.inf"),
	    "[Shared]\nCopyFiles=L\n[L]\na.sys\n"
	    "[SourceDisksNames]\n1=D,,,\\x\n[SourceDisksFiles]\na.sys=1\n",
	    0600);
	check(state,
	    MODELS(",NTamd64") "[Models.NTamd64]\n" LINE
			       "[Install]\nInclude=other.inf\nNeeds=Shared\n",
	    &b);
	assert_string_equal(buf_cstr(&b),
	    "other.inf:4: \\x/a.sys is built for arm64, and [L] copies it to Windows for "
	    "amd64\n");
}

static void
machines_have_architectures(void **state)
{
	static const struct {
		uint16_t machine;
		enum inf_arch arch;
	} known[] = {{X86, INF_X86}, {X64, INF_AMD64}, {ARM64, INF_ARM64}, {ARMNT, INF_ARM},
	    {0x01c0, INF_ARM}, {0x01c2, INF_ARM}, {IA64, INF_IA64}};
	enum inf_arch arch = INF_IA64;

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(known); i++) {
		assert_true(inf_arch_of_machine(known[i].machine, &arch));
		assert_int_equal(arch, known[i].arch);
	}
	assert_false(inf_arch_of_machine(ALPHA, &arch));
	assert_int_equal(arch, INF_IA64); /* untouched */
}

static void
decorations_name_architectures(void **state)
{
	static const char text[] =
	    "[a.NTamd64]\n[b.ntARM64.10.0...16299]\n[c.NT]\n[d.NTx86.Services]\n"
	    "[NTia64]\n[e.NTia64x]\n[SourceDisksFiles.ia64]\n[f.NTarm]\n";
	AUTO(inf_clear) struct inf f = {0};

	(void)state;
	assert_done(inf_parse("a.inf", text, sizeof(text) - 1, &f, &e));
	assert_int_equal(inf_archs_named(&f),
	    1u << INF_AMD64 | 1u << INF_ARM64 | 1u << INF_X86 | 1u << INF_ARM);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_FOLDER(images_fit_where_they_are_copied),
	    IN_FOLDER(needs_lead_into_other_infs),
	    cmocka_unit_test(machines_have_architectures),
	    cmocka_unit_test(decorations_name_architectures),
	};

	return cmocka_run_group_tests_name("driver/inf_arch", tests, NULL, NULL);
}
