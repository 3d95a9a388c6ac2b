// What the engine and the kernels of each instruction set share: plain structs, no inline code that a linker might
// take from the wrong file.
//
// Matrices lie in panels of `panel` outputs, the panels one after the other; in a panel, 4 bytes an output for each
// group of inputs (1 of fp32, 2 of bf16, 4 of int8), so that one broadcast of 4 (bf16: 8) bytes of input meets a whole
// vector of outputs. Rows beyond the width are zero, gate by gate: D is padded to Dp, a multiple of the panel. Groups
// of bf16 and int8 are padded to a multiple of 16, the rows of a tile.

#pragma once

#include <cstddef>
#include <cstdint>

namespace sonorize {

constexpr int kLevels = 256;
constexpr int kMaxTiers = 8;
constexpr int kMaxLayers = 8;
constexpr int kFp32 = 0, kBf16 = 1, kInt8 = 2;

struct Product {
  const char* data = nullptr;
  const float* scale = nullptr;          // int8: step of a row
  const int32_t* correction = nullptr;   // int8: offset of the activations times the row's sum
  int groups = 0;                        // of inputs
};

struct Tier {
  Product samples;                       // fp32 in every precision
  const float* bias = nullptr;           // [variants][G * Dp]
  const Product* above = nullptr;        // [variants], or null
  const Product* upsampling = nullptr;   // [variants], or null
  int variants = 1;
  bool has_inputs[kMaxLayers] = {};
  Product inputs[kMaxLayers];
  const float* input_bias[kMaxLayers] = {};
  Product recurrent[kMaxLayers];
  const float* recurrent_bias[kMaxLayers] = {};
};

struct Model {
  int precision, tiers, width, gates, layers, conditioning;
  int frames[kMaxTiers];
  int padded;   // Dp
  int panels;   // Dp / panel
  // From one stream's vector to the next: a line of cache more than the numbers need, or all streams' numbers at one
  // place would share the few ways of one set.
  size_t line, gate_line;  // floats
  size_t unit_stride;      // bytes from one stream's vector to the next, as products take them
  int level_panels;
  bool lstm;
  Tier tier[kMaxTiers];
  Product conditions;   // fp32
  const Product* words = nullptr;   // [look back]
  const float* word_bias = nullptr; // [look back][Dp]
  const void* tables = nullptr;     // [look back][256][Dp]
  const float* table_scale = nullptr;
  Product hidden, output;
  const float* hidden_bias = nullptr;
  const float* output_bias = nullptr;

  int top() const { return frames[0]; }
  int look_back() const { return frames[tiers - 1]; }
};

// One stream's part in a call, as Python lays it out.
struct Call {
  float* hidden;          // [tiers][states][layers][D], replaced by the state after the call
  const uint8_t* before;  // [top frame]
  uint8_t* levels;        // [frames * top frame]: written, or read where `known`
  const float* gates;     // [frames][G * Dp], or null
  float* logits;          // [frames * top frame][256], or null
  uint64_t seed, stream, position;
  float inverse_temperature;
  int32_t known;
};

// Buffers of one team of threads; rows are streams.
struct Scratch {
  float* state[kMaxTiers][kMaxLayers][2];  // hidden vectors, before and after a step in turn
  float* cell[kMaxTiers][kMaxLayers];
  float *inward, *carried, *word, *second, *upsampled;  // word and second twice where members work alone
  float* first;         // fp32
  uint8_t* units;       // else: the hidden layer's input
  float* units_step;
};

// Buffers of one thread. Units are vectors as products take them: 7-bit numbers, bfloat16.
struct Own {
  uint8_t* state[kMaxTiers][kMaxLayers];  // units of the states
  float* state_step[kMaxTiers][kMaxLayers];
  uint8_t* units;                         // and of any other input
  float* units_step;
  float *line, *first;                    // one vector; fp32: the hidden layer's input of a member that works alone
  float* logits;
  float* samples;                         // levels - 127.5
  uint8_t* levels;                        // [streams][top frame + all that this call makes]
};

struct Team;              // threads that share the outputs of the same streams
void wait(Team* team);    // until all of the team have come here

struct Task {
  const Model* model;
  Scratch* scratch;
  Own* own;            // this thread's
  uint8_t* levels;     // the team's, where its threads do not each keep their own
  Call* calls;
  int streams, frames;
  Team* team;
  int member, members;
  bool alone;          // each member does for itself what is done to one stream's vectors
};

constexpr int kPeakStreams = 32;  // as many as the inputs of `peak` hold

struct Kernels {
  int panel;
  int unit_bytes[3];  // of one number, by precision; 0: floats as they are
  bool pairs;         // bf16: of four inputs the order is third, first, fourth, second
  bool tiles;
  void (*run)(const Task&);
  void (*gates)(const Model&, const float* rows, int count, float* out, int first_panel, int last_panel);
  // Goes `repeats` times over the first panel of w with as many streams as one block takes; how many multiplications
  // that were.
  double (*peak)(int precision, const Product& w, const void* inputs, int repeats);
  double (*read)(const char* data, size_t bytes);
};

// Null where the compiler did not know the instructions.
const Kernels* portable_kernels();
const Kernels* avx2_kernels();
const Kernels* avx512_kernels();
const Kernels* avx_vnni_kernels();
const Kernels* avx512_bf16_kernels();
const Kernels* amx_kernels();

}  // namespace sonorize
