# SPDX-License-Identifier: Apache-2.0
bin_PROGRAMS += kdsign-client
noinst_LIBRARIES += libclient.a

libclient_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) $(GSF_CFLAGS)
libclient_a_SOURCES = \
	client/client.h \
	client/ac_check.c client/ac_check.h \
	client/cab_make.c client/cab_make.h \
	client/cab_read.c client/cab_read.h \
	client/catalog_make.c client/catalog_make.h \
	client/catalog_write.c client/catalog_write.h \
	client/cmd_attach.c \
	client/cmd_cab.c \
	client/cmd_catalog.c \
	client/cmd_digest.c \
	client/cmd_extract.c \
	client/cmd_inf.c \
	client/cmd_inspect.c \
	client/cmd_keys.c \
	client/cmd_package.c \
	client/cmd_remove.c \
	client/cmd_sign.c \
	client/cmd_status.c \
	client/cmd_timestamp.c \
	client/cmd_verify.c \
	client/each.c client/each.h \
	client/inf_run.c client/inf_run.h \
	client/inf_say.c client/inf_say.h \
	client/key_pick.c client/key_pick.h \
	client/ms.c client/ms.h \
	client/ms_catdb.c \
	client/ms_cert.c client/ms_cert.h \
	client/ms_files.c client/ms_files.h \
	client/ms_inf2cat.c \
	client/ms_judge.c client/ms_judge.h \
	client/ms_key.c client/ms_key.h \
	client/ms_makecat.c \
	client/ms_options.c client/ms_options.h \
	client/ms_remove.c \
	client/ms_sign.c \
	client/ms_sign_args.c client/ms_sign_args.h \
	client/ms_signtool.c \
	client/ms_stamp.c client/ms_stamp.h \
	client/ms_timestamp.c \
	client/ms_verify.c client/ms_verify.h \
	client/ms_verify_args.c \
	client/ms_verify_put.c \
	client/nested.c client/nested.h \
	client/msi.c client/msi.h \
	client/msi_read.c client/msi_read.h \
	client/net.c client/net.h \
	client/net_tsa.c client/net_tsa.h \
	client/options.c client/options.h \
	client/outcome.c client/outcome.h \
	client/package.h \
	client/package_cab.c client/package_cab.h \
	client/package_finish.c \
	client/package_plan.c \
	client/package_sign.c \
	client/package_table.c client/package_table.h \
	client/progress.c client/progress.h \
	client/remove.c client/remove.h \
	client/server.c client/server.h \
	client/server_sign.c client/server_sign.h \
	client/server_stamp.c client/server_stamp.h \
	client/settings.c client/settings.h \
	client/show.c client/show.h client/show_json.c \
	client/show_verdict.c client/show_verdict.h \
	client/show_words.c client/show_words.h \
	client/sign_cat.c \
	client/sign_efi.c client/sign_efi.h \
	client/sign_file.c client/sign_file.h \
	client/sign_format.c client/sign_format.h \
	client/sign_kind.c client/sign_kind.h \
	client/sign_pe.c \
	client/sign_plan.c client/sign_plan.h \
	client/sign_pool.c client/sign_pool.h \
	client/sign_run.c client/sign_run.h \
	client/stamp.c client/stamp.h \
	client/stamp_ask.c client/stamp_ask.h \
	client/stamp_run.c client/stamp_run.h \
	client/stamper.c client/stamper.h \
	client/temp_dir.c client/temp_dir.h \
	client/trust.c client/trust.h \
	client/verdict.c client/verdict.h \
	client/verify_run.c client/verify_run.h

kdsign_client_SOURCES = client/main.c
kdsign_client_LDADD = libclient.a libwire.a libdriver.a libauthenticode.a libbase.a \
	$(CURL_LIBS) $(GSF_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS) $(GCAB_LIBS)

# The names by which scripts written for Microsoft's tools call it (client/ms.c).
MS_LINKS = signtool signtool.exe makecat makecat.exe inf2cat inf2cat.exe
noinst_DATA += $(MS_LINKS)
CLEANFILES += $(MS_LINKS)
$(MS_LINKS): kdsign-client$(EXEEXT)
	$(AM_V_GEN)rm -f $@ && ln -s kdsign-client$(EXEEXT) $@
