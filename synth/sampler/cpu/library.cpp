// What Python calls.

#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <vector>

#include "engine.h"
#include "machine.h"

#define SONORIZE_API extern "C" __attribute__((visibility("default")))

namespace sonorize {

void wait(Team* team) {
  const uint32_t round = team->round.value();
  if (team->here.fetch_add(1) + 1 == team->members) {
    team->here.store(0);
    team->round.set(round + 1);
  } else {
    team->round.wait_while(round);
  }
}

}  // namespace sonorize

using namespace sonorize;

// Whether this process may use an instruction set; the system is asked for what it wants to be asked for.
SONORIZE_API int sonorize_supported(int isa) { return usable_kernels(isa) ? 1 : 0; }

// Whether the processor and this library have an instruction set, but the system refuses it to this process.
SONORIZE_API int sonorize_refused(int isa) { return permission(isa) == Permission::kRefused ? 1 : 0; }

// A new engine, or null: the parts do not fit the sizes, or memory or threads ran out.
SONORIZE_API void* sonorize_new(const Sizes* sizes, const void* const* parts, const int64_t* bytes, int count, int isa,
                                int threads) {
  if (!usable_kernels(isa) || sizes->tiers > kMaxTiers || sizes->layers > kMaxLayers) return nullptr;
  try {
    auto engine = std::make_unique<Engine>(*sizes, usable_kernels(isa), threads < 1 ? 1 : threads);
    Reader reader(parts, bytes, count);
    return engine->read(*sizes, reader) ? engine.release() : nullptr;
  } catch (const std::exception&) {
    return nullptr;
  }
}

SONORIZE_API void sonorize_free(void* engine) { delete static_cast<Engine*>(engine); }

// Floats in one row of gates.
SONORIZE_API int64_t sonorize_gate_columns(void* engine) {
  const Model& m = static_cast<Engine*>(engine)->model();
  return static_cast<int64_t>(m.gates) * m.padded;
}

SONORIZE_API void sonorize_gates(void* engine, const float* rows, int count, float* out) {
  static_cast<Engine*>(engine)->gates(rows, count, out);
}

// 0, or 1 when memory ran out before anything was done.
SONORIZE_API int sonorize_run(void* engine, Call* calls, int streams, int frames, int threads) {
  try {
    static_cast<Engine*>(engine)->run(calls, streams, frames, threads);
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

// Multiplications of `repeats` rounds on each of some threads, over weights and inputs that stay in the nearest cache.
// As many streams at a time as the kernel is best at; `streams` is what an older library wants to be told.
SONORIZE_API double sonorize_peak(void* engine, int precision, int groups, int streams, int repeats, int threads) {
  static_cast<void>(streams);
  Engine& e = *static_cast<Engine*>(engine);
  return e.on_all(threads, [&](int) {
    const size_t panel = e.kernels().panel;
    Arena arena;
    Product w;
    w.data = arena.take<char>(groups * panel * 4 * 2);  // and what is read ahead
    w.scale = arena.take<float>(panel);
    w.correction = arena.take<int32_t>(panel);
    w.groups = groups;
    char* inputs = arena.take<char>(static_cast<size_t>(groups) * 8 * kPeakStreams);
    std::memset(const_cast<char*>(w.data), 1, groups * panel * 4);
    std::memset(inputs, 1, static_cast<size_t>(groups) * 8 * kPeakStreams);
    return e.kernels().peak(precision, w, inputs, repeats);
  });
}

// Bytes read when each of some threads reads its part of `bytes` over and over.
SONORIZE_API double sonorize_read(void* engine, const char* data, int64_t bytes, int repeats, int threads) {
  Engine& e = *static_cast<Engine*>(engine);
  const size_t part = static_cast<size_t>(bytes) / threads / 4096 * 4096;
  double kept = e.on_all(threads, [&](int index) {
    double sum = 0;
    for (int repeat = 0; repeat < repeats; ++repeat) sum += e.kernels().read(data + index * part, part);
    return sum > 1e300 ? 1.0 : 0.0;
  });
  return static_cast<double>(part) * threads * repeats + kept;
}
