// Vector kernels of the tensor module: plain loops over Float32, dispatched at run time to the widest instruction set
// of the CPU. All arrays are contiguous and row-major. No kernel allocates memory or starts threads. `accumulate` != 0
// adds to the output instead of overwriting it. Outputs may alias inputs only where a comment says so.
#ifndef CKERNELS_H
#define CKERNELS_H
#include <stdint.h>

// MARK: Element-wise maps

typedef enum {
  CK_EXP, CK_LOG, CK_SIGMOID, CK_TANH, CK_SOFTPLUS, CK_RELU, CK_SQUARE, CK_SQRT, CK_RECIPROCAL, CK_ELU, CK_COS, CK_SIN
} ck_unary_op;
/// out = f(x). `out` may be `x`. softplus(x) = log(1 + e^x) in its stable form.
void ck_unary(ck_unary_op op, const float *x, float *out, int64_t n);
/// dx (+)= dy * f'(x), from the input x and the output y = f(x).
void ck_unary_gradient(ck_unary_op op, const float *x, const float *y, const float *dy, float *dx, int accumulate, int64_t n);

typedef enum { CK_ADD, CK_SUBTRACT, CK_MULTIPLY, CK_DIVIDE } ck_binary_op;
/// out[r, c] (+)= a[r * a_row + c * a_column] op b[r * b_row + c * b_column]. Strides of 0 broadcast; column strides
/// are 0 or 1. `out` [rows, columns] may be `a` or `b` if that operand has the full shape.
void ck_binary(ck_binary_op op, int64_t rows, int64_t columns, const float *a, int64_t a_row, int64_t a_column,
               const float *b, int64_t b_row, int64_t b_column, float *out, int accumulate);
/// out (+)= scale * x + offset (`out` may be `x`).
void ck_affine(float scale, float offset, const float *x, float *out, int accumulate, int64_t n);
void ck_fill(float value, float *out, int64_t n);
/// out[r, :] = canvas[r, :] + gate[r] * x[r, :]
void ck_add_scaled_rows(int64_t rows, int64_t columns, const float *canvas, const float *gate, const float *x, float *out);
/// out = x clipped to [low, high].
void ck_clip(const float *x, float low, float high, float *out, int64_t n);

// MARK: Reductions (deterministic order: float lanes within blocks of a row, the blocks added in double)

/// Sum of all elements.
double ck_sum(const float *x, int64_t n);
/// Sum of squares of all elements; NaN or infinite if any element is.
double ck_sum_squares(const float *x, int64_t n);
double ck_dot(const float *a, const float *b, int64_t n);
/// out[r] (+)= sum over columns of x[r, :].
void ck_row_sums(int64_t rows, int64_t columns, const float *x, float *out, int accumulate);
/// out[c] (+)= sum over rows of x[:, c].
void ck_column_sums(int64_t rows, int64_t columns, const float *x, float *out, int accumulate);
/// out[r] (+)= sum over columns of a[r, :] * b[r, :].
void ck_row_dots(int64_t rows, int64_t columns, const float *a, const float *b, float *out, int accumulate);
/// out[r] = log sum_c exp x[r, c]; -inf entries are allowed.
void ck_log_sum_exp_rows(int64_t rows, int64_t columns, const float *x, float *out);
/// out[r, :] = softmax(x[r, :]).
void ck_softmax_rows(int64_t rows, int64_t columns, const float *x, float *out);
/// dx[r, c] (+)= y[r, c] * (dy[r, c] - sum_k y[r, k] dy[r, k])
void ck_softmax_rows_gradient(int64_t rows, int64_t columns, const float *y, const float *dy, float *dx, int accumulate);

// MARK: Layers

