# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libdriver.a
libdriver_a_SOURCES = \
	driver/cdf.c driver/cdf.h \
	driver/cdf_attr.c driver/cdf_attr.h \
	driver/cdf_files.c driver/cdf_files.h \
	driver/cdf_lines.c driver/cdf_lines.h \
	driver/cdf_path.c driver/cdf_path.h

DRIVER_TESTS = tests/unit/driver/cdf_test
check_PROGRAMS += $(DRIVER_TESTS)
TESTS += $(DRIVER_TESTS)
tests_unit_driver_cdf_test_LDADD = libdriver.a libauthenticode.a libbase.a $(OPENSSL_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += fuzz/replay_cdf
fuzz_replay_cdf_SOURCES = fuzz/fuzz_cdf.c fuzz/replay.c
fuzz_replay_cdf_LDADD = libdriver.a libauthenticode.a libbase.a $(OPENSSL_LIBS)
TESTS += fuzz/replay_cdf
EXTRA_DIST += fuzz/corpus/cdf
