/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_verify.c - a whole file of any kind: all that verify and inspect do
 * with it, and all that they print of it. */
#include "config.h" /* _GNU_SOURCE: memfd_create */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authenticode/verify.h"
#include "client/msi.h"
#include "client/show.h"

#define FUZZ_MAY_BE(code) ((code) == KD_E_UNSIGNED || (code) == KD_E_NOT_VERIFIED)
#include "fuzz/fuzz_file.h"

#define SOME_DAY 1800000000 /* 2027; the corpus' certificates hold until 2036 */

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
show(struct verified *v, bool verdicts)
{
	AUTO(buf_clear) struct buf tree = {0};
	AUTO(buf_clear) struct buf json = {0};

	show_tree(&tree, v, verdicts, true);
	show_json(&json, v, verdicts);
	require(!tree.failed && !json.failed);
	require(memchr(tree.p, '\0', tree.len) == NULL);
}

/* A finding and a verdict go together, at every level. */
static void
consistent(const struct verify_report *r)
{
	for (size_t i = 0; i < r->sigs_n; i++) {
		const struct verify_signature *s = &r->sigs[i];
		bool failed = false;

		require(s->index == i && s->steps_n > 0 &&
			s->steps_n < VERIFY_STEPS_MAX);
		for (size_t k = 0; k < s->steps_n; k++) {
			require(s->steps[k].detail[0] != '\0');
			failed = failed || s->steps[k].result == VERIFY_FAILED;
		}
		/* one that broke off (too many signatures) is neither */
		require(!s->ok || (s->intact && !failed));
		require(!s->stamp.trusted || s->stamp.ok);
	}
	require(!r->ok || r->efi.n != 0 || r->sigs[0].ok);
}

/* Trust in whatever the first signature embeds: so chains and timestamps are walked. */
static void
verify(int fd, const struct certs *roots, bool efi, struct verified *v)
{
	static const struct format *const more[] = {&format_msi};
	const struct verify_options o = {.roots = roots,
	    .tsa_roots = roots,
	    .at = SOME_DAY,
	    .name = v->file,
	    .formats = more,
	    .formats_n = 1,
	    .efi = efi};

	judged(verify_file(fd, &o, &v->report, &v->e), &v->e);
	consistent(&v->report);
	show(v, true);
}

/* The file itself, which no catalog can list: every way of looking is gone. */
static void
look_up(int fd, const struct verified *catalog)
{
	struct verified v = {.file = "file", .catalog = catalog};

	if (catalog->report.cat.ctl == NULL)
		return;
	v.report.subject = VERIFY_MEMBER;
	judged(verify_member(fd, &catalog->report.cat, "hello.sys", &v.report.member,
		   &v.e),
	    &v.e);
	require(v.report.member.ok == (v.e.code == KD_OK));
	show(&v, true);
}

/* The same as an EFI binary, and as what its name alone makes of it. */
static void
verify_as(int fd, const char *name, bool efi)
{
	struct verified v = {.file = name};

	verify(fd, NULL, efi, &v);
	verify_report_clear(&v.report);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(close) int fd = memory_file(p, n);
	struct verified seen = {.file = "file"}, v = {.file = "file"};

	judged(verify_inspect(fd, NULL, &seen.report, &seen.e), &seen.e);
	consistent(&seen.report);
	show(&seen, false);
	verify(
	    fd, seen.report.sigs_n > 0 ? seen.report.sigs[0].cms.certs : NULL, false, &v);
	look_up(fd, &v);
	verify_report_clear(&seen.report);
	verify_report_clear(&v.report);
	if (n >= 2 && p[0] == 'M' && p[1] == 'Z')
		verify_as(fd, "file.efi", true);
	verify_as(fd, "file.ps1", false);
	return 0;
}
