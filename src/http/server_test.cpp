// Tests of the server over real sockets: order, keep-alive, late answers, jobs, the stop, TLS off.
#include "http/server.h"

#include <gmock/gmock.h>

#include <atomic>
#include <deque>
#include <mutex>

#include "http/client.h"
#include "http/test_server.h"

namespace sluice::http {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(ServerTest, AResponseHasWhatItNeedsAndNothingElse) {
  const auto server = start(echo);
  Peer peer(server->port());
  peer.send(get("/a"));
  const std::string response = peer.response();
  EXPECT_THAT(response,
              ::testing::MatchesRegex("HTTP/1.1 200 OK\r\n"
                                      "Date: [A-Z][a-z]+, [0-9]+ [A-Z][a-z]+ [0-9]+ [0-9:]+ GMT\r\n"
                                      "X-Content-Type-Options: nosniff\r\n"
                                      "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\n/a "));
}

TEST(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  const auto server = start(echo);
  Peer peer(server->port());
  std::string requests;
  for (int i = 0; i < 500; ++i)
    requests += get("/" + std::to_string(i));
  std::thread sender([&] { peer.send(requests); });
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(body_of(peer.response()), "/" + std::to_string(i) + " ");
  }
  sender.join();
  EXPECT_EQ(server->counts().requests, 500U);
  EXPECT_EQ(server->counts().connections_total, 1U);
}

TEST(ServerTest, RequestsMayArriveByteByByte) {
  const auto server = start(echo);
  Peer peer(server->port());
  const std::string request =
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + get("/y");
  for (const char c : request)
    peer.send(std::string_view(&c, 1));
  EXPECT_EQ(body_of(peer.response()), "/x hello");
  EXPECT_EQ(body_of(peer.response()), "/y ");
}

TEST(ServerTest, LargeBodiesInAndOut) {
  const std::string large(3'000'000, 'z');
  const auto server = start([&](const Request& request, Responder responder, IoThread&) {
    responder.send(text(request.method == Method::post ? std::string(request.body) : large));
  });
  Peer peer(server->port());
  const std::string body(kMaxBodyBytes, 'b');
  for (int round = 0; round < 3; ++round) {
    peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n" + body + get("/"));
    EXPECT_EQ(body_of(peer.response()), body);
    EXPECT_EQ(body_of(peer.response()), large);
  }
}

/// More than all that the read buffers of one thread may have together.
constexpr std::size_t kMaxGrown = 64UL * 1024 * 1024;

/// Takes large bodies at /files, and answers with their size.
class FileService final : public Service {
 public:
  void handle(const Request& request, Responder responder) override {
    responder.send(text(std::to_string(request.body.size())));
  }
  std::size_t most_body_bytes(const Request& head) override {
    EXPECT_TRUE(head.body.empty());
    if (head.path == "/huge") return kMaxUploadBytes;
    return head.path == "/files" ? 100'000 : kMaxBodyBytes;
  }
};

std::unique_ptr<Server> start_files(ServerOptions options = {}) {
  options.listen.port = 0;
  auto server = Server::start(options, [](IoThread&) { return std::make_unique<FileService>(); });
  EXPECT_TRUE(server) << server.error().message;
  return server ? std::move(*server) : nullptr;
}

std::string upload(const std::string& path, std::size_t bytes, const std::string& fields = "") {
  return "POST " + path + " HTTP/1.1\r\nHost: a\r\n" + fields +
         "Content-Length: " + std::to_string(bytes) + "\r\n\r\n";
}

