// The loop itself: what a thread does for its panels of a team's streams. See synth/sampler/reference.py, whose
// operations these are, one by one; multiplications and additions are never contracted by the compiler.

#pragma once

#include "products.h"

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

// Vectors [streams][padded] as 7-bit numbers; Signed tells states and words from ReLU outputs.
template <class V, bool Signed>
void quantise(const float* x, int padded, int streams, uint8_t* units, float* steps) {
  constexpr float kLimit = Signed ? 63.0f : 127.0f;
  const typename V::I unsign = V::set1_bits(0x7FFFFFFF);
  const typename V::I offset = V::set1_bits(Signed ? 64 : 0);
  const typename V::F rounder = V::set1(12582912.0f);
  for (int b = 0; b < streams; ++b, x += padded, units += padded) {
    alignas(64) float lanes[V::kLanes];
    typename V::F greatest = V::set1(0x1p-64f);
    for (int i = 0; i < padded; i += V::kLanes) {
      const typename V::F value = V::load(x + i);
      greatest = V::greatest(greatest, Signed ? V::as_float(V::and_bits(V::as_bits(value), unsign)) : value);
    }
    V::store(lanes, greatest);
    float peak = lanes[0];
    for (int i = 1; i < V::kLanes; ++i) peak = lanes[i] > peak ? lanes[i] : peak;
    steps[b] = peak / kLimit;
    const typename V::F times = V::set1(kLimit / peak);
    for (int i = 0; i < padded; i += V::kLanes) {
      const typename V::F shifted = V::add(V::mul(V::load(x + i), times), rounder);
      V::store_low_bytes(units + i, V::add_bits(V::as_bits(shifted), offset));
    }
  }
}

template <class V, template <class> class Precision>
class Loop {
  using P = Precision<V>;
  using F = typename V::F;
  static constexpr bool kWhole = P::kGroup == 4;
  static constexpr int kPanel = V::kPanelVectors * V::kLanes;

 public:
  explicit Loop(const Task& task)
      : task_(task), m_(*task.model), s_(*task.scratch), own_(*task.own), streams_(task.streams), padded_(m_.padded) {
    first_ = m_.panels * task.member / task.members;
    last_ = m_.panels * (task.member + 1) / task.members;
    // With few streams each thread draws for itself: that costs less than to wait for one another.
    draws_alone_ = task.members == 1 || streams_ <= 3;
    levels_ = draws_alone_ ? own_.levels : task.levels;
    length_ = m_.top() * (task.frames + 1);
  }

  void run() {
    load();
    const int samples = task_.frames * m_.top();
    for (int sample = 0; sample < samples; ++sample) {
      const int place = sample % m_.top();
      for (int tier = 0; tier < m_.tiers; ++tier)
        if (place % m_.frames[tier] == 0) step_tier(tier, sample);
      step_sample(sample);
    }
    unload(samples);
  }

 private:
  const Task& task_;
  const Model& m_;
  Scratch& s_;
  Own& own_;
  const int streams_, padded_;
  int first_, last_;  // this thread's panels of every gate
  bool draws_alone_;
  uint8_t* levels_;
  int length_;
  int turn_[kMaxTiers][kMaxLayers] = {};

  void meet() {
    if (task_.members > 1) wait(task_.team);
  }

  float* hidden(int tier, int layer) { return s_.state[tier][layer][turn_[tier][layer]]; }

  void load() {
    if (task_.member == 0 || draws_alone_)
      for (int b = 0; b < streams_; ++b) {
        const Call& call = task_.calls[b];
        uint8_t* levels = levels_ + static_cast<size_t>(b) * length_;
        std::memcpy(levels, call.before, m_.top());
        if (call.known) std::memcpy(levels + m_.top(), call.levels, static_cast<size_t>(length_) - m_.top());
      }
    if (task_.member == 0) move_states(true);
    meet();
    if (kWhole)
      for (int tier = 0; tier < m_.tiers; ++tier)
        for (int layer = 0; layer < m_.layers; ++layer) see_state(tier, layer);
  }

  void unload(int samples) {
    meet();
    if (task_.member != 0) return;
    move_states(false);
    for (int b = 0; b < streams_; ++b)
      if (!task_.calls[b].known)
        std::memcpy(task_.calls[b].levels, levels_ + static_cast<size_t>(b) * length_ + m_.top(), samples);
  }

