/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf.h - an INF file: sections of lines, strings put in their places. */
#ifndef KD_INF_H
#define KD_INF_H
#include <stddef.h>

#include "base/builder.h"
#include "base/error.h"

/*
 * Real ones have some hundred kilobytes, those of display drivers a few megabytes in
 * UTF-16. With these bounds reading one takes less than 64 MiB, and each step is linear
 * but for sorting.
 */
#define INF_LEN_MAX ((size_t)8 << 20)
#define INF_SECTIONS_MAX ((size_t)50000)
#define INF_LINES_MAX ((size_t)200000)
#define INF_FIELDS_MAX ((size_t)500000)
#define INF_FIELD_CHARS_MAX 4095 /* Microsoft's bound, without the NUL */
#define INF_SECTION_CHARS_MAX 255

enum inf_encoding {
	INF_ASCII,
	INF_ANSI, /* any one-byte code: each byte is taken for the character of its number */
	INF_UTF16LE,
	INF_UTF16BE,
	INF_UTF8,    /* without a mark: Windows takes it for ANSI */
	INF_UTF8_BOM /* with the mark */
};

struct inf_line { /* an entry; continued lines are one */
	unsigned number; /* of its first line in the file, from 1 */
	size_t section;
	const char *key; /* of "key = values"; NULL: values alone */
	size_t first, n; /* fields[first]...: unquoted, %strings% not yet replaced */
};

struct inf_section { /* all of that name together, in the file's order */
	const char *name;
	unsigned line;   /* where the first one begins */
	size_t first, n; /* lines[first]... */
};

struct inf_string {
	const char *key, *value;
	size_t order; /* of several with one key the lowest counts: [Strings] first */
};

struct inf {
	char *path;    /* for messages; owned */
	char *text;    /* UTF-8; owned: every string lies in it, NUL-terminated */
	size_t text_len;
	enum inf_encoding encoding;
	struct inf_section *sections; /* in the file's order; owned */
	size_t sections_n;
	struct inf_line *lines; /* section by section; owned */
	size_t lines_n;
	const char **fields; /* owned */
	size_t fields_n;
	const struct inf_section **by_name; /* sections sorted by name; owned */
	const struct inf_line **by_key; /* lines with keys: by section, key, place; owned */
	size_t by_key_n;
	struct inf_string *strings; /* of [Strings], [Strings.*]: by key; owned */
	size_t strings_n;
};
void inf_clear(struct inf *f);
AUTO_DEFINE_CLEAR(struct inf, inf_clear);

/*
 * inf_load - read the file at path and take it apart. What it means is not looked at.
 *
 * UTF-16 with a byte order mark, UTF-8, and else ANSI. ret is written on success only.
 * Errors: KD_E_FORMAT "'hello.inf' line 7: ..."; KD_E_LIMIT, KD_E_FILE, KD_E_NOMEM.
 * Spec:   Microsoft "General Syntax Rules for INF Files"; INF facts 1 and 2.
 */
bool inf_load(const char *path, struct inf *ret, struct kd_err *e) KD_MUST;
/* The same over bytes already read; path is for messages. */
bool inf_parse(const char *path, const void *p, size_t n, struct inf *ret,
    struct kd_err *e) KD_MUST;

/* Names in any case; NULL when there is none. */
const struct inf_section *inf_section(const struct inf *f, const char *name);
/* The lines with this key, in the file's order: ret_n of them. section may be NULL. */
const struct inf_line *const *inf_lines_of(const struct inf *f,
    const struct inf_section *section, const char *key, size_t *ret_n);
/* The first of them; NULL when there is none. */
const struct inf_line *inf_line_of(
    const struct inf *f, const struct inf_section *section, const char *key);
/* Field i as written; "" when the line has no such one. */
const char *inf_field(const struct inf *f, const struct inf_line *line, size_t i);

/*
 * inf_expand - text with %strings% replaced, once: what a string's value has is kept.
 *
 * An unknown key is kept as it is written, %% is one '%'. [Strings] before [Strings.0407].
 * ret  replaced; NUL-terminated by buf_cstr, which then cannot fail
 * Errors: KD_E_LIMIT (INF_FIELD_CHARS_MAX), KD_E_NOMEM; the caller adds the line.
 */
bool inf_expand(
    const struct inf *f, const char *text, struct buf *ret, struct kd_err *e) KD_MUST;
/* Field i so. */
bool inf_value(const struct inf *f, const struct inf_line *line, size_t i,
    struct buf *ret, struct kd_err *e) KD_MUST;
/* Puts "'path' line 7: " in front of what went wrong. Always false. */
bool inf_in_line(const struct inf *f, unsigned line, struct kd_err *e);
#endif