/// x[r, :] = activation(x[r, :] + bias), in place. op is -1 for no activation, else CK_RELU, CK_SIGMOID, CK_TANH,
/// CK_SOFTPLUS or CK_ELU. bias may be NULL.
void ck_bias_activation(int64_t rows, int64_t columns, float *x, const float *bias, int op);
/// dx = dy * activation'(.), computed from the activation's OUTPUT y alone (relu, sigmoid, tanh, softplus: 1 - exp(-y),
/// elu: y > 0 ? 1 : y + 1).
void ck_activation_gradient(int op, const float *y, const float *dy, float *dx, int64_t n);
/// LSTM cell. gates [rows, 4 * hidden] in the order input, forget, cell, output holds the pre-activations and receives
/// the activations (in place). c = f * c_before + i * g; tanh_c = tanh(c); h = o * tanh_c. All are [rows, hidden].
void ck_lstm(int64_t rows, int64_t hidden, float *gates, const float *c_before, float *c, float *tanh_c, float *h);
/// Gradients of the gates' pre-activations (dgates, [rows, 4 * hidden], overwritten) and of c_before (dc_before,
/// overwritten; may be NULL), from activated gates and the gradients of h and c (either may be NULL, which means zero).
void ck_lstm_gradient(int64_t rows, int64_t hidden, const float *gates, const float *c_before, const float *tanh_c,
                      const float *dh, const float *dc, float *dgates, float *dc_before);

// MARK: Distributions

/// KL(N(mean, deviation^2) || N(prior_mean, prior_deviation^2)) per row: out[r] = sum over columns of log(p_s / s) +
/// (s^2 + (m - p_m)^2) / (2 p_s^2) - 1/2. The prior has the full shape (prior_row = columns) or one row (prior_row =
/// 0).
void ck_normal_kl(int64_t rows, int64_t columns, const float *mean, const float *deviation, const float *prior_mean,
                  const float *prior_deviation, int64_t prior_row, float *out);
/// Gradients from dout [rows]. Each of the four outputs may be NULL, has the full shape [rows, columns], and is added
/// to if `accumulate`.
void ck_normal_kl_gradient(int64_t rows, int64_t columns, const float *mean, const float *deviation, const float *prior_mean,
                           const float *prior_deviation, int64_t prior_row, const float *dout, float *dmean,
                           float *ddeviation, float *dprior_mean, float *dprior_deviation, int accumulate);
/// log N(x; mean, deviation^2) per row, including its constant, with one deviation for all.
void ck_normal_log_likelihood(int64_t rows, int64_t columns, const float *x, const float *mean, float deviation, float *out);
/// dmean[r, c] (+)= dout[r] * (x - mean) / deviation^2
void ck_normal_log_likelihood_gradient(int64_t rows, int64_t columns, const float *x, const float *mean, float deviation,
                                       const float *dout, float *dmean, int accumulate);
/// sum over columns of x log p + (1 - x) log(1 - p), p = y clipped to [epsilon, 1 - epsilon]; 1 - p is 1 - y clipped in
/// the same way.
void ck_bernoulli_log_likelihood(int64_t rows, int64_t columns, const float *x, const float *y, float epsilon, float *out);
/// dy (+)= dout[r] * (x / p - (1 - x) / (1 - p)); zero where y < epsilon; straight through (value at the clip) where y
/// > 1 - epsilon.
void ck_bernoulli_log_likelihood_gradient(int64_t rows, int64_t columns, const float *x, const float *y, float epsilon,
                                          const float *dout, float *dy, int accumulate);
/// sum over columns of x log p + (1 - x) log(1 - p), p = sigmoid(logit). Computed as x logit - softplus(logit), which
/// is accurate for large logits.
void ck_bernoulli_logit_likelihood(int64_t rows, int64_t columns, const float *x, const float *logits, float *out);
/// dlogits (+)= dout[r] * (x - sigmoid(logit))
void ck_bernoulli_logit_likelihood_gradient(int64_t rows, int64_t columns, const float *x, const float *logits, const float *dout,
                                            float *dlogits, int accumulate);

// MARK: Image sampling (bilinear, zero outside, pixel centers at (2i + 1) / N - 1: PyTorch's align_corners=False)

/// images [batch, channels, height, width]; transforms [batch, 6] = (a, b, tx, c, d, ty). The output pixel with center
/// (u, v) in [-1, 1]^2 samples the image at x = a u + b v + tx, y = c u + d v + ty. out [batch, channels, out_height,
/// out_width].
void ck_sample_affine(int64_t batch, int64_t channels, int64_t height, int64_t width, const float *images,
                      const float *transforms, int64_t out_height, int64_t out_width, float *out);
