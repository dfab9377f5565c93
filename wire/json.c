/* SPDX-License-Identifier: Apache-2.0 */
/* wire/json.c - strict reading of JSON; the only file that knows jansson. */
#include "wire/json.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/text.h"

/* Never defined: a struct json is jansson's root value under our name. */
static const json_t *
root_of(const struct json *j)
{
	return (const json_t *)(const void *)j;
}

void
json_free(struct json *j)
{
	json_decref((json_t *)(void *)j);
}

/* jansson goes on after some failed allocations, with a byte missing from a string, and
 * reports others as bad syntax: once one has failed, all others of that text do, and this
 * is believed. */
static _Thread_local bool out_of_memory;

static void *
allocate(size_t n)
{
	void *p = out_of_memory ? NULL : kd_alloc(n);

	if (p == NULL)
		out_of_memory = true;
	return p;
}

/* Seeding by ourselves, because jansson would open /dev/urandom long after the sandbox
 * closed. */
static void
prepare_library(void)
{
	size_t seed = 0;

	json_set_alloc_funcs(allocate, free);
	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed) || seed == 0)
		seed = (size_t)(uintptr_t)&seed; /* 0 would mean: seed yourself */
	json_object_seed(seed);
}

/* A finding of ours at offset at, placed as jansson places its own: lines from 1, columns
 * in characters. Always false. */
KD_PRINTF(4, 5)
static bool
bad_at(const char *p, size_t at, struct kd_err *e, const char *fmt, ...)
{
	size_t line = 1, column = 1;
	char what[64];
	va_list ap;

	for (size_t i = 0; i < at; i++) {
		bool begins_character = ((unsigned char)p[i] & 0xc0) != 0x80;

		column = p[i] == '\n' ? 1 : column + begins_character;
		line += p[i] == '\n';
	}
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return kd_fail(e, KD_E_REQUEST, "line %zu column %zu: %s", line, column, what);
}

/* From a string's first quote to its last, or beyond the end of the text. */
static size_t
string_end(const char *p, size_t n, size_t at)
{
	for (at++; at < n && p[at] != '"'; at++)
		if (p[at] == '\\')
			at++;
	return at;
}

/* What the text would cost to parse, found without parsing: brackets need not match, and
 * an empty one counts as two values. */
static bool
check_extent(const char *p, size_t n, struct kd_err *e)
{
	size_t values = 1, depth = 0;

	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if (c == '"') {
			i = string_end(p, n, i);
		} else if (c == ',' || c == '[' || c == '{') {
			values++;
			depth += c != ',';
		} else if ((c == ']' || c == '}') && depth > 0) {
			depth--;
		}
		if (depth > JSON_DEPTH_MAX)
			return bad_at(
			    p, i, e, "nested more than %d deep", JSON_DEPTH_MAX);
		if (values > JSON_VALUES_MAX)
			return kd_fail(e, KD_E_TOO_LARGE, "more than %d JSON values",
			    JSON_VALUES_MAX);
	}
	return true;
}

/* jansson itself nests 2,048 deep and skips a NUL behind a number. */
static bool
check_text(const char *p, size_t n, struct kd_err *e)
{
	const char *nul;

	if (n > JSON_LEN_MAX)
		return kd_fail(e, KD_E_TOO_LARGE,
		    "%zu bytes of JSON, at most %zu allowed", n, JSON_LEN_MAX);
	if (n == 0)
		return bad_at(p, 0, e, "the text is empty");
	nul = memchr(p, '\0', n);
	if (nul != NULL)
		return bad_at(p, (size_t)(nul - p), e, "a NUL byte");
	return check_extent(p, n, e);
}

