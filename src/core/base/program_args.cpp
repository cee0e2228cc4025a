#include "core/base/program_args.hpp"

#include <algorithm>

namespace brood::core {
namespace {

bool is_taken_over(const Term& key) {
  const auto& all = taken_over_keys();
  return std::find(all.begin(), all.end(), key.text().value_or("")) != all.end();
}

/// What a process has of its command: all but what is taken over.
std::vector<std::pair<Term, Term>> process_part(const Term& command) {
  auto entries = *command.as_map();
  std::erase_if(entries, [](const auto& entry) { return is_taken_over(entry.first); });
  return entries;
}

bool keeps_output(const Term& command) {
  const Term* size = command.get("log_size");
  if (!size) size = command.get("log_bytes_max");
  return !size || *size != Term(std::int64_t{0});
}

}  // namespace

const std::vector<std::string_view>& taken_over_keys() {
  static const std::vector<std::string_view> keys{
      "health", "log_size", "log_bytes_max", "log_files", "log_timestamps", "exit_codes", "stop_signal"};
  return keys;
}

std::optional<std::vector<std::string_view>> differences_taken_over(const Bytes& now, const Bytes& next) {
  if (now == next) return std::vector<std::string_view>{};
  const auto one = decode_term(now);
  const auto other = decode_term(next);
  if (!one || !other || !one->as_map() || !other->as_map()) return std::nullopt;
  if (keeps_output(*one) != keeps_output(*other)) return std::nullopt;
  if (Term::map(process_part(*one)) != Term::map(process_part(*other))) return std::nullopt;
  std::vector<std::string_view> keys;
  for (const auto key : taken_over_keys()) {
    const Term* before = one->get(key);
    const Term* after = other->get(key);
    if (!before != !after || (before && *before != *after)) keys.push_back(key);
  }
  return keys;
}

}  // namespace brood::core
