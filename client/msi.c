/* SPDX-License-Identifier: Apache-2.0 */
/* client/msi.c - packages of Windows Installer (.msi, .msm, .msp, .mst) as a format: two streams
 * in the root of a compound file are the signature. */
#include "client/msi.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authenticode/cfb_edit.h"
#include "authenticode/cms.h"
#include "authenticode/der.h"
#include "base/file.h"
#include "base/mem.h"
#include "client/msi_read.h"

#define SIGNATURE_MAX ((size_t)16 << 20) /* as in a PE image's table */

/* Of {000c10xx-0000-0000-c000-000000000046}, after xx, which stands in front in the file. */
static const uint8_t class_tail[15] = {
    0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46};
#define CLASS_TRANSFORM 0x82
#define CLASS_PACKAGE 0x84 /* a merge module has it, too */
#define CLASS_PATCH 0x86

struct msi {
	struct cfb tree; /* its tables dropped */
	uint32_t signature, signature_ex; /* entries; CFB_NONE */
};

static void
msi_free(void *state)
{
	struct msi *m = state;

	if (m == NULL)
		return;
	cfb_clear(&m->tree);
	free(m);
}
AUTO_DEFINE(void, msi_free);

/* ---- reading ---- */

static bool
msi_recognise(int fd, const char *name)
{
	uint8_t p[8];
	struct kd_err ignored = {0};

	return file_pread_full(fd, p, sizeof(p), 0, &ignored) && cfb_is_magic(p, sizeof(p));
}

static bool
check_class(const struct cfb *c, struct kd_err *e)
{
	const uint8_t *p = &cfb_raw(c, 0)[CFB_AT_CLSID];

	if (memcmp(&p[1], class_tail, sizeof(class_tail)) == 0 &&
	    (p[0] == CLASS_PACKAGE || p[0] == CLASS_TRANSFORM || p[0] == CLASS_PATCH))
		return true;
	(void)kd_fail(e, KD_E_FORMAT,
	    "is a compound file with class id {%08" PRIx32 "-...}, expected {000c1084-...}, "
	    "{000c1082-...} or {000c1086-...}: a package, transform or patch of Windows Installer",
	    cfb_u32(p));
	return kd_hint(e, "documents of other programs cannot be signed in this way");
}

/* The entry of a stream in the root. */
static bool
find_stream(const struct cfb *c, const uint8_t *name, size_t n, uint32_t *ret, struct kd_err *e)
{
	char shown[CFB_NAME_MAX];

	*ret = cfb_find(c, 0, name, n);
	if (*ret != CFB_NONE && c->v[*ret].type != CFB_STREAM)
		return kd_fail(e, KD_E_FORMAT, "'%s' is a storage, expected a stream",
		    cfb_name(c, *ret, shown));
	return true;
}

static bool
open_tree(int fd, struct cfb *ret, struct kd_err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || st.st_size < 0)
		return kd_fail(e, KD_E_FILE, "its length cannot be told");
	return cfb_open(fd, (uint64_t)st.st_size, ret, e);
}

static bool
msi_open(int fd, const char *name, struct format_file *f, struct kd_err *e)
{
	AUTO(msi_free) void *owned = kd_alloc(sizeof(struct msi));
	struct msi *m = owned;

	if (m == NULL)
		return kd_fail_nomem(e, "MSI");
	if (!open_tree(fd, &m->tree, e) || !check_class(&m->tree, e) ||
	    !find_stream(&m->tree, msi_signature_name, sizeof(msi_signature_name), &m->signature,
		e) ||
	    !find_stream(&m->tree, msi_signature_ex_name, sizeof(msi_signature_ex_name),
		&m->signature_ex, e))
		return false;
	cfb_drop_tables(&m->tree);
	f->size = m->tree.size;
	f->is_signed = m->signature != CFB_NONE;
	if (f->is_signed && m->signature_ex == CFB_NONE)
		f->lacks = "not there: the signature does not cover the names of the streams";
	f->state = STEAL(owned);
	return true;
}

/*
 * Is MsiDigitalSignatureEx part of what is signed? A file that has a signature says so by
 * having that stream or not; one that has none gets it, because without it nothing covers the
 * names of the streams.
 */
static bool
with_ex(const struct format_file *f)
{
	const struct msi *m = f->state;

	return !f->is_signed || m->signature_ex != CFB_NONE;
}

static bool
msi_signable(int fd, const struct format_file *f, struct kd_err *e)
{
	const struct msi *m = f->state;

	return cfb_check_end(&m->tree, e);
}

static bool
msi_hash_file(int fd, const struct format_file *f, enum md md, uint8_t ret[MD_LEN_MAX],
    struct kd_err *e)
{
	const struct msi *m = f->state;
	AUTO(msi_read_free) struct msi_read *r = NULL;
	struct msi_streams s = {.hash = msi_read_hash};

	if (!msi_read_open(fd, &m->tree, &r, e))
		return false;
	s.self = r;
	return msi_digest(&m->tree, md, with_ex(f), &s, ret, e);
}

