/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/conf_test.c - files the table takes, files it refuses and with what
 * words. */
#include "config.h"

#include "tests/unit/base/test.h"

#include "base/conf.h"

struct entry {
	char *name;
	char *socket;
	struct conf_list certificates;
};

struct single {
	char *alias;
};

struct all {
	char *listen, *key;
	struct conf_list environment, kinds;
	bool strict;
	uint64_t threads, limit, deadline;
	struct single single;
	struct conf_array entries;
};

static const struct conf_key top_keys[] = {
    {"listen", CONF_STRING, offsetof(struct all, listen), "127.0.0.1:8443",
	"address and port"},
    {"tls-key", CONF_PATH, offsetof(struct all, key), NULL, "the server's key"},
    {"environment", CONF_LIST, offsetof(struct all, environment), NULL, "for the module",
	.optional = true},
    {"kinds", CONF_WORDS, offsetof(struct all, kinds), "pe cat", "what may be signed"},
    {"strict", CONF_BOOL, offsetof(struct all, strict), "yes", "yes or no"},
    {"threads", CONF_UINT, offsetof(struct all, threads), "2", "threads", 1, 64},
    {"body-limit", CONF_SIZE, offsetof(struct all, limit), "32M", "bytes", 1024,
	1u << 30},
    {"deadline", CONF_DURATION, offsetof(struct all, deadline), "30s", "time", 1,
	3600000},
    {NULL},
};
static const struct conf_key single_keys[] = {
    {"alias", CONF_NAME, offsetof(struct single, alias), "none", "a name"},
    {NULL},
};
static const struct conf_key entry_keys[] = {
    {"socket", CONF_PATH, offsetof(struct entry, socket), NULL, "where it listens"},
    {"certificate", CONF_PATHS, offsetof(struct entry, certificates), NULL, "its chain",
	.optional = true},
    {NULL},
};
static const struct conf_section sections[] = {
    {NULL, false, top_keys, sizeof(struct all), 0},
    {"single", false, single_keys, sizeof(struct single), offsetof(struct all, single)},
    {"signer", true, entry_keys, sizeof(struct entry), offsetof(struct all, entries)},
    {0},
};

static bool
parse(const char *text, struct all *ret, struct kd_err *e)
{
	return conf_parse("/etc/kdsign/a.conf", text, strlen(text), sections, ret, e);
}

static const char everything[] = "# comment\n"
				 "listen = pkcs11:token=a;object=b#c # all of it\r\n"
				 "\ttls-key=key.pem  \n"
				 "environment = A=1\n"
				 "environment = B=two words\n"
				 "kinds = pe\t cat  cab\n"
				 "strict = no\n"
				 "threads = 64\n"
				 "body-limit = 4k\n"
				 "deadline = 5min\n"
				 "\n"
				 "[ signer   one ]\n"
				 "socket = /run/one\n"
				 "certificate = leaf.pem\n"
				 "certificate = /abs/mid.pem\n"
				 "[single]\n"
				 "alias = x.y_z-1\n"
				 "[signer two]\n"
				 "socket = ../two"; /* no newline at the end */

static void
every_type_is_read(void **state)
{
	struct all a = {0};
	const struct entry *s;

	assert_done(parse(everything, &a, &e));
	assert_string_equal(a.listen, "pkcs11:token=a;object=b#c # all of it");
	assert_string_equal(a.key, "/etc/kdsign/key.pem");
	assert_int_equal(a.environment.n, 2);
	assert_string_equal(a.environment.v[1], "B=two words");
	assert_int_equal(a.kinds.n, 3); /* instead of the default's two */
	assert_string_equal(a.kinds.v[2], "cab");
	assert_false(a.strict);
	assert_int_equal(a.threads, 64);
	assert_int_equal(a.limit, 4096);
	assert_int_equal(a.deadline, 300000);
	assert_string_equal(a.single.alias, "x.y_z-1");
	assert_int_equal(a.entries.n, 2);
	s = a.entries.v;
	assert_string_equal(s[0].name, "one");
	assert_string_equal(s[0].certificates.v[0], "/etc/kdsign/leaf.pem");
	assert_string_equal(s[0].certificates.v[1], "/abs/mid.pem");
	assert_string_equal(s[1].name, "two");
	assert_string_equal(s[1].socket, "/etc/kdsign/../two");
	assert_int_equal(s[1].certificates.n, 0);
	conf_clear(sections, &a);
	conf_clear(sections, &a);
}

static void
defaults_fill_the_rest(void **state)
{
	struct all a = {0}, only = {0};

	assert_done(parse("tls-key = /k\n", &a, &e));
	assert_string_equal(a.listen, "127.0.0.1:8443");
	assert_int_equal(a.kinds.n, 2);
	assert_true(a.strict);
	assert_int_equal(a.limit, 32 << 20);
	assert_int_equal(a.deadline, 30000);
	assert_string_equal(a.single.alias, "none");
	assert_int_equal(a.entries.n, 0);
	conf_clear(sections, &a);
	assert_done(conf_defaults(sections, &only, &e));
	assert_string_equal(only.listen, "127.0.0.1:8443");
	assert_string_equal(only.single.alias, "none");
	assert_null(only.key);
	conf_clear(sections, &only);
}

