// Commands on their way to an engine and back, and what the engine has of a shop afterwards.
#include "support/contract_engine.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <limits>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>

namespace sluice::test {

namespace {

using engine::Reply;

/// Runs continuations where they arrive.
class DirectMailbox final : public engine::Mailbox {
 public:
  void deliver(std::vector<engine::Delivery>&& batch) override {
    for (engine::Delivery& delivery : batch)
      delivery.continuation(delivery.reply);
  }
  void post(std::move_only_function<void()> job) override { job(); }
};

/// One for all engines, which remember the mailboxes that they delivered to.
DirectMailbox& mailbox() {
  static DirectMailbox one;
  return one;
}

template <class T>
T wait_for(std::future<T>& answer, const char* what) {
  if (answer.wait_for(kContractPatience) != std::future_status::ready) {
    throw std::runtime_error(std::string("the engine did not answer ") + what);
  }
  return answer.get();
}

/// An id that this interface gave is replaced by the engine's, another one stays: nobody has it.
template <class Handle, class Own>
void translate(Handle& handle, const std::vector<Own>& own, std::int64_t first) {
  const auto at = static_cast<std::int64_t>(handle.value) - first;
  if (at >= 0 && at < static_cast<std::int64_t>(own.size())) {
    handle = own[static_cast<std::size_t>(at)];
  } else {
    handle.value = std::numeric_limits<decltype(handle.value)>::max();
  }
}

template <class Kind>
bool is(const sale::Outcome& outcome, Kind wanted) {
  const Kind* kind = std::get_if<Kind>(&outcome);
  return kind != nullptr && *kind == wanted;
}

bool is_definition(const sale::Command& command) {
  return std::visit(
      [](const auto& one) {
        using Kind = std::remove_cvref_t<decltype(one)>;
        return std::is_same_v<Kind, sale::ChangeSale> || std::is_same_v<Kind, sale::ChangeItem> ||
               std::is_same_v<Kind, sale::PauseSale> || std::is_same_v<Kind, sale::CancelSale> ||
               std::is_same_v<Kind, sale::AdjustStock>;
      },
      command);
}

}  // namespace

std::string text_of(const Result<store::VerifyReport>& report) {
  if (!report) return report.error().message;
  std::string text;
  for (const store::Finding& finding : report->findings)
    text += finding.check + ": " + finding.detail + "\n";
  return text;
}

/// A command that is under way.
struct EngineShop::Errand {
  sale::Command command;  ///< in the engine's numbers
  std::future<Reply> answer;
  Reply reply;
};

engine::Engine& EngineShop::engine() {
  if (engine_ == nullptr) {
    engine_ = start();
    if (has_gateway_) {
      engine_->take_duties(mailbox(), [this](engine::Duties&& duties) {
        const std::lock_guard lock(mutex_);
        for (const auto& close : duties.closes)
          closes_.insert(close.order);
        for (const auto& refund : duties.refunds)
          refunds_.insert(refund.order);
      });
    }
  }
  return *engine_;
}

void EngineShop::end() {
  if (engine_ == nullptr) return;
  engine_->stop();
  engine_.reset();
  ended();
}

void EngineShop::restart() {
  end();
  engine();
  await_definitions();
}

bool EngineShop::has(const std::set<OrderId>& asked, OrderId order) {
  const std::lock_guard lock(mutex_);
  return asked.contains(orders_.at(static_cast<std::size_t>(order.value - 1)));
}

SaleNo EngineShop::open(const sale::OpenSale& sale) {
  Errand errand{sale, {}, {}};
  submit(errand);
  const Reply reply = wait_for(errand.answer, "to a new sale");
  if (!is(reply.outcome, sale::OpenSaleOutcome::opened)) {
    throw std::runtime_error("the sale is not opened: " + text_of(reply.outcome));
  }
  sales_.push_back(reply.sale);
  for (const engine::CatalogItem* item : catalog()->sales.at(reply.sale.value)->items)
    items_.push_back(item->item.no);
  await_definitions();
  return SaleNo{static_cast<std::uint32_t>(sales_.size() - 1)};
}

/// As the API does it: what needs no record is answered without, unless there is a key.
void EngineShop::submit(Errand& errand) {
  auto promise = std::make_shared<std::promise<Reply>>();
  errand.answer = promise->get_future();
  if (const auto* grab = std::get_if<sale::Grab>(&errand.command); grab && !grab->request) {
    const auto now = catalog();
    const auto* item =
        grab->item.value < now->items.size() ? now->items[grab->item.value].get() : nullptr;
    const auto refused = engine().refuse(grab->user, item, grab->quantity, engine().now());
    if (refused) return promise->set_value(Reply{*refused});
  }
  const auto admission =
      engine().submit(sale::Command(errand.command), mailbox(),
                      [promise](const Reply& reply) { promise->set_value(reply); });
  if (admission != engine::Admission::accepted) {
    throw std::runtime_error("the engine takes no command");
  }
}

std::vector<Told> EngineShop::tell(std::vector<sale::Command> commands) {
  std::vector<Errand> errands;
  bool defines = false;
  for (sale::Command& command : commands) {
    defines = defines || is_definition(command);
    errands.push_back({own(std::move(command)), {}, {}});
    await_decision(errands.back().command);
  }
  for (Errand& errand : errands)
    submit(errand);
  const auto until = std::chrono::steady_clock::now() + kContractPatience;
  std::vector<Told> all;
  for (Errand& errand : errands) {
    while (true) {
      errand.reply = wait_for(errand.answer, "to a command");
      if (errand.reply.trouble == Reply::Trouble::none) break;
      // Only grabs, and only what no service was asked: the services of these tests all answer.
      const bool again = errand.reply.trouble == Reply::Trouble::unavailable &&
                         std::holds_alternative<sale::Grab>(errand.command) &&
                         std::chrono::steady_clock::now() < until;
      if (!again) throw std::runtime_error("the engine has trouble with a command");
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      submit(errand);
    }
    all.push_back(told(errand));
  }
  if (defines) await_definitions();
  return all;
}

/// Who wants something of an order that queues asks for it until it is decided.
void EngineShop::await_decision(const sale::Command& command) {
  const OrderId order = std::visit(
      [](const auto& one) {
        if constexpr (requires { one.order.value; }) return OrderId{one.order};
        return OrderId{};
      },
      command);
  if (undecided_.erase(order) == 0) return;
  const bool decided = eventually([&] {
    std::promise<Result<std::optional<sale::OrderView>>> promise;
    auto answer = promise.get_future();
    engine().order(order, mailbox(),
                   [&](auto&& view) { promise.set_value(std::forward<decltype(view)>(view)); });
    const auto view = wait_for(answer, "with an order").value();
    return view && view->status != sale::OrderStatus::queued;
  });
  if (!decided) throw std::runtime_error("an order was granted, and queues for ever");
}

Told EngineShop::told(const Errand& errand) {
  const Reply& reply = errand.reply;
  Told told{text_of(reply.outcome), {}, {}};
  const bool grabs = std::holds_alternative<sale::Grab>(errand.command);
  if (is(reply.outcome, sale::GrabOutcome::granted)) {
    orders_.push_back(reply.order.id);
    undecided_.insert(reply.order.id);
    handles_.emplace(reply.order.id, OrderId{static_cast<std::int64_t>(orders_.size())});
  }
  if (reply.order.id == OrderId{}) return told;
  told.order = handle_of(reply.order.id);
  if (!grabs) told.status = reply.order.status;
  return told;
}

OrderId EngineShop::handle_of(OrderId own) const {
  const auto found = handles_.find(own);
  return found == handles_.end() ? OrderId{-1} : found->second;
}

sale::Command EngineShop::own(sale::Command command) const {
  std::visit(
      [&](auto& one) {
        if constexpr (requires { one.order.value; }) translate(one.order, orders_, 1);
        if constexpr (requires { one.item.value; }) translate(one.item, items_, 0);
        if constexpr (requires { one.sale.value; }) translate(one.sale, sales_, 0);
        if constexpr (requires { one.payment->order; }) {
          if (one.payment) translate(one.payment->order, orders_, 1);
        }
      },
      command);
  return command;
}

void EngineShop::await_definitions() {
  const auto now = catalog();
  for (const SaleNo sale : sales_) {
    if (!eventually([&] { return is_known_to_gate(*now->sales[sale.value]); })) {
      throw std::runtime_error("a definition was not made known in time");
    }
  }
}

Mark EngineShop::mark() const {
  return {static_cast<std::uint32_t>(sales_.size()), static_cast<std::uint32_t>(items_.size()),
          static_cast<std::int64_t>(orders_.size())};
}

std::vector<sale::Counters> EngineShop::shown(const Mark& since) {
  std::vector<sale::Counters> all;
  const auto now = catalog();
  for (std::size_t i = since.items; i < items_.size(); ++i)
    all.push_back(now->items.at(items_[i].value)->live->read());
  return all;
}

ShopState EngineShop::state(const Mark& since) {
  ShopState state;
  const auto now = catalog();
  std::map<std::string, ItemNo> item_of;
  for (std::size_t i = since.items; i < items_.size(); ++i) {
    const engine::CatalogItem& item = *now->items.at(items_[i].value);
    item_of.emplace(item.item.id, ItemNo{static_cast<std::uint32_t>(i)});
    state.items.push_back(recorded(item));
    if (state.unrest.empty()) state.unrest = unrest(item, state.items.back());
  }
  for (std::size_t i = since.sales; i < sales_.size(); ++i) {
    std::promise<Result<sale::Page<sale::OrderView>>> promise;
    auto answer = promise.get_future();
    sale::OrderFilter filter;
    filter.sale_id = now->sales.at(sales_[i].value)->sale.id;
    engine().search(filter, {.before = {}, .limit = sale::kMaxPage}, mailbox(),
                    [&](auto&& page) { promise.set_value(std::forward<decltype(page)>(page)); });
    const auto found = wait_for(answer, "a search").value();
    for (const sale::OrderView& view : found.entries) {
      state.orders.push_back({handle_of(view.id), view.user, item_of[view.item_id], view.quantity,
                              view.amount.minor, view.status, view.reason, view.close_attempts,
                              view.transaction_id});
    }
  }
  std::ranges::sort(state.orders, {}, &OrderState::id);
  return state;
}

}  // namespace sluice::test
