#include "apps/brood/cli/display.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace brood::app {
namespace {

constexpr std::string_view ellipsis = "\xe2\x80\xa6";
constexpr std::size_t narrowest = 6;  // a column is cut no further than this
constexpr std::size_t gap = 2;

struct Glyph {
  std::size_t bytes = 1;
  std::size_t columns = 1;
  bool valid = false;
};

std::size_t columns_of(std::uint32_t code) {
  if (code >= 0x300 && code <= 0x36f) return 0;  // combining accents
  struct Range {
    std::uint32_t first, last;
  };
  static constexpr std::array<Range, 10> wide{{{0x1100, 0x115f},
                                               {0x2e80, 0xa4cf},
                                               {0xac00, 0xd7a3},
                                               {0xf900, 0xfaff},
                                               {0xfe30, 0xfe6f},
                                               {0xff00, 0xff60},
                                               {0xffe0, 0xffe6},
                                               {0x1f300, 0x1f64f},
                                               {0x1f900, 0x1f9ff},
                                               {0x20000, 0x3fffd}}};
  const bool is_wide =
      std::any_of(wide.begin(), wide.end(), [&](Range r) { return code >= r.first && code <= r.last; });
  return is_wide ? 2 : 1;
}

Glyph glyph_at(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return {1, 1, lead >= 0x20 && lead != 0x7f};
  const std::size_t size = lead >= 0xc2 && lead < 0xe0   ? 2
                           : lead >= 0xe0 && lead < 0xf0 ? 3
                           : lead >= 0xf0 && lead < 0xf5 ? 4
                                                         : 0;
  if (size == 0 || at + size > text.size()) return {};
  std::uint32_t code = lead & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xc0) != 0x80) return {};
    code = code << 6 | (next & 0x3fu);
  }
  const bool control = code < 0xa0 || (code >= 0x200e && code <= 0x200f) ||
                       (code >= 0x202a && code <= 0x202e) ||
                       (code >= 0x2066 && code <= 0x2069);  // also what turns the writing direction
  return {size, columns_of(code), !control};
}

std::vector<std::size_t> natural_widths(const Table& table) {
  std::vector<std::size_t> widths;
  for (const auto& column : table.columns) widths.push_back(display_width(column.title));
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i].text));
  }
  return widths;
}

// Takes from what gives way, then from the widest column, one by one, until the whole fits or nothing more
// can be taken.
void shrink(const Table& table, std::vector<std::size_t>& widths, std::size_t width) {
  std::size_t total = gap * (widths.size() - 1);
  for (const auto w : widths) total += w;
  // The last of them first: what runs in a child before its name.
  for (std::size_t i = widths.size(); i-- > 0;) {
    const std::size_t least = table.columns[i].gives_way;
    for (; least > 0 && total > width && widths[i] > least; --total) --widths[i];
  }
  while (total > width) {
    auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= narrowest) return;
    --*widest;
    --total;
  }
}

std::string line_of(const std::vector<Cell>& cells, const Table& table,
                    const std::vector<std::size_t>& widths, std::size_t width, bool color) {
  std::string line;
  std::size_t used = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    auto room = widths[i];
    if (i > 0) line.append(gap, ' '), used += gap;
    if (used + room > width) room = used < width ? width - used : 0;
    const auto text = cut_to(cells[i].text, room);
    const std::string padding(room - std::min(room, display_width(text)), ' ');
    const bool last = i + 1 == cells.size();
    if (table.columns[i].right) line += padding;
    line += styled(text, cells[i].style, color);
    if (!table.columns[i].right && !last) line += padding;
    used += room;
    if (used >= width) break;
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line + "\n";
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto glyph = glyph_at(text, at);
    width += glyph.columns;
    at += glyph.bytes;
  }
  return width;
}

std::string cut_to(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return "";
  std::string out;
  std::size_t used = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto glyph = glyph_at(text, at);
    if (used + glyph.columns > width - 1) break;
    out += text.substr(at, glyph.bytes);
    used += glyph.columns;
    at += glyph.bytes;
  }
  return out += ellipsis;
}

std::string harmless(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto glyph = glyph_at(text, at);
    if (glyph.valid) {
      out += text.substr(at, glyph.bytes);
    } else {
      for (const char c : text.substr(at, glyph.bytes))
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    at += glyph.bytes;
  }
  return out;
}

std::string duration_text(std::int64_t seconds) {
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m {}s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{}h {}m", seconds / 3600, seconds % 3600 / 60);
  return fmt::format("{}d {}h", seconds / 86400, seconds % 86400 / 3600);
}

std::string styled(std::string_view text, Style style, bool color) {
  static constexpr std::array<std::string_view, 6> codes{"", "1", "32", "33", "31", "2"};
  const auto code = codes[static_cast<std::size_t>(style)];
  if (!color || code.empty() || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string render(const Table& table, std::optional<std::size_t> width, bool color) {
  auto safe = table;
  for (auto& row : safe.rows) {
    for (auto& cell : row) cell.text = harmless(cell.text);
  }
  auto widths = natural_widths(safe);
  const auto limit = width.value_or(SIZE_MAX);
  shrink(safe, widths, limit);
  std::vector<Cell> titles;
  for (const auto& column : safe.columns) titles.emplace_back(column.title, Style::bold);
  std::string out = line_of(titles, safe, widths, limit, color);
  for (const auto& row : safe.rows) out += line_of(row, safe, widths, limit, color);
  return out;
}

}  // namespace brood::app
