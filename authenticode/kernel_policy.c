/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/kernel_policy.c - which Windows loads a driver with these signatures, and
 * why another does not. */
#include "authenticode/kernel_policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/num.h"

/* 2015-07-29T00:00:00Z, [Driver Signing Policy] "Exceptions": the end-entity certificate
 * was issued before; when the signature was made does not matter. */
#define CROSS_SIGNED_UNTIL INT64_C(1438128000)
#define DATE_LEN sizeof("2015-07-29")
#define SUBSYSTEM_NATIVE 1 /* PE format, "Windows Subsystem" */

/*
 * What a release asks. Sources, as Microsoft's pages stand on 2026-11:
 *   [Policy] "Driver Signing Policy": exceptions, "Signing requirements by version"
 *   [Support] "Windows hardware driver signing", table "OS support summary"
 *   [2026]   "The Windows Driver Policy" (support.microsoft.com)
 *   [SHA-2]  security advisory 3033929
 */
enum {
	/* [Policy] "64-bit only, no signature required for 32-bit" */
	FREE_32 = 1 << 0,
	/* Nested signatures are newer than these. */
	FIRST_ONLY = 1 << 1,
	/* [SHA-2] neither digests nor certificates signed with SHA-2 */
	SHA1_ONLY = 1 << 2,
	/* [Support] column "Attestation Dashboard Signed": "No" */
	NO_ATTESTED = 1 << 3,
	/* [Policy] Microsoft's roots; cross-signed with a leaf of before 2015-07-29 */
	PORTAL = 1 << 4,
	/* [Support] "Cross-signed using a SHA-1 certificate": "No (as of ... 1809)" */
	NO_SHA1_CROSS = 1 << 5,
	/* [2026] trust in cross-signed drivers is gone */
	NO_CROSS = 1 << 6,
	/* bcdedit /set testsigning on: any certificate for code */
	ANY_ROOT = 1 << 7
};

#define DESKTOP (KERNEL_X86 | KERNEL_X64)
#define OLD (KERNEL_X86 | KERNEL_X64 | KERNEL_IA64)
#define NEW (KERNEL_X86 | KERNEL_X64 | KERNEL_ARM64)

struct release {
	const char *name;
	unsigned machines, asks;
};

static const struct release releases[] = {
    {"Windows Vista, Server 2008", OLD, FREE_32 | FIRST_ONLY | SHA1_ONLY | NO_ATTESTED},
    {"Windows 7, Server 2008 R2 without KB3033929", OLD,
	FREE_32 | FIRST_ONLY | SHA1_ONLY | NO_ATTESTED},
    {"Windows 7, Server 2008 R2 with KB3033929", OLD, FREE_32 | FIRST_ONLY | NO_ATTESTED},
    {"Windows 8, 8.1, Server 2012, 2012 R2", KERNEL_X64, NO_ATTESTED},
    {"Windows 8, 8.1, Secure Boot off", KERNEL_X86, FREE_32 | NO_ATTESTED},
    {"Windows 8, 8.1, Secure Boot on", KERNEL_X86, NO_ATTESTED},
    {"Windows 10 1507, 1511", KERNEL_X64, 0},
    {"Windows 10 1507, 1511, Secure Boot off", KERNEL_X86, FREE_32},
    {"Windows 10 1507, 1511, Secure Boot on", KERNEL_X86, 0},
    {"Windows 10 1607 to 1803, Secure Boot off", NEW, FREE_32},
    {"Windows 10 1607 to 1803, upgraded from before 1607", NEW, 0},
    {"Windows 10 1607 to 1803, installed with Secure Boot on", NEW, PORTAL},
    {"Windows 10 1809+, Windows 11 to 23H2, Secure Boot off", NEW, FREE_32},
    {"Windows 10 1809+, Windows 11 to 23H2, upgraded from before 1607", DESKTOP, 0},
    {"Windows 10 1809+, Windows 11 to 23H2, installed with Secure Boot on", NEW,
	PORTAL | NO_SHA1_CROSS},
    {"Windows 11 24H2+, 2026 driver policy still evaluating, Secure Boot on",
	KERNEL_X64 | KERNEL_ARM64, PORTAL | NO_SHA1_CROSS},
    {"Windows 11 24H2+, 2026 driver policy enforced", KERNEL_X64 | KERNEL_ARM64,
	NO_CROSS},
    {"Windows Server 2016, 2019, 2022, Secure Boot off", KERNEL_X64, NO_ATTESTED},
    {"Windows Server 2016, 2019, 2022, Secure Boot on", KERNEL_X64,
	NO_ATTESTED | PORTAL},
    {"Windows Server 2025, 2026 driver policy still evaluating, Secure Boot on",
	KERNEL_X64, NO_ATTESTED | PORTAL},
    {"Windows Server 2025, 2026 driver policy enforced", KERNEL_X64,
	NO_ATTESTED | NO_CROSS},
    {"any of these in test-signing mode, Secure Boot off", OLD | NEW | KERNEL_ARM,
	FREE_32 | ANY_ROOT},
};

