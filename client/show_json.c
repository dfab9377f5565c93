/* SPDX-License-Identifier: Apache-2.0 */
/* client/show_json.c - what files, their lists and their signatures say, as JSON. */
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "client/show.h"
#include "client/show_words.h"
#include "wire/json.h"

#define NAME_LEN 1024

static void
json_time(struct buf *b, const char *name, int64_t unix_s)
{
	char when[CLOCK_UTC_LEN];

	clock_utc(when, unix_s * 1000);
	jw_str(b, name, when);
}

static void
json_certificate(struct buf *b, const struct cert_info *i)
{
	jw_open(b);
	jw_str(b, "subject", i->subject);
	jw_str(b, "issuer", i->issuer);
	jw_str(b, "serial", i->serial);
	jw_str(b, "algorithm", i->algorithm);
	jw_uint(b, "bits", i->bits);
	jw_str(b, "signature_algorithm", i->signature_algorithm);
	json_time(b, "not_before", i->not_before);
	json_time(b, "not_after", i->not_after);
	jw_hex(b, "sha1", i->sha1, sizeof(i->sha1));
	jw_hex(b, "sha256", i->sha256, sizeof(i->sha256));
	jw_close(b);
}

static void
json_chain(struct buf *b, const char *name, const struct cert_info *v, size_t n)
{
	jw_arr_open(b, name);
	for (size_t i = 0; i < n; i++)
		json_certificate(b, &v[i]);
	jw_arr_close(b);
}

static void
json_embedded(struct buf *b, const struct cms *c)
{
	jw_arr_open(b, "certificates");
	for (size_t i = 0; c->certs != NULL && i < certs_n(c->certs); i++) {
		struct cert_info info;
		struct kd_err e = {0};

		if (cert_info(c->certs, i, &info, &e))
			json_certificate(b, &info);
	}
	jw_arr_close(b);
}

static void
json_steps(struct buf *b, const struct verify_step *steps, size_t n)
{
	jw_arr_open(b, "steps");
	for (size_t i = 0; i < n; i++) {
		jw_open(b);
		jw_str(b, "name", steps[i].name);
		jw_str(b, "result", show_result(steps[i].result));
		jw_str(b, "detail", steps[i].detail);
		jw_close(b);
	}
	jw_arr_close(b);
}

static void
json_attributes(struct buf *b, const struct verify_signature *s)
{
	const struct cms *c = &s->cms;

	jw_str(b, "digest_algorithm", md_name(c->md));
	jw_str(b, "signature_algorithm", show_algorithm(c->signature_algorithm));
	jw_str(b, "content_type", c->content_type);
	jw_str(b, "signer_issuer", c->signer_issuer);
	jw_str(b, "signer_serial", c->signer_serial);
	if (s->spc.type == SPC_TYPE_PE) {
		jw_str(b, "image_digest_algorithm", md_name(s->spc.md));
		jw_hex(b, "image_digest", s->spc.digest, md_len(s->spc.md));
		jw_bool(b, "page_hashes", s->spc.page_hashes);
	} else if (s->spc.md != MD_NONE) {
		jw_str(b, "file_digest_algorithm", md_name(s->spc.md));
		jw_hex(b, "file_digest", s->spc.digest, md_len(s->spc.md));
		if (c->signer < certs_n(c->certs) &&
		    cert_ev_policy(c->certs, c->signer) != NULL)
			jw_str(b, "ev_policy", cert_ev_policy(c->certs, c->signer));
	}
	jw_hex(b, "message_digest", c->message_digest, c->message_digest_len);
	if (c->signer < certs_n(c->certs))
		jw_uint(b, "signer_certificate", c->signer);
	if (c->description != NULL)
		jw_str(b, "description", c->description);
	if (c->url != NULL)
		jw_str(b, "url", c->url);
	if (c->signing_time != 0)
		json_time(b, "signing_time", c->signing_time);
	if (c->sequence != 0)
		jw_uint(b, "sequence", c->sequence);
	jw_bool(b, "timestamped", c->timestamped);
	jw_uint(b, "nested", c->nested_n);
}

