/* SPDX-License-Identifier: Apache-2.0 */
/* driver/cdf_files.c - a CDF's [CatalogFiles]. */
#include "driver/cdf_files.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "driver/cdf_attr.h"

#define HASH_PREFIX "<HASH>"
#define ALTSIPID "ALTSIPID"

/* The modules ("SIP") whose digests can be computed here; cat_attr.c writes the same. */
static const struct {
	const char *guid;
	enum cat_subject subject;
} sips[] = {
    {"{DE351A42-8E59-11D0-8C47-00C04FC295EE}", CAT_FLAT},
    {"{C689AAB8-8E78-11D0-8C47-00C04FC295EE}", CAT_PE},
    {"{C689AABA-8E78-11D0-8C47-00C04FC295EE}", CAT_CAB},
};

/* A key of the section: a member, or something of the member whose tag it begins with. */
struct entry {
	const struct cdf_line *line;
	struct entry *owner; /* NULL: is a member */
	unsigned number;     /* of the attribute; 0: ALTSIPID */
	size_t member;       /* index into cdf's members */
};

struct files {
	const char *path;
	struct entry *v;       /* in the file's order */
	struct entry **sorted; /* by key */
	size_t n;
};

void
cdf_slashes(char *path)
{
	for (; *path != '\0'; path++)
		if (*path == '\\')
			*path = '/';
}

static int
compare_entries(const void *pa, const void *pb)
{
	const struct entry *const *a = pa, *const *b = pb;
	int c = cdf_compare((*a)->line->key, (*b)->line->key);

	return c != 0 ? c
		      : ((*a)->line->number > (*b)->line->number) -
			    ((*a)->line->number < (*b)->line->number);
}

/* The entry whose key is the first n bytes of key, or NULL. */
static struct entry *
find(const struct files *f, const char *key, size_t n)
{
	size_t from = 0, to = f->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		const char *at = f->sorted[mid]->line->key;
		int c = strncasecmp(at, key, n);

		if (c == 0 && at[n] == '\0')
			return f->sorted[mid];
		if (c < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return NULL;
}

/* What the key of an attribute is for, or 0 when its end is no attribute's. */
static size_t
tag_len(const char *key, unsigned *ret_number)
{
	size_t n = strlen(key), at = strlen(ALTSIPID), prefix = 0;

	*ret_number = cdf_numbered(key, "ATTR", &prefix);
	if (*ret_number != 0)
		return prefix;
	return n > at && strcasecmp(&key[n - at], ALTSIPID) == 0 ? n - at : 0;
}

static bool
set_owner(const struct files *f, struct entry *entry, struct kd_err *e)
{
	const struct cdf_line *line = entry->line;
	unsigned number = 0;
	size_t n = tag_len(line->key, &number);

	if (n == 0)
		return true;
	entry->owner = find(f, line->key, n);
	entry->number = number;
	if (entry->owner != NULL ||
	    !(number != 0 ? cdf_attr_like(line->value) : line->value[0] == '{'))
		return true; /* of another entry; or a tag that happens to end like this
			      */
	return kd_fail(e, KD_E_FORMAT, "'%s' is for a member that is not there, '%.*s'",
	    SHOW(line->key), (int)n, line->key);
}

static bool
check_owner(const struct entry *entry, struct kd_err *e)
{
	const struct entry *owner = entry->owner;

	if (owner == NULL || owner->owner == NULL)
		return true;
	return kd_fail(e, KD_E_FORMAT, "'%s': '%s' is an attribute of '%s', no member",
	    SHOW(entry->line->key), SHOW(owner->line->key),
	    SHOW(owner->owner->line->key));
}

static bool
check_repeated(const struct files *f, struct kd_err *e)
{
	for (size_t i = 1; i < f->n; i++) {
		const struct cdf_line *a = f->sorted[i - 1]->line;
		const struct cdf_line *b = f->sorted[i]->line;

		if (cdf_compare(a->key, b->key) == 0) {
			(void)kd_fail(e, KD_E_FORMAT, "'%s' again, first at line %u",
			    SHOW(b->key), a->number);
			return cdf_in_line(f->path, b->number, e);
		}
	}
	return true;
}

static bool
set_member(const struct cdf_line *line, struct cdf_member *ret, struct kd_err *e)
{
	size_t prefix = strlen(HASH_PREFIX);

	ret->tag = line->key;
	ret->by_hash = strncasecmp(line->key, HASH_PREFIX, prefix) == 0;
	ret->line = line->number;
	if (line->value[0] == '\0')
		return kd_fail(
		    e, KD_E_FORMAT, "'%s': expected a file's path", SHOW(line->key));
	if (!ret->by_hash && strlen(line->key) > CDF_TAG_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "'%s': a name of %zu characters, at most %d", SHOW(line->key),
		    strlen(line->key), CDF_TAG_MAX);
	cdf_slashes(line->value);
	ret->path = line->value;
	return true;
}

static bool
set_sip(const char *guid, struct cdf_member *m, struct kd_err *e)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(sips); i++) {
		if (text_eq_nocase(guid, sips[i].guid)) {
			m->as_is = true;
			m->subject = sips[i].subject;
			return true;
		}
	}
	(void)kd_fail(e, KD_E_FORMAT,
	    "ALTSIPID '%s': digests of this kind are not known here", SHOW(guid));
	return kd_hint(e, "known are flat files %s, PE images %s and cabinets %s",
	    sips[0].guid, sips[1].guid, sips[2].guid);
}

