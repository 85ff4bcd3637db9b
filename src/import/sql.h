// The rows of one table out of a MySQL or MariaDB dump.
#pragma once

#include <string_view>

#include "base/result.h"
#include "import/source.h"

namespace sluice::importing {

inline constexpr std::string_view kDefaultTable = "tb_seckill_goods";

/// Feeds the rows that INSERT and REPLACE statements put into `table` to `sink`, with the columns
/// of the statement or, where it names none, of the table's CREATE TABLE. Other tables are skipped
/// and mentioned with their number of rows. An unclosed string or comment is an error.
Result<> read_sql(std::string_view text, std::string_view table, Sink& sink);

}  // namespace sluice::importing
