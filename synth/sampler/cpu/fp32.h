// Products of float32 matrices: one chain of FMAs an output.

#pragma once

#include "lanes.h"
#include "model.h"

namespace sonorize {
namespace {

template <class V>
struct Fp32 {
  using Sum = typename V::F;
  static constexpr int kGroup = 1, kMostStreams = V::kFloatStreams;
  static constexpr int kInputBytes = 4;  // of one group
  static constexpr int kUnitBytes = 0;   // vectors are taken as they are
  static SONORIZE_INLINE Sum zero() { return V::set1(0.0f); }

  template <int NV, int NB>
  static SONORIZE_INLINE void step(const char* const* weights, const char* const* inputs, Sum (&sums)[NB][NV]) {
    typename V::F row[NV];
    SONORIZE_UNROLL
    for (int v = 0; v < NV; ++v) row[v] = V::load(reinterpret_cast<const float*>(weights[v]));
    SONORIZE_UNROLL
    for (int b = 0; b < NB; ++b) {
      const typename V::F x = V::broadcast(reinterpret_cast<const float*>(inputs[b]));
      SONORIZE_UNROLL
      for (int v = 0; v < NV; ++v) sums[b][v] = V::fma(row[v], x, sums[b][v]);
    }
  }

  struct Rows {
    SONORIZE_INLINE Rows(const Product&, int) {}
    SONORIZE_INLINE typename V::F add(Sum sum, float, typename V::F y) const { return V::add(y, sum); }
  };
};

}  // namespace
}  // namespace sonorize
