/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/signer_main.c - kdsign-signer: options, then parent or child. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/harden.h"
#include "base/log.h"
#include "base/num.h"
#include "base/own.h"
#include "base/service.h"
#include "base/sock.h"
#include "base/text.h"
#include "pkcs11/child.h"
#include "pkcs11/latch.h"
#include "pkcs11/owner.h"
#include "pkcs11/parent.h"
#include "pkcs11/pin.h"
#include "pkcs11/signer_conf.h"
#include "pkcs11/state_dir.h"

#define PROGRAM "kdsign-signer"
#define CONFIG_DEFAULT "/etc/kdsign/signer.conf"
#define EXIT_USAGE 64

enum action { RUN, CHECK, PRINT };

struct options {
	const char *config;
	enum action action;
	int pin_fd;
};

enum {
	OPT_CONFIG = 256,
	OPT_CHECK,
	OPT_PRINT,
	OPT_PIN_FD,
	OPT_VERSION,
	OPT_HELP
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"check", no_argument, NULL, OPT_CHECK},
    {"print", no_argument, NULL, OPT_PRINT},
    {"pin-fd", required_argument, NULL, OPT_PIN_FD},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "usage: kdsign-signer [--config FILE] [--pin-fd N] [--check | --print]\n"
    "\n"
    "  --config FILE  configuration (default " CONFIG_DEFAULT ")\n"
    "  --pin-fd N     read the PIN from this open descriptor, once\n"
    "  --check        say what is wrong with the configuration and whether the PIN is\n"
    "                 latched; touches no token\n"
    "  --print        print the effective configuration\n"
    "  --version, --help\n"
    "\n"
    "Serves one token to kdsign-keeper. See kdsign-signer(8).\n";

/* True: go on. False: *ret_status is the exit status. */
static bool
parse_options(int argc, char **argv, struct options *o, int *ret_status)
{
	struct kd_err e = {0};
	uint64_t fd;
	int c;

	*ret_status = EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case OPT_CONFIG:
			o->config = optarg;
			break;
		case OPT_CHECK:
			o->action = CHECK;
			break;
		case OPT_PRINT:
			o->action = PRINT;
			break;
		case OPT_PIN_FD:
			if (!kd_parse_u64(optarg, 0, 65535, &fd, &e)) {
				(void)kd_in(&e, "--pin-fd");
				log_err(LOG_L_ERROR, &e);
				return false;
			}
			o->pin_fd = (int)fd;
			break;
		case OPT_VERSION:
			(void)printf(PROGRAM " " PACKAGE_VERSION "\n");
			*ret_status = 0;
			return false;
		case OPT_HELP:
			(void)fputs(help, stdout);
			*ret_status = 0;
			return false;
		default:
			return false; /* getopt has said what is wrong */
		}
	}
	if (optind < argc) {
		log_line(
		    LOG_L_ERROR, "'%s': no argument is expected", SHOW(argv[optind]));
		return false;
	}
	return true;
}

static bool
open_socket(
    const struct signer_conf *c, uid_t own, uid_t keeper, int *ret, struct kd_err *e)
{
	/* Who connects is checked by SO_PEERCRED, so another user may reach the socket.
	 */
	mode_t mode = keeper == own ? 0600 : 0666;

	*ret = service_listen_fd("signer");
	if (*ret >= 0)
		return true;
	if (!sock_listen_unix(c->socket, mode, ret, e)) {
		if (e->code != KD_E_BUSY)
			return false;
		e->code = KD_E_CONFIG; /* it is not over in a moment */
		return kd_hint(e, "one kdsign-signer serves a token: is it running?");
	}
	if (own != geteuid() && chown(c->socket, own, (gid_t)-1) != 0)
		return kd_fail(e, KD_E_CONFIG, "'%s': cannot be given to user %u",
		    SHOW(c->socket), (unsigned)own);
	return true;
}

struct users {
	uid_t own, keeper;
	gid_t own_gid;
};

static bool
find_users(const struct signer_conf *c, struct users *ret, struct kd_err *e)
{
	gid_t ignored;

	ret->own = geteuid();
	ret->own_gid = getegid();
	if (c->user != NULL && !sock_user(c->user, &ret->own, &ret->own_gid, e))
		return kd_in(e, "user");
	ret->keeper = ret->own;
	if (c->keeper_user != NULL &&
	    !sock_user(c->keeper_user, &ret->keeper, &ignored, e))
		return kd_in(e, "keeper-user");
	return true;
}

