#include "testing.h"

static void pooling(int64_t height, int64_t width, int64_t channels, int64_t side) {
  test("pools keep the first of the largest and send its gradient back");
  const int64_t images = 2, h = height / side, w = width / side, size = images * height * width * channels, count = images * h * w * channels;
  float *x = normals(size), *y = room(count), *dy = normals(count);
  for (int64_t i = 0; i < size; i++) x[i] = roundf(2 * x[i]); // gives equal values
  uint8_t *chosen = malloc((size_t)count);
  double *expected = numbers(count);
  int64_t *from = malloc(sizeof(int64_t) * (size_t)count);
  int wrong = 0;
  ck_max_pool(images, height, width, channels, side, x, y, chosen);
  for (int64_t at = 0; at < count; at++) {
    const int64_t c = at % channels, j = at / channels % w, row = at / channels / w; // counted over all images
    int best = -1;
    for (int k = 0; k < side * side; k++) {
      const int64_t place = ((row * side + k / side) * width + j * side + k % side) * channels + c;
      if (best < 0 || x[place] > expected[at]) best = k, expected[at] = x[place], from[at] = place;
    }
    wrong += best != chosen[at];
  }
  EXPECT(wrong == 0);
  CLOSE(y, expected, count, 0, 0);
  for (int accumulate = 0; accumulate < 2; accumulate++) {
    float *dx = accumulate ? normals(size) : room(size);
    double *slopes = numbers(size);
    for (int64_t at = 0; at < count; at++) slopes[from[at]] = dy[at];
    add_before(slopes, dx, size, accumulate);
    ck_max_pool_gradient(images, height, width, channels, side, dy, chosen, dx, accumulate);
    CLOSE(dx, slopes, size, 1e-6, 1e-6);
  }
  free(chosen), free(from);
}

/// The weight of pixel k of an axis with n pixels in pixel i of the enlarged axis. Border pixels are repeated.
static double share(int64_t i, int64_t k, int64_t factor, int64_t n) {
  const double at = fmin(fmax(((double)i + 0.5) / (double)factor - 0.5, 0), (double)n - 1);
  return fmax(0, 1 - fabs(at - (double)k));
}

static void enlarging(int64_t height, int64_t width, int64_t channels, int64_t factor) {
  test("maps are enlarged, and gradients reduced, as by the definition");
  const int64_t images = 2, size = images * height * width * channels, count = size * factor * factor;
  float *x = normals(size), *y = room(count), *dy = normals(count);
  double *expected = numbers(count), *slopes = numbers(size);
  for (int64_t at = 0; at < count; at++)
    for (int64_t k = 0; k < height * width; k++) {
      const int64_t c = at % channels, j = at / channels % (factor * width), i = at / channels / (factor * width) % (factor * height);
      const int64_t n = at / (height * width * channels * factor * factor), from = (n * height * width + k) * channels + c;
      const double weight = share(i, k / width, factor, height) * share(j, k % width, factor, width);
      expected[at] += weight * x[from], slopes[from] += weight * dy[at];
    }
  ck_upsample(images, height, width, channels, factor, x, y);
  CLOSE(y, expected, count, 1e-6, 1e-6);
  for (int accumulate = 0; accumulate < 2; accumulate++) {
    float *dx = accumulate ? normals(size) : room(size);
    double *all = numbers(size);
    for (int64_t i = 0; i < size; i++) all[i] = slopes[i] + (accumulate ? dx[i] : 0);
    ck_upsample_gradient(images, height, width, channels, factor, dy, dx, accumulate);
    CLOSE(dx, all, size, 1e-5, 1e-5);
  }
}

