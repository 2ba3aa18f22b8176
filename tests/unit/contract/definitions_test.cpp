// The definitions that ship obey the rules that the verifier takes for granted.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "contract/attach_rules.h"
#include "contract/attach_targets.h"
#include "contract/catalog.h"
#include "runtime/catalog.h"

namespace osmia::contract {
namespace {

void expect_sound_fields(std::span<const CtxField> fields, u32 size, std::string_view owner) {
  std::vector<const CtxField*> sorted;
  std::set<std::string_view> names;
  for (const auto& f : fields) {
    sorted.push_back(&f);
    EXPECT_TRUE(names.insert(f.name).second) << owner << "." << f.name;
  }
  std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->offset < b->offset; });
  u32 end = 0;
  for (const CtxField* f : sorted) {
    SCOPED_TRACE(std::string(owner) + "." + std::string(f->name));
    EXPECT_GE(f->offset, end) << "overlaps the field before it";
    EXPECT_GT(f->size, 0);
    EXPECT_LE(f->offset + f->size, size);
    const u32 elem = f->elem ? f->elem : f->size;
    EXPECT_EQ(f->size % elem, 0u);
    if (!(f->access & kCtxAnySize)) {
      EXPECT_TRUE(elem == 1 || elem == 2 || elem == 4 || elem == 8) << elem;
      EXPECT_EQ(f->offset % elem, 0u) << "not aligned to its element";
    }
    EXPECT_TRUE(f->access & kCtxRead);
    if (f->write_attach_types) {
      EXPECT_TRUE(f->access & kCtxWrite);
    }
    if (f->access & kCtxWord) {
      EXPECT_EQ(f->size, 2);
    }
    if (f->type.base != RegBase::kScalar) {
      EXPECT_FALSE(f->access & (kCtxWrite | kCtxNarrowRead | kCtxAnySize)) << "a pointer is read whole";
    }
    if (f->type.base == RegBase::kBtfId) {
      EXPECT_FALSE(f->btf_type.empty());
    }
    end = f->offset + f->size;
  }
}

TEST(Definitions, ContextFieldsLieInTheirStructAndApart) {
  const auto catalog = runtime::build_catalog();
  for (const ProgTypeDef* t : catalog->prog_types) expect_sound_fields(t->fields, t->ctx_size, t->name);
}

TEST(Definitions, ObjectLayoutsToo) {
  const auto catalog = runtime::build_catalog();
  for (const ObjectLayout& o : catalog->objects) expect_sound_fields(o.fields, o.size, o.name);
  ASSERT_TRUE(catalog->object(RegBase::kSocket));
  EXPECT_EQ(catalog->object(RegBase::kMem), nullptr);
}

TEST(Definitions, TheThirtyTwoProgramTypes) {
  const auto catalog = runtime::build_catalog();
  EXPECT_EQ(catalog->prog_types.size(), 32u);
  for (u32 type = 1; type <= 32; ++type) ASSERT_TRUE(catalog->prog_type(type)) << type;
  EXPECT_EQ(catalog->prog_type(0u), nullptr);
  EXPECT_EQ(catalog->prog_type(33u), nullptr);
  EXPECT_EQ(catalog->prog_type("xdp")->type, 6u);
  EXPECT_EQ(catalog->prog_type("nonsense"), nullptr);
}

TEST(Definitions, ReturnRangesEndWithAnAnswerForEveryAttachType) {
  const auto catalog = runtime::build_catalog();
  for (const ProgTypeDef* t : catalog->prog_types) {
    SCOPED_TRACE(t->name);
    for (const auto& r : t->returns) EXPECT_LE(r.min, r.max);
    if (!t->returns.empty()) {
      EXPECT_EQ(t->returns.back().attach_type, kAnyAttach);
    }
    if (t->default_attach_type) {
      EXPECT_NE(std::find(t->attach_types.begin(), t->attach_types.end(), t->default_attach_type),
                t->attach_types.end());
    }
  }
}

