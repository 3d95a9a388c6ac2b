// Packed weights, threads and buffers behind one handle.

#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "arena.h"
#include "model.h"
#include "pool.h"

namespace sonorize {

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

inline size_t weight_bytes(int precision) { return precision == kFp32 ? 4 : precision == kBf16 ? 2 : 1; }

// Where one of every four inputs of a bf16 row lies, for products of pairs; see avx512_bf16.cpp.
constexpr int kPairOrder[4] = {1, 3, 0, 2};

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
    const size_t numbers = (m.padded + kUnitBlock - 1) / kUnitBlock * kUnitBlock;
    m.line = m.padded + kLine / sizeof(float);
    m.gate_line = static_cast<size_t>(m.gates) * m.padded + kLine / sizeof(float);
    m.unit_stride = kernels->unit_bytes[m.precision] ? numbers * kernels->unit_bytes[m.precision] + kLine : 0;
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
    const Sharing sharing = share(streams, threads);
    const int teams = sharing.teams, members = sharing.members;
    threads = teams * members;
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
                      members,
                      works_alone(streams * (team + 1) / teams - streams * team / teams)};
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
  static constexpr int kStreamsForATeam = 6, kMostAlone = 3;
  static constexpr int kWide = 512;
  static constexpr int kUnitBlock = 64;  // numbers that any product takes at once
  static constexpr int kUnitGroups = 16, kTileStreams = 16;

  // How threads share a call: teams that have nothing to do with one another, members of a team that meet.
  struct Sharing {
    int teams, members;
  };

  Sharing share(int streams, int threads) const {
    // As many teams as have enough streams each to use the weights they read, all of the same number of threads.
    int teams = 1;
    for (int count = threads; count > 1; --count)
      if (threads % count == 0 && streams / count >= kStreamsForATeam) {
        teams = count;
        break;
      }
    // A narrow network's steps are over before threads have met between them; on cores that other programs use, such
    // meetings made it a hundred times slower. Its threads work for themselves.
    if (model_.width < kWide) return {teams, 1};
    // Tiles are done with weights before the next have come from memory: each is to be read by one thread only.
    if (kernels_->tiles && model_.precision != kFp32) return {1, threads};
    return {teams, threads / teams};
  }

  // With few streams that costs less than to wait for one another.
  static bool works_alone(int streams) { return streams <= kMostAlone; }

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
    if (precision != kFp32) made.groups = (made.groups + kUnitGroups - 1) / kUnitGroups * kUnitGroups;
    const bool pairs = precision == kBf16 && kernels_->pairs;
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
        for (int column = 0; column < columns; ++column) {
          const int place = pairs ? column / 4 * 4 + kPairOrder[column % 4] : column;
          std::memcpy(panel + place / group * lanes * 4 + place % group * size,
                      values + (from * columns + column) * size, size);
        }
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
    const bool units = m.unit_stride > 0;
    group.~Group();
    new (&group) Group;
    Arena& arena = group.arena;
    // What few streams need twice is there for as many, since a group that has room for more serves them too.
    const size_t line = streams * m.line, turns = std::max(streams, 2 * kMostAlone) * m.line;
    const size_t levels = static_cast<size_t>(streams) * m.top() * (frames + 1);
    const size_t all_units = (streams + kTileStreams - 1) / kTileStreams * kTileStreams * m.unit_stride;
    Scratch& s = group.scratch;
    for (int tier = 0; tier < m.tiers; ++tier)
      for (int layer = 0; layer < m.layers; ++layer) {
        for (float*& state : s.state[tier][layer]) state = arena.take<float>(line);
        if (m.lstm) s.cell[tier][layer] = arena.take<float>(line);
      }
    s.inward = arena.take<float>(streams * m.gate_line);
    s.carried = arena.take<float>(streams * m.gate_line);
    s.upsampled = arena.take<float>(line);
    for (float** each : {&s.word, &s.second}) *each = arena.take<float>(turns);
    if (!units) s.first = arena.take<float>(line);
    s.units = arena.take<uint8_t>(all_units);
    s.units_step = arena.take<float>(streams);
    group.levels = arena.take<uint8_t>(levels);
    group.own.resize(members);
    for (Own& own : group.own) {
      if (units)
        for (int tier = 0; tier < m.tiers; ++tier)
          for (int layer = 0; layer < m.layers; ++layer) {
            own.state[tier][layer] = arena.take<uint8_t>(all_units);
            own.state_step[tier][layer] = arena.take<float>(streams);
          }
      own.units = arena.take<uint8_t>(all_units);
      own.units_step = arena.take<float>(streams);
      own.line = arena.take<float>(m.line);
      if (!units) own.first = arena.take<float>(kMostAlone * m.line);
      own.logits = arena.take<float>(static_cast<size_t>(streams) * kLevels);
      own.samples = arena.take<float>(static_cast<size_t>(streams) * m.top());
      own.levels = arena.take<uint8_t>(levels);
    }
    group.streams = streams;
    group.frames = frames;
    group.members = members;
  }
};

}  // namespace sonorize
