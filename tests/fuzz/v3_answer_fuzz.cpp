// WeChat Pay v3 answers: arbitrary bodies with and without the platform's signature, read as the
// answer of every call. What nobody signed never tells the state of an order.
#include <array>
#include <string>

#include "check.h"
#include "payment/protocol.h"
#include "payment/v3_test_support.h"

namespace {

using namespace sluice::payment;

constexpr std::array<int, 8> kStatuses{200, 204, 202, 400, 401, 404, 429, 500};

void check(const Protocol& v3, const HttpAnswer& answer, bool is_signed) {
  const auto trade = v3.read_trade(kTestOrder, answer, kTestNow);
  const auto closed = v3.read_closed(kTestOrder, answer, kTestNow);
  const auto created = v3.read_created({}, answer, kTestNow);
  const auto refund = v3.read_refund_query("R1", answer, kTestNow);
  const auto keys = v3.read_keys(answer, kTestNow);
  FUZZ_CHECK(is_signed || (!trade && !closed && !created && !refund && !keys));
  if (trade && trade->state == Trade::State::paid) {
    FUZZ_CHECK(trade->payment && trade->payment->out_trade_no == kTestOrder);
    FUZZ_CHECK(trade->payment->amount.minor > 0);
  }
  if (trade && trade->state == Trade::State::not_found) FUZZ_CHECK(answer.status == 404);
  if (created) FUZZ_CHECK(answer.status == 200 && !created->code_url.empty());
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto v3 = wechat_v3(test_account()).value();
  if (size == 0) return 0;
  const int status = kStatuses[data[0] % kStatuses.size()];
  const std::string body(sluice::fuzz::text_of(data, size).substr(1));
  check(*v3, {status, {}, body}, false);
  check(*v3, signed_answer(platform_key(), status, body), true);
  return 0;
}
