/* SPDX-License-Identifier: Apache-2.0 */
/* client/settings.h - where the client's settings come from: option, environment, file.
 */
#ifndef CLIENT_SETTINGS_H
#define CLIENT_SETTINGS_H
#include <stdint.h>

#include "base/conf.h"
#include "base/error.h"
#include "base/md.h"
#include "base/own.h"
#include "client/options.h"

#define SETTINGS_SYSTEM_FILE "/etc/kdsign/client.conf"
#define SETTINGS_TIMEOUT_MS 60000u
#define SETTINGS_TIMEOUT_MIN_MS 100u
#define SETTINGS_TIMEOUT_MAX_MS (24u * 3600 * 1000)

/* The options that stand before or after any command. */
struct global_options {
	const char *server, *identity, *ca, *config;
	uint64_t timeout_ms; /* 0: not given */
	bool json, quiet, help, version;
};
extern const struct option_row global_option_rows[];

/* What holds, after option > environment > user's file > system's file. */
struct settings {
	char *server;   /* "https://host:port", NULL when nothing says */
	char *identity; /* PEM: client certificate, its chain, its key */
	char
	    *ca; /* PEM: whom the server's certificate must lead to; NULL: the system's */
	struct conf_list roots; /* PEM or DER files: trust anchors of verify */
	char *root_dir;         /* a folder of more; NULL: none */
	struct conf_list tsa_roots; /* the same of time-stamping authorities */
	char *tsa_root_dir;
	struct conf_list timestamp, timestamp_legacy; /* URLs; of one of the two kinds */
	char *timestamp_digest;                       /* NULL: the signature's own */
	enum md timestamp_md;                         /* the same; MD_NONE */
	struct conf_list kernel_roots; /* beside the Windows kernel's own, for tests */
	uint64_t timeout_ms;
};

/* All owned; the tables that conf_load and conf_clear want. */
void settings_clear(struct settings *s);
AUTO_DEFINE_CLEAR(struct settings, settings_clear);

/*
 * settings_load - one value for each setting.
 *
 * o            the command line; o->config or KDSIGN_CONFIG name the only file then read,
 * which must exist env          getenv, or a test's own system_file SETTINGS_SYSTEM_FILE,
 * or a test's own; need not exist Errors: KD_E_USAGE (values), KD_E_CONFIG (files),
 * KD_E_NOMEM. ret is cleared by the caller in any case.
 */
bool settings_load(const struct global_options *o, char *(*env)(const char *),
    const char *system_file, struct settings *ret, struct kd_err *e) KD_MUST;
/* KD_E_USAGE unless the settings that a command with a server needs are there. */
bool settings_need_server(const struct settings *s, struct kd_err *e) KD_MUST;
#endif
