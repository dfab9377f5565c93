/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/client/settings_test.c - option > environment > user's file > system's file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/num.h"
#include "client/settings.h"

static char root[32], system_file[128], user_file[128], named_file[128];

static struct {
	const char *name;
	char value[160];
} variables[] = {
    {"HOME", ""},
    {"XDG_CONFIG_HOME", ""},
    {"KDSIGN_SERVER", ""},
    {"KDSIGN_IDENTITY", ""},
    {"KDSIGN_CA", ""},
    {"KDSIGN_CONFIG", ""},
    {"KDSIGN_TIMEOUT", ""},
};

static char *
env(const char *name)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(variables); i++) {
		if (strcmp(variables[i].name, name) == 0)
			return variables[i].value[0] != '\0' ? variables[i].value : NULL;
	}
	return NULL;
}

static void
set(const char *name, const char *value)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(variables); i++) {
		if (strcmp(variables[i].name, name) == 0)
			(void)snprintf(
			    variables[i].value, sizeof(variables[i].value), "%s", value);
	}
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static int
set_up(void **state)
{
	char dir[128];

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(variables); i++)
		variables[i].value[0] = '\0';
	(void)snprintf(root, sizeof(root), "/tmp/kdsign-settings.XXXXXX");
	assert_non_null(mkdtemp(root));
	(void)snprintf(dir, sizeof(dir), "%s/.config", root);
	assert_int_equal(mkdir(dir, 0700), 0);
	(void)snprintf(dir, sizeof(dir), "%s/.config/kdsign", root);
	assert_int_equal(mkdir(dir, 0700), 0);
	(void)snprintf(
	    user_file, sizeof(user_file), "%s/.config/kdsign/client.conf", root);
	(void)snprintf(system_file, sizeof(system_file), "%s/system.conf", root);
	(void)snprintf(named_file, sizeof(named_file), "%s/named.conf", root);
	set("HOME", root);
	return 0;
}

static int
tear_down(void **state)
{
	char path[128];

	(void)state;
	(void)remove(user_file);
	(void)remove(system_file);
	(void)remove(named_file);
	(void)snprintf(path, sizeof(path), "%s/.config/kdsign", root);
	(void)remove(path);
	(void)snprintf(path, sizeof(path), "%s/.config", root);
	(void)remove(path);
	return remove(root);
}

static void
stronger_sources_come_first(void **state)
{
	struct global_options o = {0};
	AUTO(settings_clear) struct settings s = {0};
	struct kd_err e = {0};
	char want[160];

	(void)state;
	write_file(system_file, "server = https://system\nidentity = /s/id\nca = /s/ca\n"
				"timeout = 7s\nroot = /s/root\n");
	write_file(user_file, "server = https://user\nidentity = /u/id\nca = ca.pem\n"
			      "root = /u/1\nroot = /u/2\n");
	set("KDSIGN_SERVER", "https://environment");
	set("KDSIGN_IDENTITY", "/e/id");
	o.server = "https://option";
	assert_true(settings_load(&o, env, system_file, &s, &e));
	assert_string_equal(s.server, "https://option");
	assert_string_equal(s.identity, "/e/id");
	(void)snprintf(want, sizeof(want), "%s/.config/kdsign/ca.pem", root);
	assert_string_equal(s.ca, want);
	assert_int_equal(s.timeout_ms, 7000);
	assert_int_equal(s.roots.n, 2);
	assert_string_equal(s.roots.v[1], "/u/2");
}

/* A user's own anchors must not be mixed with the machine's, of files or folder. */
static void
trust_anchors_are_all_from_the_strongest_source(void **state)
{
	struct global_options o = {0};
	AUTO(settings_clear) struct settings s = {0};
	struct kd_err e = {0};

	(void)state;
	write_file(system_file, "root = /s/root\nroot-dir = /s/roots\ntsa-root = /s/tsa\n"
				"tsa-root-dir = /s/tsas\n");
	write_file(user_file, "root-dir = /u/roots\n");
	assert_true(settings_load(&o, env, system_file, &s, &e));
	assert_int_equal(s.roots.n, 0);
	assert_string_equal(s.root_dir, "/u/roots");
	assert_int_equal(s.tsa_roots.n, 1);
	assert_string_equal(s.tsa_roots.v[0], "/s/tsa");
	assert_string_equal(s.tsa_root_dir, "/s/tsas");
}

