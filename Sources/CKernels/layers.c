// Bias with activation, and the LSTM cell.
#include "kernels.h"

#define BIAS_ACTIVATION(function) \
  do { \
    if (bias) { \
      MAP(columns, x, 0, function(x[i] + bias[i])); \
    } else { \
      MAP(columns, x, 0, function(x[i])); \
    } \
  } while (0)

INLINE float identity(float x) { return x; }
INLINE float relu(float x) { return x < 0 ? 0 : x; }

KERNEL(void, ck_bias_activation,
       (int64_t rows, int64_t columns, float *x, const float *bias, int op),
       (rows, columns, x, bias, op)) {
  if (!bias) columns *= rows, rows = 1;
  for (int64_t r = 0; r < rows; r++, x += columns) {
    switch (op) {
    case CK_RELU: BIAS_ACTIVATION(relu); break;
    case CK_SIGMOID: BIAS_ACTIVATION(fast_sigmoid); break;
    case CK_TANH: BIAS_ACTIVATION(fast_tanh); break;
    case CK_SOFTPLUS: BIAS_ACTIVATION(fast_softplus); break;
    case CK_ELU: BIAS_ACTIVATION(fast_elu); break;
    default:
      if (bias) BIAS_ACTIVATION(identity);
    }
  }
}

KERNEL(void, ck_activation_gradient,
       (int op, const float *y, const float *dy, float *dx, int64_t n),
       (op, y, dy, dx, n)) {
  switch (op) {
  case CK_RELU: MAP(n, dx, 0, y[i] > 0 ? dy[i] : 0); break;
  case CK_SIGMOID: MAP(n, dx, 0, dy[i] * (y[i] * (1 - y[i]))); break;
  case CK_TANH: MAP(n, dx, 0, dy[i] * (1 - y[i] * y[i])); break;
  case CK_SOFTPLUS: MAP(n, dx, 0, -dy[i] * fast_expm1(-y[i])); break;
  case CK_ELU: MAP(n, dx, 0, y[i] > 0 ? dy[i] : dy[i] * (y[i] + 1)); break;
  default: MAP(n, dx, 0, dy[i]);
  }
}

KERNEL(void, ck_lstm,
       (int64_t rows, int64_t hidden, float *gates, const float *c_before, float *c, float *tanh_c, float *h),
       (rows, hidden, gates, c_before, c, tanh_c, h)) {
  for (int64_t r = 0; r < rows; r++) {
    float *in = gates + r * 4 * hidden, *forget = in + hidden, *cell = forget + hidden, *out = cell + hidden;
    const int64_t row = r * hidden;
    VECTOR for (int64_t j = 0; j < hidden; j++) {
      float i = fast_sigmoid(in[j]), f = fast_sigmoid(forget[j]), g = fast_tanh(cell[j]), o = fast_sigmoid(out[j]);
      float state = f * c_before[row + j] + i * g, t = fast_tanh(state);
      in[j] = i, forget[j] = f, cell[j] = g, out[j] = o;
      c[row + j] = state, tanh_c[row + j] = t, h[row + j] = o * t;
    }
  }
}

INLINE void lstm_gradient(int64_t rows, int64_t hidden, const float *gates, const float *c_before, const float *tanh_c,
                          const float *dh, const float *dc, float *dgates, float *dc_before, const int has_dh,
                          const int has_dc, const int has_dc_before) {
  for (int64_t r = 0; r < rows; r++) {
    const float *in = gates + r * 4 * hidden, *forget = in + hidden, *cell = forget + hidden, *out = cell + hidden;
    float *d_in = dgates + r * 4 * hidden, *d_forget = d_in + hidden, *d_cell = d_forget + hidden, *d_out = d_cell + hidden;
    const int64_t row = r * hidden;
    VECTOR for (int64_t j = 0; j < hidden; j++) {
      float i = in[j], f = forget[j], g = cell[j], o = out[j], t = tanh_c[row + j], before = c_before[row + j];
      float from_h = has_dh ? dh[row + j] : 0, state = has_dc ? dc[row + j] : 0;
      if (has_dh) state += from_h * o * (1 - t * t);
      d_in[j] = state * g * (i * (1 - i));
      d_forget[j] = state * before * (f * (1 - f));
      d_cell[j] = state * i * (1 - g * g);
      d_out[j] = from_h * t * (o * (1 - o));
      if (has_dc_before) dc_before[row + j] = state * f;
    }
  }
}

KERNEL(void, ck_lstm_gradient,
       (int64_t rows, int64_t hidden, const float *gates, const float *c_before, const float *tanh_c, const float *dh,
        const float *dc, float *dgates, float *dc_before),
       (rows, hidden, gates, c_before, tanh_c, dh, dc, dgates, dc_before)) {
#define GRADIENT(has_dh, has_dc, has_dc_before) \
  lstm_gradient(rows, hidden, gates, c_before, tanh_c, dh, dc, dgates, dc_before, has_dh, has_dc, has_dc_before)
  switch ((dh != NULL) * 4 + (dc != NULL) * 2 + (dc_before != NULL)) {
  case 7: GRADIENT(1, 1, 1); break;
  case 6: GRADIENT(1, 1, 0); break;
  case 5: GRADIENT(1, 0, 1); break;
  case 4: GRADIENT(1, 0, 0); break;
  case 3: GRADIENT(0, 1, 1); break;
  case 2: GRADIENT(0, 1, 0); break;
  default:
    memset(dgates, 0, sizeof(float) * (size_t)(4 * rows * hidden));
    if (dc_before) memset(dc_before, 0, sizeof(float) * (size_t)(rows * hidden));
  }
#undef GRADIENT
}
