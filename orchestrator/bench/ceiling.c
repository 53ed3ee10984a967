// What a core can do at most: multiplications and additions that depend on nothing, in vectors of BYTES.

#include <stdint.h>

#define CHAINS 12

typedef float vec __attribute__((vector_size(BYTES)));

/* Runs CHAINS chains of `steps` fused multiplications and additions; returns how many operations that were. */
int64_t multiply_and_add(int64_t steps, float *out) {
  vec sum[CHAINS];
  const vec by = (vec){0} + 0.999f, plus = (vec){0} + 1e-6f;
  for (int i = 0; i < CHAINS; i++) sum[i] = (vec){0} + (float)(i + 1);
  for (int64_t t = 0; t < steps; t++)
#if defined(__clang__)
    _Pragma("unroll")
#else
    _Pragma("GCC unroll 12")
#endif
    for (int i = 0; i < CHAINS; i++) sum[i] = sum[i] * by + plus;
  vec all = (vec){0};
  for (int i = 0; i < CHAINS; i++) all += sum[i];
  *out = all[0];
  return steps * CHAINS * (int64_t)(BYTES / sizeof(float)) * 2;
}
