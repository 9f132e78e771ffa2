// Shared by the kernels: dispatch and loop macros, and elementary functions that vectorize inside them.
#ifndef KERNELS_H
#define KERNELS_H
#include "CKernels.h"
#include <float.h>
#include <stddef.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
#define WITHOUT_VECTORS // its checks prevent vectorization, and clang would warn at every loop
#endif
#endif

/// Defines a kernel. The arguments are its type, its name, its parameters, and the parameters' names alone; the body
/// follows. The body is compiled for three instruction sets, and every call uses the one that `instruction_set()`
/// returns. Every function that the body calls must be INLINE.
#if defined(__x86_64__) && defined(__clang__)
#define HAS_CHOICE 1
#define KERNEL(type, name, parameters, arguments) \
  INLINE type name##_body parameters; \
  static type name##_base parameters { return name##_body arguments; } \
  __attribute__((target("arch=x86-64-v3"))) static type name##_v3 parameters { return name##_body arguments; } \
  __attribute__((target("arch=x86-64-v4"))) static type name##_v4 parameters { return name##_body arguments; } \
  type name parameters { \
    PROFILED; \
    switch (instruction_set()) { \
    case instruction_set_v4: return name##_v4 arguments; \
    case instruction_set_v3: return name##_v3 arguments; \
    default: return name##_base arguments; \
    } \
  } \
  INLINE type name##_body parameters
#else
#define HAS_CHOICE 0
#define KERNEL(type, name, parameters, arguments) \
  INLINE type name##_body parameters; \
  type name parameters { \
    PROFILED; \
    return name##_body arguments; \
  } \
  INLINE type name##_body parameters
#endif

/// Counts time as spent in kernels for the rest of the block.
#define PROFILED __attribute__((cleanup(leave_kernel))) const int part_before = ck_enter(CK_PART_KERNELS); (void)part_before

static inline void leave_kernel(const int *before) { ck_leave(*before); }

enum { instruction_set_unknown, instruction_set_base, instruction_set_v3, instruction_set_v4 };

/// The instruction set that kernels use, chosen at the first call.
extern int chosen_instruction_set;
int choose_instruction_set(void);

static inline int instruction_set(void) {
  int chosen = __atomic_load_n(&chosen_instruction_set, __ATOMIC_RELAXED);
  return chosen != instruction_set_unknown ? chosen : choose_instruction_set();
}

// The minimum vector width passes to the caller when a function is inlined. Without it clang splits 512-bit vectors in
// two.
#if defined(__x86_64__)
#define INLINE static inline __attribute__((always_inline, min_vector_width(512)))
#else
#define INLINE static inline __attribute__((always_inline))
#endif

/// Loops over sixteen lanes at a time. Iterations are independent, although an output may be one of the inputs. MASKED
/// also runs the last few elements in lanes, with masks; it is for short rows and tails.
#if defined(__OPTIMIZE__) && !defined(WITHOUT_VECTORS)
#define VECTOR _Pragma("clang loop vectorize(assume_safety) vectorize_width(16) interleave_count(1)")
#define VECTOR_BY_4 _Pragma("clang loop vectorize(assume_safety) vectorize_width(16) interleave_count(4)")
#if defined(__aarch64__) // no masks: four lanes at a time, then at most three single elements
#define MASKED _Pragma("clang loop vectorize(assume_safety) vectorize_width(4) interleave_count(1)")
#else
#define MASKED \
  _Pragma("clang loop vectorize(assume_safety) vectorize_width(16) interleave_count(1) vectorize_predicate(enable)")
#endif
#else
#define VECTOR
#define VECTOR_BY_4
#define MASKED
#endif
/// At the start of a block, lets a float sum be computed in lanes. The order is fixed by the count alone.
#define SUM_IN_LANES _Pragma("clang fp reassociate(on)")

/// Lets a function that calls no other INLINE use full-width vectors.
INLINE void full_width(void) {}

/// Runs a statement for i in 0 ..< n; `loop` is the loop macro for the whole vectors.
#define EACH(loop, n, ...) \
  do { \
    const int64_t whole = (n) & ~(int64_t)15; \
    const int32_t rest = (int32_t)((n) - whole); \
    full_width(); \
    loop for (int64_t i = 0; i < whole; i++) { __VA_ARGS__; } \
    MASKED for (int32_t l = 0; l < rest; l++) { const int64_t i = whole + l; __VA_ARGS__; } \
  } while (0)

/// out[i] (+)= expression of i, for i in 0 ..< n.
#define MAP(n, out, accumulate, ...) \
  do { \
    if (accumulate) \
      EACH(VECTOR, n, (out)[i] += (__VA_ARGS__)); \
    else \
      EACH(VECTOR, n, (out)[i] = (__VA_ARGS__)); \
  } while (0)

/// total += the sum of an expression of i over 0 ..< n. Elements of a block are added in float lanes, the blocks in
/// double.
#define ADD_SUM(total, loop, n, ...) \
  for (int64_t start = 0, size = (n); start < size; start += 1024) { \
    SUM_IN_LANES \
    const int64_t end = size - start < 1024 ? size : start + 1024, whole = end & ~(int64_t)15; \
    const int32_t rest = (int32_t)(end - whole); \
    float sum = 0; \
    full_width(); \
    loop for (int64_t i = start; i < whole; i++) sum += (__VA_ARGS__); \
    MASKED for (int32_t l = 0; l < rest; l++) { const int64_t i = whole + l; sum += (__VA_ARGS__); } \
    total += sum; \
  }

