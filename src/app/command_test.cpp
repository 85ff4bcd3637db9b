// The binary from outside: help, advice, exit statuses, and the way from a file to a sale.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "app/process.h"

namespace sluice::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CommandTest : public ::testing::Test {
 protected:
  CommandTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "command-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~CommandTest() override { std::filesystem::remove_all(folder_); }

  ProcessResult run(const std::vector<std::string>& arguments) const {
    return run_sluice(arguments, folder_);
  }

  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << text;
    return name;
  }

  bool exists(const std::string& name) const {
    return std::filesystem::exists(folder_ + "/" + name);
  }

  std::string folder_;
};

const std::vector<std::string> kServe = {"serve", "--listen", "127.0.0.1:0",    "--threads",
                                         "1",     "--set",    "server.drain=0s"};

constexpr const char* kGoods =
    "id,title,price,stock,status\n"
    "1,Kettle,19.99,40,1\n"
    "2,Lamp,0.00,5,1\n"
    "3,Print,5,1,0\n"
    "4,Umbrella,7.50,9,1\n";
const std::vector<std::string> kImport = {"import", "goods.csv",  "--starts-at",
                                          "now",    "--duration", "2h"};

TEST_F(CommandTest, EveryCommandHasHelpWithAnExample) {
  EXPECT_THAT(run({"--help"}).out, HasSubstr("Example:"));
  for (const char* command : {"serve", "sandbox", "order", "import", "rush", "verify", "token",
                              "check", "doctor", "version"}) {
    const auto help = run({command, "--help"});
    EXPECT_EQ(help.status, 0) << command;
    EXPECT_THAT(help.out, HasSubstr("sluice " + std::string(command))) << command;
    EXPECT_THAT(help.out, HasSubstr("xample")) << command;
  }
}

TEST_F(CommandTest, WrongUsageIsStatusTwoWithAdvice) {
  EXPECT_EQ(run({}).status, 2);
  const auto command = run({"serv"});
  EXPECT_EQ(command.status, 2);
  EXPECT_THAT(command.err, HasSubstr("unknown command \"serv\", did you mean serve?"));
  const auto flag = run({"serve", "--lisen", "127.0.0.1:0"});
  EXPECT_EQ(flag.status, 2);
  EXPECT_THAT(flag.err, HasSubstr("unknown flag \"--lisen\", did you mean --listen?"));
  const auto joined = run({"token", "--usr=alice", "--user", "bob"});
  EXPECT_EQ(joined.status, 2);
  EXPECT_THAT(joined.err, HasSubstr("did you mean --user?"));
  EXPECT_EQ(run({"token"}).status, 2);
  EXPECT_EQ(run({"verify", "extra"}).status, 2);
  EXPECT_EQ(run({"import"}).status, 2);
  EXPECT_EQ(run({"import", "none.csv"}).status, 2);
  EXPECT_EQ(run({"token", "--user", "a", "--admin", "--service"}).status, 2);
  EXPECT_FALSE(exists("sluice-data"));
}

TEST_F(CommandTest, WhatAStrangerWroteCannotControlTheTerminal) {
  const auto result = run({"serve", "--\x1b[2J\n"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, Not(HasSubstr("\x1b")));
}

TEST_F(CommandTest, VersionNamesTheBuild) {
  const auto result = run({"version"});
  const auto as_flag = run({"--version"});
  EXPECT_EQ(as_flag.status, 0) << as_flag.err;
  EXPECT_EQ(as_flag.out, result.out);
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, StartsWith("sluice 0."));
  EXPECT_THAT(result.out, HasSubstr("engines:           embedded"));
}

TEST_F(CommandTest, RushFindsTheKeyAsServeDoes) {
  // Nobody listens there: what is wrong with the key is said before anybody is asked.
  const auto rush = [&](std::vector<std::string> place) {
    place.insert(place.begin(), {"rush", "--url", "http://127.0.0.1:1"});
    const auto result = run(place);
    EXPECT_EQ(result.status, 1);
    return result.err;
  };
  EXPECT_THAT(rush({}), HasSubstr("there is no key at ./sluice-data/keys/hs256_secret"));
  EXPECT_THAT(rush({"--data", "elsewhere"}), HasSubstr("elsewhere/keys/hs256_secret"));
  file("own.toml", "[server]\ndata = \"its-own\"\n");
  EXPECT_THAT(rush({"--config", "own.toml"}), HasSubstr("its-own/keys/hs256_secret"));
  EXPECT_THAT(rush({"--config", "own.toml", "--data", "other"}), HasSubstr("other/keys"));
  EXPECT_THAT(rush({"--config", file("bad.toml", "[auth]\nhs256_sekret = \"x\"\n")}),
              HasSubstr("did you mean auth.hs256_secret"));
  EXPECT_THAT(rush({"--secret-file", "none"}),
              AllOf(HasSubstr("--secret-file"), HasSubstr("none cannot be opened")));
  EXPECT_THAT(rush({"--secret-file", file("short", "x\n")}), HasSubstr("needs at least 16"));
  EXPECT_THAT(rush({"--secret-file", file("key", "a secret of enough bytes\n")}),
              Not(HasSubstr("key")))
      << "with a key it goes on, and finds nobody there";
}

