# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libpkcs11.a
libpkcs11_a_CPPFLAGS = $(AM_CPPFLAGS) $(P11_CFLAGS) $(P11KIT_CFLAGS) $(OPENSSL_CFLAGS)
libpkcs11_a_SOURCES = \
	pkcs11/attr.c pkcs11/attr.h \
	pkcs11/breaker.c pkcs11/breaker.h \
	pkcs11/cert_pin.c pkcs11/cert_pin.h \
	pkcs11/child.c pkcs11/child.h \
	pkcs11/child_msg.c pkcs11/child_msg.h \
	pkcs11/key.c pkcs11/key.h \
	pkcs11/latch.c pkcs11/latch.h \
	pkcs11/module_check.c pkcs11/module_check.h \
	pkcs11/owner.c pkcs11/owner.h \
	pkcs11/parent.c pkcs11/parent.h pkcs11/parent_in.h \
	pkcs11/parent_child.c pkcs11/parent_login.c pkcs11/parent_key.c pkcs11/parent_conn.c \
	pkcs11/parent_jobs.c pkcs11/parent_owner.c \
	pkcs11/parent_trouble.c \
	pkcs11/pin.c pkcs11/pin.h \
	pkcs11/prestart.c pkcs11/prestart.h \
	pkcs11/queue.c pkcs11/queue.h \
	pkcs11/rv.c pkcs11/rv.h \
	pkcs11/share.c pkcs11/share.h \
	pkcs11/sign.c pkcs11/sign.h \
	pkcs11/signer_conf.c pkcs11/signer_conf.h \
	pkcs11/spki.c pkcs11/spki.h \
	pkcs11/state_dir.c pkcs11/state_dir.h \
	pkcs11/token.c pkcs11/token.h \
	pkcs11/token_lock.c pkcs11/token_lock.h \
	pkcs11/uri.c pkcs11/uri.h

# kdsign-token: what its commands share, then the commands.
noinst_LIBRARIES += libceremony.a
libceremony_a_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS) $(OPENSSL_CFLAGS)
libceremony_a_SOURCES = \
	pkcs11/ceremony.c pkcs11/ceremony.h pkcs11/ceremony_login.c \
	pkcs11/ceremony_ask.c pkcs11/ceremony_ask.h \
	pkcs11/ceremony_chain.c pkcs11/ceremony_chain.h \
	pkcs11/ceremony_facts.c pkcs11/ceremony_facts.h \
	pkcs11/ceremony_look.c pkcs11/ceremony_look.h \
	pkcs11/ceremony_make.c pkcs11/ceremony_make.h \
	pkcs11/ceremony_mech.c pkcs11/ceremony_mech.h \
	pkcs11/ceremony_options.c pkcs11/ceremony_options.h \
	pkcs11/ceremony_out.c pkcs11/ceremony_out.h \
	pkcs11/ceremony_subject.c pkcs11/ceremony_subject.h \
	pkcs11/ceremony_tool_key.c pkcs11/ceremony_tool_key.h \
	pkcs11/ceremony_vendor.c pkcs11/ceremony_vendor.h \
	pkcs11/ceremony_attest.c \
	pkcs11/ceremony_destroy.c \
	pkcs11/ceremony_rotate.c \
	pkcs11/ceremony_test.c \
	pkcs11/ceremony_trial.c pkcs11/ceremony_trial.h \
	pkcs11/transcript.c pkcs11/transcript.h \
	pkcs11/transcript_line.c pkcs11/transcript_line.h pkcs11/transcript_page.c \
	pkcs11/ceremony_csr.c \
	pkcs11/ceremony_install.c \
	pkcs11/ceremony_generate.c pkcs11/ceremony_generate.h \
	pkcs11/ceremony_list.c \
	pkcs11/ceremony_pin.c \
	pkcs11/ceremony_transcript.c
ceremony_libs = libceremony.a libpkcs11.a libwire.a libbase.a $(BASE_LIBS) $(JANSSON_LIBS) \
	$(P11_LIBS) $(P11KIT_LIBS) $(OPENSSL_LIBS)

sbin_PROGRAMS += kdsign-token
kdsign_token_SOURCES = pkcs11/kdsign_token.c
kdsign_token_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS)
kdsign_token_LDADD = $(ceremony_libs)

ceremony_unit_tests = tests/unit/pkcs11/subject_test tests/unit/pkcs11/transcript_test
check_PROGRAMS += $(ceremony_unit_tests)
TESTS += $(ceremony_unit_tests)
tests_unit_pkcs11_subject_test_LDADD = $(ceremony_libs) $(CMOCKA_LIBS)
tests_unit_pkcs11_transcript_test_LDADD = $(ceremony_libs) $(CMOCKA_LIBS)

check_PROGRAMS += fuzz/replay_transcript
fuzz_replay_transcript_SOURCES = fuzz/fuzz_transcript.c fuzz/replay.c
fuzz_replay_transcript_LDADD = $(ceremony_libs)
TESTS += fuzz/replay_transcript
EXTRA_DIST += fuzz/corpus/transcript

token_e2e_tests = tests/e2e/token_key.t tests/e2e/token_cert.t tests/e2e/token_life.t \
	tests/e2e/token_whole.t tests/e2e/token_attest.t tests/e2e/token_record.t
