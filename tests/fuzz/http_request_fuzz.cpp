// The request parser: arbitrary bytes, and the same bytes in two pieces, which must not matter.
#include <string>

#include "check.h"
#include "http/message.h"
#include "http/parser.h"

using sluice::http::Progress;
using sluice::http::Request;
using sluice::http::RequestParser;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t cut = data[0];
  const std::string_view input = sluice::fuzz::text_of(data + 1, size - 1);

  Request whole;
  RequestParser at_once;
  const Progress progress = at_once.parse(input, whole);
  if (progress == Progress::complete) {
    FUZZ_CHECK(at_once.size() <= input.size());
    FUZZ_CHECK(whole.fields.size() <= sluice::http::kMaxFields);
    FUZZ_CHECK(whole.body.size() <= sluice::http::kMaxBodyBytes);
    FUZZ_CHECK(whole.target.size() <= sluice::http::kMaxTargetBytes);
    FUZZ_CHECK(!whole.field("transfer-encoding"));
    for (const auto& field : whole.fields) {
      FUZZ_CHECK(field.value.find_first_of(std::string_view("\r\n\0", 3)) ==
                 std::string_view::npos);
    }
  } else if (progress == Progress::refused || progress == Progress::large_body) {
    FUZZ_CHECK(at_once.refusal().status >= 400 && !at_once.refusal().detail.empty());
  }

  Request pieces;
  RequestParser by_piece;
  Progress piecewise = by_piece.parse(input.substr(0, cut), pieces);
  if (cut < input.size() && piecewise != Progress::refused && piecewise != Progress::complete) {
    piecewise = by_piece.parse(input, pieces);
  }
  // A refusal may come sooner from the first piece alone, never an acceptance of something else.
  if (progress == Progress::complete && piecewise == Progress::complete) {
    FUZZ_CHECK(by_piece.size() == at_once.size());
    FUZZ_CHECK(pieces.target == whole.target && pieces.body == whole.body);
    FUZZ_CHECK(pieces.fields.size() == whole.fields.size());
  }
  FUZZ_CHECK((progress == Progress::complete) == (piecewise == Progress::complete));
  return 0;
}
