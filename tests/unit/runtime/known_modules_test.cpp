// BTF that Osmia declares for kernel modules, against module_types.txt: what the modules of a real Linux 6.12
// (Debian 6.12.115) say. OSMIA_MODULE_FOLDER=DIR with vmlinux.btf and NAME.btf of real modules writes it
// anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "btf/declare.h"
#include "btf/write.h"
#include "kfuncs/modules.h"
#include "runtime/catalog.h"

namespace osmia::runtime {
namespace {

using btf::Kind;

// A kernel without any of these modules' types, in which all structs of the kernel's own are empty, but for
// those whose layout counts.
btf::BtfPtr small_kernel() {
  btf::Writer w;
  const u32 u8 = w.add_int("unsigned char", 1), u16 = w.add_int("short unsigned int", 2),
            u32 = w.add_int("unsigned int", 4), u64 = w.add_int("long long unsigned int", 8);
  const auto s32 = w.add_int("int", 4, 1);
  w.add_int("long unsigned int", 8);
  for (const char* name : {"u8", "u_int8_t", "__u8"}) w.add_typedef(name, u8);
  for (const char* name : {"u16", "__be16", "u_int16_t"}) w.add_typedef(name, u16);
  for (const char* name : {"u32", "__u32", "__be32", "u_int32_t"}) w.add_typedef(name, u32);
  w.add_typedef("u64", u64);
  w.add_typedef("s32", s32);
  for (const char* name : {"sk_buff", "__sk_buff", "xdp_md", "bpf_sock_tuple", "sock", "dst_entry",
                           "bpf_fib_lookup", "rate_sample", "ack_sample"})
    w.add_struct(name, 0, {});
  w.add_enum("tcp_ca_event", 4, {{"CA_EVENT_TX_START", 0}});
  w.add_struct("in_addr", 4, {{"s_addr", u32, 0}});
  w.add_struct("in6_addr", 16, {{"in6_u", w.add_array(u32, s32, 4), 0}});
  const auto pointer = w.add_ptr(0);
  w.add_struct("rhash_head", 8, {{"next", pointer, 0}});
  w.add_struct("hlist_node", 16, {{"next", pointer, 0}, {"pprev", pointer, 64}});
  w.add_struct("hlist_nulls_node", 16, {{"next", pointer, 0}, {"pprev", pointer, 64}});
  w.add_typedef("possible_net_t", w.add_struct("", 8, {{"net", pointer, 0}}));
  w.add_typedef("spinlock_t", w.add_struct("spinlock", 4, {{"rlock", u32, 0}}));
  w.add_typedef("refcount_t", w.add_struct("refcount_struct", 4, {{"refs", u32, 0}}));
  auto made = btf::Btf::parse(w.bytes());
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  return made.ok() ? *made : nullptr;
}

std::string words(const btf::Btf& btf, u32 id) {
  if (!id) return "void";
  const btf::TypeView t = btf.type(id);
  switch (t.kind()) {
    case Kind::kPtr: return words(btf, t.type()) + "*";
    case Kind::kConst: return "const " + words(btf, t.type());
    case Kind::kStruct: return "struct " + std::string(t.name());
    case Kind::kUnion: return "union " + std::string(t.name());
    case Kind::kEnum: return "enum " + std::string(t.name());
    default: return std::string(t.name());
  }
}
// Where the members of a struct are, those of nameless ones as its own.
void members(const btf::Btf& btf, u32 id, u32 base, std::ostream& out) {
  for (const btf::Member& m : btf.type(id).members()) {
    const u32 at = base + m.bit_offset;
    if (m.name.empty()) {
      members(btf, btf.skip_modifiers(m.type).id(), at, out);
      continue;
    }
    const auto size = btf.size_of(m.type);
    out << " " << m.name << "@" << at << ":"
        << (m.bitfield_size ? m.bitfield_size : (size.ok() ? *size * 8 : 0));
    const btf::TypeView inner = btf.skip_modifiers(m.type);
    if (inner.is_struct_or_union() && inner.name().empty()) {
      out << "{";
      members(btf, inner.id(), at, out);
      out << " }";
    }
  }
}

// The kfuncs and structs that the declarations name.
std::string listing(const btf::Btf& btf, const kfuncs::modules::ModuleDeclarations& m,
                    const btf::Btf& names) {
  std::ostringstream out;
  for (u32 id = names.start_id(); id < names.end_id(); id++) {
    const btf::TypeView t = names.type(id);
    if (t.name().empty() || !(t.is_struct_or_union() || t.is(Kind::kFunc))) continue;
    if (t.name() == "nf_conntrack_proto") continue;  // opaque here
    const u32 there = btf.find(t.name(), t.kind());
    out << m.name << " " << t.name() << ":";
    if (!there) {
      out << " missing\n";
      continue;
    }
    if (t.is(Kind::kFunc)) {
      const btf::TypeView proto = btf.type(btf.type(there).type());
      out << " " << words(btf, proto.type()) << " (";
      for (const btf::Param& p : proto.params()) out << " " << words(btf, p.type) << " " << p.name;
      out << " )";
    } else {
      out << " " << btf.type(there).size();
      members(btf, there, 0, out);
    }
    out << "\n";
  }
  return out.str();
}

TEST(KnownModules, AreDeclaredAsTheRealOnesAre) {
  const auto kernel = small_kernel();
  ASSERT_TRUE(kernel);
  const std::string path = std::string(OSMIA_SOURCE_DIR) + "/tests/unit/runtime/module_types.txt";
  const char* folder = std::getenv("OSMIA_MODULE_FOLDER");
  const auto real_kernel = folder ? btf::Btf::from_file(std::string(folder) + "/vmlinux.btf") : Error{};
  std::string declared, real;
  for (const auto* m : kfuncs::modules::registry()) {
    std::string text(m->text);
    if (m->name == "nf_nat")
      text = "struct nf_conn___init { int opaque; }; union nf_inet_addr { u32 all[4]; };" + text;
    auto made = btf::declare(kernel, text);
    ASSERT_TRUE(made.ok()) << m->name << ": " << made.error().message;
    EXPECT_TRUE((*made)->find_own(m->function, Kind::kFunc)) << m->name;
    if (m->name == "nf_nat") continue;  // its types are nf_conntrack's
    declared += listing(**made, *m, **made);
    if (!folder) continue;
    ASSERT_TRUE(real_kernel.ok());
    auto module =
        btf::Btf::from_file(std::string(folder) + "/" + std::string(m->name) + ".btf", *real_kernel);
    real += listing(module.ok() ? **module : **real_kernel, *m, **made);
  }
  if (folder) std::ofstream(path) << real;
  std::ifstream file(path);
  const std::string expected((std::istreambuf_iterator<char>(file)), {});
  ASSERT_FALSE(expected.empty());
  EXPECT_EQ(declared, expected);
}

TEST(KnownModules, OnlyWhatTheKernelLacks) {
  auto catalog = build_catalog(small_kernel());
  std::vector<std::string> names{"fou"};
  catalog->modules.push_back(catalog->vmlinux);  // stands for the one that was given
  add_known_modules(*catalog, names, false);
  EXPECT_EQ(std::count(names.begin(), names.end(), "fou"), 1);
  EXPECT_EQ(std::count(names.begin(), names.end(), "nf_conntrack"), 1);
  EXPECT_EQ(std::count(names.begin(), names.end(), "nf_nat"), 0) << "its types are nowhere";
  EXPECT_EQ(names.size(), catalog->modules.size());

  btf::Writer w(*catalog->vmlinux);
  w.add_func("bbr_main", w.add_func_proto(0, {}));
  auto built_in = btf::Btf::parse(w.bytes(), catalog->vmlinux);
  ASSERT_TRUE(built_in.ok());
  auto other = build_catalog(*built_in);
  std::vector<std::string> fewer;
  add_known_modules(*other, fewer, false);
  EXPECT_EQ(std::count(fewer.begin(), fewer.end(), "tcp_bbr"), 0);
  EXPECT_EQ(std::count(fewer.begin(), fewer.end(), "tcp_dctcp"), 1);

  std::vector<std::string> none;
  add_known_modules(*build_catalog(), none, false);
  EXPECT_TRUE(none.empty());
}

TEST(Declarations, SayWhatIsWrong) {
  const auto kernel = small_kernel();
  const std::pair<const char*, const char*> wrong[] = {
      {"struct a { int x }", "expected ';'"},
      {"struct a { int x[y]; };", "expected a number"},
      {"struct a { nothing x; };", "no type nothing"},
      {"struct nothing *f(int x);", "no type struct nothing"},
      {"int f(int x)", "expected ';'"},
      {"int f(int);", "expected a name"},
      {"struct a { int x;", "expected"},
      {"enum e { A B };", "expected ','"},
      {";", "expected a name"},
  };
  for (const auto& [text, message] : wrong) {
    auto made = btf::declare(kernel, text);
    ASSERT_FALSE(made.ok()) << text;
    EXPECT_NE(made.error().message.find(message), std::string::npos) << text << ": " << made.error().message;
  }
  auto nothing = btf::declare(kernel, "");
  EXPECT_TRUE(nothing.ok());
}

}  // namespace
}  // namespace osmia::runtime
