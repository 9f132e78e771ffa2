// Products with matrices that are mostly zero, in compressed rows or columns.
#include "kernels.h"

// AVX-512 has thirty-two registers of sixteen floats, so 256 columns fit at once; otherwise 64 fit.
#define HAS_WIDE_REGISTERS (HAS_CHOICE && instruction_set() == instruction_set_v4)

KERNEL(int64_t, ck_count_nonzero, (const float *x, int64_t n), (x, n)) {
  int64_t total = 0;
  full_width();
  for (int64_t start = 0; start < n; start += 1 << 20) {
    int64_t end = n - start < 1 << 20 ? n : start + (1 << 20);
    uint32_t count = 0;
    VECTOR_BY_4 for (int64_t i = start; i < end; i++) count += x[i] != 0;
    total += count;
  }
  return total;
}

typedef _Bool bits __attribute__((ext_vector_type(16)));

/// Bit l is set where element l of sixteen is not zero.
INLINE uint32_t nonzero_mask(const float *x) {
  bits nonzero = __builtin_convertvector(LOAD(x) != 0, bits);
  uint16_t mask;
  memcpy(&mask, &nonzero, sizeof mask);
  return mask;
}

/// Runs a statement for every column c of a row x that is not zero, in ascending order.
#define FOR_NONZERO(statement) \
  for (int64_t start = 0; start < columns; start += 16) { \
    uint32_t mask = 0; \
    if (columns - start >= 16) \
      mask = nonzero_mask(x + start); \
    else \
      for (int64_t l = start; l < columns; l++) mask |= (uint32_t)(x[l] != 0) << (l - start); \
    for (; mask; mask &= mask - 1) { \
      int64_t c = start + __builtin_ctz(mask); \
      statement \
    } \
  }

KERNEL(void, ck_compress_rows,
       (int64_t rows, int64_t columns, const float *x, int32_t *row_starts, int32_t *indices, float *values),
       (rows, columns, x, row_starts, indices, values)) {
  int32_t count = 0;
  row_starts[0] = 0;
  for (int64_t r = 0; r < rows; r++, x += columns) {
    FOR_NONZERO({
      indices[count] = (int32_t)c;
      values[count++] = x[c];
    })
    row_starts[r + 1] = count;
  }
}

KERNEL(void, ck_compress_columns,
       (int64_t rows, int64_t columns, const float *x, int32_t *column_starts, int32_t *indices, float *values),
       (rows, columns, x, column_starts, indices, values)) {
  int32_t *next = column_starts + 1; // holds the counts, then each column's start, finally its end
  memset(column_starts, 0, sizeof(int32_t) * (size_t)(columns + 1));
  for (int64_t r = 0; r < rows; r++) {
    VECTOR for (int64_t c = 0; c < columns; c++) next[c] += x[r * columns + c] != 0;
  }
  int32_t total = 0;
  for (int64_t c = 0; c < columns; c++) {
    int32_t count = next[c];
    next[c] = total;
    total += count;
  }
  for (int64_t r = 0; r < rows; r++, x += columns) {
    FOR_NONZERO({
      int32_t k = next[c]++;
      indices[k] = (int32_t)r;
      values[k] = x[c];
    })
  }
}

/// sums = sum over k of values[k] * matrix[indices[k], 0 ..< 16 * width]. The sums stay in registers.
INLINE void gather_rows(const int width, int32_t first, int32_t last, const int32_t *indices, const float *values,
                        const float *matrix, int64_t stride, lanes *sums) {
  lanes sum[16];
#pragma clang loop unroll(full)
  for (int j = 0; j < width; j++) sum[j] = sums[j];
  for (int32_t k = first; k < last; k++) {
    const float *row = matrix + indices[k] * stride, value = values[k];
#pragma clang loop unroll(full)
    for (int j = 0; j < width; j++) sum[j] += value * LOAD(row + 16 * j);
  }
#pragma clang loop unroll(full)
  for (int j = 0; j < width; j++) sums[j] = sum[j];
}

/// The entries first ..< last of one row.
typedef struct {
  int32_t first, last;
} entries;

