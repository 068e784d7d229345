/* Floating point workloads: scalar and packed SSE, x87, AVX2 with FMA. */
#include <immintrin.h>
#include <math.h>

#include "bench.h"

static uint64_t bits(double d)
{
    uint64_t u;
    memcpy(&u, &d, 8);
    return u;
}

static uint64_t b_matmul(void)
{
    enum { N = 160 };
    static double a[N][N], b[N][N], c[N][N];
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = (i * 7 + j * 3) % 11 * 0.125;
            b[i][j] = (i * 5 + j) % 13 * 0.0625 - 0.3;
        }
    }
    for (long it = scaled(112); it > 0; it--) {
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                double s = c[i][j] * 0.5;
                for (int k = 0; k < N; k++) {
                    s += a[i][k] * b[k][j];
                }
                c[i][j] = s;
            }
        }
    }
    return bits(c[3][5]) ^ bits(c[N - 1][N - 2]);
}

static uint64_t b_nbody(void)
{
    typedef struct {
        double p[3], v[3], m;
    } Body;
    enum { N = 5 };
    Body b[N] = {
        {{0, 0, 0}, {0, 0, 0}, 39.47},
        {{4.84, -1.16, -0.1}, {0.6, 2.81, -0.02}, 0.037},
        {{8.34, 4.12, -0.4}, {-1.01, 1.82, 0.008}, 0.011},
        {{12.9, -15.1, -0.22}, {1.08, 0.87, -0.01}, 0.0017},
        {{15.4, -25.9, 0.18}, {0.98, 0.59, -0.03}, 0.002},
    };
    for (long it = scaled(2700000); it > 0; it--) {
        for (int i = 0; i < N; i++) {
            for (int j = i + 1; j < N; j++) {
                double d[3], r2 = 0;
                for (int k = 0; k < 3; k++) {
                    d[k] = b[i].p[k] - b[j].p[k];
                    r2 += d[k] * d[k];
                }
                double mag = 0.001 / (r2 * __builtin_sqrt(r2));
                for (int k = 0; k < 3; k++) {
                    b[i].v[k] -= d[k] * b[j].m * mag;
                    b[j].v[k] += d[k] * b[i].m * mag;
                }
            }
        }
        for (int i = 0; i < N; i++) {
            for (int k = 0; k < 3; k++) {
                b[i].p[k] += 0.001 * b[i].v[k];
            }
        }
    }
    return bits(b[1].p[0]) ^ bits(b[4].v[2]);
}

static uint64_t b_fft(void)
{
    enum { LG = 12, N = 1 << LG };
    static double re[N], im[N], wr[N / 2], wi[N / 2];
    for (int i = 0; i < N / 2; i++) {
        /* a rotation by repeated multiplication: no libm in the check value */
        double c = 0.99999882345170188, s = 0.0015339801862847655;
        wr[i] = i ? wr[i - 1] * c - wi[i - 1] * s : 1;
        wi[i] = i ? wi[i - 1] * c + wr[i - 1] * s : 0;
    }
    for (int i = 0; i < N; i++) {
        re[i] = (i * 31 % 17) - 8;
        im[i] = 0;
    }
    for (long it = scaled(3300); it > 0; it--) {
        for (int i = 0, j = 0; i < N; i++) {
            if (i < j) {
                double t = re[i];
                re[i] = re[j];
                re[j] = t;
                t = im[i];
                im[i] = im[j];
                im[j] = t;
            }
            int m = N >> 1;
            for (; m && j & m; m >>= 1) {
                j ^= m;
            }
            j |= m;
        }
        for (int len = 2; len <= N; len <<= 1) {
            int half = len / 2, step = N / len;
            for (int i = 0; i < N; i += len) {
                for (int k = 0; k < half; k++) {
                    double ur = re[i + k], ui = im[i + k];
                    double xr = re[i + k + half], xi = im[i + k + half];
                    double vr = xr * wr[k * step] - xi * wi[k * step];
                    double vi = xr * wi[k * step] + xi * wr[k * step];
                    re[i + k] = ur + vr;
                    im[i + k] = ui + vi;
                    re[i + k + half] = ur - vr;
                    im[i + k + half] = ui - vi;
                }
            }
        }
        for (int i = 0; i < N; i++) {
            re[i] *= 1.0 / 64;
            im[i] *= 1.0 / 64;
        }
    }
    return bits(re[1]) ^ bits(im[N / 3]);
}

