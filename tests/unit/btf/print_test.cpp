// What people read: raw listing, C, values.
#include "btf/dump_c.h"
#include "btf/dump_raw.h"
#include "btf/format_value.h"
#include "fixtures.h"

namespace osmia::btf {
namespace {

std::string c_of(const Writer& w) {
  return dump_c(*must_parse(w, nullptr, ParseMode::kTrusted), {.frame = false});
}

TEST(DumpRaw, LikeBpftool) {
  Writer w;
  const u32 i = w.add_int("int", 4, kIntSigned);
  const u32 s = w.add_struct("", 8, {{"", i, 0}, {"b", i, 32, 3}});
  w.add_enum("e", 4, {{"A", -1}}, true);
  w.add_enum64("f", {{"B", -1}});
  const u32 v = w.add_var("v", s, VarLinkage::kExtern);
  w.add_datasec(".ksyms", 0, {{v, 0, 8}, {99, 0, 1}});
  auto b = must_parse(w, nullptr, ParseMode::kTrusted);
  EXPECT_EQ(dump_raw(*b),
            "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED\n"
            "[2] STRUCT '(anon)' size=8 vlen=2\n"
            "\t'(anon)' type_id=1 bits_offset=0\n"
            "\t'b' type_id=1 bits_offset=32 bitfield_size=3\n"
            "[3] ENUM 'e' encoding=SIGNED size=4 vlen=1\n"
            "\t'A' val=-1\n"
            "[4] ENUM64 'f' encoding=UNSIGNED size=8 vlen=1\n"
            "\t'B' val=18446744073709551615ULL\n"
            "[5] VAR 'v' type_id=2, linkage=extern\n"
            "[6] DATASEC '.ksyms' size=0 vlen=2\n"
            "\ttype_id=5 offset=0 size=8 (VAR 'v')\n"
            "\ttype_id=99 offset=0 size=1\n");
}

TEST(DumpC, ForwardDeclarationsBreakCycles) {
  Writer w;
  w.add_struct("a", 8, {{"b", 2, 0}});
  w.add_ptr(3);
  w.add_struct("b", 8, {{"a", 1, 0}});
  EXPECT_EQ(c_of(w),
            "struct b;\n\n"
            "struct a {\n\tstruct b *b;\n};\n\n"
            "struct b {\n\tstruct a a;\n};\n\n");
}

TEST(DumpC, PaddingPackingAndBitfields) {
  Writer w;
  const u32 c = w.add_int("char", 1, kIntSigned), i = w.add_int("int", 4, kIntSigned);
  w.add_struct("holes", 16, {{"c", c, 0}, {"i", i, 64}, {"f", i, 101, 3}});
  w.add_struct("packed", 5, {{"c", c, 0}, {"i", i, 8}});
  EXPECT_EQ(c_of(w),
            "struct holes {\n\tchar c;\n\tlong: 0;\n\tint i;\n\tchar: 5;\n\tint f: 3;\n};\n\n"
            "struct packed {\n\tchar c;\n\tint i;\n} __attribute__((packed));\n\n")
      << "layout that a C compiler would give back";
}

TEST(DumpC, Declarators) {
  Writer w;
  const u32 i = w.add_int("int", 4, kIntSigned), c = w.add_int("char", 1, kIntSigned);
  const u32 proto = w.add_func_proto(i, {{"s", w.add_ptr(w.add_const(c))}, {"", 0}});
  const u32 fnptrs = w.add_array(w.add_ptr(proto), i, 3);
  const u32 ptr_to_array = w.add_ptr(w.add_array(w.add_array(i, i, 2), i, 4));
  const u32 anon = w.add_struct("", 4, {{"x", i, 0}});
  auto b = must_parse(w);
  EXPECT_EQ(c_type_name(*b, fnptrs, "f"), "int (*f[3])(const char *s, ...)");
  EXPECT_EQ(c_type_name(*b, ptr_to_array, "p"), "int (*p)[4][2]");
  EXPECT_EQ(c_type_name(*b, w.next_id()), "");
  EXPECT_EQ(c_type_name(*b, 0), "void");
  EXPECT_EQ(c_type_name(*b, anon), "struct");
}

TEST(DumpC, HostileShapesEnd) {
  Writer self;
  self.add_struct("s", 4, {{"x", 1, 0}});
  EXPECT_NE(c_of(self).find("incomplete"), std::string::npos);
  // Anonymous structs that each hold the next twice would print 2^40 members.
  Writer w;
  const u32 i = w.add_int("int", 4);
  u32 id = w.add_struct("", 4, {{"x", i, 0}});
  for (int n = 0; n < 40; ++n) id = w.add_struct("", 4, {{"a", id, 0}, {"b", id, 0}});
  w.add_struct("top", 4, {{"x", id, 0}});
  EXPECT_LT(c_of(w).size(), 10u << 20);
}

TEST(FormatValue, LikeBpftoolsMapDump) {
  Writer w;
  const u32 i = w.add_int("int", 4, kIntSigned), u = w.add_int("unsigned int", 4),
            c = w.add_int("char", 1, kIntSigned);
  const u32 boolean = w.add_int("_Bool", 1, kIntBool);
  const u32 e = w.add_enum("color", 4, {{"RED", 0}, {"BLUE", -3}}, true);
  const u32 s = w.add_struct("v", 48,
                             {{"n", i, 0},
                              {"e", w.add_typedef("color_t", e), 32},
                              {"name", w.add_array(c, i, 8), 64},
                              {"a", w.add_array(u, i, 2), 128},
                              {"f", u, 192, 3},
                              {"g", u, 195, 9},
                              {"ok", boolean, 224},
                              {"p", w.add_ptr(0), 256},
                              {"", w.add_union("", 4, {{"x", i, 0}, {"y", u, 0}}), 320}});
  auto b = must_parse(w);
  std::vector<u8> d(48);
  store_unaligned<s32>(&d[0], -5);
  store_unaligned<s32>(&d[4], -3);
  std::memcpy(&d[8], "eth0", 4);
  store_unaligned<u32>(&d[16], 1);
  store_unaligned<u32>(&d[20], 4000000000u);
  store_unaligned<u32>(&d[24], 5 | 0x1a5 << 3);
  d[28] = 1;
  store_unaligned<u64>(&d[32], 0xffff888012345678ull);
  store_unaligned<s32>(&d[40], -1);
  EXPECT_EQ(format_value(*b, s, d, Style::kJson),
            R"({"n":-5,"e":"BLUE","name":"eth0","a":[1,4000000000],"f":"0x5","g":"0x1a5","ok":true,)"
            R"("p":18446612682375452280,"":{"x":-1,"y":4294967295}})");
  EXPECT_EQ(
      format_value(*b, s, d, Style::kText),
      "{\n    \"n\": -5,\n    \"e\": \"BLUE\",\n    \"name\": \"eth0\",\n    \"a\": [1,4000000000\n    ],\n"
      "    \"f\": 0x5,\n    \"g\": 0x1a5,\n    \"ok\": true,\n    \"p\": \"0xffff888012345678\",\n"
      "    \"\": {\n        \"x\": -1,\n        \"y\": 4294967295\n    }\n}");
  // Too little data: nulls, not bytes from elsewhere.
  EXPECT_EQ(format_value(*b, s, {d.data(), 6}, Style::kJson).substr(0, 21), R"({"n":-5,"e":null,"nam)");
  EXPECT_EQ(format_value(*b, i, {}, Style::kJson), "null");
}

TEST(FormatValue, OddValues) {
  Writer w;
  const u32 e = w.add_enum("e", 4, {{"A", 1}});
  const u32 e64 = w.add_enum64("e64", {{"HUGE", 0x100000000}});
  const u32 f = w.add_float("double", 8);
  const u32 wide = w.add_int("__int128", 16, kIntSigned);
  const u32 i = w.add_int("int", 4);
  const u32 endless = w.add_array(w.add_struct("empty", 0, {}), i, 0xffffffff);
  auto b = must_parse(w, nullptr, ParseMode::kTrusted);
  std::vector<u8> d(16, 0xff);
  EXPECT_EQ(format_value(*b, e, d, Style::kJson), "-1");
  EXPECT_EQ(format_value(*b, f, d, Style::kJson), "\"nan\"");
  EXPECT_EQ(format_value(*b, wide, d, Style::kJson), "\"0xffffffffffffffffffffffffffffffff\"");
  const std::vector<u8> huge = {0, 0, 0, 0, 1, 0, 0, 0};
  EXPECT_EQ(format_value(*b, e64, huge, Style::kJson), "\"HUGE\"");
  EXPECT_LT(format_value(*b, endless, d, Style::kJson).size(), 1u << 20);
  EXPECT_EQ(format_value(*b, 0, d, Style::kJson), "\"(void [0] has no value)\"");
}

}  // namespace
}  // namespace osmia::btf
