/* SPDX-License-Identifier: Apache-2.0 */
/* wire/json.c - strict views of a parsed JSON text: what is asked for, and nothing else.
 */
#include "wire/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "wire/json_value.h"

static void
path_add(char path[JSON_PATH_MAX], const char *sep, const char *name)
{
	size_t at = strlen(path);

	(void)snprintf(&path[at], JSON_PATH_MAX - at, "%s%s", at == 0 ? "" : sep, name);
}

KD_PRINTF(3, 0)
static void
finding(const struct jo *o, const char *name, const char *fmt, va_list ap)
{
	char path[JSON_PATH_MAX], what[256];

	memcpy(path, o->path, sizeof(path));
	path_add(path, ".", name);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	kd_fail(o->e, KD_E_REQUEST, "%s: %s", path, what);
}

bool
jo_bad(const struct jo *o, const char *name, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	finding(o, name, fmt, ap);
	va_end(ap);
	return false;
}

static const char *
type_name(const struct value *v)
{
	switch (v->type) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a whole number";
	case JSON_REAL:
		return "a number with fraction or exponent";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	case JSON_NULL:
		break;
	}
	return "null";
}

static const struct value *
usable_object(const struct value *v, const char *path, struct kd_err *e)
{
	if (v->type == JSON_OBJECT)
		return v;
	kd_fail(e, KD_E_REQUEST, "%s: needs an object, is %s",
	    path[0] == '\0' ? "the document" : path, type_name(v));
	return NULL;
}

struct jo
jo_top(const struct json *j, struct kd_err *e)
{
	return (struct jo){.obj = usable_object(&j->v[0], "", e), .e = e};
}

/* The member and its place among its siblings; NULL when absent or after a finding. A
 * walk: the objects are small, and the place is needed. */
static const struct value *
find(const struct jo *o, const char *name, unsigned *ret_place)
{
	const struct value *v = o->obj == NULL ? NULL : value_first(o->obj);

	*ret_place = 0;
	for (; v != NULL && strcmp(v->name, name) != 0; v = value_next(v))
		++*ret_place;
	return v;
}

bool
jo_has(const struct jo *o, const char *name)
{
	unsigned place;

	return find(o, name, &place) != NULL;
}

static const struct value *
take_opt(struct jo *o, const char *name)
{
	unsigned place = 0;
	const struct value *v = find(o, name, &place);

	if (v != NULL)
		o->seen |= UINT64_C(1) << place;
	return v;
}

static const struct value *
take(struct jo *o, const char *name)
{
	const struct value *v = take_opt(o, name);

	if (v == NULL && o->obj != NULL)
		jo_bad(o, name, "missing");
	return v;
}

static const char *
as_string(
    const struct jo *o, const char *name, const struct value *v, size_t min, size_t max)
{
	size_t n;

	if (v->type != JSON_STRING) {
		jo_bad(o, name, "needs a string, is %s", type_name(v));
		return "";
	}
	n = v->n;
	if (n >= min && n <= max)
		return v->s;
	if (min == max)
		jo_bad(o, name, "needs %zu bytes, has %zu", min, n);
	else
		jo_bad(o, name, "needs %zu to %zu bytes, has %zu", min, max, n);
	return "";
}

const char *
jo_str(struct jo *o, const char *name, size_t min, size_t max)
{
	const struct value *v = take(o, name);

	return v == NULL ? "" : as_string(o, name, v, min, max);
}

const char *
jo_str_opt(struct jo *o, const char *name, size_t max)
{
	const struct value *v = take_opt(o, name);

	return v == NULL ? NULL : as_string(o, name, v, 1, max);
}

static uint64_t
as_uint(const struct jo *o, const char *name, const struct value *v, uint64_t min,
    uint64_t max)
{
	if (v->type != JSON_INTEGER) {
		jo_bad(o, name, "needs a whole number, is %s", type_name(v));
		return min;
	}
	if (v->i >= 0 && (uint64_t)v->i >= min && (uint64_t)v->i <= max)
		return (uint64_t)v->i;
	jo_bad(o, name, "must be %llu to %llu, is %lld", (unsigned long long)min,
	    (unsigned long long)max, (long long)v->i);
	return min;
}

