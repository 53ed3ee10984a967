// One network that runs freely. The lanes of a vector are units: a step adds up the columns of the weights, each times
// its unit's state.

#define WHOLE (ARCHITECTURE == LSTM ? 2 * M : M) /* of a state: an LSTM's are z (its h) and then c */
#define VECTORS ((M + LANES - 1) / LANES)
#define GATE (VECTORS * LANES)
#define SUMS (GATES / M * VECTORS)
/* Sums that go side by side for each unit: one addition waits for the one before. */
#define CHAINS (SUMS < 8 ? 4 : 1)

typedef struct {
  vec W[M][SUMS]; /* columns, gate after gate */
  vec bias[SUMS], diagonal[VECTORS];
  vec z[VECTORS], c[VECTORS]; /* the state */
  vec before[VECTORS];        /* c one step ago */
  vec gates[SUMS], seen[VECTORS]; /* of an LSTM in the last step: gates and tanh(c) */
} Net;

INLINE void set_state(Net *net, const REAL *state) {
  memset(net->z, 0, sizeof net->z);
  memset(net->c, 0, sizeof net->c);
  memcpy(net->z, state, sizeof(REAL) * M);
  if (ARCHITECTURE == LSTM) memcpy(net->c, state + M, sizeof(REAL) * M);
}

INLINE void get_state(REAL *state, const Net *net) {
  memcpy(state, net->z, sizeof(REAL) * M);
  if (ARCHITECTURE == LSTM) memcpy(state + M, net->c, sizeof(REAL) * M);
}

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
#if ARCHITECTURE == LSTM
  sigmoids(3 * VECTORS, sum[0]);
  tanhs(VECTORS, sum[0] + 3 * VECTORS);
  UNROLL for (int v = 0; v < SUMS; v++) net->gates[v] = sum[0][v];
  UNROLL for (int v = 0; v < VECTORS; v++) {
    net->before[v] = net->c[v];
    net->c[v] = sum[0][VECTORS + v] * net->c[v] + sum[0][v] * sum[0][3 * VECTORS + v];
    net->seen[v] = net->c[v];
  }
  tanhs(VECTORS, net->seen);
  UNROLL for (int v = 0; v < VECTORS; v++) net->z[v] = sum[0][2 * VECTORS + v] * net->seen[v];
#else
  if (ARCHITECTURE == RNN) tanhs(VECTORS, sum[0]);
  UNROLL for (int v = 0; v < VECTORS; v++) net->z[v] = sum[0][v];
#endif
}
