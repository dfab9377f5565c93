# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += tests/e2e/front_lib.sh
noinst_LIBRARIES += libfront.a
libfront_a_CPPFLAGS = $(AM_CPPFLAGS) $(MHD_CFLAGS) $(GNUTLS_CFLAGS) -DSBINDIR='"$(sbindir)"'
libfront_a_SOURCES = \
	daemon/front/child.c daemon/front/child.h \
	daemon/front/conf.c daemon/front/conf.h \
	daemon/front/conn.c daemon/front/conn.h \
	daemon/front/front.h \
	daemon/front/gate.c daemon/front/gate.h \
	daemon/front/http.c daemon/front/http.h \
	daemon/front/limits.c daemon/front/limits.h \
	daemon/front/peer_link.c daemon/front/peer_link.h \
	daemon/front/reply.c daemon/front/reply.h \
	daemon/front/request.c daemon/front/request.h \
	daemon/front/route.c daemon/front/route.h \
	daemon/front/run.c daemon/front/run.h \
	daemon/front/standalone.c daemon/front/standalone.h \
	daemon/front/status.c daemon/front/status.h \
	daemon/front/tls.c daemon/front/tls.h

FRONT_LIBS = libfront.a libwire.a libbase.a $(MHD_LIBS) $(GNUTLS_LIBS) $(JANSSON_LIBS) $(BASE_LIBS)

sbin_PROGRAMS += kdsignd
kdsignd_SOURCES = daemon/front/main.c
kdsignd_LDADD = $(FRONT_LIBS)

check_PROGRAMS += tests/unit/front/fake_keeper
tests_unit_front_fake_keeper_SOURCES = tests/unit/front/fake_keeper.c
tests_unit_front_fake_keeper_LDADD = libwire.a libbase.a $(JANSSON_LIBS) $(BASE_LIBS)

check_PROGRAMS += tests/unit/front/raw_client
tests_unit_front_raw_client_CPPFLAGS = $(AM_CPPFLAGS) $(GNUTLS_CFLAGS)
tests_unit_front_raw_client_SOURCES = tests/unit/front/raw_client.c
tests_unit_front_raw_client_LDADD = libbase.a $(GNUTLS_LIBS) $(BASE_LIBS)

front_unit_tests = tests/unit/front/gate_test tests/unit/front/http_test tests/unit/front/limits_test tests/unit/front/route_test
front_test_libs = $(FRONT_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += $(front_unit_tests)
TESTS += $(front_unit_tests)
tests_unit_front_gate_test_SOURCES = tests/unit/front/gate_test.c
tests_unit_front_gate_test_LDADD = $(front_test_libs)
tests_unit_front_http_test_CPPFLAGS = $(AM_CPPFLAGS) $(MHD_CFLAGS) $(GNUTLS_CFLAGS)
tests_unit_front_http_test_SOURCES = tests/unit/front/http_test.c
tests_unit_front_http_test_LDADD = $(front_test_libs)
tests_unit_front_limits_test_SOURCES = tests/unit/front/limits_test.c
tests_unit_front_limits_test_LDADD = $(front_test_libs)
tests_unit_front_route_test_SOURCES = tests/unit/front/route_test.c
tests_unit_front_route_test_LDADD = $(front_test_libs)

front_e2e_tests = tests/e2e/front_gate.t tests/e2e/front_keeper.t tests/e2e/front_limits.t \
	tests/e2e/front_standalone.t tests/e2e/front_tls.t
dist_check_SCRIPTS += $(front_e2e_tests)
TESTS += $(front_e2e_tests)

dist_man_MANS += docs/kdsignd.8
EXTRA_DIST += etc/kdsignd.conf

check_PROGRAMS += fuzz/replay_gate
fuzz_replay_gate_SOURCES = fuzz/fuzz_gate.c fuzz/replay.c
fuzz_replay_gate_LDADD = libfront.a libwire.a libbase.a
TESTS += fuzz/replay_gate
EXTRA_DIST += fuzz/corpus/gate
