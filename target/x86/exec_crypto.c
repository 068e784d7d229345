/* SPDX-License-Identifier: MIT */
/*
 * AES, SHA, carry-less multiplication and CRC32 instructions. [SDM] vol. 2,
 * [FIPS-197], [FIPS-180].
 */
#include "target/x86/exec_sse.h"

/* The substitution box and its inverse, as lists from which tables are made. */
/* clang-format off */
#define SBOX(X) \
    X(0x63) X(0x7c) X(0x77) X(0x7b) X(0xf2) X(0x6b) X(0x6f) X(0xc5) \
    X(0x30) X(0x01) X(0x67) X(0x2b) X(0xfe) X(0xd7) X(0xab) X(0x76) \
    X(0xca) X(0x82) X(0xc9) X(0x7d) X(0xfa) X(0x59) X(0x47) X(0xf0) \
    X(0xad) X(0xd4) X(0xa2) X(0xaf) X(0x9c) X(0xa4) X(0x72) X(0xc0) \
    X(0xb7) X(0xfd) X(0x93) X(0x26) X(0x36) X(0x3f) X(0xf7) X(0xcc) \
    X(0x34) X(0xa5) X(0xe5) X(0xf1) X(0x71) X(0xd8) X(0x31) X(0x15) \
    X(0x04) X(0xc7) X(0x23) X(0xc3) X(0x18) X(0x96) X(0x05) X(0x9a) \
    X(0x07) X(0x12) X(0x80) X(0xe2) X(0xeb) X(0x27) X(0xb2) X(0x75) \
    X(0x09) X(0x83) X(0x2c) X(0x1a) X(0x1b) X(0x6e) X(0x5a) X(0xa0) \
    X(0x52) X(0x3b) X(0xd6) X(0xb3) X(0x29) X(0xe3) X(0x2f) X(0x84) \
    X(0x53) X(0xd1) X(0x00) X(0xed) X(0x20) X(0xfc) X(0xb1) X(0x5b) \
    X(0x6a) X(0xcb) X(0xbe) X(0x39) X(0x4a) X(0x4c) X(0x58) X(0xcf) \
    X(0xd0) X(0xef) X(0xaa) X(0xfb) X(0x43) X(0x4d) X(0x33) X(0x85) \
    X(0x45) X(0xf9) X(0x02) X(0x7f) X(0x50) X(0x3c) X(0x9f) X(0xa8) \
    X(0x51) X(0xa3) X(0x40) X(0x8f) X(0x92) X(0x9d) X(0x38) X(0xf5) \
    X(0xbc) X(0xb6) X(0xda) X(0x21) X(0x10) X(0xff) X(0xf3) X(0xd2) \
    X(0xcd) X(0x0c) X(0x13) X(0xec) X(0x5f) X(0x97) X(0x44) X(0x17) \
    X(0xc4) X(0xa7) X(0x7e) X(0x3d) X(0x64) X(0x5d) X(0x19) X(0x73) \
    X(0x60) X(0x81) X(0x4f) X(0xdc) X(0x22) X(0x2a) X(0x90) X(0x88) \
    X(0x46) X(0xee) X(0xb8) X(0x14) X(0xde) X(0x5e) X(0x0b) X(0xdb) \
    X(0xe0) X(0x32) X(0x3a) X(0x0a) X(0x49) X(0x06) X(0x24) X(0x5c) \
    X(0xc2) X(0xd3) X(0xac) X(0x62) X(0x91) X(0x95) X(0xe4) X(0x79) \
    X(0xe7) X(0xc8) X(0x37) X(0x6d) X(0x8d) X(0xd5) X(0x4e) X(0xa9) \
    X(0x6c) X(0x56) X(0xf4) X(0xea) X(0x65) X(0x7a) X(0xae) X(0x08) \
    X(0xba) X(0x78) X(0x25) X(0x2e) X(0x1c) X(0xa6) X(0xb4) X(0xc6) \
    X(0xe8) X(0xdd) X(0x74) X(0x1f) X(0x4b) X(0xbd) X(0x8b) X(0x8a) \
    X(0x70) X(0x3e) X(0xb5) X(0x66) X(0x48) X(0x03) X(0xf6) X(0x0e) \
    X(0x61) X(0x35) X(0x57) X(0xb9) X(0x86) X(0xc1) X(0x1d) X(0x9e) \
    X(0xe1) X(0xf8) X(0x98) X(0x11) X(0x69) X(0xd9) X(0x8e) X(0x94) \
    X(0x9b) X(0x1e) X(0x87) X(0xe9) X(0xce) X(0x55) X(0x28) X(0xdf) \
    X(0x8c) X(0xa1) X(0x89) X(0x0d) X(0xbf) X(0xe6) X(0x42) X(0x68) \
    X(0x41) X(0x99) X(0x2d) X(0x0f) X(0xb0) X(0x54) X(0xbb) X(0x16)
