// The sampling loop on a GPU: one launch carries many streams through many samples. Nothing of it has run on a GPU yet;
// every figure below is an estimate, and `make gpu` is what replaces them.
//
// Teams. The batch is cut into blocks of streams that know nothing of each other; each belongs to one team of `outer`
// thread blocks, one a multiprocessor, all resident (a cooperative launch, or clusters that were counted before). The
// frame tiers are shared by all of a team, the sample tier by its first `inner` blocks: as few as can hold its matrices,
// since a barrier costs more the more blocks meet. A network of width 256 in int8 needs one, and no barrier at all. Outputs are cut in tiles of 16 rows; a block owns a range of tiles of every matrix for the whole
// launch, and keeps its part of the two matrices that every sample needs, hidden and output, in shared memory.
//
// One sample is three exchanges through L2, each closed by a barrier of the inner blocks:
//   draw the last level (each block for itself, so that a level needs no exchange), sum the tables' rows -> first;
//   hidden -> second;  output -> logits. While a block waits for the logits it sums the next sample's older rows.
// A frame of the lowest tier begins with a barrier of the whole team, then come the tiers that are due, one exchange a
// layer, then the words of all slots at once.
//
// Products. A warp takes a fixed eighth of the depth of each tile through the tensor cores (m16n8k16 bfloat16,
// m16n8k32 int8), and the eighths are added in order: an output is the same sum in the same order for every batch, team
// and chunk. In int8 sums are whole numbers and all float steps are those of reference.py: the CPU's bytes. fp32 is one
// chain of FMAs in order of the depth, as on the CPU. bfloat16 rounds the vectors too, which the CPU does not.
//
// Estimates for one H100, width 1024, frames 64 and 16, bfloat16: a barrier of 16 blocks through L2 850 ns, of a
// cluster of 16 about 120 ns; an exchange (store, barrier, load, convert, product, sum) 1.6 us through L2, 0.8 us in a
// cluster. One stream 5.5 us a sample (180k samples/s), in clusters 3 us (330k); 64 streams in 8 teams 6 us (10M), in
// clusters 3.5 us (18M); 1024 streams 45 us (23M). Width 256 in int8, one block a team: 1.8 us (550k). Where these are
// wrong, the constants that scripts/gpu.py measures say why. To try next: vectors written straight into the shared memory of the cluster (st.async), recurrent products
// ahead of the frame's last sample, the output's weights in registers.
//
// Macros: SONORIZE_PRECISION 0 fp32, 1 bfloat16, 2 int8; SONORIZE_GROUPS: streams that share a read of weights, in
// eights; SONORIZE_GATES 3 GRU, 4 LSTM; SONORIZE_CLUSTER: inner blocks are a cluster (sm_90); SONORIZE_WARPS a block.
// D width, Dp padded to 32.

#include "arithmetic.cuh"
#include "layout.cuh"

#ifndef SONORIZE_WARPS
#define SONORIZE_WARPS 8
#endif

constexpr int kPrecision = SONORIZE_PRECISION;
constexpr int kWarps = SONORIZE_WARPS, kThreads = 32 * kWarps;
constexpr int kTile = 16, kGroups = SONORIZE_GROUPS, kStreams = 8 * kGroups, kOutputs = kTile * kStreams;
constexpr int kBytes = kPrecision == 0 ? 4 : kPrecision == 1 ? 2 : 1;
constexpr int kSplit = kPrecision == 0 ? 1 : kWarps;  // parts of a sum
constexpr int kGates = SONORIZE_GATES;
constexpr int kSlots = 2 * kGates;                    // tile products between two synchronisations
constexpr int kAhead = 8;                             // loads of weights in flight
constexpr int kPatience = 1 << 25;                    // polls of a barrier, seconds: a hang becomes an error

template <int P> struct SumOf { typedef float type; };
template <> struct SumOf<2> { typedef int type; };
typedef SumOf<kPrecision>::type Sum;

DEVICE float add_parts(float a, float b) { return add(a, b); }
DEVICE int add_parts(int a, int b) { return a + b; }

// Streams of the batch that share a product, first .. first + count - 1.
struct Round {
  int first, count;
};

