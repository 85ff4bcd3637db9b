// `sluice import`: reads files or a live table, says what can be sold and what not, and puts it on
// sale.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>

#include "app/cli.h"
#include "app/cluster.h"
#include "app/files.h"
#include "app/keys.h"
#include "app/logging.h"
#include "app/shop.h"
#include "base/text.h"
#include "cluster/cluster_engine.h"
#include "import/live_table.h"
#include "import/plan.h"
#include "import/read.h"
#include "import/reconcile.h"
#include "import/sql.h"
#include "mariadb/connection.h"
#include "sale/catalog.h"

namespace sluice::app {

namespace {

/// Lines of one kind that are printed; the rest is counted.
constexpr std::size_t kMaxPrinted = 200;
/// The password of --from, where neither the URL nor a file has it.
constexpr const char* kPasswordVariable = "SLUICE_IMPORT_PASSWORD";

struct ImportFlags {
  ConfigFlags config;
  std::vector<std::string> files;
  std::string from;
  std::string password_file;
  std::string format;
  std::string table = std::string(importing::kDefaultTable);
  std::string starts_at;
  std::string duration;
  std::string utc_offset = "+08:00";
  std::string hold = "30m";
  std::string currency = "CNY";
  std::string title;
  std::int64_t per_user_limit = 1;
  bool dry_run = false;
};

Result<importing::PlanOptions> plan_options(const ImportFlags& flags) {
  importing::PlanOptions options;
  options.now = wall_now();
  const auto offset = importing::parse_utc_offset(flags.utc_offset);
  if (!offset) return fail("--utc-offset: " + offset.error().message);
  options.utc_offset = *offset;
  if (!flags.starts_at.empty()) {
    const auto start = importing::parse_start(flags.starts_at, options.now, *offset);
    if (!start) return fail("--starts-at: " + start.error().message);
    options.starts_at = *start;
  }
  if (!flags.duration.empty()) {
    const auto duration = parse_span(flags.duration);
    if (!duration || duration->ms < 1) {
      return fail(
          fmt::format("--duration {} is not a length of time above zero; write 90s, 30m or "
                      "2h",
                      quote(flags.duration)));
    }
    options.duration = *duration;
  }
  const auto hold = parse_span(flags.hold);
  if (!hold || *hold < sale::kMinHold || *hold > sale::kMaxHold || hold->ms % 1000 != 0) {
    return fail(
        fmt::format("--hold {} is not a whole number of seconds from 1s to 7d", quote(flags.hold)));
  }
  options.hold = *hold;
  const auto currency = Currency::parse(flags.currency);
  if (!currency) {
    return fail(fmt::format("--currency {} is not an ISO 4217 code known here; write CNY, USD, …",
                            quote(flags.currency)));
  }
  options.currency = *currency;
  options.per_user_limit = flags.per_user_limit;
  if (flags.title.size() > sale::kMaxTitleBytes || !valid_utf8(flags.title) ||
      has_control(flags.title)) {
    return fail(fmt::format("--title is above {} bytes or not clean UTF-8", sale::kMaxTitleBytes));
  }
  options.title = flags.title;
  return options;
}

void print_notices(const std::vector<importing::Notice>& notices, std::uint64_t count,
                   const char* label, const char* place) {
  std::size_t printed = 0;
  for (const importing::Notice& notice : notices) {
    if (printed++ == kMaxPrinted) break;
    const std::string where = notice.line == 0 ? "" : fmt::format("{} {}: ", place, notice.line);
    std::string head = label;
    if (!head.empty() && !notice.subject.empty()) head += ' ';
    head += notice.subject;
    fmt::print("  {}{}: {}\n", where, escaped(head), escaped(notice.text));
  }
  if (count > kMaxPrinted) fmt::print("  … and {} more\n", count - kMaxPrinted);
}

void print_sale(const importing::PlannedSale& sale) {
  fmt::print("  {}  {}  {} to {}, {} to pay\n", sale.id, quote(sale.title),
             to_rfc3339(sale.starts_at), to_rfc3339(sale.ends_at),
             fmt::format("{} s", sale.hold.ms / 1000));
  std::size_t printed = 0;
  for (const importing::PlannedItem& item : sale.items) {
    if (printed++ == kMaxPrinted) {
      fmt::print("    … and {} more\n", sale.items.size() - kMaxPrinted);
      break;
    }
    const sale::ItemDraft& draft = item.draft;
    fmt::print("    {}  {}  {} {} (list {})  stock {}  limit {}\n", draft.id, quote(draft.title),
               to_decimal(draft.price, draft.currency), draft.currency.code(),
               to_decimal(draft.list_price, draft.currency), draft.stock.units,
               draft.per_user_limit.units);
  }
}

/// One source to the end: read, plan, compare, apply.
class Import {
 public:
  Import(const ImportFlags& flags, const importing::PlanOptions& options, const Config& config)
      : flags_(flags), options_(options), config_(config) {}

