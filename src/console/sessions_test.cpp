// Sessions: how they end, and how many there may be.
#include "console/sessions.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace sluice::console {
namespace {

constexpr Instant kNow{1'795'348'800'000};

TEST(Sessions, OpenFindAndClose) {
  Sessions sessions;
  const auto opened = sessions.open("mei", kNow);
  EXPECT_EQ(opened.secret.size(), 43U);
  EXPECT_EQ(opened.session.csrf.size(), 43U);
  EXPECT_NE(opened.secret, opened.session.csrf);
  const auto found = sessions.find(opened.secret, kNow, true);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "mei");
  EXPECT_EQ(found->csrf, opened.session.csrf);
  EXPECT_EQ(found->expires_at, kNow + kSessionLimit);
  EXPECT_TRUE(sessions.close(opened.secret));
  EXPECT_FALSE(sessions.close(opened.secret));
  EXPECT_FALSE(sessions.find(opened.secret, kNow, true));
}

TEST(Sessions, NothingButTheSecretFindsOne) {
  Sessions sessions;
  const std::string secret = sessions.open("mei", kNow).secret;
  std::string other = secret;
  other.back() = other.back() == 'A' ? 'B' : 'A';
  for (const std::string& wrong :
       {std::string(), other, secret + "A", secret.substr(1), std::string(100'000, 'x'),
        std::string("\0", 1), std::string("mei")}) {
    EXPECT_FALSE(sessions.find(wrong, kNow, true));
    EXPECT_FALSE(sessions.close(wrong));
  }
  EXPECT_TRUE(sessions.find(secret, kNow, true));
}

TEST(Sessions, EndWhenIdleAndAfterTheirTime) {
  Sessions sessions;
  const std::string idle = sessions.open("idle", kNow).secret;
  EXPECT_TRUE(sessions.find(idle, kNow + kIdleLimit - Span{1}, false));
  EXPECT_FALSE(sessions.find(idle, kNow + kIdleLimit, true))
      << "a look without touch keeps nothing";

  const std::string busy = sessions.open("busy", kNow).secret;
  Instant at = kNow;
  while (at + Span::seconds(60) < kNow + kSessionLimit) {
    at = at + Span::seconds(60);
    ASSERT_TRUE(sessions.find(busy, at, true));
  }
  EXPECT_FALSE(sessions.find(busy, kNow + kSessionLimit, true));

  const auto brief = sessions.open("brief", kNow, kNow + Span{5000});
  EXPECT_EQ(brief.session.expires_at, kNow + Span{5000});
  EXPECT_TRUE(sessions.find(brief.secret, kNow + Span{4999}, true));
  EXPECT_FALSE(sessions.find(brief.secret, kNow + Span{5000}, true));
  EXPECT_EQ(sessions.open("long", kNow, kNow + Span::seconds(86'400)).session.expires_at,
            kNow + kSessionLimit);
}

TEST(Sessions, TheOneIdleLongestMakesRoom) {
  Sessions sessions;
  const std::string first = sessions.open("first", kNow).secret;
  const std::string second = sessions.open("second", kNow + Span{1}).secret;
  EXPECT_TRUE(sessions.find(first, kNow + Span{2}, true));
  for (std::size_t i = 2; i < kMaxSessions + 1; ++i)
    sessions.open("more", kNow + Span{3});
  EXPECT_EQ(sessions.size(), kMaxSessions);
  EXPECT_TRUE(sessions.find(first, kNow + Span{4}, true));
  EXPECT_FALSE(sessions.find(second, kNow + Span{4}, true));
}

TEST(SameSecret, ComparesWholeTexts) {
  EXPECT_TRUE(same_secret("abc", "abc"));
  EXPECT_FALSE(same_secret("abc", "abd"));
  EXPECT_FALSE(same_secret("abc", "ab"));
  EXPECT_FALSE(same_secret("", "a"));
}

}  // namespace
}  // namespace sluice::console
