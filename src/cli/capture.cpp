// libpcap reads and writes the files.
#include "cli/capture.h"

#define PCAP_DONT_INCLUDE_PCAP_BPF_H
#include <pcap/pcap.h>

namespace osmia::cli {

inline constexpr int kEthernet = 1;  // DLT_EN10MB

Result<std::vector<Packet>> read_capture(const std::string& path) {
  char error[PCAP_ERRBUF_SIZE] = "";
  pcap_t* p = pcap_open_offline(path.c_str(), error);
  if (!p) return Error{EINVAL, path + ": " + error};
  std::vector<Packet> packets;
  if (pcap_datalink(p) != kEthernet) {
    const char* name = pcap_datalink_val_to_name(pcap_datalink(p));
    Error e{EINVAL, path + ": the capture's link type is " + (name ? name : "unknown") +
                        ", expected Ethernet (EN10MB)"};
    pcap_close(p);
    return e;
  }
  pcap_pkthdr* h = nullptr;
  const u8* bytes = nullptr;
  int r;
  while ((r = pcap_next_ex(p, &h, &bytes)) == 1)
    packets.push_back({{bytes, bytes + h->caplen}, h->ts.tv_sec, static_cast<s32>(h->ts.tv_usec)});
  if (r == PCAP_ERROR) {
    Error e{EINVAL, path + ": packet " + std::to_string(packets.size() + 1) + ": " + pcap_geterr(p)};
    pcap_close(p);
    return e;
  }
  pcap_close(p);
  return packets;
}

Result<std::unique_ptr<CaptureWriter>> CaptureWriter::open(const std::string& path) {
  auto w = std::unique_ptr<CaptureWriter>(new CaptureWriter);
  w->handle_ = pcap_open_dead(kEthernet, 262144);
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
  h.caplen = h.len = static_cast<u32>(p.bytes.size());
  pcap_dump(reinterpret_cast<u8*>(dumper_), &h, p.bytes.data());
}

Status CaptureWriter::finish() {
  if (pcap_dump_flush(dumper_) != 0) return Error{EIO, "the output capture could not be written"};
  return Ok{};
}

}  // namespace osmia::cli
