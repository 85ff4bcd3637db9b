// The embedded engine as a shop: one process, a record in a temporary directory.
#include <stdexcept>

#include "engine/embedded.h"
#include "support/contract_engine.h"
#include "support/server_process.h"

namespace sluice::test {

namespace {

class EmbeddedShop final : public EngineShop {
 public:
  explicit EmbeddedShop(bool has_gateway) : EngineShop(has_gateway) {}
  ~EmbeddedShop() override { end(); }

  std::string audit() override {
    end();
    return text_of(store::verify(directory_.path()));
  }

 private:
  std::unique_ptr<engine::Engine> start() override {
    engine::EmbeddedOptions options;
    options.directory = directory_.path();
    options.settings = contract_settings(has_gateway());
    options.time = contract_time();
    auto started = engine::start_embedded(options);
    if (!started) throw std::runtime_error(started.error().message);
    return std::move(*started);
  }
  sale::Counters recorded(const engine::CatalogItem& item) override { return item.live->read(); }

  TemporaryDirectory directory_;
};

}  // namespace

std::unique_ptr<ContractShop> embedded_shop(bool has_gateway) {
  return std::make_unique<EmbeddedShop>(has_gateway);
}

}  // namespace sluice::test
