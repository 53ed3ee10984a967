// Free runs with tangent vectors, on a processor: z <- F(z), V <- J(z) V with the Jacobian by hand.
//
// Of a state the lanes are units, of tangent vectors they are the vectors. No number depends on who else is in the
// stack.
//
// Compiled for one ARCHITECTURE (RNN, PLRNN or LSTM), REAL and M (latent units), with vectors of BYTES; after
// vectors.h and network.h.

#define WIDE 4 /* vectors side by side, */
#define HIGH 4 /* and one below the other: sums that registers hold at a time; of an LSTM those of a unit's gates */

/* sums[i][k] = sum over the units `through` of W[rows[i]][j] V[j][k] */
INLINE void push(const int high, const int wide, vec sums[HIGH][WIDE], const REAL *W, const int *rows, const vec *V,
                 int64_t vectors, const int *through, int count) {
  vec sum[HIGH][WIDE];
  UNROLL for (int i = 0; i < high; i++) UNROLL for (int k = 0; k < wide; k++) sum[i][k] = all(0);
  for (int n = 0; n < count; n++) {
    const int j = through[n];
    vec v[WIDE];
    UNROLL for (int k = 0; k < wide; k++) v[k] = V[j * vectors + k];
    UNROLL for (int i = 0; i < high; i++) {
      const REAL w = W[rows[i] * M + j];
      UNROLL for (int k = 0; k < wide; k++) sum[i][k] += w * v[k];
    }
  }
  UNROLL for (int i = 0; i < high; i++) UNROLL for (int k = 0; k < wide; k++) sums[i][k] = sum[i][k];
}

/* `high` units from i on, `wide` vectors: those of V after a step, into `out`. */
INLINE void units(const int high, const int wide, vec *out, const vec *V, int64_t vectors, int i, const REAL *W,
                  const Net *net, const int *through, int count) {
  vec sums[HIGH][WIDE];
  int rows[HIGH];
#if ARCHITECTURE == LSTM
  const number *gates = (const number *)net->gates;
  const REAL before = ((const number *)net->before)[i];
  UNROLL for (int g = 0; g < 4; g++) rows[g] = g * M + i;
  push(4, wide, sums, W, rows, V, vectors, through, count);
  const REAL let = gates[i], keep = gates[GATE + i], o = gates[2 * GATE + i], new = gates[3 * GATE + i];
  const REAL t = ((const number *)net->seen)[i], by_c = o * (1 - t * t), by_o = o * (1 - o) * t;
  const REAL by_let = let * (1 - let) * new, by_keep = keep * (1 - keep) * before, by_new = let * (1 - new * new);
  UNROLL for (int k = 0; k < wide; k++) {
    const vec d_c = keep * V[(M + i) * vectors + k] + by_let * sums[0][k] + by_keep * sums[1][k] + by_new * sums[3][k];
    out[(M + i) * vectors + k] = d_c;
    out[i * vectors + k] = by_c * d_c + by_o * sums[2][k];
  }
  (void)high;
#else
  const number *z = (const number *)net->z;
  UNROLL for (int n = 0; n < high; n++) rows[n] = i + n;
  push(high, wide, sums, W, rows, V, vectors, through, count);
  UNROLL for (int n = 0; n < high; n++) UNROLL for (int k = 0; k < wide; k++)
    out[(i + n) * vectors + k] = ARCHITECTURE == RNN ? (1 - z[i + n] * z[i + n]) * sums[n][k]
        : sums[n][k] + ((const number *)net->diagonal)[i + n] * V[(i + n) * vectors + k];
#endif
}

INLINE void some_vectors(const int wide, vec *out, const vec *V, int64_t vectors, const REAL *W, const Net *net,
                         const int *through, int count) {
  const int high = ARCHITECTURE == LSTM ? 1 : HIGH;
  int i = 0;
  for (; i + high <= M; i += high) units(high, wide, out, V, vectors, i, W, net, through, count);
  if (M % high) units(M % high, wide, out, V, vectors, i, W, net, through, count);
}

