// The completions of the shells.
#include <fmt/format.h>

#include <algorithm>

#include "apps/brood/manual/words.hpp"

namespace brood::app::manual {
namespace {

enum class Kind : std::uint8_t { none, word, choice, file, folder, id, node };

// What a value is, by the word that stands for it in the help.
Kind kind_of(const OptionWords& option) {
  if (!option.choices.empty()) return Kind::choice;
  const auto is = [&](std::initializer_list<const char*> words) {
    return std::find(words.begin(), words.end(), option.value) != words.end();
  };
  if (option.value.empty()) return Kind::none;
  if (is({"FILE"})) return Kind::file;
  if (is({"DIR"})) return Kind::folder;
  if (is({"ID", "ID...", "KEY"})) return Kind::id;
  if (is({"NODE"})) return Kind::node;
  return Kind::word;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  return fmt::format("{}", fmt::join(words, between));
}

std::vector<std::string> names_of(const std::vector<OptionWords>& options) {
  std::vector<std::string> out;
  for (const auto& option : options) out.insert(out.end(), option.names.begin(), option.names.end());
  return out;
}

std::vector<std::string> names_of(const ProgramWords& program) {
  std::vector<std::string> out;
  for (const auto& command : program.commands) out.push_back(command.name);
  return out;
}

// In single quotes, for any of the three.
std::string in_quotes(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

// --- bash

std::string bash_answer(const OptionWords& option) {
  switch (kind_of(option)) {
    case Kind::choice:
      return fmt::format("_brood_words \"{}\"", joined(option.choices, " "));
    case Kind::file:
      return "COMPREPLY=($(compgen -f -- \"$cur\"))";
    case Kind::folder:
      return "COMPREPLY=($(compgen -d -- \"$cur\"))";
    case Kind::id:
      return "_brood_words \"$(_brood_ids)\"";
    case Kind::node:
      return "_brood_words \"$(_brood_nodes)\"";
    case Kind::none:
    case Kind::word:
      return "COMPREPLY=()";
  }
  return "";
}

std::string bash_options(const std::vector<OptionWords>& options) {
  std::string out;
  for (const auto& option : options) {
    if (option.value.empty()) continue;
    out += fmt::format("      {}) {}; return ;;\n", joined(option.names, "|"), bash_answer(option));
  }
  return out;
}

std::string bash(const ProgramWords& program) {
  std::string commands;
  for (const auto& command : program.commands) {
    commands += fmt::format("    {})\n      case $prev in\n{}      esac\n", command.name,
                            bash_options(command.options));
    commands += fmt::format("      [[ $cur == -* ]] && {{ _brood_words \"{} $common\"; return; }}\n",
                            joined(names_of(command.options), " "));
    if (!command.positionals.empty())
      commands += fmt::format("      {}\n", bash_answer(command.positionals.front()));
    commands += "      ;;\n";
  }
  return fmt::format(R"bash(# bash completion of {0}; made by `{0} completion bash`
_brood_ids() {{ command {0} ps -q --timeout 1000 2>/dev/null; }}
_brood_nodes() {{ command {0} nodes -q --timeout 1000 2>/dev/null; }}
_brood_words() {{ COMPREPLY=($(compgen -W "$1" -- "$cur")); }}
_brood() {{
  local cur prev words cword common command='' i
  # Without the colon among what parts words: an atom is :name.
  if declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref -n : cur prev words cword
  else
    cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} words=("${{COMP_WORDS[@]}}") cword=$COMP_CWORD
  fi
  COMPREPLY=()
  common="{1}"
  for ((i = 1; i < cword; i++)); do
    case ${{words[i]}} in
      {2}) command=${{words[i]}}; break ;;
    esac
  done
  case $prev in
{3}  esac
  case $command in
{4}    '') if [[ $cur == -* ]]; then _brood_words "$common"; else _brood_words "{5}"; fi ;;
  esac
}}
complete -o default -F _brood {0}
)bash",
                     program.name, joined(names_of(program.options), " "), joined(names_of(program), "|"),
                     bash_options(program.options), commands, joined(names_of(program), " "));
}

// --- zsh

std::string zsh_action(const OptionWords& option) {
  switch (kind_of(option)) {
    case Kind::choice:
      return fmt::format("({})", joined(option.choices, " "));
    case Kind::file:
      return "_files";
    case Kind::folder:
      return "_files -/";
    case Kind::id:
      return "_brood_ids";
    case Kind::node:
      return "_brood_nodes";
    case Kind::none:
    case Kind::word:
      return " ";
  }
  return "";
}

