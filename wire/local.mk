# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libwire.a
libwire_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
libwire_a_SOURCES = \
	wire/api.h wire/api_schema.h wire/api_schema.c wire/api_read.c \
	wire/api_request.c wire/api_answer.c wire/api_key.c wire/api_ready.c wire/api_problem.c \
	wire/frame.h wire/frame.c \
	wire/front_msg.h wire/front_msg.c \
	wire/json.h wire/json.c wire/json_write.c \
	wire/payload.h wire/payload.c \
	wire/signer_msg.h wire/signer_msg.c
