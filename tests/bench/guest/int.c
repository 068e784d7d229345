/* Integer workloads: ALU, branches, calls, memory, and code that changes. */
#include <emmintrin.h>
#include <sys/mman.h>

#include "bench.h"

/* A list, a small matrix, a state machine and a CRC, taken in turn. */
typedef struct Node {
    struct Node *next;
    int16_t key, val;
} Node;

static uint16_t crc16(uint16_t crc, uint32_t v)
{
    for (int i = 0; i < 32; i++, v >>= 1) {
        crc = (crc >> 1) ^ (((crc ^ v) & 1) ? 0xa001 : 0);
    }
    return crc;
}

static Node *list_reverse(Node *l)
{
    Node *r = NULL;
    while (l) {
        Node *n = l->next;
        l->next = r;
        r = l;
        l = n;
    }
    return r;
}

static Node *list_merge_sort(Node *l)
{
    Node *a = l, *b, *slow = l, *fast, head, *t = &head;
    if (!l || !l->next) {
        return l;
    }
    for (fast = l->next; fast && fast->next; fast = fast->next->next) {
        slow = slow->next;
    }
    b = slow->next;
    slow->next = NULL;
    a = list_merge_sort(a);
    b = list_merge_sort(b);
    while (a && b) {
        Node **m = a->key <= b->key ? &a : &b;
        t->next = *m;
        t = *m;
        *m = (*m)->next;
    }
    t->next = a ? a : b;
    return head.next;
}

static int scan_numbers(const char *s, int *counts)
{
    enum { START, INT, FRAC, EXP, BAD } st = START;
    int n = 0;
    for (; *s; s++) {
        char c = *s;
        if (c == ',') {
            counts[st]++;
            st = START;
            n++;
            continue;
        }
        switch (st) {
        case START:
            st = (c >= '0' && c <= '9') || c == '-' ? INT
                 : c == '.'                         ? FRAC
                                                    : BAD;
            break;
        case INT:
            st = c >= '0' && c <= '9' ? INT
                 : c == '.'           ? FRAC
                 : c == 'e'           ? EXP
                                      : BAD;
            break;
        case FRAC:
            st = c >= '0' && c <= '9' ? FRAC : c == 'e' ? EXP : BAD;
            break;
        case EXP: st = c >= '0' && c <= '9' ? EXP : BAD; break;
        case BAD: break;
        }
    }
    return n;
}

static uint64_t b_mix(void)
{
    enum { NN = 256, M = 24 };
    static Node nodes[NN];
    static int16_t ma[M][M], mb[M][M];
    static int32_t mc[M][M];
    static const char text[] =
        "123,-45.6,7e8,.99,abc,0,1.5e3,--2,77777,3.14159,e1,12,";
    uint32_t seed = 1;
    uint16_t crc = 0;
    int counts[5] = {0};

    for (long it = scaled(44000); it > 0; it--) {
        for (int i = 0; i < NN; i++) {
            nodes[i].next = i + 1 < NN ? &nodes[i + 1] : NULL;
            nodes[i].key = rnd(&seed);
            nodes[i].val = i;
        }
        Node *l = list_merge_sort(list_reverse(nodes));
        crc = crc16(crc, l->key);
        for (int i = 0; i < M; i++) {
            for (int j = 0; j < M; j++) {
                ma[i][j] = seed >> (i & 15);
                mb[i][j] = i * j + it;
            }
        }
        for (int i = 0; i < M; i++) {
            for (int j = 0; j < M; j++) {
                int32_t s = 0;
                for (int k = 0; k < M; k++) {
                    s += ma[i][k] * mb[k][j];
                }
                mc[i][j] = s;
            }
        }
        crc = crc16(crc, mc[it % M][3]);
        for (int i = 0; i < 8; i++) {
            crc = crc16(crc, scan_numbers(text + i, counts));
        }
        crc = crc16(crc, counts[1] + counts[4]);
    }
    return crc;
}

static uint64_t b_sieve(void)
{
    enum { N = 2000000 };
    static uint8_t f[N + 1];
    uint64_t count = 0;

    for (long it = scaled(210); it > 0; it--) {
        memset(f, 1, sizeof(f));
        for (int i = 2; i * i <= N; i++) {
            if (f[i]) {
                for (int j = i * i; j <= N; j += i) {
                    f[j] = 0;
                }
            }
        }
        for (int i = 2; i <= N; i++) {
            count += f[i];
        }
    }
    return count;
}