#define SBOX_INVERSE(X) \
    X(0x52) X(0x09) X(0x6a) X(0xd5) X(0x30) X(0x36) X(0xa5) X(0x38) \
    X(0xbf) X(0x40) X(0xa3) X(0x9e) X(0x81) X(0xf3) X(0xd7) X(0xfb) \
    X(0x7c) X(0xe3) X(0x39) X(0x82) X(0x9b) X(0x2f) X(0xff) X(0x87) \
    X(0x34) X(0x8e) X(0x43) X(0x44) X(0xc4) X(0xde) X(0xe9) X(0xcb) \
    X(0x54) X(0x7b) X(0x94) X(0x32) X(0xa6) X(0xc2) X(0x23) X(0x3d) \
    X(0xee) X(0x4c) X(0x95) X(0x0b) X(0x42) X(0xfa) X(0xc3) X(0x4e) \
    X(0x08) X(0x2e) X(0xa1) X(0x66) X(0x28) X(0xd9) X(0x24) X(0xb2) \
    X(0x76) X(0x5b) X(0xa2) X(0x49) X(0x6d) X(0x8b) X(0xd1) X(0x25) \
    X(0x72) X(0xf8) X(0xf6) X(0x64) X(0x86) X(0x68) X(0x98) X(0x16) \
    X(0xd4) X(0xa4) X(0x5c) X(0xcc) X(0x5d) X(0x65) X(0xb6) X(0x92) \
    X(0x6c) X(0x70) X(0x48) X(0x50) X(0xfd) X(0xed) X(0xb9) X(0xda) \
    X(0x5e) X(0x15) X(0x46) X(0x57) X(0xa7) X(0x8d) X(0x9d) X(0x84) \
    X(0x90) X(0xd8) X(0xab) X(0x00) X(0x8c) X(0xbc) X(0xd3) X(0x0a) \
    X(0xf7) X(0xe4) X(0x58) X(0x05) X(0xb8) X(0xb3) X(0x45) X(0x06) \
    X(0xd0) X(0x2c) X(0x1e) X(0x8f) X(0xca) X(0x3f) X(0x0f) X(0x02) \
    X(0xc1) X(0xaf) X(0xbd) X(0x03) X(0x01) X(0x13) X(0x8a) X(0x6b) \
    X(0x3a) X(0x91) X(0x11) X(0x41) X(0x4f) X(0x67) X(0xdc) X(0xea) \
    X(0x97) X(0xf2) X(0xcf) X(0xce) X(0xf0) X(0xb4) X(0xe6) X(0x73) \
    X(0x96) X(0xac) X(0x74) X(0x22) X(0xe7) X(0xad) X(0x35) X(0x85) \
    X(0xe2) X(0xf9) X(0x37) X(0xe8) X(0x1c) X(0x75) X(0xdf) X(0x6e) \
    X(0x47) X(0xf1) X(0x1a) X(0x71) X(0x1d) X(0x29) X(0xc5) X(0x89) \
    X(0x6f) X(0xb7) X(0x62) X(0x0e) X(0xaa) X(0x18) X(0xbe) X(0x1b) \
    X(0xfc) X(0x56) X(0x3e) X(0x4b) X(0xc6) X(0xd2) X(0x79) X(0x20) \
    X(0x9a) X(0xdb) X(0xc0) X(0xfe) X(0x78) X(0xcd) X(0x5a) X(0xf4) \
    X(0x1f) X(0xdd) X(0xa8) X(0x33) X(0x88) X(0x07) X(0xc7) X(0x31) \
    X(0xb1) X(0x12) X(0x10) X(0x59) X(0x27) X(0x80) X(0xec) X(0x5f) \
    X(0x60) X(0x51) X(0x7f) X(0xa9) X(0x19) X(0xb5) X(0x4a) X(0x0d) \
    X(0x2d) X(0xe5) X(0x7a) X(0x9f) X(0x93) X(0xc9) X(0x9c) X(0xef) \
    X(0xa0) X(0xe0) X(0x3b) X(0x4d) X(0xae) X(0x2a) X(0xf5) X(0xb0) \
    X(0xc8) X(0xeb) X(0xbb) X(0x3c) X(0x83) X(0x53) X(0x99) X(0x61) \
    X(0x17) X(0x2b) X(0x04) X(0x7e) X(0xba) X(0x77) X(0xd6) X(0x26) \
    X(0xe1) X(0x69) X(0x14) X(0x63) X(0x55) X(0x21) X(0x0c) X(0x7d)

