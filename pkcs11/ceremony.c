/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony.c - what the commands of kdsign-token share: set-up, record, the key
 * meant. */
#include "config.h"

#include "pkcs11/ceremony.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/harden.h"
#include "base/log.h"
#include "base/num.h"
#include "base/sock.h"
#include "base/text.h"
#include "pkcs11/cert_pin.h"
#include "pkcs11/module_check.h"
#include "pkcs11/pin.h"
#include "pkcs11/prestart.h"
#include "pkcs11/state_dir.h"
#include "wire/json.h"

#define STATE_DEFAULT "/var/lib/kdsign-signer"

static bool
check_module(const struct ceremony *c, struct kd_err *e)
{
	return module_check(c->module, c->conf.module_sha256, e) || kd_in(e, "module");
}

static bool
configure(struct ceremony *c, struct kd_err *e)
{
	const struct ceremony_options *o = c->o;

	if (o->config != NULL && (o->module != NULL || o->token != NULL))
		return kd_fail(e, KD_E_USAGE,
		    "--config says which module and token: leave out --module and "
		    "--token");
	if (o->pin_fd >= 0 && o->pin_file != NULL)
		return kd_fail(e, KD_E_USAGE, "--pin-fd and --pin-file: one of them");
	if (o->config != NULL) {
		if (!signer_conf_load(o->config, &c->conf, e))
			return false;
		c->module = c->conf.module;
		c->state = o->state != NULL ? o->state : c->conf.state_dir;
		c->latch_dir = c->conf.state_dir;
		return uri_parse(c->conf.token, URI_TOKEN, &c->want, e);
	}
	c->state = c->latch_dir = o->state != NULL ? o->state : STATE_DEFAULT;
	if (c->command->offline)
		return true;
	if (o->module == NULL) {
		(void)kd_fail(e, KD_E_USAGE, "which token?");
		return kd_hint(e, "give --config FILE, or --module PATH and --token URI");
	}
	c->module = o->module;
	if (!check_module(c, e))
		return false;
	return o->token == NULL || uri_parse(o->token, URI_TOKEN, &c->want, e) ||
	       kd_in(e, "--token '%s'", SHOW(o->token));
}

/* A file of root's is read before root's rights are given up. */
static bool
become(struct ceremony *c, struct kd_err *e)
{
	struct pin_source pin = {.fd = c->o->pin_fd, .file = c->o->pin_file};
	bool wanted = !c->o->dry_run && !c->o->no_login && !c->command->offline;
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (pin.fd < 0 && pin.file == NULL)
		pin.file = c->conf.pin_file;
	if (wanted && (pin.fd >= 0 || pin.file != NULL) && !pin_load(&pin, &c->pin, e))
		return false;
	if (geteuid() != 0 || c->conf.user == NULL)
		return true;
	return (sock_user(c->conf.user, &uid, &gid, e) || kd_in(e, "user")) &&
	       harden_become(uid, gid, e);
}

static bool
make_state(const struct ceremony *c, struct kd_err *e)
{
	const char *dirs[] = {c->latch_dir, c->state};

	for (size_t i = 0; i < KD_ARRAY_LEN(dirs); i++)
		if (!state_dir_check(dirs[i], e))
			return false;
	return true;
}

static bool
set_environment(const struct ceremony *c, struct kd_err *e)
{
	char name[256];

	for (size_t i = 0; i < c->conf.module_environment.n; i++) {
		const char *v = c->conf.module_environment.v[i];
		size_t n = strcspn(v, "=");

		if (n >= sizeof(name))
			return kd_fail(
			    e, KD_E_CONFIG, "module-environment: name too long");
		memcpy(name, v, n);
		name[n] = '\0';
		if (setenv(name, &v[n + 1], 1) != 0)
			return kd_fail_nomem(e, "environment");
	}
	return true;
}

/*
 * What puts the token into order before a module is loaded, as kdsign-signer does it; but
 * not behind the back of one that runs, whose sessions it might end.
 */
static bool
pre_start(const struct ceremony *c, struct kd_err *e)
{
	AUTO(close) int lock = -1;
	struct kd_err busy = {0};

	if (!set_environment(c, e))
		return false;
	if (c->conf.pre_start.n == 0 || !state_dir_lock(c->latch_dir, &lock, &busy))
		return true;
	for (size_t i = 0; i < c->conf.pre_start.n; i++)
		if (!prestart_run(c->conf.pre_start.v[i], e))
			return false;
	return true;
}

static bool
open_token(struct ceremony *c, struct kd_err *e)
{
	enum token_state why;

	if (!pre_start(c, e) || !harden_process(HARDEN_SIGNER_CHILD, e))
		return false;
	if (c->command->run == ceremony_list) /* which looks at all of them */
		return true;
	if (!token_open(c->module, &c->want, &c->token, &why, e)) {
		if (e->code == KD_E_CONFIG)
			(void)kd_hint(e, "name one: --token 'pkcs11:serial=...'");
		return false;
	}
	return true;
}

static void
start_entry(struct ceremony *c)
{
	const struct token_info *i = c->token != NULL ? token_info(c->token) : NULL;

	c->entry = (struct transcript_entry){.action = c->command->name,
	    .tool = CEREMONY_TOOL " " PACKAGE_VERSION,
	    .people = c->o->people.v,
	    .people_n = c->o->people.n};
	if (i != NULL) {
		c->entry.token_label = i->label;
		c->entry.token_serial = i->serial;
		c->entry.token_model = i->model;
		c->entry.token_manufacturer = i->manufacturer;
	}
	jw_arr_open(&c->facts, NULL);
}

