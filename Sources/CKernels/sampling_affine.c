// Bilinear sampling under general affine transforms: four neighbors per output pixel.
#include "kernels.h"

enum { chunk = 128 };

/// Positions of a row of outputs, counted from a border of one blank pixel: output j is at (x + j step_x, y + j
/// step_y). They are in double, because the rounding of a float can select the wrong neighbors.
typedef struct { double x, step_x, y, step_y; int32_t width, height; } Line;

INLINE double center(int64_t i, int64_t count) { return (double)(2 * i + 1) / (double)count - 1; }

INLINE Line make_line(int64_t height, int64_t width, const float *t, double v, int64_t out_width) {
  const double half_width = 0.5 * (double)width, half_height = 0.5 * (double)height, u = center(0, out_width);
  const double u_step = 2 / (double)out_width;
  return (Line){(t[0] * u + t[1] * v + t[2] + 1) * half_width + 0.5,  t[0] * u_step * half_width,
                (t[3] * u + t[4] * v + t[5] + 1) * half_height + 0.5, t[3] * u_step * half_height,
                (int32_t)width, (int32_t)height};
}

/// The range of outputs of a line that sample the image: [first, end).
INLINE void inside_range(const Line *line, int64_t out_width, int64_t *first, int64_t *end) {
  const Line l = *line;
  const double right = l.width + 1, bottom = l.height + 1;
  const int32_t count = (int32_t)out_width;
  int32_t least = count, most = -1;
  MASKED for (int32_t j = 0; j < count; j++) {
    double x = l.x + l.step_x * j, y = l.y + l.step_y * j;
    int32_t inside = (x > 0) & (x < right) & (y > 0) & (y < bottom);
    int32_t low = inside ? j : count, high = inside ? j : -1;
    least = low < least ? low : least;
    most = high > most ? high : most;
  }
  *first = least, *end = most + 1;
}

/// For each output of a chunk: its four neighbors (any pixel if outside), whether each is inside (0 or 1), and the
/// weights.
typedef struct { int32_t offset[4][chunk]; float inside[4][chunk], right[chunk], down[chunk]; } Taps;

INLINE double clamped(double p, double high) {
  p = p > 0 ? p : 0;
  return p < high ? p : high;
}

INLINE void make_taps(const Line *line, int64_t first, int32_t count, Taps *taps) {
  const Line l = *line;
  const double start_x = l.x + l.step_x * (double)first, start_y = l.y + l.step_y * (double)first;
  const int32_t w = l.width, h = l.height;
  MASKED for (int32_t k = 0; k < count; k++) {
    double x = clamped(start_x + l.step_x * k, w + 1), y = clamped(start_y + l.step_y * k, h + 1);
    int32_t right = (int32_t)x, bottom = (int32_t)y, left = right - 1, top = bottom - 1;
    taps->right[k] = (float)(x - right), taps->down[k] = (float)(y - bottom);
    int32_t in_left = left >= 0 && left < w, in_right = right < w, in_top = top >= 0 && top < h, in_bottom = bottom < h;
    left = left < 0 ? 0 : left, top = top < 0 ? 0 : top;
    left = left < w ? left : w - 1, top = top < h ? top : h - 1;
    right = right < w ? right : w - 1, bottom = bottom < h ? bottom : h - 1;
    taps->offset[0][k] = top * w + left, taps->inside[0][k] = (float)(in_top & in_left);
    taps->offset[1][k] = top * w + right, taps->inside[1][k] = (float)(in_top & in_right);
    taps->offset[2][k] = bottom * w + left, taps->inside[2][k] = (float)(in_bottom & in_left);
    taps->offset[3][k] = bottom * w + right, taps->inside[3][k] = (float)(in_bottom & in_right);
  }
}

/// The values of the four neighbors of each output of a chunk, zero outside.
INLINE void gather(const Taps *taps, const float *image, int32_t count, float pixels[4][chunk]) {
  for (int corner = 0; corner < 4; corner++) {
    MASKED for (int32_t k = 0; k < count; k++)
      pixels[corner][k] = image[taps->offset[corner][k]] * taps->inside[corner][k];
  }
}