install-exec-hook:
	cd '$(DESTDIR)$(bindir)' && for link in $(MS_LINKS); do \
		rm -f "$$link" && ln -s "$$(echo kdsign-client | sed '$(transform)')" "$$link" || exit 1; \
	done
uninstall-hook:
	cd '$(DESTDIR)$(bindir)' && rm -f $(MS_LINKS)

dist_man_MANS += docs/kdsign-client.1 docs/kdsign-signtool.1
EXTRA_DIST += etc/client.conf

CLIENT_TEST_LIBS = libclient.a libwire.a libdriver.a libauthenticode.a libbase.a \
	$(CURL_LIBS) $(GSF_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
CLIENT_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(OPENSSL_CFLAGS)
CLIENT_TESTS = \
	tests/unit/client/ac_check_test \
	tests/unit/client/ac_corpus_test \
	tests/unit/client/choice_test \
	tests/unit/client/each_test \
	tests/unit/client/ms_files_test \
	tests/unit/client/ms_key_test \
	tests/unit/client/ms_options_test \
	tests/unit/client/nested_test \
	tests/unit/client/options_test \
	tests/unit/client/package_table_test \
	tests/unit/client/server_sign_test \
	tests/unit/client/server_test \
	tests/unit/client/settings_test \
	tests/unit/client/sign_pool_test \
	tests/unit/client/stamper_test
check_PROGRAMS += $(CLIENT_TESTS)
TESTS += $(CLIENT_TESTS)
tests_unit_client_ac_check_test_SOURCES = tests/unit/client/ac_check_test.c $(DEMO_PKI)
tests_unit_client_ac_check_test_CPPFLAGS = $(CLIENT_TEST_CPPFLAGS)
tests_unit_client_ac_check_test_LDADD = $(CLIENT_TEST_LIBS)
tests_unit_client_ac_corpus_test_SOURCES = tests/unit/client/ac_corpus_test.c $(CORPUS)
tests_unit_client_ac_corpus_test_CPPFLAGS = $(CLIENT_TEST_CPPFLAGS)
tests_unit_client_ac_corpus_test_LDADD = $(CLIENT_TEST_LIBS)
tests_unit_client_each_test_CPPFLAGS = $(CLIENT_TEST_CPPFLAGS)
tests_unit_client_each_test_LDADD = $(CLIENT_TEST_LIBS)
tests_unit_client_nested_test_SOURCES = tests/unit/client/nested_test.c $(DEMO_PKI)
tests_unit_client_nested_test_CPPFLAGS = $(CLIENT_TEST_CPPFLAGS)
tests_unit_client_nested_test_LDADD = $(CLIENT_TEST_LIBS)
tests_unit_client_stamper_test_CPPFLAGS = $(CLIENT_TEST_CPPFLAGS)
tests_unit_client_stamper_test_LDADD = $(CLIENT_TEST_LIBS)
tests_unit_client_choice_test_CPPFLAGS = $(CLIENT_TEST_CPPFLAGS)
tests_unit_client_choice_test_LDADD = $(CLIENT_TEST_LIBS)
tests_unit_client_ms_files_test_CPPFLAGS = $(CLIENT_TEST_CPPFLAGS)
tests_unit_client_ms_files_test_LDADD = $(CLIENT_TEST_LIBS)
tests_unit_client_ms_key_test_SOURCES = tests/unit/client/ms_key_test.c $(DEMO_PKI)
tests_unit_client_ms_key_test_CPPFLAGS = $(CLIENT_TEST_CPPFLAGS)
tests_unit_client_ms_key_test_LDADD = $(CLIENT_TEST_LIBS)
tests_unit_client_ms_options_test_CPPFLAGS = $(CLIENT_TEST_CPPFLAGS)
tests_unit_client_ms_options_test_LDADD = $(CLIENT_TEST_LIBS)
tests_unit_client_options_test_CPPFLAGS = $(CLIENT_TEST_CPPFLAGS)
tests_unit_client_options_test_LDADD = $(CLIENT_TEST_LIBS)
tests_unit_client_package_table_test_CPPFLAGS = $(CLIENT_TEST_CPPFLAGS)
tests_unit_client_package_table_test_LDADD = $(CLIENT_TEST_LIBS)
tests_unit_client_server_sign_test_CPPFLAGS = $(CLIENT_TEST_CPPFLAGS)
tests_unit_client_server_sign_test_LDADD = $(CLIENT_TEST_LIBS)
tests_unit_client_server_test_CPPFLAGS = $(CLIENT_TEST_CPPFLAGS)
tests_unit_client_server_test_LDADD = $(CLIENT_TEST_LIBS)
tests_unit_client_settings_test_CPPFLAGS = $(CLIENT_TEST_CPPFLAGS)
tests_unit_client_settings_test_LDADD = $(CLIENT_TEST_LIBS)
tests_unit_client_sign_pool_test_CPPFLAGS = $(CLIENT_TEST_CPPFLAGS)
tests_unit_client_sign_pool_test_LDADD = $(CLIENT_TEST_LIBS)

# MSI packages.
check_PROGRAMS += tests/unit/client/msi_test tests/unit/client/msi_tool
TESTS += tests/unit/client/msi_test
tests_unit_client_msi_test_SOURCES = tests/unit/client/msi_test.c $(DEMO_PKI) \
	tests/unit/authenticode/format_file_make.c tests/unit/authenticode/format_file_make.h
tests_unit_client_msi_test_CPPFLAGS = $(CLIENT_TEST_CPPFLAGS)
tests_unit_client_msi_test_LDADD = $(CLIENT_TEST_LIBS)
tests_unit_client_msi_tool_SOURCES = tests/unit/client/msi_tool.c
tests_unit_client_msi_tool_LDADD = $(CLIENT_TEST_LIBS)
check_PROGRAMS += fuzz/replay_msi
fuzz_replay_msi_SOURCES = fuzz/fuzz_msi.c fuzz/replay.c
fuzz_replay_msi_LDADD = libclient.a libwire.a libauthenticode.a libbase.a $(GSF_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS)
TESTS += fuzz/replay_msi
EXTRA_DIST += fuzz/corpus/msi
dist_check_SCRIPTS += tests/e2e/msi.t
TESTS += tests/e2e/msi.t

# A whole file, PE image or catalog: all that verify and inspect do with it.
check_PROGRAMS += fuzz/replay_verify
fuzz_replay_verify_SOURCES = fuzz/fuzz_verify.c fuzz/replay.c
fuzz_replay_verify_LDADD = libclient.a libwire.a libauthenticode.a libbase.a $(GSF_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS)
TESTS += fuzz/replay_verify
EXTRA_DIST += fuzz/corpus/verify

dist_check_SCRIPTS += tests/e2e/client_local.t tests/e2e/client_local_tls.t tests/e2e/client_sign.t \
	tests/e2e/client_catalog.t tests/e2e/client_catalog_corpus.t tests/e2e/client_verdict.t tests/e2e/signtool.t \
	tests/e2e/signtool_verify.t tests/e2e/verify.t
TESTS += tests/e2e/client_local.t tests/e2e/client_local_tls.t tests/e2e/client_sign.t \
	tests/e2e/client_catalog.t tests/e2e/client_catalog_corpus.t tests/e2e/client_verdict.t tests/e2e/signtool.t \
	tests/e2e/signtool_verify.t tests/e2e/verify.t
EXTRA_DIST += tests/e2e/client_files.sh tests/e2e/client_service.sh

dist_check_SCRIPTS += tests/e2e/inf2cat.t tests/e2e/inf2cat_corpus.t tests/e2e/inf_hostile.t
TESTS += tests/e2e/inf2cat.t tests/e2e/inf2cat_corpus.t tests/e2e/inf_hostile.t

dist_check_SCRIPTS += tests/e2e/scripts.t tests/e2e/modules.t
TESTS += tests/e2e/scripts.t tests/e2e/modules.t
dist_check_SCRIPTS += tests/e2e/cab.t tests/e2e/cab_signed.t
TESTS += tests/e2e/cab.t tests/e2e/cab_signed.t

dist_check_SCRIPTS += tests/e2e/client_kinds.t tests/e2e/client_race.t \
	tests/e2e/client_relay.t tests/e2e/client_stamp.t
TESTS += tests/e2e/client_kinds.t tests/e2e/client_race.t \
	tests/e2e/client_relay.t tests/e2e/client_stamp.t
dist_check_SCRIPTS += tests/e2e/efi.t tests/e2e/kinds_formats.t
TESTS += tests/e2e/efi.t tests/e2e/kinds_formats.t

dist_check_SCRIPTS += tests/e2e/package.t tests/e2e/package_fail.t
TESTS += tests/e2e/package.t tests/e2e/package_fail.t
