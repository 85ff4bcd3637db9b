// Starts the parts in order and stops them in the opposite one.
#include "sandbox/sandbox.h"

#include <fmt/format.h>

#include <chrono>
#include <future>

#include "base/text.h"
#include "http/server.h"
#include "sandbox/emulator.h"
#include "sandbox/keys.h"
#include "sandbox/notifier.h"
#include "sandbox/routes.h"

namespace sluice::sandbox {

namespace {

constexpr std::size_t kIoThreads = 2;
constexpr Span kGrace = Span::seconds(2);

Instant wall_now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return Instant{std::chrono::duration_cast<std::chrono::milliseconds>(since).count()};
}

bool is_loopback(std::string_view address) {
  return address == "::1" || address == "localhost" || address.starts_with("127.");
}

Result<> check(const SandboxOptions& options) {
  if (!is_loopback(options.address) && !options.allow_remote) {
    return fail(fmt::format(
        "the sandbox would serve at {}, where other machines reach it, and anybody can pay there; "
        "listen at 127.0.0.1, or add --allow-remote",
        quote(options.address)));
  }
  if (!options.api.empty() && options.api != "v2" && options.api != "v3") {
    return fail(fmt::format("api is {}; it must be v2 or v3", quote(options.api)));
  }
  if (options.keys_directory.empty()) return fail("a folder for the keys is needed: --keys DIR");
  return {};
}

std::string url_at(std::string address, std::uint16_t port) {
  if (address == "0.0.0.0") address = "127.0.0.1";
  if (address == "::") address = "::1";
  if (address.contains(':')) address = "[" + address + "]";
  return fmt::format("http://{}:{}", address, port);
}

class RunningSandbox final : public Sandbox {
 public:
  RunningSandbox(SandboxOptions options, Account&& account)
      : options_(std::move(options)),
        account_(std::move(account)),
        emulator_(wall_now),
        base_url_(announced_.get_future().share()),
        counter_(emulator_, account_, [url = base_url_] { return url.get(); }) {}
  RunningSandbox(const RunningSandbox&) = delete;
  RunningSandbox& operator=(const RunningSandbox&) = delete;
  ~RunningSandbox() override { stop(); }

  Result<> open() {
    auto notifier = Notifier::start(emulator_, account_);
    if (!notifier) return std::unexpected(notifier.error());
    notifier_ = std::move(*notifier);
    http::ServerOptions options;
    options.listen.address = options_.address == "localhost" ? "127.0.0.1" : options_.address;
    options.listen.port = options_.port;
    options.threads = kIoThreads;
    auto server = http::Server::start(options, services(counter_));
    if (!server) return std::unexpected(server.error());
    server_ = std::move(*server);
    std::string url = options_.base_url;
    while (url.ends_with('/'))
      url.pop_back();
    if (url.empty()) url = url_at(options_.address, server_->port());
    announced_.set_value(url);
    return write_settings(options_.keys_directory, account_, url);
  }

  std::uint16_t port() const override { return server_->port(); }
  std::string settings_file() const override { return settings_path(options_.keys_directory); }
  std::string base_url() const override { return base_url_.get(); }

  void stop() override {
    if (server_) server_->stop(kGrace);
    server_.reset();
    if (notifier_) notifier_->stop();
    notifier_.reset();
  }

 private:
  SandboxOptions options_;
  Account account_;
  Emulator emulator_;
  // The port is known only once the server runs; requests that are quicker wait for it.
  std::promise<std::string> announced_;
  std::shared_future<std::string> base_url_;
  Counter counter_;
  std::unique_ptr<Notifier> notifier_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace

Result<std::unique_ptr<Sandbox>> Sandbox::start(const SandboxOptions& options) {
  if (auto checked = check(options); !checked) return std::unexpected(checked.error());
  auto account = open_account(options.keys_directory, options.notify_url, options.api, wall_now());
  if (!account) return std::unexpected(account.error());
  auto sandbox = std::make_unique<RunningSandbox>(options, std::move(*account));
  if (auto opened = sandbox->open(); !opened) return std::unexpected(opened.error());
  return sandbox;
}

}  // namespace sluice::sandbox