  Result<> run_file(const std::string& path) { return run(path, read(path)); }
  Result<> run_table(const mariadb::Address& address) {
    return run(fmt::format("{} at {}", flags_.table, address.shown()), read(address));
  }

 private:
  Result<> run(const std::string& source, Result<importing::Plan> plan) const {
    if (!plan) return std::unexpected(plan.error());
    print_report(source, *plan);
    auto shop = open();
    if (!shop) return std::unexpected(shop.error());
    importing::Existing existing;
    if (*shop != nullptr) {
      auto found = (*shop)->existing();
      if (!found) return std::unexpected(found.error());
      existing = std::move(*found);
    }
    const auto todo = importing::reconcile(std::move(*plan), existing, options_.now);
    print_notices(todo.already_there, todo.already_there.size(), "", options_.place);
    return apply(shop->get(), todo);
  }

  Result<importing::Plan> read(const mariadb::Address& address) const {
    auto connection = mariadb::Connection::open(address);
    if (!connection) return std::unexpected(connection.error());
    importing::Planner planner(options_);
    const importing::LiveTable table{address, flags_.table, options_.utc_offset};
    if (auto done = importing::read_table(*connection, table, planner); !done) {
      return fail(done.error().message + ". Nothing of this table was imported");
    }
    return planner.finish();
  }

  Result<importing::Plan> read(const std::string& path) const {
    const auto text = importing::read_file(path);
    if (!text) return std::unexpected(text.error());
    const auto format = flags_.format.empty() ? importing::detect_format(path, *text)
                                              : *importing::parse_format(flags_.format);
    importing::Planner planner(options_);
    if (auto done = importing::read_source(*text, format, flags_.table, planner); !done) {
      return fail(
          fmt::format("{}: {}. Nothing of this file was imported", path, done.error().message));
    }
    return planner.finish();
  }

  void print_report(const std::string& source, const importing::Plan& plan) const {
    fmt::print("{}: {} rows, {} can be sold, {} left out\n", escaped(source), plan.rows,
               plan.rows - plan.left_out_count, plan.left_out_count);
    print_notices(plan.left_out, plan.left_out_count, "left out", options_.place);
    print_notices(plan.notes, plan.notes.size(), "note", options_.place);
  }

  /// Null in a dry run over a directory that has no record yet: nothing can exist already, and
  /// looking must not create it.
  Result<std::unique_ptr<Shop>> open() const {
    const std::string& data = config_.text("server.data");
    if (flags_.dry_run && !has_record(data)) return std::unique_ptr<Shop>{};
    return open_shop(config_);
  }

  Result<> apply(Shop* shop, const importing::Reconciled& todo) const {
    if (todo.steps.empty()) {
      fmt::print("nothing to do\n");
      return {};
    }
    for (const importing::Step& step : todo.steps) {
      if (flags_.dry_run) {
        fmt::print("would {}\n", step.opens ? "open" : "add to");
        print_sale(step.sale);
        continue;
      }
      if (auto applied = shop->apply(step); !applied) return applied;
      fmt::print("{} in {}\n", step.opens ? "opened" : "added to", shop->name());
      print_sale(step.sale);
    }
    if (flags_.dry_run) {
      fmt::print("dry run: nothing was changed\n");
    } else if (is_cluster(config_)) {
      // Whoever asks another node next should find it there.
      std::this_thread::sleep_for(std::chrono::milliseconds(cluster::kSpread.ms));
    }
    return {};
  }

