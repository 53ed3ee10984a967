// Losses and gradients of a minibatch for every member of a stack, on a processor.
//
// Windows are independent (models/training.py), so a block of ROWS of them is taken from its first step to its
// last and back while its states are in cache. The lanes of a vector are windows: any M and N fill it, and a
// weight that was loaded serves ROWS of them. No sum depends on who else is in the stack.
//
// Compiled for one ARCHITECTURE (RNN, PLRNN or LSTM), REAL, M (latent units) and N (observed variables), with vectors
// of BYTES. What a vector is, is in vectors.h, which comes before this.

#define STRIDE (GATES | 1) /* of gates from step to step: an even one puts many steps on few lines of the cache */

#define SIDE 2 /* vectors side by side */
#define ROWS (LANES * SIDE)
/* Sums that registers hold at a time, of 32 or of 16: TILE * SIDE, 4 * UNITS * SIDE, SQUARE * SQUARE. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define TILE 10
#define UNITS 3
#define SQUARE 5
#else
#define TILE 6
#define UNITS 1
#define SQUARE 3
#endif
#define TOGETHER 24 /* steps, at least, that gradients of weights are summed over at once, */
#define CHUNK 32    /* and at most: their states stay in the nearest cache */

typedef struct {
  vec v[SIDE];
} rows; /* one number of every window of a block */

#define EACH_SIDE UNROLL for (int s = 0; s < SIDE; s++)

#if defined(__AVX512F__) && IS_DOUBLE
INLINE REAL total(vec x) { return _mm512_reduce_add_pd(x); }
#elif defined(__AVX512F__)
INLINE REAL total(vec x) { return _mm512_reduce_add_ps(x); }
#else
INLINE REAL total(vec x) {
  REAL sum = 0;
  UNROLL for (int l = 0; l < LANES; l++) sum += x[l];
  return sum;
}
#endif

/* ---- products ---- */

/* sum[i] += sum over j of w[j][i] in[j] */
INLINE void add_product(const int count, rows *sum, const REAL *w, const int stride, const rows *in, const int inner) {
  for (int j = 0; j < inner; j++) {
    const rows x = in[j];
    UNROLL for (int i = 0; i < count; i++) {
      const REAL weight = w[j * stride + i];
      EACH_SIDE sum[i].v[s] += weight * x.v[s];
    }
  }
}

INLINE void square(const int high, const int wide, vec *sums, const int columns, const rows *left, const int stride,
                   const rows *right, const int32_t steps) {
  vec sum[SQUARE][SQUARE];
  UNROLL for (int i = 0; i < high; i++) UNROLL for (int j = 0; j < wide; j++) sum[i][j] = sums[i * columns + j];
  for (int32_t t = 0; t < steps; t++, left += stride, right += columns) EACH_SIDE {
    vec y[SQUARE];
    UNROLL for (int j = 0; j < wide; j++) y[j] = right[j].v[s];
    UNROLL for (int i = 0; i < high; i++) {
      const vec x = left[i].v[s];
      UNROLL for (int j = 0; j < wide; j++) sum[i][j] += x * y[j];
    }
  }
  UNROLL for (int i = 0; i < high; i++) UNROLL for (int j = 0; j < wide; j++) sums[i * columns + j] = sum[i][j];
}

INLINE void strip(const int wide, vec *sums, const int lines, const int columns, const rows *left, const int stride,
                  const rows *right, const int32_t steps) {
  int i = 0;
  for (; i + SQUARE <= lines; i += SQUARE)
    square(SQUARE, wide, sums + i * columns, columns, left + i, stride, right, steps);
  if (lines % SQUARE) square(lines % SQUARE, wide, sums + i * columns, columns, left + i, stride, right, steps);
}

