#include "exec/command.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "exec/options/options.hpp"

namespace brood::exec {
namespace {

constexpr int signal_max = 64;
/// Of one term in a message; a long one would hide the rest.
constexpr std::size_t shown_bytes_max = 80;

Error bad(std::string message) {
  return {Errc::invalid_argument, "command: " + std::move(message)};
}
Error bad(std::string_view key, std::string_view wanted, const Term& got) {
  return bad(fmt::format("{} must be {}, not {}", key, wanted, to_string(got, shown_bytes_max)));
}

bool has_zero(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

Result<void> check_env(const std::map<std::string, std::string>& env) {
  for (const auto& [name, value] : env) {
    if (name.empty() || name.find('=') != std::string::npos) {
      return bad(fmt::format("env has \"{}\", which cannot name a variable", name));
    }
    if (has_zero(name) || has_zero(value)) return bad("env has a text with a zero byte");
  }
  return {};
}

Result<void> read_argv(const Term& value, Command& command) {
  const auto* items = value.as_list();
  if (items == nullptr || items->empty()) return bad("argv", "a list of binaries, the program first", value);
  for (const auto& item : *items) {
    auto text = item.text();
    if (!text) return bad("each item of argv", "a binary", item);
    command.argv.push_back(std::move(*text));
  }
  return {};
}

Result<void> read_env(const Term& value, Command& command) {
  const auto* entries = value.as_map();
  if (entries == nullptr) return bad("env", "a map of binaries", value);
  for (const auto& [name, text] : *entries) {
    auto key = name.text();
    auto content = text.text();
    if (!key) return bad("each name in env", "a binary", name);
    if (!content) return bad(fmt::format("env's {}", *key), "a binary", text);
    command.env[std::move(*key)] = std::move(*content);
  }
  return {};
}

Result<void> read_cwd(const Term& value, Command& command) {
  auto text = value.text();
  if (!text) return bad("cwd", "a binary", value);
  command.cwd = std::move(*text);
  return {};
}

Result<void> read_stop_signal(const Term& value, Command& command) {
  const auto* number = value.as_integer();
  if (number != nullptr && *number >= 1 && *number <= signal_max) {
    command.stop_signal = static_cast<int>(*number);
    return {};
  }
  const auto text = number == nullptr ? value.text() : std::nullopt;
  const auto signal = text ? signal_from_name(*text) : std::nullopt;
  if (!signal) return bad("stop_signal", "a signal's name (sigterm) or number", value);
  command.stop_signal = *signal;
  return {};
}

Result<void> read_log_bytes(const Term& value, Command& command) {
  const auto* number = value.as_integer();
  if (number == nullptr || *number < 0) return bad("log_bytes_max", "a number of bytes", value);
  command.log_bytes_max = static_cast<std::size_t>(*number);
  return {};
}

std::string allowed_keys() {
  return fmt::format("argv, cwd, env, stop_signal, log_bytes_max, {}", fmt::join(option_names(), ", "));
}

Result<void> read_entry(const Term& key, const Term& value, Command& command) {
  const auto name = key.text().value_or("");
  if (name == "argv") return read_argv(value, command);
  if (name == "cwd") return read_cwd(value, command);
  if (name == "env") return read_env(value, command);
  if (name == "stop_signal") return read_stop_signal(value, command);
  if (name == "log_bytes_max") return read_log_bytes(value, command);
  if (is_option(name)) {
    auto read = read_option(name, value, command.options);
    if (!read) return bad(fmt::format("{} {}", name, read.error().message));
    return read;
  }
  return bad(fmt::format("unknown key {}; allowed are {}", to_string(key, shown_bytes_max), allowed_keys()));
}

}  // namespace

Result<void> validate(const Command& command) {
  if (command.argv.empty() || command.argv.front().empty()) return bad("argv names no program");
  for (const auto& text : command.argv) {
    if (has_zero(text)) return bad("argv has a text with a zero byte");
  }
  if (has_zero(command.cwd)) return bad("cwd has a zero byte");
  if (command.stop_signal < 1 || command.stop_signal > signal_max) {
    return bad(fmt::format("stop_signal {} is no signal", command.stop_signal));
  }
  if (auto options = validate(command.options); !options) return bad(options.error().message);
  return check_env(command.env);
}

Result<Command> command_from_term(const Term& term) {
  const auto* entries = term.as_map();
  if (entries == nullptr) return bad("it", "a map with argv => [Binary]", term);
  Command command;
  for (const auto& [key, value] : *entries) {
    if (auto read = read_entry(key, value, command); !read) return read.error();
  }
  if (command.argv.empty())
    return bad(fmt::format("the key argv is missing; allowed are {}", allowed_keys()));
  if (auto valid = validate(command); !valid) return valid.error();
  return command;
}

Term to_term(const Command& command) {
  const Command defaults{.argv = {}};
  std::vector<Term> argv;
  for (const auto& text : command.argv) argv.push_back(Term::binary(text));
  std::vector<std::pair<Term, Term>> entries{{Term::atom("argv"), Term::list(std::move(argv))}};
  if (command.cwd != defaults.cwd) entries.emplace_back(Term::atom("cwd"), Term::binary(command.cwd));
  if (!command.env.empty()) {
    std::vector<std::pair<Term, Term>> env;
    for (const auto& [name, value] : command.env) env.emplace_back(Term::binary(name), Term::binary(value));
    entries.emplace_back(Term::atom("env"), Term::map(std::move(env)));
  }
  if (command.stop_signal != defaults.stop_signal) {
    const auto name = signal_name(command.stop_signal);
    const bool named = signal_from_name(name).has_value();
    entries.emplace_back(Term::atom("stop_signal"),
                         named ? Term::atom(lower(name)) : Term(command.stop_signal));
  }
  if (command.log_bytes_max) {
    entries.emplace_back(Term::atom("log_bytes_max"), Term(std::uint64_t{*command.log_bytes_max}));
  }
  for (auto& entry : option_entries(command.options)) entries.push_back(std::move(entry));
  return Term::map(std::move(entries));
}

}  // namespace brood::exec