static void
json_stamp(struct buf *b, const struct verify_stamp *t, bool verdicts)
{
	if (t->kind == TSP_NONE)
		return;
	jw_open_member(b, "timestamp");
	jw_str(b, "kind", tsp_kind_name(t->kind));
	if (t->time != 0) {
		json_time(b, "time", t->time);
		jw_str(b, "digest_algorithm", md_name(t->md));
	}
	if (verdicts) {
		jw_bool(b, "ok", t->ok);
		jw_bool(b, "trusted", t->trusted);
	}
	json_chain(b, verdicts ? "chain" : "certificates", t->chain, t->chain_n);
	jw_close(b);
}

static void
json_signature(struct buf *b, const struct verify_signature *s, bool verdicts)
{
	jw_open(b);
	if (verdicts)
		jw_bool(b, "ok", s->ok);
	jw_uint(b, "index", s->index);
	jw_bool(b, "is_nested", s->nested);
	if (s->cms.certs != NULL)
		json_attributes(b, s);
	if (verdicts) {
		json_steps(b, s->steps, s->steps_n);
		json_time(b, "judged_at", s->at);
		jw_bool(b, "chain_complete", s->chain_complete);
		json_chain(b, "chain", s->chain, s->chain_n);
	} else {
		json_embedded(b, &s->cms);
	}
	json_stamp(b, &s->stamp, verdicts);
	jw_close(b);
}

static void
json_efi(struct buf *b, const struct efi_report *r)
{
	if (r->n == 0)
		return;
	jw_open_member(b, "efi");
	jw_bool(b, "ok", r->ok);
	jw_arr_open(b, "steps");
	for (size_t i = 0; i < r->n; i++) {
		jw_open(b);
		jw_str(b, "name", r->v[i].name);
		jw_str(b, "result", show_result(show_efi_result(r->v[i].result)));
		jw_str(b, "detail", r->v[i].detail);
		jw_close(b);
	}
	jw_arr_close(b);
	jw_close(b);
}

static void
json_pe(struct buf *b, const struct verify_report *r)
{
	char machine[20];

	jw_open_member(b, "pe");
	jw_str(b, "format", r->pe.plus ? "PE32+" : "PE32");
	jw_str(b, "machine", pe_machine_name(r->pe.machine, machine));
	jw_uint(b, "size", r->pe.size);
	jw_uint(b, "subsystem", r->pe.subsystem);
	jw_uint(b, "sections", r->pe.nsections);
	jw_uint(b, "checksum", r->pe.checksum);
	jw_bool(b, "checksum_right", r->pe.checksum == r->checksum_right);
	jw_uint(b, "certificate_table_offset", r->pe.cert_off);
	jw_uint(b, "certificate_table_size", r->pe.cert_len);
	jw_uint(b, "bytes_after_certificate_table", r->trailing);
	jw_close(b);
	json_efi(b, &r->efi);
}

static void
json_name_value(struct buf *b, const struct cat_name_value *v)
{
	char name[NAME_LEN], value[NAME_LEN];

	jw_open(b);
	show_utf16(name, sizeof(name), v->name, v->name_len, true);
	jw_str(b, "name", name);
	jw_uint(b, "flags", v->flags);
	if ((v->flags & CAT_VALUE_BASE64) != 0) {
		jw_base64(b, "base64", v->value, v->value_len);
	} else {
		show_utf16(value, sizeof(value), v->value, v->value_len, false);
		jw_str(b, "value", value);
	}
	jw_close(b);
}

static void
json_indirect(struct buf *b, const struct cat_indirect *i)
{
	jw_str(b, "subject", show_subject(i->subject));
	jw_str(b, "digest_algorithm", md_name(i->md));
	jw_hex(b, "digest", i->digest, md_len(i->md));
	jw_bool(b, "page_hashes", i->link == CAT_LINK_PAGES_SHA1 ||
				      i->link == CAT_LINK_PAGES_SHA256);
}

