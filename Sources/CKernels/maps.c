// Maps with their channels last: pooling, upsampling, and operations that combine the maps of several objects.
#include "kernels.h"

KERNEL(void, ck_max_pool,
       (int64_t images, int64_t height, int64_t width, int64_t channels, int64_t side, const float *x, float *y, uint8_t *chosen),
       (images, height, width, channels, side, x, y, chosen)) {
  for (int64_t row = 0; row < images * height / side; row++)
    for (int64_t column = 0; column < width / side; column++, y += channels, chosen += channels) {
      const float *first = x + (row * side * width + column * side) * channels;
      EACH(VECTOR, channels, y[i] = first[i]; chosen[i] = 0);
      for (int64_t k = 1; k < side * side; k++) {
        const float *other = first + (k / side * width + k % side) * channels;
        const uint8_t number = (uint8_t)k;
        EACH(VECTOR, channels, const int above = other[i] > y[i]; y[i] = above ? other[i] : y[i]; chosen[i] = above ? number : chosen[i]);
      }
    }
}

KERNEL(void, ck_max_pool_gradient,
       (int64_t images, int64_t height, int64_t width, int64_t channels, int64_t side, const float *dy, const uint8_t *chosen,
        float *dx, int accumulate),
       (images, height, width, channels, side, dy, chosen, dx, accumulate)) {
  for (int64_t row = 0; row < images * height / side; row++)
    for (int64_t column = 0; column < width / side; column++, dy += channels, chosen += channels) {
      float *first = dx + (row * side * width + column * side) * channels;
      for (int64_t k = 0; k < side * side; k++) {
        float *other = first + (k / side * width + k % side) * channels;
        const uint8_t number = (uint8_t)k;
        MAP(channels, other, accumulate, chosen[i] == number ? dy[i] : 0);
      }
    }
}

/// The position of pixel `i` of an enlarged axis between pixels `low` and `high` of the axis of n.
typedef struct { int64_t low, high; float share; } place;

INLINE place place_of(int64_t i, int64_t factor, int64_t n) {
  float at = ((float)i + 0.5f) / (float)factor - 0.5f;
  at = at < 0 ? 0 : at;
  const int64_t low = (int64_t)at, high = low + 1 < n ? low + 1 : low;
  return (place){low, high, at - (float)low};
}

KERNEL(void, ck_upsample,
       (int64_t images, int64_t height, int64_t width, int64_t channels, int64_t factor, const float *x, float *y),
       (images, height, width, channels, factor, x, y)) {
  for (int64_t n = 0; n < images; n++, x += height * width * channels)
    for (int64_t i = 0; i < factor * height; i++) {
      const place row = place_of(i, factor, height);
      const float *above = x + row.low * width * channels, *below = x + row.high * width * channels;
      for (int64_t j = 0; j < factor * width; j++, y += channels) {
        const place column = place_of(j, factor, width);
        const int64_t left = column.low * channels, right = column.high * channels;
        const float d = row.share * column.share, c = row.share - d, b = column.share - d, a = 1 - row.share - b;
        EACH(VECTOR, channels, y[i] = (a * (above + left)[i] + b * (above + right)[i]) + (c * (below + left)[i] + d * (below + right)[i]));
      }
    }
}

KERNEL(void, ck_upsample_gradient,
       (int64_t images, int64_t height, int64_t width, int64_t channels, int64_t factor, const float *dy, float *dx, int accumulate),
       (images, height, width, channels, factor, dy, dx, accumulate)) {
  if (!accumulate) memset(dx, 0, sizeof(float) * (size_t)(images * height * width * channels));
  for (int64_t n = 0; n < images; n++, dx += height * width * channels)
    for (int64_t i = 0; i < factor * height; i++) {
      const place row = place_of(i, factor, height);
      for (int64_t j = 0; j < factor * width; j++, dy += channels) {
        const place column = place_of(j, factor, width);
        const float weights[4] = {(1 - row.share) * (1 - column.share), (1 - row.share) * column.share,
                                  row.share * (1 - column.share), row.share * column.share};
        const int64_t rows[4] = {row.low, row.low, row.high, row.high};
        const int64_t columns[4] = {column.low, column.high, column.low, column.high};
        for (int k = 0; k < 4; k++) {
          float *to = dx + (rows[k] * width + columns[k]) * channels;
          const float weight = weights[k];
          EACH(VECTOR, channels, to[i] += weight * dy[i]);
        }
      }
    }
}