/* A register bytecode machine: one indirect branch for each bytecode. */
enum {
    OP_LDI,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_XOR,
    OP_SHR,
    OP_LD,
    OP_ST,
    OP_JNZ,
    OP_MOV,
    OP_AND,
    OP_HALT
};
typedef struct {
    uint8_t op, a, b, c;
    int32_t imm;
} Insn;

static uint64_t interp(const Insn *code, long n)
{
    static uint32_t mem[256];
    uint32_t r[16] = {0};
    const Insn *p = code;
    r[15] = n;
    for (;; p++) {
        switch (p->op) {
        case OP_LDI: r[p->a] = p->imm; break;
        case OP_ADD: r[p->a] = r[p->b] + r[p->c]; break;
        case OP_SUB: r[p->a] = r[p->b] - r[p->c]; break;
        case OP_MUL: r[p->a] = r[p->b] * r[p->c]; break;
        case OP_XOR: r[p->a] = r[p->b] ^ r[p->c]; break;
        case OP_SHR: r[p->a] = r[p->b] >> (p->imm & 31); break;
        case OP_LD: r[p->a] = mem[r[p->b] & 255]; break;
        case OP_ST: mem[r[p->b] & 255] = r[p->a]; break;
        case OP_JNZ:
            if (r[p->a]) {
                p = code + p->imm - 1;
            }
            break;
        case OP_MOV: r[p->a] = r[p->b]; break;
        case OP_AND: r[p->a] = r[p->b] & r[p->c]; break;
        case OP_HALT: return ((uint64_t)r[2] << 32) | r[3];
        }
    }
}

static uint64_t b_interp(void)
{
    static const Insn code[] = {
        {OP_LDI, 1, 0, 0, 1},
        {OP_LDI, 2, 0, 0, 12345},
        {OP_LDI, 4, 0, 0, 1103515245},
        /* 3: */
        {OP_MUL, 2, 2, 4, 0},
        {OP_ADD, 2, 2, 15, 0},
        {OP_SHR, 5, 2, 0, 13},
        {OP_XOR, 3, 3, 5, 0},
        {OP_LD, 6, 5, 0, 0},
        {OP_ADD, 6, 6, 3, 0},
        {OP_ST, 6, 5, 0, 0},
        {OP_AND, 7, 5, 1, 0},
        {OP_JNZ, 7, 0, 0, 13},
        {OP_SUB, 3, 3, 6, 0},
        /* 13: */
        {OP_MOV, 8, 3, 0, 0},
        {OP_SUB, 15, 15, 1, 0},
        {OP_JNZ, 15, 0, 0, 3},
        {OP_HALT, 0, 0, 0, 0},
    };
    return interp(code, scaled(25000000));
}

static __attribute__((noinline, noclone)) uint32_t fib(uint32_t n)
{
    uint32_t r;
    if (n < 2) {
        return n;
    }
    r = fib(n - 1);
    __asm__ volatile("" : "+r"(r)); /* keep both calls */
    return r + fib(n - 2);
}

static uint64_t b_fib(void)
{
    uint64_t s = 0;
    for (long it = scaled(240); it > 0; it--) {
        s += fib(30);
    }
    return s;
}

static int cmp_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t b_qsort(void)
{
    enum { N = 400000 };
    uint32_t *v = malloc(N * sizeof(*v)), seed = 7;
    uint64_t s = 0;
    for (long it = scaled(20); it > 0; it--) {
        for (int i = 0; i < N; i++) {
            v[i] = rnd(&seed);
        }
        qsort(v, N, sizeof(*v), cmp_u32);
        s = s * 31 + v[N / 2] + v[N / 3];
    }
    free(v);
    return s;
}

/* Open addressing over 64 MB: TLB and cache misses. */
static uint64_t b_hash(void)
{
    enum { BITS = 23 };
    uint64_t *t = calloc(1u << BITS, sizeof(*t)), hits = 0;
    uint32_t seed = 99, mask = (1u << BITS) - 1;
    memset(t, 0, sizeof(*t) << BITS);
    bench_start();
    for (long it = scaled(18000000); it > 0; it--) {
        uint32_t k = rnd(&seed) & 0x3fffff;
        uint64_t key = k * 0x9e3779b97f4a7c15ull;
        uint32_t h = key >> (64 - BITS);
        while (t[h] && t[h] != key) {
            h = (h + 1) & mask;
        }
        hits += t[h] != 0;
        t[h] = key;
    }
    free(t);
    return hits;
}

