// Slots against the numbers of the Redis Cluster specification; addresses; error replies.
#include "redis/slots.h"

#include <gtest/gtest.h>

namespace sluice::redis {
namespace {

TEST(Slots, AreThoseOfTheSpecification) {
  EXPECT_EQ(slot_of("123456789"), 0x31C3);  // the check value of CRC-16/XMODEM is below 16384
  EXPECT_EQ(slot_of("foo"), 12182);
  EXPECT_EQ(slot_of(""), 0);
}

TEST(Slots, OnlyTheFirstTagCounts) {
  EXPECT_EQ(slot_of("{foo}:a"), slot_of("foo"));
  EXPECT_EQ(slot_of("x{foo}{bar}"), slot_of("foo"));
  EXPECT_EQ(slot_of("x{{foo}}"), slot_of("{foo"));
  EXPECT_NE(slot_of("{}foo"), slot_of("foo"));  // an empty tag is none
  EXPECT_NE(slot_of("{foo"), slot_of("foo"));
}

TEST(Addresses, AreRead) {
  const auto one = parse_address("redis://localhost:7000/3");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->endpoints, (std::vector<Endpoint>{{"localhost", 7000}}));
  EXPECT_EQ(one->database, 3);
  const auto several = parse_address("redis://a:1,b,[::1]:3");
  ASSERT_TRUE(several);
  EXPECT_EQ(several->endpoints, (std::vector<Endpoint>{{"a", 1}, {"b", 6379}, {"::1", 3}}));
}

TEST(Addresses, CarryAnAccount) {
  const auto both = parse_address("redis://shop:p%40ss:w%2f@a:1/2");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->user, "shop");
  EXPECT_EQ(both->password, "p@ss:w/");
  EXPECT_EQ(both->endpoints, (std::vector<Endpoint>{{"a", 1}}));
  const auto alone = parse_address("redis://:secret@a,b");
  ASSERT_TRUE(alone);
  EXPECT_EQ(alone->user, "");
  EXPECT_EQ(alone->password, "secret");
  const auto wrong = parse_address("redis://shop:secret@a:0");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message.find("secret"), std::string::npos) << wrong.error().message;
}

TEST(Addresses, AreRefused) {
  for (const char* text :
       {"", "redis:/a", "http://a:1", "redis://", "redis://:1", "redis://a:0", "redis://a:65536",
        "redis://a:1,", "redis://a:-1", "redis://a:1/x", "redis://secret@a:1", "redis://u:%4@a:1",
        "redis://:@a:1", "redis://a:1,b:2/1", "redis://a b:1"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
}

TEST(Errors, SayWhatToDo) {
  const Endpoint from{"here", 1};
  const Redirect moved = read_error("MOVED 3999 127.0.0.1:6381", from);
  EXPECT_EQ(moved.remedy, Remedy::moved);
  EXPECT_EQ(moved.slot, 3999);
  EXPECT_EQ(moved.to, (Endpoint{"127.0.0.1", 6381}));
  const Redirect ask = read_error("ASK 1 ::1:6381", from);
  EXPECT_EQ(ask.remedy, Remedy::ask);
  EXPECT_EQ(ask.to, (Endpoint{"::1", 6381}));
  EXPECT_EQ(read_error("MOVED 1 :7", from).to, (Endpoint{"here", 7}));
  EXPECT_EQ(read_error("ERR Function not found", from).remedy, Remedy::load_library);
  EXPECT_EQ(read_error("LOADING Redis is loading the dataset in memory", from).remedy,
            Remedy::later);
  EXPECT_EQ(read_error("OOM command not allowed when used memory > 'maxmemory'.", from).remedy,
            Remedy::later);
}

TEST(Errors, WithoutSenseAreAnswersLikeAnyOther) {
  for (const char* text : {"", "MOVED", "MOVED ", "MOVED 1", "MOVED x a:1", "MOVED 16384 a:1",
                           "MOVED 1 a", "MOVED 1 a:0", "MOVED 1 a:99999", "ASK 1 a:b",
                           "WRONGTYPE Operation against a key", "SLUICE_ARGUMENT x"}) {
    EXPECT_EQ(read_error(text, {"here", 1}).remedy, Remedy::none) << text;
  }
}

}  // namespace
}  // namespace sluice::redis
