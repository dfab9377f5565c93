/* SPDX-License-Identifier: Apache-2.0 */
/* client/sign_run.c - one run of signing: options checked, key picked, files through the
 * pool. */
#include "client/sign_run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "client/ac_check.h"
#include "client/key_pick.h"
#include "client/progress.h"
#include "client/sign_pool.h"

#define JOBS_PER_CORE 4
#define STAMPING_JOBS_MIN 16

struct run {
	const struct settings *settings;
	const struct sign_run_options *o;
	const struct sign_sink *sink;
	struct sign_options sign;
	struct plan plan;         /* owned */
	struct certs *more;       /* owned */
	struct certs *signers;    /* owned; NULL: every signature brings its own */
	struct stamper *stamper;  /* owned; NULL: no timestamps */
	struct server *server[SIGN_SENDERS]; /* owned */
	struct key_choice key;
};

static void
run_clear(struct run *r)
{
	plan_clear(&r->plan);
	certs_free(r->more);
	certs_free(r->signers);
	stamper_free(r->stamper);
	for (size_t i = 0; i < SIGN_SENDERS; i++)
		server_close(r->server[i]);
}
AUTO_DEFINE_CLEAR(struct run, run_clear);

/* What the service would refuse is said before it is asked. */
static bool
check_description(const char *text, struct kd_err *e)
{
	size_t n = strlen(text);
	const char *fault = api_text_fault(text);

	if (n == 0 || n > API_DESCRIPTION_MAX || !text_is_utf8(text, n))
		return kd_fail(e, KD_E_USAGE,
		    "'--description': needs 1 to %d bytes of UTF-8", API_DESCRIPTION_MAX);
	return fault == NULL ? true
			     : kd_fail(e, KD_E_USAGE, "'--description': %s: '%s'", fault,
				   SHOW(text));
}

static bool
check_url(const char *url, struct kd_err *e)
{
	const char *fault = api_url_fault(url);

	if (strlen(url) > API_URL_MAX)
		return kd_fail(e, KD_E_USAGE, "'--url': %zu bytes, at most %d allowed",
		    strlen(url), API_URL_MAX);
	return fault == NULL
		   ? true
		   : kd_fail(e, KD_E_USAGE, "'--url': %s, is '%s'", fault, SHOW(url));
}

static bool
check_options(const struct sign_run_options *o, struct kd_err *e)
{
	return (!o->efi || sign_efi_options(o->md, o->page_hashes, o->append, e)) &&
	       (o->description == NULL || check_description(o->description, e)) &&
	       (o->url == NULL || check_url(o->url, e));
}

static void KD_PRINTF(2, 3)
warn(const struct run *r, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->sink->warn(r->sink->self, text);
}

static void
explain(const struct run *r, struct kd_err *err)
{
	AUTO(server_close) struct server *server = NULL; /* the senders' own are in use */
	struct kd_err ignored = {0};

	if ((err->code == KD_E_KEY_AMBIGUOUS || err->code == KD_E_KEY_UNKNOWN) &&
	    server_open(r->settings, &server, &ignored))
		key_explain(server, err);
}

static void
file_done(void *self, struct sign_file *f, size_t finished_n)
{
	const struct run *r = self;
	const struct sign_subject *s = &f->subject;
	bool done = f->state == SIGN_DONE;
	const struct sign_result result = {
	    .file = f->plan->arg,
	    .output = done ? f->plan->target : NULL,
	    .kind = s->kind != NULL ? s->kind->name : NULL,
	    .key = f->key,
	    .size = s->size,
	    .md = s->md,
	    .digest = s->digest,
	    .was_signed = s->is_signed,
	    .appended = f->sequence != 0,
	    .stamp = f->stamp,
	    .stamp_err = done && f->err.code != KD_OK ? &f->err : NULL,
	    .err = done ? NULL : &f->err,
	    .again = f->again,
	};

	(void)finished_n;
	if (!done && !f->again)
		explain(r, &f->err);
	if (r->sink->file != NULL)
		r->sink->file(r->sink->self, &result);
	for (size_t i = 0; done && i < f->efi_notes.n; i++)
		warn(r, "'%s': %s", SHOW(f->plan->arg), f->efi_notes.v[i]);
}

static void
file_tick(void *self, size_t finished_n)
{
	(void)self;
	progress_show(finished_n);
}

static bool
send_request(
    void *self, struct api_sign_request *q, struct api_sign_answer *ret, struct kd_err *e)
{
	return server_sign(self, q, ret, e);
}

/* More threads than cores: who writes a file waits for the disk most of the time (fsync),
 * and who has it timestamped for the network. */
static size_t
count_jobs(uint64_t wanted, bool stamping)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN) * JOBS_PER_CORE;
	long least = stamping ? STAMPING_JOBS_MIN : JOBS_PER_CORE;

	if (wanted != 0)
		return (size_t)wanted;
	return (size_t)(n < least ? least : n > SIGN_JOBS_MAX ? SIGN_JOBS_MAX : n);
}