  void move_states(bool in) {
    const size_t bytes = m_.width * sizeof(float);
    const int states = m_.lstm ? 2 : 1;
    for (int b = 0; b < streams_; ++b)
      for (int tier = 0; tier < m_.tiers; ++tier)
        for (int state = 0; state < states; ++state)
          for (int layer = 0; layer < m_.layers; ++layer) {
            float* outside = task_.calls[b].hidden +
                             (static_cast<size_t>(tier * states + state) * m_.layers + layer) * m_.width;
            float* inside = (state ? s_.cell[tier][layer] : hidden(tier, layer)) + static_cast<size_t>(b) * padded_;
            if (in) {
              std::memcpy(inside, outside, bytes);
              std::memset(inside + m_.width, 0, (padded_ - m_.width) * sizeof(float));
            } else {
              std::memcpy(outside, inside, bytes);
            }
          }
  }

  void see_state(int tier, int layer) {
    quantise<V, true>(hidden(tier, layer), padded_, streams_, own_.state[tier][layer], own_.state_step[tier][layer]);
  }

  Input state(int tier, int layer) {
    if (kWhole) return {own_.state[tier][layer], static_cast<size_t>(padded_), own_.state_step[tier][layer]};
    return {hidden(tier, layer), padded_ * sizeof(float), nullptr};
  }

  template <bool Signed>
  Input seen(const float* x) {
    if (!kWhole) return {x, padded_ * sizeof(float), nullptr};
    quantise<V, Signed>(x, padded_, streams_, own_.units, own_.units_step);
    return {own_.units, static_cast<size_t>(padded_), own_.units_step};
  }

  // y [streams][G * Dp] = base + product, this thread's rows of every gate.
  template <class Q, class Base>
  void gates(const Product& w, const Input& x, const Base& base, float* y) {
    const size_t row = static_cast<size_t>(m_.gates) * padded_;
    const auto put = [&](int b, int at, F value) { V::store(y + b * row + at, value); };
    for (int gate = 0; gate < m_.gates; ++gate)
      multiply<V, Q>(w, gate * m_.panels + first_, gate * m_.panels + last_, x, streams_, base, put);
  }

  void step_tier(int index, int sample) {
    const Tier& tier = m_.tier[index];
    const int frame = m_.frames[index], variant = sample % m_.top() / frame % tier.variants;
    const size_t row = static_cast<size_t>(m_.gates) * padded_;
    const float* bias = tier.bias + variant * row;
    const int chunk_frame = sample / m_.top();
    for (int b = 0; b < streams_; ++b) {
      const uint8_t* levels = levels_ + static_cast<size_t>(b) * length_ + m_.top() + sample - frame;
      for (int k = 0; k < frame; ++k) own_.samples[b * frame + k] = static_cast<float>(levels[k]) - 127.5f;
    }
    const auto begin = [&](int b, int at) {
      const float* given = index == 0 ? task_.calls[b].gates : nullptr;
      return V::load((given ? given + chunk_frame * row : bias) + at);
    };
    const auto inward = [&](int b, int at) { return V::load(s_.inward + b * row + at); };
    gates<Fp32<V>>(tier.samples, {own_.samples, frame * sizeof(float), nullptr}, begin, s_.inward);
    if (tier.above) gates<P>(tier.above[variant], state(index - 1, m_.layers - 1), inward, s_.inward);
    if (tier.upsampling) {
      const auto nothing = [](int, int) { return V::set1(0.0f); };
      const auto put = [&](int b, int at, F value) {
        V::store(s_.upsampled + static_cast<size_t>(b) * padded_ + at, value);
      };
      multiply<V, P>(tier.upsampling[variant], first_, last_, state(index - 1, m_.layers - 1), streams_, nothing, put);
      meet();
      gates<P>(tier.inputs[0], seen<true>(s_.upsampled), inward, s_.inward);
    }
    for (int layer = 0; layer < m_.layers; ++layer) {
      if (layer) {
        const auto base = [&](int, int at) { return V::load(tier.input_bias[layer] + at); };
        gates<P>(tier.inputs[layer], state(index, layer - 1), base, s_.inward);
      }
      const auto base = [&](int, int at) { return V::load(tier.recurrent_bias[layer] + at); };
      gates<P>(tier.recurrent[layer], state(index, layer), base, s_.carried);
      const float* before = hidden(index, layer);
      turn_[index][layer] ^= 1;  // the others may still be reading the old one
      if (m_.lstm)
        lstm(s_.cell[index][layer], hidden(index, layer));
      else
        gru(before, hidden(index, layer));
      meet();
      if (kWhole) see_state(index, layer);
    }
  }

  void gru(const float* before, float* after) {
    for (int b = 0; b < streams_; ++b) {
      const size_t line = static_cast<size_t>(b) * padded_;
      const float* in = s_.inward + line * 3;
      const float* carried = s_.carried + line * 3;
      for (int at = first_ * kPanel; at < last_ * kPanel; at += V::kLanes) {
        const int r = at, z = at + padded_, n = at + 2 * padded_;
        const F reset = sigmoid<V>(V::add(V::load(in + r), V::load(carried + r)));
        const F update = sigmoid<V>(V::add(V::load(in + z), V::load(carried + z)));
        const F fresh = tangent<V>(V::fma(reset, V::load(carried + n), V::load(in + n)));
        V::store(after + line + at, V::fma(update, V::sub(V::load(before + line + at), fresh), fresh));
      }
    }
  }

