/* SPDX-License-Identifier: Apache-2.0 */
/* conf.h - kdsignd's settings: one table is parser, defaults and documentation. */
#ifndef KD_FRONT_CONF_H
#define KD_FRONT_CONF_H
#include <stdint.h>

#include "base/conf.h"

struct front_conf { /* owned by conf_load / conf_clear */
	char *listen;
	char *tls_certificate, *tls_key, *client_ca,
	    *client_crl;            /* crl: NULL when absent */
	char *keeper, *keeper_user; /* user: NULL: our own */
	char *relay, *relay_user;   /* relay: NULL: none. user: NULL: our own */
	char *user;                 /* NULL: stay who we are */
	uint64_t body_limit, bytes_in_flight;
	uint64_t request_deadline_ms, header_deadline_ms, stop_deadline_ms;
	uint64_t connection_limit, client_connection_limit, address_connection_limit;
	struct conf_list balancers;
	char *status_listen; /* NULL: off */
	uint64_t threads;
};

extern const struct conf_section front_conf_sections[];

/* What the table cannot say: addresses are addresses, status-listen is a path or
 * loopback, limits fit each other. Touches nothing. Errors: KD_E_CONFIG. */
bool front_conf_check(const struct front_conf *c, struct kd_err *e) KD_MUST;
#endif
