// count, from and index are the struct's own fields: what a program reads there is what is.
#include "host/seq_file.h"

#include <cstring>

namespace osmia::host {
namespace {
thread_local SeqFile* t_current = nullptr;
}

Result<std::unique_ptr<SeqFile>> SeqFile::make(const btf::Btf& types) {
  OSMIA_ASSIGN(KernelStruct memory, KernelStruct::make(types, "seq_file"));
  std::unique_ptr<SeqFile> file(new SeqFile(std::move(memory)));
  file->buffer_.reset(new u8[kBufferBytes]);
  const auto field = [&](const char* name, u64& otherwise) {
    const auto place = file->memory_.find(name);
    return place && place->size == 8 ? reinterpret_cast<u64*>(file->memory_.bytes() + place->offset)
                                     : &otherwise;
  };
  file->count_ = field("count", file->unseen_[0]);
  file->from_ = field("from", file->unseen_[1]);
  file->index_ = field("index", file->unseen_[2]);
  file->memory_.set("buf", reinterpret_cast<u64>(file->buffer_.get()));
  file->memory_.set("size", kBufferBytes);
  return file;
}

bool SeqFile::write(const void* from, u64 n) {
  const u64 at = *count_;
  if (at >= kBufferBytes || n >= kBufferBytes - at) {
    *count_ = kBufferBytes;
    return false;
  }
  if (n) std::memcpy(buffer_.get() + at, from, n);
  *count_ = at + n;
  return true;
}

SeqFile* SeqFile::current(u64 address) {
  return t_current && t_current->address() == address ? t_current : nullptr;
}

SeqFile::Use::Use(SeqFile& file) : outer_(t_current) {
  t_current = &file;
}
SeqFile::Use::~Use() {
  t_current = outer_;
}

}  // namespace osmia::host
