// Time and memory of this process. Thread CPU time is what ratios are made of: on a shared machine it does
// not count the time in which somebody else ran.
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <ctime>

#include "worker.h"

namespace osmia::bench {
namespace {

double now(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

long status_field(const char* field) {
  FILE* f = fopen("/proc/self/status", "r");
  if (!f) return -1;
  char line[256];
  long value = -1;
  while (fgets(line, sizeof line, f))
    if (!strncmp(line, field, strlen(field))) sscanf(line + strlen(field), ": %ld", &value);
  fclose(f);
  return value;
}

}  // namespace

Clock::Clock() {
  start_.wall = now(CLOCK_MONOTONIC);
  start_.cpu = now(CLOCK_THREAD_CPUTIME_ID);
}
Span Clock::stop() const {
  const double cpu = now(CLOCK_THREAD_CPUTIME_ID) - start_.cpu;
  return {cpu, now(CLOCK_MONOTONIC) - start_.wall};
}

long peak_rss_kib(bool reset) {
  const long peak = status_field("VmHWM");
  if (reset) {
    malloc_trim(0);
    if (const int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC); fd >= 0) {
      [[maybe_unused]] const ssize_t n = write(fd, "5", 1);
      close(fd);
    }
  }
  return peak;
}
long rss_kib() {
  return status_field("VmRSS");
}

}  // namespace osmia::bench