/// Sixteen floats in registers, for kernels whose accumulators must stay there: one register of AVX-512, two of AVX2,
/// four of NEON and SSE. `lanes_at_once` of them fit in the registers along with their inputs.
typedef float lanes __attribute__((ext_vector_type(16)));
typedef float unaligned_lanes __attribute__((ext_vector_type(16), aligned(4)));
#if defined(__x86_64__)
enum { lanes_at_once = 8 };
#else
enum { lanes_at_once = 4 };
#endif
#define LOAD(pointer) (*(const unaligned_lanes *)(pointer))
#define STORE(pointer, value) (*(unaligned_lanes *)(pointer) = (value))

// MARK: Elementary functions: within 3 units in the last place; NaN in, NaN out

INLINE uint32_t bits_of(float x) { uint32_t b; memcpy(&b, &x, 4); return b; }
INLINE float float_of(uint32_t b) { float x; memcpy(&x, &b, 4); return x; }
INLINE float magnitude(float x) { return float_of(bits_of(x) & 0x7fffffffu); }
INLINE float square(float x) { return x * x; }
INLINE float square_root(float x) { return __builtin_elementwise_sqrt(x); }

/// x = n log 2 + r with |r| <= log(2) / 2; returns e^r - 1.
INLINE float reduced_expm1(float x, int32_t *n) {
  const float shifter = 12582912.0f; // 1.5 * 2^23: adding it rounds to an integer, left in the low bits
  float shifted = x * 1.44269504f + shifter;
  *n = (int32_t)(bits_of(shifted) - 0x4b400000u);
  float k = shifted - shifter;
  float r = x - k * 0.693145752f;
  r = r - k * 1.42860677e-06f;
  float p = 0.00138825073f;
  p = p * r + 0.00836658012f;
  p = p * r + 0.0416672006f;
  p = p * r + 0.166665435f;
  p = p * r + 0.49999997f;
  return p * (r * r) + r;
}

INLINE float power_of_two(int32_t n) { return float_of((uint32_t)(n + 127) << 23); }

INLINE float fast_exp(float x) {
  x = x < -104.0f ? -104.0f : x;
  x = x > 89.0f ? 89.0f : x;
  int32_t n;
  float p = reduced_expm1(x, &n) + 1;
  int32_t half = n >> 1; // two factors, so that overflow and subnormal results are correct
  return p * power_of_two(half) * power_of_two(n - half);
}

/// e^x - 1 for x <= 80.
INLINE float fast_expm1(float x) {
  x = x < -30.0f ? -30.0f : x;
  int32_t n;
  float p = reduced_expm1(x, &n), scale = power_of_two(n);
  return scale * p + (scale - 1);
}

/// log x for normal, finite x > 0.
INLINE float log_of_normal(float x) {
  uint32_t b = bits_of(x) + (0x3f800000u - 0x3f3504f3u); // mantissa in [sqrt 1/2, sqrt 2)
  float k = (float)((int32_t)(b >> 23) - 127);
  float f = float_of((b & 0x7fffffu) + 0x3f3504f3u) - 1;
  float s = f / (2 + f), z = s * s, half = 0.5f * f * f;
  float p = 0.24279079f;
  p = p * z + 0.284987867f;
  p = p * z + 0.400009722f;
  p = p * z + 0.666666627f;
  return k * 0.693145752f - ((half - (s * (half + p * z) + k * 1.42860677e-06f)) - f);
}

INLINE float fast_log(float x) {
  int subnormal = x < FLT_MIN;
  float y = log_of_normal(subnormal ? x * 8388608.0f : x) - (subnormal ? 15.9423851f : 0);
  float special = x == 0 ? -__builtin_inff() : __builtin_nanf("");
  return x > 0 ? (x > FLT_MAX ? x : y) : special;
}

INLINE float fast_sigmoid(float x) {
  float e = fast_exp(-magnitude(x)); // never overflows
  return (x < 0 ? e : 1.0f) / (1 + e);
}

/// tanh x = E / (E + 2), E = e^(2 |x|) - 1: no cancellation near zero.
INLINE float fast_tanh(float x) {
  float a = magnitude(x);
  float e = fast_expm1(2 * (a > 10.0f ? 10.0f : a));
  return float_of(bits_of(e / (e + 2)) | (bits_of(x) & 0x80000000u));
}

/// max(x, 0) + log(1 + e^-|x|), the logarithm as 2 artanh(e / (2 + e)).
INLINE float fast_softplus(float x) {
  float e = fast_exp(-magnitude(x));
  float s = e / (2 + e), z = s * s;
  float p = 0.140957683f;
  p = p * z + 0.139788345f;
  p = p * z + 0.200125575f;
  p = p * z + 0.333331555f;
  return (x > 0 ? x : 0.0f) + 2 * (s * (p * z) + s);
}

INLINE float fast_elu(float x) { return x > 0 ? x : fast_expm1(x > 0 ? 0.0f : x); }

/// sin(r + quadrant pi / 2) for |r| <= pi / 4.
INLINE float sine_in_quadrant(float r, uint32_t quadrant) {
  float z = r * r;
  float s = ((-0.000195169763f * z + 0.00833217613f) * z - 0.166666552f) * (z * r) + r;
  float c = ((2.44327839e-05f * z - 0.0013887313f) * z + 0.0416666456f) * (z * z) + (1 - 0.5f * z);
  return float_of(bits_of(quadrant & 1 ? c : s) ^ (quadrant & 2) << 30);
}

#endif
