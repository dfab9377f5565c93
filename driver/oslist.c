/* SPDX-License-Identifier: Apache-2.0 */
/* driver/oslist.c - the Windows versions that Inf2Cat's /os names. */
#include "driver/oslist.h"

#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "base/text.h"

#define NAME_MAX_LEN 32

static const char *const arch_names[INF_ARCHS] = {
    [INF_X86] = "x86",
    [INF_AMD64] = "amd64",
    [INF_IA64] = "ia64",
    [INF_ARM] = "arm",
    [INF_ARM64] = "arm64",
};

const char *
inf_arch_name(enum inf_arch a)
{
	return arch_names[a];
}

bool
inf_arch_of(const char *decoration, enum inf_arch *ret)
{
	size_t n = strcspn(decoration, ".");

	if (n < 2 || strncasecmp(decoration, "nt", 2) != 0)
		return false;
	for (int a = 0; a < INF_ARCHS; a++) {
		if (strlen(arch_names[a]) != n - 2 ||
		    strncasecmp(&decoration[2], arch_names[a], n - 2) != 0)
			continue;
		*ret = (enum inf_arch)a;
		return true;
	}
	return false;
}

/*
 * In the order in which Inf2Cat lists them. Windows XP for x64 is Server 2003's kernel: it
 * has both versions. 2:5.00 is written so. Spec: catalog facts 6, where the tokens of the
 * releases after Server 2019 for servers, and of 25H2, are extrapolated from those for
 * clients.
 */
