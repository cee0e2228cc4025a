// A file of NAME=VALUE lines, as docker's --env-file, systemd's EnvironmentFile and dotenv have it.
//
//   # a comment; so is an empty line
//   export LANG=C
//   GREETING="two words, \"quoted\"\n"      in double quotes \n \t \\ \" \$ mean what they mean in C
//   RAW='as it is, \n too'                   in single quotes nothing does
//   PLAIN=up to the end of the line          but for blanks around it, and what follows " #"
//
// Nothing is expanded: a $ is a $.
#pragma once

#include <brood/result.hpp>
#include <map>
#include <string>
#include <string_view>

namespace brood::exec {

/// A later line wins. invalid_argument with the line: what is no NAME=VALUE, a quote without end.
[[nodiscard]] Result<std::map<std::string, std::string>> parse_env_file(std::string_view text);
/// Reads the file. `start_failed` that names it. Any thread; it waits for the disk.
[[nodiscard]] Result<std::map<std::string, std::string>> load_env_file(const std::string& path);

}  // namespace brood::exec
