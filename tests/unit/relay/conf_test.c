/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/relay/conf_test.c - what the relay's configuration may say, and what not. */
#include "daemon/relay/conf.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/unit/wire/check.h"

static char path[] = "/tmp/kdsign-relay-conf.XXXXXX";

static int
make_file(void **state)
{
	int fd = mkstemp(path);

	return fd < 0 || close(fd) != 0;
}

static int
remove_file(void **state)
{
	return unlink(path);
}

static bool
load(const char *text, struct settings **ret, struct kd_err *e)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	bool ok = fd >= 0 && file_write_full(fd, text, strlen(text), e);

	assert_true(ok);
	(void)close(fd);
	return settings_load(path, ret, e);
}

static void
the_least_has_defaults_for_the_rest(void **state)
{
	AUTO(settings_drop) struct settings *s = NULL;
	struct kd_err e = {0};

	check_done(load("upstream = http://tsa.example.com/\n", &s, &e), &e);
	assert_string_equal(s->conf.socket, "/run/kdsign/relay.sock");
	assert_int_equal(s->front_uid, geteuid());
	assert_int_equal(s->upstreams[API_STAMP_RFC3161].n, 1);
	assert_string_equal(
	    s->upstreams[API_STAMP_RFC3161].v[0].url, "http://tsa.example.com/");
	assert_int_equal(s->upstreams[API_STAMP_RFC3161].pause_max_ms, 30000);
	assert_int_equal(s->upstreams[API_STAMP_LEGACY].n, 0);
	assert_int_equal(s->conf.deadline_ms, 10000);
	assert_int_equal(s->rate.per_minute, 600);
	assert_int_equal(s->rate.burst, API_ITEMS_MAX);
	assert_int_equal(s->ca.len, 0);
}

static void
upstreams_keep_their_order(void **state)
{
	AUTO(settings_drop) struct settings *s = NULL;
	struct kd_err e = {0};

	check_done(load("upstream = http://b.example.com/x?y=z@w\n"
			"legacy-upstream = http://c.example.com\n"
			"upstream = HTTPS://a.example.com:444/\n",
		       &s, &e),
	    &e);
	assert_int_equal(s->upstreams[API_STAMP_RFC3161].n, 2);
	assert_string_equal(
	    s->upstreams[API_STAMP_RFC3161].v[0].url, "http://b.example.com/x?y=z@w");
	assert_string_equal(
	    s->upstreams[API_STAMP_RFC3161].v[1].url, "HTTPS://a.example.com:444/");
	assert_int_equal(s->upstreams[API_STAMP_LEGACY].n, 1);
}

static void
each_mistake_is_named(void **state)
{
	static const struct {
		const char *text, *msg;
	} cases[] = {
	    {"", "names no time-stamping authority: upstream or legacy-upstream"},
	    {"upstream = ftp://a.example.com/\n",
		"upstream: needs to start with http:// or https://, is "
		"'ftp://a.example.com/'"},
	    {"legacy-upstream = http://\n",
		"legacy-upstream: names no host, is 'http://'"},
	    {"upstream = file:///etc/passwd\n",
		"upstream: needs to start with http:// or https://, is "
		"'file:///etc/passwd'"},
	    {"upstream = http://user:word@a.example.com/\n",
		"upstream: may hold no user name, is "
		"'http://user:word@a.example.com/'"},
	    {"upstream = http://a.example.com/#here\n",
		"upstream: may hold no fragment, is 'http://a.example.com/#here'"},
	    {"upstream = http://a.example.com/\nca = /nonexistent/ca.pem\n",
		"ca: '/nonexistent/ca.pem': cannot open: No such file or "
		"directory"},
	    {"upstream = http://a.example.com/\nfront-user = no-such-user\n",
		"front-user: user 'no-such-user': there is no such user"},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct settings *s = NULL;
		struct kd_err e = {0};
		char want[600];

		(void)snprintf(want, sizeof(want), "'%s': %s", path, cases[i].msg);
		check_refusal(load(cases[i].text, &s, &e), &e, KD_E_CONFIG, want);
		assert_null(s);
	}
}

static void
no_more_upstreams_than_can_be_told_apart(void **state)
{
	AUTO(buf_clear) struct buf text = {0};
	struct settings *s = NULL;
	struct kd_err e = {0};
	char want[200];

	for (unsigned i = 0; i <= UPSTREAMS_MAX; i++)
		buf_printf(&text, "upstream = http://%u.example.com/\n", i);
	(void)snprintf(
	    want, sizeof(want), "'%s': upstream: 17 of them, at most 16 allowed", path);
	check_refusal(load(buf_cstr(&text), &s, &e), &e, KD_E_CONFIG, want);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(the_least_has_defaults_for_the_rest),
	    cmocka_unit_test(upstreams_keep_their_order),
	    cmocka_unit_test(each_mistake_is_named),
	    cmocka_unit_test(no_more_upstreams_than_can_be_told_apart),
	};
	return cmocka_run_group_tests_name("relay_conf", t, make_file, remove_file);
}
