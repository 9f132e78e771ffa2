#include "COneDNN.h"
#include <stddef.h>

#ifndef HAS_ONEDNN

const char *od_version(void) { return NULL; }
od_convolution *od_make(const od_shape *shape) { (void)shape; return NULL; }
int64_t od_forward_weights_size(const od_convolution *c) { (void)c; return 0; }
int64_t od_input_weights_size(const od_convolution *c) { (void)c; return 0; }
int64_t od_weight_gradient_size(const od_convolution *c) { (void)c; return 0; }
int64_t od_work_size(const od_convolution *c) { (void)c; return 0; }
int od_prepare_forward(const od_convolution *c, const float *w, float *p) { (void)c, (void)w, (void)p; return 1; }
int od_prepare_input_gradient(const od_convolution *c, const float *w, float *p) { (void)c, (void)w, (void)p; return 1; }
int od_forward(const od_convolution *c, const float *x, const float *p, const float *b, float *y, float *work) {
  (void)c, (void)x, (void)p, (void)b, (void)y, (void)work;
  return 1;
}
int od_input_gradient(const od_convolution *c, const float *dy, const float *p, float *dx, float *work) {
  (void)c, (void)dy, (void)p, (void)dx, (void)work;
  return 1;
}
int od_weight_gradient(const od_convolution *c, const float *x, const float *dy, float *g, float *b, float *work) {
  (void)c, (void)x, (void)dy, (void)g, (void)b, (void)work;
  return 1;
}
int od_unpack_weight_gradient(const od_convolution *c, const float *g, float *w) { (void)c, (void)g, (void)w; return 1; }

#else

#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// The operation of one direction of a convolution, or a change of layout.
typedef struct {
  dnnl_primitive_t primitive;
  dnnl_memory_desc_t work;
} operation;

struct od_convolution {
  operation forward, input_gradient, weight_gradient;
  operation pack_forward, pack_input_gradient, unpack_gradient;
  dnnl_memory_desc_t x, y, bias, plain, forward_weights, input_weights, gradient;
};

static dnnl_engine_t engine;
static pthread_once_t engine_once = PTHREAD_ONCE_INIT;
static void (*set_threads)(int);
static char version_text[32];

static void start(void) {
  if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success) engine = NULL;
  // The library divides its work with OpenMP. Here the caller divides the work, so each call keeps to its own thread.
  *(void **)(&set_threads) = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  const dnnl_version_t *version = dnnl_version();
  snprintf(version_text, sizeof version_text, "%d.%d.%d", version->major, version->minor, version->patch);
}

/// The stream of this thread; NULL if there is none. The thread then uses no further threads for the library's work.
static dnnl_stream_t own_stream(void) {
  static _Thread_local dnnl_stream_t stream = NULL;
  pthread_once(&engine_once, start);
  if (!stream && engine) {
    if (set_threads) set_threads(1);
    if (dnnl_stream_create(&stream, engine, dnnl_stream_default_flags) != dnnl_success) stream = NULL;
  }
  return stream;
}

const char *od_version(void) {
  pthread_once(&engine_once, start);
  return version_text;
}

#define TRY(call) \
  do { \
    dnnl_status_t status_ = (call); \
    if (status_ != dnnl_success) return status_; \
  } while (0)

/// Makes the operation of a described primitive and releases the description.
static dnnl_status_t make_described(dnnl_primitive_desc_t description, operation *out) {
  out->work = *dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
  return dnnl_primitive_create(&out->primitive, description);
}

static dnnl_status_t make_reorder(const dnnl_memory_desc_t *from, const dnnl_memory_desc_t *to, const_dnnl_primitive_attr_t attributes, operation *out) {
  dnnl_primitive_desc_t description = NULL;
  TRY(dnnl_reorder_primitive_desc_create(&description, from, engine, to, engine, attributes));
  dnnl_status_t status = make_described(description, out);
  dnnl_primitive_desc_destroy(description);
  return status;
}

static int is_slow(const_dnnl_primitive_desc_t description) {
  const char *name = NULL;
  return dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, &name) != dnnl_success || !name || strncmp(name, "ref", 3) == 0;
}

typedef struct {
  dnnl_primitive_desc_t forward, input_gradient, weight_gradient;
  dnnl_primitive_attr_t attributes;
} descriptions;

