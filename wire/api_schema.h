/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/api_schema.h - the API in tables: routes, objects, members, limits, codes. The
 * decoders take their limits from here, and a test holds docs/openapi.yaml against it.
 */
#ifndef KD_API_SCHEMA_H
#define KD_API_SCHEMA_H
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/md.h"
#include "wire/json.h"

enum api_type {
	API_STRING,  /* min, max: bytes */
	API_CODE,    /* a string: one of api_codes, or of a newer server's */
	API_INTEGER, /* min, max: value */
	API_BOOLEAN,
	API_OBJECT,
	API_ARRAY /* min, max: elements */
};

struct api_object;
struct api_member {
	const char *name;
	enum api_type type;
	bool optional;
	uint64_t min, max;
	const struct api_object
	    *of; /* OBJECT: which; ARRAY: of which, NULL for strings */
	const char *const
	    *one_of; /* STRING, ARRAY of strings: the only values; ends with NULL */
};

struct api_object {
	const char *name;                 /* under components/schemas */
	const struct api_member *members; /* ends with a row whose name is NULL */
};

extern const struct api_object api_sign_request_schema, api_item_schema,
    api_sign_answer_schema, api_item_answer_schema, api_item_error_schema,
    api_keys_schema, api_key_schema, api_custody_schema, api_ready_schema,
    api_ready_key_schema, api_ready_token_schema, api_problem_schema, api_stamp_request_schema,
    api_stamp_answer_schema;
extern const struct api_object *const api_objects[]; /* all of them; ends with NULL */

struct api_route {
	const char *method, *path;
	const struct api_object *request,
	    *answer;     /* NULL: no body; a body that is not JSON */
	int statuses[6]; /* of answers; ends with 0. Problems come beside */
};
extern const struct api_route api_routes[]; /* ends with a row whose method is NULL */

/* Codes that may stand in a problem or in an item's error; ends with KD_OK. */
extern const enum kd_code api_codes[];
/* KD_E_BUG for a name that this version does not know. */
enum kd_code api_code_by_name(const char *name);

/* The row of that name; a name that the table lacks is a bug. */
const struct api_member *api_member(const struct api_object *schema, const char *name);

/*
 * Readers of one member, by its row: type, limits and whether it may be absent. After a
 * finding they give "", 0, false or something empty, so jo_end() has to be asked before
 * use.
 */
/* NULL when absent, where it may be. */
const char *api_get_str(struct jo *o, const struct api_object *schema, const char *name);
/* The same into dst, which must hold the row's max + 1; "" when absent. */
void api_get_text(struct jo *o, const struct api_object *schema, const char *name,
    char *dst, size_t dst_len);
uint64_t api_get_uint(struct jo *o, const struct api_object *schema, const char *name);
/* More elements than max are KD_E_TOO_LARGE, not KD_E_REQUEST. */
struct ja api_get_arr(struct jo *o, const struct api_object *schema, const char *name);
struct api_texts;
/* Sentences; none when absent, where they may be. */
void api_get_texts(struct jo *o, const struct api_object *schema, const char *name,
    struct api_texts *ret);
void api_put_texts(struct buf *b, const char *name, const struct api_texts *t);
/* The same for a member of base64 that may be large: more characters than max are
 * KD_E_TOO_LARGE. */
const char *api_get_base64(
    struct jo *o, const struct api_object *schema, const char *name);
/* Base64 text into bytes of the caller's (free()), at most max of them. */
bool api_get_bytes(const struct jo *o, const char *name, const char *base64, size_t max,
    uint8_t **ret, size_t *ret_len) KD_MUST;
/* "digest" of schema, exactly as long as its "digest_algorithm" says; both must be there.
 */
void api_get_digest(struct jo *o, const struct api_object *schema, enum md *ret_md,
    uint8_t ret[MD_LEN_MAX]);
/* jo_end() for what a server said: members of a newer one pass. */
bool api_answer_end(struct jo *o) KD_MUST;
/* The last word on what a server said wrongly: KD_E_PROTOCOL, "what: ...". Always false.
 */
bool api_answer_bad(const char *what, struct kd_err *e);
#endif
