// One CIE, and one FDE for each function.
#include "jit/common/unwind.h"

#include <cstring>

namespace osmia::jit {
namespace {

enum : u8 { kAdvance = 0x04, kOffsetExtended = 0x05, kDefCfa = 0x0c };  // DW_CFA_

struct Writer {
  std::vector<char> bytes;
  void u8_(u8 v) { bytes.push_back(static_cast<char>(v)); }
  template <class T>
  void word(T v) {
    char raw[sizeof v];
    std::memcpy(raw, &v, sizeof v);
    bytes.insert(bytes.end(), raw, raw + sizeof v);
  }
  void uleb(u32 v) {
    for (; v >= 0x80; v >>= 7) u8_(static_cast<u8>(v | 0x80));
    u8_(static_cast<u8>(v));
  }
  void frame(u8 reg, u32 offset) {
    u8_(kDefCfa);
    uleb(reg);
    uleb(offset);
  }
  void saved(u8 reg, u32 below) {
    u8_(kOffsetExtended);
    uleb(reg);
    uleb(below / 8);
  }
  size_t begin() {
    word(u32{0});
    return bytes.size();
  }
  void end(size_t start) {  // padded with DW_CFA_nop
    while (bytes.size() % 8) u8_(0);
    const u32 length = static_cast<u32>(bytes.size() - start);
    std::memcpy(&bytes[start - 4], &length, 4);
  }
};

}  // namespace

void Unwind::body_begins() {
  has_body_ = false;
  for (size_t k = rows_.size(); k-- > 0 && rows_[k].kind != Row::kFunction && !has_body_;)
    if (rows_[k].kind == Row::kFrame) {
      body_ = rows_[k];
      has_body_ = true;
    }
}

std::vector<char> Unwind::debug_frame(u64 base, u32 end) const {
  Writer w;
  size_t start = w.begin();
  w.word(~u32{0});  // a CIE
  w.u8_(1);         // version
  w.u8_(0);         // no augmentation
  w.uleb(1);        // code counts in bytes
  w.u8_(0x78);      // offsets count in -8 bytes
  w.u8_(kDwarfReturn);
  w.frame(kDwarfSp, kDwarfFrameAtCall);
  if (kDwarfFrameAtCall) w.saved(kDwarfReturn, kDwarfFrameAtCall);
  w.end(start);
  for (size_t k = 0; k < rows_.size();) {
    size_t next = k + 1;
    while (next < rows_.size() && rows_[next].kind != Row::kFunction) next++;
    const u32 stop = next < rows_.size() ? rows_[next].at : end;
    start = w.begin();
    w.word(u32{0});  // the CIE's offset
    w.word(base + rows_[k].at);
    w.word(u64{stop - rows_[k].at});
    u32 at = rows_[k].at;
    for (size_t i = k + 1; i < next; i++) {
      const Row& row = rows_[i];
      if (row.at > at) {
        w.u8_(kAdvance);
        w.word(row.at - at);
        at = row.at;
      }
      row.kind == Row::kFrame ? w.frame(row.reg, row.bytes) : w.saved(row.reg, row.bytes);
    }
    w.end(start);
    k = next;
  }
  return std::move(w.bytes);
}

}  // namespace osmia::jit
