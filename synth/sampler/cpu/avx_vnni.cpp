// AVX2 with the byte products of AVX-VNNI: processors of desktops and notebooks that have no AVX-512.

#include "model.h"

#if defined(__AVXVNNI__)  // setup.py compiles this file with the instructions it needs, where the compiler knows them

#include "avx2.h"
#include "kernels.h"

namespace sonorize {
namespace {

struct AvxVnni : Avx2 {
  static constexpr int kWholeStreams = 6;  // no register goes to products of pairs, none to ones
  static SONORIZE_INLINE I dot4(I sum, I x, I w) { return _mm256_dpbusd_avx_epi32(sum, x, w); }
};

}  // namespace

const Kernels* avx_vnni_kernels() { return kernels_of<AvxVnni>(); }

}  // namespace sonorize

#else

namespace sonorize {
const Kernels* avx_vnni_kernels() { return nullptr; }
}  // namespace sonorize

#endif
