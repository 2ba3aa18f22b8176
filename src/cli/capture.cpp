// libpcap reads and writes the files, and compiles filters.
#include "cli/capture.h"

#include <pcap/pcap.h>

#include <algorithm>

namespace osmia::cli {

Result<Capture> read_any_capture(const std::string& path) {
  char error[PCAP_ERRBUF_SIZE] = "";
  pcap_t* p = pcap_open_offline(path.c_str(), error);
  if (!p) {
    const std::string what = error;  // libpcap names the file in some of its messages
    return Error{EINVAL, what.starts_with(path) ? what : path + ": " + what};
  }
  Capture out;
  out.link_type = pcap_datalink(p);
  pcap_pkthdr* h = nullptr;
  const u8* bytes = nullptr;
  int r;
  while ((r = pcap_next_ex(p, &h, &bytes)) == 1)
    out.packets.push_back(
        {{bytes, bytes + h->caplen}, h->ts.tv_sec, static_cast<s32>(h->ts.tv_usec), h->len});
  if (r == PCAP_ERROR) {
    Error e{EINVAL, path + ": packet " + std::to_string(out.packets.size() + 1) + ": " + pcap_geterr(p)};
    pcap_close(p);
    return e;
  }
  pcap_close(p);
  return out;
}

Result<std::vector<Packet>> read_capture(const std::string& path) {
  OSMIA_ASSIGN(Capture capture, read_any_capture(path));
  if (capture.link_type != kEthernet)
    return Error{EINVAL, path + ": the capture's link type is " + link_type_name(capture.link_type) +
                             ", expected Ethernet (EN10MB)"};
  return std::move(capture.packets);
}

std::string link_type_name(int link_type) {
  const char* name = pcap_datalink_val_to_name(link_type);
  return name ? name : "unknown";
}
Result<int> link_type_of(const std::string& name) {
  const int value = pcap_datalink_name_to_val(name.c_str());
  if (value < 0)
    return Error{EINVAL,
                 "link type '" + name + "': libpcap knows none of that name (EN10MB, RAW, LINUX_SLL2 ...)"};
  return value;
}

static_assert(sizeof(isa::ClassicInsn) == sizeof(bpf_insn));

Result<std::vector<isa::ClassicInsn>> compile_filter(const std::string& text, int link_type) {
  constexpr int kSnapshot = 262144;
  pcap_t* p = pcap_open_dead(link_type, kSnapshot);
  if (!p) return Error{ENOMEM, "libpcap: out of memory"};
  bpf_program program{};
  if (pcap_compile(p, &program, text.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    Error e{EINVAL, "filter '" + text + "': " + pcap_geterr(p)};
    pcap_close(p);
    return e;
  }
  std::vector<isa::ClassicInsn> out;
  for (u32 i = 0; i < program.bf_len; i++) {
    const bpf_insn& in = program.bf_insns[i];
    out.push_back({in.code, in.jt, in.jf, in.k});
  }
  pcap_freecode(&program);
  pcap_close(p);
  return out;
}

u32 libpcap_result(std::span<const isa::ClassicInsn> filter, const Packet& packet) {
  const u32 captured = static_cast<u32>(packet.bytes.size());
  return bpf_filter(reinterpret_cast<const bpf_insn*>(filter.data()), packet.bytes.data(),
                    packet.wire_length ? packet.wire_length : captured, captured);
}
bool libpcap_accepts(std::span<const isa::ClassicInsn> filter) {
  return bpf_validate(reinterpret_cast<const bpf_insn*>(filter.data()), static_cast<int>(filter.size()));
}

Result<std::unique_ptr<CaptureWriter>> CaptureWriter::open(const std::string& path, int link_type) {
  auto w = std::unique_ptr<CaptureWriter>(new CaptureWriter);
  w->handle_ = pcap_open_dead(link_type, 262144);
  w->dumper_ = pcap_dump_open(w->handle_, path.c_str());
  if (!w->dumper_) return Error{EIO, std::string(pcap_geterr(w->handle_))};
  return w;
}

CaptureWriter::~CaptureWriter() {
  if (dumper_) pcap_dump_close(dumper_);
  if (handle_) pcap_close(handle_);
}

void CaptureWriter::write(const Packet& p) {
  pcap_pkthdr h{};
  h.ts.tv_sec = p.sec;
  h.ts.tv_usec = p.usec;
  h.caplen = static_cast<u32>(p.bytes.size());
  h.len = std::max(p.wire_length, h.caplen);
  pcap_dump(reinterpret_cast<u8*>(dumper_), &h, p.bytes.data());
}

Status CaptureWriter::finish() {
  if (pcap_dump_flush(dumper_) != 0) return Error{EIO, "the output capture could not be written"};
  return Ok{};
}

}  // namespace osmia::cli
