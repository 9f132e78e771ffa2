// Element-wise maps and their gradients.
#include "kernels.h"

enum { chunk = 256 };
static const float large = 1048576; // 2^20: beyond it the reduction in double precision loses digits

/// sin(x + quarters pi / 2) for magnitudes below `large`, with the argument reduced in double precision.
INLINE float fast_sine(float x, uint32_t quarters) {
  const double shifter = 6755399441055744.0; // 1.5 * 2^52
  double shifted = x * 0.63661977236758134 + shifter, k = shifted - shifter;
  uint64_t b;
  memcpy(&b, &shifted, 8);
  double r = (x - k * 1.5707963267341256) - k * 6.0771005065061922e-11;
  return sine_in_quadrant((float)r, (uint32_t)b + quarters);
}

/// The same for magnitudes from `large` on: the product with 2 / pi modulo 4 is computed in 128-bit integers.
static float sine_of_large(float x, uint32_t quarters) {
  static const uint32_t two_over_pi[9] = {0,          0xA2F9836E, 0x4E441529, 0xFC2757D1, 0xF534DDC0,
                                          0xDB629599, 0x3C439041, 0xFE5163AB, 0xDEBBC561};
  uint32_t b = bits_of(x), exponent = b >> 23 & 255;
  if (exponent == 255) return x - x;
  uint32_t first = exponent - 150 + 30, word = first / 32, shift = first % 32; // bits before `first` are multiples of 4
  unsigned __int128 window = 0;
  for (uint32_t i = 0; i < 4; i++) window = window << 32 | two_over_pi[word + i];
  if (shift) window = window << shift | two_over_pi[word + 4] >> (32 - shift);
  window *= (b & 0x7fffff) | 0x800000;
  uint32_t quadrant = (uint32_t)(window >> 126) + (uint32_t)(window >> 125 & 1);
  float r = (float)((double)(int64_t)(uint64_t)(window >> 62) * (1.5707963267948966 / 18446744073709551616.0));
  return x < 0 ? sine_in_quadrant(-r, quarters - quadrant) : sine_in_quadrant(r, quadrant + quarters);
}

/// out = sin(x + quarters pi / 2) for up to `chunk` elements.
INLINE void sines(const float *x, float *out, int64_t n, uint32_t quarters) {
  uint32_t any_large = 0;
  VECTOR for (int64_t i = 0; i < n; i++) any_large |= magnitude(x[i]) < large ? 0 : 1;
  if (any_large) {
    for (int64_t i = 0; i < n; i++)
      out[i] = magnitude(x[i]) < large ? fast_sine(x[i], quarters) : sine_of_large(x[i], quarters);
  } else {
    VECTOR for (int64_t i = 0; i < n; i++) out[i] = fast_sine(x[i], quarters);
  }
}

INLINE void sine_gradient(const float *x, const float *dy, float *dx, int accumulate, int64_t n, uint32_t quarters) {
  float derivative[chunk];
  for (int64_t start = 0; start < n; start += chunk) {
    int64_t count = n - start < chunk ? n - start : chunk;
    sines(x + start, derivative, count, quarters);
    MAP(count, dx + start, accumulate, (dy + start)[i] * derivative[i]);
  }
}

KERNEL(void, ck_unary, (ck_unary_op op, const float *x, float *out, int64_t n), (op, x, out, n)) {
  switch (op) {
  case CK_EXP: MAP(n, out, 0, fast_exp(x[i])); break;
  case CK_LOG: MAP(n, out, 0, fast_log(x[i])); break;
  case CK_SIGMOID: MAP(n, out, 0, fast_sigmoid(x[i])); break;
  case CK_TANH: MAP(n, out, 0, fast_tanh(x[i])); break;
  case CK_SOFTPLUS: MAP(n, out, 0, fast_softplus(x[i])); break;
  case CK_RELU: MAP(n, out, 0, x[i] < 0 ? 0 : x[i]); break;
  case CK_SQUARE: MAP(n, out, 0, x[i] * x[i]); break;
  case CK_SQRT: MAP(n, out, 0, square_root(x[i])); break;
  case CK_RECIPROCAL: MAP(n, out, 0, 1 / x[i]); break;
  case CK_ELU: MAP(n, out, 0, fast_elu(x[i])); break;
  case CK_COS:
  case CK_SIN:
    for (int64_t start = 0; start < n; start += chunk)
      sines(x + start, out + start, n - start < chunk ? n - start : chunk, op == CK_COS ? 1 : 0);
    break;
  }
}

