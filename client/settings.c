/* SPDX-License-Identifier: Apache-2.0 */
/* client/settings.c - where the client's settings come from: option, environment, file.
 */
#include "client/settings.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#define TIMEOUT_RANGE .min = SETTINGS_TIMEOUT_MIN_MS, .max = SETTINGS_TIMEOUT_MAX_MS

const struct option_row global_option_rows[] = {
    {"server", OPTION_TEXT, offsetof(struct global_options, server), "URL",
	"the signing service, https://host:port (KDSIGN_SERVER)"},
    {"identity", OPTION_TEXT, offsetof(struct global_options, identity), "PEM",
	"client certificate and its key (KDSIGN_IDENTITY)"},
    {"ca", OPTION_TEXT, offsetof(struct global_options, ca), "PEM",
	"whom the server's certificate must lead to (KDSIGN_CA)"},
    {"config", OPTION_TEXT, offsetof(struct global_options, config), "FILE",
	"the only configuration file to read (KDSIGN_CONFIG)"},
    {"timeout", OPTION_DURATION, offsetof(struct global_options, timeout_ms), "DURATION",
	"longest wait without progress, 60s (KDSIGN_TIMEOUT)", TIMEOUT_RANGE},
    {"json", OPTION_FLAG, offsetof(struct global_options, json), NULL,
	"one JSON object a file on standard output"},
    {"quiet", OPTION_FLAG, offsetof(struct global_options, quiet), NULL,
	"errors only, no progress"},
    {"version", OPTION_FLAG, offsetof(struct global_options, version), NULL,
	"print the version"},
    {"help", OPTION_FLAG, offsetof(struct global_options, help), NULL, "print this",
	.letter = 'h'},
    {0},
};

static const struct conf_key file_keys[] = {
    {"server", CONF_STRING, offsetof(struct settings, server), NULL,
	"the signing service, https://host:port", .optional = true},
    {"identity", CONF_PATH, offsetof(struct settings, identity), NULL,
	"PEM file: client certificate and its key", .optional = true},
    {"ca", CONF_PATH, offsetof(struct settings, ca), NULL,
	"PEM file: whom the server's certificate must lead to", .optional = true},
    {"root", CONF_PATHS, offsetof(struct settings, roots), NULL,
	"certificate file: a trust anchor of verify; may be repeated", .optional = true},
    {"root-dir", CONF_PATH, offsetof(struct settings, root_dir), NULL,
	"folder of more certificate files: *.pem, *.crt, *.cer, *.der", .optional = true},
    {"tsa-root", CONF_PATHS, offsetof(struct settings, tsa_roots), NULL,
	"certificate file: a trust anchor of timestamps; may be repeated",
	.optional = true},
    {"tsa-root-dir", CONF_PATH, offsetof(struct settings, tsa_root_dir), NULL,
	"folder of more of these", .optional = true},
    {"timestamp", CONF_LIST, offsetof(struct settings, timestamp), NULL,
	"URL of a time-stamping authority, RFC 3161; may be repeated", .optional = true},
    {"timestamp-legacy", CONF_LIST, offsetof(struct settings, timestamp_legacy), NULL,
	"the same by the older protocol; may be repeated", .optional = true},
    {"timestamp-digest", CONF_STRING, offsetof(struct settings, timestamp_digest), NULL,
	"digest algorithm of RFC 3161 requests", .optional = true},
    {"kernel-root", CONF_PATHS, offsetof(struct settings, kernel_roots), NULL,
	"certificate file: a root beside the Windows kernel's own; may be repeated",
	.optional = true},
    {"timeout", CONF_DURATION, offsetof(struct settings, timeout_ms), NULL,
	"longest wait without progress", TIMEOUT_RANGE, .optional = true},
    {0},
};

static const struct conf_section file_sections[] = {
    {.kind = NULL, .keys = file_keys, .size = sizeof(struct settings)},
    {0},
};

void
settings_clear(struct settings *s)
{
	conf_clear(file_sections, s);
	*s = (struct settings){0};
}

static void
fill_text_from(char **s, char **weaker)
{
	if (*s == NULL)
		*s = STEAL(*weaker);
}

static void
fill_list_from(struct conf_list *files, struct conf_list *weaker)
{
	if (files->n != 0)
		return;
	conf_list_clear(files);
	*files = *weaker;
	*weaker = (struct conf_list){0};
}

/* Files and folder are one setting: whoever names one of them says all of it. */
static void
fill_anchors_from(struct conf_list *files, char **folder, struct conf_list *weaker_files,
    char **weaker_folder)
{
	if (files->n != 0 || *folder != NULL)
		return;
	fill_list_from(files, weaker_files);
	fill_text_from(folder, weaker_folder);
}

/* Both kinds are one setting, too. */
static void
fill_timestamps_from(struct settings *s, struct settings *weaker)
{
	fill_text_from(&s->timestamp_digest, &weaker->timestamp_digest);
	if (s->timestamp.n != 0 || s->timestamp_legacy.n != 0)
		return;
	conf_list_clear(&s->timestamp);
	conf_list_clear(&s->timestamp_legacy);
	s->timestamp = weaker->timestamp;
	s->timestamp_legacy = weaker->timestamp_legacy;
	weaker->timestamp = weaker->timestamp_legacy = (struct conf_list){0};
}

