// What travels between the nodes: grabs and hold timers as JSON, in the tutorial's shape.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "base/result.h"
#include "engine/catalog.h"
#include "store/cluster_record.h"

namespace sluice::cluster {

/// An array of `{"orderId","username","goodsId","quantity","money","currency","createTime",
/// "status":1}` and `"expiresTime"`, `"requestKey"` (32 hex digits) where one was sent, and
/// `"epoch"` where it is known. At most kMaxGrabsPerMessage, all of items in `catalog`.
inline constexpr std::size_t kMaxGrabsPerMessage = 256;
std::string to_message(std::span<const store::Reservation> grabs, const engine::Catalog& catalog);

/// What one message says: one object or an array. Other fields are left alone, of a field that is
/// there twice the last counts; without `expiresTime` the hold begins at `createTime`. The error
/// says what is wrong with a message that nobody will ever understand. `unknown_goods`: an item
/// that is not in the catalog (yet).
struct GrabMessage {
  std::vector<store::Reservation> grabs;
  std::vector<std::string> unknown_goods;
};
Result<GrabMessage> parse_grabs(std::string_view body, const engine::Catalog& catalog);

/// A timer carries the orders of one batch with the same hold, as the same array of objects, of
/// which only orderId and expiresTime count.
struct TimerMessage {
  std::vector<OrderId> orders;
  Instant due;  ///< the latest
};
Result<TimerMessage> parse_timer(std::string_view body);

}  // namespace sluice::cluster
