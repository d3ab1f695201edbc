#include "cli/table.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.hpp"

namespace netlend::cli {

std::string format_table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], printable(row[i]).size());
    }
  }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool is_last = i + 1 == row.size();
      out += is_last ? printable(row[i]) + "\n"
                     : fmt::format("{:<{}}  ", printable(row[i]), widths[i]);
    }
  }
  return out;
}

std::string wrap(std::string_view first, std::string_view text, std::size_t width) {
  std::string out;
  constexpr std::size_t kHang = 2;
  std::string line(first);
  bool is_empty = true;
  for (const auto word : split_words(text, " ")) {
    if (!is_empty && line.size() + 1 + word.size() > width) {
      out += line + "\n";
      line.assign(first.size() + kHang, ' ');
      is_empty = true;
    }
    if (!is_empty) line += ' ';
    line += word;
    is_empty = false;
  }
  return out + line + "\n";
}

}  // namespace netlend::cli