uint64_t
jo_uint(struct jo *o, const char *name, uint64_t min, uint64_t max)
{
	const struct value *v = take(o, name);

	return v == NULL ? min : as_uint(o, name, v, min, max);
}

uint64_t
jo_uint_opt(struct jo *o, const char *name, uint64_t max, uint64_t dflt)
{
	const struct value *v = take_opt(o, name);

	return v == NULL ? dflt : as_uint(o, name, v, 0, max);
}

static bool
as_bool(const struct jo *o, const char *name, const struct value *v)
{
	if (v->type != JSON_TRUE && v->type != JSON_FALSE)
		jo_bad(o, name, "needs true or false, is %s", type_name(v));
	return v->type == JSON_TRUE;
}

bool
jo_bool(struct jo *o, const char *name)
{
	const struct value *v = take(o, name);

	return v != NULL && as_bool(o, name, v);
}

bool
jo_bool_opt(struct jo *o, const char *name, bool dflt)
{
	const struct value *v = take_opt(o, name);

	return v == NULL ? dflt : as_bool(o, name, v);
}

struct jo
jo_obj(struct jo *o, const char *name)
{
	const struct value *v = take(o, name);
	struct jo sub = {.e = o->e};

	memcpy(sub.path, o->path, sizeof(sub.path));
	path_add(sub.path, ".", name);
	if (v != NULL)
		sub.obj = usable_object(v, sub.path, o->e);
	return sub;
}

static struct ja
as_array(
    const struct jo *o, const char *name, const struct value *v, size_t min, size_t max)
{
	struct ja a = {.e = o->e};
	size_t n;

	memcpy(a.path, o->path, sizeof(a.path));
	path_add(a.path, ".", name);
	if (v == NULL)
		return a;
	if (v->type != JSON_ARRAY) {
		jo_bad(o, name, "needs an array, is %s", type_name(v));
		return a;
	}
	n = v->n;
	if (n < min || n > max) {
		jo_bad(o, name, "needs %zu to %zu elements, has %zu", min, max, n);
		return a;
	}
	a.arr = v;
	a.n = n;
	return a;
}

struct ja
jo_arr(struct jo *o, const char *name, size_t min, size_t max)
{
	return as_array(o, name, take(o, name), min, max);
}

struct ja
jo_arr_opt(struct jo *o, const char *name, size_t max)
{
	return as_array(o, name, take_opt(o, name), 0, max);
}

static void
element_path(const struct ja *a, size_t i, char path[JSON_PATH_MAX])
{
	char index[32];

	(void)snprintf(index, sizeof(index), "[%zu]", i);
	memcpy(path, a->path, JSON_PATH_MAX);
	path_add(path, "", index);
}

/* Element i < n; from where the last one was found, so that a loop over all walks but
 * once. */
static const struct value *
element(struct ja *a, size_t i)
{
	if (a->cursor == NULL || i < a->cursor_at) {
		a->cursor = value_first(a->arr);
		a->cursor_at = 0;
	}
	for (; a->cursor_at < i; a->cursor_at++)
		a->cursor = value_next(a->cursor);
	return a->cursor;
}

struct jo
ja_obj(struct ja *a, size_t i)
{
	struct jo o = {.e = a->e};

	element_path(a, i, o.path);
	if (i < a->n)
		o.obj = usable_object(element(a, i), o.path, a->e);
	return o;
}

const char *
ja_str(struct ja *a, size_t i, size_t max)
{
	struct jo o = {.e = a->e};
	char path[JSON_PATH_MAX];

	if (i >= a->n)
		return "";
	element_path(a, i, path);
	return as_string(&o, path, element(a, i), 1, max);
}

void
jo_ignore_rest(struct jo *o)
{
	o->seen = UINT64_MAX;
}

bool
jo_end(struct jo *o)
{
	const struct value *v = o->obj == NULL ? NULL : value_first(o->obj);

	for (uint64_t left = ~o->seen; v != NULL; v = value_next(v), left >>= 1)
		if ((left & 1) != 0)
			return jo_bad(o, SHOW(v->name), "unknown member");
	return o->e->code == KD_OK;
}
