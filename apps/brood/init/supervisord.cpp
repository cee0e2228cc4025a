// supervisord.conf.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>

#include "apps/brood/cli/arguments.hpp"
#include "apps/brood/fleet/section.hpp"
#include "apps/brood/init/imported.hpp"
#include "apps/brood/init/ini.hpp"
#include "exec/exit_status.hpp"
#include "exec/options/options.hpp"

namespace brood::app::init {
namespace {

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

/// %(program_name)s and the like, as Python's % writes them. What is not known stays, and is remarked.
class Expansion {
 public:
  /// `first`: the number of the first process.
  Expansion(std::map<std::string, std::string> values, std::int64_t first, std::vector<std::string>& remarks)
      : values_(std::move(values)), first_(first), remarks_(remarks) {}

  std::string operator()(const std::string& text) const {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      if (text[at] != '%' || at + 1 == text.size()) {
        out += text[at++];
      } else if (text[at + 1] == '%') {
        out += '%';
        at += 2;
      } else {
        at = expand(text, at, out);
      }
    }
    return out;
  }

 private:
  // Where it goes on.
  std::size_t expand(const std::string& text, std::size_t at, std::string& out) const {
    const auto close = text[at + 1] == '(' ? text.find(')', at) : std::string::npos;
    const auto letter = close == std::string::npos ? close : text.find_first_of("sdif", close);
    if (letter == std::string::npos) {
      out += text[at];
      return at + 1;
    }
    const auto name = text.substr(at + 2, close - at - 2);
    const auto whole = text.substr(at, letter - at + 1);
    if (name == "process_num") {
      out += "{n}";
      if (letter != close + 1)
        remark(fmt::format("{}: brood counts from 1 without leading zeros", whole));
      else if (first_ != 1)
        remark(fmt::format("{}: brood counts from 1, supervisord here from {}", whole, first_));
    } else if (const auto found = values_.find(name); found != values_.end()) {
      out += found->second;
    } else if (const char* value = name.rfind("ENV_", 0) == 0 ? std::getenv(name.c_str() + 4) : nullptr) {
      out += value;
    } else {
      remark(
          name.rfind("ENV_", 0) == 0
              ? fmt::format("{}: {} is not set here: write what it stands for, or set it and run this again",
                            whole, name.substr(4))
              : fmt::format("{}: what it stands for is not known here", whole));
      out += whole;
    }
    return letter + 1;
  }

  // Keys are read more than once.
  void remark(std::string words) const {
    if (std::find(remarks_.begin(), remarks_.end(), words) == remarks_.end())
      remarks_.push_back(std::move(words));
  }

  std::map<std::string, std::string> values_;
  std::int64_t first_;
  std::vector<std::string>& remarks_;
};

// KEY="value",KEY2='value 2'
std::map<std::string, std::string> environment(const std::string& text, std::vector<std::string>& remarks) {
  std::map<std::string, std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    at = text.find_first_not_of(" \t\n,", at);
    if (at == std::string::npos) break;
    const auto equals = text.find('=', at);
    if (equals == std::string::npos) {
      remarks.push_back(fmt::format("environment: not understood: {}", text.substr(at)));
      break;
    }
    auto name = text.substr(at, equals - at);
    name.erase(name.find_last_not_of(" \t\n") + 1);
    at = text.find_first_not_of(" \t\n", equals + 1);
    std::string value;
    if (at != std::string::npos && (text[at] == '"' || text[at] == '\'')) {
      const auto end = std::min(text.find(text[at], at + 1), text.size());
      value = text.substr(at + 1, end - at - 1);
      at = end + 1;
    } else if (at != std::string::npos) {
      const auto end = std::min(text.find(',', at), text.size());
      value = text.substr(at, end - at);
      value.erase(value.find_last_not_of(" \t\n") + 1);
      at = end;
    }
    out[name] = value;
  }
  return out;
}

// What brood has no counterpart of, or does by itself.
const std::map<std::string, std::string>& not_carried() {
  static const std::map<std::string, std::string> table{
      {"priority", "say what starts after what: after = [\"ID\"]"},
      {"startretries", "brood tries for ever, with growing pauses"},
      {"serverurl", "there is no such thing"},
      {"stdout_events_enabled", "there are no such events"},
      {"stderr_events_enabled", "there are no such events"},
      {"stdout_syslog", "`brood logs` has the output"},
      {"stderr_syslog", "`brood logs` has the output"},
  };
  return table;
}

