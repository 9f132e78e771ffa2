// Tests of the C kernels that do not need Swift. They compare each kernel with plain loops in double precision.
#ifndef TESTING_H
#define TESTING_H
#include "CKernels.h"
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/// Starts a test. Its name is the claim that it checks.
void test(const char *promise);

/// Allocates n floats for the current test, filled with NaN. Guard values around them must be intact at its end.
float *room(int64_t n);
/// The same, filled with standard normal numbers. A failing test reports the seed.
float *normals(int64_t n);
/// The same, filled with uniform numbers between low and high.
float *uniforms(int64_t n, double low, double high);
/// The same, filled with the n numbers of x.
float *copy(const float *x, int64_t n);
/// Allocates n zeros for expected values of the current test.
double *numbers(int64_t n);

void expect_true(int condition, const char *what, int line);
#define EXPECT(condition) expect_true(condition, #condition, __LINE__)
/// Expects |actual - expected| <= absolute + relative |expected|. NaN matches NaN, and infinities match themselves.
void expect_close(const float *actual, const double *expected, int64_t n, double absolute, double relative, const char *what, int line);
#define CLOSE(actual, expected, n, absolute, relative) \
  expect_close(actual, expected, n, absolute, relative, #actual, __LINE__)
#define CLOSE_NUMBER(actual, expected, absolute, relative) \
  do { const float one_actual = (float)(actual); const double one_expected = (expected); \
    expect_close(&one_actual, &one_expected, 1, absolute, relative, #actual, __LINE__); } while (0)
/// Expects identical bits.
#define SAME(actual, expected, n) EXPECT(memcmp(actual, expected, sizeof *(actual) * (size_t)(n)) == 0)

/// Adds before to expected if the kernel accumulates onto it.
void add_before(double *expected, const float *before, int64_t n, int accumulates);

/// Lengths around the vector lengths of every instruction set.
extern const int64_t lengths[];
extern const int length_count;

void test_elementwise(void);
void test_reductions(void);
void test_layers(void);
void test_optimizers(void);
void test_distributions(void);
void test_sampling(void);
void test_sparse(void);
void test_convolutions(void);
void test_maps(void);
void test_random(void);
#endif
