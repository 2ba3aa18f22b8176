// Programs and links as the kernel's structs, for programs that are given one (iterators over them, files of
// descriptors). Fields are as they were when the object was made.
#pragma once
#include "host/kernel_object.h"
#include "runtime/kernel.h"

namespace osmia::runtime {

// struct bpf_prog with its struct bpf_prog_aux. Null if the types lack them.
host::ObjectPtr make_program_object(const btf::BtfPtr& types, const ProgramPtr& program);
// struct bpf_link with the program.
host::ObjectPtr make_link_object(const btf::BtfPtr& types, const LinkPtr& link);
// struct btf, its id and name alone.
host::ObjectPtr make_btf_object(const btf::BtfPtr& types, const BtfObject& object);

}  // namespace osmia::runtime
