// The merchant's side of WeChat Pay v2: XML in, signed XML out. No socket.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "http/message.h"
#include "payment/gateway.h"
#include "sandbox/emulator.h"
#include "sandbox/keys.h"

namespace sluice::sandbox {

/// Any thread; `base_url` gives where this gateway is reached.
class V2 {
 public:
  V2(Emulator& emulator, const Account& account, std::function<std::string()> base_url)
      : emulator_(emulator), account_(account), base_url_(std::move(base_url)) {}

  enum class Call : std::uint8_t {
    unified_order,
    order_query,
    close_order,
    refund,
    refund_query,
  };
  http::Response handle(Call call, const http::Request& request) const;
  /// For any method but POST.
  http::Response refuse_method() const;

 private:
  struct Failure;
  using Reply = std::expected<payment::Fields, Failure>;
  Reply dispatch(Call call, const payment::Fields& fields, SignType type) const;
  Reply unified_order(const payment::Fields& fields, SignType type) const;
  Reply order_query(const payment::Fields& fields) const;
  Reply close_order(const payment::Fields& fields) const;
  Reply refund(const payment::Fields& fields, SignType type) const;
  Reply refund_query(const payment::Fields& fields) const;
  std::expected<payment::Fields, Failure> checked(std::string_view body) const;
  std::expected<SignType, Failure> verified(const payment::Fields& fields) const;
  http::Response write(const Reply& reply, SignType type) const;

  Emulator& emulator_;
  const Account& account_;
  std::function<std::string()> base_url_;
};

}  // namespace sluice::sandbox
