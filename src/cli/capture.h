// Packet captures through libpcap: read whole, written packet by packet; and its compiler of filter text.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "isa/classic.h"

struct pcap;
struct pcap_dumper;

namespace osmia::cli {

struct Packet {
  std::vector<u8> bytes;  // as captured
  s64 sec = 0;
  s32 usec = 0;
  u32 wire_length = 0;  // bytes that it had on the wire; 0 = as many as were captured
};
inline constexpr int kEthernet = 1;  // DLT_EN10MB
struct Capture {
  std::vector<Packet> packets;
  int link_type = kEthernet;  // DLT_*
};

// Errors: an unreadable or truncated file, a link type other than Ethernet. One line with the file's name.
Result<std::vector<Packet>> read_capture(const std::string& path);
// The same of any link type.
Result<Capture> read_any_capture(const std::string& path);

// "EN10MB" and its number; EINVAL for a name that libpcap does not know.
std::string link_type_name(int link_type);
Result<int> link_type_of(const std::string& name);
// tcpdump's filter text to a classic program for captures of this link type. EINVAL: libpcap's complaint.
Result<std::vector<isa::ClassicInsn>> compile_filter(const std::string& text, int link_type);
// What libpcap itself gives for the packet: 0 = no match.
u32 libpcap_result(std::span<const isa::ClassicInsn> filter, const Packet& packet);
bool libpcap_accepts(std::span<const isa::ClassicInsn> filter);

class CaptureWriter {
 public:
  static Result<std::unique_ptr<CaptureWriter>> open(const std::string& path, int link_type = kEthernet);
  ~CaptureWriter();
  void write(const Packet& p);
  Status finish();  // flushes; EIO if a write failed

 private:
  CaptureWriter() = default;
  pcap* handle_ = nullptr;
  pcap_dumper* dumper_ = nullptr;
};

}  // namespace osmia::cli
