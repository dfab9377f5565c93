/* SPDX-License-Identifier: Apache-2.0 */
/* client/show.c - what files, their lists and their signatures say, as a tree. */
#include "client/show.h"

#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"
#include "client/show_words.h"

#define GREEN "\033[32m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

#define NAME_LEN 128 /* of a list's text that is shown */

static const char *
colour_of(enum verify_result r)
{
	switch (r) {
	case VERIFY_OK:
		return GREEN;
	case VERIFY_FAILED:
		return RED;
	case VERIFY_WARNING:
		return YELLOW;
	case VERIFY_SKIPPED:
		break;
	}
	return DIM;
}

static void
put_time(struct buf *b, int64_t unix_s)
{
	char when[CLOCK_UTC_LEN];

	clock_utc(when, unix_s * 1000);
	buf_add(b, when, sizeof("2026-11-23T22:24:17") - 1);
	buf_str(b, "Z");
}

static void
tree_certificate(struct buf *b, const struct cert_info *i, size_t depth)
{
	char sha1[41];

	text_hex_to(sha1, i->sha1, sizeof(i->sha1));
	buf_printf(b, "    %*s%s\n", (int)(depth * 2), "", i->subject);
	buf_printf(b, "    %*s  issued by %s\n", (int)(depth * 2), "", i->issuer);
	buf_printf(b, "    %*s  %s-%u, %s, SHA-1 %s\n", (int)(depth * 2), "",
	    i->algorithm, i->bits, i->signature_algorithm, sha1);
	buf_printf(b, "    %*s  valid ", (int)(depth * 2), "");
	put_time(b, i->not_before);
	buf_str(b, " to ");
	put_time(b, i->not_after);
	buf_str(b, "\n");
}

/* inspect: everything that was embedded, in its order there. */
static void
tree_embedded(struct buf *b, const struct cms *c)
{
	struct cert_info info;

	for (size_t i = 0; c->certs != NULL && i < certs_n(c->certs); i++) {
		struct kd_err e = {0};

		if (!cert_info(c->certs, i, &info, &e)) {
			buf_printf(b, "    certificate %zu: %s\n", i, e.msg);
			continue;
		}
		buf_printf(b, "    certificate %zu%s:\n", i,
		    i == c->signer ? ", the signer's" : "");
		tree_certificate(b, &info, 1);
	}
}

static void
tree_steps(struct buf *b, const struct verify_step *steps, size_t n, bool colour)
{
	for (size_t i = 0; i < n; i++) {
		const struct verify_step *t = &steps[i];

		buf_printf(b, "    %s%-7s%s %s%s%s\n", colour ? colour_of(t->result) : "",
		    show_result(t->result), colour ? PLAIN : "", t->name,
		    t->detail[0] != '\0' ? ": " : "", t->detail);
	}
}

static void
tree_attributes(struct buf *b, const struct verify_signature *s)
{
	const struct cms *c = &s->cms;

	if (s->spc.md != MD_NONE) {
		char hex[2 * MD_LEN_MAX + 1];

		text_hex_to(hex, s->spc.digest, md_len(s->spc.md));
		buf_printf(b, "    %s %s %s%s\n",
		    s->spc.type == SPC_TYPE_PE ? "image" : "file", md_name(s->spc.md), hex,
		    s->spc.page_hashes ? ", with page hashes" : "");
	}
	if (s->spc.type == SPC_TYPE_CABINET && c->signer < certs_n(c->certs)) {
		const char *policy = cert_ev_policy(c->certs, c->signer);

		buf_printf(b, "    EV certificate: %s%s\n", policy != NULL ? "policy " : "no",
		    policy != NULL ? policy : "");
	}
	if (c->description != NULL)
		buf_printf(b, "    description: %s\n", c->description);
	if (c->url != NULL)
		buf_printf(b, "    url: %s\n", c->url);
	if (c->signing_time != 0) {
		buf_str(b, "    signing time, as claimed: ");
		put_time(b, c->signing_time);
		buf_str(b, "\n");
	}
	if (c->nested_n != 0)
		buf_printf(b, "    nested signatures: %zu\n", c->nested_n);
}

static void
tree_stamp(struct buf *b, const struct verify_stamp *t, bool verdicts)
{
	if (t->kind == TSP_NONE)
		return;
	if (!verdicts)
		buf_printf(b, "    timestamp: %s\n", t->detail);
	if (t->chain_n != 0)
		buf_str(b, "    timestamp's certificates:\n");
	for (size_t i = 0; i < t->chain_n; i++)
		tree_certificate(b, &t->chain[i], i + 1);
}

static void
tree_signature(
    struct buf *b, const struct verify_signature *s, bool verdicts, bool colour)
{
	const struct cms *c = &s->cms;

	buf_printf(b, "  %ssignature %zu: %s, %s, %zu certificates%s\n",
	    s->nested ? "nested " : "", s->index, md_name(c->md),
	    show_algorithm(c->signature_algorithm),
	    c->certs != NULL ? certs_n(c->certs) : 0,
	    c->timestamped ? ", timestamped" : ", no timestamp");
	tree_attributes(b, s);
	if (c->certs != NULL && c->signer == SIZE_MAX)
		buf_printf(b, "    by serial %s of %s, certificate not embedded\n",
		    c->signer_serial, c->signer_issuer);
	if (verdicts) {
		tree_steps(b, s->steps, s->steps_n, colour);
		for (size_t i = 0; i < s->chain_n; i++)
			tree_certificate(b, &s->chain[i], i);
	} else {
		tree_embedded(b, c);
	}
	tree_stamp(b, &s->stamp, verdicts);
}

