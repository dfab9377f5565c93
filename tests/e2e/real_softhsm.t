#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The whole over SoftHSM 2.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"
need osslsigncode
# shellcheck source=tests/e2e/real_lib.sh
. "$srcdir/tests/e2e/real_lib.sh"
real_suite
