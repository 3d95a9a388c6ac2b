// What the kernel asks of a GPU, one function each: nothing else in these sources names an instruction.
//
// The same sources compile for a CPU (SONORIZE_ON_HOST), where every thread of every block is a fiber and a random
// scheduler runs them: that is how the kernel's logic is tested where there is no GPU.

#pragma once

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

struct alignas(16) Four {
  u32 x, y, z, w;
};
struct alignas(16) FourFloats {
  float x, y, z, w;
};

#ifdef SONORIZE_ON_HOST
#include "on_host.h"
#else

#define DEVICE __device__ __forceinline__
#define KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads, 1)

DEVICE char* shared_memory() {
  extern __shared__ __align__(128) char memory[];
  return memory;
}
DEVICE int thread() { return static_cast<int>(threadIdx.x); }
DEVICE int block() { return static_cast<int>(blockIdx.x); }
DEVICE void sync() { __syncthreads(); }
DEVICE void sync_warp() { __syncwarp(); }
DEVICE float shuffle_xor(float value, int mask) { return __shfl_xor_sync(~0u, value, mask); }
DEVICE int shuffle_xor(int value, int mask) { return __shfl_xor_sync(~0u, value, mask); }
DEVICE float shuffle(float value, int lane) { return __shfl_sync(~0u, value, lane); }
DEVICE int shuffle(int value, int lane) { return __shfl_sync(~0u, value, lane); }
DEVICE u32 votes(bool value) { return __ballot_sync(~0u, value); }
DEVICE int lowest_bit(u32 bits) { return __ffs(static_cast<int>(bits)) - 1; }

// Rounded to nearest, once, and never contracted.
DEVICE float add(float a, float b) { return __fadd_rn(a, b); }
DEVICE float sub(float a, float b) { return __fsub_rn(a, b); }
DEVICE float mul(float a, float b) { return __fmul_rn(a, b); }
DEVICE float div(float a, float b) { return __fdiv_rn(a, b); }
DEVICE float fused(float a, float b, float c) { return __fmaf_rn(a, b, c); }
DEVICE float greatest(float a, float b) { return fmaxf(a, b); }
DEVICE float least(float a, float b) { return fminf(a, b); }
DEVICE float from_int(int a) { return __int2float_rn(a); }
DEVICE int bits_of(float a) { return __float_as_int(a); }
DEVICE float float_of(int bits) { return __int_as_float(bits); }
DEVICE u32 high_product(u32 a, u32 b) { return __umulhi(a, b); }

// Two floats as bfloat16, nearest even, the first in the lower half.
DEVICE u32 bfloat16_pair(float low, float high) {
  u32 pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

// acc [16 rows][8 columns] += a [16][32 bytes] x b [32 bytes][8]: 16 bfloat16 or 32 bytes of depth.
DEVICE void multiply_tile(float (&acc)[4], const Four& a, u32 b0, u32 b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(acc[0]), "+f"(acc[1]), "+f"(acc[2]), "+f"(acc[3])
      : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b0), "r"(b1));
}
DEVICE void multiply_tile(int (&acc)[4], const Four& a, u32 b0, u32 b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k32.row.col.s32.s8.u8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+r"(acc[0]), "+r"(acc[1]), "+r"(acc[2]), "+r"(acc[3])
      : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b0), "r"(b1));
}

// Weights: written before the launch, read through the read-only path.
DEVICE Four weights(const Four* at) {
  Four value;
  asm volatile("ld.global.nc.v4.u32 {%0,%1,%2,%3}, [%4];"
               : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
               : "l"(at));
  return value;
}
DEVICE float weight(const float* at) { return __ldg(at); }
DEVICE int weight(const int* at) { return __ldg(at); }
DEVICE u32 weight(const u32* at) { return __ldg(at); }

// What other blocks wrote in this launch: read from L2, where it is, and never from this multiprocessor's L1.
DEVICE FourFloats exchanged4(const float* at) {
  const float4 value = __ldcg(reinterpret_cast<const float4*>(at));
  return {value.x, value.y, value.z, value.w};
}
DEVICE float exchanged(const float* at) { return __ldcg(at); }
DEVICE int exchanged(const int* at) { return __ldcg(at); }
DEVICE int exchanged(const u8* at) { return __ldcg(at); }

// A counter that blocks arrive at; it only grows.
DEVICE void arrive_at(u32* counter) {
  __threadfence();
  asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(counter) : "memory");
}
DEVICE bool arrived(const u32* counter, u32 target) {
  u32 value;
  asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(value) : "l"(counter) : "memory");
  return static_cast<int>(value - target) >= 0;
}
DEVICE void rest() { __nanosleep(64); }
DEVICE void give_up() { __trap(); }

// What the host reads and writes while the kernel runs.
DEVICE void tell_host(int* at, int value) {
  asm volatile("st.relaxed.sys.global.s32 [%0], %1;" ::"l"(at), "r"(value) : "memory");
}
DEVICE int told_by_host(const int* at) {
  int value;
  asm volatile("ld.relaxed.sys.global.s32 %0, [%1];" : "=r"(value) : "l"(at) : "memory");
  return value;
}

#if SONORIZE_CLUSTER
// Every thread of every block of the cluster; orders global memory between them too.
DEVICE void cluster_arrive() { asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory"); }
DEVICE void cluster_wait() { asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory"); }
#endif

#endif
