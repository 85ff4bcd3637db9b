// Checks a JSON value against the subset of JSON Schema that the OpenAPI document uses.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <vector>

namespace sluice::test {

/// Everything about `value` that `schema` does not allow, each with its place; empty: it fits.
/// `document` resolves "#/…" references. A keyword that is not understood is reported too, so that
/// the check cannot silently become weaker than the document.
std::vector<std::string> mismatches(const boost::json::value& document,
                                    const boost::json::value& schema,
                                    const boost::json::value& value,
                                    const std::string& place = "$");

/// Follows a "#/a/b" pointer, or returns `schema` itself where it is no reference.
const boost::json::value& resolve(const boost::json::value& document,
                                  const boost::json::value& schema);

}  // namespace sluice::test