/* Multiplication in GF(2^8) by constants. */
#define MUL2(s) ((uint32_t)(((s) << 1 ^ ((s) & 0x80 ? 0x1b : 0)) & 0xff))
#define MUL4(s) MUL2(MUL2(s))
#define MUL8(s) MUL2(MUL4(s))
#define MUL9(s) (MUL8(s) ^ (s))
#define MUL11(s) (MUL8(s) ^ MUL2(s) ^ (s))
#define MUL13(s) (MUL8(s) ^ MUL4(s) ^ (s))
#define MUL14(s) (MUL8(s) ^ MUL4(s) ^ MUL2(s))
/* A column that has the byte s in row 0, through MixColumns and its inverse. */
#define MIX(s) (MUL2(s) | (s) << 8 | (s) << 16 | (MUL2(s) ^ (s)) << 24)
#define UNMIX(s) (MUL14(s) | MUL9(s) << 8 | MUL13(s) << 16 | MUL11(s) << 24)

#define ITEM(s) s,
#define ITEM_MIX(s) MIX(UINT32_C(s)),
#define ITEM_UNMIX(s) UNMIX(UINT32_C(s)),
static const uint8_t sbox[256] = { SBOX(ITEM) };
static const uint8_t sbox_inverse[256] = { SBOX_INVERSE(ITEM) };
static const uint32_t sbox_mix[256] = { SBOX(ITEM_MIX) };
static const uint32_t sbox_unmix[256] = { SBOX_INVERSE(ITEM_UNMIX) };
/* clang-format on */

/* CRC-32C of a byte: that of its bits, added up. */
/* clang-format off */
#define CRC(n)                                                               \
    ((n & 0x01 ? UINT32_C(0xf26b8303) : 0) ^ (n & 0x02 ? UINT32_C(0xe13b70f7) : 0) ^ \
     (n & 0x04 ? UINT32_C(0xc79a971f) : 0) ^ (n & 0x08 ? UINT32_C(0x8ad958cf) : 0) ^ \
     (n & 0x10 ? UINT32_C(0x105ec76f) : 0) ^ (n & 0x20 ? UINT32_C(0x20bd8ede) : 0) ^ \
     (n & 0x40 ? UINT32_C(0x417b1dbc) : 0) ^ (n & 0x80 ? UINT32_C(0x82f63b78) : 0))
#define CRC4(n) CRC(n), CRC((n + 1)), CRC((n + 2)), CRC((n + 3))
#define CRC16(n) CRC4(n), CRC4((n + 4)), CRC4((n + 8)), CRC4((n + 12))
#define CRC64(n) CRC16(n), CRC16((n + 16)), CRC16((n + 32)), CRC16((n + 48))
static const uint32_t crc32c[256] = { CRC64(0), CRC64(64), CRC64(128), CRC64(192) };
/* clang-format on */

