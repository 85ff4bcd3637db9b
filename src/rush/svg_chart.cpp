// Layout and drawing of the plots.
#include "rush/svg_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/html.h"

namespace sluice::rush {
namespace {

constexpr double kWidth = 880;
constexpr double kHeight = 270;
constexpr double kLeft = 64;
constexpr double kRight = 12;
constexpr double kTop = 12;
constexpr double kBottom = 30;
constexpr double kPlotWidth = kWidth - kLeft - kRight;
constexpr double kPlotHeight = kHeight - kTop - kBottom;
constexpr std::size_t kMostLabels = 12;

/// "1.5k", "20k", "3M": short enough for an axis.
std::string short_number(double value) {
  if (value >= 1e6) return fmt::format("{:g}M", value / 1e6);
  if (value >= 1e3) return fmt::format("{:g}k", value / 1e3);
  return fmt::format("{:g}", value);
}

/// A round step that divides [0, top] into about four.
double round_step(double top) {
  const double raw = top / 4;
  const double magnitude = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (raw <= factor * magnitude) return factor * magnitude;
  }
  return 10 * magnitude;
}

std::string open_svg(std::string_view title) {
  return fmt::format(
      "<svg viewBox=\"0 0 {:g} {:g}\" role=\"img\" aria-label=\"{}\" "
      "preserveAspectRatio=\"xMidYMid meet\">\n",
      kWidth, kHeight, escape_html(title));
}

void grid_line(std::string& out, double y, const std::string& label) {
  out += fmt::format(
      "<line class=\"grid\" x1=\"{:g}\" x2=\"{:g}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
      "<text class=\"tick\" x=\"{:g}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
      kLeft, kWidth - kRight, y, y, kLeft - 8, y + 4, escape_html(label));
}

void x_labels(std::string& out, const std::vector<std::string>& positions, double step,
              double offset, std::size_t every) {
  if (every == 0) every = (positions.size() + kMostLabels - 1) / kMostLabels;
  for (std::size_t i = 0; i < positions.size(); i += every) {
    const double x = kLeft + step * static_cast<double>(i) + offset;
    const bool at_the_edge = x > kWidth - 3 * kRight;
    out +=
        fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{:g}\" text-anchor=\"{}\">{}</text>\n",
                    at_the_edge ? kWidth - kRight : x, kHeight - 10, at_the_edge ? "end" : "middle",
                    escape_html(positions[i]));
  }
}

std::string hover(std::string_view position, std::string_view unit,
                  const std::vector<Series>& series, std::size_t index) {
  std::string text(position);
  for (const Series& one : series) {
    if (one.values[index] > 0) {
      text += fmt::format("\n{}: {:.6g} {}", one.name, one.values[index], unit);
    }
  }
  return escape_html(text);
}

/// An invisible column that shows the values of one position when pointed at.
void hover_column(std::string& out, double x, double width, const std::string& text) {
  out += fmt::format(
      "<rect class=\"hover\" x=\"{:.1f}\" y=\"{:g}\" width=\"{:.1f}\" height=\"{:g}\">"
      "<title>{}</title></rect>\n",
      x, kTop, width, kPlotHeight, text);
}

}  // namespace

std::string stacked_bars(std::string_view title, std::string_view unit,
                         const std::vector<std::string>& positions,
                         const std::vector<Series>& series) {
  std::string out = open_svg(title);
  const std::size_t count = positions.size();
  double top = 0;
  for (std::size_t i = 0; i < count; ++i) {
    double sum = 0;
    for (const Series& one : series)
      sum += one.values[i];
    top = std::max(top, sum);
  }
  if (count == 0 || top <= 0) return out + "</svg>\n";
  const double grid = round_step(top);
  const double scale_top = std::ceil(top / grid) * grid;
  const auto y_of = [&](double value) { return kTop + kPlotHeight * (1 - value / scale_top); };
  const int lines = static_cast<int>(std::lround(scale_top / grid));
  for (int i = 0; i <= lines; ++i)
    grid_line(out, y_of(grid * i), short_number(grid * i));
  const double step = kPlotWidth / static_cast<double>(count);
  const double gap = step > 6 ? 1.5 : 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double x = kLeft + step * static_cast<double>(i);
    double below = 0;
    for (const Series& one : series) {
      if (one.values[i] <= 0) continue;
      const double y = y_of(below + one.values[i]);
      out +=
          fmt::format(R"(<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>)",
                      one.css, x + gap / 2, y, std::max(step - gap, 0.5), y_of(below) - y);
      below += one.values[i];
    }
    hover_column(out, x, step, hover(positions[i], unit, series, i));
  }
  x_labels(out, positions, step, step / 2, 0);
  return out + "</svg>\n";
}

std::string log_lines(std::string_view title, std::string_view unit,
                      const std::vector<std::string>& positions, const std::vector<Series>& series,
                      std::size_t label_every) {
  std::string out = open_svg(title);
  const std::size_t count = positions.size();
  double low = HUGE_VAL;
  double high = 0;
  for (const Series& one : series) {
    for (const double value : one.values) {
      if (value <= 0) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (count == 0 || high <= 0) return out + "</svg>\n";
  const int first = static_cast<int>(std::floor(std::log10(low)));
  const int last = std::max(static_cast<int>(std::ceil(std::log10(high))), first + 1);
  const auto y_of = [&](double value) {
    return kTop + kPlotHeight * (1 - (std::log10(value) - first) / (last - first));
  };
  for (int power = first; power <= last; ++power) {
    grid_line(out, y_of(std::pow(10.0, power)),
              fmt::format("{} {}", short_number(std::pow(10.0, power)), unit));
  }
  const double step = count > 1 ? kPlotWidth / static_cast<double>(count - 1) : 0;
  const double center = count > 1 ? 0 : kPlotWidth / 2;
  for (const Series& one : series) {
    std::string path;
    std::string dots;
    bool pen_down = false;
    for (std::size_t i = 0; i < count; ++i) {
      if (one.values[i] <= 0) {
        pen_down = false;
        continue;
      }
      const double x = kLeft + center + step * static_cast<double>(i);
      path += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M", x, y_of(one.values[i]));
      if (count <= 40) {
        dots += fmt::format(R"(<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="2.6"/>)", one.css, x,
                            y_of(one.values[i]));
      }
      pen_down = true;
    }
    out += fmt::format("<path class=\"line {}\" d=\"{}\"/>{}\n", one.css, path, dots);
  }
  const double column = count > 1 ? step : kPlotWidth;
  for (std::size_t i = 0; i < count; ++i) {
    hover_column(out, kLeft + center + step * static_cast<double>(i) - column / 2, column,
                 hover(positions[i], unit, series, i));
  }
  x_labels(out, positions, step, center, label_every);
  return out + "</svg>\n";
}

}  // namespace sluice::rush
