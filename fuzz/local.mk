# SPDX-License-Identifier: Apache-2.0
#
# One fuzz target per decoder of outside bytes: fuzz/fuzz_NAME.c has LLVMFuzzerTestOneInput and aborts
# when a refusal has no message; fuzz/corpus/NAME/ has its inputs, every crash ever found among them.
# The owner of the decoder lists the target in the folder's own local.mk:
#
#	check_PROGRAMS += fuzz/replay_NAME
#	fuzz_replay_NAME_SOURCES = fuzz/fuzz_NAME.c fuzz/replay.c
#	fuzz_replay_NAME_LDADD = libauthenticode.a libbase.a $(OPENSSL_LIBS)
#	TESTS += fuzz/replay_NAME
#	EXTRA_DIST += fuzz/corpus/NAME
#
# "make check" then runs replay_NAME over the corpus: no engine, any compiler, also out of tree.
# "make fuzz" builds every target so listed with clang's libFuzzer, ASan and UBSan as
# fuzz-build/fuzz_NAME; run one with: fuzz-build/fuzz_NAME fuzz-build/new-NAME fuzz/corpus/NAME

EXTRA_DIST += fuzz/fuzz_file.h

FUZZ_CC = clang
FUZZ_CFLAGS = -g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer
FUZZ_NAMES = $(patsubst fuzz/replay_%$(EXEEXT),%,$(filter fuzz/replay_%,$(check_PROGRAMS)))
FUZZ_LIB_C = $(filter %.c,$(libbase_a_SOURCES) $(libwire_a_SOURCES) $(libauthenticode_a_SOURCES) \
	$(libdriver_a_SOURCES) daemon/front/gate.c daemon/front/route.c \
	$(libpkcs11_a_SOURCES) $(libceremony_a_SOURCES) $(libkeeper_a_SOURCES) $(libclient_a_SOURCES)) fuzz/fuzz_format.c
FUZZ_FLAGS = $(OPENSSL_CFLAGS) $(JANSSON_CFLAGS) $(SECCOMP_CFLAGS) $(SYSTEMD_CFLAGS) $(P11_CFLAGS) \
	$(P11KIT_CFLAGS) $(SQLITE_CFLAGS) $(CURL_CFLAGS) $(GCAB_CFLAGS) $(GSF_CFLAGS)
FUZZ_LIBS = -Wl,--as-needed $(OPENSSL_LIBS) $(JANSSON_LIBS) $(SECCOMP_LIBS) $(SYSTEMD_LIBS) $(P11_LIBS) \
	$(P11KIT_LIBS) $(SQLITE_LIBS) $(CURL_LIBS) $(GCAB_LIBS) $(GSF_LIBS) -pthread

.PHONY: fuzz
fuzz: config.h
	rm -rf fuzz-build && mkdir fuzz-build
	set -e; for source in $(FUZZ_LIB_C); do \
		$(FUZZ_CC) $(DEFS) -I$(abs_top_srcdir) -I$(abs_top_builddir) $(FUZZ_FLAGS) -std=gnu11 \
			$(FUZZ_CFLAGS) -c "$(srcdir)/$$source" \
			-o "fuzz-build/$$(echo "$${source%.c}" | tr / -).o"; \
	done
	$(AR) rc fuzz-build/all.a fuzz-build/*.o
	set -e; for name in $(FUZZ_NAMES); do \
		mkdir -p "fuzz-build/new-$$name"; \
		$(FUZZ_CC) -I$(abs_top_srcdir) -I$(abs_top_builddir) -std=gnu11 $(FUZZ_CFLAGS) \
			-fsanitize=fuzzer "$(srcdir)/fuzz/fuzz_$$name.c" fuzz-build/all.a $(FUZZ_LIBS) \
			-o "fuzz-build/fuzz_$$name"; \
	done

clean-local: clean-fuzz
.PHONY: clean-fuzz
clean-fuzz:
	rm -rf fuzz-build
