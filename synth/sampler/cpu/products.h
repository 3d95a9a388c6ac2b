// Products of packed matrices with the vectors of several streams, for any instruction set V and precision P.
//
// Each output is one lane of its sums, to which inputs are added in rising order, from the first to the last: however
// many streams and panels a block takes at once, a sum is made of the same additions in the same order. Everything is in
// an unnamed namespace: each instruction set's file has its own.

#pragma once

#include "bf16.h"
#include "fp32.h"
#include "int8.h"

namespace sonorize {
namespace {

// The input of a product: `stride` bytes from one stream's vector to the next.
struct Input {
  const void* data;
  size_t stride;
  const float* step;  // int8: of each stream
};

// Where the weights and inputs of a block lie: NP panels from `panel` on, NB streams from `stream` on.
template <class V, class P, int NP, int NB>
struct Block {
  static constexpr int kVectors = V::kPanelVectors, NV = NP * kVectors;
  static constexpr size_t kVectorBytes = V::kLanes * 4, kRowBytes = kVectors * kVectorBytes;
  const char* weights[NP];
  const char* inputs[NB];

  SONORIZE_INLINE Block(const Product& w, int panel, const Input& x, int stream) {
    for (int p = 0; p < NP; ++p) weights[p] = w.data + static_cast<size_t>(panel + p) * w.groups * kRowBytes;
    for (int b = 0; b < NB; ++b) inputs[b] = static_cast<const char*>(x.data) + (stream + b) * x.stride;
  }
  SONORIZE_INLINE const char* row(int v, int group) const {
    return weights[v / kVectors] + group * kRowBytes + v % kVectors * kVectorBytes;
  }
  // What the next panels hold is asked for while these are computed: few streams wait for memory otherwise.
  SONORIZE_INLINE void read_ahead(int groups, int group) const {
    constexpr int kLineVectors = kVectorBytes < 64 ? 64 / kVectorBytes : 1;
    SONORIZE_UNROLL
    for (int v = 0; v < NV; v += kLineVectors)
      __builtin_prefetch(row(v, group) + NP * static_cast<size_t>(groups) * kRowBytes, 0, 2);
  }
};

// The sums of a block, to out [NB][vectors of its panels]: one chain each.
template <class V, class P, int NP, int NB>
__attribute__((noinline)) void block(const Product& w, int panel, const Input& x, int stream, typename P::Sum* out) {
  const Block<V, P, NP, NB> at(w, panel, x, stream);
  constexpr int NV = at.NV;
  typename P::Sum sums[NB][NV];
  SONORIZE_UNROLL
  for (int b = 0; b < NB; ++b) {
    SONORIZE_UNROLL
    for (int v = 0; v < NV; ++v) sums[b][v] = P::zero();
  }
  for (int group = 0; group < w.groups; ++group) {
    const char* row[NV];
    const char* in[NB];
    SONORIZE_UNROLL
    for (int v = 0; v < NV; ++v) row[v] = at.row(v, group);
    SONORIZE_UNROLL
    for (int b = 0; b < NB; ++b) in[b] = at.inputs[b] + group * P::kInputBytes;
    at.read_ahead(w.groups, group);
    P::template step<NV, NB>(row, in, sums);
  }
  SONORIZE_UNROLL
  for (int b = 0; b < NB; ++b) {
    SONORIZE_UNROLL
    for (int v = 0; v < NV; ++v) out[b * NV + v] = sums[b][v];
  }
}

// The same in bfloat16: two chains for each 32 inputs, added to what is there.
template <class V, class P, int NP, int NB>
__attribute__((noinline)) void two_chains(const Product& w, int panel, const Input& x, int stream,
                                          typename P::Sum* out) {
  const Block<V, P, NP, NB> at(w, panel, x, stream);
  constexpr int NV = at.NV;
  SONORIZE_UNROLL
  for (int i = 0; i < NB * NV; ++i) out[i] = P::zero();
  for (int group = 0; group < w.groups; group += P::kBlockGroups) {
    const auto row = [&](int v, int step) { return at.row(v, group + step); };
    for (int step = 0; step < P::kBlockGroups; ++step) at.read_ahead(w.groups, group + step);
    const char* in[NB];
    SONORIZE_UNROLL
    for (int b = 0; b < NB; ++b) in[b] = at.inputs[b] + group * P::kInputBytes;
    typename P::Sum sums[NB][NV], even[NB][NV];
    P::template chain<false>(row, in, sums);
    SONORIZE_UNROLL
    for (int b = 0; b < NB; ++b) {
      SONORIZE_UNROLL
      for (int v = 0; v < NV; ++v) even[b][v] = sums[b][v];
    }
    P::template chain<true>(row, in, sums);
    SONORIZE_UNROLL
    for (int b = 0; b < NB; ++b) {
      SONORIZE_UNROLL
      for (int v = 0; v < NV; ++v) out[b * NV + v] = V::add(out[b * NV + v], V::add(even[b][v], sums[b][v]));
    }
  }
}

// NB streams of one panel, or of as many panels before `end` as keep enough sums in flight; says how many.
template <class V, class P, int NB>
SONORIZE_INLINE int blocks(const Product& w, int panel, int end, const Input& x, int stream, typename P::Sum* out) {
  constexpr int NP = NB == 1 ? V::kPanelsAlone : NB <= 3 ? V::kPanelsFew : 1;
  const bool many = NP > 1 && panel + NP <= end;
  if constexpr (P::kGroup == 2) {
    if (many)
      two_chains<V, P, NP, NB>(w, panel, x, stream, out);
    else
      two_chains<V, P, 1, NB>(w, panel, x, stream, out);
  } else {
    if (many)
      block<V, P, NP, NB>(w, panel, x, stream, out);
    else
      block<V, P, 1, NB>(w, panel, x, stream, out);
  }
  return many ? NP : 1;
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
SONORIZE_INLINE void multiply_vectors(const Product& w, int first, int last, const Input& x, int streams,
                                      const Base& base, const Put& put) {
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
          put(begin + b, at, typename P::Rows(w, at).add(out[b * vectors + v], step, base(begin + b, at)));
        }
      }
    }
    panel += taken;
  }
}

}  // namespace
}  // namespace sonorize
