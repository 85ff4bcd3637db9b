// A real server and a sandbox gateway that outlives it, with what tests of money ask of both.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/sandbox.h"
#include "support/server_process.h"
#include "support/wire.h"

namespace sluice::test {

/// One connection that comes back after the server was killed. Not thread-safe.
class Caller {
 public:
  explicit Caller(std::uint16_t port) : port_(port) {}
  /// Asks until there is an answer: a question whose answer was lost is asked again. Throws after
  /// half a minute.
  Answer ask(std::string_view method, std::string_view path, std::string_view token = {},
             std::string_view body = {});

 private:
  const std::uint16_t port_;
  std::unique_ptr<Wire> wire_;
};

/// An order as the operator's export shows it.
struct RecordedOrder {
  std::string user, item, status, transaction_id;
  std::int64_t amount = 0;
  std::int64_t units = 0;
};

/// An order as the gateway knows it.
struct GatewayOrder {
  std::string state, transaction_id;
  std::int64_t total = 0, paid = 0, refunded = 0;
};

class PaymentWorld {
 public:
  /// `api` is "v2" or "v3". Starts the sandbox and the server.
  explicit PaymentWorld(const std::string& api);
  ~PaymentWorld();

  void start_server();
  void kill_server();
  /// SIGTERM; the exit status.
  int stop_server();
  int verify_record() const;

  std::uint16_t port() const { return port_; }
  std::uint16_t sandbox_port() const { return sandbox_->port(); }
  const std::string& admin() const { return admin_; }
  std::string token(const std::string& user) const;
  /// The gateway's word for "try again".
  const std::string& busy() const { return busy_; }

  /// A sale that is open, of one item; its id.
  std::string open_sale(const std::string& item, std::int64_t stock, int hold_seconds,
                        std::int64_t price);
  void faults(const std::string& json);
  Answer operate(std::string_view method, const std::string& path, std::string_view body = {});
  Answer at_sandbox(std::string_view method, const std::string& path, std::string_view body = {});

  std::map<std::string, RecordedOrder> recorded() const;
  std::map<std::string, GatewayOrder> at_gateway();
  /// The orders that the operator's console lists for a person.
  std::vector<std::string> for_a_person();
  /// How often the gateway's record of this order shows its close refused with this word.
  int closes_refused(const std::string& order, std::string_view with);

  static constexpr int kCloseAttempts = 4;

 private:
  TemporaryDirectory directory_;
  const std::string data_;
  const std::string busy_;
  std::uint16_t port_ = 0;
  std::unique_ptr<sandbox::Sandbox> sandbox_;
  std::unique_ptr<ServerProcess> server_;
  std::string key_, admin_;
};

}  // namespace sluice::test
