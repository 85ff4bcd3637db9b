// The payment service on a disk that fills up or breaks, on a bus that does, and killed between
// its steps: nothing is acknowledged that was not stored, nothing is created twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "payment/service_testing.h"
#include "sqlite/fault_vfs.h"
#include "sqlite/sqlite.h"

namespace sluice::payment {
namespace {

using sqlite::testing::FaultVfs;
using ::testing::HasSubstr;
using testing::House;
using testing::paid;
using testing::request;
using ::testing::SizeIs;
using Verdict = NotificationEntry::Verdict;
using Standing = Payment::Standing;

TEST(ServiceFaults, AFullDiskMeansNoCallAtTheProvider) {
  FaultVfs disk;
  House house;
  disk.fail_from(FaultVfs::Operation::write, 0, SQLITE_FULL);
  const auto said = house.create(request());
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().kind, ServiceError::Kind::storage);
  EXPECT_THAT(said.error().message, HasSubstr("Free some space"));
  EXPECT_THAT(house.gateway.calls().created, SizeIs(0));
  EXPECT_TRUE(house.service->healthy()) << "there may be room again";
  EXPECT_FALSE(house.find("No123456")) << "reading still works";
  disk.heal();
  EXPECT_TRUE(house.create(request()));
  house.shut();
}

TEST(ServiceFaults, ACodeThatCannotBeKeptIsAskedForAgain) {
  FaultVfs disk;
  House house;
  const auto working = house.gateway.on_create;
  house.gateway.on_create = [&](const NewPayment& asked) {
    disk.fail_from(FaultVfs::Operation::write, 0, SQLITE_FULL);
    return working(asked);
  };
  EXPECT_EQ(house.create(request()).error().kind, ServiceError::Kind::storage);
  disk.heal();
  EXPECT_EQ(house.find("No123456")->standing, Standing::creating);
  house.gateway.on_create = working;
  EXPECT_TRUE(house.create(request()));
  EXPECT_THAT(house.gateway.calls().created, SizeIs(2));
  house.shut();
}

TEST(ServiceFaults, ANotificationIsAcknowledgedOnlyOnceItIsStored) {
  int refused = 0;
  for (std::uint64_t nth = 0;; ++nth) {
    SCOPED_TRACE("disk full at write " + std::to_string(nth));
    FaultVfs disk;
    House house;
    ASSERT_TRUE(house.create(request()));
    disk.fail_from(FaultVfs::Operation::write, nth, SQLITE_FULL);
    const auto during = house.notify(paid(request()));
    disk.heal();
    if (during.status == 200) {
      EXPECT_GT(refused, 1) << "bus and ledger were reached";
      EXPECT_EQ(house.find("No123456")->standing, Standing::paid);
      EXPECT_EQ(house.queued(), 1);
      house.shut();
      break;
    }
    ++refused;
    EXPECT_EQ(house.find("No123456")->standing, Standing::open);
    EXPECT_EQ(house.service->counts().not_stored, 1);
    // The provider sends it again; by then it may be on the bus twice, but never not at all. The
    // bus itself looks at the disk again after a pause.
    while (house.notify(paid(request())).status != 200)
      ;
    EXPECT_THAT(house.queued(), ::testing::AnyOf(1, 2));
    EXPECT_EQ(house.find("No123456")->standing, Standing::paid);
    EXPECT_THAT(house.notifications(), SizeIs(1));
    EXPECT_EQ(house.notifications().at(0).verdict, Verdict::routed);
    house.shut();
  }
}

TEST(ServiceFaults, AFailedSyncEndsTheService) {
  FaultVfs disk;
  House house;
  ASSERT_TRUE(house.create(request()));
  disk.fail_from(FaultVfs::Operation::sync, 0, SQLITE_IOERR_FSYNC, EIO);
  EXPECT_EQ(house.create(request("Second-1")).error().kind, ServiceError::Kind::storage);
  disk.heal();
  EXPECT_FALSE(house.service->healthy());
  EXPECT_EQ(house.create(request("Third-1")).error().kind, ServiceError::Kind::storage)
      << "a failed sync must not be tried again";
  EXPECT_EQ(house.notify(paid(request())).status, 500);
  EXPECT_THAT(house.gateway.calls().created, SizeIs(1));
  house.restart();
  EXPECT_TRUE(house.service->healthy());
  EXPECT_TRUE(house.find("No123456"));
  EXPECT_TRUE(house.create(request("Third-1")));
  house.shut();
}

TEST(ServiceFaults, AStoppedBusStoresNothing) {
  House house;
  house.bus->stop();
  const auto answer = house.notify(paid(request()));
  EXPECT_EQ(answer.status, 500);
  const auto log = house.notifications();
  ASSERT_THAT(log, SizeIs(1));
  EXPECT_EQ(log[0].verdict, Verdict::not_stored);
  house.restart();
  // What was verified but not stored then can be replayed by hand, too.
  ASSERT_TRUE(house.replay(log[0].sequence));
  EXPECT_EQ(house.notifications().at(0).verdict, Verdict::routed);
  EXPECT_EQ(house.queued(), 1);
}

/// Does `work` in a child that is killed by `before_operation` of its disk at the nth one.
void die_at(std::uint64_t nth, const std::string& directory,
            const std::function<void(House&)>& work) {
  const pid_t child = ::fork();
  if (child != 0) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    return;
  }
  FaultVfs disk;
  House house(directory);
  std::uint64_t operations = 0;
  disk.before_operation = [&] {
    if (operations++ == nth) ::kill(::getpid(), SIGKILL);
  };
  work(house);
  ::_exit(0);
}

