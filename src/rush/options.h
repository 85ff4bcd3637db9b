// What a rush was asked to do: the command line, with its defaults.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/instant.h"
#include "rush/schedule.h"

namespace sluice::rush {

inline constexpr std::uint32_t kMaxShoppers = 10'000'000;
inline constexpr std::uint64_t kMaxRequests = 1'000'000'000;
inline constexpr unsigned kMaxThreads = 64;
inline constexpr unsigned kMaxRounds = 1000;
inline constexpr Span kMaxRun = Span::seconds(3600);  ///< bounds the per-second statistics

enum class Mode : std::uint8_t {
  open,    ///< shoppers arrive when they want to, whatever the server does
  closed,  ///< every connection sends as soon as it was answered
};

struct Options {
  std::string url;        ///< empty: from the data folder, else the default address
  std::string admin_url;  ///< empty: from the data folder, else the same as url
  std::string data = "./sluice-data";
  std::string config;
  std::string secret_file;
  std::vector<std::string> sales;
  std::vector<std::string> items;

  Mode mode = Mode::open;
  std::uint32_t shoppers = 10'000;
  double rate = 5'000;  ///< arrivals per second after the ramp
  Span ramp = Span::seconds(2);
  Arrivals arrivals = Arrivals::poisson;
  std::optional<Span> duration;
  std::uint64_t requests = 0;  ///< closed: 0 means as many as there are shoppers
  unsigned rounds = 1;         ///< closed
  unsigned connections = 0;    ///< 0: 64 closed, 256 open
  unsigned threads = 1;
  std::optional<unsigned> pin_cpu;

  double impatient = 0.2;
  double double_click = 0.05;
  double two_tabs = 0.05;
  double think = 1;    ///< stretches the pauses people make before they ask again
  bool loyal = false;  ///< a shopper wants one item only
  bool idempotency_keys = false;
  bool until_sold_out = false;
  std::uint64_t seed = 0;   ///< 0: from the clock
  std::string user_prefix;  ///< empty: from the clock, so that every run brings new people

  std::string raw_method;  ///< "GET" or "POST": any HTTP server, no control plane; else empty
  std::string raw_path;

  Span timeout = Span::seconds(10);
  Span wait = Span::seconds(600);  ///< how near the start of a sale must be to wait for it
  std::uint32_t read_back = 20'000;
  std::string report_json;
  std::string report_html;
  bool json = false;
  bool i_own_this_server = false;
  bool data_given = false;  ///< `data` is not the default
};

}  // namespace sluice::rush