// Read together, by read_log_size().
bool is_log_size(const std::string& key) {
  return key == "stdout_logfile_maxbytes" || key == "stdout_logfile_backups";
}

// What means nothing here, and is missed by nobody.
bool is_silent(const std::string& key) {
  static const std::vector<std::string> keys{"stdout_logfile",
                                             "stderr_logfile",
                                             "stderr_logfile_maxbytes",
                                             "stderr_logfile_backups",
                                             "stdout_capture_maxbytes",
                                             "stderr_capture_maxbytes",
                                             "redirect_stderr",
                                             "numprocs_start",
                                             "process_name",
                                             "killasgroup",
                                             "stopasgroup"};
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

void read_restart(const std::string& value, Program& program) {
  if (value == "true") program.restart = "permanent";
  if (value == "unexpected") program.restart = "transient";
  if (value == "false") program.restart = "temporary";
}

Term codes_of(const std::string& text) {
  std::vector<Term> codes;
  for (const auto& word : node_list(text)) {
    const auto code = number(word);
    codes.push_back(code ? Term(*code) : Term::binary(word));
  }
  return Term::list(std::move(codes));
}

void take_option(const std::string& key, Term value, const std::string& written, Program& program) {
  ProgramOptions ignored;
  if (const auto fine = exec::read_option(key, value, ignored); !fine)
    return program.remarks.push_back(fmt::format("{} = {}: {}", key, written, fine.error().message));
  program.options[key] = std::move(value);
}

/// "50MB": supervisord counts by 1024.
std::optional<std::int64_t> bytes_of(const std::string& text) {
  static const std::map<std::string, std::int64_t> units{
      {"", 1}, {"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", std::int64_t{1} << 30}};
  const auto digits = text.find_first_not_of("0123456789");
  const auto amount = number(text.substr(0, digits));
  const auto unit = units.find(digits == std::string::npos ? "" : text.substr(digits));
  if (!amount || unit == units.end() || *amount > (std::int64_t{1} << 40) / unit->second) return std::nullopt;
  return *amount * unit->second;
}

// A file and its backups are the files of our log; 0 bytes is one without a bound, which we have not.
void read_log_size(const IniSection& section, Program& program) {
  const auto* size_text = section.get("stdout_logfile_maxbytes");
  const auto* backups_text = section.get("stdout_logfile_backups");
  if (size_text == nullptr && backups_text == nullptr) return;
  const auto size = bytes_of(size_text == nullptr ? "50MB" : *size_text);
  const auto backups = number(backups_text == nullptr ? "10" : *backups_text);
  if (!size || !backups || *size == 0 || *backups < 0) {
    return program.remarks.push_back(fmt::format(
        "stdout_logfile_maxbytes = {}: brood keeps a part of the output, 1 MiB unless log_size says more",
        size_text == nullptr ? "50MB" : *size_text));
  }
  const std::int64_t files = std::clamp<std::int64_t>(*backups + 1, 2, 100);
  program.options["log_size"] = Term(std::min(*size * (*backups + 1), std::int64_t{1} << 40));
  if (files != 2) program.options["log_files"] = Term(files);
}

void read_key(const std::string& key, const std::string& value, Program& program) {
  if (key == "directory") {
    program.cwd = value;
  } else if (key == "environment") {
    program.env = environment(value, program.remarks);
  } else if (key == "autorestart") {
    read_restart(value, program);
  } else if (key == "autostart") {
    program.starts = value != "false";
  } else if (key == "stopsignal") {
    const auto signal = exec::signal_from_name(value);
    if (signal) {
      program.stop_signal = exec::signal_name(*signal);
    } else {
      program.remarks.push_back(fmt::format("stopsignal = {}: no such signal", value));
    }
  } else if (key == "stopwaitsecs") {
    if (const auto seconds = number(value)) program.shutdown = std::chrono::seconds(*seconds);
  } else if (key == "numprocs") {
    if (const auto count = number(value); count && *count > 1) program.count = static_cast<unsigned>(*count);
  } else if (key == "exitcodes") {
    if (value != "0") take_option("exit_codes", codes_of(value), value, program);
  } else if (key == "user") {
    take_option("user", Term::binary(value), value, program);
  } else if (key == "umask") {
    take_option("umask", Term::binary(value), value, program);
  } else if (key == "startsecs") {
    if (const auto seconds = number(value); seconds && *seconds > 0 && *seconds <= 86'400)
      program.options["start_period_ms"] = Term(*seconds * 1000);
  } else if (const auto found = not_carried().find(key); found != not_carried().end()) {
    program.remarks.push_back(fmt::format("{} = {}: {}", key, value, found->second));
  } else if (key != "command" && !is_log_size(key) && !is_silent(key)) {
    program.remarks.push_back(fmt::format("{} = {}: not known here", key, value));
  }
}

Outcome<Program> read_program(const IniSection& section, const std::string& name, const std::string& path) {
  Program program;
  program.id = name;
  program.restart = "transient";  // supervisord's own default is `unexpected`
  program.shutdown = std::chrono::seconds(10);
  const auto* first = section.get("numprocs_start");
  const Expansion expand({{"program_name", name}, {"here", folder_of(path)}, {"group_name", name}},
                         first == nullptr ? 0 : number(*first).value_or(0), program.remarks);
  const auto* command = section.get("command");
  if (command == nullptr) return usage(fmt::format("{}: [{}] has no command", path, section.name));
  const auto line = expand(*command);
  // It is no shell's: only quotes and blanks mean something, so what is left is for the program.
  auto words = plain_words(line);
  if (!words) {
    std::string parted;
    for (const char c : line) {
      if (std::string_view("$`|&;<>()*?[]~{}#!").find(c) != std::string_view::npos) parted += '\\';
      parted += c;
    }
    words = plain_words(parted);
  }
  if (!words || words->empty())
    return usage(fmt::format("{}: [{}]: its command is not understood", path, section.name));
  program.exec = std::move(*words);
  // The rule of restart first: others are read by it.
  if (const auto* restart = section.get("autorestart")) read_restart(*restart, program);
  for (const auto& [key, value] : section.entries) read_key(key, expand(value), program);
  read_log_size(section, program);
  if (program.count > 1) program.id += "-{n}";
  return program;
}

}  // namespace

Outcome<Imported> from_supervisord(std::string_view text, const std::string& path, const Included& included) {
  auto sections = parse_ini(text, path);
  if (!sections) return tl::unexpected(sections.error());
  std::vector<std::pair<std::string, IniSection>> all;
  for (auto& section : *sections) all.emplace_back(path, std::move(section));
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].second.name != "include") continue;
    const auto* files = all[i].second.get("files");
    if (files == nullptr) continue;
    for (const auto& pattern : plain_words(*files).value_or(std::vector<std::string>{*files})) {
      for (auto& [file, words] : included(pattern)) {
        auto more = parse_ini(words, file);
        if (!more) return tl::unexpected(more.error());
        for (auto& section : *more) all.emplace_back(file, std::move(section));
      }
    }
  }
  Imported out{path, {}, {}};
  std::map<std::string, std::string> tags;
  for (const auto& [file, section] : all) {
    const auto colon = section.name.find(':');
    const auto kind = section.name.substr(0, colon);
    const auto name = colon == std::string::npos ? "" : section.name.substr(colon + 1);
    if (kind == "program") {
      auto program = read_program(section, name, file);
      if (!program) return tl::unexpected(program.error());
      out.programs.push_back(std::move(*program));
    } else if (kind == "group") {
      const auto* members = section.get("programs");
      std::string member;
      for (const char c : (members == nullptr ? std::string() : *members) + ",") {
        if (c == ',') {
          if (!member.empty()) tags[member] = name;
          member.clear();
        } else if (c != ' ' && c != '\n' && c != '\t') {
          member += c;
        }
      }
    } else if (kind == "eventlistener" || kind == "fcgi-program") {
      out.remarks.push_back(fmt::format("[{}]: brood has nothing like it", section.name));
    }
  }
  for (auto& program : out.programs) {
    const auto found = tags.find(program.id.substr(0, program.id.find("-{n}")));
    if (found != tags.end()) program.tag = found->second;
  }
  if (out.programs.empty()) return usage(fmt::format("{}: has no [program:NAME]", path));
  return out;
}

}  // namespace brood::app::init
