// Products of packed matrices with the vectors of several streams, for any instruction set V and precision P.
//
// Each output is one lane of one accumulator, to which inputs are added in rising order, from the first to the last:
// however many streams and panels a block takes at once, a sum is made of the same additions in the same order.
// Everything is in an unnamed namespace: each instruction set's file has its own.

#pragma once

#include <cstring>

#include "model.h"

#define SONORIZE_INLINE inline __attribute__((always_inline))
// Loops over the sums of a block must be unrolled, so that the sums live in registers and nowhere else.
#define SONORIZE_UNROLL _Pragma("GCC unroll 16")

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
    SONORIZE_UNROLL
    for (int v = 0; v < NV; ++v) row[v] = V::load(reinterpret_cast<const float*>(weights[v]));
    SONORIZE_UNROLL
    for (int b = 0; b < NB; ++b) {
      const typename V::F x = V::broadcast(reinterpret_cast<const float*>(inputs[b]));
      SONORIZE_UNROLL
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
  static constexpr int kGroup = 2, kMostStreams = V::kHalfStreams;
  static SONORIZE_INLINE Sum zero() { return V::set1(0.0f); }

  template <int NV, int NB>
  static SONORIZE_INLINE void step(const char* const* weights, const char* const* inputs, Sum (&sums)[NB][NV]) {
    typename V::F row[NV];
    SONORIZE_UNROLL
    for (int v = 0; v < NV; ++v) row[v] = V::low_halves(V::load_bits(weights[v]));
    SONORIZE_UNROLL
    for (int b = 0; b < NB; ++b) {
      const typename V::F x = V::broadcast(reinterpret_cast<const float*>(inputs[b]));
      SONORIZE_UNROLL
      for (int v = 0; v < NV; ++v) sums[b][v] = V::fma(row[v], x, sums[b][v]);
    }
    SONORIZE_UNROLL
    for (int v = 0; v < NV; ++v) row[v] = V::high_halves(V::load_bits(weights[v]));
    SONORIZE_UNROLL
    for (int b = 0; b < NB; ++b) {
      const typename V::F x = V::broadcast(reinterpret_cast<const float*>(inputs[b]) + 1);
      SONORIZE_UNROLL
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
  static constexpr int kInputBytes = 4;

  static SONORIZE_INLINE typename V::F add(const Product& w, int row, Sum sum, float step, typename V::F y) {
    const typename V::F whole = V::to_float(V::subtract_bits(sum, V::load_bits(w.correction + row)));
    return V::fma(V::mul(whole, V::load(w.scale + row)), V::set1(step), y);
  }
};

// The sums of NP panels from `panel` on and of NB streams from `stream` on, to out [NB][vectors of those panels].
template <class V, class P, int NP, int NB>
__attribute__((noinline)) void block(const Product& w, int panel, const Input& x, int stream, typename P::Sum* out) {
  constexpr int kVectors = V::kPanelVectors, NV = NP * kVectors;
  constexpr size_t kVectorBytes = V::kLanes * 4, kRowBytes = kVectors * kVectorBytes;
  constexpr int kLineVectors = kVectorBytes < 64 ? 64 / kVectorBytes : 1;
  const char* weights[NP];
  const char* inputs[NB];
  for (int p = 0; p < NP; ++p) weights[p] = w.data + static_cast<size_t>(panel + p) * w.groups * kRowBytes;
  for (int b = 0; b < NB; ++b) inputs[b] = static_cast<const char*>(x.data) + (stream + b) * x.stride;
  typename P::Sum sums[NB][NV];
  SONORIZE_UNROLL
  for (int b = 0; b < NB; ++b) {
    SONORIZE_UNROLL
    for (int v = 0; v < NV; ++v) sums[b][v] = P::zero();
  }
  // What the next panels hold is asked for while these are computed: few streams wait for memory otherwise.
  const size_t ahead = NP * static_cast<size_t>(w.groups) * kRowBytes;
  for (int group = 0; group < w.groups; ++group) {
    const char* row[NV];
    const char* in[NB];
    SONORIZE_UNROLL
    for (int v = 0; v < NV; ++v) row[v] = weights[v / kVectors] + group * kRowBytes + v % kVectors * kVectorBytes;
    SONORIZE_UNROLL
    for (int b = 0; b < NB; ++b) in[b] = inputs[b] + group * P::kInputBytes;
    SONORIZE_UNROLL
    for (int v = 0; v < NV; v += kLineVectors) __builtin_prefetch(row[v] + ahead, 0, 2);
    P::template step<NV, NB>(row, in, sums);
  }
  SONORIZE_UNROLL
  for (int b = 0; b < NB; ++b) {
    SONORIZE_UNROLL
    for (int v = 0; v < NV; ++v) out[b * NV + v] = sums[b][v];
  }
}

// NB streams of one panel, or of as many panels before `end` as keep enough sums in flight; says how many.
template <class V, class P, int NB>
SONORIZE_INLINE int blocks(const Product& w, int panel, int end, const Input& x, int stream, typename P::Sum* out) {
  constexpr int NP = NB == 1 ? V::kPanelsAlone : NB <= 3 ? V::kPanelsFew : 1;
  if constexpr (NP > 1) {
    if (panel + NP <= end) {
      block<V, P, NP, NB>(w, panel, x, stream, out);
      return NP;
    }
  }
  block<V, P, 1, NB>(w, panel, x, stream, out);
  return 1;
}

constexpr int kMostSums = 24;  // of one block: registers decide

template <class V, class P>
int some_blocks(const Product& w, int panel, int end, const Input& x, int stream, int count, typename P::Sum* out) {
  switch (count) {
    case 1: return blocks<V, P, 1>(w, panel, end, x, stream, out);
    case 2: return blocks<V, P, 2>(w, panel, end, x, stream, out);
    case 3: return blocks<V, P, 3>(w, panel, end, x, stream, out);
    case 4: return blocks<V, P, 4>(w, panel, end, x, stream, out);
    default:
      if constexpr (P::kMostStreams >= 6)
        return count == 5 ? blocks<V, P, 5>(w, panel, end, x, stream, out)
                          : blocks<V, P, 6>(w, panel, end, x, stream, out);
      return 0;  // no one asks for more than kMostStreams
  }
}

// put(stream, row, base(stream, row) + sum) for the rows of panels first..last - 1 and all streams.
template <class V, class P, class Base, class Put>
SONORIZE_INLINE void multiply(const Product& w, int first, int last, const Input& x, int streams, const Base& base,
                              const Put& put) {
  typename P::Sum out[kMostSums];
  const int rounds = (streams + P::kMostStreams - 1) / P::kMostStreams;
  for (int panel = first; panel < last;) {
    const int end = rounds == 1 ? last : panel + 1;  // every round must take as many panels as the others
    int taken = 1;
    for (int round = 0; round < rounds; ++round) {
      const int begin = streams * round / rounds, count = streams * (round + 1) / rounds - begin;
      taken = some_blocks<V, P>(w, panel, end, x, begin, count, out);
      const int vectors = taken * V::kPanelVectors;
      for (int b = 0; b < count; ++b) {
        const float step = x.step ? x.step[begin + b] : 1.0f;
        for (int v = 0; v < vectors; ++v) {
          const int at = (panel * V::kPanelVectors + v) * V::kLanes;
          put(begin + b, at, P::add(w, at, out[b * vectors + v], step, base(begin + b, at)));
        }
      }
    }
    panel += taken;
  }
}

}  // namespace
}  // namespace sonorize
