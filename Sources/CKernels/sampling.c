// Bilinear sampling of images under axis-aligned transforms (Jaderberg et al. 2015), zero outside, and its gradients.
// Along y two image rows are blended. Along x a row is multiplied by a banded matrix, sixteen outputs at a time, which
// avoids gather instructions.
#include "kernels.h"

enum { group = lanes_at_once, most_outputs = 128, most_pixels = 512, most_terms = 2 * most_outputs };

/// The position p = start + step * j of output j among `size` pixels, counted from a border of one blank pixel on each
/// side. Its two neighbors are p rounded down and the next pixel; at p <= 0 or p >= size + 1 both are blank.
typedef struct { double start, step; int64_t size, count; } Axis;

INLINE Axis make_axis(float scale, float shift, int64_t size, int64_t count) {
  double half = 0.5 * (double)size, step = (double)scale / (double)count;
  return (Axis){(step - (double)scale + (double)shift + 1) * half + 0.5, 2 * step * half, size, count};
}
INLINE double position(const Axis *axis, int64_t j) { return axis->start + axis->step * (double)j; }
/// The neighbor on the low side of a position that is inside, or outside by a rounding error.
INLINE int64_t neighbour(const Axis *axis, double p) { return p < (double)axis->size ? (int64_t)p : axis->size; }

/// The range of outputs that sample the image: [first, end). It is empty if positions are not numbers.
INLINE void inside_range(const Axis *axis, int64_t *first, int64_t *end) {
  const double start = axis->start, step = axis->step, border = (double)(axis->size + 1);
  const int32_t count = (int32_t)axis->count;
  int32_t below = 0, above = 0;
  MASKED for (int32_t j = 0; j < count; j++) {
    double p = start + step * j;
    below += !(p > 0), above += !(p < border);
  }
  *first = step < 0 ? above : below;
  *end = count - (step < 0 ? below : above);
  if (*end < *first) *end = *first;
}

/// Neighbors and weights of outputs j ..< j + count, all inside; index 0 is the bordered pixel `low`. Of the `span`
/// pixels, [first, end) lie in the image, pixel p at column p + shift; the others are the border.
typedef struct {
  int64_t count, low, span, first, end, shift;
  int32_t index[most_outputs + 16];
  float weight[most_outputs + 16];
} Plan;

/// Plans as many outputs, starting at j, as fit.
INLINE void make_plan(const Axis *axis, int64_t j, int64_t end, Plan *plan) {
  const double start = position(axis, j), step = axis->step, stride = step < 0 ? -step : step;
  int64_t count = end - j < most_outputs ? end - j : most_outputs;
  if (stride * (double)count > most_pixels - 3) count = 1 + (int64_t)((most_pixels - 3) / stride);
  const int64_t size = axis->size, one = neighbour(axis, start), other = neighbour(axis, start + step * (double)(count - 1));
  const int64_t low = one < other ? one : other, high = one < other ? other : one;
  MASKED for (int32_t c = 0; c < (int32_t)count; c++) {
    double p = start + step * c;
    int32_t k = (int32_t)p;
    k = k < (int32_t)high ? k : (int32_t)high;
    k = k > (int32_t)low ? k : (int32_t)low;
    plan->index[c] = k - (int32_t)low;
    plan->weight[c] = (float)(p - k);
  }
  for (int64_t c = count; c < ((count + 15) & -16); c++) plan->index[c] = -2, plan->weight[c] = 0; // no neighbors
  plan->count = count, plan->low = low, plan->span = high + 2 - low;
  plan->first = low == 0, plan->end = high == size ? plan->span - 1 : plan->span, plan->shift = low - 1;
}

/// A banded matrix in blocks of sixteen columns. Block b consists of the terms starts[b] ..< starts[b + 1]; each term
/// is a row of the matrix.
typedef struct {
  int64_t blocks;
  int32_t starts[most_pixels / 16 + 2], row[most_terms];
  lanes term[most_terms];
} Band;

