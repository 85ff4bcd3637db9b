// The format of payments.db.
#pragma once

#include "sqlite/database.h"

namespace sluice::payment {

extern const sqlite::Format kLedgerFormat;

}  // namespace sluice::payment
