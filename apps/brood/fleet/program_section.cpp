// The options of a program in [[supervisor.NAME.child]]: read by whoever reads them from requests too.
#include "apps/brood/fleet/sections.hpp"
#include "apps/brood/fleet/toml_term.hpp"
#include "exec/options/options.hpp"

namespace brood::app::fleet {

Options read_options(Section& section) {
  Options options;
  for (const auto& key : exec::option_names()) {
    const auto* entry = section.any(key);
    if (entry == nullptr) continue;
    if (auto term = to_term(entry->value, section.path_of(key), section.problems()))
      options.emplace_back(key, std::move(*term));
  }
  return options;
}

ProgramOptions program_of(const Options& options, const std::optional<std::string>& n,
                          const std::string& folder, Section& section) {
  ProgramOptions program;
  for (const auto& [key, value] : options) {
    const auto read = exec::read_option(key, n ? numbered(value, *n) : value, program);
    // Of many children what is wrong with the first is said of all.
    const bool told = n && *n != "1" && !section.problems().none();
    if (!read && !told) section.problem(key, read.error().message);
  }
  program.env_file = in_folder(program.env_file, folder);
  program.stdin_file = in_folder(program.stdin_file, folder);
  return program;
}

}  // namespace brood::app::fleet
