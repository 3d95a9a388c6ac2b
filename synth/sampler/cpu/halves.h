// AVX-512 whose bfloat16 vectors are kept as 16-bit numbers, as its dot products and tiles want them.

#pragma once

#include "avx512.h"

namespace sonorize {
namespace {

struct Avx512Halves : Avx512 {
  static constexpr bool kHalves = true;

  // Sixteen bits each: the upper ones.
  static SONORIZE_INLINE __m256i upper_bits(I a) { return _mm512_cvtepi32_epi16(_mm512_srli_epi32(a, 16)); }
  static SONORIZE_INLINE void store_upper_bits(uint16_t* p, I a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), upper_bits(a));
  }
};

}  // namespace
}  // namespace sonorize
