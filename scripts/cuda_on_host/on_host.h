// The functions of synth/sampler/cuda/machine.cuh for a CPU: a thread of a block is a fiber.
//
// Only one fiber runs at a time, and it runs until it waits for others; which one comes next is drawn. A missing barrier
// therefore shows as a wrong result in some draws, and shared memory begins as NaN. What it cannot show: the order in
// which a real memory lets others see what was written, and whether instructions do what their manual says.

#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#define DEVICE inline
#define KERNEL(threads) extern "C" void

namespace host {

constexpr int kWarp = 32;

struct Meeting {
  int count = 0, generation = 0;
};

struct Warp {
  Meeting meeting;
  u64 slots[kWarp];
  Four a[kWarp];
  u32 b[kWarp][2];
};

struct Fiber;
extern Fiber* current;

void wait();  // lets others run
void meet(Meeting& meeting, int members);
void meet_block();
void meet_cluster_arrive();
void meet_cluster_wait();
void progress();
void told(int frame);
[[noreturn]] void fail();
Warp& warp();
int thread_index();
int block_index();
char* shared();

inline void meet_warp() { meet(warp().meeting, kWarp); }

template <class T>
T exchange(T value, int from) {
  Warp& mine = warp();
  std::memcpy(&mine.slots[thread_index() % kWarp], &value, sizeof value);
  meet_warp();
  T got;
  std::memcpy(&got, &mine.slots[from], sizeof got);
  meet_warp();
  return got;
}

inline float widened(u32 word, int half) {
  const u32 bits = half ? word & 0xFFFF0000u : word << 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

}  // namespace host

inline char* shared_memory() { return host::shared(); }
inline int thread() { return host::thread_index(); }
inline int block() { return host::block_index(); }
inline void sync() { host::meet_block(); }
inline void sync_warp() { host::meet_warp(); }
inline float shuffle_xor(float value, int mask) { return host::exchange(value, (thread() % 32) ^ mask); }
inline int shuffle_xor(int value, int mask) { return host::exchange(value, (thread() % 32) ^ mask); }
inline float shuffle(float value, int lane) { return host::exchange(value, lane); }
inline int shuffle(int value, int lane) { return host::exchange(value, lane); }
inline u32 votes(bool value) {
  u32 bits = 0;
  for (int lane = 0; lane < 32; ++lane) bits |= static_cast<u32>(shuffle(static_cast<int>(value), lane)) << lane;
  return bits;
}
inline int lowest_bit(u32 bits) { return __builtin_ffs(static_cast<int>(bits)) - 1; }

inline float add(float a, float b) { return a + b; }
inline float sub(float a, float b) { return a - b; }
inline float mul(float a, float b) { return a * b; }
inline float div(float a, float b) { return a / b; }
inline float fused(float a, float b, float c) { return std::fma(a, b, c); }
inline float greatest(float a, float b) { return std::fmax(a, b); }
inline float least(float a, float b) { return std::fmin(a, b); }
inline float from_int(int a) { return static_cast<float>(a); }
inline int bits_of(float a) {
  int bits;
  std::memcpy(&bits, &a, 4);
  return bits;
}
inline float float_of(int bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}
inline u32 high_product(u32 a, u32 b) { return static_cast<u32>(static_cast<u64>(a) * b >> 32); }
inline u32 to_bfloat16(float value) {
  const u32 bits = static_cast<u32>(bits_of(value));
  return (bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16;
}
inline u32 bfloat16_pair(float low, float high) { return to_bfloat16(low) | to_bfloat16(high) << 16; }

// The lanes' registers are laid out as the PTX manual draws them for mma.m16n8k16 (bf16) and m16n8k32 (8 bits).
template <class Sum, class Dot>
void multiply_tile_with(Sum (&acc)[4], const Four& a, u32 b0, u32 b1, const Dot& dot) {
  host::Warp& mine = host::warp();
  const int lane = thread() % 32;
  mine.a[lane] = a;
  mine.b[lane][0] = b0;
  mine.b[lane][1] = b1;
  host::meet_warp();
  for (int i = 0; i < 4; ++i) {
    const int row = lane / 4, column = lane % 4 * 2 + (i & 1);
    for (int half = 0; half < 2; ++half)
      for (int part = 0; part < 4; ++part) {
        const Four& from = mine.a[row * 4 + part];
        const u32 word = i < 2 ? (half ? from.z : from.x) : (half ? from.w : from.y);
        acc[i] = dot(acc[i], word, mine.b[column * 4 + part][half]);
      }
  }
  host::meet_warp();
}
inline void multiply_tile(float (&acc)[4], const Four& a, u32 b0, u32 b1) {
  multiply_tile_with(acc, a, b0, b1, [](float sum, u32 w, u32 x) {
    sum = std::fma(host::widened(w, 0), host::widened(x, 0), sum);
    return std::fma(host::widened(w, 1), host::widened(x, 1), sum);
  });
}
inline void multiply_tile(int (&acc)[4], const Four& a, u32 b0, u32 b1) {
  multiply_tile_with(acc, a, b0, b1, [](int sum, u32 w, u32 x) {
    for (int shift = 0; shift < 32; shift += 8)
      sum += static_cast<int8_t>(w >> shift & 255) * static_cast<int>(x >> shift & 255);
    return sum;
  });
}

inline Four weights(const Four* at) { return *at; }
inline float weight(const float* at) { return *at; }
inline int weight(const int* at) { return *at; }
inline u32 weight(const u32* at) { return *at; }
inline FourFloats exchanged4(const float* at) {
  FourFloats value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
inline float exchanged(const float* at) { return *at; }
inline int exchanged(const int* at) { return *at; }
inline int exchanged(const u8* at) { return *at; }

inline void arrive_at(u32* counter) {
  ++*counter;
  host::progress();
}
inline bool arrived(const u32* counter, u32 target) {
  if (static_cast<int>(*counter - target) >= 0) return true;
  host::wait();
  return false;
}
inline void rest() {}
inline void give_up() { host::fail(); }
inline void tell_host(int* at, int value) {
  *at = value;
  host::told(value);
}
inline int told_by_host(const int* at) { return *at; }

inline void cluster_arrive() { host::meet_cluster_arrive(); }
inline void cluster_wait() { host::meet_cluster_wait(); }
