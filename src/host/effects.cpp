// Sinks are shared by all threads and change rarely: a shared pointer each, swapped atomically.
#include "host/effects.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>

namespace osmia::host {
namespace {

std::mutex g_mutex;
std::shared_ptr<TraceSink> g_trace;
std::shared_ptr<EventSink> g_event;

template <class T>
std::shared_ptr<T> current(const std::shared_ptr<T>& sink) {
  std::lock_guard lock(g_mutex);
  return sink;
}

}  // namespace

void set_trace_sink(TraceSink sink) {
  std::lock_guard lock(g_mutex);
  g_trace = sink ? std::make_shared<TraceSink>(std::move(sink)) : nullptr;
}
void trace_line(std::string_view line) {
  if (auto sink = current(g_trace)) return (*sink)(line);
  const std::string text = "bpf_trace_printk: " + std::string(line) + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void set_event_sink(EventSink sink) {
  std::lock_guard lock(g_mutex);
  g_event = sink ? std::make_shared<EventSink>(std::move(sink)) : nullptr;
}
s64 event_output(u64 map, u32 cpu, std::span<const u8> bytes) {
  auto sink = current(g_event);
  return sink && (*sink)(map, cpu, bytes) ? 0 : -ENOENT;
}

namespace {
std::atomic<bool> g_permitted[2];
}  // namespace

void permit(Permission what, bool may) {
  g_permitted[static_cast<u8>(what)].store(may, std::memory_order_relaxed);
}
bool permitted(Permission what) {
  return g_permitted[static_cast<u8>(what)].load(std::memory_order_relaxed);
}
bool permit_list(std::string_view words) {
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(','));
    words.remove_prefix(std::min(words.size(), word.size() + 1));
    if (word == "signal")
      permit(Permission::kSignals, true);
    else if (word == "write-user")
      permit(Permission::kWriteUser, true);
    else if (!word.empty())
      return false;
  }
  return true;
}

Redirect& redirect() {
  thread_local Redirect r;
  return r;
}

}  // namespace osmia::host
