// Pairs of points counted by their distance in the maximum norm.

#include <math.h>
#include <stdint.h>
#include <string.h>

#define SOME 512 /* distances at a time: they stay in the nearest cache */
#define APART 4  /* counts side by side: one addition to a count waits for the one before */

/* counts[k] of pairs no further apart than radii[k] and further than radii[k - 1]; counts[count] of all beyond.
   Pairs are of the points `references` (indices) with all others more than `theiler` steps away. `columns` are
   (dimensions, points). radii are (count + 1), rising, the last infinite; `first` gives for the leading bits of a
   distance, 64 - `shift` of them less `base`, the number of radii below all distances that begin so, and no two radii
   begin alike. */
void near_pairs(const double *columns, int64_t dimensions, int64_t points, const int64_t *references,
                int64_t referred, int64_t theiler, const double *radii, int64_t count, const int32_t *first,
                int64_t shift, int64_t base, int64_t last, int64_t *apart) {
  double distance[SOME];
  int64_t place[SOME];
  memset(apart, 0, sizeof(int64_t) * (size_t)(APART * (count + 1)));
  for (int64_t r = 0; r < referred; r++) {
    const int64_t i = references[r];
    for (int side = 0; side < 2; side++) {
      const int64_t begin = side ? i + theiler + 1 : 0, end = side ? points : i - theiler;
      for (int64_t j = begin; j < end; j += SOME) {
        const int64_t some = end - j < SOME ? end - j : SOME;
        for (int64_t d = 0; d < dimensions; d++) {
          const double *x = columns + d * points, at = x[i];
          x += j;
          if (d == 0)
            for (int64_t k = 0; k < some; k++) distance[k] = fabs(x[k] - at);
          else
            for (int64_t k = 0; k < some; k++) {
              const double by = fabs(x[k] - at);
              distance[k] = distance[k] > by ? distance[k] : by;
            }
        }
        for (int64_t k = 0; k < some; k++) {
          int64_t bits;
          memcpy(&bits, distance + k, sizeof bits);
          bits = (bits >> shift) - base;
          place[k] = bits < 0 ? 0 : bits > last ? last : bits;
        }
        for (int64_t k = 0; k < some; k++) {
          int64_t below = first[place[k]];
          below += distance[k] > radii[below];
          apart[(k % APART) * (count + 1) + below]++;
        }
      }
    }
  }
  for (int64_t a = 1; a < APART; a++)
    for (int64_t k = 0; k <= count; k++) apart[k] += apart[a * (count + 1) + k];
}
