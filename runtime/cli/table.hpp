#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace netlend::cli {

using Row = std::vector<std::string>;

/// Rows as lines, each column as wide as its widest cell, two blanks between; the last column is
/// not filled up. Control and non-ASCII bytes of cells are escaped.
std::string format_table(const std::vector<Row>& rows);

/// `text` in lines of at most `width` columns, broken at blanks; the first begins with `first`, the
/// others with as many blanks as `first` is long and two more. A longer word has a line of its own.
std::string wrap(std::string_view first, std::string_view text, std::size_t width);

}  // namespace netlend::cli
