// Products of int8 matrices with 7-bit vectors: sums of whole numbers, exact in any order.

#pragma once

#include <cstring>

#include "lanes.h"
#include "model.h"

namespace sonorize {
namespace {

template <class V>
struct Int8 {
  using Sum = typename V::I;
  static constexpr int kGroup = 4, kMostStreams = V::kWholeStreams;
  static constexpr int kInputBytes = 4, kUnitBytes = 1;
  static SONORIZE_INLINE Sum zero() { return V::set1_bits(0); }
  static SONORIZE_INLINE Sum load(const int32_t* p) { return V::load_bits(p); }

  template <int NV, int NB>
  static SONORIZE_INLINE void step(const char* const* weights, const char* const* inputs, Sum (&sums)[NB][NV]) {
    typename V::I row[NV];
    SONORIZE_UNROLL
    for (int v = 0; v < NV; ++v) row[v] = V::load_bits(weights[v]);
    SONORIZE_UNROLL
    for (int b = 0; b < NB; ++b) {
      int32_t four;
      std::memcpy(&four, inputs[b], 4);
      const typename V::I x = V::set1_bits(four);
      SONORIZE_UNROLL
      for (int v = 0; v < NV; ++v) sums[b][v] = V::dot4(sums[b][v], x, row[v]);
    }
  }

  // What the sums of some rows meet, before they are added to y.
  struct Rows {
    typename V::I correction;
    typename V::F scale;
    SONORIZE_INLINE Rows(const Product& w, int row)
        : correction(V::load_bits(w.correction + row)), scale(V::load(w.scale + row)) {}
    SONORIZE_INLINE typename V::F add(Sum sum, float step, typename V::F y) const {
      return V::fma(V::mul(V::to_float(V::subtract_bits(sum, correction)), scale), V::set1(step), y);
    }
  };

  // One vector [padded] as 7-bit numbers; Signed tells states and words from ReLU outputs. Its step is returned.
  template <bool Signed>
  static float see(const float* x, int padded, uint8_t* units) {
    constexpr float kLimit = Signed ? 63.0f : 127.0f;
    const typename V::I unsign = V::set1_bits(0x7FFFFFFF);
    const typename V::I offset = V::set1_bits(Signed ? 64 : 0);
    const typename V::F rounder = V::set1(12582912.0f);
    alignas(64) float lanes[V::kLanes];
    typename V::F greatest = V::set1(0x1p-64f);
    for (int i = 0; i < padded; i += V::kLanes) {
      const typename V::F value = V::load(x + i);
      greatest = V::greatest(greatest, Signed ? V::as_float(V::and_bits(V::as_bits(value), unsign)) : value);
    }
    V::store(lanes, greatest);
    float peak = lanes[0];
    for (int i = 1; i < V::kLanes; ++i) peak = lanes[i] > peak ? lanes[i] : peak;
    const typename V::F times = V::set1(kLimit / peak);
    for (int i = 0; i < padded; i += V::kLanes) {
      const typename V::F shifted = V::add(V::mul(V::load(x + i), times), rounder);
      V::store_low_bytes(units + i, V::add_bits(V::as_bits(shifted), offset));
    }
    return peak / kLimit;
  }
};

}  // namespace
}  // namespace sonorize
