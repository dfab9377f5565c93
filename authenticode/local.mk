# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libauthenticode.a
libauthenticode_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
libauthenticode_a_SOURCES =
libauthenticode_a_SOURCES += authenticode/pe.c authenticode/pe.h
libauthenticode_a_SOURCES += authenticode/pe_sum.c authenticode/pe_sum.h
libauthenticode_a_SOURCES += authenticode/pe_digest.c authenticode/pe_digest.h
libauthenticode_a_SOURCES += authenticode/pe_embed.c authenticode/pe_embed.h
libauthenticode_a_SOURCES += authenticode/der.c authenticode/der.h authenticode/oid.c authenticode/oid.h
libauthenticode_a_SOURCES += authenticode/format.c authenticode/format.h
libauthenticode_a_SOURCES += authenticode/format_io.c authenticode/format_io.h
libauthenticode_a_SOURCES += authenticode/cab.c authenticode/cab_dir.c authenticode/cab.h
libauthenticode_a_SOURCES += authenticode/format_cabinet.c
libauthenticode_a_SOURCES += authenticode/cfb.c authenticode/cfb.h authenticode/cfb_tree.c
libauthenticode_a_SOURCES += authenticode/cfb_edit.c authenticode/cfb_edit.h authenticode/cfb_alloc.c authenticode/cfb_alloc.h
libauthenticode_a_SOURCES += authenticode/msi_digest.c authenticode/msi_digest.h
libauthenticode_a_SOURCES += authenticode/format_module.c authenticode/format_script.c
libauthenticode_a_SOURCES += authenticode/script_text.c authenticode/script_text.h
libauthenticode_a_SOURCES += authenticode/cert.c authenticode/cert.h authenticode/cert_x509.h
libauthenticode_a_SOURCES += authenticode/cert_info.c authenticode/cert_key.c
libauthenticode_a_SOURCES += authenticode/cert_cache.c authenticode/cert_cache.h
libauthenticode_a_SOURCES += authenticode/verify_format.c
libauthenticode_a_SOURCES += authenticode/efi_check.c authenticode/efi_check.h
libauthenticode_a_SOURCES += authenticode/spc.c authenticode/spc.h
libauthenticode_a_SOURCES += authenticode/cms_build.c authenticode/cms_merge.c authenticode/cms.h
libauthenticode_a_SOURCES += authenticode/cms_outer.c authenticode/cms_outer.h
libauthenticode_a_SOURCES += authenticode/cms_attrs.c authenticode/cms_attrs.h authenticode/cms_parse.c
libauthenticode_a_SOURCES += authenticode/cms_edit.c authenticode/cms_edit.h
libauthenticode_a_SOURCES += authenticode/tsp.h authenticode/tsp_ask.c authenticode/tsp_read.c
libauthenticode_a_SOURCES += authenticode/tsp_check.c authenticode/tsp_legacy.c authenticode/tsp_signer.h
libauthenticode_a_SOURCES += authenticode/chain.c authenticode/chain.h
libauthenticode_a_SOURCES += authenticode/chain_check.c authenticode/chain_check.h
libauthenticode_a_SOURCES += authenticode/verify.c authenticode/verify.h
libauthenticode_a_SOURCES += authenticode/verify_inner.h authenticode/verify_pe.c authenticode/verify_pages.c
libauthenticode_a_SOURCES += authenticode/verify_cat.c authenticode/verify_member.c authenticode/verify_stamp.c
libauthenticode_a_SOURCES += authenticode/pe_pages.c authenticode/pe_pages.h
libauthenticode_a_SOURCES += authenticode/cat.h authenticode/cat_parse.c authenticode/cat_build.c
libauthenticode_a_SOURCES += authenticode/cat_attr.c authenticode/cat_attr.h
libauthenticode_a_SOURCES += authenticode/cat_spc.c authenticode/cat_spc.h
libauthenticode_a_SOURCES += authenticode/cat_file.c authenticode/cat_file.h authenticode/cat_hash.c
libauthenticode_a_SOURCES += authenticode/kernel_roots.c authenticode/kernel_roots.h
libauthenticode_a_SOURCES += authenticode/kernel_policy.c authenticode/kernel_policy.h
libauthenticode_a_SOURCES += authenticode/kernel_facts.c authenticode/kernel_facts.h
libauthenticode_a_SOURCES += authenticode/installer.c authenticode/installer.h authenticode/installer_facts.c

