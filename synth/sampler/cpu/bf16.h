// Products of bfloat16 matrices with bfloat16 vectors: of each 32 inputs one chain of FMAs for those at even places and
// one for those at odd places; their sum is added to what the inputs before them gave. Tiles do it so by themselves.
//
// Tiles and dot products take numbers that are not normal for zero. None ever turns up: weights and vectors below
// 2**-40 are zero, so that a product is a multiple of 2**-94 and a sum is one too, or nothing.

#pragma once

#include <cstring>

#include "lanes.h"
#include "model.h"

namespace sonorize {
namespace {

template <class V>
struct Bf16 {
  using Sum = typename V::F;
  using F = typename V::F;
  static constexpr int kGroup = 2, kMostStreams = V::kHalfStreams, kBlockGroups = 16;
  static constexpr int kUnitBytes = V::kHalves ? 2 : 4, kInputBytes = 2 * kUnitBytes;
  static SONORIZE_INLINE Sum zero() { return V::set1(0.0f); }
  static SONORIZE_INLINE Sum load(const float* p) { return V::load(p); }

  // The chain of even or odd places over one block, from zero on: row(v, group) is where a vector of weights lies.
  template <bool Odd, int NV, int NB, class Row>
  static SONORIZE_INLINE void chain(const Row& row, const char* const* inputs, Sum (&sums)[NB][NV]) {
    SONORIZE_UNROLL
    for (int b = 0; b < NB; ++b) {
      SONORIZE_UNROLL
      for (int v = 0; v < NV; ++v) sums[b][v] = zero();
    }
    constexpr int kFirst = V::kPairs && Odd ? 1 : 0, kStride = V::kPairs ? 2 : 1;
    for (int group = kFirst; group < kBlockGroups; group += kStride) {
      typename V::I weights[NV];
      SONORIZE_UNROLL
      for (int v = 0; v < NV; ++v) weights[v] = V::load_bits(row(v, group));
      if constexpr (V::kPairs) {
        SONORIZE_UNROLL
        for (int b = 0; b < NB; ++b) {
          const typename V::I x = two(inputs[b] + group * kInputBytes);
          SONORIZE_UNROLL
          for (int v = 0; v < NV; ++v) sums[b][v] = V::dot2(sums[b][v], x, weights[v]);
        }
      } else {
        F wide[NV];
        SONORIZE_UNROLL
        for (int v = 0; v < NV; ++v) wide[v] = half<Odd>(weights[v]);
        SONORIZE_UNROLL
        for (int b = 0; b < NB; ++b) {
          const F x = input<Odd>(inputs[b] + group * kInputBytes);
          SONORIZE_UNROLL
          for (int v = 0; v < NV; ++v) sums[b][v] = V::fma(wide[v], x, sums[b][v]);
        }
      }
    }
  }

  // One vector [padded], rounded to bfloat16; there is no step.
  template <bool Signed>
  static float see(const float* x, int padded, uint8_t* units) {
    const typename V::I least = V::set1_bits(static_cast<int32_t>(kLeastBf16)), unsign = V::set1_bits(0x7FFFFFFF);
    for (int i = 0; i < padded; i += V::kLanes) {
      const typename V::I bits = V::as_bits(V::load(x + i));
      const typename V::I odd = V::and_bits(V::template shift_right<16>(bits), V::set1_bits(1));
      const typename V::I rounded = V::add_bits(V::add_bits(bits, V::set1_bits(0x7FFF)), odd);
      const typename V::I kept = V::zero_where_less(rounded, V::and_bits(bits, unsign), least);
      if constexpr (V::kHalves)
        V::store_upper_bits(reinterpret_cast<uint16_t*>(units) + i, kept);
      else
        V::store(reinterpret_cast<float*>(units) + i, V::high_halves(kept));
    }
    return 1.0f;
  }

  struct Rows {
    SONORIZE_INLINE Rows(const Product&, int) {}
    SONORIZE_INLINE typename V::F add(Sum sum, float, typename V::F y) const { return V::add(y, sum); }
  };

 private:
  template <bool Odd>
  static SONORIZE_INLINE F half(typename V::I a) {
    return Odd ? V::high_halves(a) : V::low_halves(a);
  }
  static SONORIZE_INLINE typename V::I two(const char* p) {
    int32_t pair;
    std::memcpy(&pair, p, 4);
    return V::set1_bits(pair);
  }
  template <bool Odd>
  static SONORIZE_INLINE F input(const char* p) {
    if constexpr (V::kHalves) return half<Odd>(two(p));
    return V::broadcast(reinterpret_cast<const float*>(p) + Odd);
  }
};

}  // namespace
}  // namespace sonorize
