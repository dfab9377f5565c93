/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_options.c - the command line of kdsign-token, by one table. */
#include "pkcs11/ceremony_options.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

enum type { FLAG, TEXT, LIST, DESCRIPTOR };

#define FIELD(f) offsetof(struct ceremony_options, f)
static const struct row {
	const char *name;
	enum type type;
	size_t offset;
	const char *arg;
	const char *commands; /* blank-separated; NULL: all */
	const char *help;
} rows[] = {
    {"config", TEXT, FIELD(config), "FILE", NULL,
	"kdsign-signer's configuration: module, token, PIN, state"},
    {"module", TEXT, FIELD(module), "PATH", NULL,
	"the PKCS#11 module, where there is no configuration"},
    {"token", TEXT, FIELD(token), "URI", NULL, "the token: pkcs11:token=...;serial=..."},
    {"state", TEXT, FIELD(state), "DIR", NULL,
	"transcript and the tool's own key; default: state-dir of the configuration"},
    {"pin-file", TEXT, FIELD(pin_file), "FILE", NULL,
	"read the PIN from it (mode 0600 or 0400)"},
    {"pin-fd", DESCRIPTOR, FIELD(pin_fd), "N", NULL,
	"read the PIN from this open descriptor"},
    {"person", LIST, FIELD(people), "TEXT", NULL,
	"who is present, for the transcript: \"Name, role\"; may be repeated"},
    {"dry-run", FLAG, FIELD(dry_run), NULL, NULL,
	"say what would be done; no login, nothing is changed or recorded"},
    {"json", FLAG, FIELD(json), NULL, "list", "for programs"},
    {"no-login", FLAG, FIELD(no_login), NULL, "list",
	"show only what the token shows to everybody"},
    {"label", TEXT, FIELD(label), "NAME", "generate rotate", "the new key's label"},
    {"id", TEXT, FIELD(id), "HEX", "generate rotate", "its id; default: random"},
    {"type", TEXT, FIELD(type), "TYPE", "generate rotate test",
	"rsa3072, rsa4096, p256, p384"},
    {"key", TEXT, FIELD(key), "NAME", "csr install attest rotate destroy",
	"which key: [key NAME] of the configuration, its label, or a URI"},
    {"subject", TEXT, FIELD(subject), "NAME", "csr",
	"CN=...,O=...,C=... (RFC 2253) or /C=.../O=.../CN=..."},
    {"kind", TEXT, FIELD(kind), "KIND", "csr install",
	"module: the key signs Linux kernel modules alone, no codeSigning is needed"},
    {"certificate", LIST, FIELD(certificates), "FILE", "install",
	"the key's certificate and intermediates, in any order; may be repeated"},
    {"cross", LIST, FIELD(cross), "FILE", "install",
	"a cross-certificate that fits them; may be repeated"},
    {"root", TEXT, FIELD(root), "FILE", "install", "the root they have to lead to"},
    {"out", TEXT, FIELD(out), "FILE", "csr install attest", "write there"},
    {"vendor-root", LIST, FIELD(vendor_roots), "FILE", "attest",
	"the vendor's root, to which the module's attestation has to lead; may be repeated"},
    {"no-token", FLAG, FIELD(no_token), NULL, "install",
	"do not write the certificate onto the token"},
    {"retire", TEXT, FIELD(retire), "DATE", "rotate", "when the old key stops signing"},
    {"yes-destroy", TEXT, FIELD(yes), "LABEL", "destroy",
	"yes, the key of this label, without being asked"},
    {"check", FLAG, FIELD(check), NULL, "transcript",
	"check that no line was changed, taken out or put in"},
    {"head", TEXT, FIELD(head), "HASH", "transcript",
	"the same, and that a line of this SHA-256 is there"},
    {"mend", FLAG, FIELD(mend), NULL, "transcript",
	"put half a line, left by a power cut, aside, and go on"},
    {"help", FLAG, FIELD(help), NULL, NULL, "this text, of a command its own"},
    {"version", FLAG, FIELD(version), NULL, NULL, "the version"},
};

static bool
has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = words; *p != '\0'; p += strcspn(p, " ")) {
		p += strspn(p, " ");
		if (strncmp(p, word, n) == 0 && (p[n] == ' ' || p[n] == '\0'))
			return true;
	}
	return false;
}

static const struct row *
find_row(const char *name, size_t n, struct kd_err *e)
{
	const char *names[KD_ARRAY_LEN(rows) + 1] = {0};
	char asked[64];

	for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
		if (strlen(rows[i].name) == n && memcmp(rows[i].name, name, n) == 0)
			return &rows[i];
		names[i] = rows[i].name;
	}
	(void)text_show(asked, sizeof(asked), name, n);
	(void)kd_fail(e, KD_E_USAGE, "'--%s': unknown option", asked);
	(void)text_hint_nearest(e, "--", asked, names);
	return NULL;
}

