// Addresses, paths, and commands to copy.
#include "app/banner.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "app/version.h"

namespace sluice::app {

namespace {

void print_new_key(const Banner& banner) {
  fmt::print(
      "\n  WARNING   no key was configured; this one was made for use on this machine:\n"
      "            {}\n"
      "            It is kept in {}/keys/hs256_secret and shown only now.\n",
      banner.new_key, banner.data);
}

void print_console(const Banner& banner) {
  if (!banner.has_console) return;
  fmt::print("  console   {}/console\n", banner.server.admin_url);
  if (banner.new_password.empty()) return;
  fmt::print(
      "            its password, shown only now: {}\n"
      "            or sign in with a token: {} token --user NAME --admin\n",
      banner.new_password, program());
}

void print_demo(const Banner& banner) {
  const DemoSale& demo = *banner.demo;
  fmt::print("  demo      sale {} opens at {}:", demo.id, to_rfc3339(demo.starts_at));
  for (const std::string& item : demo.items)
    fmt::print(" {}", item);
  fmt::print(" {}\n", demo.brief_item);
}

void print_payments(const Banner& banner) {
  if (banner.gateway.empty()) {
    fmt::print("  payments  none: orders end at their deadline; see [wechat] in the manual\n");
    return;
  }
  fmt::print("  payments  {}\n", banner.gateway);
  if (!banner.sandbox_url.empty()) {
    fmt::print("            its book: {}/_sandbox/orders\n", banner.sandbox_url);
  }
}

void print_buying(const Banner& banner, const std::string& self, const std::string& data) {
  const DemoSale& demo = *banner.demo;
  fmt::print("    {} order grab {} --user alice{}\n", self, demo.items.front(), data);
  if (banner.gateway.empty()) return;
  fmt::print("    {} order pay No… --user alice{}   # its QR code; pay on the page it opens\n",
             self, data);
  fmt::print("    {} order grab {} --user bob{} --watch   # unpaid, it goes back after {} s\n",
             self, demo.brief_item, data, demo.brief_hold.ms / 1000);
}

void print_tries(const Banner& banner) {
  const std::string self = program();
  const std::string data =
      banner.data == "./sluice-data" ? "" : fmt::format(" --data {}", banner.data);
  const std::string& url = banner.server.url;
  fmt::print("\n  try\n    curl {}/api/v1/sales\n", url);
  if (banner.demo) {
    fmt::print("    curl -d '{{\"user\":\"alice\"}}' {}/api/v1/demo/token\n", url);
  }
  if (banner.demo) print_buying(banner, self, data);
  fmt::print("    TOKEN=$({} token --user alice{})\n", self, data);
  const std::string item = banner.some_item.empty() ? "ITEM" : banner.some_item;
  fmt::print("    curl -X POST -H \"Authorization: Bearer $TOKEN\" {}/api/v1/items/{}/orders\n",
             url, item);
  fmt::print("    {} import goods.csv{} --starts-at now --duration 2h\n", self, data);
  fmt::print("    {} rush --help\n", self);
}

}  // namespace

void print_banner(const Banner& banner) {
  std::error_code error;
  const auto path = std::filesystem::weakly_canonical(banner.data, error);
  fmt::print("Sluice {} serves at {}\n\n", version(), banner.server.url);
  if (banner.server.admin_url != banner.server.url) {
    fmt::print("  operators {}\n", banner.server.admin_url);
  }
  fmt::print("  data      {}\n", error ? banner.data : path.string());
  fmt::print("  engine    {}, {} I/O threads; {} sales and {} orders on record\n",
             banner.services.empty() ? "embedded" : "cluster", banner.threads, banner.sales,
             banner.orders);
  if (!banner.services.empty()) fmt::print("            {}\n", banner.services);
  print_payments(banner);
  print_console(banner);
  if (banner.demo) print_demo(banner);
  if (!banner.new_key.empty()) print_new_key(banner);
  print_tries(banner);
  fmt::print("\n  Ctrl-C stops it after what is in flight is committed.\n");
  std::fflush(stdout);
}

}  // namespace sluice::app