/* sums[i][j] += sum over steps of left[t][i] right[t][j], the lanes (windows) each for itself. */
INLINE void outer(vec *sums, const int lines, const int columns, const rows *left, const int stride,
                  const rows *right, const int32_t steps) {
  for (int32_t t = 0; t < steps; t += CHUNK) {
    const int32_t some = steps - t < CHUNK ? steps - t : CHUNK;
    const rows *a = left + (size_t)t * stride, *b = right + (size_t)t * columns;
    int j = 0;
    for (; j + SQUARE <= columns; j += SQUARE) strip(SQUARE, sums + j, lines, columns, a, stride, b + j, some);
    if (columns % SQUARE) strip(columns % SQUARE, sums + j, lines, columns, a, stride, b + j, some);
  }
}

INLINE void add_totals(REAL *out, const vec *sums, const int count) {
  for (int i = 0; i < count; i++) out[i] += total(sums[i]);
}

/* ---- windows ---- */

typedef struct {
  const REAL *series; /* (L, N) */
  int64_t steps, window, batch, windows;
} Batch;

typedef struct {
  const REAL *series;
  int32_t begin[ROWS];  /* in the series, in numbers */
  int32_t length[ROWS]; /* steps; 0 where there is no window */
  int32_t longest, shortest;
} Block;

static Block block_of(const Batch *b, const int64_t *positions, int64_t first) {
  Block block = {.series = b->series, .longest = 0, .shortest = INT32_MAX};
  for (int l = 0; l < ROWS; l++) {
    const int64_t k = (first + l) / b->batch, r = (first + l) % b->batch;
    const int there = k < b->windows;
    block.begin[l] = there ? (int32_t)((positions[r] + k * b->window) * N) : 0;
    const int64_t left = b->steps - k * b->window;
    const int32_t length = there ? (int32_t)(left < b->window ? left : b->window) : 0;
    block.length[l] = length;
    if (length > block.longest) block.longest = length;
    if (length < block.shortest) block.shortest = length;
  }
  return block;
}

/* The data at step t, or at the last one of a shorter window. */
INLINE void observe(rows *x, const Block *block, int32_t t) {
  int32_t places[ROWS];
  if (t <= block->shortest)
    UNROLL for (int l = 0; l < ROWS; l++) places[l] = block->begin[l] + t * N;
  else
    UNROLL for (int l = 0; l < ROWS; l++)
      places[l] = block->begin[l] + (t < block->length[l] ? t : block->length[l]) * N;
  for (int n = 0; n < N; n++) EACH_SIDE {
#if defined(__AVX512F__) && !IS_DOUBLE
    x[n].v[s] = _mm512_i32gather_ps(_mm512_loadu_si512(places + s * LANES), block->series + n, 4);
#else
    UNROLL for (int l = 0; l < LANES; l++) x[n].v[s][l] = block->series[places[s * LANES + l] + n];
#endif
  }
}

/* Zero where a window has no step t (they count from 1): what is not there must not become infinite. */
INLINE void stop(rows *z, const int units, const Block *block, int32_t t) {
  if (t <= block->shortest) return;
  ivec on[SIDE];
  EACH_SIDE for (int l = 0; l < LANES; l++) on[s][l] = t <= block->length[s * LANES + l] ? -1 : 0;
  for (int i = 0; i < units; i++) EACH_SIDE z[i].v[s] = choose(on[s], z[i].v[s], all(0));
}

/* ---- one member ---- */

typedef struct {
  REAL *W_out, *W_back, *B_out, *P_out; /* (M, GATES), (GATES, M), (M, N), (N, M) */
  const REAL *bias, *B;                 /* (GATES), (N, M) */
  REAL *diagonal;                       /* (M), of the PLRNN */
  rows *hidden;                         /* (steps + 1, M): z or h */
  rows *inputs;                         /* (steps + 1, M): what W is multiplied by, max(z, 0) for the PLRNN */
  rows *cells, *squashed;               /* (steps + 1, M): c, tanh(c), of the LSTM */
  rows *gates;                          /* (steps + 1, STRIDE): the gates, and then gradients before them */
  rows *error;                          /* (steps + 1, N) */
  vec *by_W, *by_bias, *by_B, *by_P;    /* gradients, lane by lane: (GATES, M), (GATES), (N, M), (M, N) */
  vec *by_diagonal;                     /* (M) */
} Member;
#define SUMS (GATES * M + GATES + 2 * M * N + M)

