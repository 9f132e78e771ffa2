// The CPU features that programs can use: the CPU has them and the operating system allows them.
#include "CKernels.h"
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

#if defined(__x86_64__)
// Uses CPUID, and XGETBV to find out whether the operating system saves wide registers.
#define IF_CPU_HAS(name) __builtin_cpu_supports(name)
#define EACH_FEATURE(f) \
  f("sse3") f("ssse3") f("sse4.1") f("sse4.2") f("avx") f("fma") f("avx2") f("avx512f") f("avx512cd") f("avx512dq") \
  f("avx512bw") f("avx512vl") f("avx512vnni") f("avx512bf16")
#elif defined(__aarch64__)
// Bits of the auxiliary vector. Linux never changes their meaning.
#define IF_CPU_HAS(name) has(name)
#define EACH_FEATURE(f) f("asimd") f("asimddp") f("sve") f("sve2")

static int has(const char *name) {
  const unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
  if (strcmp(name, "asimd") == 0) return first >> 1 & 1;
  if (strcmp(name, "asimddp") == 0) return first >> 20 & 1;
  if (strcmp(name, "sve") == 0) return first >> 22 & 1;
  return strcmp(name, "sve2") == 0 && (second >> 1 & 1);
}
#else
#define EACH_FEATURE(f)
#endif

void ck_cpu_features(char names[256]) {
  names[0] = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
#endif
#define ADD(name) \
  if (IF_CPU_HAS(name)) strcat(names, names[0] ? " " name : name);
  EACH_FEATURE(ADD)
#undef ADD
}

int ck_cpu_family(char vendor[13]) {
  memset(vendor, 0, 13);
#if defined(__x86_64__)
  uint32_t a, b, c, d;
  if (!__get_cpuid(0, &a, &b, &c, &d)) return 0;
  memcpy(vendor, &b, 4);
  memcpy(vendor + 4, &d, 4);
  memcpy(vendor + 8, &c, 4);
  if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
  const int family = a >> 8 & 15;
  return family == 15 ? family + (int)(a >> 20 & 255) : family;
#else
  return 0;
#endif
}