TEST_F(CommandTest, CheckPrintsOriginsAndFindsMistakes) {
  file("good.toml", "[auth]\nhs256_secret = \"a secret of enough bytes\"\n");
  const auto good = run({"check", "--config", "good.toml", "--set", "server.threads=2"});
  EXPECT_EQ(good.status, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("# file good.toml line 2"));
  EXPECT_THAT(good.out, HasSubstr("# flag --set"));
  EXPECT_THAT(good.out, Not(HasSubstr("enough bytes")));
  file("bad.toml", "[server]\nlissten = \"x\"\n");
  const auto bad = run({"check", "--config", "bad.toml"});
  EXPECT_EQ(bad.status, 1);
  EXPECT_THAT(bad.err, HasSubstr("did you mean server.listen?"));
  const auto keys = run({"check", "--keys"});
  EXPECT_EQ(keys.status, 0);
  EXPECT_THAT(keys.out, HasSubstr("[limits]"));
  file("keys.toml", keys.out);
  EXPECT_EQ(run({"check", "--config", "keys.toml"}).status, 0);
  EXPECT_FALSE(exists("sluice-data"));
}

TEST_F(CommandTest, TokenNeedsAKeyAndAUser) {
  const auto none = run({"token", "--user", "alice"});
  EXPECT_EQ(none.status, 1);
  EXPECT_THAT(none.err, HasSubstr("there is no key"));
  file("c.toml", "[auth]\nhs256_secret = \"a secret of enough bytes\"\n");
  const auto token = run({"token", "--user", "alice", "--config", "c.toml", "--ttl", "90s"});
  EXPECT_EQ(token.status, 0) << token.err;
  EXPECT_EQ(std::count(token.out.begin(), token.out.end(), '.'), 2);
  EXPECT_EQ(run({"token", "--user", "", "--config", "c.toml"}).status, 2);
  EXPECT_EQ(run({"token", "--user", "a\nb", "--config", "c.toml"}).status, 2);
  EXPECT_EQ(run({"token", "--user", "a", "--config", "c.toml", "--ttl", "soon"}).status, 2);
}

TEST_F(CommandTest, ImportTwiceChangesNothing) {
  file("goods.csv", kGoods);
  const auto first = run(kImport);
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr("4 rows, 2 can be sold, 2 left out"));
  EXPECT_THAT(first.out, HasSubstr("line 3: left out id \"2\" \"Lamp\": bad price: it is zero"));
  EXPECT_THAT(first.out, HasSubstr("line 4: left out id \"3\" \"Print\": not approved"));
  EXPECT_THAT(first.out, HasSubstr("opened in the record"));
  EXPECT_THAT(first.out, HasSubstr("19.99 CNY"));
  const auto second = run(kImport);
  EXPECT_EQ(second.status, 0) << second.err;
  EXPECT_THAT(second.out, HasSubstr("id \"1\" \"Kettle\": already there\n"));
  EXPECT_THAT(second.out, HasSubstr("nothing to do"));
  const auto verified = run({"verify"});
  EXPECT_EQ(verified.status, 0) << verified.out << verified.err;
  EXPECT_THAT(verified.out, HasSubstr("1 sales, 2 items, 0 orders"));
  EXPECT_THAT(run({"verify", "--json"}).out, HasSubstr("\"item_id\":\"4\""));
}

