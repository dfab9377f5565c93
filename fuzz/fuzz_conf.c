/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_conf.c - the configuration reader; what it took, it must print and take
 * again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct entry {
	char *name;
	struct conf_list values;
	char *alias;
};

struct all {
	char *text, *path;
	struct conf_list list, paths, words;
	bool flag;
	uint64_t number, size, duration;
	struct entry single;
	struct conf_array entries;
};

static const struct conf_key top_keys[] = {
    {"text", CONF_STRING, offsetof(struct all, text), "a; b # c", "any text"},
    {"path", CONF_PATH, offsetof(struct all, path), NULL, "a path", .optional = true},
    {"list", CONF_LIST, offsetof(struct all, list), NULL, "a list", .optional = true},
    {"paths", CONF_PATHS, offsetof(struct all, paths), NULL, "paths", .optional = true},
    {"words", CONF_WORDS, offsetof(struct all, words), "one two", "words"},
    {"flag", CONF_BOOL, offsetof(struct all, flag), "no", "yes or no"},
    {"number", CONF_UINT, offsetof(struct all, number), "7", "a number", 0, UINT64_MAX},
    {"size", CONF_SIZE, offsetof(struct all, size), "32M", "a size", 0, UINT64_MAX},
    {"duration", CONF_DURATION, offsetof(struct all, duration), "30s", "a time", 0,
	UINT64_MAX},
    {NULL},
};
static const struct conf_key single_keys[] = {
    {"alias", CONF_NAME, offsetof(struct entry, alias), NULL, "a name", .optional = true},
    {NULL},
};
static const struct conf_key entry_keys[] = {
    {"value", CONF_LIST, offsetof(struct entry, values), NULL, "values"},
    {"alias", CONF_NAME, offsetof(struct entry, alias), NULL, "a name", .optional = true},
    {NULL},
};
static const struct conf_section sections[] = {
    {NULL, false, top_keys, sizeof(struct all), 0},
    {"single", false, single_keys, sizeof(struct entry), offsetof(struct all, single)},
    {"entry", true, entry_keys, sizeof(struct entry), offsetof(struct all, entries)},
    {0},
};

/* A path without a folder, so that relative paths stay as they are and the text is a
 * fixed point. */
static bool
parse(const char *text, size_t n, struct all *ret)
{
	struct kd_err e = {0};
	bool ok = conf_parse("fuzz.conf", text, n, sections, ret, &e);

	if (ok != (e.code == KD_OK) || (!ok && e.msg[0] == '\0'))
		abort(); /* every refusal says why */
	return ok;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(buf_clear) struct buf once = {0}, twice = {0};
	struct all a = {0}, b = {0};

	if (parse((const char *)p, n, &a)) {
		conf_print(sections, &a, &once);
		if (!parse((const char *)once.p, once.len, &b))
			abort();
		conf_print(sections, &b, &twice);
		if (once.len != twice.len || memcmp(once.p, twice.p, once.len) != 0)
			abort();
	}
	conf_clear(sections, &a);
	conf_clear(sections, &b);
	return 0;
}
