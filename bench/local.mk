# SPDX-License-Identifier: Apache-2.0
# Built by make check, run by scripts/bench.
check_PROGRAMS += bench/kdbench
bench_kdbench_CPPFLAGS = $(AM_CPPFLAGS) $(P11_CFLAGS) $(P11KIT_CFLAGS) $(SSL_CFLAGS) $(OPENSSL_CFLAGS)
bench_kdbench_SOURCES = \
	bench/guard.c \
	bench/https.c \
	bench/items.c bench/items.h \
	bench/keeper.c \
	bench/link.c bench/link.h \
	bench/loads.h bench/main.c \
	bench/meter.c bench/meter.h \
	bench/pe.c bench/raw.c bench/run.c bench/signer.c bench/verify.c
bench_kdbench_LDADD = libpkcs11.a libauthenticode.a libwire.a libbase.a $(JANSSON_LIBS) $(P11_LIBS) \
	$(P11KIT_LIBS) $(SSL_LIBS) $(OPENSSL_LIBS) $(BASE_LIBS)

# A shared object without libtool: one file, never sanitized (it plays a vendor's module).
bench/null_token.so: $(srcdir)/bench/null_token.c config.h
	$(AM_V_CC)$(MKDIR_P) bench && $(CC) $(DEFS) -I. $(P11KIT_CFLAGS) $(OPENSSL_CFLAGS) $(CFLAGS) -std=gnu11 \
		-Wall -Wextra -Wno-unused-parameter -Wconversion -Wshadow -shared -fPIC -pthread -o $@ \
		$(srcdir)/bench/null_token.c $(OPENSSL_LIBS)
check_DATA += bench/null_token.so
EXTRA_DIST += bench/null_token.c
CLEANFILES += bench/null_token.so

TESTS += tests/e2e/bench.t
dist_check_SCRIPTS += tests/e2e/bench.t scripts/bench scripts/bench_builds
EXTRA_DIST += scripts/bench_files.sh