KERNEL(void, ck_sample_affine,
       (int64_t batch, int64_t channels, int64_t height, int64_t width, const float *images, const float *transforms,
        int64_t out_height, int64_t out_width, float *out),
       (batch, channels, height, width, images, transforms, out_height, out_width, out)) {
  Taps taps;
  float p[4][chunk];
  memset(out, 0, sizeof(float) * (size_t)(batch * channels * out_height * out_width));
  for (int64_t b = 0; b < batch; b++) {
    for (int64_t i = 0; i < out_height; i++) {
      const Line line = make_line(height, width, transforms + 6 * b, center(i, out_height), out_width);
      int64_t first, end;
      inside_range(&line, out_width, &first, &end);
      for (int64_t j = first; j < end; j += chunk) {
        const int32_t count = end - j < chunk ? (int32_t)(end - j) : chunk;
        make_taps(&line, j, count, &taps);
        for (int64_t c = b * channels; c < (b + 1) * channels; c++) {
          float *target = out + (c * out_height + i) * out_width + j;
          gather(&taps, images + c * height * width, count, p);
          MASKED for (int32_t k = 0; k < count; k++) {
            float upper = p[0][k] + taps.right[k] * (p[1][k] - p[0][k]), lower = p[2][k] + taps.right[k] * (p[3][k] - p[2][k]);
            target[k] = upper + taps.down[k] * (lower - upper);
          }
        }
      }
    }
  }
}

/// Adds a chunk of dout to the pixels that it was sampled from.
INLINE void scatter(const Taps *taps, const float *dout, int32_t count, float *dimage) {
  for (int32_t k = 0; k < count; k++) {
    float right = taps->right[k], lower = dout[k] * taps->down[k], upper = dout[k] - lower;
    dimage[taps->offset[0][k]] += taps->inside[0][k] * (1 - right) * upper;
    dimage[taps->offset[1][k]] += taps->inside[1][k] * right * upper;
    dimage[taps->offset[2][k]] += taps->inside[2][k] * (1 - right) * lower;
    dimage[taps->offset[3][k]] += taps->inside[3][k] * right * lower;
  }
}

KERNEL(void, ck_sample_affine_gradient,
       (int64_t batch, int64_t channels, int64_t height, int64_t width, const float *images, const float *transforms,
        int64_t out_height, int64_t out_width, const float *dout, float *dimages, float *dtransforms),
       (batch, channels, height, width, images, transforms, out_height, out_width, dout, dimages, dtransforms)) {
  Taps taps;
  float p[4][chunk];
  const double half_width = 0.5 * (double)width, half_height = 0.5 * (double)height;
  for (int64_t b = 0; b < batch; b++) {
    double sums[6] = {0};
    for (int64_t i = 0; i < out_height; i++) {
      const double v = center(i, out_height);
      const Line line = make_line(height, width, transforms + 6 * b, v, out_width);
      int64_t first, end;
      inside_range(&line, out_width, &first, &end);
      for (int64_t j = first; j < end; j += chunk) {
        const int32_t count = end - j < chunk ? (int32_t)(end - j) : chunk;
        make_taps(&line, j, count, &taps);
        for (int64_t c = b * channels; c < (b + 1) * channels; c++) {
          const float *d = dout + (c * out_height + i) * out_width + j;
          if (dimages) scatter(&taps, d, count, dimages + c * height * width);
          if (dtransforms) {
            SUM_IN_LANES
            const float u0 = (float)center(j, out_width), u_step = 2 / (float)out_width;
            gather(&taps, images + c * height * width, count, p);
            float sum_x = 0, moment_x = 0, sum_y = 0, moment_y = 0;
            MASKED for (int32_t k = 0; k < count; k++) {
              float u = u0 + u_step * (float)k;
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
