#include "apps/brood/fleet/section.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace brood::app::fleet {
namespace {

// How many edits apart two words are: a character more, less or another, or two neighbours exchanged.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before;
  std::vector<std::size_t> above(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::vector<std::size_t> row(b.size() + 1, i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (exchanged) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::exchange(above, std::move(row));
  }
  return above[b.size()];
}

// Of a short word one edit leaves enough to be recognised; two would make "cast" of "list".
std::size_t edits_allowed(std::size_t size) {
  return size < 3 ? 0 : size <= 5 ? 1 : std::max<std::size_t>(2, size / 4);
}

// What systemd, supervisord, pm2, Docker or Nomad call the same.
std::string elsewhere(std::string_view word, const std::vector<std::string>& known) {
  static const std::multimap<std::string_view, std::string_view> others{{"command", "exec"},
                                                                        {"cmd", "exec"},
                                                                        {"ExecStart", "exec"},
                                                                        {"script", "exec"},
                                                                        {"directory", "cwd"},
                                                                        {"WorkingDirectory", "cwd"},
                                                                        {"workdir", "cwd"},
                                                                        {"environment", "env"},
                                                                        {"Environment", "env"},
                                                                        {"numprocs", "count"},
                                                                        {"instances", "count"},
                                                                        {"replicas", "count"},
                                                                        {"autorestart", "restart"},
                                                                        {"Restart", "restart"},
                                                                        {"depends_on", "after"},
                                                                        {"After", "after"},
                                                                        {"requires", "after"},
                                                                        {"stopsignal", "stop_signal"},
                                                                        {"KillSignal", "stop_signal"},
                                                                        {"stopwaitsecs", "shutdown_ms"},
                                                                        {"kill_timeout", "shutdown_ms"},
                                                                        {"TimeoutStopSec", "shutdown_ms"},
                                                                        {"startsecs", "start_period_ms"},
                                                                        {"exitcodes", "exit_codes"},
                                                                        {"healthcheck", "health"},
                                                                        {"check", "health"},
                                                                        {"EnvironmentFile", "env_file"},
                                                                        {"name", "id"},
                                                                        {"child", "supervisor"},
                                                                        {"program", "supervisor"},
                                                                        {"cookie-file", "cookie_file"},
                                                                        {"seeds", "join"},
                                                                        {"peers", "join"},
                                                                        {"always", "permanent"},
                                                                        {"unless-stopped", "permanent"},
                                                                        {"on-failure", "transient"},
                                                                        {"on_failure", "transient"},
                                                                        {"unexpected", "transient"},
                                                                        {"no", "temporary"},
                                                                        {"never", "temporary"},
                                                                        {"on-abnormal", "transient"}};
  const auto [first, last] = others.equal_range(word);
  for (auto one = first; one != last; ++one)
    if (std::find(known.begin(), known.end(), one->second) != known.end())
      return one->second == "supervisor" ? "; children are written as [[supervisor.NAME.child]]"
                                         : fmt::format("; here it is \"{}\"", one->second);
  return "";
}

}  // namespace

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const std::string* best = nullptr;
  std::size_t best_distance = edits_allowed(word.size()) + 1;
  for (const auto& candidate : known) {
    const auto d = distance(word, candidate);
    if (d < best_distance) best = &candidate, best_distance = d;
  }
  return best == nullptr ? "" : fmt::format("; did you mean \"{}\"?", *best);
}

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string Section::path_of(std::string_view key) const {
  if (path_.empty()) return std::string(key);
  return key.empty() ? path_ : path_ + "." + std::string(key);
}

void Section::problem(std::string_view key, std::string what) {
  const auto* entry = table_.find(key);
  problems_.add(entry != nullptr ? entry->line : line_, path_of(key), std::move(what));
}

void Section::wrong_kind(const TomlEntry& entry, std::string_view wanted) {
  problem(entry.key, fmt::format("is {}; allowed: {}", kind_of(entry.value), wanted));
}

