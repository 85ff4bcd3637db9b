// The stages of the offline audit, all inside one read transaction.
#include "store/verify.h"

#include <string>
#include <string_view>
#include <utility>

#include "store/findings.h"
#include "store/schema.h"
#include "store/sqlite.h"
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
  Audit(Connection& connection, std::size_t most)
      : connection_(connection),
        findings_(report_, most),
        catalog_(connection, tallies_, report_, findings_),
        orders_(connection, tallies_, findings_),
        history_(connection, orders_.traces(), report_, findings_) {}

  Result<VerifyReport> run(const std::function<void(std::string_view)>& progress) {
    auto moment = ReadTransaction::begin(connection_);
    if (!moment) return std::unexpected(moment.error());
    if (auto done = stages(progress); !done) return std::unexpected(done.error());
    report_.orders = orders_.traces().size();
    return std::move(report_);
  }

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

Result<Connection> open_for_audit(const std::string& directory) {
  auto opened = Connection::open(directory + "/" + kRecordFile, Connection::Mode::read_only);
  if (!opened) return opened;
  if (auto set = opened->execute("PRAGMA query_only = ON; PRAGMA cache_size = -16384;"); !set) {
    return std::unexpected(set.error());
  }
  if (auto current = sqlite::require_current(*opened, kRecordFormat); !current)
    return std::unexpected(current.error());
  return opened;
}

}  // namespace

Result<VerifyReport> verify(const std::string& directory,
                            const std::function<void(std::string_view)>& progress,
                            std::size_t most_findings) {
  auto connection = open_for_audit(directory);
  if (!connection) return std::unexpected(connection.error());
  return Audit(*connection, most_findings).run(progress);
}

}  // namespace sluice::store
