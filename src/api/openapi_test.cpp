// The OpenAPI document against the table of routes and the table of problems.
#include "api/openapi.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <set>
#include <string>

#include "api/problems.h"
#include "api/routes.h"

namespace sluice::api {
namespace {

boost::json::value document() {
  return boost::json::parse({kOpenApi.data(), kOpenApi.size()});
}

TEST(OpenApi, DocumentsEveryRouteAndNoOther) {
  std::set<std::string> served_routes;
  for (const Route& route : all_routes()) {
    // Pages for people are not part of the interface.
    if (route.handler == nullptr || route.handler == problem_page) continue;
    std::string name(wire_name(route.method));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    served_routes.insert(name + " " + std::string(route.pattern));
  }
  std::set<std::string> documented;
  const auto whole = document();
  for (const auto& [path, operations] : whole.at("paths").as_object()) {
    for (const auto& [method, operation] : operations.as_object()) {
      documented.insert(std::string(method) + " " + std::string(path));
    }
  }
  EXPECT_EQ(documented, served_routes);
}

TEST(OpenApi, SaysWhichRoutesNeedAToken) {
  const auto whole = document();
  for (const Route& route : all_routes()) {
    if (route.handler == nullptr || route.handler == problem_page) continue;
    std::string name(wire_name(route.method));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    const auto& operation =
        whole.at("paths").at({route.pattern.data(), route.pattern.size()}).at(name).as_object();
    const bool has_role = route.access == Access::admin || route.access == Access::service;
    const bool needs = route.access == Access::shopper || has_role;
    EXPECT_EQ(operation.contains("security"), needs) << route.pattern;
    // Signing in is refused to pages of other sites.
    const bool refuses = has_role || route.handler == admin_sign_in;
    EXPECT_EQ(operation.at("responses").as_object().contains("403"), refuses) << route.pattern;
  }
}

TEST(OpenApi, SaysWhichRoutesAreLimitedAndHowTheyTell) {
  const auto whole = document();
  for (const Route& route : all_routes()) {
    if (route.handler == nullptr || route.handler == problem_page) continue;
    std::string name(wire_name(route.method));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    const auto& responses = whole.at("paths")
                                .at({route.pattern.data(), route.pattern.size()})
                                .at(name)
                                .at("responses")
                                .as_object();
    const bool limited = route.access == Access::shopper || route.access == Access::open;
    const bool counts_streams = route.handler == admin_live_events;
    EXPECT_EQ(responses.contains("429"), limited || counts_streams) << name << " " << route.pattern;
    for (const auto& [status, response] : responses) {
      if (!status.starts_with('2')) continue;
      const auto* headers = response.as_object().if_contains("headers");
      for (const std::string_view header : {"RateLimit", "RateLimit-Policy"}) {
        const bool told = headers != nullptr && headers->as_object().contains(header);
        EXPECT_EQ(told, limited) << name << " " << route.pattern << " " << header;
      }
    }
  }
}

TEST(OpenApi, ListsEveryCode) {
  std::set<std::string> documented;
  const auto whole = document();
  for (const auto& code : whole.at("components")
                              .at("schemas")
                              .at("Problem")
                              .at("properties")
                              .at("code")
                              .at("enum")
                              .as_array()) {
    documented.emplace(code.as_string().c_str());
  }
  std::set<std::string> known;
  for (std::size_t i = 0; i < kCodes; ++i)
    known.emplace(wire_name(static_cast<Code>(i)));
  EXPECT_EQ(documented, known);
}

}  // namespace
}  // namespace sluice::api
