/* SPDX-License-Identifier: Apache-2.0 */
/* wire/json.h - strict reading and canonical writing of JSON; json.c alone knows jansson. */
#ifndef KD_JSON_H
#define KD_JSON_H
#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"

struct json; /* a parsed document; opaque */

void json_free(struct json *j);
AUTO_DEFINE(struct json, json_free);
/*
 * json_parse - one object or array in UTF-8 and nothing after it (RFC 8259).
 *
 * Refused besides: a member twice in an object, a NUL in a string, half of a surrogate pair, a
 * whole number beyond 64 bits, and what exceeds the limits below, which are checked before
 * jansson sees the text: a parsed value takes some thirty times its two bytes.
 * ret  owned by the caller (json_free); borrows nothing from p
 * Errors: KD_E_REQUEST "line 3 column 7: ...", KD_E_TOO_LARGE, KD_E_NOMEM.
 */
#define JSON_LEN_MAX ((size_t)64 << 20)
#define JSON_DEPTH_MAX 16
#define JSON_VALUES_MAX 65536 /* an API message of 1000 items has some 8000 */
bool json_parse(const char *p, size_t n, struct json **ret, struct kd_err *e) KD_MUST;

/*
 * A strict view of one object: each member is asked for by name, and jo_end refuses what nobody
 * asked for. The first finding sticks, with the path of the member ("items[3].digest"), so a
 * run of reads needs one jo_end - before any value is used.
 */
#define JSON_PATH_MAX 96
#define JSON_MEMBERS_MAX 64 /* in one object */
struct jo {
	const void *obj;          /* borrowed from struct json; NULL after a finding */
	char path[JSON_PATH_MAX]; /* of this object, "" for the top */
	uint64_t seen;            /* members taken, by iteration order */
	struct kd_err *e;         /* where the first finding goes */
};
struct ja { /* an array inside one */
	const void *arr; /* borrowed from struct json */
	size_t n;
	char path[JSON_PATH_MAX];
	struct kd_err *e;
};

/* The document itself, which must be an object. e must be fresh; all views share it. */
struct jo jo_top(const struct json *j, struct kd_err *e);
bool jo_has(const struct jo *o, const char *name);
/* Borrowed; "" after a finding. Refused (KD_E_REQUEST) when absent, of another type, shorter than
 * min or longer than max bytes. */
const char *jo_str(struct jo *o, const char *name, size_t min, size_t max);
const char *jo_str_opt(struct jo *o, const char *name, size_t max); /* NULL when absent; not empty */
uint64_t jo_uint(struct jo *o, const char *name, uint64_t min, uint64_t max);
uint64_t jo_uint_opt(struct jo *o, const char *name, uint64_t max, uint64_t dflt);
bool jo_bool(struct jo *o, const char *name);
bool jo_bool_opt(struct jo *o, const char *name, bool dflt);
struct jo jo_obj(struct jo *o, const char *name);
struct ja jo_arr(struct jo *o, const char *name, size_t min, size_t max);
struct ja jo_arr_opt(struct jo *o, const char *name, size_t max); /* n == 0 when absent */
struct jo ja_obj(const struct ja *a, size_t i);
const char *ja_str(const struct ja *a, size_t i, size_t max);
/* Takes all that is left: for readers of answers, which must tolerate newer servers. */
void jo_ignore_rest(struct jo *o);
/* A finding of the caller's about a member: "items[3].digest: needs 64 hex digits, has 12".
 * Always false. */
bool jo_bad(const struct jo *o, const char *name, const char *fmt, ...) KD_PRINTF(3, 4);
/* True when there was no finding in this or any other view, and every member was asked for. */
bool jo_end(struct jo *o) KD_MUST;

/*
 * Writing goes straight into a buf: no tree. Members come out in the order they are written;
 * canonical JSON (the record's events) is: sorted by the writer, no blanks, integers only.
 *     jw_open(b); jw_str(b, "id", id); jw_uint(b, "size", n); jw_close(b);
 * The document starts where b was empty: commas are found by looking at the last byte.
 * Member names are written as they are: constants of ours, nothing to escape.
 */
void jw_open(struct buf *b);                       /* { as a value */
void jw_open_member(struct buf *b, const char *name);
void jw_close(struct buf *b);                      /* } */
void jw_arr_open(struct buf *b, const char *name); /* "name":[  (name NULL: a value) */
void jw_arr_close(struct buf *b);
/* A byte of s that is not UTF-8 comes out as U+FFFD. */
void jw_str(struct buf *b, const char *name, const char *s);
void jw_strn(struct buf *b, const char *name, const char *s, size_t n);
void jw_uint(struct buf *b, const char *name, uint64_t v);
void jw_bool(struct buf *b, const char *name, bool v);
void jw_null(struct buf *b, const char *name);
void jw_json(struct buf *b, const char *name, const struct buf *value); /* written before */
void jw_hex(struct buf *b, const char *name, const void *p, size_t n);
void jw_base64(struct buf *b, const char *name, const void *p, size_t n);
/* name NULL in any of these: an array element. */
#endif
