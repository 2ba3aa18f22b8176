// Test run of XDP programs: one page holds head room, packet and tail room as in a driver; what does not fit
// lies in fragments behind it, which no packet pointer reaches.
#include <linux/bpf.h>

#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "host/packet.h"
#include "runtime/test_run_code.h"
#include "runtime/xdp_frame.h"

namespace osmia::runtime {
namespace {

constexpr u32 kHeadroom = 256;  // XDP_PACKET_HEADROOM
constexpr u32 kPageHead = 112;  // of a live frame's page: struct xdp_page_head
constexpr u32 kMostInBatch = 256;
constexpr u32 kFrameHeader = 40;           // sizeof(struct xdp_frame)
constexpr u32 kMaxFragments = 17;          // MAX_SKB_FRAGS
constexpr u32 kDevmap = 33, kCpumap = 35;  // BPF_XDP_DEVMAP, BPF_XDP_CPUMAP

struct XdpMd {
  u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};

Error invalid(const char* what) {
  return {EINVAL, what};
}

// Every repetition is a frame of its own that goes where the program says. As on Linux, whose pages come
// back as the last program left them, a frame's bounds are made new and its bytes are not.
Status live_frames(Program& p, const host::XdpContext& made, u32 repeat, TestRunResult& out) {
  std::vector<u8> page(kPage);
  std::memcpy(page.data(), reinterpret_cast<const void*>(made.hard_start), kPage);
  const u64 delta = reinterpret_cast<u64>(page.data()) - made.hard_start;
  host::XdpContext first = made;
  for (u64* at : {&first.data, &first.data_end, &first.data_meta, &first.hard_start, &first.frame_end})
    *at += delta;
  first.frame_end -= kPageHead;
  const u32 n = repeat ? repeat : 1;
  u64 spent = 0;
  for (u32 i = 0; i < n; i++) {
    host::XdpContext x = first;
    TestRunResult one;
    timed_runs(p, &x, 1, one);
    spent += one.duration_ns;
    if (one.retval == XDP_TX) one.redirect = {.set = true, .ifindex = x.ingress_ifindex};
    if (one.retval != XDP_TX && one.retval != XDP_REDIRECT) continue;  // to the stack, or dropped
    if (const auto hops = follow_frame(x, one.redirect); !hops.ok()) return hops.error();
  }
  out.duration_ns = static_cast<u32>(std::min<u64>(spent / n, 0xffffffff));
  return Ok{};
}

}  // namespace

Result<TestRunResult> test_run_xdp(Kernel&, Program& p, const TestRunRequest& r) {
  constexpr u32 kLiveFrames = 2;
  const u32 attach = p.desc.expected_attach_type;
  if (attach == kDevmap || attach == kCpumap) return invalid("device and CPU map programs have no test run");
  if (r.flags & ~kLiveFrames) return invalid("flags: expected none but BPF_F_TEST_XDP_LIVE_FRAMES");
  const bool live = r.flags & kLiveFrames;
  if (live && r.batch_size > kMostInBatch) return Error{E2BIG, "batch_size: expected at most 256"};
  if (!live && r.batch_size) return invalid("batch_size: only with BPF_F_TEST_XDP_LIVE_FRAMES");

  OSMIA_ASSIGN(ContextBytes ctx, context_in(r, sizeof(XdpMd)));
  const u32 size = static_cast<u32>(r.data_in.size());
  u32 headroom = kHeadroom, meta = 0, linear = size;
  XdpMd md{};
  if (ctx.has) {
    std::memcpy(&md, ctx.bytes.data(), sizeof md);
    if (md.data_meta || md.data_end > size || md.data > md.data_end)
      return invalid("context: expected data_meta 0 and data <= data_end <= the input's size");
    if (live && (r.wants_data_out || r.wants_ctx_out)) return invalid("live frames give nothing back");
    meta = md.data;
    if (meta & 3 || meta > 255 || meta > headroom - kFrameHeader)
      return invalid("context: metadata of this size is not possible");
    headroom -= meta;
    linear = md.data_end;
  }
  const u32 most = kPage - headroom - (live ? kPageHead : 0) - kSharedInfo;
  linear = std::min(linear, most);
  if (live && size > linear) return invalid("live frames have no fragments: data_in is too long");
  if (size - meta < kEthHeader) return invalid("data_in: expected at least an Ethernet header");
  if (md.egress_ifindex) return invalid("context: egress_ifindex must be 0");
  if (!md.ingress_ifindex && md.rx_queue_index)
    return invalid("context: rx_queue_index without ingress_ifindex");
  if (md.ingress_ifindex && !device_exists(md.ingress_ifindex))
    return Error{ENODEV, "context: no such ingress_ifindex"};
  if (md.ingress_ifindex && md.rx_queue_index) return invalid("context: no such rx_queue_index");
  if (u64{size} - linear > u64{kMaxFragments} * kPage)
    return Error{ENOMEM, "data_in: more fragments than a packet can have"};
  OSMIA_TRY(check_executable(p));

  alignas(64) u8 page[kPage] = {};
  std::copy_n(r.data_in.begin(), linear, page + headroom);
  std::vector<u8> frags(r.data_in.begin() + linear, r.data_in.end());
  host::XdpContext x;
  x.hard_start = reinterpret_cast<u64>(page);
  x.frame_end = x.hard_start + kPage - kSharedInfo;
  x.data_meta = x.hard_start + headroom;
  x.data = x.data_meta + meta;
  x.data_end = x.data_meta + linear;
  x.ingress_ifindex = md.ingress_ifindex ? md.ingress_ifindex : 1;
  x.rx_queue_index = md.rx_queue_index;
  x.frags_len = static_cast<u32>(frags.size());
  frags.resize(align_up(frags.size(), kPage));  // the last fragment may grow to its page's end
  x.frags = reinterpret_cast<u64>(frags.data());

  TestRunResult out;
  if (live) {
    OSMIA_TRY(live_frames(p, x, r.repeat, out));
  } else {
    timed_runs(p, &x, r.repeat, out);
  }
  out.data_out.assign(reinterpret_cast<u8*>(x.data_meta), reinterpret_cast<u8*>(x.data_end));
  out.data_out.insert(out.data_out.end(), frags.begin(), frags.begin() + x.frags_len);
  if (ctx.has) {
    md.data = static_cast<u32>(x.data - x.data_meta);
    md.data_end = static_cast<u32>(x.data_end - x.data_meta);
    out.ctx_out.resize(sizeof md);
    std::memcpy(out.ctx_out.data(), &md, sizeof md);
  }
  if (r.follow && out.retval == XDP_REDIRECT) {
    OSMIA_ASSIGN(out.hops, follow_frame(x, out.redirect));
  }
  return out;
}

}  // namespace osmia::runtime
