// Reads the sales of a server and sends it new ones, in bodies that fit its limit.
#include "app/shop_http.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <string_view>
#include <thread>
#include <utility>

#include "app/keys.h"
#include "base/text.h"
#include "http/client.h"
#include "http/json_writer.h"
#include "http/message.h"

namespace sluice::app {

namespace {

namespace json = boost::json;

/// Items that open a sale together stay below the server's body limit; the rest are added singly.
constexpr std::size_t kMaxBody = http::kMaxBodyBytes - 4096;
constexpr int kOk = 200;
constexpr int kTooManyRequests = 429;
constexpr int kMaxWaits = 30;

/// A request to a server on this machine: no proxy, and its own certificate where it has one.
http::ClientRequest request_to(const ServerFile& server, std::string url) {
  http::ClientRequest request;
  request.url = std::move(url);
  request.pinned_certificate_file = server.certificate;
  request.direct = true;
  return request;
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string{};
}

std::int64_t number_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_int64() ? value->as_int64() : 0;
}

const json::array& array_of(const json::object& object, std::string_view name) {
  static const json::array none;
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_array() ? value->as_array() : none;
}

void read_item(const json::object& object, SaleNo sale, importing::Existing& existing) {
  sale::Item item;
  item.sale = sale;
  item.id = text_of(object, "id");
  item.title = text_of(object, "title");
  item.image_url = text_of(object, "image_url");
  item.description = text_of(object, "description");
  item.price = Money{number_of(object, "price")};
  item.list_price = Money{number_of(object, "list_price")};
  item.currency = Currency::parse(text_of(object, "currency")).value_or(Currency{});
  item.per_user_limit = Quantity{number_of(object, "per_user_limit")};
  item.counters.stock = Quantity{number_of(object, "stock")};
  existing.items.emplace(item.id, std::move(item));
}

Result<> read_sale(const json::object& object, importing::Existing& existing) {
  sale::Sale sale;
  sale.no = SaleNo{static_cast<std::uint32_t>(existing.sales.size())};
  sale.id = text_of(object, "id");
  sale.title = text_of(object, "title");
  const auto starts_at = parse_rfc3339(text_of(object, "starts_at"));
  const auto ends_at = parse_rfc3339(text_of(object, "ends_at"));
  if (sale.id.empty() || !starts_at || !ends_at) {
    return fail(
        "the server's list of sales has an entry without id or window; is it another "
        "version?");
  }
  sale.starts_at = *starts_at;
  sale.ends_at = *ends_at;
  const json::value* cancelled = object.if_contains("cancelled");
  sale.cancelled = cancelled != nullptr && cancelled->is_bool() && cancelled->as_bool();
  for (const json::value& item : array_of(object, "items")) {
    if (item.is_object()) read_item(item.as_object(), sale.no, existing);
  }
  existing.sales.emplace(sale.id, std::move(sale));
  return {};
}

void write_item(http::JsonWriter& out, const sale::ItemDraft& draft) {
  out.member("id", std::string_view(draft.id)).member("title", std::string_view(draft.title));
  out.member("image_url", std::string_view(draft.image_url));
  out.member("description", std::string_view(draft.description));
  out.member("price", draft.price.minor).member("list_price", draft.list_price.minor);
  out.member("currency", draft.currency.code()).member("stock", draft.stock.units);
  out.member("per_user_limit", draft.per_user_limit.units);
}

std::string item_body(const sale::ItemDraft& draft) {
  std::string body;
  http::JsonWriter out(body);
  out.begin_object();
  out.member("reason", "sluice import");
  write_item(out, draft);
  out.end_object();
  return body;
}

/// The request that opens the sale with as many items as fit; `count` tells how many did.
std::string sale_body(const importing::PlannedSale& sale, std::size_t& count) {
  std::string body;
  http::JsonWriter out(body);
  out.begin_object();
  out.member("reason", "sluice import").member("id", std::string_view(sale.id));
  out.member("title", std::string_view(sale.title));
  out.member("starts_at", sale.starts_at).member("ends_at", sale.ends_at);
  out.member("hold_seconds", sale.hold.ms / 1000);
  out.key("items").begin_array();
  for (count = 0; count < sale.items.size(); ++count) {
    const sale::ItemDraft& draft = sale.items[count].draft;
    if (body.size() + item_body(draft).size() > kMaxBody) break;
    out.begin_object();
    write_item(out, draft);
    out.end_object();
  }
  out.end_array();
  out.end_object();
  return body;
}

class ServerShop final : public Shop {
 public:
  ServerShop(ServerFile server, std::string token)
      : server_(std::move(server)), authorization_("Authorization: Bearer " + std::move(token)) {}

