// The pages: each a function of what it shows and of who looks. No clock, no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/sales_page.h"
#include "engine/catalog.h"
#include "sale/commands.h"
#include "sale/views.h"
#include "web/visitor.h"

namespace sluice::web {

/// How a grab ended other than with an order of its own.
enum class GrabEnd : std::uint8_t {
  not_started,
  ended,
  paused,
  already_queued,
  limit_reached,
  sold_out,
  invalid_quantity,
  too_often,  ///< over the shop's limit of requests
  busy,       ///< the queue is full, or the server is stopping
  storage,    ///< the record cannot be written
};
int status_of(GrabEnd end);

struct GrabVerdict {
  GrabEnd end = GrabEnd::busy;
  std::optional<OrderId> order;  ///< with already_queued
};

/// The sales from one position on.
std::string sales_page(const Visitor& visitor, const api::SalesListing& listing, bool is_first);

/// One item; with a verdict, as the answer to a grab.
std::string item_page(const Visitor& visitor, const engine::CatalogItem& item,
                      const std::optional<GrabVerdict>& verdict = {});

std::string orders_page(const Visitor& visitor, const sale::Page<sale::OrderView>& orders);
std::string order_page(const Visitor& visitor, const sale::OrderView& order);

/// What the provider gave to pay an order with.
struct PaymentCode {
  std::string code_url;
  Instant expires_at;
};
std::string payment_page(const Visitor& visitor, const sale::OrderView& order,
                         const PaymentCode& code);
enum class PaymentTrouble : std::uint8_t { refused, unavailable };
std::string payment_trouble_page(const Visitor& visitor, const sale::OrderView& order,
                                 PaymentTrouble trouble);

/// What signing in was answered with before.
enum class SignInFault : std::uint8_t { none, bad_token, bad_name };
/// `next` is where it leads; `offered` a token that a link brought, `offered_user` whose it is.
struct SignIn {
  std::string next = "/";
  SignInFault fault = SignInFault::none;
  std::string offered;
  std::string offered_user;
};
std::string sign_in_page(const Visitor& visitor, const SignIn& form);

/// Pages that say why there is nothing else to see.
enum class Trouble : std::uint8_t { not_found, forbidden, unreadable, busy };
int status_of(Trouble trouble);
std::string trouble_page(const Visitor& visitor, Trouble trouble);

/// Whether somebody who looks at an order in this status waits for something.
bool is_pending(sale::OrderStatus status);

}  // namespace sluice::web