// Arguments come in order, sizes follow the memory they measure, references are told once.
TEST(Definitions, PrototypesAreWellFormed) {
  const auto catalog = runtime::build_catalog();
  for (const HelperDef* h : catalog->helpers) {
    SCOPED_TRACE(h->name);
    bool ended = false;
    for (int i = 0; i < 5; ++i) {
      const ArgSpec& a = h->args[i];
      if (a.kind == ArgKind::kNone) {
        ended = true;
        continue;
      }
      EXPECT_FALSE(ended) << "a gap before argument " << i + 1;
      if (a.kind == ArgKind::kConstSize || a.kind == ArgKind::kConstSizeOrZero) {
        ASSERT_GT(i, 0);
        EXPECT_EQ(h->args[i - 1].kind, ArgKind::kMem);
        EXPECT_FALSE(h->args[i - 1].flags & kFixedSize);
      }
      if (a.kind == ArgKind::kMem) {
        EXPECT_EQ((a.flags & kFixedSize) != 0, a.size != 0);
        if (!(a.flags & kFixedSize)) {
          ASSERT_LT(i, 4);
          EXPECT_TRUE(h->args[i + 1].kind == ArgKind::kConstSize ||
                      h->args[i + 1].kind == ArgKind::kConstSizeOrZero);
        }
      }
      if (a.kind == ArgKind::kBtfId) {
        EXPECT_TRUE(!a.btf_type.empty() || (h->effects & kKptrXchg));
      }
    }
    bool releases = false;
    for (const ArgSpec& a : h->args) releases |= (a.flags & kObjRelease) != 0;
    EXPECT_EQ(releases, (h->effects & kReleasesRef) != 0);
    const bool calls_back = h->effects & (kSyncCallback | kAsyncCallback);
    EXPECT_EQ(calls_back, h->callback != CallbackShape::kNone);
    if (h->effects & kChangesPacketData) {
      EXPECT_EQ(h->args[0].kind, ArgKind::kCtx);
    }
  }
}

// Every rule that some definition names must exist: an unknown one would refuse silently.
TEST(Definitions, NamedAttachRulesExist) {
  const auto catalog = runtime::build_catalog();
  std::set<std::string_view> rules = {"sleepable", "modify_return", "tracing_denied", "no_return",
                                      "lsm_hook",  "lsm_disabled",  "lsm_trusted",    "func_entry"};
  for (const auto* t : catalog->prog_types)
    for (const auto& g : t->grants)
      if (!g.targets.empty()) rules.insert(g.targets);
  for (const auto* h : catalog->helpers)
    if (!h->allowed_targets.empty()) rules.insert(h->allowed_targets);
  for (const auto* k : catalog->kfuncs)
    if (!k->targets.empty()) rules.insert(k->targets);
  for (std::string_view r : rules) EXPECT_TRUE(attach_rule_exists(r)) << r;
  EXPECT_FALSE(attach_rule_exists("no such rule"));
}

TEST(Definitions, KfuncsNameProgramTypesThatExist) {
  const auto catalog = runtime::build_catalog();
  std::set<std::string_view> names;
  for (const KfuncDef* k : catalog->kfuncs) {
    EXPECT_FALSE(k->prog_types.empty()) << k->name;
    EXPECT_TRUE(names.insert(std::string_view(k->name)).second || k->set.find("scx_") == 0 ||
                k->set.find("hid_") == 0)
        << k->name << " twice";
    for (std::string_view t : k->prog_types)
      EXPECT_TRUE(t == "common" || catalog->prog_type(t)) << k->name << " " << t;
  }
  const KfuncDef* acquire = catalog->kfunc("bpf_task_acquire");
  ASSERT_TRUE(acquire);
  EXPECT_EQ(acquire->flags, u32{kKfAcquire | kKfRcu | kKfRetNull});
}

