/* SPDX-License-Identifier: Apache-2.0 */
/* client/trust.c - whom verify trusts: options, else the configuration. */
#include "client/trust.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/text.h"

/* Debian's, and by now everybody's: what the distribution takes as public authorities. */
#define SYSTEM_BUNDLE "/etc/ssl/certs/ca-certificates.crt"

void
trust_clear(struct trust *t)
{
	certs_free(t->roots);
	certs_free(t->tsa_roots);
	*t = (struct trust){0};
}

static bool
is_certificate(const char *name)
{
	static const char *const endings[] = {".pem", ".crt", ".cer", ".der"};
	size_t n = strlen(name);

	for (size_t i = 0; name[0] != '.' && i < KD_ARRAY_LEN(endings); i++) {
		size_t len = strlen(endings[i]);

		if (n > len && text_eq_nocase(name + n - len, endings[i]))
			return true;
	}
	return false;
}

static bool
load_folder(struct certs *into, const char *path, struct kd_err *e)
{
	AUTO(closedir) DIR *d = opendir(path);
	const struct dirent *entry;

	if (d == NULL)
		return kd_fail_errno(
		    e, KD_E_FILE, errno, "'%s': folder of trust anchors", SHOW(path));
	while ((errno = 0, entry = readdir(d)) != NULL) {
		AUTO(buf_clear) struct buf file = {0};

		if (!is_certificate(entry->d_name))
			continue;
		buf_printf(&file, "%s/%s", path, entry->d_name);
		if (buf_cstr(&file) == NULL)
			return kd_fail_nomem(e, "path");
		if (!certs_load(into, buf_cstr(&file), e))
			return false;
	}
	return errno == 0 || kd_fail_errno(e, KD_E_FILE, errno,
				 "'%s': folder of trust anchors", SHOW(path));
}

/* The options alone when there are any, else the configuration's files and folder. */
static bool
load(struct certs *into, const struct option_list *given, const struct conf_list *files,
    const char *folder, struct kd_err *e)
{
	for (size_t i = 0; i < given->n; i++)
		if (!certs_load(into, given->v[i], e))
			return false;
	if (given->n != 0)
		return true;
	for (size_t i = 0; i < files->n; i++)
		if (!certs_load(into, files->v[i], e))
			return false;
	return folder == NULL || load_folder(into, folder, e);
}

bool
trust_add_system(struct certs *into, struct kd_err *e)
{
	return access(SYSTEM_BUNDLE, R_OK) != 0 || certs_load(into, SYSTEM_BUNDLE, e);
}

bool
trust_load(const struct settings *s, const struct option_list *roots,
    const struct option_list *tsa_roots, struct trust *ret, struct kd_err *e)
{
	AUTO(trust_clear) struct trust t = {0};

	if (!certs_new(&t.roots, e) || !certs_new(&t.tsa_roots, e) ||
	    !load(t.roots, roots, &s->roots, s->root_dir, e) ||
	    !load(t.tsa_roots, tsa_roots, &s->tsa_roots, s->tsa_root_dir, e))
		return false;
	if (certs_n(t.tsa_roots) == 0) {
		if (!certs_add_all(t.tsa_roots, t.roots, e) ||
		    !trust_add_system(t.tsa_roots, e))
			return false;
	}
	*ret = t;
	t = (struct trust){0};
	return true;
}
