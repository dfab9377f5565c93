# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libauthenticode.a
libauthenticode_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
libauthenticode_a_SOURCES =
libauthenticode_a_SOURCES += authenticode/pe.c authenticode/pe.h
