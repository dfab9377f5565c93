/* SPDX-License-Identifier: Apache-2.0 */
/* client/sign_file.c - one file on its way: digest taken, signature checked, file
 * replaced. */
#include "client/sign_file.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "authenticode/cms.h"
#include "authenticode/pe_embed.h"
#include "authenticode/spc.h"

#define SPC_INDIRECT_DATA "1.3.6.1.4.1.311.2.1.4"

void
sign_file_clear(struct sign_file *f)
{
	free(f->cms);
	f->cms = NULL;
	f->cms_len = 0;
}

/* The layers below say what is wrong in a file; only opening and replacing it names it.
 */
static bool
in_file(const struct sign_file *f, struct kd_err *e)
{
	return kd_in(e, "'%s'", SHOW(f->plan->arg));
}

bool
sign_file_hash(struct sign_file *f, const struct sign_options *o, struct kd_err *e)
{
	AUTO(close) int fd = -1;

	f->digest = (struct pe_digest){.md = {o->md}};
	if (!file_open_read(f->plan->arg, &fd, &f->st, e))
		return false;
	if (!pe_open(fd, &f->pe, e) || !pe_digest(fd, &f->pe, &f->digest, e))
		return in_file(f, e);
	/* pe_embed would refuse it too, but then the token would have signed for nothing.
	 */
	if (f->digest.trailing == 0)
		return true;
	(void)kd_fail(e, KD_E_FORMAT,
	    "%llu bytes follow the certificate table, expected none: Windows may refuse "
	    "such a "
	    "file (MS12-024)",
	    (unsigned long long)f->digest.trailing);
	return in_file(f, e);
}

/* The base name as the record shall show it: UTF-8, at most API_NAME_MAX bytes. */
static char *
record_name(const char *arg)
{
	const char *slash = strrchr(arg, '/');
	const char *name = slash != NULL ? slash + 1 : arg;
	char shown[API_NAME_MAX + 1];

	return kd_strdup(text_show(shown, sizeof(shown), name, strlen(name)));
}

bool
sign_file_item(const struct sign_file *f, const struct sign_options *o,
    struct api_item *ret, struct kd_err *e)
{
	struct api_item item = {
	    .kind = API_KIND_PE,
	    .size = f->pe.size,
	    .md = o->md,
	};

	memcpy(item.digest, f->digest.digest[0], sizeof(item.digest));
	item.name = record_name(f->plan->path);
	if (o->description != NULL)
		item.description = kd_strdup(o->description);
	if (o->url != NULL)
		item.url = kd_strdup(o->url);
	*ret = item;
	if (item.name == NULL || (o->description != NULL && item.description == NULL) ||
	    (o->url != NULL && item.url == NULL))
		return kd_fail_nomem(e, "request");
	return true;
}

static bool
check_signer(const struct cms *c, const uint8_t *sha1, struct kd_err *e)
{
	struct cert_info info;
	char want[41], seen[41];

	if (c->signer >= certs_n(c->certs))
		return kd_fail(
		    e, KD_E_PROTOCOL, "the signer's certificate is not in the signature");
	if (sha1 == NULL)
		return true;
	if (!cert_info(c->certs, c->signer, &info, e))
		return false;
	if (memcmp(info.sha1, sha1, sizeof(info.sha1)) == 0)
		return true;
	text_hex_to(seen, info.sha1, sizeof(info.sha1));
	text_hex_to(want, sha1, sizeof(info.sha1));
	return kd_fail(
	    e, KD_E_PROTOCOL, "signed by the certificate %s, expected %s", seen, want);
}

/* Is this a signature over just the digest that we computed? */
static bool
check_cms(const struct sign_file *f, const struct sign_options *o, const uint8_t *der,
    size_t len, struct kd_err *e)
{
	AUTO(cms_clear) struct cms c = {0};
	uint8_t md[MD_LEN_MAX];
	struct spc spc = {0};

	if (!cms_parse(der, len, &c, e))
		return false;
	if (strcmp(c.content_type, SPC_INDIRECT_DATA) != 0)
		return kd_fail(e, KD_E_PROTOCOL,
		    "content is %s, expected " SPC_INDIRECT_DATA, c.content_type);
	if (!spc_parse(c.content, c.content_len, &spc, e))
		return false;
	if (spc.type != SPC_TYPE_PE || spc.md != o->md || c.md != o->md ||
	    memcmp(spc.digest, f->digest.digest[0], md_len(o->md)) != 0)
		return kd_fail(e, KD_E_PROTOCOL,
		    "signature is over another digest than this file's");
	if (!md_digest(c.md, c.content_octets, c.content_octets_len, md, e))
		return false;
	if (c.message_digest_len != md_len(c.md) ||
	    memcmp(md, c.message_digest, c.message_digest_len) != 0)
		return kd_fail(
		    e, KD_E_PROTOCOL, "messageDigest is not the content's digest");
	return check_signer(&c, o->sha1, e) && cms_check_signature(&c, e);
}

/* Reads the new file back: same digest, and exactly our signature in its table. */
static bool
check_written(const struct sign_file *f, const struct sign_options *o, int fd,
    const uint8_t *cms, size_t cms_len, struct kd_err *e)
{
	struct pe_digest d = {.md = {o->md}};
	AUTO(pe_certs_clear) struct pe_certs certs = {0};
	struct pe pe = {0};

	if (!pe_open(fd, &pe, e) || !pe_digest(fd, &pe, &d, e) ||
	    !pe_certs_read(fd, &pe, &certs, e))
		return false;
	if (memcmp(d.digest[0], f->digest.digest[0], md_len(o->md)) != 0)
		return kd_fail(e, KD_E_FILE, "changed while it was being signed");
	if (certs.n != 1 || certs.v[0].len != cms_len ||
	    memcmp(certs.v[0].p, cms, cms_len) != 0)
		return kd_fail(e, KD_E_BUG, "the new file does not hold the signature");
	return true;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool
write_signed(struct sign_file *f, const struct sign_options *o, const uint8_t *cms,
    size_t cms_len, struct kd_err *e)
{
	AUTO(file_replace_clear) struct file_replace out = {.fd = -1};
	AUTO(close) int fd = -1;
	struct stat now;

	if (!file_open_read(f->plan->arg, &fd, &now, e))
		return false;
	if (!same_file(&f->st, &now))
		return kd_fail(e, KD_E_FILE, "'%s': changed while it was being signed",
		    SHOW(f->plan->arg));
	if (!file_replace_begin(f->plan->target, &f->st, &out, e))
		return false;
	if (!pe_embed(fd, &f->pe, &f->digest, cms, cms_len, out.fd, e) ||
	    !check_written(f, o, out.fd, cms, cms_len, e))
		return in_file(f, e);
	return file_replace_commit(&out, true, e);
}

bool
sign_file_finish(struct sign_file *f, const struct sign_options *o, struct kd_err *e)
{
	AUTO(buf_clear) struct buf merged = {0};
	const uint8_t *cms = f->cms;
	size_t len = f->cms_len;

	if (!check_cms(f, o, cms, len, e)) {
		e->code = e->code == KD_E_NOMEM          ? KD_E_NOMEM
			  : e->code == KD_E_NOT_VERIFIED ? KD_E_BAD_SIGNATURE
							 : KD_E_PROTOCOL;
		(void)kd_in(e, "signature from the server");
		return in_file(f, e);
	}
	if (o->more != NULL && certs_n(o->more) != 0) {
		if (!cms_add_certs(cms, len, o->more, &merged, e))
			return in_file(f, e);
		cms = merged.p;
		len = merged.len;
	}
	return write_signed(f, o, cms, len, e);
}