static void turn(REAL *out, const REAL *in, int lines, int columns) {
  for (int i = 0; i < lines; i++)
    for (int j = 0; j < columns; j++) out[j * lines + i] = in[i * columns + j];
}

/* `count` units from i on, of the step after the state at t. */
INLINE void step_units(const int count, const Member *m, int32_t t, int i) {
  const rows *in = m->inputs + (size_t)t * M;
  rows *hidden = m->hidden + (size_t)(t + 1) * M + i;
#if ARCHITECTURE == LSTM
  /* W_out and the bias have the four gates of a unit side by side. */
  rows sum[4 * UNITS];
  const rows *cell = m->cells + (size_t)t * M + i;
  rows *next = m->cells + (size_t)(t + 1) * M + i, *squashed = m->squashed + (size_t)t * M + i;
  rows *gates = m->gates + (size_t)t * STRIDE + i;
  UNROLL for (int k = 0; k < 4 * count; k++) EACH_SIDE sum[k].v[s] = all(m->bias[4 * i + k]);
  add_product(4 * count, sum, m->W_out + 4 * i, GATES, in, M);
  UNROLL for (int k = 0; k < count; k++) EACH_SIDE {
    const vec let = sigmoid(sum[4 * k].v[s]), keep = sigmoid(sum[4 * k + 1].v[s]), out = sigmoid(sum[4 * k + 2].v[s]);
    const vec new = tanh_of(sum[4 * k + 3].v[s]), c = keep * cell[k].v[s] + let * new, seen = tanh_of(c);
    gates[k].v[s] = let;
    gates[M + k].v[s] = keep;
    gates[2 * M + k].v[s] = out;
    gates[3 * M + k].v[s] = new;
    next[k].v[s] = c;
    squashed[k].v[s] = seen;
    hidden[k].v[s] = out * seen;
  }
#else
  rows sum[TILE];
  const rows *before = m->hidden + (size_t)t * M + i;
  UNROLL for (int k = 0; k < count; k++) EACH_SIDE sum[k].v[s] = all(m->bias[i + k]);
  if (ARCHITECTURE == PLRNN)
    UNROLL for (int k = 0; k < count; k++) EACH_SIDE sum[k].v[s] += m->diagonal[i + k] * before[k].v[s];
  add_product(count, sum, m->W_out + i, GATES, in, M);
  UNROLL for (int k = 0; k < count; k++) EACH_SIDE
    hidden[k].v[s] = ARCHITECTURE == RNN ? tanh_of(sum[k].v[s]) : sum[k].v[s];
  if (ARCHITECTURE == PLRNN) {
    rows *inputs = m->inputs + (size_t)(t + 1) * M + i;
    UNROLL for (int k = 0; k < count; k++) EACH_SIDE inputs[k].v[s] = rectified(sum[k].v[s]);
  }
#endif
}

INLINE void forward(const Member *m, int32_t t) {
  const int count = ARCHITECTURE == LSTM ? UNITS : TILE;
  int i = 0;
  for (; i + count <= M; i += count) step_units(count, m, t, i);
  if (M % count) step_units(M % count, m, t, i);
}

/* `count` units from i on of the gradient by the state at t, into `carry`: from step t + 1, and for an error at t. */
INLINE void carry_units(const int count, const Member *m, int32_t t, rows *carry, int with_error, int i) {
  const rows *later = m->gates + (size_t)t * STRIDE, *before = m->inputs + (size_t)t * M + i;
  rows sum[TILE];
  UNROLL for (int k = 0; k < count; k++) EACH_SIDE sum[k].v[s] = all(0);
  add_product(count, sum, m->W_back + i, M, later, GATES);
  if (ARCHITECTURE == PLRNN)
    UNROLL for (int k = 0; k < count; k++) EACH_SIDE
      sum[k].v[s] = choose(before[k].v[s] > all(0), sum[k].v[s], all(0)) + m->diagonal[i + k] * later[i + k].v[s];
  if (with_error) add_product(count, sum, m->B + i, M, m->error + (size_t)t * N, N);
  UNROLL for (int k = 0; k < count; k++) EACH_SIDE carry[i + k].v[s] = sum[k].v[s];
}

