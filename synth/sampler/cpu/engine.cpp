// What Python calls: packed weights, threads and buffers behind one handle.

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "model.h"
#include "pool.h"

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

namespace {

constexpr size_t kLine = 64, kHuge = 2u << 20, kLeastPiece = 4u << 20;

// Memory that is given back all at once; zero at first, in large pages where the system has them.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    for (void* piece : pieces_) std::free(piece);
  }

  template <class T>
  T* take(size_t count) {
    const size_t bytes = (count * sizeof(T) + kLine - 1) / kLine * kLine;
    if (bytes > left_) {
      const size_t size = ((bytes > kLeastPiece ? bytes : kLeastPiece) + kHuge - 1) / kHuge * kHuge;
      void* piece = std::aligned_alloc(kHuge, size);
      if (!piece) throw std::bad_alloc();
      pieces_.push_back(piece);
#if defined(__linux__)
      madvise(piece, size, MADV_HUGEPAGE);
#endif
      next_ = static_cast<char*>(piece);
      left_ = size;
    }
    char* taken = next_;
    next_ += bytes;
    left_ -= bytes;
    std::memset(taken, 0, bytes);
    return reinterpret_cast<T*>(taken);
  }

 private:
  std::vector<void*> pieces_;
  char* next_ = nullptr;
  size_t left_ = 0;
};

// The sizes of a network as Python lays them out.
struct Sizes {
  int32_t precision, tiers, width, gates, layers, conditioning;
  int32_t frames[kMaxTiers];
  int32_t folds[kMaxTiers];  // whether a tier's input matrix is folded with the upsampling above it
};

// Arrays in the order in which synth/sampler/native.py lists them.
class Reader {
 public:
  Reader(const void* const* parts, const int64_t* bytes, int count) : parts_(parts), bytes_(bytes), count_(count) {}

  template <class T>
  const T* next(size_t count) {
    if (at_ >= count_ || bytes_[at_] != static_cast<int64_t>(count * sizeof(T))) {
      wrong_ = true;
      return nullptr;
    }
    return static_cast<const T*>(parts_[at_++]);
  }
  bool fits() const { return !wrong_ && at_ == count_; }
  bool wrong() const { return wrong_; }

 private:
  const void* const* parts_;
  const int64_t* bytes_;
  int count_, at_ = 0;
  bool wrong_ = false;
};

size_t weight_bytes(int precision) { return precision == kFp32 ? 4 : precision == kBf16 ? 2 : 1; }

const Kernels* kernels_at(int isa) {
  switch (isa) {
    case 0: return portable_kernels();
    case 1: return avx2_kernels();
    case 2: return avx512_kernels();
    default: return nullptr;
  }
}

bool supported(int isa) {
  if (!kernels_at(isa)) return false;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == 1) return avx2;
  if (isa == 2)
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
#endif
  return isa == 0;
}

struct Group {
  Arena arena;
  Scratch scratch;
  std::vector<Own> own;
  uint8_t* levels = nullptr;
  int streams = 0, frames = 0, members = 0;
};

class Engine {
 public:
  Engine(const Sizes& sizes, const Kernels* kernels, int threads) : kernels_(kernels), pool_(threads) {
    Model& m = model_;
    m.precision = sizes.precision;
    m.tiers = sizes.tiers;
    m.width = sizes.width;
    m.gates = sizes.gates;
    m.layers = sizes.layers;
    m.conditioning = sizes.conditioning;
    m.lstm = sizes.gates == 4;
    std::memcpy(m.frames, sizes.frames, sizeof m.frames);
    m.panels = (m.width + kernels->panel - 1) / kernels->panel;
    m.padded = m.panels * kernels->panel;
    m.level_panels = kLevels / kernels->panel;
  }

  bool read(const Sizes& sizes, Reader& reader) {
    Model& m = model_;
    if (m.conditioning) m.conditions = matrix(reader, kFp32, m.gates, m.width, m.conditioning, true);
    for (int index = 0; index < m.tiers && !reader.wrong(); ++index) {
      Tier& tier = m.tier[index];
      tier.variants = index ? m.frames[index - 1] / m.frames[index] : 1;
      tier.samples = matrix(reader, kFp32, m.gates, m.width, m.frames[index], true);
      tier.bias = vector(reader, tier.variants * m.gates, m.width);
      const bool steps = index > 0 && !sizes.folds[index];
      if (index && !steps) tier.above = matrices(reader, tier.variants, m.gates, m.width);
      if (steps) tier.upsampling = matrices(reader, tier.variants, 1, m.width);
      for (int layer = 0; layer < m.layers; ++layer) {
        tier.has_inputs[layer] = layer || steps;
        if (tier.has_inputs[layer]) tier.inputs[layer] = matrix(reader, m.precision, m.gates, m.width, m.width, true);
        tier.input_bias[layer] = vector(reader, m.gates, m.width);
        tier.recurrent[layer] = matrix(reader, m.precision, m.gates, m.width, m.width, true);
        tier.recurrent_bias[layer] = vector(reader, m.gates, m.width);
      }
    }
    m.words = matrices(reader, m.look_back(), 1, m.width);
    m.word_bias = vector(reader, m.look_back(), m.width);
    m.tables = tables(reader);
    if (m.precision == kInt8) m.table_scale = vector(reader, 1, m.width);
    m.hidden = matrix(reader, m.precision, 1, m.width, m.width, false);
    m.hidden_bias = vector(reader, 1, m.width);
    m.output = matrix(reader, m.precision, 1, kLevels, m.width, false);
    m.output_bias = vector(reader, 1, kLevels);
    return reader.fits();
  }