  void lstm(float* cells, float* after) {
    for (int b = 0; b < streams_; ++b) {
      const size_t line = static_cast<size_t>(b) * padded_;
      const float* in = s_.inward + line * 4;
      const float* carried = s_.carried + line * 4;
      for (int at = first_ * kPanel; at < last_ * kPanel; at += V::kLanes) {
        const auto sum = [&](int gate) {
          return V::add(V::load(in + at + gate * padded_), V::load(carried + at + gate * padded_));
        };
        const F enter = sigmoid<V>(sum(0)), forget = sigmoid<V>(sum(1)), fresh = tangent<V>(sum(2));
        const F cell = V::fma(forget, V::load(cells + line + at), V::mul(enter, fresh));
        V::store(cells + line + at, cell);
        V::store(after + line + at, V::mul(sigmoid<V>(sum(3)), tangent<V>(cell)));
      }
    }
  }

  void step_sample(int sample) {
    const int slot = sample % m_.look_back();
    const auto line = [&](float* y) {
      return [=](int b, int at, F value) { V::store(y + static_cast<size_t>(b) * padded_ + at, value); };
    };
    const auto word_bias = [&](int, int at) { return V::load(m_.word_bias + static_cast<size_t>(slot) * padded_ + at); };
    multiply<V, P>(m_.words[slot], first_, last_, state(m_.tiers - 1, m_.layers - 1), streams_, word_bias,
                   line(s_.word));
    for (int b = 0; b < streams_; ++b) look_up(b, levels_ + static_cast<size_t>(b) * length_ + m_.top() + sample);
    meet();
    const auto relu = [&](int b, int at, F value) {
      V::store(s_.second + static_cast<size_t>(b) * padded_ + at, V::greatest(value, V::set1(0.0f)));
    };
    const auto hidden_bias = [&](int, int at) { return V::load(m_.hidden_bias + at); };
    multiply<V, P>(m_.hidden, first_, last_, seen<false>(s_.first), streams_, hidden_bias, relu);
    meet();
    const auto output_bias = [&](int, int at) { return V::load(m_.output_bias + at); };
    const auto logits = [&](int b, int at, F value) { V::store(s_.logits + b * kLevels + at, value); };
    multiply<V, P>(m_.output, m_.level_panels * task_.member / task_.members,
                   m_.level_panels * (task_.member + 1) / task_.members, seen<false>(s_.second), streams_, output_bias,
                   logits);
    meet();
    const int begin = draws_alone_ ? 0 : streams_ * task_.member / task_.members;
    const int end = draws_alone_ ? streams_ : streams_ * (task_.member + 1) / task_.members;
    for (int b = begin; b < end; ++b) choose(b, sample);
    if (!draws_alone_) meet();
  }

  void choose(int b, int sample) {
    const Call& call = task_.calls[b];
    const float* logits = s_.logits + b * kLevels;
    if (call.logits && (task_.member == 0 || !draws_alone_)) {
      float* out = call.logits + static_cast<size_t>(sample) * kLevels;
      for (int i = 0; i < kLevels; ++i) out[i] = logits[i] * call.inverse_temperature;
    }
    if (call.known) return;
    const uint32_t word = philox(call.seed, call.stream, call.position + sample);
    levels_[static_cast<size_t>(b) * length_ + m_.top() + sample] =
        static_cast<uint8_t>(draw<V>(logits, call.inverse_temperature, word));
  }