/// Adds to dimages (may be NULL) and to dtransforms [batch, 6] (may be NULL).
void ck_sample_affine_gradient(int64_t batch, int64_t channels, int64_t height, int64_t width, const float *images,
                               const float *transforms, int64_t out_height, int64_t out_width, const float *dout,
                               float *dimages, float *dtransforms);
/// The same for transforms with b = c = 0; those entries are ignored, and their gradients are not changed. Sampling is
/// then separable: two indices and weights per output row and column serve a whole image, and rows and columns that
/// fall outside are skipped.
void ck_sample_aligned(int64_t batch, int64_t channels, int64_t height, int64_t width, const float *images,
                       const float *transforms, int64_t out_height, int64_t out_width, float *out);
void ck_sample_aligned_gradient(int64_t batch, int64_t channels, int64_t height, int64_t width, const float *images,
                                const float *transforms, int64_t out_height, int64_t out_width, const float *dout,
                                float *dimages, float *dtransforms);

// MARK: Products with sparse rows (blank pixels are skipped)

/// The number of elements that are not zero.
int64_t ck_count_nonzero(const float *x, int64_t n);
/// Compressed rows of x [rows, columns]: row_starts [rows + 1], indices and values [count of nonzeros].
void ck_compress_rows(int64_t rows, int64_t columns, const float *x, int32_t *row_starts, int32_t *indices, float *values);
/// Compressed columns of x: column_starts [columns + 1], indices (the rows, ascending) and values.
void ck_compress_columns(int64_t rows, int64_t columns, const float *x, int32_t *column_starts, int32_t *indices, float *values);
/// Columns first ..< last of out [rows, n] = x w (+ bias), x [rows, columns] in compressed rows, w [columns, n]; bias
/// [n] or NULL. The entries of a row are added in the same order for any range of columns.
void ck_sparse_product(int64_t rows, int64_t columns, int64_t n, int64_t first, int64_t last, const int32_t *row_starts, const int32_t *indices,
                       const float *values, const float *w, const float *bias, float *out);
/// dw [columns, n] (+)= x^T dy, x in compressed columns, dy [rows, n]. Rows of dw whose column of x is blank are set to
/// zero, or left unchanged if `accumulate`.
void ck_sparse_weight_gradient(int64_t columns, int64_t n, const int32_t *column_starts, const int32_t *indices,
                               const float *values, const float *dy, float *dw, int accumulate);
/// The sum of squares of x^T dy, computed from the dot products [rows, rows] of the rows of dy, with x in compressed
/// columns. `size` receives the sum of the absolute values of the terms, which shows how much canceled.
double ck_sparse_gradient_squares(int64_t columns, int64_t rows, const int32_t *column_starts, const int32_t *indices, const float *values,
                                  const float *dots, double *size);
/// dx [rows, columns] += dy w^T where x is not zero, for columns first_column ..< last_column; x in compressed columns.
void ck_sparse_input_gradient(int64_t first_column, int64_t last_column, int64_t columns, int64_t n, const int32_t *column_starts,
                              const int32_t *indices, const float *dy, const float *w, float *dx);

// MARK: Convolutions with a kernel for every image

/// y[n, i, j] = sum over u, v of kernels[n, u, v] x[n, i + u - side / 2, j + v - side / 2], with zeros outside the
/// image. side is odd and at most height and width.
void ck_own_convolution(int64_t images, int64_t height, int64_t width, int64_t side, const float *x, const float *kernels, float *y);
void ck_own_convolution_input_gradient(int64_t images, int64_t height, int64_t width, int64_t side, const float *dy,
                                       const float *kernels, float *dx, int accumulate);
void ck_own_convolution_kernel_gradient(int64_t images, int64_t height, int64_t width, int64_t side, const float *x,
                                        const float *dy, float *dk, int accumulate);

// MARK: Windows of convolutions

