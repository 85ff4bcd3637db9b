// What it costs to parse the head of a grab: our parser against Boost.Beast's, on the same bytes in
// memory. The figures are in docs/adr/0010-http-server.md.
#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "http/parser.h"

namespace {

namespace beast = boost::beast::http;
using boost::beast::string_view;

constexpr int kRounds = 7;
constexpr std::size_t kRequests = 64;  ///< different ones, as from as many connections
constexpr std::size_t kPasses = 10'000;

/// What a handler of a grab asks for, as one number, so that no parser can leave it out.
std::size_t weigh(std::string_view target, std::string_view authorization, std::string_view key,
                  bool keep_alive) {
  return target.size() + authorization.size() + key.size() + static_cast<std::size_t>(keep_alive);
}

std::vector<std::string> make_requests() {
  std::vector<std::string> requests;
  requests.reserve(kRequests);
  for (std::size_t i = 0; i < kRequests; ++i) {
    const std::string number = std::to_string(100 + i);
    // The length of an HS256 token with sub, exp and iss.
    const std::string token(180, static_cast<char>('a' + i % 26));
    requests.push_back("POST /api/v1/items/item-" + number +
                       "/orders HTTP/1.1\r\n"
                       "Host: shop.example:8080\r\n"
                       "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101\r\n"
                       "Accept: application/json\r\n"
                       "Accept-Language: zh-CN,zh;q=0.8,en;q=0.5\r\n"
                       "Authorization: Bearer " +
                       token +
                       "\r\n"
                       "Idempotency-Key: \"" +
                       number +
                       "\"\r\n"
                       "Content-Length: 0\r\n"
                       "\r\n");
  }
  return requests;
}

[[noreturn]] void refused(const char* parser) {
  std::fprintf(stderr, "%s refused a good request\n", parser);
  std::exit(1);
}

class Ours {
 public:
  std::size_t parse(const std::string& bytes) {
    parser_.reset();
    if (parser_.parse(bytes, request_) != sluice::http::Progress::complete) refused("ours");
    return weigh(request_.target, request_.authorization, request_.idempotency_key,
                 parser_.keep_alive());
  }

 private:
  sluice::http::RequestParser parser_;
  sluice::http::Request request_;
};

/// As an application uses Beast: a parser per request, which copies each field into a node.
class BeastParser {
 public:
  static std::size_t parse(const std::string& bytes) {
    beast::request_parser<beast::empty_body> parser;
    boost::system::error_code error;
    parser.put(boost::asio::buffer(bytes), error);
    if (error || !parser.is_done()) refused("beast::request_parser");
    const auto& request = parser.get();
    return weigh(request.target(), request[beast::field::authorization], request["Idempotency-Key"],
                 request.keep_alive());
  }
};

/// Beast's grammar without its container: the fields stay where they are.
class InPlace : public beast::basic_parser<true> {
 public:
  std::string_view target, authorization, key;

 private:
  using Error = boost::system::error_code;

  void on_request_impl(beast::verb, string_view, string_view to, int, Error&) override {
    target = to;
  }
  void on_response_impl(int, string_view, int, Error&) override {}
  void on_field_impl(beast::field name, string_view text, string_view value, Error&) override {
    if (name == beast::field::authorization) authorization = value;
    if (name == beast::field::unknown && boost::beast::iequals(text, "Idempotency-Key")) {
      key = value;
    }
  }
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  std::size_t on_body_impl(string_view bytes, Error&) override { return bytes.size(); }
  void on_chunk_header_impl(std::uint64_t, string_view, Error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, Error&) override {
    return bytes.size();
  }
  void on_finish_impl(Error&) override {}
};

class BeastInPlace {
 public:
  static std::size_t parse(const std::string& bytes) {
    InPlace parser;
    boost::system::error_code error;
    parser.put(boost::asio::buffer(bytes), error);
    if (error || !parser.is_done()) refused("beast::basic_parser");
    return weigh(parser.target, parser.authorization, parser.key, parser.keep_alive());
  }
};

/// Nanoseconds for one request; adds what the parser found to `found`.
template <class Parser>
double round_of(Parser& parser, const std::vector<std::string>& requests, std::size_t& found) {
  const auto started = std::chrono::steady_clock::now();
  for (std::size_t pass = 0; pass < kPasses; ++pass) {
    for (const std::string& request : requests)
      found += parser.parse(request);
  }
  const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - started;
  return spent.count() / static_cast<double>(kPasses * requests.size());
}

double median(std::array<double, kRounds>& values) {
  std::ranges::sort(values);
  return values[kRounds / 2];
}

}  // namespace

int main() {
  const std::vector<std::string> requests = make_requests();
  Ours ours;
  BeastParser with_fields;
  BeastInPlace in_place;
  std::array<double, kRounds> ours_ns{}, fields_ns{}, in_place_ns{};
  std::array<std::size_t, 3> found{};
  // In turns, so that a busy neighbour hits them alike.
  for (std::size_t round = 0; round < kRounds; ++round) {
    ours_ns[round] = round_of(ours, requests, found[0]);
    fields_ns[round] = round_of(with_fields, requests, found[1]);
    in_place_ns[round] = round_of(in_place, requests, found[2]);
  }
  if (found[0] != found[1] || found[0] != found[2]) refused("one of them: they disagree; all");
  std::printf("%zu bytes, %d rounds of %zu requests, median ns each\n", requests[0].size(), kRounds,
              kPasses * kRequests);
  std::printf("ours                  %6.0f\n", median(ours_ns));
  std::printf("beast request_parser  %6.0f\n", median(fields_ns));
  std::printf("beast basic_parser    %6.0f  (its grammar alone, fields left in place)\n",
              median(in_place_ns));
  return 0;
}
