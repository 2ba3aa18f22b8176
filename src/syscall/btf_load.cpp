// BTF_LOAD: bytes from user space become a checked BTF object; its log follows Linux's.
#include "btf/special_fields.h"
#include "contract/kernel_types.h"
#include "syscall/call.h"
#include "syscall/log_buffer.h"

namespace osmia::syscall {

// The structs that programs may allocate, and who owns whom among them.
static Status check_fields(const Call& c, const btf::Btf& btf) {
  const contract::CatalogTypes types(c.kernel.catalog());
  auto metas = btf::parse_struct_metas(btf, &types);
  return metas.ok() ? Status(Ok{}) : Status(metas.error());
}

long btf_load(Call& c) {
  OSMIA_CHECK_ATTR(c, btf_token_fd);
  const auto& a = c.attr;
  if (a.btf_flags & ~static_cast<u32>(BPF_F_TOKEN_FD)) return fail(EINVAL, "unknown btf_flags");
  if (a.btf_flags & BPF_F_TOKEN_FD) return fail(EBADF, "BPF tokens are not supported");
  if (!c.capable(contract::Capability::kBpf)) return fail(EPERM, "BTF_LOAD needs CAP_BPF");
  if (a.btf_size > btf::kMaxSize) return fail(E2BIG, "BTF larger than 16 MiB");
  LogBuffer log;
  if (log.init(a.btf_log_level, a.btf_log_buf, a.btf_log_size))
    return fail(EINVAL, "btf_log_level, btf_log_buf and btf_log_size do not fit");

  long result = 0;
  btf::BtfPtr parsed;
  std::vector<u8> bytes(a.btf_size);
  if (copy_from_user(bytes.data(), a.btf, bytes.size())) {
    result = fail(EFAULT, "btf cannot be read");
  } else {
    std::string text;
    btf::ParseOptions options;
    options.mode = btf::ParseMode::kUser;
    options.log_level = a.btf_log_level;
    options.log = &text;
    auto r = btf::Btf::parse(std::move(bytes), nullptr, options);
    if (!text.empty()) log.write(text);
    if (!r.ok()) {
      result = fail(r.error());
    } else if (const Status sound = check_fields(c, **r); !sound.ok()) {
      result = fail(sound.error());
    } else {
      parsed = *std::move(r);
    }
  }
  u32 true_size = 0;
  const int log_err = log.finish(true_size);
  if (log_err)
    result = fail(-log_err, log_err == -ENOSPC ? "the log does not fit into btf_log_size"
                                               : "btf_log_buf cannot be written");
  if (c.size >= OSMIA_ATTR_END(btf_log_true_size) &&
      c.put(offsetof(union bpf_attr, btf_log_true_size), true_size))
    return fail(EFAULT, "attributes cannot be written");
  if (result) return result;
  Fd fd;
  fd.object = c.kernel.add_btf(std::move(parsed), false, "");
  return c.fds.install(std::move(fd));
}

}  // namespace osmia::syscall