TEST(ServiceFaults, KilledAtAnyOperationOfANotificationItIsStoredWithTheNextOne) {
  for (std::uint64_t nth = 0; nth < 24; ++nth) {
    SCOPED_TRACE("killed at operation " + std::to_string(nth));
    const sqlite::testing::TemporaryDirectory temporary;
    {
      House house(temporary.path());
      ASSERT_TRUE(house.create(request()));
    }
    std::string mark = temporary.path("acknowledged");
    die_at(nth, temporary.path(), [&](House& house) {
      if (house.notify(paid(request())).status == 200) std::ofstream(mark) << "yes";
    });
    House house(temporary.path());
    if (std::filesystem::exists(mark)) {
      EXPECT_EQ(house.queued(), 1);
      EXPECT_EQ(house.find("No123456")->standing, Standing::paid);
    }
    EXPECT_EQ(house.notify(paid(request())).status, 200);
    EXPECT_THAT(house.queued(), ::testing::AnyOf(1, 2));
    EXPECT_EQ(house.find("No123456")->standing, Standing::paid);
    EXPECT_THAT(house.notifications(), SizeIs(1));
  }
}

TEST(ServiceFaults, KilledAtAnyOperationOfACreationItIsAskedAgainWithTheSameParameters) {
  for (std::uint64_t nth = 0; nth < 12; ++nth) {
    SCOPED_TRACE("killed at operation " + std::to_string(nth));
    const sqlite::testing::TemporaryDirectory temporary;
    { const House house(temporary.path()); }
    const std::string mark = temporary.path("asked");
    die_at(nth, temporary.path(), [&](House& house) {
      const auto working = house.gateway.on_create;
      house.gateway.on_create = [&](const NewPayment& asked) {
        std::ofstream(mark) << asked.subject;
        return working(asked);
      };
      EXPECT_TRUE(house.create(request()));
    });
    House house(temporary.path());
    if (std::filesystem::exists(mark)) {
      EXPECT_TRUE(house.find("No123456")) << "the provider was asked without a row";
    }
    auto later = request();
    later.subject = "Another word for it";
    const auto made = house.create(later);
    ASSERT_TRUE(made) << made.error().message;
    if (std::filesystem::exists(mark)) {
      EXPECT_EQ(house.find("No123456")->subject, request().subject);
    }
  }
}

TEST(ServiceFaults, AForeignOrDamagedLedgerIsNotOpened) {
  const sqlite::testing::TemporaryDirectory temporary;
  { const House house(temporary.path()); }
  const auto try_open = [&] {
    testing::FakeGateway gateway;
    auto bus = bus::open_local(temporary.path("bus"), {});
    ServiceOptions options;
    options.directory = temporary.path();
    options.now = [] { return testing::kNoon; };
    auto opened = open_service(options, gateway, **bus);
    return opened ? std::string() : opened.error().message;
  };
  EXPECT_EQ(try_open(), "");
  {
    const House house(temporary.path());
    EXPECT_THAT(try_open(), HasSubstr("is in use by process"));
  }
  {
    auto file = sqlite::Connection::open(temporary.path() + "/payments.db",
                                         sqlite::Connection::Mode::read_write);
    ASSERT_TRUE(file && file->execute("PRAGMA user_version = 7"));
  }
  EXPECT_THAT(try_open(), HasSubstr("newer version"));
  std::ofstream(temporary.path() + "/payments.db", std::ios::trunc) << "no";
  EXPECT_THAT(try_open(), HasSubstr("was damaged"));
}

}  // namespace
}  // namespace sluice::payment
