// Sums, softmax and their gradients. Long sums add the elements of a block in float lanes and the blocks in double.
#include "kernels.h"

KERNEL(double, ck_sum, (const float *x, int64_t n), (x, n)) {
  double total = 0;
  ADD_SUM(total, VECTOR_BY_4, n, x[i])
  return total;
}

KERNEL(double, ck_sum_squares, (const float *x, int64_t n), (x, n)) {
  double total = 0;
  ADD_SUM(total, VECTOR_BY_4, n, x[i] * x[i])
  return total;
}

KERNEL(double, ck_dot, (const float *a, const float *b, int64_t n), (a, b, n)) {
  double total = 0;
  ADD_SUM(total, VECTOR_BY_4, n, a[i] * b[i])
  return total;
}

INLINE double row_sum(const float *x, int64_t n) {
  double total = 0;
  ADD_SUM(total, VECTOR, n, x[i])
  return total;
}

INLINE double row_dot(const float *a, const float *b, int64_t n) {
  double total = 0;
  ADD_SUM(total, VECTOR, n, a[i] * b[i])
  return total;
}

INLINE void put(float *out, float value, int accumulate) { *out = accumulate ? *out + value : value; }

KERNEL(void, ck_row_sums,
       (int64_t rows, int64_t columns, const float *x, float *out, int accumulate),
       (rows, columns, x, out, accumulate)) {
  for (int64_t r = 0; r < rows; r++) put(out + r, (float)row_sum(x + r * columns, columns), accumulate);
}

KERNEL(void, ck_row_dots,
       (int64_t rows, int64_t columns, const float *a, const float *b, float *out, int accumulate),
       (rows, columns, a, b, out, accumulate)) {
  for (int64_t r = 0; r < rows; r++)
    put(out + r, (float)row_dot(a + r * columns, b + r * columns, columns), accumulate);
}

/// Sums over rows for `width` x 16 columns starting at x, with the accumulators in registers.
INLINE void column_block(const int width, int64_t rows, int64_t columns, const float *x, float *sums) {
  lanes total[lanes_at_once] = {0};
  for (int64_t start = 0; start < rows; start += 128) {
    int64_t end = rows - start < 128 ? rows : start + 128;
    lanes sum[lanes_at_once] = {0};
    for (int64_t r = start; r < end; r++) {
#pragma clang loop unroll(full)
      for (int k = 0; k < width; k++) sum[k] += LOAD(x + r * columns + 16 * k);
    }
#pragma clang loop unroll(full)
    for (int k = 0; k < width; k++) total[k] += sum[k];
  }
#pragma clang loop unroll(full)
  for (int k = 0; k < width; k++) STORE(sums + 16 * k, total[k]);
}

KERNEL(void, ck_column_sums,
       (int64_t rows, int64_t columns, const float *x, float *out, int accumulate),
       (rows, columns, x, out, accumulate)) {
  enum { block = 16 * lanes_at_once };
  float sums[block];
  int64_t c = 0;
  for (; c + block <= columns; c += block) {
    column_block(lanes_at_once, rows, columns, x + c, sums);
    MAP(block, out + c, accumulate, sums[i]);
  }
  for (; c + 16 <= columns; c += 16) {
    column_block(1, rows, columns, x + c, sums);
    MAP(16, out + c, accumulate, sums[i]);
  }
  if (c == columns) return;
  if (columns >= 16) { // computes the last sixteen columns and keeps the ones not yet done
    column_block(1, rows, columns, x + columns - 16, sums);
    for (; c < columns; c++) put(out + c, sums[16 - (columns - c)], accumulate);
    return;
  }
  for (; c < columns; c++) {
    double total = 0;
    for (int64_t r = 0; r < rows; r++) total += x[r * columns + c];
    put(out + c, (float)total, accumulate);
  }
}

INLINE float larger(float a, float b) { return a > b ? a : b; }

INLINE float largest_lane(const lanes *m) {
  typedef float half __attribute__((ext_vector_type(8)));
  typedef float quarter __attribute__((ext_vector_type(4)));
  half h = m->lo > m->hi ? m->lo : m->hi;
  quarter q = h.lo > h.hi ? h.lo : h.hi;
  return larger(larger(q.x, q.y), larger(q.z, q.w));
}

/// The largest element (NaN may be ignored), kept finite so that x - maximum is never inf - inf.
INLINE float finite_maximum(const float *x, int64_t n) {
  float largest = -__builtin_inff();
  if (n >= 16) {
    lanes m = LOAD(x + n - 16), next;
    for (int64_t start = 0; start + 16 <= n; start += 16) next = LOAD(x + start), m = next > m ? next : m;
    largest = largest_lane(&m);
  } else {
    for (int64_t i = 0; i < n; i++) largest = larger(x[i], largest);
  }
  if (!(largest >= -FLT_MAX)) return 0;
  return largest > FLT_MAX ? FLT_MAX : largest;
}

KERNEL(void, ck_log_sum_exp_rows,
       (int64_t rows, int64_t columns, const float *x, float *out),
       (rows, columns, x, out)) {
  for (int64_t r = 0; r < rows; r++, x += columns) {
    const float maximum = finite_maximum(x, columns);
    double total = 0;
    ADD_SUM(total, VECTOR, columns, fast_exp(x[i] - maximum))
    out[r] = maximum + fast_log((float)total);
  }
}

KERNEL(void, ck_softmax_rows, (int64_t rows, int64_t columns, const float *x, float *out), (rows, columns, x, out)) {
  for (int64_t r = 0; r < rows; r++, x += columns, out += columns) {
    const float maximum = finite_maximum(x, columns);
    double total = 0;
    ADD_SUM(total, VECTOR, columns, out[i] = fast_exp(x[i] - maximum))
    const float scale = (float)(1 / total);
    MAP(columns, out, 0, out[i] * scale);
  }
}

KERNEL(void, ck_softmax_rows_gradient,
       (int64_t rows, int64_t columns, const float *y, const float *dy, float *dx, int accumulate),
       (rows, columns, y, dy, dx, accumulate)) {
  for (int64_t r = 0; r < rows; r++, y += columns, dy += columns, dx += columns) {
    const float mean = (float)row_dot(y, dy, columns);
    MAP(columns, dx, accumulate, y[i] * (dy[i] - mean));
  }
}
