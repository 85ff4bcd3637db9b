// What a value of each type of key may be.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"

namespace sluice::app {

/// The parts between commas; none for an empty text.
std::vector<std::string_view> split(std::string_view text);

/// What a value of that key must be, for "it must be …".
std::string bounds_of(const Key& key);

bool valid_value(const Key& key, const std::string& value);

}  // namespace sluice::app
