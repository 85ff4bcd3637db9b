// Precedence, origins, and configurations that must not pass.
#include "app/config.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "app/support.h"

namespace sluice::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "config-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~ConfigTest() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& text) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  Result<Config> load(const std::string& toml) const {
    return Config::load({{}, {}, file("sluice.toml", toml)});
  }

  std::string problem(const std::string& toml) const {
    const auto config = load(toml);
    return config ? "" : config.error().message;
  }

  std::string folder_;
};

std::string problem_of_flag(const std::string& key, const std::string& value) {
  const auto config = Config::load({{{key, value, "--set"}}, {}, std::nullopt});
  return config ? "" : config.error().message;
}

std::string problem_of_variable(const std::string& name, const std::string& value) {
  const auto config = Config::load({{}, {{name, value}}, std::nullopt});
  return config ? "" : config.error().message;
}

std::string origin(const Config& config, std::string_view key) {
  for (const Setting& setting : config.settings()) {
    if (setting.key->name == key) return setting.origin;
  }
  return "?";
}

TEST_F(ConfigTest, EveryDefaultIsValid) {
  const auto config = Config::load({});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->text("server.listen"), "127.0.0.1:8080");
  EXPECT_EQ(config->settings().size(), config_keys().size());
  EXPECT_TRUE(check_supported(*config));
  // Each default would also pass as a written value, so a printed configuration can be read back.
  for (const Key& key : config_keys()) {
    if (key.fallback.empty()) continue;
    EXPECT_EQ(problem_of_flag(std::string(key.name), std::string(key.fallback)), "") << key.name;
  }
}

TEST_F(ConfigTest, FlagsBeforeEnvironmentBeforeFileBeforeDefaults) {
  const std::string path = file("a.toml",
                                "[server]\nlisten = \"127.0.0.1:1\"\ndata = \"/file\"\n"
                                "threads = 3\n");
  const auto config = Config::load(
      {{{"server.listen", "127.0.0.1:3", "--listen"}},
       {{"SLUICE_SERVER_LISTEN", "127.0.0.1:2"}, {"SLUICE_SERVER_DATA", "/environment"}},
       path});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->text("server.listen"), "127.0.0.1:3");
  EXPECT_EQ(config->text("server.data"), "/environment");
  EXPECT_EQ(config->integer("server.threads"), 3);
  EXPECT_EQ(origin(*config, "server.listen"), "flag --listen");
  EXPECT_EQ(origin(*config, "server.data"), "environment SLUICE_SERVER_DATA");
  EXPECT_EQ(origin(*config, "server.threads"), "file " + path + " line 4");
  EXPECT_EQ(origin(*config, "server.roles"), "default");
}

