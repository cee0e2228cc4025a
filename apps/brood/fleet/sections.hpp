// The parts of a fleet file's reader; see fleet_file.hpp.
#pragma once

#include <map>
#include <optional>
#include <utility>

#include "apps/brood/fleet/fleet_file.hpp"
#include "apps/brood/fleet/section.hpp"

namespace brood::app::fleet {

[[nodiscard]] NodeSection read_node(Section section, const std::string& folder);
[[nodiscard]] SupervisorOptions read_supervisor(Section section, const std::string& name,
                                                const std::string& folder);
void read_strategies(Section& section, Strategies& strategies);
/// The children of one [[supervisor.NAME.child]]: several with `count`.
[[nodiscard]] std::vector<ChildSpec> read_child(Section section, const std::string& folder);
/// The options of a program as they are written, before {n} is replaced.
using Options = std::vector<std::pair<std::string, Term>>;
[[nodiscard]] Options read_options(Section& section);
/// What they say; `n`: of one of several. What is wrong with them is a problem of the section.
[[nodiscard]] ProgramOptions program_of(const Options& options, const std::optional<std::string>& n,
                                        const std::string& folder, Section& section);
/// The children after which others start: all there, and in no circle. `lines`: of the ids.
void check_order(const std::vector<ChildSpec>& specs, const std::map<Term, int>& lines,
                 const std::string& path, Problems& problems);
/// A list of nodes, each name@host.
[[nodiscard]] std::vector<NodeName> read_node_names(Section& section, std::string_view key);
/// A path of the file: relative ones are relative to the file's folder. An empty folder leaves them.
[[nodiscard]] std::string in_folder(const std::string& path, const std::string& folder);

}  // namespace brood::app::fleet