AUTHENTICODE_PE_TESTS = tests/unit/authenticode/pe_test tests/unit/authenticode/pe_digest_test \
	tests/unit/authenticode/efi_check_test tests/unit/authenticode/pe_embed_test tests/unit/authenticode/pe_corpus_test \
	tests/unit/authenticode/pe_pages_test
AUTHENTICODE_PE_LIBS = libauthenticode.a libbase.a $(OPENSSL_LIBS) $(CMOCKA_LIBS)
PE_MAKE = tests/unit/authenticode/pe_make.c tests/unit/authenticode/pe_make.h
check_PROGRAMS += $(AUTHENTICODE_PE_TESTS) tests/unit/authenticode/pe_tool
TESTS += $(AUTHENTICODE_PE_TESTS)
tests_unit_authenticode_pe_test_SOURCES = tests/unit/authenticode/pe_test.c $(PE_MAKE)
tests_unit_authenticode_pe_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_efi_check_test_SOURCES = tests/unit/authenticode/efi_check_test.c $(PE_MAKE)
tests_unit_authenticode_efi_check_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_pe_digest_test_SOURCES = tests/unit/authenticode/pe_digest_test.c $(PE_MAKE)
tests_unit_authenticode_pe_digest_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_pe_embed_test_SOURCES = tests/unit/authenticode/pe_embed_test.c $(PE_MAKE)
tests_unit_authenticode_pe_embed_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_pe_pages_test_SOURCES = tests/unit/authenticode/pe_pages_test.c
tests_unit_authenticode_pe_pages_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_pe_corpus_test_SOURCES = tests/unit/authenticode/pe_corpus_test.c
tests_unit_authenticode_pe_corpus_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_pe_tool_SOURCES = tests/unit/authenticode/pe_tool.c
tests_unit_authenticode_pe_tool_LDADD = $(AUTHENTICODE_PE_LIBS)
dist_check_SCRIPTS += tests/unit/authenticode/pe_judges.t
TESTS += tests/unit/authenticode/pe_judges.t

check_PROGRAMS += fuzz/replay_pe
fuzz_replay_pe_SOURCES = fuzz/fuzz_pe.c fuzz/replay.c
fuzz_replay_pe_LDADD = libauthenticode.a libbase.a $(OPENSSL_LIBS)
TESTS += fuzz/replay_pe
EXTRA_DIST += fuzz/corpus/pe

AUTHENTICODE_TESTS = tests/unit/authenticode/der_test tests/unit/authenticode/spc_test \
	tests/unit/authenticode/cert_test tests/unit/authenticode/cms_test \
	tests/unit/authenticode/cms_attrs_test tests/unit/authenticode/chain_test \
	tests/unit/authenticode/cms_catalog_test tests/unit/authenticode/cms_detached_test \
	tests/unit/authenticode/verify_test tests/unit/authenticode/verify_corpus_test \
	tests/unit/authenticode/verify_facts_test tests/unit/authenticode/verify_cat_test \
	tests/unit/authenticode/verify_pages_test tests/unit/authenticode/verify_nested_test
CORPUS = tests/unit/authenticode/corpus.c tests/unit/authenticode/corpus.h
DEMO_PKI = tests/unit/authenticode/demo_pki.c tests/unit/authenticode/demo_pki.h
check_PROGRAMS += $(AUTHENTICODE_TESTS)
TESTS += $(AUTHENTICODE_TESTS)
tests_unit_authenticode_der_test_SOURCES = tests/unit/authenticode/der_test.c
tests_unit_authenticode_der_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_spc_test_SOURCES = tests/unit/authenticode/spc_test.c
tests_unit_authenticode_spc_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_cert_test_SOURCES = tests/unit/authenticode/cert_test.c $(DEMO_PKI)
tests_unit_authenticode_cert_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_cms_test_SOURCES = tests/unit/authenticode/cms_test.c $(DEMO_PKI)
tests_unit_authenticode_cms_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_cms_catalog_test_SOURCES = tests/unit/authenticode/cms_catalog_test.c $(DEMO_PKI)
tests_unit_authenticode_cms_catalog_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_cms_detached_test_SOURCES = tests/unit/authenticode/cms_detached_test.c $(DEMO_PKI)
tests_unit_authenticode_cms_detached_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_cms_attrs_test_SOURCES = tests/unit/authenticode/cms_attrs_test.c
tests_unit_authenticode_cms_attrs_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_chain_test_SOURCES = tests/unit/authenticode/chain_test.c $(DEMO_PKI)
tests_unit_authenticode_chain_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_verify_test_SOURCES = tests/unit/authenticode/verify_test.c $(DEMO_PKI) $(PE_MAKE)
tests_unit_authenticode_verify_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_verify_corpus_test_SOURCES = tests/unit/authenticode/verify_corpus_test.c $(CORPUS)
tests_unit_authenticode_verify_corpus_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_verify_facts_test_SOURCES = tests/unit/authenticode/verify_facts_test.c $(CORPUS)
tests_unit_authenticode_verify_facts_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_verify_pages_test_SOURCES = tests/unit/authenticode/verify_pages_test.c
tests_unit_authenticode_verify_pages_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_verify_nested_test_SOURCES = tests/unit/authenticode/verify_nested_test.c \
	$(DEMO_PKI) $(PE_MAKE)
