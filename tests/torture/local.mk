# SPDX-License-Identifier: Apache-2.0
# Faults by the thousand. make check has a short run (torture.t); make torture the whole, some twenty minutes.
check_PROGRAMS += tests/torture/faults
tests_torture_faults_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
tests_torture_faults_SOURCES = tests/torture/faults.c tests/torture/faults.h \
	tests/torture/expect.c tests/torture/expect.h
tests_torture_faults_LDADD = libwire.a libbase.a $(BASE_LIBS) $(OPENSSL_LIBS)

tests/torture/alloc_fail.so: $(srcdir)/tests/torture/alloc_fail.c
	$(AM_V_CC)$(MKDIR_P) tests/torture && $(CC) $(CFLAGS) -std=gnu11 -Wall -shared -fPIC -o $@ \
		$(srcdir)/tests/torture/alloc_fail.c
check_DATA += tests/torture/alloc_fail.so
EXTRA_DIST += tests/torture/alloc_fail.c
CLEANFILES += tests/torture/alloc_fail.so

torture_tests = tests/torture/torture.t tests/torture/storm.t tests/torture/alloc.t
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