TEST(AttachRules, FollowHookAndAttachType) {
  auto allowed = [](std::string_view rule, std::string_view type, u32 attach, std::string_view target,
                    bool sleepable = false, bool program = false) {
    return target_allowed(rule, type,
                          Caller{.expected_attach_type = attach,
                                 .sleepable = sleepable,
                                 .target = target,
                                 .target_is_program = program});
  };
  EXPECT_TRUE(allowed("d_path", "tracing", 28, "bpf_iter_task"));
  EXPECT_TRUE(allowed("d_path", "tracing", 24, "filp_close"));
  EXPECT_FALSE(allowed("d_path", "tracing", 24, "bpf_lsm_file_open"));
  EXPECT_TRUE(allowed("d_path", "lsm", 27, "bpf_lsm_file_open"));
  EXPECT_FALSE(allowed("d_path", "lsm", 27, "filp_close"));
  EXPECT_FALSE(allowed("sk_storage_tracing", "tracing", 24, "bpf_sk_storage_free"));
  EXPECT_TRUE(allowed("sk_storage_tracing", "tracing", 25, "tcp_close"));
  EXPECT_FALSE(allowed("sk_storage_tracing", "tracing", 25, "tcp_close", false, true));
  EXPECT_TRUE(allowed("sleepable", "lsm", 27, "bpf_lsm_bprm_committed_creds"));
  EXPECT_FALSE(allowed("sleepable", "lsm", 27, "bpf_lsm_task_free"));
  EXPECT_TRUE(allowed("sleepable", "tracing", 24, "bpf_fentry_test1"));
  EXPECT_FALSE(allowed("sleepable", "tracing", 24, "bpf_fentry_test2"));
  EXPECT_TRUE(allowed("modify_return", "tracing", 26, "security_file_open"));
  EXPECT_FALSE(allowed("modify_return", "tracing", 26, "vfs_read"));
  EXPECT_TRUE(allowed("lsm_disabled", "lsm", 27, "bpf_lsm_vm_enough_memory"));
  EXPECT_TRUE(allowed("lsm_hook", "lsm", 27, "bpf_lsm_file_open"));
  EXPECT_FALSE(allowed("lsm_hook", "lsm", 27, "bpf_lsm_no_such_hook"));
  EXPECT_TRUE(allowed("css_task_iter", "tracing", 24, "x", true));
  EXPECT_FALSE(allowed("css_task_iter", "tracing", 24, "x", false));
  EXPECT_FALSE(allowed("no such rule", "lsm", 27, "bpf_lsm_file_open"));
}

TEST(AttachRules, HookReturnRanges) {
  EXPECT_EQ(lsm_return_range("bpf_lsm_inode_xattr_skipcap").max, 1);
  EXPECT_EQ(lsm_return_range("bpf_lsm_file_open").min, -4095);
  EXPECT_EQ(lsm_return_range("bpf_lsm_file_open").max, 0);
}

TEST(AttachTargets, GrantsOfStructOpsFollowTheStruct) {
  const auto catalog = runtime::build_catalog();
  const ProgTypeDef& t = *catalog->prog_type("struct_ops");
  auto granted = [&](std::string_view name, std::string_view member, u32 id, u32 caps = ~0u) {
    for (const StructOpsDef* def : catalog->struct_ops)
      if (def->name == name)
        return catalog->helper_for(t, Caller{.caps = caps, .target = member, .struct_ops = def}, id) !=
               nullptr;
    ADD_FAILURE() << "no struct " << name;
    return false;
  };
  EXPECT_TRUE(granted("tcp_congestion_ops", "init", 49));  // setsockopt
  EXPECT_FALSE(granted("tcp_congestion_ops", "release", 49));
  EXPECT_FALSE(granted("tcp_congestion_ops", "release", 57));  // getsockopt
  EXPECT_TRUE(granted("tcp_congestion_ops", "release", 107));  // sk_storage_get
  EXPECT_TRUE(granted("tcp_congestion_ops", "release", 116));  // tcp_send_ack
  EXPECT_TRUE(granted("tcp_congestion_ops", "release", 1));
  EXPECT_FALSE(granted("sched_ext_ops", "init", 116));
  EXPECT_TRUE(granted("sched_ext_ops", "init", 156));  // task_storage_get
  EXPECT_TRUE(granted("hid_bpf_ops", "hid_device_event", 1));
  EXPECT_FALSE(granted("hid_bpf_ops", "hid_device_event", 156));
  EXPECT_TRUE(granted("bpf_testmod_st_ops", "test_prologue", 1));
  EXPECT_TRUE(granted("bpf_testmod_st_ops", "test_prologue", 6));  // trace_printk, with CAP_PERFMON alone
  EXPECT_FALSE(granted("bpf_testmod_st_ops", "test_prologue", 6, 0));
  for (const std::string_view silent : {"bpf_dummy_ops", "bpf_testmod_ops", "bpf_testmod_ops2"})
    for (u32 id = 1; id < 212; id++) EXPECT_FALSE(granted(silent, "test_1", id)) << silent << " " << id;
  ASSERT_TRUE(iterator_target("task_file"));
  EXPECT_EQ(iterator_target("task_file")->args.size(), 2u);
  EXPECT_EQ(iterator_target("tasks"), nullptr);
}

}  // namespace
}  // namespace osmia::contract