#ifdef __x86_64__
#define REP_STOS "rep stosq"
#define REP_MOVS "rep movsq"
#else
#define REP_STOS "rep stosl"
#define REP_MOVS "rep movsl"
#endif

static void rep_movsb(void *d, const void *s, size_t n)
{
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
}

static void rep_stos(void *d, size_t v, size_t n)
{
    __asm__ volatile(REP_STOS : "+D"(d), "+c"(n) : "a"(v) : "memory");
}

static void rep_movs(void *d, const void *s, size_t n)
{
    __asm__ volatile(REP_MOVS : "+D"(d), "+S"(s), "+c"(n) : : "memory");
}

enum { BUF = 16 << 20 };

static uint64_t b_repmov(void)
{
    uint8_t *a = aligned_alloc(4096, BUF), *b = aligned_alloc(4096, BUF);
    uint64_t s = 0;
    rep_stos(a, 1, BUF / sizeof(long));
    rep_stos(b, 2, BUF / sizeof(long));
    bench_start();
    for (long it = scaled(120); it > 0; it--) {
        rep_stos(a, (size_t)(it * 0x0101010101010101ull), BUF / sizeof(long));
        rep_movsb(b, a, BUF);
        rep_movs(a + 8, b, BUF / sizeof(long) - 8 / sizeof(long));
        s += a[it] + b[BUF - 1];
    }
    free(a);
    free(b);
    return s;
}

static uint64_t b_ssecopy(void)
{
    __m128i *a = aligned_alloc(4096, BUF), *b = aligned_alloc(4096, BUF);
    uint64_t s = 0;
    memset(a, 1, BUF);
    memset(b, 2, BUF);
    bench_start();
    for (long it = scaled(400); it > 0; it--) {
        __m128i v = _mm_set1_epi8(it);
        for (int i = 0; i < BUF / 16; i++) {
            _mm_store_si128(a + i, v);
        }
        for (int i = 0; i < BUF / 16; i += 4) {
            __m128i x = _mm_load_si128(a + i), y = _mm_load_si128(a + i + 1);
            __m128i z = _mm_load_si128(a + i + 2),
                    w = _mm_load_si128(a + i + 3);
            _mm_store_si128(b + i, x);
            _mm_store_si128(b + i + 1, y);
            _mm_store_si128(b + i + 2, z);
            _mm_store_si128(b + i + 3, w);
        }
        s += ((uint8_t *)b)[it * 17];
    }
    free(a);
    free(b);
    return s;
}

/* Integer SIMD: sum of absolute differences, packed add/compare/shuffle. */
static uint64_t b_sse2(void)
{
    enum { N = 1 << 18 };
    static uint8_t a[N] __attribute__((aligned(16))),
        b[N] __attribute__((aligned(16)));
    uint32_t seed = 5;
    __m128i acc = _mm_setzero_si128();
    for (int i = 0; i < N; i++) {
        a[i] = rnd(&seed);
        b[i] = rnd(&seed);
    }
    bench_start();
    for (long it = scaled(6600); it > 0; it--) {
        for (int i = 0; i < N; i += 16) {
            __m128i x = _mm_load_si128((void *)(a + i)),
                    y = _mm_load_si128((void *)(b + i));
            __m128i d = _mm_sad_epu8(x, y);
            __m128i m = _mm_cmpgt_epi8(x, y);
            __m128i u = _mm_unpacklo_epi8(x, y), v = _mm_unpackhi_epi8(x, y);
            __m128i p = _mm_madd_epi16(u, v);
            acc = _mm_add_epi64(acc, d);
            acc = _mm_add_epi32(acc, _mm_and_si128(m, p));
            acc = _mm_xor_si128(acc,
                                _mm_shuffle_epi32(_mm_adds_epu16(u, v), 0x4e));
            _mm_store_si128((void *)(b + i),
                            _mm_add_epi8(y, _mm_srli_epi16(x, 3)));
        }
    }
    uint64_t o[2];
    _mm_storeu_si128((void *)o, acc);
    return o[0] + o[1];
}