  const ImportFlags& flags_;
  const importing::PlanOptions& options_;
  const Config& config_;
};

/// The address of --from with its password: from the URL, a file, or the environment.
Result<mariadb::Address> source_address(const ImportFlags& flags) {
  auto address = mariadb::parse_address(flags.from);
  if (!address) return fail("--from: " + address.error().message);
  if (!flags.password_file.empty()) {
    if (!address->password.empty()) {
      return fail("--from has a password, and --password-file too; keep one");
    }
    auto password = read_secret(flags.password_file);
    if (!password) return fail("--password-file: " + password.error().message);
    address->password = std::move(*password);
  } else if (const char* password = std::getenv(kPasswordVariable);
             password != nullptr && address->password.empty()) {
    address->password = password;
  }
  return address;
}

Result<> import_sources(const ImportFlags& flags, const importing::PlanOptions& options,
                        const Config& config, const std::optional<mariadb::Address>& address) {
  Import import(flags, options, config);
  if (address) return import.run_table(*address);
  for (const std::string& file : flags.files) {
    if (auto done = import.run_file(file); !done) return done;
  }
  return {};
}

int import_all(const ImportFlags& flags) {
  if (flags.files.empty() == flags.from.empty()) {
    return complain(flags.from.empty()
                        ? "name at least one file to import, or a table with --from; see sluice "
                          "import --help"
                        : "name files to import, or a table with --from, not both",
                    kWrongUsage);
  }
  std::optional<mariadb::Address> address;
  if (!flags.from.empty()) {
    auto parsed = source_address(flags);
    if (!parsed) return complain(parsed.error().message, kWrongUsage);
    address = std::move(*parsed);
  }
  auto options = plan_options(flags);
  if (!options) return complain(options.error().message, kWrongUsage);
  if (address) options->place = "row";
  const auto config = flags.config.load();
  if (!config) return complain(config.error().message, kWrongUsage);
  if (auto logging = start_logging(*config); !logging) {
    return complain(logging.error().message, kJobFailed);
  }
  if (auto done = import_sources(flags, *options, *config, address); !done) {
    std::fflush(stdout);
    return complain(done.error().message, kJobFailed);
  }
  return kSuccess;
}

}  // namespace

void add_import(CLI::App& app, int& status) {
  auto flags = std::make_shared<ImportFlags>();
  CLI::App* command =
      app.add_subcommand("import", "load sales and goods from CSV, JSON, a dump or a live table");
  command->add_option("FILE", flags->files, "files to import")->check(CLI::ExistingFile);
  flags->config.add_to(*command);
  command
      ->add_option("--from", flags->from,
                   "read the table of a MySQL or MariaDB server: mysql://user@host:port/name")
      ->type_name("URL");
  command->add_option("--password-file", flags->password_file,
                      fmt::format("the password of --from; or set {}", kPasswordVariable));
  command->add_option("--format", flags->format, "by default told from the file")
      ->check(CLI::IsMember({"csv", "json", "sql"}));
  command->add_option("--table", flags->table, "the table of a dump or a server")
      ->capture_default_str();
  command->add_option("--starts-at", flags->starts_at,
                      "move every window: now, RFC 3339, or local time");
  command->add_option("--duration", flags->duration, "give every window this length: 2h");
  command->add_option("--utc-offset", flags->utc_offset, "zone of local times")
      ->capture_default_str();
  command->add_option("--hold", flags->hold, "how long a unit waits for its payment")
      ->capture_default_str();
  command->add_option("--per-user-limit", flags->per_user_limit, "units per shopper of an item")
      ->check(CLI::Range(std::int64_t{1}, kMaxStock.units))
      ->capture_default_str();
  command->add_option("--currency", flags->currency, "of amounts that state none")
      ->capture_default_str();
  command->add_option("--title", flags->title, "of sales made from rows");
  command->add_flag("--dry-run", flags->dry_run, "print what would be done and change nothing");
  command->footer(
      "Example:\n  sluice import goods.sql --starts-at now --duration 2h --dry-run\n"
      "  sluice import --from mysql://shop@127.0.0.1:3306/seckill --password-file secret\n\n"
      "Formats: docs/import.md");
  command->callback([flags, &status] { status = import_all(*flags); });
}

}  // namespace sluice::app