static dnnl_status_t make_all(const od_shape *s, od_convolution *c, descriptions *d) {
  const int64_t out_height = (s->height + 2 * s->padding - s->side) / s->stride + 1;
  const int64_t out_width = (s->width + 2 * s->padding - s->side) / s->stride + 1;
  const dnnl_dims_t x = {s->images, s->inputs, s->height, s->width}, y = {s->images, s->outputs, out_height, out_width};
  const dnnl_dims_t w = {s->outputs, s->inputs, s->side, s->side}, b = {s->outputs};
  const dnnl_dims_t strides = {s->stride, s->stride}, before = {s->padding, s->padding};
  // Pixels that the strides leave over at the far edge are not padded.
  const dnnl_dims_t after = {(out_height - 1) * s->stride + s->side - s->height - s->padding,
                             (out_width - 1) * s->stride + s->side - s->width - s->padding};
  dnnl_memory_desc_t any;
  TRY(dnnl_memory_desc_init_by_tag(&c->x, 4, x, dnnl_f32, dnnl_nhwc));
  TRY(dnnl_memory_desc_init_by_tag(&c->y, 4, y, dnnl_f32, dnnl_nhwc));
  TRY(dnnl_memory_desc_init_by_tag(&c->plain, 4, w, dnnl_f32, dnnl_hwio));
  TRY(dnnl_memory_desc_init_by_tag(&c->bias, 1, b, dnnl_f32, dnnl_a));
  TRY(dnnl_memory_desc_init_by_tag(&any, 4, w, dnnl_f32, dnnl_format_tag_any));
  TRY(dnnl_primitive_attr_create(&d->attributes));
  TRY(dnnl_primitive_attr_set_scratchpad_mode(d->attributes, dnnl_scratchpad_mode_user));

  dnnl_convolution_desc_t convolution;
  TRY(dnnl_convolution_forward_desc_init(&convolution, dnnl_forward_training, dnnl_convolution_direct, &c->x, &any, &c->bias, &c->y, strides, before, after));
  TRY(dnnl_primitive_desc_create(&d->forward, &convolution, d->attributes, engine, NULL));
  TRY(dnnl_convolution_backward_data_desc_init(&convolution, dnnl_convolution_direct, &c->x, &any, &c->y, strides, before, after));
  TRY(dnnl_primitive_desc_create(&d->input_gradient, &convolution, d->attributes, engine, d->forward));
  TRY(dnnl_convolution_backward_weights_desc_init(&convolution, dnnl_convolution_direct, &c->x, &any, &c->bias, &c->y, strides, before, after));
  TRY(dnnl_primitive_desc_create(&d->weight_gradient, &convolution, d->attributes, engine, d->forward));
  if (is_slow(d->forward) || is_slow(d->input_gradient) || is_slow(d->weight_gradient)) return dnnl_unimplemented;

  c->forward_weights = *dnnl_primitive_desc_query_md(d->forward, dnnl_query_weights_md, 0);
  c->input_weights = *dnnl_primitive_desc_query_md(d->input_gradient, dnnl_query_weights_md, 0);
  c->gradient = *dnnl_primitive_desc_query_md(d->weight_gradient, dnnl_query_diff_weights_md, 0);
  TRY(make_described(d->forward, &c->forward));
  TRY(make_described(d->input_gradient, &c->input_gradient));
  TRY(make_described(d->weight_gradient, &c->weight_gradient));
  TRY(make_reorder(&c->plain, &c->forward_weights, d->attributes, &c->pack_forward));
  TRY(make_reorder(&c->plain, &c->input_weights, d->attributes, &c->pack_input_gradient));
  return make_reorder(&c->gradient, &c->plain, d->attributes, &c->unpack_gradient);
}

od_convolution *od_make(const od_shape *shape) {
  if (!own_stream()) return NULL;
  od_convolution *convolution = calloc(1, sizeof *convolution);
  if (!convolution) return NULL;
  descriptions made = {NULL, NULL, NULL, NULL};
  dnnl_status_t status = make_all(shape, convolution, &made);
  if (made.forward) dnnl_primitive_desc_destroy(made.forward);
  if (made.input_gradient) dnnl_primitive_desc_destroy(made.input_gradient);
  if (made.weight_gradient) dnnl_primitive_desc_destroy(made.weight_gradient);
  if (made.attributes) dnnl_primitive_attr_destroy(made.attributes);
  if (status == dnnl_success) return convolution;
  free(convolution);
  return NULL;
}

static int64_t floats(const dnnl_memory_desc_t *description) {
  return (int64_t)(dnnl_memory_desc_get_size(description) + sizeof(float) - 1) / (int64_t)sizeof(float);
}

