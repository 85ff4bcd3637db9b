// The names of the sqlite room that the record speaks in.
#pragma once

#include "sqlite/sqlite.h"

namespace sluice::store {

using sqlite::Connection;
using sqlite::ReadTransaction;
using sqlite::ResetGuard;
using sqlite::Statement;

}  // namespace sluice::store