/* Takes every run from its state in `states` (members, runs, WHOLE) `steps` further, and with it `count` tangent
   vectors, `tangents` (members, runs, WHOLE, count). With `scales` (members, runs) these have 1 as their largest number
   after each step, and what they were divided by is added to it, as a logarithm. `path` (members, steps, WHOLE), where
   there is one, is that of a member's last run. Weights are (members, GATES, M), biases (members, GATES). Returns 0, or 1
   without memory. */
int run_tangents(int64_t members, int64_t runs, int64_t steps, int64_t count, const REAL *weights, const REAL *bias,
             REAL *states, REAL *tangents, REAL *scales, REAL *path) {
  const int64_t vectors = (count + LANES - 1) / LANES;
  const size_t size = (size_t)(WHOLE * vectors) * sizeof(vec);
  void *memory = NULL;
  if (posix_memalign(&memory, BYTES, sizeof(Net) + 2 * size + sizeof(REAL) * GATES * M)) return 1;
  Net *net = memory;
  vec *V = (vec *)(net + 1), *out = V + WHOLE * vectors;
  REAL *W = (REAL *)(out + WHOLE * vectors);
  int through[M];
  for (int64_t e = 0; e < members; e++) {
    load(net, weights + e * GATES * M, bias + e * GATES);
    memcpy(W, weights + e * GATES * M, sizeof(REAL) * GATES * M);
    if (ARCHITECTURE == PLRNN)
      for (int i = 0; i < M; i++) W[i * M + i] = 0;
    for (int64_t r = 0; r < runs; r++) {
      REAL *state = states + (e * runs + r) * WHOLE, *in = tangents + (e * runs + r) * WHOLE * count, scale = 0;
      set_state(net, state);
      memset(V, 0, size);
      memset(out, 0, size);
      for (int i = 0; i < WHOLE; i++) memcpy(V + i * vectors, in + i * count, sizeof(REAL) * (size_t)count);
      for (int64_t t = 0; t < steps; t++) {
        const number *z = (const number *)net->z;
        int active = 0;
        for (int j = 0; j < M; j++)
          if (ARCHITECTURE != PLRNN || z[j] > 0) through[active++] = j;
        step(net);
        int64_t k = 0;
        for (; k + WIDE <= vectors; k += WIDE) some_vectors(WIDE, out + k, V + k, vectors, W, net, through, active);
        for (; k < vectors; k++) some_vectors(1, out + k, V + k, vectors, W, net, through, active);
        vec *swap = V;
        V = out;
        out = swap;
        if (path && r == runs - 1) get_state(path + (e * steps + t) * WHOLE, net);
        if (!scales) continue;
        vec most = all(0), lost = all(0);
        for (int64_t n = 0; n < WHOLE * vectors; n++) {
          const vec x = choose(V[n] < all(0), -V[n], V[n]);
          most = choose(x > most, x, most);
          lost += x * 0;
        }
        REAL largest = 0;
        for (int l = 0; l < LANES; l++) largest = most[l] > largest ? most[l] : largest;
        for (int l = 0; l < LANES; l++) largest += lost[l]; /* NaN where any number is not finite */
        scale += (REAL)log((double)largest);
        if (largest > 0) {
          const REAL by = 1 / largest;
          if (by < (REAL)INFINITY)
            for (int64_t n = 0; n < WHOLE * vectors; n++) V[n] *= by;
          else /* a denormal number has no inverse */
            for (int64_t n = 0; n < WHOLE * vectors; n++) V[n] /= all(largest);
        }
      }
      get_state(state, net);
      for (int i = 0; i < WHOLE; i++) memcpy(in + i * count, V + i * vectors, sizeof(REAL) * (size_t)count);
      if (scales) scales[e * runs + r] += scale;
    }
  }
  free(memory);
  return 0;
}
