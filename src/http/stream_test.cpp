// Tests of bodies that are written piece by piece: events, exports, and peers that go away.
#include <gmock/gmock.h>

#include <atomic>

#include "http/test_server.h"

namespace sluice::http {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

Response events() {
  Response head;
  head.content_type = "text/event-stream";
  return head;
}

TEST(StreamTest, PiecesArriveAsTheyAreWritten) {
  std::shared_ptr<Stream> stream;
  std::atomic<IoThread*> thread{nullptr};
  const auto server = start([&](const Request&, Responder responder, IoThread& own) {
    stream = responder.stream(events().add("Cache-Control", "no-store"));
    EXPECT_TRUE(stream->write("data: 1\n\n"));
    thread = &own;
  });
  Peer peer(server->port());
  peer.send(get("/"));
  const std::string head = peer.until("\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("Content-Type: text/event-stream\r\nCache-Control: no-store\r\n"));
  EXPECT_THAT(head, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Content-Length")));
  EXPECT_EQ(peer.until("\n\n"), "data: 1\n\n");
  thread.load()->post([&] { EXPECT_TRUE(stream->write("data: 2\n\n")); });
  EXPECT_EQ(peer.until("\n\n"), "data: 2\n\n");
  thread.load()->post([&] {
    EXPECT_TRUE(stream->write("data: 3\n\n"));
    stream->finish();
    EXPECT_FALSE(stream->write("data: 4\n\n"));
    stream.reset();
  });
  EXPECT_EQ(peer.rest(), "data: 3\n\n");
}

TEST(StreamTest, ItFollowsEarlierResponsesAndEndsTheConnection) {
  const auto server = start([&](const Request& request, Responder responder, IoThread&) {
    if (request.path != "/stream") return responder.send(text("plain"));
    const auto stream = responder.stream(events());
    stream->write("a");
    stream->write("b");
  });
  Peer peer(server->port());
  peer.send(get("/") + get("/stream") + get("/"));
  EXPECT_EQ(body_of(peer.response()), "plain");
  EXPECT_THAT(peer.rest(), EndsWith("\r\n\r\nab")) << "a dropped stream ends; nothing follows";
}

TEST(StreamTest, HeadGetsTheHeadAlone) {
  const auto server = start([&](const Request&, Responder responder, IoThread&) {
    const auto stream = responder.stream(events());
    EXPECT_FALSE(stream->write("never"));
  });
  Peer peer(server->port());
  peer.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(peer.rest(), EndsWith("\r\n\r\n"));
}

TEST(StreamTest, APeerThatGoesAwayIsNoticedOnce) {
  std::atomic<int> closed{0};
  std::atomic<int> open{0};
  const auto server = start([&](const Request&, Responder responder, IoThread&) {
    auto stream = responder.stream(events());
    // The hook keeps the stream, as a list of watchers would; closing breaks the ring.
    stream->on_closed([&closed, stream] {
      EXPECT_FALSE(stream->write("x"));
      ++closed;
    });
    ++open;
  });
  Peer orderly(server->port());
  orderly.send(get("/"));
  Peer broken(server->port());
  broken.send(get("/"));
  ASSERT_TRUE(eventually([&] { return open == 2; }));
  orderly.close();
  broken.reset();
  EXPECT_TRUE(eventually([&] { return closed == 2; }));
  EXPECT_TRUE(eventually([&] { return server->counts().connections_open == 0; }));
  EXPECT_EQ(closed, 2);
}

TEST(StreamTest, StoppingClosesStreamsAndTellsThem) {
  std::atomic<int> closed{0};
  std::shared_ptr<Stream> stream;
  const auto server = start([&](const Request&, Responder responder, IoThread&) {
    stream = responder.stream(events());
    stream->on_closed([&closed] { ++closed; });
  });
  Peer peer(server->port());
  peer.send(get("/"));
  peer.until("\r\n\r\n");
  server->stop(Span::seconds(20));
  EXPECT_EQ(closed, 1);
  EXPECT_TRUE(peer.closed());
}

TEST(StreamTest, ALongBodyIsWrittenAsItIsRead) {
  constexpr std::size_t kPieces = 300;
  constexpr std::size_t kPieceBytes = 64 * 1024;
  const auto server = start([&](const Request&, Responder responder, IoThread&) {
    auto stream = responder.stream(events());
    stream->on_drained([stream, left = kPieces]() mutable {
      if (left == 0) return stream->finish();
      --left;
      EXPECT_TRUE(stream->write(std::string(kPieceBytes, 'x')));
    });
  });
  Peer peer(server->port(), 4096);
  peer.send(get("/"));
  peer.until("\r\n\r\n");
  EXPECT_EQ(peer.rest().size(), kPieces * kPieceBytes);
}

TEST(StreamTest, TheBacklogIsBounded) {
  std::atomic<std::size_t> accepted{0};
  std::atomic<bool> ended{false};
  const auto server = start([&](const Request&, Responder responder, IoThread&) {
    const auto stream = responder.stream(events());
    while (stream->write(std::string(64 * 1024, 'x')))
      accepted += 64 * 1024;
    ended = true;
  });
  const Peer peer(server->port(), 4096);
  peer.send(get("/"));
  EXPECT_TRUE(eventually([&] { return ended.load(); })) << "the peer reads nothing";
  EXPECT_LT(accepted, kMaxStreamBacklog + 16 * 1024 * 1024) << "the bound and the kernel's buffers";
  EXPECT_TRUE(eventually([&] { return server->counts().connections_open == 0; }));
}

TEST(StreamTest, APeerThatStopsReadingIsCutOff) {
  std::atomic<bool> closed{false};
  ServerOptions options;
  options.write_timeout = Span{40};
  const auto server = start(
      [&](const Request&, Responder responder, IoThread&) {
        auto stream = responder.stream(events());
        stream->on_closed([&closed] { closed = true; });
        stream->on_drained([stream] { stream->write(std::string(256 * 1024, 'x')); });
      },
      options);
  const Peer peer(server->port(), 4096);
  peer.send(get("/"));
  EXPECT_TRUE(eventually([&] { return closed.load(); }));
}

}  // namespace
}  // namespace sluice::http
