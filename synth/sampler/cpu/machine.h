// Which instruction sets this processor has and this process may use.

#pragma once

#include "model.h"

namespace sonorize {

// As synth/sampler/native.py numbers them.
enum InstructionSet { kPortable, kAvx2, kAvx512, kAvxVnni, kAvx512Bf16, kAmx };

enum class Permission { kNotNeeded, kGranted, kRefused };

// The kernels of an instruction set, or null: not compiled, not in this processor, or not allowed.
const Kernels* usable_kernels(int set);

// Whether the processor has it and the library too, whatever the system says.
bool has(int set);

// Of the system, for AMX: its tiles are 8 KB more to save for every thread, so Linux wants to be asked, once a process.
Permission permission(int set);

}  // namespace sonorize
