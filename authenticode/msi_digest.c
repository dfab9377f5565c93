/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/msi_digest.c - in which order an MSI's streams and their facts are hashed. */
#include "authenticode/msi_digest.h"

#include <string.h>

/* U+0005, then ASCII. */
const uint8_t msi_signature_name[34] = {5, 0, 'D', 0, 'i', 0, 'g', 0, 'i', 0, 't', 0, 'a', 0,
    'l', 0, 'S', 0, 'i', 0, 'g', 0, 'n', 0, 'a', 0, 't', 0, 'u', 0, 'r', 0, 'e', 0};
const uint8_t msi_signature_ex_name[44] = {5, 0, 'M', 0, 's', 0, 'i', 0, 'D', 0, 'i', 0, 'g',
    0, 'i', 0, 't', 0, 'a', 0, 'l', 0, 'S', 0, 'i', 0, 'g', 0, 'n', 0, 'a', 0, 't', 0, 'u', 0,
    'r', 0, 'e', 0, 'E', 0, 'x', 0};

/* Only in the root: a stream of that name anywhere else is as good as any. */
static bool
is_signature(const struct cfb *c, uint32_t storage, uint32_t id)
{
	const uint8_t *name = cfb_raw(c, id);
	size_t n = c->v[id].name_len;

	return storage == 0 &&
	    ((n == sizeof(msi_signature_name) && memcmp(name, msi_signature_name, n) == 0) ||
		(n == sizeof(msi_signature_ex_name) &&
		    memcmp(name, msi_signature_ex_name, n) == 0));
}

/* ---- MsiDigitalSignatureEx ---- */

/* Facts of one entry; the root has neither name nor times here. */
static bool
add_facts(struct format_hash *h, const struct cfb *c, uint32_t id, struct kd_err *e)
{
	const uint8_t *p = cfb_raw(c, id);
	bool root = id == 0, stream = c->v[id].type == CFB_STREAM;

	return (root || format_hash_add(h, p, c->v[id].name_len, e)) &&
	    format_hash_add(h, &p[stream ? CFB_AT_SIZE : CFB_AT_CLSID], stream ? 4 : 16, e) &&
	    format_hash_add(h, &p[CFB_AT_STATE], 4, e) &&
	    (root || format_hash_add(h, &p[CFB_AT_TIMES], 16, e));
}

/* Depth is bounded by CFB_DEPTH_MAX. */
static bool
add_facts_of_tree(struct format_hash *h, const struct cfb *c, uint32_t storage, struct kd_err *e)
{
	const struct cfb_entry *s = &c->v[storage];

	if (!add_facts(h, c, storage, e))
		return false;
	for (uint32_t i = 0; i < s->kids_n; i++) {
		uint32_t id = c->kids[s->kids + i];

		if (is_signature(c, storage, id))
			continue;
		if (!(c->v[id].type == CFB_STREAM ? add_facts(h, c, id, e)
						  : add_facts_of_tree(h, c, id, e)))
			return false;
	}
	return true;
}

bool
msi_digest_ex(const struct cfb *c, enum md md, uint8_t ret[MD_LEN_MAX], struct kd_err *e)
{
	AUTO(format_hash_free) struct format_hash *h = NULL;

	return format_hash_new(md, &h, e) && add_facts_of_tree(h, c, 0, e) &&
	    format_hash_done(h, ret, e);
}

/* ---- DigitalSignature ---- */

static bool
add_content(struct format_hash *h, const struct cfb *c, uint32_t storage,
    const struct msi_streams *s, struct kd_err *e)
{
	const struct cfb_entry *v = &c->v[storage];

	for (uint32_t i = 0; i < v->kids_n; i++) {
		uint32_t id = c->kids[v->kids + i];

		if (is_signature(c, storage, id) ||
		    (c->v[id].type == CFB_STREAM && c->v[id].size == 0))
			continue;
		if (!(c->v[id].type == CFB_STREAM ? s->hash(s->self, id, h, e)
						  : add_content(h, c, id, s, e)))
			return false;
	}
	return format_hash_add(h, &cfb_raw(c, storage)[CFB_AT_CLSID], 16, e);
}

bool
msi_digest(const struct cfb *c, enum md md, bool with_ex, const struct msi_streams *s,
    uint8_t ret[MD_LEN_MAX], struct kd_err *e)
{
	AUTO(format_hash_free) struct format_hash *h = NULL;
	uint8_t ex[MD_LEN_MAX];

	return format_hash_new(md, &h, e) &&
	    (!with_ex ||
		(msi_digest_ex(c, md, ex, e) && format_hash_add(h, ex, md_len(md), e))) &&
	    add_content(h, c, 0, s, e) && format_hash_done(h, ret, e);
}
