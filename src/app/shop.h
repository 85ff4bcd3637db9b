// Where an import goes: the record of a data directory, or the server that runs on it.
#pragma once

#include <memory>
#include <string>

#include "app/config.h"
#include "base/result.h"
#include "engine/engine.h"
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

/// An engine of this process, which must outlive it; `by` is who changes it, for the audit log.
std::unique_ptr<Shop> shop_of(engine::Engine& engine, std::string name, sale::Operator by);

/// Whether `data` holds a record already.
bool has_record(const std::string& data);

/// The running server of `server.data` through its operator API, else the record itself.
Result<std::unique_ptr<Shop>> open_shop(const Config& config);

}  // namespace sluice::app
