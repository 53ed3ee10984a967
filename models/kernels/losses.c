// Losses and gradients of a minibatch for every member of a stack, on a processor.
//
// Windows are independent (models/training.py), so a block of LANES of them is taken from its first step to its
// last and back while its states are in cache. The lanes of a vector are windows: any M and N fill it, and a
// weight that was loaded serves LANES of them. No sum depends on who else is in the stack.
//
// Compiled for one ARCHITECTURE (RNN, PLRNN or LSTM), REAL, M (latent units) and N (observed variables), with vectors
// of BYTES. What a vector is, is in vectors.h, which comes before this.

/* Numbers of a window at a step, kept for all steps: a state, and gates with the error after them. An odd number, as
   an even one puts many steps on few lines of the cache. */
#define STATE (M | 1)
#define STRIDE ((GATES + N) | 1)

/* Sums that registers hold at a time, of 32 or of 16: MOST of a product (AVX-512 multiplies by a weight in memory,
   others by one in a register), and HIGH * WIDE. */
#if defined(__AVX512F__)
#define MOST 30
#define HIGH 5
#define WIDE 5
#elif defined(__aarch64__)
#define MOST 20
#define HIGH 5
#define WIDE 5
#else
#define MOST 12
#define HIGH 4
#define WIDE 3
#endif
/* `count` sums in as few tiles of almost one size as registers allow: few side by side wait for each other. */
#define TILE(count) (((count) + ((count) + MOST - 1) / MOST - 1) / (((count) + MOST - 1) / MOST))
#define TOGETHER 48 /* steps, at least, that gradients of weights are summed over at once, */
#define CHUNK 64    /* and at most: WIDE columns of their states stay in the nearest cache */

/* A function that has all registers for itself: where products and what follows them share them, a compiler keeps
   constants of the latter in registers and sums of the former in memory. */
#define APART static __attribute__((noinline))
#define LEFT_OVER(count) ((count) % TILE(count) ? (count) % TILE(count) : 1)

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
INLINE void add_product(const int count, vec *sum, const REAL *w, const int stride, const vec *in, const int inner) {
  for (int j = 0; j < inner; j++) {
    const vec x = in[j];
    UNROLL for (int i = 0; i < count; i++) sum[i] += w[j * stride + i] * x;
  }
}

INLINE void square(const int high, const int wide, vec *sums, const int across, const vec *left, const int stride,
                   const vec *right, const int columns, const int32_t steps) {
  vec sum[HIGH][WIDE];
  UNROLL for (int i = 0; i < high; i++) UNROLL for (int j = 0; j < wide; j++) sum[i][j] = sums[i * across + j];
  for (int32_t t = 0; t < steps; t++, left += stride, right += columns) {
    vec y[WIDE];
    UNROLL for (int j = 0; j < wide; j++) y[j] = right[j];
    UNROLL for (int i = 0; i < high; i++) UNROLL for (int j = 0; j < wide; j++) sum[i][j] += left[i] * y[j];
  }
  UNROLL for (int i = 0; i < high; i++) UNROLL for (int j = 0; j < wide; j++) sums[i * across + j] = sum[i][j];
}

APART void whole_square(vec *sums, const int across, const vec *left, const int stride, const vec *right,
                        const int columns, const int32_t steps) {
  square(HIGH, WIDE, sums, across, left, stride, right, columns, steps);
}

INLINE void strip(const int wide, vec *sums, const int lines, const int across, const vec *left, const int stride,
                  const vec *right, const int columns, const int32_t steps) {
  int i = 0;
  for (; i + HIGH <= lines; i += HIGH, sums += HIGH * across)
    if (wide == WIDE)
      whole_square(sums, across, left + i, stride, right, columns, steps);
    else
      square(HIGH, wide, sums, across, left + i, stride, right, columns, steps);
  if (lines % HIGH) square(lines % HIGH, wide, sums, across, left + i, stride, right, columns, steps);
}

/* sums[i][j] += sum over steps of left[t][i] right[t][j], `lines` times `across` of them, the lanes (windows) each for
   itself. A step of `left` has `stride` numbers, one of `right` has `columns`. */
