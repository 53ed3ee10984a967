// Vectors of numbers and elementary functions of them, for what is compiled for one ARCHITECTURE (RNN, PLRNN or LSTM),
// REAL and M (latent units), with vectors of BYTES.

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE__)
#include <immintrin.h>
#endif

#define RNN 0
#define PLRNN 1
#define LSTM 2
#define GATES (ARCHITECTURE == LSTM ? 4 * M : M) /* rows of the recurrent weights */

#define LANES ((int)(BYTES / sizeof(REAL)))

typedef REAL number __attribute__((may_alias));
typedef REAL vec __attribute__((vector_size(BYTES)));
typedef INTEGER ivec __attribute__((vector_size(BYTES)));

#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif
#define MANTISSA (IS_DOUBLE ? 52 : 23)
#define LARGEST (IS_DOUBLE ? 1022 : 126) /* powers of two, of those that are numbers of full precision */
#define BIAS (LARGEST + 1)
#define ROUNDS ((REAL)(IS_DOUBLE ? 6755399441055744.0 : 12582912.0)) /* what is added to it is rounded to a whole */
#define SQRT(x) (IS_DOUBLE ? sqrt(x) : sqrtf((float)(x)))

INLINE vec all(REAL x) { return x - (vec){0}; }
INLINE vec choose(ivec yes, vec a, vec b) { return (vec)((yes & (ivec)a) | (~yes & (ivec)b)); }

/* ---- elementary functions: absolute error of 3e-7 in float, 5e-16 in double; NaN stays ---- */

/* An instruction of the widest vectors. */
#if IS_DOUBLE
#define TYPED(name) name##_pd
#else
#define TYPED(name) name##_ps
#endif
#if defined(__AVX512F__)
#define X86(name) TYPED(_mm512_##name)
#elif defined(__AVX__)
#define X86(name) TYPED(_mm256_##name)
#elif defined(__SSE2__)
#define X86(name) TYPED(_mm_##name)
#endif

#if defined(X86) /* the second, where one is NaN */
INLINE vec at_most(vec limit, vec x) { return X86(min)(limit, x); }
INLINE vec at_least(vec limit, vec x) { return X86(max)(limit, x); }
#else
INLINE vec at_most(vec limit, vec x) { return choose(x > limit, limit, x); }
INLINE vec at_least(vec limit, vec x) { return choose(x < limit, limit, x); }
#endif
INLINE vec rectified(vec x) { return at_least(all(0), x); }

#if defined(__AVX512F__) && !IS_DOUBLE
INLINE vec inverse(vec x) {
  const vec r = _mm512_rcp14_ps(x);
  return r * (2 - x * r);
}
#else
INLINE vec inverse(vec x) { return 1 / x; }
#endif

/* Of 2^r, highest power first: in float to 8e-8 of it between -1/2 and 1/2, or to 6e-8 between -1/64 and 1/64, where
   the widest vectors look up 2^(n/32); in double to 1e-17 and rounding. */
#if defined(__AVX512F__) && !IS_DOUBLE
#define LOOKED_UP 32
static const REAL powers[] = {0.24022651f, 0.69315734f, 1.0f};
static const REAL roots[LOOKED_UP] __attribute__((aligned(BYTES))) = {
    1.00000000f, 1.02189715f, 1.04427378f, 1.06714040f, 1.09050773f, 1.11438674f, 1.13878863f, 1.16372486f,
    1.18920712f, 1.21524736f, 1.24185781f, 1.26905096f, 1.29683955f, 1.32523664f, 1.35425555f, 1.38390988f,
    1.41421356f, 1.44518081f, 1.47682615f, 1.50916443f, 1.54221083f, 1.57598085f, 1.61049033f, 1.64575548f,
    1.68179283f, 1.71861930f, 1.75625216f, 1.79470908f, 1.83400809f, 1.87416763f, 1.91520656f, 1.95714412f,
};
#elif IS_DOUBLE
static const REAL powers[] = {
    1.3691488853904128e-12, 2.5678435993488206e-11, 4.4455382718708116e-10, 7.054911620801123e-09,
    1.01780860092397e-07,   1.321548679014431e-06,  1.5252733804059841e-05, 0.0001540353039338161,
    0.0013333558146428443,  0.009618129107628477,   0.05550410866482158,    0.24022650695910072,
    0.6931471805599453,     1.0};