class Loop {
 public:
  DEVICE Loop(const Model& model, const Call& call, char* memory)
      : m_(model), c_(call), memory_(memory), padded_(static_cast<int>(model.padded)), tiles_(padded_ / kTile) {
    const int outer = static_cast<int>(call.outer);
    inner_ = static_cast<int>(call.inner);
    team_ = block() / outer;
    rank_ = block() % outer;
    const i64 streams = call.streams, teams = call.teams;
    first_stream_ = static_cast<int>(streams * team_ / teams);
    last_stream_ = static_cast<int>(streams * (team_ + 1) / teams);
    // Tiles of a gate, for all blocks; of the sample tier's matrices, for the inner ones.
    unit_begin_ = tiles_ * rank_ / outer;
    unit_end_ = tiles_ * (rank_ + 1) / outer;
    if (is_inner()) {
      hidden_begin_ = tiles_ * rank_ / inner_;
      hidden_end_ = tiles_ * (rank_ + 1) / inner_;
      output_begin_ = kLevels / kTile * rank_ / inner_;
      output_end_ = kLevels / kTile * (rank_ + 1) / inner_;
      const int streams_here = last_stream_ - first_stream_;
      chunks_ = streams_here < inner_ && streams_here > 0 ? inner_ / streams_here : 1;
      const int units = streams_here * chunks_;
      part_begin_ = static_cast<int>(static_cast<i64>(units) * rank_ / inner_);
      part_end_ = static_cast<int>(static_cast<i64>(units) * (rank_ + 1) / inner_);
    }
  }

  DEVICE void run() {
    pin();
    const int top = static_cast<int>(m_.tier[0].frame), bottom = static_cast<int>(m_.look_back);
    const int total = longest() * top;
    int sample = 0;
    for (;; ++sample) {
      if (sample % bottom == 0) {
        if (is_inner()) choose(sample - 1);
        if (sample % top == 0 && rank_ == 0 && thread() == 0) report(sample / top, sample == total);
        meet_team();
        if (sample % top == 0 && exchanged(stop_word(sample / top))) break;
        for (int tier = 0; tier < m_.tiers; ++tier)
          if (sample % top % m_.tier[tier].frame == 0) step_tier(tier, sample);
        spell_words();
        meet_team();
        if (is_inner()) sum_older(sample);
      } else if (is_inner()) {
        choose(sample - 1);
      }
      if (is_inner()) step_sample(sample, (sample + 1) % bottom != 0);
    }
    settle();
  }

 private:
  const Model& m_;
  const Call& c_;
  char* const memory_;
  const int padded_, tiles_;
  int inner_ = 0, team_ = 0, rank_ = 0, first_stream_ = 0, last_stream_ = 0;
  int unit_begin_ = 0, unit_end_ = 0, hidden_begin_ = 0, hidden_end_ = 0, output_begin_ = 0, output_end_ = 0;
  int chunks_ = 1, part_begin_ = 0, part_end_ = 0;  // of the first layer: a part is a chunk of a stream's columns
  u32 turns_ = 0;                                   // a bit a tier: which of its two states is the newer one
  u32 team_target_ = 0, inner_target_ = 0;
  int reported_ = 0;

  DEVICE bool is_inner() const { return rank_ < inner_; }
  DEVICE int warp() const { return thread() >> 5; }
  DEVICE int lane() const { return thread() & 31; }

  // -- meeting ------------------------------------------------------------------------------------------------------

  DEVICE void wait_at(const u32* counter, u32 target, bool patient) {
    if (thread() == 0)
      for (int polls = 0; !arrived(counter, target); ++polls) {
        if (polls == kPatience) give_up();
        if (patient) rest();
      }
    sync();
  }
  DEVICE u32* counter(int which) { return c_.barriers + (team_ * 2 + which) * kBarrierStride; }

  DEVICE void meet_team() {
    sync();
    if (c_.outer == 1) return;
    if (thread() == 0) arrive_at(counter(0));
    team_target_ += static_cast<u32>(c_.outer);
    wait_at(counter(0), team_target_, !is_inner());
  }
  DEVICE void inner_arrive() {
#if SONORIZE_CLUSTER
    cluster_arrive();
#else
    sync();
    if (inner_ > 1 && thread() == 0) arrive_at(counter(1));
#endif
  }
  DEVICE void inner_wait() {
#if SONORIZE_CLUSTER
    cluster_wait();
#else
    if (inner_ == 1) return;
    inner_target_ += static_cast<u32>(inner_);
    wait_at(counter(1), inner_target_, false);
#endif
  }

  // -- what the host sees -------------------------------------------------------------------------------------------

  DEVICE int longest() {
    int frames = 0;
    for (int stream = first_stream_; stream < last_stream_; ++stream) {
      const int count = weight(c_.counts + stream);
      if (count > frames) frames = count;
    }
    return frames;
  }
  // Two words in turn: one is read while the other one is already written.
  DEVICE int* stop_word(int frame) { return c_.stop + team_ * 2 + (frame & 1); }

