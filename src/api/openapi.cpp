// GET /openapi.json.
#include "api/openapi.h"

#include <string>

#include "api/api.h"
#include "api/routes.h"

namespace sluice::api {

std::string openapi_json() {
  return std::string(kOpenApi);
}

void openapi(Context&, const Request&, const Captures&, Exchange&& exchange) {
  http::Response response;
  response.body = kOpenApi;
  response.add("Cache-Control", "public, max-age=60");
  exchange.send(std::move(response));
}

}  // namespace sluice::api
