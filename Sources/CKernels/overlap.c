// Overlapping windows of maps: gathered for a convolution, added for a transposed convolution.
#include "kernels.h"

/// Runs a statement for every value `at` of a window [side, side, channels] whose position `to` lies on the map.
#define FOR_PLACES(...) \
  for (int64_t n = 0; n < images; n++, map += map_height * map_width * channels) \
    for (int64_t i = 0; i < height; i++) \
      for (int64_t j = 0; j < width; j++) \
        for (int64_t u = 0; u < side; u++) \
          for (int64_t v = 0; v < side; v++, windows += channels) { \
            const int64_t row = i * stride - padding + u, column = j * stride - padding + v; \
            const int inside = row >= 0 && row < map_height && column >= 0 && column < map_width; \
            const int64_t place = inside ? (row * map_width + column) * channels : 0; \
            __VA_ARGS__ \
          }

KERNEL(void, ck_overlap_add,
       (int64_t images, int64_t height, int64_t width, int64_t channels, int64_t side, int64_t stride, int64_t padding,
        int64_t map_height, int64_t map_width, const float *windows, float *map),
       (images, height, width, channels, side, stride, padding, map_height, map_width, windows, map)) {
  memset(map, 0, sizeof(float) * (size_t)(images * map_height * map_width * channels));
  FOR_PLACES({
    if (!inside) continue;
    VECTOR for (int64_t c = 0; c < channels; c++) map[place + c] += windows[c];
  })
}

KERNEL(void, ck_overlap_gather,
       (int64_t images, int64_t height, int64_t width, int64_t channels, int64_t side, int64_t stride, int64_t padding,
        int64_t map_height, int64_t map_width, const float *map, float *windows, int accumulate),
       (images, height, width, channels, side, stride, padding, map_height, map_width, map, windows, accumulate)) {
  FOR_PLACES({
    VECTOR for (int64_t c = 0; c < channels; c++)
      windows[c] = (accumulate ? windows[c] : 0) + (inside ? map[place + c] : 0);
  })
}
