// A matrix product by plain loops, as a reference for the products of a library.
#include "kernels.h"

KERNEL(void, ck_plain_product, (int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out), (m, n, k, a, b, out)) {
  full_width();
  for (int64_t i = 0; i < m; i++, a += k, out += n) {
    memset(out, 0, sizeof(float) * (size_t)n);
    for (int64_t l = 0; l < k; l++) {
      const float factor = a[l], *row = b + l * n;
      VECTOR for (int64_t j = 0; j < n; j++) out[j] += factor * row[j];
    }
  }
}