  DEVICE void report(int frame, bool over) {
    reported_ = frame;
    tell_host(c_.progress + team_, frame);
    *stop_word(frame) = over || told_by_host(c_.cancel) != 0;
  }

  // -- vectors of the batch -----------------------------------------------------------------------------------------

  DEVICE size_t line(int stream) const { return static_cast<size_t>(stream) * padded_; }
  DEVICE float* state(int tier, int layer, bool newer) {
    const int turn = static_cast<int>(turns_ >> tier & 1u) ^ (newer ? 0 : 1);
    return c_.states + ((tier * m_.layers + layer) * 2 + turn) * c_.streams * padded_;
  }
  DEVICE float* cell(int tier, int layer) { return c_.cells + (tier * m_.layers + layer) * c_.streams * padded_; }
  DEVICE u8* level(int stream, int sample) {
    return c_.levels + stream * c_.level_stride + m_.tier[0].frame + sample;
  }
  DEVICE bool lives(int stream, int sample) const {
    return sample < weight(c_.counts + stream) * m_.tier[0].frame;
  }

  // -- shared memory ------------------------------------------------------------------------------------------------

  DEVICE int input_stride() const { return padded_ * kBytes + 16; }
  DEVICE char* input(int which) { return memory_ + c_.at_inputs + which * kStreams * input_stride(); }
  DEVICE float* steps(int which) { return reinterpret_cast<float*>(memory_ + c_.at_steps) + which * kStreams; }
  DEVICE Sum* sums(int slot) { return reinterpret_cast<Sum*>(memory_ + c_.at_sums) + slot * kSplit * kOutputs; }
  DEVICE u8* drawn() { return reinterpret_cast<u8*>(memory_ + c_.at_drawn); }
  DEVICE char* older() { return memory_ + c_.at_older; }

  DEVICE size_t tile_bytes() const { return static_cast<size_t>(kTile) * padded_ * kBytes; }

  DEVICE void pin() {
    if (kPrecision == 0 || !is_inner()) return;
    copy(m_.hidden, hidden_begin_, static_cast<int>(c_.pinned_hidden), c_.at_hidden);
    copy(m_.output, output_begin_, static_cast<int>(c_.pinned_output), c_.at_output);
    sync();
  }
  DEVICE void copy(const Matrix& matrix, int begin, int count, i64 at) {
    const Four* from = reinterpret_cast<const Four*>(static_cast<const char*>(matrix.tiles) + begin * tile_bytes());
    Four* to = reinterpret_cast<Four*>(memory_ + at);
    const int end = begin + count > matrix.rows / kTile ? static_cast<int>(matrix.rows / kTile) : begin + count;
    for (int i = thread(); i < static_cast<int>((end - begin) * tile_bytes() / sizeof(Four)); i += kThreads)
      to[i] = weights(from + i);
  }

  // -- products -----------------------------------------------------------------------------------------------------

  // Vectors [stream][Dp] to what products take; Signed tells states and words from ReLU outputs.
  template <bool Signed>
  DEVICE void load(int which, const float* source, const Round& round) {
    for (int s = warp(); s < kStreams; s += kWarps) {
      char* to = input(which) + s * input_stride();
      if (s >= round.count) {
        for (int at = lane() * 4; at < padded_ * kBytes; at += 128) *reinterpret_cast<u32*>(to + at) = 0;
        if (lane() == 0) steps(which)[s] = 0.0f;
        continue;
      }
      const float* from = source + line(round.first + s);
      if constexpr (kPrecision == 2) {
        quantise<Signed>(from, to, steps(which) + s);
      } else {
        for (int at = lane() * 4; at < padded_; at += 128) {
          const FourFloats x = exchanged4(from + at);
          if constexpr (kPrecision == 1) {
            u32* pair = reinterpret_cast<u32*>(to + at * 2);
            pair[0] = bfloat16_pair(x.x, x.y);
            pair[1] = bfloat16_pair(x.z, x.w);
          } else {
            *reinterpret_cast<FourFloats*>(to + at * 4) = x;
          }
        }
      }
    }
  }

