// What a core can do at most, with what kernels are made of (models/kernels/vectors.h, which comes before this).

#define CHAINS 12

/* Runs CHAINS chains of `times` fused multiplications and additions that depend on nothing else; returns how many
   operations that were. */
int64_t multiply_and_add(int64_t times, REAL *out, int64_t bytes) {
  (void)bytes;
  vec sum[CHAINS];
  const vec by = all(0.999f), plus = all(1e-6f);
  for (int i = 0; i < CHAINS; i++) sum[i] = all((float)(i + 1));
  for (int64_t t = 0; t < times; t++)
    UNROLL for (int i = 0; i < CHAINS; i++) sum[i] = sum[i] * by + plus;
  vec whole = all(0);
  for (int i = 0; i < CHAINS; i++) whole += sum[i];
  *out = whole[0];
  return times * CHAINS * LANES * 2;
}

/* Takes the logistic function of `bytes` of numbers so many times; returns of how many that was. */
int64_t functions(int64_t times, REAL *numbers, int64_t bytes) {
  const int count = (int)(bytes / BYTES);
  for (int64_t t = 0; t < times; t++) logistics(count, (vec *)numbers);
  return times * count * LANES;
}

/* Reads `bytes` of numbers so many times; returns how many bytes that was. */
int64_t passes(int64_t times, REAL *numbers, int64_t bytes) {
  vec sum[8];
  for (int i = 0; i < 8; i++) sum[i] = all(0);
  const vec *place = (const vec *)numbers;
  const int64_t count = bytes / BYTES / 8 * 8;
  for (int64_t t = 0; t < times; t++)
    for (int64_t k = 0; k < count; k += 8) UNROLL for (int i = 0; i < 8; i++) sum[i] += place[k + i];
  for (int i = 1; i < 8; i++) sum[0] += sum[i];
  numbers[0] += sum[0][0] * 1e-30f;
  return times * count * BYTES;
}
