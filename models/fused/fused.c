// Losses and gradients of a minibatch for every member of a stack, on a processor.
//
// Windows are independent (models/training.py), so a block of ROWS of them is taken from its first step to its
// last and back while its states are in cache. The lanes of a vector are windows: any M and N fill it, and a
// weight that was loaded serves ROWS of them. No sum depends on who else is in the stack.
//
// Compiled for one ARCHITECTURE (RNN, PLRNN or LSTM), REAL, M (latent units) and N (observed variables).

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

#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif
#define LANES ((int)(BYTES / sizeof(REAL)))
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
#define TOGETHER 48 /* steps, at least, over which gradients of weights are summed before lanes are */

typedef REAL vec __attribute__((vector_size(BYTES)));
typedef INTEGER ivec __attribute__((vector_size(BYTES)));
typedef struct {
  vec v[SIDE];
} rows; /* one number of every window of a block */

#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif
#define EACH_SIDE UNROLL for (int s = 0; s < SIDE; s++)

INLINE vec all(REAL x) { return (vec){0} + x; }
INLINE vec choose(ivec yes, vec a, vec b) { return (vec)((yes & (ivec)a) | (~yes & (ivec)b)); }

INLINE REAL total(vec x) {
  /* Halves onto halves: adding lanes one by one takes four times as long. */
  union {
    vec v;
    REAL lane[LANES];
  } u = {x};
  UNROLL for (int half = LANES / 2; half; half /= 2)
    UNROLL for (int l = 0; l < half; l++) u.lane[l] += u.lane[l + half];
  return u.lane[0];
}

/* ---- elementary functions: absolute error of 1e-7 in float; NaN stays ---- */

#if !IS_DOUBLE && defined(__AVX512F__)