static const struct release policy = {"kernel-mode signing policy", 0, 0};

const char *
kernel_release(size_t i)
{
	return i < KD_ARRAY_LEN(releases) ? releases[i].name : NULL;
}

/* How far a signature gets before it is refused: the furthest one's sentence counts. */
enum stage { READ, INTACT, DIGEST, CHAIN, USAGE, TIME, TRUST, LOADS };

struct trial {
	const struct kernel_facts *f;
	const struct kernel_signature *s;
	unsigned asks;
	char *why; /* KERNEL_WHY_LEN */
};

static void say(char why[KERNEL_WHY_LEN], const char *fmt, ...) KD_PRINTF(2, 3);

static void
say(char why[KERNEL_WHY_LEN], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, KERNEL_WHY_LEN, fmt, ap);
	va_end(ap);
}

static const char *
date(int64_t unix_s, char dst[DATE_LEN])
{
	char utc[CLOCK_UTC_LEN];

	clock_utc(utc, unix_s * 1000);
	memcpy(dst, utc, DATE_LEN - 1);
	dst[DATE_LEN - 1] = '\0';
	return dst;
}
#define DATE(t) date((t), (char[DATE_LEN]){0})

static bool
is_cross_signed(const struct kernel_signature *s)
{
	return s->root == KERNEL_ROOT_VERIFICATION || s->root == KERNEL_ROOT_EXTRA;
}

/* The certificate that leads from a CA's own key to the verification root; NULL when the
 * root signed the leaf itself. */
static const struct kernel_cert *
cross_certificate(const struct kernel_signature *s)
{
	return is_cross_signed(s) && s->certs_n > 1 ? &s->certs[s->certs_n - 1] : NULL;
}

/* When the signature counts as made. A lifetime signer's ends with its certificate,
 * whatever the timestamp says (facts 10.3). */
static int64_t
made_at(const struct kernel_facts *f, const struct kernel_signature *s)
{
	return s->stamp == KERNEL_STAMP_TRUSTED && !s->lifetime ? s->stamp_time : f->now;
}

static bool
is_read(const struct trial *t)
{
	if (!t->s->nested || (t->asks & FIRST_ONLY) == 0)
		return true;
	say(t->why, "this Windows reads a file's first signature only, not %s",
	    t->s->name);
	return false;
}

static bool
is_intact(const struct trial *t)
{
	if (t->s->fault[0] == '\0')
		return true;
	say(t->why, "%s: %s", t->s->name, t->s->fault);
	return false;
}

static bool
digest_is_known(const struct trial *t)
{
	if ((t->asks & SHA1_ONLY) == 0)
		return true;
	if (t->s->md != MD_SHA1) {
		say(t->why, "this Windows does not know %s, which %s uses",
		    md_name(t->s->md), t->s->name);
		return false;
	}
	if (t->s->catalog && !t->s->listed_sha1) {
		say(t->why, "this Windows looks for the file's SHA-1 in the catalog, "
			    "which lists another digest only");
		return false;
	}
	for (size_t i = 0; i < t->s->certs_n; i++) {
		if (!t->s->certs[i].sha2)
			continue;
		say(t->why, "this Windows does not know SHA-2, with which '%s' is signed",
		    t->s->certs[i].name);
		return false;
	}
	return true;
}

static bool
reaches_a_root(const struct trial *t)
{
	const struct kernel_signature *s = t->s;

	if (s->root != KERNEL_ROOT_NONE || (t->asks & ANY_ROOT) != 0)
		return true;
	if (s->certs_n == 0)
		say(t->why, "%s: the signer's certificate is not inside", s->name);
	else
		say(t->why,
		    "%s ends at '%s', which is no root of the kernel's, and has no "
		    "cross-certificate from it to Microsoft Code Verification Root "
		    "inside",
		    s->name, s->top);
	return false;
}

static bool
is_for_code(const struct trial *t)
{
	if (t->s->code_signing || t->s->whql)
		return true;
	say(t->why, "%s: '%s' is not a certificate for signing code", t->s->name,
	    t->s->certs[0].name);
	return false;
}

