// User mode against Linux's answers: the errno and the line that ends the log. The expectations were taken
// from BTF_LOAD on a live kernel with the same bytes.
#include "fixtures.h"

namespace osmia::btf {
namespace {

struct Case {
  const char* name;
  int code;
  const char* last;  // end of the log
  void (*build)(Writer&);
};

u32 raw(Writer& w, Kind k, u32 vlen, bool kflag, u32 size_or_type, std::vector<u32> extra = {},
        const char* name = "") {
  return w.add_raw(w.add_string(name), Writer::info_word(k, vlen, kflag), size_or_type, extra);
}
u32 int4(Writer& w) {
  return w.add_int("int", 4, kIntSigned);
}

const Case kCases[] = {
    {"int_encoding", 524, "[1] INT x size=4 bits_offset=0 nr_bits=32 encoding=UNKN Unsupported encoding\n",
     [](Writer& w) { w.add_int("x", 4, 3); }},
    {"int_bits", EINVAL,
     "[1] INT x size=4 bits_offset=8 nr_bits=32 encoding=(none) nr_bits exceeds type_size\n",
     [](Writer& w) { w.add_int_raw("x", 4, 0, 8, 32); }},
    {"int_too_wide", EINVAL, "nr_bits exceeds 128\n", [](Writer& w) { w.add_int_raw("x", 64, 0, 100, 100); }},
    {"int_data", EINVAL, "[1] INT x Invalid int_data:f0000020\n",
     [](Writer& w) { raw(w, Kind::kInt, 0, false, 4, {0xf0000020}, "x"); }},
    {"int_vlen", EINVAL, "vlen != 0\n", [](Writer& w) { raw(w, Kind::kInt, 1, false, 4, {32}, "x"); }},
    {"unknown_kind", EINVAL, "[1] Invalid kind:20",
     [](Writer& w) { raw(w, static_cast<Kind>(20), 0, false, 0); }},
    {"info_bits", EINVAL, "[1] Invalid btf_info:1010000", [](Writer& w) { w.add_raw(0, 0x01010000, 4); }},
    {"name_offset", EINVAL, "[1] Invalid name_offset:4096",
     [](Writer& w) { w.add_raw(4096, 1 << 24, 4, std::vector<u32>{32}); }},
    {"ptr_name", EINVAL, "[1] PTR x type_id=0 Invalid name\n",
     [](Writer& w) { raw(w, Kind::kPtr, 0, false, 0, {}, "x"); }},
    {"typedef_no_name", EINVAL, "[2] TYPEDEF (anon) type_id=1 Invalid name\n",
     [](Writer& w) { raw(w, Kind::kTypedef, 0, false, int4(w)); }},
    {"typedef_bad_name", EINVAL, "Invalid name\n", [](Writer& w) { w.add_typedef("a b", int4(w)); }},
    {"ptr_missing", EINVAL, "[1] PTR (anon) type_id=9 Invalid type_id\n", [](Writer& w) { w.add_ptr(9); }},
    {"fwd_type", EINVAL, "type != 0\n", [](Writer& w) { raw(w, Kind::kFwd, 0, false, 1, {}, "f"); }},
    {"array_void", EINVAL, "Invalid elem\n", [](Writer& w) { w.add_array(0, int4(w), 1); }},
    {"array_index", EINVAL, "Invalid index\n",
     [](Writer& w) {
       const u32 i = int4(w);
       w.add_array(i, w.add_ptr(i), 1);
     }},
    {"array_overflow", EINVAL,
     "[2] ARRAY (anon) type_id=1 index_type_id=1 nr_elems=1073741824 Array size overflows U32_MAX\n",
     [](Writer& w) {
       const u32 i = int4(w);
       w.add_array(i, i, 0x40000000);
     }},
    {"member_beyond", EINVAL,
     "[2] STRUCT s size=4 vlen=1\n\tx type_id=1 bits_offset=32 Member exceeds struct_size\n",
     [](Writer& w) {
       w.add_struct("s", 4, {{"x", int4(w), 32}});
     }},
    {"member_void", EINVAL, "\tx type_id=0 bits_offset=0 Invalid type_id\n",
     [](Writer& w) {
       w.add_struct("s", 4, {{"x", 0, 0}});
     }},
    {"member_order", EINVAL, "Invalid member bits_offset\n",
     [](Writer& w) {
       const u32 i = int4(w);
       w.add_struct("s", 8, {{"x", i, 32}, {"y", i, 0}});
     }},
    {"union_offset", EINVAL, "Invalid member bits_offset\n",
     [](Writer& w) {
       w.add_union("u", 8, {{"x", int4(w), 32}});
     }},
    {"ptr_unaligned", EINVAL, "Member is not byte aligned\n",
     [](Writer& w) {
       w.add_struct("s", 16, {{"x", w.add_ptr(0), 3}});
     }},
    {"bitfield_wide", EINVAL, "\tx type_id=1 bitfield_size=33 bits_offset=0 Invalid member bitfield_size\n",
     [](Writer& w) {
       w.add_struct("s", 8, {{"x", int4(w), 0, 33}});
     }},
    {"struct_in_itself", EEXIST, "[1] STRUCT s size=4 vlen=1 Loop detected\n",
     [](Writer& w) {
       w.add_struct("s", 4, {{"x", 1, 0}});
     }},
    {"const_loop", EEXIST, "Loop detected\n",
     [](Writer& w) {
       w.add_const(2);
       w.add_volatile(1);
     }},
    {"ptr_loop", EEXIST, "Loop detected\n",
     [](Writer& w) {
       w.add_ptr(2);
       w.add_ptr(1);
     }},
    {"deep", E2BIG, "Exceeded max resolving depth:32\n",
     [](Writer& w) {
       for (u32 n = 0; n < 40; ++n) w.add_ptr(n + 2);
       int4(w);
     }},
    {"enum_size", EINVAL, "Unexpected size\n", [](Writer& w) { w.add_enum("e", 3, {}); }},
    {"enum_value_name", EINVAL, "[1] ENUM e size=4 vlen=1 Invalid name\n",
     [](Writer& w) {
       w.add_enum("e", 4, {{"", 1}});
     }},
    {"func_not_proto", EINVAL, "[2] FUNC f type_id=1 Invalid type_id\n",
     [](Writer& w) { w.add_func("f", int4(w)); }},
    {"func_arg_name", EINVAL, "Invalid arg#1\n",
     [](Writer& w) {
       const u32 i = int4(w);
       w.add_func("f", w.add_func_proto(0, {{"", i}}));
     }},
    {"func_linkage", EINVAL, "Invalid func linkage\n",
     [](Writer& w) { w.add_func("f", w.add_func_proto(0, {}), FuncLinkage::kExtern); }},
    {"proto_void_arg", EINVAL, "[2] FUNC_PROTO (anon) return=0 args=(0 a, 1 b) Invalid arg#1\n",
     [](Writer& w) {
       const u32 i = int4(w);
       w.add_func_proto(0, {{"a", 0}, {"b", i}});
     }},
    {"proto_return", EINVAL, "Invalid return type\n",
     [](Writer& w) { w.add_func_proto(w.add_fwd("f"), {}); }},
    {"var_extern", EINVAL, "[2] VAR v type_id=1 linkage=2 Linkage not supported\n",
     [](Writer& w) { w.add_var("v", int4(w), VarLinkage::kExtern); }},
    {"datasec_empty", EINVAL, "size == 0\n", [](Writer& w) { w.add_datasec(".maps", 0, {}); }},
    {"datasec_overlap", EINVAL, "\t type_id=2 offset=0 size=4 Invalid offset\n",
     [](Writer& w) {
       const u32 v = w.add_var("v", int4(w));
       w.add_datasec(".d", 8, {{v, 0, 4}, {v, 0, 4}});
     }},
    {"datasec_small", EINVAL, "\t type_id=2 offset=0 size=2 Invalid size\n",
     [](Writer& w) {
       const u32 v = w.add_var("v", int4(w));
       w.add_datasec(".d", 8, {{v, 0, 2}});
     }},
    {"datasec_func", EINVAL, "Not a VAR kind member\n",
     [](Writer& w) {
       const u32 f = w.add_func("f", w.add_func_proto(0, {}));
       w.add_datasec(".d", 8, {{f, 0, 2}});
     }},
    {"float_size", EINVAL, "[1] FLOAT f size=3 Invalid type_size\n", [](Writer& w) { w.add_float("f", 3); }},
    {"float_place", EINVAL, "Member is not properly aligned\n",
     [](Writer& w) {
       w.add_struct("s", 16, {{"f", w.add_float("d", 8), 32}});
     }},
    {"tag_component", EINVAL, "[3] DECL_TAG t type=2 component_idx=1 Invalid component_idx\n",
     [](Writer& w) {
       w.add_decl_tag("t", w.add_struct("s", 4, {{"x", int4(w), 0}}), 1);
     }},
    {"tag_target", EINVAL, "[2] DECL_TAG t type=1 component_idx=-1 Invalid type_id\n",
     [](Writer& w) { w.add_decl_tag("t", int4(w)); }},
    {"tag_order", EINVAL, "Type tags don't precede modifiers",
     [](Writer& w) { w.add_const(w.add_type_tag("t", int4(w))); }},
};

TEST(Check, RefusesWithLinuxsWords) {
  for (const Case& c : kCases) {
    Writer w;
    c.build(w);
    const Judged j = judge(w.bytes());
    EXPECT_EQ(j.code, c.code) << c.name << ": " << j.log;
    EXPECT_TRUE(j.log.ends_with(c.last))
        << c.name << "\nlog ends: " << j.log.substr(j.log.size() > 300 ? j.log.size() - 300 : 0)
        << "\nexpected: " << c.last;
    EXPECT_FALSE(j.message.empty()) << c.name;
    EXPECT_EQ(j.message.find('\n'), std::string::npos) << c.name;
  }
}

TEST(Check, LogOfSoundTypes) {
  Writer w;
  const u32 i = int4(w);
  w.add_struct("s", 8, {{"a", i, 0}, {"b", i, 32, 4}});
  w.add_func("f", w.add_func_proto(i, {{"a", i}, {"", 0}}));
  w.add_enum("e", 4, {{"A", -1}}, true);
  const Judged j = judge(w.bytes());
  EXPECT_EQ(j.code, 0) << j.log;
  EXPECT_EQ(j.log.substr(0, 14), "magic: 0xeb9f\n");
  EXPECT_EQ(j.log.substr(j.log.find("[1]")),
            "[1] INT int size=4 bits_offset=0 nr_bits=32 encoding=SIGNED\n"
            "[2] STRUCT s size=8 vlen=2\n"
            "\ta type_id=1 bitfield_size=0 bits_offset=0\n"
            "\tb type_id=1 bitfield_size=4 bits_offset=32\n"
            "[3] FUNC_PROTO (anon) return=1 args=(1 a, vararg)\n"
            "[4] FUNC f type_id=3\n"
            "[5] ENUM e size=4 vlen=1\n"
            "\tA val=-1\n");
}

TEST(Check, CyclesThroughPointersAreFine) {
  Writer w;
  // struct a { struct b *b; }; struct b { struct a *a; const struct b *self; };
  w.add_struct("a", 8, {{"b", 2, 0}});
  w.add_ptr(3);
  w.add_struct("b", 16, {{"a", 4, 0}, {"self", 5, 64}});
  w.add_ptr(1);
  w.add_ptr(6);
  w.add_const(3);
  EXPECT_EQ(judge(w.bytes()).code, 0) << judge(w.bytes()).log;
}

TEST(Check, HeaderErrors) {
  Writer w;
  int4(w);
  const auto good = w.bytes();
  struct {
    size_t at;
    u8 value;
    int code;
    const char* last;
  } cases[] = {{0, 0, EINVAL, "Invalid magic"},
               {2, 2, 524, "Unsupported version"},
               {3, 1, 524, "Unsupported flags"},
               {4, 25, E2BIG, "Unsupported btf_header"},
               {8, 4, EINVAL, "Unsupported section found"},
               {16, 15, EINVAL, "Section overlap found"},
               {20, 200, EINVAL, "Total section length too long"}};
  for (const auto& c : cases) {
    auto b = good;
    b[c.at] = c.value;
    const Judged j = judge(b);
    EXPECT_EQ(j.code, c.code) << c.at;
    EXPECT_TRUE(j.log.ends_with(c.last)) << j.log;
  }
  auto no_nul = good;
  no_nul.at(no_nul.size() - 1) = 'x';
  EXPECT_TRUE(judge(no_nul).log.ends_with("Invalid string section"));
  EXPECT_EQ(judge(std::vector<u8>((16u << 20) + 1)).code, E2BIG);
  EXPECT_TRUE(judge({0x9f, 0xeb}).log.ends_with("hdr_len not found"));
}

}  // namespace
}  // namespace osmia::btf
