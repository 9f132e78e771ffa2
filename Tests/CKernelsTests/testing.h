// Tests of the kernels in C, which need no Swift: each kernel against plain loops in double precision.
#ifndef TESTING_H
#define TESTING_H
#include "CKernels.h"
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/// Starts a test; its name is the promise that it checks.
void test(const char *promise);

/// Memory of this test: n floats with marks around them, which must be there at its end. Filled with NaN.
float *room(int64_t n);
/// The same with numbers of a standard normal distribution; the seed is said where a test fails.
float *normals(int64_t n);
/// The same with numbers between two others.
float *uniforms(int64_t n, double low, double high);
/// The same with the numbers of another.
float *copy(const float *x, int64_t n);
/// Memory of this test for expected values; zeros.
double *numbers(int64_t n);

void expect_true(int condition, const char *what, int line);
#define EXPECT(condition) expect_true(condition, #condition, __LINE__)
/// |actual - expected| <= absolute + relative |expected|, NaN for NaN, infinities for themselves.
void expect_close(const float *actual, const double *expected, int64_t n, double absolute, double relative, const char *what, int line);
#define CLOSE(actual, expected, n, absolute, relative) \
  expect_close(actual, expected, n, absolute, relative, #actual, __LINE__)
#define CLOSE_NUMBER(actual, expected, absolute, relative) \
  do { const float one_actual = (float)(actual); const double one_expected = (expected); \
    expect_close(&one_actual, &one_expected, 1, absolute, relative, #actual, __LINE__); } while (0)
/// The same bits.
#define SAME(actual, expected, n) EXPECT(memcmp(actual, expected, sizeof *(actual) * (size_t)(n)) == 0)

/// expected (+)= before, where a kernel accumulates onto that.
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
