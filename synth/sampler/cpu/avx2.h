// Vectors of AVX2 and FMA: 8 lanes, 16 registers. Included by the files whose instruction set contains these: each has
// its own copy, in an unnamed namespace.

#pragma once

#include <immintrin.h>

#include <cstring>

#include "lanes.h"

namespace sonorize {
namespace {

struct Avx2 {
  // 2 vectors of outputs times 6 streams leave 4 of 16 registers for weights, input and a constant; int8 needs one
  // more for the products and one for ones.
  static constexpr int kLanes = 8, kPanelVectors = 2, kPanelsAlone = 4, kPanelsFew = 2;
  static constexpr int kFloatStreams = 6, kHalfStreams = 4, kWholeStreams = 4;
  static constexpr bool kHalves = false, kPairs = false, kTiles = false;
  static constexpr int kLookUpVectors = 8;
  using Tiles = NoTiles;
  using F = __m256;
  using I = __m256i;
  using H = __m256i;

  static SONORIZE_INLINE F load(const float* p) { return _mm256_loadu_ps(p); }
  static SONORIZE_INLINE void store(float* p, F a) { _mm256_storeu_ps(p, a); }
  static SONORIZE_INLINE F set1(float a) { return _mm256_set1_ps(a); }
  static SONORIZE_INLINE F broadcast(const float* p) { return _mm256_broadcast_ss(p); }
  static SONORIZE_INLINE F add(F a, F b) { return _mm256_add_ps(a, b); }
  static SONORIZE_INLINE F sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static SONORIZE_INLINE F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static SONORIZE_INLINE F div(F a, F b) { return _mm256_div_ps(a, b); }
  static SONORIZE_INLINE F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static SONORIZE_INLINE F greatest(F a, F b) { return _mm256_max_ps(a, b); }
  static SONORIZE_INLINE F least(F a, F b) { return _mm256_min_ps(a, b); }
  static SONORIZE_INLINE I load_bits(const void* p) { return _mm256_loadu_si256(static_cast<const I*>(p)); }
  static SONORIZE_INLINE I set1_bits(int32_t a) { return _mm256_set1_epi32(a); }
  static SONORIZE_INLINE I as_bits(F a) { return _mm256_castps_si256(a); }
  static SONORIZE_INLINE F as_float(I a) { return _mm256_castsi256_ps(a); }
  static SONORIZE_INLINE I add_bits(I a, I b) { return _mm256_add_epi32(a, b); }
  static SONORIZE_INLINE I subtract_bits(I a, I b) { return _mm256_sub_epi32(a, b); }
  static SONORIZE_INLINE I and_bits(I a, I b) { return _mm256_and_si256(a, b); }
  template <int N>
  static SONORIZE_INLINE I shift_left(I a) { return _mm256_slli_epi32(a, N); }
  template <int N>
  static SONORIZE_INLINE I shift_right(I a) { return _mm256_srli_epi32(a, N); }
  static SONORIZE_INLINE I zero_where_less(I a, I of, I least) {
    return _mm256_andnot_si256(_mm256_cmpgt_epi32(least, of), a);
  }
  static SONORIZE_INLINE F to_float(I a) { return _mm256_cvtepi32_ps(a); }
  static SONORIZE_INLINE F low_halves(I a) { return as_float(_mm256_slli_epi32(a, 16)); }
  static SONORIZE_INLINE F high_halves(I a) { return as_float(_mm256_and_si256(a, _mm256_set1_epi32(-65536))); }
  static SONORIZE_INLINE I dot4(I sum, I x, I w) {  // pairs fit 16 bits, since x stays below 128
    return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), _mm256_set1_epi16(1)));
  }
  static SONORIZE_INLINE void store_low_bytes(uint8_t* p, I a) {
    const I first = _mm256_set1_epi32(0x0C080400);
    const I packed = _mm256_shuffle_epi8(a, first);
    const int32_t low = _mm256_extract_epi32(packed, 0), high = _mm256_extract_epi32(packed, 4);
    std::memcpy(p, &low, 4);
    std::memcpy(p + 4, &high, 4);
  }
  static SONORIZE_INLINE F load_bfloat16(const uint16_t* p) {
    return as_float(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))), 16));
  }
  static SONORIZE_INLINE H zero_halves() { return _mm256_setzero_si256(); }
  static SONORIZE_INLINE H add_halves(H a, const int16_t* p) { return _mm256_add_epi16(a, load_bits(p)); }
  static SONORIZE_INLINE I lower_halves(H a) { return _mm256_cvtepi16_epi32(_mm256_castsi256_si128(a)); }
  static SONORIZE_INLINE I upper_halves(H a) { return _mm256_cvtepi16_epi32(_mm256_extracti128_si256(a, 1)); }
};

}  // namespace
}  // namespace sonorize
