// The loop itself: what a thread does for its share of a team's streams. See synth/sampler/reference.py, whose
// operations these are, one by one.
//
// The frame tiers and the words are shared among threads by outputs: each reads its part of the weights once for all
// streams. The rest of a sample is shared by outputs too where streams are few, with three meetings a sample; or by
// streams, each thread for itself, with words of several samples made at a time: its weights fit a cache of one core.

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
    begin_ = task.by_streams ? streams_ * task.member / task.members : 0;
    end_ = task.by_streams ? streams_ * (task.member + 1) / task.members : streams_;
    sample_first_ = task.by_streams ? 0 : first_;
    sample_last_ = task.by_streams ? m_.panels : last_;
    level_first_ = task.by_streams ? 0 : m_.level_panels * task.member / task.members;
    level_last_ = task.by_streams ? m_.level_panels : m_.level_panels * (task.member + 1) / task.members;
    // With few streams each thread draws for itself: that costs less than to wait for one another.
    draws_alone_ = task.members == 1 || streams_ <= 3;
    levels_ = draws_alone_ ? own_.levels : task.levels;
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
      if (sample % m_.look_back() % task_.words == 0) make_words(sample % m_.look_back());
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
  int first_, last_;                // this thread's panels of every gate and word
  int sample_first_, sample_last_;  // and of the hidden layer of the sample tier
  int level_first_, level_last_;    // and of the logits
  int begin_, end_;                 // the streams of whose samples it makes these
  bool draws_alone_;
  uint8_t* levels_;
  int length_;
  int turn_[kMaxTiers][kMaxLayers] = {};

  void meet() {
    if (task_.members > 1) wait(task_.team);
  }
  // Where what each thread made is read by others next.
  void meet_over_outputs() {
    if (!task_.by_streams) meet();
  }

  float* hidden(int tier, int layer) { return s_.state[tier][layer][turn_[tier][layer]]; }
  float* line(float* y, int b) const { return y + static_cast<size_t>(b) * padded_; }
  uint8_t* levels_at(int b, int sample) const {
    return levels_ + static_cast<size_t>(b) * length_ + m_.top() + sample;
  }

  void load() {
    if (task_.member == 0 || draws_alone_)
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

  // Vectors of streams begin..end - 1, as products of this precision take them.
  template <bool Signed>
  Input see(const float* x, int begin, int end, uint8_t* units, float* steps) {
    for (int b = begin; b < end; ++b)
      steps[b - begin] = P::template see<Signed>(x + static_cast<size_t>(b) * padded_, padded_,
                                                 units + static_cast<size_t>(b - begin) * m_.unit_stride);
    return {units, m_.unit_stride, kWhole ? steps : nullptr};
  }

  void see_state(int tier, int layer) {
    if constexpr (kUnits)
      see<true>(hidden(tier, layer), 0, streams_, own_.state[tier][layer], own_.state_step[tier][layer]);
  }

  Input state(int tier, int layer) {
    if constexpr (kUnits)
      return {own_.state[tier][layer], m_.unit_stride, kWhole ? own_.state_step[tier][layer] : nullptr};
    return {hidden(tier, layer), padded_ * sizeof(float), nullptr};
  }

  // What was made of streams begin..end - 1, seen by a product.
  template <bool Signed>
  Input seen(const float* x, int begin, int end) {
    if constexpr (kUnits) return see<Signed>(x, begin, end, own_.units, own_.units_step);
    return {x + static_cast<size_t>(begin) * padded_, padded_ * sizeof(float), nullptr};
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
    if (task_.by_streams) meet();  // the levels of all streams are known
    for (int b = 0; b < streams_; ++b) {
      const uint8_t* levels = levels_at(b, sample - frame);
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
      const float* before = hidden(index, layer);
      turn_[index][layer] ^= 1;  // the others may still be reading the old one
      if (m_.lstm)
        lstm(s_.cell[index][layer], hidden(index, layer));
      else
        gru(before, hidden(index, layer));
      meet();
      see_state(index, layer);
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

  float* word(int slot) const { return s_.word + static_cast<size_t>(slot % task_.words) * streams_ * padded_; }

  // The words of this sample and of those after it, as many as there is room for: they depend on no level.
  void make_words(int first_slot) {
    if (task_.by_streams) meet();  // nobody reads the last ones any more
    for (int slot = first_slot; slot < first_slot + task_.words; ++slot) {
      const float* bias = m_.word_bias + static_cast<size_t>(slot) * padded_;
      const auto base = [&](int, int at) { return V::load(bias + at); };
      const auto put = [&](int b, int at, F value) { V::store(line(word(slot), b) + at, value); };
      multiply<V, P>(m_.words[slot], first_, last_, state(m_.tiers - 1, m_.layers - 1), streams_, base, put);
    }
    if (task_.by_streams) meet();
  }

  void step_sample(int sample) {
    const int count = end_ - begin_;
    for (int b = begin_; b < end_; ++b)
      look_up(line(word(sample % m_.look_back()), b), levels_at(b, sample), line(s_.first, b));
    meet_over_outputs();
    const auto relu = [&](int b, int at, F value) {
      V::store(line(s_.second, begin_ + b) + at, V::greatest(value, V::set1(0.0f)));
    };
    const auto hidden_bias = [&](int, int at) { return V::load(m_.hidden_bias + at); };
    multiply<V, P>(m_.hidden, sample_first_, sample_last_, seen<false>(s_.first, begin_, end_), count, hidden_bias,
                   relu);
    meet_over_outputs();
    const auto output_bias = [&](int, int at) { return V::load(m_.output_bias + at); };
    const auto logits = [&](int b, int at, F value) { V::store(s_.logits + (begin_ + b) * kLevels + at, value); };
    multiply<V, P>(m_.output, level_first_, level_last_, seen<false>(s_.second, begin_, end_), count, output_bias,
                   logits);
    if (task_.by_streams || draws_alone_) {
      meet_over_outputs();
      for (int b = begin_; b < end_; ++b) choose(b, sample);
      return;
    }
    meet();
    const int begin = streams_ * task_.member / task_.members, end = streams_ * (task_.member + 1) / task_.members;
    for (int b = begin; b < end; ++b) choose(b, sample);
    meet();
  }

  void choose(int b, int sample) {
    const Call& call = task_.calls[b];
    const float* logits = s_.logits + b * kLevels;
    if (call.logits && (task_.member == 0 || !draws_alone_)) {
      float* out = call.logits + static_cast<size_t>(sample) * kLevels;
      for (int i = 0; i < kLevels; ++i) out[i] = logits[i] * call.inverse_temperature;
    }
    if (call.known) return;
    const uint32_t random = philox(call.seed, call.stream, call.position + sample);
    *levels_at(b, sample) = static_cast<uint8_t>(draw<V>(logits, call.inverse_temperature, random));
  }

  // ReLU of the word and the tables' rows of the levels before `now`.
  void look_up(const float* word, const uint8_t* now, float* out) {
    const int rows = m_.look_back();
    const uint8_t* levels = now - rows;
    const F zero = V::set1(0.0f);
    for (int at = sample_first_ * kPanel; at < sample_last_ * kPanel; at += kPanel) {
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

}  // namespace
}  // namespace sonorize
