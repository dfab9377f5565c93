/* SPDX-License-Identifier: Apache-2.0 */
/* tests/mock/mock.h - what the files of the misbehaving PKCS#11 module share. */
#ifndef KD_MOCK_H
#define KD_MOCK_H
#include <stdbool.h>
#include <stddef.h>

#include <p11-kit/pkcs11.h>

/* Every function that is watched and can go wrong: all that kdsign and libp11 call. */
#define MOCK_FUNCTIONS(X)                                                                \
	X(GetFunctionList)                                                               \
	X(Initialize)                                                                    \
	X(Finalize)                                                                      \
	X(GetInfo)                                                                       \
	X(GetSlotList)                                                                   \
	X(GetSlotInfo)                                                                   \
	X(GetTokenInfo)                                                                  \
	X(GetMechanismList)                                                              \
	X(GetMechanismInfo)                                                              \
	X(OpenSession)                                                                   \
	X(CloseSession)                                                                  \
	X(CloseAllSessions)                                                              \
	X(GetSessionInfo)                                                                \
	X(Login)                                                                         \
	X(Logout)                                                                        \
	X(FindObjectsInit)                                                               \
	X(FindObjects)                                                                   \
	X(FindObjectsFinal)                                                              \
	X(GetAttributeValue)                                                             \
	X(SetAttributeValue)                                                             \
	X(CreateObject)                                                                  \
	X(DestroyObject)                                                                 \
	X(GenerateKeyPair)                                                               \
	X(GenerateRandom)                                                                \
	X(SignInit)                                                                      \
	X(Sign)
#define MOCK_ENUM(f) FN_##f,
enum mock_fn { MOCK_FUNCTIONS(MOCK_ENUM) FN_N };

enum mock_action {
	PASS,
	HANG,
	DELAY,
	FAIL,
	CRASH,
	ABORT,
	SHORT,
	FLAGS,
	FLIP,
	WRONGKEY,
	PURGE,
	LEAK
};

struct mock_order {
	enum mock_action action;
	unsigned long number;
};

struct mock_token { /* what MOCK_DIR/token says of the token */
	bool gone;
	unsigned long slot; /* added to every slot's number */
	char serial[17];    /* instead of its own; "" for its own */
	unsigned long sessions; /* it gives no more at a time; 0: as many as it has */
};

/* mock_rules.c: the files that tell us what to do, and the count of calls. */
extern const char *const mock_names[FN_N]; /* "C_Initialize" ... */
bool mock_rules_open(const char *dir);
void mock_path(char *dst, size_t n, const char *name);
void mock_append(const char *name, const char *line); /* a line that is not kept aborts */
/* Counts the call, then what to do in it; what needs no value is done in there. s 0: none */
struct mock_order mock_order(enum mock_fn f, CK_SESSION_HANDLE s);
struct mock_token mock_token(void);
/* Is one of the attributes that MOCK_DIR/refused names in the template? */
bool mock_refuses(const CK_ATTRIBUTE *tmpl, CK_ULONG n);
/* What MOCK_DIR/lies says of attributes that are yes or no. */
void mock_lie(CK_ATTRIBUTE *tmpl, CK_ULONG n);

/* mock_attest.c: objects that only we have. */
void mock_attest_find(const CK_ATTRIBUTE *tmpl, CK_ULONG n);
void mock_attest_give(CK_OBJECT_HANDLE *dst, CK_ULONG max, CK_ULONG *n);
bool mock_attest_is(CK_OBJECT_HANDLE h);
CK_RV mock_attest_read(CK_OBJECT_HANDLE h, CK_ATTRIBUTE *tmpl, CK_ULONG n);

/* mock_watch.c: what callers have to keep to, and the journal. */
void mock_wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void mock_enter(enum mock_fn f, CK_SESSION_HANDLE s); /* s 0: none */
void mock_leave(enum mock_fn f, CK_SESSION_HANDLE s, CK_RV rv);
void mock_note_pin(const CK_BYTE *pin, CK_ULONG n);
void mock_journal_key(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const char *id);
void mock_key_of(CK_SESSION_HANDLE s, char *dst, size_t n); /* its CKA_ID; "" for none */
void mock_journal_sign(CK_SESSION_HANDLE s, const CK_BYTE *data, CK_ULONG n);
void mock_journal_gave(CK_SESSION_HANDLE s, CK_RV rv, CK_ULONG n);
#endif
