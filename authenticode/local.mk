# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libauthenticode.a
libauthenticode_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
libauthenticode_a_SOURCES =
libauthenticode_a_SOURCES += authenticode/pe.c authenticode/pe.h
libauthenticode_a_SOURCES += authenticode/pe_sum.c authenticode/pe_sum.h
libauthenticode_a_SOURCES += authenticode/pe_digest.c authenticode/pe_digest.h
libauthenticode_a_SOURCES += authenticode/pe_embed.c authenticode/pe_embed.h
