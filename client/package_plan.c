/* SPDX-License-Identifier: Apache-2.0 */
/* client/package_plan.c - from a folder to what is to be done with each of its files. */
#include <string.h>

#include "authenticode/kernel_facts.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "client/package.h"
#include "driver/inf_arch.h"

#define SUBSYSTEM_NATIVE 1
/* A catalog's list and, beside it, signatures. */
#define CATALOG_LEN_MAX (CAT_LEN_MAX + ((size_t)2 << 20))

void
package_wanted_clear(struct package_wanted *w)
{
	certs_free(w->more);
	*w = (struct package_wanted){0};
}

void
package_clear(struct package *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].sign != NULL)
			file_replace_clear(&p->v[i].sign->staged);
		free(p->v[i].path);
		buf_clear(&p->v[i].built);
	}
	free(p->v);
	inf_run_clear(&p->run);
	*p = (struct package){.dir = p->dir};
}

size_t
package_count(const struct package *p, enum package_action action)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->v[i].action == action;
	return n;
}

const char *
package_name(const struct package *p, const struct package_file *f)
{
	size_t n = strlen(p->run.package.dir);

	return strncmp(f->path, p->run.package.dir, n) == 0 && f->path[n] == '/'
		   ? &f->path[n + 1]
		   : f->path;
}

/* Today's Windows, of each architecture that the INFs have a section for. Itanium counts
 * only when there is no other: its last Windows would ask for SHA-1 from all. */
static bool
usual_os(struct package *p, struct kd_err *e)
{
	static const char *const usual[] = {[INF_X86] = "10_X86",
	    [INF_AMD64] = "10_X64",
	    [INF_IA64] = "Server2008R2_IA64",
	    [INF_ARM] = "6_3_ARM",
	    [INF_ARM64] = "10_RS3_ARM64"};
	AUTO(buf_clear) struct buf names = {0};
	unsigned archs = 0;

	for (size_t i = 0; i < p->run.package.n; i++)
		archs |= inf_archs_named(&p->run.package.v[i].inf);
	if (archs != 1u << INF_IA64)
		archs &= ~(1u << INF_IA64);
	if (archs == 0) /* no decoration: Models serve x86 then */
		archs = inf_section(&p->run.package.v[0].inf, "Manufacturer") != NULL
			    ? 1u << INF_X86
			    : 1u << INF_AMD64;
	for (int a = 0; a < INF_ARCHS; a++)
		if ((archs >> a & 1) != 0)
			buf_printf(&names, "%s%s", names.len == 0 ? "" : ",", usual[a]);
	return buf_cstr(&names) == NULL ? buf_ok(&names, "list", e)
					: oslist_parse(buf_cstr(&names), &p->os, e);
}

static bool
test(struct package *p, const struct package_options *o, struct kd_err *e)
{
	const struct inf_check_options check = {
	    &p->os, inf_date_today(o->local_time)};

	if (!inf_package_open(p->dir, &p->run.package, e))
		return false;
	if (o->os != NULL)
		p->os = *o->os;
	else if (!usual_os(p, e))
		return false;
	return inf_check(
	    &p->run.package, &check, &p->run.contents, &p->run.found, e);
}

static void
no_tick(size_t done_n)
{
	(void)done_n;
}

static bool
hash(struct package *p, const struct package_options *o, struct kd_err *e)
{
	const struct inf_run_options run = {.os = &p->os,
	    .version = o->version,
	    .page_hashes = o->sign.page_hashes};
	const struct catalog_options how = {.jobs = o->catalog_jobs, .tick = no_tick};

	if (!inf_run_plan(&p->run, &run, e))
		return false;
	for (size_t i = 0; i < p->run.made_n; i++)
		if (!inf_run_hash(&p->run, i, &how, e))
			return false;
	return true;
}

struct entry { /* a member of a catalog */
	const char *path;
	size_t catalog, member, order;
};