/// The matrix from pixels to outputs: the values (1 - weight, weight) of the neighbors, or the slopes (-1, 1).
INLINE void band_to_outputs(const Plan *plan, const int slopes, Band *band) {
  int32_t terms = 0;
  band->blocks = (plan->count + 15) / 16;
  for (int64_t b = 0; b < band->blocks; b++) {
    const int32_t *index = plan->index + 16 * b;
    const float *weight = plan->weight + 16 * b;
    const int64_t last = plan->count - 16 * b < 16 ? plan->count - 16 * b - 1 : 15;
    const int ascending = index[0] <= index[last];
    band->starts[b] = terms;
    for (int64_t l = 0, next = 0; l <= last; l++) {
      const int32_t k = index[ascending ? l : last - l];
      for (next = next < k ? k : next; next <= k + 1; next++) {
        float values[16];
        VECTOR for (int m = 0; m < 16; m++) {
          float low_side = slopes ? -1 : 1 - weight[m], high_side = slopes ? 1 : weight[m];
          values[m] = index[m] == (int32_t)next ? low_side : (index[m] + 1 == (int32_t)next ? high_side : 0);
        }
        band->row[terms] = (int32_t)next;
        band->term[terms++] = LOAD(values);
      }
    }
  }
  band->starts[band->blocks] = terms;
}

/// The matrix from outputs to pixels, which is the transpose.
INLINE void band_to_pixels(const Plan *plan, Band *band) {
  int32_t terms = 0;
  band->blocks = (plan->span + 15) / 16;
  for (int64_t b = 0; b < band->blocks; b++) {
    band->starts[b] = terms;
    for (int32_t c = 0; c < (int32_t)plan->count; c++) {
      const int32_t k = plan->index[c] - 16 * (int32_t)b;
      const float weight = plan->weight[c];
      if (k < -1 || k > 15) continue;
      float values[16];
      VECTOR for (int m = 0; m < 16; m++) values[m] = m == k ? 1 - weight : (m == k + 1 ? weight : 0);
      band->row[terms] = c;
      band->term[terms++] = LOAD(values);
    }
  }
  band->starts[band->blocks] = terms;
}

/// Block b of the product of a group of rows with the matrix.
INLINE void band_product(const Band *band, int64_t b, const int64_t stride, const float *x, lanes *sums) {
  lanes sum[group] = {0};
  for (int32_t k = band->starts[b]; k < band->starts[b + 1]; k++) {
    const float *column = x + band->row[k];
    const lanes term = band->term[k];
#pragma clang loop unroll(full)
    for (int r = 0; r < group; r++) sum[r] += column[r * stride] * term;
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < group; r++) sums[r] = sum[r];
}

INLINE void store_some(float *out, int64_t count, const lanes *value) {
  if (count >= 16) {
    STORE(out, *value);
  } else {
    float values[16];
    STORE(values, *value);
    MASKED for (int32_t l = 0; l < (int32_t)count; l++) out[l] = values[l];
  }
}

/// The two image rows around output row i, and their weights for values (1 - weight, weight) and slopes (-1, 1).
/// Weights outside the image are 0.
typedef struct { int64_t row[2]; float value[2], slope[2]; } RowPair;

INLINE RowPair row_pair(const Axis *axis, int64_t i) {
  double p = position(axis, i);
  int64_t k = neighbour(axis, p);
  float weight = (float)(p - (double)k);
  RowPair pair = {{k - 1, k}, {1 - weight, weight}, {-1, 1}};
  if (k == 0) pair.row[0] = 0, pair.value[0] = pair.slope[0] = 0;
  if (k == axis->size) pair.row[1] = k - 1, pair.value[1] = pair.slope[1] = 0;
  return pair;
}

/// out[p] = weights . (two image rows) over the plan's pixels, blank at the border.
INLINE void blend_rows(const Plan *plan, int64_t width, const float *image, const RowPair *pair, const float *weights,
                       float *out) {
  const float *row0 = image + pair->row[0] * width, *row1 = image + pair->row[1] * width;
  const float w0 = weights[0], w1 = weights[1];
  const int32_t first = (int32_t)plan->first, count = (int32_t)(plan->end - plan->first);
  row0 += first + plan->shift, row1 += first + plan->shift;
  out[0] = out[plan->span - 1] = 0;
  MASKED for (int32_t p = 0; p < count; p++) out[p + first] = w0 * row0[p] + w1 * row1[p];
}

