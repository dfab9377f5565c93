/* SPDX-License-Identifier: Apache-2.0 */
/* conf.c - kdsignd's settings: one table is parser, defaults and documentation. */
#include "daemon/front/conf.h"

#include <string.h>

#include "base/text.h"
#include "daemon/front/limits.h"

#define AT(field) offsetof(struct front_conf, field)
#define MIB ((uint64_t)1 << 20)

static const struct conf_key conf_keys[] = {
    {"listen", CONF_STRING, AT(listen), "127.0.0.1:8443",
	"address and port of the API; port 0 picks a free one"},
    {"tls-certificate", CONF_PATH, AT(tls_certificate), NULL,
	"server certificate, PEM, then its intermediates"},
    {"tls-key", CONF_PATH, AT(tls_key), NULL,
	"its private key, PEM; readable by nobody but this service's user"},
    {"client-ca", CONF_PATH, AT(client_ca), NULL,
	"CAs whose client certificates are accepted, PEM"},
    {"client-crl", CONF_PATH, AT(client_crl), NULL, "their CRLs, PEM", .optional = true},
    {"keeper", CONF_PATH, AT(keeper), "/run/kdsign/keeper.sock",
	"socket of kdsign-keeper"},
    {"keeper-user", CONF_STRING, AT(keeper_user), NULL,
	"user whom that socket must belong to; by default our own", .optional = true},
    {"relay", CONF_PATH, AT(relay), NULL,
	"socket of kdsign-relay; without it timestamps are not relayed",
	.optional = true},
    {"relay-user", CONF_STRING, AT(relay_user), NULL,
	"user whom that socket must belong to; by default our own", .optional = true},
    {"user", CONF_STRING, AT(user), NULL, "user to become when started as root",
	.optional = true},
    {"body-limit", CONF_SIZE, AT(body_limit), "32M", "bytes of one request body",
	.min = 1024, .max = 128 * MIB},
    {"bytes-in-flight", CONF_SIZE, AT(bytes_in_flight), "256M",
	"bytes of all request bodies at one time, and of all answers; more get 503",
	.min = MIB, .max = 1024 * MIB},
    {"request-deadline", CONF_DURATION, AT(request_deadline_ms), "30s",
	"then a signing request is answered 202 with what is still pending", .min = 1000,
	.max = 600000},
    {"header-deadline", CONF_DURATION, AT(header_deadline_ms), "30s",
	"to finish handshake and header, then the body, then to take the answer; also "
	"how "
	"long an idle connection stays",
	.min = 500, .max = 600000},
    {"stop-deadline", CONF_DURATION, AT(stop_deadline_ms), "10s",
	"how long a stop waits for requests in flight", .min = 100, .max = 600000},
    {"connection-limit", CONF_UINT, AT(connection_limit), "4096", "connections in all",
	.min = 8, .max = 60000},
    {"client-connection-limit", CONF_UINT, AT(client_connection_limit), "256",
	"connections of one client certificate", .min = 1, .max = 60000},
    {"address-connection-limit", CONF_UINT, AT(address_connection_limit), "256",
	"connections of one IPv4 address or IPv6 /64", .min = 1, .max = 60000},
    {"balancers", CONF_WORDS, AT(balancers), NULL,
	"addresses that address-connection-limit is not applied to", .optional = true},
    {"status-listen", CONF_STRING, AT(status_listen), NULL,
	"/path or loopback address:port for health and metrics, without TLS",
	.optional = true},
    {"threads", CONF_UINT, AT(threads), "2", "threads for TLS and HTTP", .min = 1,
	.max = 64},
    {0}};

const struct conf_section front_conf_sections[] = {
    {.keys = conf_keys, .size = sizeof(struct front_conf)}, {0}};

/* Without TLS and client certificate: nothing but this machine may get there. */
static bool
status_listen_check(const char *s, struct kd_err *e)
{
	if (s[0] == '/' || strncmp(s, "127.", 4) == 0 || strncmp(s, "[::1]:", 6) == 0)
		return true;
	return kd_fail(e, KD_E_CONFIG,
	    "status-listen '%s': must be an absolute path or a loopback address with "
	    "port",
	    SHOW(s));
}

bool
front_conf_check(const struct front_conf *c, struct kd_err *e)
{
	struct limit_key k;
	size_t i;

	for (i = 0; i < c->balancers.n; i++)
		if (!limit_key_parse(c->balancers.v[i], &k, e))
			return kd_in(e, "balancers");
	if (c->status_listen != NULL && !status_listen_check(c->status_listen, e))
		return false;
	if (c->bytes_in_flight < c->body_limit)
		return kd_fail(e, KD_E_CONFIG,
		    "bytes-in-flight %llu: must be at least body-limit %llu",
		    (unsigned long long)c->bytes_in_flight,
		    (unsigned long long)c->body_limit);
	if (c->connection_limit < c->threads)
		return kd_fail(e, KD_E_CONFIG,
		    "connection-limit %llu: must be at least threads %llu",
		    (unsigned long long)c->connection_limit,
		    (unsigned long long)c->threads);
	return true;
}
