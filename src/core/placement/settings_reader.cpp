#include "core/placement/settings_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace brood::core {

const Setting* SettingsReader::find(std::string_view key) {
  known_.emplace_back(key);
  const auto at = settings_.find(key);
  return at == settings_.end() ? nullptr : &at->second;
}

const Setting* SettingsReader::any(std::string_view key) {
  return find(key);
}

void SettingsReader::problem(std::string_view key, std::string_view what) {
  if (!first_) first_ = Error{Errc::invalid_argument, fmt::format("{}: setting '{}' {}", of_, key, what)};
}

bool SettingsReader::boolean(std::string_view key, bool otherwise) {
  const Setting* given = find(key);
  if (given == nullptr) return otherwise;
  if (const bool* value = std::get_if<bool>(given)) return *value;
  problem(key, "must be true or false");
  return otherwise;
}

std::int64_t SettingsReader::integer(std::string_view key, std::int64_t otherwise, std::int64_t least,
                                     std::int64_t most) {
  const Setting* given = find(key);
  if (given == nullptr) return otherwise;
  if (const auto* value = std::get_if<std::int64_t>(given);
      value != nullptr && *value >= least && *value <= most)
    return *value;
  problem(key, fmt::format("must be a whole number from {} to {}", least, most));
  return otherwise;
}

double SettingsReader::number(std::string_view key, double otherwise, double least, double most) {
  const Setting* given = find(key);
  if (given == nullptr) return otherwise;
  std::optional<double> value;
  if (const auto* whole = std::get_if<std::int64_t>(given)) value = static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(given)) value = *real;
  if (value && *value >= least && *value <= most) return *value;  // what is no number is neither
  problem(key, fmt::format("must be a number from {} to {}", least, most));
  return otherwise;
}

std::chrono::milliseconds SettingsReader::milliseconds(std::string_view key,
                                                       std::chrono::milliseconds otherwise,
                                                       std::chrono::milliseconds least,
                                                       std::chrono::milliseconds most) {
  const Setting* given = find(key);
  if (given == nullptr) return otherwise;
  if (const auto* value = std::get_if<std::int64_t>(given);
      value != nullptr && *value >= least.count() && *value <= most.count())
    return std::chrono::milliseconds(*value);
  problem(key, fmt::format("must be whole milliseconds from {} to {}", least.count(), most.count()));
  return otherwise;
}

std::string SettingsReader::text(std::string_view key, std::string otherwise) {
  const Setting* given = find(key);
  if (given == nullptr) return otherwise;
  if (const auto* value = std::get_if<std::string>(given)) return *value;
  problem(key, "must be a text");
  return otherwise;
}

std::string SettingsReader::one_of(std::string_view key, std::string otherwise,
                                   std::initializer_list<std::string_view> allowed) {
  const Setting* given = find(key);
  if (given == nullptr) return otherwise;
  if (const auto* value = std::get_if<std::string>(given);
      value != nullptr && std::find(allowed.begin(), allowed.end(), *value) != allowed.end())
    return *value;
  problem(key, fmt::format("must be one of \"{}\"", fmt::join(allowed, "\", \"")));
  return otherwise;
}

std::vector<std::string> SettingsReader::texts(std::string_view key) {
  const Setting* given = find(key);
  if (given == nullptr) return {};
  if (const auto* value = std::get_if<std::vector<std::string>>(given)) return *value;
  problem(key, "must be a list of texts");
  return {};
}

Result<void> SettingsReader::finish() {
  for (const auto& [key, value] : settings_) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    problem(key, known_.empty() ? "is unknown: it has none"
                                : fmt::format("is unknown; allowed are {}", fmt::join(known_, ", ")));
  }
  if (first_) return tl::unexpected(*first_);
  return {};
}

}  // namespace brood::core
