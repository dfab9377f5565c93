# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libdriver.a
libdriver_a_CPPFLAGS = $(AM_CPPFLAGS) $(GCAB_CFLAGS)
libdriver_a_SOURCES = \
	driver/cab_data.c driver/cab_data.h \
	driver/cab_pack.c driver/cab_pack.h \
	driver/cdf.c driver/cdf.h \
	driver/cdf_attr.c driver/cdf_attr.h \
	driver/cdf_files.c driver/cdf_files.h \
	driver/cdf_lines.c driver/cdf_lines.h \
	driver/cdf_path.c driver/cdf_path.h \
	driver/inf.c driver/inf.h \
	driver/inf_arch.c driver/inf_arch.h \
	driver/inf_catalog.c driver/inf_catalog.h \
	driver/inf_check.c driver/inf_check.h \
	driver/inf_decode.c driver/inf_decode.h \
	driver/inf_files.c driver/inf_files.h \
	driver/inf_findings.c driver/inf_findings.h \
	driver/inf_inside.c driver/inf_inside.h \
	driver/inf_lines.c driver/inf_lines.h \
	driver/inf_models.c driver/inf_models.h \
	driver/inf_needs.c \
	driver/inf_package.c driver/inf_package.h \
	driver/inf_place.c driver/inf_place.h \
	driver/inf_sources.c \
	driver/inf_version.c driver/inf_version.h \
	driver/oslist.c driver/oslist.h \
	driver/submission.c driver/submission.h

DRIVER_TESTS = tests/unit/driver/cdf_test tests/unit/driver/inf_arch_test tests/unit/driver/inf_test \
	tests/unit/driver/oslist_test
check_PROGRAMS += $(DRIVER_TESTS)
TESTS += $(DRIVER_TESTS)
tests_unit_driver_cdf_test_LDADD = libdriver.a libauthenticode.a libbase.a $(OPENSSL_LIBS) $(CMOCKA_LIBS)
tests_unit_driver_inf_arch_test_SOURCES = tests/unit/driver/inf_arch_test.c \
	tests/unit/authenticode/pe_make.c tests/unit/authenticode/pe_make.h
tests_unit_driver_inf_arch_test_LDADD = libdriver.a libauthenticode.a libbase.a $(OPENSSL_LIBS) $(CMOCKA_LIBS)
tests_unit_driver_inf_test_LDADD = libdriver.a libauthenticode.a libbase.a $(OPENSSL_LIBS) $(CMOCKA_LIBS)
tests_unit_driver_oslist_test_LDADD = libdriver.a libauthenticode.a libbase.a $(OPENSSL_LIBS) $(CMOCKA_LIBS)

DRIVER_CAB_TESTS = tests/unit/driver/cab_data_test tests/unit/driver/cab_pack_test \
	tests/unit/driver/submission_test
DRIVER_CAB_LIBS = libdriver.a libauthenticode.a libbase.a $(OPENSSL_LIBS) $(GCAB_LIBS)
check_PROGRAMS += $(DRIVER_CAB_TESTS)
TESTS += $(DRIVER_CAB_TESTS)
tests_unit_driver_cab_data_test_SOURCES = tests/unit/driver/cab_data_test.c $(CAB_MAKE)
tests_unit_driver_cab_data_test_LDADD = $(DRIVER_CAB_LIBS) $(CMOCKA_LIBS)
tests_unit_driver_cab_pack_test_LDADD = $(DRIVER_CAB_LIBS) $(CMOCKA_LIBS)
tests_unit_driver_submission_test_LDADD = $(DRIVER_CAB_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += fuzz/replay_cab_data
fuzz_replay_cab_data_SOURCES = fuzz/fuzz_cab_data.c fuzz/replay.c
fuzz_replay_cab_data_LDADD = libclient.a $(DRIVER_CAB_LIBS)
TESTS += fuzz/replay_cab_data
EXTRA_DIST += fuzz/corpus/cab_data

check_PROGRAMS += fuzz/replay_cdf
fuzz_replay_cdf_SOURCES = fuzz/fuzz_cdf.c fuzz/replay.c
fuzz_replay_cdf_LDADD = libdriver.a libauthenticode.a libbase.a $(OPENSSL_LIBS)
TESTS += fuzz/replay_cdf
EXTRA_DIST += fuzz/corpus/cdf

check_PROGRAMS += fuzz/replay_inf
fuzz_replay_inf_SOURCES = fuzz/fuzz_inf.c fuzz/replay.c
fuzz_replay_inf_LDADD = libdriver.a libauthenticode.a libbase.a $(OPENSSL_LIBS)
TESTS += fuzz/replay_inf
EXTRA_DIST += fuzz/corpus/inf
