// Philox 4x32-10 (Salmon et al., SC 2011), and uniform and normal deviates from its words.
#include "kernels.h"

typedef struct { uint32_t word[4]; } words;

INLINE words philox(uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3, uint32_t k0, uint32_t k1) {
#pragma clang loop unroll(full)
  for (int round = 0; round < 10; round++) {
    uint64_t product0 = (uint64_t)0xD2511F53u * c0, product1 = (uint64_t)0xCD9E8D57u * c2;
    c0 = (uint32_t)(product1 >> 32) ^ c1 ^ k0;
    c2 = (uint32_t)(product0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)product1;
    c3 = (uint32_t)product0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return (words){{c0, c1, c2, c3}};
}

INLINE words block_words(uint64_t key, uint64_t stream, uint64_t block) {
  return philox((uint32_t)block, (uint32_t)(block >> 32), (uint32_t)stream, (uint32_t)(stream >> 32), (uint32_t)key,
                (uint32_t)(key >> 32));
}

void ck_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  words w = philox(counter[0], counter[1], counter[2], counter[3], key[0], key[1]);
  memcpy(out, w.word, sizeof w.word);
}

INLINE float uniform(uint32_t word) { return ((float)(int32_t)(word >> 9) + 0.5f) * 0x1p-23f; }

/// Two normals from two uniforms (Box and Muller, 1958).
INLINE void normal_pair(uint32_t word0, uint32_t word1, float *out) {
  float radius = square_root(-2 * log_of_normal(uniform(word0)));
  float quarters = 4 * uniform(word1); // the angle in quarter turns, without rounding
  int32_t quadrant = (int32_t)(quarters + 0.5f);
  float r = (quarters - (float)quadrant) * 1.57079633f;
  out[0] = radius * sine_in_quadrant(r, (uint32_t)quadrant + 1);
  out[1] = radius * sine_in_quadrant(r, (uint32_t)quadrant);
}

// Computes sixteen whole blocks at a time, in a buffer at the end, so that an element never depends on n.
#define GROUPS(...) \
  float buffer[64]; \
  for (int64_t start = 0; start < n; start += 64, first_block += 16) { \
    float *target = n - start < 64 ? buffer : out + start; \
    VECTOR for (int b = 0; b < 16; b++) { \
      words w = block_words(key, stream, first_block + (uint64_t)b); \
      __VA_ARGS__; \
    } \
    if (n - start < 64) memcpy(out + start, buffer, sizeof(float) * (size_t)(n - start)); \
  }

KERNEL(void, ck_uniform,
       (uint64_t key, uint64_t stream, uint64_t first_block, float *out, int64_t n),
       (key, stream, first_block, out, n)) {
  GROUPS(target[4 * b] = uniform(w.word[0]); target[4 * b + 1] = uniform(w.word[1]);
         target[4 * b + 2] = uniform(w.word[2]); target[4 * b + 3] = uniform(w.word[3]))
}

KERNEL(void, ck_normal,
       (uint64_t key, uint64_t stream, uint64_t first_block, float *out, int64_t n),
       (key, stream, first_block, out, n)) {
  GROUPS(normal_pair(w.word[0], w.word[1], target + 4 * b); normal_pair(w.word[2], w.word[3], target + 4 * b + 2))
}