  template <bool Signed>
  DEVICE void quantise(const float* from, char* to, float* step) {
    constexpr int kKept = 8;  // of a lane's parts, in registers; wider vectors are read twice
    FourFloats kept[kKept];
    float peak = 0x1p-64f;
#pragma unroll
    for (int i = 0; i < kKept; ++i) {
      const int at = (i * 32 + lane()) * 4;
      if (at < padded_) {
        kept[i] = exchanged4(from + at);
        peak = higher<Signed>(peak, kept[i]);
      }
    }
    for (int at = (kKept * 32 + lane()) * 4; at < padded_; at += 128) peak = higher<Signed>(peak, exchanged4(from + at));
#pragma unroll
    for (int mask = 16; mask; mask >>= 1) peak = greatest(peak, shuffle_xor(peak, mask));
    constexpr float kLimit = Signed ? 63.0f : 127.0f;
    const float times = div(kLimit, peak);
    if (lane() == 0) *step = div(peak, kLimit);
#pragma unroll
    for (int i = 0; i < kKept; ++i) {
      const int at = (i * 32 + lane()) * 4;
      if (at < padded_) *reinterpret_cast<u32*>(to + at) = whole<Signed>(kept[i], times);
    }
    for (int at = (kKept * 32 + lane()) * 4; at < padded_; at += 128)
      *reinterpret_cast<u32*>(to + at) = whole<Signed>(exchanged4(from + at), times);
  }
  template <bool Signed>
  DEVICE static float higher(float peak, const FourFloats& x) {
    if (Signed) {
      peak = greatest(greatest(peak, greatest(x.x, -x.x)), greatest(x.y, -x.y));
      return greatest(greatest(peak, greatest(x.z, -x.z)), greatest(x.w, -x.w));
    }
    return greatest(greatest(greatest(peak, x.x), x.y), greatest(x.z, x.w));
  }
  template <bool Signed>
  DEVICE static u32 whole(const FourFloats& x, float times) {
    constexpr int kOffset = Signed ? 64 : 0;
    const u32 a = static_cast<u32>(to_whole(mul(x.x, times)) + kOffset);
    const u32 b = static_cast<u32>(to_whole(mul(x.y, times)) + kOffset);
    const u32 c = static_cast<u32>(to_whole(mul(x.z, times)) + kOffset);
    const u32 d = static_cast<u32>(to_whole(mul(x.w, times)) + kOffset);
    return a | b << 8 | c << 16 | d << 24;
  }

  // One tile times an input, this warp's part of the depth, into a slot.
  DEVICE void multiply(const Matrix& matrix, i64 tile, int which, int slot) {
    const char* at = static_cast<const char*>(matrix.tiles) + tile * tile_bytes();
    if constexpr (kPrecision == 0)
      multiply_chain(reinterpret_cast<const float*>(at), which, slot);
    else
      multiply_warp<false>(reinterpret_cast<const Four*>(at), which, slot);
  }
  DEVICE void multiply_pinned(i64 memory_at, int tile, int which, int slot) {
    if constexpr (kPrecision != 0)
      multiply_warp<true>(reinterpret_cast<const Four*>(memory_ + memory_at + tile * tile_bytes()), which, slot);
  }

  template <bool Pinned>
  DEVICE void multiply_warp(const Four* tile, int which, int slot) {
    if constexpr (kPrecision != 0) {
      const int chunks = padded_ * kBytes / 32, begin = chunks * warp() / kWarps, end = chunks * (warp() + 1) / kWarps;
      const int stride = input_stride(), column = lane() >> 2, word = (lane() & 3) * 4;
      Sum acc[kGroups][4] = {};
      for (int chunk = begin; chunk < end; chunk += kAhead) {
        Four held[kAhead];
#pragma unroll
        for (int i = 0; i < kAhead; ++i)
          if (chunk + i < end) {
            const Four* at = tile + (chunk + i) * 32 + lane();
            held[i] = Pinned ? *at : weights(at);
          }
#pragma unroll
        for (int i = 0; i < kAhead; ++i)
          if (chunk + i < end)
#pragma unroll
            for (int group = 0; group < kGroups; ++group) {
              const char* x = input(which) + (group * 8 + column) * stride + (chunk + i) * 32 + word;
              multiply_tile(acc[group], held[i], *reinterpret_cast<const u32*>(x),
                            *reinterpret_cast<const u32*>(x + 16));
            }
      }
      Sum* to = sums(slot) + warp() * kOutputs + column * kStreams + (lane() & 3) * 2;
#pragma unroll
      for (int group = 0; group < kGroups; ++group) {
        to[group * 8] = acc[group][0];
        to[group * 8 + 1] = acc[group][1];
        to[8 * kStreams + group * 8] = acc[group][2];
        to[8 * kStreams + group * 8 + 1] = acc[group][3];
      }
    }
  }

