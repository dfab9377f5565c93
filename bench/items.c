/* SPDX-License-Identifier: Apache-2.0 */
/* bench/items.c - bodies of POST /v1/signatures: always the same items, always a fresh
 * id. */
#include "config.h"

#include "bench/items.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "base/text.h"
#include "wire/api.h"

#define SIZE 6680 /* of a small driver */
static const char placeholder[] = "00000000000000000000000000000000";
#define ID_LEN (sizeof(placeholder) - 1)

static bool
make_body(struct items *s, size_t number, const char *key, struct kd_err *e)
{
	AUTO(api_sign_request_clear) struct api_sign_request r = {0};
	struct buf *b = &s->bodies[number];
	const char *id;

	(void)snprintf(r.id, sizeof(r.id), "%s", placeholder);
	(void)snprintf(r.key, sizeof(r.key), "%s", key);
	r.items = kd_alloc_array(s->batch, sizeof(*r.items));
	if (r.items == NULL)
		return kd_fail_nomem(e, "items");
	for (r.items_n = 0; r.items_n < s->batch; r.items_n++) {
		struct api_item *it = &r.items[r.items_n];

		it->kind = API_KIND_PE;
		it->name = kd_strdup("hello.sys");
		it->description = kd_strdup("Hello driver");
		it->url = kd_strdup("https://example.com/hello");
		it->size = SIZE;
		it->md = MD_SHA256;
		load_digest(
		    (unsigned)((number * s->batch + r.items_n) % LOAD_ITEMS), it->digest);
		if (it->name == NULL || it->description == NULL || it->url == NULL)
			return kd_fail_nomem(e, "items");
	}
	api_sign_request_encode(&r, b);
	if (!buf_ok(b, "items", e))
		return false;
	id = memmem(b->p, b->len, placeholder, ID_LEN);
	if (id == NULL)
		return kd_fail(e, KD_E_BUG, "the id is not in the body");
	s->id_at[number] = (size_t)((const uint8_t *)id - b->p);
	return true;
}

bool
items_make(struct items *s, const char *key, size_t batch, struct kd_err *e)
{
	s->batch = batch;
	if (getrandom(&s->run, sizeof(s->run), 0) != sizeof(s->run))
		return kd_fail(e, KD_E_BUG, "getrandom");
	for (; s->bodies_n < (batch == 1 ? LOAD_ITEMS : 2); s->bodies_n++)
		if (!make_body(s, s->bodies_n, key, e))
			return false;
	return true;
}

void
items_clear(struct items *s)
{
	for (size_t i = 0; i < LOAD_ITEMS; i++)
		buf_clear(&s->bodies[i]);
	s->bodies_n = 0;
}

const struct buf *
items_next(struct items *s)
{
	size_t number = s->serial % s->bodies_n;
	struct buf *b = &s->bodies[number];
	char id[ID_LEN + 1];

	(void)snprintf(id, sizeof(id), "%016llx%016llx", (unsigned long long)s->run,
	    (unsigned long long)s->serial++);
	memcpy(&b->p[s->id_at[number]], id, ID_LEN);
	return b;
}

bool
items_check(
    const struct items *s, int status, const uint8_t *body, size_t n, struct kd_err *e)
{
	static const char mark[] = "\"signed\"";
	const uint8_t *end = body + n, *at = body;
	size_t found = 0;

	while ((at = memmem(at, (size_t)(end - at), mark, sizeof(mark) - 1)) != NULL) {
		found++;
		at += sizeof(mark) - 1;
	}
	if (status == 200 && found == s->batch)
		return true;
	return kd_fail(e, KD_E_PROTOCOL, "status %d, %zu of %zu items signed: %s", status,
	    found, s->batch,
	    text_show((char[SHOW_LEN]){0}, SHOW_LEN, (const char *)body, n));
}
