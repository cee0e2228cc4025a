// Procfiles, the executables of a folder, and the words of commands.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "apps/brood/init/imported.hpp"

namespace brood::app::init {
namespace {

// What a shell does more with than to part words.
constexpr std::string_view for_a_shell = "$`|&;<>()*?[]~{}#!";

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  });
}

}  // namespace

std::optional<std::vector<std::string>> plain_words(std::string_view command) {
  std::vector<std::string> out;
  std::string word;
  bool in_word = false;
  char quote = '\0';
  for (std::size_t at = 0; at < command.size(); ++at) {
    const char c = command[at];
    if (quote != '\0') {
      if (c == quote) {
        quote = '\0';
      } else if (quote == '"' && (c == '$' || c == '`')) {
        return std::nullopt;
      } else if (quote == '"' && c == '\\' && at + 1 < command.size()) {
        word += command[++at];
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == '\\' && at + 1 < command.size()) {
      word += command[++at];
      in_word = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (in_word) out.push_back(std::move(word));
      word.clear();
      in_word = false;
    } else if (for_a_shell.find(c) != std::string_view::npos) {
      return std::nullopt;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != '\0') return std::nullopt;
  if (in_word) out.push_back(std::move(word));
  // NAME=value before a command is the shell's too.
  if (!out.empty() && out.front().find('=') != std::string::npos) return std::nullopt;
  return out;
}

Outcome<Imported> from_procfile(std::string_view text, const std::string& path) {
  Imported out{path, {}, {}};
  std::set<std::string> seen;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    auto line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    const auto first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos || line[first] == '#') continue;
    line = line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
    const auto colon = line.find(':');
    const auto name = std::string(line.substr(0, std::min(colon, line.size())));
    const auto begin = colon == std::string_view::npos ? colon : line.find_first_not_of(" \t", colon + 1);
    if (begin == std::string_view::npos || !is_name(name))
      return usage(
          fmt::format("{}: line {}: not `name: command`, as in a Procfile; what can be read is a Procfile, a "
                      "supervisord.conf, or a folder of programs",
                      path, number));
    if (!seen.insert(name).second)
      return usage(fmt::format("{}: line {}: there is a process {} already", path, number, name));
    const std::string command(line.substr(begin));
    Program program;
    program.id = name;
    program.tag = name;
    if (auto words = plain_words(command)) {
      program.exec = std::move(*words);
    } else {
      program.exec = {"sh", "-c", command};
    }
    if (command.find("$PORT") != std::string::npos || command.find("${PORT") != std::string::npos)
      program.remarks.emplace_back("it wants $PORT, which nobody sets: give it one in env");
    if (name == "release") {
      program.starts = false;
      program.remarks.emplace_back("a release step runs before the others, once: run it by hand");
    }
    out.programs.push_back(std::move(program));
  }
  if (out.programs.empty()) return usage(fmt::format("{}: names no process", path));
  return out;
}

Outcome<Imported> from_folder(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  Imported out{path, {}, {}};
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    std::error_code ignored;
    if (!entry.is_regular_file(ignored)) continue;
    const auto mode = entry.status(ignored).permissions();
    if ((mode & fs::perms::owner_exec) != fs::perms::none) found.push_back(entry.path());
  }
  if (error) return usage(fmt::format("{}: cannot be read: {}", path, error.message()));
  std::sort(found.begin(), found.end());
  std::set<std::string> ids;
  for (const auto& file : found) {
    Program program;
    program.id = file.stem().string();
    if (!ids.insert(program.id).second) {
      program.id = file.filename().string();
      ids.insert(program.id);
    }
    program.exec = {fs::absolute(file).lexically_normal().string()};
    out.programs.push_back(std::move(program));
  }
  if (out.programs.empty())
    return usage(fmt::format("{}: no Procfile, no supervisord.conf and no program is there", path));
  return out;
}

}  // namespace brood::app::init
