// AMX: products of whole tiles, 16 streams by 16 outputs by 64 bytes of inputs an instruction.

#include "model.h"

#if defined(__AMX_INT8__) && defined(__AMX_BF16__)  // setup.py compiles this file so, where the compiler knows how

#include "halves.h"
#include "kernels.h"
#include "tiles.h"

namespace sonorize {
namespace {

struct Amx : Avx512Halves {
  static constexpr bool kTiles = true;
  static constexpr int kFewestForTiles = 5;  // below, a vector kernel has read the weights as soon
  using Tiles = OwnTiles;

  template <class P, class Base, class Put>
  static SONORIZE_INLINE void multiply_tiles(const Product& w, int first, int last, const Input& x, int streams,
                                             const Base& base, const Put& put) {
    sonorize::multiply_tiles<Amx, P>(w, first, last, x, streams, base, put);
  }
};

}  // namespace

const Kernels* amx_kernels() { return kernels_of<Amx>(); }

}  // namespace sonorize

#else

namespace sonorize {
const Kernels* amx_kernels() { return nullptr; }
}  // namespace sonorize

#endif
