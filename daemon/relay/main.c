/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/relay/main.c - kdsign-relay: fetches timestamps for those who cannot. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>

#include "base/log.h"
#include "daemon/relay/run.h"

#define DEFAULT_CONFIG "/etc/kdsign/relay.conf"

struct options {
	const char *config;
	bool check, print;
};

static const char usage[] =
    "usage: kdsign-relay [--config FILE] [--check | --print]\n"
    "       kdsign-relay --version | --help\n"
    "\n"
    "Fetches timestamps from configured authorities for kdsignd. See kdsign-relay(8).\n";

/* True: go on. False: *ret_exit says with what status to leave. */
static bool
options_parse(int argc, char **argv, struct options *o, int *ret_exit)
{
	static const struct option longs[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"check", no_argument, NULL, 'k'},
	    {"print", no_argument, NULL, 'p'},
	    {"version", no_argument, NULL, 'V'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int c;

	*ret_exit = kd_code_info(KD_E_USAGE)->exit_daemon;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'k':
			o->check = true;
			break;
		case 'p':
			o->print = true;
			break;
		case 'V':
			*ret_exit = puts("kdsign-relay " PACKAGE_VERSION) < 0;
			return false;
		case 'h':
			*ret_exit = fputs(usage, stdout) < 0;
			return false;
		default:
			(void)fputs(usage, stderr);
			return false;
		}
	if (optind == argc && !(o->check && o->print))
		return true;
	(void)fputs(usage, stderr);
	return false;
}

static bool
relay_main(const struct options *o, struct kd_err *e)
{
	AUTO(settings_drop) struct settings *s = NULL;

	if (!settings_load(o->config, &s, e))
		return false;
	if (o->print)
		return conf_show(relay_conf_sections, &s->conf, e);
	return o->check || relay_run(o->config, STEAL(s), e);
}

int
main(int argc, char **argv)
{
	struct options o = {.config = DEFAULT_CONFIG};
	struct kd_err e = {0};
	int status;

	if (!options_parse(argc, argv, &o, &status))
		return status;
	log_init("kdsign-relay", LOG_L_INFO);
	if (relay_main(&o, &e))
		return 0;
	log_err(LOG_L_ERROR, &e);
	return kd_code_info(e.code)->exit_daemon;
}