INLINE vec rectified(vec x) { return _mm512_max_ps(all(0), x); } /* the second where one is NaN */
INLINE vec at_most(vec limit, vec x) { return _mm512_min_ps(limit, x); }
INLINE vec inverse(vec x) {
  const vec r = _mm512_rcp14_ps(x);
  return r * (2 - x * r);
}
INLINE vec power_of_two(vec p, vec n) { return _mm512_scalef_ps(p, n); }
INLINE vec rounded(vec x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

#elif !IS_DOUBLE

INLINE vec rectified(vec x) { return choose(x > all(0), x, x * 0); }
INLINE vec at_most(vec limit, vec x) { return choose(x > limit, limit, x); }
INLINE vec inverse(vec x) { return 1 / x; }
INLINE vec power_of_two(vec p, vec n) {
  n = choose(n < all(-126), all(-126), n);
  return p * (vec)(((ivec)(n + 12582912.0f) - 0x4B400000 + 127) << 23);
}
INLINE vec rounded(vec x) { return x + 12582912.0f - 12582912.0f; } /* 1.5 * 2^23 */

#else

INLINE vec rectified(vec x) { return choose(x > all(0), x, x * 0); }

#endif

/* 1 / (1 + exp(-x)) */
INLINE vec sigmoid(vec x) {
#if IS_DOUBLE
  vec y;
  for (int l = 0; l < LANES; l++) y[l] = 1 / (1 + exp(-x[l]));
  return y;
#else
  const vec y = at_most(all(126.0f), -x * 1.44269504088896341f); /* 2^y, and 1 + 2^y, are finite */
  const vec n = rounded(y), r = y - n;
  vec p = all(1.5403530e-4f); /* 2^r between -1/2 and 1/2 (Cephes) */
  p = p * r + 1.3333558e-3f;
  p = p * r + 9.6181291e-3f;
  p = p * r + 5.5504109e-2f;
  p = p * r + 2.4022651e-1f;
  p = p * r + 6.9314718e-1f;
  p = p * r + 1.0f;
  return inverse(1 + power_of_two(p, n));
#endif
}
INLINE vec tangent(vec x) {
#if IS_DOUBLE
  vec y;
  for (int l = 0; l < LANES; l++) y[l] = tanh(x[l]);
  return y;
#else
  return 2 * sigmoid(2 * x) - 1;
#endif
}

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

INLINE void square(const int high, const int wide, REAL *sums, const int columns, const rows *left, const int lines,
                   const rows *right, const int32_t steps) {
  vec sum[SQUARE][SQUARE];
  UNROLL for (int i = 0; i < high; i++) UNROLL for (int j = 0; j < wide; j++) sum[i][j] = all(0);
  for (int32_t t = 0; t < steps; t++, left += lines, right += columns) EACH_SIDE {
    vec y[SQUARE];
    UNROLL for (int j = 0; j < wide; j++) y[j] = right[j].v[s];
    UNROLL for (int i = 0; i < high; i++) {
      const vec x = left[i].v[s];
      UNROLL for (int j = 0; j < wide; j++) sum[i][j] += x * y[j];
    }
  }
  UNROLL for (int i = 0; i < high; i++) UNROLL for (int j = 0; j < wide; j++) sums[i * columns + j] += total(sum[i][j]);
}

INLINE void strip(const int high, REAL *sums, const int columns, const rows *left, const int lines, const rows *right,
                  const int32_t steps) {
  int j = 0;
  for (; j + SQUARE <= columns; j += SQUARE) square(high, SQUARE, sums + j, columns, left, lines, right + j, steps);
  if (columns % SQUARE) square(high, columns % SQUARE, sums + j, columns, left, lines, right + j, steps);
}

/* sums[i][j] += sum over steps and windows of left[t][i] right[t][j] */
INLINE void outer(REAL *sums, const int lines, const int columns, const rows *left, const rows *right,
                  const int32_t steps) {
  int i = 0;
  for (; i + SQUARE <= lines; i += SQUARE) strip(SQUARE, sums + i * columns, columns, left + i, lines, right, steps);
  if (lines % SQUARE) strip(lines % SQUARE, sums + i * columns, columns, left + i, lines, right, steps);
}

/* ---- windows ---- */

typedef struct {
  const REAL *series; /* (L, N) */
  int64_t steps, window, batch, windows;
} Batch;

typedef struct {
  const REAL *begin[ROWS];
  int32_t length[ROWS]; /* steps; 0 where there is no window */
  int32_t longest, shortest;
} Block;

static Block block_of(const Batch *b, const int64_t *positions, int64_t first) {
  Block block = {.longest = 0, .shortest = INT32_MAX};
  for (int l = 0; l < ROWS; l++) {
    const int64_t k = (first + l) / b->batch, r = (first + l) % b->batch;
    const int there = k < b->windows;
    block.begin[l] = b->series + (there ? (positions[r] + k * b->window) * N : 0);
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
  if (t <= block->shortest) {
    for (int n = 0; n < N; n++) EACH_SIDE UNROLL for (int l = 0; l < LANES; l++)
      x[n].v[s][l] = block->begin[s * LANES + l][t * N + n];
    return;
  }
  for (int n = 0; n < N; n++) EACH_SIDE for (int l = 0; l < LANES; l++) {
    const int32_t length = block->length[s * LANES + l];
    x[n].v[s][l] = block->begin[s * LANES + l][(t < length ? t : length) * N + n];
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
  rows *gates;                          /* (steps + 1, GATES): the gates, and then gradients before them */
  rows *error;                          /* (steps + 1, N) */
} Member;

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
  rows *gates = m->gates + (size_t)t * GATES + i;
  UNROLL for (int k = 0; k < 4 * count; k++) EACH_SIDE sum[k].v[s] = all(m->bias[4 * i + k]);
  add_product(4 * count, sum, m->W_out + 4 * i, GATES, in, M);
  UNROLL for (int k = 0; k < count; k++) EACH_SIDE {
    const vec let = sigmoid(sum[4 * k].v[s]), keep = sigmoid(sum[4 * k + 1].v[s]), out = sigmoid(sum[4 * k + 2].v[s]);
    const vec new = tangent(sum[4 * k + 3].v[s]), c = keep * cell[k].v[s] + let * new, seen = tangent(c);
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
    hidden[k].v[s] = ARCHITECTURE == RNN ? tangent(sum[k].v[s]) : sum[k].v[s];
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
  const rows *later = m->gates + (size_t)t * GATES, *before = m->inputs + (size_t)t * M + i;
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
  rows *gates = m->gates + (size_t)t * GATES;
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
  REAL d_diagonal[M];
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
  memset(d_diagonal, 0, sizeof d_diagonal);
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
    memset(m->gates + (size_t)last * GATES, 0, sizeof(rows) * GATES);
    memset(m->error + (size_t)first_step * N, 0, sizeof(rows) * N);
    memset(d_cell, 0, sizeof d_cell);
    for (int32_t t = last; t > first_step; t--) {
      carried(m, t, carry, 1);
      backward(m, t - 1, carry, d_cell);
    }
    carried(m, first_step, carry, 0);
    if (P) outer(d_P, M, N, carry, x_0, 1);
    first_step = last + 1;
    if (first_step < TOGETHER && first + ROWS < b->windows * b->batch) continue;
    outer(d_W, GATES, M, m->gates, m->inputs, first_step);
    outer(d_B, N, M, m->error, m->hidden, first_step);
    for (int i = 0; i < GATES; i++) {
      vec by_bias = all(0), by_diagonal = all(0);
      for (int32_t t = 0; t < first_step; t++) EACH_SIDE {
        const vec d = m->gates[(size_t)t * GATES + i].v[s];
        by_bias += d;
        if (ARCHITECTURE == PLRNN) by_diagonal += d * m->hidden[(size_t)t * M + i].v[s];
      }
      d_bias[i] += total(by_bias);
      if (ARCHITECTURE == PLRNN) d_diagonal[i] += total(by_diagonal);
    }
    first_step = 0;
  }
  if (ARCHITECTURE == PLRNN)
    for (int i = 0; i < M; i++) d_W[i * M + i] = d_diagonal[i];
  return squares / count;
}

/* What models/fused/losses.py calls. `offsets` are those of W, bias and B in a member's row of `parameters`
   (members, stride), and of their gradients; `control` is (members, M, N) or NULL. Gradients come in as zeros.
   Returns 0, or 1 where there is no memory. */
int losses_and_gradients(const REAL *series, int64_t steps, int64_t window, int64_t batch, int64_t members,
                         const int64_t *positions, const REAL *parameters, int64_t stride, const int64_t *offsets,
                         const REAL *control, double *losses, REAL *gradient, REAL *d_control) {
  const Batch b = {series, steps, window, batch, (steps + window - 1) / window};
  const size_t most = (size_t)window + TOGETHER + 2;
  const size_t numbers = 2 * (size_t)GATES * M + 2 * (size_t)M * N + M;
  const size_t small = (numbers * sizeof(REAL) + BYTES - 1) / BYTES * BYTES;
  const size_t each = most * M, kinds = ARCHITECTURE == RNN ? 1 : ARCHITECTURE == PLRNN ? 2 : 3;
  void *memory = NULL;
  if (posix_memalign(&memory, BYTES, small + (kinds * each + most * (GATES + N)) * sizeof(rows))) return 1;
  REAL *weights = memory;
  rows *states = (rows *)((char *)memory + small);
  Member m = {
      .W_out = weights, .W_back = weights + GATES * M, .B_out = weights + 2 * GATES * M,
      .P_out = weights + 2 * GATES * M + M * N, .diagonal = weights + 2 * GATES * M + 2 * M * N,
      .hidden = states, .inputs = ARCHITECTURE == PLRNN ? states + each : states,
      .cells = states + each, .squashed = states + 2 * each,
      .gates = states + kinds * each, .error = states + kinds * each + most * GATES,
  };
#if defined(__SSE__)
  /* Vanishing gradients are full of denormal numbers, which are computed many times slower. */
  const unsigned before = _mm_getcsr();
  if (!IS_DOUBLE) _mm_setcsr(before | 0x8040);
#endif
  for (int64_t e = 0; e < members; e++) {
    const REAL *p = parameters + e * stride;
    REAL *g = gradient + e * stride;
    const REAL *P = control ? control + e * M * N : NULL;
    losses[e] = member(&m, &b, positions + e * batch, p + offsets[0], p + offsets[1], p + offsets[2], P,
                       g + offsets[0], g + offsets[1], g + offsets[2], P ? d_control + e * M * N : NULL);
  }
#if defined(__SSE__)
  _mm_setcsr(before);
#endif
  free(memory);
  return 0;
}
