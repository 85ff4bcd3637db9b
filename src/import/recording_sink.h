// A sink for tests that writes down what it is told.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "import/source.h"

namespace sluice::importing {

struct RecordingSink final : Sink {
  struct Remark {
    Line line;
    std::string text;
  };
  struct Row {
    Line line;
    std::vector<Cell> cells;
  };
  std::vector<std::string> names;
  std::vector<Row> rows;
  std::vector<ListedSale> sales;
  std::vector<Remark> bad_rows;
  std::vector<Remark> notes;

  void columns(Line, const std::vector<std::string>& given) override { names = given; }
  void row(Line line, std::vector<Cell>& cells) override { rows.push_back({line, cells}); }
  void sale(ListedSale&& given) override { sales.push_back(std::move(given)); }
  void left_out(Line line, std::string why) override { bad_rows.push_back({line, std::move(why)}); }
  void note(Line line, std::string text) override { notes.push_back({line, std::move(text)}); }
};

}  // namespace sluice::importing
