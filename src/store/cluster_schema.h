// The record's schema in MariaDB or MySQL, and how a database is brought up to it.
#pragma once

#include "mariadb/connection.h"

namespace sluice::store {

/// The format that this program writes.
int cluster_format();

/// Applies missing migrations; one process at a time, others wait. Errors: a newer format, a
/// database with tables that are not ours, a missing privilege.
mariadb::Outcome<> migrate(mariadb::Connection& connection);

/// For those who only read: an error unless the database has exactly the newest format.
mariadb::Outcome<> require_current(mariadb::Connection& connection);

}  // namespace sluice::store