  // fp32: an output a thread, lanes along the rows; odd slots go to the other half of the block where there is one.
  DEVICE void multiply_chain(const float* tile, int which, int slot) {
    if constexpr (kPrecision == 0) {
      const int shift = kThreads >= 2 * kOutputs ? (slot & 1) * kOutputs : 0;
      for (int output = thread() - shift; output < kOutputs; output += kThreads) {
        if (output < 0) continue;
        const int row = output % kTile, stream = output / kTile;
        const float* x = reinterpret_cast<const float*>(input(which) + stream * input_stride());
        float acc = 0.0f;
#pragma unroll 16
        for (int k = 0; k < padded_; ++k) acc = fused(weight(tile + k * kTile + row), x[k], acc);
        sums(slot)[row * kStreams + stream] = acc;
      }
    }
  }

  // y plus a product whose parts are in a slot.
  DEVICE float complete(const Matrix& matrix, i64 row, int slot, int output, int which, float y) {
    const Sum* parts = sums(slot) + output;
    Sum sum = parts[0];
#pragma unroll
    for (int part = 1; part < kSplit; ++part) sum = add_parts(sum, parts[part * kOutputs]);
    if constexpr (kPrecision == 2) {
      const float units = from_int(static_cast<int>(sum) - weight(matrix.correction + row));
      return fused(mul(units, weight(matrix.scale + row)), steps(which)[output % kStreams], y);
    } else {
      return add(y, sum);
    }
  }

  template <class Put>
  DEVICE void for_rounds(const Put& put) {
    for (int first = first_stream_; first < last_stream_; first += kStreams) {
      const int count = last_stream_ - first < kStreams ? last_stream_ - first : kStreams;
      put(Round{first, count});
    }
  }

  // put(row, stream, slot, output) for tiles begin .. end - 1; pinned: how many of the first ones are in memory.
  template <class Put>
  DEVICE void dense(const Matrix& matrix, int begin, int end, int pinned, i64 memory_at, const Round& round,
                    const Put& put) {
    for (int tile = begin; tile < end; tile += kSlots) {
      const int many = end - tile < kSlots ? end - tile : kSlots;
      for (int slot = 0; slot < many; ++slot) {
        if (tile + slot - begin < pinned)
          multiply_pinned(memory_at, tile + slot - begin, 0, slot);
        else
          multiply(matrix, tile + slot, 0, slot);
      }
      sync();
      for (int i = thread(); i < many * kOutputs; i += kThreads) {
        const int slot = i / kOutputs, output = i % kOutputs, stream = output % kStreams;
        if (stream < round.count) put((tile + slot) * kTile + output / kStreams, round.first + stream, slot, output);
      }
      sync();
    }
  }

  // -- frame tiers --------------------------------------------------------------------------------------------------

  DEVICE void step_tier(int index, int sample) {
    const Tier& tier = m_.tier[index];
    const int layers = static_cast<int>(m_.layers);
    const int variant = static_cast<int>(sample % m_.tier[0].frame / tier.frame % tier.variants);
    if (tier.kind == kUnfolded) upsample(index, variant);
    turns_ ^= 1u << index;
    for (int layer = 0; layer < layers; ++layer) {
      for_rounds([&](const Round& round) {
        if (unit_begin_ < unit_end_) step_layer(index, layer, variant, sample, round);
      });
      meet_team();
    }
  }

  DEVICE void upsample(int index, int variant) {
    const Tier& tier = m_.tier[index];
    const float* above = state(index - 1, static_cast<int>(m_.layers) - 1, true);
    const bool idle = unit_begin_ == unit_end_;
    for_rounds([&](const Round& round) {
      if (idle) return;
      load<true>(0, above, round);
      sync();
      const int base = variant * tiles_;
      dense(tier.upsampling, base + unit_begin_, base + unit_end_, 0, 0, round,
            [&](int row, int stream, int slot, int output) {
              c_.upsampled[line(stream) + row - base * kTile] =
                  complete(tier.upsampling, row, slot, output, 0, 0.0f);
            });
    });
    meet_team();
  }

