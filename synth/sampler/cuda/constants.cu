// The constants that the sampling loop's speed rests on, in cycles: `make gpu` measures them and sets what the loop
// achieves against the floor that they give. Nothing of it has run on a GPU yet.
//
// Each kernel repeats one step of communication or one dependent load and leaves the cycles of all repeats.

#include "machine.cuh"

DEVICE i64 now() { return clock64(); }
DEVICE bool reports() { return threadIdx.x == 0 && blockIdx.x == 0; }

// A chain of dependent loads, each the address of the next; `words` of them in a ring.
extern "C" __global__ void measure_shared_latency(int repeats, int words, u32* memory, i64* cycles) {
  __shared__ u32 ring[1024];
  for (int i = threadIdx.x; i < 1024; i += blockDim.x) ring[i] = (i * 33 + 17) % 1024;
  __syncthreads();
  u32 at = threadIdx.x;
  const i64 begin = now();
  for (int i = 0; i < repeats; ++i) at = ring[at];
  const i64 end = now();
  if (reports()) *cycles = end - begin;
  memory[threadIdx.x] = at + words;
}
extern "C" __global__ void measure_l2_latency(int repeats, int words, u32* memory, i64* cycles) {
  for (int i = threadIdx.x; i < words; i += blockDim.x) memory[i] = static_cast<u32>((i + 97) % words);
  __threadfence();
  __syncthreads();
  u32 at = threadIdx.x;
  const i64 begin = now();
  for (int i = 0; i < repeats; ++i) at = __ldcg(memory + at);
  const i64 end = now();
  if (reports()) *cycles = end - begin;
  memory[words + threadIdx.x] = at;
}

// All blocks arrive at a counter and wait for all: the kernel's barrier.
extern "C" __global__ void measure_barrier(int repeats, int words, u32* memory, i64* cycles) {
  const i64 begin = now();
  for (int i = 1; i <= repeats; ++i) {
    __syncthreads();
    if (threadIdx.x == 0) {
      arrive_at(memory);
      while (!arrived(memory, static_cast<u32>(i) * gridDim.x)) {
      }
    }
    __syncthreads();
  }
  const i64 end = now();
  if (reports()) *cycles = end - begin + 0 * words;
}

// All blocks write `words` words of 8 bytes, value and epoch in one, and read everybody's until the epochs are right.
extern "C" __global__ void measure_l2_hop(int repeats, int words, u32* memory, i64* cycles) {
  u64* all = reinterpret_cast<u64*>(memory);
  const int count = static_cast<int>(gridDim.x) * words;
  u32 sum = 0;
  const i64 begin = now();
  for (int i = 1; i <= repeats; ++i) {
    u64* turn = all + static_cast<size_t>(i & 1) * count;
    for (int at = threadIdx.x; at < words; at += blockDim.x) {
      const u64 value = static_cast<u64>(i) << 32 | (sum + at);
      asm volatile("st.relaxed.gpu.global.u64 [%0], %1;" ::"l"(turn + blockIdx.x * words + at), "l"(value) : "memory");
    }
    for (int at = threadIdx.x; at < count; at += blockDim.x) {
      u64 value;
      do
        asm volatile("ld.relaxed.gpu.global.u64 %0, [%1];" : "=l"(value) : "l"(turn + at) : "memory");
      while (value >> 32 != static_cast<u64>(i));
      sum += static_cast<u32>(value);
    }
    __syncthreads();
  }
  const i64 end = now();
  if (reports()) *cycles = end - begin + (sum == 1 ? 1 : 0);
}

#if SONORIZE_CLUSTER
extern "C" __global__ void measure_cluster_barrier(int repeats, int words, u32* memory, i64* cycles) {
  cluster_arrive();
  cluster_wait();
  const i64 begin = now();
  for (int i = 0; i < repeats; ++i) {
    cluster_arrive();
    cluster_wait();
  }
  const i64 end = now();
  if (reports()) *cycles = end - begin + 0 * words;
}

// Each block sends `words` times 16 bytes into the shared memory of every block of its cluster and waits for all.
extern "C" __global__ void measure_cluster_hop(int repeats, int words, u32* memory, i64* cycles) {
  extern __shared__ __align__(128) char data[];
  __shared__ __align__(8) u64 barriers[2];
  u32 rank, size;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  asm volatile("mov.u32 %0, %%cluster_nctaid.x;" : "=r"(size));
  const u32 local = static_cast<u32>(__cvta_generic_to_shared(data));
  const u32 bars = static_cast<u32>(__cvta_generic_to_shared(barriers));
  if (threadIdx.x < 2) asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(bars + threadIdx.x * 8));
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  cluster_arrive();
  cluster_wait();
  const int pieces = words * static_cast<int>(size);
  const i64 begin = now();
  for (int i = 0; i < repeats; ++i) {
    const u32 bar = bars + (i & 1) * 8, phase = static_cast<u32>(i >> 1) & 1u;
    const u32 mine = local + static_cast<u32>((i & 1) * pieces + rank * words) * 16;
    if (threadIdx.x == 0)
      asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(bar), "r"(pieces * 16) : "memory");
    for (int at = threadIdx.x; at < pieces; at += blockDim.x) {
      const u32 to = static_cast<u32>(at) % size, piece = static_cast<u32>(at) / size;
      u32 remote, remote_bar;
      asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(remote) : "r"(mine + piece * 16), "r"(to));
      asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(remote_bar) : "r"(bar), "r"(to));
      asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.v4.b32 [%0], {%1,%1,%1,%1}, [%2];" ::"r"(remote),
                   "r"(i), "r"(remote_bar)
                   : "memory");
    }
    u32 done;
    do
      asm volatile(
          "{ .reg .pred p; mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
          : "=r"(done)
          : "r"(bar), "r"(phase)
          : "memory");
    while (!done);
    __syncthreads();
  }
  const i64 end = now();
  if (reports()) *cycles = end - begin;
  cluster_arrive();
  cluster_wait();
  memory[threadIdx.x] = static_cast<u32>(data[threadIdx.x]);
}
#endif
