// See machine.h.

#include "machine.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__) && defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace sonorize {
namespace {

const Kernels* compiled(int set) {
  switch (set) {
    case kPortable: return portable_kernels();
    case kAvx2: return avx2_kernels();
    case kAvx512: return avx512_kernels();
    case kAvxVnni: return avx_vnni_kernels();
    case kAvx512Bf16: return avx512_bf16_kernels();
    case kAmx: return amx_kernels();
    default: return nullptr;
  }
}

#if defined(__x86_64__)

struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers leaf7(unsigned subleaf) {
  Registers r;
  if (!__get_cpuid_count(7, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx)) return {};
  return r;
}

bool bit(unsigned word, int place) { return word >> place & 1; }

// Bits of XCR0: the registers that the system saves. Only where OSXSAVE says that it can be read.
uint64_t saved_registers() {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !bit(c, 27)) return 0;
  unsigned low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

bool avx2() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool avx512() {
  return avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
}

// Asked by CPUID itself: compilers that know the instructions do not all know the names. Leaf 7, SDM volume 2A.
bool in_processor(int set) {
  constexpr uint64_t kTileState = 3u << 17;  // TILECFG and TILEDATA
  switch (set) {
    case kPortable: return true;
    case kAvx2: return avx2();
    case kAvxVnni: return avx2() && bit(leaf7(1).eax, 4);
    case kAvx512: return avx512();
    case kAvx512Bf16: return avx512() && bit(leaf7(1).eax, 5);
    case kAmx: {
      const unsigned features = leaf7(0).edx;  // 22 AMX-BF16, 24 AMX-TILE, 25 AMX-INT8
      return avx512() && bit(features, 22) && bit(features, 24) && bit(features, 25) &&
             (saved_registers() & kTileState) == kTileState;
    }
    default: return false;
  }
}

#else

bool in_processor(int set) { return set == kPortable; }

#endif

// Linux gives tiles to a process that asks (since 5.16), and then to threads that it starts later too.
Permission ask_for_tiles() {
#if defined(__linux__) && defined(__x86_64__)
  constexpr int kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM of the feature XTILEDATA
  return syscall(SYS_arch_prctl, kRequest, kTileData) == 0 ? Permission::kGranted : Permission::kRefused;
#else
  return Permission::kRefused;
#endif
}

}  // namespace

bool has(int set) { return compiled(set) && in_processor(set); }

Permission permission(int set) {
  if (set != kAmx || !has(set)) return Permission::kNotNeeded;
  static const Permission answer = ask_for_tiles();
  return answer;
}

const Kernels* usable_kernels(int set) {
  return has(set) && permission(set) != Permission::kRefused ? compiled(set) : nullptr;
}

}  // namespace sonorize