INLINE void carried(const Member *m, int32_t t, rows *carry, int with_error) {
  int i = 0;
  for (; i + TILE <= M; i += TILE) carry_units(TILE, m, t, carry, with_error, i);
  if (M % TILE) carry_units(M % TILE, m, t, carry, with_error, i);
}

/* From the gradient by the state after step t, `carry`, to that before the step's nonlinearity, in `gates`. */
INLINE void backward(const Member *m, int32_t t, const rows *carry, rows *d_cell) {
  rows *gates = m->gates + (size_t)t * STRIDE;
#if ARCHITECTURE == LSTM
  const rows *cell = m->cells + (size_t)t * M, *squashed = m->squashed + (size_t)t * M;
  for (int i = 0; i < M; i++) EACH_SIDE {
    const vec let = gates[i].v[s], keep = gates[M + i].v[s], out = gates[2 * M + i].v[s], new = gates[3 * M + i].v[s];
    const vec seen = squashed[i].v[s], d_h = carry[i].v[s], d_c = d_cell[i].v[s] + d_h * out * (1 - seen * seen);
    gates[i].v[s] = d_c * new * (let - let * let);
    gates[M + i].v[s] = d_c * cell[i].v[s] * (keep - keep * keep);
    gates[2 * M + i].v[s] = d_h * seen * (out - out * out);
    gates[3 * M + i].v[s] = d_c * let * (1 - new * new);
    d_cell[i].v[s] = d_c * keep;
  }
#else
  const rows *hidden = m->hidden + (size_t)(t + 1) * M;
  for (int i = 0; i < M; i++) EACH_SIDE
    gates[i].v[s] = ARCHITECTURE == RNN ? carry[i].v[s] * (1 - hidden[i].v[s] * hidden[i].v[s]) : carry[i].v[s];
  (void)d_cell;
#endif
}

