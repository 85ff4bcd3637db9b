// Replies find their commands, and each command hears what is known of it, wherever the wire is
// cut.
#include "redis/pipeline.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace sluice::redis {
namespace {

constexpr Instant kLater{1000};

struct Heard {
  std::vector<std::string> all;
  Then note(const std::string& name) {
    return [this, name](Outcome&& o) {
      const char* fate = o.fate == Fate::answered ? "=" : o.fate == Fate::unknown ? "?" : "-";
      all.push_back(name + fate + o.value.text);
    };
  }
};

TEST(Pipeline, WritesCommandsWithAnyBytes) {
  Pipeline pipeline(4);
  Heard heard;
  pipeline.submit({"SET", std::string("a\0\r\n", 4), ""}, kLater, heard.note("a"));
  EXPECT_EQ(pipeline.outgoing(),
            std::string_view("*3\r\n$3\r\nSET\r\n$4\r\na\0\r\n\r\n$0\r\n\r\n", 29));
}

TEST(Pipeline, RepliesComeInOrderHoweverTheyAreCut) {
  const std::string replies = "+OK\r\n$2\r\nhi\r\n-ERR no\r\n*1\r\n:7\r\n";
  for (std::size_t piece = 1; piece <= replies.size(); ++piece) {
    Pipeline pipeline(4);
    Heard heard;
    for (const char* name : {"a", "b", "c", "d"})
      pipeline.submit({"X"}, kLater, heard.note(name));
    pipeline.wrote(pipeline.outgoing().size());
    for (std::size_t at = 0; at < replies.size(); at += piece)
      ASSERT_TRUE(pipeline.received(std::string_view(replies).substr(at, piece)));
    EXPECT_EQ(heard.all, (std::vector<std::string>{"a=OK", "b=hi", "c=ERR no", "d="})) << piece;
    EXPECT_TRUE(pipeline.idle());
  }
}

TEST(Pipeline, OnlyWholeCommandsCanHaveBeenExecuted) {
  std::string one;
  append_command(one, {"X"});
  for (std::size_t sent = 0; sent <= 2 * one.size(); ++sent) {
    Pipeline pipeline(4);
    Heard heard;
    pipeline.submit({"X"}, kLater, heard.note("a"));
    pipeline.submit({"X"}, kLater, heard.note("b"));
    for (std::size_t i = 0; i < sent; ++i)
      pipeline.wrote(1);
    pipeline.lost("cut");
    const std::string a = sent >= one.size() ? "a?" : "a-";
    const std::string b = sent == 2 * one.size() ? "b?" : "b-";
    EXPECT_EQ(heard.all, (std::vector<std::string>{a, b})) << sent;
  }
}

TEST(Pipeline, ANewConnectionBeginsClean) {
  Pipeline pipeline(4);
  Heard heard;
  pipeline.submit({"X"}, kLater, heard.note("a"));
  pipeline.wrote(pipeline.outgoing().size());
  ASSERT_TRUE(pipeline.received("$5\r\nha"));
  pipeline.lost("cut");
  pipeline.submit({"Y"}, kLater, heard.note("b"));
  EXPECT_EQ(pipeline.outgoing(), "*1\r\n$1\r\nY\r\n");
  pipeline.wrote(pipeline.outgoing().size());
  ASSERT_TRUE(pipeline.received("+OK\r\n"));
  EXPECT_EQ(heard.all, (std::vector<std::string>{"a?", "b=OK"}));
}

TEST(Pipeline, RepliesThatNobodyAskedForEndTheConnection) {
  Pipeline pipeline(4);
  EXPECT_FALSE(pipeline.received("+OK\r\n"));
  Heard heard;
  Pipeline early(4);
  early.submit({"X"}, kLater, heard.note("a"));  // not written yet
  EXPECT_FALSE(early.received("+OK\r\n"));
  for (const char* bytes : {"hello\r\n", "$x\r\n", "*-5\r\n", ":12a\r\n", "$-2\r\n"}) {
    Pipeline other(4);
    other.submit({"X"}, kLater, heard.note("a"));
    other.wrote(other.outgoing().size());
    EXPECT_FALSE(other.received(bytes)) << bytes;
  }
}

TEST(Pipeline, DeadlinesAndBound) {
  Pipeline pipeline(2);
  Heard heard;
  EXPECT_FALSE(pipeline.next_deadline());
  pipeline.submit({"X"}, Instant{10}, heard.note("a"));
  pipeline.submit({"Y"}, Instant{20}, heard.note("b"));
  EXPECT_TRUE(pipeline.full());
  EXPECT_FALSE(pipeline.overdue(Instant{9}));
  EXPECT_TRUE(pipeline.overdue(Instant{10}));
  pipeline.expire(Instant{10}, "late");
  EXPECT_EQ(heard.all, (std::vector<std::string>{"a-"}));
  EXPECT_EQ(pipeline.outgoing(), "*1\r\n$1\r\nY\r\n");
  EXPECT_EQ(pipeline.next_deadline(), Instant{20});
  pipeline.wrote(pipeline.outgoing().size());
  ASSERT_TRUE(pipeline.received("+OK\r\n"));
  EXPECT_EQ(heard.all.back(), "b=OK");
}

RC_GTEST_PROP(Pipeline, AnyBytesAreRepliesOrAnError, (const std::string& bytes)) {
  Pipeline pipeline(1000);
  std::size_t heard = 0;
  for (int i = 0; i < 200; ++i)
    pipeline.submit({"X"}, kLater, [&](Outcome&&) { ++heard; });
  pipeline.wrote(pipeline.outgoing().size());
  (void)pipeline.received(bytes);
  pipeline.lost("end");
  RC_ASSERT(heard == 200U);
}

}  // namespace
}  // namespace sluice::redis