KERNEL(void, ck_max_over, (int64_t rows, int64_t n, int64_t columns, const float *x, float *y, uint8_t *chosen), (rows, n, columns, x, y, chosen)) {
  // Processes blocks that stay in the first-level cache while the n rows are compared one after the other.
  for (int64_t r = 0; r < rows; r++, x += n * columns, y += columns, chosen += columns)
    for (int64_t start = 0; start < columns; start += 2048) {
      const int64_t count = columns - start < 2048 ? columns - start : 2048;
      float *largest = y + start;
      uint8_t *which = chosen + start;
      EACH(VECTOR, count, largest[i] = (x + start)[i]; which[i] = 0);
      for (int64_t k = 1; k < n; k++) {
        const float *other = x + k * columns + start;
        const uint8_t number = (uint8_t)k;
        EACH(VECTOR, count, const int above = other[i] > largest[i]; largest[i] = above ? other[i] : largest[i]; which[i] = above ? number : which[i]);
      }
    }
}

KERNEL(void, ck_max_over_gradient,
       (int64_t rows, int64_t n, int64_t columns, const float *dy, const uint8_t *chosen, float *dx, int accumulate),
       (rows, n, columns, dy, chosen, dx, accumulate)) {
  for (int64_t r = 0; r < rows; r++, dy += columns, chosen += columns)
    for (int64_t k = 0; k < n; k++, dx += columns) {
      const uint8_t number = (uint8_t)k;
      MAP(columns, dx, accumulate, chosen[i] == number ? dy[i] : 0);
    }
}

KERNEL(void, ck_sum_over, (int64_t rows, int64_t n, int64_t columns, const float *x, float *y), (rows, n, columns, x, y)) {
  for (int64_t r = 0; r < rows; r++, y += columns)
    for (int64_t k = 0; k < n; k++, x += columns) MAP(columns, y, k > 0, x[i]);
}

KERNEL(void, ck_sum_over_gradient, (int64_t rows, int64_t n, int64_t columns, const float *dy, float *dx, int accumulate), (rows, n, columns, dy, dx, accumulate)) {
  for (int64_t r = 0; r < rows; r++, dy += columns)
    for (int64_t k = 0; k < n; k++, dx += columns) MAP(columns, dx, accumulate, dy[i]);
}

KERNEL(void, ck_transpose, (int64_t rows, int64_t n, int64_t m, const float *x, float *y, int accumulate), (rows, n, m, x, y, accumulate)) {
  for (int64_t r = 0; r < rows; r++, x += n * m, y += n * m)
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = 0; j < m; j++) y[j * n + i] = (accumulate ? y[j * n + i] : 0) + x[i * m + j];
}

/// Runs a statement for every element (u, v) of a kernel, at distance (du, dv) from its center, for every output, and
/// for every row of a plane whose position in the element's plane is inside. The statement uses the columns left ..<
/// right, whose positions are inside as well.
#define FOR_SHIFTED_ROWS(...) \
  for (int64_t u = 0; u < side; u++) \
    for (int64_t v = 0; v < side; v++) { \
      const int64_t du = u - side / 2, dv = v - side / 2; \
      const int64_t left = dv < 0 ? -dv : 0, right = dv > 0 ? width - dv : width; \
      for (int64_t o = 0; o < outputs; o++, elements += height * width) \
        for (int64_t row = du < 0 ? -du : 0; row < (du > 0 ? height - du : height); row++) { \
          const int64_t plane = (o * height + row) * width, element = (row + du) * width + dv; \
          __VA_ARGS__ \
        } \
    }

KERNEL(void, ck_fold_planes,
       (int64_t height, int64_t width, int64_t outputs, int64_t side, const float *elements, float *planes),
       (height, width, outputs, side, elements, planes)) {
  FOR_SHIFTED_ROWS({
    const float *from = elements + element + left;
    float *to = planes + plane + left;
    if (right > left) EACH(VECTOR, right - left, to[i] += from[i]);
  })
}

KERNEL(void, ck_unfold_planes,
       (int64_t height, int64_t width, int64_t outputs, int64_t side, const float *planes, float *elements),
       (height, width, outputs, side, planes, elements)) {
  memset(elements, 0, sizeof(float) * (size_t)(side * side * outputs * height * width));
  FOR_SHIFTED_ROWS({
    const float *from = planes + plane + left;
    float *to = elements + element + left;
    if (right > left) EACH(VECTOR, right - left, to[i] = from[i]);
  })
}

