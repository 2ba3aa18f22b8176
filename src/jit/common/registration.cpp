// Source: Linux, tools/perf/Documentation/jit-interface.txt; GDB manual, "JIT Compilation Interface". GDB
// reads an ELF file in memory: one with a .text at the code's address, a symbol for each function, and a
// .debug_frame by which it finds callers.
#include "jit/common/registration.h"

#include <elf.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

extern "C" {
// The names and layouts are GDB's.
struct jit_code_entry {
  jit_code_entry* next_entry;
  jit_code_entry* prev_entry;
  const char* symfile_addr;
  u_int64_t symfile_size;
};
struct jit_descriptor {
  u_int32_t version;
  u_int32_t action_flag;  // 0 nothing, 1 register, 2 unregister
  jit_code_entry* relevant_entry;
  jit_code_entry* first_entry;
};
extern jit_descriptor __jit_debug_descriptor;
__attribute__((weak)) jit_descriptor __jit_debug_descriptor = {1, 0, nullptr, nullptr};
void __jit_debug_register_code();
__attribute__((noinline, weak)) void __jit_debug_register_code() {
  asm volatile("" ::: "memory");
}
}

namespace osmia::jit {
namespace {

std::mutex g_mutex;

bool asked(const char* variable) {
  const char* v = std::getenv(variable);
  return v && *v && std::strcmp(v, "0") != 0;
}

void write_perf_map(u64 base, std::span<const NamedCode> names) {
  const std::string path = "/tmp/perf-" + std::to_string(getpid()) + ".map";
  FILE* f = std::fopen(path.c_str(), "ae");
  if (!f) return;
  for (const auto& n : names)
    std::fprintf(f, "%llx %x %s\n", static_cast<unsigned long long>(base + n.offset), n.size, n.name.c_str());
  std::fclose(f);
}

// null, .text (no bytes: they are in memory), .symtab, .strtab, .shstrtab, .debug_frame.
std::vector<char> make_elf(u64 base, size_t size, std::span<const NamedCode> names,
                           const std::vector<char>& frames) {
#if defined(__aarch64__)
  constexpr u16 kMachine = EM_AARCH64;
#else
  constexpr u16 kMachine = EM_X86_64;
#endif
  constexpr u16 kSections = 6;
  static constexpr char kNames[] = "\0.text\0.symtab\0.strtab\0.shstrtab\0.debug_frame";
  std::string strings(1, '\0');
  std::vector<Elf64_Sym> symbols(1, Elf64_Sym{});
  for (const auto& n : names) {
    Elf64_Sym s{};
    s.st_name = static_cast<u32>(strings.size());
    s.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
    s.st_shndx = 1;
    s.st_value = n.offset;
    s.st_size = n.size;
    symbols.push_back(s);
    strings += n.name + '\0';
  }
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = kMachine;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof header;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = kSections;
  header.e_shstrndx = 4;
  header.e_shoff = sizeof header;
  Elf64_Shdr sections[kSections] = {};
  u64 at = sizeof header + sizeof sections;
  auto section = [&](int k, u32 name, u32 type, u64 bytes) {
    sections[k].sh_name = name;
    sections[k].sh_type = type;
    sections[k].sh_offset = at;
    sections[k].sh_size = bytes;
    sections[k].sh_addralign = 8;
    if (type != SHT_NOBITS) at += (bytes + 7) & ~7ull;
  };
  section(1, 1, SHT_NOBITS, size);
  sections[1].sh_addr = base;
  sections[1].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
  section(2, 7, SHT_SYMTAB, symbols.size() * sizeof(Elf64_Sym));
  sections[2].sh_link = 3;
  sections[2].sh_info = 1;
  sections[2].sh_entsize = sizeof(Elf64_Sym);
  section(3, 15, SHT_STRTAB, strings.size());
  section(4, 23, SHT_STRTAB, sizeof kNames);
  section(5, 33, SHT_PROGBITS, frames.size());
  std::vector<char> out(at);
  std::memcpy(out.data(), &header, sizeof header);
  std::memcpy(out.data() + sizeof header, sections, sizeof sections);
  std::memcpy(out.data() + sections[2].sh_offset, symbols.data(), symbols.size() * sizeof(Elf64_Sym));
  std::memcpy(out.data() + sections[3].sh_offset, strings.data(), strings.size());
  std::memcpy(out.data() + sections[4].sh_offset, kNames, sizeof kNames);
  std::memcpy(out.data() + sections[5].sh_offset, frames.data(), frames.size());
  return out;
}

}  // namespace

class Registration {
 public:
  explicit Registration(std::vector<char> elf) : elf_(std::move(elf)) {
    const std::lock_guard lock(g_mutex);
    entry_ = {__jit_debug_descriptor.first_entry, nullptr, elf_.data(), elf_.size()};
    if (entry_.next_entry) entry_.next_entry->prev_entry = &entry_;
    __jit_debug_descriptor.first_entry = &entry_;
    tell(1);
  }
  ~Registration() {
    const std::lock_guard lock(g_mutex);
    if (entry_.prev_entry)
      entry_.prev_entry->next_entry = entry_.next_entry;
    else
      __jit_debug_descriptor.first_entry = entry_.next_entry;
    if (entry_.next_entry) entry_.next_entry->prev_entry = entry_.prev_entry;
    tell(2);
  }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

 private:
  void tell(u32 action) {
    __jit_debug_descriptor.relevant_entry = &entry_;
    __jit_debug_descriptor.action_flag = action;
    __jit_debug_register_code();
    __jit_debug_descriptor.action_flag = 0;
  }
  std::vector<char> elf_;
  jit_code_entry entry_{};
};

bool registration_wanted() {
  return asked("OSMIA_JIT_PERF") || asked("OSMIA_JIT_GDB");
}

std::shared_ptr<Registration> register_code(const void* code, size_t size, std::span<const NamedCode> names,
                                            const Unwind& unwind) {
  const u64 base = reinterpret_cast<u64>(code);
  if (asked("OSMIA_JIT_PERF")) write_perf_map(base, names);
  if (!asked("OSMIA_JIT_GDB")) return nullptr;
  return std::make_shared<Registration>(
      make_elf(base, size, names, unwind.debug_frame(base, static_cast<u32>(size))));
}

}  // namespace osmia::jit
