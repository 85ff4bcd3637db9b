// Drawing what qrcodegen computes.
#include "api/qr.h"

#include <fmt/format.h>

#include <qrcodegen/qrcodegen.hpp>
#include <utility>

namespace sluice::api {

namespace {

using qrcodegen::QrCode;

constexpr int kQuietZone = 4;

Result<QrCode> encode(std::string_view text) {
  if (text.empty()) return fail("nothing to put into a QR code");
  if (text.size() > kMaxQrBytes) {
    return fail(fmt::format("a text of {} bytes for a QR code; at most {} are allowed", text.size(),
                            kMaxQrBytes));
  }
  return QrCode::encodeText(std::string(text).c_str(), QrCode::Ecc::MEDIUM);
}

}  // namespace

Result<QrOutline> qr_outline(std::string_view text) {
  const auto code = encode(text);
  if (!code) return std::unexpected(code.error());
  const int size = code->getSize();
  std::string path;
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      // One bar per run of dark modules: no hairlines between them when scaled.
      int end = x;
      while (end < size && code->getModule(end, y))
        ++end;
      if (end == x) continue;
      path +=
          fmt::format("M{} {}h{}v1H{}z", x + kQuietZone, y + kQuietZone, end - x, x + kQuietZone);
      x = end;
    }
  }
  return QrOutline{size + 2 * kQuietZone, std::move(path)};
}

Result<std::string> qr_svg(std::string_view text) {
  const auto code = qr_outline(text);
  if (!code) return std::unexpected(code.error());
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {0}\" "
      "shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{0}v{0}H0z\"/>"
      "<path d=\"{1}\"/></svg>\n",
      code->side, code->path);
}

Result<std::string> qr_terminal(std::string_view text) {
  const auto code = encode(text);
  if (!code) return std::unexpected(code.error());
  const auto light = [&code](int x, int y) { return !code->getModule(x, y); };
  const int size = code->getSize();
  std::string drawn;
  for (int y = -kQuietZone; y < size + kQuietZone; y += 2) {
    for (int x = -kQuietZone; x < size + kQuietZone; ++x) {
      const bool upper = light(x, y);
      // The height is odd: what would be below the last row is left dark.
      const bool lower = y + 1 < size + kQuietZone && light(x, y + 1);
      drawn += upper ? (lower ? "█" : "▀") : (lower ? "▄" : " ");
    }
    drawn += '\n';
  }
  return drawn;
}

}  // namespace sluice::api