/// Whether pixel i lies on the enlarged axis of n pixels; if so, `where` receives its position on the small axis.
INLINE int is_on(int64_t i, int64_t factor, int64_t n, place *where) {
  if (i < 0 || i >= factor * n) return 0;
  *where = place_of(i, factor, n);
  return 1;
}

void ck_enlarged_rows(int64_t height, int64_t side, int64_t factor, int64_t row, int64_t *lowest, int64_t *highest) {
  place at;
  *lowest = height, *highest = -1;
  for (int64_t u = 0; u < side; u++) {
    if (!is_on(row + u - side / 2, factor, height, &at)) continue;
    if (at.low < *lowest) *lowest = at.low;
    if (at.high > *highest) *highest = at.high;
  }
}

KERNEL(void, ck_fold_enlarged,
       (int64_t height, int64_t width, int64_t outputs, int64_t side, int64_t factor, int64_t first_row, int64_t last_row, int64_t first_z,
        const float *z, const float *bias, float *line, float *y),
       (height, width, outputs, side, factor, first_row, last_row, first_z, z, bias, line, y)) {
  const int64_t half = side / 2, row_of_kernel = side * outputs, element = side * row_of_kernel;
  for (int64_t row = first_row; row < last_row; row++) {
    // First enlarge along y: compute the sum for this row of the result, for each column of the kernel and at every
    // pixel of the small map.
    memset(line, 0, sizeof(float) * (size_t)(width * row_of_kernel));
    for (int64_t u = 0; u < side; u++) {
      place at;
      if (!is_on(row + u - half, factor, height, &at)) continue;
      const float above = 1 - at.share, below = at.share;
      for (int64_t j = 0; j < width; j++) {
        const float *first = z + ((at.low - first_z) * width + j) * element + u * row_of_kernel;
        const float *second = z + ((at.high - first_z) * width + j) * element + u * row_of_kernel;
        float *to = line + j * row_of_kernel;
        EACH(VECTOR, row_of_kernel, to[i] += above * first[i] + below * second[i]);
      }
    }
    for (int64_t column = 0; column < factor * width; column++, y += outputs) {
      EACH(VECTOR, outputs, y[i] = bias[i]);
      for (int64_t v = 0; v < side; v++) {
        place at;
        if (!is_on(column + v - half, factor, width, &at)) continue;
        const float left = 1 - at.share, right = at.share;
        const float *first = line + at.low * row_of_kernel + v * outputs, *second = line + at.high * row_of_kernel + v * outputs;
        EACH(VECTOR, outputs, y[i] += left * first[i] + right * second[i]);
      }
    }
  }
}

KERNEL(void, ck_unfold_enlarged,
       (int64_t height, int64_t width, int64_t outputs, int64_t side, int64_t factor, int64_t first_row, int64_t last_row, int64_t first_z,
        const float *dy, float *line, float *dz),
       (height, width, outputs, side, factor, first_row, last_row, first_z, dy, line, dz)) {
  const int64_t half = side / 2, row_of_kernel = side * outputs, element = side * row_of_kernel;
  for (int64_t row = first_row; row < last_row; row++) {
    memset(line, 0, sizeof(float) * (size_t)(width * row_of_kernel));
    for (int64_t column = 0; column < factor * width; column++, dy += outputs)
      for (int64_t v = 0; v < side; v++) {
        place at;
        if (!is_on(column + v - half, factor, width, &at)) continue;
        const float left = 1 - at.share, right = at.share;
        float *first = line + at.low * row_of_kernel + v * outputs, *second = line + at.high * row_of_kernel + v * outputs;
        EACH(VECTOR, outputs, first[i] += left * dy[i]);
        EACH(VECTOR, outputs, second[i] += right * dy[i]);
      }
    for (int64_t u = 0; u < side; u++) {
      place at;
      if (!is_on(row + u - half, factor, height, &at)) continue;
      const float above = 1 - at.share, below = at.share;
      for (int64_t j = 0; j < width; j++) {
        const float *from = line + j * row_of_kernel;
        float *first = dz + ((at.low - first_z) * width + j) * element + u * row_of_kernel;
        float *second = dz + ((at.high - first_z) * width + j) * element + u * row_of_kernel;
        EACH(VECTOR, row_of_kernel, first[i] += above * from[i]);
        EACH(VECTOR, row_of_kernel, second[i] += below * from[i]);
      }
    }
  }
}
