// The rows of a live table of the tutorial's shape, in a MySQL or MariaDB server.
#pragma once

#include <string>

#include "base/instant.h"
#include "base/result.h"
#include "import/source.h"
#include "mariadb/address.h"
#include "mariadb/connection.h"

namespace sluice::importing {

struct LiveTable {
  mariadb::Address address;  ///< for messages
  std::string name;          ///< tb_seckill_goods
  Span utc_offset;           ///< columns of type TIMESTAMP are read as local time there
};

/// Feeds every row to `sink` in the order of its id, as of one moment; a Line is the number of the
/// row. A row with a value above kMaxCellBytes is left out. Errors: no such table, a column that
/// the import cannot do without, a missing privilege, more than kMaxRows rows or kMaxColumns
/// columns, a lost connection; each with the remedy.
Result<> read_table(mariadb::Connection& connection, const LiveTable& table, Sink& sink);

}  // namespace sluice::importing