static void
json_list_member(struct buf *b, const struct cat_member *m)
{
	struct kd_err none = {0}; /* cat_parse has decoded every attribute */
	struct rd attrs = cat_attrs(m);
	char text[NAME_LEN];
	struct cat_attr a;

	jw_open(b);
	switch (cat_id_kind(m)) {
	case CAT_ID_SHA1:
	case CAT_ID_SHA256:
		jw_hex(b, m->id_len == 20 ? "sha1" : "sha256", m->id, m->id_len);
		break;
	case CAT_ID_SHA1_TEXT:
	case CAT_ID_NAME:
		show_utf16(text, sizeof(text), m->id, m->id_len, false);
		jw_str(b, cat_id_kind(m) == CAT_ID_NAME ? "tag" : "sha1", text);
		break;
	}
	while (rd_left(&attrs) > 0 && cat_next_attr(&attrs, &a, &none))
		if (a.kind == CAT_ATTR_INDIRECT)
			json_indirect(b, &a.indirect);
	jw_arr_open(b, "attributes");
	attrs = cat_attrs(m);
	while (rd_left(&attrs) > 0 && cat_next_attr(&attrs, &a, &none))
		if (a.kind == CAT_ATTR_NAME_VALUE)
			json_name_value(b, &a.name_value);
	jw_arr_close(b);
	jw_close(b);
}

static void
json_catalog(struct buf *b, const struct cat *c, bool members)
{
	struct kd_err none = {0};
	struct rd header = c->header;
	struct cat_attr a;

	jw_open_member(b, "catalog");
	jw_uint(b, "version", (uint64_t)c->version);
	jw_hex(b, "identifier", c->identifier, c->identifier_len);
	json_time(b, "time", c->time);
	jw_uint(b, "members", c->members_n);
	jw_arr_open(b, "attributes");
	while (rd_left(&header) > 0 && cat_next_header(&header, &a, &none))
		if (a.kind == CAT_ATTR_NAME_VALUE)
			json_name_value(b, &a.name_value);
	jw_arr_close(b);
	if (members) {
		jw_arr_open(b, "list");
		for (size_t i = 0; i < c->members_n; i++)
			json_list_member(b, &c->members[i]);
		jw_arr_close(b);
	}
	jw_close(b);
}

static void
json_file(struct buf *b, const struct format_file *f)
{
	jw_open_member(b, "file_format");
	jw_str(b, "format", f->format->name);
	jw_uint(b, "size", f->size);
	jw_close(b);
}

static void
json_member(struct buf *b, const struct verified *v)
{
	static const struct {
		unsigned bit;
		const char *name;
	} ways[] = {{VERIFY_BY_SHA256, "sha256"}, {VERIFY_BY_SHA1, "sha1"},
	    {VERIFY_BY_SHA1_TEXT, "sha1-text"}, {VERIFY_BY_TAG, "tag"}};
	const struct verify_member *m = &v->report.member;

	jw_open_member(b, "member");
	jw_str(b, "catalog", v->catalog->file);
	jw_str(b, "subject", show_subject(m->subject));
	jw_uint(b, "size", m->size);
	jw_hex(b, "sha1", m->sha1, sizeof(m->sha1));
	jw_hex(b, "sha256", m->sha256, sizeof(m->sha256));
	jw_arr_open(b, "listed_by");
	for (size_t i = 0; i < KD_ARRAY_LEN(ways); i++)
		if ((m->by & ways[i].bit) != 0)
			jw_str(b, NULL, ways[i].name);
	jw_arr_close(b);
	json_steps(b, m->steps, m->steps_n);
	jw_close(b);
}

void
show_json(struct buf *b, const struct verified *v, bool verdicts)
{
	const struct verify_report *r = &v->report;

	if (r->subject == VERIFY_MEMBER) {
		json_member(b, v);
		return;
	}
	if (r->subject == VERIFY_CATALOG)
		json_catalog(b, &r->cat, !verdicts);
	else if (r->subject == VERIFY_FORMAT)
		json_file(b, &r->file);
	else
		json_pe(b, r);
	jw_arr_open(b, "signatures");
	for (size_t i = 0; i < r->sigs_n; i++)
		json_signature(b, &r->sigs[i], verdicts);
	jw_arr_close(b);
}
