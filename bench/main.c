/* SPDX-License-Identifier: Apache-2.0 */
/* bench/main.c - kdbench: one load program a run; scripts/bench puts the runs together.
 */
#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "base/text.h"
#include "bench/loads.h"

#define EXIT_USAGE 64
#define DURATION_MAX_MS 600000

static const struct program {
	const char *name;
	int args_min, args_max;
	bool measures;
	bool (*run)(struct meter *m, char **argv, struct kd_err *e);
} programs[] = {
    {"raw", 5, 5, true, load_raw},
    {"signer", 4, 4, true, load_signer},
    {"keeper", 5, 5, true, load_keeper},
    {"https", 6, 6, true, load_https},
    {"verify", 2, 2, true, load_verify},
    {"guard", 4, 4, false, load_guard},
    {"run", 2, 1000, true, load_run},
    {"pe", 3, 3, false, load_pe},
};

void
load_digest(unsigned i, unsigned char ret[32])
{
	memset(ret, 0x5a, 32);
	ret[0] = (unsigned char)i;
}

static int
usage(void)
{
	(void)fputs("usage: kdbench [-t DURATION] [-w WARM-UP] [-p NAME=PID]... PROGRAM "
		    "ARGUMENT...\n"
		    "see bench/loads.h for programs and arguments\n",
	    stderr);
	return EXIT_USAGE;
}

static bool
take_option(struct meter *m, int c, const char *value, struct kd_err *e)
{
	switch (c) {
	case 't':
		return kd_parse_duration(value, 1, DURATION_MAX_MS, &m->run_ms, e);
	case 'w':
		return kd_parse_duration(value, 0, DURATION_MAX_MS, &m->warm_ms, e);
	case 'p':
		return meter_watch(m, value, e);
	default:
		return kd_fail(e, KD_E_USAGE, "unknown option");
	}
}

static const struct program *
find(const char *name, int args)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(programs); i++) {
		const struct program *p = &programs[i];

		if (strcmp(p->name, name) == 0 && args >= p->args_min &&
		    args <= p->args_max)
			return p;
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	struct meter m = {.warm_ms = 300, .run_ms = 1000};
	const struct program *p;
	struct kd_err e = {0};
	int c;

	log_init("kdbench", LOG_L_INFO);
	(void)signal(SIGPIPE, SIG_IGN);
	while ((c = getopt(argc, argv, "+t:w:p:")) != -1) {
		if (!take_option(&m, c, optarg, &e)) {
			log_err(LOG_L_ERROR, &e);
			return usage();
		}
	}
	if (optind == argc || (p = find(argv[optind], argc - optind - 1)) == NULL)
		return usage();
	if (!p->run(&m, &argv[optind + 1], &e)) {
		(void)kd_in(&e, "%s", p->name);
		log_err(LOG_L_ERROR, &e);
		return 1;
	}
	if (p->measures)
		meter_print(&m);
	return fflush(stdout) == 0 ? 0 : 1;
}
