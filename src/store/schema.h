// The format of the record and how a file of an older format is brought up to it.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "store/sqlite.h"

namespace sluice::store {

/// "Slui" in ASCII, in the header of every record, so that `file` and we can tell it is one.
inline constexpr std::int64_t kApplicationId = 0x536c'7569;

/// The newest format this program knows; PRAGMA user_version of the file.
std::int64_t newest_format();

/// Errors: not a SQLite file, another program's database, a format newer than newest_format().
Result<> identify(Connection& connection);

/// Applies the missing migrations, all of them to an empty file, each in a transaction of its own.
Result<> migrate(Connection& connection);

/// For readers, which cannot migrate: errors unless the file is a record of exactly this format.
Result<> require_current(Connection& connection);

}  // namespace sluice::store
