// What commands do with a real RabbitMQ: a server whose payment notifications travel over it, and
// the stand-alone delay queue, both seen by another people's client.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "base/instant.h"
#include "support/rabbit_broker.h"
#include "support/server_process.h"
#include "support/wire.h"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::string content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The server finds the broker by its environment.
class RabbitShop : public ::testing::Test {
 protected:
  RabbitShop() { setenv("SLUICE_RABBITMQ_URL", broker().url().c_str(), 1); }
  ~RabbitShop() override { unsetenv("SLUICE_RABBITMQ_URL"); }

  static Answer ask(const ServerProcess& server, std::string_view method, const std::string& path,
                    const std::string& token, std::string_view body = {}) {
    auto answer = Wire(server.port()).request(method, path, token, body);
    if (!answer) throw std::runtime_error("no answer to " + path);
    return *answer;
  }
  static std::uint16_t port_of(const std::string& link) {
    return static_cast<std::uint16_t>(std::stoi(link.substr(link.rfind(':') + 1)));
  }
  static void pay(std::uint16_t sandbox, const std::string& number) {
    const auto paid = Wire(sandbox).request("POST", "/_sandbox/orders/" + number + "/pay");
    ASSERT_TRUE(paid);
    ASSERT_EQ(paid->status, 200) << paid->body;
  }

  TemporaryDirectory directory_;
};