static bool
msi_signature(int fd, const struct format_file *f, struct buf *ret, struct kd_err *e)
{
	const struct msi *m = f->state;
	AUTO(msi_read_free) struct msi_read *r = NULL;
	AUTO(buf_clear) struct buf b = {0};
	struct rd in;
	struct tlv info;

	if (!f->is_signed)
		return kd_fail(e, KD_E_UNSIGNED,
		    "has no signature: there is no stream DigitalSignature");
	if (!msi_read_open(fd, &m->tree, &r, e) ||
	    !msi_read_stream(r, m->signature, SIGNATURE_MAX, &b, e))
		return false;
	in = rd_init(b.p, b.len);
	if (!der_want(&in, DER_SEQUENCE, "ContentInfo", &info, e))
		return kd_in(e, "stream DigitalSignature");
	buf_add(ret, info.p, info.len);
	return buf_ok(ret, "signature", e);
}

/* ---- writing ---- */

/* One stream MsiDigitalSignatureEx is one digest: signatures of another algorithm beside the
 * first would have none. */
static bool
check_beside(const struct cms *primary, enum md md, struct kd_err *e)
{
	if (md == primary->md)
		return true;
	(void)kd_fail(e, KD_E_USAGE,
	    "a %s signature beside a %s one: MsiDigitalSignatureEx holds one digest only",
	    md_name(md), md_name(primary->md));
	return kd_hint(
	    e, "sign with --digest %s, or without --append", md_name(primary->md));
}

static bool
msi_nestable(
    const struct format_file *f, const struct cms *primary, enum md md, struct kd_err *e)
{
	return !with_ex(f) || check_beside(primary, md, e);
}

static bool
check_nested(const struct cms *c, struct kd_err *e)
{
	struct rd r = c->nested;

	while (rd_left(&r) > 0) {
		AUTO(cms_clear) struct cms one = {0};
		const uint8_t *p;
		size_t len;

		if (!cms_next_nested(&r, &p, &len, e) || !cms_parse(p, len, &one, e) ||
		    !check_beside(c, one.md, e))
			return false;
	}
	return true;
}

static bool
msi_embed(int fd, const struct format_file *f, const uint8_t *cms, size_t len, int out_fd,
    struct kd_err *e)
{
	const struct msi *m = f->state;
	AUTO(cfb_clear) struct cfb c = {0};
	AUTO(cms_clear) struct cms parsed = {0};
	uint8_t ex[MD_LEN_MAX];
	struct cfb_stream v[2] = {{.name = msi_signature_name,
				      .name_len = sizeof(msi_signature_name)},
	    {.name = msi_signature_ex_name, .name_len = sizeof(msi_signature_ex_name)}};

	if (cms == NULL && !f->is_signed)
		return kd_fail(e, KD_E_UNSIGNED,
		    "has no signature: there is no stream DigitalSignature");
	if (cms != NULL && (len == 0 || len > SIGNATURE_MAX))
		return kd_fail(e, KD_E_TOO_LARGE, "signature has %zu bytes, expected 1 to %zu",
		    len, SIGNATURE_MAX);
	if (cms != NULL) {
		v[0].data = cms;
		v[0].len = len;
	}
	if (cms != NULL && with_ex(f)) {
		if (!cms_parse(cms, len, &parsed, e) || !check_nested(&parsed, e) ||
		    !msi_digest_ex(&m->tree, parsed.md, ex, e))
			return false;
		v[1].data = ex;
		v[1].len = md_len(parsed.md);
	}
	return open_tree(fd, &c, e) && cfb_edit(fd, &c, v, 2, out_fd, e);
}

/* ---- MsiDigitalSignatureEx ---- */

static bool
msi_extra(int fd, const struct format_file *f, enum md md, struct kd_err *e)
{
	const struct msi *m = f->state;
	AUTO(msi_read_free) struct msi_read *r = NULL;
	AUTO(buf_clear) struct buf b = {0};
	uint8_t want[MD_LEN_MAX];

	if (m->signature_ex == CFB_NONE)
		return true;
	if (!msi_read_open(fd, &m->tree, &r, e) ||
	    !msi_read_stream(r, m->signature_ex, SIGNATURE_MAX, &b, e) ||
	    !msi_digest_ex(&m->tree, md, want, e))
		return false;
	if (b.len != md_len(md))
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "stream MsiDigitalSignatureEx has %zu bytes, expected the %zu of a %s digest",
		    b.len, md_len(md), md_name(md));
	if (memcmp(b.p, want, b.len) != 0)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "names, lengths, times or class ids are not what the stream "
		    "MsiDigitalSignatureEx says: changed since the file was signed");
	return true;
}

const struct format format_msi = {
    .name = "msi",
    .spc = SPC_TYPE_MSI,
    .recognise = msi_recognise,
    .open = msi_open,
    .free_state = msi_free,
    .signable = msi_signable,
    .nestable = msi_nestable,
    .digest = msi_hash_file,
    .signature = msi_signature,
    .embed = msi_embed,
    .extra_name = "MsiDigitalSignatureEx",
    .extra = msi_extra,
};
