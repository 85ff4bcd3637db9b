// The one way a failed assertion ends.
#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace sluice {

void assertion_failed(const char* expression, const char* why, const char* file,
                      int line) noexcept {
  std::fprintf(stderr, "sluice: assertion failed: %s (%s) at %s:%d\n", why, expression, file, line);
  std::abort();
}

}  // namespace sluice
