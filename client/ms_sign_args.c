/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_sign_args.c - the options of signtool sign, and what they mean here. */
#include "client/ms_sign_args.h"

#include <stdlib.h>
#include <string.h>

#include "authenticode/chain.h"
#include "authenticode/kernel_roots.h"
#include "base/clock.h"
#include "base/text.h"
#include "client/ms_cert.h"

#define AT(field) offsetof(struct ms_sign_args, field)
#define KEY_INSTEAD                                                                      \
	"The key is at the signing service: choose it with /sha1, /n, /i, /r or /a."
#define DIGEST_INSTEAD                                                                   \
	"Only the digest is sent to the signing service anyway; kdsign-client digest, "  \
	"extract and attach do it in steps."

const struct ms_row ms_sign_rows[] = {
    MS_COMMON_ROWS(struct ms_sign_args, common),
    {"a", MS_FLAG, AT(best), NULL, "of several certificates, the one valid longest"},
    {"sha1", MS_TEXT, AT(sha1), "HASH", "the certificate with this thumbprint"},
    {"n", MS_TEXT, AT(subject), "NAME", "whose subject has this part"},
    {"i", MS_TEXT, AT(issuer), "NAME", "whose issuer has this part"},
    {"r", MS_TEXT, AT(root), "NAME", "whose root has this part"},
    {"u", MS_TEXT, AT(usage), "USAGE", "with this extended key usage, by OID or name"},
    {"uw", MS_FLAG, AT(system_usage), NULL, "with that of Windows system components"},
    {"f", MS_TEXT, AT(file), "FILE", "the certificate in this file; not a PFX"},
    {"ac", MS_LIST, AT(ac), "FILE", "add this certificate: a cross-certificate"},
    {"fd", MS_TEXT, AT(fd), "ALG", "file digest: sha1, sha256, sha384, sha512, certHash"},
    {"d", MS_TEXT, AT(description), "TEXT", "description of what is signed"},
    {"du", MS_TEXT, AT(url), "URL", "where to read more about it"},
    {"as", MS_FLAG, AT(append), NULL, "add a signature beside the one that is there"},
    {"ph", MS_FLAG, AT(pages), NULL, "with page hashes (of PE files)"},
    {"nph", MS_FLAG, AT(no_pages), NULL, "without, whatever SIGNTOOL_PAGE_HASHES says"},
    MS_STAMP_ROWS(struct ms_sign_args, stamp),
    {"s", MS_IGNORED, 0, "STORE", "certificate store"},
    {"sm", MS_IGNORED, 0, NULL, "machine's certificate store"},
    {"rmc", MS_IGNORED, 0, NULL, "relaxed marker check"},
    {"nosealwarn", MS_IGNORED, 0, NULL, "no warning about sealing"},
    {"p", MS_REFUSED, 0, "PASSWORD", KEY_INSTEAD},
    {"c", MS_REFUSED, 0, "TEMPLATE", KEY_INSTEAD},
    {"csp", MS_REFUSED, 0, "NAME", KEY_INSTEAD},
    {"kc", MS_REFUSED, 0, "NAME", KEY_INSTEAD},
    {"k", MS_REFUSED, 0, "NAME", KEY_INSTEAD},
    {"dlib", MS_REFUSED, 0, "DLL", KEY_INSTEAD},
    {"dmdf", MS_REFUSED, 0, "FILE", KEY_INSTEAD},
    {"dg", MS_REFUSED, 0, "FOLDER", DIGEST_INSTEAD},
    {"ds", MS_REFUSED, 0, NULL, DIGEST_INSTEAD},
    {"di", MS_REFUSED, 0, "FOLDER", DIGEST_INSTEAD},
    {"dxml", MS_REFUSED, 0, NULL, DIGEST_INSTEAD},
    {"p7", MS_REFUSED, 0, "FOLDER",
	"Files of other kinds are listed in a catalog (makecat), which is signed."},
    {"p7ce", MS_REFUSED, 0, "VALUE", "It goes with /p7, which is not available."},
    {"p7co", MS_REFUSED, 0, "OID", "It goes with /p7, which is not available."},
    {"j", MS_REFUSED, 0, "DLL", "Attributes by a DLL cannot be signed; leave it out."},
    {"jp", MS_REFUSED, 0, "NAME", "It goes with /j, which is not available."},
    {"sa", MS_REFUSED, 0, "OID", "Attributes of one's own cannot be signed."},
    {"seal", MS_REFUSED, 0, NULL, "Sealing signatures cannot be made; leave it out."},
    {"itos", MS_REFUSED, 0, NULL, "Sealing signatures cannot be made; leave it out."},
    {"tseal", MS_REFUSED, 0, "URL", "Sealing signatures cannot be made; leave it out."},
    {0},
};

void
ms_sign_ready_clear(struct ms_sign_ready *r)
{
	ms_paths_clear(&r->ac_paths);
	*r = (struct ms_sign_ready){0};
}

