/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_catalog.c - the catalogs that a folder's INFs name, and what each is to list.
 */
#include "driver/inf_catalog.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"

/* Authenticated, name and value plain text: the flags of all that Inf2Cat says. */
#define FLAGS (CAT_AUTHENTICATED | CAT_VALUE_TEXT | CAT_NAME_TEXT)
#define MEMBER_VALUES 2 /* File, OSAttr */

void
inf_catalogs_clear(struct inf_catalogs *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].name);
		cdf_clear(&c->v[i].cdf);
	}
	free(c->v);
	*c = (struct inf_catalogs){0};
}

/* All that one catalog is made from. */
struct plan {
	const struct inf_package *p;
	const struct inf_contents *contents;
	const struct oslist *os;
	enum cat_version version;
};

static void
lower(char *s)
{
	for (; *s != '\0'; s++)
		*s = (char)tolower((unsigned char)*s);
}

/* The catalog of that name, which may be a new one. */
static bool
take_name(struct inf_catalogs *ret, const struct inf *f, const char *name,
    enum inf_arch arch, struct kd_err *e)
{
	AUTO(free) char *copy = kd_strdup(name);
	struct inf_catalog *v;

	if (copy == NULL)
		return kd_fail_nomem(e, "catalogs");
	lower(copy);
	for (size_t i = 0; i < ret->n; i++) {
		if (strcmp(ret->v[i].name, copy) == 0) {
			ret->v[i].archs |= 1u << arch;
			return true;
		}
	}
	v = kd_realloc_array(ret->v, ret->n + 1, sizeof(*v));
	if (v == NULL)
		return kd_fail_nomem(e, "catalogs");
	ret->v = v;
	ret->v[ret->n++] =
	    (struct inf_catalog){.name = STEAL(copy), .archs = 1u << arch, .inf = f};
	return true;
}

static bool
take_names(const struct plan *plan, struct inf_catalogs *ret, struct kd_err *e)
{
	unsigned archs = oslist_archs(plan->os), line;
	AUTO(buf_clear) struct buf name = {0};

	for (size_t i = 0; i < plan->p->n; i++) {
		const struct inf *f = &plan->p->v[i].inf;

		for (int a = 0; plan->p->v[i].tested && a < INF_ARCHS; a++) {
			if ((archs >> a & 1) == 0)
				continue;
			if (!inf_catalog_name(f, (enum inf_arch)a, &name, &line, e))
				return false;
			if (name.len > 0 && !take_name(ret, f, buf_cstr(&name),
						(enum inf_arch)a, e))
				return false;
		}
	}
	return true;
}

/* Does the unit name this catalog for one of the architectures asked for? */
static bool
is_named(const struct plan *plan, const struct inf_unit *unit,
    const struct inf_catalog *c, bool *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf name = {0};
	unsigned archs = oslist_archs(plan->os), line;

	*ret = false;
	for (int a = 0; unit->tested && !*ret && a < INF_ARCHS; a++) {
		if ((archs >> a & 1) == 0)
			continue;
		if (!inf_catalog_name(&unit->inf, (enum inf_arch)a, &name, &line, e))
			return false;
		if (name.len > 0)
			lower((char *)name.p);
		*ret = name.len > 0 && strcmp(buf_cstr(&name), c->name) == 0;
	}
	return true;
}

/* cdf.text: the values that are this catalog's own, one behind the other. */
static bool
set_text(const struct plan *plan, struct inf_catalog *c, const char **ret_os,
    const char **ret_versions, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};
	size_t second, len;

	oslist_put_tokens(plan->os, c->archs, &b);
	buf_u8(&b, '\0');
	second = b.len;
	oslist_put_versions(plan->os, c->archs, &b);
	buf_u8(&b, '\0');
	if (!buf_ok(&b, "attributes", e))
		return false;
	c->cdf.text = (char *)buf_take(&b, &len);
	*ret_os = c->cdf.text;
	*ret_versions = &c->cdf.text[second];
	return true;
}

/* HWID1 first: the builder stores the header's attributes in reverse, and OS leads. */
static bool
set_header(const struct plan *plan, struct inf_catalog *c, const char *os,
    struct kd_err *e)
{
	const struct inf_ids *ids = &plan->contents->ids;

	c->cdf.values = kd_alloc_array(ids->n + 1, sizeof(*c->cdf.values));
	if (c->cdf.values == NULL)
		return kd_fail_nomem(e, "attributes");
	for (size_t i = 0; i < ids->n; i++)
		c->cdf.values[c->cdf.values_n++] =
		    (struct cat_value){ids->v[i].name, FLAGS, ids->v[i].text};
	c->cdf.values[c->cdf.values_n++] = (struct cat_value){"OS", FLAGS, os};
	return true;
}

static bool
add_member(struct cdf *cdf, const char *path, const char *name, unsigned line,
    const char *versions, struct kd_err *e)
{
	struct cdf_member *m = &cdf->members[cdf->members_n++];

	*m = (struct cdf_member){.tag = path, .path = path, .by_hash = true, .line = line};
	m->values = kd_alloc_array(MEMBER_VALUES, sizeof(*m->values));
	if (m->values == NULL)
		return kd_fail_nomem(e, "attributes");
	m->values[m->values_n++] = (struct cat_value){"File", FLAGS, name};
	m->values[m->values_n++] = (struct cat_value){"OSAttr", FLAGS, versions};
	return true;
}

/* The INF, and the files that it copies. */
static bool
add_unit(const struct plan *plan, size_t unit, struct inf_catalog *c,
    const char *versions, struct kd_err *e)
{
	const struct inf *f = &plan->p->v[unit].inf;
	const struct inf_files *files = &plan->contents->files[unit];

	if (!add_member(&c->cdf, f->path, plan->p->v[unit].name, 1, versions, e))
		return false;
	for (size_t i = 0; i < files->n; i++)
		if (!add_member(&c->cdf, files->v[i].path, files->v[i].name,
			files->v[i].line, versions, e))
			return false;
	return true;
}

static bool
fill(const struct plan *plan, struct inf_catalog *c, struct kd_err *e)
{
	const char *os = "", *versions = "";
	size_t n = 0;
	bool named;

	c->cdf.version = plan->version;
	c->cdf.name = c->name;
	c->cdf.result_dir = plan->p->dir;
	if (!set_text(plan, c, &os, &versions, e) || !set_header(plan, c, os, e))
		return false;
	for (size_t i = 0; i < plan->p->n; i++)
		n += 1 + plan->contents->files[i].n;
	if (n > CDF_MEMBERS_MAX)
		return kd_fail(e, KD_E_LIMIT, "'%s': %zu files, at most %zu", c->name, n,
		    CDF_MEMBERS_MAX);
	c->cdf.members = kd_alloc_array(n, sizeof(*c->cdf.members));
	if (c->cdf.members == NULL)
		return kd_fail_nomem(e, "members");
	for (size_t i = 0; i < plan->p->n; i++) {
		if (!is_named(plan, &plan->p->v[i], c, &named, e))
			return false;
		if (named && !add_unit(plan, i, c, versions, e))
			return false;
	}
	return true;
}

bool
inf_catalogs_plan(const struct inf_package *p, const struct inf_contents *contents,
    const struct oslist *os, enum cat_version version, struct inf_catalogs *ret,
    struct kd_err *e)
{
	const struct plan plan = {p, contents, os, version};

	if (!take_names(&plan, ret, e))
		return false;
	for (size_t i = 0; i < ret->n; i++)
		if (!fill(&plan, &ret->v[i], e))
			return false;
	return true;
}
