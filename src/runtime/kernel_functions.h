// The kernel's functions that this process implements, so that programs attached to them run: those that
// Linux itself has for testing its trampolines, which test runs of tracing programs call.
#pragma once
#include <initializer_list>
#include <string_view>
#include <vector>

#include "runtime/kernel.h"
#include "runtime/traced_function.h"

namespace osmia::runtime {

// Names, for symbol tables.
const std::vector<std::string_view>& kernel_function_names();
bool implemented(std::string_view kernel_function);

// Runs one with what is attached to it. Its BTF is the Kernel's; without BTF nothing can be attached.
u64 call_kernel_function(const Kernel&, std::string_view name, std::initializer_list<u64> args);

// The attach point of a function in the kernel's or a module's BTF; null: the type is no function.
TracedFunctionPtr kernel_function(const Kernel&, const BtfObject& btf, u32 type);

}  // namespace osmia::runtime
