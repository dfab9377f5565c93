# SPDX-License-Identifier: Apache-2.0
# Each folder's local.mk lists its own unit tests; here stands what belongs to none.
EXTRA_DIST += tests/tap.sh
dist_check_SCRIPTS += scripts/check-layers scripts/check-source tests/checks.t tests/tap.t
TESTS += scripts/check-layers scripts/check-source tests/checks.t tests/tap.t

# All daemons together: whole_*.t.
EXTRA_DIST += tests/e2e/whole_lib.sh
whole_tests = tests/e2e/whole_bad_input.t tests/e2e/whole_corpus.t tests/e2e/whole_curl.t \
	tests/e2e/custody_facts.t tests/e2e/whole_fair.t tests/e2e/whole_fault.t tests/e2e/whole_guide.t tests/e2e/whole_kill.t tests/e2e/whole_kinds.t tests/e2e/whole_pool.t tests/e2e/whole_record.t tests/e2e/whole_reload.t \
	tests/e2e/whole_token.t tests/e2e/whole_users.t
dist_check_SCRIPTS += $(whole_tests)
TESTS += $(whole_tests)

# The whole over each of three tokens that are not ours: real_*.t.
EXTRA_DIST += tests/e2e/real_lib.sh
real_tests = tests/e2e/real_opencryptoki.t tests/e2e/real_softhsm.t tests/e2e/real_tpm.t
dist_check_SCRIPTS += $(real_tests)
TESTS += $(real_tests)

# Files that were changed, and files that were made to hurt.
EXTRA_DIST += tests/e2e/tamper_lib.sh
dist_check_SCRIPTS += tests/e2e/hostile.t tests/e2e/tamper.t
TESTS += tests/e2e/hostile.t tests/e2e/tamper.t
check_PROGRAMS += tests/e2e/bounds tests/e2e/hostile_make tests/e2e/twins
tests_e2e_bounds_SOURCES = tests/e2e/bounds.c
tests_e2e_bounds_LDADD = libbase.a $(BASE_LIBS)
tests_e2e_hostile_make_SOURCES = tests/e2e/hostile_make.c
tests_e2e_hostile_make_LDADD = libauthenticode.a libbase.a $(OPENSSL_LIBS) $(BASE_LIBS)
tests_e2e_twins_SOURCES = tests/e2e/twins.c
tests_e2e_twins_LDADD = libbase.a $(BASE_LIBS)

# What a person starts, which needs no make.
EXTRA_DIST += scripts/demo scripts/check scripts/demo_service.sh scripts/demo_tsa.sh scripts/demo_judge.sh scripts/lib.sh scripts/packages
EXTRA_DIST += examples/hello-driver/Makefile examples/hello-driver/hello.c examples/hello-driver/hello.rc \
	examples/hello-driver/hello.inf examples/hello-driver/hello.cdf
EXTRA_DIST += examples/twin-driver/Makefile examples/twin-driver/twin.c examples/twin-driver/twinflt.c \
	examples/twin-driver/twinapi.c examples/twin-driver/twin.h examples/twin-driver/twin_pass.h \
	examples/twin-driver/twin.inf examples/twin-driver/twinflt.inf examples/twin-driver/twin.dat

# A timestamp authority for tests and the demo, around openssl(1).
check_PROGRAMS += tests/mock/tsa
tests_mock_tsa_SOURCES = tests/mock/tsa.c tests/mock/tsa_make.c tests/mock/tsa_make.h
tests_mock_tsa_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS) $(MHD_CFLAGS)
tests_mock_tsa_LDADD = libauthenticode.a libbase.a $(OPENSSL_LIBS) $(MHD_LIBS)
EXTRA_DIST += tests/e2e/tsa.sh
dist_check_SCRIPTS += tests/e2e/tsa.t
TESTS += tests/e2e/tsa.t
