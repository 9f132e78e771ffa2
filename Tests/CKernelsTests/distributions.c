#include "testing.h"

static double softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }

static void divergences(int64_t columns, int has_one_prior, int accumulate) {
  const int64_t rows = 3, n = rows * columns, prior = has_one_prior ? columns : n, stride = has_one_prior ? 0 : columns;
  test("divergences of normal distributions and their gradients match double precision");
  float *m = normals(n), *s = uniforms(n, 0.3, 2), *pm = normals(prior), *ps = uniforms(prior, 0.5, 2), *d = normals(rows), *out = room(rows);
  float *found[4];
  double *expected = numbers(rows), *slopes[4];
  for (int k = 0; k < 4; k++) found[k] = accumulate ? normals(n) : room(n), slopes[k] = numbers(n);
  for (int64_t i = 0; i < n; i++) {
    const int64_t p = i / columns * stride + i % columns;
    const double a = m[i], b = s[i], c = pm[p], e = ps[p], dy = d[i / columns];
    expected[i / columns] += log(e / b) + (b * b + (a - c) * (a - c)) / (2 * e * e) - 0.5;
    slopes[0][i] = dy * (a - c) / (e * e);
    slopes[1][i] = dy * (b / (e * e) - 1 / b);
    slopes[2][i] = dy * (c - a) / (e * e);
    slopes[3][i] = dy * (1 / e - (b * b + (a - c) * (a - c)) / (e * e * e));
  }
  ck_normal_kl(rows, columns, m, s, pm, ps, stride, out);
  CLOSE(out, expected, rows, 1e-6 * (double)columns, 2e-6);
  for (int k = 0; k < 4; k++) add_before(slopes[k], found[k], n, accumulate);
  ck_normal_kl_gradient(rows, columns, m, s, pm, ps, stride, d, found[0], found[1], found[2], found[3], accumulate);
  for (int k = 0; k < 4; k++) CLOSE(found[k], slopes[k], n, 1e-5, 1e-5);
  float *alone = room(n); // outputs that are not requested are not written
  ck_normal_kl_gradient(rows, columns, m, s, pm, ps, stride, d, NULL, alone, NULL, NULL, 0);
  for (int64_t i = 0; i < n && !accumulate; i++) EXPECT(alone[i] == found[1][i]);
}

static void likelihoods(int64_t columns, int accumulate) {
  const int64_t rows = 3, n = rows * columns;
  test("log likelihoods and their gradients match double precision");
  float *x = uniforms(n, 0, 1), *mean = normals(n), *d = normals(rows), *out = room(rows), *dx = accumulate ? normals(n) : room(n);
  double *expected = numbers(rows), *slopes = numbers(n);
  const double deviation = 0.3f;
  for (int64_t i = 0; i < n; i++) {
    const double distance = ((double)x[i] - mean[i]) / deviation;
    expected[i / columns] += -0.5 * distance * distance - log(deviation) - 0.5 * log(6.283185307179586);
    slopes[i] = d[i / columns] * distance / deviation;
  }
  add_before(slopes, dx, n, accumulate);
  ck_normal_log_likelihood(rows, columns, x, mean, 0.3f, out);
  ck_normal_log_likelihood_gradient(rows, columns, x, mean, 0.3f, d, dx, accumulate);
  CLOSE(out, expected, rows, 1e-6 * (double)columns, 1e-6);
  CLOSE(dx, slopes, n, 1e-5, 1e-5);

  float *logits = uniforms(n, -30, 30), *of_logits = room(rows), *dl = accumulate ? normals(n) : room(n);
  double *expected_logits = numbers(rows), *logit_slopes = numbers(n);
  for (int64_t i = 0; i < n; i++) {
    expected_logits[i / columns] += x[i] * (double)logits[i] - softplus(logits[i]);
    logit_slopes[i] = d[i / columns] * (x[i] - 1 / (1 + exp(-(double)logits[i])));
  }
  add_before(logit_slopes, dl, n, accumulate);
  ck_bernoulli_logit_likelihood(rows, columns, x, logits, of_logits);
  ck_bernoulli_logit_likelihood_gradient(rows, columns, x, logits, d, dl, accumulate);
  CLOSE(of_logits, expected_logits, rows, 1e-6 * (double)columns, 2e-6);
  CLOSE(dl, logit_slopes, n, 1e-6, 2e-6);

  // Some values are beyond the clip on each side.
  const float epsilon = 0.01f, high = 1 - epsilon;
  float *y = uniforms(n, -0.1, 1.1), *of_y = room(rows), *dy = accumulate ? normals(n) : room(n);
  double *expected_y = numbers(rows), *y_slopes = numbers(n);
  for (int64_t i = 0; i < n; i++) {
    const double p = fmin(fmax(y[i], epsilon), high), q = fmin(fmax((float)(1 - y[i]), epsilon), high);
    expected_y[i / columns] += x[i] * log(p) + (1 - (double)x[i]) * log(q);
    y_slopes[i] = y[i] < epsilon ? 0 : d[i / columns] * (x[i] / p - (1 - (double)x[i]) / q);
  }
  add_before(y_slopes, dy, n, accumulate);
  ck_bernoulli_log_likelihood(rows, columns, x, y, epsilon, of_y);
  ck_bernoulli_log_likelihood_gradient(rows, columns, x, y, epsilon, d, dy, accumulate);
  CLOSE(of_y, expected_y, rows, 1e-6 * (double)columns, 2e-6);
  CLOSE(dy, y_slopes, n, 1e-5, 1e-5);
}

void test_distributions(void) {
  for (int l = 0; l < length_count; l++)
    for (int accumulate = 0; accumulate < 2; accumulate++) {
      divergences(lengths[l], 0, accumulate);
      divergences(lengths[l], 1, accumulate);
      likelihoods(lengths[l], accumulate);
    }
}
