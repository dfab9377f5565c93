/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/record_event.c - the record's events as canonical JSON. */
#include "daemon/keeper/record_event.h"

#include <string.h>

#include "wire/json.h"

static void
str_if(struct buf *b, const char *name, const char *s)
{
	if (s != NULL && s[0] != '\0')
		jw_str(b, name, s);
}

/* Each once, in the order of the items. */
static void
grants(struct buf *b, const struct request *r)
{
	jw_arr_open(b, "grants");
	for (size_t i = 0, before; i < r->items_n; i++) {
		for (before = 0; r->items[before].grant != r->items[i].grant;)
			before++;
		if (before == i)
			jw_str(b, NULL, r->items[i].grant->name);
	}
	jw_arr_close(b);
}

void
event_request(
    struct buf *b, const struct event_head *h, const struct request *r, uint64_t again)
{
	jw_open(b);
	if (again != 0)
		jw_uint(b, "again", again);
	jw_hex(b, "certificate_sha256", r->cert, 32);
	jw_hex(b, "client", r->client, 32);
	jw_hex(b, "config_sha256", r->settings->sha256, 32);
	jw_hex(b, "content_sha256", r->content, 32);
	jw_str(b, "event", "request");
	if (request_mixes_grants(r))
		grants(b, r);
	else
		jw_str(b, "grant", r->items[0].grant->name);
	jw_str(b, "id", r->ask.id);
	jw_uint(b, "items", r->items_n);
	jw_str(b, "key", r->key_name);
	jw_hex(b, "key_certificate_sha256", r->key->info.sha256, 32);
	jw_str(b, "peer", r->peer);
	jw_str(b, "request_id", r->request_id);
	str_if(b, "retry_of", r->ask.retry_of);
	jw_uint(b, "seq", h->seq);
	jw_str(b, "subject", r->subject);
	jw_str(b, "time", h->time);
	jw_close(b);
}

void
event_intent(struct buf *b, const struct event_head *h, uint64_t request, bool mixed,
    const struct item *it)
{
	const struct api_item *what = &it->req->ask.items[it->index];

	jw_open(b);
	if (what->ctl != NULL)
		jw_hex(b, "ctl_sha256", it->blob_sha256, 32);
	str_if(b, "description", what->description);
	jw_hex(b, "digest", what->digest, md_len(what->md));
	jw_str(b, "digest_algorithm", md_name(what->md));
	jw_str(b, "event", "intent");
	if (mixed)
		jw_str(b, "grant", it->grant->name);
	jw_uint(b, "index", it->index);
	jw_str(b, "kind", api_kind_name(what->kind));
	if (what->ctl != NULL) {
		jw_uint(b, "member_count", it->members_n);
		jw_json(b, "members", &it->members);
	}
	jw_str(b, "name", what->name);
	if (what->page_hashes != NULL)
		jw_hex(b, "page_hashes_sha256", it->blob_sha256, 32);
	jw_uint(b, "request", request);
	jw_uint(b, "seq", h->seq);
	if (what->sequence != 0)
		jw_uint(b, "sequence", what->sequence);
	jw_hex(b, "signed_digest", it->tbs, md_len(it->md));
	jw_uint(b, "size", what->size);
	jw_str(b, "time", h->time);
	str_if(b, "url", what->url);
	jw_close(b);
}

void
event_result(struct buf *b, const struct event_head *h, uint64_t request,
    const struct item *it, const uint8_t sig_sha256[32])
{
	bool good = it->code == KD_OK;

	jw_open(b);
	if (it->ckr != 0)
		jw_uint(b, "ckr", it->ckr);
	if (!good) {
		jw_str(b, "code", kd_code_info(it->code)->name);
		jw_str(b, "detail", it->detail);
	}
	jw_str(b, "event", "result");
	jw_bool(b, "heard", good || it->final);
	jw_uint(b, "index", it->index);
	jw_uint(b, "request", request);
	jw_uint(b, "seq", h->seq);
	if (it->sig_len > 0)
		jw_hex(b, "signature_sha256", sig_sha256, 32);
	jw_str(b, "status", good ? "signed" : "failed");
	jw_str(b, "time", h->time);
	jw_uint(b, "token_us", it->token_us);
	jw_close(b);
}

void
event_unknown(struct buf *b, const struct event_head *h, uint64_t request, uint32_t index)
{
	jw_open(b);
	jw_str(b, "event", "unknown");
	jw_uint(b, "index", index);
	jw_uint(b, "request", request);
	jw_uint(b, "seq", h->seq);
	jw_str(b, "time", h->time);
	jw_close(b);
}

void
event_note(struct buf *b, const struct event_head *h, const struct record_note *n)
{
	jw_open(b);
	if (n->have_client) {
		jw_hex(b, "certificate_sha256", n->cert, 32);
		jw_hex(b, "client", n->client, 32);
	}
	if (n->code != KD_OK)
		jw_str(b, "code", kd_code_info(n->code)->name);
	if (n->have_config)
		jw_hex(b, "config_sha256", n->config, 32);
	str_if(b, "detail", n->detail);
	jw_str(b, "event", n->event);
	str_if(b, "id", n->id);
	str_if(b, "key", n->key);
	str_if(b, "peer", n->peer);
	str_if(b, "request_id", n->request_id);
	jw_uint(b, "seq", h->seq);
	str_if(b, "subject", n->subject);
	jw_str(b, "time", h->time);
	jw_close(b);
}
