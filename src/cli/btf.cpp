// `osmia btf dump`: BTF of a raw file or of an object, raw or as C.
#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "btf/btf.h"
#include "btf/dump_c.h"
#include "btf/dump_raw.h"
#include "cli/commands.h"
#include "cli/session.h"

namespace osmia::cli {
namespace {

// The .BTF section of an ELF file; ENOENT if it has none, ENOEXEC if the file is no ELF.
Result<std::vector<u8>> btf_section(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error{errno, path + ": " + strerror(errno)};
  elf_version(EV_CURRENT);
  Elf* elf = elf_begin(fd, ELF_C_READ, nullptr);
  Result<std::vector<u8>> out = Error{ENOEXEC, path + ": not an ELF file"};
  if (elf && elf_kind(elf) == ELF_K_ELF) {
    out = Error{ENOENT, path + ": no .BTF section"};
    size_t names = 0;
    if (elf_getshdrstrndx(elf, &names) == 0)
      for (Elf_Scn* s = elf_nextscn(elf, nullptr); s; s = elf_nextscn(elf, s)) {
        GElf_Shdr h;
        if (!gelf_getshdr(s, &h)) continue;
        const char* name = elf_strptr(elf, names, h.sh_name);
        if (!name || std::string_view(name) != ".BTF") continue;
        const Elf_Data* d = elf_getdata(s, nullptr);
        if (d && d->d_buf)
          out =
              std::vector<u8>(static_cast<const u8*>(d->d_buf), static_cast<const u8*>(d->d_buf) + d->d_size);
        break;
      }
  }
  if (elf) elf_end(elf);
  ::close(fd);
  return out;
}

Result<btf::BtfPtr> read_btf(const std::string& path, btf::BtfPtr base) {
  auto section = btf_section(path);
  if (section.ok()) return btf::Btf::parse(std::move(*section), base);
  if (section.error().code != ENOEXEC) return section.error();
  return btf::Btf::from_file(path, base);
}

}  // namespace

int btf_command(int argc, char** argv) {
  std::string file, base_path, format = "raw";
  CLI::App app("Prints BTF.", "osmia btf");
  app.require_subcommand(1);
  auto* dump =
      app.add_subcommand("dump", "prints the types of a raw BTF file or of an object's .BTF section");
  dump->add_option("FILE", file, "raw BTF, or an ELF file with a .BTF section")->required();
  dump->add_option("--format", format, "raw or c")->check(CLI::IsMember({"raw", "c"}));
  dump->add_option("--base", base_path, "base BTF of a split BTF (a module's)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kOk : kUsage;
  }
  btf::BtfPtr base;
  if (!base_path.empty()) {
    auto b = read_btf(base_path, nullptr);
    if (!b.ok()) return complain("btf", base_path + ": " + b.error().message);
    base = *b;
  }
  auto b = read_btf(file, base);
  if (!b.ok()) return complain("btf", b.error().message);
  fmt::print("{}", format == "c" ? btf::dump_c(**b) : btf::dump_raw(**b));
  return kOk;
}

}  // namespace osmia::cli
