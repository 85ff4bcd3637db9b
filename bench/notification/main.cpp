// What a payment notification costs inside the server: verified, stored on the bus with a sync,
// logged, applied to its order and committed. No HTTP: that is measured with the grabs.
#include <fmt/format.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/instant.h"
#include "bus/bus.h"
#include "engine/blocking.h"
#include "engine/embedded.h"
#include "payment/protocol.h"
#include "payment/service.h"
#include "sandbox/emulator.h"
#include "sandbox/keys.h"
#include "sandbox/payload.h"
#include "settlement/desk.h"

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kExchange = "exchange.order";
constexpr const char* kQueue = "queueSeckillOrder";

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "{}\n", result.error().message);
  std::exit(1);
}

Instant wall() {
  return Instant{std::chrono::duration_cast<std::chrono::milliseconds>(
                     std::chrono::system_clock::now().time_since_epoch())
                     .count()};
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Everything between the notification's bytes and the paid order.
struct Shop {
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<bus::Bus> bus;
  std::unique_ptr<payment::Gateway> gateway;
  std::unique_ptr<payment::Service> service;
  std::unique_ptr<settlement::Desk> desk;

  Shop(const std::string& directory, const sandbox::Account& account, bool v3,
       const std::string& platform_key) {
    engine::EmbeddedOptions options;
    options.directory = directory;
    options.settings.has_gateway = true;
    engine = must(engine::start_embedded(options));
    const std::vector<bus::Binding> places = {{kExchange, kQueue, kQueue}};
    bus = must(bus::open_local(directory, places));
    std::unique_ptr<payment::Protocol> protocol;
    if (v3) {
      payment::WechatV3Account merchant;
      merchant.appid = account.appid;
      merchant.mch_id = account.mch_id;
      merchant.api_v3_key = account.api_v3_key;
      merchant.notify_url = account.notify_url;
      merchant.merchant_serial = account.merchant_serial;
      merchant.merchant_private_key_pem = platform_key;  // any key: nothing is sent
      merchant.platform_serial = account.platform_serial;
      merchant.platform_public_key_pem = account.platform_certificate;
      protocol = must(payment::wechat_v3(merchant));
    } else {
      payment::WechatV2Account merchant;
      merchant.appid = account.appid;
      merchant.mch_id = account.mch_id;
      merchant.api_key = account.api_key;
      merchant.notify_url = account.notify_url;
      protocol = payment::wechat_v2(merchant);
    }
    payment::GatewayOptions gateway_options;
    gateway_options.base_url = "http://127.0.0.1:9";
    gateway = must(payment::start_gateway(std::move(protocol), gateway_options));
    payment::ServiceOptions service_options;
    service_options.directory = directory;
    service_options.allowed = places;
    service_options.now = [] { return wall(); };
    service = must(payment::open_service(service_options, *gateway, *bus));
    desk = must(settlement::open_desk({}, *engine, *service, *gateway, *bus));
  }
  ~Shop() {
    desk->stop();
    engine->stop();
    service->stop();
    gateway->stop();
    bus->stop();
  }
};

std::vector<std::string> grab_orders(engine::Engine& engine, std::size_t count) {
  sale::OpenSale open;
  open.by = {"bench", "bench"};
  open.title = "Bench";
  open.starts_at = wall() - Span::seconds(3600);
  open.ends_at = wall() + Span::seconds(86'400);
  open.hold = Span::seconds(36'000);
  sale::ItemDraft item;
  item.title = "Unit";
  item.price = Money{1999};
  item.stock = Quantity{static_cast<std::int64_t>(count)};
  open.items.push_back(item);
  must(engine::call(engine, open));
  std::vector<std::string> orders(count);
  constexpr std::size_t kThreads = 64;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < count; i += kThreads) {
        const auto reply =
            must(engine::call(engine, sale::Grab{"user" + std::to_string(i), ItemNo{0}, 1, {}}));
        orders[i] = to_text(reply.order.id);
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  return orders;
}

/// The provider's requests, signed beforehand.
std::vector<payment::RawNotification> notifications(const std::vector<std::string>& orders,
                                                    const sandbox::Account& account, bool v3) {
  sandbox::Emulator emulator([] { return wall(); });
  const std::string attach = payment::to_json(payment::Attach{kQueue, kExchange, "user"});
  std::vector<payment::RawNotification> all;
  all.reserve(orders.size());
  for (const std::string& order : orders) {
    sandbox::OrderRequest asked;
    asked.api = v3 ? sandbox::Api::v3 : sandbox::Api::v2;
    asked.sign_type = payment::SignType::hmac_sha256;
    asked.out_trade_no = order;
    asked.description = "Unit";
    asked.attach = attach;
    asked.notify_url = account.notify_url;
    asked.total = Money{1999};
    const auto created = emulator.create(asked);
    const auto paid = emulator.pay(order, {}, false);
    if (!created || !paid) std::exit(1);
    const sandbox::Emulator::Subject subject{*paid, {}, "event-" + order, false};
    const sandbox::Payload payload = sandbox::notification(subject, account, wall());
    payment::RawNotification raw;
    raw.body = payload.body;
    for (const std::string& header : payload.headers) {
      const std::size_t colon = header.find(": ");
      raw.headers.emplace_back(header.substr(0, colon), header.substr(colon + 2));
    }
    all.push_back(std::move(raw));
  }
  return all;
}

struct Cost {
  double cpu_us = 0;
  double per_second = 0;
};

Cost cost_of(std::size_t count, Clock::time_point began, double cpu_began) {
  const double wall_s = std::chrono::duration<double>(Clock::now() - began).count();
  const auto times = static_cast<double>(count);
  return {(cpu_seconds() - cpu_began) * 1e6 / times, times / wall_s};
}

Cost verify_only(const payment::Gateway& gateway,
                 const std::vector<payment::RawNotification>& raw) {
  const auto began = Clock::now();
  const double cpu_began = cpu_seconds();
  for (const payment::RawNotification& one : raw)
    must(gateway.parse(one, wall()));
  return cost_of(raw.size(), began, cpu_began);
}

/// At most `window` are not acknowledged at a time; ends when every order is paid.
Cost settle(Shop& shop, const std::vector<payment::RawNotification>& raw, std::size_t window) {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t open = 0;
  std::atomic<std::size_t> refused{0};
  const auto began = Clock::now();
  const double cpu_began = cpu_seconds();
  for (const payment::RawNotification& one : raw) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return open < window; });
    ++open;
    lock.unlock();
    shop.service->notify(one, [&](const payment::Acknowledgement& answer) {
      if (answer.status >= 300 || answer.body.contains("FAIL")) ++refused;
      const std::lock_guard guard(mutex);
      --open;
      changed.notify_one();
    });
  }
  const auto catalog = shop.engine->catalogs().current();
  const auto wanted = static_cast<std::int64_t>(raw.size());
  while (refused == 0 && catalog->items[0]->live->read().sold.units < wanted)
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  const Cost cost = cost_of(raw.size(), began, cpu_began);
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return open == 0; });
  if (refused > 0) {
    fmt::print(stderr, "{} notifications were refused\n", refused.load());
    std::exit(1);
  }
  return cost;
}

