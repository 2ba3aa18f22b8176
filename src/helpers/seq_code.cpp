// What an iterator's program prints into: its sequential file. A file that is full answers -EOVERFLOW;
// whoever reads it then asks for the same object again.
#include <cerrno>
#include <cstring>

#include "helpers/code.h"
#include "helpers/format.h"
#include "helpers/running.h"
#include "helpers/show.h"
#include "host/seq_file.h"

namespace osmia::helpers::code {
namespace {

// Null is not what the verifier lets through; a file of somebody else's run is.
constexpr s64 kNoFile = -EBADF;

}  // namespace

u64 seq_printf(u64 file, u64 fmt, u64 size, u64 data, u64 bytes) {
  host::SeqFile* seq = host::SeqFile::current(file);
  const u32 n = static_cast<u32>(bytes);
  if (n & 7 || n > 12 * 8 || (n && !data)) return result(-EINVAL);
  if (!seq) return result(kNoFile);
  std::string text;
  const s64 length = format_text(reinterpret_cast<const char*>(fmt), static_cast<u32>(size),
                                 reinterpret_cast<const u64*>(data), n / 8, text);
  if (length < 0) return result(length);
  return result(seq->write(text.data(), text.size()) ? 0 : -EOVERFLOW);
}

u64 seq_write(u64 file, u64 data, u64 size, u64, u64) {
  host::SeqFile* seq = host::SeqFile::current(file);
  if (!seq) return result(kNoFile);
  return result(seq->write(reinterpret_cast<const void*>(data), static_cast<u32>(size)) ? 0 : -EOVERFLOW);
}

u64 seq_printf_btf(u64 file, u64 pointer, u64 pointer_size, u64 flags, u64) {
  host::SeqFile* seq = host::SeqFile::current(file);
  if (!seq) return result(kNoFile);
  std::string text;
  if (const s64 err = show_typed(pointer, static_cast<u32>(pointer_size), flags, text)) return result(err);
  seq->write(text.data(), text.size());  // what does not fit shows when the program has returned
  return 0;
}

}  // namespace osmia::helpers::code
