/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/installer.c - what the device installer makes of a file and the catalog
 * that should list it. */
#include "authenticode/installer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/num.h"

static const struct {
	unsigned version;
	const char *name;
} releases[] = {
    {INSTALLER_VISTA, "Windows Vista, Server 2008 (6.0)"},
    {INSTALLER_SEVEN, "Windows 7, Server 2008 R2 (6.1)"},
    {INSTALLER_EIGHT, "Windows 8, Server 2012 (6.2)"},
    {INSTALLER_EIGHT_ONE, "Windows 8.1, Server 2012 R2 (6.3)"},
    {INSTALLER_TEN, "Windows 10, 11, Server 2016 and later (10.0)"},
};

/* No default: the compiler says when a category is added. */
const char *
installer_category_text(enum installer_category c)
{
	switch (c) {
	case INSTALLER_WINDOWS:
		return "signed by a Windows signing authority";
	case INSTALLER_TRUSTED_PUBLISHER:
		return "signed by a trusted publisher";
	case INSTALLER_UNKNOWN_PUBLISHER:
		return "signed by a publisher of unknown trust";
	case INSTALLER_UNTRUSTED_CHAIN:
		return "signed, its chain not trusted";
	case INSTALLER_ALTERED:
		return "altered";
	case INSTALLER_UNSIGNED:
		return "unsigned";
	}
	return "?";
}

const char *
installer_outcome_text(enum installer_outcome o)
{
	switch (o) {
	case INSTALLER_SILENT:
		return "silent";
	case INSTALLER_PROMPT:
		return "prompt";
	case INSTALLER_REFUSED:
		return "refused";
	}
	return "?";
}

static enum installer_outcome
outcome_of(enum installer_category c)
{
	switch (c) {
	case INSTALLER_WINDOWS:
	case INSTALLER_TRUSTED_PUBLISHER:
		return INSTALLER_SILENT;
	case INSTALLER_UNKNOWN_PUBLISHER:
		return INSTALLER_PROMPT;
	case INSTALLER_UNTRUSTED_CHAIN:
	case INSTALLER_ALTERED:
	case INSTALLER_UNSIGNED:
		break;
	}
	return INSTALLER_REFUSED;
}

static void verdict(struct installer_verdict *ret, enum installer_category c,
    const char *fmt, ...) KD_PRINTF(3, 4);

static void
verdict(
    struct installer_verdict *ret, enum installer_category c, const char *fmt, ...)
{
	va_list ap;

	ret->category = c;
	ret->outcome = outcome_of(c);
	va_start(ap, fmt);
	(void)vsnprintf(ret->why, sizeof(ret->why), fmt, ap);
	va_end(ap);
}

/* Is there a signature over this file at all? False: ret says what there is instead. */
static bool
judge_list(const struct installer_facts *f, struct installer_verdict *ret)
{
	if (!f->catalog) {
		verdict(ret, INSTALLER_UNSIGNED,
		    "no catalog: what is embedded in a file does not count for the "
		    "installer");
		return false;
	}
	if (!f->catalog_itself && !f->listed) {
		verdict(ret, f->altered ? INSTALLER_ALTERED : INSTALLER_UNSIGNED, "%s%s",
		    f->inf ? "the INF itself must be listed: " : "", f->listed_fault);
		return false;
	}
	if (!f->catalog_signed) {
		verdict(ret, INSTALLER_UNSIGNED, "the catalog %shas no signature",
		    f->catalog_itself ? "" : "lists it and ");
		return false;
	}
	if (f->sig.fault[0] != '\0') {
		verdict(ret, INSTALLER_ALTERED, "%s: %s", f->sig.name, f->sig.fault);
		return false;
	}
	return true;
}

static const char *
publisher(const struct installer_facts *f)
{
	return f->sig.certs_n > 0 ? f->sig.certs[0].name : "?";
}

/* [PnP device installation signing requirements]: any publisher whose root the machine
 * trusts; silent when it is in the TrustedPublisher store. */
static void
judge_authenticode(
    const struct installer_facts *f, const char *before, struct installer_verdict *ret)
{
	if (!f->root_trusted)
		verdict(ret, INSTALLER_UNTRUSTED_CHAIN, "%s%s", before,
		    f->root_fault);
	else if (f->publisher_trusted)
		verdict(ret, INSTALLER_TRUSTED_PUBLISHER,
		    "%s'%s' is among the trusted publishers", before, publisher(f));
	else
		verdict(ret, INSTALLER_UNKNOWN_PUBLISHER,
		    "%san administrator is asked whether to trust '%s'; others are "
		    "refused",
		    before, publisher(f));
}

