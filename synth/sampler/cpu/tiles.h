// Products on AMX: a tile of sums is 16 streams by 16 outputs, one instruction adds 64 bytes of inputs to all of them.
//
// The panels of products.h are tiles already: of 16 groups of inputs, 16 neighbouring outputs are 16 rows of 64 bytes,
// 256 bytes apart. Sums of whole numbers need no order; those of bfloat16 come in the order that bf16.h gives them.

#pragma once

#include <immintrin.h>

#include <type_traits>

#include "products.h"

namespace sonorize {
namespace {

constexpr int kTileRows = 16, kTileBytes = 64;

// As the processor reads it: table 6-3 of Intel's instruction set extensions reference.
struct TileShapes {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

// This thread's tiles, while it lives; afterwards the system need not save them any more.
class OwnTiles {
 public:
  OwnTiles() {
    TileShapes shapes;
    for (int tile = 0; tile < 8; ++tile) {
      shapes.row_bytes[tile] = kTileBytes;
      shapes.rows[tile] = kTileRows;
    }
    _tile_loadconfig(&shapes);
  }
  ~OwnTiles() { _tile_release(); }
  OwnTiles(const OwnTiles&) = delete;
  OwnTiles& operator=(const OwnTiles&) = delete;
};

// Weights are loaded past the nearest cache (TILELOADDT1), which so keeps the inputs of 32 streams: 72 cycles instead of
// 98 for four products, of 64 that are possible.

// The compiler does not know that tiles are loaded from memory.
SONORIZE_INLINE void memory_is_read() { asm volatile("" : : : "memory"); }

// Tile `C` += inputs in tile `A` times weights in tile `B`. Tiles are named by number: they are registers.
#define SONORIZE_ADD_PRODUCT(C, A, B)    \
  do {                                   \
    if constexpr (P::kGroup == 4)        \
      _tile_dpbusd(C, A, B);             \
    else                                 \
      _tile_dpbf16ps(C, A, B);           \
  } while (false)

constexpr int kPanelsAtOnce = 4;
constexpr int kPanelRow = 256;  // bytes of one group of inputs in a panel of 64 outputs

// 32 streams by 32 outputs, to out [32][32]: every load of a tile serves two products.
template <class P>
__attribute__((noinline)) void two_by_two(const char* weights, int groups, const char* inputs, size_t stride,
                                          void* out) {
  const char* more_inputs = inputs + kTileRows * stride;
  memory_is_read();
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int group = 0; group < groups; group += kTileRows) {
    const char* at = weights + group * kPanelRow;
    _tile_stream_loadd(6, at, kPanelRow);
    _tile_loadd(4, inputs, stride);
    SONORIZE_ADD_PRODUCT(0, 4, 6);
    _tile_stream_loadd(7, at + kTileBytes, kPanelRow);
    SONORIZE_ADD_PRODUCT(1, 4, 7);
    _tile_loadd(5, more_inputs, stride);
    SONORIZE_ADD_PRODUCT(2, 5, 6);
    SONORIZE_ADD_PRODUCT(3, 5, 7);
    inputs += kTileBytes;
    more_inputs += kTileBytes;
  }
  char* sums = static_cast<char*>(out);
  constexpr int kOutRow = 2 * kTileBytes;
  _tile_stored(0, sums, kOutRow);
  _tile_stored(1, sums + kTileBytes, kOutRow);
  _tile_stored(2, sums + kTileRows * kOutRow, kOutRow);
  _tile_stored(3, sums + kTileRows * kOutRow + kTileBytes, kOutRow);
}

// 16 streams by the 64 outputs of a panel, to out [16][64].
template <class P>
__attribute__((noinline)) void one_by_four(const char* weights, int groups, const char* inputs, size_t stride,
                                           void* out) {
  memory_is_read();
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int group = 0; group < groups; group += kTileRows) {
    const char* at = weights + group * kPanelRow;
    _tile_loadd(4, inputs, stride);
    _tile_stream_loadd(5, at, kPanelRow);
    SONORIZE_ADD_PRODUCT(0, 4, 5);
    _tile_stream_loadd(6, at + kTileBytes, kPanelRow);
    SONORIZE_ADD_PRODUCT(1, 4, 6);
    _tile_stream_loadd(7, at + 2 * kTileBytes, kPanelRow);
    SONORIZE_ADD_PRODUCT(2, 4, 7);
    _tile_stream_loadd(5, at + 3 * kTileBytes, kPanelRow);
    SONORIZE_ADD_PRODUCT(3, 4, 5);
    inputs += kTileBytes;
  }
  char* sums = static_cast<char*>(out);
  constexpr int kOutRow = 4 * kTileBytes;
  _tile_stored(0, sums, kOutRow);
  _tile_stored(1, sums + kTileBytes, kOutRow);
  _tile_stored(2, sums + 2 * kTileBytes, kOutRow);
  _tile_stored(3, sums + 3 * kTileBytes, kOutRow);
}

// put(stream, row, base(stream, row) + sum) for the rows of panels first..last - 1 and all streams. Inputs hold whole
// tiles: what lies beyond the last stream is multiplied too, and left.
template <class V, class P, class Base, class Put>
SONORIZE_INLINE void multiply_tiles(const Product& w, int first, int last, const Input& x, int streams,
                                    const Base& base, const Put& put) {
  using Number = std::conditional_t<P::kGroup == 4, int32_t, float>;
  constexpr int kMost = 2 * kTileRows;  // streams, or outputs, of two tiles
  alignas(64) Number sums[kMost * kMost];
  const auto hand_on = [&](int stream, int count, int row, int columns) {
    for (int v = 0; v < columns; v += V::kLanes) {
      const typename P::Rows rows(w, row + v);
      for (int b = stream; b < stream + count; ++b) {
        const typename P::Sum sum = P::load(sums + (b - stream) * columns + v);
        put(b, row + v, rows.add(sum, x.step ? x.step[b] : 1.0f, base(b, row + v)));
      }
    }
  };
  const auto one_panel = [&](int panel, int stream) {
    const char* weights = w.data + static_cast<size_t>(panel) * w.groups * kPanelRow;
    const char* inputs = static_cast<const char*>(x.data) + stream * x.stride;
    const int left = streams - stream, row = panel * 4 * kTileRows;
    if (left <= kTileRows) {
      one_by_four<P>(weights, w.groups, inputs, x.stride, sums);
      hand_on(stream, left, row, 4 * kTileRows);
    } else {
      two_by_two<P>(weights, w.groups, inputs, x.stride, sums);
      hand_on(stream, left < kMost ? left : kMost, row, 2 * kTileRows);
      two_by_two<P>(weights + 2 * kTileBytes, w.groups, inputs, x.stride, sums);
      hand_on(stream, left < kMost ? left : kMost, row + 2 * kTileRows, 2 * kTileRows);
    }
  };
  // A few panels, which the second cache holds, for some streams, whose inputs the first cache holds; then for others.
  for (int begin = first; begin < last; begin += kPanelsAtOnce)
    for (int stream = 0; stream < streams; stream += kMost)
      for (int panel = begin; panel < begin + kPanelsAtOnce && panel < last; ++panel) one_panel(panel, stream);
}

}  // namespace
}  // namespace sonorize
