// The loop itself: what a thread does for its share of a team's streams. See synth/sampler/reference.py, whose
// operations these are, one by one.
//
// The members of a team share matrices by outputs: each reads its part of the weights once for all streams. What is done
// to one stream's vectors (looking up, rounding, logits, the draw) they share by streams. So they meet twice a sample:
// when all inputs of the hidden layer are there, and when all its outputs are. With few streams each member does all of
// that for itself, and they meet once.

#pragma once

#include <cstring>

#include "functions.h"
#include "products.h"

namespace sonorize {
namespace {

// See multiply_vectors.
template <class V, class P, class Base, class Put>
SONORIZE_INLINE void multiply(const Product& w, int first, int last, const Input& x, int streams, const Base& base,
                              const Put& put) {
  if constexpr (V::kTiles && P::kUnitBytes > 0)
    if (streams >= V::kFewestForTiles) return V::template multiply_tiles<P>(w, first, last, x, streams, base, put);
  multiply_vectors<V, P>(w, first, last, x, streams, base, put);
}

template <class V, template <class> class Precision>
class Loop {
  using P = Precision<V>;
  using F = typename V::F;
  static constexpr bool kWhole = P::kGroup == 4, kUnits = P::kUnitBytes > 0;
  static constexpr int kPanel = V::kPanelVectors * V::kLanes;

 public:
  explicit Loop(const Task& task)
      : task_(task), m_(*task.model), s_(*task.scratch), own_(*task.own), streams_(task.streams), padded_(m_.padded) {
    first_ = m_.panels * task.member / task.members;
    last_ = m_.panels * (task.member + 1) / task.members;
    begin_ = task.alone ? 0 : streams_ * task.member / task.members;
    end_ = task.alone ? streams_ : streams_ * (task.member + 1) / task.members;
    levels_ = task.alone ? own_.levels : task.levels;
    length_ = m_.top() * (task.frames + 1);
  }

