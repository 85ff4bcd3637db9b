// WeChat Pay v3 notifications: arbitrary headers, an arbitrary body under a good signature, and an
// arbitrary transaction sealed inside one.
#include <string>

#include "base/text.h"
#include "check.h"
#include "payment/protocol.h"
#include "payment/v3_test_support.h"
#include "payment/wechat.h"

namespace {

using namespace sluice::payment;

void check(const Protocol& v3, const RawNotification& raw, bool forged) {
  const auto read = v3.parse(raw, kTestNow);
  FUZZ_CHECK(!forged || !read);
  if (!read) {
    FUZZ_CHECK(!read.error().message.empty() && sluice::valid_utf8(read.error().message));
    return;
  }
  FUZZ_CHECK(!read->event_id.empty());
  FUZZ_CHECK(wechat::valid_out_trade_no(read->out_trade_no));
  const bool pays = read->kind == Notification::Kind::payment && read->succeeded;
  FUZZ_CHECK(read->payment.has_value() == pays);
  if (pays) FUZZ_CHECK(read->payment->amount.minor > 0);
}

/// "Name: value" lines.
Headers headers_of(std::string_view text) {
  Headers headers;
  while (!text.empty() && headers.size() < 16) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t colon = std::min(line.find(": "), line.size());
    headers.emplace_back(line.substr(0, colon), colon == line.size() ? "" : line.substr(colon + 2));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return headers;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto v3 = wechat_v3(test_account()).value();
  if (size == 0) return 0;
  const std::string text(sluice::fuzz::text_of(data, size).substr(1));
  switch (data[0] % 4) {
    case 0:  // forged headers
      check(*v3, {headers_of(text), "{}"}, true);
      if (const auto parts = parse_v3_authorization(text)) {
        const auto again = parse_v3_authorization(to_text(*parts));
        FUZZ_CHECK(again && again->signature == parts->signature && again->nonce == parts->nonce);
      }
      break;
    case 1:  // a body that was changed on the way
      check(*v3, {stamped(platform_key(), platform_key().serial, "{}"), "{} " + text}, true);
      break;
    case 2:
      check(*v3, test_notification(text), false);
      break;
    default:
      check(*v3,
            test_notification(
                test_notice(text, (data[0] & 8U) != 0 ? "REFUND.SUCCESS" : "TRANSACTION.SUCCESS")),
            false);
  }
  return 0;
}
