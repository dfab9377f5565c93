# SPDX-License-Identifier: Apache-2.0
# Each folder's local.mk lists its own unit tests; here stands what belongs to none.
EXTRA_DIST += tests/tap.sh
dist_check_SCRIPTS += scripts/check-layers scripts/check-source tests/checks.t tests/tap.t
TESTS += scripts/check-layers scripts/check-source tests/checks.t tests/tap.t
