// Where an import goes: the record of a data directory, or the server that runs on it.
#pragma once

#include <memory>
#include <string>

#include "app/config.h"
#include "base/result.h"
#include "import/reconcile.h"

namespace sluice::app {

class Shop {
 public:
  virtual ~Shop() = default;
  /// "the record in ./sluice-data" or "the server at http://…".
  virtual std::string name() const = 0;
  virtual Result<importing::Existing> existing() = 0;
  /// Opens a sale or adds items; durable when it returns.
  virtual Result<> apply(const importing::Step& step) = 0;
};

/// Whether `data` holds a record already.
bool has_record(const std::string& data);

/// The running server of `server.data` through its operator API, else the record itself.
Result<std::unique_ptr<Shop>> open_shop(const Config& config);

}  // namespace sluice::app