/// map [images, map_height, map_width, channels] = the sum of the windows [images, height, width, side, side,
/// channels]. Window (i, j) is placed at row i stride - padding and column j stride - padding. Parts outside the map
/// are dropped.
void ck_overlap_add(int64_t images, int64_t height, int64_t width, int64_t channels, int64_t side, int64_t stride, int64_t padding,
                    int64_t map_height, int64_t map_width, const float *windows, float *map);
/// The transpose: windows (+)= the values of the map at their positions, zero outside.
void ck_overlap_gather(int64_t images, int64_t height, int64_t width, int64_t channels, int64_t side, int64_t stride, int64_t padding,
                       int64_t map_height, int64_t map_width, const float *map, float *windows, int accumulate);
/// planes [outputs, height, width] += the sum over the elements (u, v) of a kernel of odd side of the values at (i + u
/// - side / 2, j + v - side / 2) in that element's planes [side, side, outputs, height, width].
void ck_fold_planes(int64_t height, int64_t width, int64_t outputs, int64_t side, const float *elements, float *planes);
/// The transpose: elements = the planes shifted to the positions that each element of the kernel reads, zero outside.
void ck_unfold_planes(int64_t height, int64_t width, int64_t outputs, int64_t side, const float *planes, float *elements);

/// The lowest and highest row of a map of `height` rows that row `row` of its enlarged convolution with a kernel of odd
/// side depends on.
void ck_enlarged_rows(int64_t height, int64_t side, int64_t factor, int64_t row, int64_t *lowest, int64_t *highest);
/// Rows first_row ..< last_row of [factor height, factor width, outputs] = bias + the sum over the elements (u, v) of a
/// kernel of odd side of the values at (i + u - side / 2, j + v - side / 2) in that element's maps, enlarged as by
/// ck_upsample; zero outside the enlarged map. The maps are [height, width, side, side, outputs]; `z` points to their row
/// first_z and must hold the rows that ck_enlarged_rows returns. `y` points to row first_row of the result. `line` is
/// memory for width * side * outputs floats.
void ck_fold_enlarged(int64_t height, int64_t width, int64_t outputs, int64_t side, int64_t factor, int64_t first_row, int64_t last_row,
                      int64_t first_z, const float *z, const float *bias, float *line, float *y);
/// The transpose: dz += the gradient of z from rows first_row ..< last_row of the result's gradient. `dy` points to row
/// first_row.
void ck_unfold_enlarged(int64_t height, int64_t width, int64_t outputs, int64_t side, int64_t factor, int64_t first_row, int64_t last_row,
                        int64_t first_z, const float *dy, float *line, float *dz);

// MARK: Maps with their channels last, [images, height, width, channels]

/// y [images, height / side, width / side, channels] = the maximum of each side x side pixels. `chosen` is the index of
/// the maximum, row by row; of equal values it is the first. Height and width are multiples of side; side is at most
/// 15.
void ck_max_pool(int64_t images, int64_t height, int64_t width, int64_t channels, int64_t side, const float *x, float *y, uint8_t *chosen);
/// dx (+)= dy at the maxima of x [images, height, width, channels].
void ck_max_pool_gradient(int64_t images, int64_t height, int64_t width, int64_t channels, int64_t side, const float *dy,
                          const uint8_t *chosen, float *dx, int accumulate);
/// y [images, factor height, factor width, channels] by bilinear interpolation between pixel centers, with the border
/// repeated (PyTorch's align_corners=False).
void ck_upsample(int64_t images, int64_t height, int64_t width, int64_t channels, int64_t factor, const float *x, float *y);
void ck_upsample_gradient(int64_t images, int64_t height, int64_t width, int64_t channels, int64_t factor, const float *dy, float *dx, int accumulate);
/// y[r, c] = the maximum of x[r, 0 ..< n, c]. `chosen` is its index, the first of equal values; n is at most 255.
void ck_max_over(int64_t rows, int64_t n, int64_t columns, const float *x, float *y, uint8_t *chosen);
void ck_max_over_gradient(int64_t rows, int64_t n, int64_t columns, const float *dy, const uint8_t *chosen, float *dx, int accumulate);
/// y[r, c] = the sum of x[r, 0 ..< n, c].
void ck_sum_over(int64_t rows, int64_t n, int64_t columns, const float *x, float *y);
void ck_sum_over_gradient(int64_t rows, int64_t n, int64_t columns, const float *dy, float *dx, int accumulate);
/// y[r, j, i] (+)= x[r, i, j]: x [rows, n, m].
void ck_transpose(int64_t rows, int64_t n, int64_t m, const float *x, float *y, int accumulate);

