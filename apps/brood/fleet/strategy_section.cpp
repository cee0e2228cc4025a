// The strategies of a supervisor in a fleet file: `partition = "divergence"`, or with settings a table,
// `partition = { use = "static_quorum", quorum_size = 3 }`.
#include <fmt/format.h>

#include "apps/brood/fleet/sections.hpp"

namespace brood::app::fleet {
namespace {

std::optional<Setting> setting_of(const TomlValue& value) {
  if (const auto* text = value.as<std::string>()) return Setting(*text);
  if (const auto* whole = value.as<std::int64_t>()) return Setting(*whole);
  if (const auto* real = value.as<double>()) return Setting(*real);
  if (const auto* flag = value.as<bool>()) return Setting(*flag);
  const auto* array = value.as<TomlArray>();
  if (array == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  for (const auto& item : array->items) {
    const auto* text = item.as<std::string>();
    if (text == nullptr) return std::nullopt;
    texts.push_back(*text);
  }
  return Setting(std::move(texts));
}

// Nothing: it is no strategy, and that has been said.
std::optional<StrategyChoice> choice_of(Section& section, std::string_view kind, const TomlEntry& entry) {
  if (const auto* name = entry.value.as<std::string>()) return StrategyChoice{*name};
  const auto* table = entry.value.as<TomlTable>();
  const auto complain = [&](std::string what) {
    section.problem(kind, std::move(what));
    return std::nullopt;
  };
  if (table == nullptr)
    return complain(
        fmt::format("is {}; allowed: the name of a strategy, or {{ use = \"name\", ... }} with its settings",
                    kind_of(entry.value)));
  StrategyChoice choice;
  for (const auto& item : table->entries) {
    if (item.key == "use") {
      const auto* name = item.value.as<std::string>();
      if (name == nullptr)
        return complain(fmt::format("use is {}; allowed: a text in quotes", kind_of(item.value)));
      choice.name = *name;
      continue;
    }
    auto setting = setting_of(item.value);
    if (!setting)
      return complain(fmt::format("{} is {}; allowed: a text, a number, true or false, an array of texts",
                                  item.key, kind_of(item.value)));
    choice.settings.emplace(item.key, *std::move(setting));
  }
  if (choice.name.empty()) return complain("has no key \"use\", which names the strategy");
  return choice;
}

template <typename Kind>
void read(Section& section, const char* kind, Chosen<Kind>& into) {
  const auto* entry = section.any(kind);
  if (entry == nullptr) return;
  auto choice = choice_of(section, kind, *entry);
  if (!choice) return;
  if (const auto fine = check_strategy(kind, *choice); !fine)
    return section.problem(kind, fine.error().message);
  into = *std::move(choice);
}

}  // namespace

void read_strategies(Section& section, Strategies& strategies) {
  read(section, "distribution", strategies.distribution);
  read(section, "redundancy", strategies.redundancy);
  read(section, "migration", strategies.migration);
  read(section, "synchronisation", strategies.synchronisation);
  read(section, "partition", strategies.partition);
}

}  // namespace brood::app::fleet
