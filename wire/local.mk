# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libwire.a
libwire_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
libwire_a_SOURCES = \
	wire/api.h wire/api_schema.h wire/api_schema.c wire/api_read.c \
	wire/api_request.c wire/api_answer.c wire/api_key.c wire/api_ready.c wire/api_problem.c wire/api_stamp.c \
	wire/custody.h wire/custody.c \
	wire/frame.h wire/frame.c \
	wire/front_msg.h wire/front_msg.c \
	wire/json.h wire/json.c wire/json_write.c \
	wire/payload.h wire/payload.c \
	wire/pulse.h wire/pulse.c \
	wire/relay_msg.h wire/relay_msg.c \
	wire/signer_msg.h wire/signer_msg.c

wire_unit_tests =
wire_test_libs = libwire.a libbase.a $(JANSSON_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += $(wire_unit_tests)
TESTS += $(wire_unit_tests)
EXTRA_DIST += tests/unit/wire/check.h

wire_unit_tests += tests/unit/wire/frame_test
tests_unit_wire_frame_test_SOURCES = tests/unit/wire/frame_test.c
tests_unit_wire_frame_test_LDADD = $(wire_test_libs)
tests_unit_wire_frame_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=recv -Wl,--wrap=send

wire_unit_tests += tests/unit/wire/pulse_test
tests_unit_wire_pulse_test_SOURCES = tests/unit/wire/pulse_test.c
tests_unit_wire_pulse_test_LDADD = $(wire_test_libs)

wire_unit_tests += tests/unit/wire/front_msg_test
tests_unit_wire_front_msg_test_SOURCES = tests/unit/wire/front_msg_test.c
tests_unit_wire_front_msg_test_LDADD = $(wire_test_libs)

wire_unit_tests += tests/unit/wire/signer_msg_test
tests_unit_wire_signer_msg_test_SOURCES = tests/unit/wire/signer_msg_test.c
tests_unit_wire_signer_msg_test_LDADD = $(wire_test_libs)

wire_unit_tests += tests/unit/wire/custody_test
tests_unit_wire_custody_test_SOURCES = tests/unit/wire/custody_test.c
tests_unit_wire_custody_test_LDADD = $(wire_test_libs)

wire_unit_tests += tests/unit/wire/json_test
tests_unit_wire_json_test_SOURCES = tests/unit/wire/json_test.c
tests_unit_wire_json_test_LDADD = $(wire_test_libs)

wire_unit_tests += tests/unit/wire/api_request_test
tests_unit_wire_api_request_test_SOURCES = tests/unit/wire/api_request_test.c
tests_unit_wire_api_request_test_LDADD = $(wire_test_libs)

wire_unit_tests += tests/unit/wire/api_answer_test
tests_unit_wire_api_answer_test_SOURCES = tests/unit/wire/api_answer_test.c
tests_unit_wire_api_answer_test_LDADD = $(wire_test_libs)

wire_unit_tests += tests/unit/wire/api_stamp_test
tests_unit_wire_api_stamp_test_SOURCES = tests/unit/wire/api_stamp_test.c
tests_unit_wire_api_stamp_test_LDADD = $(wire_test_libs)

wire_unit_tests += tests/unit/wire/relay_msg_test
tests_unit_wire_relay_msg_test_SOURCES = tests/unit/wire/relay_msg_test.c
tests_unit_wire_relay_msg_test_LDADD = $(wire_test_libs)

check_PROGRAMS += $(wire_replays)
TESTS += $(wire_replays)
wire_replays = fuzz/replay_frame fuzz/replay_front_msg fuzz/replay_signer_msg fuzz/replay_api fuzz/replay_json \
	fuzz/replay_relay_msg
wire_replay_libs = libwire.a libbase.a $(JANSSON_LIBS)
fuzz_replay_frame_SOURCES = fuzz/fuzz_frame.c fuzz/replay.c
fuzz_replay_frame_LDADD = $(wire_replay_libs)
fuzz_replay_front_msg_SOURCES = fuzz/fuzz_front_msg.c fuzz/replay.c
fuzz_replay_front_msg_LDADD = $(wire_replay_libs)
fuzz_replay_signer_msg_SOURCES = fuzz/fuzz_signer_msg.c fuzz/replay.c
fuzz_replay_signer_msg_LDADD = $(wire_replay_libs)
fuzz_replay_api_SOURCES = fuzz/fuzz_api.c fuzz/replay.c
fuzz_replay_api_LDADD = $(wire_replay_libs)
fuzz_replay_json_SOURCES = fuzz/fuzz_json.c fuzz/replay.c
fuzz_replay_json_LDADD = $(wire_replay_libs)
fuzz_replay_relay_msg_SOURCES = fuzz/fuzz_relay_msg.c fuzz/replay.c
fuzz_replay_relay_msg_LDADD = $(wire_replay_libs)
EXTRA_DIST += fuzz/corpus/relay_msg
EXTRA_DIST += fuzz/corpus/json fuzz/corpus/frame fuzz/corpus/front_msg fuzz/corpus/signer_msg fuzz/corpus/api

wire_unit_tests += tests/unit/wire/openapi_test
tests_unit_wire_openapi_test_SOURCES = tests/unit/wire/openapi_test.c tests/unit/wire/yaml.c tests/unit/wire/yaml.h
tests_unit_wire_openapi_test_LDADD = $(wire_test_libs)
EXTRA_DIST += docs/openapi.yaml docs/PROTOCOL.md
