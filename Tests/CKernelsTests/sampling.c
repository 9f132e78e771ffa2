#include "testing.h"

/// The sizes of a batch of images and of the windows that are sampled from them.
typedef struct { int64_t batch, channels, height, width, out_height, out_width; } Sizes;

static double pixel(const Sizes *s, const float *image, int64_t row, int64_t column) {
  return row < 0 || row >= s->height || column < 0 || column >= s->width ? 0 : image[row * s->width + column];
}

/// Sampling and its gradients by definition, one output at a time. With `aligned`, rotation and shear are ignored.
static void sample(const Sizes *s, const float *images, const float *transforms, int aligned, const float *dout, double *out,
                   double *dimages, double *dtransforms) {
  for (int64_t n = 0; n < s->batch; n++)
    for (int64_t c = n * s->channels; c < (n + 1) * s->channels; c++)
      for (int64_t i = 0; i < s->out_height; i++)
        for (int64_t j = 0; j < s->out_width; j++) {
          const float *t = transforms + 6 * n, *image = images + c * s->height * s->width;
          const double u = (2 * (double)j + 1) / (double)s->out_width - 1, v = (2 * (double)i + 1) / (double)s->out_height - 1;
          const double b = aligned ? 0 : t[1], d = aligned ? 0 : t[3];
          const double x = ((t[0] * u + b * v + t[2] + 1) * (double)s->width - 1) / 2;
          const double y = ((d * u + t[4] * v + t[5] + 1) * (double)s->height - 1) / 2;
          const int64_t left = (int64_t)floor(x), top = (int64_t)floor(y), at = (c * s->out_height + i) * s->out_width + j;
          const double right = x - (double)left, down = y - (double)top;
          const double p00 = pixel(s, image, top, left), p01 = pixel(s, image, top, left + 1);
          const double p10 = pixel(s, image, top + 1, left), p11 = pixel(s, image, top + 1, left + 1);
          out[at] = (1 - down) * ((1 - right) * p00 + right * p01) + down * ((1 - right) * p10 + right * p11);
          const double weights[4] = {(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right};
          for (int k = 0; k < 4; k++) {
            const int64_t row = top + k / 2, column = left + k % 2;
            if (row >= 0 && row < s->height && column >= 0 && column < s->width)
              dimages[(c * s->height + row) * s->width + column] += weights[k] * dout[at];
          }
          const double dx = dout[at] * ((1 - down) * (p01 - p00) + down * (p11 - p10)) * (double)s->width / 2;
          const double dy = dout[at] * ((1 - right) * (p10 - p00) + right * (p11 - p01)) * (double)s->height / 2;
          const double slopes[6] = {dx * u, dx * v, dx, dy * u, dy * v, dy};
          for (int k = 0; k < 6; k++)
            if (!aligned || (k != 1 && k != 3)) dtransforms[6 * n + k] += slopes[k];
        }
}

static void compare(Sizes s, double scale, double shift, int aligned) {
  test(aligned ? "axis-aligned windows and their gradients match their definition" : "affine windows and their gradients match their definition");
  const int64_t pixels = s.batch * s.channels * s.height * s.width, outputs = s.batch * s.channels * s.out_height * s.out_width;
  float *images = normals(pixels), *dout = normals(outputs), *t = normals(6 * s.batch), *out = room(outputs);
  for (int64_t k = 0; k < 6 * s.batch; k++) {
    const int64_t part = k % 6;
    t[k] = (float)(part == 2 || part == 5 ? shift * t[k] : part == 0 || part == 4 ? scale * (1 + 0.1 * t[k]) : 0.4 * scale * t[k]);
  }
  if (s.batch > 1) t[6] = -t[6]; // the second window is mirrored
  float *dimages = normals(pixels), *dtransforms = normals(6 * s.batch);
  double *expected = numbers(outputs), *of_images = numbers(pixels), *of_transforms = numbers(6 * s.batch);
  sample(&s, images, t, aligned, dout, expected, of_images, of_transforms);
  add_before(of_images, dimages, pixels, 1);
  add_before(of_transforms, dtransforms, 6 * s.batch, 1);
  float *images_alone = copy(dimages, pixels), *transforms_alone = copy(dtransforms, 6 * s.batch);
  void (*forward)(int64_t, int64_t, int64_t, int64_t, const float *, const float *, int64_t, int64_t, float *) = aligned ? ck_sample_aligned : ck_sample_affine;
  void (*backward)(int64_t, int64_t, int64_t, int64_t, const float *, const float *, int64_t, int64_t, const float *, float *, float *) =
    aligned ? ck_sample_aligned_gradient : ck_sample_affine_gradient;
  forward(s.batch, s.channels, s.height, s.width, images, t, s.out_height, s.out_width, out);
  backward(s.batch, s.channels, s.height, s.width, images, t, s.out_height, s.out_width, dout, dimages, dtransforms);
  const double size = sqrt((double)(s.out_height * s.out_width)) * (double)(s.width > s.height ? s.width : s.height);
  CLOSE(out, expected, outputs, 1e-5, 1e-5);
  CLOSE(dimages, of_images, pixels, 2e-4, 1e-5);
  CLOSE(dtransforms, of_transforms, 6 * s.batch, 2e-5 * size, 1e-5);
  backward(s.batch, s.channels, s.height, s.width, images, t, s.out_height, s.out_width, dout, images_alone, NULL);
  backward(s.batch, s.channels, s.height, s.width, images, t, s.out_height, s.out_width, dout, NULL, transforms_alone);
  SAME(images_alone, dimages, pixels);
  SAME(transforms_alone, dtransforms, 6 * s.batch);
}

void test_sampling(void) {
  const Sizes sizes[] = {
    {1, 1, 1, 1, 1, 1}, {2, 1, 5, 4, 3, 6}, {3, 2, 9, 17, 8, 16}, {2, 1, 50, 50, 28, 28}, {2, 1, 28, 28, 50, 50},
    {1, 3, 20, 33, 7, 150}, {1, 1, 3, 600, 2, 9},
  };
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
    for (int aligned = 0; aligned < 2; aligned++) {
      compare(sizes[k], 0.4, 0.3, aligned);
      compare(sizes[k], 1, 0.5, aligned);
      compare(sizes[k], 2.5, 0.5, aligned); // most outputs are outside the image
      compare(sizes[k], 0.3, 4, aligned);   // whole windows are outside, too
    }
  test("windows of no place are blank and leave no gradient");
  float *image = normals(36), *out = room(16), *dout = normals(16), *dimage = room(36), *dtransform = room(6);
  float t[6] = {NAN, 0, 0, 0, 1, 0};
  double *blank = numbers(36);
  memset(dimage, 0, 36 * sizeof(float)), memset(dtransform, 0, 6 * sizeof(float));
  ck_sample_aligned(1, 1, 6, 6, image, t, 4, 4, out);
  ck_sample_aligned_gradient(1, 1, 6, 6, image, t, 4, 4, dout, dimage, dtransform);
  CLOSE(out, blank, 16, 0, 0);
  CLOSE(dimage, blank, 36, 0, 0);
  ck_sample_affine(1, 1, 6, 6, image, t, 4, 4, out);
  CLOSE(out, blank, 16, 0, 0);
}
