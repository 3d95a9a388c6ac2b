// The float steps of synth/sampler/reference.py, operation by operation, so that int8 gives the bytes of the CPU.

#pragma once

#include "machine.cuh"

constexpr int kLevels = 256;

DEVICE float exponential(float x) {
  x = least(greatest(x, -87.0f), 88.0f);
  const float times = add(mul(x, 0x1.715476p+0f), 12582912.0f);
  const float whole = sub(times, 12582912.0f);
  const float rest = fused(-whole, 0x1.7f7d1cp-20f, fused(-whole, 0x1.62e4p-1f, x));
  float value = 0x1.6a1a72p-10f;
  value = fused(value, rest, 0x1.123fc6p-7f);
  value = fused(value, rest, 0x1.555916p-5f);
  value = fused(value, rest, 0x1.55548ap-3f);
  value = fused(value, rest, 0x1.fffffcp-2f);
  value = fused(value, rest, 1.0f);
  value = fused(value, rest, 1.0f);
  return float_of(static_cast<int>(static_cast<u32>(bits_of(value)) + (static_cast<u32>(bits_of(times)) << 23)));
}
DEVICE float sigmoid(float x) { return div(1.0f, add(1.0f, exponential(-x))); }
DEVICE float tangent(float x) { return fused(2.0f, sigmoid(add(x, x)), -1.0f); }
// The nearest whole number, ties to even.
DEVICE int to_whole(float x) { return bits_of(add(x, 12582912.0f)) - 0x4B400000; }

// First word of the Philox4x32-10 block with this key and the counter (position, stream).
DEVICE u32 philox(u64 seed, u64 stream, u64 position) {
  u32 a = static_cast<u32>(position), b = static_cast<u32>(position >> 32);
  u32 c = static_cast<u32>(stream), d = static_cast<u32>(stream >> 32);
  u32 key0 = static_cast<u32>(seed), key1 = static_cast<u32>(seed >> 32);
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const u32 high0 = high_product(0xD2511F53u, a), low0 = 0xD2511F53u * a;
    const u32 high1 = high_product(0xCD9E8D57u, c), low1 = 0xCD9E8D57u * c;
    a = high1 ^ b ^ key0;
    b = low1;
    c = high0 ^ d ^ key1;
    d = low0;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return a;
}

// One level by one warp. A row is 16 levels; lanes 2 * row and 2 * row + 1 hold its halves.
DEVICE int draw(const float* logits, float inverse_temperature, u32 word) {
  const int lane = thread() & 31, row = lane >> 1, half = lane & 1;
  float weight_of[8];
  const FourFloats low = exchanged4(logits + lane * 8), high = exchanged4(logits + lane * 8 + 4);
  weight_of[0] = low.x, weight_of[1] = low.y, weight_of[2] = low.z, weight_of[3] = low.w;
  weight_of[4] = high.x, weight_of[5] = high.y, weight_of[6] = high.z, weight_of[7] = high.w;
  float peak = -3.0e38f;
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    weight_of[i] = mul(weight_of[i], inverse_temperature);
    peak = greatest(peak, weight_of[i]);
  }
#pragma unroll
  for (int mask = 16; mask; mask >>= 1) peak = greatest(peak, shuffle_xor(peak, mask));
  float eight[8];
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    weight_of[i] = exponential(sub(weight_of[i], peak));
    eight[i] = add(weight_of[i], shuffle_xor(weight_of[i], 1));
  }
  float four[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) four[i] = add(eight[i], eight[i + 4]);
  const float sum = add(add(four[0], four[2]), add(four[1], four[3]));
  float running = 0.0f, before = 0.0f, after = 0.0f;
#pragma unroll
  for (int i = 0; i < 16; ++i) {
    if (i == row) before = running;
    running = add(running, shuffle(sum, 2 * i));
    if (i == row) after = running;
  }
  const float target = mul(mul(from_int(static_cast<int>(word >> 8)), 0x1p-24f), running);
  const u32 passing = votes(after > target);
  const int chosen = passing ? lowest_bit(passing) >> 1 : 15;
  // Both halves of every row walk on from the sum before it; the second half needs where the first one ended.
  int found = -1, most = 0;
  float passed = before;
#pragma unroll
  for (int turn = 0; turn < 2; ++turn) {
    const float start = shuffle_xor(passed, 1);
    if (turn == half) {
      if (turn) passed = start;
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        passed = add(passed, weight_of[i]);
        if (found < 0 && passed > target) found = i;
      }
    }
  }
  float greatest_weight = weight_of[0];
#pragma unroll
  for (int i = 1; i < 8; ++i)
    if (weight_of[i] > greatest_weight) greatest_weight = weight_of[i], most = i;
  const int first_found = shuffle(found, 2 * chosen), second_found = shuffle(found, 2 * chosen + 1);
  const int first_most = shuffle(most, 2 * chosen), second_most = shuffle(most, 2 * chosen + 1);
  const float first_peak = shuffle(greatest_weight, 2 * chosen), second_peak = shuffle(greatest_weight, 2 * chosen + 1);
  int column = second_peak > first_peak ? 8 + second_most : first_most;
  if (second_found >= 0) column = 8 + second_found;
  if (first_found >= 0) column = first_found;
  return chosen * 16 + column;
}
