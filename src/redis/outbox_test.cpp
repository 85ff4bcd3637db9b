// The relay, the sweeper and the board of what is sold out, with made-up time.
#include "redis/outbox.h"

#include <gtest/gtest.h>

namespace sluice::redis {
namespace {

OutboxEntry entry(const std::string& id, std::int64_t order = 1) {
  Reservation reservation;
  reservation.id = OrderId{order};
  return {id, {reservation}};
}

std::vector<std::string> ids(const std::vector<const OutboxEntry*>& entries) {
  std::vector<std::string> all;
  for (const OutboxEntry* one : entries)
    all.push_back(one->id);
  return all;
}
using Ids = std::vector<std::string>;

TEST(Relay, PublishesInTheOrderOfTheStreamThenRemoves) {
  Relay relay;
  const Instant now{1000};
  for (const char* id : {"1000-0", "999-10", "999-2"})
    EXPECT_TRUE(relay.offer(entry(id), now));
  EXPECT_FALSE(relay.offer(entry("999-2"), now));  // found again by a sweep
  EXPECT_EQ(ids(relay.to_publish(now, 2)), (Ids{"999-2", "999-10"}));
  EXPECT_EQ(ids(relay.to_publish(now, 2)), (Ids{"1000-0"}));
  EXPECT_TRUE(relay.to_publish(now, 2).empty());
  EXPECT_TRUE(relay.to_remove(9).empty());
  EXPECT_FALSE(relay.next(now));
  EXPECT_EQ(relay.confirmed("999-10").size(), 1U);
  EXPECT_TRUE(relay.confirmed("999-10").empty());  // its shoppers are told once
  EXPECT_TRUE(relay.confirmed("5-5").empty());
  EXPECT_EQ(relay.next(now), now);
  EXPECT_EQ(relay.to_remove(9), (Ids{"999-10"}));
  EXPECT_TRUE(relay.to_remove(9).empty());
  relay.kept(Ids{"999-10"});
  EXPECT_EQ(relay.to_remove(9), (Ids{"999-10"}));
  relay.removed(Ids{"999-10"});
  EXPECT_EQ(relay.size(), 2U);
}

TEST(Relay, AnEntryIsNeverDroppedByRefusals) {
  Relay relay(RelayLimits{8, Span{100}, Span{400}});
  Instant now{0};
  ASSERT_TRUE(relay.offer(entry("1-0"), now));
  std::vector<std::int64_t> waits;
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(relay.to_publish(now, 1).size(), 1U);
    relay.refused("1-0", now);
    EXPECT_TRUE(relay.to_publish(now, 1).empty());
    const auto next = relay.next(now);
    ASSERT_TRUE(next);
    waits.push_back((*next - now).ms);
    now = *next;
  }
  EXPECT_EQ(waits[0], 100);
  EXPECT_EQ(waits[1], 200);
  EXPECT_EQ(waits[2], 400);
  EXPECT_EQ(waits[49], 400);
}

TEST(Relay, AConfirmAfterARefusalCounts) {
  Relay relay;
  ASSERT_TRUE(relay.offer(entry("1-0"), Instant{0}));
  relay.to_publish(Instant{0}, 1);
  relay.refused("1-0", Instant{0});
  EXPECT_EQ(relay.confirmed("1-0").size(), 1U);
  relay.refused("1-0", Instant{0});
  EXPECT_EQ(relay.to_remove(1), (Ids{"1-0"}));
}

TEST(Relay, IsBounded) {
  Relay relay(RelayLimits{1, Span{1}, Span{1}});
  EXPECT_TRUE(relay.offer(entry("1-0"), Instant{0}));
  EXPECT_FALSE(relay.offer(entry("2-0"), Instant{0}));
  relay.forget();
  EXPECT_TRUE(relay.offer(entry("2-0"), Instant{0}));
}

TEST(Sweeper, LooksAtTheOutboxThenScansToTheEnd) {
  const SweepPlan plan;
  Sweeper sweeper(plan, Instant{100'000});
  Instant now{100'000};
  auto task = sweeper.take(now);
  ASSERT_TRUE(task);
  EXPECT_EQ(task->kind, Sweeper::Task::Kind::outbox);
  EXPECT_EQ(task->before, now - plan.outbox_patience);
  EXPECT_FALSE(sweeper.take(now));  // one at a time
  sweeper.outbox_read(0, now);
  for (const char* cursor : {"17", "3", "0"}) {
    task = sweeper.take(now);
    ASSERT_TRUE(task);
    EXPECT_EQ(task->kind, Sweeper::Task::Kind::stragglers);
    sweeper.stragglers_read(cursor, now);
  }
  EXPECT_FALSE(sweeper.take(now));
  EXPECT_EQ(sweeper.next(), now + plan.outbox_every);
}

TEST(Sweeper, GoesOnWhereAFailureStoppedIt) {
  const SweepPlan plan;
  Instant now{0};
  Sweeper sweeper(plan, now);
  sweeper.take(now);
  sweeper.outbox_read(plan.outbox_entries, now);
  EXPECT_LT(sweeper.next() - now, plan.outbox_every);  // a full part: more is behind it
  sweeper.take(now);
  sweeper.stragglers_read("17", now);
  auto task = sweeper.take(now);
  ASSERT_TRUE(task);
  sweeper.failed(now);
  now = now + plan.outbox_every;
  task = sweeper.take(now);
  ASSERT_TRUE(task);
  EXPECT_EQ(task->kind, Sweeper::Task::Kind::outbox);
  sweeper.failed(now);
  task = sweeper.take(now);
  ASSERT_TRUE(task);
  EXPECT_EQ(task->cursor, "17");
}

TEST(Correction, FollowsTheRecord) {
  using sale::OrderStatus;
  using Kind = Correction::Kind;
  const auto verbs = [](Standing standing, OrderStatus status, bool sold = false) {
    return correction(standing, status, sold).verbs;
  };
  using Verbs = std::vector<Verb>;
  EXPECT_EQ(correction(Standing::reserved, std::nullopt, false).kind, Kind::publish_again);
  // Without a row, a unit that somebody may have paid for is not given away on a guess.
  EXPECT_EQ(correction(Standing::awaiting, std::nullopt, false).kind, Kind::nothing);
  EXPECT_EQ(verbs(Standing::reserved, OrderStatus::awaiting_payment), Verbs{Verb::commit});
  EXPECT_EQ(verbs(Standing::awaiting, OrderStatus::closing), Verbs{});
  EXPECT_EQ(verbs(Standing::reserved, OrderStatus::paid, true), Verbs{Verb::pay});
  EXPECT_EQ(verbs(Standing::released, OrderStatus::paid, true), Verbs{Verb::pay});
  EXPECT_EQ(verbs(Standing::awaiting, OrderStatus::refunding, true), Verbs{Verb::pay});
  EXPECT_EQ(verbs(Standing::sold, OrderStatus::refunding, true), Verbs{});
  EXPECT_EQ(verbs(Standing::sold, OrderStatus::refunded), Verbs{Verb::refund});
  EXPECT_EQ(verbs(Standing::awaiting, OrderStatus::expired), Verbs{Verb::release});
  EXPECT_EQ(verbs(Standing::reserved, OrderStatus::failed), Verbs{Verb::fail});
  EXPECT_EQ(verbs(Standing::released, OrderStatus::expired), Verbs{});
}

TEST(SoldOutBoard, ARefusalFromBeforeTheReleaseDoesNotStick) {
  SoldOutBoard board(Span{1000});
  const ItemNo item{3};
  const Instant now{0};
  EXPECT_FALSE(board.refuses(item, 1, now));
  board.sold_out(item, 0, 5, now);
  EXPECT_TRUE(board.refuses(item, 1, now));
  board.released(item, 6);
  EXPECT_FALSE(board.refuses(item, 1, now));
  board.sold_out(item, 0, 5, now);  // was under way when the unit came back
  EXPECT_FALSE(board.refuses(item, 1, now));
  board.sold_out(item, 0, 6, now);  // sold again
  EXPECT_TRUE(board.refuses(item, 1, now));
  board.released(item, 6);  // the announcement that belongs to before
  EXPECT_TRUE(board.refuses(item, 1, now));
  EXPECT_FALSE(board.refuses(item, 1, now + Span{1000}));
  board.forget();
  EXPECT_FALSE(board.refuses(item, 1, now));
}

TEST(SoldOutBoard, KnowsHowManyAreLeft) {
  SoldOutBoard board;
  board.sold_out(ItemNo{1}, 2, 0, Instant{0});
  EXPECT_FALSE(board.refuses(ItemNo{1}, 2, Instant{0}));
  EXPECT_TRUE(board.refuses(ItemNo{1}, 3, Instant{0}));
}

TEST(Announcements, AreReadOrRefused) {
  const auto read = parse_announcement("sale-1 7 9 12");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->sale_id, "sale-1");
  EXPECT_EQ(read->item, ItemNo{7});
  EXPECT_EQ(read->revision, 9U);
  EXPECT_EQ(read->available, 12);
  for (const char* text : {"", " ", "a 1 2", "a 1 2 ", "a b 1 1", "a 1 -1 1", "a 4294967296 1 1",
                           " 1 2 3", "a 1 2 3 4", "{a} 1 2 3", "a  1 2 3"}) {
    EXPECT_FALSE(parse_announcement(text)) << text;
  }
}

}  // namespace
}  // namespace sluice::redis
