// The command line of `sluice rush`.
#include "rush/rush.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <memory>
#include <utility>

#include "rush/options.h"
#include "rush/report.h"
#include "rush/run.h"
#include "rush/wire.h"

namespace sluice::rush {
namespace {

constexpr double kAlmostNoRate = 0.01;
constexpr double kMaxRate = 10e6;
constexpr double kMaxThink = 100;

constexpr const char* kExample =
    "Examples:\n"
    "  sluice rush                                        the local server's sale, 10,000 "
    "shoppers\n"
    "  sluice rush --shoppers 100000 --rate 20000 --report-html rush.html\n"
    "  sluice rush --closed --connections 64 --requests 500000 --rounds 5\n"
    "  sluice rush --raw-get / --url http://127.0.0.1:80 --duration 10s\n"
    "Exit status: 0 when every promise was kept, 1 when not, 2 on wrong usage.";

/// What the command line holds before it is understood.
struct Line {
  Options options;
  std::string ramp, duration, timeout, wait;
  std::string arrivals = "poisson";
  std::string raw_get, raw_post;
  bool closed = false;
  unsigned pin_cpu = 0;
};

void add_target_options(CLI::App& sub, Line& line) {
  Options& options = line.options;
  sub.add_option("--url", options.url,
                 "server to play against (default: the one in DIR/server.json, else "
                 "http://127.0.0.1:8080)");
  sub.add_option("--admin-url", options.admin_url,
                 "the operator API, where it has a listener of its own (default: as --url)");
  sub.add_option("--data", options.data, "the server's data folder: its address and signing key")
      ->capture_default_str();
  sub.add_option("--config", options.config, "the server's configuration: its signing key");
  sub.add_option("--secret-file", options.secret_file, "file that holds the signing key");
  sub.add_option("--sale", options.sales,
                 "sale to play (repeatable; default: what is open or next)");
  sub.add_option("--item", options.items, "item to grab (repeatable; default: all of the sale)");
  sub.add_option("--wait", line.wait, "longest wait for the start of a sale (default 10m)");
  sub.add_flag("--i-own-this-server", options.i_own_this_server,
               "allow a target that is not this machine");
}

void add_crowd_options(CLI::App& sub, Line& line) {
  Options& options = line.options;
  sub.add_option("--shoppers", options.shoppers,
                 "distinct shoppers, each with a token of their own")
      ->check(CLI::Range(std::uint32_t{1}, kMaxShoppers))
      ->capture_default_str();
  sub.add_option("--rate", options.rate, "shoppers arriving per second")
      ->check(CLI::Range(kAlmostNoRate, kMaxRate))
      ->capture_default_str();
  sub.add_option("--ramp", line.ramp, "time in which the rate climbs from 0 (default 2s)");
  sub.add_option("--arrivals", line.arrivals, "independent people, or equal gaps")
      ->check(CLI::IsMember({"poisson", "even"}))
      ->capture_default_str();
  sub.add_option("--impatient", options.impatient, "share that asks again after the answer")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  sub.add_option("--double-click", options.double_click, "share whose first click is two")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  sub.add_option("--two-tabs", options.two_tabs,
                 "share that also grabs from a second tab, another item where there is one")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  sub.add_option("--think", options.think,
                 "stretches the pauses (50 to 500 ms) before people ask again")
      ->check(CLI::Range(0.0, kMaxThink))
      ->capture_default_str();
  sub.add_flag("--loyal", options.loyal, "a shopper wants one item only, sold out or not");
  sub.add_flag("--idempotency-keys", options.idempotency_keys, "send an Idempotency-Key per wish");
  sub.add_flag("--until-sold-out", options.until_sold_out, "nobody new comes once all is sold out");
  sub.add_option("--user-prefix", options.user_prefix,
                 "how the shoppers' names begin (default: new ones every run)");
  sub.add_option("--seed", options.seed, "makes the crowd repeatable (default: from the clock)");
}

void add_engine_options(CLI::App& sub, Line& line) {
  Options& options = line.options;
  sub.add_flag("--closed", line.closed,
               "benchmark: send as fast as answers come, one request in flight per connection");
  sub.add_option("--requests", options.requests, "closed: requests per round (default: --shoppers)")
      ->check(CLI::Range(std::uint64_t{1}, kMaxRequests));
  sub.add_option("--rounds", options.rounds, "closed: rounds, new shoppers in each")
      ->check(CLI::Range(1U, kMaxRounds))
      ->capture_default_str();
  sub.add_option("--raw-get", line.raw_get, "closed: GET this path of any HTTP server, no checks");
  sub.add_option("--raw-post", line.raw_post,
                 "closed: POST a grab's request to this path of any HTTP server, no checks");
  sub.add_option("--duration", line.duration,
                 "end arrivals after this long (default: when all came)");
  sub.add_option("--connections", options.connections,
                 "keep-alive connections (default: 64 closed, 256 open)")
      ->check(CLI::Range(1U, kMaxConnections));
  sub.add_option("--threads", options.threads, "generator threads")
      ->check(CLI::Range(1U, kMaxThreads))
      ->capture_default_str();
  sub.add_option("--pin-cpu", line.pin_cpu, "pin the threads to this CPU and the following ones");
  sub.add_option("--timeout", line.timeout, "longest wait for an answer (default 10s)");
}

void add_report_options(CLI::App& sub, Line& line) {
  Options& options = line.options;
  sub.add_option("--read-back", options.read_back, "most granted orders to read back afterwards")
      ->capture_default_str();
  sub.add_option("--report-json", options.report_json, "write the report as JSON");
  sub.add_option("--report-html", options.report_html,
                 "write the report as one HTML page with plots");
  sub.add_flag("--json", options.json, "print the report as JSON instead of text");
}

/// Reads `text` into `into` unless it is empty; says which flag was wrong.
Result<void> read_span(const char* flag, const std::string& text, Span limit, Span& into) {
  if (text.empty()) return {};
  const auto span = parse_span(text);
  if (!span) return fail(fmt::format("{}: {}", flag, span.error().message));
  if (*span > limit) {
    return fail(fmt::format("{} {} is more than the limit of {} s", flag, text, limit.ms / 1000));
  }
  into = *span;
  return {};
}

Result<Options> understand(const CLI::App& sub, Line& line) {
  Options& options = line.options;
  Span duration;
  for (const auto& read :
       {read_span("--ramp", line.ramp, kMaxRun, options.ramp),
        read_span("--timeout", line.timeout, Span::seconds(300), options.timeout),
        read_span("--wait", line.wait, Span::seconds(6 * 3600), options.wait),
        read_span("--duration", line.duration, kMaxRun, duration)}) {
    if (!read) return std::unexpected(read.error());
  }
  if (options.timeout.ms == 0)
    return fail("--timeout 0 would lose every answer; give at least 1ms");
  if (!line.duration.empty()) options.duration = duration;
  options.data_given = sub.count("--data") > 0;
  if (sub.count("--pin-cpu") > 0) options.pin_cpu = line.pin_cpu;
  options.arrivals = line.arrivals == "even" ? Arrivals::even : Arrivals::poisson;
  if (!line.raw_get.empty() && !line.raw_post.empty()) {
    return fail("--raw-get and --raw-post exclude each other; give one");
  }
  const bool get = !line.raw_get.empty();
  options.raw_path = get ? line.raw_get : line.raw_post;
  if (!options.raw_path.empty()) {
    if (options.raw_path.front() != '/' ||
        options.raw_path.find_first_of(" \t\r\n") != std::string::npos) {
      return fail(
          fmt::format("the path '{}' must start with / and hold no blanks", options.raw_path));
    }
    options.raw_method = get ? "GET" : "POST";
  }
  options.mode = line.closed || !options.raw_path.empty() ? Mode::closed : Mode::open;
  if (options.mode == Mode::open && (options.rounds > 1 || options.requests > 0)) {
    return fail("--rounds and --requests belong to the closed loop; add --closed");
  }
  return options;
}

bool write_file(const std::string& path, const std::string& text) {
  if (path.empty()) return true;
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.flush();
  if (out) return true;
  fmt::print(stderr, "sluice rush: cannot write '{}'; is the folder there, and writable?\n", path);
  return false;
}

int execute(const CLI::App& sub, Line& line, const KeySource& source) {
  const auto options = understand(sub, line);
  if (!options) {
    fmt::print(stderr, "sluice rush: {}\n", options.error().message);
    return 2;
  }
  const auto report = run(*options, source);
  if (!report) {
    fmt::print(stderr, "sluice rush: {}\n", report.error().message);
    return 1;
  }
  const std::string json = render_json(*report);
  fmt::print("{}", options->json ? json : render_text(*report));
  std::fflush(stdout);
  const bool json_written = write_file(options->report_json, json);
  const bool html_written =
      options->report_html.empty() || write_file(options->report_html, render_html(*report));
  return report->passed() && json_written && html_written ? 0 : 1;
}

}  // namespace

void add_command(CLI::App& app, int& exit_status, KeySource source) {
  auto line = std::make_shared<Line>();
  CLI::App* sub = app.add_subcommand(
      "rush", "plays a crowd of distinct shoppers and checks that the sale went exactly right");
  sub->footer(kExample);
  add_target_options(*sub, *line);
  add_crowd_options(*sub, *line);
  add_engine_options(*sub, *line);
  add_report_options(*sub, *line);
  sub->callback([sub, line, &exit_status, source = std::move(source)] {
    exit_status = execute(*sub, *line, source);
  });
}

}  // namespace sluice::rush