tests_unit_authenticode_verify_nested_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_verify_cat_test_SOURCES = tests/unit/authenticode/verify_cat_test.c $(DEMO_PKI) $(PE_MAKE)
tests_unit_authenticode_verify_cat_test_LDADD = $(AUTHENTICODE_PE_LIBS)

# Certificates and keys for the tests: made once in a build folder, by the openssl command line.
EXTRA_DIST += tests/unit/authenticode/demo_pki.sh
DEMO_PKI_DIR = tests/unit/authenticode/pki
$(DEMO_PKI_DIR)/made: tests/unit/authenticode/demo_pki.sh
	rm -rf $(DEMO_PKI_DIR) && mkdir -p $(DEMO_PKI_DIR)
	sh $(srcdir)/tests/unit/authenticode/demo_pki.sh $(DEMO_PKI_DIR) >$(DEMO_PKI_DIR)/log 2>&1
	touch $@
check_DATA += $(DEMO_PKI_DIR)/made
clean-local: clean-demo-pki
.PHONY: clean-demo-pki
clean-demo-pki:
	rm -rf $(DEMO_PKI_DIR)

check_PROGRAMS += fuzz/replay_cms fuzz/replay_spc
fuzz_replay_cms_SOURCES = fuzz/fuzz_cms.c fuzz/replay.c
fuzz_replay_cms_LDADD = libauthenticode.a libbase.a $(OPENSSL_LIBS)
fuzz_replay_spc_SOURCES = fuzz/fuzz_spc.c fuzz/replay.c
fuzz_replay_spc_LDADD = libauthenticode.a libbase.a $(OPENSSL_LIBS)
TESTS += fuzz/replay_cms fuzz/replay_spc
EXTRA_DIST += fuzz/corpus/cms fuzz/corpus/spc

# Formats with one signature (format.h).
FORMAT_FILE_MAKE = tests/unit/authenticode/format_file_make.c tests/unit/authenticode/format_file_make.h
FUZZ_FORMAT = fuzz/fuzz_format.c fuzz/fuzz_format.h fuzz/replay.c
check_PROGRAMS += tests/unit/authenticode/format_module_test fuzz/replay_module
TESTS += tests/unit/authenticode/format_module_test fuzz/replay_module
tests_unit_authenticode_format_module_test_SOURCES = tests/unit/authenticode/format_module_test.c \
	$(FORMAT_FILE_MAKE) $(DEMO_PKI)
tests_unit_authenticode_format_module_test_LDADD = $(AUTHENTICODE_PE_LIBS)
fuzz_replay_module_SOURCES = fuzz/fuzz_module.c $(FUZZ_FORMAT)
fuzz_replay_module_LDADD = libauthenticode.a libbase.a $(OPENSSL_LIBS)
EXTRA_DIST += fuzz/corpus/module
SCRIPT_MAKE = tests/unit/authenticode/script_make.c tests/unit/authenticode/script_make.h $(FORMAT_FILE_MAKE) $(DEMO_PKI)
FORMAT_SCRIPT_TESTS = tests/unit/authenticode/format_script_test tests/unit/authenticode/format_script_judge_test
check_PROGRAMS += $(FORMAT_SCRIPT_TESTS) fuzz/replay_script
TESTS += $(FORMAT_SCRIPT_TESTS) fuzz/replay_script
tests_unit_authenticode_format_script_test_SOURCES = tests/unit/authenticode/format_script_test.c $(SCRIPT_MAKE)
tests_unit_authenticode_format_script_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_format_script_judge_test_SOURCES = tests/unit/authenticode/format_script_judge_test.c $(SCRIPT_MAKE)
tests_unit_authenticode_format_script_judge_test_LDADD = $(AUTHENTICODE_PE_LIBS)
fuzz_replay_script_SOURCES = fuzz/fuzz_script.c $(FUZZ_FORMAT)
fuzz_replay_script_LDADD = libauthenticode.a libbase.a $(OPENSSL_LIBS)
EXTRA_DIST += fuzz/corpus/script

