// Convolutions by oneDNN, if its headers were present when this was built. Otherwise no convolution can be made, and
// the caller uses another implementation. Images, outputs and gradients have their channels last; weights are [side,
// side, inputs, outputs].
#ifndef CONEDNN_H
#define CONEDNN_H
#include <stdint.h>

/// The sizes of the convolution of one call.
typedef struct {
  int64_t images, height, width, inputs, outputs, side, stride, padding;
} od_shape;

/// A convolution of one shape with its gradients. It is immutable, and several threads may use it at once.
typedef struct od_convolution od_convolution;

/// The version of oneDNN, such as "2.6.3"; NULL if this was built without it.
const char *od_version(void);
/// Makes a convolution. Returns NULL if this was built without oneDNN, or if it has no fast kernel for the shape.
od_convolution *od_make(const od_shape *shape);

/// Sizes in floats: of the weights in the layout of each direction, of the weights' gradient, and of the largest work
/// space.
int64_t od_forward_weights_size(const od_convolution *convolution);
int64_t od_input_weights_size(const od_convolution *convolution);
int64_t od_weight_gradient_size(const od_convolution *convolution);
int64_t od_work_size(const od_convolution *convolution);

/// The following functions return 0, or the library's error code. `work` is memory of `od_work_size` floats that
/// nothing else uses during the call.
int od_prepare_forward(const od_convolution *convolution, const float *weights, float *prepared);
int od_prepare_input_gradient(const od_convolution *convolution, const float *weights, float *prepared);
/// y = x * weights + bias
int od_forward(const od_convolution *convolution, const float *x, const float *prepared, const float *bias, float *y, float *work);
/// dx = the gradient of x from dy; overwritten.
int od_input_gradient(const od_convolution *convolution, const float *dy, const float *prepared, float *dx, float *work);
/// The gradients of weights and bias, both overwritten; `gradient` is in the library's own layout.
int od_weight_gradient(const od_convolution *convolution, const float *x, const float *dy, float *gradient, float *bias_gradient, float *work);
/// Converts the gradient of the weights from the library's layout to [side, side, inputs, outputs]; overwritten.
int od_unpack_weight_gradient(const od_convolution *convolution, const float *gradient, float *weights);
#endif
