// GET /problems/{code}: what the `type` of a problem leads to.
#include <fmt/core.h>

#include "api/routes.h"

namespace sluice::api {

void problem_page(Context&, const Request&, const Captures& captures, Exchange&& exchange) {
  const auto code = parse_code(captures[0]);
  if (!code) return exchange.fail(Code::not_found);
  http::Response response;
  response.content_type = "text/plain; charset=utf-8";
  for (const Language language : {Language::en, Language::zh}) {
    response.body += fmt::format("{} ({}): {}\n{}\n", wire_name(*code), status_of(*code),
                                 title(*code, language), usual_detail(*code, language));
  }
  response.add("Cache-Control", "public, max-age=3600");
  exchange.send(std::move(response));
}

}  // namespace sluice::api
