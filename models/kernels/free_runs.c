// Free runs of every member of a stack, on a processor: each run by itself, from its first step to its last.
//
// The lanes of a vector are units: a step adds up the columns of the weights, each times its unit's state, and all
// of a network stays in the nearest cache. No number depends on who else is in the stack.
//
// Compiled for one ARCHITECTURE (RNN, PLRNN or LSTM), REAL and M (latent units), with vectors of BYTES. What a vector
// is, is in vectors.h, which comes before this.

#define VECTORS ((M + LANES - 1) / LANES)
#define GATE (VECTORS * LANES)
#define SUMS (GATES / M * VECTORS)
/* Sums that go side by side for each unit: one addition waits for the one before. */
#define CHAINS (SUMS < 8 ? 4 : 1)

typedef REAL number __attribute__((may_alias));
typedef struct {
  vec W[M][SUMS]; /* columns, gate after gate */
  vec bias[SUMS], diagonal[VECTORS];
  vec z[VECTORS], c[VECTORS]; /* the state */
} Net;

static void load(Net *net, const REAL *W, const REAL *bias) {
  memset(net, 0, sizeof *net);
  number *columns = (number *)net->W, *biases = (number *)net->bias, *diagonal = (number *)net->diagonal;
  for (int i = 0; i < GATES; i++) {
    const int place = i / M * GATE + i % M;
    biases[place] = bias[i];
    for (int j = 0; j < M; j++) columns[j * SUMS * LANES + place] = W[i * M + j];
  }
  if (ARCHITECTURE == PLRNN)
    for (int i = 0; i < M; i++) { /* a unit's coupling to itself is linear */
      diagonal[i] = W[i * M + i];
      columns[i * SUMS * LANES + i] = 0;
    }
}

INLINE void step(Net *net) {
  vec sum[CHAINS][SUMS], in[VECTORS];
  UNROLL for (int v = 0; v < VECTORS; v++) in[v] = ARCHITECTURE == PLRNN ? rectified(net->z[v]) : net->z[v];
  const number *x = (const number *)in;
  UNROLL for (int k = 0; k < CHAINS; k++) UNROLL for (int v = 0; v < SUMS; v++) sum[k][v] = k ? all(0) : net->bias[v];
  if (ARCHITECTURE == PLRNN) UNROLL for (int v = 0; v < VECTORS; v++) sum[0][v] += net->diagonal[v] * net->z[v];
  int j = 0;
  for (; j + CHAINS <= M; j += CHAINS)
    UNROLL for (int k = 0; k < CHAINS; k++) UNROLL for (int v = 0; v < SUMS; v++) sum[k][v] += net->W[j + k][v] * x[j + k];
  for (; j < M; j++) UNROLL for (int v = 0; v < SUMS; v++) sum[0][v] += net->W[j][v] * x[j];
  UNROLL for (int k = 1; k < CHAINS; k++) UNROLL for (int v = 0; v < SUMS; v++) sum[0][v] += sum[k][v];
  UNROLL for (int v = 0; v < VECTORS; v++) {
#if ARCHITECTURE == LSTM
    const vec let = sigmoid(sum[0][v]), keep = sigmoid(sum[0][VECTORS + v]), out = sigmoid(sum[0][2 * VECTORS + v]);
    net->c[v] = keep * net->c[v] + let * tangent(sum[0][3 * VECTORS + v]);
    net->z[v] = out * tangent(net->c[v]);
#else
    net->z[v] = ARCHITECTURE == RNN ? tangent(sum[0][v]) : sum[0][v];
#endif
  }
}

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
  const int whole = ARCHITECTURE == LSTM ? 2 * M : M;
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
      const REAL *first = start + (e * runs + r) * whole;
      memset(net->z, 0, sizeof net->z);
      memset(net->c, 0, sizeof net->c);
      memcpy(net->z, first, sizeof(REAL) * M);
      if (ARCHITECTURE == LSTM) memcpy(net->c, first + M, sizeof(REAL) * M);
      double *out = series + (e * runs + r) * steps * columns;
      int64_t t = 1, mark = 0;
      for (; t <= steps; t++, out += columns) {
        step(net);
        if (!read_out(out, net, turned, columns, vectors)) break;
        if (mark < marked && marks[mark] == t) {
          REAL *state = states + ((e * marked + mark++) * runs + r) * whole;
          memcpy(state, net->z, sizeof(REAL) * M);
          if (ARCHITECTURE == LSTM) memcpy(state + M, net->c, sizeof(REAL) * M);
        }
      }
      for (int64_t i = 0; i < (steps - t + 1) * columns; i++) out[i] = NAN;
      for (; mark < marked; mark++)
        for (int i = 0; i < whole; i++) states[((e * marked + mark) * runs + r) * whole + i] = (REAL)NAN;
    }
  }
  FLUSHED
  free(memory);
  return 0;
}