static int
compare_paths(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	int d = strcmp(a->path, b->path);

	return d != 0 ? d : (a->order > b->order) - (a->order < b->order);
}

static int
compare_orders(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;

	return (a->order > b->order) - (a->order < b->order);
}

/* Each path once, where it comes first. */
static size_t
once_each(struct entry *v, size_t n)
{
	size_t kept = 0;

	if (n > 1)
		qsort(v, n, sizeof(*v), compare_paths);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || strcmp(v[kept - 1].path, v[i].path) != 0)
			v[kept++] = v[i];
	if (kept > 1)
		qsort(v, kept, sizeof(*v), compare_orders);
	return kept;
}

static bool
is_inf(const char *path)
{
	size_t n = strlen(path);

	return n > 4 && text_eq_nocase(&path[n - 4], ".inf");
}

static bool
add_file(struct package *p, const struct entry *from, struct kd_err *e)
{
	const struct cat_hash *h =
	    &p->run.made[from->catalog].files[from->member].hash;
	struct package_file *f = &p->v[p->n];

	*f = (struct package_file){.catalog = from->catalog, .path = kd_strdup(from->path)};
	if (f->path == NULL)
		return kd_fail_nomem(e, "list of files");
	p->n++;
	if (h->subject == CAT_PE)
		f->kind = PACKAGE_BINARY;
	else
		f->kind = is_inf(f->path) ? PACKAGE_INF : PACKAGE_OTHER;
	return h->doubt[0] == '\0' ||
	       kd_fail(e, KD_E_FORMAT, "'%s': begins like a PE image, but cannot be "
				       "signed: %s",
		   SHOW(f->path), h->doubt);
}

static bool
add_catalog(struct package *p, size_t i, struct kd_err *e)
{
	struct package_file *f = &p->v[p->n];

	*f = (struct package_file){.kind = PACKAGE_CATALOG,
	    .action = PACKAGE_SIGN,
	    .catalog = i,
	    .path = kd_strdup(p->run.paths[i])};
	p->n += f->path != NULL;
	return f->path != NULL || kd_fail_nomem(e, "list of files");
}

/* A catalog that lists another which is made with it would be wrong as soon as that one is
 * signed. */
static bool
check_no_catalog(const struct package *p, const char *path, struct kd_err *e)
{
	for (size_t i = 0; i < p->run.made_n; i++)
		if (strcmp(p->run.paths[i], path) == 0)
			return kd_fail(e, KD_E_FORMAT,
			    "'%s': an INF copies it, and it is the catalog of one",
			    SHOW(path));
	return true;
}

/* Every member of every catalog, and the catalogs. */
static bool
list_files(struct package *p, struct kd_err *e)
{
	AUTO(free) struct entry *v = NULL;
	size_t n = 0, at = 0;

	for (size_t i = 0; i < p->run.made_n; i++)
		n += p->run.made[i].cdf->members_n;
	v = kd_alloc_array(n, sizeof(*v));
	p->v = kd_alloc_array(n + p->run.made_n, sizeof(*p->v));
	if (v == NULL || p->v == NULL)
		return kd_fail_nomem(e, "list of files");
	for (size_t i = 0; i < p->run.made_n; i++)
		for (size_t k = 0; k < p->run.made[i].cdf->members_n; k++, at++)
			v[at] = (struct entry){p->run.made[i].files[k].path, i, k, at};
	n = once_each(v, n);
	for (size_t i = 0; i < n; i++)
		if (!check_no_catalog(p, v[i].path, e) || !add_file(p, &v[i], e))
			return false;
	for (size_t i = 0; i < p->run.made_n; i++)
		if (!add_catalog(p, i, e))
			return false;
	return true;
}

static bool
has_all(const struct certs *c, const struct certs *wanted)
{
	for (size_t i = 0; wanted != NULL && i < certs_n(wanted); i++) {
		size_t len, other_len, k = 0;
		const uint8_t *der = certs_der(wanted, i, &len), *other;

		for (; k < certs_n(c); k++) {
			other = certs_der(c, k, &other_len);
			if (other_len == len && memcmp(other, der, len) == 0)
				break;
		}
		if (k == certs_n(c))
			return false;
	}
	return true;
}

