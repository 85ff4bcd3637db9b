// Reading and writing of what goes wrong on purpose.
#include "sandbox/faults.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "sandbox/json_body.h"

namespace sluice::sandbox {

namespace {

using boost::json::object;

/// Collects the first error of a row of readings, so that each reads in one line.
class Reader {
 public:
  template <class T>
  T take(Result<T>&& result, T otherwise = {}) {
    if (result) return *result;
    refuse(result.error().message);
    return otherwise;
  }
  void check(const Result<>& result) {
    if (!result) refuse(result.error().message);
  }
  void refuse(std::string message) {
    if (!error_) error_ = std::move(message);
  }
  const std::optional<std::string>& error() const { return error_; }

 private:
  std::optional<std::string> error_;
};

bool is_code(std::string_view text) {
  return !text.empty() && text.size() <= 32 &&
         std::ranges::all_of(text, [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
}

NotifyFaults read_notify(Reader& reader, const object& notify) {
  reader.check(only_keys(
      notify, "notify: ", {"drop", "duplicate", "delay_ms", "reorder", "forge", "omit_sign_type"}));
  NotifyFaults faults;
  faults.drop = reader.take(whole_number(notify, "drop", 0, kMaxFaultTimes, 0));
  faults.duplicate = reader.take(whole_number(notify, "duplicate", 0, kMaxDuplicates, 0));
  faults.delay.ms = reader.take(whole_number(notify, "delay_ms", 0, kMaxDelay.ms, 0));
  faults.reorder = reader.take(truth(notify, "reorder"));
  faults.forge = reader.take(whole_number(notify, "forge", 0, kMaxFaultTimes, 0));
  faults.omit_sign_type = reader.take(truth(notify, "omit_sign_type"));
  return faults;
}

CallFault read_call(Reader& reader, const object& all, std::string_view name) {
  const object* call = reader.take(child(all, name));
  if (call == nullptr) return {};
  reader.check(only_keys(*call, fmt::format("{}: ", name), {"error", "times"}));
  CallFault fault;
  fault.times = reader.take(whole_number(*call, "times", 0, kMaxFaultTimes, 1));
  const auto code = text_of(*call, "error");
  if (!code || !is_code(*code)) {
    reader.refuse(fmt::format(
        "{}: error must be the provider's code, 1 to 32 of [A-Z_], such as SYSTEMERROR", name));
    return {};
  }
  fault.code = *code;
  return fault;
}

void write_call(http::JsonWriter& json, std::string_view name, const CallFault& fault) {
  if (fault.times == 0) return;
  json.key(name).begin_object().member("error", fault.code).member("times", fault.times);
  json.end_object();
}

}  // namespace

Result<Faults> parse_faults(std::string_view text) {
  const auto body = parse_object(text);
  if (!body) return std::unexpected(body.error());
  Reader reader;
  reader.check(only_keys(*body, "", {"notify", "create", "query", "close", "pay_before_close"}));
  Faults faults;
  if (const object* notify = reader.take(child(*body, "notify"))) {
    faults.notify = read_notify(reader, *notify);
  }
  faults.create = read_call(reader, *body, "create");
  faults.query = read_call(reader, *body, "query");
  faults.close = read_call(reader, *body, "close");
  faults.pay_before_close = reader.take(truth(*body, "pay_before_close"));
  if (reader.error()) return fail(*reader.error());
  return faults;
}

void write_faults(http::JsonWriter& json, const Faults& faults) {
  const NotifyFaults& notify = faults.notify;
  json.begin_object().key("notify").begin_object();
  json.member("drop", notify.drop).member("duplicate", notify.duplicate);
  json.member("delay_ms", notify.delay.ms).member("reorder", notify.reorder);
  json.member("forge", notify.forge).member("omit_sign_type", notify.omit_sign_type);
  json.end_object();
  write_call(json, "create", faults.create);
  write_call(json, "query", faults.query);
  write_call(json, "close", faults.close);
  json.member("pay_before_close", faults.pay_before_close).end_object();
}

std::optional<std::string> take(CallFault& fault) {
  if (!take(fault.times)) return std::nullopt;
  return fault.code;
}

bool take(std::int64_t& count) {
  if (count <= 0) return false;
  --count;
  return true;
}

}  // namespace sluice::sandbox