  const Model& model() const { return model_; }
  const Kernels& kernels() const { return *kernels_; }
  int threads() const { return pool_.threads(); }

  void gates(const float* rows, int count, float* out) {
    const int panels = model_.gates * model_.panels, threads = pool_.threads();
    pool_.run([&](int index) {
      kernels_->gates(model_, rows, count, out, panels * index / threads, panels * (index + 1) / threads);
    });
  }

  void run(Call* calls, int streams, int frames, int threads) {
    threads = threads < 1 || threads > pool_.threads() ? pool_.threads() : threads;
    // As many teams as have enough streams each to use the weights they read, all of the same number of threads.
    int teams = 1;
    for (int count = threads; count > 1; --count)
      if (threads % count == 0 && streams / count >= kStreamsForATeam) {
        teams = count;
        break;
      }
    // A narrow network's steps are over before threads have met between them; on cores that other programs use, such
    // meetings made it a hundred times slower. Its threads work for themselves.
    if (model_.width < kWide) threads = teams;
    const int members = threads / teams;
    while (static_cast<int>(groups_.size()) < teams) groups_.push_back(std::make_unique<Group>());
    std::vector<std::unique_ptr<Team>> meeting;
    for (int team = 0; team < teams; ++team) {
      const int count = streams * (team + 1) / teams - streams * team / teams;
      provide(*groups_[team], count, frames, members);
      meeting.push_back(std::make_unique<Team>());
      meeting.back()->members = members;
    }
    pool_.run([&](int index) {
      if (index >= threads) return;
      const int team = index / members, first = streams * team / teams;
      Group& group = *groups_[team];
      const Task task{&model_,
                      &group.scratch,
                      &group.own[index % members],
                      group.levels,
                      calls + first,
                      streams * (team + 1) / teams - first,
                      frames,
                      meeting[team].get(),
                      index % members,
                      members};
      kernels_->run(task);
    });
  }

  double on_all(int threads, const std::function<double(int)>& work) {
    std::vector<double> done(pool_.threads());
    pool_.run([&](int index) { done[index] = index < threads ? work(index) : 0.0; });
    double total = 0;
    for (double part : done) total += part;
    return total;
  }

 private:
  static constexpr int kStreamsForATeam = 6;
  static constexpr int kWide = 512;

  const Kernels* kernels_;
  Model model_{};
  Arena arena_;
  Pool pool_;
  std::vector<std::unique_ptr<Group>> groups_;

  // [blocks][rows][columns] into panels; every block's rows are padded to whole panels.
  Product matrix(Reader& reader, int precision, int blocks, int rows, int columns, bool is_signed) {
    const size_t size = weight_bytes(precision), group = 4 / size, lanes = kernels_->panel;
    const int panels = (rows + kernels_->panel - 1) / kernels_->panel;
    Product made;
    made.groups = static_cast<int>((columns + group - 1) / group);
    const char* values = reader.next<char>(size * blocks * rows * columns);
    const float* scale = nullptr;
    const int32_t* sums = nullptr;
    if (precision == kInt8) {
      scale = reader.next<float>(static_cast<size_t>(blocks) * rows);
      sums = reader.next<int32_t>(static_cast<size_t>(blocks) * rows);
    }
    if (reader.wrong()) return made;
    const size_t padded = static_cast<size_t>(panels) * lanes;
    char* data = arena_.take<char>(blocks * padded * made.groups * 4);
    float* scales = precision == kInt8 ? arena_.take<float>(blocks * padded) : nullptr;
    int32_t* corrections = precision == kInt8 ? arena_.take<int32_t>(blocks * padded) : nullptr;
    for (int block = 0; block < blocks; ++block)
      for (int row = 0; row < rows; ++row) {
        const size_t from = static_cast<size_t>(block) * rows + row, to = block * padded + row;
        char* panel = data + to / lanes * made.groups * lanes * 4 + to % lanes * 4;
        for (int column = 0; column < columns; ++column)
          std::memcpy(panel + column / group * lanes * 4 + column % group * size,
                      values + (from * columns + column) * size, size);
        if (precision == kInt8) {
          scales[to] = scale[from];
          corrections[to] = is_signed ? 64 * sums[from] : 0;
        }
      }
    made.data = data;
    made.scale = scales;
    made.correction = corrections;
    return made;
  }

