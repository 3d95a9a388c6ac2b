// What lies where: every member is 8 bytes, and synth/sampler/cuda/layout.py fills them in this order.
//
// Tiles: 16 rows of a matrix whole, the next 16 after them. bfloat16 and int8: for each 32 bytes of depth, for each lane,
// the 16 bytes that it multiplies with; fp32: for each k, the 16 rows. Rows beyond the width are zero, gate by gate.

#pragma once

#include "machine.cuh"

constexpr int kMaxTiers = 4, kMaxLayers = 4;
constexpr int kFirst = 0, kFolded = 1, kUnfolded = 2;
constexpr int kBarrierStride = 64;  // words, so that no two counters share a line

struct Matrix {
  const void* tiles;
  const float* scale;     // int8: a row's step
  const int* correction;  // int8: the inputs' offset times a row's sum
  i64 rows;
};

struct Tier {
  const float* samples;  // [frame][gates * Dp]
  const float* bias;     // [variants][gates * Dp]
  i64 frame, variants, kind;
  Matrix above;       // [variants * gates * Dp], folded tiers
  Matrix upsampling;  // [variants * Dp], unfolded ones
  Matrix inputs[kMaxLayers];
  const float* input_bias[kMaxLayers];
  Matrix recurrent[kMaxLayers];
  const float* recurrent_bias[kMaxLayers];
};

struct Model {
  i64 padded, tiers, layers, look_back, conditioning;
  Tier tier[kMaxTiers];
  const float* conditions;  // [conditioning][gates * Dp]
  Matrix words;             // [look back * Dp]
  const float* word_bias;   // [look back][Dp]
  const void* tables;       // [look back][256][Dp]: floats, bfloat16, or 16-bit integers
  const float* table_scale;
  Matrix hidden, output;
  const float *hidden_bias, *output_bias;
};

struct Call {
  i64 streams, teams, outer, inner, frames, known;
  i64 pinned_hidden, pinned_output;  // tiles of a block in shared memory
  i64 at_inputs, at_steps, at_sums, at_drawn, at_older, at_hidden, at_output;  // bytes of shared memory
  u8* levels;  // [streams][level_stride]: a top frame from before, then this call's
  i64 level_stride;
  const int* counts;  // [streams] top frames
  const u64* keys;    // [3][streams]: seed, stream, position
  const float* inverse_temperature;
  const float* conditioning;
  i64 conditioning_stride;  // floats
  float* scores;            // [streams][frames * top frame][256], or null
  float* states;            // [tiers][layers][2][streams][Dp]; the first of the two is read and left
  float* cells;             // [tiers][layers][streams][Dp]
  float *words;             // [look back][streams][Dp]
  float *first, *second, *upsampled;  // [streams][Dp]
  float* logits;                      // [streams][256]
  u32* barriers;                      // [teams][2][kBarrierStride], zero
  int* stop;                          // [teams][2]
  int* made;                          // [teams] top frames
  int* progress;                      // [teams], the host's
  const int* cancel;                  // the host's
};