static always_inline uint32_t rotl(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

/* The column of byte `r` that ShiftRows moves to column c, and back. */
static always_inline unsigned shifted(unsigned r, unsigned c)
{
    return r + 4 * ((c + r) & 3);
}

static always_inline unsigned unshifted(unsigned r, unsigned c)
{
    return r + 4 * ((c - r) & 3);
}

static v128 op_aesenc(v128 state, v128 key, unsigned imm)
{
    v16u8 s = (v16u8)state;
    v4u32 r = {0};

    for (unsigned c = 0; c < 4; c++)
        r[c] = sbox_mix[s[shifted(0, c)]] ^
               rotl(sbox_mix[s[shifted(1, c)]], 8) ^
               rotl(sbox_mix[s[shifted(2, c)]], 16) ^
               rotl(sbox_mix[s[shifted(3, c)]], 24);
    return (v128)r ^ key;
}

static v128 op_aesdec(v128 state, v128 key, unsigned imm)
{
    v16u8 s = (v16u8)state;
    v4u32 r = {0};

    for (unsigned c = 0; c < 4; c++)
        r[c] = sbox_unmix[s[unshifted(0, c)]] ^
               rotl(sbox_unmix[s[unshifted(1, c)]], 8) ^
               rotl(sbox_unmix[s[unshifted(2, c)]], 16) ^
               rotl(sbox_unmix[s[unshifted(3, c)]], 24);
    return (v128)r ^ key;
}

static v128 op_aesenclast(v128 state, v128 key, unsigned imm)
{
    v16u8 s = (v16u8)state, r = {0};

    for (unsigned i = 0; i < 16; i++)
        r[i] = sbox[s[shifted(i & 3, i / 4)]];
    return (v128)r ^ key;
}

static v128 op_aesdeclast(v128 state, v128 key, unsigned imm)
{
    v16u8 s = (v16u8)state, r = {0};

    for (unsigned i = 0; i < 16; i++)
        r[i] = sbox_inverse[s[unshifted(i & 3, i / 4)]];
    return (v128)r ^ key;
}

/* InvMixColumns alone: the table undone by the box first. */
static v128 op_aesimc(v128 unused, v128 state, unsigned imm)
{
    v16u8 s = (v16u8)state;
    v4u32 r = {0};

    for (unsigned c = 0; c < 4; c++)
        r[c] = sbox_unmix[sbox[s[4 * c]]] ^
               rotl(sbox_unmix[sbox[s[4 * c + 1]]], 8) ^
               rotl(sbox_unmix[sbox[s[4 * c + 2]]], 16) ^
               rotl(sbox_unmix[sbox[s[4 * c + 3]]], 24);
    return (v128)r;
}

static uint32_t sub_word(uint32_t v)
{
    return sbox[v & 0xff] | (uint32_t)sbox[v >> 8 & 0xff] << 8 |
           (uint32_t)sbox[v >> 16 & 0xff] << 16 | (uint32_t)sbox[v >> 24] << 24;
}

static v128 op_aeskeygenassist(v128 unused, v128 vb, unsigned imm)
{
    v4u32 b = (v4u32)vb;
    uint32_t x1 = sub_word(b[1]), x3 = sub_word(b[3]);

    return (v128)(v4u32){x1, rotl(x1, 24) ^ imm, x3, rotl(x3, 24) ^ imm};
}

/* The product of two polynomials over GF(2), four bits at a time. */
static v128 op_pclmulqdq(v128 va, v128 vb, unsigned imm)
{
    uint64_t a = va[imm & 1], b = vb[imm >> 4 & 1];
    unsigned __int128 times[16] = {0, a}, r = 0;

    for (unsigned i = 2; i < 16; i += 2) {
        times[i] = times[i / 2] << 1;
        times[i + 1] = times[i] ^ a;
    }
    for (unsigned shift = 64; shift > 0;) {
        shift -= 4;
        r = r << 4 ^ times[b >> shift & 15];
    }
    return (v128){(uint64_t)r, (uint64_t)(r >> 64)};
}

/* SHA-1: A is the top doubleword. */
static v128 op_sha1rnds4(v128 va, v128 vb, unsigned imm)
{
    static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc,
                                          0xca62c1d6};
    v4u32 s = (v4u32)va, w = (v4u32)vb;
    uint32_t a = s[3], b = s[2], c = s[1], d = s[0], e = 0;

    for (unsigned i = 0; i < 4; i++) {
        uint32_t f, next;

        switch (imm & 3) {
        case 0: f = (b & c) ^ (~b & d); break;
        case 2: f = (b & c) ^ (b & d) ^ (c & d); break;
        default: f = b ^ c ^ d; break;
        }
        next = f + rotl(a, 5) + w[3 - i] + e + constants[imm & 3];
        e = d;
        d = c;
        c = rotl(b, 30);
        b = a;
        a = next;
    }
    return (v128)(v4u32){d, c, b, a};
}

