/* SPDX-License-Identifier: Apache-2.0 */
/* route.c - which method and path is which question, and who may ask it where. */
#include "daemon/front/route.h"

#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "wire/api.h"

#define BOTH (ROUTE_ON_API | ROUTE_ON_STATUS)

static const struct route routes[] = {
    /* method, path, question, where, body, wait, body_max */
    {"GET", "/v1/keys", ASK_KEYS, ROUTE_ON_API, false, false, 0},
    {"GET", "/v1/keys/{}", ASK_KEY, ROUTE_ON_API, false, false, 0},
    {"POST", "/v1/signatures", ASK_SIGN, ROUTE_ON_API, true, false, 0},
    {"GET", "/v1/signatures/{}", ASK_SIGNATURE, ROUTE_ON_API, false, true, 0},
    {"POST", "/v1/timestamps", ASK_TIMESTAMP, ROUTE_ON_API, true, false,
	API_STAMP_REQUEST_MAX},
    {"GET", "/healthz", 0, BOTH, false, false, 0},
    {"GET", "/readyz", ASK_READY, BOTH, false, false, 0},
    {"GET", "/metrics", ASK_METRICS, ROUTE_ON_STATUS, false, false, 0},
};

static bool
name_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
}

/* Every character that a path of ours can have; '%' and ';' are not among them. */
static bool
path_check(const char *path, size_t n, struct kd_err *e)
{
	size_t i;

	if (n == 0 || path[0] != '/')
		return kd_fail(e, KD_E_REQUEST, "the request target must start with '/'");
	for (i = 0; i < n; i++)
		if (!name_char(path[i]) && path[i] != '/')
			return kd_fail(e, KD_E_REQUEST,
			    "path: character 0x%02x at offset %zu is not accepted",
			    (unsigned char)path[i], i);
	return true;
}

/* Does path match pattern? The part under "{}" goes to target. */
static bool
matches(const char *pattern, const char *path, size_t n, char target[ASK_TARGET_MAX + 1])
{
	const char *hole = strstr(pattern, "{}");
	size_t head, name, i;

	target[0] = '\0';
	if (hole == NULL)
		return strlen(pattern) == n && memcmp(pattern, path, n) == 0;
	head = (size_t)(hole - pattern);
	if (n <= head || memcmp(pattern, path, head) != 0)
		return false;
	name = n - head;
	if (name > ASK_TARGET_MAX)
		return false;
	for (i = 0; i < name; i++)
		if (!name_char(path[head + i]))
			return false;
	memcpy(target, path + head, name);
	target[name] = '\0';
	return strcmp(target, ".") != 0 && strcmp(target, "..") != 0;
}

static bool
query_check(
    const struct route *r, const char *query, uint32_t *ret_wait, struct kd_err *e)
{
	uint64_t v = 0;

	if (query == NULL)
		return true;
	if (!r->wait || strncmp(query, "wait=", 5) != 0)
		return kd_fail(e, KD_E_REQUEST, "query '%s' is not understood%s",
		    SHOW(query),
		    r->wait ? "; only 'wait=SECONDS' is" : "; this path takes none");
	if (!kd_parse_u64(query + 5, 0, API_WAIT_MAX_S, &v, e)) {
		e->code = KD_E_REQUEST; /* the number is a client's, not an option's */
		return kd_in(e, "wait");
	}
	*ret_wait = (uint32_t)v;
	return true;
}

bool
route_find(const char *method, const char *uri, unsigned where, struct route_match *ret,
    const char **ret_allow, struct kd_err *e)
{
	const char *query = strchr(uri, '?');
	size_t i, n = query != NULL ? (size_t)(query - uri) : strlen(uri);

	*ret_allow = NULL;
	if (!path_check(uri, n, e))
		return false;
	for (i = 0; i < KD_ARRAY_LEN(routes); i++) {
		struct route_match m = {.route = &routes[i]};

		if ((routes[i].where & where) == 0 ||
		    !matches(routes[i].path, uri, n, m.target))
			continue;
		if (strcmp(routes[i].method, method) != 0) { /* no path has two methods */
			*ret_allow = routes[i].method;
			return kd_fail(e, KD_E_METHOD, "'%s' takes only %s, not '%s'",
			    routes[i].path, routes[i].method, SHOW(method));
		}
		if (!query_check(
			&routes[i], query != NULL ? query + 1 : NULL, &m.wait_s, e))
			return false;
		*ret = m;
		return true;
	}
	return kd_fail(e, KD_E_NOT_FOUND, "no such path");
}
