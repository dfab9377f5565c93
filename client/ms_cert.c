/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_cert.c - certificates and times as signtool shows them. */
#include "client/ms_cert.h"

#include <string.h>
#include <time.h>

#include "authenticode/kernel_roots.h"

void
ms_put_time(struct buf *b, int64_t unix_s)
{
	time_t t = (time_t)unix_s;
	struct tm tm;
	char text[64];

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%a %b %d %H:%M:%S %Y", &tm) == 0)
		buf_printf(b, "%lld", (long long)unix_s);
	else
		buf_str(b, text);
}

bool
ms_cert_info(const struct certs *c, size_t i, struct cert_info *ret, struct kd_err *e)
{
	struct kernel_root_info root;

	if (!cert_info(c, i, ret, e) || !kernel_root_find(c, i, &root, e))
		return false;
	if (root.kind != KERNEL_ROOT_NONE) {
		memcpy(ret->sha1, root.sha1, sizeof(ret->sha1));
		ret->not_after = root.not_after;
	}
	return true;
}

void
ms_put_cert(struct buf *b, const struct cert_info *c, size_t depth)
{
	int indent = 4 * ((int)depth + 1);

	buf_printf(b, "%*sIssued to: %s\n", indent, "", c->subject_name);
	buf_printf(b, "%*sIssued by: %s\n", indent, "", c->issuer_name);
	buf_printf(b, "%*sExpires:   ", indent, "");
	ms_put_time(b, c->not_after);
	buf_printf(b, "\n%*sSHA1 hash: ", indent, "");
	for (size_t i = 0; i < sizeof(c->sha1); i++)
		buf_printf(b, "%02X", c->sha1[i]);
	buf_str(b, "\n\n");
}

bool
ms_made_roots(struct certs **ret, struct kd_err *e)
{
	AUTO(certs_free) struct certs *list = NULL;

	if (!certs_new(&list, e) || !kernel_roots_add(list, e) ||
	    !kernel_roots_add_microsoft(list, e) || !kernel_roots_add_timestamp(list, e))
		return false;
	*ret = STEAL(list);
	return true;
}

/* What was made here from a root's facts is shown as the root itself. */
static struct cert_info
as_real(const struct cert_info *c, const struct certs *made)
{
	struct cert_info real;
	struct kd_err ignored = {0};

	for (size_t i = 0; made != NULL && i < certs_n(made); i++) {
		struct cert_info info;

		if (cert_info(made, i, &info, &ignored) &&
		    memcmp(info.sha1, c->sha1, sizeof(info.sha1)) == 0 &&
		    ms_cert_info(made, i, &real, &ignored))
			return real;
	}
	return *c;
}

void
ms_put_chain(
    struct buf *b, const struct cert_info *chain, size_t n, const struct certs *made)
{
	for (size_t i = 0; i < n; i++) {
		struct cert_info c =
		    i == 0 ? as_real(&chain[n - 1], made) : chain[n - 1 - i];

		ms_put_cert(b, &c, i);
	}
}