static bool
same_text(const char *a, const char *b)
{
	return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

static bool
is_by_key(const struct cms *c, const struct package_wanted *w)
{
	struct cert_info info;
	struct kd_err ignored = {0};

	return c->signer < certs_n(c->certs) &&
	       cert_info(c->certs, c->signer, &info, &ignored) &&
	       memcmp(info.sha1, w->sha1, sizeof(w->sha1)) == 0;
}

/* Is this signature what a new one would be, but for its time? pe: page hashes count. */
static bool
is_right(
    const struct verify_report *r, const struct package_options *o, bool pe)
{
	const struct verify_signature *s = r->sigs;
	enum md md = o->sign.md != MD_NONE ? o->sign.md : MD_SHA256;

	if (r->sigs_n == 0 || !s->intact || !is_by_key(&s->cms, o->wanted) ||
	    s->cms.md != md || !has_all(s->cms.certs, o->wanted->more) ||
	    !same_text(s->cms.description, o->sign.description) ||
	    !same_text(s->cms.url, o->sign.url))
		return false;
	if (pe && o->sign.page_hashes && !s->spc.page_hashes)
		return false;
	return !stamp_wanted(&o->sign.stamp) ||
	       (s->stamp.ok && s->stamp.kind == (o->sign.stamp.legacy.n != 0
							? TSP_LEGACY
							: TSP_RFC3161));
}

/* An intact signature whose certificates lead to one of Microsoft's roots. */
static bool
is_by_microsoft(const struct verify_report *r, int64_t now, bool *ret, struct kd_err *e)
{
	struct kernel_facts *facts = kd_alloc(sizeof(*facts));
	bool done;

	*ret = false;
	if (facts == NULL)
		return kd_fail_nomem(e, "signatures");
	facts->now = now;
	done = kernel_facts_add(r, NULL, NULL, facts, e);
	for (size_t i = 0; done && i < facts->sigs_n; i++)
		*ret = *ret || (facts->sigs[i].root == KERNEL_ROOT_MICROSOFT &&
				   facts->sigs[i].fault[0] == '\0');
	free(facts);
	return done;
}

static bool
judge(const char *path, int fd, const struct package_options *o,
    struct verify_report *ret, struct kd_err *e)
{
	const struct verify_options how = {.roots = o->windows->chain,
	    .tsa_roots = o->windows->tsa,
	    .at = o->now};
	struct kd_err why = {0};

	if (verify_file(fd, &how, ret, &why) || why.code == KD_E_NOT_VERIFIED ||
	    why.code == KD_E_UNSIGNED || why.code == KD_E_FORMAT ||
	    why.code == KD_E_LIMIT)
		return true;
	*e = why;
	return kd_in(e, "'%s'", SHOW(path));
}

/* The catalog that a driver of this machine is looked up in, when there are several. */
static size_t
catalog_for(const struct package *p, const struct package_file *f)
{
	enum inf_arch arch;

	if (p->run.made_n == 1 || !inf_arch_of_machine((uint16_t)f->machine, &arch))
		return f->catalog;
	for (size_t i = 0; i < p->run.made_n; i++) {
		if ((p->run.catalogs.v[i].archs >> arch & 1) == 0)
			continue;
		for (size_t k = 0; k < p->run.made[i].cdf->members_n; k++)
			if (strcmp(p->run.made[i].files[k].path, f->path) == 0)
				return i;
	}
	return f->catalog;
}

static bool
plan_binary(struct package *p, struct package_file *f, const struct package_options *o,
    struct kd_err *e)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	AUTO(close) int fd = -1;
	struct pe pe;

	if (!file_open_read(f->path, &fd, NULL, e))
		return false;
	if (!pe_open(fd, &pe, e))
		return kd_in(e, "'%s'", SHOW(f->path));
	f->machine = pe.machine;
	f->driver = pe.subsystem == SUBSYSTEM_NATIVE;
	f->catalog = catalog_for(p, f);
	f->action = PACKAGE_SIGN;
	if (pe.cert_len == 0)
		return true;
	if (!judge(f->path, fd, o, &r, e) ||
	    !is_by_microsoft(&r, o->now, &f->foreign, e))
		return false;
	if (f->foreign) {
		f->action = PACKAGE_LEAVE;
		f->why = "signed by Microsoft";
	} else if (o->wanted != NULL && is_right(&r, o, true)) {
		f->action = PACKAGE_LEAVE;
		f->why = "signed as asked";
	}
	return true;
}

