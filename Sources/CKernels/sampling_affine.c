// Bilinear sampling under general affine transforms: four neighbours per output pixel.
#include "kernels.h"

enum { chunk = 128 };

/// For each output pixel: the offsets of its four neighbours (any pixel if outside), whether each is inside (0 or 1), and the weights.
typedef struct { int32_t offset[4][chunk]; float inside[4][chunk], right[chunk], down[chunk]; } Taps;

/// A position clamped to just outside, counted from a border of one pixel: always at least 0, NaN included.
INLINE double bordered(double p, double size) {
  p = p > 0 ? p : 0;
  return p < size + 1 ? p : size + 1;
}

INLINE double centre(int64_t i, int64_t count) { return (double)(2 * i + 1) / (double)count - 1; }

/// Output pixels first ..< first + count of the row at height v. Positions in double: a float's rounding picks wrong neighbours.
INLINE void make_taps(int64_t height, int64_t width, const float *t, double v, int64_t first, int64_t count,
                      int64_t out_width, Taps *taps) {
  const double half_width = 0.5 * (double)width, half_height = 0.5 * (double)height;
  const double u = centre(first, out_width), u_step = 2 / (double)out_width;
  const double start_x = (t[0] * u + t[1] * v + t[2] + 1) * half_width + 0.5, step_x = t[0] * u_step * half_width;
  const double start_y = (t[3] * u + t[4] * v + t[5] + 1) * half_height + 0.5, step_y = t[3] * u_step * half_height;
  const int32_t w = (int32_t)width, h = (int32_t)height;
  VECTOR for (int32_t k = 0; k < (int32_t)count; k++) {
    double x = bordered(start_x + step_x * k, (double)width), y = bordered(start_y + step_y * k, (double)height);
    int32_t right = (int32_t)x, bottom = (int32_t)y, left = right - 1, top = bottom - 1;
    taps->right[k] = (float)(x - right), taps->down[k] = (float)(y - bottom);
    int32_t in_left = left >= 0 && left < w, in_right = x > 0 && right < w;
    int32_t in_top = top >= 0 && top < h, in_bottom = y > 0 && bottom < h;
    left = left < 0 ? 0 : left, top = top < 0 ? 0 : top;
    left = left < w ? left : w - 1, top = top < h ? top : h - 1;
    right = right < w ? right : w - 1, bottom = bottom < h ? bottom : h - 1;
    taps->offset[0][k] = top * w + left, taps->inside[0][k] = (float)(in_top & in_left);
    taps->offset[1][k] = top * w + right, taps->inside[1][k] = (float)(in_top & in_right);
    taps->offset[2][k] = bottom * w + left, taps->inside[2][k] = (float)(in_bottom & in_left);
    taps->offset[3][k] = bottom * w + right, taps->inside[3][k] = (float)(in_bottom & in_right);
  }
}

/// The four neighbours of each pixel of a chunk, zero outside.
INLINE void gather(const Taps *taps, const float *image, int64_t count, float pixels[4][chunk]) {
  for (int corner = 0; corner < 4; corner++) {
    for (int64_t k = 0; k < count; k++) pixels[corner][k] = image[taps->offset[corner][k]];
    VECTOR for (int64_t k = 0; k < count; k++) pixels[corner][k] *= taps->inside[corner][k];
  }
}

CLONES void ck_sample_affine(int64_t batch, int64_t channels, int64_t height, int64_t width, const float *images,
                             const float *transforms, int64_t out_height, int64_t out_width, float *out) {
  Taps taps;
  float p[4][chunk];
  for (int64_t b = 0; b < batch; b++) {
    for (int64_t i = 0; i < out_height; i++) {
      for (int64_t j = 0; j < out_width; j += chunk) {
        const int64_t count = out_width - j < chunk ? out_width - j : chunk;
        make_taps(height, width, transforms + 6 * b, centre(i, out_height), j, count, out_width, &taps);
        for (int64_t c = 0; c < channels; c++) {
          const int64_t plane = b * channels + c;
          float *target = out + (plane * out_height + i) * out_width + j;
          gather(&taps, images + plane * height * width, count, p);
          VECTOR for (int64_t k = 0; k < count; k++) {
            float upper = p[0][k] + taps.right[k] * (p[1][k] - p[0][k]), lower = p[2][k] + taps.right[k] * (p[3][k] - p[2][k]);
            target[k] = upper + taps.down[k] * (lower - upper);
          }
        }
      }
    }
  }
}

/// Adds a chunk of dout to the pixels it came from.
INLINE void scatter(const Taps *taps, const float *dout, int64_t count, float *dimage) {
  for (int64_t k = 0; k < count; k++) {
    float right = taps->right[k], down = taps->down[k], lower = dout[k] * down, upper = dout[k] - lower;
    dimage[taps->offset[0][k]] += taps->inside[0][k] * (1 - right) * upper;
    dimage[taps->offset[1][k]] += taps->inside[1][k] * right * upper;
    dimage[taps->offset[2][k]] += taps->inside[2][k] * (1 - right) * lower;
    dimage[taps->offset[3][k]] += taps->inside[3][k] * right * lower;
  }
}

CLONES void ck_sample_affine_gradient(int64_t batch, int64_t channels, int64_t height, int64_t width, const float *images,
                                      const float *transforms, int64_t out_height, int64_t out_width, const float *dout,
                                      float *dimages, float *dtransforms) {
  Taps taps;
  float p[4][chunk];
  const double half_width = 0.5 * (double)width, half_height = 0.5 * (double)height;
  for (int64_t b = 0; b < batch; b++) {
    double sums[6] = {0};
    for (int64_t i = 0; i < out_height; i++) {
      const double v = centre(i, out_height);
      for (int64_t j = 0; j < out_width; j += chunk) {
        const int64_t count = out_width - j < chunk ? out_width - j : chunk;
        make_taps(height, width, transforms + 6 * b, v, j, count, out_width, &taps);
        for (int64_t c = 0; c < channels; c++) {
          const int64_t plane = b * channels + c;
          const float *d = dout + (plane * out_height + i) * out_width + j;
          if (dimages) scatter(&taps, d, count, dimages + plane * height * width);
          if (dtransforms) {
            SUM_IN_LANES
            const float u0 = (float)centre(j, out_width), u_step = 2 / (float)out_width;
            gather(&taps, images + plane * height * width, count, p);
            float sum_x = 0, moment_x = 0, sum_y = 0, moment_y = 0;
            VECTOR for (int64_t k = 0; k < count; k++) {
              float u = u0 + u_step * (float)(int32_t)k;
              float upper = p[1][k] - p[0][k], lower = p[3][k] - p[2][k];
              float dx = d[k] * (upper + taps.down[k] * (lower - upper));
              float dy = d[k] * (p[2][k] - p[0][k] + taps.right[k] * (lower - upper));
              sum_x += dx, moment_x += dx * u, sum_y += dy, moment_y += dy * u;
            }
            sums[0] += moment_x, sums[1] += v * sum_x, sums[2] += sum_x;
            sums[3] += moment_y, sums[4] += v * sum_y, sums[5] += sum_y;
          }
        }
      }
    }
    if (!dtransforms) continue;
    for (int k = 0; k < 6; k++) dtransforms[6 * b + k] += (float)(sums[k] * (k < 3 ? half_width : half_height));
  }
}