/* What an act has to say has to have somewhere to go. */
static bool
check_stdout(struct kd_err *e)
{
	int flags = fcntl(STDOUT_FILENO, F_GETFL);

	return (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY) ||
	       kd_fail(e, KD_E_IO, "standard output is closed");
}

static void
warn_cut_off(const struct ceremony *c)
{
	const struct transcript_sum *s = &c->transcript.sum;

	if (s->begun[0] != '\0')
		log_line(LOG_L_WARN,
		    "the act before, '%s' begun at %s, has no end on record: it was cut off. "
		    "'" CEREMONY_TOOL " list' shows what it left on the token",
		    s->begun, s->begun_time);
}

bool
ceremony_open(struct ceremony *c, struct kd_err *e)
{
	transcript_init(&c->transcript);
	c->facts.max = TRANSCRIPT_LINE_MAX;
	if (c->command->keyed && c->o->key == NULL)
		return kd_fail(e, KD_E_USAGE, "which key? --key NAME");
	if (!configure(c, e) || !become(c, e))
		return false;
	if (c->command->recorded && !c->o->dry_run &&
	    (!check_stdout(e) || !make_state(c, e) ||
		!transcript_open(c->state, &c->transcript, e)))
		return false;
	warn_cut_off(c);
	/* What the act itself would find out by opening it. */
	if (c->o->dry_run && c->o->out != NULL && !file_replace_probe(c->o->out, e))
		return false;
	if (!c->command->offline && !open_token(c, e))
		return false;
	start_entry(c);
	return true;
}

void
ceremony_clear(struct ceremony *c)
{
	token_close(c->token);
	secret_free(c->pin);
	signer_conf_clear(&c->conf);
	transcript_close(&c->transcript);
	buf_clear(&c->facts);
	*c = (struct ceremony){.transcript.fd = -1};
}

void
ceremony_fact(struct ceremony *c, const char *name, const char *fmt, ...)
{
	char text[4000];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	jw_open(&c->facts);
	jw_str(&c->facts, "name", name);
	jw_str(&c->facts, "value", text);
	jw_close(&c->facts);
}

void
ceremony_about(struct ceremony *c, const char *label, const void *id, size_t id_n,
    const void *spki, size_t spki_n)
{
	struct transcript_entry *x = &c->entry;

	(void)text_show(x->key_label, sizeof(x->key_label), label, strlen(label));
	if (id_n < sizeof(x->key_id) / 2)
		text_hex_to(x->key_id, id, id_n);
	if (spki_n > 0)
		cert_pin_of(spki, spki_n, x->key_spki_sha256);
}

static bool
append(struct ceremony *c, const char *phase, const char *result, struct kd_err *e)
{
	AUTO(buf_clear) struct buf facts = {.max = TRANSCRIPT_LINE_MAX};

	if (c->transcript.fd < 0)
		return true; /* a dry run */
	buf_add(&facts, c->facts.p, c->facts.len);
	facts.failed = facts.failed || c->facts.failed;
	jw_arr_close(&facts);
	if (!buf_ok(&facts, "facts for the transcript", e))
		return false;
	c->entry.phase = phase;
	c->entry.result = result;
	c->entry.facts = &facts;
	return transcript_append(&c->transcript, &c->entry, e);
}

bool
ceremony_begin(struct ceremony *c, struct kd_err *e)
{
	if (c->transcript.fd >= 0 && !transcript_reserve(&c->transcript, e))
		return false;
	if (!append(c, "begin", "", e))
		return false;
	buf_reset(&c->facts);
	jw_arr_open(&c->facts, NULL);
	c->begun = true;
	return true;
}

bool
ceremony_end(struct ceremony *c, const struct kd_err *failed, struct kd_err *e)
{
	char result[sizeof(failed->msg) + 16];
	struct kd_err own = {0};

	c->done = failed == NULL;
	if (failed == NULL)
		return append(c, "end", "done", e) ||
		       kd_hint(e, "'%s' itself was done; that is what has no end on record",
			   c->command->name);
	(void)snprintf(result, sizeof(result), "failed: %s", failed->msg);
	if (!append(c, "end", result, &own)) /* the act's own failure is the one to tell */
		log_err(LOG_L_ERROR, &own);
	return false;
}

bool
ceremony_kind_module(const struct ceremony *c, bool *ret, struct kd_err *e)
{
	const char *kind = c->o->kind;

	*ret = kind != NULL && strcmp(kind, "module") == 0;
	if (kind == NULL || *ret)
		return true;
	(void)kd_fail(e, KD_E_USAGE, "--kind '%s': expected 'module'", SHOW(kind));
	return kd_hint(e, "leave it out for a key that signs anything but Linux kernel "
			  "modules");
}

void
ceremony_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
}

bool
ceremony_put(const struct buf *b, struct kd_err *e)
{
	if (!buf_ok(b, "output", e))
		return false;
	if (fwrite(b->p, 1, b->len, stdout) != b->len || fflush(stdout) != 0)
		return kd_fail_errno(e, KD_E_IO, errno, "standard output");
	return true;
}
