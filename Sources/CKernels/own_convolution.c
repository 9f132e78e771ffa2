// Convolutions in which every image has its own kernel.
#include "kernels.h"

/// The rows or columns of the output at which a kernel's element, at distance d from its center, reads inside the
/// image.
INLINE int64_t first_inside(int64_t d) { return d < 0 ? -d : 0; }
INLINE int64_t last_inside(int64_t d, int64_t n) { return d > 0 ? n - d : n; }

/// Runs a statement for every element (u, v) of a kernel, at distance (du, dv) from its center, and for every row i of
/// the image in which it has a neighbor.
#define FOR_ELEMENTS(...) \
  for (int64_t u = 0; u < side; u++) \
    for (int64_t v = 0; v < side; v++) { \
      const int64_t du = u - side / 2, dv = v - side / 2; \
      const int64_t left = first_inside(dv), right = last_inside(dv, width); \
      for (int64_t i = first_inside(du); i < last_inside(du, height); i++) __VA_ARGS__ \
    }

KERNEL(void, ck_own_convolution,
       (int64_t images, int64_t height, int64_t width, int64_t side, const float *x, const float *kernels, float *y),
       (images, height, width, side, x, kernels, y)) {
  for (int64_t n = 0; n < images; n++, x += height * width, y += height * width, kernels += side * side) {
    memset(y, 0, sizeof(float) * (size_t)(height * width));
    FOR_ELEMENTS({
      const float weight = kernels[u * side + v], *from = x + (i + du) * width + dv;
      float *to = y + i * width;
      VECTOR for (int64_t j = left; j < right; j++) to[j] += weight * from[j];
    })
  }
}

KERNEL(void, ck_own_convolution_input_gradient,
       (int64_t images, int64_t height, int64_t width, int64_t side, const float *dy, const float *kernels, float *dx,
        int accumulate),
       (images, height, width, side, dy, kernels, dx, accumulate)) {
  for (int64_t n = 0; n < images; n++, dx += height * width, dy += height * width, kernels += side * side) {
    if (!accumulate) memset(dx, 0, sizeof(float) * (size_t)(height * width));
    FOR_ELEMENTS({
      const float weight = kernels[u * side + v], *from = dy + i * width;
      float *to = dx + (i + du) * width + dv;
      VECTOR for (int64_t j = left; j < right; j++) to[j] += weight * from[j];
    })
  }
}

KERNEL(void, ck_own_convolution_kernel_gradient,
       (int64_t images, int64_t height, int64_t width, int64_t side, const float *x, const float *dy, float *dk,
        int accumulate),
       (images, height, width, side, x, dy, dk, accumulate)) {
  for (int64_t n = 0; n < images; n++, x += height * width, dy += height * width, dk += side * side) {
    if (!accumulate) memset(dk, 0, sizeof(float) * (size_t)(side * side));
    FOR_ELEMENTS({
      const float *first = dy + i * width, *second = x + (i + du) * width + dv;
      float sum = 0;
      VECTOR for (int64_t j = left; j < right; j++) sum += first[j] * second[j];
      dk[u * side + v] += sum;
    })
  }
}
