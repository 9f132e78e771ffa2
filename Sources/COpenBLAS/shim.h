#ifndef AIRFRAME_OPENBLAS_H
#define AIRFRAME_OPENBLAS_H
#include <cblas.h>
#include <stdlib.h>

// Builds of OpenBLAS with kernels for several CPUs export these two functions, which no header declares. The first
// releases the kernels in use; the second chooses kernels as when the library is loaded. Other builds lack them.
extern void gotoblas_dynamic_quit(void) __attribute__((weak));
extern void gotoblas_dynamic_init(void) __attribute__((weak));

/// Makes products use the kernel set with this name. If the library lacks it, or the CPU lacks instructions that it
/// needs, the library makes its own choice. In a library with one set this does nothing. It must not be called while
/// another thread multiplies or reads the environment.
static inline void openblas_take_kernels(const char *name) {
  if (!gotoblas_dynamic_quit || !gotoblas_dynamic_init) return;
  setenv("OPENBLAS_CORETYPE", name, 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  unsetenv("OPENBLAS_CORETYPE");
}
#endif