/* Adds to d_W (GATES, M), d_bias (GATES), d_B (N, M), d_P (M, N). P NULL: windows start from zero. */
static double member(Member *m, const Batch *b, const int64_t *positions, const REAL *W, const REAL *bias,
                     const REAL *B, const REAL *P, REAL *d_W, REAL *d_bias, REAL *d_B, REAL *d_P) {
#if ARCHITECTURE == LSTM
  REAL side_by_side[GATES];
  for (int i = 0; i < M; i++)
    for (int g = 0; g < 4; g++) {
      side_by_side[4 * i + g] = bias[g * M + i];
      for (int j = 0; j < M; j++) m->W_out[j * GATES + 4 * i + g] = W[(g * M + i) * M + j];
    }
  m->bias = side_by_side;
  memcpy(m->W_back, W, sizeof(REAL) * GATES * M);
#else
  memcpy(m->W_back, W, sizeof(REAL) * GATES * M);
  if (ARCHITECTURE == PLRNN)
    for (int i = 0; i < M; i++) {
      m->diagonal[i] = W[i * M + i];
      m->W_back[i * M + i] = 0; /* a unit's coupling to itself is linear */
    }
  turn(m->W_out, m->W_back, GATES, M);
  m->bias = bias;
#endif
  m->B = B;
  turn(m->B_out, B, N, M);
  if (P) turn(m->P_out, P, M, N);
  memset(m->by_W, 0, sizeof(vec) * SUMS);
  const double count = (double)N * (double)b->steps * (double)b->batch;
  const REAL scale = (REAL)(2 / count);
  double squares = 0;
  int32_t first_step = 0; /* after those of earlier blocks whose gradients wait to be summed */
  for (int64_t first = 0; first < b->windows * b->batch; first += ROWS) {
    const Block block = block_of(b, positions, first);
    const int32_t last = first_step + block.longest;
    rows *start = m->hidden + (size_t)first_step * M, x_0[N], carry[M], d_cell[M];
    memset(start, 0, sizeof(rows) * M);
    if (ARCHITECTURE == LSTM) memset(m->cells + (size_t)first_step * M, 0, sizeof(rows) * M);
    if (P) {
      observe(x_0, &block, 0);
      for (int i = 0; i < M; i++) add_product(1, start + i, m->P_out + i, M, x_0, N);
      stop(start, M, &block, 1);
    }
    if (ARCHITECTURE == PLRNN)
      for (int i = 0; i < M; i++) EACH_SIDE m->inputs[(size_t)first_step * M + i].v[s] = rectified(start[i].v[s]);
    vec sum = all(0);
    for (int32_t t = first_step; t < last; t++) {
      const int32_t step = t - first_step + 1;
      rows *hidden = m->hidden + (size_t)(t + 1) * M, *error = m->error + (size_t)(t + 1) * N, x[N];
      forward(m, t);
      stop(hidden, M, &block, step);
      if (ARCHITECTURE == PLRNN) stop(m->inputs + (size_t)(t + 1) * M, M, &block, step);
      if (ARCHITECTURE == LSTM) stop(m->cells + (size_t)(t + 1) * M, M, &block, step);
      observe(x, &block, step);
      UNROLL for (int n = 0; n < N; n++) EACH_SIDE x[n].v[s] = -x[n].v[s];
      for (int n = 0; n < N; n++) add_product(1, x + n, m->B_out + n, N, hidden, M);
      stop(x, N, &block, step);
      UNROLL for (int n = 0; n < N; n++) EACH_SIDE {
        sum += x[n].v[s] * x[n].v[s];
        error[n].v[s] = x[n].v[s] * scale;
      }
    }
    squares += total(sum);
    /* Between blocks lies a state that nothing follows, and one that is no step's prediction. */
    memset(m->gates + (size_t)last * STRIDE, 0, sizeof(rows) * GATES);
    memset(m->error + (size_t)first_step * N, 0, sizeof(rows) * N);
    memset(d_cell, 0, sizeof d_cell);
    for (int32_t t = last; t > first_step; t--) {
      carried(m, t, carry, 1);
      backward(m, t - 1, carry, d_cell);
    }
    carried(m, first_step, carry, 0);
    if (P) outer(m->by_P, M, N, carry, M, x_0, 1);
    first_step = last + 1;
    if (first_step < TOGETHER && first + ROWS < b->windows * b->batch) continue;
    outer(m->by_W, GATES, M, m->gates, STRIDE, m->inputs, first_step);
    outer(m->by_B, N, M, m->error, N, m->hidden, first_step);
    for (int i = 0; i < GATES; i++) {
      vec by_bias = all(0), by_diagonal = all(0);
      for (int32_t t = 0; t < first_step; t++) EACH_SIDE {
        const vec d = m->gates[(size_t)t * STRIDE + i].v[s];
        by_bias += d;
        if (ARCHITECTURE == PLRNN) by_diagonal += d * m->hidden[(size_t)t * M + i].v[s];
      }
      m->by_bias[i] += by_bias;
      if (ARCHITECTURE == PLRNN) m->by_diagonal[i] += by_diagonal;
    }
    first_step = 0;
  }
  add_totals(d_W, m->by_W, GATES * M);
  add_totals(d_bias, m->by_bias, GATES);
  add_totals(d_B, m->by_B, N * M);
  if (P) add_totals(d_P, m->by_P, M * N);
  if (ARCHITECTURE == PLRNN)
    for (int i = 0; i < M; i++) d_W[i * M + i] = total(m->by_diagonal[i]);
  return squares / count;
}

