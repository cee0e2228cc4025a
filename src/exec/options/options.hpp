// The options of a program as terms, and what is wrong with them: one reader for the fleet file, `brood
// start` and the requests of other nodes.
//
// Pure functions.
#pragma once

#include <brood/program_options.hpp>
#include <brood/result.hpp>
#include <brood/term.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace brood::exec {

/// The keys, as all three have them.
[[nodiscard]] const std::vector<std::string>& option_names();
[[nodiscard]] bool is_option(std::string_view key);
/// Takes one option over. invalid_argument in words that go behind the key: "must be -20 to 19, not 40".
[[nodiscard]] Result<void> read_option(std::string_view key, const Term& value, ProgramOptions& options);
/// The keys and values that read_option() takes; what has its default is left out.
[[nodiscard]] std::vector<std::pair<Term, Term>> option_entries(const ProgramOptions& options);
/// What read_option() would refuse, key and all. For options that C++ has filled in.
[[nodiscard]] Result<void> validate(const ProgramOptions& options);

/// The names of the limits that a process may have, as `limits` takes them.
struct LimitName {
  std::string_view name;
  int resource;
};
[[nodiscard]] const std::vector<LimitName>& limit_names();

}  // namespace brood::exec