KERNEL(void, ck_unary_gradient,
       (ck_unary_op op, const float *x, const float *y, const float *dy, float *dx, int accumulate, int64_t n),
       (op, x, y, dy, dx, accumulate, n)) {
  switch (op) {
  case CK_EXP: MAP(n, dx, accumulate, dy[i] * y[i]); break;
  case CK_LOG: MAP(n, dx, accumulate, dy[i] / x[i]); break;
  case CK_SIGMOID: MAP(n, dx, accumulate, dy[i] * (y[i] * (1 - y[i]))); break;
  case CK_TANH: MAP(n, dx, accumulate, dy[i] * (1 - y[i] * y[i])); break;
  case CK_SOFTPLUS: MAP(n, dx, accumulate, dy[i] * fast_sigmoid(x[i])); break;
  case CK_RELU: MAP(n, dx, accumulate, x[i] > 0 ? dy[i] : 0); break;
  case CK_SQUARE: MAP(n, dx, accumulate, 2 * x[i] * dy[i]); break;
  case CK_SQRT: MAP(n, dx, accumulate, 0.5f * dy[i] / y[i]); break;
  case CK_RECIPROCAL: MAP(n, dx, accumulate, -dy[i] * (y[i] * y[i])); break;
  case CK_ELU: MAP(n, dx, accumulate, x[i] > 0 ? dy[i] : dy[i] * (y[i] + 1)); break;
  case CK_COS: sine_gradient(x, dy, dx, accumulate, n, 2); break;
  case CK_SIN: sine_gradient(x, dy, dx, accumulate, n, 1); break;
  }
}

// One row of a broadcast operation; a column stride of 0 is a scalar.
#define BINARY(operator) \
  do { \
    if (a_column && b_column) { \
      MAP(columns, out, accumulate, a[i] operator b[i]); \
    } else if (a_column) { \
      const float scalar = b[0]; \
      MAP(columns, out, accumulate, a[i] operator scalar); \
    } else if (b_column) { \
      const float scalar = a[0]; \
      MAP(columns, out, accumulate, scalar operator b[i]); \
    } else { \
      const float scalar = a[0] operator b[0]; \
      MAP(columns, out, accumulate, scalar); \
    } \
  } while (0)

KERNEL(void, ck_binary,
       (ck_binary_op op, int64_t rows, int64_t columns, const float *a, int64_t a_row, int64_t a_column,
        const float *b, int64_t b_row, int64_t b_column, float *out, int accumulate),
       (op, rows, columns, a, a_row, a_column, b, b_row, b_column, out, accumulate)) {
  // If the rows of both operands are contiguous in memory, they are treated as one long row.
  if (columns == 1 && (a_row == 0 || a_row == 1) && (b_row == 0 || b_row == 1)) {
    columns = rows, a_column = a_row, b_column = b_row, rows = 1;
  } else if (a_row == columns * a_column && b_row == columns * b_column) {
    columns *= rows, rows = 1;
  }
  for (int64_t r = 0; r < rows; r++, a += a_row, b += b_row, out += columns) {
    switch (op) {
    case CK_ADD: BINARY(+); break;
    case CK_SUBTRACT: BINARY(-); break;
    case CK_MULTIPLY: BINARY(*); break;
    case CK_DIVIDE: BINARY(/); break;
    }
  }
}

KERNEL(void, ck_affine,
       (float scale, float offset, const float *x, float *out, int accumulate, int64_t n),
       (scale, offset, x, out, accumulate, n)) {
  MAP(n, out, accumulate, scale * x[i] + offset);
}

KERNEL(void, ck_fill, (float value, float *out, int64_t n), (value, out, n)) { MAP(n, out, 0, value); }

KERNEL(void, ck_add_scaled_rows,
       (int64_t rows, int64_t columns, const float *canvas, const float *gate, const float *x, float *out),
       (rows, columns, canvas, gate, x, out)) {
  for (int64_t r = 0; r < rows; r++, canvas += columns, x += columns, out += columns) {
    const float scale = gate[r];
    MAP(columns, out, 0, canvas[i] + scale * x[i]);
  }
}

KERNEL(void, ck_clip, (const float *x, float low, float high, float *out, int64_t n), (x, low, high, out, n)) {
  MAP(n, out, 0, x[i] < low ? low : (x[i] > high ? high : x[i]));
}