static v128 op_sha1nexte(v128 va, v128 vb, unsigned imm)
{
    v4u32 a = (v4u32)va, b = (v4u32)vb;

    b[3] += rotl(a[3], 30);
    return (v128)b;
}

static v128 op_sha1msg1(v128 va, v128 vb, unsigned imm)
{
    v4u32 a = (v4u32)va, b = (v4u32)vb;

    return (v128)(v4u32){a[0] ^ b[2], a[1] ^ b[3], a[2] ^ a[0], a[3] ^ a[1]};
}

static v128 op_sha1msg2(v128 va, v128 vb, unsigned imm)
{
    v4u32 a = (v4u32)va, b = (v4u32)vb, r = {0};

    r[3] = rotl(a[3] ^ b[2], 1);
    r[2] = rotl(a[2] ^ b[1], 1);
    r[1] = rotl(a[1] ^ b[0], 1);
    r[0] = rotl(a[0] ^ r[3], 1);
    return (v128)r;
}

static v128 op_sha256msg1(v128 va, v128 vb, unsigned imm)
{
    v4u32 a = (v4u32)va, b = (v4u32)vb, r = {0};

    for (unsigned i = 0; i < 4; i++) {
        uint32_t w = i < 3 ? a[i + 1] : b[0];

        r[i] = a[i] + (rotl(w, 25) ^ rotl(w, 14) ^ w >> 3);
    }
    return (v128)r;
}

static v128 op_sha256msg2(v128 va, v128 vb, unsigned imm)
{
    v4u32 a = (v4u32)va, b = (v4u32)vb, r = {0};

    for (unsigned i = 0; i < 4; i++) {
        uint32_t w = i < 2 ? b[i + 2] : r[i - 2];

        r[i] = a[i] + (rotl(w, 15) ^ rotl(w, 13) ^ w >> 10);
    }
    return (v128)r;
}

/* Two rounds: a is CDGH, b is ABEF, the constants plus message in XMM0. */
static v128 sha256rnds2(v128 va, v128 vb, v128 vw)
{
    v4u32 x = (v4u32)va, y = (v4u32)vb, w = (v4u32)vw;
    uint32_t a = y[3], b = y[2], c = x[3], d = x[2];
    uint32_t e = y[1], f = y[0], g = x[1], h = x[0];

    for (unsigned i = 0; i < 2; i++) {
        uint32_t s1 = rotl(e, 26) ^ rotl(e, 21) ^ rotl(e, 7);
        uint32_t s0 = rotl(a, 30) ^ rotl(a, 19) ^ rotl(a, 10);
        uint32_t t = h + s1 + ((e & f) ^ (~e & g)) + w[i];
        uint32_t maj = (a & b) ^ (a & c) ^ (b & c);

        h = g;
        g = f;
        f = e;
        e = d + t;
        d = c;
        c = b;
        b = a;
        a = t + s0 + maj;
    }
    return (v128)(v4u32){f, e, b, a};
}

/* On both halves where VEX.L is set (VAES, VPCLMULQDQ). */
static always_inline void binary_imm(struct x86_cpu *cpu,
                                     const struct x86_insn *insn,
                                     v128 (*op)(v128, v128, unsigned))
{
    unsigned imm = (uint8_t)insn->imm;

    if (insn->flags & X86_I_L) {
        struct v256 b = avx_src256(cpu, insn);

        avx_put256(cpu, insn->reg, op(vec_get(cpu, insn->vvvv), b.lo, imm),
                   op(vec_get_hi(cpu, insn->vvvv), b.hi, imm));
    } else {
        v128 b = vec_src(cpu, insn);

        vec_put(cpu, insn, op(vec_get(cpu, vec_first(insn)), b, imm));
    }
}

