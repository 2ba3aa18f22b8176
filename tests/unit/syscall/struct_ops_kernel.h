// A kernel with struct_ops in its BTF, for tests: the structs that ship, cut down to what the tests look at.
#pragma once
#include <initializer_list>
#include <string>
#include <vector>

#include "btf/write.h"
#include "isa/insn.h"
#include "runtime/engine.h"
#include "test_kernel.h"

namespace osmia::syscall {

using isa::Insn;

// Writes `struct name`, one word a member, its value type, and its stubs.
struct OpsWriter {
  btf::Writer& w;
  u32 common;  // struct bpf_struct_ops_common_value
  // The value type's id.
  u32 add(std::string_view name, const std::vector<btf::Writer::MemberDef>& members) {
    const u32 size = static_cast<u32>(members.size()) * 8;
    const u32 type = w.add_struct(name, size, members);
    return w.add_struct("bpf_struct_ops_" + std::string(name), 64 + size,
                        {{"common", common, 0}, {"data", type, 64 * 8}});
  }
};

struct StructOpsKernel {
  u32 dummy_value = 0, tcp_value = 0, st_value = 0, ops_value = 0;
  btf::BtfPtr vmlinux, module;
  std::unique_ptr<runtime::Kernel> kernel;
  std::string log;

  explicit StructOpsKernel(runtime::JitMode jit = runtime::JitMode::kAuto) {
    btf::Writer w;
    const u32 i32 = w.add_int("int", 4, btf::kIntSigned), u64_ = w.add_int("u64", 8),
              u32_ = w.add_int("u32", 4);
    const u32 u8_ = w.add_int("char", 1), index = u32_;
    const u32 common =
        w.add_struct("bpf_struct_ops_common_value", 8, {{"refcnt", u32_, 0}, {"state", u32_, 32}});
    const u32 owner = w.add_ptr(w.add_struct("module", 8, {{"x", u64_, 0}}));
    OpsWriter ops{w, common};
    const u32 state = w.add_ptr(w.add_struct("bpf_dummy_ops_state", 4, {{"val", i32, 0}}));
    const u32 one = w.add_func_proto(i32, {{"", state}});
    const u32 many = w.add_func_proto(i32, {{"", state}, {"", i32}, {"", u64_}});
    dummy_value = ops.add("bpf_dummy_ops", {{"test_1", w.add_ptr(one), 0},
                                            {"test_2", w.add_ptr(many), 64},
                                            {"test_sleepable", w.add_ptr(one), 128}});
    w.add_func("bpf_dummy_ops__test_1", w.add_func_proto(i32, {{"cb__nullable", state}}));
    w.add_func("bpf_dummy_test_2", many);
    w.add_func("bpf_dummy_test_sleepable", one);

    // sock 0..24, inet_connection_sock 0..56, tcp_sock 0..72, each in the next.
    const u32 sock =
        w.add_struct("sock", 24, {{"x", u64_, 0}, {"sk_pacing_rate", u64_, 64}, {"y", u64_, 128}});
    const u32 pending = w.add_struct("", 8, {{"pending", u8_, 0}, {"rest", u8_, 8}});
    const u32 icsk = w.add_struct("inet_connection_sock", 56,
                                  {{"sk", sock, 0},
                                   {"icsk_ack", pending, 24 * 8},
                                   {"icsk_ca_priv", w.add_array(u64_, index, 3), 32 * 8}});
    w.add_struct("tcp_sock", 72, {{"inet_conn", icsk, 0}, {"snd_cwnd", u32_, 56 * 8}, {"z", u64_, 64 * 8}});
    const u32 sk = w.add_ptr(sock);
    const u32 give = w.add_func_proto(u32_, {{"", sk}}), take = w.add_func_proto(0, {{"", sk}});
    const u32 get = w.add_ptr(give), set = w.add_ptr(take);
    const u32 tcp = w.add_struct("tcp_congestion_ops", 136,
                                 {{"ssthresh", get, 0},
                                  {"cong_avoid", set, 64},
                                  {"undo_cwnd", get, 128},
                                  {"cong_control", set, 192},
                                  {"get_info", get, 256},
                                  {"init", set, 320},
                                  {"release", set, 384},
                                  {"set_state", set, 448},
                                  {"cwnd_event", set, 512},
                                  {"in_ack_event", set, 576},
                                  {"pkts_acked", set, 640},
                                  {"min_tso_segs", get, 704},
                                  {"sndbuf_expand", get, 768},
                                  {"name", w.add_array(u8_, index, 16), 832},
                                  {"owner", owner, 960},
                                  {"flags", u32_, 1024}});
    tcp_value = w.add_struct("bpf_struct_ops_tcp_congestion_ops", 200,
                             {{"common", common, 0}, {"data", tcp, 64 * 8}});
    for (const char* stub : {"ssthresh", "undo_cwnd", "min_tso_segs", "sndbuf_expand"})
      w.add_func("bpf_tcp_ca_" + std::string(stub), give);
    for (const char* stub :
         {"cong_avoid", "set_state", "cwnd_event", "in_ack_event", "pkts_acked", "cong_control"})
      w.add_func("bpf_tcp_ca_" + std::string(stub), take);
    for (const char* stub : {"__bpf_tcp_ca_init", "__bpf_tcp_ca_release"}) w.add_func(stub, take);
    vmlinux = *btf::Btf::parse(w.bytes());

    btf::Writer m(*vmlinux);
    OpsWriter module_ops{m, common};
    const u32 args = m.add_ptr(m.add_struct("st_ops_args", 8, {{"a", u64_, 0}}));
    const u32 call = m.add_func_proto(i32, {{"args", args}});
    const u32 slot = m.add_ptr(call);
    st_value = module_ops.add("bpf_testmod_st_ops", {{"test_prologue", slot, 0},
                                                     {"test_epilogue", slot, 64},
                                                     {"test_pro_epilogue", slot, 128},
                                                     {"owner", owner, 192}});
    for (const char* f : {"test_prologue", "test_epilogue", "test_pro_epilogue"}) {
      m.add_func("bpf_test_mod_st_ops__" + std::string(f), call);
      m.add_func("bpf_kfunc_st_ops_" + std::string(f), call);
    }
    const u32 none = m.add_func_proto(i32, std::initializer_list<btf::Writer::ParamDef>{});
    ops_value = module_ops.add("bpf_testmod_ops2", {{"test_1", m.add_ptr(none), 0}});
    m.add_func("bpf_testmod_test_1", none);
    module = *btf::Btf::parse(m.bytes(), vmlinux);

    auto catalog = runtime::build_catalog(vmlinux);
    catalog->modules.push_back(module);
    kernel = std::make_unique<runtime::Kernel>(catalog, std::vector<std::string>{"bpf_testmod"});
    runtime::install_engine(*kernel);
    kernel->jit = jit;
  }

