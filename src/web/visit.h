// One request for a page on its way to its answer, and what its handlers work with.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "api/context.h"
#include "web/pages.h"
#include "web/session.h"
#include "web/visitor.h"

namespace sluice::web {

/// What all I/O threads of one storefront share. Immutable.
struct Shared {
  FormSeals seals;
  http::HmacSha256 tags;  ///< makes entity tags, with a key of this run
  bool tls = false;
};

/// One I/O thread's half.
struct Desk {
  api::Context& api;
  const Shared& shared;
};

/// Move-only; holds no view of the request.
struct Visit {
  api::Exchange exchange;
  Visitor visitor;
  bool secure = false;  ///< cookies may travel over TLS only
};

using http::Captures;
using http::Request;
using Handler = void (*)(Desk&, const Request&, const Captures&, Visit&&);

/// Who may ask, and what must prove it.
enum class Access : std::uint8_t {
  files,    ///< anyone, never limited
  open,     ///< anyone, limited per address
  form,     ///< a form of this site, from anyone
  shopper,  ///< a session, limited per user and address; others are sent to sign in
  deed,     ///< a form of this site, sealed for this session
  script,   ///< a session; the answer is for the page's script, which gets problems as JSON
};

struct Route {
  std::string_view pattern;
  Handler handler;
  http::Method method;
  Access access;
};

/// How long others may keep a page. With a tag it can be asked for again at the price of a 304.
enum class Keep : std::uint8_t { never, own, anyone };

void send_page(Visit&& visit, std::string&& html, int status = 200, Keep keep = Keep::never,
               std::string_view tag = {});
void send_trouble(Visit&& visit, Trouble trouble);
/// 303: what was posted is done, and can be looked at there.
void send_to(Visit&& visit, std::string_view path, std::string_view cookie = {});

/// A field of a form; empty where it is absent or not UTF-8.
std::string field(const Request& request, std::string_view name);

/// Starts a read of the record with `start(then)`; what goes wrong is answered here.
template <class T, class Start, class Then>
void read(Visit&& visit, Start start, Then then) {
  const auto kept = std::make_shared<Visit>(std::move(visit));
  const bool taken =
      start(engine::Engine::Answer<T>([kept, then = std::move(then)](Result<T>&& result) mutable {
        if (!result) return send_trouble(std::move(*kept), Trouble::unreadable);
        then(std::move(*kept), std::move(*result));
      }));
  if (!taken) send_trouble(std::move(*kept), Trouble::busy);
}

/// Reads the order that a captured segment names and hands it to `then`; another's is not found.
template <class Then>
void with_own_order(Desk& desk, std::string_view segment, Visit&& visit, Then then) {
  const auto id = parse_order_id(segment);
  if (!id) return send_trouble(std::move(visit), Trouble::not_found);
  read<std::optional<sale::OrderView>>(
      std::move(visit),
      [&](auto&& answer) {
        return desk.api.engine.order(*id, desk.api.mailbox, std::forward<decltype(answer)>(answer));
      },
      [then = std::move(then)](Visit&& kept, std::optional<sale::OrderView>&& order) mutable {
        if (!order || order->user != kept.visitor.user) {
          return send_trouble(std::move(kept), Trouble::not_found);
        }
        then(std::move(kept), std::move(*order));
      });
}

// The handlers. What is captured is named in the patterns, see service.cpp.
void send_asset(Desk&, const Request&, const Captures&, Visit&&);
void show_sales(Desk&, const Request&, const Captures&, Visit&&);
void show_item(Desk&, const Request&, const Captures&, Visit&&);
void grab(Desk&, const Request&, const Captures&, Visit&&);
void back_to_item(Desk&, const Request&, const Captures&, Visit&&);
void show_orders(Desk&, const Request&, const Captures&, Visit&&);
void show_order(Desk&, const Request&, const Captures&, Visit&&);
void back_to_order(Desk&, const Request&, const Captures&, Visit&&);
void tell_order(Desk&, const Request&, const Captures&, Visit&&);
void stream_order(Desk&, const Request&, const Captures&, Visit&&);
void cancel(Desk&, const Request&, const Captures&, Visit&&);
void begin_payment(Desk&, const Request&, const Captures&, Visit&&);
void show_payment(Desk&, const Request&, const Captures&, Visit&&);
void show_console(Desk&, const Request&, const Captures&, Visit&&);
void show_sign_in(Desk&, const Request&, const Captures&, Visit&&);
void sign_in(Desk&, const Request&, const Captures&, Visit&&);
void sign_out(Desk&, const Request&, const Captures&, Visit&&);
void set_preferences(Desk&, const Request&, const Captures&, Visit&&);

/// The answer to a grab that ended without an order of its own.
void send_verdict(Desk& desk, Visit&& visit, ItemNo item, const GrabVerdict& verdict);
/// The same for an item by its captured segment, before anything was asked of the engine.
void send_verdict(Desk& desk, Visit&& visit, std::string_view segment, const GrabVerdict& verdict);

}  // namespace sluice::web