static bool
run_pool(struct run *r, struct sign_file *files, size_t n, struct kd_err *e)
{
	const struct sign_pool_options pool = {
	    .sign = &r->sign,
	    .key = r->key.name,
	    .jobs = count_jobs(r->o->jobs, r->stamper != NULL),
	    .whole = r->sign.stage,
	    .send = send_request,
	    .senders = {r->server[0], r->server[1]},
	    .done = file_done,
	    .tick = file_tick,
	    .self = r,
	};
	bool done;

	progress_start("signing", n, r->sink->progress);
	done = sign_pool_run(files, n, &pool, e);
	progress_end();
	return done;
}

/* The certificates of --ac and --ac-dir, which must continue the key's chain: said before
 * the token has signed anything. */
static bool
load_more(struct run *r, struct kd_err *e)
{
	AUTO(certs_free) struct certs *chain = NULL;
	struct ac_signer signer = {.key = r->key.name};
	char expired[320];

	if (!certs_new(&r->more, e))
		return false;
	if (r->o->ac.n == 0 && r->o->ac_dir == NULL)
		return true;
	if (!certs_new(&chain, e) || !key_chain(r->server[0], &r->key, chain, e))
		return false;
	signer.chain = chain;
	if (!ac_load(&signer, &r->o->ac, r->more, e) ||
	    (r->o->ac_dir != NULL && !ac_pick(&signer, r->o->ac_dir, r->more, e)) ||
	    !ac_expired(r->more, clock_unix_ms() / 1000, expired, e))
		return false;
	if (expired[0] != '\0')
		warn(r, "%s", expired);
	return true;
}

static bool
any_is_lone(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		AUTO(close) int fd = -1;
		struct kd_err later = {0}; /* said when its turn comes */

		if (p->v[i].err.code == KD_OK &&
		    file_open_read(p->v[i].arg, &fd, NULL, &later) &&
		    sign_kind_is_lone(fd, p->v[i].path))
			return true;
	}
	return false;
}

/* The key's certificates, where a signature will come without. */
static bool
load_signers(struct run *r, struct kd_err *e)
{
	if (!any_is_lone(&r->plan))
		return true;
	return certs_new(&r->signers, e) &&
	       key_chain(r->server[0], &r->key, r->signers, e);
}

/* All that can fail for every file alike, before any is touched. */
static bool
prepare(struct run *r, struct kd_err *e)
{
	const struct sign_run_options *o = r->o;

	if (!net_init(e))
		return false;
	for (size_t i = 0; i < SIGN_SENDERS; i++)
		if (!server_open(r->settings, &r->server[i], e))
			return false;
	if (!key_pick(r->server[0], o->key, o->sha1, &r->key, e) || !load_more(r, e) ||
	    !load_signers(r, e))
		return false;
	r->sign = (struct sign_options){
	    .md = o->md != MD_NONE ? o->md : MD_SHA256,
	    .description = o->description,
	    .url = o->url,
	    .more = r->more,
	    .signers = r->signers,
	    .sha1 = r->key.by_thumbprint ? r->key.sha1 : NULL,
	    .page_hashes = o->page_hashes,
	    .append = o->append,
	    .efi = o->efi,
	    .stamper = r->stamper,
	    .stamp_optional = o->stamp.optional,
	};
	return true;
}

static bool
read_options(struct run *r, struct kd_err *e)
{
	const struct sign_run_options *o = r->o;

	return check_options(o, e) &&
	       (!stamp_wanted(&o->stamp) ||
		   stamper_new(&o->stamp, r->settings, &r->stamper, e));
}

static bool
plan_files(struct run *r, char **files, size_t n, struct kd_err *e)
{
	if (!plan_make(files, n, r->o->output, &r->plan, e))
		return false;
	if (r->plan.repeated != 0)
		warn(r, "%zu of the files are named twice; each is signed once",
		    r->plan.repeated);
	return true;
}

bool
sign_run(const struct settings *settings, const struct sign_run_options *o, char **files,
    size_t n, const struct sign_sink *sink, struct kd_err *e)
{
	AUTO(run_clear)
	struct run r = {.settings = settings, .o = o, .sink = sink};
	AUTO(free) struct sign_file *v = NULL;

	if (!read_options(&r, e) || !plan_files(&r, files, n, e) || !prepare(&r, e))
		return false;
	v = kd_alloc_array(r.plan.n, sizeof(*v));
	if (v == NULL)
		return kd_fail_nomem(e, "list of files");
	for (size_t i = 0; i < r.plan.n; i++)
		v[i].plan = &r.plan.v[i];
	return run_pool(&r, v, r.plan.n, e);
}

bool
sign_run_check(
    const struct settings *settings, const struct sign_run_options *o, struct kd_err *e)
{
	const struct sign_sink nobody = {0};
	AUTO(run_clear)
	struct run r = {.settings = settings, .o = o, .sink = &nobody};

	return read_options(&r, e);
}

bool
sign_run_stage(const struct settings *settings, const struct sign_run_options *o,
    struct sign_file *files, size_t n, const struct sign_sink *sink, struct kd_err *e)
{
	AUTO(run_clear)
	struct run r = {.settings = settings, .o = o, .sink = sink};

	if (!read_options(&r, e) || !prepare(&r, e) ||
	    (r.stamper != NULL && !o->stamp.optional && !stamper_probe(r.stamper, e)))
		return false;
	r.sign.stage = true;
	return run_pool(&r, files, n, e);
}
