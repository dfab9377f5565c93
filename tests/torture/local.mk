# SPDX-License-Identifier: Apache-2.0
# Faults by the thousand. make check has a short run (the *.t here); make torture the whole, some half an hour.
check_PROGRAMS += tests/torture/faults
tests_torture_faults_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
tests_torture_faults_SOURCES = tests/torture/faults.c tests/torture/faults.h \
	tests/torture/faults_sessions.c tests/torture/expect.c tests/torture/expect.h
tests_torture_faults_LDADD = libwire.a libbase.a $(BASE_LIBS) $(OPENSSL_LIBS)

tests/torture/alloc_fail.so: $(srcdir)/tests/torture/alloc_fail.c
	$(AM_V_CC)$(MKDIR_P) tests/torture && $(CC) $(CFLAGS) -std=gnu11 -Wall -shared -fPIC -o $@ \
		$(srcdir)/tests/torture/alloc_fail.c
check_DATA += tests/torture/alloc_fail.so
EXTRA_DIST += tests/torture/alloc_fail.c
CLEANFILES += tests/torture/alloc_fail.so

torture_tests = tests/torture/torture.t tests/torture/storm.t tests/torture/alloc.t tests/torture/pin.t \
	tests/torture/late.t tests/torture/leak.t tests/torture/others.t tests/torture/token_alloc.t
TESTS += $(torture_tests)
dist_check_SCRIPTS += $(torture_tests) tests/torture/torture
EXTRA_DIST += tests/torture/torture_lib.sh

.PHONY: torture
torture: $(check_PROGRAMS) $(check_DATA) all
	srcdir='$(abs_srcdir)' builddir='$(abs_builddir)' $(srcdir)/tests/torture/torture

# The signer passes LD_PRELOAD to no child, so it is linked with the shim instead.
check_PROGRAMS += tests/torture/signer_alloc
tests_torture_signer_alloc_SOURCES = pkcs11/signer_main.c tests/torture/alloc_fail.c
tests_torture_signer_alloc_CPPFLAGS = $(AM_CPPFLAGS)
tests_torture_signer_alloc_LDADD = $(kdsign_signer_LDADD)

check_PROGRAMS += tests/torture/pace tests/torture/kill_at
tests_torture_pace_SOURCES = tests/torture/pace.c
tests_torture_pace_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
tests_torture_pace_LDADD = libauthenticode.a libwire.a libbase.a $(JANSSON_LIBS) $(OPENSSL_LIBS) $(BASE_LIBS)
tests_torture_kill_at_SOURCES = tests/torture/kill_at.c
tests_torture_kill_at_LDADD =

tests/torture/fast_clock.so: $(srcdir)/tests/torture/fast_clock.c
	$(AM_V_CC)$(MKDIR_P) tests/torture && $(CC) $(CFLAGS) -std=gnu11 -Wall -shared -fPIC -o $@ \
		$(srcdir)/tests/torture/fast_clock.c
check_DATA += tests/torture/fast_clock.so
EXTRA_DIST += tests/torture/fast_clock.c
CLEANFILES += tests/torture/fast_clock.so