/* ---- what initial states come from ---- */

/* G = B Bt, inverted in place of `inverse` (N, N): Gauss and Jordan, with pivots. A B of less than full rank gives
   what is not finite. */
static void invert_gram(double *inverse, const REAL *B) {
  double G[N][N];
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      double sum = 0;
      for (int k = 0; k < M; k++) sum += (double)B[i * M + k] * (double)B[j * M + k];
      G[i][j] = sum;
      inverse[i * N + j] = i == j;
    }
  for (int c = 0; c < N; c++) {
    int pivot = c;
    for (int i = c + 1; i < N; i++)
      if (fabs(G[i][c]) > fabs(G[pivot][c])) pivot = i;
    for (int j = 0; j < N; j++) {
      const double g = G[c][j], v = inverse[c * N + j];
      G[c][j] = G[pivot][j], G[pivot][j] = g;
      inverse[c * N + j] = inverse[pivot * N + j], inverse[pivot * N + j] = v;
    }
    const double by = 1 / G[c][c];
    for (int j = 0; j < N; j++) G[c][j] *= by, inverse[c * N + j] *= by;
    for (int i = 0; i < N; i++) {
      const double of = G[i][c];
      if (i == c) continue;
      for (int j = 0; j < N; j++) G[i][j] -= of * G[c][j], inverse[i * N + j] -= of * inverse[c * N + j];
    }
  }
}

/* P = Bt X with X = (B Bt)^-1. */
static void right_inverse(REAL *P, const REAL *B, const double *X) {
  for (int i = 0; i < M; i++)
    for (int n = 0; n < N; n++) {
      double sum = 0;
      for (int k = 0; k < N; k++) sum += (double)B[k * M + i] * X[k * N + n];
      P[i * N + n] = (REAL)sum;
    }
}

/* Adds to d_B what P owes it: X dPt + (D + Dt) B with D = -X (B dP) X. */
static void back_to_read_out(REAL *d_B, const REAL *B, const double *X, const REAL *d_P) {
  double Y[N][N], Z[N][N], D[N][N];
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      double sum = 0;
      for (int k = 0; k < M; k++) sum += (double)B[i * M + k] * (double)d_P[k * N + j];
      Y[i][j] = sum;
    }
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      double sum = 0;
      for (int k = 0; k < N; k++) sum += X[i * N + k] * Y[k][j];
      Z[i][j] = sum;
    }
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      double sum = 0;
      for (int k = 0; k < N; k++) sum += Z[i][k] * X[k * N + j];
      D[i][j] = -sum;
    }
  for (int i = 0; i < N; i++)
    for (int k = 0; k < M; k++) {
      double sum = 0;
      for (int j = 0; j < N; j++)
        sum += X[i * N + j] * (double)d_P[k * N + j] + (D[i][j] + D[j][i]) * (double)B[j * M + k];
      d_B[i * M + k] += (REAL)sum;
    }
}

/* ---- a stack ---- */

/* Steps whose states are kept at most, for windows of such length. */
static size_t most_steps(int64_t window) { return (size_t)window + TOGETHER + 2; }

/* Bytes of weights and the like, before what is made of vectors. */
static size_t small_bytes(void) {
  const size_t numbers = 2 * (size_t)GATES * M + 4 * (size_t)M * N + M;
  return (numbers * sizeof(REAL) + BYTES - 1) / BYTES * BYTES;
}

#define KINDS (ARCHITECTURE == RNN ? 1 : ARCHITECTURE == PLRNN ? 2 : 3) /* of states */

/* Bytes that `losses_and_gradients` works in. */
int64_t workspace_bytes(int64_t window) {
  const size_t most = most_steps(window);
  return (int64_t)(small_bytes() + SUMS * sizeof(vec) + (KINDS * most * M + most * (STRIDE + N)) * sizeof(rows));
}