TEST_F(ConfigTest, ReadsEveryType) {
  const auto config = load(
      "[server]\nroles = [\"sale\"]\ndrain = 2\ngrace = \"1500ms\"\n"
      "[limits]\ntrust_forwarded_for = true\nuser_per_second = 0\n[log]\nformat = \"json\"\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->list("server.roles"), ElementsAre("sale"));
  EXPECT_EQ(config->span("server.drain"), Span::seconds(2));
  EXPECT_EQ(config->span("server.grace"), Span{1500});
  EXPECT_TRUE(config->truth("limits.trust_forwarded_for"));
  EXPECT_EQ(config->integer("limits.user_per_second"), 0);
}

TEST_F(ConfigTest, UnknownKeysNameTheNearest) {
  EXPECT_THAT(problem("[server]\nlisten = \"127.0.0.1:1\"\nlissten = 1\n"),
              HasSubstr("line 3: key \"server.lissten\" is unknown; did you mean server.listen?"));
  EXPECT_THAT(problem("[sever]\nlisten = \"127.0.0.1:1\"\n"),
              HasSubstr("did you mean server.listen?"));
  EXPECT_THAT(problem("[zzz]\nqqqqqqqqqqq = 1\n"), HasSubstr("sluice check --keys"));
  EXPECT_THAT(problem_of_flag("limits.user_per_secnd", "1"),
              HasSubstr("did you mean limits.user_per_second?"));
  EXPECT_THAT(problem_of_variable("SLUICE_SERVER_LISTN", "x"),
              HasSubstr("did you mean SLUICE_SERVER_LISTEN?"));
  // A variable of another program that shares the prefix is none of our business.
  EXPECT_EQ(problem_of_variable("SLUICE_HOME", "x"), "");
}

TEST_F(ConfigTest, RefusesWrongTypes) {
  EXPECT_THAT(problem("[server]\nlisten = 8080\n"), HasSubstr("line 2: server.listen"));
  EXPECT_THAT(problem("[server]\nthreads = \"4\"\n"), HasSubstr("wrong type"));
  EXPECT_THAT(problem("[server]\nthreads = 4.0\n"), HasSubstr("wrong type"));
  EXPECT_THAT(problem("[limits]\ntrust_forwarded_for = \"yes\"\n"), HasSubstr("true or false"));
  EXPECT_THAT(problem("[server]\nroles = [1]\n"), HasSubstr("wrong type"));
  EXPECT_THAT(problem("[server]\ndata = [\"a\"]\n"), HasSubstr("wrong type"));
  EXPECT_THAT(problem("[server.listen]\nhost = \"x\"\n"), HasSubstr("server.listen"));
  EXPECT_THAT(problem("server = 5\n"), HasSubstr("is not a section"));
  EXPECT_THAT(problem("[[server]]\ndata = \"x\"\n"), HasSubstr("is not a section"));
}

TEST_F(ConfigTest, RefusesBadValues) {
  EXPECT_THAT(problem("[server]\nthreads = 1025\n"), HasSubstr("from 0 to 1024"));
  EXPECT_THAT(problem("[server]\nthreads = -1\n"), HasSubstr("server.threads"));
  EXPECT_THAT(problem("[engine]\nqueue = 9223372036854775807\n"), HasSubstr("engine.queue"));
  EXPECT_NE(problem("[engine]\nqueue = 92233720368547758070\n"), "");
  EXPECT_THAT(problem("[engine]\nqueue = 0\n"), HasSubstr("from 1"));
  EXPECT_THAT(problem("[engine]\nkind = \"quantum\"\n"), HasSubstr("one of embedded,cluster"));
  EXPECT_THAT(problem("[server]\ndrain = \"soon\"\n"), HasSubstr("duration"));
  EXPECT_THAT(problem("[server]\ndrain = -1\n"), HasSubstr("duration"));
  EXPECT_THAT(problem("[server]\nroles = \"sale,cook\"\n"), HasSubstr("any of"));
  EXPECT_THAT(problem("[server]\nroles = \"\"\n"), HasSubstr("any of"));
  EXPECT_THAT(problem("[server]\ndata = \"a\\u0000b\"\n"), HasSubstr("control"));
  for (const char* address : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", ":80",
                              "127.0.0.1:-1", "127.0.0.1:080", "shop.example:80", "::1:80", "[::1]",
                              "[127.0.0.1]:80", "127.0.0.1:8080 "}) {
    EXPECT_NE(problem_of_flag("server.listen", address), "") << address;
  }
  for (const char* address : {"127.0.0.1:0", "0.0.0.0:65535", "[::1]:8080", "localhost:80"}) {
    EXPECT_EQ(problem_of_flag("server.listen", address), "") << address;
  }
}