static uint64_t b_str(void)
{
    static char text[65536], word[16];
    uint32_t seed = 3;
    uint64_t s = 0;
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        text[i] = "etaoin shrdlu cmf"[rnd(&seed) % 17];
    }
    bench_start();
    for (long it = scaled(4200); it > 0; it--) {
        snprintf(word, sizeof(word), "%c%c%ld", 'a' + (int)(it % 26), 'e',
                 it % 10);
        s += strlen(text);
        s += strstr(text, word) != NULL;
        for (char *p = text; (p = strchr(p, ' ')); p++) {
            s++;
        }
        /* by hand, byte by byte */
        uint32_t h = 2166136261u;
        for (const char *p = text; *p; p++) {
            h = (h ^ (uint8_t)*p) * 16777619u;
            if (*p >= 'a' && *p <= 'z') {
                h += *p - 'a';
            }
        }
        s += h;
        text[it * 31 % 65000] = 'a' + it % 26;
    }
    return s;
}

#ifdef __x86_64__
/*
 * Cold code: many distinct blocks, each run once.  Measures how fast code that
 * was never seen is brought to execution (for a translator: translation).
 */
static uint64_t b_cold(void)
{
    long n = scaled(300000);
    size_t size = n * 160 + 4096;
    uint8_t *p, *code = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    static uint64_t data[64];
    uint32_t seed = 11;
    uint64_t (*fn)(void *);

    if (code == MAP_FAILED) {
        die("mmap: %s", strerror(errno));
    }
    p = code;
    memcpy(p, "\x31\xc0\x31\xc9\x31\xd2\x31\xf6",
           8); /* zero eax, ecx, edx, esi */
    p += 8;
    for (long i = 0; i < n; i++) {
        for (int k = 0; k < 5; k++) {
            uint32_t r = rnd(&seed);
            uint8_t d = "\x00\x01\x02\x06"[r & 3],
                    s = "\x00\x01\x02\x06"[r >> 2 & 3];
            *p++ = 0x48;
            *p++ = "\x01\x29\x31\x09"[r >> 4 & 3];
            *p++ = 0xc0 | s << 3 | d; /* alu d, s */
            *p++ = 0x48;
            *p++ = 0x8d;
            *p++ = 0x44 | d << 3;
            *p++ = 0x08 | s;
            *p++ = r >> 8; /* lea d, [s+rcx+x] */
            *p++ = 0x48;
            *p++ = 0x03;
            *p++ = 0x47 | d << 3;
            *p++ = (r >> 16 & 15) * 8; /* add d, [rdi+x] */
        }
        *p++ = 0x48;
        *p++ = 0x89;
        *p++ = 0x47;
        *p++ = (i & 15) * 8; /* mov [rdi+x], rax */
        *p++ = 0x48;
        *p++ = 0x85;
        *p++ = 0xd2; /* test rdx, rdx */
        *p++ = 0x75;
        *p++ = 0x03; /* jnz +3 */
        *p++ = 0x48;
        *p++ = 0xff;
        *p++ = 0xc2; /* inc rdx */
    }
    *p++ = 0xc3;
    bench_start();
    fn = (void *)code;
    uint64_t r = fn(data);
    munmap(code, size);
    return r;
}

#endif

/* A function whose immediate is rewritten before each call. */
static uint64_t b_smc(void)
{
    uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint32_t (*fn)(void) = (void *)code;
    uint64_t s = 0;
    code[0] = 0xb8; /* mov $imm, %eax; ret */
    code[5] = 0xc3;
    for (uint32_t i = scaled(400000); i > 0; i--) {
        memcpy(code + 1, &i, 4);
        __asm__ volatile("" : : : "memory");
        s += fn();
    }
    munmap(code, 4096);
    return s;
}

#ifdef __x86_64__
/* 64-bit division and 128-bit products. */
static uint64_t b_muldiv(void)
{
    uint64_t a = 0x123456789abcdefull, s = 0;
    for (long it = scaled(400000000); it > 0; it--) {
        unsigned __int128 m = (unsigned __int128)a * 0xd1342543de82ef95ull;
        a = (uint64_t)m + (uint64_t)(m >> 64) + it;
        s += a / ((uint32_t)it | 1) + a % 1000003;
    }
    return s;
}
#endif

const Bench int_benches[] = {
    {"int.mix", b_mix},   {"int.sieve", b_sieve},   {"int.interp", b_interp},
    {"int.fib", b_fib},   {"int.qsort", b_qsort},   {"int.hash", b_hash},
    {"int.str", b_str},   {"int.repmov", b_repmov}, {"int.ssecopy", b_ssecopy},
    {"int.sse2", b_sse2}, {"int.smc", b_smc},
#ifdef __x86_64__
    {"int.cold", b_cold}, {"int.muldiv", b_muldiv},
#endif
    {NULL, NULL}};