  long call(int cmd, const std::function<void(union bpf_attr&)>& fill) {
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    fill(a);
    return bpf(*kernel, cmd, &a, sizeof a);
  }
  long btf_fd(u32 id) {
    return call(BPF_BTF_GET_FD_BY_ID, [&](union bpf_attr& a) { a.btf_id = id; });
  }
  const btf::Btf& btf_of(bool in_module) const { return in_module ? *module : *vmlinux; }

  struct Wanted {
    std::string_view name;  // struct
    u32 member;             // index
    bool in_module = false, sleeps = false;
    const char* license = "GPL";
  };
  long load(const Wanted& want, const std::vector<Insn>& insns) {
    std::vector<char> text(1 << 16);
    const long btf = want.in_module ? btf_fd(2) : 0;
    const long fd = call(BPF_PROG_LOAD, [&](union bpf_attr& a) {
      a.prog_type = BPF_PROG_TYPE_STRUCT_OPS;
      a.insns = reinterpret_cast<u64>(insns.data()), a.insn_cnt = static_cast<u32>(insns.size());
      a.license = reinterpret_cast<u64>(want.license);
      a.attach_btf_id = btf_of(want.in_module).find(want.name, btf::Kind::kStruct);
      a.attach_btf_obj_fd = static_cast<u32>(btf);
      a.expected_attach_type = want.member;
      a.prog_flags = want.sleeps ? BPF_F_SLEEPABLE : 0;
      a.log_level = 2, a.log_buf = reinterpret_cast<u64>(text.data()),
      a.log_size = static_cast<u32>(text.size());
    });
    log = text.data();
    if (btf) FdTable::instance().close(static_cast<int>(btf));
    return fd;
  }
  long make_map(u32 value_id, bool in_module, u32 flags = 0, u32 value_size = 0) {
    const btf::Writer own = [] {
      btf::Writer w;
      w.add_int("int", 4);
      return w;
    }();
    const auto bytes = own.bytes();
    const long btf = call(BPF_BTF_LOAD, [&](union bpf_attr& a) {
      a.btf = reinterpret_cast<u64>(bytes.data()), a.btf_size = static_cast<u32>(bytes.size());
    });
    const long module_fd = in_module ? btf_fd(2) : 0;
    const long fd = call(BPF_MAP_CREATE, [&](union bpf_attr& a) {
      a.map_type = BPF_MAP_TYPE_STRUCT_OPS, a.key_size = 4, a.max_entries = 1;
      a.value_size = value_size ? value_size : btf_of(in_module).type(value_id).size();
      a.map_flags = flags | (in_module ? u32{BPF_F_VTYPE_BTF_OBJ_FD} : 0u);
      a.value_type_btf_obj_fd = static_cast<s32>(module_fd);
      a.btf_vmlinux_value_type_id = value_id;
      a.btf_fd = static_cast<u32>(btf);
    });
    FdTable::instance().close(static_cast<int>(btf));
    if (module_fd) FdTable::instance().close(static_cast<int>(module_fd));
    return fd;
  }
  long elem(int cmd, long map, u32 key, void* value, u64 flags = 0) {
    return call(cmd, [&](union bpf_attr& a) {
      a.map_fd = static_cast<u32>(map), a.key = reinterpret_cast<u64>(&key);
      a.value = reinterpret_cast<u64>(value), a.flags = flags;
    });
  }
};

// An element: the common value, then the struct at byte 64.
struct OpsValue {
  u32 refcnt = 0, state = 0;
  u64 pad[7] = {};
  u64 word[17] = {};
};

}  // namespace osmia::syscall
