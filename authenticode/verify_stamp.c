/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/verify_stamp.c - whose signature, and when: timestamp and chain. */
#include <stdio.h>
#include <string.h>

#include "authenticode/chain.h"
#include "authenticode/verify_inner.h"
#include "base/clock.h"

/* The authority's clock may be this much ahead of ours. */
#define AHEAD_S 300
#define EKU_LIFETIME_SIGNING "1.3.6.1.4.1.311.10.3.13"

static const char *
kind_name(enum tsp_kind k)
{
	switch (k) {
	case TSP_RFC3161:
		return "RFC 3161";
	case TSP_LEGACY:
		return "legacy countersignature";
	case TSP_NONE:
		break;
	}
	return "none";
}

static bool
copy_chain(const struct chain *from, struct cert_info to[VERIFY_CHAIN_MAX], size_t *n,
    struct kd_err *e)
{
	for (*n = 0; *n < certs_n(from->path) && *n < VERIFY_CHAIN_MAX; (*n)++)
		if (!cert_info(from->path, *n, &to[*n], e))
			return false;
	return true;
}

/* Of a chain that is not trusted. */
static const char *
first_finding(const struct chain *c)
{
	const struct chain_check *const checks[] = {
	    &c->trust, &c->validity, &c->eku, &c->key_usage};
	size_t i = 0;

	while (i < 3 && checks[i]->ok)
		i++;
	return checks[i]->detail;
}

/* What is wrong with a timestamp is a finding; what is wrong with the machine is not. */
static bool
is_finding(const struct kd_err *why)
{
	return why->code == KD_E_FORMAT || why->code == KD_E_LIMIT ||
	       why->code == KD_E_NOT_VERIFIED;
}

static bool
open_stamp(struct verify_run *run, const struct cms *c, struct tsp_stamp *ret,
    struct kd_err *e)
{
	if (c->token != NULL)
		return tsp_read_token(c->token, c->token_len, ret, e) &&
		       verify_count_certs(run, ret->certs, e);
	return tsp_read_countersignature(
	    c->countersignature, c->countersignature_len, c->certs, ret, e);
}

/* Readable, over this signature, and its own signature right? Fills s->stamp up to ok. */
static bool
read_stamp(struct verify_run *run, struct verify_signature *s, struct tsp_stamp *ret,
    struct kd_err *e)
{
	struct verify_stamp *v = &s->stamp;
	const struct cms *c = &s->cms;
	struct kd_err why = {0};

	v->kind = c->token != NULL ? TSP_RFC3161 : TSP_LEGACY;
	if (open_stamp(run, c, ret, &why)) {
		v->time = ret->time;
		v->md = ret->md;
		v->ok = tsp_check(ret, c->signature, c->signature_len, &why);
	}
	if (v->ok)
		return true;
	if (!is_finding(&why))
		return kd_fail(e, why.code, "timestamp: %s", why.msg);
	(void)snprintf(v->detail, sizeof(v->detail), "%s: %.280s", kind_name(v->kind),
	    why.msg);
	verify_step(s, "timestamp", VERIFY_FAILED, "%s", v->detail);
	return true;
}

/* "RFC 3161, sha256, 2019-07-10T02:17:20Z" */
static void
describe(struct verify_stamp *v, const char *more, const char *why)
{
	char when[CLOCK_UTC_LEN];

	clock_utc(when, v->time * 1000);
	(void)snprintf(v->detail, sizeof(v->detail), "%s, %s, %.19sZ%s%.200s",
	    kind_name(v->kind), md_name(v->md), when, more, why);
}

static bool
is_lifetime_signer(const struct cms *c)
{
	return c->signer != SIZE_MAX &&
	       cert_has_eku(c->certs, c->signer, EKU_LIFETIME_SIGNING);
}

/* No honest file comes near it. */
#define SPENT "chains before took too many signature checks"
static bool
spent(const struct verify_run *run)
{
	return run->checks > VERIFY_CHECKS_MAX;
}

/* Fills s->stamp's chain and trusted; finding: why not, when not. */
static bool
trust_stamp(struct verify_run *run, struct verify_stamp *v, const struct tsp_stamp *stamp,
    char finding[320], struct kd_err *e)
{
	AUTO(chain_clear) struct chain chain = {0};
	struct kd_err why = {0};
	const char *said;

	if (spent(run)) {
		(void)snprintf(finding, 320, SPENT);
		return true;
	}
	if (tsp_check_chain(stamp, run->o->tsa_roots, &chain, &why) &&
	    copy_chain(&chain, v->chain, &v->chain_n, &why)) {
		v->trusted = chain_ok(&chain);
		said = v->trusted ? chain.trust.detail : first_finding(&chain);
	} else if (is_finding(&why)) {
		said = why.msg;
	} else {
		return kd_fail(e, why.code, "timestamp: %s", why.msg);
	}
	run->checks += chain.checks;
	(void)snprintf(finding, 320, "%.319s", said);
	return true;
}