#else
static const REAL powers[] = {1.3276511e-3f, 9.6755405e-3f, 5.5507133e-2f, 2.4022120e-1f, 6.9314697e-1f, 1.0000001f};
#endif
#define TERMS ((int)(sizeof powers / sizeof *powers))

/* Each waits long for itself: so many go side by side, as registers allow (three for each). */
#if defined(__AVX512F__)
#define GROUP 6
#elif defined(__aarch64__)
#define GROUP 8
#else
#define GROUP 4
#endif

/* x <- 1 / (1 + 2^x), of GROUP vectors at most. */
INLINE void logistic_group(const int count, vec *x) {
  vec n[GROUP], r[GROUP], p[GROUP];
#define EACH UNROLL for (int k = 0; k < count; k++)
  EACH r[k] = at_most(all(LARGEST), x[k]); /* 2^x, and 1 + 2^x, are finite, */
  EACH r[k] = at_least(all(-LARGEST), r[k]); /* and so is what is left of an infinite x */
#if defined(LOOKED_UP)
  EACH x[k] = r[k] + ROUNDS / LOOKED_UP; /* last bits: which root */
  EACH n[k] = x[k] - ROUNDS / LOOKED_UP;
  EACH r[k] -= n[k];
  EACH x[k] = X86(permutex2var)(*(const vec *)roots, (__m512i)x[k], *(const vec *)(roots + LANES));
  EACH n[k] = X86(scalef)(x[k], n[k]);
#elif defined(__AVX512F__)
  EACH n[k] = (r[k] + ROUNDS) - ROUNDS;
  EACH r[k] -= n[k];
  EACH n[k] = X86(scalef)(all(1), n[k]);
#else
  EACH n[k] = r[k] + (ROUNDS + BIAS); /* last bits: the exponent of 2^n */
  EACH r[k] -= n[k] - (ROUNDS + BIAS);
  EACH n[k] = (vec)((ivec)n[k] << MANTISSA);
#endif
  EACH p[k] = all(powers[0]);
  UNROLL for (int term = 1; term < TERMS; term++) EACH p[k] = p[k] * r[k] + powers[term];
  EACH x[k] = inverse(1 + p[k] * n[k]);
#undef EACH
}

INLINE void logistics(const int count, vec *x) {
  int k = 0;
  for (; k + GROUP <= count; k += GROUP) logistic_group(GROUP, x + k);
  for (; k < count; k++) logistic_group(1, x + k);
}

/* What 2^x is to be taken of for a sigmoid, and for tanh(x) = 2 sigmoid(2 x) - 1. */
#define FOR_SIGMOID ((REAL)-1.44269504088896340736)
#define FOR_TANH (2 * FOR_SIGMOID)

INLINE void sigmoids(const int count, vec *x) {
  for (int k = 0; k < count; k++) x[k] *= FOR_SIGMOID;
  logistics(count, x);
}

INLINE void tanhs(const int count, vec *x) {
  for (int k = 0; k < count; k++) x[k] *= FOR_TANH;
  logistics(count, x);
  for (int k = 0; k < count; k++) x[k] = 2 * x[k] - 1;
}

#if defined(__SSE__)
/* Vanishing gradients are full of denormal numbers, which are computed many times slower. */
#define FLUSHING \
  const unsigned csr_before = _mm_getcsr(); \
  if (!IS_DOUBLE) _mm_setcsr(csr_before | 0x8040);
#define FLUSHED _mm_setcsr(csr_before);
#else
#define FLUSHING
#define FLUSHED
#endif
