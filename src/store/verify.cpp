// The stages of the offline audit, all inside one transaction that never writes: batches that only
// the journal holds are carried into the tables within it, audited with them, and taken back.
#include "store/verify.h"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sqlite/files.h"
#include "store/findings.h"
#include "store/journal.h"
#include "store/schema.h"
#include "store/sqlite.h"
#include "store/tables.h"
#include "store/verify_catalog.h"
#include "store/verify_history.h"
#include "store/verify_orders.h"

namespace sluice::store {
namespace {

Result<> check_file(Connection& connection, Findings& findings) {
  auto rows = connection.prepare("PRAGMA quick_check(20)");
  if (!rows) return std::unexpected(rows.error());
  int code = rows->step();
  for (; code == SQLITE_ROW; code = rows->step()) {
    if (rows->text(0) != "ok") findings.add("file", std::string(rows->text(0)));
  }
  if (code != SQLITE_DONE) return std::unexpected(connection.error("checking the file"));
  return {};
}

class Audit {
 public:
  Audit(Connection& connection, std::size_t most, bool linked)
      : connection_(connection),
        findings_(report_, most),
        catalog_(connection, tallies_, report_, findings_),
        orders_(connection, tallies_, findings_, linked),
        history_(connection, orders_.traces(), report_, findings_) {}

  /// Inside a transaction of the caller's.
  Result<VerifyReport> run(const std::function<void(std::string_view)>& progress) {
    if (auto done = stages(progress); !done) return std::unexpected(done.error());
    report_.orders = orders_.traces().size();
    return std::move(report_);
  }

  void add_finding(const char* check, std::string detail) {
    findings_.add(check, std::move(detail));
  }
  void count_journal(std::uint64_t batches) { report_.journal_batches = batches; }

 private:
  Result<> stages(const std::function<void(std::string_view)>& progress) {
    const auto announce = [&progress](std::string_view stage) {
      if (progress) progress(stage);
    };
    announce("the file");
    if (auto done = check_file(connection_, findings_); !done) return done;
    announce("sales and items");
    if (auto done = catalog_.read(); !done) return done;
    announce("orders");
    if (auto done = orders_.scan(); !done) return done;
    announce("limits, keys and payments");
    if (auto done = orders_.check_sets(); !done) return done;
    announce("history and hash chain");
    if (auto done = history_.walk(); !done) return done;
    history_.check_rows();
    announce("stock");
    catalog_.check_counters(orders_.traces());
    return {};
  }

  Connection& connection_;
  VerifyReport report_;
  Findings findings_;
  Tallies tallies_;
  CatalogAudit catalog_;
  OrderAudit orders_;
  HistoryAudit history_;
};

constexpr const char* kReading = "PRAGMA query_only = ON; PRAGMA cache_size = -16384;";
/// What is carried over must not reach the file, not even its log.
constexpr const char* kCarrying = "PRAGMA cache_spill = OFF; PRAGMA foreign_keys = OFF;";

Result<Connection> open_for_audit(const std::string& directory, Connection::Mode mode) {
  auto opened = Connection::open(directory + "/" + kRecordFile, mode);
  if (!opened) return opened;
  const char* settings = mode == Connection::Mode::read_only ? kReading : kCarrying;
  if (auto set = opened->execute(settings); !set) return std::unexpected(set.error());
  if (auto current = sqlite::require_current(*opened, kRecordFormat); !current)
    return std::unexpected(current.error());
  return opened;
}

/// What the journal of a server that was killed holds, and the lock that keeps another one from
/// carrying it over meanwhile. While a server runs its tables are at most a moment behind, and its
/// journal is its own: there is no lock then and no tail.
struct Leftover {
  std::optional<sqlite::FileLock> lock;
  JournalTail tail;
  std::string damage;
};

Result<Leftover> find_leftover(const std::string& directory, Connection& connection) {
  Leftover left;
  if (::access((directory + "/" + kJournalFile).c_str(), F_OK) != 0) return left;
  auto lock = sqlite::FileLock::try_acquire(directory + "/" + kRecordFormat.lock);
  if (!lock) {
    left.damage = "was not audited: " + lock.error().message;
    return left;
  }
  if (!*lock) return left;
  left.lock = std::move(*lock);
  const auto heads = Tables::heads(connection);
  if (!heads) return std::unexpected(heads.error());
  if (auto tail = read_journal(directory, *heads)) {
    left.tail = std::move(*tail);
  } else {
    left.damage = tail.error().message;
  }
  return left;
}

Result<> carry_over(Connection& connection, const JournalTail& tail) {
  auto tables = Tables::create(connection);
  if (!tables) return std::unexpected(tables.error());
  for (const Batch& batch : tail.batches) {
    const auto parts = BatchParts::parse(batch.bytes());
    if (!parts || (*tables)->write(*parts) != SQLITE_OK) {
      return fail(fmt::format("Batch {} of the journal does not fit the tables: {}",
                              batch.sequence(), connection.error("carrying it over").message));
    }
  }
  return {};
}

}  // namespace

Result<VerifyReport> verify(const std::string& directory,
                            const std::function<void(std::string_view)>& progress,
                            std::size_t most_findings, bool linked) {
  auto connection = open_for_audit(directory, Connection::Mode::read_only);
  if (!connection) return std::unexpected(connection.error());
  auto left = find_leftover(directory, *connection);
  if (!left) return std::unexpected(left.error());
  const bool carries = !left->tail.batches.empty();
  if (carries) {
    connection = open_for_audit(directory, Connection::Mode::read_write);
    if (!connection) return std::unexpected(connection.error());
  } else {
    left->lock.reset();
  }
  auto moment = ReadTransaction::begin(*connection);
  if (!moment) return std::unexpected(moment.error());
  Audit audit(*connection, most_findings, linked);
  if (!left->damage.empty()) audit.add_finding("journal", left->damage);
  if (carries) {
    if (auto carried = carry_over(*connection, left->tail); !carried) {
      audit.add_finding("journal", carried.error().message);
    }
  }
  audit.count_journal(left->tail.batches.size());
  return audit.run(progress);
}

}  // namespace sluice::store
