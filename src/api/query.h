// Reads a query string strictly: a misspelt filter must not silently select everything.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/language.h"
#include "base/instant.h"

namespace sluice::api {

/// Collects the first fault: a name that is not known (naming the nearest), one given twice, a
/// value that is malformed or out of range.
class QueryReader {
 public:
  QueryReader(std::string_view query, std::initializer_list<std::string_view> known);

  /// The decoded value; empty where the name is absent.
  std::optional<std::string> text(std::string_view name) const;
  std::optional<Instant> instant(std::string_view name);
  /// `limit`: 1 to sale::kMaxPage, 50 where absent.
  std::uint32_t limit();
  std::optional<std::int64_t> page_token();

  void refuse(std::string en, std::string zh);
  const std::optional<Text>& fault() const { return fault_; }

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
  std::optional<Text> fault_;
};

}  // namespace sluice::api
