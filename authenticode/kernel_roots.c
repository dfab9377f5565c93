/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/kernel_roots.c - the roots that are compiled into the Windows kernel, as
 * facts. */
#include "authenticode/kernel_roots.h"

#include <string.h>

#include "authenticode/cert_x509.h"
#include "authenticode/oid.h"
#include "base/num.h"
#include "base/text.h"

#define NAME_MAX_PARTS 6
#define MODULUS_LEN_MAX 512

enum attribute { C = 1, ST, L, O, OU, CN, DC };

struct root_fact {
	enum kernel_root kind;
	struct {
		enum attribute type; /* 0 ends a shorter name */
		const char *value;
	} name[NAME_MAX_PARTS];
	const char *serial; /* hexadecimal, here and below */
	const char *key_id; /* subject key identifier; NULL: it has none */
	const char *sha1;   /* of the real certificate: what the rest was read from */
	int64_t not_after;  /* the same one's; for display only */
	const char *modulus;
	uint32_t exponent;
};

/* clang-format off */
static const struct root_fact facts[] = {
    {
	.kind = KERNEL_ROOT_VERIFICATION,
	.name = {{C, "US"}, {ST, "Washington"}, {L, "Redmond"},
	    {O, "Microsoft Corporation"},
	    {CN, "Microsoft Code Verification Root"}},
	.serial = "729404101f3e0ca347837fca175a8438",
	.key_id = "62fb0a215b7f436e11da0954506bf5d29671f19e",
	.sha1 = "8fbe4d070ef8ab1bccaf2a9d5ccae7282a2c66b3",
	.not_after = 1762005243, /* 2025-11-01T13:54:03Z */
	.modulus =
	    "bd77c91c7f157838c50743215afbe4cc3bc65531fc2189b1bce7019cfb90be20"
	    "115576a74d02e7b2f42e8defb2874656ca47cec8c363e308034b9606b9702244"
	    "e64b7b443f75b7b8a62b910841ef4b0759d6a4199df6cba4bb8e02654dcade0f"
	    "b49022f1b56b5c22f6caf938aa280b062d3c198db7355f83eddd65738446929f"
	    "44e2894a8cd598a76d3de819cb44ad180bea5c5f7c0bc39a936844f3b6bf9799"
	    "30723f2859d070c8055778f54a82340a24c17ab064a53a6e12d5036138bb0e2d"
	    "fd859cd648756a1cb2a2e891fab7e4f53c5ffdc940acc7a042f574d8b9dbd7fe"
	    "73771ae0c4b709b1059a6de35e8038757852b612d379ae43f765a7d116646985"
	    "8f783ab894bf4512625a4d8748d6f819bc590106f51adb60299f013f6e73f9fd"
	    "8045ce95d78af6920cc173402c6daa32a6f17f30f890f1ae4527b9b40e3002bd"
	    "c60eec3c8c5bb63485cf140b0c500da9e259912ea80139f42c15630480b840df"
	    "62f7feb74c13a82ca966133862fc4070627b7577d52b8e1ba599e5b9b7c7adea"
	    "01a0257b5846525654a2c9922b581d4851c01ffe3700d1e2ab10c2a959e94299"
	    "6e8fb51e4766741e98765757045ebd2f8593d50e0b9f2e7b2664a78612095063"
	    "e7d1c78e7e0e3b07e7bbe4cd1a40d47aba05594ad6d0eedc965e224a271c45e3"
	    "dedab2e9d343fde96fc0c97d1ffd9f909c862008cc74dc40a729b3ab58656bb1",
	.exponent = 65537,
    },
    {
	.kind = KERNEL_ROOT_MICROSOFT,
	.name = {{OU, "Copyright (c) 1997 Microsoft Corp."}, 
	    {OU, "Microsoft Corporation"}, {CN, "Microsoft Root Authority"}},
	.serial = "00c1008b3c3c8811d13ef663ecdf40",
	.sha1 = "a43489159a520f0d93d032ccaf37e7fe20a8b419",
	.not_after = 1609398000, /* 2020-12-31T07:00:00Z */
	.modulus =
	    "a902bdc170e63bf24e1b289f97785e30eaa2a98d255ff8fe954ca3b7fe9da220"
	    "3e7c51a29ba28f60326bd1426479eeac76c954daf2eb9c861c8f9f8466b3c56b"
	    "7a6223d61d3cde0f0192e896c4bf2d669a9a682699d03a2cbf0cb55826c146e7"
	    "0a3e38962ca92839a8ec498342e3840fbb9a6c5561ac827ca1602d774ce999b4"
	    "643b9a501c310824149fa9e7912b18e63d986314605805659f1d375287f7a7ef"
	    "9402c61bd3bf5545b38980bf3aec54944eaefda77a6d744eaf18cc9609282100"
	    "5790606937bb4b12073c56ff5bfba4660a08a6d2815657efb63b5e16817704da"
	    "f6beae8095feb0cd7fd6a71a725c3ccabcf008a32230b30685c9b320771385df",
	.exponent = 65537,
    },
    {
	.kind = KERNEL_ROOT_MICROSOFT,
	.name = {{DC, "com"}, {DC, "microsoft"},
	    {CN, "Microsoft Root Certificate Authority"}},
	.serial = "79ad16a14aa0a5ad4c7358f407132e65",
	.key_id = "0eac826040562797e52513fc2ae10a539559e4a4",
	.sha1 = "cdd4eeae6000ac7f40c3802c171e30148030c072",
	.not_after = 1620602893, /* 2021-05-09T23:28:13Z */
	.modulus =
	    "f35dfa8067d45aa7a90c2c9020d035083c7584cdb707899c89dadecec360fa91"
	    "685a9e94712918767cc2e0c82576940e58fa043436e6dfaff780bae9580b2b93"
	    "e59d05e3772291f734643c22911d5ee10990bc14fefc755819e179b70792a3ae"
	    "885908d89f07ca0358fc68296d32d7d2a8cb4bfce10b48324fe6ebb8ad4fe45c"
	    "6f139499db95d575dba81ab79491b4775bf5480c8f6a797d1470047d6daf90f5"
	    "da70d847b7bf9b2f6ce705b7e11160ac7991147cc5d6a6e4e17ed5c37ee592d2"
	    "3c00b53682de79e16df3b56ef89f33c9cb527d739836db8ba16ba295979ba3de"
	    "c24d26ff0696672506c8e7ace4ee1233953199c835084e34ca7953d5b5be6332"
	    "594036c0a54e044d3ddb5b0733e458bfef3f5364d842593557fd0f457c24044d"
	    "9ed6387411972290ce684474926fd54b6fb086e3c73642a0d0fcc1c05af9a361"
	    "b9304771960a16b091c04295ef107f286ae32a1fb1e4cd033f777104c720fc49"
	    "0f1d4588a4d7cb7e88ad8e2dec45dbc45104c92afcec869e9a11975bdece5388"
	    "e6e2b7fdac95c22840dbef0490df813339d9b245a5238706a5558931bb062d60"
	    "0e41187d1f2eb597cb11eb15d524a594ef151489fd4b73fa325bfcd13300f959"
	    "62700732ea2eab402d7bcadd21671b30998f16aa23a841d1b06e119b36c4de40"
	    "749ce15865c1601e7a5b38c88fbb04267cd41640e5b66b6caa86fd00bfcec135",
	.exponent = 65537,
    },
    {
	.kind = KERNEL_ROOT_MICROSOFT,
	.name = {{C, "US"}, {ST, "Washington"}, {L, "Redmond"},
	    {O, "Microsoft Corporation"},
	    {CN, "Microsoft Root Certificate Authority 2010"}},
	.serial = "28cc3a25bfba44ac449a9b586b4339aa",
	.key_id = "d5f656cb8fe8a25c6268d13d94905bd7ce9a18c4",
	.sha1 = "3b1efd3a66ea28b16697394703a72ca340a05bd5",
	.not_after = 2066249041, /* 2035-06-23T22:04:01Z */
	.modulus =
	    "b9089e28e4e4ec064e5068b341c57bebaeb68eaf81ba22441f6534694cbe7040"
	    "17f2167be279fd86ed0d39f41ba8ad92901ecb3d768f5ad9b591102e3c058d8a"
	    "6d2454e71fed56ad83b4509c15a51774885920fc08c58476d368d46f2878ce5c"
	    "b8f3509044ffe3635fbea19a2c961504d607fe1e8421e0423111c4283694cf50"
	    "a4629ec9d6ab7100b25b0ce696d40a2496f5ffc6d5b71bd7cbb72162af12dca1"
	    "5d37e31afb1a4698c09bc0e7631f2a0893027e1e6a8ef29f1889e42285a2b184"
	    "5740fff50ed86f9cede2453101cd17e97fb08145e3aa214026a172aaa74f3c01"
	    "057eee8358b15e06639962917882b70d930c246ab41bdb27ec5f95043f934a30"
	    "f59718b3a7f919a793331d01c8db22525cd725c946f9a2fb875943be9b62b18d"
	    "2d86441a46ac78617e3009faae89c4412a2266039139459cc78b0ca8ca0d2ffb"
	    "52ea0cf76333239dfeb01fad67d6a75003c6047063b52cb1865a43b7fbaef96e"
	    "296e21214126068cc9c3eeb0c28593a1b985d9e6326c4b4c3fd65da3e5b59d77"
	    "c39cc055b77400e3b838ab839750e19a42241dc6c0a330d11a5ac85234f773f1"
	    "c7181f33ad7aeccb4160f3239420c24845ac5c51c62e80c2e27715bd8587ed36"
	    "9d9691ee00b5a370ec9fe38d80688376baaf5d70522216e266fbbab3c5c2f73e"
	    "2f77a6cadec1a6c6484cc3375123d327d7b84e7096f0a14476af78cf9ae16613",
	.exponent = 65537,
    },
    {
	.kind = KERNEL_ROOT_TIMESTAMP,
	.name = {{C, "ZA"}, {ST, "Western Cape"}, {L, "Durbanville"}, {O, "Thawte"},
	    {OU, "Thawte Certification"}, {CN, "Thawte Timestamping CA"}},
	.serial = "00",
	.sha1 = "be36a4562fb2ee05dbb3d32323adf445084ed656",
	.not_after = 1609459199, /* 2020-12-31T23:59:59Z */
	.modulus =
	    "d62b587861458653ea347b519cedb0e62e180efee05fa827d3b4c9e07c594e16"
	    "0e735460c17ff69f2ee93a8524153cdb470463c39ec4941a5adf4c7af3d9431d"
	    "3c107a7925db90fef051e730d64100fd9f28df79be94bb9db614e32385d7a941"
	    "e04ca479b02b1a8bf2f83b8a3e45ac719200b4904198fb5fedfab72e8af88837",
	.exponent = 65537,
    },
};
/* clang-format on */

