/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/relay/fetch.c - POSTs to upstreams, several at one time. */
#include "daemon/relay/fetch.h"

#include <string.h>

#include <curl/curl.h>

#include "base/mem.h"
#include "base/text.h"

#define CONNECTIONS_KEPT 16L

struct fetch {
	struct fetch *next; /* of fetcher->first */
	CURL *curl;
	struct curl_slist *headers;
	struct buf answer;
	size_t header_bytes;
	bool too_large;
	uint64_t deadline_ms;
	char said[CURL_ERROR_SIZE];
	fetch_done *done;
	void *cls;
};

struct fetcher {
	CURLM *multi;
	struct fetch *first;
};

static void
fetch_free(struct fetch *x)
{
	if (x == NULL)
		return;
	curl_easy_cleanup(x->curl);
	curl_slist_free_all(x->headers);
	buf_clear(&x->answer);
	free(x);
}
AUTO_DEFINE(struct fetch, fetch_free);

bool
fetcher_new(struct fetcher **ret, struct kd_err *e)
{
	AUTO(fetcher_free) struct fetcher *f = kd_alloc(sizeof(*f));
	CURLcode rc = curl_global_init(CURL_GLOBAL_DEFAULT);

	if (rc != CURLE_OK)
		return kd_fail(
		    e, KD_E_BUG, "libcurl does not start: %s", curl_easy_strerror(rc));
	if (f != NULL)
		f->multi = curl_multi_init();
	if (f == NULL || f->multi == NULL)
		return kd_fail_nomem(e, "connections to upstreams");
	(void)curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
	*ret = STEAL(f);
	return true;
}

void
fetcher_free(struct fetcher *f)
{
	struct fetch *x;

	if (f == NULL)
		return;
	while ((x = f->first) != NULL) {
		f->first = x->next;
		(void)curl_multi_remove_handle(f->multi, x->curl);
		fetch_free(x);
	}
	(void)curl_multi_cleanup(f->multi);
	free(f);
}

static size_t
on_body(char *p, size_t size, size_t count, void *arg)
{
	struct fetch *x = arg;

	buf_add(&x->answer, p, size * count);
	x->too_large = x->answer.over;
	return x->answer.failed ? 0 : size * count;
}

static size_t
on_header(char *p, size_t size, size_t count, void *arg)
{
	struct fetch *x = arg;

	(void)p;
	x->header_bytes += size * count;
	x->too_large = x->header_bytes > FETCH_HEADERS_MAX;
	return x->too_large ? 0 : size * count;
}

static bool
add_header(struct fetch *x, const char *name, const char *value)
{
	AUTO(buf_clear) struct buf line = {0};
	struct curl_slist *more;

	buf_printf(&line, "%s:%s%s", name, value[0] != '\0' ? " " : "", value);
	more = buf_cstr(&line) != NULL ? curl_slist_append(x->headers, buf_cstr(&line))
				       : NULL;
	if (more != NULL)
		x->headers = more;
	return more != NULL;
}

static bool
set_up(struct fetch *x, const struct fetch_post *post)
{
	struct curl_blob ca = {.data = post->ca->p, .len = post->ca->len};
	CURL *c = x->curl;
	CURLcode bad = CURLE_OK;

#define SET(option, value)                                                               \
	bad = bad != CURLE_OK ? bad : curl_easy_setopt(c, option, value)
	SET(CURLOPT_ERRORBUFFER, x->said);
	SET(CURLOPT_PRIVATE, x);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_URL, post->url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, ""); /* whatever the environment says */
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (post->ca->len > 0) {
		SET(CURLOPT_CAINFO_BLOB, &ca); /* copied */
		SET(CURLOPT_CAPATH, NULL);     /* else the system's count beside it */
	}
	/* A name that is still looked up at the deadline is left to its thread: libcurl
	 * would wait for that one, and with it all others here. */
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_TIMEOUT_MS, (long)post->deadline_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)post->deadline_ms);
	SET(CURLOPT_HTTPHEADER, x->headers);
	SET(CURLOPT_USERAGENT, post->user_agent);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body->len);
	SET(CURLOPT_COPYPOSTFIELDS, post->body->p);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, x);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, x);
#undef SET
	return bad == CURLE_OK;
}

bool
fetch_start(struct fetcher *f, const struct fetch_post *post, fetch_done *done, void *cls,
    struct kd_err *e)
{
	AUTO(fetch_free) struct fetch *x = kd_alloc(sizeof(*x));