#define A "'/etc/kdsign/a.conf'"

static const struct {
	const char *text, *msg;
} refused[] = {
    {"", A ": 'tls-key' is missing"},
    {"[signer a]\nsocket = x\n", A " line 1: 'tls-key' is missing"},
    {"tls-key = k\n[signer a]\n", A ": 'socket' is missing in [signer a]"},
    {"tls-key = k\n[signer a]\n[single]\n",
	A " line 3: 'socket' is missing in [signer a]"},
    {"tsl-key = k\n", A " line 1: unknown key 'tsl-key'; did you mean 'tls-key'?"},
    {"nonsense = k\n", A " line 1: unknown key 'nonsense'"},
    {"socket = k\n", A " line 1: unknown key 'socket'"},
    {"tls-key = a\n\n# c\ntls-key = b\n", A " line 4: 'tls-key' stands twice"},
    {"tls-key =  \n", A " line 1: 'tls-key' has no value"},
    {"= x\n", A " line 1: unknown key ''"},
    {"tls-key\n", A " line 1: 'tls-key': neither 'key = value' nor [section]"},
    {"threads = 0\n", A " line 1: 'threads': '0': not a whole number from 1 to 64"},
    {"threads = 65\n", A " line 1: 'threads': '65': not a whole number from 1 to 64"},
    {"body-limit = 1\n",
	A " line 1: 'body-limit': '1': not from 1024 to 1073741824 bytes"},
    {"deadline = 30\n", A
	" line 1: 'deadline': '30': not a duration; write a number with ms, s, min or h"},
    {"strict = true\n", A " line 1: 'strict': 'true': must be yes or no"},
    {"[single]\nalias = a/b\n", A " line 1: 'tls-key' is missing"},
    {"tls-key = k\n[single]\nalias = a/b\n", A " line 3: 'alias': 'a/b': a name has 1 to "
					       "64 of the characters A-Z a-z 0-9 . _ -"},
    {"tls-key = k\n[sinlge]\n",
	A " line 2: unknown section [sinlge]; did you mean [single]?"},
    {"tls-key = k\n[]\n", A " line 2: unknown section []"},
    {"tls-key = k\n[database]\n", A " line 2: unknown section [database]"},
    {"tls-key = k\n[single x]\n", A " line 2: [single] takes no name, has 'x'"},
    {"tls-key = k\n[single]\n[single]\n", A " line 3: [single] stands twice"},
    {"tls-key = k\n[single\n", A " line 2: '[single': a section ends with ]"},
    {"tls-key = k\n[\n", A " line 2: '[': a section ends with ]"},
    {"tls-key = k\n[signer]\n",
	A " line 2: '': a name has 1 to 64 of the characters A-Z a-z 0-9 . _ -"},
    {"tls-key = k\n[signer a b]\n",
	A " line 2: 'a b': a name has 1 to 64 of the characters A-Z a-z 0-9 . _ -"},
    {"tls-key = k\n[signer a]\nsocket = s\n[signer a]\n",
	A " line 4: [signer a] stands twice"},
    {"tls-key = a\x01\n", A " line 1: control character 0x01"},
    {"tls-key = a\rb\n", A " line 1: control character 0x0d"},
    {"tls-key = \xff\n", A " line 1: not UTF-8"},
};

static void
every_mistake_has_its_sentence(void **state)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(refused); i++) {
		struct all a = {0};

		assert_fails(parse(refused[i].text, &a, &e), KD_E_CONFIG, refused[i].msg);
		conf_clear(sections, &a);
	}
}

static void
nul_is_not_text(void **state)
{
	struct all a = {0};

	assert_fails(conf_parse("a.conf", "tls-key = a\0b\n", 14, sections, &a, &e),
	    KD_E_CONFIG, "'a.conf' line 1: not UTF-8");
	conf_clear(sections, &a);
}

static void
lines_and_lists_are_bounded(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	struct all a = {0};

	buf_str(&b, "listen = ");
	memset(buf_reserve(&b, CONF_LINE_MAX - 9), 'x', CONF_LINE_MAX - 9);
	buf_str(&b, "\ntls-key = k\n");
	assert_done(parse(buf_cstr(&b), &a, &e));
	assert_int_equal(strlen(a.listen), CONF_LINE_MAX - 9);
	conf_clear(sections, &a);
	buf_reset(&b);
	memset(buf_reserve(&b, CONF_LINE_MAX + 1), '#', CONF_LINE_MAX + 1);
	assert_fails(parse(buf_cstr(&b), &a, &e), KD_E_CONFIG,
	    A " line 1: 8193 bytes, at most 8192 allowed");
	conf_clear(sections, &a);
	buf_reset(&b);
	for (int i = 0; i < 1025; i++)
		buf_str(&b, "environment = A=1\n");
	assert_fails(parse(buf_cstr(&b), &a, &e), KD_E_CONFIG,
	    A " line 1025: 'environment': more than 1024 values");
	conf_clear(sections, &a);
}

