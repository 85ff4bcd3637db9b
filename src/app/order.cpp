// `sluice order`: grab, show, pay and cancel an order from a terminal.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "api/qr.h"
#include "app/cli.h"
#include "app/keys.h"
#include "app/logging.h"
#include "app/order_client.h"
#include "app/version.h"
#include "base/ids.h"
#include "base/money.h"
#include "base/text.h"

namespace sluice::app {

namespace {

using Answer = OrderClient::Answer;

constexpr auto kPoll = std::chrono::seconds(1);
/// Polls in a row that may fail before the command gives up.
constexpr int kMaxSilence = 10;
constexpr int kTooManyRequests = 429;

struct OrderFlags {
  ConfigFlags config;
  std::string action;
  std::string subject;
  std::string user;
  std::string token;
  std::string url;
  std::int64_t quantity = 1;
  bool watch = false;
  bool no_wait = false;
};

std::string price(const Answer& order) {
  const Currency currency = Currency::parse(order.text("currency")).value_or(Currency{});
  return fmt::format("{} {}", to_decimal(Money{order.number("amount")}, currency), currency.code());
}

void print_order(const Answer& order) {
  fmt::print("{}  {}  {}  {}\n", escaped(order.text("id")), escaped(order.text("status")),
             price(order), escaped(order.text("title")));
  if (order.text("status") == "awaiting_payment") {
    fmt::print("held until {}\n", escaped(order.text("expires_at")));
  }
  if (const std::string paid_at = order.text("paid_at"); !paid_at.empty()) {
    fmt::print("paid at {}, transaction {}\n", escaped(paid_at),
               escaped(order.text("transaction_id")));
  }
}

/// Shows where an order stands, in place on a terminal, else a line per change.
class Progress {
 public:
  void show(const std::string& status, const std::string& expires_at) {
    const auto until = parse_rfc3339(expires_at);
    std::string line = status;
    if (status == "awaiting_payment" && until && is_terminal_) {
      line +=
          fmt::format(", {} s left", std::max<std::int64_t>(0, (*until - wall_now()).ms) / 1000);
    }
    if (line == last_) return;
    last_ = line;
    fmt::print("{}{}{}", is_terminal_ ? "\r\x1b[K" : "", escaped(line), is_terminal_ ? "" : "\n");
    std::fflush(stdout);
  }
  void end() const {
    if (is_terminal_ && !last_.empty()) fmt::print("\n");
  }