TEST_F(CommandTest, DryRunsAndFailuresChangeNothing) {
  file("goods.csv", kGoods);
  auto dry = kImport;
  dry.emplace_back("--dry-run");
  const auto result = run(dry);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("would open"));
  EXPECT_FALSE(exists("sluice-data"));
  file("open.csv", "id,title\n1,\"open\n");
  const auto broken = run({"import", "open.csv"});
  EXPECT_EQ(broken.status, 1);
  EXPECT_THAT(broken.err, HasSubstr("line 2"));
  EXPECT_EQ(run({"import", "--from", "mysql://db/shop"}).status, 2) << "it names no user";
  EXPECT_EQ(run({"import", "--from", "mysql://u@127.0.0.1:1/shop"}).status, 1);
  EXPECT_EQ(run({"import", "goods.csv", "--from", "mysql://u@127.0.0.1:1/shop"}).status, 2);
  for (const char* flag : {"--starts-at=soon", "--duration=0s", "--utc-offset=8", "--hold=10ms",
                           "--per-user-limit=0", "--currency=XXX", "--format=xml"}) {
    EXPECT_EQ(run({"import", "goods.csv", flag}).status, 2) << flag;
  }
  EXPECT_FALSE(exists("sluice-data"));
}

TEST_F(CommandTest, VerifyAndDoctorSayWhatIsMissing) {
  EXPECT_EQ(run({"verify", "--data", "nowhere"}).status, 1);
  const auto doctor = run({"doctor", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(doctor.status, 0) << doctor.out;
  EXPECT_THAT(doctor.out, HasSubstr(" 1. configuration  OK"));
  EXPECT_THAT(doctor.out, HasSubstr(" 9. record         OK"));
  const auto sick = run({"doctor", "--set", "server.listen=192.0.2.1:80"});
  EXPECT_EQ(sick.status, 1);
  EXPECT_THAT(sick.out, HasSubstr("remedy:"));
}

TEST_F(CommandTest, ServeRefusesToBeReachableWithoutAKey) {
  const auto result = run({"serve", "--listen", "0.0.0.0:0"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("openssl rand -hex 32"));
  EXPECT_FALSE(exists("sluice-data"));
}

TEST_F(CommandTest, ServeAnswersCommandsAndStopsInOrder) {
  Process server(kServe, folder_);
  ASSERT_TRUE(server.wait_for("Ctrl-C")) << server.finish().err;
  EXPECT_TRUE(exists("sluice-data/server.json"));
  struct stat key {};
  ASSERT_EQ(stat((folder_ + "/sluice-data/keys/hs256_secret").c_str(), &key), 0);
  EXPECT_EQ(key.st_mode & 0777, 0600U);
  EXPECT_EQ(run({"token", "--user", "alice"}).status, 0);

  file("goods.csv", kGoods);
  const auto first = run(kImport);
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr("opened in the server at http://127.0.0.1:"));
  EXPECT_THAT(run(kImport).out, HasSubstr("nothing to do"));
  file("goods.csv", std::string(kGoods) + "5,Print,5,1,1\n");
  EXPECT_THAT(run(kImport).out, HasSubstr("in the server at"));

  auto other = kServe;
  const auto second = run(other);
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.err, HasSubstr(std::to_string(server.pid())));

  server.signal(SIGTERM);
  const auto result = server.finish();
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("WARNING   no key was configured"));
  EXPECT_THAT(result.err, HasSubstr("item 1: stock 40 = available 40 + held 0 + sold 0"));
  EXPECT_FALSE(exists("sluice-data/server.json"));
  EXPECT_EQ(run({"verify"}).status, 0);
}

TEST_F(CommandTest, ImportsMoreThanOneRequestHolds) {
  Process server(kServe, folder_);
  ASSERT_TRUE(server.wait_for("Ctrl-C")) << server.finish().err;
  std::string rows = "id,title,price,stock,description\n";
  const std::string text(2000, 'x');
  for (int i = 0; i < 60; ++i)
    rows += std::to_string(i) + ",Print,1,1," + text + "\n";
  file("goods.csv", rows);
  const auto result = run(kImport);
  EXPECT_EQ(result.status, 0) << result.err;
  server.signal(SIGTERM);
  EXPECT_EQ(server.finish().status, 0);
  EXPECT_THAT(run({"verify"}).out, HasSubstr("1 sales, 60 items"));
}

TEST_F(CommandTest, OperatorsMayHaveAListenerOfTheirOwn) {
  auto serve = kServe;
  serve.insert(serve.end(), {"--set", "server.admin_listen=127.0.0.1:0"});
  Process server(serve, folder_);
  ASSERT_TRUE(server.wait_for("Ctrl-C")) << server.finish().err;
  file("goods.csv", kGoods);
  const auto result = run(kImport);
  EXPECT_EQ(result.status, 0) << result.err;
  server.signal(SIGTERM);
  EXPECT_THAT(server.finish().out, HasSubstr("operators http://127.0.0.1:"));
}

