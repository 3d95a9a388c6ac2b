// What is done to single numbers: exp and what is made of it, random numbers, and the draw of a level. See
// synth/sampler/reference.py, whose operations these are, one by one; multiplications and additions are never contracted
// by the compiler.

#pragma once

#include "lanes.h"
#include "model.h"

namespace sonorize {
namespace {

template <class V>
SONORIZE_INLINE typename V::F exponential(typename V::F x) {
  using F = typename V::F;
  x = V::least(V::greatest(x, V::set1(-87.0f)), V::set1(88.0f));
  const F times = V::add(V::mul(x, V::set1(0x1.715476p+0f)), V::set1(12582912.0f));
  const F whole = V::sub(times, V::set1(12582912.0f));
  const F minus = V::sub(V::set1(0.0f), whole);
  const F rest = V::fma(minus, V::set1(0x1.7f7d1cp-20f), V::fma(minus, V::set1(0x1.62e4p-1f), x));
  F value = V::set1(0x1.6a1a72p-10f);
  value = V::fma(value, rest, V::set1(0x1.123fc6p-7f));
  value = V::fma(value, rest, V::set1(0x1.555916p-5f));
  value = V::fma(value, rest, V::set1(0x1.55548ap-3f));
  value = V::fma(value, rest, V::set1(0x1.fffffcp-2f));
  value = V::fma(value, rest, V::set1(1.0f));
  value = V::fma(value, rest, V::set1(1.0f));
  return V::as_float(V::add_bits(V::as_bits(value), V::template shift_left<23>(V::as_bits(times))));
}

template <class V>
SONORIZE_INLINE typename V::F sigmoid(typename V::F x) {
  const typename V::F one = V::set1(1.0f);
  return V::div(one, V::add(one, exponential<V>(V::sub(V::set1(0.0f), x))));
}

template <class V>
SONORIZE_INLINE typename V::F tangent(typename V::F x) {
  return V::fma(V::set1(2.0f), sigmoid<V>(V::add(x, x)), V::set1(-1.0f));
}

// First word of the Philox4x32-10 block.
inline uint32_t philox(uint64_t seed, uint64_t stream, uint64_t position) {
  uint32_t a = static_cast<uint32_t>(position), b = static_cast<uint32_t>(position >> 32);
  uint32_t c = static_cast<uint32_t>(stream), d = static_cast<uint32_t>(stream >> 32);
  uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t first = static_cast<uint64_t>(0xD2511F53u) * a, second = static_cast<uint64_t>(0xCD9E8D57u) * c;
    a = static_cast<uint32_t>(second >> 32) ^ b ^ key0;
    b = static_cast<uint32_t>(second);
    c = static_cast<uint32_t>(first >> 32) ^ d ^ key1;
    d = static_cast<uint32_t>(first);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return a;
}

template <class V>
int draw(const float* logits, float inverse_temperature, uint32_t word) {
  constexpr int kRow = 16, kRows = kLevels / kRow;
  alignas(64) float weights[kLevels];
  alignas(64) float lanes[V::kLanes];
  const typename V::F inverse = V::set1(inverse_temperature);
  typename V::F greatest = V::mul(V::load(logits), inverse);
  for (int i = V::kLanes; i < kLevels; i += V::kLanes)
    greatest = V::greatest(greatest, V::mul(V::load(logits + i), inverse));
  V::store(lanes, greatest);
  float peak = lanes[0];
  for (int i = 1; i < V::kLanes; ++i) peak = lanes[i] > peak ? lanes[i] : peak;
  for (int i = 0; i < kLevels; i += V::kLanes)
    V::store(weights + i, exponential<V>(V::sub(V::mul(V::load(logits + i), inverse), V::set1(peak))));
  float running[kRows + 1];
  running[0] = 0.0f;
  for (int row = 0; row < kRows; ++row) {
    const float* w = weights + row * kRow;
    float eight[8], four[4];
    for (int i = 0; i < 8; ++i) eight[i] = w[i] + w[i + 8];
    for (int i = 0; i < 4; ++i) four[i] = eight[i] + eight[i + 4];
    running[row + 1] = running[row] + ((four[0] + four[2]) + (four[1] + four[3]));
  }
  const float target = static_cast<float>(word >> 8) * 0x1p-24f * running[kRows];
  int row = 0;
  while (row < kRows - 1 && !(running[row + 1] > target)) ++row;
  const float* w = weights + row * kRow;
  float passed = running[row];
  int most = 0;
  for (int i = 0; i < kRow; ++i) {
    passed = passed + w[i];
    if (passed > target) return row * kRow + i;
    if (w[i] > w[most]) most = i;
  }
  return row * kRow + most;
}

}  // namespace
}  // namespace sonorize
