// Values of given ranks among others, by sorting their bits: eleven at a time, from the last ones.

#include <stdint.h>
#include <string.h>

enum { BITS = 11, VALUES = 1 << BITS, TIMES = 3 };

/* Bits that rise with the number (float). */
static inline uint32_t rising(uint32_t bits) {
  return bits ^ ((uint32_t)-(int32_t)(bits >> 31) | UINT32_C(0x80000000));
}

/* And back. */
static inline uint32_t number(uint32_t bits) {
  return bits ^ ((bits >> 31) - 1 | UINT32_C(0x80000000));
}

static inline uint32_t digit(uint32_t bits, int time) { return bits >> (time * BITS) & (VALUES - 1); }

/* Of `count` numbers, less than 2^32, those of the ranks 0 ≤ `ranks` < count into `found`. `from` and `to` hold as
   many as there are numbers. */
void order_statistics(const uint32_t *numbers, int64_t count, uint32_t *from, uint32_t *to, const int64_t *ranks,
                      int64_t asked, uint32_t *found) {
  uint32_t place[TIMES][VALUES];
  memset(place, 0, sizeof place);
  for (int64_t i = 0; i < count; i++) {
    const uint32_t bits = from[i] = rising(numbers[i]);
    for (int time = 0; time < TIMES; time++) place[time][digit(bits, time)]++;
  }
  for (int time = 0; time < TIMES; time++) {
    uint32_t below = 0;
    for (int value = 0; value < VALUES; value++) {
      const uint32_t here = place[time][value];
      place[time][value] = below;
      below += here;
    }
    for (int64_t i = 0; i < count; i++) to[place[time][digit(from[i], time)]++] = from[i];
    uint32_t *other = from;
    from = to;
    to = other;
  }
  for (int64_t k = 0; k < asked; k++) found[k] = number(from[ranks[k]]);
}
