/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_sign.c - signtool sign. */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "client/ms.h"
#include "client/ms_cert.h"
#include "client/ms_key.h"
#include "client/ms_sign_args.h"
#include "client/server.h"
#include "client/sign_run.h"

#define SIGNED "Done Adding Additional Store\nSuccessfully signed: "

struct signing { /* one run of the command */
	struct ms *m;
	const struct ms_sign_args *a;
	const struct ms_files *files;
	struct ms_sign_ready ready; /* owned: what the arguments mean */
	struct sign_run_options run;
	size_t next; /* in files: where to look for what a result is of */
};

static void
put_keys(struct ms *m, const struct ms_keys *keys, const struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};

	if (e->code != KD_E_KEY_AMBIGUOUS)
		return;
	buf_str(&b, "The following certificates meet all given criteria:\n");
	for (size_t i = 0; i < keys->n; i++)
		ms_put_cert(&b, &keys->v[i].cert, 0);
	ms_print(m, &b);
}

static void
put_chosen(struct signing *s, struct ms_keys *keys)
{
	AUTO(buf_clear) struct buf b = {0};

	if (s->m->say.debug)
		ms_print(s->m, &keys->debug);
	if (s->m->say.verbose) {
		buf_str(&b, "The following certificate was selected:\n");
		ms_put_cert(&b, &keys->v[keys->picked].cert, 0);
		ms_sign_put_more(&b, keys->v[keys->picked].key, &s->ready.ac_paths);
	}
	ms_print(s->m, &b);
}

/* /fd, and what stands for it when it is not given: said, and never SHA-1. */
static bool
choose_md(struct signing *s, const struct ms_key *key, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};

	s->run.md = s->ready.md;
	if (s->ready.md_of_certificate) {
		s->run.md = ms_cert_md(&key->cert);
		return s->run.md != MD_NONE ||
		       kd_fail(e, KD_E_USAGE,
			   "/fd certHash: the certificate's own signature is %s, which "
			   "names no digest.",
			   key->cert.signature_algorithm);
	}
	if (s->a->fd == NULL) {
		s->run.md = ms_key_md(key->key);
		if (s->run.md == MD_NONE) {
			(void)kd_fail(e, KD_E_USAGE,
			    "No file digest algorithm specified. Please specify the "
			    "digest algorithm with the /fd flag.");
			return kd_hint(e,
			    "The service grants sha1 alone for this key, which is used "
			    "only when /fd sha1 asks for it.");
		}
		if (!s->m->say.quiet)
			buf_printf(&b,
			    "No /fd option: the file digest is %s, the service's "
			    "default.\n",
			    md_name(s->run.md));
	}
	ms_print(s->m, &b);
	return true;
}

static bool
choose_key(struct signing *s, struct kd_err *e)
{
	AUTO(server_close) struct server *server = NULL;
	AUTO(api_keys_clear) struct api_keys granted = {0};
	AUTO(ms_keys_clear) struct ms_keys keys = {0};
	const struct ms_key *key;

	if (!net_init(e) || !server_open(&s->m->c->settings, &server, e) ||
	    !server_keys(server, &granted, e))
		return false;
	if (!ms_keys_choose(
		&granted, &s->ready.criteria, clock_unix_ms() / 1000, &keys, e)) {
		if (s->m->say.debug)
			ms_print(s->m, &keys.debug);
		ms_fail_err(s->m, e);
		put_keys(s->m, &keys, e);
		e->code = KD_OK; /* said */
		return false;
	}
	key = &keys.v[keys.picked];
	memcpy(s->ready.key, key->key->name, sizeof(s->ready.key));
	text_hex_to(s->ready.sha1, key->cert.sha1, sizeof(key->cert.sha1));
	put_chosen(s, &keys);
	return choose_md(s, key, e);
}

static void
file_failed(struct signing *s, const char *file, const struct sign_result *r)
{
	static const struct kd_err again = {.msg = "for the same reason"};

	if (r->err->code == KD_E_TIMESTAMP)
		ms_complain(s->m, MS_STAMP_FAILED, NULL, NULL);
	else if (r->err->code == KD_E_FORMAT)
		ms_complain(s->m,
		    "This file format cannot be signed because it is not recognized.",
		    NULL, NULL);
	ms_fail(s->m, "An error occurred while attempting to sign: ", file,
	    r->again ? &again : r->err);
}

static void
file_done(void *self, const struct sign_result *r)
{
	struct signing *s = self;
	const char *file = ms_shown(s->files, &s->next, r->file);

	if (r->err != NULL)
		file_failed(s, file, r);
	else
		ms_succeed(s->m, SIGNED, file);
}

static void
note(void *self, const char *text)
{
	struct signing *s = self;

	ms_note(s->m, text);
}

static void
run(struct ms *m, const void *options, const struct ms_files *files)
{
	struct signing s = {.m = m, .a = options, .files = files};
	const struct sign_sink sink = {
	    .file = file_done, .warn = note, .self = &s, .progress = !m->say.quiet};
	AUTO(free) char **paths = NULL;
	struct kd_err e = {0};
	size_t n;
	bool ok = ms_found(m, files, &paths, &n, &e);

	if (ok && n > 0) {
		ok = ms_sign_read(s.a, &s.ready, &e) && choose_key(&s, &e);
		ms_sign_fill(s.a, &s.ready, &s.run);
		ok = ok && sign_run(&m->c->settings, &s.run, paths, n, &sink, &e);
	}
	if (!ok && e.code != KD_OK)
		ms_fail_err(m, &e);
	ms_sign_ready_clear(&s.ready);
}

const struct ms_command ms_sign = {
    .name = "sign",
    .args = "[options] <file_name>...",
    .summary = "Sign files with a key of the signing service, in place.",
    .done = "Signed",
    .rows = ms_sign_rows,
    .options_size = sizeof(struct ms_sign_args),
    .common = offsetof(struct ms_sign_args, common),
    .files = true,
    .run = run,
};
