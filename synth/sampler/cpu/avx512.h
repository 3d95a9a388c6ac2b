// Vectors of AVX-512 with VNNI: 16 lanes, 32 registers, four byte products an instruction. Included by the files whose
// instruction set contains these: each has its own copy, in an unnamed namespace.

#pragma once

#include <immintrin.h>

#include "lanes.h"

namespace sonorize {
namespace {

struct Avx512 {
  static constexpr int kLanes = 16, kPanelVectors = 4, kPanelsAlone = 2, kPanelsFew = 1;
  static constexpr int kFloatStreams = 6, kHalfStreams = 6, kWholeStreams = 6;
  static constexpr bool kHalves = false, kPairs = false, kTiles = false;
  static constexpr int kLookUpVectors = 16;
  using Tiles = NoTiles;
  using F = __m512;
  using I = __m512i;
  using H = __m512i;

  static SONORIZE_INLINE F load(const float* p) { return _mm512_loadu_ps(p); }
  static SONORIZE_INLINE void store(float* p, F a) { _mm512_storeu_ps(p, a); }
  static SONORIZE_INLINE F set1(float a) { return _mm512_set1_ps(a); }
  static SONORIZE_INLINE F broadcast(const float* p) { return _mm512_set1_ps(*p); }
  static SONORIZE_INLINE F add(F a, F b) { return _mm512_add_ps(a, b); }
  static SONORIZE_INLINE F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static SONORIZE_INLINE F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static SONORIZE_INLINE F div(F a, F b) { return _mm512_div_ps(a, b); }
  static SONORIZE_INLINE F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static SONORIZE_INLINE F greatest(F a, F b) { return _mm512_max_ps(a, b); }
  static SONORIZE_INLINE F least(F a, F b) { return _mm512_min_ps(a, b); }
  static SONORIZE_INLINE I load_bits(const void* p) { return _mm512_loadu_si512(p); }
  static SONORIZE_INLINE I set1_bits(int32_t a) { return _mm512_set1_epi32(a); }
  static SONORIZE_INLINE I as_bits(F a) { return _mm512_castps_si512(a); }
  static SONORIZE_INLINE F as_float(I a) { return _mm512_castsi512_ps(a); }
  static SONORIZE_INLINE I add_bits(I a, I b) { return _mm512_add_epi32(a, b); }
  static SONORIZE_INLINE I subtract_bits(I a, I b) { return _mm512_sub_epi32(a, b); }
  static SONORIZE_INLINE I and_bits(I a, I b) { return _mm512_and_si512(a, b); }
  template <int N>
  static SONORIZE_INLINE I shift_left(I a) { return _mm512_slli_epi32(a, N); }
  template <int N>
  static SONORIZE_INLINE I shift_right(I a) { return _mm512_srli_epi32(a, N); }
  static SONORIZE_INLINE I zero_where_less(I a, I of, I least) {
    return _mm512_maskz_mov_epi32(_mm512_cmpge_epi32_mask(of, least), a);
  }
  static SONORIZE_INLINE F to_float(I a) { return _mm512_cvtepi32_ps(a); }
  static SONORIZE_INLINE F low_halves(I a) { return as_float(_mm512_slli_epi32(a, 16)); }
  static SONORIZE_INLINE F high_halves(I a) { return as_float(_mm512_and_si512(a, _mm512_set1_epi32(-65536))); }
  static SONORIZE_INLINE I dot4(I sum, I x, I w) { return _mm512_dpbusd_epi32(sum, x, w); }
  static SONORIZE_INLINE void store_low_bytes(uint8_t* p, I a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a));
  }
  static SONORIZE_INLINE F load_bfloat16(const uint16_t* p) {
    return as_float(
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))), 16));
  }
  static SONORIZE_INLINE H zero_halves() { return _mm512_setzero_si512(); }
  static SONORIZE_INLINE H add_halves(H a, const int16_t* p) { return _mm512_add_epi16(a, load_bits(p)); }
  static SONORIZE_INLINE I lower_halves(H a) { return _mm512_cvtepi16_epi32(_mm512_castsi512_si256(a)); }
  static SONORIZE_INLINE I upper_halves(H a) { return _mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64(a, 1)); }
};

}  // namespace
}  // namespace sonorize
