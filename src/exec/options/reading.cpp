#include "exec/options/reading.hpp"

#include <fmt/format.h>

#include <brood/program_options.hpp>
#include <charconv>

namespace brood::exec {
namespace {

/// Of one term in a message; a long one would hide the rest.
constexpr std::size_t shown_bytes_max = 80;

}  // namespace

Error refused(std::string message) {
  return {Errc::invalid_argument, std::move(message)};
}

std::string shown(const Term& term) {
  const auto text = term.as_binary() ? term.text() : std::nullopt;
  return text && text->size() <= shown_bytes_max ? fmt::format("\"{}\"", *text)
                                                 : to_string(term, shown_bytes_max);
}

Error wrong(std::string_view wanted, const Term& got) {
  return refused(fmt::format("must be {}, not {}", wanted, shown(got)));
}

std::optional<std::uint64_t> size_of(std::string_view text) {
  if (text == "unlimited" || text == "infinity") return ResourceLimit::unlimited;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit.empty()) return number;
  const auto place = std::string_view("KMGT").find(static_cast<char>(unit.front() & ~0x20));
  unit.remove_prefix(1);
  if (place == std::string_view::npos || (!unit.empty() && unit != "iB" && unit != "B")) return std::nullopt;
  const auto shift = 10 * (place + 1);
  if (number > (UINT64_MAX >> shift)) return std::nullopt;
  return number << shift;
}

std::optional<std::uint64_t> size_of(const Term& value) {
  if (const auto* number = value.as_integer())
    return *number < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(*number));
  const auto text = value.text();
  return text ? size_of(*text) : std::nullopt;
}

}  // namespace brood::exec
