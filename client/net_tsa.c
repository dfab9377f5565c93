/* SPDX-License-Identifier: Apache-2.0 */
/* client/net_tsa.c - requests to time-stamping authorities, over HTTP or HTTPS. */
#include "client/net_tsa.h"

#include <string.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

struct net_tsa {
	CURL *curl;
	struct curl_slist *headers[TSP_LEGACY + 1]; /* by kind */
	char said[CURL_ERROR_SIZE];
};

/* What servers of either protocol look at; the old one's look at the agent, too. */
static const struct {
	const char *const headers[4];
	const char *agent;
} media[] = {
    [TSP_RFC3161] = {{"Expect:", "Content-Type: application/timestamp-query",
			 "Accept: application/timestamp-reply", NULL},
	"kdsign-client"},
    [TSP_LEGACY] = {{"Expect:", "Content-Type: application/octet-stream",
			"Accept: application/octet-stream", NULL},
	"Transport"},
};

void
net_tsa_close(struct net_tsa *n)
{
	if (n == NULL)
		return;
	curl_easy_cleanup(n->curl);
	for (size_t i = TSP_RFC3161; i <= TSP_LEGACY; i++)
		curl_slist_free_all(n->headers[i]);
	free(n);
}

bool
net_tsa_check_url(const char *url, struct kd_err *e)
{
	size_t len = strlen(url);
	size_t scheme = strncmp(url, "http://", 7) == 0    ? 7
			: strncmp(url, "https://", 8) == 0 ? 8
							   : 0;

	if (scheme == 0 || url[scheme] == '\0' || strchr("/?:", url[scheme]) != NULL)
		return kd_fail(e, KD_E_USAGE,
		    "'%s': not the address of a time-stamping authority, expected "
		    "http://HOST/ or https://HOST/",
		    SHOW(url));
	if (len > NET_TSA_URL_MAX)
		return kd_fail(e, KD_E_USAGE, "'%s': %zu bytes, at most %d allowed",
		    SHOW(url), len, NET_TSA_URL_MAX);
	for (size_t i = 0; i < len; i++)
		if (url[i] <= ' ' || url[i] > '~' || strchr("@#\\\"<>", url[i]) != NULL)
			return kd_fail(e, KD_E_USAGE,
			    "'%s': character %zu cannot stand in such an address",
			    SHOW(url), i + 1);
	return true;
}

static size_t
receive(char *p, size_t size, size_t count, void *arg)
{
	struct buf *body = arg;

	buf_add(body, p, size * count); /* bounded by its max */
	return body->failed ? 0 : size * count;
}

static bool
set_headers(struct net_tsa *n)
{
	for (size_t kind = TSP_RFC3161; kind <= TSP_LEGACY; kind++) {
		for (size_t i = 0; media[kind].headers[i] != NULL; i++) {
			struct curl_slist *more = curl_slist_append(
			    n->headers[kind], media[kind].headers[i]);

			if (more == NULL)
				return false;
			n->headers[kind] = more;
		}
	}
	return true;
}

static bool
set_up(CURL *c, char *said)
{
	CURLcode bad = CURLE_OK;

#define SET(option, value)                                                               \
	bad = bad != CURLE_OK ? bad : curl_easy_setopt(c, option, value)
	SET(CURLOPT_ERRORBUFFER, said);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, ""); /* whatever the environment says */
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_TCP_NODELAY, 1L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_WRITEFUNCTION, receive);
#undef SET
	return bad == CURLE_OK;
}

bool
net_tsa_open(struct net_tsa **ret, struct kd_err *e)
{
	AUTO(net_tsa_close) struct net_tsa *n = kd_alloc(sizeof(*n));

	if (n == NULL)
		return kd_fail_nomem(e, "connection");
	n->curl = curl_easy_init();
	if (n->curl == NULL || !set_up(n->curl, n->said) || !set_headers(n))
		return kd_fail_nomem(e, "connection");
	*ret = STEAL(n);
	return true;
}

static bool
fail_curl(const struct net_tsa *n, const char *url, CURLcode rc, struct kd_err *e)
{
	const char *said = n->said[0] != '\0' ? n->said : curl_easy_strerror(rc);
	enum kd_code code = KD_E_UNREACHABLE;

	if (rc == CURLE_OUT_OF_MEMORY)
		return kd_fail_nomem(e, "request");
	if (rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_SSL_ISSUER_ERROR)
		code = KD_E_TLS;
	else if (rc == CURLE_WEIRD_SERVER_REPLY || rc == CURLE_UNSUPPORTED_PROTOCOL)
		code = KD_E_PROTOCOL;
	return kd_fail(e, code, "'%s': %s", SHOW(url), SHOW(said));
}

static bool
check_status(const struct net_tsa *n, const char *url, struct kd_err *e)
{
	long status = 0;

	(void)curl_easy_getinfo(n->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200)
		return true;
	if (status >= 300 && status < 400) {
		(void)kd_fail(e, KD_E_UNREACHABLE,
		    "'%s': sends elsewhere (HTTP status %ld), which is not followed",
		    SHOW(url), status);
		return kd_hint(e, "name the address that it sends to, if you trust it");
	}
	return kd_fail(e, KD_E_UNREACHABLE, "'%s': HTTP status %ld, expected 200",
	    SHOW(url), status);
}

bool
net_tsa_ask(struct net_tsa *n, const struct net_tsa_request *q, struct buf *ret,
    struct kd_err *e)
{
	AUTO(buf_clear) struct buf body = {.max = TSP_ANSWER_MAX};
	long left = clock_left(q->deadline_ms);
	CURL *c = n->curl;
	CURLcode rc;

	if (left <= 0)
		return kd_fail(
		    e, KD_E_UNREACHABLE, "'%s': no answer in time", SHOW(q->url));
	n->said[0] = '\0';
	(void)curl_easy_setopt(c, CURLOPT_WRITEDATA, &body);
	(void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, left);
	(void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, left);
	(void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, n->headers[q->kind]);
	(void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_len);
	(void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, (const char *)q->body);
	/* These copy their text and can therefore fail. */
	rc = curl_easy_setopt(c, CURLOPT_URL, q->url);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(c, CURLOPT_USERAGENT, media[q->kind].agent);
	if (rc == CURLE_OK)
		rc = curl_easy_perform(c);
	if (body.over)
		return kd_fail(e, KD_E_PROTOCOL, "'%s': the answer is over %zu bytes",
		    SHOW(q->url), TSP_ANSWER_MAX);
	if (body.failed)
		return kd_fail_nomem(e, "answer");
	if (rc != CURLE_OK)
		return fail_curl(n, q->url, rc, e);
	if (!check_status(n, q->url, e))
		return false;
	buf_add(ret, body.p, body.len);
	return buf_ok(ret, "answer", e);
}
