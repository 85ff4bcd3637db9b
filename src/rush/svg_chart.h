// Plots as inline SVG: no script, colours from CSS classes, values on hover.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::rush {

/// A named sequence of values; `css` is the class that carries its colour ("s-granted").
struct Series {
  std::string name;
  std::string css;
  std::vector<double> values;
};

/// One stacked bar per position. `positions` labels the x axis ("12 s").
std::string stacked_bars(std::string_view title, std::string_view unit,
                         const std::vector<std::string>& positions,
                         const std::vector<Series>& series);

/// Lines over a logarithmic y axis; values of zero are gaps. Every `label_every`th position is
/// labelled on the x axis; 0 chooses.
std::string log_lines(std::string_view title, std::string_view unit,
                      const std::vector<std::string>& positions, const std::vector<Series>& series,
                      std::size_t label_every = 0);

}  // namespace sluice::rush
