// Divergences and log likelihoods per row, and their gradients.
#include "kernels.h"

/// The KL divergence (q^2 + d^2 - 1) / 2 - log q, with the ratio q of the deviations and the distance d of the means in
/// units of the prior's deviation.
INLINE float normal_divergence(float mean, float deviation, float prior_mean, float prior_precision) {
  float ratio = deviation * prior_precision, distance = (mean - prior_mean) * prior_precision;
  return 0.5f * (square(ratio) + square(distance) - 1) - fast_log(ratio);
}

KERNEL(void, ck_normal_kl,
       (int64_t rows, int64_t columns, const float *mean, const float *deviation, const float *prior_mean,
        const float *prior_deviation, int64_t prior_row, float *out),
       (rows, columns, mean, deviation, prior_mean, prior_deviation, prior_row, out)) {
  for (int64_t r = 0; r < rows; r++) {
    const float *m = mean + r * columns, *s = deviation + r * columns;
    const float *pm = prior_mean + r * prior_row, *ps = prior_deviation + r * prior_row;
    double total = 0;
    ADD_SUM(total, VECTOR, columns, normal_divergence(m[i], s[i], pm[i], 1 / ps[i]))
    out[r] = (float)total;
  }
}

KERNEL(void, ck_normal_kl_gradient,
       (int64_t rows, int64_t columns, const float *mean, const float *deviation, const float *prior_mean,
        const float *prior_deviation, int64_t prior_row, const float *dout, float *dmean, float *ddeviation,
        float *dprior_mean, float *dprior_deviation, int accumulate),
       (rows, columns, mean, deviation, prior_mean, prior_deviation, prior_row, dout, dmean, ddeviation, dprior_mean,
        dprior_deviation, accumulate)) {
  for (int64_t r = 0; r < rows; r++) {
    const int64_t row = r * columns;
    const float *m = mean + row, *s = deviation + row;
    const float *pm = prior_mean + r * prior_row, *ps = prior_deviation + r * prior_row, d = dout[r];
    if (dmean) MAP(columns, dmean + row, accumulate, d * (m[i] - pm[i]) / square(ps[i]));
    if (ddeviation) MAP(columns, ddeviation + row, accumulate, d * (s[i] / square(ps[i]) - 1 / s[i]));
    if (dprior_mean) MAP(columns, dprior_mean + row, accumulate, d * (pm[i] - m[i]) / square(ps[i]));
    if (dprior_deviation)
      MAP(columns, dprior_deviation + row, accumulate,
          d * (1 - (square(s[i]) + square(m[i] - pm[i])) / square(ps[i])) / ps[i]);
  }
}

KERNEL(void, ck_normal_log_likelihood,
       (int64_t rows, int64_t columns, const float *x, const float *mean, float deviation, float *out),
       (rows, columns, x, mean, deviation, out)) {
  const double constant = (double)columns * (0.91893853320467274 + (double)fast_log(deviation)); // log sqrt(2 pi)
  const double scale = -0.5 / ((double)deviation * deviation);
  for (int64_t r = 0; r < rows; r++, x += columns, mean += columns) {
    SUM_IN_LANES
    double total = 0; // in double throughout: the sum nearly cancels the constant
    VECTOR for (int64_t i = 0; i < columns; i++) {
      const double distance = (double)x[i] - (double)mean[i];
      total += distance * distance;
    }
    out[r] = (float)(scale * total - constant);
  }
}

KERNEL(void, ck_normal_log_likelihood_gradient,
       (int64_t rows, int64_t columns, const float *x, const float *mean, float deviation, const float *dout,
        float *dmean, int accumulate),
       (rows, columns, x, mean, deviation, dout, dmean, accumulate)) {
  for (int64_t r = 0; r < rows; r++, x += columns, mean += columns, dmean += columns) {
    const float scale = dout[r] / (deviation * deviation);
    MAP(columns, dmean, accumulate, scale * (x[i] - mean[i]));
  }
}

/// p = y clipped to [epsilon, 1 - epsilon]. The next function is 1 - y clipped in the same way.
INLINE float probability(float y, float epsilon) {
  float p = y < epsilon ? epsilon : y;
  return p > 1 - epsilon ? 1 - epsilon : p;
}
INLINE float complement(float y, float epsilon) {
  float q = 1 - y < epsilon ? epsilon : 1 - y;
  return q > 1 - epsilon ? 1 - epsilon : q;
}

KERNEL(void, ck_bernoulli_log_likelihood,
       (int64_t rows, int64_t columns, const float *x, const float *y, float epsilon, float *out),
       (rows, columns, x, y, epsilon, out)) {
  for (int64_t r = 0; r < rows; r++, x += columns, y += columns) {
    double total = 0;
    ADD_SUM(total, VECTOR, columns, x[i] * fast_log(probability(y[i], epsilon))
                       + (1 - x[i]) * fast_log(complement(y[i], epsilon)))
    out[r] = (float)total;
  }
}

KERNEL(void, ck_bernoulli_log_likelihood_gradient,
       (int64_t rows, int64_t columns, const float *x, const float *y, float epsilon, const float *dout, float *dy,
        int accumulate),
       (rows, columns, x, y, epsilon, dout, dy, accumulate)) {
  for (int64_t r = 0; r < rows; r++, x += columns, y += columns, dy += columns) {
    const float d = dout[r];
    MAP(columns, dy, accumulate,
        y[i] < epsilon ? 0
                       : d * (x[i] / probability(y[i], epsilon) - (1 - x[i]) / complement(y[i], epsilon)));
  }
}

KERNEL(void, ck_bernoulli_logit_likelihood,
       (int64_t rows, int64_t columns, const float *x, const float *logits, float *out),
       (rows, columns, x, logits, out)) {
  for (int64_t r = 0; r < rows; r++, x += columns, logits += columns) {
    double total = 0;
    ADD_SUM(total, VECTOR, columns, x[i] * logits[i] - fast_softplus(logits[i]))
    out[r] = (float)total;
  }
}

KERNEL(void, ck_bernoulli_logit_likelihood_gradient,
       (int64_t rows, int64_t columns, const float *x, const float *logits, const float *dout, float *dlogits, int accumulate),
       (rows, columns, x, logits, dout, dlogits, accumulate)) {
  for (int64_t r = 0; r < rows; r++, x += columns, logits += columns, dlogits += columns) {
    const float d = dout[r];
    MAP(columns, dlogits, accumulate, d * (x[i] - fast_sigmoid(logits[i])));
  }
}
