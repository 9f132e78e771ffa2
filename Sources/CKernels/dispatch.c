// The choice of the instruction set that the kernels use.
#include "kernels.h"
#include <stdlib.h>

int chosen_instruction_set = instruction_set_unknown;

#if defined(__aarch64__)
static const char *const names[] = {"", "neon"}; // every 64-bit Arm CPU has it
#else
static const char *const names[] = {"", "default", "x86-64-v3", "x86-64-v4"};
#endif

/// The widest instruction set that this CPU has.
static int widest(void) {
#if HAS_CHOICE
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return instruction_set_v4;
  if (__builtin_cpu_supports("x86-64-v3")) return instruction_set_v3;
#endif
  return instruction_set_base;
}

int choose_instruction_set(void) {
  int chosen = widest();
  const char *wanted = getenv("AIRFRAME_VECTORS");
  for (int set = instruction_set_base; wanted && set < chosen; set++)
    if (strcmp(wanted, names[set]) == 0) chosen = set;
  __atomic_store_n(&chosen_instruction_set, chosen, __ATOMIC_RELAXED);
  return chosen;
}

const char *ck_instruction_set(void) { return names[instruction_set()]; }
