// The document at /openapi.json against the server that serves it: every operation exists, answers
// with a status the document names, and with a body that fits the schema.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "support/schema.h"
#include "support/server_process.h"
#include "support/wire.h"

namespace sluice::test {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::string_view kNewSale =
    R"({"title":"Documented","starts_at":"2020-01-01T00:00:00Z","ends_at":"2099-01-01T00:00:00Z",)"
    R"("hold_seconds":600,"items":[{"id":"item","title":"Unit","price":100,"list_price":200,)"
    R"("currency":"CNY","stock":100,"per_user_limit":2}]})";

class OpenApiTest : public testing::Test {
 protected:
  OpenApiTest() : server_(directory_.path() + "/data", {"--demo"}), wire_(server_.port()) {
    const auto sale = ask("POST", "/api/v1/admin/sales", "admin", std::string(kNewSale));
    sale_ = sale.member("id");
    order_ = ask("POST", "/api/v1/items/item/orders", "alice").member("id");
    ask("POST", "/api/v1/orders/" + order_ + "/payment", "alice", R"({"method":"wechat"})");
    webhook_ = ask("POST", "/api/v1/admin/webhooks", "admin",
                   R"({"url":"http://127.0.0.1:9/","reason":"documented"})")
                   .member("id");
    delivery_ = ask("POST", "/api/v1/admin/webhooks/" + webhook_ + "/ping", "admin",
                    R"({"reason":"documented"})")
                    .member("sequence");
    document_ = boost::json::parse(ask("GET", "/openapi.json", "").body);
  }

  Answer ask(std::string_view method, std::string_view path, const std::string& user,
             const std::string& body = {}) {
    Wire wire(server_.port());
    const std::string token = user.empty() ? "" : server_.token(user, user == "admin");
    auto answer = wire.request(method, path, token, body);
    if (!answer) throw std::runtime_error("no answer to " + std::string(path));
    return *answer;
  }

  /// The path with its parameters filled in.
  std::string fill(std::string path) const {
    const std::map<std::string, std::string> values{
        {"{item}", "item"},  {"{sale}", sale_},       {"{order}", order_},
        {"{sequence}", "1"}, {"{webhook}", webhook_}, {"{delivery}", delivery_}};
    for (const auto& [name, text] : values) {
      const std::size_t at = path.find(name);
      if (at != std::string::npos) {
        path.replace(at, name.size(), text);
      }
    }
    return path;
  }

  /// What a read needs beside its path.
  static std::string query_of(const std::string& path) {
    if (!path.starts_with("/weixin/")) return {};
    std::string query = "?outtradeno=SO-2026-1";
    if (path.ends_with("/native")) {
      query += "&totalfee=100&queue=queue.order&exchange=exchange.order&username=alice";
    }
    return query;
  }

  /// Whose token opens an operation.
  static std::string user_of(const std::string& path, const std::string& shopper) {
    return path.contains("/admin/") || path.starts_with("/weixin/") ? "admin" : shopper;
  }

  void expect_documented(const std::string& label, const object& operation, const Answer& answer) {
    const object& responses = operation.at("responses").as_object();
    const value* response = responses.if_contains(std::to_string(answer.status));
    ASSERT_NE(response, nullptr) << label << " answered " << answer.status
                                 << ", which is not documented: " << answer.body;
    const value& exact = resolve(document_, *response);
    const value* content = exact.as_object().if_contains("content");
    const std::string type = answer.header("Content-Type");
    if (content == nullptr) return;
    const value* media = content->as_object().if_contains(type.substr(0, type.find(';')));
    ASSERT_NE(media, nullptr) << label << " answered " << type << ", which is not documented";
    const value* schema = media->as_object().if_contains("schema");
    if (schema == nullptr || !type.contains("json")) return;
    for (const std::string& mismatch :
         mismatches(document_, *schema, boost::json::parse(answer.body))) {
      ADD_FAILURE() << label << " " << answer.status << ": " << mismatch << "\n" << answer.body;
    }
  }

  /// Calls `visit` with every method, path and operation of the document.
  void each_operation(const std::function<void(const std::string& method, const std::string& path,
                                               const object& operation)>& visit) {
    for (const auto& [path, operations] : document_.at("paths").as_object()) {
      for (const auto& [method, operation] : operations.as_object()) {
        if (method == "parameters" || method == "summary") continue;
        std::string upper(method);
        for (char& letter : upper)
          letter = static_cast<char>(std::toupper(letter));
        visit(upper, std::string(path), operation.as_object());
      }
    }
  }

  TemporaryDirectory directory_;
  ServerProcess server_;
  Wire wire_;
  std::string sale_;
  std::string order_;
  std::string webhook_, delivery_;
  value document_;
};

bool streams(const std::string& path) {
  return path.ends_with("/events") || path.ends_with(".csv");
}

TEST_F(OpenApiTest, IsAnOpenApi31Document) {
  EXPECT_TRUE(document_.at("openapi").as_string().starts_with("3.1."));
  EXPECT_GE(document_.at("paths").as_object().size(), 20U);
}

TEST_F(OpenApiTest, EveryOperationWithoutATokenAnswersAsDocumented) {
  each_operation([&](const std::string& method, const std::string& path, const object& operation) {
    if (path == "/api/v1/demo/token" || !operation.contains("security")) return;
    const Answer answer = ask(method, fill(path), "");
    EXPECT_EQ(answer.status, 401) << method << " " << path;
    expect_documented(method + " " + path, operation, answer);
  });
}

TEST_F(OpenApiTest, EveryReadAnswersAsDocumented) {
  each_operation([&](const std::string& method, const std::string& path, const object& operation) {
    if (method != "GET" || streams(path)) return;
    const Answer answer = ask(method, fill(path) + query_of(path), user_of(path, "alice"));
    EXPECT_EQ(answer.status, 200) << method << " " << path << " " << answer.body;
    expect_documented(method + " " + path, operation, answer);
  });
}

TEST_F(OpenApiTest, TheServicesOwnRefusalsAreDocumented) {
  each_operation([&](const std::string& method, const std::string& path, const object& operation) {
    if (!path.starts_with("/weixin/") || method != "GET") return;
    const std::string label = method + " " + path;
    for (const auto& [user, query] : {std::pair{"admin", ""}, std::pair{"alice", ""},
                                      std::pair{"admin", "?outtradeno=No123456789"}}) {
      std::string target = path;
      target += query;
      expect_documented(label, operation, ask(method, target, user));
    }
  });
}

TEST_F(OpenApiTest, EveryChangeWithAnEmptyObjectAnswersAsDocumented) {
  each_operation([&](const std::string& method, const std::string& path, const object& operation) {
    if (method == "GET" || streams(path)) return;
    const Answer answer = ask(method, fill(path), user_of(path, "bob"), "{}");
    EXPECT_NE(answer.status, 405) << method << " " << path;
    // What is not the provider's is refused in the provider's form: v3 has 500 for that.
    const bool notifies = path == "/weixin/pay/notify/url";
    EXPECT_LT(answer.status, notifies ? 501 : 500) << method << " " << path << " " << answer.body;
    expect_documented(method + " " + path, operation, answer);
  });
}

TEST_F(OpenApiTest, EveryOrderRouteHidesForeignOrdersAlike) {
  each_operation([&](const std::string& method, const std::string& path, const object& operation) {
    if (!path.contains("{order}") || path.contains("/admin/")) {
      return;
    }
    const std::string label = method + " " + path;
    const Answer foreign = ask(method, fill(path), "mallory");
    std::string missing_path = path;
    missing_path.replace(missing_path.find("{order}"), 7, "No1");
    const Answer missing = ask(method, missing_path, "mallory");
    EXPECT_EQ(foreign.status, 404) << label;
    EXPECT_EQ(foreign.member("code"), missing.member("code")) << label;
    EXPECT_EQ(foreign.member("detail"), missing.member("detail")) << label;
    expect_documented(label, operation, foreign);
  });
}

}  // namespace
}  // namespace sluice::test