static void
file_is_bounded(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	struct all a = {0};

	memset(buf_reserve(&b, CONF_FILE_MAX + 1), '\n', CONF_FILE_MAX + 1);
	assert_fails(conf_parse("a.conf", (const char *)b.p, b.len, sections, &a, &e),
	    KD_E_CONFIG, "'a.conf': larger than 1048576 bytes");
	conf_clear(sections, &a);
}

static const char printed[] =
    "# address and port\nlisten = pkcs11:token=a;object=b#c # all of it\n"
    "# the server's key\ntls-key = /etc/kdsign/key.pem\n"
    "# for the module\nenvironment = A=1\nenvironment = B=two words\n"
    "# what may be signed\nkinds = pe cat cab\n"
    "# yes or no\nstrict = no\n"
    "# threads\nthreads = 64\n"
    "# bytes\nbody-limit = 4k\n"
    "# time\ndeadline = 5min\n"
    "\n[single]\n# a name\nalias = x.y_z-1\n"
    "\n[signer one]\n# where it listens\nsocket = /run/one\n"
    "# its chain\ncertificate = /etc/kdsign/leaf.pem\n"
    "certificate = /abs/mid.pem\n"
    "\n[signer two]\n# where it listens\nsocket = /etc/kdsign/../two\n"
    "# its chain\n# certificate =\n";

static void
print_is_a_file_again(void **state)
{
	AUTO(buf_clear) struct buf once = {0}, twice = {0};
	struct all a = {0}, b = {0};

	assert_done(parse(everything, &a, &e));
	conf_print(sections, &a, &once);
	assert_string_equal(buf_cstr(&once), printed);
	assert_done(parse(buf_cstr(&once), &b, &e));
	conf_print(sections, &b, &twice);
	assert_string_equal(buf_cstr(&twice), printed);
	conf_clear(sections, &a);
	conf_clear(sections, &b);
}

static void
memory_fails_at_every_place(void **state)
{
	bool done = false;
	long n;

	for (n = 0; !done; n++) {
		struct kd_err e = {0};
		struct all a = {0};

		kd_alloc_fail_at(n);
		done = parse(everything, &a, &e);
		kd_alloc_fail_at(-1);
		assert_int_equal(e.code, done ? KD_OK : KD_E_NOMEM);
		conf_clear(sections, &a);
	}
	assert_true(n > 20);
}

static void
file_that_others_can_write_is_refused(void **state)
{
	struct kd_err err = {0};
	struct all a = {0};
	const char *path = in_folder(state, "a.conf");
	char want[256];

	write_file(path, "tls-key = key.pem\n", 0644);
	assert_done(conf_load(path, sections, &a, &e));
	(void)snprintf(want, sizeof(want), "%s/key.pem", (const char *)*state);
	assert_string_equal(a.key, want);
	conf_clear(sections, &a);
	assert_int_equal(chmod(path, 0664), 0);
	assert_false(conf_load(path, sections, &a, &err));
	(void)snprintf(want, sizeof(want),
	    "'%s': mode 0664 lets others write, must be 0644 or less", path);
	assert_string_equal(err.msg, want);
	assert_int_equal(err.code, KD_E_CONFIG);
	assert_null(a.listen);
}

static void
missing_file_is_configuration(void **state)
{
	struct all a = {0};

	assert_fails(conf_load("/nonexistent/a.conf", sections, &a, &e), KD_E_CONFIG,
	    "'/nonexistent/a.conf': cannot open: No such file or directory");
}

static void
wrong_table_is_a_bug(void **state)
{
	static const struct conf_key keys[] = {
	    {"n", CONF_UINT, 0, "x", "bad default", 0, 9}, {NULL}};
	static const struct conf_section bad[] = {
	    {NULL, false, keys, sizeof(uint64_t), 0}, {0}};
	uint64_t n = 0;

	assert_fails(conf_defaults(bad, &n, &e), KD_E_CONFIG,
	    "default of 'n': 'x': not a whole number from 0 to 9");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_type_is_read),
	    cmocka_unit_test(defaults_fill_the_rest),
	    cmocka_unit_test(every_mistake_has_its_sentence),
	    cmocka_unit_test(nul_is_not_text),
	    cmocka_unit_test(lines_and_lists_are_bounded),
	    cmocka_unit_test(file_is_bounded),
	    cmocka_unit_test(print_is_a_file_again),
	    cmocka_unit_test(memory_fails_at_every_place),
	    cmocka_unit_test_setup_teardown(
		file_that_others_can_write_is_refused, make_folder, remove_folder),
	    cmocka_unit_test(missing_file_is_configuration),
	    cmocka_unit_test(wrong_table_is_a_bug),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
