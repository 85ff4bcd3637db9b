// Collects what an audit finds: a bounded list, an unbounded count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "store/verify.h"

namespace sluice::store {

class Findings {
 public:
  Findings(VerifyReport& report, std::size_t most) : report_(report), most_(most) {}

  void add(const char* check, std::string detail) {
    ++report_.finding_count;
    if (report_.findings.size() < most_) report_.findings.push_back({check, std::move(detail)});
  }

 private:
  VerifyReport& report_;
  std::size_t most_;
};

}  // namespace sluice::store