# Timestamps.
AUTHENTICODE_TSP_TESTS = tests/unit/authenticode/tsp_corpus_test \
	tests/unit/authenticode/tsp_test tests/unit/authenticode/tsp_token_test \
	tests/unit/authenticode/tsp_legacy_test \
	tests/unit/authenticode/cms_edit_test
TSA_ASK = tests/unit/authenticode/tsa_ask.c tests/unit/authenticode/tsa_ask.h \
	tests/mock/tsa_make.c tests/mock/tsa_make.h $(DEMO_PKI)
check_PROGRAMS += $(AUTHENTICODE_TSP_TESTS)
TESTS += $(AUTHENTICODE_TSP_TESTS)
tests_unit_authenticode_tsp_corpus_test_SOURCES = tests/unit/authenticode/tsp_corpus_test.c $(CORPUS) $(TSA_ASK)
tests_unit_authenticode_tsp_corpus_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_tsp_test_SOURCES = tests/unit/authenticode/tsp_test.c $(TSA_ASK)
tests_unit_authenticode_tsp_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_tsp_token_test_SOURCES = tests/unit/authenticode/tsp_token_test.c $(TSA_ASK)
tests_unit_authenticode_tsp_token_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_tsp_legacy_test_SOURCES = tests/unit/authenticode/tsp_legacy_test.c $(TSA_ASK)
tests_unit_authenticode_tsp_legacy_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_cms_edit_test_SOURCES = tests/unit/authenticode/cms_edit_test.c $(TSA_ASK) $(PE_MAKE)
tests_unit_authenticode_cms_edit_test_LDADD = $(AUTHENTICODE_PE_LIBS)

check_PROGRAMS += fuzz/replay_tsp
fuzz_replay_tsp_SOURCES = fuzz/fuzz_tsp.c fuzz/replay.c
fuzz_replay_tsp_LDADD = libauthenticode.a libbase.a $(OPENSSL_LIBS)
TESTS += fuzz/replay_tsp
EXTRA_DIST += fuzz/corpus/tsp

# Timestamp authorities for the tests, made once in a build folder.
TSA_PKI_DIR = tests/unit/authenticode/tsa
$(TSA_PKI_DIR)/made: tests/e2e/tsa.sh
	rm -rf $(TSA_PKI_DIR) && mkdir -p $(TSA_PKI_DIR)
	. $(srcdir)/tests/e2e/tsa.sh && make_tsa_pki $(TSA_PKI_DIR)
	touch $@
check_DATA += $(TSA_PKI_DIR)/made
clean-local: clean-tsa-pki
.PHONY: clean-tsa-pki
clean-tsa-pki:
	rm -rf $(TSA_PKI_DIR)

# Catalogs.
AUTHENTICODE_CAT_TESTS = tests/unit/authenticode/cat_test tests/unit/authenticode/cat_corpus_test \
	tests/unit/authenticode/cat_file_test
CAT_AGAIN = tests/unit/authenticode/cat_again.c tests/unit/authenticode/cat_again.h
check_PROGRAMS += $(AUTHENTICODE_CAT_TESTS) tests/unit/authenticode/cat_tool
TESTS += $(AUTHENTICODE_CAT_TESTS)
tests_unit_authenticode_cat_test_SOURCES = tests/unit/authenticode/cat_test.c $(CAT_AGAIN)
tests_unit_authenticode_cat_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_cat_corpus_test_SOURCES = tests/unit/authenticode/cat_corpus_test.c $(CAT_AGAIN) $(CORPUS)
tests_unit_authenticode_cat_corpus_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_cat_file_test_SOURCES = tests/unit/authenticode/cat_file_test.c $(PE_MAKE)
tests_unit_authenticode_cat_file_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_cat_tool_SOURCES = tests/unit/authenticode/cat_tool.c
tests_unit_authenticode_cat_tool_LDADD = $(AUTHENTICODE_PE_LIBS)
check_PROGRAMS += fuzz/replay_cat
fuzz_replay_cat_SOURCES = fuzz/fuzz_cat.c fuzz/replay.c
fuzz_replay_cat_LDADD = libauthenticode.a libbase.a $(OPENSSL_LIBS)
TESTS += fuzz/replay_cat
EXTRA_DIST += fuzz/corpus/cat