/* Members first, so that attributes may stand before them. */
static bool
add_members(struct files *f, struct cdf *ret, struct kd_err *e)
{
	size_t n = 0;

	ret->fault = CDF_FAULT_NO_TAG;
	for (size_t i = 0; i < f->n; i++)
		n += f->v[i].owner == NULL;
	if (n == 0)
		return kd_fail(
		    e, KD_E_FORMAT, "'%s': no file in [CatalogFiles]", SHOW(f->path));
	if (n > CDF_MEMBERS_MAX)
		return kd_fail(e, KD_E_LIMIT, "'%s': %zu files, at most %zu",
		    SHOW(f->path), n, CDF_MEMBERS_MAX);
	ret->members = kd_alloc_array(n, sizeof(*ret->members));
	if (ret->members == NULL)
		return kd_fail_nomem(e, "members");
	ret->fault = CDF_FAULT_MEMBER_PATH;
	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].owner != NULL)
			continue;
		f->v[i].member = ret->members_n;
		if (!set_member(f->v[i].line, &ret->members[ret->members_n++], e))
			return cdf_in_line(f->path, f->v[i].line->number, e);
	}
	return true;
}

static int
compare_owned(const void *pa, const void *pb)
{
	const struct entry *const *a = pa, *const *b = pb;

	return ((*a)->owner->member > (*b)->owner->member) -
	       ((*a)->owner->member < (*b)->owner->member);
}

/* n entries of one member. */
static bool
add_values(const struct files *f, struct entry **owned, size_t n, struct cdf_member *m,
    uint32_t *fault, struct kd_err *e)
{
	AUTO(free) struct cdf_slot *slots = kd_alloc_array(n, sizeof(*slots));
	size_t slots_n = 0;

	if (slots == NULL)
		return kd_fail_nomem(e, "attributes");
	if (n > CDF_VALUES_MAX) {
		(void)kd_fail(e, KD_E_LIMIT, "'%s' has %zu attributes, at most %zu",
		    SHOW(m->tag), n, CDF_VALUES_MAX);
		return cdf_in_line(f->path, m->line, e);
	}
	for (size_t i = 0; i < n; i++) {
		const struct cdf_line *line = owned[i]->line;
		bool ok;

		*fault = owned[i]->number == 0 ? CDF_FAULT_ATTR_GUID
					       : cdf_attr_fault(line->value);
		if (owned[i]->number == 0) {
			ok = set_sip(line->value, m, e);
		} else {
			slots[slots_n].number = owned[i]->number;
			slots[slots_n].line = line->number;
			ok = cdf_attr_parse(line->value, &slots[slots_n++].value, e);
		}
		if (!ok)
			return cdf_in_line(f->path, line->number, e);
	}
	*fault = CDF_FAULT_ATTR_TYPE;
	if (!cdf_slots_take(slots, slots_n, f->path, &m->values, e))
		return false;
	m->values_n = slots_n;
	return true;
}

static bool
add_attributes(const struct files *f, struct cdf *ret, struct kd_err *e)
{
	AUTO(free) struct entry **owned = kd_alloc_array(f->n, sizeof(*owned));
	size_t n = 0, last;

	if (owned == NULL)
		return kd_fail_nomem(e, "attributes");
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].owner != NULL)
			owned[n++] = &f->v[i];
	if (n > 1)
		qsort(owned, n, sizeof(*owned), compare_owned);
	for (size_t first = 0; first < n; first = last) {
		size_t member = owned[first]->owner->member;

		for (last = first; last < n && owned[last]->owner->member == member;)
			last++;
		if (!add_values(f, &owned[first], last - first, &ret->members[member],
			&ret->fault, e))
			return false;
	}
	return true;
}

bool
cdf_files_read(const struct cdf_lines *lines, struct cdf *ret, struct kd_err *e)
{
	AUTO(free) struct entry *v = kd_alloc_array(lines->n, sizeof(*v));
	AUTO(free) struct entry **sorted = kd_alloc_array(lines->n, sizeof(*sorted));
	struct files f = {.path = lines->path, .v = v, .sorted = sorted};

	if (v == NULL || sorted == NULL)
		return kd_fail_nomem(e, "members");
	for (size_t i = 0; i < lines->n; i++) {
		if (lines->v[i].section != CDF_FILES)
			continue;
		v[f.n].line = &lines->v[i];
		sorted[f.n] = &v[f.n];
		f.n++;
	}
	if (f.n > 1)
		qsort(sorted, f.n, sizeof(*sorted), compare_entries);
	ret->fault = CDF_FAULT_DUPLICATE;
	if (!check_repeated(&f, e))
		return false;
	ret->fault = CDF_FAULT_NO_TAG;
	for (size_t i = 0; i < f.n; i++)
		if (!set_owner(&f, &v[i], e))
			return cdf_in_line(f.path, v[i].line->number, e);
	for (size_t i = 0; i < f.n; i++)
		if (!check_owner(&v[i], e))
			return cdf_in_line(f.path, v[i].line->number, e);
	return add_members(&f, ret, e) && add_attributes(&f, ret, e);
}
