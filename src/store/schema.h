// The format of the record and how a file of an older format is brought up to it.
#pragma once

#include "sqlite/database.h"

namespace sluice::store {

inline constexpr const char* kRecordFile = "record.db";

extern const sqlite::Format kRecordFormat;

}  // namespace sluice::store
