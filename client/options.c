/* SPDX-License-Identifier: Apache-2.0 */
/* client/options.c - the command line, read by tables of options. */
#include "client/options.h"

#include <string.h>

#include "base/md.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#define OPTIONS_KNOWN_MAX 64 /* names offered as "did you mean", or seen before */

struct seen { /* options that take one value, in one look at the command line */
	const struct option_row *v[OPTIONS_KNOWN_MAX];
	size_t n;
};

static bool
is_called(const struct option_row *o, const char *arg, size_t len)
{
	if (strncmp(arg, "--", 2) == 0)
		return strlen(o->name) == len - 2 &&
		       strncmp(o->name, arg + 2, len - 2) == 0;
	return len == 2 && o->letter != '\0' && o->letter == arg[1];
}

/* The first len bytes of arg: "--name" or "-n". */
static const struct option_row *
find(const struct option_table *tables, const char *arg, size_t len,
    const struct option_table **ret_table)
{
	for (; tables->rows != NULL; tables++) {
		for (const struct option_row *o = tables->rows; o->name != NULL; o++) {
			if (is_called(o, arg, len)) {
				*ret_table = tables;
				return o;
			}
		}
	}
	return NULL;
}

/* arg as it was given: with what stands after an equals sign */
static bool
fail_unknown(const struct option_table *tables, const char *arg, struct kd_err *e)
{
	const char *names[OPTIONS_KNOWN_MAX + 1] = {0};
	char option[64] = "";
	size_t n = 0, len = strcspn(arg, "=");

	for (; tables->rows != NULL; tables++) {
		for (const struct option_row *o = tables->rows; o->name != NULL; o++) {
			if (n < OPTIONS_KNOWN_MAX)
				names[n++] = o->name;
		}
	}
	memcpy(option, arg, len < sizeof(option) ? len : sizeof(option) - 1);
	(void)kd_fail(e, KD_E_USAGE, "'%s': unknown option", SHOW(option));
	if (strncmp(option, "--", 2) == 0 &&
	    text_hint_nearest(e, "--", option + 2, names))
		return false;
	return kd_hint(
	    e, "a file of that name is given as './%s', or after '--'", SHOW(option));
}

bool
option_list_add(struct option_list *l, const char *value, struct kd_err *e)
{
	const char **v = kd_realloc_array(l->v, l->n + 1, sizeof(*v));

	if (v == NULL)
		return kd_fail_nomem(e, "command line");
	l->v = v;
	l->v[l->n++] = value;
	return true;
}

void
option_list_clear(struct option_list *l)
{
	free((void *)l->v);
	*l = (struct option_list){0};
}

/* Which of two is meant? Guessing would sign with a key that nobody meant. */
static bool
check_once(struct seen *s, const struct option_row *o, struct kd_err *e)
{
	if (o->type == OPTION_FLAG || o->type == OPTION_LIST)
		return true;
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i] == o)
			return kd_fail(e, KD_E_USAGE, "'--%s': is given twice", o->name);
	if (s->n < OPTIONS_KNOWN_MAX)
		s->v[s->n++] = o;
	return true;
}

static bool
set(const struct option_row *o, void *into, const char *value, struct kd_err *e)
{
	void *field = (char *)into + o->offset;

	switch (o->type) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return true;
	case OPTION_TEXT:
		*(const char **)field = value;
		return true;
	case OPTION_LIST:
		return option_list_add(field, value, e);
	case OPTION_UINT:
		return kd_parse_u64(value, o->min, o->max, field, e);
	case OPTION_DURATION:
		return kd_parse_duration(value, o->min, o->max, field, e);
	case OPTION_MD:
		*(enum md *)field = md_by_name(value);
		if (*(enum md *)field != MD_NONE)
			return true;
		return kd_fail(e, KD_E_USAGE,
		    "'%s' is no digest algorithm, expected sha1, sha256, sha384 or "
		    "sha512",
		    SHOW(value));
	}
	return kd_fail(e, KD_E_BUG, "option type %d", (int)o->type);
}

/* One option at argv[*at]; moves *at past it and its value. */
static bool
take_option(int argc, char **argv, const struct option_table *tables, struct seen *seen,
    int *at, struct kd_err *e)
{
	const char *arg = argv[*at];
	size_t len = strcspn(arg, "=");
	const char *value = arg[len] == '=' ? arg + len + 1 : NULL;
	const struct option_table *table = NULL;
	const struct option_row *o = find(tables, arg, len, &table);

	if (o == NULL)
		return fail_unknown(tables, arg, e);
	if (o->type == OPTION_FLAG && value != NULL)
		return kd_fail(e, KD_E_USAGE, "'--%s': takes no value, has '%s'", o->name,
		    SHOW(value));
	if (!table->last_counts && !check_once(seen, o, e))
		return false;
	(*at)++;
	if (o->type != OPTION_FLAG && value == NULL) {
		if (*at == argc)
			return kd_fail(
			    e, KD_E_USAGE, "'--%s': needs a value, %s", o->name, o->arg);
		value = argv[(*at)++];
	}
	if (set(o, table->into, value, e))
		return true;
	if (e->code != KD_E_NOMEM)
		e->code = KD_E_USAGE;
	return kd_in(e, "'--%s'", o->name);
}

bool
options_parse(int argc, char **argv, const struct option_table *tables, bool first_word,
    char **ret_words, size_t *ret_words_n, int *ret_next, struct kd_err *e)
{
	struct seen seen = {0};
	bool only_words = false;
	size_t n = 0;
	int at = 1;

	while (at < argc) {
		const char *arg = argv[at];
		bool word = only_words || arg[0] != '-' || arg[1] == '\0';

		if (word && first_word)
			break;
		if (word) {
			ret_words[n++] = argv[at++];
		} else if (strcmp(arg, "--") == 0) {
			only_words = true;
			at++;
		} else if (!take_option(argc, argv, tables, &seen, &at, e)) {
			return false;
		}
	}
	*ret_words_n = n;
	*ret_next = at;
	return true;
}

void
options_clear(const struct option_table *table)
{
	for (const struct option_row *o = table->rows; o != NULL && o->name != NULL;
	     o++) {
		if (o->type == OPTION_LIST)
			option_list_clear(
			    (struct option_list *)((char *)table->into + o->offset));
	}
}

void
options_help(const struct option_row *rows, struct buf *ret)
{
	for (const struct option_row *o = rows; o->name != NULL; o++) {
		int pad = 26 - (int)strlen(o->name) -
			  (o->arg != NULL ? (int)strlen(o->arg) + 1 : 0) -
			  (o->letter != '\0' ? 4 : 0);

		buf_printf(ret, "  --%s%s%s", o->name, o->arg != NULL ? " " : "",
		    o->arg != NULL ? o->arg : "");
		if (o->letter != '\0')
			buf_printf(ret, ", -%c", o->letter);
		buf_printf(ret, "%*s%s\n", pad > 1 ? pad : 1, "", o->help);
	}
}
