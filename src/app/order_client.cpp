// Requests with a shopper's token.
#include "app/order_client.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <utility>

#include "http/client.h"

namespace sluice::app {

namespace json = boost::json;

Result<ServerFile> locate_server(const Config& config, const std::string& url) {
  if (!url.empty()) {
    ServerFile server;
    server.url = url.ends_with('/') ? url.substr(0, url.size() - 1) : url;
    return server;
  }
  const std::string& data = config.text("server.data");
  if (auto server = find_server(data)) return *server;
  return fail(fmt::format(
      "no server runs on {}; start one with sluice serve, name its directory with --data, or its "
      "address with --url",
      data));
}

std::string OrderClient::Answer::text(std::string_view member) const {
  const json::value* value = body.if_contains({member.data(), member.size()});
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string{};
}

std::int64_t OrderClient::Answer::number(std::string_view member) const {
  const json::value* value = body.if_contains({member.data(), member.size()});
  return value != nullptr && value->is_int64() ? value->as_int64() : 0;
}

std::string OrderClient::Answer::complaint() const {
  const std::string detail = text("detail");
  return detail.empty() ? fmt::format("the server answered with {}", status)
                        : fmt::format("{} ({})", detail, text("code"));
}

Result<OrderClient::Answer> OrderClient::ask(const char* method, const std::string& path,
                                             std::string body) const {
  http::ClientRequest request;
  request.method = method;
  request.url = access_.server.url + path;
  request.headers.push_back("Authorization: Bearer " + access_.token);
  request.pinned_certificate_file = access_.server.certificate;
  request.direct = access_.server.pid != 0;  // a server of this machine: past any proxy
  request.body = std::move(body);
  if (!request.body.empty()) request.headers.emplace_back("Content-Type: application/json");
  const auto response = http::perform(request);
  if (!response) return std::unexpected(response.error());
  json::error_code error;
  json::value value = json::parse(response->body, error);
  if (error || !value.is_object()) {
    return fail(fmt::format("{} answered with {} and no JSON object; is it a Sluice server?",
                            request.url, response->status));
  }
  return Answer{response->status, std::move(value.as_object())};
}

}  // namespace sluice::app
