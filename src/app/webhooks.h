// Webhooks as the configuration has them.
#pragma once

#include <memory>

#include "app/config.h"
#include "base/result.h"
#include "webhook/office.h"

namespace sluice::app {

/// Errors: a URL or a secret that cannot be, a URL without a secret, spans that are too short.
Result<> check_webhooks(const Config& config);

/// Opens the office on the record of server.data, which exists. The configuration was checked.
Result<std::unique_ptr<webhook::Office>> open_webhooks(const Config& config);

}  // namespace sluice::app
