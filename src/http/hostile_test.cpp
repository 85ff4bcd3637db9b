// Tests of the server against peers that are hostile, slow, gone, or too many.
#include <gmock/gmock.h>

#include <sys/resource.h>
#include <csignal>
#include <fstream>

#include "http/test_server.h"

namespace sluice::http {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

ServerOptions impatient() {
  ServerOptions options;
  options.header_timeout = Span{40};
  options.idle_timeout = Span{40};
  options.write_timeout = Span{40};
  return options;
}

struct Refused {
  const char* name;
  std::string input;
  const char* status;
  const char* code;
};

TEST(HostileTest, EachIsRefusedWithAProblemAndTheConnectionCloses) {
  const std::string host = "Host: a\r\n";
  const Refused cases[] = {
      {"chunked", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "501", "not_implemented"},
      {"two lengths", get("/", "Content-Length: 1\r\nContent-Length: 2\r\n"), "400", "bad_request"},
      {"signed length", get("/", "Content-Length: +1\r\n"), "400", "bad_request"},
      {"large body", get("/", "Content-Length: 65537\r\n") + std::string(65537, 'b'), "413",
       "body_too_large"},
      {"large head", get("/", "X: " + std::string(17000, 'x') + "\r\n"), "431", "header_too_large"},
      {"long target", get("/" + std::string(5000, 'x')), "414", "uri_too_long"},
      {"bare LF", "GET / HTTP/1.1\nHost: a\n\n", "400", "bad_request"},
      {"NUL", get("/", std::string("X: a\0b\r\n", 9)), "400", "bad_request"},
      {"no host", "GET / HTTP/1.1\r\n\r\n", "400", "bad_request"},
      {"HTTP/0.9", "GET /\r\n", "400", "bad_request"},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505", "http_version_not_supported"},
      {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), "400",
       "bad_request"},
      {"expectation", get("/", "Expect: magic\r\n"), "417", "expectation_failed"},
  };
  const auto server = start(echo);
  std::uint64_t refused = 0;
  for (const Refused& c : cases) {
    SCOPED_TRACE(c.name);
    Peer peer(server->port());
    peer.send(get("/first") + c.input + get("/never"));
    EXPECT_EQ(body_of(peer.response()), "/first ");
    const std::string response = peer.rest();
    EXPECT_THAT(response, StartsWith(std::string("HTTP/1.1 ") + c.status + " "));
    EXPECT_THAT(response, HasSubstr("Content-Type: application/problem+json\r\n"));
    EXPECT_THAT(response, HasSubstr("Connection: close\r\n"));
    EXPECT_THAT(response, HasSubstr(std::string(R"("code":")") + c.code + "\""));
    EXPECT_THAT(response, ::testing::EndsWith("\"}")) << "and nothing after it";
    ++refused;
    EXPECT_EQ(server->counts().refused_requests, refused);
  }
  EXPECT_EQ(server->counts().requests, refused) << "nothing else reached the handler";
}

TEST(HostileTest, ALargeBodyIsRefusedBeforeItIsSent) {
  const auto server = start(echo);
  Peer peer(server->port());
  peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_THAT(peer.response(), StartsWith("HTTP/1.1 413 "));
}

TEST(HostileTest, TheRefusalArrivesThoughThePeerIsStillSending) {
  const auto server = start(echo);
  for (int round = 0; round < 50; ++round) {  // a reset would win the race only now and then
    Peer peer(server->port());
    peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\n\r\n");
    EXPECT_TRUE(peer.send(std::string(150000, 'b')));
    EXPECT_THAT(peer.rest(), StartsWith("HTTP/1.1 413 "));
    EXPECT_FALSE(peer.was_reset());
  }
}

TEST(HostileTest, APeerThatNeverStopsSendingIsCutOff) {
  const auto server = start(echo);
  Peer peer(server->port());
  peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
  const std::string block(1 << 16, 'b');
  EXPECT_TRUE(eventually([&] { return !peer.send(block); }));
  EXPECT_TRUE(eventually([&] { return server->counts().connections_open == 0; }));
}

