// What other tools' files say of programs, as a fleet file would say it, and what it could not take over.
//
// Pure functions, but for from_folder() and what includes other files. Plain data.
#pragma once

#include <brood/term.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/brood/cli/outcome.hpp"

namespace brood::app::init {

struct Program {
  std::string id = {};
  std::vector<std::string> exec = {};
  std::string cwd = {};  ///< Empty: the fleet file's folder.
  std::map<std::string, std::string> env = {};
  std::string restart = "permanent";
  std::string stop_signal = {};                            ///< Empty: SIGTERM.
  std::optional<std::chrono::milliseconds> shutdown = {};  ///< Not set: the default.
  /// The options of programs, by their keys, as the file has them.
  std::map<std::string, Term> options = {};
  std::string tag = {};
  unsigned count = 1;                     ///< More: the id has {n}.
  bool starts = true;                     ///< False: it is written as a comment.
  std::vector<std::string> remarks = {};  ///< What was not taken over, of this program.
};

struct Imported {
  std::string source;  ///< What it was read from, for the first line of the file.
  std::vector<Program> programs;
  std::vector<std::string> remarks;  ///< What was not taken over, of the file as a whole.
};

/// The words of a command, as a shell would part them; nullopt where it takes a shell to understand it
/// (pipes, variables, redirections) or a quote has no end.
[[nodiscard]] std::optional<std::vector<std::string>> plain_words(std::string_view command);

/// Heroku's format, as foreman and honcho read it: lines `name: command`.
[[nodiscard]] Outcome<Imported> from_procfile(std::string_view text, const std::string& path);

/// Gives the texts of the files that a pattern of [include] names, by their paths.
using Included = std::function<std::vector<std::pair<std::string, std::string>>(const std::string& pattern)>;
/// supervisord's format.
[[nodiscard]] Outcome<Imported> from_supervisord(std::string_view text, const std::string& path,
                                                 const Included& included);

/// The executables of a folder.
[[nodiscard]] Outcome<Imported> from_folder(const std::string& path);

/// The fleet file, with comments that explain it.
[[nodiscard]] std::string fleet_text(const Imported& imported, const std::string& node);

}  // namespace brood::app::init
