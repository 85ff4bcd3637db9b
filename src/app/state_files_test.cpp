// The key and the server file of a data directory.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "app/keys.h"
#include "app/server_file.h"

namespace sluice::app {
namespace {

using ::testing::HasSubstr;

class StateFilesTest : public ::testing::Test {
 protected:
  StateFilesTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "state-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~StateFilesTest() override { std::filesystem::remove_all(folder_); }

  Config config() const {
    return *Config::load({{{"server.data", folder_, "--data"}}, {}, std::nullopt});
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << text;
  }

  std::string folder_;
};

TEST_F(StateFilesTest, KeysAreMadeOnceAndFoundAgain) {
  EXPECT_FALSE(find_key(config()));
  const auto made = create_key(folder_);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->size(), 64U);
  EXPECT_EQ(*find_key(config()), *made);
  EXPECT_FALSE(create_key(folder_));  // never overwrites
  EXPECT_EQ(*find_key(config()), *made);
}

TEST_F(StateFilesTest, KeysThatAreTooShortAreRefused) {
  ASSERT_TRUE(create_key(folder_));
  write("keys/hs256_secret", "short\n");
  const auto found = find_key(config());
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, HasSubstr("5 bytes"));
}

TEST_F(StateFilesTest, ServerFilesRoundTripWhileTheProcessLives) {
  const ServerFile file{
      "http://127.0.0.1:1", "http://127.0.0.1:2", getpid(), "0.1", Instant{5}, "/a/b.pem"};
  ASSERT_TRUE(write_server_file(folder_, file));
  const auto found = find_server(folder_);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->url, file.url);
  EXPECT_EQ(found->admin_url, file.admin_url);
  EXPECT_EQ(found->started_at, file.started_at);
  EXPECT_EQ(found->certificate, file.certificate);
  remove_server_file(folder_);
  EXPECT_FALSE(find_server(folder_));
}

TEST_F(StateFilesTest, ServerFilesOfOthersStay) {
  const ServerFile file{"http://127.0.0.1:1", {}, 1, "0.1", Instant{5}};
  ASSERT_TRUE(write_server_file(folder_, file));
  remove_server_file(folder_);
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/server.json"));
}

TEST_F(StateFilesTest, DamagedServerFilesAreNoServer) {
  const char* hostile[] = {"",
                           "{",
                           "[]",
                           "{\"url\":5,\"pid\":1}",
                           "{\"url\":\"http://x\"}",
                           "{\"url\":\"http://x\",\"pid\":\"1\"}",
                           "{\"url\":\"http://x\",\"pid\":-1}",
                           "{\"url\":\"http://x\",\"pid\":0}",
                           "{\"url\":\"http://x\",\"pid\":99999999}"};
  for (const char* text : hostile) {
    write("server.json", text);
    EXPECT_FALSE(find_server(folder_)) << text;
  }
  write("server.json", std::string(100'000, '['));
  EXPECT_FALSE(find_server(folder_));
}

}  // namespace
}  // namespace sluice::app