/* Made by Microsoft for hardware makers, and the loader's rules hold but for the release:
 * its certificates lead to Microsoft's roots, in time. */
static bool
is_windows_signature(const struct installer_facts *f)
{
	struct kernel_facts k = {.now = f->now, .sigs_n = 1};
	struct kernel_report r;

	if (f->sig.root != KERNEL_ROOT_MICROSOFT || !f->sig.whql)
		return false;
	k.sigs[0] = f->sig;
	kernel_judge(&k, &r);
	return r.policy.loads;
}

/* Security advisory 3033929; the loader's rule is kernel_policy.c's digest_is_known. */
static bool
needs_sha2(const struct installer_facts *f)
{
	bool sha2 = f->sig.md != MD_SHA1;

	for (size_t i = 0; i < f->sig.certs_n; i++)
		sha2 = sha2 || f->sig.certs[i].sha2;
	return sha2;
}

static void
add_old_windows(struct installer_verdict *ret)
{
	size_t n = strlen(ret->why);

	(void)snprintf(ret->why + n, sizeof(ret->why) - n,
	    "; Windows 7 and older without KB3033929 do not know its SHA-2 and take it "
	    "for unsigned");
}

static void
judge_version(const struct installer_facts *f, size_t i, struct installer_verdict *ret)
{
	ret->release = releases[i].name;
	if ((f->versions & releases[i].version) != 0)
		verdict(ret, INSTALLER_WINDOWS,
		    "by '%s', and its OSAttr names this version", publisher(f));
	else
		judge_authenticode(
		    f, "its OSAttr does not name this version, so that ", ret);
}

void
installer_judge(const struct installer_facts *f, struct installer_report *ret)
{
	struct installer_verdict *all = &ret->rows[0];

	*ret = (struct installer_report){.rows_n = 1};
	all->release = "every Windows";
	if (judge_list(f, all)) {
		if (!is_windows_signature(f)) {
			judge_authenticode(f, "", all);
			if (all->outcome != INSTALLER_REFUSED && needs_sha2(f))
				add_old_windows(all);
		} else if (!f->has_versions) {
			verdict(all, INSTALLER_WINDOWS, "by '%s', for no version alone",
			    publisher(f));
		} else {
			ret->rows_n = KD_ARRAY_LEN(releases);
			for (size_t i = 0; i < ret->rows_n; i++)
				judge_version(f, i, &ret->rows[i]);
		}
	}
	ret->installs = ret->rows[ret->rows_n - 1].outcome != INSTALLER_REFUSED;
}

/* Digits, at most four; -1 when there are none. */
static int
number(const char **p, const char *end)
{
	int n = -1;

	for (int i = 0; i < 4 && *p < end && **p >= '0' && **p <= '9'; i++, ++*p)
		n = (n < 0 ? 0 : 10 * n) + (**p - '0');
	return n;
}

static unsigned
version_bit(int major, int minor)
{
	static const unsigned six[] = {INSTALLER_VISTA, INSTALLER_SEVEN, INSTALLER_EIGHT,
	    INSTALLER_EIGHT_ONE, INSTALLER_TEN};

	if (major == 5)
		return INSTALLER_XP;
	if (major == 6 && (size_t)minor < KD_ARRAY_LEN(six))
		return six[minor];
	return major == 10 ? INSTALLER_TEN : 0;
}

/* One part, up to its comma or the end. */
static bool
one_version(const char **p, const char *end, unsigned *bits)
{
	int platform, major, minor;

	platform = number(p, end);
	if (platform < 0 || *p == end || *(*p)++ != ':')
		return false;
	major = number(p, end);
	if (major < 0 || *p == end || *(*p)++ != '.')
		return false;
	minor = number(p, end);
	if (minor < 0)
		return false;
	if (platform == 2)
		*bits |= version_bit(major, minor);
	while (*p < end && **p != ',') /* build and service pack */
		++*p;
	return true;
}

bool
installer_versions(const char *osattr, size_t len, unsigned *ret)
{
	const char *p = osattr, *end = osattr + len;
	unsigned bits = 0;

	for (;;) {
		while (p < end && *p == ' ')
			p++;
		if (!one_version(&p, end, &bits))
			return false;
		if (p == end)
			break;
		p++;
	}
	*ret = bits;
	return true;
}