TEST(HostileTest, SlowRequestsGet408) {
  const auto server = start(echo, impatient());
  for (const char* part : {"G", "GET / HTTP/1.1\r\nHost: a\r\n", "\r\n",
                           "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel"}) {
    Peer peer(server->port());
    peer.send(part);
    const std::string response = peer.rest();
    EXPECT_THAT(response, StartsWith("HTTP/1.1 408 Request Timeout\r\n")) << part;
    EXPECT_THAT(response, HasSubstr(R"("code":"timeout")")) << part;
  }
}

TEST(HostileTest, TricklingBytesDoNotMoveTheDeadline) {
  const auto server = start(echo, impatient());
  Peer peer(server->port());
  peer.send("GET / HTTP/1.1\r\nX: ");
  EXPECT_TRUE(eventually([&] { return !peer.send("x"); })) << "until the server has closed";
  EXPECT_EQ(server->counts().refused_requests, 1U);
}

TEST(HostileTest, IdleConnectionsAreClosedSilently) {
  const auto server = start(echo, impatient());
  Peer fresh(server->port());
  Peer used(server->port());
  used.send(get("/"));
  EXPECT_EQ(body_of(used.response()), "/ ");
  EXPECT_TRUE(fresh.closed());
  EXPECT_TRUE(used.closed());
  EXPECT_TRUE(eventually([&] { return server->counts().connections_open == 0; }));
}

TEST(HostileTest, HalfARequestThenTheEnd) {
  const auto server = start(echo);
  for (const char* part :
       {"G", "GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel"}) {
    Peer peer(server->port());
    peer.send(part);
    peer.finish();
    EXPECT_THAT(peer.rest(), StartsWith("HTTP/1.1 400 ")) << part;
  }
  Peer nothing(server->port());
  nothing.finish();
  EXPECT_TRUE(nothing.closed());
}

TEST(HostileTest, APeerThatDoesNotReadIsCutOff) {
  const std::string large(1 << 20, 'z');
  const auto server =
      start([&](const Request&, Responder responder, IoThread&) { responder.send(text(large)); },
            impatient());
  const Peer peer(server->port(), 4096);
  std::string requests;
  for (int i = 0; i < 40; ++i)
    requests += get("/");
  peer.send(requests);
  EXPECT_TRUE(eventually([&] {
    return server->counts().connections_total == 1 && server->counts().connections_open == 0;
  }));
  EXPECT_LT(server->counts().requests, 40U) << "what is not read is not produced either";
}

TEST(HostileTest, PeersThatDoNotReadTogetherHoldNoMoreThanTheBound) {
  constexpr std::size_t kLarge = std::size_t{16} << 20;
  constexpr std::size_t kPeers = 16;  // four times what the bound leaves room for
  const std::string large(kLarge, 'z');
  const auto server = start([&](const Request& request, Responder responder, IoThread&) {
    responder.send(text(request.path == "/large" ? large : "small"));
  });
  std::vector<std::unique_ptr<Peer>> peers;
  for (std::size_t i = 0; i < kPeers; ++i) {
    peers.push_back(std::make_unique<Peer>(server->port(), 4096));
    peers.back()->send(get("/large"));
  }
  EXPECT_TRUE(eventually([&] {
    const ServerCounts counts = server->counts();
    return counts.requests == kPeers && counts.connections_open < kPeers;
  }));
  Peer other(server->port());
  other.send(get("/"));
  EXPECT_EQ(body_of(other.response()), "small") << "what the kernel takes at once is not counted";
  peers.clear();
  EXPECT_TRUE(eventually([&] { return server->counts().connections_open == 1; }));
  Peer reader(server->port());
  for (int round = 0; round < 8; ++round) {
    reader.send(get("/large"));
    EXPECT_EQ(body_of(reader.response()).size(), kLarge)
        << "the bytes of those gone are given back";
  }
}

TEST(HostileTest, APeerThatResetsWhileItIsWrittenTo) {
  const std::string large(8 << 20, 'z');
  const auto server =
      start([&](const Request&, Responder responder, IoThread&) { responder.send(text(large)); });
  for (int round = 0; round < 20; ++round) {
    Peer peer(server->port(), 4096);
    peer.send(get("/"));
    peer.exactly(1000);
    peer.reset();
  }
  EXPECT_TRUE(eventually([&] { return server->counts().connections_open == 0; }));
}