static const struct os {
	const char *name, *token, *versions;
	enum inf_arch arch;
	unsigned major, minor;
} table[] = {
    {"2000", "2000", "2:5.00", INF_X86, 5, 0},
    {"XP_X86", "XPX86", "2:5.1", INF_X86, 5, 1},
    {"XP_X64", "XPX64", "2:5.1,2:5.2", INF_AMD64, 5, 2},
    {"Server2003_X86", "Server2003X86", "2:5.2", INF_X86, 5, 2},
    {"Server2003_IA64", "Server2003IA64", "2:5.2", INF_IA64, 5, 2},
    {"Server2003_X64", "Server2003X64", "2:5.2", INF_AMD64, 5, 2},
    {"Vista_X86", "VistaX86", "2:6.0", INF_X86, 6, 0},
    {"Vista_X64", "VistaX64", "2:6.0", INF_AMD64, 6, 0},
    {"Server2008_X86", "Server2008X86", "2:6.0", INF_X86, 6, 0},
    {"Server2008_IA64", "Server2008IA64", "2:6.0", INF_IA64, 6, 0},
    {"Server2008_X64", "Server2008X64", "2:6.0", INF_AMD64, 6, 0},
    {"7_X86", "7X86", "2:6.1", INF_X86, 6, 1},
    {"7_X64", "7X64", "2:6.1", INF_AMD64, 6, 1},
    {"Server2008R2_IA64", "Server2008R2IA64", "2:6.1", INF_IA64, 6, 1},
    {"Server2008R2_X64", "Server2008R2X64", "2:6.1", INF_AMD64, 6, 1},
    {"8_X86", "8X86", "2:6.2", INF_X86, 6, 2},
    {"8_X64", "8X64", "2:6.2", INF_AMD64, 6, 2},
    {"8_ARM", "8ARM", "2:6.2", INF_ARM, 6, 2},
    {"Server8_X64", "Server2012X64", "2:6.2", INF_AMD64, 6, 2},
    {"6_3_X86", "_v63", "2:6.3", INF_X86, 6, 3},
    {"6_3_X64", "_v63_X64", "2:6.3", INF_AMD64, 6, 3},
    {"6_3_ARM", "_v63_ARM", "2:6.3", INF_ARM, 6, 3},
    {"Server6_3_X64", "_v63_Server_X64", "2:6.3", INF_AMD64, 6, 3},
    {"10_X86", "_v100", "2:10.0", INF_X86, 10, 0},
    {"10_X64", "_v100_X64", "2:10.0", INF_AMD64, 10, 0},
    {"Server10_X64", "Server_v100_X64", "2:10.0", INF_AMD64, 10, 0},
    {"Server10_ARM64", "Server_v100_ARM64", "2:10.0", INF_ARM64, 10, 0},
    {"10_AU_X86", "_v100_RS1", "2:10.0", INF_X86, 10, 0},
    {"10_AU_X64", "_v100_X64_RS1", "2:10.0", INF_AMD64, 10, 0},
    {"Server2016_X64", "Server_v100_X64_RS1", "2:10.0", INF_AMD64, 10, 0},
    {"10_RS2_X86", "_v100_RS2", "2:10.0", INF_X86, 10, 0},
    {"10_RS2_X64", "_v100_X64_RS2", "2:10.0", INF_AMD64, 10, 0},
    {"10_RS3_X86", "_v100_RS3", "2:10.0", INF_X86, 10, 0},
    {"10_RS3_X64", "_v100_X64_RS3", "2:10.0", INF_AMD64, 10, 0},
    {"10_RS3_ARM64", "_v100_ARM64_RS3", "2:10.0", INF_ARM64, 10, 0},
    {"10_RS4_X86", "_v100_RS4", "2:10.0", INF_X86, 10, 0},
    {"10_RS4_X64", "_v100_X64_RS4", "2:10.0", INF_AMD64, 10, 0},
    {"10_RS4_ARM64", "_v100_ARM64_RS4", "2:10.0", INF_ARM64, 10, 0},
    {"10_RS5_X86", "_v100_RS5", "2:10.0", INF_X86, 10, 0},
    {"10_RS5_X64", "_v100_X64_RS5", "2:10.0", INF_AMD64, 10, 0},
    {"10_RS5_ARM64", "_v100_ARM64_RS5", "2:10.0", INF_ARM64, 10, 0},
    {"ServerRS5_X64", "Server_v100_X64_RS5", "2:10.0", INF_AMD64, 10, 0},
    {"ServerRS5_ARM64", "Server_v100_ARM64_RS5", "2:10.0", INF_ARM64, 10, 0},
    {"10_19H1_X86", "_v100_19H1", "2:10.0", INF_X86, 10, 0},
    {"10_19H1_X64", "_v100_X64_19H1", "2:10.0", INF_AMD64, 10, 0},
    {"10_19H1_ARM64", "_v100_ARM64_19H1", "2:10.0", INF_ARM64, 10, 0},
    {"10_VB_X86", "_v100_Vb", "2:10.0", INF_X86, 10, 0},
    {"10_VB_X64", "_v100_X64_Vb", "2:10.0", INF_AMD64, 10, 0},
    {"10_VB_ARM64", "_v100_ARM64_Vb", "2:10.0", INF_ARM64, 10, 0},
    {"ServerFE_X64", "Server_v100_X64_21H2", "2:10.0", INF_AMD64, 10, 0},
    {"ServerFE_ARM64", "Server_v100_ARM64_21H2", "2:10.0", INF_ARM64, 10, 0},
    {"10_CO_X64", "_v100_X64_21H2", "2:10.0", INF_AMD64, 10, 0},
    {"10_CO_ARM64", "_v100_ARM64_21H2", "2:10.0", INF_ARM64, 10, 0},
    {"10_NI_X64", "_v100_X64_22H2", "2:10.0", INF_AMD64, 10, 0},
    {"10_NI_ARM64", "_v100_ARM64_22H2", "2:10.0", INF_ARM64, 10, 0},
    {"10_GE_X64", "_v100_X64_24H2", "2:10.0", INF_AMD64, 10, 0},
    {"10_GE_ARM64", "_v100_ARM64_24H2", "2:10.0", INF_ARM64, 10, 0},
    {"Server2025_X64", "Server_v100_X64_24H2", "2:10.0", INF_AMD64, 10, 0},
    {"Server2025_ARM64", "Server_v100_ARM64_24H2", "2:10.0", INF_ARM64, 10, 0},
    {"10_25H2_X64", "_v100_X64_25H2", "2:10.0", INF_AMD64, 10, 0},
    {"10_25H2_ARM64", "_v100_ARM64_25H2", "2:10.0", INF_ARM64, 10, 0},
};
_Static_assert(KD_ARRAY_LEN(table) <= OSLIST_ROWS_MAX, "more bits");

