// Where events come from: the history of the record, followed from a position that is kept with the
// deliveries. So an event is as durable as the change that it tells of, and costs the writer
// nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "store/tail.h"

namespace sluice::webhook {

/// One thread at a time. Tests bring their own.
class Source {
 public:
  virtual ~Source() = default;
  /// As store::Tail::read().
  virtual Result<store::Changes> read(std::int64_t after, const std::set<ItemNo>& told) = 0;
};

/// The record of `directory`, which exists.
Result<std::unique_ptr<Source>> open_record(const std::string& directory);

}  // namespace sluice::webhook