/* What a date outside a certificate's validity comes from. */
static void
explain_time(const struct trial *t, const struct kernel_cert *c, int64_t at)
{
	const struct kernel_signature *s = t->s;
	const char *what = c == cross_certificate(s) ? "cross-certificate for " : "";

	if (at < c->from)
		say(t->why, "%s: %s'%s' is not valid before %s, and %s is of %s", s->name,
		    what, c->name, DATE(c->from),
		    at == s->stamp_time ? "the timestamp" : "the signature", DATE(at));
	else if (s->lifetime)
		say(t->why,
		    "%s: '%s' expired on %s, and its signatures end with it (lifetime "
		    "signing), timestamp or not",
		    s->name, c->name, DATE(c->to));
	else if (s->stamp == KERNEL_STAMP_NONE)
		say(t->why, "%s: %s'%s' expired on %s, and no timestamp says that the "
			    "signature was made before",
		    s->name, what, c->name, DATE(c->to));
	else if (s->stamp == KERNEL_STAMP_UNTRUSTED)
		say(t->why,
		    "%s: %s'%s' expired on %s, and the timestamp is not trusted: %s",
		    s->name, what, c->name, DATE(c->to), s->stamp_fault);
	else
		say(t->why,
		    "%s: %s'%s' expired on %s, and the signature was made after that, "
		    "on %s",
		    s->name, what, c->name, DATE(c->to), DATE(at));
}

/*
 * [Deprecation of Software Publisher Certificates]: what was timestamped while the leaf
 * was valid goes on; signatures made after the cross-certificate's end are for no
 * Windows. Loaders were seen to take some of those: the text stands, not the sighting.
 */
static bool
time_is_right(const struct trial *t)
{
	int64_t at = made_at(t->f, t->s);

	if ((t->asks & ANY_ROOT) != 0)
		return true;
	for (size_t i = 0; i < t->s->certs_n; i++) {
		const struct kernel_cert *c = &t->s->certs[i];

		if (at >= c->from && at <= c->to)
			continue;
		explain_time(t, c, at);
		return false;
	}
	return true;
}

static bool
microsoft_is_trusted(const struct trial *t)
{
	if ((t->asks & NO_ATTESTED) == 0 || !t->s->attested)
		return true;
	say(t->why,
	    "%s is an attestation signature, which Microsoft makes for Windows 10 and 11 "
	    "clients only",
	    t->s->name);
	return false;
}

static bool
cross_signed_is_trusted(const struct trial *t)
{
	const struct kernel_signature *s = t->s;

	if ((t->asks & NO_CROSS) != 0) {
		say(t->why, "%s is cross-signed, which is no longer trusted unless the "
			    "driver is on Microsoft's allow list",
		    s->name);
		return false;
	}
	if ((t->asks & PORTAL) != 0 && s->certs[0].from >= CROSS_SIGNED_UNTIL) {
		say(t->why, "%s is cross-signed, and '%s' was issued on %s, not before "
			    "2015-07-29",
		    s->name, s->certs[0].name, DATE(s->certs[0].from));
		return false;
	}
	if ((t->asks & NO_SHA1_CROSS) != 0 && !s->certs[0].sha2) {
		say(t->why,
		    "%s is cross-signed with a SHA-1 certificate, which is not taken "
		    "since Windows 10 1809",
		    s->name);
		return false;
	}
	return true;
}

/* Why it loads. */
static void
praise(const struct trial *t)
{
	const struct kernel_signature *s = t->s;
	const struct kernel_cert *cross = cross_certificate(s);

	if (s->root == KERNEL_ROOT_NONE)
		say(t->why, "%s is intact, by '%s'; the installer wants its root among "
			    "the machine's",
		    s->name, s->certs_n > 0 ? s->certs[0].name : "?");
	else if (s->root == KERNEL_ROOT_MICROSOFT)
		say(t->why, "%s is %s, by '%s'", s->name,
		    s->attested   ? "Microsoft's attestation"
		    : s->extended ? "Microsoft's, after tests of the Hardware Lab Kit"
		    : s->whql     ? "Microsoft's (WHQL)"
				  : "Microsoft's",
		    s->certs[0].name);
	else if (cross != NULL)
		say(t->why, "%s is cross-signed, by '%s' through '%s'%s", s->name,
		    s->certs[0].name, cross->name,
		    s->root == KERNEL_ROOT_EXTRA ? " to the root given" : "");
	else
		say(t->why, "%s is by '%s', straight from the root%s", s->name,
		    s->certs[0].name,
		    s->root == KERNEL_ROOT_EXTRA ? " given" : "");
}