X86_HANDLER(aesenc, binary_imm(cpu, insn, op_aesenc))
X86_HANDLER(aesenclast, binary_imm(cpu, insn, op_aesenclast))
X86_HANDLER(aesdec, binary_imm(cpu, insn, op_aesdec))
X86_HANDLER(aesdeclast, binary_imm(cpu, insn, op_aesdeclast))
X86_HANDLER(aesimc, binary_imm(cpu, insn, op_aesimc))
X86_HANDLER(aeskeygenassist, binary_imm(cpu, insn, op_aeskeygenassist))
X86_HANDLER(pclmulqdq, binary_imm(cpu, insn, op_pclmulqdq))
X86_HANDLER(sha1rnds4, binary_imm(cpu, insn, op_sha1rnds4))
X86_HANDLER(sha1nexte, binary_imm(cpu, insn, op_sha1nexte))
X86_HANDLER(sha1msg1, binary_imm(cpu, insn, op_sha1msg1))
X86_HANDLER(sha1msg2, binary_imm(cpu, insn, op_sha1msg2))
X86_HANDLER(sha256msg1, binary_imm(cpu, insn, op_sha256msg1))
X86_HANDLER(sha256msg2, binary_imm(cpu, insn, op_sha256msg2))

static const struct x86_insn *sha256rnds2_exec(struct x86_cpu *cpu,
                                               const struct x86_insn *insn)
{
    v128 b = sse_src(cpu, insn);

    sse_put(cpu, insn->reg,
            sha256rnds2(vec_get(cpu, insn->reg), b, vec_get(cpu, 0)));
    X86_NEXT(cpu, insn);
}

/* CRC32: opcode F0 takes a byte, F1 the operand size. */
static const struct x86_insn *crc32(struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    unsigned size = insn->opcode == 0xf0 ? 1 : insn->osize;
    uint32_t crc = (uint32_t)cpu->gpr[insn->reg];
    uint64_t v;

    if (insn->flags & X86_I_MEM)
        v = x86_ldn(cpu, insn, insn->seg, x86_ea(cpu, insn), size);
    else if (size == 1 && !(insn->flags & X86_I_REX) && insn->rm >= 4)
        v = cpu->gpr[insn->rm & 3] >> 8;
    else
        v = cpu->gpr[insn->rm];
    for (unsigned i = 0; i < size; i++, v >>= 8)
        crc = crc >> 8 ^ crc32c[(crc ^ v) & 0xff];
    cpu->gpr[insn->reg] = crc;
    X86_NEXT(cpu, insn);
}

x86_exec *x86_select_crypto(const struct x86_insn *insn)
{
    switch (x86_insn_row(insn)->mnemonic) {
    case X86_AESENC:
    case X86_VAESENC: return aesenc;
    case X86_AESENCLAST:
    case X86_VAESENCLAST: return aesenclast;
    case X86_AESDEC:
    case X86_VAESDEC: return aesdec;
    case X86_AESDECLAST:
    case X86_VAESDECLAST: return aesdeclast;
    case X86_AESIMC:
    case X86_VAESIMC: return aesimc;
    case X86_AESKEYGENASSIST:
    case X86_VAESKEYGENASSIST: return aeskeygenassist;
    case X86_PCLMULQDQ:
    case X86_VPCLMULQDQ: return pclmulqdq;
    case X86_SHA1RNDS4: return sha1rnds4;
    case X86_SHA1NEXTE: return sha1nexte;
    case X86_SHA1MSG1: return sha1msg1;
    case X86_SHA1MSG2: return sha1msg2;
    case X86_SHA256RNDS2: return sha256rnds2_exec;
    case X86_SHA256MSG1: return sha256msg1;
    case X86_SHA256MSG2: return sha256msg2;
    case X86_CRC32: return crc32;
    default: return NULL;
    }
}