TEST(ServerTest, AServiceMayTakeLargeBodiesWhereItSaysSo) {
  const auto server = start_files();
  Peer peer(server->port());
  const std::string body(100'000, 'b');
  for (int round = 0; round < 2; ++round) {
    peer.send(upload("/files", body.size()) + body + upload("/x", 3) + "abc");
    EXPECT_EQ(body_of(peer.response()), "100000");
    EXPECT_EQ(body_of(peer.response()), "3");
  }
  peer.send(upload("/files", body.size(), "Expect: 100-continue\r\n"));
  EXPECT_THAT(peer.until("\r\n\r\n"), StartsWith("HTTP/1.1 100 "));
  for (std::size_t at = 0; at < body.size(); at += 1000)
    peer.send(std::string_view(body).substr(at, 1000));
  EXPECT_EQ(body_of(peer.response()), "100000");
  for (const auto& head : {upload("/files", 100'001), upload("/other", 65'537)}) {
    Peer refused(server->port());
    refused.send(head);
    EXPECT_THAT(refused.rest(), StartsWith("HTTP/1.1 413 "));
  }
}

TEST(ServerTest, ALargeBodyHasLongerToComeThanAHead) {
  const std::string body(100'000, 'b');
  ServerOptions options;
  options.header_timeout = Span{500};
  const auto server = start_files(options);
  Peer peer(server->port());
  peer.send(upload("/files", body.size()) + body.substr(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(700));  // past the timeout of a head
  peer.send("b");
  EXPECT_EQ(body_of(peer.response()), "100000");
}

TEST(ServerTest, ALargeBodyIsNotWaitedForForever) {
  const std::string body(100'000, 'b');
  ServerOptions options;
  options.upload_timeout = Span{1};
  const auto server = start_files(options);
  Peer slow(server->port());
  slow.send(upload("/files", body.size()) + body.substr(1));
  EXPECT_THAT(slow.rest(), StartsWith("HTTP/1.1 408 "));
}

TEST(ServerTest, BodiesThatAreOnlyAnnouncedTakeNoRoomFromOthers) {
  const auto server = start_files();
  std::vector<std::unique_ptr<Peer>> announcers;
  for (std::size_t announced = 0; announced < 2 * kMaxGrown; announced += kMaxUploadBytes) {
    announcers.push_back(std::make_unique<Peer>(server->port()));
    announcers.back()->send(upload("/huge", kMaxUploadBytes) + "b");
  }
  Peer browser(server->port());
  browser.send(upload("/x", 3, "Cookie: a=" + std::string(4000, 'c') + "\r\n") + "abc");
  EXPECT_EQ(body_of(browser.response()), "3");
  Peer uploader(server->port());
  const std::string body(100'000, 'b');
  uploader.send(upload("/files", body.size()) + body);
  EXPECT_EQ(body_of(uploader.response()), "100000");
}

TEST(ServerTest, WhoAsksNothingIsNotWaitedForAsWhoHasAsked) {
  ServerOptions options;
  options.header_timeout = Span{500};
  const auto server = start(echo, options);
  Peer silent(server->port());
  Peer regular(server->port());
  regular.send(get("/a"));
  EXPECT_EQ(body_of(regular.response()), "/a ");
  EXPECT_TRUE(silent.closed());
  regular.send(get("/b"));
  EXPECT_EQ(body_of(regular.response()), "/b ") << "between requests it may be idle for longer";
}

TEST(ServerTest, HeadHasTheHeadOfGetWithoutItsBody) {
  const auto server = start(echo);
  Peer peer(server->port());
  peer.send("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n" + get("/b"));
  EXPECT_THAT(peer.response(false), HasSubstr("Content-Length: 3\r\n"));
  EXPECT_EQ(body_of(peer.response()), "/b ");
}

TEST(ServerTest, StatusWithoutBody) {
  const auto server = start([](const Request&, Responder responder, IoThread&) {
    Response response;
    response.status = 204;
    response.content_type = {};
    responder.send(std::move(response));
  });
  Peer peer(server->port());
  peer.send(get("/"));
  const std::string response = peer.until("\r\n\r\n");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 204 No Content\r\n"));
  EXPECT_THAT(response, Not(HasSubstr("Content-Length")));
}

TEST(ServerTest, CloseIsHonoured) {
  const auto server = start([](const Request& request, Responder responder, IoThread&) {
    Response response = text("x");
    response.close = request.path == "/last";
    responder.send(std::move(response));
  });
  for (const std::string& request :
       {get("/", "Connection: close\r\n"), get("/last"), std::string("GET / HTTP/1.0\r\n\r\n")}) {
    Peer peer(server->port());
    peer.send(request + get("/never"));
    const std::string all = peer.rest();
    EXPECT_THAT(all, HasSubstr("Connection: close\r\n"));
    EXPECT_THAT(all, EndsWith("\r\n\r\nx")) << "what follows is not answered";
  }
  Peer old(server->port());
  old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(old.response(), HasSubstr("Connection: keep-alive\r\n"));
  old.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(old.rest(), EndsWith("\r\n\r\nx"));
}

TEST(ServerTest, ContinueIsSentOnceBeforeTheBody) {
  const auto server = start(echo);
  Peer peer(server->port());
  peer.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(peer.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.send("o");
  peer.send("k");
  EXPECT_THAT(peer.response(), EndsWith("/ ok"));
  peer.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_THAT(peer.response(), StartsWith("HTTP/1.1 200")) << "nothing to wait for";
}

TEST(ServerTest, AHalfClosedPeerGetsItsAnswers) {
  const auto server = start(echo);
  Peer peer(server->port());
  peer.send(get("/a") + get("/b"));
  peer.finish();
  EXPECT_EQ(body_of(peer.response()), "/a ");
  EXPECT_EQ(body_of(peer.response()), "/b ");
  EXPECT_TRUE(peer.closed());
}

/// Keeps the responders for a test to answer later, on their thread.
struct Kept {
  std::mutex mutex;
  std::deque<std::pair<Responder, IoThread*>> waiting;

  HandlerFunction keeper() {
    return [this](const Request&, Responder responder, IoThread& thread) {
      const std::scoped_lock lock(mutex);
      waiting.emplace_back(std::move(responder), &thread);
    };
  }
  bool has(std::size_t count) {
    return eventually([&] {
      const std::scoped_lock lock(mutex);
      return waiting.size() >= count;
    });
  }
  void answer(std::string body) {
    const std::scoped_lock lock(mutex);
    auto [responder, thread] = std::move(waiting.front());
    waiting.pop_front();
    thread->post([held = std::move(responder), response = text(std::move(body))]() mutable {
      held.send(std::move(response));
    });
  }
};

TEST(ServerTest, LateAnswersKeepTheOrder) {
  Kept kept;
  const auto server = start(kept.keeper());
  Peer peer(server->port());
  peer.send(get("/a") + get("/b"));
  ASSERT_TRUE(kept.has(1));
  kept.answer("first");
  ASSERT_TRUE(kept.has(1));
  EXPECT_EQ(server->counts().requests, 2U);
  kept.answer("second");
  EXPECT_EQ(body_of(peer.response()), "first");
  EXPECT_EQ(body_of(peer.response()), "second");
}

TEST(ServerTest, WhileARequestWaitsTheRestIsReadOnlyUpToTheBuffer) {
  Kept kept;
  const auto server = start(kept.keeper());
  Peer peer(server->port());
  peer.send(get("/"));
  ASSERT_TRUE(kept.has(1));
  // The peer pushes all it can; the kernel's buffers fill because the server does not read on.
  std::string flood;
  while (flood.size() < 256 * 1024)
    flood += get("/more");
  std::size_t pushed = 0;
  EXPECT_TRUE(eventually([&] {
    const std::size_t n = peer.send_some(flood);
    pushed += n;
    return n == 0;
  }));
  EXPECT_EQ(server->counts().requests, 1U);
  kept.answer("done");
  EXPECT_EQ(body_of(peer.response()), "done");
  ASSERT_TRUE(kept.has(1));
  peer.close();
  kept.answer("to nobody");
  EXPECT_GT(pushed, 0U);
}

TEST(ServerTest, AnswersToOneConnectionFromInsideTheHandlerOfAnother) {
  Responder held;
  std::atomic<bool> holding{false};
  const auto server = start([&](const Request& request, Responder responder, IoThread&) {
    if (request.path == "/wait") {
      held = std::move(responder);
      holding = true;
    } else {
      responder.send(text("mine"));
      held.send(text("yours"));
      responder = Responder();
    }
  });
  Peer waiting(server->port());
  waiting.send(get("/wait") + get("/after"));
  ASSERT_TRUE(eventually([&] { return holding.load(); }));
  Peer other(server->port());
  other.send(get("/go"));
  EXPECT_EQ(body_of(other.response()), "mine");
  EXPECT_EQ(body_of(waiting.response()), "yours");
  EXPECT_EQ(body_of(waiting.response()), "mine") << "the next request of the answered connection";
}

TEST(ServerTest, ADroppedResponderAnswers500) {
  const auto server = start([](const Request& request, Responder responder, IoThread&) {
    if (request.path == "/throw") throw std::runtime_error("a handler's bug");
    if (request.path == "/replace") responder = Responder();
  });
  for (const char* path : {"/drop", "/throw", "/replace"}) {
    Peer peer(server->port());
    peer.send(get(path));
    const std::string response = peer.rest();
    EXPECT_THAT(response, StartsWith("HTTP/1.1 500 Internal Server Error\r\n")) << path;
    EXPECT_THAT(response, HasSubstr("application/problem+json")) << path;
    EXPECT_THAT(response, HasSubstr(R"("code":"internal_error")")) << path;
  }
}

TEST(ServerTest, AnAnswerToAPeerThatIsGoneGoesNowhere) {
  Kept kept;
  const auto server = start(kept.keeper());
  Peer peer(server->port());
  peer.send(get("/"));
  ASSERT_TRUE(kept.has(1));
  peer.reset();
  ASSERT_TRUE(eventually([&] { return server->counts().connections_open == 0; }));
  kept.answer("nobody");
  Peer next(server->port());
  next.send(get("/"));
  ASSERT_TRUE(kept.has(1));
  kept.answer("somebody");
  EXPECT_EQ(body_of(next.response()), "somebody");
}

TEST(ServerTest, TheRemoteAddressHasNoPortAndOneForm) {
  for (const char* address : {"127.0.0.1", "::"}) {
    ServerOptions options;
    options.listen.address = address;
    const auto server =
        start([](const Request& request, Responder responder,
                 IoThread&) { responder.send(text(std::string(request.remote_address))); },
              options);
    Peer peer(server->port());
    peer.send(get("/"));
    EXPECT_EQ(body_of(peer.response()), "127.0.0.1") << address;
  }
}

TEST(ServerTest, SeveralThreadsShareThePort) {
  std::mutex mutex;
  std::vector<bool> seen(2);
  ServerOptions options;
  options.threads = 2;
  const auto server = start(
      [&](const Request&, Responder responder, IoThread& thread) {
        const std::scoped_lock lock(mutex);
        seen.at(thread.index()) = true;
        responder.send(text("x"));
      },
      options);
  EXPECT_TRUE(eventually([&] {
    Peer peer(server->port());
    peer.send(get("/"));
    peer.response();
    const std::scoped_lock lock(mutex);
    return seen[0] && seen[1];
  }));
}

TEST(ServerTest, JobsRunOnTheThreadAgainAndAgain) {
  struct Ticking final : Service {
    Ticking(IoThread& thread, std::atomic<int>& ticks) {
      thread.every(Span{1}, [&ticks] { ++ticks; });
      thread.post([&ticks] { ticks += 1000; });
    }
    void handle(const Request& /*request*/, Responder /*responder*/) override {}
  };
  std::atomic<int> ticks{0};
  ServerOptions options;
  options.listen.port = 0;
  auto server = Server::start(
      options, [&](IoThread& thread) { return std::make_unique<Ticking>(thread, ticks); });
  ASSERT_TRUE(server);
  EXPECT_TRUE(eventually([&] { return ticks >= 1003; }));
}

TEST(ServerTest, APortInUseIsNamedWithTheRemedy) {
  for (const std::size_t threads : {1U, 2U}) {
    ServerOptions options;
    options.threads = threads;
    const auto server = start(echo, options);
    options.listen.port = server->port();
    const auto second = Server::start(
        options, [](IoThread& thread) { return std::make_unique<FunctionService>(echo, thread); });
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr("choose another port"));
  }
}

TEST(ServerTest, BadOptionsAreRefused) {
  const auto refused = [](const ServerOptions& options) {
    auto server = Server::start(
        options, [](IoThread& thread) { return std::make_unique<FunctionService>(echo, thread); });
    return server ? "started" : server.error().message;
  };
  ServerOptions options;
  options.listen.port = 0;
  options.listen.address = "no.such.place";
  EXPECT_THAT(refused(options), HasSubstr("not an IP address"));
  options.listen.address = "203.0.113.1";
  EXPECT_THAT(refused(options), HasSubstr("give an address of this machine"));
  options.listen.address = "127.0.0.1";
  options.threads = 0;
  EXPECT_THAT(refused(options), HasSubstr("give 1 to 256"));
  options.threads = 1;
  options.listen.certificate_file = "/no/such/file";
  EXPECT_THAT(refused(options), HasSubstr("only one of them"));
  options.listen.private_key_file = "/no/such/file";
  EXPECT_THAT(refused(options), HasSubstr("cannot use the certificate file"));
}

TEST(ServerTest, AFactoryThatThrowsFailsTheStart) {
  EXPECT_THROW(
      {
        ServerOptions options;
        options.listen.port = 0;
        options.threads = 2;
        auto server = Server::start(options, [](IoThread& thread) -> std::unique_ptr<Service> {
          if (thread.index() == 1) throw std::runtime_error("no");
          return std::make_unique<FunctionService>(echo, thread);
        });
      },
      std::runtime_error);
}

TEST(ServerTest, StopAnswersWhatIsInFlightAndClosesWhatIsIdle) {
  Kept kept;
  const auto server = start(kept.keeper());
  Peer idle(server->port());
  Peer busy(server->port());
  busy.send(get("/"));
  ASSERT_TRUE(kept.has(1));
  ASSERT_TRUE(eventually([&] { return server->counts().connections_open == 2; }));
  std::thread stopping([&] { server->stop(Span::seconds(20)); });
  EXPECT_TRUE(idle.closed());
  kept.answer("in time");
  const std::string response = busy.rest();
  EXPECT_THAT(response, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(response, EndsWith("in time"));
  busy.close();
  stopping.join();
  EXPECT_EQ(server->counts().connections_open, 0U);
}

TEST(ServerTest, StopDoesNotWaitLongerThanTheGrace) {
  Kept kept;
  auto server = start(kept.keeper());
  Peer busy(server->port());
  busy.send(get("/"));
  ASSERT_TRUE(kept.has(1));
  server->stop(Span{5});
  EXPECT_TRUE(busy.closed());
  EXPECT_EQ(server->counts().connections_open, 0U);
  server.reset();
  kept.waiting.clear();  // responders that outlive their server are harmless
}

TEST(ServerTest, JobsPostedAfterTheStopAreDropped) {
  Kept kept;
  const auto server = start(kept.keeper());
  Peer peer(server->port());
  peer.send(get("/"));
  ASSERT_TRUE(kept.has(1));
  server->stop(Span{0});
  kept.answer("too late");
  EXPECT_TRUE(peer.closed());
}

TEST(ClientTest, AsksAServer) {
  const auto server = start([](const Request& request, Responder responder, IoThread&) {
    Response response =
        text(std::string(request.field("X-A").value_or("none")) + " " + std::string(request.body));
    response.status = request.method == Method::put ? 202 : 404;
    responder.send(std::move(response));
  });
  const std::string url = "http://127.0.0.1:" + std::to_string(server->port()) + "/";
  const auto missing = perform({.url = url});
  ASSERT_TRUE(missing) << missing.error().message;
  EXPECT_EQ(missing->status, 404);
  EXPECT_EQ(missing->body, "none ");
  const auto put = perform({.method = "PUT", .url = url, .headers = {"X-A: b"}, .body = "c"});
  ASSERT_TRUE(put) << put.error().message;
  EXPECT_EQ(put->status, 202);
  EXPECT_EQ(put->body, "b c");
  const auto head = perform({.method = "HEAD", .url = url});
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->status, 404);
}

TEST(ClientTest, FailuresNameTheUrlAndTheCause) {
  Kept kept;
  const auto server = start(kept.keeper());
  const std::string url = "http://127.0.0.1:" + std::to_string(server->port()) + "/";
  const auto slow = perform({.url = url, .timeout = Span{20}});
  ASSERT_FALSE(slow);
  EXPECT_THAT(slow.error().message, HasSubstr(url));
  server->stop(Span{0});
  EXPECT_THAT(perform({.url = url}).error().message, HasSubstr("onnect"));
  EXPECT_FALSE(perform({.url = "file:///etc/hostname"}));
  EXPECT_FALSE(perform({.url = "not a url"}));
}

}  // namespace
}  // namespace sluice::http
