#include "runtime/kernel.h"

namespace osmia::runtime {

Kernel::Kernel(std::shared_ptr<const contract::Catalog> catalog) : catalog_(std::move(catalog)) {
  if (catalog_->vmlinux) vmlinux_ = add_btf(catalog_->vmlinux, true, "vmlinux");
  for (const auto& m : catalog_->modules) add_btf(m, true, "module" + std::to_string(kernel_btfs_.size()));
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