/// Samples output rows i ..< i + rows of one image, at most a group. `room` is the number of outputs left in a row.
INLINE void sample_rows(const Plan *plan, const Band *band, const Axis *y, int64_t i, int64_t rows, int64_t width,
                        const float *image, float *out, int64_t out_width, int64_t room) {
  float blended[group][most_pixels];
  for (int64_t r = 0; r < rows; r++) {
    RowPair pair = row_pair(y, i + r);
    blend_rows(plan, width, image, &pair, pair.value, blended[r]);
  }
  for (int64_t b = 0; b < band->blocks; b++) {
    lanes sums[group];
    band_product(band, b, most_pixels, blended[0], sums);
    for (int64_t r = 0; r < rows; r++) store_some(out + (i + r) * out_width + 16 * b, room - 16 * b, sums + r);
  }
}

KERNEL(void, ck_sample_aligned,
       (int64_t batch, int64_t channels, int64_t height, int64_t width, const float *images, const float *transforms,
        int64_t out_height, int64_t out_width, float *out),
       (batch, channels, height, width, images, transforms, out_height, out_width, out)) {
  const int64_t in_size = height * width, out_size = out_height * out_width;
  Plan plan;
  Band band;
  for (int64_t b = 0; b < batch; b++, images += channels * in_size, out += channels * out_size, transforms += 6) {
    const Axis x = make_axis(transforms[0], transforms[2], width, out_width);
    const Axis y = make_axis(transforms[4], transforms[5], height, out_height);
    int64_t left, right, top, bottom;
    inside_range(&x, &left, &right);
    inside_range(&y, &top, &bottom);
    if ((right - left) * (bottom - top) < out_size) memset(out, 0, sizeof(float) * (size_t)(channels * out_size));
    if (top == bottom) continue;
    for (int64_t j = left; j < right; j += plan.count) {
      make_plan(&x, j, right, &plan);
      band_to_outputs(&plan, 0, &band);
      for (int64_t c = 0; c < channels; c++) {
        const float *image = images + c * in_size;
        float *target = out + c * out_size + j;
        for (int64_t i = top; i < bottom; i += group) { // outputs after the plan are 0; the next plan overwrites them
          const int64_t rows = bottom - i < group ? bottom - i : group;
          sample_rows(&plan, &band, &y, i, rows, width, image, target, out_width, out_width - j);
        }
      }
    }
  }
}

/// A group of rows of dout for the plan's outputs, zero after the last one.
typedef float Gradients[group][most_outputs];

INLINE void load_gradients(const Plan *plan, int64_t rows, const float *dout, int64_t out_width, Gradients d) {
  const int32_t count = (int32_t)plan->count, padded = (count + 15) & -16;
  for (int64_t r = 0; r < group; r++, dout += out_width) {
    if (count < padded || r >= rows) memset(d[r], 0, sizeof(float) * (size_t)padded);
    if (r >= rows) continue;
    MASKED for (int32_t c = 0; c < count; c++) d[r][c] = dout[c];
  }
}

/// Adds output rows i ..< i + rows of dout to the image rows that they were sampled from.
INLINE void scatter_rows(const Plan *plan, const Band *band, const Axis *y, int64_t i, int64_t rows, int64_t width,
                         const Gradients d, float *dimage) {
  float sums[group][most_pixels];
  for (int64_t b = 0; b < band->blocks; b++) {
    lanes sum[group];
    band_product(band, b, most_outputs, d[0], sum);
    for (int r = 0; r < group; r++) STORE(sums[r] + 16 * b, sum[r]);
  }
  for (int64_t r = 0; r < rows; r++) {
    RowPair pair = row_pair(y, i + r);
    for (int side = 0; side < 2; side++) {
      const float weight = pair.value[side];
      const int32_t first = (int32_t)plan->first, count = (int32_t)(plan->end - plan->first);
      float *row = dimage + pair.row[side] * width + plan->shift + first;
      MASKED for (int32_t p = 0; p < count; p++) row[p] += weight * sums[r][p + first];
    }
  }
}