INLINE void outer(vec *sums, const int lines, const int across, const vec *left, const int stride,
                  const vec *right, const int columns, const int32_t steps) {
  for (int32_t t = 0; t < steps; t += CHUNK) {
    const int32_t some = steps - t < CHUNK ? steps - t : CHUNK;
    const vec *a = left + (size_t)t * stride, *b = right + (size_t)t * columns;
    int j = 0;
    for (; j + WIDE <= across; j += WIDE) strip(WIDE, sums + j, lines, across, a, stride, b + j, columns, some);
    if (across % WIDE) strip(across % WIDE, sums + j, lines, across, a, stride, b + j, columns, some);
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
  int32_t begin[LANES];  /* in the series, in numbers */
  int32_t length[LANES]; /* steps; 0 where there is no window */
  int32_t longest, shortest;
} Block;

static Block block_of(const Batch *b, const int64_t *positions, int64_t first) {
  Block block = {.series = b->series, .longest = 0, .shortest = INT32_MAX};
  for (int l = 0; l < LANES; l++) {
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
INLINE void observe(vec *x, const Block *block, int32_t t) {
  int32_t places[LANES];
  if (t <= block->shortest)
    UNROLL for (int l = 0; l < LANES; l++) places[l] = block->begin[l] + t * N;
  else
    UNROLL for (int l = 0; l < LANES; l++)
      places[l] = block->begin[l] + (t < block->length[l] ? t : block->length[l]) * N;
  for (int n = 0; n < N; n++) {
#if defined(__AVX512F__) && !IS_DOUBLE
    x[n] = _mm512_i32gather_ps(_mm512_loadu_si512(places), block->series + n, 4);
#else
    UNROLL for (int l = 0; l < LANES; l++) x[n][l] = block->series[places[l] + n];
#endif
  }
}

/* Zero where a window has no step t (they count from 1): what is not there must not become infinite. (An LSTM's cells
   cannot: each step adds less than one to them.) */
INLINE void stop(vec *z, const int units, const Block *block, int32_t t) {
  if (t <= block->shortest) return;
  ivec on;
  for (int l = 0; l < LANES; l++) on[l] = t <= block->length[l] ? -1 : 0;
  for (int i = 0; i < units; i++) z[i] = choose(on, z[i], all(0));
}

/* ---- one member ---- */

/* A first state is P x. Of a PLRNN, W takes what of it is rectified. With others a first step takes x by V = W P, and
   owes V what is x by its gradient: N products for each unit and not M. */
#define BY_V (ARCHITECTURE != PLRNN)

/* Rows of states, and of what follows from each. In two of them all blocks have theirs in turn: last states, which owe
   to B alone, and first ones that V serves. The others wait until gradients of W are summed over them. */
enum { LAST, FIRST, WAITING = LAST + 1 + BY_V };

typedef struct {
  REAL *W_out, *W_back, *B_out, *P_out; /* (M, GATES), (GATES + N, M) with B below W, (M, N), (N, M) */
  REAL *V_out;                          /* (N, GATES): W P, of a first step */
  REAL *bias;                           /* (GATES) */
  REAL *diagonal;                       /* (M), of the PLRNN */
  vec *hidden;                          /* (rows, STATE): z or h */
  vec *inputs;                          /* (rows, STATE): what W is multiplied by, max(z, 0) for the PLRNN */
  vec *cells, *squashed;                /* (rows, STATE): c, and tanh(c) of the step after it, of the LSTM */
  vec *gates;                           /* (rows, STRIDE): gates, then gradients before them; errors below */
  vec *by_W, *by_B, *by_bias;           /* gradients, lane by lane: (GATES, M), (N, M), (GATES) */
  vec *by_first;                        /* those by V, (GATES, N); by P, (M, N), of the PLRNN */
  vec *by_diagonal;                     /* (M) */
} Member;
#define SUMS (GATES * M + GATES + M * N + GATES * N + M)

static void turn(REAL *out, const REAL *in, int lines, int columns) {
  for (int i = 0; i < lines; i++)
    for (int j = 0; j < columns; j++) out[j * lines + i] = in[i * columns + j];
}

/* out (lines, columns) += a (lines, inner) times b (inner, columns) */
static void add_matrices(REAL *restrict out, const REAL *a, const REAL *restrict b, int lines, int inner, int columns) {
  for (int i = 0; i < lines; i++)
    for (int k = 0; k < inner; k++)
      for (int j = 0; j < columns; j++) out[i * columns + j] += a[i * inner + k] * b[k * columns + j];
}

/* The step between two rows, and what it takes: `inner` numbers `in`, and their weights (inner, GATES). */
typedef struct {
  int32_t before, after;
  const REAL *weights;
  const vec *in;
  int inner;
} Step;

/* `count` units (of an LSTM: gates) from i on, before what is not linear; of a PLRNN that is all. */
INLINE void some_forward(const int count, const Member *m, const Step *s, int i) {
  vec sum[MOST];
  vec *out = ARCHITECTURE == LSTM ? m->gates + (size_t)s->before * STRIDE : m->hidden + (size_t)s->after * STATE;
  UNROLL for (int k = 0; k < count; k++) sum[k] = all(m->bias[i + k]);
#if ARCHITECTURE == PLRNN
  const vec *before = m->hidden + (size_t)s->before * STATE + i;
  vec *inputs = m->inputs + (size_t)s->after * STATE + i;
  UNROLL for (int k = 0; k < count; k++) sum[k] += m->diagonal[i + k] * before[k];
#endif
  add_product(count, sum, s->weights + i, GATES, s->in, s->inner);
  UNROLL for (int k = 0; k < count; k++) out[i + k] = sum[k];
#if ARCHITECTURE == PLRNN
  UNROLL for (int k = 0; k < count; k++) inputs[k] = rectified(sum[k]);
#endif
}
APART void whole_forward(const Member *m, const Step *s, int i) { some_forward(TILE(GATES), m, s, i); }
APART void rest_forward(const Member *m, const Step *s, int i) { some_forward(LEFT_OVER(GATES), m, s, i); }

#if ARCHITECTURE == LSTM
/* `count` units from i on: c, tanh(c) and h from what the gates' logistic functions gave. */
INLINE void cells(const int count, const Member *m, const Step *s, int i) {
  vec *gates = m->gates + (size_t)s->before * STRIDE + i, *hidden = m->hidden + (size_t)s->after * STATE + i;
  vec *next = m->cells + (size_t)s->after * STATE + i, *squashed = m->squashed + (size_t)s->before * STATE + i;
  const vec *cell = m->cells + (size_t)s->before * STATE + i;
  vec seen[GROUP];
  UNROLL for (int k = 0; k < count; k++) {
    const vec new = 2 * gates[3 * M + k] - 1;
    const vec c = gates[M + k] * cell[k] + gates[k] * new;
    gates[3 * M + k] = new;
    next[k] = c;
    seen[k] = c * FOR_TANH;
  }
  logistic_group(count, seen);
  UNROLL for (int k = 0; k < count; k++) {
    const vec tanh_c = 2 * seen[k] - 1;
    squashed[k] = tanh_c;
    hidden[k] = gates[2 * M + k] * tanh_c;
  }
}
#endif

#if ARCHITECTURE != PLRNN
/* What is not linear in a step. Weights come with FOR_SIGMOID or FOR_TANH in them. */
APART void activate(const Member *m, const Step *s) {
#if ARCHITECTURE == RNN
  vec *hidden = m->hidden + (size_t)s->after * STATE;
  logistics(M, hidden);
  for (int k = 0; k < M; k++) hidden[k] = 2 * hidden[k] - 1;
#else
  logistics(GATES, m->gates + (size_t)s->before * STRIDE);
  int i = 0;
  for (; i + GROUP <= M; i += GROUP) cells(GROUP, m, s, i);
  for (; i < M; i++) cells(1, m, s, i);
#endif
}
#endif

INLINE void forward(const Member *m, const Step *s) {
  int i = 0;
  for (; i + TILE(GATES) <= GATES; i += TILE(GATES)) whole_forward(m, s, i);
  if (i < GATES) rest_forward(m, s, i);
#if ARCHITECTURE != PLRNN
  activate(m, s);
#endif
}

/* `count` units from i on of the gradient by the state in row t: from the step after it, and for its error. */
INLINE void some_carried(const int count, const Member *m, int32_t t, vec *carry, int i) {
  const int gates = t == LAST ? 0 : GATES; /* nothing follows a last state */
  const REAL *w = m->W_back + i;
  const vec *later = m->gates + (size_t)t * STRIDE;
  vec sum[MOST];
  UNROLL for (int k = 0; k < count; k++) sum[k] = all(0);
#if ARCHITECTURE == PLRNN
  const vec *before = m->inputs + (size_t)t * STATE + i;
  add_product(count, sum, w, M, later, gates);
  if (gates)
    UNROLL for (int k = 0; k < count; k++)
      sum[k] = choose(before[k] > all(0), sum[k], all(0)) + m->diagonal[i + k] * later[i + k];
  add_product(count, sum, w + GATES * M, M, later + GATES, N);
#else
  add_product(count, sum, w + (GATES - gates) * M, M, later + (GATES - gates), gates + N);
#endif
  UNROLL for (int k = 0; k < count; k++) carry[i + k] = sum[k];
}
APART void whole_carried(const Member *m, int32_t t, vec *carry, int i) { some_carried(TILE(M), m, t, carry, i); }
APART void rest_carried(const Member *m, int32_t t, vec *carry, int i) { some_carried(LEFT_OVER(M), m, t, carry, i); }

INLINE void carried(const Member *m, int32_t t, vec *carry) {
  int i = 0;
  for (; i + TILE(M) <= M; i += TILE(M)) whole_carried(m, t, carry, i);
  if (i < M) rest_carried(m, t, carry, i);
}

/* From the gradient by the state after a step, `carry`, to that before its nonlinearity, in the gates of the row
   before it (which for one gate is the same place), and what biases owe it. */
INLINE void backward(const Member *m, int32_t before, int32_t after, const vec *carry, vec *d_cell) {
  vec *gates = m->gates + (size_t)before * STRIDE;
#if ARCHITECTURE == LSTM
  const vec *cell = m->cells + (size_t)before * STATE, *squashed = m->squashed + (size_t)before * STATE;
  (void)after;
  for (int i = 0; i < M; i++) {
    /* c = keep cell + let new, h = out seen with seen = tanh(c) */
    const vec let = gates[i], keep = gates[M + i], out = gates[2 * M + i], new = gates[3 * M + i], seen = squashed[i];
    const vec by_seen = carry[i] * out, by_out = by_seen * seen; /* the latter times out */
    const vec d_c = d_cell[i] + by_seen - by_out * seen;
    const vec by_new = d_c * let, by_let = by_new * new; /* times let */
    const vec by_cell = d_c * keep, by_keep = by_cell * cell[i]; /* times keep */
    const vec d[4] = {by_let - by_let * let, by_keep - by_keep * keep, by_out - by_out * out, by_new - by_let * new};
    d_cell[i] = by_cell;
    UNROLL for (int g = 0; g < 4; g++) {
      gates[g * M + i] = d[g];
      m->by_bias[g * M + i] += d[g];
    }
  }
#else
  const vec *state = m->hidden + (size_t)(ARCHITECTURE == RNN ? after : before) * STATE;
  for (int i = 0; i < M; i++) {
    const vec d = ARCHITECTURE == RNN ? carry[i] * (1 - state[i] * state[i]) : carry[i];
    if (ARCHITECTURE == RNN) gates[i] = d;
    if (ARCHITECTURE == PLRNN) m->by_diagonal[i] += d * state[i];
    m->by_bias[i] += d;
  }
  (void)d_cell;
#endif
}

/* x += B z. Where there are few variables each has several sums, as an addition waits for the one before. */
INLINE void some_read_out(const int count, const Member *m, vec *x, const vec *z, int n) {
  const int chains = count > 6 ? 1 : count > 3 ? 2 : 4;
  const REAL *w = m->B_out + n;
  vec sum[4][MOST];
  UNROLL for (int c = 0; c < chains; c++) UNROLL for (int k = 0; k < count; k++) sum[c][k] = c ? all(0) : x[n + k];
  int j = 0;
  for (; j + chains <= M; j += chains)
    UNROLL for (int c = 0; c < chains; c++) add_product(count, sum[c], w + (j + c) * N, N, z + j + c, 1);
  add_product(count, sum[0], w + j * N, N, z + j, M - j);
  UNROLL for (int c = 1; c < chains; c++) UNROLL for (int k = 0; k < count; k++) sum[0][k] += sum[c][k];
  UNROLL for (int k = 0; k < count; k++) x[n + k] = sum[0][k];
}

INLINE void read_out(const Member *m, vec *x, const vec *z) {
  int n = 0;
  for (; n + TILE(N) <= N; n += TILE(N)) some_read_out(TILE(N), m, x, z, n);
  if (n < N) some_read_out(LEFT_OVER(N), m, x, z, n);
}

/* The row of a block's state after `step` steps, `rows` being taken by the blocks before it. */
INLINE int32_t row_of(const Block *block, int32_t rows, int32_t step) {
  if (step == block->longest) return LAST;
  return BY_V && step == 0 ? FIRST : rows - BY_V + step;
}

/* P NULL: windows start from zero. */
static void lay_weights(Member *m, const REAL *W, const REAL *bias, const REAL *B, const REAL *P) {
  memcpy(m->W_back, W, sizeof(REAL) * GATES * M);
  memcpy(m->W_back + GATES * M, B, sizeof(REAL) * N * M);
  if (ARCHITECTURE == PLRNN)
    for (int i = 0; i < M; i++) {
      m->diagonal[i] = W[i * M + i];
      m->W_back[i * M + i] = 0; /* a unit's coupling to itself is linear */
    }
  turn(m->W_out, m->W_back, GATES, M);
  memcpy(m->bias, bias, sizeof(REAL) * GATES);
  if (ARCHITECTURE != PLRNN)
    for (int i = 0; i < GATES; i++) {
      const REAL of = ARCHITECTURE == RNN || i >= 3 * M ? FOR_TANH : FOR_SIGMOID;
      m->bias[i] *= of;
      for (int j = 0; j < M; j++) m->W_out[j * GATES + i] *= of;
    }
  turn(m->B_out, B, N, M);
  if (!P) return;
  turn(m->P_out, P, M, N);
  memset(m->V_out, 0, sizeof(REAL) * N * GATES);
  if (BY_V) add_matrices(m->V_out, m->P_out, m->W_out, N, M, GATES);
}

_Static_assert(N <= M, "a right inverse of B");

/* What W and P are owed for V, in place of the weights, which are done with. */
static void back_from_first(Member *m, const REAL *W, REAL *d_W, REAL *d_P) {
  REAL *d_V = m->W_out, *d_V_out = m->V_out, *d_P_out = m->B_out;
  memset(d_V, 0, sizeof(REAL) * GATES * N);
  memset(d_P_out, 0, sizeof(REAL) * N * M);
  add_totals(d_V, m->by_first, GATES * N);
  turn(d_V_out, d_V, GATES, N);
  add_matrices(d_W, d_V, m->P_out, GATES, N, M);
  add_matrices(d_P_out, d_V_out, W, N, GATES, M);
  turn(d_P, d_P_out, N, M);
}

/* Adds to d_W (GATES, M), d_bias (GATES), d_B (N, M), d_P (M, N), which come in as zeros. P NULL: windows start from
   zero. */
static double member(Member *m, const Batch *b, const int64_t *positions, const REAL *W, const REAL *bias,
                     const REAL *B, const REAL *P, REAL *d_W, REAL *d_bias, REAL *d_B, REAL *d_P) {
  lay_weights(m, W, bias, B, P);
  memset(m->by_W, 0, sizeof(vec) * SUMS);
  const double count = (double)N * (double)b->steps * (double)b->batch;
  const REAL scale = (REAL)(2 / count);
  double squares = 0;
  int32_t rows = WAITING; /* taken so far */
  for (int64_t first = 0; first < b->windows * b->batch; first += LANES) {
    const Block block = block_of(b, positions, first);
    const int32_t start = row_of(&block, rows, 0);
    vec x_0[N], d_cell[M];
    if (P) observe(x_0, &block, 0);
    if (ARCHITECTURE == PLRNN) {
      vec *state = m->hidden + (size_t)start * STATE;
      for (int i = 0; i < M; i++) state[i] = all(0);
      if (P) for (int i = 0; i < M; i++) add_product(1, state + i, m->P_out + i, M, x_0, N);
      stop(state, M, &block, 1);
      for (int i = 0; i < M; i++) m->inputs[(size_t)start * STATE + i] = rectified(state[i]);
      memset(m->gates + (size_t)start * STRIDE + GATES, 0, sizeof(vec) * N); /* it is no step's prediction */
    }
    if (ARCHITECTURE == LSTM) memset(m->cells + (size_t)start * STATE, 0, sizeof(vec) * M);
    vec sum = all(0);
    for (int32_t step = 1; step <= block.longest; step++) {
      const int32_t before = row_of(&block, rows, step - 1), after = row_of(&block, rows, step);
      const Step by_V = {before, after, m->V_out, x_0, P ? N : 0};
      const Step by_W = {before, after, m->W_out, m->inputs + (size_t)before * STATE, M};
      vec *hidden = m->hidden + (size_t)after * STATE, *error = m->gates + (size_t)after * STRIDE + GATES, x[N];
      forward(m, BY_V && step == 1 ? &by_V : &by_W);
      stop(hidden, M, &block, step);
      if (ARCHITECTURE == PLRNN) stop(m->inputs + (size_t)after * STATE, M, &block, step);
      observe(x, &block, step);
      UNROLL for (int n = 0; n < N; n++) x[n] = -x[n];
      read_out(m, x, hidden);
      stop(x, N, &block, step);
      UNROLL for (int n = 0; n < N; n++) {
        sum += x[n] * x[n];
        error[n] = x[n] * scale;
      }
    }
    squares += total(sum);
    memset(d_cell, 0, sizeof d_cell);
    for (int32_t step = block.longest; step >= 1; step--) {
      const int32_t before = row_of(&block, rows, step - 1), after = row_of(&block, rows, step);
      vec carry[M], *by_state = ARCHITECTURE == LSTM ? carry : m->gates + (size_t)before * STRIDE;
      carried(m, after, by_state);
      backward(m, before, after, by_state, d_cell);
    }
    outer(m->by_B, N, M, m->gates + LAST * STRIDE + GATES, STRIDE, m->hidden + LAST * STATE, STATE, 1);
    if (P && BY_V) outer(m->by_first, GATES, N, m->gates + (size_t)start * STRIDE, STRIDE, x_0, N, 1);
    if (P && !BY_V) {
      vec carry[M];
      carried(m, start, carry);
      outer(m->by_first, M, N, carry, M, x_0, N, 1);
    }
    rows += block.longest - BY_V;
    if (rows < TOGETHER && first + LANES < b->windows * b->batch) continue;
    /* B stands below W where both are multiplied by the same states. */
    const vec *owed = m->gates + WAITING * STRIDE, *inputs = m->inputs + WAITING * STATE;
    outer(m->by_W, ARCHITECTURE == PLRNN ? GATES : GATES + N, M, owed, STRIDE, inputs, STATE, rows - WAITING);
    if (ARCHITECTURE == PLRNN)
      outer(m->by_B, N, M, owed + GATES, STRIDE, m->hidden + WAITING * STATE, STATE, rows - WAITING);
    rows = WAITING;
  }
  add_totals(d_W, m->by_W, GATES * M);
  add_totals(d_bias, m->by_bias, GATES);
  add_totals(d_B, m->by_B, N * M);
  if (P && BY_V) back_from_first(m, W, d_W, d_P);
  if (P && !BY_V) add_totals(d_P, m->by_first, M * N);
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
  const size_t numbers = 2 * (size_t)GATES * M + (5 * (size_t)M + GATES) * N + M + GATES;
  return (numbers * sizeof(REAL) + BYTES - 1) / BYTES * BYTES;
}

#define KINDS (ARCHITECTURE == RNN ? 1 : ARCHITECTURE == PLRNN ? 2 : 3) /* of states */

/* Bytes that `losses_and_gradients` works in. */
int64_t workspace_bytes(int64_t window) {
  const size_t most = most_steps(window);
  return (int64_t)(small_bytes() + SUMS * sizeof(vec) + most * (KINDS * STATE + STRIDE) * sizeof(vec));
}

/* Losses (members), gradients (members, stride), which come in as zeros, and their norms (members), of the members
   from a first to before a last one. `offsets` are those of W, bias and B in a member's row of `parameters` (members,
   stride). `workspace` has as many bytes as it takes and begins at a whole number of vectors. */
void losses_and_gradients(int64_t first, int64_t last, void *workspace, const REAL *series, int64_t steps,
                         int64_t window, int64_t batch, int64_t from_data, const int64_t *positions,
                         const REAL *parameters, int64_t stride, const int64_t *offsets, double *losses,
                         REAL *gradient, double *norms) {
  const Batch b = {series, steps, window, batch, (steps + window - 1) / window};
  const size_t most = most_steps(window), each = most * STATE, small = small_bytes();
  REAL *weights = workspace;
  vec *sums = (vec *)((char *)weights + small);
  vec *states = (vec *)(sums + SUMS);
  REAL *read_outs = weights + (2 * GATES + N) * M;
  Member m = {
      .W_out = weights, .W_back = weights + GATES * M, .B_out = read_outs, .P_out = read_outs + M * N,
      .diagonal = read_outs + 4 * M * N, .bias = read_outs + 4 * M * N + M,
      .V_out = read_outs + 4 * M * N + M + GATES,
      .hidden = states, .inputs = ARCHITECTURE == PLRNN ? states + each : states,
      .cells = states + each, .squashed = states + 2 * each, .gates = states + KINDS * each,
      .by_W = sums, .by_B = sums + GATES * M, .by_bias = sums + GATES * M + M * N,
      .by_first = sums + GATES * M + M * N + GATES, .by_diagonal = sums + GATES * M + M * N + GATES * N + GATES,
  };
  REAL *P = read_outs + 2 * M * N, *d_P = read_outs + 3 * M * N;
  FLUSHING
  for (int64_t e = first; e < last; e++) {
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
