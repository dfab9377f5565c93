/* SPDX-License-Identifier: Apache-2.0 */
/* client/ac_check.c - certificates of --ac and --ac-dir: do they continue the signer's
 * chain? */
#include "client/ac_check.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "authenticode/chain.h"

#define DATE_LEN 10 /* of clock_utc's text: 2021-02-22 */

static bool
copy_one(const struct certs *from, size_t i, struct certs *ret, struct kd_err *e)
{
	size_t len;
	const uint8_t *der = certs_der(from, i, &len);

	return certs_add_der(ret, der, len, e);
}

/*
 * Is there a path from the signer to more[i], through the chain and the rest of more?
 * ret_why: what the search says when there is none.
 */
static bool
continues(const struct ac_signer *signer, const struct certs *more, size_t i,
    bool *ret, char ret_why[320], struct kd_err *e)
{
	AUTO(certs_free) struct certs *pool = NULL;
	AUTO(certs_free) struct certs *goal = NULL;
	AUTO(chain_clear) struct chain found = {0};

	if (!certs_new(&pool, e) || !certs_new(&goal, e) ||
	    !certs_add_all(pool, signer->chain, e) || !certs_add_all(pool, more, e) ||
	    !copy_one(more, i, goal, e) ||
	    !chain_find(pool, 0, goal, clock_unix_ms() / 1000, &found, e))
		return false;
	*ret = found.complete && found.trust.ok;
	(void)snprintf(ret_why, 320, "%s", found.trust.detail);
	return true;
}

/* The certificate that the chain as it is ends at. */
static bool
top_of(const struct ac_signer *signer, struct cert_info *ret, struct kd_err *e)
{
	AUTO(certs_free) struct certs *none = NULL;
	AUTO(chain_clear) struct chain found = {0};

	return certs_new(&none, e) &&
	       chain_find(signer->chain, 0, none, clock_unix_ms() / 1000, &found, e) &&
	       cert_info(found.path, certs_n(found.path) - 1, ret, e);
}

static bool
fail_unfit(const struct ac_signer *signer, const char *file, const struct cert_info *c,
    const char *why, struct kd_err *e)
{
	struct cert_info top;

	if (!top_of(signer, &top, e))
		return false;
	(void)kd_fail(e, KD_E_FORMAT,
	    "'%s': '%s' does not continue the chain of key '%s', which ends at '%s', "
	    "issued by '%s'",
	    SHOW(file), c->subject, signer->key, top.subject, top.issuer);
	return kd_hint(e, "%s; --ac-dir DIR looks for the one that fits",
	    strstr(why, "did not sign") != NULL ? why : "its name is another");
}

static bool
check_all(const struct ac_signer *signer, const char *file, const struct certs *all,
    const struct certs *of_file, struct kd_err *e)
{
	for (size_t i = 0; i < certs_n(of_file); i++) {
		AUTO(certs_free) struct certs *pool = NULL;
		struct cert_info info;
		char why[320];
		bool fits;

		/* It alone as the goal, the others as steps on the way. */
		if (!certs_new(&pool, e) || !copy_one(of_file, i, pool, e) ||
		    !certs_add_all(pool, all, e) ||
		    !continues(signer, pool, 0, &fits, why, e) ||
		    !cert_info(of_file, i, &info, e))
			return false;
		if (!fits)
			return fail_unfit(signer, file, &info, why, e);
	}
	return true;
}

bool
ac_load(const struct ac_signer *signer, const struct option_list *files,
    struct certs *ret, struct kd_err *e)
{
	for (size_t i = 0; i < files->n; i++)
		if (!certs_load(ret, files->v[i], e))
			return false;
	for (size_t i = 0; i < files->n; i++) {
		AUTO(certs_free) struct certs *of_file = NULL;

		if (!certs_new(&of_file, e) || !certs_load(of_file, files->v[i], e) ||
		    !check_all(signer, files->v[i], ret, of_file, e))
			return false;
	}
	return true;
}

struct best { /* of the folder's certificates, so far */
	struct certs *cert; /* owned; NULL: none yet */
	int64_t not_after;
	bool sent; /* the chain's end is among them */
};

static bool
is_in(const struct certs *list, const struct cert_info *c, bool *ret, struct kd_err *e)
{
	struct cert_info one;

	*ret = false;
	for (size_t i = 0; i < certs_n(list) && !*ret; i++) {
		if (!cert_info(list, i, &one, e))
			return false;
		*ret = memcmp(one.sha256, c->sha256, sizeof(one.sha256)) == 0;
	}
	return true;
}

