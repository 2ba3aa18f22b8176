// The data of a message: which bytes a program sees, and bytes put in and taken out. A message has at most
// kMaxParts parts; what would need more is merged, as Linux does.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "helpers/code.h"
#include "helpers/running.h"
#include "host/message.h"

namespace osmia::helpers::code {
namespace {

constexpr size_t kMaxParts = 17;       // MAX_MSG_FRAGS
constexpr u32 kMaxMessage = 1u << 22;  // more is ENOMEM

host::MessageContext& message(u64 ctx) {
  return *reinterpret_cast<host::MessageContext*>(ctx);
}
u8* bytes(host::MessageContext& m) {
  return m.buffer.data();
}
void show(host::MessageContext& m, u32 from, u32 to) {
  m.data = reinterpret_cast<u64>(bytes(m)) + from;
  m.data_end = reinterpret_cast<u64>(bytes(m)) + to;
}
void show_first_part(host::MessageContext& m) {
  show(m, 0, m.parts.empty() ? 0 : m.parts[0]);
}

// The part that byte `start` is in (the last one if it is behind all), and where that part begins.
struct Place {
  size_t part = 0;
  u32 offset = 0;
  bool inside = false;
};
Place find(const host::MessageContext& m, u32 start) {
  Place p;
  for (p.part = 0; p.part < m.parts.size(); p.part++) {
    if (start < p.offset + m.parts[p.part]) {
      p.inside = true;
      return p;
    }
    if (p.part + 1 == m.parts.size()) return p;
    p.offset += m.parts[p.part];
  }
  return p;
}

}  // namespace

u64 msg_apply_bytes(u64 ctx, u64 n, u64, u64, u64) {
  message(ctx).apply_bytes = static_cast<u32>(n);
  return 0;
}
u64 msg_cork_bytes(u64 ctx, u64 n, u64, u64, u64) {
  message(ctx).cork_bytes = static_cast<u32>(n);
  return 0;
}

// Bytes [from, to) become visible; the parts that they lie in become one.
u64 msg_pull_data(u64 ctx, u64 from, u64 to, u64 flags, u64) {
  auto& m = message(ctx);
  const u32 start = static_cast<u32>(from), end = static_cast<u32>(to);
  if (flags || end <= start) return result(-EINVAL);
  const Place p = find(m, start);
  if (!p.inside || end > m.size) return result(-EINVAL);
  u32 have = m.parts[p.part];
  while (p.offset + have < end) {
    have += m.parts[p.part + 1];
    m.parts.erase(m.parts.begin() + static_cast<std::ptrdiff_t>(p.part) + 1);
  }
  m.parts[p.part] = have;
  show(m, start, end);
  return 0;
}

// New bytes, zero, in a part of their own before byte `start`.
u64 msg_push_data(u64 ctx, u64 at, u64 length, u64 flags, u64) {
  auto& m = message(ctx);
  const u32 start = static_cast<u32>(at), n = static_cast<u32>(length);
  if (flags) return result(-EINVAL);
  if (!n) return 0;
  if (start > m.size) return result(-EINVAL);
  if (u64{m.size} + n > kMaxMessage) return result(-ENOMEM);
  const Place p = find(m, start);
  const size_t room = m.parts.size() < kMaxParts ? kMaxParts - m.parts.size() : 0;
  const auto part = m.parts.begin() + static_cast<std::ptrdiff_t>(p.part);
  if (m.parts.empty()) {
    m.parts.push_back(n);
  } else if (!room || (room == 1 && start != p.offset)) {
    *part += n;
  } else if (start == p.offset) {
    m.parts.insert(part, n);
  } else {
    const u32 front = start - p.offset, back = *part - front;
    *part = front;
    const auto added = m.parts.insert(part + 1, n);
    if (back) m.parts.insert(added + 1, back);
  }
  m.buffer.insert(m.buffer.begin() + start, n, u8{0});
  m.size += n;
  show_first_part(m);
  return 0;
}

u64 msg_pop_data(u64 ctx, u64 at, u64 length, u64 flags, u64) {
  auto& m = message(ctx);
  const u32 start = static_cast<u32>(at), n = static_cast<u32>(length);
  if (flags) return result(-EINVAL);
  if (!n) return 0;
  const Place p = find(m, start);
  if (!p.inside || u64{start} + n > m.size) return result(-EINVAL);
  const bool room = m.parts.size() < kMaxParts;
  size_t i = p.part;
  u32 left = n;
  if (const u32 front = start - p.offset) {
    const u32 behind = m.parts[i] - front;
    m.parts[i] = front;
    if (behind > left) {  // the middle of one part goes
      if (room)
        m.parts.insert(m.parts.begin() + static_cast<std::ptrdiff_t>(i) + 1, behind - left);
      else
        m.parts[i] = front + behind - left;
      left = 0;
    } else {
      left -= behind;
    }
    i++;
  }
  while (left) {
    const u32 taken = std::min(left, m.parts[i]);
    m.parts[i] -= taken;
    left -= taken;
    if (!m.parts[i]) m.parts.erase(m.parts.begin() + static_cast<std::ptrdiff_t>(i));
  }
  m.buffer.erase(m.buffer.begin() + start, m.buffer.begin() + start + n);
  m.size -= n;
  show_first_part(m);
  return 0;
}

}  // namespace osmia::helpers::code