/// Sums over outputs of dout times the slope along x (`x`; also times the column, `x_column`) and along y (`y`; also
/// times the row's center, `y_row`).
typedef struct { lanes x, x_column, y, y_row; } Moments;

INLINE void add_moments(const Plan *plan, const Band *values, const Band *slopes, const Axis *y, int64_t i, int64_t rows,
                        int64_t width, const float *image, const Gradients d, Moments *sums) {
  static const float columns[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  float blended[group][most_pixels], sloped[group][most_pixels], center[group];
  Moments m = *sums;
  for (int64_t r = 0; r < rows; r++) {
    RowPair pair = row_pair(y, i + r);
    blend_rows(plan, width, image, &pair, pair.value, blended[r]);
    blend_rows(plan, width, image, &pair, pair.slope, sloped[r]);
    center[r] = (float)((double)(2 * (i + r) + 1) / (double)y->count - 1);
  }
  for (int64_t b = 0; b < values->blocks; b++) {
    lanes along_x[group], along_y[group], column = LOAD(columns) + (float)(16 * b);
    band_product(slopes, b, most_pixels, blended[0], along_x);
    band_product(values, b, most_pixels, sloped[0], along_y);
    for (int64_t r = 0; r < rows; r++) {
      const lanes gradient = LOAD(d[r] + 16 * b), dx = along_x[r] * gradient, dy = along_y[r] * gradient;
      m.x += dx, m.x_column += dx * column;
      m.y += dy, m.y_row += dy * center[r];
    }
  }
  *sums = m;
}

INLINE double lane_sum(const lanes *x) {
  double sum = 0;
  for (int l = 0; l < 16; l++) sum += (*x)[l];
  return sum;
}

KERNEL(void, ck_sample_aligned_gradient,
       (int64_t batch, int64_t channels, int64_t height, int64_t width, const float *images, const float *transforms,
        int64_t out_height, int64_t out_width, const float *dout, float *dimages, float *dtransforms),
       (batch, channels, height, width, images, transforms, out_height, out_width, dout, dimages, dtransforms)) {
  const int64_t in_size = height * width, out_size = out_height * out_width;
  Plan plan;
  Band to_pixels, values, slopes;
  for (int64_t b = 0; b < batch; b++, transforms += 6) {
    const Axis x = make_axis(transforms[0], transforms[2], width, out_width);
    const Axis y = make_axis(transforms[4], transforms[5], height, out_height);
    int64_t left, right, top, bottom;
    inside_range(&x, &left, &right);
    inside_range(&y, &top, &bottom);
    double dx = 0, dx_column = 0, dy = 0, dy_row = 0;
    for (int64_t j = left; j < right && top < bottom; j += plan.count) {
      make_plan(&x, j, right, &plan);
      if (dimages) band_to_pixels(&plan, &to_pixels);
      if (dtransforms) band_to_outputs(&plan, 0, &values), band_to_outputs(&plan, 1, &slopes);
      for (int64_t c = b * channels; c < (b + 1) * channels; c++) {
        Moments m = {0};
        for (int64_t i = top; i < bottom; i += group) {
          const int64_t rows = bottom - i < group ? bottom - i : group;
          Gradients d;
          load_gradients(&plan, rows, dout + c * out_size + i * out_width + j, out_width, d);
          if (dimages) scatter_rows(&plan, &to_pixels, &y, i, rows, width, d, dimages + c * in_size);
          if (dtransforms) add_moments(&plan, &values, &slopes, &y, i, rows, width, images + c * in_size, d, &m);
        }
        const double sum = lane_sum(&m.x);
        dx += sum, dx_column += lane_sum(&m.x_column) + sum * (double)j;
        dy += lane_sum(&m.y), dy_row += lane_sum(&m.y_row);
      }
    }
    if (!dtransforms) continue;
    float *dt = dtransforms + 6 * b;
    const double half_width = 0.5 * (double)width, half_height = 0.5 * (double)height;
    dt[0] += (float)(half_width * ((2 * dx_column + dx) / (double)out_width - dx)); // column j: center (2j + 1) / N - 1
    dt[2] += (float)(half_width * dx);
    dt[4] += (float)(half_height * dy_row);
    dt[5] += (float)(half_height * dy);
  }
}