TEST_F(CommandTest, WithoutTheConsoleRoleThereIsNoOperatorApi) {
  auto serve = kServe;
  serve.insert(serve.end(), {"--roles", "sale"});
  Process server(serve, folder_);
  ASSERT_TRUE(server.wait_for("Ctrl-C")) << server.finish().err;
  file("goods.csv", kGoods);
  const auto result = run(kImport);
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("answered with 404"));
  server.signal(SIGTERM);
  EXPECT_EQ(server.finish().status, 0);
}

TEST_F(CommandTest, ASecondSignalEndsItAtOnce) {
  auto serve = kServe;
  serve.insert(serve.end(), {"--set", "server.drain=1d"});
  Process server(serve, folder_);
  ASSERT_TRUE(server.wait_for("Ctrl-C")) << server.finish().err;
  server.signal(SIGTERM);
  ASSERT_TRUE(server.wait_for_error("stopping"));
  server.signal(SIGTERM);
  EXPECT_EQ(server.finish().status, 130);
  EXPECT_EQ(run({"verify"}).status, 0);
}

TEST_F(CommandTest, SaysSoWhenThePortIsTaken) {
  Process server(kServe, folder_);
  ASSERT_TRUE(server.wait_for("Ctrl-C")) << server.finish().err;
  std::ifstream stream(folder_ + "/sluice-data/server.json");
  const std::string text((std::istreambuf_iterator<char>(stream)), {});
  const std::size_t from = text.find("127.0.0.1:");
  const std::string address = text.substr(from, text.find('"', from) - from);
  const auto result = run({"serve", "--listen", address, "--data", "other"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("the address is in use"));
  EXPECT_FALSE(exists("other/server.json"));
}

TEST_F(CommandTest, RunsWithAServerFileLeftByACrash) {
  {
    Process server(kServe, folder_);
    ASSERT_TRUE(server.wait_for("Ctrl-C")) << server.finish().err;
    server.signal(SIGKILL);
    EXPECT_EQ(server.finish().status, 128 + SIGKILL);
  }
  ASSERT_TRUE(exists("sluice-data/server.json"));
  file("goods.csv", kGoods);
  EXPECT_THAT(run(kImport).out, HasSubstr("opened in the record"));
}

TEST_F(CommandTest, ServeShowsANewKeyOnlyOnce) {
  for (const bool is_first : {true, false}) {
    Process server(kServe, folder_);
    ASSERT_TRUE(server.wait_for("Ctrl-C")) << server.finish().err;
    server.signal(SIGINT);
    const auto result = server.finish();
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.out.contains("WARNING"), is_first);
  }
}

TEST_F(CommandTest, TheDemoOpensAFreshSaleAtEachStart) {
  auto demo = kServe;
  demo.emplace_back("--demo");
  Process server(demo, folder_);
  ASSERT_TRUE(server.wait_for("Ctrl-C")) << server.finish().err;
  server.signal(SIGTERM);
  const auto result = server.finish();
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("sale demo-"));
  EXPECT_THAT(result.out, HasSubstr("/api/v1/demo/token"));
  EXPECT_THAT(run({"verify"}).out, HasSubstr("2 sales, 5 items"));
}

TEST_F(CommandTest, TheDemoTellsHowToBuyAndWithoutAGatewayThereIsNone) {
  auto demo = kServe;
  demo.emplace_back("--demo");
  Process server(demo, folder_);
  ASSERT_TRUE(server.wait_for("Ctrl-C")) << server.finish().err;
  server.signal(SIGTERM);
  const auto shown = server.finish();
  EXPECT_THAT(shown.out, HasSubstr("payments  sandbox, WeChat Pay v3 at http://127.0.0.1:"));
  EXPECT_THAT(shown.out, HasSubstr("/_sandbox/orders"));
  EXPECT_THAT(shown.out, HasSubstr(" order pay No… --user alice"));
  EXPECT_TRUE(exists("sluice-data/sandbox/wechat.toml"));

  Process plain(kServe, folder_);
  ASSERT_TRUE(plain.wait_for("Ctrl-C")) << plain.finish().err;
  plain.signal(SIGTERM);
  const auto result = plain.finish();
  EXPECT_THAT(result.out, HasSubstr("payments  none"));
  EXPECT_THAT(result.err, HasSubstr("there are payments on record, but no [wechat]"));

  Process without(
      {"serve", "--listen", "127.0.0.1:0", "--data", "other", "--demo", "--roles", "sale,console"},
      folder_);
  ASSERT_TRUE(without.wait_for("Ctrl-C")) << without.finish().err;
  without.signal(SIGTERM);
  EXPECT_THAT(without.finish().out, HasSubstr("payments  none"));
  EXPECT_FALSE(exists("other/sandbox"));
}