/// Adds entries to 16 * width columns of each row of the product and stores only the columns from `skip` on.
INLINE void product_block(const int width, int64_t skip, int64_t rows, int64_t n, const entries *parts, const int32_t *indices,
                          const float *values, const float *w, float *out) {
  for (int64_t r = 0; r < rows; r++, out += n) {
    if (parts[r].first == parts[r].last) continue;
    lanes sums[16];
#pragma clang loop unroll(full)
    for (int j = 0; j < width; j++) sums[j] = LOAD(out + 16 * j);
    gather_rows(width, parts[r].first, parts[r].last, indices, values, w, n, sums);
    if (skip) {
      float last[16];
      STORE(last, sums[0]);
      for (int64_t c = skip; c < 16; c++) out[c] = last[c];
    } else {
#pragma clang loop unroll(full)
      for (int j = 0; j < width; j++) STORE(out + 16 * j, sums[j]);
    }
  }
}

/// Adds entries to columns first ..< last of each row of the product.
INLINE void product_part(int64_t first, int64_t last, int64_t rows, int64_t n, const entries *parts, const int32_t *indices,
                         const float *values, const float *w, float *out) {
#define BLOCK(width, c, skip) product_block(width, skip, rows, n, parts, indices, values, w + (c), out + (c))
  int64_t c = first;
  if (HAS_WIDE_REGISTERS)
    for (; c + 256 <= last; c += 256) BLOCK(16, c, 0);
  for (; c + 64 <= last; c += 64) BLOCK(4, c, 0);
  for (; c + 16 <= last; c += 16) BLOCK(1, c, 0);
  if (c == last) return;
  if (last - first >= 16) {
    BLOCK(1, last - 16, 16 - (last - c)); // the last sixteen columns, some of which are already done
    return;
  }
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = c; i < last; i++) {
      float sum = out[r * n + i];
      for (int32_t k = parts[r].first; k < parts[r].last; k++) sum += values[k] * w[indices[k] * n + i];
      out[r * n + i] = sum;
    }
#undef BLOCK
}

// The weights of a block of pixels fit in the second-level cache, and so do the sums of a group of rows. Weights are
// read from memory once for each group, in their order.
enum { weights_in_cache = 1 << 16, rows_in_group = 64 };

KERNEL(void, ck_sparse_product,
       (int64_t rows, int64_t columns, int64_t n, int64_t first, int64_t last, const int32_t *row_starts,
        const int32_t *indices, const float *values, const float *w, const float *bias, float *out),
       (rows, columns, n, first, last, row_starts, indices, values, w, bias, out)) {
  if (first == last) return;
  const int64_t width = last - first, height = width < weights_in_cache ? weights_in_cache / width : 1;
  for (int64_t group = 0; group < rows; group += rows_in_group) {
    const int64_t count = rows - group < rows_in_group ? rows - group : rows_in_group;
    float *sums = out + group * n;
    entries parts[rows_in_group];
    for (int64_t r = 0; r < count; r++) {
      parts[r].last = row_starts[group + r];
      if (bias)
        memcpy(sums + r * n + first, bias + first, sizeof(float) * (size_t)width);
      else
        memset(sums + r * n + first, 0, sizeof(float) * (size_t)width);
    }
    for (int64_t pixel = 0; pixel < columns; pixel += height) {
      for (int64_t r = 0; r < count; r++) {
        int32_t k = parts[r].last;
        parts[r].first = k;
        while (k < row_starts[group + r + 1] && indices[k] < pixel + height) k++;
        parts[r].last = k;
      }
      product_part(first, last, count, n, parts, indices, values, w, sums);
    }
  }
}

/// Computes columns c ..< c + 16 * width of one row of the weight gradient.
INLINE void gradient_block(const int width, int32_t first, int32_t last, int64_t n, const int32_t *indices,
                           const float *values, const float *dy, float *dw, int accumulate) {
  lanes sums[16] = {0};
#pragma clang loop unroll(full)
  for (int j = 0; j < width; j++)
    if (accumulate) sums[j] = LOAD(dw + 16 * j);
  gather_rows(width, first, last, indices, values, dy, n, sums);
#pragma clang loop unroll(full)
  for (int j = 0; j < width; j++) STORE(dw + 16 * j, sums[j]);
}

