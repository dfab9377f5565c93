/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/transcript_line.c - one line of a transcript, read strictly. */
#include "pkcs11/transcript_line.h"

#define TEXT_MAX 4096

void
transcript_line_clear(struct transcript_line *l)
{
	json_free(l->doc);
	*l = (struct transcript_line){0};
}

static void
read_key(struct jo *top, struct transcript_line *l)
{
	struct jo o = jo_obj(top, "key");

	l->key_id = jo_str(&o, "id", 0, TEXT_MAX);
	l->key_label = jo_str(&o, "label", 0, TEXT_MAX);
	l->key_spki_sha256 = jo_str(&o, "spki_sha256", 0, TEXT_MAX);
	if (!jo_end(&o))
		return;
	o = jo_obj(top, "token");
	l->label = jo_str(&o, "label", 0, TEXT_MAX);
	l->manufacturer = jo_str(&o, "manufacturer", 0, TEXT_MAX);
	l->model = jo_str(&o, "model", 0, TEXT_MAX);
	l->serial = jo_str(&o, "serial", 0, TEXT_MAX);
	if (!jo_end(&o))
		return;
}

static void
read_lists(struct jo *top, struct transcript_line *l)
{
	struct ja people = jo_arr(top, "people", 0, TRANSCRIPT_PEOPLE_MAX);
	struct ja facts = jo_arr(top, "facts", 0, TRANSCRIPT_FACTS_MAX);

	for (size_t i = 0; i < people.n; i++)
		l->people[i] = ja_str(&people, i, TEXT_MAX);
	for (size_t i = 0; i < facts.n; i++) {
		struct jo o = ja_obj(&facts, i);

		l->facts[i].name = jo_str(&o, "name", 1, TEXT_MAX);
		l->facts[i].value = jo_str(&o, "value", 0, TRANSCRIPT_LINE_MAX);
		if (!jo_end(&o))
			return;
	}
	l->people_n = people.n;
	l->facts_n = facts.n;
}

bool
transcript_line_parse(
    const char *text, size_t n, struct transcript_line *ret, struct kd_err *e)
{
	AUTO(transcript_line_clear) struct transcript_line l = {0};
	struct jo top;

	if (!json_parse(text, n, &l.doc, e))
		return false;
	top = jo_top(l.doc, e);
	l.action = jo_str(&top, "action", 1, TEXT_MAX);
	l.host = jo_str(&top, "host", 0, TEXT_MAX);
	l.n = jo_uint(&top, "n", 1, UINT32_MAX);
	l.phase = jo_str(&top, "phase", 1, TEXT_MAX);
	l.prev = jo_str(&top, "prev", TRANSCRIPT_HASH_LEN, TRANSCRIPT_HASH_LEN);
	l.result = jo_str(&top, "result", 0, TEXT_MAX);
	l.time = jo_str(&top, "time", 1, TEXT_MAX);
	l.tool = jo_str(&top, "tool", 0, TEXT_MAX);
	l.uid = jo_uint(&top, "uid", 0, UINT32_MAX);
	read_key(&top, &l);
	read_lists(&top, &l);
	if (!jo_end(&top))
		return false;
	*ret = l;
	l.doc = NULL;
	return true;
}