/* A certificate that the chain has already: nothing to add, but perhaps what was looked
 * for. Nothing tells a cross-certificate from an intermediate one. */
static bool
note_known(const struct ac_signer *signer, const struct cert_info *c, struct best *best,
    struct kd_err *e)
{
	struct cert_info top;

	if (c->self_signed)
		return true;
	if (!top_of(signer, &top, e))
		return false;
	best->sent = best->sent || memcmp(top.sha256, c->sha256, sizeof(top.sha256)) == 0;
	return true;
}

static bool
consider(const struct ac_signer *signer, const struct certs *of_file, size_t i,
    struct best *best, struct kd_err *e)
{
	AUTO(certs_free) struct certs *one = NULL;
	struct cert_info info;
	char why[320];
	bool known, fits;

	if (!cert_info(of_file, i, &info, e) ||
	    !is_in(signer->chain, &info, &known, e))
		return false;
	if (known)
		return note_known(signer, &info, best, e);
	if (!certs_new(&one, e) || !copy_one(of_file, i, one, e) ||
	    !continues(signer, one, 0, &fits, why, e))
		return false;
	if (!fits || info.self_signed ||
	    (best->cert != NULL && info.not_after <= best->not_after))
		return true;
	certs_free(best->cert);
	best->cert = STEAL(one);
	best->not_after = info.not_after;
	return true;
}

static bool
consider_file(const struct ac_signer *signer, const char *path, struct best *best,
    struct kd_err *e)
{
	AUTO(certs_free) struct certs *of_file = NULL;
	struct kd_err ignored = {0};

	if (!certs_new(&of_file, e))
		return false;
	if (!certs_load(of_file, path, &ignored))
		return true; /* a folder has other things in it, too */
	for (size_t i = 0; i < certs_n(of_file); i++)
		if (!consider(signer, of_file, i, best, e))
			return false;
	return true;
}

static bool
consider_folder(const struct ac_signer *signer, const char *dir, struct best *best,
    struct kd_err *e)
{
	AUTO(closedir) DIR *d = opendir(dir);
	const struct dirent *entry;
	size_t n = 0;

	if (d == NULL)
		return kd_fail_errno(e, KD_E_FILE, errno, "'--ac-dir': '%s'", SHOW(dir));
	while ((entry = readdir(d)) != NULL) {
		AUTO(buf_clear) struct buf path = {0};

		if (entry->d_name[0] == '.')
			continue;
		if (n++ == AC_DIR_FILES_MAX)
			return kd_fail(e, KD_E_LIMIT,
			    "'--ac-dir': '%s': more than %d files", SHOW(dir),
			    AC_DIR_FILES_MAX);
		buf_printf(&path, "%s/%s", dir, entry->d_name);
		if (buf_cstr(&path) == NULL)
			return kd_fail_nomem(e, "path");
		if (!consider_file(signer, buf_cstr(&path), best, e))
			return false;
	}
	return true;
}

bool
ac_pick(const struct ac_signer *signer, const char *dir, struct certs *ret,
    struct kd_err *e)
{
	struct best best = {0};
	struct cert_info top;
	bool done = consider_folder(signer, dir, &best, e);

	if (done && best.cert == NULL) {
		done = top_of(signer, &top, e) &&
		       kd_fail(e, KD_E_FORMAT,
			   "'--ac-dir': no certificate in '%s' continues the chain of "
			   "key '%s', which ends at '%s', issued by '%s'",
			   SHOW(dir), signer->key, top.subject, top.issuer);
		if (best.sent)
			(void)kd_hint(e, "that end is in the folder, and the service "
					 "sends it along: if it is what you want to add, "
					 "leave --ac-dir out");
	} else if (done) {
		done = certs_add_all(ret, best.cert, e);
	}
	certs_free(best.cert);
	return done;
}

bool
ac_expired(const struct certs *more, int64_t at, char ret[320], struct kd_err *e)
{
	struct cert_info c, first = {0};
	size_t n = 0;
	char when[CLOCK_UTC_LEN];

	ret[0] = '\0';
	for (size_t i = 0; i < certs_n(more); i++) {
		if (!cert_info(more, i, &c, e))
			return false;
		if (c.not_after >= at)
			continue;
		if (n++ == 0)
			first = c;
	}
	if (n == 0)
		return true;
	clock_utc(when, first.not_after * 1000);
	(void)snprintf(ret, 320,
	    "the certificate '%.100s' by '%.80s' expired %.*s%s: Windows takes no new "
	    "kernel signature through it",
	    first.subject, first.issuer, DATE_LEN, when,
	    n > 1 ? " (others have, too)" : "");
	return true;
}
