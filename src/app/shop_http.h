// The operator API of a running server as the place to import into.
#pragma once

#include <memory>

#include "app/config.h"
#include "app/server_file.h"
#include "app/shop.h"
#include "base/result.h"

namespace sluice::app {

/// Asks whether the server is alive. The error says why it did not answer.
Result<> answers(const ServerFile& server);

/// Signs an operator's token with the server's own key. Errors: there is no key to sign with.
Result<std::unique_ptr<Shop>> connect_shop(const Config& config, const ServerFile& server);

}  // namespace sluice::app
