// The shop, its crowd, and the hand that tampers.
#include "store/test_support.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace sluice::store {

using sale::AddItem;
using sale::AdjustStock;
using sale::BeginPayment;
using sale::CancelByUser;
using sale::ChangeItem;
using sale::ChangeSale;
using sale::Grab;
using sale::GrabOutcome;
using sale::ItemDraft;
using sale::kNoOrder;
using sale::OpenSale;
using sale::OpenSaleOutcome;
using sale::Operator;
using sale::OrderSlot;
using sale::PauseSale;
using sale::PaymentClosed;
using sale::PaymentFailed;
using sale::PaymentSucceeded;
using sale::Pulse;
using sale::Refund;
using sale::RefundFinished;
using sale::RequestKey;
using sale::Resolve;
using sale::Settings;
using sale::State;

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "sluice-store-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
  root_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

std::string TemporaryDirectory::path(std::string_view name) const {
  return root_ + "/" + std::string(name);
}

Settings test_settings(bool has_gateway) {
  Settings settings;
  settings.has_gateway = has_gateway;
  settings.hash_seed = 7;
  settings.max_close_attempts = 3;
  return settings;
}

RecordOptions test_options(JournalDisk* disk) {
  return {.segment_bytes = 8 * kJournalBlock, .disk = disk};
}

Shop::Shop(std::string where, bool has_gateway, JournalDisk* faulty)
    : directory(std::move(where)),
      disk(faulty),
      settings(test_settings(has_gateway)),
      state(settings) {
  auto opened = Record::open(directory, test_options(disk));
  if (!opened) throw std::runtime_error(opened.error().message);
  record = std::move(*opened);
}

Result<> Shop::commit() {
  auto done = record->commit(effects, state, now);
  if (done) effects.clear();
  return done && settles ? record->settle() : done;
}