// MARK: Checks

/// out [m, n] = a [m, k] b [k, n] by plain loops, as a reference for other products.
void ck_plain_product(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out);

// MARK: Optimizers (one fused pass; g = scale * gradient)

/// m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= step * m / (sqrt(v) + epsilon). The caller has already
/// corrected step and epsilon for bias.
void ck_adam(int64_t n, float *p, const float *gradient, float *m, float *v, float scale, float step, float b1, float b2, float epsilon);
/// v = decay v + (1 - decay) g^2; b = momentum b + rate g / (sqrt(v) + epsilon); p -= b
void ck_rmsprop(int64_t n, float *p, const float *gradient, float *v, float *b, float scale, float rate, float decay, float momentum, float epsilon);
/// b = momentum b + g; p -= rate * b
void ck_sgd(int64_t n, float *p, const float *gradient, float *b, float scale, float rate, float momentum);

// MARK: Random numbers (Philox 4x32-10: block i of a stream is a function of key, stream and i alone)

/// One block: counter (c0, c1, c2, c3), key (k0, k1). Matches the published test vectors.
void ck_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
/// n uniforms in (0, 1). Element e is word e % 4 of block `first_block` + e / 4 with counter (block lo, block hi,
/// stream lo, stream hi), converted as ((word >> 9) + 0.5) * 2^-23.
void ck_uniform(uint64_t key, uint64_t stream, uint64_t first_block, float *out, int64_t n);
/// n standard normals by Box-Muller from the same words: elements 2j, 2j + 1 of a block are sqrt(-2 log u_2j) * (cos,
/// sin)(2 pi u_2j+1).
void ck_normal(uint64_t key, uint64_t stream, uint64_t first_block, float *out, int64_t n);

// MARK: Profile (where the time of a thread goes, while it asks; otherwise one number is looked at)

/// The parts of a profile. Time inside two nested parts counts for the outer one. Kernels enter their part themselves.
typedef enum {
  CK_PART_OTHER, CK_PART_KERNELS, CK_PART_PRODUCTS, CK_PART_SPARSE, CK_PART_CONVOLUTIONS, CK_PART_SAMPLING, CK_PART_OPTIMIZER, CK_PART_BATCHES,
  CK_PARTS
} ck_part;
/// Starts to count the time of this thread.
void ck_profile_start(void);
/// Stops counting and returns the time of each part.
void ck_profile_stop(int64_t nanoseconds[CK_PARTS]);

extern int ck_profiled_threads;
int ck_profile_enter(int part);
void ck_profile_leave(int before);

/// Counts the time from now on for this part. Returns the argument for `ck_leave`.
static inline int ck_enter(int part) {
  return __atomic_load_n(&ck_profiled_threads, __ATOMIC_RELAXED) ? ck_profile_enter(part) : -1;
}
static inline void ck_leave(int before) {
  if (before >= 0) ck_profile_leave(before);
}

/// Signals to the CPU that this thread waits in a loop.
static inline void ck_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory"); // a longer pause than `yield`, which most cores ignore
#endif
}

/// The instruction set that kernels use: "x86-64-v4", "x86-64-v3" or "default" on x86-64, "neon" on 64-bit Arm. It is
/// the widest of this CPU unless the environment variable AIRFRAME_VECTORS names a narrower one.
const char *ck_instruction_set(void);

/// The vector instructions that this CPU has and that the operating system lets programs use, spelled as in
/// /proc/cpuinfo and separated by spaces.
void ck_cpu_features(char names[256]);
/// The family number and the vendor's name from CPUID; on 64-bit Arm 0 and an empty name.
int ck_cpu_family(char vendor[13]);
#endif