  DEVICE void step_layer(int index, int layer, int variant, int sample, const Round& round) {
    const Tier& tier = m_.tier[index];
    const Matrix* inward = nullptr;
    const float* source = nullptr;
    i64 tile_base = 0;
    if (layer) {
      inward = &tier.inputs[layer];
      source = state(index, layer - 1, true);
    } else if (tier.kind == kUnfolded) {
      inward = &tier.inputs[0];
      source = c_.upsampled;
    } else if (tier.kind == kFolded) {
      inward = &tier.above;
      source = state(index - 1, static_cast<int>(m_.layers) - 1, true);
      tile_base = static_cast<i64>(variant) * kGates * tiles_;
    }
    if (source) load<true>(0, source, round);
    load<true>(1, state(index, layer, false), round);
    sync();
    for (int unit_tile = unit_begin_; unit_tile < unit_end_; ++unit_tile) {
      for (int gate = 0; gate < kGates; ++gate) {
        if (inward) multiply(*inward, tile_base + gate * tiles_ + unit_tile, 0, gate);
        multiply(tier.recurrent[layer], gate * tiles_ + unit_tile, 1, kGates + gate);
      }
      sync();
      for (int output = thread(); output < kOutputs; output += kThreads) {
        const int stream = output % kStreams;
        if (stream >= round.count) continue;
        const int unit = unit_tile * kTile + output / kStreams;
        float in[kGates], carried[kGates];
#pragma unroll
        for (int gate = 0; gate < kGates; ++gate) {
          const int row = gate * padded_ + unit;
          float y = layer ? weight(tier.input_bias[layer] + row)
                          : from_levels(index, variant, row, round.first + stream, sample);
          if (inward) y = complete(*inward, tile_base * kTile + row, gate, output, 0, y);
          in[gate] = y;
          carried[gate] = complete(tier.recurrent[layer], row, kGates + gate, output, 1,
                                   weight(tier.recurrent_bias[layer] + row));
        }
        update(index, layer, round.first + stream, unit, sample, in, carried);
      }
      sync();
    }
  }

  // Bias or conditioning, and the levels of the frame before, of one row of a tier's input.
  DEVICE float from_levels(int index, int variant, int row, int stream, int sample) {
    const Tier& tier = m_.tier[index];
    const int frame = static_cast<int>(tier.frame), rows = kGates * padded_;
    float y = weight(tier.bias + static_cast<size_t>(variant) * rows + row);
    if (index == 0 && m_.conditioning) {
      const int numbers = static_cast<int>(m_.conditioning);
      const i64 top_frame = sample / m_.tier[0].frame;
      const float* given = c_.conditioning + stream * c_.conditioning_stride + top_frame * numbers;
      float acc = 0.0f;
      if (lives(stream, sample))
        for (int k = 0; k < numbers; ++k)
          acc = fused(weight(m_.conditions + static_cast<size_t>(k) * rows + row), weight(given + k), acc);
      y = add(y, acc);
    }
    const u8* levels = level(stream, sample - frame);
    float acc = 0.0f;
#pragma unroll 8
    for (int k = 0; k < frame; ++k)
      acc = fused(weight(tier.samples + static_cast<size_t>(k) * rows + row),
                  sub(from_int(exchanged(levels + k)), 127.5f), acc);
    return add(y, acc);
  }

  DEVICE void update(int index, int layer, int stream, int unit, int sample, const float* in, const float* carried) {
    const size_t at = line(stream) + unit;
    const float before = exchanged(state(index, layer, false) + at);
    float after;
    if constexpr (kGates == 3) {
      const float gate = sigmoid(add(in[1], carried[1]));
      const float fresh = tangent(fused(sigmoid(add(in[0], carried[0])), carried[2], in[2]));
      after = fused(gate, sub(before, fresh), fresh);
    } else {
      float* cells = cell(index, layer) + at;
      const float fresh = tangent(add(in[2], carried[2]));
      const float inside = fused(sigmoid(add(in[1], carried[1])), *cells, mul(sigmoid(add(in[0], carried[0])), fresh));
      after = mul(sigmoid(add(in[3], carried[3])), tangent(inside));
      if (lives(stream, sample)) *cells = inside;
    }
    // A stream that is over keeps its state; it is carried along so that its team stays in step.
    state(index, layer, true)[at] = lives(stream, sample) ? after : before;
  }

