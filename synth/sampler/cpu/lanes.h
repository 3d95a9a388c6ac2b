// What every file of vectors needs. A struct of vectors, V, holds F (floats), I (whole numbers of 32 bits) and H (of
// 16 bits), kLanes of the first two and twice as many of the last, and the few operations that the sampler is made of.
//
// How bfloat16 numbers come in is V's choice: kHalves says that vectors are kept as 16-bit numbers (else as floats that
// were rounded), kPairs that a product of pairs exists (see bf16.h). kTiles says that there are tiles (tiles.h).

#pragma once

#include <cstddef>
#include <cstdint>

#define SONORIZE_INLINE inline __attribute__((always_inline))
// Loops over the sums of a block must be unrolled, so that the sums live in registers and nowhere else.
#define SONORIZE_UNROLL _Pragma("GCC unroll 16")

namespace sonorize {

constexpr uint32_t kLeastBf16 = 0x2B800000u;  // 2**-40: nearer to zero, a number is zero to bf16 products

struct NoTiles {};

}  // namespace sonorize
