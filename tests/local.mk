# SPDX-License-Identifier: Apache-2.0
# Each folder's local.mk lists its own unit tests; here stands what belongs to none.
EXTRA_DIST += tests/tap.sh