static bool
read_digest(const char *fd, struct ms_sign_ready *ret, struct kd_err *e)
{
	if (fd == NULL)
		return true;
	ret->md_of_certificate = text_eq_nocase(fd, "certHash");
	ret->md = md_by_name(fd);
	return ret->md != MD_NONE || ret->md_of_certificate ||
	       kd_fail(e, KD_E_USAGE, "Invalid file digest algorithm: %s", SHOW(fd));
}

/* /f: a certificate picks its key; what holds a key of its own is not for here. */
static bool
read_file(const char *word, struct ms_sign_ready *ret, struct kd_err *e)
{
	AUTO(certs_free) struct certs *list = NULL;
	AUTO(free) char *path = NULL;
	struct cert_info info;
	struct kd_err no = {0};

	if (!ms_file_path(word, &path, e) || !certs_new(&list, e))
		return false;
	if (!certs_load(list, path, &no)) {
		(void)kd_fail(e, KD_E_USAGE, "The /f option is not available here.");
		return kd_hint(e, "%s No PFX is read.", KEY_INSTEAD);
	}
	if (!cert_info(list, 0, &info, e))
		return false;
	text_hex_to(ret->file_sha1, info.sha1, sizeof(info.sha1));
	ret->criteria.sha1 = ret->file_sha1;
	return true;
}

static bool
read_usage(const struct ms_sign_args *a, struct ms_criteria *ret, struct kd_err *e)
{
	if (a->system_usage)
		ret->usage = MS_EKU_SYSTEM_COMPONENT;
	if (a->usage == NULL)
		return true;
	ret->usage = ms_usage_oid(a->usage);
	return ret->usage != NULL ||
	       kd_fail(e, KD_E_USAGE, "Invalid enhanced key usage: %s", SHOW(a->usage));
}

bool
ms_sign_read(const struct ms_sign_args *a, struct ms_sign_ready *ret, struct kd_err *e)
{
	ret->criteria = (struct ms_criteria){.sha1 = a->sha1,
	    .subject = a->subject,
	    .issuer = a->issuer,
	    .root = a->root,
	    .best = a->best};
	if (a->sha1 != NULL && a->file != NULL)
		return kd_fail(e, KD_E_USAGE,
		    "The /f option is incompatible with the /sha1 option.");
	return read_digest(a->fd, ret, e) && read_usage(a, &ret->criteria, e) &&
	       (a->file == NULL || read_file(a->file, ret, e)) &&
	       ms_stamp_read(&a->stamp, &ret->stamp, e) &&
	       ms_paths_find(&a->ac, &ret->ac_paths, e);
}

static bool
pages_by_habit(void)
{
	const char *v = getenv("SIGNTOOL_PAGE_HASHES");

	return v != NULL && strcmp(v, "1") == 0;
}

void
ms_sign_fill(const struct ms_sign_args *a, const struct ms_sign_ready *ready,
    struct sign_run_options *ret)
{
	ret->key = ready->key;
	ret->sha1 = ready->sha1;
	ret->description = a->description;
	ret->url = a->url;
	ret->ac = ready->ac_paths.list;
	ret->page_hashes = !a->no_pages && (a->pages || pages_by_habit());
	ret->append = a->append;
	ret->stamp = ready->stamp;
}

/* From the signer to a root of the kernel, through what /ac adds; true: with the root. */
static bool
cross_chain(struct certs *pool, struct chain *ret, struct kd_err *e)
{
	AUTO(certs_free) struct certs *roots = NULL;

	return certs_new(&roots, e) && kernel_roots_add(roots, e) &&
	       chain_find(pool, 0, roots, clock_unix_ms() / 1000, ret, e);
}

static void
put_path(struct buf *b, const struct chain *chain)
{
	struct cert_info info[CHAIN_MAX + 1];
	size_t n = 0;
	struct kd_err e = {0};

	while (n < certs_n(chain->path) && n < CHAIN_MAX + 1) {
		if (!ms_cert_info(chain->path, n, &info[n], &e))
			return;
		n++;
	}
	ms_put_chain(b, info, n, NULL);
}

void
ms_sign_put_more(struct buf *b, const struct api_key *key, const struct ms_paths *ac)
{
	AUTO(certs_free) struct certs *more = NULL;
	AUTO(certs_free) struct certs *pool = NULL;
	AUTO(chain_clear) struct chain chain = {0};
	struct cert_info info;
	struct kd_err e = {0}; /* what is wrong with a file of /ac is said by signing */
	bool ok = ac->list.n > 0 && certs_new(&more, &e) && certs_new(&pool, &e);

	for (size_t i = 0; ok && i < ac->list.n; i++)
		ok = certs_load(more, ac->list.v[i], &e);
	for (size_t i = 0; ok && i < key->certificates_n; i++)
		ok = certs_add_der(
		    pool, key->certificates[i].der, key->certificates[i].len, &e);
	if (!ok || !certs_add_all(pool, more, &e) || !cross_chain(pool, &chain, &e))
		return;
	buf_printf(b, "Cross certificate chain (using machine store)%s:\n",
	    chain.complete ? "" : " (Partial)");
	put_path(b, &chain);
	buf_str(b, "The following additional certificates will be attached:\n");
	for (size_t i = 0; i < certs_n(more); i++)
		if (cert_info(more, i, &info, &e))
			ms_put_cert(b, &info, 0);
}
