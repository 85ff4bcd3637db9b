// Bodies of operators' requests as commands of the core.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>

#include "api/context.h"
#include "api/json_reader.h"
#include "sale/commands.h"

namespace sluice::api {

inline constexpr std::size_t kMaxReasonBytes = 1024;
inline constexpr std::size_t kMaxEvidenceBytes = 256;

/// Why the core refused a value that passed the checks here.
inline constexpr Words kBadField{"A field has a value that is not allowed.",
                                 "某个字段的值不符合要求。"};

/// The JSON body; empty when it was refused, and then the exchange has been answered.
std::optional<boost::json::value> read_body(const http::Request& request, Exchange& exchange);

/// Answers the first fault, if there is one. True: nothing was wrong.
bool accept(const JsonFaults& faults, Exchange& exchange);

/// The operator with the body's `reason`; `otherwise` where it may be left out.
sale::Operator read_operator(ObjectReader& body, const Context& context,
                             std::optional<std::string> otherwise = {});

sale::OpenSale read_open_sale(const boost::json::value& body, const Context& context,
                              JsonFaults& faults);
sale::AddItem read_add_item(const boost::json::value& body, const Context& context,
                            JsonFaults& faults);
sale::ChangeSale read_change_sale(const boost::json::value& body, const Context& context,
                                  JsonFaults& faults);
sale::ChangeItem read_change_item(const boost::json::value& body, const Context& context,
                                  JsonFaults& faults);

}  // namespace sluice::api