# What the Windows kernel and installer would say.
AUTHENTICODE_KERNEL_TESTS = tests/unit/authenticode/kernel_roots_test \
	tests/unit/authenticode/kernel_policy_test tests/unit/authenticode/installer_test \
	tests/unit/authenticode/kernel_facts_test tests/unit/authenticode/kernel_corpus_test
check_PROGRAMS += $(AUTHENTICODE_KERNEL_TESTS)
TESTS += $(AUTHENTICODE_KERNEL_TESTS)
tests_unit_authenticode_kernel_roots_test_SOURCES = tests/unit/authenticode/kernel_roots_test.c $(DEMO_PKI)
tests_unit_authenticode_kernel_roots_test_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
tests_unit_authenticode_kernel_roots_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_kernel_policy_test_SOURCES = tests/unit/authenticode/kernel_policy_test.c
tests_unit_authenticode_kernel_policy_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_installer_test_SOURCES = tests/unit/authenticode/installer_test.c
tests_unit_authenticode_installer_test_LDADD = $(AUTHENTICODE_PE_LIBS)
tests_unit_authenticode_kernel_corpus_test_SOURCES = tests/unit/authenticode/kernel_corpus_test.c $(CORPUS)
tests_unit_authenticode_kernel_corpus_test_LDADD = $(AUTHENTICODE_PE_LIBS)
check_PROGRAMS += fuzz/replay_verdict
fuzz_replay_verdict_SOURCES = fuzz/fuzz_verdict.c fuzz/replay.c
fuzz_replay_verdict_LDADD = libauthenticode.a libbase.a $(OPENSSL_LIBS)
TESTS += fuzz/replay_verdict
EXTRA_DIST += fuzz/corpus/verdict
tests_unit_authenticode_kernel_facts_test_SOURCES = tests/unit/authenticode/kernel_facts_test.c $(DEMO_PKI)
tests_unit_authenticode_kernel_facts_test_LDADD = $(AUTHENTICODE_PE_LIBS)

# Cabinets.
CAB_MAKE = tests/unit/authenticode/cab_make.c tests/unit/authenticode/cab_make.h
check_PROGRAMS += tests/unit/authenticode/format_cabinet_test fuzz/replay_cabinet
TESTS += tests/unit/authenticode/format_cabinet_test fuzz/replay_cabinet
tests_unit_authenticode_format_cabinet_test_SOURCES = tests/unit/authenticode/format_cabinet_test.c $(CAB_MAKE)
tests_unit_authenticode_format_cabinet_test_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
tests_unit_authenticode_format_cabinet_test_LDADD = $(AUTHENTICODE_PE_LIBS)
fuzz_replay_cabinet_SOURCES = fuzz/fuzz_cabinet.c fuzz/replay.c
fuzz_replay_cabinet_LDADD = libauthenticode.a libbase.a $(OPENSSL_LIBS)
EXTRA_DIST += fuzz/corpus/cabinet

# Compound files, which MSI packages are.
check_PROGRAMS += tests/unit/authenticode/cfb_test
TESTS += tests/unit/authenticode/cfb_test
tests_unit_authenticode_cfb_test_SOURCES = tests/unit/authenticode/cfb_test.c \
	tests/unit/authenticode/format_file_make.c tests/unit/authenticode/format_file_make.h
tests_unit_authenticode_cfb_test_LDADD = $(AUTHENTICODE_PE_LIBS)
check_PROGRAMS += fuzz/replay_cfb
fuzz_replay_cfb_SOURCES = fuzz/fuzz_cfb.c fuzz/replay.c
fuzz_replay_cfb_LDADD = libauthenticode.a libbase.a $(OPENSSL_LIBS)
TESTS += fuzz/replay_cfb
EXTRA_DIST += fuzz/corpus/cfb

# The verifier over formats.
check_PROGRAMS += tests/unit/authenticode/verify_format_test
TESTS += tests/unit/authenticode/verify_format_test
tests_unit_authenticode_verify_format_test_SOURCES = tests/unit/authenticode/verify_format_test.c $(CAB_MAKE) \
	$(FORMAT_FILE_MAKE) $(DEMO_PKI)
tests_unit_authenticode_verify_format_test_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
tests_unit_authenticode_verify_format_test_LDADD = $(AUTHENTICODE_PE_LIBS)