/* Losses (members), gradients (members, stride), which come in as zeros, and their norms (members). `offsets` are
   those of W, bias and B in a member's row of `parameters` (members, stride). `workspace` has as many bytes as it
   takes and begins at a whole number of vectors. */
void losses_and_gradients(const REAL *series, int64_t steps, int64_t window, int64_t batch, int64_t members,
                         int64_t from_data, const int64_t *positions, const REAL *parameters, int64_t stride,
                         const int64_t *offsets, double *losses, REAL *gradient, double *norms, void *workspace) {
  const Batch b = {series, steps, window, batch, (steps + window - 1) / window};
  const size_t most = most_steps(window), each = most * M, small = small_bytes();
  REAL *weights = workspace;
  vec *sums = (vec *)((char *)weights + small);
  rows *states = (rows *)(sums + SUMS);
  REAL *read_outs = weights + 2 * GATES * M;
  Member m = {
      .W_out = weights, .W_back = weights + GATES * M, .B_out = read_outs, .P_out = read_outs + M * N,
      .diagonal = read_outs + 4 * M * N,
      .hidden = states, .inputs = ARCHITECTURE == PLRNN ? states + each : states,
      .cells = states + each, .squashed = states + 2 * each,
      .gates = states + KINDS * each, .error = states + KINDS * each + most * STRIDE,
      .by_W = sums, .by_bias = sums + GATES * M, .by_B = sums + GATES * M + GATES,
      .by_P = sums + GATES * M + GATES + M * N, .by_diagonal = sums + GATES * M + GATES + 2 * M * N,
  };
  REAL *P = read_outs + 2 * M * N, *d_P = read_outs + 3 * M * N;
  FLUSHING
  for (int64_t e = 0; e < members; e++) {
    const REAL *p = parameters + e * stride, *B = p + offsets[2];
    REAL *g = gradient + e * stride;
    double X[N * N];
    if (from_data) {
      invert_gram(X, B);
      right_inverse(P, B, X);
      memset(d_P, 0, sizeof(REAL) * M * N);
    }
    losses[e] = member(&m, &b, positions + e * batch, p + offsets[0], p + offsets[1], B, from_data ? P : NULL,
                       g + offsets[0], g + offsets[1], g + offsets[2], d_P);
    if (from_data) back_to_read_out(g + offsets[2], B, X, d_P);
    double sum = 0;
    for (int64_t i = 0; i < stride; i++) sum += (double)g[i] * (double)g[i];
    norms[e] = sqrt(sum);
  }
  FLUSHED
}

/* Adam (Kingma and Ba 2015) for members that are `alive`, which they are no longer when loss, norm or what would
   come out is not finite: they keep what they had. `t` counts from 1. The gradient is spent. */
void adam(int64_t members, int64_t stride, REAL *parameters, REAL *gradient, REAL *mean, REAL *square,
          uint8_t *alive, const double *losses, const double *norms, double rate, double beta_1, double beta_2,
          double epsilon, int64_t t) {
  const REAL size = (REAL)(rate / (1 - pow(beta_1, (double)t))), b1 = (REAL)beta_1, b2 = (REAL)beta_2;
  const REAL root = (REAL)(1 / sqrt(1 - pow(beta_2, (double)t))), tiny = (REAL)epsilon;
  FLUSHING
  for (int64_t e = 0; e < members; e++) {
    if (!alive[e]) continue;
    REAL *restrict p = parameters + e * stride, *restrict g = gradient + e * stride;
    REAL *restrict m = mean + e * stride, *restrict v = square + e * stride;
    int lost = !(isfinite(losses[e]) && isfinite(norms[e]));
    for (int64_t i = 0; i < stride; i++) {
      m[i] += (1 - b1) * (g[i] - m[i]);
      v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
      g[i] = p[i] - size * m[i] / (SQRT(v[i]) * root + tiny);
      lost |= !(g[i] - g[i] == 0);
    }
    if (lost)
      alive[e] = 0;
    else
      memcpy(p, g, sizeof(REAL) * stride);
  }
  FLUSHED
}
