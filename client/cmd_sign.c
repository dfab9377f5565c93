/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_sign.c - kdsign-client sign: digests go to the service, signatures into the
 * files. */
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "client/client.h"
#include "client/key_pick.h"
#include "client/progress.h"
#include "client/sign_pool.h"
#include "wire/json.h"

#define JOBS_PER_CORE 4

struct sign_args {
	const char *key, *sha1, *description, *url, *output;
	struct option_list ac;
	enum md md;
	uint64_t jobs;
	bool append;
};

static const struct option_row sign_rows[] = {
    {"key", OPTION_TEXT, offsetof(struct sign_args, key), "NAME",
	"the key to sign with, by its name at the service"},
    {"sha1", OPTION_TEXT, offsetof(struct sign_args, sha1), "THUMBPRINT",
	"the key to sign with, by its certificate's SHA-1"},
    {"ac", OPTION_LIST, offsetof(struct sign_args, ac), "FILE",
	"add these certificates too (PEM or DER); may be repeated"},
    {"digest", OPTION_MD, offsetof(struct sign_args, md), "ALG",
	"sha1, sha256 (default), sha384 or sha512"},
    {"description", OPTION_TEXT, offsetof(struct sign_args, description), "TEXT",
	"what the signed content is, shown by Windows"},
    {"url", OPTION_TEXT, offsetof(struct sign_args, url), "URL",
	"where to read more about it, shown by Windows"},
    {"output", OPTION_TEXT, offsetof(struct sign_args, output), "FILE|DIR",
	"write there and leave the input as it is"},
    {"jobs", OPTION_UINT, offsetof(struct sign_args, jobs), "N",
	"threads that read and write, default four a core", .min = 1,
	.max = SIGN_JOBS_MAX},
    {"append", OPTION_FLAG, offsetof(struct sign_args, append), NULL,
	"not supported yet: add a second signature"},
    {0},
};

struct signing { /* one run of the command */
	struct client *c;
	const struct sign_options *sign;
	size_t again; /* files that failed for a reason that was said for another */
};

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
check_args(const struct sign_args *a, struct kd_err *e)
{
	if (a->append) {
		(void)kd_fail(e, KD_E_USAGE,
		    "'--append': a second signature beside the first cannot "
		    "be made yet");
		return kd_hint(e, "without it, the signature that is there is replaced");
	}
	return (a->description == NULL || check_description(a->description, e)) &&
	       (a->url == NULL || check_url(a->url, e));
}

static bool
load_more(const struct option_list *files, struct certs *ret, struct kd_err *e)
{
	for (size_t i = 0; i < files->n; i++) {
		if (!certs_load(ret, files->v[i], e))
			return false;
	}
	return true;
}

static void
print_signed(struct signing *s, const struct sign_file *f)
{
	const struct plan_file *p = f->plan;
	enum md md = s->sign->md;
	AUTO(buf_clear) struct buf b = {0};

	if (s->c->json) {
		outcome_json_open(&b, p->arg, true);
		jw_str(&b, "output", p->target);
		jw_str(&b, "key", f->key);
		jw_uint(&b, "size", f->pe.size);
		jw_str(&b, "digest_algorithm", md_name(md));
		jw_hex(&b, "digest", f->digest.digest[0], md_len(md));
		jw_bool(&b, "replaced_signature", f->pe.cert_len != 0);
		outcome_json_close(&b);
	} else if (!s->c->quiet) {
		buf_printf(&b, "%s: signed with %s (%s)%s\n", SHOW(p->arg), f->key,
		    md_name(md), f->pe.cert_len != 0 ? ", old signature replaced" : "");
	}
	outcome_print(&s->c->outcome, &b);
}

static void
fail_file(struct signing *s, struct sign_file *f)
{
	AUTO(server_close) struct server *server = NULL; /* the senders' own are in use */
	struct kd_err ignored = {0};

	if ((f->err.code == KD_E_KEY_AMBIGUOUS || f->err.code == KD_E_KEY_UNKNOWN) &&
	    server_open(&s->c->settings, &server, &ignored))
		key_explain(server, &f->err);
	outcome_fail(&s->c->outcome, f->plan->arg, &f->err);
}