/* Mandelbrot, four single-precision points at a time. */
static uint64_t b_sse(void)
{
    uint64_t sum = 0;
    int n = 256;
    for (long it = scaled(64); it > 0; it--) {
        for (int y = 0; y < n; y++) {
            __m128 ci = _mm_set1_ps(y * (2.0f / 256) - 1.0f);
            for (int x = 0; x < n; x += 4) {
                __m128 cr =
                    _mm_add_ps(_mm_mul_ps(_mm_setr_ps(x, x + 1, x + 2, x + 3),
                                          _mm_set1_ps(3.0f / 256)),
                               _mm_set1_ps(-2.2f));
                __m128 zr = _mm_setzero_ps(), zi = zr, cnt = zr;
                for (int k = 0; k < 100; k++) {
                    __m128 r2 = _mm_mul_ps(zr, zr), i2 = _mm_mul_ps(zi, zi);
                    __m128 m = _mm_cmple_ps(_mm_add_ps(r2, i2), _mm_set1_ps(4));
                    if (!_mm_movemask_ps(m)) {
                        break;
                    }
                    cnt = _mm_add_ps(cnt, _mm_and_ps(m, _mm_set1_ps(1)));
                    zi = _mm_add_ps(_mm_mul_ps(_mm_add_ps(zr, zr), zi), ci);
                    zr = _mm_add_ps(_mm_sub_ps(r2, i2), cr);
                }
                float c[4];
                _mm_storeu_ps(c, cnt);
                sum += c[0] + c[1] * 2 + c[2] * 3 + c[3] * 4;
            }
        }
    }
    return sum;
}

static uint64_t b_x87(void)
{
    long double s = 0, x = 1.0L;
    for (long it = scaled(20000000); it > 0; it--) {
        x = x * 1.0000001L + 0.5L / (x + it);
        s += __builtin_sqrtl(x) - x / 3.0L;
    }
    return bits((double)s);
}

static uint64_t b_x87trig(void)
{
    long double s = 0;
    for (long it = scaled(12000000); it > 0; it--) {
        long double a = it * 1e-4L, r;
        __asm__("fsin" : "=t"(r) : "0"(a));
        s += r;
        __asm__("fcos" : "=t"(r) : "0"(a));
        s += r * r;
    }
    /* the last bits of fsin differ between machines */
    return (int64_t)(s * 1000);
}

__attribute__((target("avx2,fma"))) static uint64_t avx2_kernel(void)
{
    enum { N = 4096 };
    static float x[N] __attribute__((aligned(32))),
        y[N] __attribute__((aligned(32)));
    static int32_t v[N] __attribute__((aligned(32)));
    __m256i acc = _mm256_setzero_si256();
    __m256 facc = _mm256_setzero_ps();
    for (int i = 0; i < N; i++) {
        x[i] = i % 37 * 0.25f;
        y[i] = i % 11 * 0.5f - 2;
        v[i] = i * 2654435761u;
    }
    for (long it = scaled(62500); it > 0; it--) {
        __m256 k = _mm256_set1_ps((it & 7) * 0.125f - 0.5f);
        for (int i = 0; i < N; i += 8) {
            __m256 a = _mm256_load_ps(x + i), b = _mm256_load_ps(y + i);
            b = _mm256_fmadd_ps(a, k, b);
            b = _mm256_min_ps(_mm256_max_ps(b, _mm256_set1_ps(-100)),
                              _mm256_set1_ps(100));
            _mm256_store_ps(y + i, b);
            facc = _mm256_add_ps(facc, b);
            __m256i w = _mm256_load_si256((void *)(v + i));
            w = _mm256_add_epi32(
                _mm256_mullo_epi32(w, _mm256_set1_epi32(1664525)),
                _mm256_srli_epi32(w, 7));
            _mm256_store_si256((void *)(v + i), w);
            acc = _mm256_xor_si256(acc, _mm256_permute4x64_epi64(w, 0x1b));
        }
    }
    uint32_t o[8], r = 0;
    float f[8];
    _mm256_storeu_si256((void *)o, acc);
    _mm256_storeu_ps(f, facc);
    for (int i = 0; i < 8; i++) {
        r = r * 31 + o[i];
        r ^= (uint32_t)(int32_t)f[i];
    }
    return r;
}

static uint64_t b_avx2(void)
{
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
        bench_skip("no AVX2/FMA");
    }
    return avx2_kernel();
}

const Bench fp_benches[] = {{"fp.matmul", b_matmul}, {"fp.nbody", b_nbody},
                            {"fp.fft", b_fft},       {"fp.sse", b_sse},
                            {"fp.x87", b_x87},       {"fp.x87trig", b_x87trig},
                            {"fp.avx2", b_avx2},     {NULL, NULL}};
