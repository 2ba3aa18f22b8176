// Pointers that may be null: all copies of one lookup's result share an id, so that one comparison settles
// them all.
#include "verifier/transfer/parts.h"

namespace osmia::verifier {
namespace {

bool has_inner_field(const MapInfo& m, u32 kinds) {
  return m.record && m.record->has(kinds);
}

// A reference that was never really acquired. (Not release_ref_id(): this is any state, and no callback owns
// it yet.)
void forget_reference(PathState& st, u32 id) {
  for (Reference& r : st.refs) {
    if (r.id != id) continue;
    r = st.refs.back();
    st.refs.pop_back();
    return;
  }
}

}  // namespace

bool surely_not_null(const Env&, const RegState& r) {
  if (r.type.maybe_null()) return false;
  // An unbounded offset could wrap the address to zero.
  if (r.s.smin <= -kMaxVarOff || r.s.smax >= kMaxVarOff) return false;
  switch (r.type.base) {
    case RegBase::kSocket:
    case RegBase::kTcpSock:
    case RegBase::kXdpSock:
    case RegBase::kSockCommon:
    case RegBase::kBuf:
    case RegBase::kMapValue:
    case RegBase::kMapKey:
    case RegBase::kMem:
    case RegBase::kConstMapPtr: return true;
    case RegBase::kBtfId: return is_trusted_reg(r);
    default: return false;
  }
}

void mark_not_null(RegState& r) {
  if (!r.is(RegBase::kMapValue)) {
    r.type = r.type.without(contract::kMaybeNull);
    return;
  }
  const MapInfo& m = *r.map;
  const u64 traits = m.def ? m.def->traits : 0;
  if (m.inner) {
    r.type = RegType(RegBase::kConstMapPtr);
    r.map = m.inner;
    // Each lookup may give another map, which timers and work queues must not confuse.
    if (has_inner_field(*m.inner, btf::kFieldTimer | btf::kFieldWorkqueue)) r.map_uid = r.id;
  } else if (traits & contract::kMapValueIsXdpSock) {
    r.type = RegType(RegBase::kXdpSock);
  } else if (traits & contract::kMapValueIsSock) {
    r.type = RegType(RegBase::kSocket);
  } else {
    r.type = RegType(RegBase::kMapValue);
  }
}

void mark_ptr_or_null_regs(Env& env, PathState& st, u32 frame, u32 regno, bool is_null) {
  const RegState& tested = st.frames[frame]->regs[regno];
  const u32 id = tested.id, ref = tested.ref_obj_id;
  if (ref && ref == id && is_null) forget_reference(st, id);
  for_each_reg(
      st,
      [&](const RegState& r) {
        return r.type.maybe_null() && r.id == id && (id || r.type.has(contract::kRcu));
      },
      [&](RegState& r) {
        // Pointers that may be null cannot have been moved, save those that came at an offset.
        if (r.s.smin || r.s.smax || !r.s.is_zero()) return;
        if (r.off && !is_program_object(r.type)) return;
        if (is_null) {
          r.type = RegType(RegBase::kScalar);
          r.id = 0;
          r.ref_obj_id = 0;
          return;
        }
        mark_not_null(r);
        // Objects with a lock stay told apart.
        const btf::FieldRecord* record = record_of(env, r);
        if (!record || !record->has(btf::kFieldSpinLock)) r.id = 0;
      });
}

}  // namespace osmia::verifier