	if (x == NULL)
		return kd_fail_nomem(e, "request to an upstream");
	x->answer.max = post->answer_max;
	x->deadline_ms = post->deadline_ms;
	x->done = done;
	x->cls = cls;
	x->curl = curl_easy_init();
	/* "Expect:" empty: the body is small, nobody need be asked first. */
	if (x->curl == NULL || !add_header(x, "Content-Type", post->content_type) ||
	    !add_header(x, "Accept", post->accept) || !add_header(x, "Expect", "") ||
	    !set_up(x, post) || curl_multi_add_handle(f->multi, x->curl) != CURLM_OK)
		return kd_fail_nomem(e, "request to an upstream");
	x->next = f->first;
	f->first = STEAL(x);
	return true;
}

static void
fail_curl(const struct fetch *x, CURLcode rc, struct kd_err *e)
{
	const char *said = x->said[0] != '\0' ? x->said : curl_easy_strerror(rc);

	if (x->too_large) {
		(void)kd_fail(e, KD_E_LIMIT, "the answer has over %zu bytes",
		    x->header_bytes > FETCH_HEADERS_MAX ? FETCH_HEADERS_MAX
							: x->answer.max);
	} else if (rc == CURLE_OUT_OF_MEMORY || x->answer.failed) {
		(void)kd_fail_nomem(e, "answer of an upstream");
	} else if (rc == CURLE_OPERATION_TIMEDOUT) {
		(void)kd_fail(e, KD_E_UNREACHABLE, "no answer within %llu ms",
		    (unsigned long long)x->deadline_ms);
	} else if (rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_SSL_ISSUER_ERROR ||
		   rc == CURLE_SSL_CACERT_BADFILE) {
		(void)kd_fail(
		    e, KD_E_TLS, "its certificate is not accepted: %s", SHOW(said));
		(void)kd_hint(e, "ca must name the CA that issued it");
	} else {
		(void)kd_fail(e, KD_E_UNREACHABLE, "%s", SHOW(said));
	}
}

static void
check_status(const struct fetch *x, struct kd_err *e)
{
	long status = 0;

	(void)curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 400)
		(void)kd_fail(e, KD_E_REQUEST, "HTTP status 400: it refuses the request");
	else if (status >= 300 && status < 400)
		(void)kd_fail(e, KD_E_UNREACHABLE,
		    "HTTP status %ld: redirects are not followed", status);
	else if (status != 200)
		(void)kd_fail(e, KD_E_UNREACHABLE, "HTTP status %ld", status);
}

/* Taken out of the list before done is called, which may start another. */
static void
finish(struct fetcher *f, struct fetch *x, CURLcode rc)
{
	struct fetch **at = &f->first;
	struct kd_err e = {0};

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	if (rc != CURLE_OK)
		fail_curl(x, rc, &e);
	else
		check_status(x, &e);
	(void)curl_multi_remove_handle(f->multi, x->curl);
	x->done(x->cls, e.code == KD_OK ? &x->answer : NULL, &e);
	fetch_free(x);
}

void
fetch_wait(struct fetcher *f, struct pollfd *fds, size_t n, int timeout_ms)
{
	struct curl_waitfd more[FETCH_POLLS_MAX];

	for (size_t i = 0; i < n; i++)
		more[i] = (struct curl_waitfd){.fd = fds[i].fd,
		    .events = (short)(((fds[i].events & POLLIN) ? CURL_WAIT_POLLIN : 0) |
				      ((fds[i].events & POLLOUT) ? CURL_WAIT_POLLOUT
								 : 0))};
	(void)curl_multi_poll(f->multi, more, (unsigned)n, timeout_ms, NULL);
	/* An end comes as something to be read; POLLHUP alone is not handed through. */
	for (size_t i = 0; i < n; i++)
		fds[i].revents =
		    (short)(((more[i].revents & CURL_WAIT_POLLIN) ? POLLIN : 0) |
			    ((more[i].revents & CURL_WAIT_POLLOUT) ? POLLOUT : 0));
}

void
fetch_turn(struct fetcher *f)
{
	int running, left;
	CURLMsg *m;

	(void)curl_multi_perform(f->multi, &running);
	while ((m = curl_multi_info_read(f->multi, &left)) != NULL) {
		struct fetch *x = NULL;

		if (m->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x) == CURLE_OK)
			finish(f, x, m->data.result);
	}
}
