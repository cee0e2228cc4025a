#include "apps/brood/cli/log_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <utility>

namespace brood::app {
namespace {

constexpr std::string_view mark_begin = "[brood: ";
constexpr std::string_view mark_middle = "; started at ";

std::optional<std::int64_t> span_ms(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0 || end + 1 != text.data() + text.size()) return std::nullopt;
  static constexpr std::array<std::pair<char, std::int64_t>, 4> units{
      {{'s', 1000}, {'m', 60'000}, {'h', 3'600'000}, {'d', 86'400'000}}};
  for (const auto& [unit, ms] : units)
    if (*end == unit && number < INT64_MAX / ms) return number * ms;
  return std::nullopt;
}

// A time in the given form, all of it; what it does not say stays as it is in `parts`.
bool reads_as(const std::string& text, const char* form, std::tm& parts) {
  const char* end = strptime(text.c_str(), form, &parts);
  return end != nullptr && *end == '\0';
}

bool is_mark(std::string_view line) {
  return line.starts_with(mark_begin) && line.find(mark_middle) != std::string_view::npos;
}

}  // namespace

std::optional<std::int64_t> time_of(const std::string& text, std::int64_t now_ms) {
  if (const auto span = span_ms(text)) return now_ms - *span;
  std::string words = text;
  const bool utc = words.ends_with('Z');
  if (utc) words.pop_back();
  if (const auto t = words.find('T'); t != std::string::npos) words[t] = ' ';
  const auto now = static_cast<std::time_t>(now_ms / 1000);
  for (const char* form : {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%H:%M:%S", "%H:%M"}) {
    std::tm parts{};
    if (form[1] == 'H') {
      utc ? gmtime_r(&now, &parts) : localtime_r(&now, &parts);
      parts.tm_sec = 0;
    }
    if (!reads_as(words, form, parts)) continue;
    parts.tm_isdst = -1;
    const auto seconds = utc ? timegm(&parts) : mktime(&parts);
    return std::int64_t{seconds} * 1000;
  }
  return std::nullopt;
}

std::optional<std::string> previous_run(std::string_view text) {
  std::size_t begin = 0;  // of the run that is being passed
  std::optional<std::string_view> previous;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    if (is_mark(text.substr(at, end - at))) {
      previous = text.substr(begin, at - begin);
      begin = std::min(end + 1, text.size());
    }
    at = end + 1;
  }
  return previous ? std::optional(std::string(*previous)) : std::nullopt;
}

std::string last_lines(const std::string& text, std::size_t lines) {
  if (lines == 0 || text.empty()) return "";
  auto at = text.back() == '\n' ? text.size() - 1 : text.size();
  for (; lines > 0; --lines) {
    if (at == 0) return text;
    at = text.rfind('\n', at - 1);
    if (at == std::string::npos) return text;
  }
  return text.substr(at + 1);
}

std::string LinePrefix::add(std::string_view text) {
  if (prefix_.empty()) return std::string(text);
  std::string out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) {
      kept_ += text;
      break;
    }
    out += prefix_ + std::exchange(kept_, {});
    out += text.substr(0, end + 1);
    text.remove_prefix(end + 1);
  }
  return out;
}

std::string LinePrefix::rest() {
  return kept_.empty() ? "" : prefix_ + std::exchange(kept_, {}) + '\n';
}

}  // namespace brood::app
