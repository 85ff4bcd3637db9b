// The format of webhooks.db.
#pragma once

#include "sqlite/database.h"

namespace sluice::webhook {

extern const sqlite::Format kFormat;

}  // namespace sluice::webhook
