// AVX2 and FMA.

#include "model.h"

#if defined(__AVX2__)  // setup.py compiles this file with the instructions it needs

#include "avx2.h"
#include "kernels.h"

namespace sonorize {
const Kernels* avx2_kernels() { return kernels_of<Avx2>(); }
}  // namespace sonorize

#else

namespace sonorize {
const Kernels* avx2_kernels() { return nullptr; }
}  // namespace sonorize

#endif