KERNEL(void, ck_sparse_weight_gradient,
       (int64_t columns, int64_t n, const int32_t *column_starts, const int32_t *indices, const float *values,
        const float *dy, float *dw, int accumulate),
       (columns, n, column_starts, indices, values, dy, dw, accumulate)) {
  for (int64_t r = 0; r < columns; r++, dw += n) {
    int32_t first = column_starts[r], last = column_starts[r + 1];
    if (first == last) {
      if (!accumulate) memset(dw, 0, sizeof(float) * (size_t)n);
      continue;
    }
    int64_t c = 0;
    for (; c + 64 <= n; c += 64) gradient_block(4, first, last, n, indices, values, dy + c, dw + c, accumulate);
    for (; c + 16 <= n; c += 16) gradient_block(1, first, last, n, indices, values, dy + c, dw + c, accumulate);
    for (; c < n; c++) {
      float sum = accumulate ? dw[c] : 0;
      for (int32_t k = first; k < last; k++) sum += values[k] * dy[indices[k] * n + c];
      dw[c] = sum;
    }
  }
}

KERNEL(double, ck_sparse_gradient_squares,
       (int64_t columns, int64_t rows, const int32_t *column_starts, const int32_t *indices, const float *values,
        const float *dots, double *size),
       (columns, rows, column_starts, indices, values, dots, size)) {
  double sum = 0, absolute = 0;
  for (int64_t c = 0; c < columns; c++) {
    const int32_t first = column_starts[c], last = column_starts[c + 1];
    for (int32_t k = first; k < last; k++) {
      const float *row = dots + indices[k] * rows;
      double others = 0, absolute_others = 0;
      for (int32_t l = first; l < k; l++) {
        const double term = (double)values[l] * row[indices[l]];
        others += term;
        absolute_others += term < 0 ? -term : term;
      }
      const double own = values[k], square = own * own * row[indices[k]];
      sum += square + 2 * own * others;
      absolute += square + 2 * (own < 0 ? -own : own) * absolute_others;
    }
  }
  *size = absolute;
  return sum;
}

/// Dot products of a vector with `count` (1 or 4) rows of a matrix. Each element of the vector is loaded once.
INLINE void dot_rows(const int count, int64_t n, const float *x, const float *const *rows, float *out) {
  lanes sums[4] = {0};
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    lanes own = LOAD(x + i);
#pragma clang loop unroll(full)
    for (int j = 0; j < count; j++) sums[j] += own * LOAD(rows[j] + i);
  }
  for (int j = 0; j < count; j++) {
    float parts[16], sum = 0;
    STORE(parts, sums[j]);
    for (int width = 8; width; width /= 2)
      for (int l = 0; l < width; l++) parts[l] += parts[l + width];
    for (int64_t l = i; l < n; l++) sum += x[l] * rows[j][l];
    out[j] = parts[0] + sum;
  }
}

KERNEL(void, ck_sparse_input_gradient,
       (int64_t first_column, int64_t last_column, int64_t columns, int64_t n, const int32_t *column_starts,
        const int32_t *indices, const float *dy, const float *w, float *dx),
       (first_column, last_column, columns, n, column_starts, indices, dy, w, dx)) {
  for (int64_t c = first_column; c < last_column; c++) {
    const float *weights = w + c * n, *rows[4];
    float dots[4];
    int32_t k = column_starts[c], last = column_starts[c + 1];
    for (; k + 4 <= last; k += 4) {
      for (int j = 0; j < 4; j++) rows[j] = dy + indices[k + j] * n;
      dot_rows(4, n, weights, rows, dots);
      for (int j = 0; j < 4; j++) dx[indices[k + j] * columns + c] += dots[j];
    }
    for (; k < last; k++) {
      rows[0] = dy + indices[k] * n;
      dot_rows(1, n, weights, rows, dots);
      dx[indices[k] * columns + c] += dots[0];
    }
  }
}
