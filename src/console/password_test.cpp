// Passwords: what is refused, and that a hash tells one from another.
#include "console/password.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace sluice::console {
namespace {

TEST(Password, GeneratedOnesDifferAndAreEasyToRead) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string password = generate_password();
    EXPECT_TRUE(
        std::regex_match(password, std::regex("([2-9a-hjkmnp-tv-z]{5}-){3}[2-9a-hjkmnp-tv-z]{5}")))
        << password;
    EXPECT_TRUE(seen.insert(password).second);
  }
}

TEST(Password, AHashTellsTheRightOneFromOthers) {
  const auto hash = hash_password("correct horse");
  ASSERT_TRUE(hash);
  EXPECT_TRUE(is_password_hash(*hash)) << *hash;
  EXPECT_FALSE(hash->contains("correct"));
  EXPECT_TRUE(verify_password(*hash, "correct horse"));
  for (const std::string wrong :
       {"", "correct horsE", "correct horse ", "correct hors", "\0correct horse"}) {
    EXPECT_FALSE(verify_password(*hash, wrong)) << wrong;
  }
  EXPECT_FALSE(verify_password(*hash, std::string("correct horse\0", 14)));
  EXPECT_FALSE(verify_password(*hash, std::string(10'000'000, 'x')));
  EXPECT_NE(*hash, *hash_password("correct horse")) << "each has a salt of its own";
}

TEST(Password, RefusesWhatIsTooShortTooLongOrNoText) {
  EXPECT_TRUE(hash_password("短密码也要十二个字节"));
  for (const std::string& bad :
       {std::string(), std::string(11, 'x'), std::string(257, 'x'), std::string("with a line\nend"),
        std::string("\xff\xfe and twelve")}) {
    const auto hash = hash_password(bad);
    ASSERT_FALSE(hash) << bad;
    EXPECT_TRUE(hash.error().message.contains("the console's password"));
  }
}

TEST(Password, AHashOfAnotherKindIsNone) {
  const std::string good = *hash_password("correct horse");
  std::string greedy = good;
  greedy.replace(greedy.find("m=65536"), 7, "m=4194304");
  for (const std::string& bad : {std::string(), std::string("x"), good.substr(0, 30), greedy,
                                 "$argon2i$" + good.substr(10)}) {
    EXPECT_FALSE(is_password_hash(bad)) << bad;
  }
  EXPECT_FALSE(verify_password("no hash", "correct horse"));
  EXPECT_FALSE(verify_password(good.substr(0, good.size() - 3), "correct horse"));
  EXPECT_TRUE(is_password_hash(hash_of_nothing()));
}

}  // namespace
}  // namespace sluice::console
