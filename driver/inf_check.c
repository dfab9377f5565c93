/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_check.c - Inf2Cat's signability test: is this package fit for a catalog? */
#include "driver/inf_check.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "driver/cdf_path.h"
#include "driver/inf_arch.h"
#include "driver/inf_inside.h"

#define SUFFIX_CAT ".cat"
#define SUFFIX_INF ".inf"
#define ARCH_LEN 8

void
inf_contents_clear(struct inf_contents *c)
{
	for (size_t i = 0; i < c->n; i++)
		inf_files_clear(&c->files[i]);
	free(c->files);
	inf_ids_clear(&c->ids);
	*c = (struct inf_contents){0};
}

struct check {
	const struct inf_package *p;
	const struct inf_check_options *o;
	struct inf_contents *ret;
	struct inf_findings *found;
	struct cdf_finder finder;
	struct inf_inside inside;
	/* the INF being tested */
	const struct inf_unit *unit;
	const struct inf *f;
	const char *name;
};

static void
check_clear(struct check *c)
{
	cdf_finder_clear(&c->finder);
	inf_inside_clear(&c->inside);
}
AUTO_DEFINE_CLEAR(struct check, check_clear);

static bool
ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), k = strlen(suffix);

	return n > k && strcasecmp(&s[n - k], suffix) == 0;
}

/* "AMD64", as Inf2Cat's sentences have it. */
static const char *
upper(enum inf_arch a, char dst[ARCH_LEN])
{
	const char *name = inf_arch_name(a);
	size_t i;

	for (i = 0; name[i] != '\0' && i + 1 < ARCH_LEN; i++)
		dst[i] = (char)toupper((unsigned char)name[i]);
	dst[i] = '\0';
	return dst;
}

static bool
check_encoding(struct check *c, struct kd_err *e)
{
	if (c->f->encoding != INF_UTF8 && c->f->encoding != INF_UTF8_BOM &&
	    c->f->encoding != INF_UTF16BE)
		return true;
	return inf_find(c->found, INF_WARNING, "1003", c->f, 0,
	    "save it as UTF-16 with little-endian byte order mark, or as ANSI", e,
	    "\\%s is encoded in %s, which Windows does not take for text of its own",
	    c->name,
	    c->f->encoding == INF_UTF16BE ? "big-endian UTF-16" : "UTF-8");
}

/* A plain name: the catalog is in the INF's own folder. What is between '%' is in no
 * [Strings]. */
static bool
check_catalog_name(struct check *c, const char *name, unsigned line, struct kd_err *e)
{
	if (strpbrk(name, "/\\:%") == NULL && ends_with(name, SUFFIX_CAT))
		return true;
	return inf_find(c->found, INF_ERROR, "22.9.4", c->f, line, NULL, e,
	    "CatalogFile '%s' in [Version] section of \\%s, expected a name such as "
	    "hello.cat, without a folder",
	    SHOW(name), c->name);
}

/* said: line of the name looked at last, which may serve the next architecture too. */
static bool
check_catalog_of(struct check *c, enum inf_arch a, unsigned *said, struct kd_err *e)
{
	AUTO(buf_clear) struct buf name = {0};
	char arch[ARCH_LEN];
	unsigned line;

	if (!inf_catalog_name(c->f, a, &name, &line, e))
		return false;
	if (name.len > 0) {
		bool again = line == *said;

		*said = line;
		return again || check_catalog_name(c, buf_cstr(&name), line, e);
	}
	if (c->o->os == NULL)
		return true;
	return inf_find(c->found, INF_ERROR, "22.9.4", c->f, line,
	    "CatalogFile = NAME.cat in [Version] serves every architecture", e,
	    "Missing %s CatalogFile entry from [Version] section of \\%s",
	    upper(a, arch), c->name);
}

/* Without versions to be for, one catalog for any architecture will do. */
static bool
check_catalogs(struct check *c, struct kd_err *e)
{
	unsigned archs = c->o->os == NULL ? INF_ARCHS_ALL : oslist_archs(c->o->os);
	unsigned said = 0;

	if (inf_section(c->f, "Version") == NULL)
		return true; /* said already */
	for (int a = 0; a < INF_ARCHS; a++)
		if ((archs >> a & 1) != 0 &&
		    !check_catalog_of(c, (enum inf_arch)a, &said, e))
			return false;
	if (said != 0 || c->o->os != NULL)
		return true;
	return inf_find(c->found, INF_ERROR, "22.9.4", c->f,
	    inf_section(c->f, "Version")->line,
	    "a line such as CatalogFile = hello.cat says it", e,
	    "Missing CatalogFile entry from [Version] section of \\%s", c->name);
}

static bool
check_models(struct check *c, const struct inf_models *m, struct kd_err *e)
{
	unsigned archs = c->o->os == NULL ? 0 : oslist_archs(c->o->os);
	char arch[ARCH_LEN];

	for (int a = INF_X86 + 1; m->any && a < INF_ARCHS; a++)
		if ((archs >> a & 1) != 0 && (m->archs >> a & 1) == 0 &&
		    !inf_find(c->found, INF_ERROR, "", c->f, m->line,
			"undecorated Models sections serve x86 alone", e,
			"\\%s does not have NT%s decorated model sections", c->name,
			upper((enum inf_arch)a, arch)))
			return false;
	return true;
}

/* There, but compressed: x.sy_ for x.sys. */
static bool
is_compressed(struct check *c, const char *path)
{
	AUTO(buf_clear) struct buf b = {0};
	AUTO(buf_clear) struct buf found = {0};
	struct kd_err none = {0};

	buf_add(&b, path, strlen(path) - 1);
	buf_u8(&b, '_');
	return buf_cstr(&b) != NULL &&
	       cdf_find(&c->finder, "", buf_cstr(&b), &found, &none);
}

