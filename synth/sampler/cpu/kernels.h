// The table of one instruction set's functions: the loop of step.h, and ceilings to hold it against.

#pragma once

#include "step.h"

namespace sonorize {
namespace {

template <class V, template <class> class Precision>
double run_peak(const Product& w, const void* inputs, int repeats) {
  using P = Precision<V>;
  constexpr bool kTiles = V::kTiles && P::kUnitBytes > 0;
  const int streams = kTiles ? kPeakStreams : P::kMostStreams;
  [[maybe_unused]] const typename V::Tiles tiles;
  alignas(64) float sink[V::kLanes] = {};
  const auto base = [](int, int) { return V::set1(0.0f); };
  const auto put = [&](int, int, typename V::F value) { V::store(sink, value); };
  const float steps[kPeakStreams] = {};
  const Input x{inputs, static_cast<size_t>(w.groups) * P::kInputBytes, steps};
  for (int repeat = 0; repeat < repeats; ++repeat) {
    multiply<V, P>(w, 0, 1, x, streams, base, put);
    asm volatile("" : : "r"(sink) : "memory");  // or the compiler would see that nobody reads it
  }
  return static_cast<double>(V::kPanelVectors) * V::kLanes * w.groups * P::kGroup * streams * repeats;
}

template <class V>
double run_peak_of(int precision, const Product& w, const void* inputs, int repeats) {
  switch (precision) {
    case kFp32: return run_peak<V, Fp32>(w, inputs, repeats);
    case kBf16: return run_peak<V, Bf16>(w, inputs, repeats);
    default: return run_peak<V, Int8>(w, inputs, repeats);
  }
}

// Reads all of it once, as fast as a product could.
template <class V>
double run_read(const char* data, size_t bytes) {
  typename V::I sums[4] = {V::set1_bits(0), V::set1_bits(0), V::set1_bits(0), V::set1_bits(0)};
  constexpr size_t kBytes = V::kLanes * 4;
  for (size_t at = 0; at + 4 * kBytes <= bytes; at += 4 * kBytes)
    for (int v = 0; v < 4; ++v) sums[v] = V::add_bits(sums[v], V::load_bits(data + at + v * kBytes));
  alignas(64) float lanes[V::kLanes];
  V::store(lanes, V::to_float(V::add_bits(V::add_bits(sums[0], sums[1]), V::add_bits(sums[2], sums[3]))));
  return lanes[0];
}

template <class V>
const Kernels* kernels_of() {
  static const Kernels kernels{V::kPanelVectors * V::kLanes,
                               {Fp32<V>::kUnitBytes, Bf16<V>::kUnitBytes, Int8<V>::kUnitBytes},
                               V::kPairs,
                               V::kTiles,
                               run_task<V>,
                               run_gates<V>,
                               run_peak_of<V>,
                               run_read<V>};
  return &kernels;
}

}  // namespace
}  // namespace sonorize
