/* SPDX-License-Identifier: Apache-2.0 */
/* driver/submission.c - what Hardware Dev Center wants of a cabinet. */
#include "driver/submission.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "driver/cab_pack.h"
#include "driver/inf_models.h"
#include "driver/oslist.h"

/* A finding of something that is no INF. */
#define FIND(found, severity, where, hint, e, ...)                                       \
	inf_find(found, severity, "", &(const struct inf){.path = (char *)(where)}, 0,    \
	    hint, e, __VA_ARGS__)

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool
submission_check_folder(const char *path, const char *folder, struct inf_findings *found,
    struct kd_err *e)
{
	size_t n = strlen(folder), i = 0;

	if (n > SUBMISSION_FOLDER_CHARS_MAX &&
	    !FIND(found, INF_ERROR, path, "rename it", e,
		"folder '%s' has a name of %zu characters, expected fewer than %d",
		SHOW(folder), n, SUBMISSION_FOLDER_CHARS_MAX + 1))
		return false;
	while (is_plain(folder[i]) || (folder[i] == ' ' && i > 0 && i + 1 < n))
		i++;
	if (i == n && n > 0 && folder[n - 1] != '.')
		return true;
	return FIND(found, INF_ERROR, path, "rename it", e,
	    "folder '%s' has special characters in its name, expected letters, digits, "
	    "'_', '-', and '.' or blanks between them",
	    SHOW(folder));
}

/* ---- layout ---- */

static bool
has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);

	return n > k && strcasecmp(&name[n - k], suffix) == 0;
}

static const char *
base(const char *name)
{
	const char *slash = strrchr(name, '\\');

	return slash == NULL ? name : slash + 1;
}

/* Base names up to the last dot, in any case. */
static int
compare_stems(const void *pa, const void *pb)
{
	const char *a = base(*(const char *const *)pa);
	const char *b = base(*(const char *const *)pb);
	const char *dot_a = strrchr(a, '.'), *dot_b = strrchr(b, '.');
	size_t n = dot_a == NULL ? strlen(a) : (size_t)(dot_a - a);
	size_t k = dot_b == NULL ? strlen(b) : (size_t)(dot_b - b);
	int d = strncasecmp(a, b, n < k ? n : k);

	return d != 0 ? d : (n > k) - (n < k);
}

static int
compare_names(const void *a, const void *b)
{
	return cab_name_compare(*(const char *const *)a, *(const char *const *)b);
}

struct layout {
	const char *cab;
	const char **v;    /* sorted */
	const char **pdbs; /* room for as many: those of the folder at hand */
	struct inf_findings *found;
};

static size_t
folder_len(const char *name)
{
	const char *slash = strchr(name, '\\');

	return slash == NULL ? 0 : (size_t)(slash - name);
}

/* Drivers without symbols. */
static bool
check_symbols(const struct layout *l, size_t from, size_t to, struct kd_err *e)
{
	size_t n = 0;

	for (size_t i = from; i < to; i++)
		if (has_suffix(l->v[i], ".pdb"))
			l->pdbs[n++] = l->v[i];
	if (n > 1)
		qsort(l->pdbs, n, sizeof(*l->pdbs), compare_stems);
	for (size_t i = from; i < to; i++) {
		if (!has_suffix(l->v[i], ".sys") ||
		    (n > 0 && bsearch(&l->v[i], l->pdbs, n, sizeof(*l->pdbs),
				  compare_stems) != NULL))
			continue;
		if (!FIND(l->found, INF_WARNING, l->cab,
			"Microsoft analyses crashes only with them", e,
			"no symbols (.pdb) for '%s'", SHOW(l->v[i])))
			return false;
	}
	return true;
}

/* v[from..to-1]: all that begins with one folder's name, in whatever case. */
static bool
check_group(const struct layout *l, size_t from, size_t to, struct kd_err *e)
{
	size_t n = folder_len(l->v[from]);
	char folder[CAB_PACK_NAME_MAX + 1] = "";
	bool inf = false, cases = false;

	memcpy(folder, l->v[from], n);
	if (!submission_check_folder(l->cab, folder, l->found, e))
		return false;
	for (size_t i = from; i < to; i++) {
		inf |= has_suffix(l->v[i], ".inf") && base(l->v[i]) == &l->v[i][n + 1];
		cases |= strncmp(l->v[i], folder, n) != 0;
	}
	if (cases && !FIND(l->found, INF_ERROR, l->cab, NULL, e,
			 "folder '%s' is there in several spellings, which are one to "
			 "Windows",
			 SHOW(folder)))
		return false;
	if (!inf && !FIND(l->found, INF_ERROR, l->cab,
			"each folder at the top is one driver package", e,
			"folder '%s' has no INF in it", SHOW(folder)))
		return false;
	return check_symbols(l, from, to, e);
}