static const struct {
	struct oid oid;
	uint8_t string;
} attributes[] = {
    [C] = {{3, {0x55, 0x04, 0x06}}, 0x13}, /* PrintableString */
    [ST] = {{3, {0x55, 0x04, 0x08}}, 0x13},
    [L] = {{3, {0x55, 0x04, 0x07}}, 0x13},
    [O] = {{3, {0x55, 0x04, 0x0a}}, 0x13},
    [OU] = {{3, {0x55, 0x04, 0x0b}}, 0x13},
    [CN] = {{3, {0x55, 0x04, 0x03}}, 0x13},
    [DC] = {{10, "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19"}, 0x16}, /* IA5String */
};

static const struct oid sha256_with_rsa = {9, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"};
static const struct oid basic_constraints = {3, {0x55, 0x1d, 0x13}};
static const struct oid key_usage = {3, {0x55, 0x1d, 0x0f}};
static const struct oid subject_key_id = {3, {0x55, 0x1d, 0x0e}};

/* The table's own text: what cannot be read is our fault, and found by the tests. */
static void
put_hex(struct buf *b, uint8_t tag, const char *hex)
{
	uint8_t bytes[1 + MODULUS_LEN_MAX] = {0};
	size_t n = strlen(hex) / 2;
	struct kd_err e = {0};
	bool sign;

	if (n > MODULUS_LEN_MAX || !text_unhex(hex, &bytes[1], n, &e)) {
		b->failed = true;
		return;
	}
	sign = tag == DER_INTEGER && (bytes[1] & 0x80) != 0;
	der_put(b, tag, &bytes[sign ? 0 : 1], n + sign);
}

static void
put_algorithm(struct buf *b, const struct oid *o)
{
	size_t m = der_begin(b, DER_SEQUENCE);

	oid_put(b, o);
	der_put(b, DER_NULL, "", 0);
	der_end(b, m);
}

static void
put_name(struct buf *b, const struct root_fact *f)
{
	size_t name = der_begin(b, DER_SEQUENCE);

	for (size_t i = 0; i < NAME_MAX_PARTS && f->name[i].type != 0; i++) {
		size_t set = der_begin(b, DER_SET), seq = der_begin(b, DER_SEQUENCE);
		const char *value = f->name[i].value;

		oid_put(b, &attributes[f->name[i].type].oid);
		der_put(b, attributes[f->name[i].type].string, value, strlen(value));
		der_end(b, seq);
		der_end(b, set);
	}
	der_end(b, name);
}

static void
put_public_key(struct buf *b, const struct root_fact *f)
{
	size_t spki = der_begin(b, DER_SEQUENCE), bits, key;
	char exponent[7];

	put_algorithm(b, &oid_rsa_encryption);
	bits = der_begin(b, DER_BIT_STRING);
	buf_u8(b, 0); /* unused bits */
	key = der_begin(b, DER_SEQUENCE);
	put_hex(b, DER_INTEGER, f->modulus);
	text_hex_to(exponent,
	    (const uint8_t[]){(uint8_t)(f->exponent >> 16), (uint8_t)(f->exponent >> 8),
		(uint8_t)f->exponent},
	    3);
	put_hex(b, DER_INTEGER, exponent);
	der_end(b, key);
	der_end(b, bits);
	der_end(b, spki);
}

static void
put_extension(struct buf *b, const struct oid *o, const void *value, size_t len)
{
	size_t seq = der_begin(b, DER_SEQUENCE);

	oid_put(b, o);
	der_put(b, DER_OCTET_STRING, value, len);
	der_end(b, seq);
}

/* CA; may sign certificates; and the key identifier that its CAs' certificates name. */
static void
put_extensions(struct buf *b, const struct root_fact *f)
{
	size_t outer = der_begin(b, 0xa3), list = der_begin(b, DER_SEQUENCE);

	put_extension(b, &basic_constraints, "\x30\x03\x01\x01\xff", 5);
	put_extension(b, &key_usage, "\x03\x02\x01\x06", 4);
	if (f->key_id != NULL) {
		size_t seq = der_begin(b, DER_SEQUENCE), octets;

		oid_put(b, &subject_key_id);
		octets = der_begin(b, DER_OCTET_STRING);
		put_hex(b, DER_OCTET_STRING, f->key_id);
		der_end(b, octets);
		der_end(b, seq);
	}
	der_end(b, list);
	der_end(b, outer);
}

/* RFC 5280 4.1: a certificate whose signature is one zero bit, since nobody checks a
 * trust anchor's; 4.1.2.5: "no well-defined expiration". */
static void
put_certificate(struct buf *b, const struct root_fact *f)
{
	size_t whole = der_begin(b, DER_SEQUENCE), tbs = der_begin(b, DER_SEQUENCE), m;

	m = der_begin(b, DER_C0);
	der_put(b, DER_INTEGER, "\x02", 1);
	der_end(b, m);
	put_hex(b, DER_INTEGER, f->serial);
	put_algorithm(b, &sha256_with_rsa);
	put_name(b, f);
	m = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_UTC_TIME, "500101000000Z", 13);
	der_put(b, DER_GENERALIZED_TIME, "99991231235959Z", 15);
	der_end(b, m);
	put_name(b, f);
	put_public_key(b, f);
	put_extensions(b, f);
	der_end(b, tbs);
	put_algorithm(b, &sha256_with_rsa);
	der_put(b, DER_BIT_STRING, "\x07\x00", 2);
	der_end(b, whole);
}

