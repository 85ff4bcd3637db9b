// GET /api/v1/admin/orders.csv: the same filter as the list, streamed page by page.
#include <algorithm>
#include <array>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "api/csv.h"
#include "api/operator_filter.h"
#include "api/query.h"
#include "api/routes.h"

namespace sluice::api {

namespace {

constexpr std::array<std::string_view, 4> kWideSigns{"＝", "＋", "－", "＠"};

}  // namespace

void append_cell(std::string& row, std::string_view cell) {
  // Spreadsheets of some languages take full-width signs for the same, and part cells at other
  // characters than a comma.
  const bool formula =
      !cell.empty() &&
      (std::string_view("=+-@\t\r").contains(cell.front()) ||
       std::ranges::any_of(kWideSigns, [&](auto sign) { return cell.starts_with(sign); }));
  const bool quoted = cell.find_first_of(",;\t\"\r\n") != std::string_view::npos;
  if (quoted) row += '"';
  if (formula) row += '\'';
  for (const char c : cell) {
    if (c == '"') row += '"';
    row += c;
  }
  if (quoted) row += '"';
}

namespace {

constexpr std::uint32_t kRowsPerPage = 500;
constexpr std::string_view kHeader =
    "order,user,sale,item,title,quantity,amount_minor,currency,status,status_code,reason,"
    "created_at,expires_at,paid_at,transaction_id,close_attempts\r\n";

void append_row(std::string& out, const sale::OrderView& order) {
  const std::initializer_list<std::string> cells{
      to_text(order.id),
      order.user,
      order.sale_id,
      order.item_id,
      order.title,
      std::to_string(order.quantity),
      std::to_string(order.amount.minor),
      std::string(order.currency.code()),
      sale::to_operator_text(order.status),
      std::to_string(sale::status_code(order.status)),
      order.reason == sale::EndReason::none ? "" : sale::to_text(order.reason),
      to_rfc3339(order.created_at),
      to_rfc3339(order.expires_at),
      order.paid_at ? to_rfc3339(*order.paid_at) : "",
      order.transaction_id,
      std::to_string(order.close_attempts)};
  bool first = true;
  for (const std::string& cell : cells) {
    if (!std::exchange(first, false)) out += ',';
    append_cell(out, cell);
  }
  out += "\r\n";
}

/// One export under way: reads a page when the peer has taken the one before.
class Export : public std::enable_shared_from_this<Export> {
 public:
  Export(Context& context, Exchange&& exchange, sale::OrderFilter&& filter)
      : context_(context), exchange_(std::move(exchange)), filter_(std::move(filter)) {}

  void next_page() {
    const bool taken = context_.engine.search(
        filter_, sale::PageRequest{before_, kRowsPerPage}, context_.mailbox,
        [self = shared_from_this()](Result<sale::Page<sale::OrderView>>&& page) {
          self->write(std::move(page));
        });
    if (!taken) break_off();
  }

 private:
  void write(Result<sale::Page<sale::OrderView>>&& page) {
    if (!page) return break_off();
    std::string rows;
    if (stream_ == nullptr) {
      http::Response head;
      head.content_type = "text/csv; charset=utf-8; header=present";
      head.add("Content-Disposition", "attachment; filename=\"orders.csv\"");
      head.add("Cache-Control", "no-store");
      stream_ = exchange_.stream(std::move(head));
      rows = kHeader;
    }
    for (const sale::OrderView& order : page->entries)
      append_row(rows, order);
    const bool alive = rows.empty() || stream_->write(std::move(rows));
    before_ = page->next;
    if (!alive) return;
    if (!before_) return stream_->finish();
    // The stream keeps the hook and the hook this: until it ends, one way or the other.
    stream_->on_drained([self = shared_from_this()] {
      self->stream_->on_drained({});
      self->next_page();
    });
  }

  /// There is no other way to say in the middle of a body that it is not complete.
  void break_off() {
    if (stream_ == nullptr) return exchange_.fail(Code::overloaded);
    stream_->write("#incomplete: the record could not be read; export again\r\n");
    stream_->finish();
  }

  Context& context_;
  Exchange exchange_;
  const sale::OrderFilter filter_;
  std::optional<std::int64_t> before_;
  std::shared_ptr<http::Stream> stream_;
};

}  // namespace

void admin_orders_csv(Context& context, const Request& request, const Captures&,
                      Exchange&& exchange) {
  QueryReader query(request.query,
                    {"user", "item", "sale", "status", "order", "transaction_id", "from", "to"});
  sale::OrderFilter filter = read_order_filter(query);
  if (query.fault()) return exchange.fail(Code::invalid_request, *query.fault());
  std::make_shared<Export>(context, std::move(exchange), std::move(filter))->next_page();
}

}  // namespace sluice::api
