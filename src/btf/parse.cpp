// Btf::parse: header, string section, type records. Trusted mode wants structure alone and tolerates gaps
// between sections as libbpf does; user mode has Linux's order of checks, texts and errnos (btf_parse_hdr and
// after it).
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>

#include "btf/layout.h"
#include "btf/parser.h"

namespace osmia::btf {

Error Parser::fail(std::string line, int code) {
  log_.add(line);
  while (!line.empty() && line.back() == '\n') line.pop_back();
  return {code, std::move(line)};
}

Status Parser::header() {
  const auto& b = btf_.bytes_;
  const u32 size = static_cast<u32>(b.size());
  if (size < 8) return fail("hdr_len not found");
  h_.len = word(b.data(), 1);
  if (size < h_.len) return fail("btf_header not found");
  for (u32 i = kHeaderSize; i < h_.len; ++i)
    if (b[i]) return fail("Unsupported btf_header", E2BIG);
  u8 copy[kHeaderSize] = {};
  std::copy_n(b.data(), std::min(h_.len, kHeaderSize), copy);
  h_.magic = load_unaligned<u16>(copy);
  h_.version = copy[2];
  h_.flags = copy[3];
  h_.type_off = word(copy, 2);
  h_.type_len = word(copy, 3);
  h_.str_off = word(copy, 4);
  h_.str_len = word(copy, 5);
  if (log_.on())
    log_.add(fmt::format(
        "magic: {:#x}\nversion: {}\nflags: {:#x}\nhdr_len: {}\ntype_off: {}\ntype_len: {}\nstr_off: "
        "{}\nstr_len: {}\nbtf_total_size: {}\n",
        h_.magic, h_.version, h_.flags, word(copy, 1), h_.type_off, h_.type_len, h_.str_off, h_.str_len,
        size));
  if (h_.magic != kMagic) return fail("Invalid magic");
  if (h_.version != 1) return fail("Unsupported version", kENOTSUPP);
  if (h_.flags) return fail("Unsupported flags", kENOTSUPP);
  if (!btf_.base_ && size == h_.len) return fail("No data");

  const u32 rest = size - h_.len;
  if (options_.mode == ParseMode::kTrusted) {
    if (h_.len < kHeaderSize) return fail("btf_header not found");
    if (h_.type_off > rest || h_.type_len > rest - h_.type_off || h_.str_off > rest ||
        h_.str_len > rest - h_.str_off)
      return fail("Invalid section offset");
    return Ok{};
  }
  struct Section {
    u32 off, len;
  } s[2] = {{h_.type_off, h_.type_len}, {h_.str_off, h_.str_len}};
  // Linux compares differences of 32 bits as signed numbers; hostile offsets make that visible.
  auto cmp = [](const Section& x, const Section& y) {
    const int by_off = static_cast<int>(x.off - y.off);
    return by_off ? by_off : static_cast<int>(x.len - y.len);
  };
  if (cmp(s[0], s[1]) > 0) std::swap(s[0], s[1]);
  u32 total = 0;
  for (const Section& sec : s) {
    if (rest < sec.off) return fail("Invalid section offset");
    if (total < sec.off) return fail("Unsupported section found");
    if (total > sec.off) return fail("Section overlap found");
    if (rest - total < sec.len) return fail("Total section length too long");
    total += sec.len;
  }
  if (rest != total) return fail("Unsupported section found");
  return Ok{};
}

Status Parser::strings() {
  const bool split = btf_.base_ != nullptr;
  btf_.str_off_ = h_.len + h_.str_off;
  btf_.str_len_ = h_.str_len;
  const size_t end = static_cast<size_t>(btf_.str_off_) + h_.str_len;
  if (options_.mode == ParseMode::kUser && end != btf_.bytes_.size())
    return fail("String section is not at the end");
  if (split && !h_.str_len) return Ok{};
  if (!h_.str_len || h_.str_len - 1 > kMaxNameOffset || btf_.bytes_[end - 1])
    return fail("Invalid string section");
  if (!split && btf_.bytes_[btf_.str_off_]) return fail("Invalid string section");
  // Ids and offsets of a tower of split BTFs are 32-bit numbers.
  if (btf_.start_str_off_ + h_.str_len < h_.str_len) return fail("Invalid string section");
  return Ok{};
}

Status Parser::types() {
  const bool user = options_.mode == ParseMode::kUser;
  if (h_.type_off & 3) return fail("Unaligned type_off");
  if (user && !btf_.base_ && !h_.type_len) return fail("No type found");
  const u32 begin = h_.len + h_.type_off, end = begin + h_.type_len;
  btf_.offsets_.reserve(h_.type_len / 24);
  u32 pos = begin;
  while (pos < end) {
    const u32 id = btf_.end_id();
    const u32 left = end - pos;
    const u8* r = btf_.bytes_.data() + pos;
    if (left < kTypeSize) return fail(fmt::format("[{}] meta_left:{} meta_needed:{}", id, left, kTypeSize));
    const u32 info = word(r, 1);
    const u32 kind = info_kind(info);
    if (info & ~kInfoMask) return fail(fmt::format("[{}] Invalid btf_info:{:x}", id, info));
    if (kind == 0 || kind >= kKindCount) return fail(fmt::format("[{}] Invalid kind:{}", id, kind));
    if (user) {
      OSMIA_TRY(check_meta(btf_, id, r, left, log_));
      if (id >= kMaxTypes) return fail("Exceeded max num of types", E2BIG);
    }
    const u32 need = kTypeSize + extra_size(kind, info_vlen(info));
    if (left < need)
      return fail(fmt::format("[{}] {} {}meta_left:{} meta_needed:{}\n", id,
                              kind_name(static_cast<Kind>(kind)), log_name(btf_, word(r, 0)),
                              left - kTypeSize, need - kTypeSize));
    btf_.offsets_.push_back(pos);
    pos += need;
  }
  if (user) OSMIA_TRY(check_all_types(btf_, log_));
  return Ok{};
}

Result<BtfPtr> Parser::run(std::vector<u8> bytes, BtfPtr base, const ParseOptions& options) {
  if (options.mode == ParseMode::kUser ? bytes.size() > kMaxSize : bytes.size() > 0x7fffffff)
    return Error{E2BIG, fmt::format("BTF of {} bytes, at most {} expected", bytes.size(),
                                    options.mode == ParseMode::kUser ? kMaxSize : 0x7fffffff)};
  std::shared_ptr<Btf> btf(new Btf());
  btf->bytes_ = std::move(bytes);
  if (base) {
    btf->start_id_ = base->end_id();
    btf->start_str_off_ = base->end_string_offset();
    btf->base_ = std::move(base);
  }
  Parser p(*btf, options);
  OSMIA_TRY(p.header());
  OSMIA_TRY(p.strings());
  OSMIA_TRY(p.types());
  return BtfPtr(std::move(btf));
}

Result<BtfPtr> Btf::parse(std::vector<u8> bytes, BtfPtr base, const ParseOptions& options) {
  return Parser::run(std::move(bytes), std::move(base), options);
}

Result<BtfPtr> Btf::parse(std::vector<u8> bytes, BtfPtr base, ParseMode mode) {
  ParseOptions o;
  o.mode = mode;
  return Parser::run(std::move(bytes), std::move(base), o);
}

Result<BtfPtr> Btf::from_file(const std::string& path, BtfPtr base) {
  std::FILE* f = std::fopen(path.c_str(), "rb");
  if (!f) return Error{errno, fmt::format("{}: cannot open: {}", path, std::strerror(errno))};
  // The size is a hint alone (a pipe has none): reading goes on until there is no more.
  struct stat st = {};
  std::vector<u8> bytes;
  size_t used = 0;
  size_t step =
      ::fstat(fileno(f), &st) == 0 && st.st_size > 0 ? static_cast<size_t>(st.st_size) + 1 : 1u << 20;
  while (bytes.size() <= 0x7fffffff) {
    bytes.resize(used + step);
    const size_t n = std::fread(bytes.data() + used, 1, step, f);
    used += n;
    if (n == 0) break;
    step = 1u << 20;
  }
  const bool bad = std::ferror(f);
  std::fclose(f);
  if (bad) return Error{EIO, fmt::format("{}: cannot read", path)};
  bytes.resize(used);
  auto r = parse(std::move(bytes), std::move(base), ParseMode::kTrusted);
  if (!r.ok()) r.error().message = fmt::format("{}: not BTF: {}", path, r.error().message);
  return r;
}

}  // namespace osmia::btf