  std::string name() const override { return "the server at " + server_.admin_url; }

  Result<importing::Existing> existing() override {
    importing::Existing existing;
    std::string page = "/api/v1/admin/sales";
    while (!page.empty()) {
      const auto list = ask("GET", page, {});
      if (!list) return std::unexpected(list.error());
      for (const json::value& entry : array_of(*list, "sales")) {
        if (!entry.is_object()) continue;
        // The list leaves the items out; each sale by itself has them.
        const auto sale = ask("GET", sale_path(text_of(entry.as_object(), "id")), {});
        if (!sale) return std::unexpected(sale.error());
        if (auto read = read_sale(*sale, existing); !read) return std::unexpected(read.error());
      }
      const std::string next = text_of(*list, "next_page_token");
      page = next.empty() ? "" : "/api/v1/admin/sales?page_token=" + next;
    }
    return existing;
  }

  Result<> apply(const importing::Step& step) override {
    std::size_t done = 0;
    if (step.opens) {
      const auto opened = ask("POST", "/api/v1/admin/sales", sale_body(step.sale, done));
      if (!opened) return std::unexpected(opened.error());
    }
    for (; done < step.sale.items.size(); ++done) {
      const auto added =
          ask("POST", sale_path(step.sale.id) + "/items", item_body(step.sale.items[done].draft));
      if (!added) return std::unexpected(added.error());
    }
    return {};
  }

 private:
  static std::string sale_path(std::string_view id) {
    return fmt::format("/api/v1/admin/sales/{}", id);
  }

  /// Waits where the server's rate limit asks for it; gives up after kMaxWaits.
  Result<http::ClientResponse> perform(const http::ClientRequest& request) {
    for (int wait = 0;; ++wait) {
      auto response = http::perform(request);
      const bool is_limited = response && response->status == kTooManyRequests;
      if (!is_limited || wait == kMaxWaits) return response;
      std::this_thread::sleep_for(std::chrono::seconds(1));
    }
  }

  /// One request; the error carries the server's own words.
  Result<json::object> ask(const char* method, const std::string& path, std::string body) {
    http::ClientRequest request = request_to(server_, server_.admin_url + path);
    request.method = method;
    request.headers.push_back(authorization_);
    request.body = std::move(body);
    if (!request.body.empty()) request.headers.emplace_back("Content-Type: application/json");
    const auto response = perform(request);
    if (!response) return std::unexpected(response.error());
    json::error_code error;
    json::value value = json::parse(response->body, error);
    const bool is_object = !error && value.is_object();
    if (response->status < 200 || response->status > 299) {
      const std::string detail = is_object ? text_of(value.as_object(), "detail") : std::string{};
      return fail(fmt::format("{} {} was answered with {}: {}", method, request.url,
                              response->status, detail.empty() ? "no reason given" : detail));
    }
    if (!is_object) return fail(fmt::format("{} did not answer with a JSON object", request.url));
    return std::move(value.as_object());
  }

  ServerFile server_;
  std::string authorization_;
};

}  // namespace

Result<> answers(const ServerFile& server) {
  http::ClientRequest request = request_to(server, server.url + "/livez");
  request.timeout = Span::seconds(3);
  const auto response = http::perform(request);
  if (!response) return std::unexpected(response.error());
  if (response->status == kOk) return {};
  return fail(fmt::format("{} was answered with {}", request.url, response->status));
}

Result<std::unique_ptr<Shop>> connect_shop(const Config& config, const ServerFile& server) {
  auto token = mint_token(config, "import", http::Role::admin, Span::seconds(600));
  if (!token) return std::unexpected(token.error());
  return std::make_unique<ServerShop>(server, std::move(*token));
}

}  // namespace sluice::app
