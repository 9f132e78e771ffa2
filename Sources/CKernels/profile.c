// Measures how a thread spends its time.
#include "CKernels.h"
#include <string.h>
#include <time.h>

int ck_profiled_threads = 0;

static _Thread_local struct {
  int is_on;
  int part;
  int64_t since;
  int64_t nanoseconds[CK_PARTS];
} own;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void change(int part) {
  int64_t time = now();
  own.nanoseconds[own.part] += time - own.since;
  own.since = time;
  own.part = part;
}

void ck_profile_start(void) {
  memset(&own, 0, sizeof own);
  own.is_on = 1;
  own.since = now();
  __atomic_add_fetch(&ck_profiled_threads, 1, __ATOMIC_RELAXED);
}

void ck_profile_stop(int64_t nanoseconds[CK_PARTS]) {
  change(CK_PART_OTHER);
  own.is_on = 0;
  __atomic_sub_fetch(&ck_profiled_threads, 1, __ATOMIC_RELAXED);
  memcpy(nanoseconds, own.nanoseconds, sizeof own.nanoseconds);
}

int ck_profile_enter(int part) {
  if (!own.is_on || own.part != CK_PART_OTHER) return -1;
  change(part);
  return CK_PART_OTHER;
}

void ck_profile_leave(int before) { change(before); }