static bool
check_name(const struct layout *l, size_t i, struct kd_err *e)
{
	struct kd_err name = {0};

	if (!cab_name_check(l->v[i], &name))
		return FIND(l->found, INF_ERROR, l->cab, NULL, e, "%s", name.msg);
	if (i > 0 && cab_name_compare(l->v[i - 1], l->v[i]) == 0)
		return FIND(l->found, INF_ERROR, l->cab, NULL, e,
		    "'%s' is there twice, in whatever case", SHOW(l->v[i]));
	if (folder_len(l->v[i]) == 0)
		return FIND(l->found, INF_ERROR, l->cab,
		    "put each driver package into a folder of its own", e,
		    "'%s' lies at the top of the cabinet, expected in a folder",
		    SHOW(l->v[i]));
	return true;
}

static bool
check_groups(const struct layout *l, size_t n, struct kd_err *e)
{
	size_t to;

	for (size_t i = 0; i < n; i = to) {
		size_t len = folder_len(l->v[i]);

		to = i + 1;
		if (len == 0 || len > CAB_PACK_NAME_MAX)
			continue;
		while (to < n && folder_len(l->v[to]) == len &&
		       strncasecmp(l->v[i], l->v[to], len) == 0)
			to++;
		if (!check_group(l, i, to, e))
			return false;
	}
	return true;
}

bool
submission_check_names(const char *cab, const char *const *names, size_t n,
    struct inf_findings *found, struct kd_err *e)
{
	AUTO(free) const char **v = kd_memdup(names, n * sizeof(*names));
	AUTO(free) const char **pdbs = kd_alloc_array(n, sizeof(*pdbs));
	const struct layout l = {cab, v, pdbs, found};

	if (v == NULL || pdbs == NULL)
		return kd_fail_nomem(e, "names");
	if (n == 0)
		return FIND(found, INF_ERROR, cab, NULL, e, "no file is in it");
	qsort(v, n, sizeof(*v), compare_names);
	for (size_t i = 0; i < n; i++)
		if (!check_name(&l, i, e))
			return false;
	return check_groups(&l, n, e);
}

/* ---- architectures ---- */

bool
submission_archs(const struct inf_package *p, unsigned *ret, struct kd_err *e)
{
	unsigned archs = 0;

	for (size_t i = 0; i < p->n; i++) {
		AUTO(inf_ids_clear) struct inf_ids ids = {0};
		AUTO(inf_findings_clear) struct inf_findings said = {0}; /* by inf_check */
		struct inf_models m;

		if (!p->v[i].tested)
			continue;
		if (!inf_models_read(&p->v[i].inf, &ids, &m, &said, e))
			return false;
		archs |= m.archs | (m.plain ? 1u << INF_X86 : 0);
	}
	*ret = archs;
	return true;
}

static const char *
put_archs(struct buf *b, unsigned archs)
{
	const char *text;

	for (int a = 0; a < INF_ARCHS; a++) {
		if ((archs >> a & 1) == 0)
			continue;
		archs &= ~(1u << a);
		buf_printf(b, "%s%s", b->len == 0 ? "" : archs == 0 ? " and " : ", ",
		    inf_arch_name((enum inf_arch)a));
	}
	text = buf_cstr(b);
	return text != NULL ? text : "?";
}

bool
submission_check_archs(const struct submission_folder *v, size_t n,
    struct inf_findings *found, struct kd_err *e)
{
	size_t first = 0;

	while (first < n && v[first].archs == 0)
		first++;
	for (size_t i = first + 1; i < n; i++) {
		AUTO(buf_clear) struct buf mine = {0}, others = {0};

		if (v[i].archs == 0 || v[i].archs == v[first].archs)
			continue;
		if (!FIND(found, INF_ERROR, v[i].path,
			"make a cabinet of its own for what is for others", e,
			"is for %s, but '%s' for %s: all packages of a submission are for "
			"the same architectures",
			put_archs(&mine, v[i].archs), SHOW(v[first].path),
			put_archs(&others, v[first].archs)))
			return false;
	}
	return true;
}