  // The lowest frame tier's words for all slots of the frame.
  DEVICE void spell_words() {
    const int slots = static_cast<int>(m_.look_back), all = slots * tiles_, outer = static_cast<int>(c_.outer);
    const int begin = static_cast<int>(static_cast<i64>(all) * rank_ / outer);
    const int end = static_cast<int>(static_cast<i64>(all) * (rank_ + 1) / outer);
    const float* last = state(static_cast<int>(m_.tiers) - 1, static_cast<int>(m_.layers) - 1, true);
    for_rounds([&](const Round& round) {
      if (begin == end) return;
      load<true>(0, last, round);
      sync();
      dense(m_.words, begin, end, 0, 0, round, [&](int row, int stream, int slot, int output) {
        float* word = c_.words + (row / padded_ * c_.streams + stream) * padded_ + row % padded_;
        *word = complete(m_.words, row, slot, output, 0, weight(m_.word_bias + row));
      });
    });
  }

  // -- sample tier --------------------------------------------------------------------------------------------------

  // The levels of this sample, for the streams whose columns this block sums; one of the blocks writes them down.
  DEVICE void choose(int sample) {
    if (part_begin_ < part_end_) {
      const int begin = part_begin_ / chunks_, end = (part_end_ - 1) / chunks_ + 1;
      for (int local = begin + warp(); local < end; local += kWarps) {
        const int stream = first_stream_ + local;
        int chosen = kLevels / 2;
        if (sample < 0 || c_.known) {
          chosen = exchanged(level(stream, sample));
        } else if (lives(stream, sample)) {
          const u64* keys = c_.keys + stream;
          const u32 word = philox(keys[0], keys[c_.streams], keys[2 * c_.streams] + static_cast<u64>(sample));
          chosen = draw(c_.logits + static_cast<size_t>(stream) * kLevels, weight(c_.inverse_temperature + stream), word);
          if (lane() == 0 && local * chunks_ >= part_begin_) *level(stream, sample) = static_cast<u8>(chosen);
        }
        if (lane() == 0) drawn()[local - begin] = static_cast<u8>(chosen);
      }
    }
    sync();
  }

  struct Part {
    int stream, local, first, last;  // columns, in pairs
  };
  DEVICE Part part(int index) const {
    const int local = index / chunks_, chunk = index % chunks_, pairs = padded_ / 2;
    return {first_stream_ + local, local - part_begin_ / chunks_, pairs * chunk / chunks_, pairs * (chunk + 1) / chunks_};
  }
  DEVICE int pairs_of_part() const { return (padded_ / 2 + chunks_ - 1) / chunks_; }

  template <class T>
  struct Pair {
    T low, high;
  };
  // Two columns of a table's row: whole numbers in int8, else floats.
  DEVICE Pair<Sum> row_of(int place, int level_there, int pair) const {
    const size_t at = (static_cast<size_t>(place) * kLevels + level_there) * (padded_ / 2) + pair;
    if constexpr (kPrecision == 0) {
      const float* row = static_cast<const float*>(m_.tables) + at * 2;
      return {static_cast<Sum>(weight(row)), static_cast<Sum>(weight(row + 1))};
    } else {
      const u32 both = weight(static_cast<const u32*>(m_.tables) + at);
      if constexpr (kPrecision == 1)
        return {static_cast<Sum>(float_of(static_cast<int>(both << 16))),
                static_cast<Sum>(float_of(static_cast<int>(both & 0xFFFF0000u)))};
      else
        return {static_cast<int>(both << 16) >> 16, static_cast<int>(both) >> 16};
    }
  }
  DEVICE const float* word_of(int sample, int stream) const {
    return c_.words + (sample % m_.look_back * c_.streams + stream) * padded_;
  }

  // All rows but that of the newest level, for this block's parts; int8: the rows alone.
  DEVICE void sum_older(int sample) {
    Pair<Sum>* to = reinterpret_cast<Pair<Sum>*>(older());
    for (int index = part_begin_; index < part_end_; ++index) {
      const Part p = part(index);
      const float* word = word_of(sample, p.stream);
      const int before = static_cast<int>(m_.look_back) - 1;
      const u8* levels = level(p.stream, sample - before - 1);
      for (int pair = p.first + thread(); pair < p.last; pair += kThreads) {
        Pair<Sum> sum = {};
        if constexpr (kPrecision != 2) {
          sum.low = static_cast<Sum>(exchanged(word + pair * 2));
          sum.high = static_cast<Sum>(exchanged(word + pair * 2 + 1));
        }
#pragma unroll 4
        for (int k = 0; k < before; ++k) {
          const Pair<Sum> row = row_of(k, exchanged(levels + k), pair);
          sum = {add_parts(sum.low, row.low), add_parts(sum.high, row.high)};
        }
        to[(index - part_begin_) * pairs_of_part() + pair - p.first] = sum;
      }
    }
  }

