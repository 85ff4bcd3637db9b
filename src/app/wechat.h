// The [wechat] and [payment] sections as a gateway and the places its notifications may go to.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/result.h"
#include "bus/bus.h"
#include "payment/gateway.h"

namespace sluice::app {

/// Whether any key of [wechat] was given.
bool wechat_configured(const Config& config);

/// Errors, one a line: keys that the chosen API needs, values that the provider takes none of,
/// files that cannot be read or hold no key.
Result<> check_wechat(const Config& config);

/// Why this account can take payments but pay nothing back; empty: it can do both, or is none.
std::optional<std::string> refund_remark(const Config& config);

/// Starts the gateway that [wechat] describes; it must have been checked.
Result<std::unique_ptr<payment::Gateway>> start_wechat(const Config& config);

/// Where payment notifications may go, this server's own queue among them. Errors: a name that
/// cannot be one, two destinations that are the same.
Result<std::vector<bus::Binding>> destinations(const Config& config);

/// "WeChat Pay v3 at https://…", for people.
std::string wechat_name(const Config& config);

}  // namespace sluice::app
