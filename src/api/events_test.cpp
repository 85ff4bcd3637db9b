// Server-sent events over real HTTP.
#include "api/events.h"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "api/context.h"
#include "api/testing.h"

namespace sluice::api::testing {
namespace {

class EventsTest : public ApiTest {
 protected:
  /// An open stream; closes its socket in the end.
  class Stream {
   public:
    Stream(std::uint16_t port, const std::string& order, std::string_view user,
           std::vector<std::string> headers = {})
        : socket_(send_only(port, Ask{"GET", "/api/v1/orders/" + order + "/events", "", token(user),
                                      std::move(headers)})) {}
    ~Stream() { close(socket_); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    /// Everything up to and including `until`, or all there was.
    std::string read(std::string_view until) const { return read_until(socket_, until); }

   private:
    int socket_;
  };
};

TEST_F(EventsTest, TellTheStateNowAndEveryChangeAndEnd) {
  ASSERT_EQ(open_sale("phone", 1).status, 201);
  const Answer granted = grab("phone", "alice");
  const std::string id = granted.text("id");
  const Stream stream(port(), id, "alice");
  const std::string beginning = stream.read("}\n\n");
  EXPECT_NE(beginning.find("HTTP/1.1 200"), std::string::npos);
  EXPECT_NE(beginning.find("Content-Type: text/event-stream\r\n"), std::string::npos);
  EXPECT_NE(beginning.find("\r\n\r\nretry: 3000\n\nid: awaiting_payment\nevent: order\ndata: " +
                           granted.body + "\n\n"),
            std::string::npos)
      << beginning;
  const Answer cancelled = post("/api/v1/orders/" + id + "/cancel", "alice");
  const std::string rest = stream.read("");  // to the end of the stream
  EXPECT_NE(rest.find("id: cancelled\nevent: order\ndata: " + cancelled.body + "\n\n"),
            std::string::npos)
      << rest;
  EXPECT_EQ(rest.find("id: ", rest.find("id: ") + 1), std::string::npos) << rest;
}

TEST_F(EventsTest, TwoListenersHearOfTheirOwnOrdersOnly) {
  ASSERT_EQ(open_sale("phone", 5).status, 201);
  const std::string alice = grab("phone", "alice").text("id");
  const std::string bob = grab("phone", "bob").text("id");
  const Stream first(port(), alice, "alice");
  const Stream second(port(), alice, "alice");
  const Stream other(port(), bob, "bob");
  for (const Stream* stream : {&first, &second, &other})
    stream->read("}\n\n");
  post("/api/v1/orders/" + alice + "/cancel", "alice");
  EXPECT_NE(first.read("}\n\n").find("cancelled"), std::string::npos);
  EXPECT_NE(second.read("}\n\n").find("cancelled"), std::string::npos);
  post("/api/v1/orders/" + bob + "/cancel", "bob");
  const std::string told = other.read("");
  EXPECT_NE(told.find(bob), std::string::npos);
  EXPECT_EQ(told.find(alice), std::string::npos);
}

TEST_F(EventsTest, AnEndedOrderIsToldOnceAndThenNoContent) {
  ASSERT_EQ(open_sale("phone", 1).status, 201);
  const std::string id = grab("phone", "alice").text("id");
  post("/api/v1/orders/" + id + "/cancel", "alice");
  const Stream fresh(port(), id, "alice");
  EXPECT_NE(fresh.read("").find("id: cancelled\n"), std::string::npos);
  const Stream again(port(), id, "alice", {"Last-Event-ID: cancelled"});
  EXPECT_NE(again.read("").find("HTTP/1.1 204"), std::string::npos);
  const Stream behind(port(), id, "alice", {"Last-Event-ID: awaiting_payment"});
  EXPECT_NE(behind.read("").find("id: cancelled\n"), std::string::npos);
}

TEST_F(EventsTest, StreamsPerUserAreBoundedAndGivenBack) {
  ASSERT_EQ(open_sale("phone", 5).status, 201);
  const std::string id = grab("phone", "alice").text("id");
  {
    std::vector<std::unique_ptr<Stream>> streams;
    for (std::uint32_t i = 0; i < kMaxStreamsPerUser; ++i) {
      streams.push_back(std::make_unique<Stream>(port(), id, "alice"));
      EXPECT_NE(streams.back()->read("}\n\n").find("200"), std::string::npos);
    }
    EXPECT_EQ(engine_->watch_count(), kMaxStreamsPerUser);
    const Answer refused = get("/api/v1/orders/" + id + "/events", "alice");
    EXPECT_EQ(refused.code(), "too_many_streams");
    EXPECT_EQ(refused.header("retry-after"), "1");
    const std::string bob = grab("phone", "bob").text("id");
    const Stream other(port(), bob, "bob");
    EXPECT_NE(other.read("}\n\n").find("HTTP/1.1 200"), std::string::npos);
    // The end of the order ends them all.
    post("/api/v1/orders/" + id + "/cancel", "alice");
    for (const auto& stream : streams)
      stream->read("");
  }
  const Stream fresh(port(), id, "alice");
  EXPECT_NE(fresh.read("").find("HTTP/1.1 200"), std::string::npos);
  // A refused request keeps no place either.
  for (std::uint32_t i = 0; i < 2 * kMaxStreamsPerUser; ++i)
    EXPECT_EQ(get("/api/v1/orders/No1/events", "mallory").code(), "unknown_order");
  const Answer head =
      ask(port(), Ask{"HEAD", "/api/v1/orders/" + id + "/events", "", token("alice"), {}});
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.body.empty());
}

TEST_F(EventsTest, OpenStreamsDoNotHoldUpTheEnd) {
  ASSERT_EQ(open_sale("phone", 1).status, 201);
  const std::string id = grab("phone", "alice").text("id");
  const Stream stream(port(), id, "alice");
  stream.read("}\n\n");
  server_->stop(Span{0});
  stream.read("");
  EXPECT_EQ(engine_->watch_count(), 0);
}

TEST(EndsStream, WhereTheShopperHasNothingToWaitFor) {
  using sale::OrderStatus;
  for (const OrderStatus status : {OrderStatus::paid, OrderStatus::refunded, OrderStatus::expired,
                                   OrderStatus::cancelled, OrderStatus::failed}) {
    EXPECT_TRUE(ends_stream(status)) << to_text(status);
  }
  for (const OrderStatus status :
       {OrderStatus::queued, OrderStatus::awaiting_payment, OrderStatus::closing,
        OrderStatus::needs_person, OrderStatus::refunding}) {
    EXPECT_FALSE(ends_stream(status)) << to_text(status);
  }
}

}  // namespace
}  // namespace sluice::api::testing