 private:
  const bool is_terminal_ = isatty(STDOUT_FILENO) == 1;
  std::string last_;
};

/// What the end of an order means; empty while it has not ended.
std::optional<std::string> ending(const Answer& order) {
  const std::string status = order.text("status");
  if (status == "paid") {
    return fmt::format("paid at {}, transaction {}", order.text("paid_at"),
                       order.text("transaction_id"));
  }
  if (status == "expired") return "not paid in time: the unit is on sale again";
  if (status == "cancelled") return "cancelled: the unit is on sale again";
  if (status == "refunded") return "the money went back";
  if (status == "failed") return "not granted";
  return std::nullopt;
}

/// Asks until the order has ended. Success: it is paid.
int wait_for_end(const OrderClient& client, const std::string& id) {
  Progress progress;
  int silent = 0;
  while (true) {
    const auto order = client.ask("GET", "/api/v1/orders/" + id);
    const bool is_told = order && order->good();
    const bool is_passing = !order || order->status == kTooManyRequests || order->status >= 500;
    if (!is_told && (!is_passing || ++silent > kMaxSilence)) {
      progress.end();
      return complain(order ? order->complaint() : order.error().message, kJobFailed);
    }
    if (is_told) {
      silent = 0;
      progress.show(order->text("status"), order->text("expires_at"));
      if (const auto end = ending(*order)) {
        progress.end();
        fmt::print("{}\n", escaped(*end));
        return order->text("status") == "paid" ? kSuccess : kJobFailed;
      }
    }
    std::this_thread::sleep_for(kPoll);
  }
}

int grab(const OrderClient& client, const OrderFlags& flags) {
  const auto order = client.ask("POST", "/api/v1/items/" + flags.subject + "/orders",
                                fmt::format(R"({{"quantity":{}}})", flags.quantity));
  if (!order) return complain(order.error().message, kJobFailed);
  if (!order->good()) return complain(order->complaint(), kJobFailed);
  print_order(*order);
  return flags.watch ? wait_for_end(client, order->text("id")) : kSuccess;
}

int show(const OrderClient& client, const OrderFlags& flags) {
  const auto order = client.ask("GET", "/api/v1/orders/" + flags.subject);
  if (!order) return complain(order.error().message, kJobFailed);
  if (!order->good()) return complain(order->complaint(), kJobFailed);
  print_order(*order);
  return flags.watch ? wait_for_end(client, flags.subject) : kSuccess;
}

int cancel(const OrderClient& client, const OrderFlags& flags) {
  const auto order = client.ask("POST", "/api/v1/orders/" + flags.subject + "/cancel");
  if (!order) return complain(order.error().message, kJobFailed);
  if (!order->good()) return complain(order->complaint(), kJobFailed);
  print_order(*order);
  return kSuccess;
}

int pay(const OrderClient& client, const OrderFlags& flags) {
  const auto payment =
      client.ask("POST", "/api/v1/orders/" + flags.subject + "/payment", R"({"method":"wechat"})");
  if (!payment) return complain(payment.error().message, kJobFailed);
  if (!payment->good()) return complain(payment->complaint(), kJobFailed);
  const std::string link = payment->text("code_url");
  const auto drawn = api::qr_terminal(link);
  if (!drawn) return complain(drawn.error().message, kJobFailed);
  fmt::print("{}\n{}, to be paid until {}: scan the code, or open\n{}\n\n", *drawn, price(*payment),
             escaped(payment->text("expires_at")), escaped(link));
  std::fflush(stdout);
  return flags.no_wait ? kSuccess : wait_for_end(client, flags.subject);
}

Result<OrderAccess> access(const OrderFlags& flags, const Config& config) {
  auto server = locate_server(config, flags.url);
  if (!server) return std::unexpected(server.error());
  if (!flags.token.empty()) return OrderAccess{std::move(*server), flags.token};
  auto token = mint_token(config, flags.user, http::Role::shopper, Span::seconds(24 * 3600));
  if (!token) return std::unexpected(token.error());
  return OrderAccess{std::move(*server), std::move(*token)};
}

int run_order(const OrderFlags& flags) {
  if (flags.user.empty() == flags.token.empty()) {
    return complain("say who you are with either --user or --token", kWrongUsage);
  }
  if (flags.token.empty() && !valid_user(flags.user)) {
    return complain(fmt::format("--user {} cannot be used; it must be 1 to {} bytes of UTF-8 "
                                "without control characters",
                                quote(flags.user), kMaxUserBytes),
                    kWrongUsage);
  }
  if (has_control(flags.token)) return complain("--token is no token", kWrongUsage);
  if (flags.action == "grab" && !valid_catalog_id(flags.subject)) {
    return complain(fmt::format("{} cannot be an item's id; GET /api/v1/sales lists them",
                                quote(flags.subject)),
                    kWrongUsage);
  }
  if (flags.action != "grab" && !parse_order_id(flags.subject)) {
    return complain(fmt::format("{} is no order's id; it is No and digits", quote(flags.subject)),
                    kWrongUsage);
  }
  const auto config = flags.config.load();
  if (!config) return complain(config.error().message, kWrongUsage);
  auto who = access(flags, *config);
  if (!who) return complain(who.error().message, kJobFailed);
  const OrderClient client(std::move(*who));
  if (flags.action == "grab") return grab(client, flags);
  if (flags.action == "pay") return pay(client, flags);
  if (flags.action == "cancel") return cancel(client, flags);
  return show(client, flags);
}

}  // namespace

void add_order(CLI::App& app, int& status) {
  auto flags = std::make_shared<OrderFlags>();
  CLI::App* command = app.add_subcommand("order", "grab, show, pay or cancel an order");
  command->add_option("ACTION", flags->action, "grab, show, pay or cancel")
      ->required()
      ->check(CLI::IsMember(std::vector<std::string>{"grab", "show", "pay", "cancel"}));
  command->add_option("SUBJECT", flags->subject, "the item to grab, or the order (No…)")
      ->required();
  command->add_option("--user", flags->user, "who you are; signed with the server's own key");
  command->add_option("--token", flags->token, "a token instead");
  command->add_option("--url", flags->url, "address of a server elsewhere, with --token");
  command->add_option("--quantity", flags->quantity, "units to grab")->capture_default_str();
  command->add_flag("--watch", flags->watch, "with grab and show: wait until the order ends");
  command->add_flag("--no-wait", flags->no_wait, "with pay: only print the code");
  flags->config.add_to(*command);
  command->footer(
      "pay prints the QR code and waits until the order is paid (exit status 0) or over (1).\n\n"
      "Example:\n  sluice order grab kettle-1 --user alice\n"
      "  sluice order pay No262144000000000001 --user alice");
  command->callback([flags, &status] { status = run_order(*flags); });
}

}  // namespace sluice::app
