// Over Boost.JSON's objects, which keep the order of their members.
#include "payment/fields_json.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/text.h"

namespace sluice::payment {

namespace json = boost::json;

Result<std::string> fields_to_json(const Fields& fields) {
  json::object object;
  object.reserve(fields.size());
  for (const auto& [name, value] : fields) {
    if (!valid_utf8(name) || !valid_utf8(value)) {
      return fail("The provider's field " + quote(name) + " is not UTF-8.");
    }
    object.emplace(name, value);
  }
  return json::serialize(object);
}

Result<Fields> fields_from_json(std::string_view text) {
  json::error_code code;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), code);
  const json::object* object = code ? nullptr : value.if_object();
  if (object == nullptr) return fail("No JSON object of fields: " + quote(text));
  Fields fields;
  fields.reserve(object->size());
  for (const auto& [name, member] : *object) {
    const json::string* content = member.if_string();
    if (content == nullptr) return fail("A field that is no text: " + quote(text));
    fields.emplace_back(std::string(name.data(), name.size()),
                        std::string(content->data(), content->size()));
  }
  return fields;
}

}  // namespace sluice::payment
