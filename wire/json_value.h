/* SPDX-License-Identifier: Apache-2.0 */
/* wire/json_value.h - a parsed JSON text as one flat array: between json_parse.c and
 * json.c only. */
#ifndef KD_JSON_VALUE_H
#define KD_JSON_VALUE_H
#include <stddef.h>
#include <stdint.h>

enum json_type {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_INTEGER,
	JSON_REAL, /* its grammar was checked, its value nobody asks for */
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

/* A container's children follow it: the first is the next element, the others by next. */
struct value {
	enum json_type type;
	uint32_t n;       /* of a string: bytes; of a container: children */
	uint32_t next;    /* elements from here to the next sibling; 0: the last one */
	const char *name; /* as a member; NULL in an array */
	union {
		const char *s; /* NUL-terminated UTF-8 */
		int64_t i;
	};
};

struct json {
	struct value *v; /* v[0] is the whole text */
	char *text;      /* all strings and names, each with its NUL */
};

static inline const struct value *
value_first(const struct value *container)
{
	return container->n == 0 ? NULL : &container[1];
}

static inline const struct value *
value_next(const struct value *v)
{
	return v->next == 0 ? NULL : &v[v->next];
}
#endif