/* Values of a weaker source fill what no stronger one has said. */
static void
fill_from(struct settings *s, struct settings *weaker)
{
	fill_text_from(&s->server, &weaker->server);
	fill_text_from(&s->identity, &weaker->identity);
	fill_text_from(&s->ca, &weaker->ca);
	fill_anchors_from(&s->roots, &s->root_dir, &weaker->roots, &weaker->root_dir);
	fill_anchors_from(&s->tsa_roots, &s->tsa_root_dir, &weaker->tsa_roots,
	    &weaker->tsa_root_dir);
	fill_timestamps_from(s, weaker);
	fill_list_from(&s->kernel_roots, &weaker->kernel_roots);
	if (s->timeout_ms == 0)
		s->timeout_ms = weaker->timeout_ms;
}

static bool
check_timestamps(struct settings *file, const char *path, struct kd_err *e)
{
	if (file->timestamp.n != 0 && file->timestamp_legacy.n != 0)
		return kd_fail(e, KD_E_CONFIG,
		    "'%s': 'timestamp' and 'timestamp-legacy' exclude each other: a "
		    "signature has one timestamp",
		    SHOW(path));
	return file->timestamp_digest == NULL ||
	       md_by_name(file->timestamp_digest) != MD_NONE ||
	       kd_fail(e, KD_E_CONFIG,
		   "'%s': 'timestamp-digest': '%s' is no digest algorithm, expected sha1, "
		   "sha256, sha384 or sha512",
		   SHOW(path), SHOW(file->timestamp_digest));
}

static bool
fill_from_file(struct settings *s, const char *path, struct kd_err *e)
{
	AUTO(settings_clear) struct settings file = {0};

	if (!conf_load(path, file_sections, &file, e) ||
	    !check_timestamps(&file, path, e))
		return false;
	fill_from(s, &file);
	return true;
}

/* The option when given, else the variable; an empty variable says nothing. */
static bool
fill_text(char **field, const char *option, const char *variable, struct kd_err *e)
{
	const char *v = option;

	if (v == NULL && variable != NULL && variable[0] != '\0')
		v = variable;
	if (v == NULL)
		return true;
	*field = kd_strdup(v);
	return *field != NULL || kd_fail_nomem(e, "settings");
}

/* ~/.config/kdsign/client.conf; *ret stays NULL when nobody says where home is. */
static bool
user_file(char *(*env)(const char *), char **ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};
	const char *base = env("XDG_CONFIG_HOME");
	const char *home = env("HOME");

	if (base != NULL && base[0] == '/')
		buf_printf(&b, "%s/kdsign/client.conf", base);
	else if (home != NULL && home[0] == '/')
		buf_printf(&b, "%s/.config/kdsign/client.conf", home);
	else
		return true;
	buf_u8(&b, 0);
	if (!buf_ok(&b, "path of the configuration", e))
		return false;
	*ret = (char *)buf_take(&b, &(size_t){0});
	return true;
}

static bool
load_options_and_variables(const struct global_options *o, char *(*env)(const char *),
    struct settings *ret, struct kd_err *e)
{
	const char *timeout = env("KDSIGN_TIMEOUT");

	if (!fill_text(&ret->server, o->server, env("KDSIGN_SERVER"), e) ||
	    !fill_text(&ret->identity, o->identity, env("KDSIGN_IDENTITY"), e) ||
	    !fill_text(&ret->ca, o->ca, env("KDSIGN_CA"), e))
		return false;
	ret->timeout_ms = o->timeout_ms;
	if (ret->timeout_ms != 0 || timeout == NULL || timeout[0] == '\0')
		return true;
	if (kd_parse_duration(timeout, SETTINGS_TIMEOUT_MIN_MS, SETTINGS_TIMEOUT_MAX_MS,
		&ret->timeout_ms, e))
		return true;
	return kd_in(e, "KDSIGN_TIMEOUT");
}

static bool
load_files(const char *named, char *(*env)(const char *), const char *system_file,
    struct settings *ret, struct kd_err *e)
{
	AUTO(free) char *user = NULL;

	if (named != NULL && named[0] != '\0')
		return fill_from_file(ret, named, e);
	if (!user_file(env, &user, e))
		return false;
	if (user != NULL && access(user, F_OK) == 0 && !fill_from_file(ret, user, e))
		return false;
	return access(system_file, F_OK) != 0 || fill_from_file(ret, system_file, e);
}

bool
settings_load(const struct global_options *o, char *(*env)(const char *),
    const char *system_file, struct settings *ret, struct kd_err *e)
{
	const char *named = o->config != NULL ? o->config : env("KDSIGN_CONFIG");

	if (!load_options_and_variables(o, env, ret, e) ||
	    !load_files(named, env, system_file, ret, e))
		return false;
	if (ret->timeout_ms == 0)
		ret->timeout_ms = SETTINGS_TIMEOUT_MS;
	if (ret->timestamp_digest != NULL)
		ret->timestamp_md = md_by_name(ret->timestamp_digest);
	return true;
}

bool
settings_need_server(const struct settings *s, struct kd_err *e)
{
	if (s->server == NULL) {
		(void)kd_fail(e, KD_E_USAGE, "no signing service is named");
		return kd_hint(e,
		    "give --server https://HOST:PORT, set KDSIGN_SERVER, or "
		    "write 'server = ...' into ~/.config/kdsign/client.conf");
	}
	if (strncmp(s->server, "https://", 8) != 0)
		return kd_fail(e, KD_E_USAGE,
		    "'%s': not the address of a signing service, expected "
		    "https://HOST:PORT",
		    SHOW(s->server));
	if (s->identity == NULL) {
		(void)kd_fail(e, KD_E_USAGE, "no client certificate is named");
		return kd_hint(e, "give --identity PEM, set KDSIGN_IDENTITY, or write "
				  "'identity = ...' into the configuration");
	}
	return true;
}
