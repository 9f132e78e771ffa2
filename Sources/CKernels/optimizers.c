// Parameter updates, each in one pass over memory.
#include "kernels.h"

INLINE void adam(int64_t first, int64_t last, float *p, const float *gradient, float *m, float *v, float scale, float step,
                 float b1, float b2, float epsilon) {
  const float rest1 = 1 - b1, rest2 = 1 - b2;
  VECTOR for (int64_t i = first; i < last; i++) {
    float g = scale * gradient[i];
    m[i] = b1 * m[i] + rest1 * g;
    v[i] = b2 * v[i] + rest2 * (g * g);
    p[i] -= step * m[i] / (square_root(v[i]) + epsilon);
  }
}

// Prefetches in software, because CPUs do not prefetch this many streams by themselves: three that are read and
// written, and one that is read.
enum { line = 16, lines_ahead = 16 };

KERNEL(void, ck_adam,
       (int64_t n, float *p, const float *gradient, float *m, float *v, float scale, float step, float b1, float b2,
        float epsilon),
       (n, p, gradient, m, v, scale, step, b1, b2, epsilon)) {
  const int64_t ahead = line * lines_ahead;
  int64_t i = 0;
  for (; i + line <= n; i += line) {
    if (i + ahead < n) {
      __builtin_prefetch(p + i + ahead, 1);
      __builtin_prefetch(m + i + ahead, 1);
      __builtin_prefetch(v + i + ahead, 1);
      __builtin_prefetch(gradient + i + ahead, 0);
    }
    adam(i, i + line, p, gradient, m, v, scale, step, b1, b2, epsilon);
  }
  adam(i, n, p, gradient, m, v, scale, step, b1, b2, epsilon);
}

KERNEL(void, ck_rmsprop,
       (int64_t n, float *p, const float *gradient, float *v, float *b, float scale, float rate, float decay,
        float momentum, float epsilon),
       (n, p, gradient, v, b, scale, rate, decay, momentum, epsilon)) {
  const float rest = 1 - decay;
  VECTOR for (int64_t i = 0; i < n; i++) {
    float g = scale * gradient[i];
    v[i] = decay * v[i] + rest * (g * g);
    b[i] = momentum * b[i] + rate * g / (square_root(v[i]) + epsilon);
    p[i] -= b[i];
  }
}

KERNEL(void, ck_sgd,
       (int64_t n, float *p, const float *gradient, float *b, float scale, float rate, float momentum),
       (n, p, gradient, b, scale, rate, momentum)) {
  full_width();
  VECTOR for (int64_t i = 0; i < n; i++) {
    b[i] = momentum * b[i] + scale * gradient[i];
    p[i] -= rate * b[i];
  }
}
