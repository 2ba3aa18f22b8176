// Every offset, size and index that libelf or libbpf will follow is compared with what the file holds.
#include "loader/elf_check.h"

#include <elf.h>

#include <cstring>
#include <string>

#include "base/bits.h"

#ifndef EM_BPF
#define EM_BPF 247
#endif

namespace osmia::loader {
namespace {

Error bad(std::string what) {
  return {EINVAL, "not a sound BPF object: " + what};
}
std::string num(u64 n) {
  return std::to_string(n);
}

bool inside(u64 off, u64 len, u64 size) {
  return off <= size && len <= size - off;
}

struct File {
  std::span<const u8> bytes;
  Elf64_Ehdr eh;
  std::string name(u32 i) const { return "section " + num(i); }
  Elf64_Shdr section(u32 i) const {
    return load_unaligned<Elf64_Shdr>(&bytes[eh.e_shoff + u64{i} * sizeof(Elf64_Shdr)]);
  }
};

Status check_strings(const File& f, u32 i, const Elf64_Shdr& s) {
  if (!s.sh_size || f.bytes[s.sh_offset + s.sh_size - 1])
    return bad(f.name(i) + " (strings) does not end in NUL");
  return Ok{};
}

Status check_symbols(const File& f, u32 i, const Elf64_Shdr& s) {
  if (s.sh_entsize != sizeof(Elf64_Sym) || s.sh_size % sizeof(Elf64_Sym))
    return bad(f.name(i) + " (symbols): entry size, expected " + num(sizeof(Elf64_Sym)) + ", found " +
               num(s.sh_entsize));
  if (s.sh_link >= f.eh.e_shnum || f.section(s.sh_link).sh_type != SHT_STRTAB)
    return bad(f.name(i) + " (symbols): linked section " + num(s.sh_link) + " is no string table");
  const u64 strings = f.section(s.sh_link).sh_size;
  for (u64 n = 0; n < s.sh_size / sizeof(Elf64_Sym); n++) {
    const auto sym = load_unaligned<Elf64_Sym>(&f.bytes[s.sh_offset + n * sizeof(Elf64_Sym)]);
    if (sym.st_name >= strings)
      return bad("symbol " + num(n) + ": name at " + num(sym.st_name) + ", expected below " + num(strings));
    if (sym.st_shndx == SHN_UNDEF || sym.st_shndx >= SHN_LORESERVE) continue;
    if (sym.st_shndx >= f.eh.e_shnum)
      return bad("symbol " + num(n) + ": section " + num(sym.st_shndx) + " does not exist");
    const auto target = f.section(sym.st_shndx);
    if (!inside(sym.st_value, sym.st_size, target.sh_size))
      return bad("symbol " + num(n) + ": bytes [" + num(sym.st_value) + ", +" + num(sym.st_size) +
                 ") leave section " + num(sym.st_shndx) + " of " + num(target.sh_size) + " bytes");
  }
  return Ok{};
}

Status check_relocations(const File& f, u32 i, const Elf64_Shdr& s) {
  if (s.sh_entsize != sizeof(Elf64_Rel) || s.sh_size % sizeof(Elf64_Rel))
    return bad(f.name(i) + " (relocations): entry size, expected " + num(sizeof(Elf64_Rel)) + ", found " +
               num(s.sh_entsize));
  if (s.sh_link >= f.eh.e_shnum || f.section(s.sh_link).sh_type != SHT_SYMTAB)
    return bad(f.name(i) + " (relocations): no symbol table");
  if (s.sh_info >= f.eh.e_shnum)
    return bad(f.name(i) + " (relocations): target section " + num(s.sh_info) + " does not exist");
  const u64 symbols = f.section(s.sh_link).sh_size / sizeof(Elf64_Sym);
  const u64 target = f.section(s.sh_info).sh_size;
  for (u64 n = 0; n < s.sh_size / sizeof(Elf64_Rel); n++) {
    const auto r = load_unaligned<Elf64_Rel>(&f.bytes[s.sh_offset + n * sizeof(Elf64_Rel)]);
    if (ELF64_R_SYM(r.r_info) >= symbols)
      return bad(f.name(i) + ": relocation " + num(n) + " names symbol " + num(ELF64_R_SYM(r.r_info)));
    if (r.r_offset >= target)
      return bad(f.name(i) + ": relocation " + num(n) + " at " + num(r.r_offset) + ", section has " +
                 num(target) + " bytes");
  }
  return Ok{};
}

}  // namespace

Status check_elf(std::span<const u8> bytes) {
  File f{bytes, {}};
  if (bytes.size() < sizeof(Elf64_Ehdr))
    return bad("file has " + num(bytes.size()) + " bytes, an ELF header alone has 64");
  std::memcpy(&f.eh, bytes.data(), sizeof f.eh);
  if (std::memcmp(f.eh.e_ident, ELFMAG, SELFMAG)) return Error{ENOEXEC, "not an ELF file: wrong magic bytes"};
  if (f.eh.e_ident[EI_CLASS] != ELFCLASS64) return bad("not a 64-bit ELF file");
  if (f.eh.e_ident[EI_DATA] != ELFDATA2LSB) return bad("not little-endian");
  if (f.eh.e_type != ET_REL)
    return bad("ELF type: expected a relocatable object (1), found " + num(f.eh.e_type));
  if (f.eh.e_machine != EM_BPF && f.eh.e_machine != EM_NONE)
    return bad("ELF machine: expected BPF (247), found " + num(f.eh.e_machine));
  if (f.eh.e_shentsize != sizeof(Elf64_Shdr))
    return bad("section header size: expected 64, found " + num(f.eh.e_shentsize));
  if (!f.eh.e_shnum || !inside(f.eh.e_shoff, u64{f.eh.e_shnum} * sizeof(Elf64_Shdr), bytes.size()))
    return bad("section headers at " + num(f.eh.e_shoff) + " leave the file of " + num(bytes.size()) +
               " bytes");
  if (f.eh.e_shstrndx >= f.eh.e_shnum || f.section(f.eh.e_shstrndx).sh_type != SHT_STRTAB)
    return bad("no section names");
  for (u32 i = 1; i < f.eh.e_shnum; i++) {
    const auto s = f.section(i);
    if (s.sh_type != SHT_NOBITS && !inside(s.sh_offset, s.sh_size, bytes.size()))
      return bad(f.name(i) + ": bytes [" + num(s.sh_offset) + ", +" + num(s.sh_size) +
                 ") leave the file of " + num(bytes.size()) + " bytes");
    if (s.sh_type == SHT_NOBITS && s.sh_size > 1u << 30) return bad(f.name(i) + ": larger than 1 GiB");
  }
  const u64 names = f.section(f.eh.e_shstrndx).sh_size;
  for (u32 i = 1; i < f.eh.e_shnum; i++) {
    const auto s = f.section(i);
    if (s.sh_name >= names)
      return bad(f.name(i) + ": name at " + num(s.sh_name) + ", expected below " + num(names));
    if (s.sh_type == SHT_STRTAB) OSMIA_TRY(check_strings(f, i, s));
    if (s.sh_type == SHT_SYMTAB) OSMIA_TRY(check_symbols(f, i, s));
    if (s.sh_type == SHT_REL) OSMIA_TRY(check_relocations(f, i, s));
    if (s.sh_type == SHT_PROGBITS && s.sh_flags & SHF_EXECINSTR && s.sh_size % 8)
      return bad(f.name(i) + " (instructions): " + num(s.sh_size) + " bytes, expected a multiple of 8");
  }
  return Ok{};
}

}  // namespace osmia::loader
