#include "testing.h"

static double logistic(double x) { return 1 / (1 + exp(-x)); }

static double activated(int op, double x) {
  switch (op) {
  case CK_RELU: return fmax(x, 0);
  case CK_SIGMOID: return logistic(x);
  case CK_TANH: return tanh(x);
  case CK_SOFTPLUS: return fmax(x, 0) + log1p(exp(-fabs(x)));
  case CK_ELU: return x > 0 ? x : expm1(x);
  default: return x;
  }
}

static double slope(int op, double x) {
  switch (op) {
  case CK_RELU: return x > 0;
  case CK_SIGMOID: return logistic(x) * logistic(-x);
  case CK_TANH: return 1 / (cosh(x) * cosh(x));
  case CK_SOFTPLUS: return logistic(x);
  case CK_ELU: return x > 0 ? 1 : exp(x);
  default: return 1;
  }
}

static void activations(void) {
  const int operations[] = {-1, CK_RELU, CK_SIGMOID, CK_TANH, CK_SOFTPLUS, CK_ELU};
  for (int o = 0; o < 6; o++)
    for (int l = 0; l < length_count; l++)
      for (int has_bias = 0; has_bias < 2; has_bias++) {
        const int op = operations[o];
        const int64_t columns = lengths[l], n = 3 * columns;
        test("bias and activation, and the gradient from the activation alone, match double precision");
        float *x = normals(n), *bias = normals(columns), *y = copy(x, n), *dy = normals(n), *dx = room(n);
        double *expected = numbers(n), *slopes = numbers(n);
        for (int64_t i = 0; i < n; i++) {
          const double sum = has_bias ? (float)(x[i] + bias[i % columns]) : x[i];
          expected[i] = activated(op, sum), slopes[i] = dy[i] * slope(op, sum);
        }
        ck_bias_activation(3, columns, y, has_bias ? bias : NULL, op);
        ck_activation_gradient(op, y, dy, dx, n);
        CLOSE(y, expected, n, 1e-37, 1e-6);
        CLOSE(dx, slopes, n, 2e-6, 1e-6);
      }
}

static void lstm(int64_t rows, int64_t hidden) {
  const int64_t n = rows * hidden;
  test("an LSTM cell and its gradient match double precision");
  float *gates = normals(4 * n), *raw = copy(gates, 4 * n), *before = normals(n), *c = room(n), *t = room(n), *h = room(n);
  double *activations = numbers(4 * n), *cells = numbers(n), *tanhs = numbers(n), *outputs = numbers(n);
  for (int64_t i = 0; i < n; i++) {
    const int64_t r = i / hidden * 4 * hidden + i % hidden;
    for (int g = 0; g < 4; g++) activations[r + g * hidden] = g == 2 ? tanh(raw[r + g * hidden]) : logistic(raw[r + g * hidden]);
    cells[i] = activations[r + hidden] * before[i] + activations[r] * activations[r + 2 * hidden];
    tanhs[i] = tanh(cells[i]), outputs[i] = activations[r + 3 * hidden] * tanhs[i];
  }
  ck_lstm(rows, hidden, gates, before, c, t, h);
  CLOSE(gates, activations, 4 * n, 0, 1e-6);
  CLOSE(c, cells, n, 1e-6, 1e-6);
  CLOSE(t, tanhs, n, 1e-6, 1e-6);
  CLOSE(h, outputs, n, 1e-6, 1e-6);
  for (int which = 0; which < 8; which++) {
    float *dh = which & 4 ? normals(n) : NULL, *dc = which & 2 ? normals(n) : NULL;
    float *d_before = which & 1 ? room(n) : NULL, *d_gates = room(4 * n);
    double *expected = numbers(4 * n), *of_before = numbers(n);
    for (int64_t i = 0; i < n; i++) {
      const int64_t r = i / hidden * 4 * hidden + i % hidden;
      const double in = activations[r], forget = activations[r + hidden], cell = activations[r + 2 * hidden], out = activations[r + 3 * hidden];
      const double from_h = dh ? dh[i] : 0, state = (dc ? dc[i] : 0) + from_h * out * (1 - tanhs[i] * tanhs[i]);
      expected[r] = state * cell * in * (1 - in);
      expected[r + hidden] = state * before[i] * forget * (1 - forget);
      expected[r + 2 * hidden] = state * in * (1 - cell * cell);
      expected[r + 3 * hidden] = from_h * tanhs[i] * out * (1 - out);
      of_before[i] = state * forget;
    }
    ck_lstm_gradient(rows, hidden, gates, before, t, dh, dc, d_gates, d_before);
    CLOSE(d_gates, expected, 4 * n, 2e-6, 2e-6);
    if (d_before) CLOSE(d_before, of_before, n, 2e-6, 2e-6);
  }
}

void test_layers(void) {
  activations();
  for (int l = 0; l < length_count; l++) lstm(l % 3 + 1, lengths[l]);
}

void test_optimizers(void) {
  for (int l = 0; l < length_count; l++) {
    const int64_t n = lengths[l];
    test("Adam, RMSprop and momentum move parameters and their averages as published");
    float *p = normals(n), *g = normals(n), *m = normals(n), *v = uniforms(n, 0.01, 2);
    double *new_p = numbers(n), *new_m = numbers(n), *new_v = numbers(n);
    for (int64_t i = 0; i < n; i++) {
      const double s = 0.5 * g[i];
      new_m[i] = 0.9f * (double)m[i] + (1 - 0.9f) * s;
      new_v[i] = 0.999f * (double)v[i] + (1 - 0.999f) * s * s;
      new_p[i] = p[i] - 0.01f * new_m[i] / (sqrt(new_v[i]) + 1e-6f);
    }
    ck_adam(n, p, g, m, v, 0.5f, 0.01f, 0.9f, 0.999f, 1e-6f);
    CLOSE(p, new_p, n, 1e-6, 1e-6);
    CLOSE(m, new_m, n, 1e-6, 1e-6);
    CLOSE(v, new_v, n, 1e-6, 1e-6);

    float *q = normals(n), *w = uniforms(n, 0.01, 2), *b = normals(n);
    double *new_q = numbers(n), *new_w = numbers(n), *new_b = numbers(n);
    for (int64_t i = 0; i < n; i++) {
      const double s = 0.5 * g[i];
      new_w[i] = 0.95f * (double)w[i] + (1 - 0.95f) * s * s;
      new_b[i] = 0.8f * (double)b[i] + 0.01f * s / (sqrt(new_w[i]) + 1e-3f);
      new_q[i] = q[i] - new_b[i];
    }
    ck_rmsprop(n, q, g, w, b, 0.5f, 0.01f, 0.95f, 0.8f, 1e-3f);
    CLOSE(q, new_q, n, 1e-6, 1e-6);
    CLOSE(w, new_w, n, 1e-6, 1e-6);
    CLOSE(b, new_b, n, 1e-6, 1e-6);

    float *x = normals(n), *d = normals(n);
    double *new_x = numbers(n), *new_d = numbers(n);
    for (int64_t i = 0; i < n; i++) new_d[i] = 0.8f * (double)d[i] + 0.5 * g[i], new_x[i] = x[i] - 0.01f * new_d[i];
    ck_sgd(n, x, g, d, 0.5f, 0.01f, 0.8f);
    CLOSE(x, new_x, n, 1e-6, 1e-6);
    CLOSE(d, new_d, n, 1e-6, 1e-6);
  }
}
