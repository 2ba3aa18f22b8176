// asmjit's AArch64 assembler. Debian's package installs its parts, but not the header that collects them.
#pragma once
#include <asmjit/arm.h>
#include <asmjit/arm/a64assembler.h>
#include <asmjit/arm/a64globals.h>
#include <asmjit/arm/a64operand.h>
