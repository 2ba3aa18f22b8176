// A merge point: an instruction, a chain of calls and a signature of what cannot be merged, with the state
// that holds every path there.
#pragma once
#include "verifier/native/merger.h"

namespace osmia::verifier::native {

struct Merger::Point {
  u32 index = 0, insn = 0, frame = 0;
  const Loop* loop = nullptr;  // the loop that it heads
  std::vector<u32> order;

  PathState plain;  // all arrivals joined; its trail is that of the loops around
  PathState init;   // arrivals from outside the loop
  PathState
      state;  // composed of these, to explore from: members by init and rounds, trail with this loop's own
  std::vector<Member> members;
  LocSet banned;  // written in ways that are not followed
  bool rounds_seen = false, no_group = false;
  u64 rounds = 0;
  u32 raises = 0;

  bool reached = false, dirty = false;
  u32 visits = 0;
  PathState next_plain, next_init;  // collected since
  u64 next_rounds = 0;

  std::vector<WayBack> ways;  // certification

  LocSet member_locs() const {
    LocSet locs;
    for (const Member& m : members) locs.push_back(m.loc);
    return locs;
  }
  // A path back to the head completed no more rounds than there may be, by its members.
  bool round_fits(const LoopTrail& round, const PathState& back) const {
    if (members.empty()) return true;
    const auto k = rounds_completed(members, init, state, round, back);
    return k && *k <= rounds;
  }
  void clear_next() {
    dirty = false;
    next_plain = PathState{};
    next_init = PathState{};
    next_rounds = 0;
  }
};

// What exploration notes in Env besides states.
struct Merger::Saved {
  explicit Saved(const Env& e)
      : aux(e.aux),
        subprogs(e.subprogs),
        storages(e.cgroup_storages),
        maps(e.used_maps),
        btfs(e.used_btfs),
        direct_write(e.seen_direct_write),
        exception(e.seen_exception),
        dst(e.dst_needed),
        cb(e.cb_access),
        ctx_off(e.max_ctx_offset),
        pkt_off(e.max_pkt_offset),
        tp(e.max_tp_access),
        key(e.max_key_access),
        value(e.max_value_access) {}
  void restore(Env& e) const {
    e.aux = aux;
    e.subprogs = subprogs;
    e.cgroup_storages = storages;
    e.used_maps = maps;
    e.used_btfs = btfs;
    e.seen_direct_write = direct_write;
    e.seen_exception = exception;
    e.dst_needed = dst;
    e.cb_access = cb;
    e.max_ctx_offset = ctx_off;
    e.max_pkt_offset = pkt_off;
    e.max_tp_access = tp;
    e.max_key_access = key;
    e.max_value_access = value;
  }
  std::vector<InsnAux> aux;
  std::vector<Subprog> subprogs;
  std::vector<const MapInfo*> storages, maps;
  std::vector<std::shared_ptr<const btf::Btf>> btfs;
  bool direct_write, exception, dst, cb;
  u32 ctx_off, pkt_off, tp, key, value;
};

}  // namespace osmia::verifier::native