int64_t od_forward_weights_size(const od_convolution *c) { return floats(&c->forward_weights); }
int64_t od_input_weights_size(const od_convolution *c) { return floats(&c->input_weights); }
int64_t od_weight_gradient_size(const od_convolution *c) { return floats(&c->gradient); }

int64_t od_work_size(const od_convolution *c) {
  const operation *all[] = {&c->forward, &c->input_gradient, &c->weight_gradient, &c->pack_forward, &c->pack_input_gradient, &c->unpack_gradient};
  int64_t largest = 0;
  for (int i = 0; i < 6; i++) largest = floats(&all[i]->work) > largest ? floats(&all[i]->work) : largest;
  return largest;
}

typedef struct {
  int index;
  const dnnl_memory_desc_t *description;
  const float *pointer;
} argument;

/// Runs an operation on up to six arguments.
static int run(const operation *operation, const argument *arguments, int count, float *work) {
  dnnl_stream_t stream = own_stream();
  if (!stream) return dnnl_runtime_error;
  dnnl_exec_arg_t list[7];
  dnnl_status_t status = dnnl_success;
  int made = 0;
  for (; made < count && status == dnnl_success; made++) {
    list[made].arg = arguments[made].index;
    list[made].memory = NULL;
    status = dnnl_memory_create(&list[made].memory, arguments[made].description, engine, (void *)(uintptr_t)arguments[made].pointer);
  }
  if (status == dnnl_success && floats(&operation->work) > 0) {
    list[made].arg = DNNL_ARG_SCRATCHPAD;
    list[made].memory = NULL;
    status = dnnl_memory_create(&list[made].memory, &operation->work, engine, work);
    made++;
  }
  if (status == dnnl_success) status = dnnl_primitive_execute(operation->primitive, stream, made, list);
  if (status == dnnl_success) status = dnnl_stream_wait(stream);
  for (int i = 0; i < made; i++)
    if (list[i].memory) dnnl_memory_destroy(list[i].memory);
  return status;
}

/// Reorders between two layouts. For these layouts they need no work space; a reorder that does allocates its own.
static int change(const operation *operation, const dnnl_memory_desc_t *from, const float *in, const dnnl_memory_desc_t *to, float *out) {
  const argument arguments[] = {{DNNL_ARG_FROM, from, in}, {DNNL_ARG_TO, to, out}};
  const int64_t size = floats(&operation->work);
  float *work = size > 0 ? aligned_alloc(64, (size_t)((size * 4 + 63) / 64 * 64)) : NULL;
  int status = run(operation, arguments, 2, work);
  free(work);
  return status;
}

int od_prepare_forward(const od_convolution *c, const float *weights, float *prepared) {
  return change(&c->pack_forward, &c->plain, weights, &c->forward_weights, prepared);
}

int od_prepare_input_gradient(const od_convolution *c, const float *weights, float *prepared) {
  return change(&c->pack_input_gradient, &c->plain, weights, &c->input_weights, prepared);
}

int od_unpack_weight_gradient(const od_convolution *c, const float *gradient, float *weights) {
  return change(&c->unpack_gradient, &c->gradient, gradient, &c->plain, weights);
}

int od_forward(const od_convolution *c, const float *x, const float *prepared, const float *bias, float *y, float *work) {
  const argument arguments[] = {
      {DNNL_ARG_SRC, &c->x, x}, {DNNL_ARG_WEIGHTS, &c->forward_weights, prepared}, {DNNL_ARG_BIAS, &c->bias, bias}, {DNNL_ARG_DST, &c->y, y}};
  return run(&c->forward, arguments, 4, work);
}

int od_input_gradient(const od_convolution *c, const float *dy, const float *prepared, float *dx, float *work) {
  const argument arguments[] = {{DNNL_ARG_DIFF_DST, &c->y, dy}, {DNNL_ARG_WEIGHTS, &c->input_weights, prepared}, {DNNL_ARG_DIFF_SRC, &c->x, dx}};
  return run(&c->input_gradient, arguments, 3, work);
}

int od_weight_gradient(const od_convolution *c, const float *x, const float *dy, float *gradient, float *bias_gradient, float *work) {
  const argument arguments[] = {
      {DNNL_ARG_SRC, &c->x, x}, {DNNL_ARG_DIFF_DST, &c->y, dy}, {DNNL_ARG_DIFF_WEIGHTS, &c->gradient, gradient},
      {DNNL_ARG_DIFF_BIAS, &c->bias, bias_gradient}};
  return run(&c->weight_gradient, arguments, 4, work);
}

#endif