TEST(HostileTest, ConnectionsAboveTheBoundGet503) {
  ServerOptions options;
  options.max_connections = 2;
  const auto server = start(echo, options);
  Peer first(server->port());
  Peer second(server->port());
  ASSERT_TRUE(eventually([&] { return server->counts().connections_open == 2; }));
  Peer third(server->port());
  const std::string response = third.rest();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(response, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_THAT(response, HasSubstr(R"("code":"overloaded")"));
  first.send(get("/"));
  EXPECT_EQ(body_of(first.response()), "/ ");
  second.close();
  EXPECT_TRUE(eventually([&] { return server->counts().connections_open == 1; }));
  Peer fourth(server->port());
  fourth.send(get("/"));
  EXPECT_EQ(body_of(fourth.response()), "/ ");
}

TEST(HostileTest, RunningOutOfDescriptorsIsSurvived) {
  const auto server = start(echo);
  Peer early(server->port());
  early.send(get("/"));
  EXPECT_EQ(body_of(early.response()), "/ ");
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const Peer waiting(server->port());  // accepted before the limit falls or after it is lifted
  const int next = ::dup(early.descriptor());
  ::close(next);
  rlimit none = limit;
  none.rlim_cur = static_cast<rlim_t>(next);
  std::vector<Peer> more;
  more.reserve(3);
  for (int i = 0; i < 3; ++i)
    more.emplace_back(server->port());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  early.send(get("/still"));
  EXPECT_EQ(body_of(early.response()), "/still ");
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  for (Peer& peer : more) {
    peer.send(get("/later"));
    EXPECT_EQ(body_of(peer.response()), "/later ");
  }
}

/// Resident memory of this process in bytes.
std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// Another process with many connections to a server, so that each end has its own limit of files.
class Crowd {
 public:
  Crowd() {
    EXPECT_EQ(::pipe(to_child_), 0);
    EXPECT_EQ(::pipe(from_child_), 0);
    child_ = ::fork();
    if (child_ == 0) run();
    ::close(to_child_[0]);
    ::close(from_child_[1]);
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  ~Crowd() {
    ::close(to_child_[1]);
    ::close(from_child_[0]);
    ::waitpid(child_, nullptr, 0);
  }
  /// Returns when all `count` are connected and have been served.
  bool connect(std::uint16_t port, std::size_t count) {
    const Order order{port, count};
    char done = 0;
    return ::write(to_child_[1], &order, sizeof order) == sizeof order &&
           ::read(from_child_[0], &done, 1) == 1;
  }

 private:
  struct Order {
    std::uint16_t port = 0;
    std::size_t count = 0;
  };

  [[noreturn]] void run() {
    ::close(to_child_[1]);  // its end is the parent's to close
    Order order;
    if (::read(to_child_[0], &order, sizeof order) != sizeof order) ::_exit(1);
    std::vector<Peer> peers;
    peers.reserve(order.count);
    const std::string large =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n" + std::string(60000, 'b');
    for (std::size_t i = 0; i < order.count; ++i) {
      Peer& peer = peers.emplace_back(order.port);
      // Some have been busy before: what a large request needed must be given back.
      if (i % 2 == 1) continue;
      peer.send(i % 100 == 0 ? large : get("/"));
      peer.response();
    }
    char end = 0;
    if (::write(from_child_[1], "d", 1) != 1 || ::read(to_child_[0], &end, 1) != 0) ::_exit(1);
    ::_exit(0);
  }

  int to_child_[2] = {-1, -1};
  int from_child_[2] = {-1, -1};
  pid_t child_ = -1;
};

TEST(HostileTest, TenThousandIdleConnectionsCostLittle) {
  constexpr std::size_t kCount = 10'000;
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_GT(limit.rlim_cur, kCount + 100) << "raise the hard limit of open files (ulimit -Hn)";
  Crowd crowd;  // forks, so before there are threads
  const auto server = start(echo);
  const std::size_t before = resident_bytes();
  ASSERT_TRUE(crowd.connect(server->port(), kCount));
  ASSERT_TRUE(eventually([&] { return server->counts().connections_open == kCount; }));
  const std::size_t each = (resident_bytes() - before) / kCount;
  RecordProperty("bytes_per_idle_connection", static_cast<int>(each));
  std::printf("bytes per idle connection: %zu\n", each);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LE(each, 4096U);
#endif
  Peer another(server->port());
  another.send(get("/"));
  EXPECT_EQ(body_of(another.response()), "/ ");
}

}  // namespace
}  // namespace sluice::http