/* What was left open by whoever started us, but for the PIN; sockets passed in start at 3
 * (sd_listen_fds(3)). */
static bool
close_inherited(struct pin_source *pin_from, struct kd_err *e)
{
	const char *text = getenv("LISTEN_FDS");
	uint64_t passed = 0;
	int from;

	if (text != NULL && !kd_parse_u64(text, 0, 64, &passed, e))
		return kd_in(e, "LISTEN_FDS");
	from = 3 + (int)passed;
	if (pin_from->fd >= from) {
		if (dup2(pin_from->fd, from) < 0)
			return kd_fail_errno(
			    e, KD_E_CONFIG, errno, "--pin-fd %d", pin_from->fd);
		pin_from->fd = from++;
	}
	return harden_close_fds(from, e);
}

static bool
run(const struct signer_conf *c, struct pin_source *pin_from, struct kd_err *e)
{
	AUTO(secret_free) struct secret *pin = NULL;
	AUTO(close) int lock = -1;
	AUTO(close) int fd = -1;
	struct users u;

	if (!close_inherited(pin_from, e))
		return false;
	if (pin_from->fd >= 0 && !pin_load(pin_from, &pin, e))
		return false;
	if (!find_users(c, &u, e) || !open_socket(c, u.own, u.keeper, &fd, e))
		return false;
	if (pin == NULL && pin_needs_root(pin_from) && !pin_load(pin_from, &pin, e))
		return false;
	if (!harden_become(u.own, u.own_gid, e) ||
	    !state_dir_lock(c->state_dir, &lock, e))
		return false;
	if (pin == NULL && !pin_load(pin_from, &pin, e))
		return false;
	return parent_run(&(struct parent_opts){.conf = c,
			      .pin_from = pin_from,
			      .pin = STEAL(pin),
			      .listen_fd = STEAL_FD(fd),
			      .keeper = u.keeper},
	    e);
}

static bool
check(const struct signer_conf *c, const struct pin_source *pin_from, struct kd_err *e)
{
	AUTO(owner_clear) struct owner o = {0};
	struct latch l;
	struct users u;
	bool latched = false;

	if (!find_users(c, &u, e) || !pin_check(pin_from, e))
		return false;
	if (access(c->state_dir, F_OK) == 0 &&
	    (!latch_read(c->state_dir, &l, &latched, e) ||
		!owner_read(c->state_dir, &o, e)))
		return false;
	if (latched && !l.under_way)
		return latch_fail(&l, e);
	(void)printf("configuration is good: %zu keys, not latched\n", c->keys.n);
	return true;
}

static bool
print(const struct signer_conf *c, struct kd_err *e)
{
	AUTO(buf_clear) struct buf text = {0};

	conf_print(signer_conf_sections, c, &text);
	if (!buf_ok(&text, "configuration", e))
		return false;
	(void)fwrite(text.p, 1, text.len, stdout);
	return true;
}

static bool
act(const struct options *o, struct kd_err *e)
{
	AUTO(signer_conf_clear) struct signer_conf c = {0};
	struct pin_source pin_from = {.fd = o->pin_fd};

	if (!signer_conf_load(o->config, &c, e))
		return false;
	pin_from.file = c.pin_file;
	switch (o->action) {
	case CHECK:
		return check(&c, &pin_from, e);
	case PRINT:
		return print(&c, e);
	case RUN:
		break;
	}
	return run(&c, &pin_from, e);
}

int
main(int argc, char **argv)
{
	struct options o = {.config = CONFIG_DEFAULT, .pin_fd = -1};
	struct kd_err e = {0};
	int status;

	log_init(PROGRAM, LOG_L_INFO);
	if (argc == 2 && strcmp(argv[1], "--child") == 0)
		return child_main();
	if (!parse_options(argc, argv, &o, &status))
		return status;
	if (act(&o, &e))
		return fflush(stdout) == 0 ? 0 : 74;
	log_err(LOG_L_ERROR, &e);
	return kd_code_info(e.code)->exit_daemon;
}
