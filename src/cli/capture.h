// Packet captures through libpcap: read whole, written packet by packet.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"

struct pcap;
struct pcap_dumper;

namespace osmia::cli {

struct Packet {
  std::vector<u8> bytes;  // as captured
  s64 sec = 0;
  s32 usec = 0;
};

// Errors: an unreadable or truncated file, a link type other than Ethernet. One line with the file's name.
Result<std::vector<Packet>> read_capture(const std::string& path);

class CaptureWriter {
 public:
  static Result<std::unique_ptr<CaptureWriter>> open(const std::string& path);
  ~CaptureWriter();
  void write(const Packet& p);
  Status finish();  // flushes; EIO if a write failed

 private:
  CaptureWriter() = default;
  pcap* handle_ = nullptr;
  pcap_dumper* dumper_ = nullptr;
};

}  // namespace osmia::cli
