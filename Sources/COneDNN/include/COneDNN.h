// Convolutions of oneDNN, where its headers were there when this was built; elsewhere nothing can be made, and the caller
// falls back on another way. Images, outputs and gradients have their channels last; weights are [side, side, inputs, outputs].
#ifndef CONEDNN_H
#define CONEDNN_H
#include <stdint.h>

/// What one call convolves.
typedef struct {
  int64_t images, height, width, inputs, outputs, side, stride, padding;
} od_shape;

/// A convolution of one shape with its gradients. It does not change, and several threads may use it at once.
typedef struct od_convolution od_convolution;

/// The version of oneDNN, such as "2.6.3"; NULL where this was built without it.
const char *od_version(void);
/// NULL where this was built without oneDNN, and where it has no fast kernel for the shape.
od_convolution *od_make(const od_shape *shape);

/// Sizes in floats: of the weights as each direction wants them, of the weights' gradient, of the largest work space.
int64_t od_forward_weights_size(const od_convolution *convolution);
int64_t od_input_weights_size(const od_convolution *convolution);
int64_t od_weight_gradient_size(const od_convolution *convolution);
int64_t od_work_size(const od_convolution *convolution);

/// All of these return 0, or the library's error. `work` is memory of `od_work_size` floats that nobody else uses meanwhile.
int od_prepare_forward(const od_convolution *convolution, const float *weights, float *prepared);
int od_prepare_input_gradient(const od_convolution *convolution, const float *weights, float *prepared);
/// y = x * weights + bias
int od_forward(const od_convolution *convolution, const float *x, const float *prepared, const float *bias, float *y, float *work);
/// dx = what dy does to x; overwritten.
int od_input_gradient(const od_convolution *convolution, const float *dy, const float *prepared, float *dx, float *work);
/// Both overwritten; `gradient` is in the library's own layout.
int od_weight_gradient(const od_convolution *convolution, const float *x, const float *dy, float *gradient, float *bias_gradient, float *work);
/// The gradient of the weights [side, side, inputs, outputs] from the library's layout; overwritten.
int od_unpack_weight_gradient(const od_convolution *convolution, const float *gradient, float *weights);
#endif
