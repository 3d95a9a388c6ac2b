// Products of packed matrices with the vectors of several streams, for any instruction set V and precision P.
//
// Each output is one lane of one accumulator, to which inputs are added in rising order, from the first to the last:
// however many streams and panels a block takes at once, a sum is made of the same additions in the same order.
// Everything is in an unnamed namespace: each instruction set's file has its own.

#pragma once

#include <cstring>

#include "model.h"

#define SONORIZE_INLINE inline __attribute__((always_inline))

namespace sonorize {
namespace {

// The input of a product: `stride` bytes from one stream's vector to the next.
struct Input {
  const void* data;
  size_t stride;
  const float* step;  // int8: of each stream
};

template <class V>
struct Fp32 {
  using Sum = typename V::F;
  static constexpr int kGroup = 1, kMostStreams = V::kFloatStreams;
  static SONORIZE_INLINE Sum zero() { return V::set1(0.0f); }

  template <int NV, int NB>
  static SONORIZE_INLINE void step(const char* const* weights, const char* const* inputs, Sum (&sums)[NB][NV]) {
    typename V::F row[NV];
    for (int v = 0; v < NV; ++v) row[v] = V::load(reinterpret_cast<const float*>(weights[v]));
    for (int b = 0; b < NB; ++b) {
      const typename V::F x = V::broadcast(reinterpret_cast<const float*>(inputs[b]));
      for (int v = 0; v < NV; ++v) sums[b][v] = V::fma(row[v], x, sums[b][v]);
    }
  }
  static constexpr int kInputBytes = 4;  // of one group

  static SONORIZE_INLINE typename V::F add(const Product&, int, Sum sum, float, typename V::F y) {
    return V::add(y, sum);
  }
};

template <class V>
struct Bf16 {
  using Sum = typename V::F;
  static constexpr int kGroup = 2, kMostStreams = V::kFloatStreams;
  static SONORIZE_INLINE Sum zero() { return V::set1(0.0f); }

  template <int NV, int NB>
  static SONORIZE_INLINE void step(const char* const* weights, const char* const* inputs, Sum (&sums)[NB][NV]) {
    typename V::F row[NV];
    for (int v = 0; v < NV; ++v) row[v] = V::low_halves(V::load_bits(weights[v]));
    for (int b = 0; b < NB; ++b) {
      const typename V::F x = V::broadcast(reinterpret_cast<const float*>(inputs[b]));
      for (int v = 0; v < NV; ++v) sums[b][v] = V::fma(row[v], x, sums[b][v]);
    }
    for (int v = 0; v < NV; ++v) row[v] = V::high_halves(V::load_bits(weights[v]));
    for (int b = 0; b < NB; ++b) {
      const typename V::F x = V::broadcast(reinterpret_cast<const float*>(inputs[b]) + 1);
      for (int v = 0; v < NV; ++v) sums[b][v] = V::fma(row[v], x, sums[b][v]);
    }
  }
  static constexpr int kInputBytes = 8;

  static SONORIZE_INLINE typename V::F add(const Product&, int, Sum sum, float, typename V::F y) {
    return V::add(y, sum);
  }
};

template <class V>
struct Int8 {
  using Sum = typename V::I;
  static constexpr int kGroup = 4, kMostStreams = V::kWholeStreams;
  static SONORIZE_INLINE Sum zero() { return V::set1_bits(0); }

  template <int NV, int NB>
  static SONORIZE_INLINE void step(const char* const* weights, const char* const* inputs, Sum (&sums)[NB][NV]) {
    typename V::I row[NV];
    for (int v = 0; v < NV; ++v) row[v] = V::load_bits(weights[v]);
    for (int b = 0; b < NB; ++b) {
      int32_t four;
      std::memcpy(&four, inputs[b], 4);
      const typename V::I x = V::set1_bits(four);
      for (int v = 0; v < NV; ++v) sums[b][v] = V::dot4(sums[b][v], x, row[v]);
    }
  }
  static constexpr int kInputBytes = 4;

