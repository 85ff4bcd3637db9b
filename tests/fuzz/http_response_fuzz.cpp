// The crowd's response parser: arbitrary bytes from a server, whole and in two pieces.
#include <algorithm>

#include "check.h"
#include "rush/response_parser.h"

using sluice::rush::ResponseParser;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input = sluice::fuzz::text_of(data + 1, size - 1);
  const std::size_t cut = std::min<std::size_t>(data[0], input.size());

  ResponseParser at_once;
  const ResponseParser::State state = at_once.feed(input);
  ResponseParser by_piece;
  ResponseParser::State piecewise = by_piece.feed(input.substr(0, cut));
  if (piecewise == ResponseParser::State::more) piecewise = by_piece.feed(input);

  FUZZ_CHECK(state == piecewise);
  if (state == ResponseParser::State::done) {
    FUZZ_CHECK(at_once.consumed() <= input.size());
    FUZZ_CHECK(at_once.consumed() == by_piece.consumed());
    FUZZ_CHECK(at_once.answer().body == by_piece.answer().body);
    (void)sluice::rush::header_value(at_once.answer().head, "Retry-After");
  }
  return 0;
}
