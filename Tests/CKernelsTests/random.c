#include "testing.h"

void test_random(void) {
  test("Philox gives its published test vectors");
  const uint32_t published[3][3][4] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (int k = 0; k < 3; k++) {
    uint32_t out[4];
    ck_philox(published[k][0], published[k][1], out);
    SAME(out, published[k][2], 4);
  }
  test("uniforms and normals are what their words say, however many are asked for");
  const uint64_t key = 0x0123456789abcdef, stream = 42, block = 0xfffffffe; // the block's number passes 2^32
  for (int l = 0; l < length_count; l++) {
    const int64_t n = lengths[l];
    float *u = room(n), *z = room(n);
    double *uniform = numbers(n + 4), *normal = numbers(n + 4);
    for (int64_t b = 0; b < n; b += 4) {
      const uint64_t number = block + (uint64_t)b / 4;
      const uint32_t counter[4] = {(uint32_t)number, (uint32_t)(number >> 32), (uint32_t)stream, 0}, keys[2] = {(uint32_t)key, (uint32_t)(key >> 32)};
      uint32_t words[4];
      ck_philox(counter, keys, words);
      for (int w = 0; w < 4; w++) uniform[b + w] = ((double)(words[w] >> 9) + 0.5) * 0x1p-23;
      for (int w = 0; w < 4; w += 2) {
        const double radius = sqrt(-2 * log(uniform[b + w])), angle = 6.283185307179586 * uniform[b + w + 1];
        normal[b + w] = radius * cos(angle), normal[b + w + 1] = radius * sin(angle);
      }
    }
    ck_uniform(key, stream, block, u, n);
    ck_normal(key, stream, block, z, n);
    CLOSE(u, uniform, n, 0, 0);
    CLOSE(z, normal, n, 1e-6, 1e-6);
  }
  test("time is counted for the part that a thread is in");
  int64_t nanoseconds[CK_PARTS], total = 0;
  float *x = normals(2500);
  ck_profile_start();
  for (int k = 0; k < 200; k++) ck_unary(CK_EXP, x, x, 2500), ck_clip(x, -1, 1, x, 2500);
  ck_profile_stop(nanoseconds);
  for (int k = 0; k < CK_PARTS; k++) total += nanoseconds[k];
  EXPECT(nanoseconds[CK_PART_KERNELS] > 0 && total >= nanoseconds[CK_PART_KERNELS]);
}
