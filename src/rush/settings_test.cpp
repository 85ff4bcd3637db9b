// What a rush is aimed at: target addresses and the choice of a sale.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "rush/sale_choice.h"
#include "rush/target.h"

namespace sluice::rush {
namespace {

using testing::HasSubstr;

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rush-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

TEST(Target, KnowsThisMachine) {
  for (const char* url : {"http://127.0.0.1:8080", "http://127.9.9.9/", "http://[::1]:80"}) {
    const auto target = resolve_target(url);
    ASSERT_TRUE(target) << url << ": " << target.error().message;
    EXPECT_TRUE(target->loopback) << url;
  }
  const auto other = resolve_target("http://192.0.2.7:8080/");
  ASSERT_TRUE(other);
  EXPECT_FALSE(other->loopback);
  EXPECT_EQ(other->url, "http://192.0.2.7:8080");
  EXPECT_FALSE(resolve_target("http://0.0.0.0:1")->loopback);
  EXPECT_FALSE(resolve_target("http://[::ffff:192.0.2.7]:1")->loopback);
}

TEST(Target, RefusesWhatItCannotReach) {
  for (const char* url :
       {"", "127.0.0.1:8080", "https://127.0.0.1", "http://", "http://:80", "http://h:0",
        "http://127.0.0.1:65536", "http://127.0.0.1:8o80", "http://127.0.0.1/api",
        "http://a@127.0.0.1", "http://127.0.0.1:80\r\nX: y", "http://::1:80", "http://[::1",
        "http://127.0.0.1:-1", "http://127.0.0.1?x"}) {
    EXPECT_FALSE(resolve_target(url)) << url;
  }
}

TEST(Target, TheAddressIsWhatTheServerWrote) {
  const Folder folder;
  EXPECT_EQ(find_addresses(folder.path()).url, "http://127.0.0.1:8080");
  folder.write("server.json", R"({"url":"http://127.0.0.1:9999"})");
  EXPECT_EQ(find_addresses(folder.path()).url, "http://127.0.0.1:9999");
  EXPECT_EQ(find_addresses(folder.path()).admin_url, "http://127.0.0.1:9999");
  folder.write("server.json", R"({"url":"http://a:1","admin_url":"http://b:2","pid":5})");
  EXPECT_EQ(find_addresses(folder.path()).admin_url, "http://b:2");
  for (const char* broken : {"{", "[]", R"({"url":7})", ""}) {
    folder.write("server.json", broken);
    EXPECT_EQ(find_addresses(folder.path()).url, "http://127.0.0.1:8080") << broken;
  }
}

ListedSale sale(const char* id, const char* phase, std::int64_t starts_in_s, const char* item) {
  ListedSale listed{id, id, phase, Instant{starts_in_s * 1000}, Instant{9'999'999}, {}};
  listed.items.push_back({item, item, 5, 5, 1});
  return listed;
}

TEST(SaleChoice, PrefersWhatIsOpenThenWhatIsNext) {
  Listing listing{Instant{0},
                  {sale("late", "upcoming", 60, "a"), sale("soon", "upcoming", 30, "b"),
                   sale("over", "ended", -60, "c")},
                  ""};
  auto choice = choose_goods(listing, {});
  ASSERT_TRUE(choice) << choice.error().message;
  EXPECT_EQ(choice->goods[0].id, "b");
  EXPECT_EQ(choice->starts_at, Instant{30'000});

  listing.sales.push_back(sale("now", "open", -5, "d"));
  listing.sales.push_back(sale("too", "open", -5, "e"));
  choice = choose_goods(listing, {});
  ASSERT_EQ(choice->goods.size(), 2U);
  EXPECT_EQ(choice->goods[0].id, "d");
  EXPECT_FALSE(choice->starts_at);
}

TEST(SaleChoice, TakesWhatIsNamed) {
  const Listing listing{
      Instant{0},
      {sale("x", "open", -5, "a"), sale("y", "open", -5, "b"), sale("z", "upcoming", 60, "c")},
      ""};
  Options options;
  options.items = {"b"};
  EXPECT_EQ(choose_goods(listing, options)->goods[0].sale_id, "y");
  options.items = {};
  options.sales = {"z"};
  const auto later = choose_goods(listing, options);
  EXPECT_EQ(later->goods[0].id, "c");
  EXPECT_EQ(later->starts_at, Instant{60'000});
  options.sales = {"nope"};
  EXPECT_THAT(choose_goods(listing, options).error().message, HasSubstr("no sale 'nope'"));
  options.sales = {};
  options.items = {"nope"};
  EXPECT_THAT(choose_goods(listing, options).error().message, HasSubstr("no item 'nope'"));
}

TEST(SaleChoice, DoesNotWaitForever) {
  const Listing listing{Instant{0}, {sale("far", "upcoming", 7'200, "a")}, ""};
  const auto choice = choose_goods(listing, {});
  ASSERT_FALSE(choice);
  EXPECT_THAT(choice.error().message, HasSubstr("in 7200 s"));
  EXPECT_THAT(choose_goods({}, {}).error().message, HasSubstr("nothing is on sale"));
}

}  // namespace
}  // namespace sluice::rush
