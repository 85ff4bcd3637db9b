// The door's thread: answers every check it took, and no more than it can hold.
#include "console/door.h"

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <vector>

#include "console/password.h"

namespace sluice::console {
namespace {

bool ask(Door& door, const std::string& password) {
  std::promise<bool> answer;
  EXPECT_TRUE(door.check(password, [&answer](bool right) { answer.set_value(right); }));
  return answer.get_future().get();
}

TEST(Door, OpensToThePasswordAlone) {
  Door door(*hash_password("a long password"), false);
  EXPECT_TRUE(ask(door, "a long password"));
  EXPECT_FALSE(ask(door, "a wrong password"));
  EXPECT_FALSE(ask(door, ""));
}

TEST(Door, WithoutAPasswordNothingOpens) {
  Door door("", false);
  EXPECT_FALSE(ask(door, ""));
  EXPECT_FALSE(ask(door, "a long password"));
}

TEST(Door, RefusesWhatItCannotHold) {
  Door door("", true);
  EXPECT_TRUE(door.tls());
  std::promise<void> entered;
  std::promise<void> go_on;
  ASSERT_TRUE(door.check("x", [&](bool) {
    entered.set_value();
    go_on.get_future().wait();
  }));
  entered.get_future().wait();
  std::vector<std::future<bool>> answers;
  for (std::size_t i = 0; i < kMaxChecks; ++i) {
    auto answer = std::make_shared<std::promise<bool>>();
    answers.push_back(answer->get_future());
    ASSERT_TRUE(door.check("x", [answer](bool right) { answer->set_value(right); }));
  }
  EXPECT_FALSE(door.check("x", [](bool) { FAIL() << "it was not taken"; }));
  go_on.set_value();
  for (auto& answer : answers)
    EXPECT_FALSE(answer.get());
}

TEST(Door, DropsWhatWaitsWhenItGoes) {
  std::promise<void> entered;
  std::promise<void> go_on;
  std::future<void> allowed = go_on.get_future();
  auto dropped = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = dropped;
  {
    Door door("", false);
    ASSERT_TRUE(door.check("x", [&](bool) {
      entered.set_value();
      allowed.wait();
    }));
    entered.get_future().wait();
    ASSERT_TRUE(door.check("x", [kept = std::move(dropped)](bool) { ++*kept; }));
    go_on.set_value();
  }
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace sluice::console