TEST_F(ConfigTest, RefusesDamagedFiles) {
  EXPECT_THAT(problem("[server]\ndata = \"a\"\ndata = \"b\"\n"), HasSubstr("line 3"));
  EXPECT_THAT(problem("[server]\n[server]\n"), HasSubstr("line 2"));
  EXPECT_NE(problem("[server\n"), "");
  EXPECT_NE(problem(std::string("[server]\ndata = \"\xFF\"\n")), "");
  EXPECT_NE(problem("a = " + std::string(100'000, '[')), "");
  EXPECT_THAT(problem(std::string(2'000'000, '#')), HasSubstr("above"));
  const auto missing = Config::load({{}, {}, folder_ + "/none.toml"});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("none.toml"));
  EXPECT_FALSE(Config::load({{}, {}, folder_}));
}

TEST_F(ConfigTest, NamesAllProblemsAtOnce) {
  const std::string text =
      problem("[server]\nthreds = 1\nthreads = 9999\n[log]\nlevel = \"loud\"\n");
  EXPECT_THAT(text, HasSubstr("server.threds"));
  EXPECT_THAT(text, HasSubstr("server.threads"));
  EXPECT_THAT(text, HasSubstr("log.level"));
}

TEST_F(ConfigTest, ReadsSecretsFromFilesAndMasksThem) {
  const std::string path = file("secret", "0123456789abcdef0123\n");
  const auto config = load("[auth]\nhs256_secret_file = \"" + path + "\"\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->text("auth.hs256_secret"), "0123456789abcdef0123");
  EXPECT_THAT(origin(*config, "auth.hs256_secret"), HasSubstr(path));
  for (const Setting& setting : config->settings()) {
    EXPECT_THAT(shown(setting), Not(HasSubstr("0123456789"))) << setting.key->name;
  }
}

TEST_F(ConfigTest, HigherSourcesReplaceSecretFiles) {
  const std::string path = file("secret", "from the file, long enough");
  const std::string toml = file("a.toml", "[auth]\nhs256_secret_file = \"" + path + "\"\n");
  const auto config =
      Config::load({{}, {{"SLUICE_AUTH_HS256_SECRET", "from the environment!"}}, toml});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->text("auth.hs256_secret"), "from the environment!");
}

TEST_F(ConfigTest, RefusesBadSecrets) {
  EXPECT_THAT(problem("[auth]\nhs256_secret_file = \"" + folder_ + "/none\"\n"),
              HasSubstr("cannot be opened"));
  EXPECT_THAT(
      problem("[auth]\nhs256_secret_file = \"" + file("big", std::string(70'000, 'x')) + "\"\n"),
      HasSubstr("above"));
  const std::string shortage = problem("[auth]\nhs256_secret = \"too short\"\n");
  EXPECT_THAT(shortage, HasSubstr("at least 16"));
  EXPECT_THAT(shortage, Not(HasSubstr("too short")));
  EXPECT_THAT(problem("[auth]\nhs256_secret = \"0123456789abcdef\"\nhs256_secret_file = \"" +
                      file("s", "0123456789abcdef") + "\"\n"),
              HasSubstr("both given"));
  EXPECT_THAT(problem("[auth]\nhs256_secret_file = 5\n"), HasSubstr("wrong type"));
}

TEST_F(ConfigTest, MasksPasswordsInsideUrls) {
  const auto config = load(
      "[database]\nurl = \"mysql://shop:s3cret@db:3306/shop\"\n"
      "[redis]\nurl = \"redis://cache:6379/0\"\n");
  ASSERT_TRUE(config);
  for (const Setting& setting : config->settings()) {
    if (setting.key->name == "database.url") {
      EXPECT_EQ(shown(setting), "mysql://shop:********@db:3306/shop");
    } else if (setting.key->name == "redis.url") {
      EXPECT_EQ(shown(setting), "redis://cache:6379/0");
    }
  }
}

TEST_F(ConfigTest, AClusterNeedsItsServicesAndWhatItsNodesShare) {
  const auto reason = [this](const std::string& toml) {
    const auto config = load("[engine]\nkind = \"cluster\"\n" + toml);
    EXPECT_TRUE(config) << config.error().message;
    const auto supported = check_supported(*config);
    return supported ? "" : supported.error().message;
  };
  const std::string redis = "[redis]\nurl = \"redis://r:6379/0\"\n";
  const std::string rabbit = redis + "[rabbitmq]\nurl = \"amqp://u:p@r:5672/shop\"\n";
  const std::string services = rabbit + "[database]\nurl = \"mysql://u:p@db:3306/shop\"\n";
  const std::string keys =
      "[auth]\nhs256_secret = \"0123456789abcdef\"\nconsole_password = \"of all nodes 1\"\n";
  EXPECT_THAT(reason(""), HasSubstr("needs redis.url"));
  EXPECT_THAT(reason(redis), HasSubstr("needs rabbitmq.url"));
  EXPECT_THAT(reason(rabbit), HasSubstr("needs database.url"));
  EXPECT_THAT(reason(services), HasSubstr("auth.hs256_secret_file"));
  EXPECT_THAT(reason(services + "[auth]\nhs256_secret = \"0123456789abcdef\"\n"),
              HasSubstr("auth.console_password_file"));
  EXPECT_EQ(reason(services + keys), "");
  EXPECT_EQ(reason(services + keys + "[server]\nroles = \"worker\"\n"), "");
  EXPECT_THAT(reason(services + keys + "[webhook]\nurl = \"https://shop.test/\"\n"),
              HasSubstr("webhooks are not sent"));
  EXPECT_THAT(reason(services + keys + "[cluster]\norder_queue = \"\"\n"), HasSubstr("1 to 255"));
  EXPECT_THAT(reason(services + keys + "[cluster]\norder_queue = \"q\"\ntimer_queue = \"q\"\n"),
              HasSubstr("named for two purposes"));
}

TEST_F(ConfigTest, SaysNoToWhatCannotRun) {
  const auto reason = [this](const std::string& toml) {
    const auto config = load(toml);
    EXPECT_TRUE(config) << config.error().message;
    const auto supported = check_supported(*config);
    return supported ? "" : supported.error().message;
  };
  EXPECT_EQ(reason("[server]\nroles = \"sale,worker\"\n"), "");
  EXPECT_THAT(reason("[server]\nroles = \"console\"\n"), HasSubstr("needs sale"));
  EXPECT_THAT(reason("[server]\nlisten = \"0.0.0.0:80\"\n"), HasSubstr("openssl rand -hex 32"));
  EXPECT_THAT(reason("[server]\nadmin_listen = \"[::]:80\"\n"), HasSubstr("server.admin_listen"));
  EXPECT_EQ(reason("[server]\nlisten = \"0.0.0.0:80\"\n"
                   "[auth]\nhs256_secret = \"0123456789abcdef\"\n"),
            "");
  EXPECT_EQ(reason("[server]\nlisten = \"[::1]:80\"\n"), "");
  EXPECT_THAT(reason("[rabbitmq]\nurl = \"http://mq/\"\n"), HasSubstr("rabbitmq.url: "));
  EXPECT_EQ(reason("[rabbitmq]\nurl = \"amqp://a:b@mq/shop\"\n"), "");
  const std::string back = "[write_back]\nurl = \"mysql://a:b@db/shop\"\n";
  EXPECT_EQ(reason(back), "");
  EXPECT_THAT(reason("[write_back]\nurl = \"db/shop\"\n"), HasSubstr("write_back.url: "));
  EXPECT_THAT(reason(back + "utc_offset = \"Beijing\"\n"), HasSubstr("write_back.utc_offset: "));
  const std::string goods = "[goods_source]\nurl = \"mysql://a:b@db/shop\"\n";
  EXPECT_EQ(reason(goods), "");
  EXPECT_THAT(reason("[goods_source]\nurl = \"db/shop\"\n"), HasSubstr("goods_source.url: "));
  EXPECT_THAT(reason(goods + "utc_offset = \"here\"\n"), HasSubstr("goods_source.utc_offset: "));
  EXPECT_THAT(reason(goods + "table = \"\"\n"), HasSubstr("goods_source.table has 0 bytes"));
  EXPECT_THAT(reason(goods + "every = \"10ms\"\n"), HasSubstr("goods_source.every"));
  EXPECT_THAT(reason(goods + "hold = \"8d\"\n"), HasSubstr("goods_source.hold"));
  EXPECT_THAT(reason(goods + "hold = \"1500ms\"\n"), HasSubstr("goods_source.hold"));
  EXPECT_THAT(reason(back + "table = \"\"\n"), HasSubstr("1 to 64"));
}

TEST_F(ConfigTest, TellsThatABrokerHasNothingToCarry) {
  const auto config = load("[rabbitmq]\nurl = \"amqp://a:b@mq/shop\"\n");
  ASSERT_TRUE(config);
  EXPECT_THAT(unused_settings(*config), ElementsAre(HasSubstr("[rabbitmq]")));
  EXPECT_THAT(unused_settings(*config, true), IsEmpty()) << "the demo takes payments";
}

TEST_F(ConfigTest, RefusesACertificateWithoutItsKey) {
  EXPECT_THAT(problem("[server]\ntls_certificate = \"a.pem\"\n"), HasSubstr("belong together"));
}

}  // namespace
}  // namespace sluice::app
