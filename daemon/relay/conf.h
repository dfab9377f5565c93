/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/relay/conf.h - kdsign-relay's settings: one table is parser, defaults and
 * documentation; and what was checked and read from it. */
#ifndef KD_RELAY_CONF_H
#define KD_RELAY_CONF_H
#include <stdint.h>
#include <sys/types.h>

#include "base/builder.h"
#include "base/conf.h"
#include "daemon/relay/rate.h"
#include "daemon/relay/upstream.h"
#include "wire/api.h"

struct relay_conf { /* as the file says it */
	char *socket, *front_user, *user; /* users NULL: our own */
	struct conf_list upstream, legacy_upstream;
	char *ca; /* NULL: the system's */
	uint64_t deadline_ms, pause_ms;
	uint64_t rate, burst;
	uint64_t parallel, queue_limit;
};
extern const struct conf_section relay_conf_sections[];

/* One generation: requests hold the one they began under. One thread. */
struct settings {
	unsigned refs;
	struct relay_conf conf;
	uid_t front_uid;
	struct rate_limit rate;
	struct upstreams upstreams[API_STAMP_LEGACY + 1]; /* by enum api_stamp_kind */
	struct buf ca;                                     /* PEM; empty: the system's */
};

/*
 * settings_load - read the file at path and what it names; touches nothing.
 *
 * ret  one reference, for settings_drop
 * Errors: KD_E_CONFIG with the file and what is wrong, KD_E_NOMEM.
 */
bool settings_load(const char *path, struct settings **ret, struct kd_err *e) KD_MUST;
struct settings *settings_hold(struct settings *s);
void settings_drop(struct settings *s);
AUTO_DEFINE(struct settings, settings_drop);
#endif
