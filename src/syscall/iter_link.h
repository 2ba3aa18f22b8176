// Links of iterators: what reads them opens a file on the link.
#pragma once
#include "runtime/iter/iter_file.h"
#include "runtime/link.h"

namespace osmia::syscall {

// A new file of an iterator's link. Errors: EINVAL (the link is none), EOPNOTSUPP, ENOMEM, ENOENT (what it
// was made for has gone).
Result<std::shared_ptr<runtime::IterFile>> open_iterator(const runtime::Link& link);

}  // namespace osmia::syscall
