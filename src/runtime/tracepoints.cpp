// Programs at tracepoints run one after another, each with its own cookie; what they return means nothing.
#include "runtime/tracepoints.h"

#include "btf/btf.h"
#include "runtime/attached_run.h"

namespace osmia::runtime {

std::optional<u32> tracepoint_arguments(const contract::Catalog& catalog, std::string_view name) {
  const std::string typedef_name = "btf_trace_" + std::string(name);
  const auto of = [&](const btf::Btf& b) -> std::optional<u32> {
    const u32 id = b.find(typedef_name, btf::Kind::kTypedef);
    if (!id) return std::nullopt;
    const auto pointer = b.type(b.type(id).type());
    const auto proto = pointer.exists() ? b.type(pointer.type()) : btf::TypeView{};
    if (!proto.is(btf::Kind::kFuncProto) || proto.params().empty()) return std::nullopt;
    return static_cast<u32>(proto.params().size() - 1);  // the first is the registration's own
  };
  if (catalog.vmlinux)
    if (const auto n = of(*catalog.vmlinux)) return n;
  for (const auto& module : catalog.modules)
    if (const auto n = of(*module)) return n;
  return std::nullopt;
}

u32 tracepoint_writable_bytes(std::string_view name) {
  if (name == "bpf_test_finish") return 4;
  if (name == "nbd_send_request") return 28;  // struct nbd_request
  if (name == "bpf_testmod_test_writable_bare_tp") return 8;
  return 0;
}

void Tracepoints::add(const std::string& name, Attachment one) {
  std::lock_guard lock(mutex_);
  auto& point = points_[name];
  if (!point) point = std::make_shared<Attachments>();
  point->add(std::move(one));
  attached_++;
}

void Tracepoints::remove(const std::string& name, const void* owner) {
  std::shared_ptr<Attachments> point;
  {
    std::lock_guard lock(mutex_);
    const auto it = points_.find(name);
    if (it == points_.end()) return;
    point = it->second;
    attached_--;
  }
  point->remove(owner);
}

void Tracepoints::fire(std::string_view name, std::span<u64> args) const {
  if (!attached_.load(std::memory_order_acquire)) return;
  std::shared_ptr<const Attachments::List> list;
  {
    std::lock_guard lock(mutex_);
    const auto it = points_.find(name);
    if (it != points_.end()) list = it->second->get();
  }
  if (!list) return;
  for (const Attachment& a : *list) run_at_tracepoint(*a.program, args, a.cookie);
}

void run_at_tracepoint(Program& p, std::span<u64> args, u64 cookie) {
  run_attached(p, args.data(), cookie);
}

}  // namespace osmia::runtime
