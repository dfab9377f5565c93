# SPDX-License-Identifier: Apache-2.0
# Man pages are listed by the folders whose programs they describe.
dist_doc_DATA = README.md NEWS LICENSE docs/ARCHITECTURE.md docs/CUSTODY.md docs/THREATS.md docs/DEPENDENCIES.md docs/FORMATS.md docs/KERNEL-POLICY.md \
	docs/PERFORMANCE.md docs/PROTOCOL.md docs/RELIABILITY.md docs/openapi.yaml
# Nothing is put into /etc: every file there has values that only an operator knows.
exampledir = $(docdir)/examples
dist_example_DATA = etc/client.conf etc/kdsignd.conf etc/keeper.conf etc/relay.conf etc/signer.conf

dist_check_SCRIPTS += tests/e2e/enrol.t
TESTS += tests/e2e/enrol.t
dist_check_SCRIPTS += scripts/check-docs
TESTS += scripts/check-docs