TESTS += $(token_e2e_tests)
dist_check_SCRIPTS += $(token_e2e_tests)

sbin_PROGRAMS += kdsign-signer
kdsign_signer_SOURCES = pkcs11/signer_main.c
kdsign_signer_LDADD = libpkcs11.a libwire.a libbase.a $(BASE_LIBS) $(P11_LIBS) $(P11KIT_LIBS) \
	$(OPENSSL_LIBS)

# For demo and tests: a fresh SoftHSM token whose PIN no argument list ever holds.
noinst_PROGRAMS += demo-token
demo_token_SOURCES = pkcs11/demo_token.c
demo_token_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS)
demo_token_LDADD = libpkcs11.a libbase.a $(BASE_LIBS)

check_PROGRAMS += tests/e2e/signer_client
tests_e2e_signer_client_SOURCES = tests/e2e/signer_client.c
tests_e2e_signer_client_LDADD = libwire.a libbase.a $(BASE_LIBS)

check_PROGRAMS += tests/e2e/mem_scan
tests_e2e_mem_scan_SOURCES = tests/e2e/mem_scan.c

# A shared object without libtool: for our own tests only, never sanitized (it is a vendor's).
mock_files = tests/mock/mock_pkcs11.c tests/mock/mock_rules.c tests/mock/mock_watch.c \
	tests/mock/mock_attest.c
tests/mock/mock_pkcs11.so: $(mock_files) tests/mock/mock.h config.h
	$(AM_V_CC)$(MKDIR_P) tests/mock && $(CC) $(DEFS) -I. $(P11KIT_CFLAGS) $(CFLAGS) -std=gnu11 -Wall \
		-shared -fPIC -o $@ $(mock_files:%=$(srcdir)/%)
check_DATA += tests/mock/mock_pkcs11.so
EXTRA_DIST += $(mock_files) tests/mock/mock.h
CLEANFILES += tests/mock/mock_pkcs11.so

pkcs11_e2e_tests = tests/e2e/signer_sign.t tests/e2e/signer_pin.t tests/e2e/signer_fail.t tests/e2e/signer_fault.t \
	tests/e2e/signer_owner.t \
	tests/e2e/custody_bad.t tests/e2e/custody_gate.t tests/e2e/custody_pin.t
TESTS += $(pkcs11_e2e_tests)
dist_check_SCRIPTS += $(pkcs11_e2e_tests)
EXTRA_DIST += tests/e2e/signer_lib.sh

dist_man_MANS += docs/kdsign-signer.8 docs/kdsign-token.8
EXTRA_DIST += etc/signer.conf

pkcs11_unit_tests = tests/unit/pkcs11/uri_test tests/unit/pkcs11/rv_test \
	tests/unit/pkcs11/latch_test tests/unit/pkcs11/owner_test tests/unit/pkcs11/jobs_test \
	tests/unit/pkcs11/prestart_test tests/unit/pkcs11/breaker_test tests/unit/pkcs11/parent_test
pkcs11_test_libs = libpkcs11.a libwire.a libbase.a $(BASE_LIBS) $(P11_LIBS) $(P11KIT_LIBS) \
	$(OPENSSL_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += $(pkcs11_unit_tests)
TESTS += $(pkcs11_unit_tests)
tests_unit_pkcs11_uri_test_LDADD = $(pkcs11_test_libs)
tests_unit_pkcs11_rv_test_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS)
tests_unit_pkcs11_rv_test_LDADD = $(pkcs11_test_libs)
tests_unit_pkcs11_latch_test_LDADD = $(pkcs11_test_libs)
tests_unit_pkcs11_parent_test_LDADD = $(pkcs11_test_libs)
tests_unit_pkcs11_owner_test_LDADD = $(pkcs11_test_libs)
tests_unit_pkcs11_prestart_test_LDADD = $(pkcs11_test_libs)
tests_unit_pkcs11_breaker_test_LDADD = $(pkcs11_test_libs)
tests_unit_pkcs11_jobs_test_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS)
tests_unit_pkcs11_jobs_test_LDADD = $(pkcs11_test_libs)

check_PROGRAMS += fuzz/replay_uri
fuzz_replay_uri_SOURCES = fuzz/fuzz_uri.c fuzz/replay.c
fuzz_replay_uri_LDADD = libpkcs11.a libbase.a $(P11KIT_LIBS)
TESTS += fuzz/replay_uri
EXTRA_DIST += fuzz/corpus/uri

check_PROGRAMS += fuzz/replay_child_msg
fuzz_replay_child_msg_SOURCES = fuzz/fuzz_child_msg.c fuzz/replay.c
fuzz_replay_child_msg_LDADD = libpkcs11.a libbase.a
TESTS += fuzz/replay_child_msg
EXTRA_DIST += fuzz/corpus/child_msg

check_PROGRAMS += fuzz/replay_signer_files
fuzz_replay_signer_files_SOURCES = fuzz/fuzz_signer_files.c fuzz/replay.c
fuzz_replay_signer_files_LDADD = libpkcs11.a libbase.a
TESTS += fuzz/replay_signer_files
EXTRA_DIST += fuzz/corpus/signer_files