  const Product* matrices(Reader& reader, int count, int blocks, int rows) {
    Product* made = arena_.take<Product>(count);
    for (int index = 0; index < count; ++index)
      made[index] = matrix(reader, model_.precision, blocks, rows, model_.width, true);
    return made;
  }

  const float* vector(Reader& reader, int blocks, int rows) {
    const size_t padded = static_cast<size_t>(rows + kernels_->panel - 1) / kernels_->panel * kernels_->panel;
    const float* values = reader.next<float>(static_cast<size_t>(blocks) * rows);
    if (!values) return nullptr;
    float* made = arena_.take<float>(blocks * padded);
    for (int block = 0; block < blocks; ++block)
      std::memcpy(made + block * padded, values + static_cast<size_t>(block) * rows, rows * sizeof(float));
    return made;
  }

  const void* tables(Reader& reader) {
    const Model& m = model_;
    const size_t size = m.precision == kFp32 ? 4 : 2, rows = static_cast<size_t>(m.look_back()) * kLevels;
    const char* values = reader.next<char>(rows * m.width * size);
    if (!values) return nullptr;
    char* made = arena_.take<char>(rows * m.padded * size);
    for (size_t row = 0; row < rows; ++row)
      std::memcpy(made + row * m.padded * size, values + row * m.width * size, m.width * size);
    return made;
  }

  void provide(Group& group, int streams, int frames, int members) {
    if (streams <= group.streams && frames <= group.frames && members <= group.members) return;
    const Model& m = model_;
    const bool whole = m.precision == kInt8;
    group.~Group();
    new (&group) Group;
    Arena& arena = group.arena;
    const size_t line = static_cast<size_t>(streams) * m.padded;
    const size_t levels = static_cast<size_t>(streams) * m.top() * (frames + 1);
    Scratch& s = group.scratch;
    for (int tier = 0; tier < m.tiers; ++tier)
      for (int layer = 0; layer < m.layers; ++layer) {
        for (float*& state : s.state[tier][layer]) state = arena.take<float>(line);
        s.cell[tier][layer] = arena.take<float>(line);
      }
    s.inward = arena.take<float>(line * m.gates);
    s.carried = arena.take<float>(line * m.gates);
    for (float** each : {&s.word, &s.first, &s.second, &s.upsampled}) *each = arena.take<float>(line);
    s.logits = arena.take<float>(static_cast<size_t>(streams) * kLevels);
    group.levels = arena.take<uint8_t>(levels);
    group.own.resize(members);
    for (Own& own : group.own) {
      if (whole)
        for (int tier = 0; tier < m.tiers; ++tier)
          for (int layer = 0; layer < m.layers; ++layer) {
            own.state[tier][layer] = arena.take<uint8_t>(line);
            own.state_step[tier][layer] = arena.take<float>(streams);
          }
      own.units = arena.take<uint8_t>(line);
      own.units_step = arena.take<float>(streams);
      own.samples = arena.take<float>(static_cast<size_t>(streams) * m.top());
      own.levels = arena.take<uint8_t>(levels);
    }
    group.streams = streams;
    group.frames = frames;
    group.members = members;
  }
};

}  // namespace
}  // namespace sonorize

using namespace sonorize;

SONORIZE_API int sonorize_supported(int isa) { return supported(isa) ? 1 : 0; }

// A new engine, or null: the parts do not fit the sizes, or memory or threads ran out.
SONORIZE_API void* sonorize_new(const Sizes* sizes, const void* const* parts, const int64_t* bytes, int count, int isa,
                                int threads) {
  if (!supported(isa) || sizes->tiers > kMaxTiers || sizes->layers > kMaxLayers) return nullptr;
  try {
    auto engine = std::make_unique<Engine>(*sizes, kernels_at(isa), threads < 1 ? 1 : threads);
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
SONORIZE_API double sonorize_peak(void* engine, int precision, int groups, int streams, int repeats, int threads) {
  Engine& e = *static_cast<Engine*>(engine);
  return e.on_all(threads, [&](int) {
    const size_t bytes = static_cast<size_t>(groups) * e.kernels().panel * 4 * 4;
    std::vector<char> weights(bytes, 1), inputs(static_cast<size_t>(groups) * 8 * 8, 1);
    std::vector<float> scale(e.kernels().panel * 4, 0.0f);
    std::vector<int32_t> correction(e.kernels().panel * 4, 0);
    Product w;
    w.data = weights.data();
    w.scale = scale.data();
    w.correction = correction.data();
    w.groups = groups;
    return e.kernels().peak(precision, w, inputs.data(), streams, repeats);
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