/* Is the list that is there just what we would write? */
static bool
is_same_list(const struct package *p, const struct package_file *f,
    const struct verify_report *there, bool *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf like = {0};
	AUTO(cat_clear) struct cat ours = {0};
	const struct catalog *made = &p->run.made[f->catalog];

	*ret = false;
	if (there->cat.version != made->cdf->version)
		return true;
	if (!catalog_build_like(made, &there->cat, &like, e) ||
	    !cat_parse(like.p, like.len, &ours, e))
		return false;
	*ret = ours.ctl_len == there->cat.ctl_len &&
	       memcmp(ours.ctl, there->cat.ctl, ours.ctl_len) == 0;
	return true;
}

/* One that Microsoft made took days to get: it is not to be lost by a slip. */
static bool
look_at_old_catalog(const struct package *p, struct package_file *f,
    const struct package_options *o, struct kd_err *e)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	AUTO(close) int fd = -1;
	struct kd_err none = {0};
	bool by_microsoft, same;

	if (!file_open_read(f->path, &fd, NULL, &none))
		return true; /* not there; what else, file_replace_begin will say */
	if (!judge(f->path, fd, o, &r, e))
		return false;
	if (r.subject != VERIFY_CATALOG || r.cat.ctl == NULL)
		return true;
	if (!is_by_microsoft(&r, o->now, &by_microsoft, e))
		return false;
	if (by_microsoft) {
		(void)kd_fail(e, KD_E_FILE,
		    "'%s': Microsoft has signed this catalog: the package is finished",
		    SHOW(f->path));
		return kd_hint(e, "to have it made anew, remove the file first");
	}
	if (o->wanted == NULL || !is_right(&r, o, false))
		return true;
	if (!is_same_list(p, f, &r, &same, e))
		return false;
	if (same) {
		f->action = PACKAGE_LEAVE;
		f->why = "lists what it should, signed as asked";
	}
	return true;
}

static bool
plan_catalog(struct package *p, struct package_file *f, const struct package_options *o,
    struct kd_err *e)
{
	if (!look_at_old_catalog(p, f, o, e))
		return false;
	return f->action == PACKAGE_LEAVE ||
	       catalog_build(&p->run.made[f->catalog], &f->built, e);
}

static bool
plan_files(struct package *p, const struct package_options *o, struct kd_err *e)
{
	for (size_t i = 0; i < p->n; i++) {
		struct package_file *f = &p->v[i];
		bool done = true;

		if (f->kind == PACKAGE_BINARY)
			done = plan_binary(p, f, o, e);
		else if (f->kind == PACKAGE_CATALOG)
			done = plan_catalog(p, f, o, e);
		/* Now, before the token signs the others of the package. */
		if (!done ||
		    (f->action == PACKAGE_SIGN && !file_replace_probe(f->path, e)))
			return false;
		f->plan = (struct plan_file){
		    .arg = f->path, .path = f->path, .target = f->path};
	}
	return true;
}

void
package_plan(struct package *p, const struct package_options *o)
{
	struct kd_err *e = &p->e;

	if (!test(p, o, e) || p->run.found.errors != 0)
		return;
	(void)(hash(p, o, e) && list_files(p, e) && plan_files(p, o, e));
}