static bool
add(struct certs *ret, const struct root_fact *f, struct kd_err *e)
{
	AUTO(buf_clear) struct buf der = {0};

	put_certificate(&der, f);
	return buf_ok(&der, "kernel root", e) && certs_add_der(ret, der.p, der.len, e);
}

/* kinds: bits of 1 << enum kernel_root. */
static bool
add_kinds(struct certs *ret, unsigned kinds, struct kd_err *e)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(facts); i++)
		if ((kinds & 1u << facts[i].kind) != 0 && !add(ret, &facts[i], e))
			return false;
	return true;
}

bool
kernel_roots_add(struct certs *ret, struct kd_err *e)
{
	return add_kinds(
	    ret, 1u << KERNEL_ROOT_VERIFICATION | 1u << KERNEL_ROOT_MICROSOFT, e);
}

bool
kernel_roots_add_microsoft(struct certs *ret, struct kd_err *e)
{
	return add_kinds(ret, 1u << KERNEL_ROOT_MICROSOFT, e);
}

bool
kernel_roots_add_timestamp(struct certs *ret, struct kd_err *e)
{
	return add_kinds(
	    ret, 1u << KERNEL_ROOT_MICROSOFT | 1u << KERNEL_ROOT_TIMESTAMP, e);
}

/* Subject and key, as encoded. */
static bool
identity(const struct certs *list, size_t i, struct buf *ret, struct kd_err *e)
{
	const struct cert *c = certs_at(list, i);
	unsigned char *der = NULL;
	int n = i2d_X509_NAME(X509_get_subject_name(c->x), &der);

	if (n > 0)
		buf_add(ret, der, (size_t)n);
	OPENSSL_free(der);
	if (n <= 0)
		return cert_fail_openssl(e, KD_E_CRYPTO, "name cannot be encoded");
	return cert_spki(list, i, ret, e);
}

bool
kernel_root_find(
    const struct certs *list, size_t i, struct kernel_root_info *ret, struct kd_err *e)
{
	struct kernel_root_info info = {0};
	AUTO(buf_clear) struct buf seen = {0};

	if (!identity(list, i, &seen, e))
		return false;
	for (size_t k = 0; k < KD_ARRAY_LEN(facts); k++) {
		AUTO(buf_clear) struct buf fact = {0};

		put_name(&fact, &facts[k]);
		put_public_key(&fact, &facts[k]);
		if (!buf_ok(&fact, "kernel root", e))
			return false;
		if (fact.len != seen.len || memcmp(fact.p, seen.p, seen.len) != 0)
			continue;
		info.kind = facts[k].kind;
		info.not_after = facts[k].not_after;
		if (!text_unhex(facts[k].sha1, info.sha1, sizeof(info.sha1), e))
			return false;
		break;
	}
	*ret = info;
	return true;
}