// What stands in brackets may hold none, and a colon ends it.
std::string zsh_about(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::vector<std::string> zsh_specs(const std::vector<OptionWords>& options) {
  std::vector<std::string> out;
  for (const auto& option : options) {
    for (const auto& name : option.names) {
      auto spec = fmt::format("*{}[{}]", name, zsh_about(option.about));
      if (!option.value.empty()) spec += fmt::format(":{}:{}", zsh_about(option.value), zsh_action(option));
      out.push_back(in_quotes(spec));
    }
  }
  return out;
}

std::string zsh(const ProgramWords& program) {
  std::string commands;
  std::string cases;
  for (const auto& command : program.commands) {
    commands += "    " + in_quotes(command.name + ":" + zsh_about(command.about)) + "\n";
    auto specs = zsh_specs(command.options);
    for (const auto& positional : command.positionals)
      specs.push_back(in_quotes(fmt::format("*:{}:{}", zsh_about(positional.value), zsh_action(positional))));
    cases += fmt::format("        {}) _arguments -s $common {} ;;\n", command.name, joined(specs, " "));
  }
  return fmt::format(R"zsh(#compdef {0}
# zsh completion of {0}; made by `{0} completion zsh`
_brood_ids() {{ compadd -- ${{(f)"$(command {0} ps -q --timeout 1000 2>/dev/null)"}} }}
_brood_nodes() {{ compadd -- ${{(f)"$(command {0} nodes -q --timeout 1000 2>/dev/null)"}} }}
_brood() {{
  local -a commands common
  common=({1})
  commands=(
{2}  )
  _arguments -C -s $common '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe -t commands command commands ;;
    argument)
      case $words[1] in
{3}      esac ;;
  esac
}}
if [[ $funcstack[1] == _brood ]]; then _brood "$@"; else compdef _brood {0}; fi
)zsh",
                     program.name, joined(zsh_specs(program.options), " "), commands, cases);
}

// --- fish

std::string fish_option(const ProgramWords& program, const OptionWords& option, const std::string& when) {
  std::string out = fmt::format("complete -c {}{}", program.name, when);
  for (const auto& name : option.names)
    out += name.rfind("--", 0) == 0 ? " -l " + name.substr(2) : " -s " + name.substr(1);
  switch (kind_of(option)) {
    case Kind::none:
      break;
    case Kind::choice:
      out += " -x -a " + in_quotes(joined(option.choices, " "));
      break;
    case Kind::file:
      out += " -r -F";
      break;
    case Kind::folder:
      out += " -x -a '(__fish_complete_directories)'";
      break;
    case Kind::id:
      out += " -x -a '(__brood_ids)'";
      break;
    case Kind::node:
      out += " -x -a '(__brood_nodes)'";
      break;
    case Kind::word:
      out += " -x";
      break;
  }
  return out + " -d " + in_quotes(option.about) + "\n";
}

std::string fish(const ProgramWords& program) {
  std::string out = fmt::format(
      "# fish completion of {0}; made by `{0} completion fish`\n"
      "function __brood_ids; command {0} ps -q --timeout 1000 2>/dev/null; end\n"
      "function __brood_nodes; command {0} nodes -q --timeout 1000 2>/dev/null; end\n"
      "complete -c {0} -f\n",
      program.name);
  for (const auto& option : program.options) out += fish_option(program, option, "");
  for (const auto& command : program.commands) {
    out += fmt::format("complete -c {} -n __fish_use_subcommand -a {} -d {}\n", program.name, command.name,
                       in_quotes(command.about));
    const auto when = fmt::format(" -n '__fish_seen_subcommand_from {}'", command.name);
    for (const auto& option : command.options) out += fish_option(program, option, when);
    for (const auto& positional : command.positionals) {
      if (kind_of(positional) != Kind::word) out += fish_option(program, positional, when);
    }
  }
  return out;
}

}  // namespace

std::string completion(const ProgramWords& program, const std::string& shell) {
  if (shell == "bash") return bash(program);
  if (shell == "zsh") return zsh(program);
  if (shell == "fish") return fish(program);
  return "";
}

}  // namespace brood::app::manual