/* One signature has one timestamp: whoever names authorities names all of them. */
static void
authorities_are_all_from_the_strongest_source(void **state)
{
	struct global_options o = {0};
	AUTO(settings_clear) struct settings s = {0};
	AUTO(settings_clear) struct settings both = {0};
	AUTO(settings_clear) struct settings digest = {0};
	struct kd_err e = {0}, e2 = {0}, e3 = {0};

	(void)state;
	write_file(system_file, "timestamp = http://s/1\ntimestamp = http://s/2\n"
				"timestamp-digest = sha384\n");
	write_file(user_file, "timestamp-legacy = http://u/\n");
	assert_true(settings_load(&o, env, system_file, &s, &e));
	assert_int_equal(s.timestamp.n, 0);
	assert_int_equal(s.timestamp_legacy.n, 1);
	assert_string_equal(s.timestamp_legacy.v[0], "http://u/");
	assert_int_equal(s.timestamp_md, MD_SHA384);
	write_file(user_file, "timestamp-legacy = http://u/\ntimestamp = http://u/\n");
	assert_false(settings_load(&o, env, system_file, &both, &e2));
	assert_int_equal(e2.code, KD_E_CONFIG);
	assert_non_null(strstr(e2.msg, "'timestamp' and 'timestamp-legacy' exclude"));
	write_file(user_file, "timestamp-digest = md5\n");
	assert_false(settings_load(&o, env, system_file, &digest, &e3));
	assert_int_equal(e3.code, KD_E_CONFIG);
	assert_non_null(strstr(e3.msg, "'md5' is no digest algorithm"));
}

static void
without_any_file_the_defaults_hold(void **state)
{
	struct global_options o = {0};
	AUTO(settings_clear) struct settings s = {0};
	struct kd_err e = {0};

	(void)state;
	assert_true(settings_load(&o, env, system_file, &s, &e));
	assert_null(s.server);
	assert_null(s.identity);
	assert_int_equal(s.roots.n, 0);
	assert_int_equal(s.timeout_ms, SETTINGS_TIMEOUT_MS);
	assert_false(settings_need_server(&s, &e));
	assert_int_equal(e.code, KD_E_USAGE);
	assert_string_equal(e.msg, "no signing service is named");
}

static void
a_named_file_is_the_only_one(void **state)
{
	struct global_options o = {0};
	AUTO(settings_clear) struct settings s = {0};
	AUTO(settings_clear) struct settings missing = {0};
	struct kd_err e = {0};

	(void)state;
	write_file(system_file, "timeout = 7s\n");
	write_file(named_file, "server = https://named\n");
	set("KDSIGN_CONFIG", named_file);
	set("KDSIGN_TIMEOUT", "9s");
	assert_true(settings_load(&o, env, system_file, &s, &e));
	assert_string_equal(s.server, "https://named");
	assert_int_equal(s.timeout_ms, 9000);
	o.config = "/no/such/file";
	assert_false(settings_load(&o, env, system_file, &missing, &e));
	assert_int_equal(kd_code_info(e.code)->exit_client, 2);
	assert_non_null(strstr(e.msg, "'/no/such/file'"));
}

static void
wrong_values_are_refused(void **state)
{
	struct global_options o = {0};
	AUTO(settings_clear) struct settings s = {0};
	AUTO(settings_clear) struct settings other = {0};
	struct kd_err e = {0}, e2 = {0}, e3 = {0};

	(void)state;
	write_file(user_file, "sever = https://user\n");
	assert_false(settings_load(&o, env, system_file, &s, &e));
	assert_int_equal(e.code, KD_E_CONFIG);
	assert_non_null(strstr(e.msg, "'sever'"));
	set("KDSIGN_TIMEOUT", "soon");
	assert_false(settings_load(&o, env, system_file, &other, &e2));
	assert_int_equal(e2.code, KD_E_USAGE);
	assert_memory_equal(e2.msg, "KDSIGN_TIMEOUT: ", 16);
	s.server = strdup("http://plain");
	assert_false(settings_need_server(&s, &e3));
	assert_string_equal(e3.msg, "'http://plain': not the address of a signing "
				    "service, expected https://HOST:PORT");
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test_setup_teardown(
		stronger_sources_come_first, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		trust_anchors_are_all_from_the_strongest_source, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		authorities_are_all_from_the_strongest_source, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		without_any_file_the_defaults_hold, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_named_file_is_the_only_one, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(wrong_values_are_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("client/settings", t, NULL, NULL);
}