TEST_F(CommandTest, DoctorAsksTheGateway) {
  const std::vector<std::string> doctor{"doctor",      "--config", "keys/wechat.toml",  "--listen",
                                        "127.0.0.1:0", "--set",    "payment.timeout=1s"};
  for (const char* api : {"v2", "v3"}) {
    Process sandbox({"sandbox", "--listen", "127.0.0.1:0", "--keys", "keys", "--api", api},
                    folder_);
    ASSERT_TRUE(sandbox.wait_for("Ctrl-C")) << sandbox.finish().err;
    const auto well = run(doctor);
    EXPECT_EQ(well.status, 0) << well.out;
    EXPECT_THAT(well.out, HasSubstr("answers and knows the account"));
    auto other_key = doctor;
    other_key.insert(other_key.end(), {"--set", "wechat.mch_id=1900000000"});
    const auto refused = run(other_key);
    EXPECT_EQ(refused.status, 1) << refused.out;
    EXPECT_THAT(refused.out, HasSubstr("remedy: check"));
    sandbox.signal(SIGTERM);
    EXPECT_EQ(sandbox.finish().status, 0);
  }
  const auto silent = run(doctor);
  EXPECT_EQ(silent.status, 1) << silent.out;
  EXPECT_THAT(silent.out, HasSubstr("remedy: curl -v http://127.0.0.1:"));
}

TEST_F(CommandTest, WithoutItsCertificateV2CannotRefundAndTheServerSaysSo) {
  const std::string account =
      "[wechat]\napi = \"v2\"\nbase_url = \"https://127.0.0.1:1\"\nappid = \"wx1\"\n"
      "mch_id = \"1900000109\"\nnotify_url = \"https://shop.example/notify\"\n"
      "api_key = \"0123456789abcdef0123456789abcdef\"\n";
  file("v2.toml", account);
  constexpr const char* kSaid = "without wechat.merchant_certificate_file refunds are refused";
  EXPECT_THAT(run({"check", "--config", "v2.toml"}).out, HasSubstr(kSaid));
  const auto doctor = run(
      {"doctor", "--config", "v2.toml", "--listen", "127.0.0.1:0", "--set", "payment.timeout=1s"});
  EXPECT_THAT(doctor.out, HasSubstr("refunds        WARNING"));
  EXPECT_THAT(doctor.out, HasSubstr(kSaid));
  auto serve = kServe;
  serve.insert(serve.end(), {"--config", "v2.toml"});
  Process server(serve, folder_);
  ASSERT_TRUE(server.wait_for("Ctrl-C")) << server.finish().err;
  server.signal(SIGTERM);
  EXPECT_THAT(server.finish().err, HasSubstr(kSaid));
}

TEST_F(CommandTest, OrderSaysWhatItNeeds) {
  EXPECT_EQ(run({"order"}).status, 2);
  EXPECT_EQ(run({"order", "pya", "No1", "--user", "a"}).status, 2);
  const auto nobody = run({"order", "pay", "No1"});
  EXPECT_EQ(nobody.status, 2);
  EXPECT_THAT(nobody.err, HasSubstr("--user or --token"));
  EXPECT_EQ(run({"order", "pay", "No1", "--user", "a", "--token", "t"}).status, 2);
  const auto odd = run({"order", "pay", "kettle", "--user", "a"});
  EXPECT_EQ(odd.status, 2);
  EXPECT_THAT(odd.err, HasSubstr("No and digits"));
  EXPECT_EQ(run({"order", "grab", "../x", "--user", "a"}).status, 2);
  const auto nowhere = run({"order", "pay", "No1", "--user", "a"});
  EXPECT_EQ(nowhere.status, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("no server runs on ./sluice-data"));
}

TEST_F(CommandTest, LogsJsonLinesWhenAsked) {
  auto serve = kServe;
  serve.insert(serve.end(), {"--log-format", "json"});
  Process server(serve, folder_);
  ASSERT_TRUE(server.wait_for("Ctrl-C")) << server.finish().err;
  server.signal(SIGTERM);
  const auto result = server.finish();
  EXPECT_THAT(result.err, StartsWith("{\"time\":\""));
  EXPECT_THAT(result.err, HasSubstr("\"level\":\"info\""));
}

}  // namespace
}  // namespace sluice::app
