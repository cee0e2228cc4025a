#include "apps/brood/cli/program_options.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>

#include "apps/brood/fleet/names.hpp"
#include "apps/brood/init/imported.hpp"
#include "exec/options/options.hpp"
#include "supervisor/driver/specs.hpp"

namespace brood::app {
namespace {

// A number where it is one; what takes text alone refuses it then.
Term word_term(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = !text.empty() && error == std::errc{} && end == text.data() + text.size();
  return is_number ? Term(number) : Term::binary(text);
}

// The same, with a fraction too.
Term number_term(const std::string& text) {
  if (text.find_first_not_of("0123456789.") == std::string::npos && text.find('.') != std::string::npos) {
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    if (*end == '\0') return Term(number);
  }
  return word_term(text);
}

Term list_term(const std::string& text) {
  std::vector<Term> items;
  for (const auto& word : node_list(text)) items.push_back(word_term(word));
  return Term::list(std::move(items));
}

std::string placed(const std::string& path) {
  std::error_code error;
  const auto whole = std::filesystem::absolute(path, error);
  return error ? path : whole.string();
}

Term value_of(const std::string& key, const std::string& text) {
  if (key == "nice") return word_term(text);
  if (key == "exit_codes" || key == "log_to") return list_term(text);
  if (key == "log_files") return word_term(text);
  if (key == "log_timestamps" || (key == "pty" && text == "true")) return Term::atom(text);
  const bool is_path = key == "env_file" || key == "stdin";
  return Term::binary(is_path && !text.empty() ? placed(text) : text);
}

std::string option_name(std::string key) {
  for (char& c : key)
    if (c == '_') c = '-';
  return "--" + key;
}

Outcome<void> take(Command& command, const std::string& key, const Term& value) {
  const auto read = exec::read_option(key, value, command.options);
  if (!read) return usage(fmt::format("start: {} {}", option_name(key), read.error().message));
  return {};
}

// NAME=VALUE, as often as it was given.
Outcome<void> take_pairs(const std::vector<std::string>& pairs, std::string_view option, std::string_view key,
                         Command& command) {
  if (pairs.empty()) return {};
  std::vector<std::pair<Term, Term>> entries;
  for (const auto& pair : pairs) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos)
      return usage(fmt::format("start: {} takes NAME=VALUE, not {}", option, pair));
    entries.emplace_back(Term::atom(pair.substr(0, equals)), number_term(pair.substr(equals + 1)));
  }
  const auto read = exec::read_option(key, Term::map(std::move(entries)), command.options);
  if (!read) return usage(fmt::format("start: {} {}", option, read.error().message));
  return {};
}

// A command as a shell would part its words.
Outcome<void> read_health(const StartArguments& start, Command& command) {
  if (start.health.empty()) return {};
  std::vector<std::pair<Term, Term>> entries;
  for (const auto& [key, text] : start.health) {
    Term value = key == "tcp" || key == "http" || key == "on_failure" ? Term::binary(text) : word_term(text);
    if (key == "exec") {
      const auto words = init::plain_words(text);
      if (!words) return usage("start: --health-exec takes a plain command; sh -c '...' asks for a shell");
      std::vector<Term> items;
      for (const auto& word : *words) items.push_back(Term::binary(word));
      value = Term::list(std::move(items));
    }
    entries.emplace_back(Term::atom(key), std::move(value));
  }
  const auto read = exec::read_option("health", Term::map(std::move(entries)), command.options);
  if (!read) return usage(fmt::format("start: --health-... {}", read.error().message));
  return {};
}

// A command means the same wherever the node was started: what has a folder in it is relative to where one
// stands, or to its own --cwd.
void place_command(Command& command) {
  if (command.cwd) {
    command.cwd = placed(*command.cwd);
    return;
  }
  const auto place = [](std::vector<std::string>& words) {
    if (!words.empty() && words.front().find('/') != std::string::npos) words.front() = placed(words.front());
  };
  place(command.argv);
  if (command.options.health) place(command.options.health->exec);
}

}  // namespace

Outcome<void> read_program_options(const StartArguments& start, Command& command) {
  for (const auto& [key, text] : start.options)
    if (auto taken = take(command, key, value_of(key, text)); !taken) return taken;
  if (auto read = take_pairs(start.limits, "--limit", "limits", command); !read) return read;
  if (auto read = take_pairs(start.cgroup, "--cgroup", "cgroup", command); !read) return read;
  if (auto read = read_health(start, command); !read) return read;
  place_command(command);
  return {};
}

std::string option_of_programs(const StartArguments& start) {
  if (start.start_before_stop) return "--start-before-stop";
  if (!start.cwd.empty()) return "--cwd";
  if (!start.env.empty()) return "--env";
  if (!start.stop_signal.empty()) return "--stop-signal";
  if (!start.limits.empty()) return "--limit";
  if (!start.cgroup.empty()) return "--cgroup";
  if (!start.health.empty()) return option_name("health_" + start.health.front().first);
  return start.options.empty() ? "" : option_name(start.options.front().first);
}

Outcome<void> read_order(const StartArguments& start, ChildSpec& spec) {
  for (const auto& word : node_list(start.after)) {
    const auto id = parse_id(word);
    if (!id) return usage("start: --after: " + id.error().message);
    spec.after.push_back(Id(*id));
  }
  spec.start_period = std::chrono::milliseconds(start.start_period);
  if (start.backoff) spec.backoff = std::chrono::milliseconds(*start.backoff);
  if (start.backoff_max) spec.backoff_max = std::chrono::milliseconds(*start.backoff_max);
  spec.give_up_after = start.give_up_after;
  if (auto fine = supervisor::check_pace(spec); !fine) return usage("start: " + fine.error().message);
  return {};
}

OptionList options_of(const Term& child, const Term& command) {
  OptionList out;
  const auto take = [&](const Term& map, const std::string& key) {
    if (const Term* value = map.get(key)) out.emplace_back(key, *value);
  };
  for (const char* key : {"cwd", "stop_signal"}) take(command, key);
  for (const auto& key : exec::option_names()) take(command, key);
  for (const auto& key : supervisor::added_keys()) take(child, key);
  if (const Term* ready = child.get("start_before_stop")) {
    out.emplace_back("start_before_stop", Term(true));
    out.emplace_back("ready_timeout_ms", *ready);
  }
  for (const char* key : {"nodes", "mapping", "metadata"}) take(child, key);
  return out;
}

std::string option_text(const Term& value) {
  std::string out;
  const auto add = [&](const std::string& word) { (out += out.empty() ? "" : ", ") += word; };
  if (const auto* items = value.as_list()) {
    for (const auto& item : *items) add(option_text(item));
  } else if (const auto* entries = value.as_map()) {
    for (const auto& [key, item] : *entries)
      add(key.text().value_or(to_string(key)) + "=" + option_text(item));
  } else {
    out = value.as_integer() ? to_string(value) : value.text().value_or(to_string(value));
  }
  return out;
}

Json options_json(const OptionList& options) {
  auto out = Json::object();
  for (const auto& [key, value] : options) out[key] = term_json(value);
  return out;
}

}  // namespace brood::app
