// AVX-512 with VNNI and BF16: two bfloat16 products an instruction.

#include "model.h"

#if defined(__AVX512BF16__)  // setup.py compiles this file with the instructions it needs, where the compiler knows them

#include "halves.h"
#include "kernels.h"

namespace sonorize {
namespace {

struct Avx512Bf16 : Avx512Halves {
  static constexpr bool kPairs = true;

  // VDPBF16PS is two FMAs one after the other, the upper halves' first: of each four inputs the first and third come
  // as a pair, then the second and fourth, so that each chain of bf16.h is a chain of these.
  static SONORIZE_INLINE void store_upper_bits(uint16_t* p, I a) {
    constexpr int kOrder = 2 | 0 << 2 | 3 << 4 | 1 << 6;
    const __m256i bits = upper_bits(a);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm256_shufflehi_epi16(_mm256_shufflelo_epi16(bits, kOrder), kOrder));
  }
  static SONORIZE_INLINE F dot2(F sum, I x, I w) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(w), reinterpret_cast<__m512bh>(x));
  }
};

}  // namespace

const Kernels* avx512_bf16_kernels() { return kernels_of<Avx512Bf16>(); }

}  // namespace sonorize

#else

namespace sonorize {
const Kernels* avx512_bf16_kernels() { return nullptr; }
}  // namespace sonorize

#endif
