// QR codes (ISO/IEC 18004) of payment links: as an image for pages, as text for terminals.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::api {

/// Longest text that is put into a code; links of providers have a tenth of it.
inline constexpr std::size_t kMaxQrBytes = 1024;

/// The dark modules of a code as one SVG path, in a square with the quiet zone of four modules.
struct QrOutline {
  int side = 0;  ///< of the square, in modules
  std::string path;
};
/// Errors: too long, empty.
Result<QrOutline> qr_outline(std::string_view text);

/// An SVG image, black on white, with the quiet zone of four modules. Errors: too long, empty.
Result<std::string> qr_svg(std::string_view text);

/// Lines of block characters, two modules a character, light modules drawn: right on a dark
/// terminal; most scanners read the inverse that a light terminal makes of it as well.
Result<std::string> qr_terminal(std::string_view text);

}  // namespace sluice::api