void Shop::open_sale(int items, std::int64_t stock, std::int64_t limit) {
  OpenSale open;
  open.by = {"olivia", "the spring sale"};
  open.title = "Spring";
  open.starts_at = kOpening;
  open.ends_at = kOpening + Span::seconds(36'000);
  open.hold = Span::seconds(600);
  for (int i = 0; i < items; ++i) {
    ItemDraft draft;
    draft.title = "Thing " + std::to_string(i);
    draft.price = Money{1999};
    draft.stock = Quantity{stock};
    draft.per_user_limit = Quantity{limit};
    open.items.push_back(std::move(draft));
  }
  SaleNo sale;
  ASSERT_EQ(apply(open, sale), OpenSaleOutcome::opened);
  ASSERT_TRUE(commit());
}

OrderId Shop::grab(const std::string& user, std::uint32_t item, bool write, RequestKey key) {
  Grab grab;
  grab.user = user;
  grab.item = ItemNo{item};
  grab.request = key;
  OrderSlot slot = kNoOrder;
  EXPECT_EQ(apply(grab, slot), GrabOutcome::granted);
  if (write) {
    const auto done = commit();
    EXPECT_TRUE(done) << done.error().message;
  }
  return state.order(slot).id;
}

void Shop::pay(OrderId order, const std::string& transaction) {
  const Money amount = state.order(state.find_order(order)).amount;
  apply(PaymentSucceeded{order, transaction, amount, Currency{}, now});
  ASSERT_TRUE(commit());
}

void Shop::restart() {
  record.reset();
  auto opened = Record::open(directory, test_options(disk));
  ASSERT_TRUE(opened) << opened.error().message;
  record = std::move(*opened);
  state = State(settings);
  const auto loaded = record->load(state);
  ASSERT_TRUE(loaded) << loaded.error().message;
  effects.clear();
  state.finish_restore(now, effects);
  ASSERT_TRUE(effects.alarms.empty()) << effects.alarms.front();
}

OrderId Crowd::some_order() {
  const std::uint32_t count = shop_.state.order_count();
  if (count == 0) return OrderId{1};
  return shop_.state.order(static_cast<OrderSlot>(pick(count))).id;
}

void Crowd::step() {
  shop_.now = shop_.now + Span{static_cast<std::int64_t>(pick(20'000))};
  const std::uint64_t who = pick(10);
  if (who < 5) return shopper();
  if (who < 8) return provider();
  if (who < 9) return person();
  shop_.apply(Pulse{static_cast<std::uint32_t>(1 + pick(8))});
}

void Crowd::shopper() {
  const std::string user = "shopper-" + std::to_string(pick(12));
  if (pick(4) == 0) {
    const OrderId order = some_order();
    const OrderSlot slot = shop_.state.find_order(order);
    if (slot == kNoOrder) return;
    const std::string owner(shop_.state.user_name(shop_.state.order(slot).user));
    if (pick(2) == 0) {
      shop_.apply(CancelByUser{owner, order});
    } else {
      shop_.apply(BeginPayment{owner, order});
    }
    return;
  }
  Grab grab;
  grab.user = user;
  grab.item = ItemNo{static_cast<std::uint32_t>(pick(shop_.state.items().size()))};
  grab.quantity = static_cast<std::int64_t>(1 + pick(2));
  if (pick(3) == 0) grab.request = RequestKey{1 + pick(40), pick(2)};
  OrderSlot slot = kNoOrder;
  shop_.apply(grab, slot);
}

void Crowd::provider() {
  const OrderId order = some_order();
  const OrderSlot slot = shop_.state.find_order(order);
  if (slot == kNoOrder) return;
  PaymentSucceeded payment{order, "tx-" + std::to_string(++transactions_),
                           shop_.state.order(slot).amount, Currency{}, shop_.now};
  switch (pick(6)) {
    case 0:
      payment.amount.minor += 1;
      [[fallthrough]];
    case 1:
    case 2:
      shop_.apply(payment);
      return;
    case 3:
      shop_.apply(PaymentFailed{order});
      return;
    case 4:
      shop_.apply(RefundFinished{order, pick(3) != 0});
      return;
    default:
      break;
  }
  PaymentClosed closed;
  closed.order = order;
  closed.answer = static_cast<PaymentClosed::Answer>(pick(3));
  if (closed.answer == PaymentClosed::Answer::already_paid && pick(4) != 0) {
    closed.payment = payment;
  }
  shop_.apply(closed);
}

void Crowd::person() {
  const Operator by{"olivia", "because \"quotes\", \\ and \n lines"};
  const SaleNo sale{static_cast<std::uint32_t>(pick(shop_.state.sales().size()))};
  const ItemNo item{static_cast<std::uint32_t>(pick(shop_.state.items().size()))};
  switch (pick(7)) {
    case 0:
      shop_.apply(PauseSale{by, sale, pick(4) == 0});
      return;
    case 1:
      shop_.apply(AdjustStock{by, item, Quantity{static_cast<std::int64_t>(pick(40))}});
      return;
    case 2: {
      ChangeItem change{by, item, {}, {}, {}, {}, {}, {}};
      change.title = "Thing, version " + std::to_string(pick(100));
      change.per_user_limit = Quantity{static_cast<std::int64_t>(1 + pick(4))};
      shop_.apply(change);
      return;
    }
    case 3: {
      ChangeSale change{by, sale, {}, {}, {}, {}};
      change.title = "Sale, version " + std::to_string(pick(100));
      shop_.apply(change);
      return;
    }
    case 4:
      shop_.apply(Refund{by, some_order()});
      return;
    case 5: {
      ItemDraft draft;
      draft.title = "One more";
      draft.price = Money{50};
      draft.stock = Quantity{5};
      ItemNo added;
      shop_.apply(AddItem{by, sale, draft}, added);
      return;
    }
    default: {
      const auto action = static_cast<Resolve::Action>(pick(3));
      shop_.apply(Resolve{by, some_order(), action, "paper-" + std::to_string(++transactions_)});
    }
  }
}

Result<State> load_copy(const std::string& directory, bool has_gateway) {
  auto record = Record::open(directory, test_options());
  if (!record) return std::unexpected(record.error());
  State state(test_settings(has_gateway));
  if (auto loaded = (*record)->load(state); !loaded) return std::unexpected(loaded.error());
  return state;
}

namespace {

// The chain once more, written from docs/formats/record.md alone and not sharing a line with
// chain.cpp, so that a mistake in either shows.

void put(std::string& out, std::int64_t value) {
  for (int shift = 0; shift < 64; shift += 8) {
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xff);
  }
}

void put(std::string& out, std::string_view text) {
  for (int shift = 0; shift < 32; shift += 8)
    out += static_cast<char>(text.size() >> shift & 0xff);
  out += text;
}

void put_columns(std::string& out, const Statement& row, std::string_view kinds, int first = 0) {
  for (const char kind : kinds) {
    if (kind == 'i') {
      put(out, row.integer(first++));
    } else {
      put(out, row.text(first++));
    }
  }
}

std::string history_bytes(Connection& connection, std::int64_t from, std::int64_t to) {
  auto rows = connection.prepare(
      "SELECT seq, order_id, h.at, event, previous, actor, detail, user, item_no, quantity, "
      "amount, created_at, expires_at, user_previous, request_key, transaction_id, paid_at, "
      "paid_amount FROM history h LEFT JOIN orders o ON o.id = order_id WHERE seq BETWEEN ?1 AND "
      "?2 ORDER BY seq");
  rows->bind(1, from);
  rows->bind(2, to);
  std::string out;
  while (rows->step() == SQLITE_ROW) {
    const std::int64_t event = rows->integer(3);
    out += 'H';
    put_columns(out, *rows, "iiiiitt");
    if (event == 1) {
      out += 'O';
      put_columns(out, *rows, "tiiiiiit", 7);
    }
    if ((event == 8 || event == 9 || event == 10) && !rows->is_null(15)) {
      out += 'P';
      put_columns(out, *rows, "tii", 15);
    }
  }
  return out;
}

std::string audit_bytes(Connection& connection, std::int64_t from, std::int64_t to) {
  auto rows = connection.prepare(
      "SELECT seq, at, actor, action, subject, reason, before, after FROM audit WHERE seq BETWEEN "
      "?1 AND ?2 ORDER BY seq");
  rows->bind(1, from);
  rows->bind(2, to);
  std::string out;
  while (rows->step() == SQLITE_ROW) {
    out += 'A';
    put_columns(out, *rows, "iitttttt");
  }
  return out;
}

std::string sha256(const std::string& bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(hash.data()), size};
}

}  // namespace

void reseal(const std::string& directory) {
  tamper(directory,
         "UPDATE seal SET last_history = (SELECT max(seq) FROM history), last_audit = (SELECT "
         "max(seq) FROM audit) WHERE seq = (SELECT max(seq) FROM seal)");
  auto connection = Connection::open(directory + "/record.db", Connection::Mode::read_write);
  ASSERT_TRUE(connection) << connection.error().message;
  auto seals = connection->prepare("SELECT seq, at, last_history, last_audit FROM seal ORDER BY 1");
  auto update = connection->prepare("UPDATE seal SET hash = ?2 WHERE seq = ?1");
  std::string hash(32, '\0');
  std::int64_t history = 0;
  std::int64_t audit = 0;
  std::vector<std::pair<std::int64_t, std::string>> hashes;
  while (seals->step() == SQLITE_ROW) {
    std::string bytes = hash;
    put(bytes, seals->integer(0));
    put(bytes, seals->integer(1));
    bytes += history_bytes(*connection, history + 1, seals->integer(2));
    bytes += audit_bytes(*connection, audit + 1, seals->integer(3));
    history = seals->integer(2);
    audit = seals->integer(3);
    hash = sha256(bytes);
    hashes.emplace_back(seals->integer(0), hash);
  }
  seals->reset();
  for (const auto& [sequence, value] : hashes) {
    update->bind(1, sequence);
    update->bind(2, std::span(reinterpret_cast<const std::uint8_t*>(value.data()), value.size()));
    ASSERT_EQ(update->run(), SQLITE_OK);
  }
}

void tamper(const std::string& directory, const std::string& sql) {
  auto connection = Connection::open(directory + "/record.db", Connection::Mode::read_write);
  ASSERT_TRUE(connection) << connection.error().message;
  sqlite3_db_config(connection->raw(), SQLITE_DBCONFIG_DEFENSIVE, 0, nullptr);
  const auto done = connection->execute(sql.c_str());
  ASSERT_TRUE(done) << done.error().message;
}

}  // namespace sluice::store
