/* SPDX-License-Identifier: Apache-2.0 */
/* base/conf_value.c - the types of configuration values. */
#include "base/conf_value.h"

#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#define LIST_MAX 1024 /* values of one list */
#define NAME_LEN_MAX 64
#define BLANKS " \t\r"

bool
conf_name_ok(const char *s)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t n = strspn(s, allowed);

	return n >= 1 && n <= NAME_LEN_MAX && s[n] == '\0';
}

char *
conf_trim(char *s)
{
	size_t n;

	s += strspn(s, BLANKS);
	n = strlen(s);
	while (n > 0 && strchr(BLANKS, s[n - 1]) != NULL)
		n--;
	s[n] = '\0';
	return s;
}

void
conf_list_clear(struct conf_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct conf_list){0};
}

/* Takes value over, also on failure. */
static bool
list_take(struct conf_list *l, char *take_value, struct kd_err *e)
{
	AUTO(free) char *value = take_value;
	char **v;

	if (value == NULL)
		return kd_fail_nomem(e, "configuration");
	if (l->n >= LIST_MAX)
		return kd_fail(e, KD_E_CONFIG, "more than %d values", LIST_MAX);
	v = kd_realloc_array(l->v, l->n + 1, sizeof(*v));
	if (v == NULL)
		return kd_fail_nomem(e, "configuration");
	l->v = v;
	l->v[l->n++] = STEAL(value);
	return true;
}

static bool
dup_to(char **field, const char *text, struct kd_err *e)
{
	char *copy = kd_strdup(text);

	if (copy == NULL)
		return kd_fail_nomem(e, "configuration");
	*field = copy;
	return true;
}

/* text itself when absolute, else beside the configuration file. */
static char *
dup_path(const char *text, const char *conf_path)
{
	const char *slash = strrchr(conf_path, '/');
	size_t folder =
	    slash == NULL || text[0] == '/' ? 0 : (size_t)(slash - conf_path) + 1;
	size_t n = strlen(text) + 1;
	char *p = kd_alloc(folder + n);

	if (p == NULL)
		return NULL;
	memcpy(p, conf_path, folder);
	memcpy(p + folder, text, n);
	return p;
}

static bool
set_path(char **field, const char *text, const char *conf_path, struct kd_err *e)
{
	char *p = dup_path(text, conf_path);

	if (p == NULL)
		return kd_fail_nomem(e, "configuration");
	*field = p;
	return true;
}

static bool
set_words(struct conf_list *l, const char *text, struct kd_err *e)
{
	size_t n;

	for (; *text != '\0'; text += n + strspn(text + n, BLANKS)) {
		n = strcspn(text, BLANKS);
		char *word = kd_alloc(n + 1);

		if (word != NULL)
			memcpy(word, text, n);
		if (!list_take(l, word, e))
			return false;
	}
	return true;
}

static bool
set_bool(bool *field, const char *text, struct kd_err *e)
{
	bool yes = strcmp(text, "yes") == 0;

	if (!yes && strcmp(text, "no") != 0)
		return kd_fail(e, KD_E_CONFIG, "'%s': must be yes or no", SHOW(text));
	*field = yes;
	return true;
}

static bool
set_name(char **field, const char *text, struct kd_err *e)
{
	if (!conf_name_ok(text))
		return kd_fail(e, KD_E_CONFIG,
		    "'%s': a name has 1 to 64 of the characters A-Z a-z 0-9 . _ -",
		    SHOW(text));
	return dup_to(field, text, e);
}

bool
conf_value_set(const struct conf_key *k, void *field, const char *text, const char *path,
    struct kd_err *e)
{
	switch (k->type) {
	case CONF_STRING:
		return dup_to(field, text, e);
	case CONF_PATH:
		return set_path(field, text, path, e);
	case CONF_LIST:
		return list_take(field, kd_strdup(text), e);
	case CONF_PATHS:
		return list_take(field, dup_path(text, path), e);
	case CONF_WORDS:
		return set_words(field, text, e);
	case CONF_BOOL:
		return set_bool(field, text, e);
	case CONF_UINT:
		return kd_parse_u64(text, k->min, k->max, field, e);
	case CONF_SIZE:
		return kd_parse_size(text, k->min, k->max, field, e);
	case CONF_DURATION:
		return kd_parse_duration(text, k->min, k->max, field, e);
	case CONF_NAME:
		return set_name(field, text, e);
	}
	return kd_fail(e, KD_E_BUG, "configuration type %d", (int)k->type);
}

void
conf_value_clear(const struct conf_key *k, void *field)
{
	switch (k->type) {
	case CONF_STRING:
	case CONF_PATH:
	case CONF_NAME:
		free(*(char **)field);
		*(char **)field = NULL;
		break;
	case CONF_LIST:
	case CONF_PATHS:
	case CONF_WORDS:
		conf_list_clear(field);
		break;
	case CONF_BOOL:
		*(bool *)field = false;
		break;
	case CONF_UINT:
	case CONF_SIZE:
	case CONF_DURATION:
		*(uint64_t *)field = 0;
		break;
	}
}

struct unit {
	uint64_t factor;
	const char *name;
};

/* With the largest unit that leaves a whole number. */
static void
print_number(const struct conf_key *k, uint64_t v, struct buf *ret)
{
	static const struct unit sizes[] = {
	    {1u << 30, "G"}, {1u << 20, "M"}, {1u << 10, "k"}, {1, ""}};
	static const struct unit times[] = {
	    {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
	static const struct unit plain[] = {{1, ""}};
	const struct unit *u = k->type == CONF_SIZE       ? sizes
			       : k->type == CONF_DURATION ? times
							  : plain;

	while (u->factor > 1 && (v == 0 || v % u->factor != 0))
		u++;
	buf_printf(
	    ret, "%s = %llu%s\n", k->name, (unsigned long long)(v / u->factor), u->name);
}

static void
print_list(const struct conf_key *k, const struct conf_list *l, struct buf *ret)
{
	bool words = k->type == CONF_WORDS;

	if (l->n == 0)
		buf_printf(ret, "# %s =\n", k->name);
	for (size_t i = 0; i < l->n; i++) {
		if (!words || i == 0)
			buf_printf(ret, "%s =", k->name);
		buf_printf(ret, " %s", l->v[i]);
		if (!words || i + 1 == l->n)
			buf_str(ret, "\n");
	}
}

void
conf_value_print(const struct conf_key *k, const void *field, struct buf *ret)
{
	const char *s;

	switch (k->type) {
	case CONF_STRING:
	case CONF_PATH:
	case CONF_NAME:
		s = *(char *const *)field;
		if (s == NULL)
			buf_printf(ret, "# %s =\n", k->name);
		else
			buf_printf(ret, "%s = %s\n", k->name, s);
		break;
	case CONF_LIST:
	case CONF_PATHS:
	case CONF_WORDS:
		print_list(k, field, ret);
		break;
	case CONF_BOOL:
		buf_printf(
		    ret, "%s = %s\n", k->name, *(const bool *)field ? "yes" : "no");
		break;
	case CONF_UINT:
	case CONF_SIZE:
	case CONF_DURATION:
		print_number(k, *(const uint64_t *)field, ret);
		break;
	}
}
