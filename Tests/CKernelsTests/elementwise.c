#include "testing.h"

static double logistic(double x) { return 1 / (1 + exp(-x)); }

static double value(ck_unary_op op, double x) {
  switch (op) {
  case CK_EXP: return exp(x);
  case CK_LOG: return log(x);
  case CK_SIGMOID: return logistic(x);
  case CK_TANH: return tanh(x);
  case CK_SOFTPLUS: return fmax(x, 0) + log1p(exp(-fabs(x)));
  case CK_RELU: return fmax(x, 0);
  case CK_SQUARE: return x * x;
  case CK_SQRT: return sqrt(x);
  case CK_RECIPROCAL: return 1 / x;
  case CK_ELU: return x > 0 ? x : expm1(x);
  case CK_COS: return cos(x);
  case CK_SIN: return sin(x);
  }
  return NAN;
}

static double slope(ck_unary_op op, double x) {
  switch (op) {
  case CK_EXP: return exp(x);
  case CK_LOG: return 1 / x;
  case CK_SIGMOID: return logistic(x) * logistic(-x);
  case CK_TANH: return 1 / (cosh(x) * cosh(x));
  case CK_SOFTPLUS: return logistic(x);
  case CK_RELU: return x > 0;
  case CK_SQUARE: return 2 * x;
  case CK_SQRT: return 0.5 / sqrt(x);
  case CK_RECIPROCAL: return -1 / (x * x);
  case CK_ELU: return x > 0 ? 1 : exp(x);
  case CK_COS: return -sin(x);
  case CK_SIN: return cos(x);
  }
  return NAN;
}

static const struct { ck_unary_op op; double low, high, smooth_low, smooth_high; } ranges[] = {
  {CK_EXP, -80, 80, -2, 2}, {CK_LOG, 1e-6, 1e4, 0.5, 4}, {CK_SIGMOID, -80, 80, -2, 2}, {CK_TANH, -20, 20, -2, 2},
  {CK_SOFTPLUS, -80, 80, -2, 2}, {CK_RELU, -5, 5, -2, 2}, {CK_SQUARE, -1e3, 1e3, -2, 2}, {CK_SQRT, 0, 1e6, 0.5, 4},
  {CK_RECIPROCAL, 1e-3, 1e3, 0.5, 2}, {CK_ELU, -30, 30, -2, 2}, {CK_COS, -100, 100, -2, 2}, {CK_SIN, -100, 100, -2, 2},
};

static void maps(void) {
  for (size_t k = 0; k < sizeof ranges / sizeof *ranges; k++) {
    const ck_unary_op op = ranges[k].op;
    // A cosine or sine near zero has the rounding error of terms near 1.
    const double absolute = op == CK_COS || op == CK_SIN ? 2e-7 : 1e-37;
    test("element-wise maps match double precision");
    for (int l = 0; l < length_count; l++) {
      const int64_t n = lengths[l];
      float *x = uniforms(n, ranges[k].low, ranges[k].high), *y = room(n);
      double *expected = numbers(n);
      for (int64_t i = 0; i < n; i++) expected[i] = value(op, x[i]);
      ck_unary(op, x, y, n);
      CLOSE(y, expected, n, absolute, 1e-6);
      float *in_place = copy(x, n);
      ck_unary(op, in_place, in_place, n);
      SAME(in_place, y, n);
    }
    test("gradients of element-wise maps match double precision");
    for (int l = 0; l < length_count; l++)
      for (int accumulate = 0; accumulate < 2; accumulate++) {
        const int64_t n = lengths[l];
        float *x = uniforms(n, ranges[k].smooth_low, ranges[k].smooth_high), *y = room(n), *dy = normals(n);
        float *dx = accumulate ? normals(n) : room(n), *before = copy(dx, n);
        double *expected = numbers(n);
        for (int64_t i = 0; i < n; i++) expected[i] = dy[i] * slope(op, x[i]);
        add_before(expected, before, n, accumulate);
        ck_unary(op, x, y, n);
        ck_unary_gradient(op, x, y, dy, dx, accumulate, n);
        CLOSE(dx, expected, n, 2e-6, 2e-6);
      }
  }
}

