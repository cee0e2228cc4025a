// Text on a terminal: how wide it is, how it is cut, and tables of it.
//
// Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace brood::app {

/// Columns that UTF-8 text takes on a terminal.
[[nodiscard]] std::size_t display_width(std::string_view text);
/// At most `width` columns of it, with "…" at the end if something was cut.
[[nodiscard]] std::string cut_to(std::string_view text, std::size_t width);
/// Control characters and bytes that are no UTF-8 as \xNN: whoever names a child must not steer the terminal.
[[nodiscard]] std::string harmless(std::string_view text);
/// "12s", "3m 4s", "2h 5m", "3d 4h".
[[nodiscard]] std::string duration_text(std::int64_t seconds);

enum class Style : std::uint8_t { plain, bold, good, warning, bad, faint };
[[nodiscard]] std::string styled(std::string_view text, Style style, bool color);

struct Cell {
  Cell(std::string value) : text(std::move(value)) {}  // NOLINT: implicit on purpose
  Cell(const char* value) : text(value) {}             // NOLINT
  Cell(std::string value, Style how) : text(std::move(value)), style(how) {}
  std::string text;
  Style style = Style::plain;
};

struct Column {
  std::string title;
  bool right = false;         ///< Numbers stand at the right.
  std::size_t gives_way = 0;  ///< It is cut before the others are, down to so many columns; 0: with them.
};

struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;  ///< As many cells as columns.
};

/// One line a row, below a line of titles. `width`: of the terminal; without one nothing is cut.
[[nodiscard]] std::string render(const Table& table, std::optional<std::size_t> width, bool color);

}  // namespace brood::app