  // ReLU of the word and the tables' rows of the levels before `now`.
  void look_up(int b, const uint8_t* now) {
    const int rows = m_.look_back();
    const uint8_t* levels = now - rows;
    const float* word = s_.word + static_cast<size_t>(b) * padded_;
    float* out = s_.first + static_cast<size_t>(b) * padded_;
    const F zero = V::set1(0.0f);
    for (int at = first_ * kPanel; at < last_ * kPanel; at += kPanel) {
      F sums[V::kPanelVectors];
      for (int v = 0; v < V::kPanelVectors; ++v) sums[v] = V::load(word + at + v * V::kLanes);
      if constexpr (kWhole) {
        typename V::H whole[V::kPanelVectors / 2];
        for (int h = 0; h < V::kPanelVectors / 2; ++h) whole[h] = V::zero_halves();
        for (int k = 0; k < rows; ++k) {
          const int16_t* row = static_cast<const int16_t*>(m_.tables) + table_row(k, levels[k]) + at;
          for (int h = 0; h < V::kPanelVectors / 2; ++h)
            whole[h] = V::add_halves(whole[h], row + h * 2 * V::kLanes);
        }
        for (int v = 0; v < V::kPanelVectors; ++v) {
          const typename V::I part = v % 2 ? V::upper_halves(whole[v / 2]) : V::lower_halves(whole[v / 2]);
          sums[v] = V::fma(V::to_float(part), V::load(m_.table_scale + at + v * V::kLanes), sums[v]);
        }
      } else {
        for (int k = 0; k < rows; ++k)
          for (int v = 0; v < V::kPanelVectors; ++v) {
            const size_t place = table_row(k, levels[k]) + at + v * V::kLanes;
            if constexpr (P::kGroup == 2)
              sums[v] = V::add(sums[v], V::load_bfloat16(static_cast<const uint16_t*>(m_.tables) + place));
            else
              sums[v] = V::add(sums[v], V::load(static_cast<const float*>(m_.tables) + place));
          }
      }
      for (int v = 0; v < V::kPanelVectors; ++v) V::store(out + at + v * V::kLanes, V::greatest(sums[v], zero));
    }
  }

  size_t table_row(int k, uint8_t level) const {
    return (static_cast<size_t>(k) * kLevels + level) * static_cast<size_t>(padded_);
  }
};

template <class V>
void run_task(const Task& task) {
  switch (task.model->precision) {
    case kFp32: Loop<V, Fp32>(task).run(); break;
    case kBf16: Loop<V, Bf16>(task).run(); break;
    default: Loop<V, Int8>(task).run(); break;
  }
}

// Conditioning rows [count][C] to [count][G * Dp], the panels first_panel..last_panel - 1 of them.
template <class V>
void run_gates(const Model& m, const float* rows, int count, float* out, int first_panel, int last_panel) {
  const size_t columns = static_cast<size_t>(m.gates) * m.padded;
  const auto base = [&](int, int at) { return V::load(m.tier[0].bias + at); };
  const auto put = [&](int b, int at, typename V::F value) { V::store(out + b * columns + at, value); };
  multiply<V, Fp32<V>>(m.conditions, first_panel, last_panel, {rows, m.conditioning * sizeof(float), nullptr}, count,
                       base, put);
}

template <class V, template <class> class Precision>
double run_peak(const Product& w, const void* inputs, int streams, int repeats) {
  using P = Precision<V>;
  const int most = streams < P::kMostStreams ? streams : P::kMostStreams;
  const int panels = most == 1 ? V::kPanelsAlone : most <= 3 ? V::kPanelsFew : 1;
  alignas(64) float sink[V::kLanes] = {};
  const auto base = [](int, int) { return V::set1(0.0f); };
  const auto put = [&](int, int, typename V::F value) { V::store(sink, value); };
  const float steps[8] = {};
  const Input x{inputs, static_cast<size_t>(w.groups) * P::kInputBytes, steps};
  for (int repeat = 0; repeat < repeats; ++repeat) {
    multiply<V, P>(w, 0, panels, x, most, base, put);
    asm volatile("" : : "r"(sink) : "memory");  // or the compiler would see that nobody reads it
  }
  return static_cast<double>(panels) * V::kPanelVectors * V::kLanes * w.groups * P::kGroup * most * repeats;
}

template <class V>
double run_peak_of(int precision, const Product& w, const void* inputs, int streams, int repeats) {
  switch (precision) {
    case kFp32: return run_peak<V, Fp32>(w, inputs, streams, repeats);
    case kBf16: return run_peak<V, Bf16>(w, inputs, streams, repeats);
    default: return run_peak<V, Int8>(w, inputs, streams, repeats);
  }
}

// Reads all of it once, as fast as a product could.
template <class V>
double run_read(const char* data, size_t bytes) {
  typename V::I sums[4] = {V::set1_bits(0), V::set1_bits(0), V::set1_bits(0), V::set1_bits(0)};
  constexpr size_t kBytes = V::kLanes * 4;
  for (size_t at = 0; at + 4 * kBytes <= bytes; at += 4 * kBytes)
    for (int v = 0; v < 4; ++v) sums[v] = V::add_bits(sums[v], V::load_bits(data + at + v * kBytes));
  alignas(64) float lanes[V::kLanes];
  V::store(lanes, V::to_float(V::add_bits(V::add_bits(sums[0], sums[1]), V::add_bits(sums[2], sums[3]))));
  return lanes[0];
}

template <class V>
const Kernels* kernels_of(const char* name) {
  static const Kernels kernels{name,          V::kPanelVectors * V::kLanes, run_task<V>, run_gates<V>,
                               run_peak_of<V>, run_read<V>};
  return &kernels;
}

}  // namespace
}  // namespace sonorize