/* Versions in the order of OSAttr; table's rows hold one or two of them. */
static const char *const versions[] = {
    "2:5.00", "2:5.1", "2:5.2", "2:6.0", "2:6.1", "2:6.2", "2:6.3", "2:10.0"};

static bool
has(const struct oslist *l, size_t row)
{
	return (l->rows[row / 64] >> (row % 64) & 1) != 0;
}

static bool
applies(const struct oslist *l, unsigned archs, size_t row)
{
	return has(l, row) && (archs >> table[row].arch & 1) != 0;
}

static bool
add(struct oslist *l, const char *name, struct kd_err *e)
{
	const char *names[KD_ARRAY_LEN(table) + 1] = {0};

	for (size_t i = 0; i < KD_ARRAY_LEN(table); i++) {
		if (text_eq_nocase(name, table[i].name)) {
			l->rows[i / 64] |= UINT64_C(1) << (i % 64);
			return true;
		}
		names[i] = table[i].name;
	}
	(void)kd_fail(e, KD_E_USAGE, "'%s': unknown version of Windows", SHOW(name));
	if (text_hint_nearest(e, "", name, names))
		return false;
	return kd_hint(e, "names are such as 10_X64, 7_X86 and Server2016_X64, separated by "
			  "commas");
}

bool
oslist_parse(const char *text, struct oslist *ret, struct kd_err *e)
{
	struct oslist l = {0};
	char name[NAME_MAX_LEN];

	for (;;) {
		size_t n = strcspn(text, ",");

		if (n == 0 || n >= sizeof(name))
			return kd_fail(e, KD_E_USAGE,
			    "expected names of Windows versions, separated by commas, "
			    "not '%s'",
			    SHOW(text));
		memcpy(name, text, n);
		name[n] = '\0';
		if (!add(&l, name, e))
			return false;
		if (text[n] == '\0')
			break;
		text += n + 1;
	}
	*ret = l;
	return true;
}

unsigned
oslist_archs(const struct oslist *l)
{
	unsigned mask = 0;

	for (size_t i = 0; i < KD_ARRAY_LEN(table); i++)
		if (has(l, i))
			mask |= 1u << table[i].arch;
	return mask;
}

bool
oslist_reaches(const struct oslist *l, unsigned major, unsigned minor)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(table); i++)
		if (has(l, i) && (table[i].major > major ||
				     (table[i].major == major && table[i].minor >= minor)))
			return true;
	return false;
}

enum cat_version
oslist_version(const struct oslist *l)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(table); i++)
		if (has(l, i) && table[i].major == 6 && table[i].minor < 3)
			return CAT_V1;
		else if (has(l, i) && table[i].major < 6)
			return CAT_V1;
	return CAT_V2;
}

void
oslist_put_tokens(const struct oslist *l, unsigned archs, struct buf *ret)
{
	bool first = true;

	for (size_t i = 0; i < KD_ARRAY_LEN(table); i++) {
		if (!applies(l, archs, i))
			continue;
		buf_printf(ret, "%s%s", first ? "" : ",", table[i].token);
		first = false;
	}
}

/* Is this one of the versions, separated by a comma, of a row that applies? */
static bool
has_version(const struct oslist *l, unsigned archs, const char *version)
{
	size_t n = strlen(version);

	for (size_t i = 0; i < KD_ARRAY_LEN(table); i++) {
		const char *comma = strchr(table[i].versions, ',');

		if (applies(l, archs, i) &&
		    (strcmp(comma != NULL ? comma + 1 : table[i].versions, version) == 0 ||
			(comma != NULL && strncmp(table[i].versions, version, n) == 0)))
			return true;
	}
	return false;
}

void
oslist_put_versions(const struct oslist *l, unsigned archs, struct buf *ret)
{
	bool first = true;

	for (size_t i = 0; i < KD_ARRAY_LEN(versions); i++) {
		if (!has_version(l, archs, versions[i]))
			continue;
		buf_printf(ret, "%s%s", first ? "" : ",", versions[i]);
		first = false;
	}
}

void
oslist_help(struct buf *ret)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(table); i++)
		buf_printf(ret, "  %s\n", table[i].name);
}