/* Of this package, not one that a link brings in. */
static bool
check_inside(struct check *c, const struct inf *f, unsigned line, const char *path,
    struct kd_err *e)
{
	AUTO(free) char *where = inf_inside_where(&c->inside, path);

	return where == NULL ||
	       inf_find(c->found, INF_ERROR, "", f, line, INF_INSIDE_HINT, e,
		   INF_INSIDE_TEXT, SHOW(path), SHOW(where));
}

/* What Windows would load or run. */
static bool
is_program(const char *path)
{
	static const char *const endings[] = {".sys", ".dll", ".exe"};

	for (size_t i = 0; i < KD_ARRAY_LEN(endings); i++)
		if (ends_with(path, endings[i]))
			return true;
	return false;
}

/* A driver that is none would be listed as data and left unsigned, without a word. */
static bool
check_program(struct check *c, const struct inf_file *file, const char *path,
    struct kd_err *e)
{
	AUTO(close) int fd = -1;
	struct stat st;
	struct kd_err later = {0}; /* who reads it in earnest will say */
	char magic[2];

	if (!is_program(path) || !file_open_read(path, &fd, &st, &later) ||
	    (st.st_size >= (off_t)sizeof(magic) &&
		(!file_pread_full(fd, magic, sizeof(magic), 0, &later) ||
		    memcmp(magic, "MZ", sizeof(magic)) == 0)))
		return true;
	return inf_find(c->found, INF_WARNING, "", file->inf, file->line,
	    "what did the build leave there, or is it a pointer of git-lfs?", e,
	    "'%s' %s: it is listed as data, and cannot be signed", SHOW(path),
	    st.st_size == 0 ? "is empty" : "is no program");
}

static bool
check_there(struct check *c, const struct inf_file *file, struct kd_err *e)
{
	AUTO(buf_clear) struct buf found = {0};
	struct kd_err none = {0};

	if (cdf_find(&c->finder, "", file->path, &found, &none))
		return check_inside(c, file->inf, file->line, buf_cstr(&found), e) &&
		       check_program(c, file, buf_cstr(&found), e);
	if (none.code == KD_E_NOMEM)
		return kd_fail_nomem(e, "path");
	return inf_find(c->found, INF_ERROR, "22.9.1", file->inf, file->line,
	    is_compressed(c, file->path)
		? "there is a compressed one: unpack it first"
		: "copy it there; what lies in a cabinet has to be unpacked first",
	    e,
	    "\\%s in \\%s is missing or cannot be decompressed from source media: '%s'",
	    SHOW(inf_base_name(file->path)), SHOW(inf_base_name(file->inf->path)),
	    SHOW(file->path));
}

static bool
check_files(struct check *c, struct inf_files *files, struct kd_err *e)
{
	if (!inf_files_collect(c->p, c->unit, files, c->found, e))
		return false;
	for (size_t i = 0; i < files->n; i++)
		if (!check_there(c, &files->v[i], e))
			return false;
	return inf_sources_check(c->unit, files, c->found, e) &&
	       inf_arch_check(c->p, c->unit, &c->finder, c->found, e);
}

static bool
check_copied_inf(struct check *c, const struct inf_line *line, const char *name,
    struct kd_err *e)
{
	if (!ends_with(name, SUFFIX_INF))
		return inf_find(c->found, INF_ERROR, "1110", c->f, line->number, NULL, e,
		    "CopyINF names '%s', which is no INF", SHOW(name));
	if (inf_package_unit(c->p, name) != NULL)
		return true;
	return inf_find(c->found, INF_ERROR, "22.9.1", c->f, line->number, NULL, e,
	    "\\%s in \\%s is missing or cannot be decompressed from source media",
	    SHOW(name), c->name);
}

static bool
check_copied_infs(struct check *c, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};

	for (size_t i = 0; i < c->f->lines_n; i++) {
		const struct inf_line *line = &c->f->lines[i];

		if (line->key == NULL || strcasecmp(line->key, "CopyINF") != 0)
			continue;
		for (size_t k = 0; k < line->n; k++) {
			if (!inf_value(c->f, line, k, &b, e))
				return false;
			if (b.len > 0 && !check_copied_inf(c, line, buf_cstr(&b), e))
				return false;
		}
	}
	return true;
}

static bool
check_unit(struct check *c, struct inf_files *files, struct kd_err *e)
{
	struct inf_models models;

	return check_encoding(c, e) && check_inside(c, c->f, 0, c->f->path, e) &&
	       inf_version_check(c->f, c->o->os, &c->o->today, c->found, e) &&
	       check_catalogs(c, e) &&
	       inf_models_read(c->f, &c->ret->ids, &models, c->found, e) &&
	       check_models(c, &models, e) && check_files(c, files, e) &&
	       check_copied_infs(c, e);
}

bool
inf_check(const struct inf_package *p, const struct inf_check_options *o,
    struct inf_contents *ret, struct inf_findings *found, struct kd_err *e)
{
	AUTO(check_clear) struct check c = {
	    .p = p, .o = o, .ret = ret, .found = found};

	ret->files = kd_alloc_array(p->n, sizeof(*ret->files));
	if (ret->files == NULL)
		return kd_fail_nomem(e, "INFs");
	ret->n = p->n;
	if (!inf_inside_open(p->dir, &c.inside, e) || !inf_needs_check(p, found, e))
		return false;
	for (size_t i = 0; i < p->n; i++) {
		c.unit = &p->v[i];
		c.f = &p->v[i].inf;
		c.name = SHOW(inf_base_name(c.f->path));
		if (c.unit->tested && !check_unit(&c, &ret->files[i], e))
			return false;
	}
	inf_ids_number(&ret->ids);
	return true;
}