  // first = ReLU of the word and all rows.
  DEVICE void finish_first(int sample) {
    const Pair<Sum>* from = reinterpret_cast<const Pair<Sum>*>(older());
    for (int index = part_begin_; index < part_end_; ++index) {
      const Part p = part(index);
      const float* word = word_of(sample, p.stream);
      const int newest = drawn()[p.local], place = static_cast<int>(m_.look_back) - 1;
      for (int pair = p.first + thread(); pair < p.last; pair += kThreads) {
        const Pair<Sum> sum = from[(index - part_begin_) * pairs_of_part() + pair - p.first];
        const Pair<Sum> row = row_of(place, newest, pair);
        float low, high;
        if constexpr (kPrecision == 2) {
          low = fused(from_int(static_cast<int>(sum.low + row.low)), weight(m_.table_scale + pair * 2), exchanged(word + pair * 2));
          high = fused(from_int(static_cast<int>(sum.high + row.high)), weight(m_.table_scale + pair * 2 + 1),
                       exchanged(word + pair * 2 + 1));
        } else {
          low = static_cast<float>(add_parts(sum.low, row.low));
          high = static_cast<float>(add_parts(sum.high, row.high));
        }
        float* to = c_.first + line(p.stream) + pair * 2;
        to[0] = greatest(low, 0.0f);
        to[1] = greatest(high, 0.0f);
      }
    }
  }

  DEVICE void step_sample(int sample, bool more_of_frame) {
    finish_first(sample);
    inner_arrive();
    inner_wait();
    for_rounds([&](const Round& round) {
      if (hidden_begin_ == hidden_end_) return;
      load<false>(0, c_.first, round);
      sync();
      dense(m_.hidden, hidden_begin_, hidden_end_, static_cast<int>(c_.pinned_hidden), c_.at_hidden, round,
            [&](int row, int stream, int slot, int output) {
              const float y = complete(m_.hidden, row, slot, output, 0, weight(m_.hidden_bias + row));
              c_.second[line(stream) + row] = greatest(y, 0.0f);
            });
    });
    inner_arrive();
    inner_wait();
    for_rounds([&](const Round& round) {
      if (output_begin_ == output_end_) return;
      load<false>(0, c_.second, round);
      sync();
      dense(m_.output, output_begin_, output_end_, static_cast<int>(c_.pinned_output), c_.at_output, round,
            [&](int row, int stream, int slot, int output) {
              const float y = complete(m_.output, row, slot, output, 0, weight(m_.output_bias + row));
              c_.logits[static_cast<size_t>(stream) * kLevels + row] = y;
              if (c_.scores && lives(stream, sample)) {
                const i64 at = stream * c_.frames * m_.tier[0].frame + sample;
                c_.scores[at * kLevels + row] = mul(y, weight(c_.inverse_temperature + stream));
              }
            });
    });
    inner_arrive();
    // Levels up to the one before this sample are known to all since the last barrier: enough for all rows but one.
    if (more_of_frame) sum_older(sample + 1);
    inner_wait();
  }

  // The newer states go where the host looks for them: into the first of the two.
  DEVICE void settle() {
    if (rank_ == 0 && thread() == 0) c_.made[team_] = reported_;
    for (int tier = 0; tier < m_.tiers; ++tier) {
      if (!(turns_ >> tier & 1u)) continue;
      for (int layer = 0; layer < m_.layers; ++layer) {
        const float* from = state(tier, layer, true);
        float* to = state(tier, layer, false);
        const int units = (unit_end_ - unit_begin_) * kTile;
        for (int i = thread(); i < units * (last_stream_ - first_stream_); i += kThreads) {
          const size_t at = line(first_stream_ + i / units) + unit_begin_ * kTile + i % units;
          to[at] = exchanged(from + at);
        }
      }
    }
  }
};

KERNEL(kThreads) sonorize_sample(const Model* model, const Call* call) {
  char* memory = shared_memory();
  Model* m = reinterpret_cast<Model*>(memory);
  Call* c = reinterpret_cast<Call*>(memory + (sizeof(Model) + 15) / 16 * 16);
  for (int i = thread(); i < static_cast<int>(sizeof(Model) / 8); i += kThreads)
    reinterpret_cast<u64*>(m)[i] = reinterpret_cast<const u64*>(model)[i];
  for (int i = thread(); i < static_cast<int>(sizeof(Call) / 8); i += kThreads)
    reinterpret_cast<u64*>(c)[i] = reinterpret_cast<const u64*>(call)[i];
  sync();
  Loop(*m, *c, memory).run();
}