static void special_values(void) {
  test("NaN, infinities and zeros go through maps as mathematics has it");
  float in[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f};
  const struct { ck_unary_op op; double out[5]; } cases[] = {
    {CK_EXP, {NAN, INFINITY, 0, 1, 1}}, {CK_LOG, {NAN, INFINITY, NAN, -INFINITY, -INFINITY}},
    {CK_SIGMOID, {NAN, 1, 0, 0.5, 0.5}}, {CK_TANH, {NAN, 1, -1, 0, 0}}, {CK_RELU, {NAN, INFINITY, 0, 0, 0}},
    {CK_COS, {NAN, NAN, NAN, 1, 1}}, {CK_SIN, {NAN, NAN, NAN, 0, 0}},
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
    for (int64_t n = 5; n <= 37; n += 16) { // whole vectors with and without a remainder
      float *x = room(n), *y = room(n);
      double *expected = numbers(n);
      for (int64_t i = 0; i < n; i++) x[i] = in[i % 5], expected[i] = cases[k].out[i % 5];
      ck_unary(cases[k].op, x, y, n);
      CLOSE(y, expected, n, 2e-38, 1e-6);
    }
  test("sines of large numbers keep all digits");
  float *x = uniforms(200, 1e6, 1e12), *y = room(200);
  double *expected = numbers(200);
  for (int op = CK_COS; op <= CK_SIN; op++) {
    for (int i = 0; i < 200; i++) expected[i] = value((ck_unary_op)op, x[i]);
    ck_unary((ck_unary_op)op, x, y, 200);
    CLOSE(y, expected, 200, 2e-7, 1e-6);
  }
}

static double combined(ck_binary_op op, double a, double b) {
  return op == CK_ADD ? a + b : op == CK_SUBTRACT ? a - b : op == CK_MULTIPLY ? a * b : a / b;
}

static void binaries(void) {
  const int64_t strides[][2] = {{-1, 1}, {0, 1}, {1, 0}, {0, 0}}; // -1: the number of columns
  const int64_t shapes[][2] = {{1, 1}, {3, 1}, {1, 19}, {4, 16}, {5, 37}, {2, 300}};
  test("sums, differences, products and quotients broadcast rows, columns and numbers");
  for (int op = CK_ADD; op <= CK_DIVIDE; op++)
    for (int s = 0; s < 6; s++)
      for (int k = 0; k < 16; k++)
        for (int accumulate = 0; accumulate < 2; accumulate++) {
          const int64_t rows = shapes[s][0], columns = shapes[s][1], n = rows * columns;
          const int64_t *a_strides = strides[k / 4], *b_strides = strides[k % 4];
          const int64_t a_row = a_strides[0] < 0 ? columns : a_strides[0], b_row = b_strides[0] < 0 ? columns : b_strides[0];
          test("sums, differences, products and quotients broadcast rows, columns and numbers");
          float *a = normals(n + rows), *b = uniforms(n + rows, 0.5, 2), *out = accumulate ? normals(n) : room(n), *before = copy(out, n);
          double *expected = numbers(n);
          for (int64_t r = 0; r < rows; r++)
            for (int64_t c = 0; c < columns; c++)
              expected[r * columns + c] = combined((ck_binary_op)op, a[r * a_row + c * a_strides[1]], b[r * b_row + c * b_strides[1]]);
          add_before(expected, before, n, accumulate);
          ck_binary((ck_binary_op)op, rows, columns, a, a_row, a_strides[1], b, b_row, b_strides[1], out, accumulate);
          CLOSE(out, expected, n, 1e-6, 1e-6);
        }
}

void test_elementwise(void) {
  maps();
  special_values();
  binaries();
  test("affine maps, fills, clips and scaled rows match plain loops");
  for (int l = 0; l < length_count; l++) {
    const int64_t n = lengths[l];
    for (int accumulate = 0; accumulate < 2; accumulate++) {
      float *x = normals(n), *out = accumulate ? normals(n) : room(n), *before = copy(out, n);
      double *expected = numbers(n);
      for (int64_t i = 0; i < n; i++) expected[i] = 1.5 * x[i] - 0.25;
      add_before(expected, before, n, accumulate);
      ck_affine(1.5f, -0.25f, x, out, accumulate, n);
      CLOSE(out, expected, n, 1e-6, 1e-6);
    }
    float *x = normals(n), *clipped = room(n), *filled = room(n);
    double *expected = numbers(n), *seven = numbers(n);
    for (int64_t i = 0; i < n; i++) expected[i] = fmin(fmax(x[i], -0.5), 0.75), seven[i] = 7;
    ck_clip(x, -0.5f, 0.75f, clipped, n);
    CLOSE(clipped, expected, n, 0, 0);
    ck_fill(7, filled, n);
    CLOSE(filled, seven, n, 0, 0);
    float *canvas = normals(3 * n), *gate = normals(3), *objects = normals(3 * n), *out = room(3 * n);
    double *drawn = numbers(3 * n);
    for (int64_t i = 0; i < 3 * n; i++) drawn[i] = canvas[i] + (double)gate[i / n] * objects[i];
    ck_add_scaled_rows(3, n, canvas, gate, objects, out);
    CLOSE(out, drawn, 3 * n, 1e-6, 1e-6);
  }
}
