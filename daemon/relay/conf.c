/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/relay/conf.c - kdsign-relay's settings: one table is parser, defaults and
 * documentation; and what was checked and read from it. */
#include "daemon/relay/conf.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/sock.h"
#include "base/text.h"
#include "authenticode/cert.h"

#define AT(field) offsetof(struct relay_conf, field)
#define CA_MAX ((size_t)4 << 20)

static const struct conf_key conf_keys[] = {
    {"socket", CONF_PATH, AT(socket), "/run/kdsign/relay.sock",
	"where kdsignd reaches the relay"},
    {"front-user", CONF_STRING, AT(front_user), NULL,
	"user of kdsignd, the only one answered; without it the relay's own",
	.optional = true},
    {"user", CONF_STRING, AT(user), NULL, "user to become when started as root",
	.optional = true},
    {"upstream", CONF_LIST, AT(upstream), NULL,
	"URL of an RFC 3161 time-stamping authority; the first one that is well is asked",
	.optional = true},
    {"legacy-upstream", CONF_LIST, AT(legacy_upstream), NULL,
	"the same for the older Authenticode protocol", .optional = true},
    {"ca", CONF_PATH, AT(ca), NULL,
	"CAs of https upstreams, PEM; without it the system's", .optional = true},
    {"deadline", CONF_DURATION, AT(deadline_ms), "10s", "for one try at one upstream",
	.min = 100, .max = 120000},
    {"pause", CONF_DURATION, AT(pause_ms), "30s",
	"longest pause of an upstream that fails again and again",
	.min = UPSTREAM_PAUSE_MIN_MS, .max = 3600000},
    {"rate", CONF_UINT, AT(rate), "600",
	"timestamps a minute of one client, in the long run", .min = 1,
	.max = RATE_PER_MINUTE_MAX},
    {"burst", CONF_UINT, AT(burst), "1000",
	"timestamps of one client at once, after a pause",
	.min = 1, .max = RATE_BURST_MAX},
    {"parallel", CONF_UINT, AT(parallel), "8", "requests to upstreams at one time",
	.min = 1, .max = 64},
    {"queue-limit", CONF_UINT, AT(queue_limit), "1000",
	"requests that may wait for that; more get 503", .min = 1, .max = 10000},
    {0}};

const struct conf_section relay_conf_sections[] = {
    {.keys = conf_keys, .size = sizeof(struct relay_conf)}, {0}};

/* What is wrong with an upstream's URL, in words after which the value can follow, or NULL:
 * api_url_fault's, and no user and password, which would stand in every log line. */
static const char *
url_fault(const char *url)
{
	const char *fault = api_url_fault(url), *host;
	size_t n;

	if (fault != NULL)
		return fault;
	host = strstr(url, "//") + 2;
	n = strcspn(host, "/?#");
	if (memchr(host, '@', n) != NULL)
		return "may hold no user name";
	return strchr(url, '#') != NULL ? "may hold no fragment" : NULL;
}

static bool
load_upstreams(const struct settings *s, const struct conf_list *l, const char *key,
    struct upstreams *ret, struct kd_err *e)
{
	const char *fault;

	if (l->n > UPSTREAMS_MAX)
		return kd_fail(e, KD_E_CONFIG, "%s: %zu of them, at most %d allowed", key,
		    l->n, UPSTREAMS_MAX);
	ret->pause_max_ms = s->conf.pause_ms;
	for (; ret->n < l->n; ret->n++) {
		fault = url_fault(l->v[ret->n]);
		if (fault != NULL)
			return kd_fail(e, KD_E_CONFIG, "%s: %s, is '%s'", key, fault,
			    SHOW(l->v[ret->n]));
		ret->v[ret->n].url = l->v[ret->n];
	}
	return true;
}

/* Read here, not by libcurl, so that a reload takes it or leaves it with all the rest. */
static bool
load_ca(const char *path, struct buf *ret, struct kd_err *e)
{
	AUTO(certs_free) struct certs *certs = NULL;

	return certs_new(&certs, e) && certs_load(certs, path, e) &&
	       file_read_all(path, CA_MAX, ret, e);
}

static bool
load_users(struct settings *s, struct kd_err *e)
{
	gid_t gid;

	s->front_uid = geteuid();
	if (s->conf.user != NULL && !sock_user(s->conf.user, &s->front_uid, &gid, e))
		return kd_in(e, "user");
	if (s->conf.front_user != NULL &&
	    !sock_user(s->conf.front_user, &s->front_uid, &gid, e))
		return kd_in(e, "front-user");
	return true;
}

static bool
load(struct settings *s, struct kd_err *e)
{
	const struct relay_conf *c = &s->conf;

	if (c->upstream.n + c->legacy_upstream.n == 0)
		return kd_fail(e, KD_E_CONFIG,
		    "names no time-stamping authority: upstream or legacy-upstream");
	s->rate = (struct rate_limit){.per_minute = c->rate, .burst = c->burst};
	return load_users(s, e) &&
	       load_upstreams(
		   s, &c->upstream, "upstream", &s->upstreams[API_STAMP_RFC3161], e) &&
	       load_upstreams(s, &c->legacy_upstream, "legacy-upstream",
		   &s->upstreams[API_STAMP_LEGACY], e) &&
	       (c->ca == NULL || load_ca(c->ca, &s->ca, e) || kd_in(e, "ca"));
}

bool
settings_load(const char *path, struct settings **ret, struct kd_err *e)
{
	AUTO(settings_drop) struct settings *s = kd_alloc(sizeof(*s));

	if (s == NULL)
		return kd_fail_nomem(e, "settings");
	s->refs = 1;
	if (!conf_load(path, relay_conf_sections, &s->conf, e))
		return false;
	if (!load(s, e)) {
		/* A file that the configuration names: that is what is wrong. */
		if (e->code != KD_E_NOMEM)
			e->code = KD_E_CONFIG;
		return kd_in(e, "'%s'", path);
	}
	*ret = STEAL(s);
	return true;
}

struct settings *
settings_hold(struct settings *s)
{
	s->refs++;
	return s;
}

void
settings_drop(struct settings *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	conf_clear(relay_conf_sections, &s->conf);
	buf_clear(&s->ca);
	free(s);
}
