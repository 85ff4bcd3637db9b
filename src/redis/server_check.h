// Whether a Redis is fit to admit shoppers: version, durability, memory, functions, role.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "base/result.h"
#include "redis/connection.h"
#include "redis/slots.h"

namespace sluice::redis {

struct Remark {
  bool is_fatal = false;  ///< else: it works, but not as promised
  std::string text;
  std::string remedy;
};

/// What the server says of itself. A setting that it does not tell (managed servers hide CONFIG) is
/// empty.
struct ServerFacts {
  std::string info;  ///< the reply to INFO
  std::optional<std::string> appendfsync;
  std::optional<std::string> full_coverage;  ///< cluster-require-full-coverage
  std::optional<std::string> library;        ///< the text under the name of ours
  std::string library_refusal;               ///< why it did not take ours
  std::optional<bool> cluster_ok;            ///< of a Redis Cluster: all slots are served
  Span ahead;                                ///< of the clock here
};
/// No socket inside.
std::vector<Remark> judge(const ServerFacts& facts, std::size_t servers_configured);

/// Asks every server of the address; remarks name theirs where there are several. An error: one of
/// them does not answer, or does not serve at all. Waits for each at most three times
/// `options.answer_timeout`. Not on a connection's thread. Leaves the functions loaded.
Result<std::vector<Remark>> check_server(const Address& address, const ConnectionOptions& options);

}  // namespace sluice::redis