const TomlEntry* Section::any(std::string_view key) {
  known_.emplace_back(key);
  return table_.find(key);
}

std::optional<std::string> Section::text(std::string_view key) {
  const auto* entry = any(key);
  if (entry == nullptr) return std::nullopt;
  const auto* value = entry->value.as<std::string>();
  if (value == nullptr) return wrong_kind(*entry, "a text in quotes"), std::nullopt;
  if (value->empty()) return problem(key, "is empty; leave the key out instead"), std::nullopt;
  if (value->find('\0') != std::string::npos) return problem(key, "contains a zero byte"), std::nullopt;
  return *value;
}

std::optional<std::int64_t> Section::integer(std::string_view key, std::int64_t least, std::int64_t most) {
  const auto* entry = any(key);
  if (entry == nullptr) return std::nullopt;
  const auto range = fmt::format("a whole number from {} to {}", least, most);
  const auto* value = entry->value.as<std::int64_t>();
  if (value == nullptr) return wrong_kind(*entry, range), std::nullopt;
  if (*value < least || *value > most) {
    return problem(key, fmt::format("is {}; allowed: {}", *value, range)), std::nullopt;
  }
  return *value;
}

std::optional<double> Section::positive(std::string_view key) {
  const auto* entry = any(key);
  if (entry == nullptr) return std::nullopt;
  double value = 0;
  if (const auto* integer = entry->value.as<std::int64_t>()) {
    value = static_cast<double>(*integer);
  } else if (const auto* real = entry->value.as<double>()) {
    value = *real;
  } else {
    return wrong_kind(*entry, "a number above 0"), std::nullopt;
  }
  if (!(value > 0 && value <= 1e9)) {
    return problem(key, fmt::format("is {}; allowed: a number above 0, at most 1000000000", value)),
           std::nullopt;
  }
  return value;
}

std::optional<bool> Section::boolean(std::string_view key) {
  const auto* entry = any(key);
  if (entry == nullptr) return std::nullopt;
  const auto* value = entry->value.as<bool>();
  if (value == nullptr) return wrong_kind(*entry, "true or false"), std::nullopt;
  return *value;
}

std::optional<std::vector<std::string>> Section::texts(std::string_view key) {
  const auto* entry = any(key);
  if (entry == nullptr) return std::nullopt;
  const auto* array = entry->value.as<TomlArray>();
  if (array == nullptr) return wrong_kind(*entry, "an array of texts, [\"...\", \"...\"]"), std::nullopt;
  std::vector<std::string> out;
  for (const auto& item : array->items) {
    const auto* value = item.as<std::string>();
    if (value == nullptr || value->find('\0') != std::string::npos) {
      problems_.add(item.line, fmt::format("{}[{}]", path_of(key), out.size()),
                    value == nullptr ? fmt::format("is {}; allowed: a text in quotes", kind_of(item))
                                     : "contains a zero byte");
      return std::nullopt;
    }
    out.push_back(*value);
  }
  return out;
}

std::optional<std::string> Section::one_of(std::string_view key, const std::vector<std::string>& allowed) {
  auto value = text(key);
  if (!value) return std::nullopt;
  if (std::find(allowed.begin(), allowed.end(), *value) == allowed.end()) {
    const auto guess = elsewhere(*value, allowed);
    problem(key, fmt::format("is \"{}\"; allowed: {}{}", *value, joined(allowed),
                             guess.empty() ? did_you_mean(*value, allowed) : guess));
    return std::nullopt;
  }
  return value;
}

void Section::finish() {
  for (const auto& entry : table_.entries) {
    if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
    const auto guess = elsewhere(entry.key, known_);
    problem(entry.key, fmt::format("unknown key; allowed: {}{}", joined(known_),
                                   guess.empty() ? did_you_mean(entry.key, known_) : guess));
  }
}

}  // namespace brood::app::fleet
