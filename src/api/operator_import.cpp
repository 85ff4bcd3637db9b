// POST /api/v1/admin/imports: sales and goods from a file, with a report line by line; or only the
// report.
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/lookup.h"
#include "api/operator_body.h"
#include "api/payments.h"
#include "api/routes.h"
#include "base/text.h"
#include "http/json_writer.h"
#include "import/plan.h"
#include "import/read.h"
#include "import/reconcile.h"
#include "import/sql.h"

namespace sluice::api {

namespace {

using Need = ObjectReader::Need;

/// Of the text of a file. Escaped as JSON it doubles at most, so that it always fits an upload.
constexpr std::size_t kMaxFileBytes = 1024UL * 1024;
static_assert(2 * kMaxFileBytes + http::kMaxBodyBytes <= http::kMaxUploadBytes);

/// Remarks of one kind that are told; the rest is counted.
constexpr std::size_t kMaxTold = 500;

struct ImportRequest {
  std::string name;
  std::string text;
  std::string table;
  std::optional<importing::Format> format;
  importing::PlanOptions options;
  sale::Operator by;
  bool dry_run = true;
};

void read_options(ObjectReader& from, importing::PlanOptions& options) {
  if (from.has("utc_offset")) {
    const auto offset = importing::parse_utc_offset(from.text("utc_offset", 8, Need::required));
    if (!offset) from.faults().refuse("utc_offset", "must be like +08:00", "应形如 +08:00");
    options.utc_offset = offset.value_or(options.utc_offset);
  }
  if (from.has("starts_at")) options.starts_at = from.instant("starts_at");
  if (from.has("duration_seconds")) {
    options.duration = Span::seconds(from.integer("duration_seconds", 1, 3650LL * 86'400, {}));
  }
  options.hold = Span::seconds(from.integer("hold_seconds", (sale::kMinHold.ms + 999) / 1000,
                                            sale::kMaxHold.ms / 1000, 1800));
  options.per_user_limit = from.integer("per_user_limit", 1, kMaxStock.units, 1);
  options.title = from.text("title", sale::kMaxTitleBytes, Need::optional);
  if (from.has("currency")) {
    const auto currency = Currency::parse(from.text("currency", 3, Need::required));
    if (!currency) {
      from.faults().refuse("currency", "must be an ISO 4217 code such as \"CNY\"",
                           "应为 \"CNY\" 这样的 ISO 4217 代码");
    }
    options.currency = currency.value_or(Currency{});
  }
}

ImportRequest read_import(const boost::json::value& body, const Context& context,
                          JsonFaults& faults) {
  ObjectReader from(
      body, "", faults,
      {"name", "text", "format", "table", "dry_run", "starts_at", "duration_seconds", "utc_offset",
       "hold_seconds", "per_user_limit", "currency", "title", "reason"});
  ImportRequest import;
  import.dry_run = from.truth("dry_run", false);
  import.by = read_operator(from, context,
                            import.dry_run ? std::optional<std::string>("dry run") : std::nullopt);
  import.name = from.text("name", 255, Need::required);
  import.text = from.text("text", kMaxFileBytes, Need::required, ObjectReader::Lines::file);
  import.table = from.text("table", 64, Need::optional);
  if (import.table.empty()) import.table = importing::kDefaultTable;
  if (from.has("format")) {
    import.format = importing::parse_format(from.text("format", 8, Need::required));
    if (!import.format)
      faults.refuse("format", "must be csv, json or sql", "应为 csv、json 或 sql");
  }
  import.options.now = context.engine.now();
  read_options(from, import.options);
  return import;
}

importing::Existing existing_in(const engine::Catalog& catalog) {
  importing::Existing existing;
  for (const auto& sale : catalog.sales)
    existing.sales.emplace(sale->sale.id, sale->sale);
  for (const auto& item : catalog.items) {
    sale::Item copy = item->item;
    copy.counters = item->live->read();
    existing.items.emplace(copy.id, std::move(copy));
  }
  return existing;
}

void write_notices(http::JsonWriter& json, std::string_view name,
                   const std::vector<importing::Notice>& notices) {
  json.key(name).begin_array();
  for (std::size_t i = 0; i < std::min(notices.size(), kMaxTold); ++i) {
    const importing::Notice& notice = notices[i];
    json.begin_object().member("line", notice.line).member("subject", shown_text(notice.subject));
    json.member("text", shown_text(notice.text)).end_object();
  }
  json.end_array();
}

/// One import on its way: a step is submitted when the one before is durable.
class ImportRun : public std::enable_shared_from_this<ImportRun> {
 public:
  ImportRun(Context& context, Exchange&& exchange, ImportRequest&& request, importing::Plan&& plan,
            importing::Format format)
      : context_(context),
        exchange_(std::move(exchange)),
        by_(std::move(request.by)),
        dry_run_(request.dry_run),
        format_(format),
        rows_(plan.rows),
        left_out_count_(plan.left_out_count),
        left_out_(plan.left_out),
        notes_(plan.notes) {
    todo_ = importing::reconcile(std::move(plan), existing_in(context.catalog.get()),
                                 request.options.now);
    done_items_.resize(todo_.steps.size());
  }

  void go_on() {
    if (dry_run_ || step_ == todo_.steps.size()) return answer();
    const importing::Step& step = todo_.steps[step_];
    if (step.opens) return open(step.sale);
    add(step.sale);
  }

 private:
  void open(const importing::PlannedSale& planned) {
    sale::OpenSale command{
        by_, planned.id, planned.title, planned.starts_at, planned.ends_at, planned.hold, {}};
    for (const importing::PlannedItem& item : planned.items)
      command.items.push_back(item.draft);
    submit_step(std::move(command), [](ImportRun& run, const engine::Reply& reply) {
      const bool good =
          std::get<sale::OpenSaleOutcome>(reply.outcome) == sale::OpenSaleOutcome::opened;
      if (good) run.done_items_[run.step_] = run.todo_.steps[run.step_].sale.items.size();
      return good ? ++run.step_, true : false;
    });
  }

  void add(const importing::PlannedSale& planned) {
    const engine::CatalogSale* sale = context_.catalog.get().find_sale(planned.id);
    if (sale == nullptr) return refused();
    const std::size_t at = done_items_[step_];
    submit_step(
        sale::AddItem{by_, sale->sale.no, planned.items[at].draft},
        [](ImportRun& run, const engine::Reply& reply) {
          if (std::get<sale::AddItemOutcome>(reply.outcome) != sale::AddItemOutcome::added) {
            return false;
          }
          const std::size_t all = run.todo_.steps[run.step_].sale.items.size();
          if (++run.done_items_[run.step_] == all) ++run.step_;
          return true;
        });
  }

  template <class Command, class Then>
  void submit_step(Command&& command, Then then) {
    const engine::Admission admission =
        context_.engine.submit(sale::Command(std::forward<Command>(command)), context_.mailbox,
                               [self = shared_from_this(), then](const engine::Reply& reply) {
                                 if (reply.trouble != engine::Reply::Trouble::none)
                                   return self->troubled();
                                 if (!then(*self, reply)) return self->refused();
                                 self->go_on();
                               });
    if (admission != engine::Admission::accepted) troubled();
  }

  /// The report says how far it came: what is done stays, and importing again does the rest.
  void troubled() {
    failure_ = {"The record could not take the rest; import the file again.",
                "余下部分未能写入记录，请重新导入该文件。"};
    answer();
  }
  void refused() {
    failure_ = {
        "The server refused this step: something changed meanwhile, or a limit was reached.",
        "服务器拒绝了这一步：期间数据发生变化，或已达上限。"};
    answer();
  }

  void write_step(http::JsonWriter& json, std::size_t index) const {
    const importing::Step& step = todo_.steps[index];
    const importing::PlannedSale& sale = step.sale;
    json.begin_object().member("action", step.opens ? "open" : "add");
    json.member("sale_id", sale.id).member("title", sale.title);
    json.member("starts_at", sale.starts_at).member("ends_at", sale.ends_at);
    json.member("hold_seconds", sale.hold.ms / 1000);
    json.member("item_count", sale.items.size()).member("done_count", done_items_[index]);
    json.key("items").begin_array();
    for (std::size_t i = 0; i < std::min(sale.items.size(), kMaxTold); ++i) {
      const sale::ItemDraft& draft = sale.items[i].draft;
      json.begin_object().member("line", sale.items[i].line).member("id", draft.id);
      json.member("title", draft.title).member("price", draft.price.minor);
      json.member("list_price", draft.list_price.minor).member("currency", draft.currency.code());
      json.member("stock", draft.stock.units);
      json.member("per_user_limit", draft.per_user_limit.units).end_object();
    }
    json.end_array().end_object();
  }

  void answer() {
    std::string body;
    http::JsonWriter json(body);
    json.begin_object().member("dry_run", dry_run_).member("format", importing::to_text(format_));
    json.member("rows", rows_).member("left_out_count", left_out_count_);
    json.member("complete", !failure_.has_value());
    json.key("failure");
    if (failure_) {
      json.value(failure_->in(exchange_.language()));
    } else {
      json.null();
    }
    json.key("steps").begin_array();
    for (std::size_t i = 0; i < todo_.steps.size(); ++i)
      write_step(json, i);
    json.end_array();
    write_notices(json, "left_out", left_out_);
    write_notices(json, "notes", notes_);
    write_notices(json, "already_there", todo_.already_there);
    json.end_object();
    exchange_.send_personal(std::move(body));
  }

  Context& context_;
  Exchange exchange_;
  sale::Operator by_;
  bool dry_run_;
  importing::Format format_;
  std::uint64_t rows_;
  std::uint64_t left_out_count_;
  std::vector<importing::Notice> left_out_;
  std::vector<importing::Notice> notes_;
  importing::Reconciled todo_;
  std::vector<std::size_t> done_items_;  ///< by step
  std::size_t step_ = 0;
  std::optional<Words> failure_;
};

}  // namespace

void admin_import(Context& context, const Request& request, const Captures&, Exchange&& exchange) {
  const auto body = read_body(request, exchange);
  if (!body) return;
  JsonFaults faults;
  ImportRequest import = read_import(*body, context, faults);
  if (!accept(faults, exchange)) return;
  const importing::Format format =
      import.format.value_or(importing::detect_format(import.name, import.text));
  importing::Planner planner(import.options);
  if (auto read = importing::read_source(import.text, format, import.table, planner); !read) {
    const std::string why = shown_text(read.error().message);
    return exchange.fail(
        Code::invalid_request,
        Text{
            fmt::format("{}: {}. Nothing of this file was imported.", shown_text(import.name), why),
            fmt::format("{}：{}。该文件未导入任何内容。", shown_text(import.name), why)});
  }
  std::make_shared<ImportRun>(context, std::move(exchange), std::move(import), planner.finish(),
                              format)
      ->go_on();
}

}  // namespace sluice::api
