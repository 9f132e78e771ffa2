#include "testing.h"
#include <stdio.h>

const int64_t lengths[] = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 64, 100, 257, 1030, 2500};
const int length_count = sizeof lengths / sizeof *lengths;

enum { most_rooms = 4096, margin = 32 };
static const float mark = 12345.678f;

static struct { float *start; int64_t size; } rooms[most_rooms];
static double *lists[most_rooms];
static int room_count, list_count, failures, test_failures;
static long checks;
static uint64_t state;
static const char *current;

static void fail(const char *what, int line) {
  failures++;
  if (test_failures++ < 5) printf("FAILED: %s\n  line %d: %s\n", current, line, what);
}

/// Ends a test: checks the guard values around its memory and frees the memory.
static void end_test(void) {
  for (int i = 0; i < room_count; i++) {
    for (int64_t k = 0; k < margin; k++)
      if (rooms[i].start[k] != mark || rooms[i].start[margin + rooms[i].size + k] != mark) {
        fail("wrote outside of its output", 0);
        break;
      }
    free(rooms[i].start);
  }
  for (int i = 0; i < list_count; i++) free(lists[i]);
  room_count = list_count = test_failures = 0;
}

void test(const char *promise) {
  if (current) end_test();
  current = promise;
  state = 1;
}

float *room(int64_t n) {
  if (room_count == most_rooms) abort();
  float *start = malloc(sizeof(float) * (size_t)(n + 2 * margin));
  if (!start) abort();
  for (int64_t i = 0; i < n + 2 * margin; i++) start[i] = i < margin || i >= margin + n ? mark : NAN;
  rooms[room_count].start = start, rooms[room_count++].size = n;
  return start + margin;
}

double *numbers(int64_t n) {
  if (list_count == most_rooms) abort();
  return lists[list_count++] = calloc((size_t)n, sizeof(double));
}

/// SplitMix64.
static double uniform(void) {
  uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return ((double)((z ^ z >> 31) >> 11) + 0.5) * 0x1p-53;
}

float *uniforms(int64_t n, double low, double high) {
  float *x = room(n);
  for (int64_t i = 0; i < n; i++) x[i] = (float)(low + (high - low) * uniform());
  return x;
}

float *normals(int64_t n) {
  float *x = room(n);
  for (int64_t i = 0; i < n; i++) x[i] = (float)(sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform()));
  return x;
}

float *copy(const float *x, int64_t n) {
  float *y = room(n);
  memcpy(y, x, sizeof(float) * (size_t)n);
  return y;
}

void add_before(double *expected, const float *before, int64_t n, int accumulates) {
  for (int64_t i = 0; accumulates && i < n; i++) expected[i] += before[i];
}

void expect_true(int condition, const char *what, int line) {
  checks++;
  if (!condition) fail(what, line);
}

void expect_close(const float *actual, const double *expected, int64_t n, double absolute, double relative, const char *what, int line) {
  checks++;
  for (int64_t i = 0; i < n; i++) {
    const double a = actual[i], e = expected[i];
    if (a == e || (isnan(a) && isnan(e)) || (isfinite(e) && fabs(a - e) <= absolute + relative * fabs(e))) continue;
    char text[200];
    snprintf(text, sizeof text, "%.100s[%lld] of %lld is %.9g, expected %.9g", what, (long long)i, (long long)n, a, e);
    fail(text, line);
    return;
  }
}

int main(void) {
  char features[256];
  ck_cpu_features(features);
  printf("kernels: %s, CPU: %s\n", ck_instruction_set(), features);
  test_elementwise();
  test_reductions();
  test_layers();
  test_optimizers();
  test_distributions();
  test_sampling();
  test_sparse();
  test_convolutions();
  test_maps();
  test_random();
  end_test();
  printf("%ld checks, %d failed\n", checks, failures);
  return failures != 0;
}
