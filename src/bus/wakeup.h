// How other threads wake one that waits for a socket.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "base/assert.h"

namespace sluice::bus {

class Wakeup {
 public:
  Wakeup() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    SLUICE_ASSERT(descriptor_ >= 0, "an eventfd could be made");
  }
  ~Wakeup() { ::close(descriptor_); }
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  int descriptor() const { return descriptor_; }
  void signal() {
    const std::uint64_t one = 1;
    // It fails only where the counter is full: then the thread is as good as awake.
    [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof one);
  }
  void clear() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read = ::read(descriptor_, &count, sizeof count);
  }

 private:
  int descriptor_;
};

}  // namespace sluice::bus