  static SONORIZE_INLINE typename V::F add(const Product& w, int row, Sum sum, float step, typename V::F y) {
    const typename V::F whole = V::to_float(V::subtract_bits(sum, V::load_bits(w.correction + row)));
    return V::fma(V::mul(whole, V::load(w.scale + row)), V::set1(step), y);
  }
};

// NP panels from `panel` on times NB streams from `stream` on.
template <class V, class P, int NP, int NB, class Base, class Put>
__attribute__((noinline)) void block(const Product& w, int panel, const Input& x, int stream, const Base& base,
                                     const Put& put) {
  constexpr int kVectors = V::kPanelVectors, NV = NP * kVectors;
  constexpr size_t kVectorBytes = V::kLanes * 4, kRowBytes = kVectors * kVectorBytes;
  const char* weights[NP];
  const char* inputs[NB];
  for (int p = 0; p < NP; ++p) weights[p] = w.data + static_cast<size_t>(panel + p) * w.groups * kRowBytes;
  for (int b = 0; b < NB; ++b) inputs[b] = static_cast<const char*>(x.data) + (stream + b) * x.stride;
  typename P::Sum sums[NB][NV];
  for (int b = 0; b < NB; ++b)
    for (int v = 0; v < NV; ++v) sums[b][v] = P::zero();
  for (int group = 0; group < w.groups; ++group) {
    const char* row[NV];
    const char* in[NB];
    for (int v = 0; v < NV; ++v) row[v] = weights[v / kVectors] + group * kRowBytes + v % kVectors * kVectorBytes;
    for (int b = 0; b < NB; ++b) in[b] = inputs[b] + group * P::kInputBytes;
    P::template step<NV, NB>(row, in, sums);
  }
  for (int b = 0; b < NB; ++b) {
    const float step = x.step ? x.step[stream + b] : 1.0f;
    for (int v = 0; v < NV; ++v) {
      const int at = panel * kVectors * V::kLanes + v * V::kLanes;
      put(stream + b, at, P::add(w, at, sums[b][v], step, base(stream + b, at)));
    }
  }
}

// NB streams of one panel, or of as many panels before `end` as keep enough sums in flight; says how many.
template <class V, class P, int NB, class Base, class Put>
SONORIZE_INLINE int blocks(const Product& w, int panel, int end, const Input& x, int stream, const Base& base,
                           const Put& put) {
  constexpr int NP = NB == 1 ? V::kPanelsAlone : NB <= 3 ? V::kPanelsFew : 1;
  if constexpr (NP > 1) {
    if (panel + NP <= end) {
      block<V, P, NP, NB>(w, panel, x, stream, base, put);
      return NP;
    }
  }
  block<V, P, 1, NB>(w, panel, x, stream, base, put);
  return 1;
}

// put(stream, row, base(stream, row) + sum) for the rows of panels first..last - 1 and all streams.
template <class V, class P, class Base, class Put>
void multiply(const Product& w, int first, int last, const Input& x, int streams, const Base& base, const Put& put) {
  const int rounds = (streams + P::kMostStreams - 1) / P::kMostStreams;
  for (int panel = first; panel < last;) {
    const int end = rounds == 1 ? last : panel + 1;  // every round must take as many panels as the others
    int taken = 1;
    for (int round = 0; round < rounds; ++round) {
      const int begin = streams * round / rounds, count = streams * (round + 1) / rounds - begin;
      switch (count) {
        case 1: taken = blocks<V, P, 1>(w, panel, end, x, begin, base, put); break;
        case 2: taken = blocks<V, P, 2>(w, panel, end, x, begin, base, put); break;
        case 3: taken = blocks<V, P, 3>(w, panel, end, x, begin, base, put); break;
        case 4: taken = blocks<V, P, 4>(w, panel, end, x, begin, base, put); break;
        default:
          if constexpr (P::kMostStreams >= 6) {
            if (count == 5)
              taken = blocks<V, P, 5>(w, panel, end, x, begin, base, put);
            else
              taken = blocks<V, P, 6>(w, panel, end, x, begin, base, put);
          }
      }
    }
    panel += taken;
  }
}

}  // namespace
}  // namespace sonorize
