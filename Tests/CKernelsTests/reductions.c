#include "testing.h"

static const int64_t shapes[][2] = {{1, 1}, {3, 1}, {2, 7}, {5, 15}, {4, 16}, {3, 17}, {2, 100}, {140, 20}, {2, 1500}, {300, 257}};

static void whole_sums(void) {
  test("sums of all elements are right to a few digits of Float32");
  for (int l = 0; l < length_count; l++) {
    const int64_t n = lengths[l];
    float *x = normals(n), *y = normals(n);
    double sum = 0, squares = 0, dot = 0, size = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i], squares += (double)x[i] * x[i], dot += (double)x[i] * y[i], size += fabs(x[i]);
    CLOSE_NUMBER(ck_sum(x, n), sum, 1e-6 * size, 0);
    CLOSE_NUMBER(ck_sum_squares(x, n), squares, 0, 1e-6);
    CLOSE_NUMBER(ck_dot(x, y, n), dot, 2e-6 * size, 0);
    x[n - 1] = INFINITY;
    EXPECT(!isfinite(ck_sum_squares(x, n)));
    x[n - 1] = NAN;
    EXPECT(isnan(ck_sum_squares(x, n)));
  }
}

static void sums_by_rows_and_columns(int64_t rows, int64_t columns, int accumulate) {
  const int64_t n = rows * columns;
  test("sums over rows and columns match plain loops");
  float *x = normals(n), *y = normals(n);
  float *row_sums = accumulate ? normals(rows) : room(rows), *row_dots = accumulate ? normals(rows) : room(rows);
  float *column_sums = accumulate ? normals(columns) : room(columns);
  double *of_rows = numbers(rows), *of_columns = numbers(columns), *dots = numbers(rows);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < columns; c++) {
      of_rows[r] += x[r * columns + c];
      of_columns[c] += x[r * columns + c];
      dots[r] += (double)x[r * columns + c] * y[r * columns + c];
    }
  add_before(of_rows, row_sums, rows, accumulate);
  add_before(dots, row_dots, rows, accumulate);
  add_before(of_columns, column_sums, columns, accumulate);
  ck_row_sums(rows, columns, x, row_sums, accumulate);
  ck_row_dots(rows, columns, x, y, row_dots, accumulate);
  ck_column_sums(rows, columns, x, column_sums, accumulate);
  CLOSE(row_sums, of_rows, rows, 2e-5, 1e-5);
  CLOSE(row_dots, dots, rows, 2e-5, 1e-5);
  CLOSE(column_sums, of_columns, columns, 2e-5, 1e-5);
}

static void softmax(int64_t rows, int64_t columns, int accumulate) {
  const int64_t n = rows * columns;
  test("softmax, its logarithm's constant and its gradient match double precision");
  float *x = uniforms(n, -20, 20), *y = room(n), *dy = normals(n), *dx = accumulate ? normals(n) : room(n), *out = room(rows);
  if (columns > 2) x[1] = -INFINITY;
  double *expected = numbers(n), *slopes = numbers(n), *logarithms = numbers(rows);
  for (int64_t r = 0; r < rows; r++) {
    double total = 0, dot = 0;
    for (int64_t c = r * columns; c < (r + 1) * columns; c++) total += exp(x[c]);
    for (int64_t c = r * columns; c < (r + 1) * columns; c++) expected[c] = exp(x[c]) / total, dot += expected[c] * dy[c];
    for (int64_t c = r * columns; c < (r + 1) * columns; c++) slopes[c] = expected[c] * (dy[c] - dot);
    logarithms[r] = log(total);
  }
  add_before(slopes, dx, n, accumulate);
  ck_log_sum_exp_rows(rows, columns, x, out);
  ck_softmax_rows(rows, columns, x, y);
  ck_softmax_rows_gradient(rows, columns, y, dy, dx, accumulate);
  CLOSE(out, logarithms, rows, 1e-6, 1e-6);
  CLOSE(y, expected, n, 1e-30, 4e-6);
  CLOSE(dx, slopes, n, 2e-6, 5e-6);
}

void test_reductions(void) {
  whole_sums();
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    for (int accumulate = 0; accumulate < 2; accumulate++) {
      sums_by_rows_and_columns(shapes[s][0], shapes[s][1], accumulate);
      softmax(shapes[s][0], shapes[s][1], accumulate);
    }
  test("a product by plain loops is what it says");
  float *a = normals(5 * 7), *b = normals(7 * 37), *c = room(5 * 37);
  double *expected = numbers(5 * 37);
  for (int i = 0; i < 5 * 37; i++)
    for (int k = 0; k < 7; k++) expected[i] += (double)a[i / 37 * 7 + k] * b[k * 37 + i % 37];
  ck_plain_product(5, 37, 7, a, b, c);
  CLOSE(c, expected, 5 * 37, 1e-6, 1e-6);
}
