/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_options.c - command lines as Microsoft's tools have them, read by tables. */
#include "client/ms_options.h"

#include <string.h>

#include "base/num.h"
#include "base/text.h"

static const struct ms_row *
find(const struct ms_row *rows, const char *name)
{
	for (; rows->name != NULL; rows++)
		if (text_eq_nocase(rows->name, name))
			return rows;
	return NULL;
}

bool
ms_asks_help(const char *arg)
{
	return strcmp(arg, "/?") == 0 || strcmp(arg, "-?") == 0 ||
	       text_eq_nocase(arg, "/help") || text_eq_nocase(arg, "-help") ||
	       strcmp(arg, "--help") == 0;
}

/* What is no option's name: "/dir/x.sys", or "/x.sys" when there is such a file. */
static bool
is_path(const char *arg)
{
	return arg[0] == '/' && arg[1] != '\0' &&
	       (strchr(arg + 1, '/') != NULL || access(arg, F_OK) == 0);
}

static bool
set(const struct ms_row *o, void *into, const char *value, struct ms_words *words,
    struct kd_err *e)
{
	void *field = (char *)into + o->offset;
	struct ms_uint *number = field;

	switch (o->type) {
	case MS_FLAG:
		*(bool *)field = true;
		return true;
	case MS_TEXT:
		*(const char **)field = value;
		return true;
	case MS_LIST:
		return option_list_add(field, value, e);
	case MS_UINT:
		number->given = true;
		return kd_parse_u64(value, 0, MS_UINT_MAX, &number->v, e);
	case MS_IGNORED:
		return option_list_add(&words->ignored, o->name, e);
	case MS_REFUSED:
		(void)kd_fail(
		    e, KD_E_USAGE, "The /%s option is not available here.", o->name);
		return kd_hint(e, "%s", o->help);
	}
	return kd_fail(e, KD_E_BUG, "option type %d", (int)o->type);
}

/* One option at argv[*at]; moves *at past it and its value. */
static bool
take_option(int argc, char **argv, const struct ms_row *o, void *into, int *at,
    struct ms_words *words, struct kd_err *e)
{
	const char *value = NULL;

	(*at)++;
	if (o->arg != NULL && *at < argc)
		value = argv[(*at)++];
	else if (o->arg != NULL && o->type != MS_REFUSED)
		return kd_fail(e, KD_E_USAGE, "The /%s option requires a parameter, %s.",
		    o->name, o->arg);
	if (set(o, into, value, words, e))
		return true;
	if (e->code == KD_E_NOMEM || o->type == MS_REFUSED)
		return false;
	e->code = KD_E_USAGE;
	return kd_in(e, "/%s", o->name);
}

bool
ms_parse(int argc, char **argv, const struct ms_row *rows, void *into,
    struct ms_words *ret, struct kd_err *e)
{
	bool only_words = false;
	int at = 1;

	while (at < argc) {
		char *arg = argv[at];
		bool option = !only_words && (arg[0] == '-' || arg[0] == '/');
		const struct ms_row *o = option ? find(rows, arg + 1) : NULL;

		if (o != NULL) {
			if (!take_option(argc, argv, o, into, &at, ret, e))
				return false;
			continue;
		}
		at++;
		if (option && ms_asks_help(arg))
			ret->help = true;
		else if (option && strcmp(arg, "--") == 0)
			only_words = true;
		else if (!option || is_path(arg))
			ret->v[ret->n++] = arg;
		else
			return kd_fail(e, KD_E_USAGE, "Invalid option: %s", SHOW(arg));
	}
	return true;
}

void
ms_rows_clear(const struct ms_row *rows, void *into)
{
	for (; rows->name != NULL; rows++)
		if (rows->type == MS_LIST)
			option_list_clear(
			    (struct option_list *)((char *)into + rows->offset));
}

static void
help_line(const struct ms_row *o, struct buf *ret)
{
	int pad = 22 - (int)strlen(o->name) -
		  (o->arg != NULL ? (int)strlen(o->arg) + 1 : 0);

	buf_printf(ret, "  /%s%s%s%*s%s%s\n", o->name, o->arg != NULL ? " " : "",
	    o->arg != NULL ? o->arg : "", pad > 1 ? pad : 1, "",
	    o->type == MS_IGNORED   ? "(ignored) "
	    : o->type == MS_REFUSED ? "(not here) "
				    : "",
	    o->help);
}

void
ms_help(const struct ms_row *rows, struct buf *ret)
{
	static const enum ms_type last[] = {MS_IGNORED, MS_REFUSED};

	for (const struct ms_row *o = rows; o->name != NULL; o++)
		if (o->type != MS_IGNORED && o->type != MS_REFUSED)
			help_line(o, ret);
	for (size_t i = 0; i < KD_ARRAY_LEN(last); i++)
		for (const struct ms_row *o = rows; o->name != NULL; o++)
			if (o->type == last[i])
				help_line(o, ret);
}
