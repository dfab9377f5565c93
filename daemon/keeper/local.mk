# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libkeeper.a
libkeeper_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS) $(SQLITE_CFLAGS)
libkeeper_a_SOURCES = \
	daemon/keeper/answers.c daemon/keeper/ask.c daemon/keeper/call.h \
	daemon/keeper/catalog.c daemon/keeper/catalog.h daemon/keeper/copy.h \
	daemon/keeper/expiry.c daemon/keeper/expiry.h \
	daemon/keeper/facts.c daemon/keeper/facts.h \
	daemon/keeper/front_link.c daemon/keeper/front_link.h \
	daemon/keeper/group.c daemon/keeper/group.h \
	daemon/keeper/identity.c daemon/keeper/identity.h \
	daemon/keeper/keeper.h daemon/keeper/lookup.c \
	daemon/keeper/loop.c daemon/keeper/loop.h \
	daemon/keeper/metrics.c \
	daemon/keeper/pipeline.c \
	daemon/keeper/policy.c daemon/keeper/policy.h \
	daemon/keeper/pool.c daemon/keeper/pool.h \
	daemon/keeper/prepare.c \
	daemon/keeper/queue.c daemon/keeper/queue.h \
	daemon/keeper/raw_kind.c daemon/keeper/raw_kind.h \
	daemon/keeper/record.c daemon/keeper/record.h \
	daemon/keeper/record_op.c daemon/keeper/record_op.h \
	daemon/keeper/record_event.c daemon/keeper/record_event.h \
	daemon/keeper/refuse.c \
	daemon/keeper/request.c daemon/keeper/request.h daemon/keeper/request_build.c \
	daemon/keeper/settings.c daemon/keeper/settings.h \
	daemon/keeper/heavy.c daemon/keeper/heavy.h \
	daemon/keeper/signer_check.c \
	daemon/keeper/signer_link.c daemon/keeper/signer_link.h daemon/keeper/signer_link_in.h \
	daemon/keeper/signers.c \
	daemon/keeper/store.h daemon/keeper/store_sql.c daemon/keeper/store_sql.h \
	daemon/keeper/store_sqlite.c \
	daemon/keeper/waiter.c \
	daemon/keeper/work.h

KEEPER_LIBS = libkeeper.a libauthenticode.a libwire.a libbase.a $(SQLITE_LIBS) $(OPENSSL_LIBS) $(JANSSON_LIBS) \
	$(BASE_LIBS)

sbin_PROGRAMS += kdsign-keeper
kdsign_keeper_SOURCES = daemon/keeper/main.c
kdsign_keeper_LDADD = $(KEEPER_LIBS)

KEEPER_TOOLS = tests/unit/keeper/fake_signer_tool tests/unit/keeper/fake_front_tool
check_PROGRAMS += $(KEEPER_TOOLS)
tests_unit_keeper_fake_signer_tool_SOURCES = tests/unit/keeper/fake_signer_tool.c
tests_unit_keeper_fake_signer_tool_LDADD = $(KEEPER_LIBS)
tests_unit_keeper_fake_front_tool_SOURCES = tests/unit/keeper/fake_front_tool.c
tests_unit_keeper_fake_front_tool_LDADD = $(KEEPER_LIBS)

EXTRA_DIST += tests/e2e/keeper.sh
keeper_e2e_tests = tests/e2e/keeper.t tests/e2e/keeper_crash.t tests/e2e/keeper_io.t tests/e2e/keeper_kinds.t tests/e2e/keeper_pool.t \
	tests/e2e/keeper_store.t
dist_check_SCRIPTS += $(keeper_e2e_tests)
TESTS += $(keeper_e2e_tests)

# Preloaded into a keeper by keeper_io.t.
tests/mock/io_fail.so: $(srcdir)/tests/mock/io_fail.c
	$(AM_V_CC)$(MKDIR_P) tests/mock && $(CC) $(CFLAGS) -std=gnu11 -Wall -shared -fPIC -o $@ \
		$(srcdir)/tests/mock/io_fail.c
check_DATA += tests/mock/io_fail.so
EXTRA_DIST += tests/mock/io_fail.c
CLEANFILES += tests/mock/io_fail.so

KEEPER_TESTS = tests/unit/keeper/expiry_test tests/unit/keeper/policy_test tests/unit/keeper/queue_test tests/unit/keeper/heavy_test tests/unit/keeper/record_event_test \
	tests/unit/keeper/store_test tests/unit/keeper/catalog_test tests/unit/keeper/request_build_test
check_PROGRAMS += $(KEEPER_TESTS)
TESTS += $(KEEPER_TESTS)
tests_unit_keeper_policy_test_SOURCES = tests/unit/keeper/policy_test.c
tests_unit_keeper_policy_test_LDADD = $(KEEPER_LIBS) $(CMOCKA_LIBS)
tests_unit_keeper_expiry_test_SOURCES = tests/unit/keeper/expiry_test.c
tests_unit_keeper_expiry_test_LDADD = $(KEEPER_LIBS) $(CMOCKA_LIBS)
tests_unit_keeper_queue_test_SOURCES = tests/unit/keeper/queue_test.c
tests_unit_keeper_queue_test_LDADD = $(KEEPER_LIBS) $(CMOCKA_LIBS)
tests_unit_keeper_heavy_test_SOURCES = tests/unit/keeper/heavy_test.c
tests_unit_keeper_heavy_test_LDADD = $(KEEPER_LIBS) $(CMOCKA_LIBS)
tests_unit_keeper_record_event_test_SOURCES = tests/unit/keeper/record_event_test.c
tests_unit_keeper_record_event_test_LDADD = $(KEEPER_LIBS) $(CMOCKA_LIBS)
tests_unit_keeper_store_test_SOURCES = tests/unit/keeper/store_test.c
tests_unit_keeper_store_test_LDADD = $(KEEPER_LIBS) $(CMOCKA_LIBS)
MAKE_CTL = tests/unit/keeper/make_ctl.c tests/unit/keeper/make_ctl.h
tests_unit_keeper_catalog_test_SOURCES = tests/unit/keeper/catalog_test.c $(MAKE_CTL)
tests_unit_keeper_catalog_test_LDADD = $(KEEPER_LIBS) $(CMOCKA_LIBS)
tests_unit_keeper_request_build_test_SOURCES = tests/unit/keeper/request_build_test.c $(MAKE_CTL)
tests_unit_keeper_request_build_test_LDADD = $(KEEPER_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += fuzz/replay_listed
TESTS += fuzz/replay_listed
fuzz_replay_listed_SOURCES = fuzz/fuzz_listed.c fuzz/replay.c
fuzz_replay_listed_LDADD = $(KEEPER_LIBS)
EXTRA_DIST += fuzz/corpus/listed

dist_man_MANS += docs/kdsign-keeper.8
EXTRA_DIST += etc/keeper.conf
