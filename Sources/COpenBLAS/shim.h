#ifndef AIRFRAME_OPENBLAS_H
#define AIRFRAME_OPENBLAS_H
#include <cblas.h>
#include <stdlib.h>

// Builds of OpenBLAS with kernels for several CPUs export these two, which no header declares: the first lets go of the kernels
// in use, the second chooses as when the library is loaded. Other builds lack them.
extern void gotoblas_dynamic_quit(void) __attribute__((weak));
extern void gotoblas_dynamic_init(void) __attribute__((weak));

/// From now on products use the kernel set of this name; where the library lacks it, or it needs more than the CPU has, its own
/// choice. Nothing happens in a library with one set. Not while another thread multiplies or reads the environment.
static inline void openblas_take_kernels(const char *name) {
  if (!gotoblas_dynamic_quit || !gotoblas_dynamic_init) return;
  setenv("OPENBLAS_CORETYPE", name, 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  unsetenv("OPENBLAS_CORETYPE");
}
#endif
