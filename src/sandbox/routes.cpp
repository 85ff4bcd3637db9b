// The table of routes.
#include "sandbox/routes.h"

#include <fmt/format.h>

#include "base/text.h"
#include "http/router.h"

namespace sluice::sandbox {

namespace {

using http::Captures;
using http::Method;
using http::Request;
using http::Responder;
using http::Response;

class SandboxService final : public http::Service {
 public:
  explicit SandboxService(const Counter& counter) : counter_(counter) {
    add_v2();
    add_v3();
    add_control();
    add_page();
  }

  void handle(const Request& request, Responder responder) override {
    const http::Router::Found found = router_.find(request.method, request.path);
    if (found.match == http::Router::Match::found) {
      // No page of another origin may pay with the visitor's browser.
      if (request.method != Method::get && request.field("Sec-Fetch-Site") == "cross-site") {
        return responder.send(problem(403, "cross_site", "this request comes from another site"));
      }
      return (*found.handler)(request, found.captures, std::move(responder));
    }
    if (found.match == http::Router::Match::method_not_allowed) {
      return responder.send(problem(405, "method_not_allowed", "allowed here: " + found.allow)
                                .add("Allow", found.allow));
    }
    responder.send(problem(404, "not_found",
                           fmt::format("{} is no path of this gateway; docs/sandbox.md lists them",
                                       quote(request.path))));
  }

 private:
  using Answer = std::function<Response(const Request&, const Captures&)>;
  void add(Method method, std::string_view pattern, Answer answer) {
    router_.add(method, pattern,
                [answer = std::move(answer)](const Request& request, const Captures& captures,
                                             Responder responder) {
                  responder.send(answer(request, captures));
                });
  }

  void add_v2() {
    const auto call = [this](std::string_view path, V2::Call what) {
      add(Method::post, path, [this, what](const Request& request, const Captures&) {
        return counter_.v2.handle(what, request);
      });
      for (const Method other : {Method::get, Method::put, Method::del, Method::patch}) {
        add(other, path,
            [this](const Request&, const Captures&) { return counter_.v2.refuse_method(); });
      }
    };
    call("/pay/unifiedorder", V2::Call::unified_order);
    call("/pay/orderquery", V2::Call::order_query);
    call("/pay/closeorder", V2::Call::close_order);
    call("/secapi/pay/refund", V2::Call::refund);
    call("/pay/refundquery", V2::Call::refund_query);
  }

  void add_v3() {
    const auto call = [this](Method method, std::string_view path, V3::Call what) {
      add(method, path, [this, what](const Request& request, const Captures& captures) {
        return counter_.v3.handle(what, request, captures[0]);
      });
    };
    call(Method::post, "/v3/pay/transactions/native", V3::Call::native);
    call(Method::get, "/v3/pay/transactions/out-trade-no/{no}", V3::Call::query_by_number);
    call(Method::get, "/v3/pay/transactions/id/{id}", V3::Call::query_by_transaction);
    call(Method::post, "/v3/pay/transactions/out-trade-no/{no}/close", V3::Call::close);
    call(Method::post, "/v3/refund/domestic/refunds", V3::Call::refund);
    call(Method::get, "/v3/refund/domestic/refunds/{no}", V3::Call::query_refund);
    call(Method::get, "/v3/certificates", V3::Call::certificates);
  }

  void add_control() {
    const Control& control = counter_.control;
    add(Method::get, "/_sandbox/orders",
        [&control](const Request& request, const Captures&) { return control.list(request); });
    add(Method::get, "/_sandbox/orders/{no}",
        [&control](const Request&, const Captures& captures) { return control.show(captures[0]); });
    add(Method::post, "/_sandbox/orders/{no}/pay",
        [&control](const Request& request, const Captures& captures) {
          return control.pay(request, captures[0]);
        });
    add(Method::get, "/_sandbox/faults",
        [&control](const Request&, const Captures&) { return control.get_faults(); });
    add(Method::put, "/_sandbox/faults", [&control](const Request& request, const Captures&) {
      return control.put_faults(request);
    });
    add(Method::get, "/_sandbox/clock",
        [&control](const Request&, const Captures&) { return control.get_clock(); });
    add(Method::put, "/_sandbox/clock",
        [&control](const Request& request, const Captures&) { return control.put_clock(request); });
  }

  void add_page() {
    const Page& page = counter_.page;
    add(Method::get, "/",
        [&page](const Request& request, const Captures&) { return page.front(request); });
    add(Method::get, "/pay/{code}", [&page](const Request& request, const Captures& captures) {
      return page.show(request, captures[0]);
    });
    add(Method::post, "/pay/{code}", [&page](const Request& request, const Captures& captures) {
      return page.act(request, captures[0]);
    });
  }

  const Counter& counter_;
  http::Router router_;
};

}  // namespace

http::ServiceFactory services(const Counter& counter) {
  return [&counter](http::IoThread&) { return std::make_unique<SandboxService>(counter); };
}

}  // namespace sluice::sandbox