static void
tree_pe(struct buf *b, const struct verify_report *r)
{
	char machine[20];

	buf_printf(b, "  %s, %s, %llu bytes, subsystem %u, %u sections\n",
	    r->pe.plus ? "PE32+" : "PE32", pe_machine_name(r->pe.machine, machine),
	    (unsigned long long)r->pe.size, r->pe.subsystem, r->pe.nsections);
	buf_printf(b, "  CheckSum 0x%08x%s\n", r->pe.checksum,
	    r->pe.checksum == r->checksum_right ? "" : " (wrong)");
	if (r->trailing != 0)
		buf_printf(b, "  %llu bytes after the certificate table\n",
		    (unsigned long long)r->trailing);
}

static void
tree_efi(struct buf *b, const struct efi_report *r, bool colour)
{
	if (r->n != 0)
		buf_str(b, "  as EFI binary\n");
	for (size_t i = 0; i < r->n; i++) {
		enum verify_result result = show_efi_result(r->v[i].result);

		buf_printf(b, "    %s%-7s%s %s: %s\n", colour ? colour_of(result) : "",
		    show_result(result), colour ? PLAIN : "", r->v[i].name,
		    r->v[i].detail);
	}
}

static void
tree_name_value(struct buf *b, const char *indent, const struct cat_name_value *v)
{
	char name[NAME_LEN], value[NAME_LEN];

	show_utf16(name, sizeof(name), v->name, v->name_len, true);
	if ((v->flags & CAT_VALUE_BASE64) != 0) {
		buf_printf(b, "%s%s: %zu bytes\n", indent, name, v->value_len);
		return;
	}
	show_utf16(value, sizeof(value), v->value, v->value_len, false);
	buf_printf(b, "%s%s: %s\n", indent, name, value);
}

static void
tree_list_member(struct buf *b, const struct cat_member *m)
{
	struct rd attrs = cat_attrs(m);
	struct kd_err none = {0}; /* cat_parse has decoded every attribute */
	char hex[2 * MD_LEN_MAX + 1], text[NAME_LEN];
	struct cat_attr a;

	switch (cat_id_kind(m)) {
	case CAT_ID_SHA1:
	case CAT_ID_SHA256:
		text_hex_to(hex, m->id, m->id_len);
		buf_printf(b, "    %s %s\n", m->id_len == 20 ? "sha1" : "sha256", hex);
		break;
	case CAT_ID_SHA1_TEXT:
	case CAT_ID_NAME:
		show_utf16(text, sizeof(text), m->id, m->id_len, false);
		buf_printf(b, "    %s\n", text);
		break;
	}
	while (rd_left(&attrs) > 0 && cat_next_attr(&attrs, &a, &none)) {
		if (a.kind == CAT_ATTR_NAME_VALUE)
			tree_name_value(b, "      ", &a.name_value);
		if (a.kind != CAT_ATTR_INDIRECT)
			continue;
		text_hex_to(hex, a.indirect.digest, md_len(a.indirect.md));
		buf_printf(b, "      %s, %s %s%s\n", show_subject(a.indirect.subject),
		    md_name(a.indirect.md), hex,
		    a.indirect.link == CAT_LINK_PAGES_SHA1 ||
			    a.indirect.link == CAT_LINK_PAGES_SHA256
			? ", with page hashes"
			: "");
	}
}

static void
tree_catalog(struct buf *b, const struct cat *c, bool members)
{
	struct rd header = c->header;
	struct kd_err none = {0};
	struct cat_attr a;

	buf_printf(b, "  catalog, version %d, %zu member%s, made ", (int)c->version,
	    c->members_n, c->members_n == 1 ? "" : "s");
	put_time(b, c->time);
	buf_str(b, "\n");
	while (rd_left(&header) > 0 && cat_next_header(&header, &a, &none))
		if (a.kind == CAT_ATTR_NAME_VALUE)
			tree_name_value(b, "  ", &a.name_value);
	if (!members)
		return;
	buf_str(b, "  members\n");
	for (size_t i = 0; i < c->members_n; i++)
		tree_list_member(b, &c->members[i]);
}

void
show_tree(struct buf *b, const struct verified *v, bool verdicts, bool colour)
{
	const struct verify_report *r = &v->report;
	bool ok = v->e.code == KD_OK;

	buf_printf(b, "%s", SHOW(v->file));
	if (verdicts)
		buf_printf(b, ": %s%s%s", colour ? (ok ? GREEN : RED) : "",
		    ok ? "verified" : "not verified", colour ? PLAIN : "");
	buf_str(b, "\n");
	if (r->subject == VERIFY_MEMBER) {
		buf_printf(b, "  %s, %llu bytes, by %s\n",
		    show_subject(r->member.subject),
		    (unsigned long long)r->member.size, SHOW(v->catalog->file));
		tree_steps(b, r->member.steps, r->member.steps_n, colour);
		return;
	}
	if (r->subject == VERIFY_CATALOG)
		tree_catalog(b, &r->cat, !verdicts);
	else if (r->subject == VERIFY_FORMAT)
		buf_printf(b, "  %s, %llu bytes\n", r->file.format->name,
		    (unsigned long long)r->file.size);
	else
		tree_pe(b, r);
	tree_efi(b, &r->efi, colour);
	if (r->sigs_n == 0)
		buf_str(b, "  no signature\n");
	for (size_t i = 0; i < r->sigs_n; i++)
		tree_signature(b, &r->sigs[i], verdicts, colour);
}
