// Limits, signals and randomness of Linux.
#include "app/system.h"

#include <pthread.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ctime>

#include "base/assert.h"

namespace sluice::app {

namespace {

constexpr int kSecondSignalStatus = 130;

sigset_t stop_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

extern "C" void exit_at_once(int) {
  _exit(kSecondSignalStatus);
}

}  // namespace

std::uint64_t raise_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{limit.rlim_max, limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur;
}

StopSignals::StopSignals() {
  const sigset_t set = stop_set();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

bool StopSignals::wait(int milliseconds) {
  const sigset_t set = stop_set();
  const timespec most{milliseconds / 1000, (milliseconds % 1000) * 1'000'000L};
  return sigtimedwait(&set, nullptr, &most) > 0;
}

void StopSignals::insist() {
  struct sigaction action {};
  action.sa_handler = exit_at_once;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  const sigset_t set = stop_set();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  const ssize_t got = getrandom(&seed, sizeof seed, 0);
  SLUICE_ASSERT(got == sizeof seed, "getrandom fills eight bytes");
  return seed;
}

}  // namespace sluice::app
