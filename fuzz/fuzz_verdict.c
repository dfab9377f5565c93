/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_verdict.c - what Windows would say of any signature or catalog: always a
 * sentence; and the versions that a catalog's attribute names. */
#include <stdint.h>
#include <stdlib.h>

#include "authenticode/kernel_facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct certs *
no_certs(void)
{
	static struct certs *none;
	struct kd_err e = {0};

	if (none == NULL && !certs_new(&none, &e))
		abort();
	return none;
}

static void
must_explain(bool done, const struct kd_err *e)
{
	if (!done && (e->code == KD_OK || e->msg[0] == '\0'))
		abort();
}

static void
kernel(const uint8_t *p, size_t n)
{
	AUTO(cms_clear) struct cms cms = {0};
	struct kernel_facts f = {.now = 1795564800, .machine = KERNEL_X86, .sigs_n = 1};
	struct kernel_report r;
	struct kd_err e = {0};
	bool done;

	if (!cms_parse(p, n, &cms, &e))
		return; /* fuzz_cms */
	done = kernel_facts_chain(&cms, NULL, f.now, &f.sigs[0], &e);
	must_explain(done, &e);
	if (!done)
		return;
	kernel_judge(&f, &r);
	if (r.policy.why[0] == '\0' || f.sigs[0].root == KERNEL_ROOT_TIMESTAMP)
		abort();
	for (size_t i = 0; i < r.releases_n; i++)
		if (r.releases[i].why[0] == '\0')
			abort();
}

static void
installer(const uint8_t *p, size_t n)
{
	struct verify_report report = {.subject = VERIFY_CATALOG};
	struct installer_question q = {
	    .catalog = &report, .file = "x.inf", .roots = no_certs()};
	struct installer_facts f;
	struct installer_report r;
	struct kd_err e = {0};

	if (!cat_parse(p, n, &report.cat, &e))
		return; /* fuzz_cat */
	if (!installer_facts_make(&q, &f, &e)) {
		must_explain(false, &e);
	} else {
		installer_judge(&f, &r);
		if (r.installs || r.rows[0].why[0] == '\0') /* it is not signed here */
			abort();
	}
	cat_clear(&report.cat);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	unsigned versions = 0;

	if (installer_versions((const char *)p, n, &versions) && (versions & ~63u) != 0)
		abort();
	kernel(p, n);
	installer(p, n);
	return 0;
}
