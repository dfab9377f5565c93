#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A short run of the torture: every function of the module, one return code of each class, once and for a while; hangs,
# crashes, kills, removals. The whole is make torture: docs/RELIABILITY.md.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/signer_lib.sh
. "$srcdir/tests/e2e/signer_lib.sh"
# shellcheck source=tests/torture/torture_lib.sh
. "$srcdir/tests/torture/torture_lib.sh"

told() { # NAME - what its program printed, as diagnostics
	sed 's/^/# /' "$T/$1/report"
}

export PATIENCE_MS=18000 # other tests run at the same time
sign_deadline=1000 start_deadline=5000
start_functions=C_GetFunctionList,C_Initialize,C_GetInfo,C_GetSlotList,C_GetSlotInfo,C_GetTokenInfo,C_OpenSession
key_functions=C_FindObjectsInit,C_FindObjects,C_FindObjectsFinal,C_GetAttributeValue
short=few
if [ -n "$sanitized" ]; then # a child that starts is ten times as slow
	start_functions=C_Initialize,C_OpenSession
	key_functions=C_FindObjects
	sign_deadline=3000 start_deadline=10000
fi
ok 'a signer with a breaker that waits for 20 ms' begin short 'breaker-wait = 20ms' 'breaker-wait-max = 20ms'
ok 'return codes in signing' faults short table C_SignInit,C_Sign once,every $short
told short
ok 'return codes in signing that stay' faults short table C_SignInit,C_Sign always $short
told short
ok 'return codes while the module starts' faults short table "$start_functions" once,always $short
told short
ok 'return codes while keys are looked for' faults short table "$key_functions" once,always $short
told short
ok 'hangs and crashes in signing' faults short break C_SignInit,C_Sign all
told short
ok 'crashes while the module starts' faults short break C_Initialize,C_GetTokenInfo,C_FindObjects,C_GetAttributeValue crash
told short
finish short
ok 'a signer as it comes' begin plain
ok 'kills of the child' faults plain kill 5
told plain
ok 'removals of the token' faults plain remove 5
told plain
ok 'sessions that are lost' faults plain lost 10
told plain
finish plain
sessions=16
ok 'a signer that would like sixteen sessions' begin few
ok 'tokens that give fewer' faults few sessions
told few
finish few
done_testing
