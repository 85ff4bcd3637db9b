// WeChat Pay v2: arbitrary XML as a notification and as an answer, unsigned as it is and again
// under a good sign, which is the only way to reach what lies behind it.
#include <algorithm>
#include <string>

#include "base/text.h"
#include "check.h"
#include "payment/protocol.h"
#include "payment/signature.h"
#include "payment/wechat.h"
#include "payment/xml.h"

namespace {

using namespace sluice::payment;
using sluice::Instant;

constexpr Instant kNow{1'795'356'309'000};
const std::string kKey = "192006250b4c09247ec02edce69f6a2d";
constexpr std::string_view kOrder = "No20150806125346";

/// What is read can be written and read again.
void check_round_trip(const Fields& fields) {
  FUZZ_CHECK(fields.size() <= kMaxXmlFields);
  const auto again = parse_xml(write_xml(fields));
  FUZZ_CHECK(again.has_value() && *again == fields);
}

void check_notification(const Protocol& v2, const std::string& body, bool forged) {
  const auto read = v2.parse({{}, body}, kNow);
  if (!read) {
    FUZZ_CHECK(!read.error().message.empty() && sluice::valid_utf8(read.error().message));
    return;
  }
  FUZZ_CHECK(!forged || read->kind == Notification::Kind::refund);
  FUZZ_CHECK(wechat::valid_out_trade_no(read->out_trade_no));
  FUZZ_CHECK(!field_of(read->fields, "sign"));
  const bool pays = read->kind == Notification::Kind::payment && read->succeeded;
  FUZZ_CHECK(read->payment.has_value() == pays);
  if (pays) FUZZ_CHECK(read->payment->amount.minor > 0);
}

void check_answer(const Protocol& v2, const std::string& body, bool forged) {
  const HttpAnswer answer{200, {}, body};
  const auto trade = v2.read_trade(kOrder, answer, kNow);
  const auto closed = v2.read_closed(kOrder, answer, kNow);
  const auto refund = v2.read_refund_query("R1", answer, kNow);
  const auto created = v2.read_created({}, answer, kNow);
  FUZZ_CHECK(!forged || (!trade && !closed && !refund && !created));
  if (trade && trade->state == Trade::State::paid) {
    FUZZ_CHECK(trade->payment && trade->payment->out_trade_no == kOrder);
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto v2 =
      wechat_v2({"wxd930ea5d5a258f4f", "10000100", kKey, "http://127.0.0.1/notify", true});
  const std::string body(sluice::fuzz::text_of(data, size));
  check_notification(*v2, body, true);
  check_answer(*v2, body, true);
  auto fields = parse_xml(body);
  if (!fields) return 0;
  check_round_trip(*fields);
  std::erase_if(*fields, [](const auto& field) {
    return field.first == "sign" || field.first == "appid" || field.first == "mch_id";
  });
  fields->emplace_back("appid", "wxd930ea5d5a258f4f");
  fields->emplace_back("mch_id", "10000100");
  fields->emplace_back("sign", v2_sign(*fields, kKey, SignType::md5));
  if (fields->size() > kMaxXmlFields) return 0;
  check_notification(*v2, write_xml(*fields), false);
  check_answer(*v2, write_xml(*fields), false);
  return 0;
}