  void run() {
    [[maybe_unused]] const typename V::Tiles tiles;
    load();
    const int samples = task_.frames * m_.top();
    for (int sample = 0; sample < samples; ++sample) {
      const int place = sample % m_.top();
      for (int tier = 0; tier < m_.tiers; ++tier)
        if (place % m_.frames[tier] == 0) step_tier(tier, sample);
      if (sample % m_.look_back() == 0) {
        make_words(sample);
        meet();
      }
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
  int first_, last_;  // this thread's panels of every gate, word and hidden vector
  int begin_, end_;   // the streams that it looks up and draws for
  uint8_t* levels_;
  int length_;
  int turn_[kMaxTiers][kMaxLayers] = {};

  void meet() {
    if (task_.members > 1) wait(task_.team);
  }

  float* hidden(int tier, int layer) { return s_.state[tier][layer][turn_[tier][layer]]; }
  float* line(float* y, int b) const { return y + static_cast<size_t>(b) * m_.line; }
  float* gate_line(float* y, int b) const { return y + static_cast<size_t>(b) * m_.gate_line; }
  uint8_t* levels_at(int b, int sample) const {
    return levels_ + static_cast<size_t>(b) * length_ + m_.top() + sample;
  }

  void load() {
    if (task_.member == 0 || task_.alone)
      for (int b = 0; b < streams_; ++b) {
        const Call& call = task_.calls[b];
        std::memcpy(levels_at(b, -m_.top()), call.before, m_.top());
        if (call.known) std::memcpy(levels_at(b, 0), call.levels, static_cast<size_t>(length_) - m_.top());
      }
    if (task_.member == 0) move_states(true);
    meet();
    for (int tier = 0; tier < m_.tiers; ++tier)
      for (int layer = 0; layer < m_.layers; ++layer) see_state(tier, layer);
  }

  void unload(int samples) {
    meet();
    if (task_.member != 0) return;
    move_states(false);
    for (int b = 0; b < streams_; ++b)
      if (!task_.calls[b].known) std::memcpy(task_.calls[b].levels, levels_at(b, 0), samples);
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
            float* inside = line(state ? s_.cell[tier][layer] : hidden(tier, layer), b);
            if (in) {
              std::memcpy(inside, outside, bytes);
              std::memset(inside + m_.width, 0, (padded_ - m_.width) * sizeof(float));
            } else {
              std::memcpy(outside, inside, bytes);
            }
          }
  }

  // Vectors of streams begin..end - 1, as products of this precision take them; units of stream 0 lie at `units`.
  template <bool Signed>
  Input see(float* x, int begin, int end, uint8_t* units, float* steps) {
    for (int b = begin; b < end; ++b) see_one<Signed>(line(x, b), b, units, steps);
    return {units + begin * m_.unit_stride, m_.unit_stride, kWhole ? steps + begin : nullptr};
  }

  template <bool Signed>
  void see_one(const float* x, int b, uint8_t* units, float* steps) {
    steps[b] = P::template see<Signed>(x, padded_, units + b * m_.unit_stride);
  }

  void see_state(int tier, int layer) {
    if constexpr (kUnits)
      see<true>(hidden(tier, layer), 0, streams_, own_.state[tier][layer], own_.state_step[tier][layer]);
  }

  Input state(int tier, int layer) {
    if constexpr (kUnits)
      return {own_.state[tier][layer], m_.unit_stride, kWhole ? own_.state_step[tier][layer] : nullptr};
    return {hidden(tier, layer), m_.line * sizeof(float), nullptr};
  }

  // Vectors that all members made, of streams begin..end - 1.
  template <bool Signed>
  Input seen(float* x, int begin, int end) {
    if constexpr (kUnits) return see<Signed>(x, begin, end, own_.units, own_.units_step);
    return {line(x, begin), m_.line * sizeof(float), nullptr};
  }

  // y [streams][G * Dp] = base + product, this thread's rows of every gate.
  template <class Q, class Base>
  void gates(const Product& w, const Input& x, const Base& base, float* y) {
    const auto put = [&](int b, int at, F value) { V::store(gate_line(y, b) + at, value); };
    for (int gate = 0; gate < m_.gates; ++gate)
      multiply<V, Q>(w, gate * m_.panels + first_, gate * m_.panels + last_, x, streams_, base, put);
  }

  void step_tier(int index, int sample) {
    const Tier& tier = m_.tier[index];
    const int frame = m_.frames[index], variant = sample % m_.top() / frame % tier.variants;
    const size_t row = static_cast<size_t>(m_.gates) * padded_;
    const float* bias = tier.bias + variant * row;
    const int chunk_frame = sample / m_.top();
    if (!task_.alone) meet();  // the levels of all streams are known
    for (int b = 0; b < streams_; ++b) {
      const uint8_t* levels = levels_at(b, sample - frame);
      for (int k = 0; k < frame; ++k) own_.samples[b * frame + k] = static_cast<float>(levels[k]) - 127.5f;
    }
    const auto begin = [&](int b, int at) {
      const float* given = index == 0 ? task_.calls[b].gates : nullptr;
      return V::load((given ? given + chunk_frame * row : bias) + at);
    };
    const auto inward = [&](int b, int at) { return V::load(gate_line(s_.inward, b) + at); };
    gates<Fp32<V>>(tier.samples, {own_.samples, frame * sizeof(float), nullptr}, begin, s_.inward);
    if (tier.above) gates<P>(tier.above[variant], state(index - 1, m_.layers - 1), inward, s_.inward);
    if (tier.upsampling) {
      const auto nothing = [](int, int) { return V::set1(0.0f); };
      const auto put = [&](int b, int at, F value) { V::store(line(s_.upsampled, b) + at, value); };
      multiply<V, P>(tier.upsampling[variant], first_, last_, state(index - 1, m_.layers - 1), streams_, nothing, put);
      meet();
      gates<P>(tier.inputs[0], seen<true>(s_.upsampled, 0, streams_), inward, s_.inward);
    }
    for (int layer = 0; layer < m_.layers; ++layer) {
      if (layer) {
        const auto base = [&](int, int at) { return V::load(tier.input_bias[layer] + at); };
        gates<P>(tier.inputs[layer], state(index, layer - 1), base, s_.inward);
      }
      const auto base = [&](int, int at) { return V::load(tier.recurrent_bias[layer] + at); };
      gates<P>(tier.recurrent[layer], state(index, layer), base, s_.carried);
      float* before = hidden(index, layer);
      turn_[index][layer] ^= 1;  // the others may still be reading the old one
      if (m_.lstm)
        lstm(s_.cell[index][layer], hidden(index, layer));
      else
        gru(before, hidden(index, layer));
      meet();
      see_state(index, layer);
    }
  }

  void gru(float* before, float* after) {
    for (int b = 0; b < streams_; ++b) {
      const float *in = gate_line(s_.inward, b), *carried = gate_line(s_.carried, b), *old = line(before, b);
      float* fresh_state = line(after, b);
      for (int at = first_ * kPanel; at < last_ * kPanel; at += V::kLanes) {
        const int r = at, z = at + padded_, n = at + 2 * padded_;
        const F reset = sigmoid<V>(V::add(V::load(in + r), V::load(carried + r)));
        const F update = sigmoid<V>(V::add(V::load(in + z), V::load(carried + z)));
        const F fresh = tangent<V>(V::fma(reset, V::load(carried + n), V::load(in + n)));
        V::store(fresh_state + at, V::fma(update, V::sub(V::load(old + at), fresh), fresh));
      }
    }
  }

  void lstm(float* cells, float* after) {
    for (int b = 0; b < streams_; ++b) {
      const float *in = gate_line(s_.inward, b), *carried = gate_line(s_.carried, b);
      float *cell_state = line(cells, b), *hidden_state = line(after, b);
      for (int at = first_ * kPanel; at < last_ * kPanel; at += V::kLanes) {
        const auto sum = [&](int gate) {
          return V::add(V::load(in + at + gate * padded_), V::load(carried + at + gate * padded_));
        };
        const F enter = sigmoid<V>(sum(0)), forget = sigmoid<V>(sum(1)), fresh = tangent<V>(sum(2));
        const F cell = V::fma(forget, V::load(cell_state + at), V::mul(enter, fresh));
        V::store(cell_state + at, cell);
        V::store(hidden_state + at, V::mul(sigmoid<V>(sum(3)), tangent<V>(cell)));
      }
    }
  }

  // Members that do not meet in between may be one sample apart: what they share is there twice.
  float* of_turn(float* y, int sample) const {
    return task_.alone ? y + static_cast<size_t>(sample % 2) * streams_ * m_.line : y;
  }

  void make_words(int sample) {
    const int slot = sample % m_.look_back();
    const float* bias = m_.word_bias + static_cast<size_t>(slot) * padded_;
    float* words = of_turn(s_.word, sample);
    const auto base = [&](int, int at) { return V::load(bias + at); };
    const auto put = [&](int b, int at, F value) { V::store(line(words, b) + at, value); };
    multiply<V, P>(m_.words[slot], first_, last_, state(m_.tiers - 1, m_.layers - 1), streams_, base, put);
  }

  void step_sample(int sample) {
    const Input first = look_up(sample);
    if (!task_.alone) meet();
    float* second = of_turn(s_.second, sample);
    const auto relu = [&](int b, int at, F value) {
      V::store(line(second, b) + at, V::greatest(value, V::set1(0.0f)));
    };
    const auto hidden_bias = [&](int, int at) { return V::load(m_.hidden_bias + at); };
    multiply<V, P>(m_.hidden, first_, last_, first, streams_, hidden_bias, relu);
    if ((sample + 1) % m_.look_back() != 0) make_words(sample + 1);  // here, since it depends on no level
    meet();
    const auto output_bias = [&](int, int at) { return V::load(m_.output_bias + at); };
    const auto logits = [&](int b, int at, F value) { V::store(own_.logits + b * kLevels + at, value); };
    const Input last = seen<false>(second, begin_, end_);
    multiply<V, P>(m_.output, 0, m_.level_panels, last, end_ - begin_, output_bias, logits);
    for (int b = begin_; b < end_; ++b) choose(b, sample);
  }

  void choose(int b, int sample) {
    const Call& call = task_.calls[b];
    const float* logits = own_.logits + (b - begin_) * kLevels;
    if (call.logits && (task_.member == 0 || !task_.alone)) {
      float* out = call.logits + static_cast<size_t>(sample) * kLevels;
      for (int i = 0; i < kLevels; ++i) out[i] = logits[i] * call.inverse_temperature;
    }
    if (call.known) return;
    const uint32_t random = philox(call.seed, call.stream, call.position + sample);
    *levels_at(b, sample) = static_cast<uint8_t>(draw<V>(logits, call.inverse_temperature, random));
  }

  // The hidden layer's input, of this thread's streams: ReLU of the word and the tables' rows of the levels before.
  Input look_up(int sample) {
    float* words = of_turn(s_.word, sample);
    uint8_t* units = task_.alone ? own_.units : s_.units;
    float* steps = task_.alone ? own_.units_step : s_.units_step;
    for (int b = begin_; b < end_; ++b) {
      float* first = kUnits ? own_.line : line(task_.alone ? own_.first : s_.first, b);
      constexpr int kVectors = V::kLookUpVectors, kColumns = kVectors * V::kLanes;
      int at = 0;
      for (; at + kColumns <= padded_; at += kColumns)
        look_up_some<kVectors>(line(words, b) + at, levels_at(b, sample), at, first + at);
      for (; at < padded_; at += kPanel)
        look_up_some<V::kPanelVectors>(line(words, b) + at, levels_at(b, sample), at, first + at);
      if constexpr (kUnits) see_one<false>(first, b, units, steps);
    }
    if constexpr (kUnits) return {units, m_.unit_stride, kWhole ? steps : nullptr};
    return {task_.alone ? own_.first : s_.first, m_.line * sizeof(float), nullptr};
  }

  // Columns at..at + NV vectors of it; `now` is the level that is to be made.
  template <int NV>
  void look_up_some(const float* word, const uint8_t* now, int at, float* out) {
    const int rows = m_.look_back();
    const uint8_t* levels = now - rows;
    F sums[NV];
    SONORIZE_UNROLL
    for (int v = 0; v < NV; ++v) sums[v] = V::load(word + v * V::kLanes);
    if constexpr (kWhole) {
      typename V::H whole[NV / 2];
      SONORIZE_UNROLL
      for (int h = 0; h < NV / 2; ++h) whole[h] = V::zero_halves();
      for (int k = 0; k < rows; ++k) {
        const int16_t* row = static_cast<const int16_t*>(m_.tables) + table_row(k, levels[k]) + at;
        SONORIZE_UNROLL
        for (int h = 0; h < NV / 2; ++h) whole[h] = V::add_halves(whole[h], row + h * 2 * V::kLanes);
      }
      SONORIZE_UNROLL
      for (int v = 0; v < NV; ++v) {
        const typename V::I part = v % 2 ? V::upper_halves(whole[v / 2]) : V::lower_halves(whole[v / 2]);
        sums[v] = V::fma(V::to_float(part), V::load(m_.table_scale + at + v * V::kLanes), sums[v]);
      }
    } else {
      for (int k = 0; k < rows; ++k) {
        const size_t place = table_row(k, levels[k]) + at;
        SONORIZE_UNROLL
        for (int v = 0; v < NV; ++v) {
          const size_t at_lane = place + v * V::kLanes;
          if constexpr (P::kGroup == 2)
            sums[v] = V::add(sums[v], V::load_bfloat16(static_cast<const uint16_t*>(m_.tables) + at_lane));
          else
            sums[v] = V::add(sums[v], V::load(static_cast<const float*>(m_.tables) + at_lane));
        }
      }
    }
    SONORIZE_UNROLL
    for (int v = 0; v < NV; ++v) V::store(out + v * V::kLanes, V::greatest(sums[v], V::set1(0.0f)));
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

}  // namespace
}  // namespace sonorize
