// What the public handles hold. Invariant: whoever refers to a runtime::Kernel also holds the KernelHolder,
// so that handles may outlive the Kernel object they came from.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "loader/object.h"
#include "osmia/kernel.h"
#include "runtime/kernel.h"

namespace osmia {

struct Kernel::Impl {
  std::unique_ptr<runtime::Kernel> kernel;
  std::string btf_path;  // for libbpf's CO-RE; empty: the machine's (a file that is no BTF: none)
  std::map<std::string, HookSpec> hooks;
  std::mutex loading;  // libbpf and the Kernel's verdict hook take one load at a time
};

namespace api {

using KernelPtr = std::shared_ptr<Kernel::Impl>;

// A descriptor of the process for as long as this lives.
class OwnFd {
 public:
  explicit OwnFd(runtime::Object object);
  ~OwnFd();
  OwnFd(const OwnFd&) = delete;
  OwnFd& operator=(const OwnFd&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Result<Map> make_map(KernelPtr kernel, std::string name, maps::MapPtr map);
Result<Program> make_program(KernelPtr kernel, std::string name, runtime::ProgramPtr program);
Verdict to_public(const verifier::Verdict& v);
Error failed_call(long result, std::string what);  // of a bpf() that returned -errno

}  // namespace api
}  // namespace osmia
