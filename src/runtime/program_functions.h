// The functions of a loaded program as attach points. What is attached to the program's first function runs
// around its Executable; for the others the program is compiled once more, with every call going through
// its attach point. Invariant: a program to which nothing was ever attached runs as it was made; tail calls
// into a program pass its attach points by, as on Linux.
#pragma once
#include <vector>

#include "runtime/kernel.h"
#include "runtime/traced_function.h"

namespace osmia::runtime {

class ProgramFunctions {
 public:
  ProgramFunctions() = default;
  ProgramFunctions(const ProgramFunctions&) = delete;
  ProgramFunctions& operator=(const ProgramFunctions&) = delete;

  // The attach point of the target's function number n (an index into its func_info). Lives as long as the
  // target. Errors: EOPNOTSUPP for what cannot be traced here, and what compiling gives.
  static Result<TracedFunctionPtr> get(Kernel&, const ProgramPtr& target, u32 n);

 private:
  // One function: how its arguments look to who traces it.
  struct Point {
    TracedFunctionPtr function;
    u64 (*to_kernel)(u64, u64, u64, u64, u64) = nullptr;  // the program's context as the kernel's struct
    u32 context_arguments = 0;                            // bit n: argument n is the context
  };
  static u64 enter(void* ctx, Executable* self);
  static u64 call(u64 point, u64 args, u64 function, u64, u64);
  template <class Fn>
  static u64 through(const Point&, const u64* args, const Fn& original);
  Status compile_with_points(Kernel&, Program&);
  Point& point(Program&, u32 n);

  std::vector<std::unique_ptr<Point>> points_;  // by function; null: nobody asked
  std::shared_ptr<Executable> second_;          // with points for all but the first function
  std::atomic<Executable*> runs_{nullptr};      // second_, once it is there
};

}  // namespace osmia::runtime