static void
file_done(void *self, struct sign_file *f, size_t finished_n)
{
	struct signing *s = self;

	(void)finished_n;
	if (f->state == SIGN_DONE) {
		print_signed(s, f);
	} else if (f->again) {
		outcome_fail_again(&s->c->outcome, f->plan->arg, &f->err);
		s->again++;
	} else {
		fail_file(s, f);
	}
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

/* More threads than cores: who writes a file waits for the disk most of the time (fsync).
 */
static size_t
count_jobs(uint64_t wanted)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN) * JOBS_PER_CORE;

	if (wanted != 0)
		return (size_t)wanted;
	return n < JOBS_PER_CORE   ? JOBS_PER_CORE
	       : n > SIGN_JOBS_MAX ? SIGN_JOBS_MAX
				   : (size_t)n;
}

static bool
sign_plan(struct signing *s, const struct sign_args *a, struct plan *plan,
    const struct key_choice *key, struct server *const senders[SIGN_SENDERS],
    struct kd_err *e)
{
	const struct sign_pool_options pool = {
	    .sign = s->sign,
	    .key = key->name,
	    .jobs = count_jobs(a->jobs),
	    .send = send_request,
	    .senders = {senders[0], senders[1]},
	    .done = file_done,
	    .tick = file_tick,
	    .self = s,
	};
	AUTO(free) struct sign_file *files = kd_alloc_array(plan->n, sizeof(*files));
	bool done;

	if (files == NULL)
		return kd_fail_nomem(e, "list of files");
	for (size_t i = 0; i < plan->n; i++)
		files[i].plan = &plan->v[i];
	progress_start("signing", plan->n, !s->c->quiet);
	done = sign_pool_run(files, plan->n, &pool, e);
	progress_end();
	if (s->again != 0)
		log_line(LOG_L_ERROR,
		    "%zu more files are not signed, for the same reason", s->again);
	return done;
}

static bool
sign(struct client *c, const struct sign_args *a, char **args, size_t n, struct kd_err *e)
{
	AUTO(certs_free) struct certs *more = NULL;
	AUTO(plan_clear) struct plan plan = {0};
	AUTO(server_close) struct server *first = NULL;
	AUTO(server_close) struct server *second = NULL;
	struct key_choice key = {0};
	struct sign_options options = {
	    .md = a->md != MD_NONE ? a->md : MD_SHA256,
	    .description = a->description,
	    .url = a->url,
	};
	struct signing s = {.c = c, .sign = &options};

	if (!check_args(a, e) || !certs_new(&more, e) || !load_more(&a->ac, more, e) ||
	    !plan_make(args, n, a->output, &plan, e) || !net_init(e) ||
	    !server_open(&c->settings, &first, e) ||
	    !server_open(&c->settings, &second, e) ||
	    !key_pick(first, a->key, a->sha1, &key, e))
		return false;
	if (plan.repeated != 0 && !c->quiet)
		log_line(LOG_L_WARN,
		    "%zu of the files are named twice; each is signed once",
		    plan.repeated);
	options.more = more;
	if (key.by_thumbprint)
		options.sha1 = key.sha1;
	return sign_plan(&s, a, &plan, &key, (struct server *[]){first, second}, e);
}

static void
run(struct client *c, const void *options, char **files, size_t n)
{
	struct kd_err e = {0};

	if (!sign(c, options, files, n, &e))
		outcome_fail(&c->outcome, NULL, &e);
}

const struct command cmd_sign = {
    .name = "sign",
    .args = "[OPTION...] FILE...",
    .summary = "have drivers and other PE files signed, in place",
    .options = sign_rows,
    .options_size = sizeof(struct sign_args),
    .files_min = 1,
    .files_max = SIZE_MAX,
    .run = run,
};
