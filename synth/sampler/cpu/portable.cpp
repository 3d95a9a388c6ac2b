// The sampler for any machine: vectors are small arrays, and the compiler makes of them what it can.

#include <cmath>
#include <cstring>

#include "kernels.h"

namespace sonorize {
namespace {

struct Portable {
  static constexpr int kLanes = 8, kPanelVectors = 2, kPanelsAlone = 2, kPanelsFew = 1;
  static constexpr int kFloatStreams = 4, kHalfStreams = 4, kWholeStreams = 4;
  static constexpr bool kHalves = false, kPairs = false, kTiles = false;
  static constexpr int kLookUpVectors = 4;
  using Tiles = NoTiles;
  struct F { float of[kLanes]; };
  struct I { int32_t of[kLanes]; };
  struct H { int16_t of[2 * kLanes]; };

  template <class Out, class Each>
  static SONORIZE_INLINE Out each(const Each& value) {
    Out out;
    for (int i = 0; i < kLanes; ++i) out.of[i] = value(i);
    return out;
  }
  static SONORIZE_INLINE F load(const float* p) { return each<F>([=](int i) { return p[i]; }); }
  static SONORIZE_INLINE void store(float* p, F a) { std::memcpy(p, a.of, sizeof a.of); }
  static SONORIZE_INLINE F set1(float a) { return each<F>([=](int) { return a; }); }
  static SONORIZE_INLINE F broadcast(const float* p) { return set1(*p); }
  static SONORIZE_INLINE F add(F a, F b) { return each<F>([&](int i) { return a.of[i] + b.of[i]; }); }
  static SONORIZE_INLINE F sub(F a, F b) { return each<F>([&](int i) { return a.of[i] - b.of[i]; }); }
  static SONORIZE_INLINE F mul(F a, F b) { return each<F>([&](int i) { return a.of[i] * b.of[i]; }); }
  static SONORIZE_INLINE F div(F a, F b) { return each<F>([&](int i) { return a.of[i] / b.of[i]; }); }
  static SONORIZE_INLINE F fma(F a, F b, F c) {
    return each<F>([&](int i) { return std::fma(a.of[i], b.of[i], c.of[i]); });
  }
  static SONORIZE_INLINE F greatest(F a, F b) {
    return each<F>([&](int i) { return a.of[i] > b.of[i] ? a.of[i] : b.of[i]; });
  }
  static SONORIZE_INLINE F least(F a, F b) {
    return each<F>([&](int i) { return a.of[i] < b.of[i] ? a.of[i] : b.of[i]; });
  }
  static SONORIZE_INLINE I load_bits(const void* p) {
    I out;
    std::memcpy(out.of, p, sizeof out.of);
    return out;
  }
  static SONORIZE_INLINE I set1_bits(int32_t a) { return each<I>([=](int) { return a; }); }
  static SONORIZE_INLINE I as_bits(F a) { return load_bits(a.of); }
  static SONORIZE_INLINE F as_float(I a) {
    F out;
    std::memcpy(out.of, a.of, sizeof out.of);
    return out;
  }
  static SONORIZE_INLINE int32_t wrap(uint32_t a) { return static_cast<int32_t>(a); }
  static SONORIZE_INLINE I add_bits(I a, I b) {
    return each<I>([&](int i) { return wrap(static_cast<uint32_t>(a.of[i]) + static_cast<uint32_t>(b.of[i])); });
  }
  static SONORIZE_INLINE I subtract_bits(I a, I b) { return each<I>([&](int i) { return a.of[i] - b.of[i]; }); }
  static SONORIZE_INLINE I and_bits(I a, I b) { return each<I>([&](int i) { return a.of[i] & b.of[i]; }); }
  template <int N>
  static SONORIZE_INLINE I shift_left(I a) {
    return each<I>([&](int i) { return wrap(static_cast<uint32_t>(a.of[i]) << N); });
  }
  template <int N>
  static SONORIZE_INLINE I shift_right(I a) {
    return each<I>([&](int i) { return wrap(static_cast<uint32_t>(a.of[i]) >> N); });
  }
  static SONORIZE_INLINE I zero_where_less(I a, I of, I least) {
    return each<I>([&](int i) { return of.of[i] < least.of[i] ? 0 : a.of[i]; });
  }
  static SONORIZE_INLINE F to_float(I a) { return each<F>([&](int i) { return static_cast<float>(a.of[i]); }); }
  static SONORIZE_INLINE F low_halves(I a) { return as_float(shift_left<16>(a)); }
  static SONORIZE_INLINE F high_halves(I a) { return as_float(and_bits(a, set1_bits(wrap(0xFFFF0000u)))); }
  static SONORIZE_INLINE I dot4(I sum, I x, I w) {
    return each<I>([&](int i) {
      const uint32_t u = static_cast<uint32_t>(x.of[i]), s = static_cast<uint32_t>(w.of[i]);
      int32_t total = sum.of[i];
      for (int k = 0; k < 32; k += 8) total += static_cast<int32_t>(u >> k & 255) * static_cast<int8_t>(s >> k & 255);
      return total;
    });
  }
  static SONORIZE_INLINE void store_low_bytes(uint8_t* p, I a) {
    for (int i = 0; i < kLanes; ++i) p[i] = static_cast<uint8_t>(a.of[i] & 255);
  }
  static SONORIZE_INLINE F load_bfloat16(const uint16_t* p) {
    return as_float(each<I>([=](int i) { return wrap(static_cast<uint32_t>(p[i]) << 16); }));
  }
  static SONORIZE_INLINE H zero_halves() { return H{}; }
  static SONORIZE_INLINE H add_halves(H a, const int16_t* p) {
    for (int i = 0; i < 2 * kLanes; ++i) a.of[i] = static_cast<int16_t>(a.of[i] + p[i]);
    return a;
  }
  static SONORIZE_INLINE I lower_halves(H a) { return each<I>([&](int i) { return a.of[i]; }); }
  static SONORIZE_INLINE I upper_halves(H a) { return each<I>([&](int i) { return a.of[kLanes + i]; }); }
};

}  // namespace

const Kernels* portable_kernels() { return kernels_of<Portable>(); }

}  // namespace sonorize