static bool
root_is_trusted(const struct trial *t)
{
	if (is_cross_signed(t->s))
		return cross_signed_is_trusted(t);
	return t->s->root != KERNEL_ROOT_MICROSOFT || microsoft_is_trusted(t);
}

static enum stage
try_signature(const struct trial *t)
{
	static bool (*const checks[])(const struct trial *) = {
	    [READ] = is_read,
	    [INTACT] = is_intact,
	    [DIGEST] = digest_is_known,
	    [CHAIN] = reaches_a_root,
	    [USAGE] = is_for_code,
	    [TIME] = time_is_right,
	    [TRUST] = root_is_trusted,
	};

	for (enum stage i = READ; i < LOADS; i++)
		if (!checks[i](t))
			return i;
	praise(t);
	return LOADS;
}

static void
judge(const struct kernel_facts *f, const struct release *r, struct kernel_verdict *ret)
{
	enum stage best = READ;

	*ret = (struct kernel_verdict){.release = r->name};
	if ((r->asks & FREE_32) != 0 && f->machine == KERNEL_X86) {
		ret->loads = true;
		say(ret->why,
		    "32-bit Windows without Secure Boot asks only boot-start and "
		    "protected-media drivers for a signature");
		return;
	}
	say(ret->why, "it has no signature, embedded or in a catalog that was given");
	for (size_t i = 0; i < f->sigs_n; i++) {
		char why[KERNEL_WHY_LEN];
		struct trial t = {f, &f->sigs[i], r->asks, why};
		enum stage got = try_signature(&t);

		if (i > 0 && got <= best)
			continue;
		best = got;
		memcpy(ret->why, why, sizeof(why));
	}
	ret->loads = f->sigs_n > 0 && best == LOADS;
}

static void note(struct kernel_report *r, const char *fmt, ...) KD_PRINTF(2, 3);

static void
note(struct kernel_report *r, const char *fmt, ...)
{
	va_list ap;

	if (r->notes_n == KERNEL_NOTES_MAX)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(r->notes[r->notes_n++], KERNEL_WHY_LEN, fmt, ap);
	va_end(ap);
}

static void
note_cross_signed(const struct kernel_facts *f, struct kernel_report *r)
{
	const struct kernel_cert *cross = NULL;
	bool any = false;

	for (size_t i = 0; i < f->sigs_n; i++) {
		any = any || is_cross_signed(&f->sigs[i]);
		if (cross == NULL)
			cross = cross_certificate(&f->sigs[i]);
	}
	if (any)
		note(r,
		    "Windows 11 24H2 and later and Server 2025 evaluate the driver "
		    "policy of April 2026 for at least 100 hours and 3 restarts (servers "
		    "2) before they enforce it; CodeIntegrity event 3076 names what will "
		    "be refused, 3077 what was");
	if (cross != NULL && cross->to < f->now)
		note(r, "the cross-certificate for '%s' expired on %s: no new signature "
			"through it is good for any Windows",
		    cross->name, DATE(cross->to));
}

static void
note_rest(const struct kernel_facts *f, struct kernel_report *r)
{
	bool embedded = false, catalog = false;

	for (size_t i = 0; i < f->sigs_n; i++) {
		if (f->sigs[i].catalog)
			catalog = true;
		else
			embedded = true;
	}
	if (catalog && !embedded)
		note(r,
		    "a boot-start driver needs an embedded signature, too: catalogs are "
		    "not there yet when it loads");
	if (f->checksum_wrong)
		note(r,
		    "the image's CheckSum is wrong: as a boot-start driver it does not "
		    "load");
	if (f->subsystem != 0 && f->subsystem != SUBSYSTEM_NATIVE)
		note(r, "subsystem %u is no driver's, which have %d (native)",
		    f->subsystem, SUBSYSTEM_NATIVE);
	if (f->machine == KERNEL_OTHER)
		note(r, "no Windows of this table runs on the file's machine type");
	if (f->machine == 0)
		note(r, "a catalog alone: judged as for a 64-bit driver that it lists");
}

void
kernel_judge(const struct kernel_facts *f, struct kernel_report *ret)
{
	unsigned machine = f->machine == 0 ? KERNEL_X64 : f->machine;

	*ret = (struct kernel_report){0};
	judge(f, &policy, &ret->policy);
	for (size_t i = 0; i < KD_ARRAY_LEN(releases); i++)
		if ((releases[i].machines & machine) != 0)
			judge(f, &releases[i], &ret->releases[ret->releases_n++]);
	note_cross_signed(f, ret);
	note_rest(f, ret);
}
