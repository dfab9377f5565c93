# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += librelay.a
librelay_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
librelay_a_SOURCES = \
	daemon/relay/conf.c daemon/relay/conf.h \
	daemon/relay/fetch.c daemon/relay/fetch.h \
	daemon/relay/front.c daemon/relay/front.h \
	daemon/relay/rate.c daemon/relay/rate.h \
	daemon/relay/run.c daemon/relay/run.h \
	daemon/relay/stamper.c daemon/relay/stamper.h \
	daemon/relay/upstream.c daemon/relay/upstream.h

RELAY_LIBS = librelay.a libauthenticode.a libwire.a libbase.a $(CURL_LIBS) $(OPENSSL_LIBS) $(JANSSON_LIBS) $(BASE_LIBS)

sbin_PROGRAMS += kdsign-relay
kdsign_relay_SOURCES = daemon/relay/main.c
kdsign_relay_LDADD = $(RELAY_LIBS)

EXTRA_DIST += tests/e2e/relay_lib.sh
dist_check_SCRIPTS += tests/e2e/relay.t
TESTS += tests/e2e/relay.t

dist_man_MANS += docs/kdsign-relay.8
EXTRA_DIST += etc/relay.conf

RELAY_TESTS = tests/unit/relay/conf_test tests/unit/relay/rate_test tests/unit/relay/upstream_test
check_PROGRAMS += $(RELAY_TESTS)
TESTS += $(RELAY_TESTS)
tests_unit_relay_conf_test_SOURCES = tests/unit/relay/conf_test.c
tests_unit_relay_conf_test_LDADD = $(RELAY_LIBS) $(CMOCKA_LIBS)
tests_unit_relay_rate_test_SOURCES = tests/unit/relay/rate_test.c
tests_unit_relay_rate_test_LDADD = $(RELAY_LIBS) $(CMOCKA_LIBS)
tests_unit_relay_upstream_test_SOURCES = tests/unit/relay/upstream_test.c
tests_unit_relay_upstream_test_LDADD = $(RELAY_LIBS) $(CMOCKA_LIBS)