/* May the signer's chain be judged at the timestamp's time? ret_why: "" when it may. */
static bool
judge_stamp(struct verify_run *run, struct verify_signature *s,
    const struct tsp_stamp *stamp, const char **ret_why, struct kd_err *e)
{
	struct verify_stamp *v = &s->stamp;
	char finding[320];

	if (!trust_stamp(run, v, stamp, finding, e))
		return false;
	*ret_why = "";
	if (!v->trusted) {
		describe(v, ", is not trusted: ", finding);
		*ret_why = "the timestamp is not trusted";
	} else if (v->time > run->o->at + AHEAD_S) {
		describe(v, ", is of after the time asked for", "");
		*ret_why = "the timestamp is of after that";
	} else if (is_lifetime_signer(&s->cms)) {
		describe(v, ", trusted; but the signer's certificate ends its "
			    "signatures with itself (lifetime signing)", "");
		*ret_why = "a timestamp does not outlive this certificate (lifetime "
			   "signing)";
	} else {
		describe(v, ", ", finding);
	}
	verify_step(s, "timestamp", (*ret_why)[0] == '\0' ? VERIFY_OK : VERIFY_WARNING,
	    "%s", v->detail);
	return true;
}

static bool
check_stamp(struct verify_run *run, struct verify_signature *s,
    const char **ret_why, struct kd_err *e)
{
	AUTO(tsp_stamp_clear) struct tsp_stamp stamp = {0};
	struct kd_err shown = {0};

	if (s->cms.token == NULL && s->cms.countersignature == NULL) {
		*ret_why = "there is no timestamp";
		return true;
	}
	if (!read_stamp(run, s, &stamp, e))
		return false;
	*ret_why = "the timestamp does not verify";
	if (!s->stamp.ok)
		return true;
	if (!run->trust) { /* whose it is, without an opinion on them */
		describe(&s->stamp, "", "");
		verify_step(s, "timestamp", VERIFY_OK, "%s", s->stamp.detail);
		s->stamp.chain_n =
		    cert_info(stamp.certs, stamp.signer, &s->stamp.chain[0], &shown);
		return shown.code != KD_E_NOMEM || kd_fail_nomem(e, "timestamp");
	}
	return judge_stamp(run, s, &stamp, ret_why, e);
}

static void
step_chain(struct verify_signature *s, const char *name, const struct chain_check *c)
{
	verify_step(s, name, c->ok ? VERIFY_OK : VERIFY_FAILED, "%s", c->detail);
}

/* A finding, or a warning where only others than the reader look at it. */
static void
step_unread(struct verify_signature *s, const char *name, const struct chain_check *c,
    const char *reader)
{
	if (c->ok)
		verify_step(s, name, VERIFY_OK, "%s", c->detail);
	else
		verify_step(s, name, VERIFY_WARNING, "%.240s; the %s does not look at it",
		    c->detail, reader);
}

/* A certificate without any extended key usage is what the kernel's own recipe makes; one
 * for something else is not meant for code. */
static void
steps_of_reader(struct verify_signature *s, const struct chain *chain, const char *reader)
{
	struct cert_info info;
	struct kd_err none = {0};
	bool any_use = cert_info(s->cms.certs, s->cms.signer, &info, &none) &&
		       !info.has_eku;

	step_unread(s, "validity", &chain->validity, reader);
	if (any_use)
		verify_step(s, "extended key usage", VERIFY_OK,
		    "'%.240s' has none, and the %s wants none", info.subject, reader);
	else
		step_chain(s, "extended key usage", &chain->eku);
	step_chain(s, "key usage", &chain->key_usage);
}

/* why_now: why no timestamp decides, "" when one does. */
static bool
check_chain(struct verify_run *run, struct verify_signature *s, const char *why_now,
    struct kd_err *e)
{
	AUTO(chain_clear) struct chain chain = {0};
	struct kd_err why = {0};

	if (s->cms.signer == SIZE_MAX) {
		verify_step(s, "chain", VERIFY_FAILED,
		    "the signer's certificate is not among the embedded ones");
		return true;
	}
	if (spent(run)) {
		verify_step(s, "chain", VERIFY_FAILED, SPENT);
		return true;
	}
	if (!chain_find(
		s->cms.certs, s->cms.signer, run->o->roots, s->at, &chain, &why) ||
	    !copy_chain(&chain, s->chain, &s->chain_n, &why)) {
		if (!is_finding(&why))
			return kd_fail(e, why.code, "%s", why.msg);
		verify_step(s, "chain", VERIFY_FAILED, "%s", why.msg);
		return true;
	}
	run->checks += chain.checks;
	s->chain_complete = chain.complete;
	step_chain(s, "chain", &chain.trust);
	if (run->reader != NULL) {
		steps_of_reader(s, &chain, run->reader);
		return true;
	}
	if (chain.validity.ok || why_now[0] == '\0')
		step_chain(s, "validity", &chain.validity);
	else
		verify_step(s, "validity", VERIFY_FAILED, "%.240s; %s",
		    chain.validity.detail, why_now);
	step_chain(s, "extended key usage", &chain.eku);
	step_chain(s, "key usage", &chain.key_usage);
	return true;
}

bool
verify_trust(struct verify_run *run, struct verify_signature *s, struct kd_err *e)
{
	const char *why_now;

	s->at = run->o->at;
	if (!check_stamp(run, s, &why_now, e))
		return false;
	if (s->cms.token != NULL && s->cms.countersignature != NULL)
		verify_step(s, "second timestamp", VERIFY_SKIPPED,
		    "a legacy countersignature, not read: the RFC 3161 one counts");
	s->intact = s->ok;
	if (!run->trust)
		return true;
	if (why_now[0] == '\0')
		s->at = s->stamp.time;
	return check_chain(run, s, why_now, e);
}