bool
json_parse(const char *p, size_t n, struct json **ret, struct kd_err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	json_error_t why;
	json_t *root;

	if (!check_text(p, n, e))
		return false;
	pthread_once(&once, prepare_library);
	out_of_memory = false;
	root = json_loadb(p, n, JSON_REJECT_DUPLICATES, &why);
	if (out_of_memory) {
		json_decref(root);
		return kd_fail_nomem(e, "parsing JSON");
	}
	if (root != NULL) {
		*ret = (struct json *)(void *)root;
		return true;
	}
	return kd_fail(e, KD_E_REQUEST, "line %d column %d: %s", why.line, why.column,
	    SHOW(why.text));
}

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
type_name(const json_t *v)
{
	switch (json_typeof(v)) {
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

/* The object's members are numbered by iteration, so more than struct jo can number are
 * refused. */
static const json_t *
usable_object(const json_t *v, const char *path, struct kd_err *e)
{
	if (path[0] == '\0')
		path = "the document";
	if (!json_is_object(v))
		kd_fail(
		    e, KD_E_REQUEST, "%s: needs an object, is %s", path, type_name(v));
	else if (json_object_size(v) > JSON_MEMBERS_MAX)
		kd_fail(e, KD_E_REQUEST, "%s: %zu members, at most %d allowed", path,
		    json_object_size(v), JSON_MEMBERS_MAX);
	else
		return v;
	return NULL;
}

struct jo
jo_top(const struct json *j, struct kd_err *e)
{
	return (struct jo){.obj = usable_object(root_of(j), "", e), .e = e};
}

/* jansson's iterators take a pointer to non-const, but change nothing. */
static json_t *
object_of(const struct jo *o)
{
	return (json_t *)(uintptr_t)o->obj;
}

/* The member and its place among its siblings; NULL when absent or after a finding. A
 * walk, not a hash lookup: objects are small, and the place is needed. */
static const json_t *
find(const struct jo *o, const char *name, unsigned *ret_place)
{
	json_t *obj = object_of(o);
	unsigned place = 0;

	for (void *it = json_object_iter(obj); it != NULL;
	     it = json_object_iter_next(obj, it)) {
		if (strcmp(json_object_iter_key(it), name) == 0) {
			*ret_place = place;
			return json_object_iter_value(it);
		}
		place++;
	}
	return NULL;
}

bool
jo_has(const struct jo *o, const char *name)
{
	unsigned place;

	return find(o, name, &place) != NULL;
}

static const json_t *
take_opt(struct jo *o, const char *name)
{
	unsigned place = 0;
	const json_t *v = find(o, name, &place);

	if (v != NULL)
		o->seen |= UINT64_C(1) << place;
	return v;
}

static const json_t *
take(struct jo *o, const char *name)
{
	const json_t *v = take_opt(o, name);

	if (v == NULL && o->obj != NULL)
		jo_bad(o, name, "missing");
	return v;
}

static const char *
as_string(const struct jo *o, const char *name, const json_t *v, size_t min, size_t max)
{
	size_t n;

	if (!json_is_string(v)) {
		jo_bad(o, name, "needs a string, is %s", type_name(v));
		return "";
	}
	n = json_string_length(v);
	if (n >= min && n <= max)
		return json_string_value(v);
	if (min == max)
		jo_bad(o, name, "needs %zu bytes, has %zu", min, n);
	else
		jo_bad(o, name, "needs %zu to %zu bytes, has %zu", min, max, n);
	return "";
}

const char *
jo_str(struct jo *o, const char *name, size_t min, size_t max)
{
	const json_t *v = take(o, name);

	return v == NULL ? "" : as_string(o, name, v, min, max);
}

const char *
jo_str_opt(struct jo *o, const char *name, size_t max)
{
	const json_t *v = take_opt(o, name);

	return v == NULL ? NULL : as_string(o, name, v, 1, max);
}

static uint64_t
as_uint(const struct jo *o, const char *name, const json_t *v, uint64_t min, uint64_t max)
{
	json_int_t i;

	if (!json_is_integer(v)) {
		jo_bad(o, name, "needs a whole number, is %s", type_name(v));
		return min;
	}
	i = json_integer_value(v);
	if (i >= 0 && (uint64_t)i >= min && (uint64_t)i <= max)
		return (uint64_t)i;
	jo_bad(o, name, "must be %llu to %llu, is %lld", (unsigned long long)min,
	    (unsigned long long)max, (long long)i);
	return min;
}

uint64_t
jo_uint(struct jo *o, const char *name, uint64_t min, uint64_t max)
{
	const json_t *v = take(o, name);

	return v == NULL ? min : as_uint(o, name, v, min, max);
}

uint64_t
jo_uint_opt(struct jo *o, const char *name, uint64_t max, uint64_t dflt)
{
	const json_t *v = take_opt(o, name);

	return v == NULL ? dflt : as_uint(o, name, v, 0, max);
}

static bool
as_bool(const struct jo *o, const char *name, const json_t *v)
{
	if (!json_is_boolean(v))
		jo_bad(o, name, "needs true or false, is %s", type_name(v));
	return json_is_true(v);
}

bool
jo_bool(struct jo *o, const char *name)
{
	const json_t *v = take(o, name);

	return v != NULL && as_bool(o, name, v);
}

bool
jo_bool_opt(struct jo *o, const char *name, bool dflt)
{
	const json_t *v = take_opt(o, name);

	return v == NULL ? dflt : as_bool(o, name, v);
}

struct jo
jo_obj(struct jo *o, const char *name)
{
	const json_t *v = take(o, name);
	struct jo sub = {.e = o->e};

	memcpy(sub.path, o->path, sizeof(sub.path));
	path_add(sub.path, ".", name);
	if (v != NULL)
		sub.obj = usable_object(v, sub.path, o->e);
	return sub;
}

static struct ja
as_array(const struct jo *o, const char *name, const json_t *v, size_t min, size_t max)
{
	struct ja a = {.e = o->e};
	size_t n;

	memcpy(a.path, o->path, sizeof(a.path));
	path_add(a.path, ".", name);
	if (v == NULL)
		return a;
	if (!json_is_array(v)) {
		jo_bad(o, name, "needs an array, is %s", type_name(v));
		return a;
	}
	n = json_array_size(v);
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

struct jo
ja_obj(const struct ja *a, size_t i)
{
	struct jo o = {.e = a->e};

	element_path(a, i, o.path);
	if (i < a->n)
		o.obj = usable_object(json_array_get(a->arr, i), o.path, a->e);
	return o;
}

const char *
ja_str(const struct ja *a, size_t i, size_t max)
{
	struct jo o = {.e = a->e};
	char path[JSON_PATH_MAX];

	if (i >= a->n)
		return "";
	element_path(a, i, path);
	return as_string(&o, path, json_array_get(a->arr, i), 1, max);
}

void
jo_ignore_rest(struct jo *o)
{
	o->seen = UINT64_MAX;
}

bool
jo_end(struct jo *o)
{
	json_t *obj = object_of(o);
	uint64_t left = ~o->seen;

	for (void *it = json_object_iter(obj); it != NULL;
	     it = json_object_iter_next(obj, it)) {
		if ((left & 1) != 0)
			return jo_bad(
			    o, SHOW(json_object_iter_key(it)), "unknown member");
		left >>= 1;
	}
	return o->e->code == KD_OK;
}