static bool
set_value(const struct row *r, const char *value, struct ceremony_options *ret,
    struct kd_err *e)
{
	void *field = (char *)ret + r->offset;
	struct texts *list = field;
	uint64_t fd;

	switch (r->type) {
	case FLAG:
		*(bool *)field = true;
		return true;
	case TEXT:
		*(const char **)field = value;
		return true;
	case DESCRIPTOR:
		if (!kd_parse_u64(value, 0, 65535, &fd, e))
			return false;
		*(int *)field = (int)fd;
		return true;
	case LIST:
		break;
	}
	if (list->n >= KD_ARRAY_LEN(list->v))
		return kd_fail(
		    e, KD_E_USAGE, "more than %zu are given", KD_ARRAY_LEN(list->v));
	list->v[list->n++] = value;
	return true;
}

/* One option at argv[*at]; *at is moved over its value. */
static bool
take_option(int argc, char **argv, int *at, uint32_t *seen, struct ceremony_options *ret,
    struct kd_err *e)
{
	const char *name = argv[*at] + 2, *value = NULL;
	size_t n = strcspn(name, "=");
	const struct row *r = find_row(name, n, e);

	if (r == NULL)
		return false;
	if (name[n] == '=')
		value = &name[n + 1];
	if (r->type == FLAG && value != NULL)
		return kd_fail(e, KD_E_USAGE, "'--%s' takes no value", r->name);
	if (r->type != FLAG && value == NULL) {
		if (*at + 1 >= argc)
			return kd_fail(e, KD_E_USAGE, "'--%s' needs %s", r->name, r->arg);
		value = argv[++*at];
	}
	if (r->type != FLAG && value[0] == '\0')
		return kd_fail(e, KD_E_USAGE, "'--%s': the value is empty", r->name);
	if (r->type != FLAG && strlen(value) > CEREMONY_TEXT_MAX)
		return kd_fail(e, KD_E_USAGE, "'--%s': longer than %d bytes", r->name,
		    CEREMONY_TEXT_MAX);
	if (r->type != LIST && (*seen >> (r - rows) & 1) != 0)
		return kd_fail(e, KD_E_USAGE, "'--%s' is given twice", r->name);
	*seen |= 1u << (r - rows);
	return set_value(r, value, ret, e) || kd_in(e, "--%s", r->name);
}

static const struct ceremony_command *
find_command(
    const char *name, const struct ceremony_command *const *commands, struct kd_err *e)
{
	const char *names[32] = {0};

	for (size_t i = 0; commands[i] != NULL && i + 1 < KD_ARRAY_LEN(names); i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
		names[i] = commands[i]->name;
	}
	(void)kd_fail(e, KD_E_USAGE, "'%s': unknown command", SHOW(name));
	if (!text_hint_nearest(e, "", name, names))
		(void)kd_hint(e, "'" CEREMONY_TOOL " --help' lists the commands");
	return NULL;
}

/* An option that the command does not know would be an order that is not heard. */
static bool
check_seen(const struct ceremony_command *command, uint32_t seen, struct kd_err *e)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
		if ((seen >> i & 1) == 0 || rows[i].commands == NULL ||
		    has_word(rows[i].commands, command->name))
			continue;
		return kd_fail(e, KD_E_USAGE, "'--%s' is no option of '%s' but of: %s",
		    rows[i].name, command->name, rows[i].commands);
	}
	return true;
}

bool
ceremony_options_parse(int argc, char **argv,
    const struct ceremony_command *const *commands, struct ceremony_options *ret,
    const struct ceremony_command **ret_command, struct kd_err *e)
{
	uint32_t seen = 0;

	_Static_assert(KD_ARRAY_LEN(rows) <= 32, "bits of seen");
	*ret = (struct ceremony_options){.pin_fd = -1};
	*ret_command = NULL;
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) == 0 && argv[i][2] != '\0') {
			if (!take_option(argc, argv, &i, &seen, ret, e))
				return false;
		} else if (*ret_command == NULL) {
			*ret_command = find_command(argv[i], commands, e);
			if (*ret_command == NULL)
				return false;
		} else {
			return kd_fail(
			    e, KD_E_USAGE, "'%s': one word too many", SHOW(argv[i]));
		}
	}
	if (ret->help || ret->version)
		return true;
	if (*ret_command == NULL) {
		(void)kd_fail(e, KD_E_USAGE, "no command is named");
		return kd_hint(e, "'" CEREMONY_TOOL " --help' lists the commands");
	}
	return check_seen(*ret_command, seen, e);
}

void
ceremony_options_help(const char *command, struct buf *ret)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
		char left[40];

		if (rows[i].commands != NULL &&
		    (command == NULL || !has_word(rows[i].commands, command)))
			continue;
		(void)snprintf(left, sizeof(left), "--%s%s%s", rows[i].name,
		    rows[i].arg != NULL ? " " : "",
		    rows[i].arg != NULL ? rows[i].arg : "");
		buf_printf(ret, "  %-22s %s\n", left, rows[i].help);
	}
}
