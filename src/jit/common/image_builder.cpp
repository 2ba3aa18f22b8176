// Executable memory is asmjit's pooled allocator over dual mappings; it is never destroyed, since programs
// may outlive statics.
#include "jit/common/image_builder.h"

#include "base/bits.h"
#include "jit/common/registration.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

// What our copy of asmjit says in place of `stderr` (cmake/asmjit.cmake).
extern "C" {
extern FILE* osmia_asmjit_stderr;
FILE* osmia_asmjit_stderr = stderr;
}

namespace osmia::jit {
namespace {

asmjit::JitAllocator& allocator() {
  static auto* const one = [] {
    asmjit::JitAllocator::CreateParams params;
    params.options = asmjit::JitAllocatorOptions::kUseDualMapping;
    return new asmjit::JitAllocator(&params);
  }();
  return *one;
}

}  // namespace

CodeMemory::~CodeMemory() {
  // Before 8.1 qemu-user misses that the code at an address is new: tests under it never use one again.
  static const bool keep = std::getenv("OSMIA_JIT_KEEP_CODE");
  if (!data_ || keep) return;
  if (own_pages_)
    munmap(data_, own_pages_);
  else
    allocator().release(data_);
}
CodeMemory::CodeMemory(CodeMemory&& other) noexcept {
  *this = std::move(other);
}
CodeMemory& CodeMemory::operator=(CodeMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(own_pages_, other.own_pages_);
  return *this;
}

Image::Image() = default;
Image::~Image() {
  if (has_faults_) forget_faults(memory_.data());
}

ImageBuilder::ImageBuilder(const rewrite::ExecProgram& p, const Options& o, Tier tier)
    : program(p), options(o), image(std::make_shared<Image>()) {
  code.init(asmjit::Environment::host());
  code.setErrorHandler(&errors);
  image->tier_ = tier;
  image->callbacks_.resize(p.subprogs.size());
  entries.resize(p.subprogs.size());
  callbacks.resize(p.subprogs.size());
  for (const auto& call : p.calls) image->makes_tail_calls_ |= call.tail_call;
}

u64 ImageBuilder::wanted_callback(u32 s) {
  if (!callbacks[s].isValid()) callbacks[s] = code.emitters()[0]->newLabel();
  return reinterpret_cast<u64>(&image->callbacks_[s]);
}

Result<std::shared_ptr<const Image>> ImageBuilder::finish() {
  auto failed = [](const char* what, asmjit::Error e) {
    return Error{e == asmjit::kErrorOutOfMemory ? ENOMEM : EFAULT,
                 std::string("JIT: ") + what + ": " + asmjit::DebugUtils::errorAsString(e)};
  };
  if (errors.first) return Error{EFAULT, "JIT: an instruction cannot be encoded: " + errors.text};
  if (const auto e = code.flatten()) return failed("laying out the code", e);
  if (const auto e = code.resolveUnresolvedLinks()) return failed("resolving jumps", e);
  void *rx = nullptr, *rw = nullptr;
  if (registration_wanted()) {
    const size_t bytes = align_up(code.codeSize(), static_cast<size_t>(sysconf(_SC_PAGESIZE)));
    rx = rw = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (rx == MAP_FAILED) return failed("executable memory", asmjit::kErrorOutOfMemory);
    image->memory_.own_pages_ = bytes;
  } else if (const auto e = allocator().alloc(&rx, &rw, code.codeSize())) {
    return failed("executable memory", e);
  }
  image->memory_.data_ = static_cast<u8*>(rx);
  const u64 base = reinterpret_cast<u64>(rx);
  if (const auto e = code.relocateToBase(base)) return failed("relocating the code", e);
  const size_t size = code.codeSize();
  image->memory_.size_ = size;
  if (const auto e = code.copyFlattenedData(rw, size)) return failed("copying the code", e);
  if (image->memory_.own_pages_ && mprotect(rx, image->memory_.own_pages_, PROT_READ | PROT_EXEC))
    return Error{errno, "JIT: memory that was written may not be executed here"};
  asmjit::VirtMem::flushInstructionCache(rx, size);

  image->entry_ = reinterpret_cast<Entry>(base + code.labelOffset(entries[0]));
  for (u32 s = 0; s < entries.size(); s++) {
    image->subprogs_.push_back(static_cast<u32>(code.labelOffset(entries[s])));
    auto& cb = image->callbacks_[s];
    cb.subprog = s;
    cb.owner = image.get();
    if (callbacks[s].isValid())
      cb.call = reinterpret_cast<decltype(cb.call)>(base + code.labelOffset(callbacks[s]));
  }
  image->subprogs_.push_back(static_cast<u32>(size));
  std::vector<NamedCode> names;
  for (u32 s = 0; s < entries.size(); s++) {
    std::string name = "bpf_prog_" + (options.name.empty() ? "program" : options.name);
    if (s) name += "_" + program.subprogs[s].name;
    names.push_back({std::move(name), image->subprogs_[s], image->subprogs_[s + 1] - image->subprogs_[s]});
  }
  image->registration_ = register_code(rx, size, names, unwind);
  image->map_ = std::move(map);
  if (!faults.empty()) {
    std::vector<Fault> list;
    for (const auto& f : faults)
      list.push_back({f.at, static_cast<u32>(code.labelOffset(f.resume)), f.arena});
    register_faults(rx, size, std::move(list), program.arena);
    image->has_faults_ = true;
  }
  return std::shared_ptr<const Image>(std::move(image));
}

}  // namespace osmia::jit
