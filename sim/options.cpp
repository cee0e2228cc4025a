#include "sim/options.hpp"

#include <fmt/format.h>

#include <array>

namespace brood::sim {
namespace {
constexpr std::array<std::string_view, fault_count> fault_names{
    "crash",  "pause",  "break", "leave", "delay", "clock", "slow", "fail", "loop",
    "finish", "poison", "stuck", "split", "twice", "chaos", "busy", "full"};
constexpr std::array<std::string_view, plant_count> plant_names{
    "none",           "early_answer",  "lying_ack",        "deaf_stop",
    "silent_death",   "undead",        "agreeable_views",  "wrong_pid",
    "mute",           "needless_stop", "unfaithful_fence", "deaf_role",
    "two_starts",     "lost_parcel",   "early_open",       "no_quorum",
    "hasty_takeover", "loose_order",   "early_reply",      "call_again",
    "chance"};
constexpr std::array<std::string_view, partition_count> partition_names{"divergence", "static_quorum",
                                                                        "dynamic_quorum", "majority_quorum"};

std::optional<Fault> fault_of(std::string_view name) {
  for (std::size_t i = 0; i < fault_names.size(); ++i)
    if (fault_names[i] == name) return static_cast<Fault>(i);
  return std::nullopt;
}
}  // namespace

std::string_view to_string(Fault fault) noexcept {
  return fault_names[static_cast<std::size_t>(fault)];
}
std::string_view to_string(Plant plant) noexcept {
  return plant_names[static_cast<std::size_t>(plant)];
}

std::string_view to_string(Partition partition) noexcept {
  return partition_names[static_cast<std::size_t>(partition)];
}

std::optional<Partition> parse_partition(std::string_view name) noexcept {
  for (std::size_t i = 0; i < partition_names.size(); ++i)
    if (partition_names[i] == name) return static_cast<Partition>(i);
  return std::nullopt;
}

std::optional<Plant> parse_plant(std::string_view name) noexcept {
  for (std::size_t i = 0; i < plant_names.size(); ++i)
    if (plant_names[i] == name) return static_cast<Plant>(i);
  return std::nullopt;
}

Result<std::set<Fault>> parse_faults(std::string_view names) {
  std::set<Fault> out;
  if (names == "none" || names.empty()) return out;
  while (!names.empty()) {
    const std::size_t comma = std::min(names.find(','), names.size());
    const std::string_view name = names.substr(0, comma);
    names.remove_prefix(std::min(comma + 1, names.size()));
    if (name == "all") {
      for (std::size_t i = 0; i < fault_count; ++i) out.insert(static_cast<Fault>(i));
      continue;
    }
    const auto fault = fault_of(name);
    if (!fault)
      return Error{Errc::invalid_argument, fmt::format("no fault is called '{}'; there are all, none, {}",
                                                       name, fmt::join(fault_names, ", "))};
    out.insert(*fault);
  }
  return out;
}

Result<Copies> parse_copies(std::string_view text) {
  Copies copies;
  using Follow = Copies::Follow;
  constexpr std::array<std::pair<std::string_view, Follow>, 3> suffixes{
      {{"+roles", Follow::none}, {"+follow", Follow::each_call}, {"+follow_every", Follow::every}}};
  for (const auto& [suffix, follow] : suffixes) {
    if (!text.ends_with(suffix)) continue;
    copies.roles = true;
    copies.follow = follow;
    text.remove_suffix(suffix.size());
    break;
  }
  if (text == "all") {
    copies.factor = 0;
    return copies;
  }
  const bool is_digit = text.size() == 1 && text[0] >= '1' && text[0] <= '9';
  if (!is_digit)
    return Error{
        Errc::invalid_argument,
        fmt::format("copies are 1 to 9 or all, with +roles, +follow or +follow_every after it or not; "
                    "not '{}'",
                    text)};
  copies.factor = static_cast<std::uint32_t>(text[0] - '0');
  return copies;
}

std::string to_string(const Copies& copies) {
  const std::string count = copies.factor == 0 ? "all" : fmt::format("{}", copies.factor);
  if (copies.follow == Copies::Follow::each_call) return count + "+follow";
  if (copies.follow == Copies::Follow::every) return count + "+follow_every";
  return count + (copies.roles ? "+roles" : "");
}

std::string to_string(const std::set<Fault>& faults) {
  if (faults.empty()) return "none";
  std::string out;
  for (const Fault fault : faults) {
    if (!out.empty()) out += ',';
    out += to_string(fault);
  }
  return out;
}

}  // namespace brood::sim
