#include "testing.h"

static void own_kernels(int64_t images, int64_t height, int64_t width, int64_t side, int accumulate) {
  test("convolutions with a kernel for every image, and their gradients, match plain loops");
  const int64_t map = height * width, size = images * map, of_kernels = images * side * side;
  float *x = normals(size), *kernels = normals(of_kernels), *dy = normals(size), *y = room(size);
  float *dx = accumulate ? normals(size) : room(size), *dk = accumulate ? normals(of_kernels) : room(of_kernels);
  double *expected = numbers(size), *of_x = numbers(size), *of_k = numbers(of_kernels);
  for (int64_t n = 0; n < images; n++)
    for (int64_t i = 0; i < height; i++)
      for (int64_t j = 0; j < width; j++)
        for (int64_t k = 0; k < side * side; k++) {
          const int64_t row = i + k / side - side / 2, column = j + k % side - side / 2;
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          const int64_t to = n * map + i * width + j, from = n * map + row * width + column, kernel = n * side * side + k;
          expected[to] += (double)kernels[kernel] * x[from];
          of_x[from] += (double)kernels[kernel] * dy[to];
          of_k[kernel] += (double)dy[to] * x[from];
        }
  add_before(of_x, dx, size, accumulate);
  add_before(of_k, dk, of_kernels, accumulate);
  ck_own_convolution(images, height, width, side, x, kernels, y);
  ck_own_convolution_input_gradient(images, height, width, side, dy, kernels, dx, accumulate);
  ck_own_convolution_kernel_gradient(images, height, width, side, x, dy, dk, accumulate);
  CLOSE(y, expected, size, 1e-5, 1e-5);
  CLOSE(dx, of_x, size, 1e-5, 1e-5);
  CLOSE(dk, of_k, of_kernels, 1e-4, 1e-5);
}

static void windows(int64_t height, int64_t width, int64_t channels, int64_t side, int64_t stride, int64_t padding, int accumulate) {
  test("overlapping windows are gathered and added as by plain loops");
  const int64_t images = 2, map_height = (height - 1) * stride + side - 2 * padding, map_width = (width - 1) * stride + side - 2 * padding + 1;
  const int64_t size = images * map_height * map_width * channels, count = images * height * width * side * side * channels;
  float *map = normals(size), *patches = normals(count), *added = room(size), *gathered = accumulate ? normals(count) : room(count);
  double *of_map = numbers(size), *of_windows = numbers(count);
  for (int64_t at = 0; at < count; at++) {
    int64_t rest = at;
    const int64_t c = rest % channels;
    rest /= channels;
    const int64_t v = rest % side, u = rest / side % side;
    rest /= side * side;
    const int64_t row = rest / width % height * stride - padding + u, column = rest % width * stride - padding + v, n = rest / (width * height);
    if (row < 0 || row >= map_height || column < 0 || column >= map_width) continue;
    const int64_t place = ((n * map_height + row) * map_width + column) * channels + c;
    of_map[place] += patches[at], of_windows[at] = map[place];
  }
  add_before(of_windows, gathered, count, accumulate);
  ck_overlap_add(images, height, width, channels, side, stride, padding, map_height, map_width, patches, added);
  ck_overlap_gather(images, height, width, channels, side, stride, padding, map_height, map_width, map, gathered, accumulate);
  CLOSE(added, of_map, size, 1e-5, 1e-5);
  CLOSE(gathered, of_windows, count, 1e-6, 1e-6);
}

static void planes(int64_t height, int64_t width, int64_t outputs, int64_t side) {
  test("planes of a kernel's elements are moved and added as by plain loops");
  const int64_t size = outputs * height * width, count = side * side * size;
  float *elements = normals(count), *folded = normals(size), *before = copy(folded, size), *unfolded = room(count);
  double *of_planes = numbers(size), *of_elements = numbers(count);
  for (int64_t at = 0; at < count; at++) {
    const int64_t k = at / size, row = at / width % height - k / side + side / 2, column = at % width - k % side + side / 2;
    if (row < 0 || row >= height || column < 0 || column >= width) continue;
    const int64_t to = (at % size / (height * width) * height + row) * width + column;
    of_planes[to] += elements[at], of_elements[at] = before[to];
  }
  add_before(of_planes, before, size, 1);
  ck_unfold_planes(height, width, outputs, side, folded, unfolded);
  ck_fold_planes(height, width, outputs, side, elements, folded);
  CLOSE(folded, of_planes, size, 1e-5, 1e-5);
  CLOSE(unfolded, of_elements, count, 0, 0);
}

void test_convolutions(void) {
  const int64_t own[][4] = {{1, 1, 1, 1}, {2, 5, 4, 3}, {3, 7, 17, 5}, {1, 20, 33, 3}, {2, 9, 40, 9}};
  for (int s = 0; s < 5; s++)
    for (int accumulate = 0; accumulate < 2; accumulate++) own_kernels(own[s][0], own[s][1], own[s][2], own[s][3], accumulate);
  const int64_t shapes[][6] = {{1, 1, 1, 1, 1, 0}, {4, 3, 5, 3, 1, 1}, {3, 4, 16, 4, 2, 1}, {2, 3, 19, 5, 2, 2}, {5, 5, 33, 2, 3, 0}};
  for (int s = 0; s < 5; s++)
    for (int accumulate = 0; accumulate < 2; accumulate++)
      windows(shapes[s][0], shapes[s][1], shapes[s][2], shapes[s][3], shapes[s][4], shapes[s][5], accumulate);
  planes(1, 1, 1, 1);
  planes(1, 2, 1, 5); // a kernel wider than the plane
  planes(6, 7, 3, 3);
  planes(5, 40, 2, 5);
}
