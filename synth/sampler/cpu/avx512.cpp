// AVX-512 with VNNI.

#include "model.h"

#if defined(__AVX512VNNI__)  // setup.py compiles this file with the instructions it needs

#include "avx512.h"
#include "kernels.h"

namespace sonorize {
const Kernels* avx512_kernels() { return kernels_of<Avx512>(); }
}  // namespace sonorize

#else

namespace sonorize {
const Kernels* avx512_kernels() { return nullptr; }
}  // namespace sonorize

#endif
