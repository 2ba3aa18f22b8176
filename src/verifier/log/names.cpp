// Names as Linux prints them: register types, dynptr kinds, iterators.
#include "btf/btf.h"
#include "verifier/log/log.h"

namespace osmia::verifier {

std::string reg_type_str(const Env&, RegType t) {
  static constexpr std::string_view kNames[] = {
      "?",    "scalar",  "ctx",       "map_ptr", "map_value",   "map_key",   "fp",        "pkt_meta",
      "pkt",  "pkt_end", "flow_keys", "sock",    "sock_common", "tcp_sock",  "tp_buffer", "xdp_sock",
      "ptr_", "mem",     "arena",     "buf",     "func",        "dynptr_ptr"};
  static_assert(std::size(kNames) == static_cast<size_t>(RegBase::kCount));
  std::string s;
  if (t.has(contract::kRdOnly)) s += "rdonly_";
  if (t.has(contract::kRingbufMem)) s += "ringbuf_";
  if (t.has(contract::kUserMem)) s += "user_";
  if (t.has(contract::kPercpu)) s += "percpu_";
  if (t.has(contract::kRcu)) s += "rcu_";
  if (t.has(contract::kUntrusted)) s += "untrusted_";
  if (t.has(contract::kTrusted)) s += "trusted_";
  s += kNames[static_cast<size_t>(t.base)];
  if (t.maybe_null()) s += t.base == RegBase::kBtfId ? "or_null_" : "_or_null";
  return s;
}

std::string_view dynptr_kind_str(DynptrKind k) {
  switch (k) {
    case DynptrKind::kLocal: return "local";
    case DynptrKind::kRingbuf: return "ringbuf";
    case DynptrKind::kSkb: return "skb";
    case DynptrKind::kXdp: return "xdp";
    default: return "<invalid>";
  }
}

std::string iter_type_str(const btf::Btf* btf, u32 btf_id) {
  if (!btf || btf_id == 0) return "<invalid>";
  std::string name(btf->type(btf_id).name());
  constexpr std::string_view kPrefix = "bpf_iter_";
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
}

std::string_view iter_state_str(IterState s) {
  switch (s) {
    case IterState::kActive: return "active";
    case IterState::kDrained: return "drained";
    default: return "<invalid>";
  }
}

}  // namespace osmia::verifier
