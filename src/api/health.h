// What works and what does not, part by part.
#pragma once

#include <string_view>
#include <vector>

#include "api/context.h"
#include "api/language.h"

namespace sluice::api {

struct ServiceCheck {
  std::string_view name;
  bool good = true;
  Words why;  ///< what is wrong when it is not
};

struct ServiceHealth {
  bool ready = true;  ///< to take traffic
  std::vector<ServiceCheck> checks;
};

/// Any thread.
ServiceHealth service_health(const Api::Shared& shared);

}  // namespace sluice::api
