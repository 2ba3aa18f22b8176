// The kernel's own BTF objects come first and never go: id 1 is vmlinux.
#include "runtime/kernel.h"

#include "runtime/tracepoints.h"

namespace osmia::runtime {

Result<JitMode> jit_mode(std::string_view text) {
  if (text == "auto") return JitMode::kAuto;
  if (text == "off") return JitMode::kOff;
  if (text == "on") return JitMode::kOn;
  return Error{EINVAL, "JIT: expected auto, on or off, found \"" + std::string(text) + "\""};
}

Kernel::Kernel(std::shared_ptr<const contract::Catalog> catalog, const std::vector<std::string>& names)
    : tracepoints(std::make_shared<Tracepoints>()), catalog_(std::move(catalog)) {
  if (catalog_->vmlinux) vmlinux_ = add_btf(catalog_->vmlinux, true, "vmlinux");
  for (size_t i = 0; i < catalog_->modules.size(); i++)
    add_btf(catalog_->modules[i], true, i < names.size() ? names[i] : "module" + std::to_string(i + 1));
}

BtfObjectPtr Kernel::add_btf(btf::BtfPtr btf, bool kernel, std::string name) {
  auto o = std::make_shared<BtfObject>();
  o->btf = std::move(btf);
  o->kernel = kernel;
  o->name = std::move(name);
  o->id = btfs.add(o);
  if (kernel) kernel_btfs_.push_back(o);
  return o;
}

}  // namespace osmia::runtime