TEST_F(RabbitShop, AnotherServicesNotificationIsFetchedByAnotherClient) {
  const ServerProcess server(directory_.path() + "/data", {"--demo"});
  const std::string token = server.token_of("orders", http::Role::service);
  const Answer created = ask(server, "GET",
                             "/weixin/pay/create/native?outtradeno=ORDER-A17&totalfee=1999&queue="
                             "queue.order&exchange=exchange.order&username=alice",
                             token);
  ASSERT_EQ(created.status, 200) << created.body;
  const auto data = boost::json::parse(created.body).at("data");
  pay(port_of(std::string{data.at("code_url").as_string()}), "ORDER-A17");
  boost::json::array fetched;
  ASSERT_TRUE(eventually([&] {
    fetched = broker().peer({"get", "queue.order"});
    return !fetched.empty();
  }));
  ASSERT_EQ(fetched.size(), 1U);
  const auto& message = fetched[0].as_object();
  EXPECT_EQ(message.at("exchange"), "exchange.order");
  EXPECT_EQ(message.at("routing_key"), "queue.order");
  EXPECT_EQ(message.at("delivery_mode"), 2);
  EXPECT_EQ(message.at("content_type"), "application/json");
  EXPECT_FALSE(message.at("message_id").as_string().empty());
  EXPECT_GT(message.at("timestamp").as_int64(), 1'600'000'000);
  const auto body = boost::json::parse(message.at("body").as_string()).as_object();
  EXPECT_EQ(body.at("out_trade_no"), "ORDER-A17");
  EXPECT_TRUE(body.contains("transaction_id")) << body;
  const auto attach = boost::json::parse(body.at("attach").as_string()).as_object();
  EXPECT_EQ(attach.at("queue"), "queue.order");
  EXPECT_EQ(attach.at("exchange"), "exchange.order");
  EXPECT_EQ(attach.at("username"), "alice");
}

TEST_F(RabbitShop, ASaleOrderIsPaidOverTheBrokerThoughItWasKilled) {
  const ServerProcess server(directory_.path() + "/data", {"--demo"});
  const std::string admin = server.token("admin", true);
  const std::string alice = server.token("alice");
  ASSERT_EQ(ask(server, "POST", "/api/v1/admin/sales", admin,
                R"({"title":"Sale","starts_at":"2020-01-01T00:00:00Z",)"
                R"("ends_at":"2099-01-01T00:00:00Z","hold_seconds":1800,"items":[{"id":"7",)"
                R"("title":"耳机","price":1999,"list_price":2999,"stock":2}]})")
                .status,
            201);
  const Answer order = ask(server, "POST", "/api/v1/items/7/orders", alice);
  ASSERT_EQ(order.status, 201) << order.body;
  const std::string path = "/api/v1/orders/" + order.member("id");
  const Answer payment = ask(server, "POST", path + "/payment", alice, R"({"method":"wechat"})");
  ASSERT_EQ(payment.status, 200) << payment.body;
  broker().kill();
  broker().start();
  pay(port_of(payment.member("code_url")), order.member("id"));
  EXPECT_TRUE(
      eventually([&] { return ask(server, "GET", path, alice).member("status") == "paid"; }));
  const Answer queues = ask(server, "GET", "/api/v1/admin/queues", admin);
  EXPECT_THAT(queues.body, HasSubstr("queueSeckillOrder"));
}

TEST_F(RabbitShop, WithoutItsBrokerAServerSaysWhatIsWrong) {
  setenv("SLUICE_RABBITMQ_URL", "amqp://shop:secret@127.0.0.1:1/", 1);
  const std::string output = directory_.path() + "/output";
  EXPECT_EQ(run_sluice({"serve", "--demo", "--listen", "127.0.0.1:0", "--data",
                        directory_.path() + "/data"},
                       output),
            1);
  EXPECT_THAT(content(output), HasSubstr("RabbitMQ cannot be reached at 127.0.0.1:1/"));
}

TEST_F(RabbitShop, DoctorLooksAtTheBroker) {
  const std::string output = directory_.path() + "/output";
  const std::string data = directory_.path() + "/data";
  const auto examine = [&](const std::string& exchange) {
    std::remove(output.c_str());
    const int status = run_sluice(
        {"doctor", "--data", data, "--listen", "127.0.0.1:0", "--set",
         "payment.exchange=" + exchange, "--set", "payment.order_queue=" + exchange + ".order",
         "--set", "payment.sale_queue=" + exchange + ".sale"},
        output);
    return std::pair(status, content(output));
  };
  const auto fresh = examine("doctor.fresh");
  EXPECT_EQ(fresh.first, 0) << fresh.second;
  EXPECT_THAT(fresh.second, HasSubstr("nothing is declared yet"));
  EXPECT_THROW(broker().peer({"count", "doctor.fresh.sale"}), std::runtime_error)
      << "it made nothing";
  broker().peer({"declare", "doctor.other.sale", "{}"});
  const auto other = examine("doctor.other");
  EXPECT_EQ(other.first, 1) << other.second;
  EXPECT_THAT(other.second, HasSubstr("doctor.other.sale"));
  EXPECT_THAT(other.second, HasSubstr("rabbitmq.queue_type"));
  broker().control("add_user guest1 secret");
  broker().control("set_permissions guest1 '.*' 'nothing' '.*'");
  const std::string url = broker().url();
  {
    const ServerProcess server(data + "2", {"--demo"});  // declares the usual names
  }
  const auto usual = [&] {
    std::remove(output.c_str());
    return run_sluice({"doctor", "--data", data, "--listen", "127.0.0.1:0"}, output);
  };
  EXPECT_EQ(usual(), 0) << content(output);
  EXPECT_THAT(content(output), HasSubstr("are as they should be"));
  setenv("SLUICE_RABBITMQ_URL", ("amqp://guest1:secret" + url.substr(url.find('@'))).c_str(), 1);
  EXPECT_EQ(usual(), 1);
  EXPECT_THAT(content(output), HasSubstr("set_permissions"));
}

TEST_F(RabbitShop, DelayedTextsComeOutOfQueue2AndNotBefore) {
  const std::string output = directory_.path() + "/output";
  ASSERT_EQ(run_sluice({"delay", "send", "--ttl", "500ms", "hello 深圳"}), 0);
  ASSERT_EQ(run_sluice({"delay", "listen", "--count", "1"}, output), 0);
  const std::string heard = content(output);
  const std::size_t sent_at = heard.find("sent ");
  const std::size_t received_at = heard.find("received ");
  ASSERT_NE(received_at, std::string::npos) << heard;
  const auto sent = parse_rfc3339(heard.substr(sent_at + 5, 24));
  const auto received = parse_rfc3339(heard.substr(received_at + 9, 24));
  ASSERT_TRUE(sent && received) << heard;
  EXPECT_GE(received->ms - sent->ms, 500) << heard;
  EXPECT_THAT(heard, HasSubstr("hello 深圳"));
  EXPECT_TRUE(eventually([] { return broker().peer({"count", "queue2"})[0] == 0; }));
}

TEST_F(RabbitShop, AnotherClientSharesTheDelayQueue) {
  ASSERT_EQ(run_sluice({"delay", "send", "--ttl", "1ms", "ours"}), 0);
  boost::json::array fetched;
  ASSERT_TRUE(eventually([&] {
    fetched = broker().peer({"get", "queue2"});
    return !fetched.empty();
  }));
  EXPECT_EQ(fetched[0].at("body"), "ours");
  EXPECT_EQ(fetched[0].at("exchange"), "delayExchange");
  EXPECT_EQ(fetched[0].at("routing_key"), "queue2");
  EXPECT_EQ(fetched[0].at("delivery_mode"), 2);
  broker().peer({"publish", "", "queue1", "theirs \x1b[31m", R"({"expiration":"1"})"});
  const std::string output = directory_.path() + "/output";
  ASSERT_EQ(run_sluice({"delay", "listen", "--count", "1"}, output), 0);
  EXPECT_THAT(content(output), HasSubstr("sent at an unknown time"));
  EXPECT_THAT(content(output), HasSubstr("theirs \\x1b[31m"));
}

TEST_F(RabbitShop, DelayExplainsWhatIsWrong) {
  const std::string output = directory_.path() + "/output";
  ASSERT_EQ(run_sluice({"delay", "send", "--ttl", "0s", "x"}), 0);
  EXPECT_EQ(run_sluice({"delay", "send", "--queue-type", "classic", "x"}, output), 1);
  EXPECT_THAT(content(output), HasSubstr("queue1"));
  EXPECT_THAT(content(output), HasSubstr("delete_queue"));
  for (const char* ttl : {"-1s", "50d", "soon", ""})
    EXPECT_EQ(run_sluice({"delay", "send", "--ttl", ttl, "x"}), 2) << ttl;
  EXPECT_EQ(run_sluice({"delay"}), 2);
  EXPECT_EQ(run_sluice({"delay", "send", "--url", "amqp://a:b@127.0.0.1:1/", "x"}, output), 1);
  EXPECT_THAT(content(output), HasSubstr("cannot be reached"));
  EXPECT_EQ(run_sluice({"delay", "send", "--url", "http://a", "x"}), 1);
}

}  // namespace
}  // namespace sluice::test
