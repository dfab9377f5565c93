# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libbase.a
libbase_a_CPPFLAGS = $(AM_CPPFLAGS) $(SECCOMP_CFLAGS) $(SYSTEMD_CFLAGS)
libbase_a_SOURCES = \
	base/builder.c base/builder.h \
	base/clock.c base/clock.h \
	base/conf.c base/conf.h \
	base/conf_print.c \
	base/conf_value.c base/conf_value.h \
	base/error.c base/error.h \
	base/file.c base/file.h \
	base/file_guard.c base/file_guard.h \
	base/file_replace.c \
	base/harden.c base/harden.h \
	base/log.c base/log.h \
	base/md.c base/md.h \
	base/mem.c base/mem.h \
	base/num.c base/num.h \
	base/own.h \
	base/reader.c base/reader.h \
	base/secret.c base/secret.h \
	base/service.c base/service.h \
	base/sock.c base/sock.h \
	base/text.c base/text.h \
	base/text_codec.c \
	base/when.c base/when.h

# What a program that links libbase.a and hardens itself or talks to systemd needs besides.
BASE_LIBS = $(SECCOMP_LIBS) $(SYSTEMD_LIBS)

check_PROGRAMS += fuzz/replay_conf
fuzz_replay_conf_SOURCES = fuzz/fuzz_conf.c fuzz/replay.c
fuzz_replay_conf_LDADD = libbase.a $(BASE_LIBS)
TESTS += fuzz/replay_conf
EXTRA_DIST += fuzz/corpus/conf

base_tests = \
	tests/unit/base/builder_test \
	tests/unit/base/clock_test \
	tests/unit/base/conf_test \
	tests/unit/base/error_test \
	tests/unit/base/file_guard_test \
	tests/unit/base/file_test \
	tests/unit/base/harden_test \
	tests/unit/base/log_test \
	tests/unit/base/mem_test \
	tests/unit/base/num_test \
	tests/unit/base/reader_test \
	tests/unit/base/secret_test \
	tests/unit/base/service_test \
	tests/unit/base/sock_test \
	tests/unit/base/text_test \
	tests/unit/base/when_test
check_PROGRAMS += $(base_tests)
TESTS += $(base_tests)
EXTRA_DIST += tests/unit/base/test.h
BASE_TEST_LIBS = libbase.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_base_builder_test_LDADD = $(BASE_TEST_LIBS)
tests_unit_base_clock_test_LDADD = $(BASE_TEST_LIBS)
tests_unit_base_conf_test_LDADD = $(BASE_TEST_LIBS)
tests_unit_base_error_test_LDADD = $(BASE_TEST_LIBS)
tests_unit_base_file_guard_test_LDADD = $(BASE_TEST_LIBS)
tests_unit_base_file_test_LDADD = $(BASE_TEST_LIBS)
tests_unit_base_harden_test_LDADD = $(BASE_TEST_LIBS)
tests_unit_base_log_test_LDADD = $(BASE_TEST_LIBS)
tests_unit_base_when_test_LDADD = $(BASE_TEST_LIBS)
tests_unit_base_mem_test_LDADD = $(BASE_TEST_LIBS)
tests_unit_base_num_test_LDADD = $(BASE_TEST_LIBS)
tests_unit_base_reader_test_LDADD = $(BASE_TEST_LIBS)
tests_unit_base_secret_test_LDADD = $(BASE_TEST_LIBS)
tests_unit_base_secret_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=syscall
tests_unit_base_service_test_LDADD = $(BASE_TEST_LIBS)
tests_unit_base_sock_test_LDADD = $(BASE_TEST_LIBS)
tests_unit_base_text_test_LDADD = $(BASE_TEST_LIBS)
