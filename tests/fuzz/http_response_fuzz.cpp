// The crowd's response parser: arbitrary bytes from a server, whole, in two pieces, and byte by
// byte.
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

  ResponseParser by_byte;
  ResponseParser::State bytewise = ResponseParser::State::more;
  for (std::size_t end = 1; end <= input.size() && bytewise == ResponseParser::State::more; ++end)
    bytewise = by_byte.feed(input.substr(0, end));

  FUZZ_CHECK(state == piecewise);
  FUZZ_CHECK(state == bytewise);
  if (state == ResponseParser::State::done) {
    FUZZ_CHECK(at_once.consumed() <= input.size());
    for (const ResponseParser& other : {by_piece, by_byte}) {
      FUZZ_CHECK(at_once.consumed() == other.consumed());
      FUZZ_CHECK(at_once.answer().status == other.answer().status);
      FUZZ_CHECK(at_once.answer().body == other.answer().body);
      FUZZ_CHECK(at_once.answer().close == other.answer().close);
    }
    (void)sluice::rush::header_value(at_once.answer().head, "Retry-After");
    // The next answer starts behind this one, with nothing left of it.
    at_once.reset();
    FUZZ_CHECK(at_once.wanted() == 0);
  }
  return 0;
}