static void enlarged_convolutions(int64_t height, int64_t width, int64_t outputs, int64_t side, int64_t factor) {
  test("enlarged maps of a kernel's elements are moved and added as by the definition");
  const int64_t element = side * side * outputs, size = height * width * element, count = factor * factor * height * width * outputs;
  float *z = normals(size), *bias = normals(outputs), *line = room(width * side * outputs), *y = room(count), *dy = normals(count), *dz = room(size);
  double *expected = numbers(count), *slopes = numbers(size);
  for (int64_t at = 0; at < count; at++) {
    const int64_t o = at % outputs, column = at / outputs % (factor * width), row = at / outputs / (factor * width);
    expected[at] = bias[o];
    for (int64_t k = 0; k < side * side; k++) {
      const int64_t i = row + k / side - side / 2, j = column + k % side - side / 2;
      if (i < 0 || i >= factor * height || j < 0 || j >= factor * width) continue;
      for (int64_t p = 0; p < height * width; p++) {
        const double weight = share(i, p / width, factor, height) * share(j, p % width, factor, width);
        expected[at] += weight * z[p * element + k * outputs + o], slopes[p * element + k * outputs + o] += weight * dy[at];
      }
    }
  }
  // Row by row, each from the rows of z that it needs and no others.
  const int64_t row_of_y = factor * width * outputs, row_of_z = width * element;
  for (int64_t i = 0; i < size; i++) dz[i] = 0;
  for (int64_t row = 0; row < factor * height; row++) {
    int64_t lowest, highest;
    ck_enlarged_rows(height, side, factor, row, &lowest, &highest);
    EXPECT(0 <= lowest && lowest <= highest && highest < height);
    float *part = room((highest - lowest + 1) * row_of_z);
    memcpy(part, z + lowest * row_of_z, sizeof(float) * (size_t)((highest - lowest + 1) * row_of_z));
    ck_fold_enlarged(height, width, outputs, side, factor, row, row + 1, lowest, part, bias, line, y + row * row_of_y);
    ck_unfold_enlarged(height, width, outputs, side, factor, row, row + 1, lowest, dy + row * row_of_y, line, dz + lowest * row_of_z);
  }
  CLOSE(y, expected, count, 1e-5, 1e-5);
  float *whole = room(count), *slopes_of_z = room(size);
  for (int64_t i = 0; i < size; i++) slopes_of_z[i] = 0;
  ck_fold_enlarged(height, width, outputs, side, factor, 0, factor * height, 0, z, bias, line, whole);
  ck_unfold_enlarged(height, width, outputs, side, factor, 0, factor * height, 0, dy, line, slopes_of_z);
  CLOSE(whole, expected, count, 1e-5, 1e-5);
  CLOSE(slopes_of_z, slopes, size, 1e-5, 1e-5);
  CLOSE(dz, slopes, size, 1e-5, 1e-5);
}

static void unions(int64_t rows, int64_t n, int64_t columns) {
  test("the largest and the sum over objects, and their gradients, match plain loops");
  const int64_t size = rows * n * columns, count = rows * columns;
  float *x = normals(size), *y = room(count), *sum = room(count), *dy = normals(count);
  uint8_t *chosen = malloc((size_t)count);
  double *largest = numbers(count), *total = numbers(count);
  for (int64_t i = 0; i < size; i++) x[i] = roundf(4 * x[i]);
  ck_max_over(rows, n, columns, x, y, chosen);
  ck_sum_over(rows, n, columns, x, sum);
  int wrong = 0;
  for (int64_t at = 0; at < count; at++) {
    int best = 0;
    const float *first = x + (at / columns * n) * columns + at % columns;
    for (int k = 0; k < n; k++) {
      total[at] += first[k * columns];
      if (first[k * columns] > first[best * columns]) best = k;
    }
    largest[at] = first[best * columns], wrong += best != chosen[at];
  }
  EXPECT(wrong == 0);
  CLOSE(y, largest, count, 0, 0);
  CLOSE(sum, total, count, 1e-5, 1e-6);
  for (int accumulate = 0; accumulate < 2; accumulate++) {
    float *of_largest = accumulate ? normals(size) : room(size), *of_sum = accumulate ? normals(size) : room(size);
    double *slopes = numbers(size), *all = numbers(size);
    for (int64_t i = 0; i < size; i++) {
      const int64_t at = i / (n * columns) * columns + i % columns;
      slopes[i] = i / columns % n == chosen[at] ? dy[at] : 0, all[i] = dy[at];
    }
    add_before(slopes, of_largest, size, accumulate);
    add_before(all, of_sum, size, accumulate);
    ck_max_over_gradient(rows, n, columns, dy, chosen, of_largest, accumulate);
    ck_sum_over_gradient(rows, n, columns, dy, of_sum, accumulate);
    CLOSE(of_largest, slopes, size, 1e-6, 1e-6);
    CLOSE(of_sum, all, size, 1e-6, 1e-6);
  }
  free(chosen);
}

void test_maps(void) {
  const int64_t channels[] = {1, 3, 16, 21, 64};
  for (int c = 0; c < 5; c++) {
    pooling(4, 6, channels[c], 2);
    pooling(3, 3, channels[c], 3);
    enlarging(1, 1, channels[c], 2);
    enlarging(3, 4, channels[c], 2);
    enlarging(2, 3, channels[c], 3);
    enlarged_convolutions(3, 4, channels[c], 3, 2);
    enlarged_convolutions(1, 2, channels[c], 5, 2);
    unions(2, 3, channels[c] * 7);
    unions(1, 5, channels[c]);
  }
  unions(2, 4, 5000);
  test("transposes match plain loops");
  for (int accumulate = 0; accumulate < 2; accumulate++) {
    float *x = normals(2 * 5 * 33), *y = accumulate ? normals(2 * 5 * 33) : room(2 * 5 * 33);
    double *expected = numbers(2 * 5 * 33);
    for (int i = 0; i < 2 * 5 * 33; i++) expected[i / 165 * 165 + i % 33 * 5 + i / 33 % 5] = x[i];
    add_before(expected, y, 2 * 5 * 33, accumulate);
    ck_transpose(2, 5, 33, x, y, accumulate);
    CLOSE(y, expected, 2 * 5 * 33, 1e-6, 1e-6);
  }
}
