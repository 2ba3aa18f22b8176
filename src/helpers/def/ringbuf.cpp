// Ring buffers: records, reserved records (acquired and released), dynptr records, draining user records.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 130,
      .name = "bpf_ringbuf_output",
      .args = {map, mem_in, size0, any},
      .tag = "base",
      .map_types = map_types(MapType::kRingbuf)},
     code::ringbuf_output},
    {{.id = 131,
      .name = "bpf_ringbuf_reserve",
      .args = {map, alloc_size, any},
      .ret = {RetKind::kMem, kMaybeNull | kRingbufMem},
      .effects = kAcquiresRef,
      .tag = "base",
      .map_types = map_types(MapType::kRingbuf)},
     code::ringbuf_reserve},
    {{.id = 132,
      .name = "bpf_ringbuf_submit",
      .args = {with(ringbuf_mem, kObjRelease), any},
      .ret = {RetKind::kVoid},
      .effects = kReleasesRef,
      .tag = "base"},
     code::ringbuf_submit},
    {{.id = 133,
      .name = "bpf_ringbuf_discard",
      .args = {with(ringbuf_mem, kObjRelease), any},
      .ret = {RetKind::kVoid},
      .effects = kReleasesRef,
      .tag = "base"},
     code::ringbuf_discard},
    {{.id = 134,
      .name = "bpf_ringbuf_query",
      .args = {map, any},
      .tag = "base",
      .map_types = map_types(MapType::kRingbuf)},
     code::ringbuf_query},
    {{.id = 198,
      .name = "bpf_ringbuf_reserve_dynptr",
      .args = {map, any, any, with(dynptr, kDynptrRingbuf | kUninit | kWrite)},
      .effects = kDynptrRef,
      .tag = "base_bpf",
      .map_types = map_types(MapType::kRingbuf)},
     code::ringbuf_reserve_dynptr},
    {{.id = 199,
      .name = "bpf_ringbuf_submit_dynptr",
      .args = {with(dynptr, kDynptrRingbuf | kObjRelease), any},
      .ret = {RetKind::kVoid},
      .effects = kReleasesRef,
      .tag = "base_bpf",
      .map_types = map_types(MapType::kRingbuf)},
     code::ringbuf_submit_dynptr},
    {{.id = 200,
      .name = "bpf_ringbuf_discard_dynptr",
      .args = {with(dynptr, kDynptrRingbuf | kObjRelease), any},
      .ret = {RetKind::kVoid},
      .effects = kReleasesRef,
      .tag = "base_bpf",
      .map_types = map_types(MapType::kRingbuf)},
     code::ringbuf_discard_dynptr},
    {{.id = 209,
      .name = "bpf_user_ringbuf_drain",
      .args = {map, callback, stack_mem_or_null, any},
      .effects = kSyncCallback | kUserRingbufDrain,
      .callback = CallbackShape::kUserRingbuf,
      .tag = "base_bpf",
      .map_types = map_types(MapType::kUserRingbuf)},
     code::user_ringbuf_drain},
};
}  // namespace

std::span<const HelperEntry> def_ringbuf() {
  return kEntries;
}

}  // namespace osmia::helpers
