// Free runs of every member of a stack, on a processor: each run by itself, from its first step to its last.
//
// All of a network stays in the nearest cache. No number depends on who else is in the stack.
//
// Compiled for one ARCHITECTURE (RNN, PLRNN or LSTM), REAL and M (latent units), with vectors of BYTES; after
// vectors.h and network.h.

/* The read-out's `columns` numbers into `out`; whether all are finite. `shown` has its columns by unit. */
INLINE int read_out(double *out, const Net *net, const vec *shown, int64_t columns, int64_t vectors) {
  const number *z = (const number *)net->z;
  int finite = 1;
  for (int64_t v = 0; v < vectors; v++) {
    vec sum[4] = {all(0), all(0), all(0), all(0)};
    for (int j = 0; j < M; j++) sum[j % 4] += shown[j * vectors + v] * z[j];
    const vec x = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    for (int64_t k = v * LANES; k < columns && k < (v + 1) * LANES; k++) {
      out[k] = (double)x[k - v * LANES];
      finite &= out[k] - out[k] == 0;
    }
  }
  return finite;
}

/* Read-outs (members, runs, steps, columns) of runs from `start` (members, runs, whole state), and whole states at
   `marks`, steps that rise: (members, marks, runs, whole state). NaN from where a run is not finite. Weights are
   (members, GATES, M), biases (members, GATES), `shown` (members, columns, M). Returns 0, or 1 without memory. */
int free_runs(int64_t members, int64_t runs, int64_t steps, int64_t columns, const REAL *W, const REAL *bias,
              const REAL *shown, const REAL *start, double *series, int64_t marked, const int64_t *marks,
              REAL *states) {
  const int64_t vectors = (columns + LANES - 1) / LANES;
  void *memory = NULL;
  if (posix_memalign(&memory, BYTES, sizeof(Net) + (size_t)(M * vectors) * sizeof(vec))) return 1;
  Net *net = memory;
  vec *turned = (vec *)(net + 1);
  FLUSHING
  for (int64_t e = 0; e < members; e++) {
    load(net, W + e * GATES * M, bias + e * GATES);
    memset(turned, 0, sizeof(vec) * (size_t)(M * vectors));
    for (int64_t k = 0; k < columns; k++)
      for (int j = 0; j < M; j++) ((number *)turned)[j * vectors * LANES + k] = shown[(e * columns + k) * M + j];
    for (int64_t r = 0; r < runs; r++) {
      const REAL *first = start + (e * runs + r) * WHOLE;
      set_state(net, first);
      double *out = series + (e * runs + r) * steps * columns;
      int64_t t = 1, mark = 0;
      for (; t <= steps; t++, out += columns) {
        step(net);
        if (!read_out(out, net, turned, columns, vectors)) break;
        while (mark < marked && marks[mark] == t) {
          get_state(states + ((e * marked + mark++) * runs + r) * WHOLE, net);
        }
      }
      for (int64_t i = 0; i < (steps - t + 1) * columns; i++) out[i] = NAN;
      for (; mark < marked; mark++)
        for (int i = 0; i < WHOLE; i++) states[((e * marked + mark) * runs + r) * WHOLE + i] = (REAL)NAN;
    }
  }
  FLUSHED
  free(memory);
  return 0;
}
