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
#define ROUNDS ((REAL)(IS_DOUBLE ? 6755399441055744.0 : 12582912.0)) /* what is added to it is rounded to a whole */
#define SQRT(x) (IS_DOUBLE ? sqrt(x) : sqrtf((float)(x)))

INLINE vec all(REAL x) { return (vec){0} + x; }
INLINE vec choose(ivec yes, vec a, vec b) { return (vec)((yes & (ivec)a) | (~yes & (ivec)b)); }

/* ---- elementary functions: absolute error of 1e-7 in float, 1e-15 in double; NaN stays ---- */

#if defined(__AVX512F__) && IS_DOUBLE

INLINE vec rectified(vec x) { return _mm512_max_pd(all(0), x); } /* the second where one is NaN */
INLINE vec at_most(vec limit, vec x) { return _mm512_min_pd(limit, x); }
INLINE vec inverse(vec x) { return 1 / x; }
INLINE vec power_of_two(vec p, vec n) { return _mm512_scalef_pd(p, n); }

#elif defined(__AVX512F__)

INLINE vec rectified(vec x) { return _mm512_max_ps(all(0), x); }
INLINE vec at_most(vec limit, vec x) { return _mm512_min_ps(limit, x); }
INLINE vec inverse(vec x) {
  const vec r = _mm512_rcp14_ps(x);
  return r * (2 - x * r);
}
INLINE vec power_of_two(vec p, vec n) { return _mm512_scalef_ps(p, n); }

#else

INLINE vec rectified(vec x) { return choose(x > all(0), x, x * 0); }
INLINE vec at_most(vec limit, vec x) { return choose(x > limit, limit, x); }
INLINE vec inverse(vec x) { return 1 / x; }
INLINE vec power_of_two(vec p, vec n) {
  const int bias = IS_DOUBLE ? 1023 : 127, mantissa = IS_DOUBLE ? 52 : 23;
  n = choose(n < all(1 - bias), all(1 - bias), n);
  return p * (vec)(((ivec)(n + ROUNDS) - (ivec)all(ROUNDS) + bias) << mantissa);
}

#endif

/* 2^r between -1/2 and 1/2: to 8e-8 of it in float, to 1e-17 and rounding in double */
INLINE vec exponential(vec r) {
#if IS_DOUBLE
  vec p = all(1.3691488853904128e-12);
  p = p * r + 2.5678435993488206e-11;
  p = p * r + 4.4455382718708116e-10;
  p = p * r + 7.054911620801123e-09;
  p = p * r + 1.01780860092397e-07;
  p = p * r + 1.321548679014431e-06;
  p = p * r + 1.5252733804059841e-05;
  p = p * r + 0.0001540353039338161;
  p = p * r + 0.0013333558146428443;
  p = p * r + 0.009618129107628477;
  p = p * r + 0.05550410866482158;
  p = p * r + 0.24022650695910072;
  p = p * r + 0.6931471805599453;
  p = p * r + 1.0;
#else
  vec p = all(1.3276511e-3f);
  p = p * r + 9.6755405e-3f;
  p = p * r + 5.5507133e-2f;
  p = p * r + 2.4022120e-1f;
  p = p * r + 6.9314697e-1f;
  p = p * r + 1.0000001f;
#endif
  return p;
}

/* 1 / (1 + 2^(by x)) */
INLINE vec logistic(vec x, REAL by) {
  x = at_most(all(IS_DOUBLE ? 1022 : 126), x * by); /* 2^x, and 1 + 2^x, are finite */
#if !defined(__AVX512F__) /* whose power of two takes any number */
  x = choose(x < all(IS_DOUBLE ? -1022 : -126), all(IS_DOUBLE ? -1022 : -126), x);
#endif
  const vec n = (x + ROUNDS) - ROUNDS;
  return inverse(1 + power_of_two(exponential(x - n), n));
}
#define LOG2_E 1.44269504088896340736
INLINE vec sigmoid(vec x) { return logistic(x, (REAL)-LOG2_E); }
INLINE vec tanh_of(vec x) { return 2 * logistic(x, (REAL)(-2 * LOG2_E)) - 1; }

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
