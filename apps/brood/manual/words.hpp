// The command line as data: what its man page, its completions and its help are all made of, so that they
// cannot differ.
//
// Plain data.
#pragma once

#include <string>
#include <vector>

namespace brood::app::manual {

struct OptionWords {
  std::vector<std::string> names;    ///< "-n", "--lines"; of a positional: none.
  std::string value;                 ///< What it takes: FILE, MS; empty: nothing.
  std::string about;                 ///< One sentence, without its dot.
  std::vector<std::string> choices;  ///< The words that it takes; empty: any.
  bool required = false;
};

struct CommandWords {
  std::string name;
  std::string about;
  std::vector<OptionWords> positionals;
  std::vector<OptionWords> options;
};

struct ProgramWords {
  std::string name;
  std::string about;
  std::string version;
  std::string footer;                ///< What holds for all commands.
  std::vector<OptionWords> options;  ///< Of every command.
  std::vector<CommandWords> commands;
};

/// The script that a shell reads: "bash", "zsh" or "fish"; of any other word it is empty. Names of nodes and
/// files complete; ids do by asking the node that BROOD_NODE names.
[[nodiscard]] std::string completion(const ProgramWords& program, const std::string& shell);
/// brood(1), for man(7).
[[nodiscard]] std::string man_page(const ProgramWords& program);

}  // namespace brood::app::manual
