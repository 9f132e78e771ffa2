#include "testing.h"

static void products(int64_t rows, int64_t columns, int64_t n, double density) {
  test("products that skip zeros, and their gradients, match plain loops");
  const int64_t size = rows * columns;
  float *x = normals(size), *keep = uniforms(size, 0, 1);
  int64_t count = 0;
  for (int64_t i = 0; i < size; i++) x[i] = keep[i] < density ? x[i] : 0, count += x[i] != 0;
  EXPECT(ck_count_nonzero(x, size) == count);

  float *w = normals(columns * n), *bias = normals(n), *dy = normals(rows * n);
  float *values = room(count), *by_column = room(count), *out = room(rows * n), *without = room(rows * n);
  // Memory from room() also holds the integer indices.
  int32_t *row_starts = (int32_t *)room(rows + 1), *indices = (int32_t *)room(count);
  int32_t *column_starts = (int32_t *)room(columns + 1), *row_indices = (int32_t *)room(count);
  ck_compress_rows(rows, columns, x, row_starts, indices, values);
  ck_compress_columns(rows, columns, x, column_starts, row_indices, by_column);
  int64_t k = 0, wrong = 0;
  for (int64_t i = 0; i < size; i++)
    if (x[i] != 0) wrong += indices[k] != i % columns || values[k] != x[i], k++;
  EXPECT(wrong == 0 && row_starts[rows] == count && column_starts[columns] == count);
  k = 0;
  for (int64_t c = 0; c < columns; c++)
    for (int64_t r = 0; r < rows; r++)
      if (x[r * columns + c] != 0) wrong += row_indices[k] != r || by_column[k] != x[r * columns + c], k++;
  EXPECT(wrong == 0);

  double *expected = numbers(rows * n), *plain = numbers(rows * n);
  for (int64_t i = 0; i < rows * n; i++) {
    for (int64_t c = 0; c < columns; c++) plain[i] += (double)x[i / n * columns + c] * w[c * n + i % n];
    expected[i] = plain[i] + bias[i % n];
  }
  ck_sparse_product(rows, columns, n, 0, n, row_starts, indices, values, w, bias, out);
  const int64_t part = n / 3; // in two parts, as two threads do
  ck_sparse_product(rows, columns, n, 0, part, row_starts, indices, values, w, NULL, without);
  ck_sparse_product(rows, columns, n, part, n, row_starts, indices, values, w, NULL, without);
  CLOSE(out, expected, rows * n, 1e-5, 1e-5);
  CLOSE(without, plain, rows * n, 1e-5, 1e-5);

  for (int accumulate = 0; accumulate < 2; accumulate++) {
    float *dw = accumulate ? normals(columns * n) : room(columns * n), *before = copy(dw, columns * n);
    double *slopes = numbers(columns * n);
    for (int64_t r = 0; r < rows; r++)
      for (int64_t i = 0; i < columns * n; i++) slopes[i] += (double)x[r * columns + i / n] * dy[r * n + i % n];
    add_before(slopes, before, columns * n, accumulate);
    ck_sparse_weight_gradient(columns, n, column_starts, row_indices, by_column, dy, dw, accumulate);
    CLOSE(dw, slopes, columns * n, 1e-5, 1e-5);
    if (accumulate) continue;
    double squares = 0, size = 0;
    float *dots = room(rows * rows);
    for (int64_t i = 0; i < columns * n; i++) squares += slopes[i] * slopes[i];
    for (int64_t i = 0; i < rows * rows; i++) {
      double dot = 0;
      for (int64_t c = 0; c < n; c++) dot += (double)dy[i / rows * n + c] * dy[i % rows * n + c];
      dots[i] = (float)dot;
    }
    const double found = ck_sparse_gradient_squares(columns, rows, column_starts, row_indices, by_column, dots, &size);
    EXPECT(fabs(found - squares) <= 1e-6 * size && size >= found);
  }

  float *dx = normals(size);
  double *slopes = numbers(size);
  for (int64_t i = 0; i < size; i++) {
    slopes[i] = dx[i];
    for (int64_t c = 0; c < n && x[i] != 0; c++) slopes[i] += (double)dy[i / columns * n + c] * w[i % columns * n + c];
  }
  const int64_t half = columns / 2; // in two parts, as two threads do
  ck_sparse_input_gradient(0, half, columns, n, column_starts, row_indices, dy, w, dx);
  ck_sparse_input_gradient(half, columns, columns, n, column_starts, row_indices, dy, w, dx);
  CLOSE(dx, slopes, size, 2e-5, 1e-5);
}

void test_sparse(void) {
  const int64_t shapes[][3] = {{1, 1, 1}, {3, 5, 7}, {4, 16, 16}, {9, 40, 15}, {7, 33, 70}, {6, 100, 300}, {64, 50, 17}, {70, 150, 600}};
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    for (int d = 0; d < 4; d++) {
      const double densities[] = {0, 0.06, 0.5, 1};
      products(shapes[s][0], shapes[s][1], shapes[s][2], densities[d]);
    }
}
