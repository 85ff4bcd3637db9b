// What the payment rooms made of memory answer.
#include "api/testing_payments.h"

#include <utility>

#include "engine/blocking.h"

namespace sluice::api::testing {

namespace {

std::unexpected<payment::Fault> unused() {
  return std::unexpected(payment::Fault{payment::Fault::Kind::unavailable, "", "not in this test"});
}

}  // namespace

void FakeGateway::create(payment::NewPayment, Then<payment::CreatedPayment> then) {
  then(unused());
}
void FakeGateway::query(std::string, Then<payment::Trade> then) {
  then(unused());
}
void FakeGateway::close(std::string, Then<payment::CloseAnswer> then) {
  then(unused());
}
void FakeGateway::refund(payment::RefundOrder, Then<payment::RefundProgress> then) {
  then(unused());
}
void FakeGateway::query_refund(std::string, std::string, Then<payment::RefundProgress> then) {
  then(unused());
}
Result<payment::Notification> FakeGateway::parse(const payment::RawNotification&, Instant) const {
  return fail("not in this test");
}
payment::Acknowledgement FakeGateway::acknowledge(payment::Receipt receipt,
                                                  std::string_view) const {
  const bool stored = receipt == payment::Receipt::stored;
  return {stored ? 200 : 400, "application/json", stored ? "{}" : R"({"code":"FAIL"})"};
}

void FakeBus::publish(std::string_view, std::string_view, bus::Message, bus::Confirmed then) {
  then({});
}

template <class T, class Make>
void FakeService::answer(payment::Answer<T>& then, Make make) {
  std::expected<T, payment::ServiceError> made;
  {
    const std::lock_guard lock(mutex);
    if (error) {
      made = std::unexpected(*error);
    } else {
      made = make();
    }
  }
  then(std::move(made));
}

void FakeService::create(payment::PaymentRequest request, payment::Answer<payment::Payment> then) {
  answer<payment::Payment>(then, [&] {
    created.push_back(request);
    payment::Payment payment;
    payment.out_trade_no = request.out_trade_no;
    payment.amount = request.amount;
    payment.attach = request.attach;
    payment.code_url = "weixin://wxpay/bizpayurl?pr=" + request.out_trade_no;
    payment.fields = {{"prepay_id", "wx1"}, {"code_url", "not this one"}};
    payment.expires_at = request.expires_at;
    payment.standing = payment::Payment::Standing::open;
    known.emplace(request.out_trade_no, payment);
    return payment;
  });
}

void FakeService::find(std::string number, payment::Answer<std::optional<payment::Payment>> then) {
  answer<std::optional<payment::Payment>>(then, [&]() -> std::optional<payment::Payment> {
    const auto found = known.find(number);
    if (found == known.end()) return std::nullopt;
    return found->second;
  });
}

void FakeService::query(std::string number, payment::Answer<payment::Trade> then) {
  answer<payment::Trade>(then, [&] {
    asked.push_back(number);
    return trade;
  });
}

void FakeService::close(std::string number, payment::Answer<payment::CloseAnswer> then) {
  answer<payment::CloseAnswer>(then, [&] {
    asked.push_back(number);
    return closed;
  });
}

void FakeService::open_payments(std::int64_t, std::uint32_t,
                                payment::Answer<std::vector<payment::Payment>> then) {
  answer<std::vector<payment::Payment>>(then, [] { return std::vector<payment::Payment>{}; });
}

void FakeService::notify(payment::RawNotification raw,
                         std::move_only_function<void(payment::Acknowledgement)> then) {
  payment::Acknowledgement copy;
  {
    const std::lock_guard lock(mutex);
    notified.push_back(std::move(raw));
    copy = acknowledgement;
  }
  then(std::move(copy));
}

void FakeService::notifications(std::optional<std::int64_t> before, std::uint32_t limit,
                                std::optional<std::string> number,
                                payment::Answer<std::vector<payment::NotificationEntry>> then) {
  answer<std::vector<payment::NotificationEntry>>(then, [&] {
    std::vector<payment::NotificationEntry> page;
    for (const payment::NotificationEntry& entry : log) {
      const bool wanted = (!before || entry.sequence < *before) &&
                          (!number || entry.out_trade_no == *number) && page.size() < limit;
      if (wanted) page.push_back(entry);
    }
    return page;
  });
}

void FakeService::replay(std::int64_t sequence, payment::Answer<payment::NotificationEntry> then) {
  if (refuses_replay) {
    return then(std::unexpected(
        payment::ServiceError{payment::ServiceError::Kind::invalid, "not this one", {}}));
  }
  answer<payment::NotificationEntry>(then, [&] {
    replayed.push_back(sequence);
    return log.front();
  });
}

void FakeDesk::begin(
    std::string user, OrderId order, std::string client_address, engine::Mailbox& to,
    std::move_only_function<void(std::expected<settlement::ShopperPayment, settlement::BeginError>)>
        then) {
  std::expected<settlement::ShopperPayment, settlement::BeginError> begun;
  if (error) {
    begun = std::unexpected(*error);
  } else {
    payment::PaymentRequest request;
    request.out_trade_no = to_text(order);
    request.amount = amount;
    request.attach = {"queueSeckillOrder", "exchange.order", user};
    request.expires_at = now() + Span::seconds(60);
    service.create(request, [&begun](auto&& payment) {
      begun = settlement::ShopperPayment{payment->code_url, payment->amount, payment->currency,
                                         payment->expires_at};
    });
  }
  address = client_address;
  to.post([then = std::move(then), begun = std::move(begun)]() mutable { then(std::move(begun)); });
}

void PaymentApiTest::open(ApiOptions options) {
  options.has_gateway = true;
  start(std::move(options));
  Payments payments;
  payments.gateway = &gateway_;
  payments.bus = &bus_;
  payments.service = &service_;
  payments.desk = &desk_;
  api_->open_payments(payments);
}

std::string PaymentApiTest::grab_one(const std::string& item) {
  EXPECT_EQ(open_sale(item, 5).status, 201);
  return grab(item, "alice").text("id");
}

Answer PaymentApiTest::service_get(const std::string& path, http::Role role) {
  return ask(port(), Ask{"GET", path, {}, token("shop-service", role), {}});
}

void PaymentApiTest::pay(const std::string& order) {
  const auto reply = engine::call(
      *engine_, sale::PaymentSucceeded{*parse_order_id(order), "4200001", Money{1999}, {}, now()});
  ASSERT_TRUE(reply.has_value());
  ASSERT_EQ(std::get<sale::PaymentOutcome>(reply->outcome), sale::PaymentOutcome::paid);
}

}  // namespace sluice::api::testing