void measure(const std::string& directory, bool v3, std::size_t window, std::size_t count) {
  const auto account =
      must(sandbox::open_account(directory + "/keys", "http://127.0.0.1:9/notify", "v3", wall()));
  std::string key;
  if (std::FILE* file = std::fopen((directory + "/keys/merchant_key.pem").c_str(), "rb")) {
    char chunk[8192];
    key.assign(chunk, std::fread(chunk, 1, sizeof chunk, file));
    std::fclose(file);
  }
  Shop shop(directory + (v3 ? "/v3-" : "/v2-") + std::to_string(window), account, v3, key);
  const auto raw = notifications(grab_orders(*shop.engine, count), account, v3);
  const Cost verified = verify_only(*shop.gateway, raw);
  const Cost settled = settle(shop, raw, window);
  fmt::print(
      R"({{"api":"{}","window":{},"count":{},"verify_cpu_us":{:.1f},"cpu_us":{:.1f},"per_second":{:.0f}}})"
      "\n",
      v3 ? "v3" : "v2", window, count, verified.cpu_us, settled.cpu_us, settled.per_second);
  std::fflush(stdout);
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: notification_cost DIRECTORY COUNT\n", stderr);
    return 2;
  }
  const std::size_t count = std::strtoull(argv[2], nullptr, 10);
  for (const bool v3 : {false, true}) {
    sluice::measure(argv[1], v3, 64, count);
    sluice::measure(argv[1], v3, 1, std::max<std::size_t>(count / 20, 1));
  }
  return 0;
}
