/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - kdsignd: options and configuration; then the front, or the supervisor of all.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/front/conf.h"
#include "daemon/front/run.h"
#include "daemon/front/standalone.h"

#define CONFIG_DEFAULT                                                                   \
	"/etc/kdsign/kdsignd.conf" /* where all parts of kdsign have theirs */

struct options {
	const char *config;
	const char *standalone; /* NULL: only the front */
	bool check, print;
	struct run_options run;
};

static const char usage[] =
    "usage: kdsignd [--config FILE] [--check | --print] [--pid-file FILE] [--port-file "
    "FILE]\n"
    "       kdsignd --standalone DIR [--pid-file FILE] [--port-file FILE]\n"
    "       kdsignd --version | --help\n"
    "\n"
    "The HTTPS side of kdsign. See kdsignd(8).\n";

enum {
	OPT_CONFIG = 256,
	OPT_STANDALONE,
	OPT_CHECK,
	OPT_PRINT,
	OPT_PID,
	OPT_PORT,
	OPT_VERSION,
	OPT_HELP
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"standalone", required_argument, NULL, OPT_STANDALONE},
    {"check", no_argument, NULL, OPT_CHECK},
    {"print", no_argument, NULL, OPT_PRINT},
    {"pid-file", required_argument, NULL, OPT_PID},
    {"port-file", required_argument, NULL, OPT_PORT},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

/* True: go on. False: *ret_exit says with what status to leave. */
static bool
options_parse(int argc, char **argv, struct options *o, int *ret_exit)
{
	int c;

	*ret_exit = kd_code_info(KD_E_USAGE)->exit_daemon;
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		switch (c) {
		case OPT_CONFIG:
			o->config = optarg;
			break;
		case OPT_STANDALONE:
			o->standalone = optarg;
			break;
		case OPT_CHECK:
			o->check = true;
			break;
		case OPT_PRINT:
			o->print = true;
			break;
		case OPT_PID:
			o->run.pid_file = optarg;
			break;
		case OPT_PORT:
			o->run.port_file = optarg;
			break;
		case OPT_VERSION:
			*ret_exit = puts("kdsignd " PACKAGE_VERSION) < 0;
			return false;
		case OPT_HELP:
			*ret_exit = fputs(usage, stdout) < 0;
			return false;
		default:
			(void)fputs(usage, stderr);
			return false;
		}
	if (optind == argc && !(o->check && o->print) &&
	    (o->standalone == NULL || (o->config == NULL && !o->check && !o->print)))
		return true;
	(void)fputs(usage, stderr);
	return false;
}

static bool
front_main(const struct options *o, struct kd_err *e)
{
	const char *path = o->config != NULL ? o->config : CONFIG_DEFAULT;
	struct front_conf conf = {0};
	bool ok =
	    conf_load(path, front_conf_sections, &conf, e) && front_conf_check(&conf, e);

	if (ok && o->print)
		ok = conf_show(front_conf_sections, &conf, e);
	else if (ok && o->check)
		ok = front_check(&conf, e);
	else if (ok)
		ok = front_run(&conf, &o->run, e);
	conf_clear(front_conf_sections, &conf);
	return ok;
}

int
main(int argc, char **argv)
{
	struct options o = {0};
	struct kd_err e = {0};
	int status;

	if (!options_parse(argc, argv, &o, &status))
		return status;
	log_init("kdsignd", LOG_L_INFO);
	if (o.standalone != NULL ? standalone_run(o.standalone, &o.run, &e)
				 : front_main(&o, &e))
		return 0;
	log_err(LOG_L_ERROR, &e);
	return kd_code_info(e.code)->exit_daemon;
}
