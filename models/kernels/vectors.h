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
typedef REAL vec __attribute__((vector_size(BYTES)));
typedef INTEGER ivec __attribute__((vector_size(BYTES)));
#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif
#define SQRT(x) (IS_DOUBLE ? sqrt(x) : sqrtf((float)(x)))
INLINE vec all(REAL x) { return (vec){0} + x; }
INLINE vec choose(ivec yes, vec a, vec b) { return (vec)((yes & (ivec)a) | (~yes & (ivec)b)); }

/* ---- elementary functions: absolute error of 1e-7 in float; NaN stays ---- */

#if !IS_DOUBLE && defined(__AVX512F__)

INLINE vec rectified(vec x) { return _mm512_max_ps(all(0), x); } /* the second where one is NaN */
INLINE vec at_most(vec limit, vec x) { return _mm512_min_ps(limit, x); }
INLINE vec inverse(vec x) {
  const vec r = _mm512_rcp14_ps(x);
  return r * (2 - x * r);
}
INLINE vec power_of_two(vec p, vec n) { return _mm512_scalef_ps(p, n); }

#elif !IS_DOUBLE

INLINE vec rectified(vec x) { return choose(x > all(0), x, x * 0); }
INLINE vec at_most(vec limit, vec x) { return choose(x > limit, limit, x); }
INLINE vec inverse(vec x) { return 1 / x; }
INLINE vec power_of_two(vec p, vec n) {
  n = choose(n < all(-126), all(-126), n);
  return p * (vec)(((ivec)(n + 12582912.0f) - 0x4B400000 + 127) << 23);
}

#else

INLINE vec rectified(vec x) { return choose(x > all(0), x, x * 0); }

#endif

#if IS_DOUBLE

INLINE vec sigmoid(vec x) {
  vec y;
  for (int l = 0; l < LANES; l++) y[l] = 1 / (1 + exp(-x[l]));
  return y;
}
INLINE vec tangent(vec x) {
  vec y;
  for (int l = 0; l < LANES; l++) y[l] = tanh(x[l]);
  return y;
}

#else

#define ROUNDS 12582912.0f /* 1.5 * 2^23: what is added to it is rounded to a whole number */

/* 1 / (1 + 2^(by x)) */
INLINE vec logistic(vec x, REAL by) {
  x = at_most(all(126.0f), x * by); /* 2^x, and 1 + 2^x, are finite */
  const vec n = (x + ROUNDS) - ROUNDS, r = x - n;
  vec p = all(1.3276511e-3f); /* 2^r between -1/2 and 1/2, to 8e-8 of it */
  p = p * r + 9.6755405e-3f;
  p = p * r + 5.5507133e-2f;
  p = p * r + 2.4022120e-1f;
  p = p * r + 6.9314697e-1f;
  p = p * r + 1.0000001f;
  return inverse(1 + power_of_two(p, n));
}
INLINE vec sigmoid(vec x) { return logistic(x, -1.44269504088896341f); }
INLINE vec tangent(vec x) { return 2 * logistic(x, -2.88539008177792681f) - 1; }

#endif

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
