#include "exec/options/options.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "exec/health/target.hpp"
#include "exec/options/output_options.hpp"
#include "exec/options/reading.hpp"

namespace brood::exec {
namespace {

constexpr unsigned umask_max = 0777;
constexpr int nice_least = -20;
constexpr int nice_most = 19;
constexpr std::size_t codes_max = 256;
constexpr const char* limit_form = "a number, \"unlimited\", \"512MiB\", or \"SOFT:HARD\" of these";

Result<std::string> words(const Term& value, std::string_view what) {
  auto text = value.as_integer() ? std::nullopt : value.text();
  if (!text) return wrong(what, value);
  if (text->empty()) return refused("is empty; leave it out instead");
  if (text->find('\0') != std::string::npos) return refused("has a zero byte");
  return *text;
}

Result<void> read_text(std::string& into, const Term& value, std::string_view what) {
  auto text = words(value, what);
  if (!text) return text.error();
  into = std::move(*text);
  return {};
}

Result<void> read_account(std::string& into, const Term& value) {
  if (const auto* number = value.as_integer(); number && *number >= 0 && *number < UINT32_MAX) {
    into = std::to_string(*number);
    return {};
  }
  return read_text(into, value, "a name or a number");
}

Result<void> read_umask(ProgramOptions& options, const Term& value) {
  constexpr std::string_view wanted = "octal digits as text, \"027\"";
  const auto text = value.as_integer() ? std::nullopt : value.text();
  if (!text || text->empty()) return wrong(wanted, value);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number, 8);
  if (error != std::errc{} || end != text->data() + text->size() || number > umask_max)
    return wrong(wanted, value);
  options.umask = number;
  return {};
}

Result<void> read_nice(ProgramOptions& options, const Term& value) {
  const auto* number = value.as_integer();
  if (!number || *number < nice_least || *number > nice_most) return wrong("a number from -20 to 19", value);
  options.nice = static_cast<int>(*number);
  return {};
}

std::optional<ResourceLimit> limit_of(const Term& value) {
  if (const auto* number = value.as_integer()) {
    if (*number < 0) return std::nullopt;
    return ResourceLimit{static_cast<std::uint64_t>(*number), static_cast<std::uint64_t>(*number)};
  }
  const auto text = value.text();
  if (!text) return std::nullopt;
  const auto colon = text->find(':');
  const auto soft = size_of(std::string_view(*text).substr(0, colon));
  const auto hard = colon == std::string::npos ? soft : size_of(std::string_view(*text).substr(colon + 1));
  if (!soft || !hard || *soft > *hard) return std::nullopt;
  return ResourceLimit{*soft, *hard};
}

const LimitName* find_limit(std::string_view name) {
  const auto& all = limit_names();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

Error no_such_limit(std::string_view name) {
  std::string known;
  for (const auto& one : limit_names()) (known += known.empty() ? "" : ", ") += one.name;
  return refused(fmt::format("has no \"{}\"; allowed: {}", name, known));
}

Result<void> read_limits(ProgramOptions& options, const Term& value) {
  const auto* entries = value.as_map();
  if (!entries) return wrong("a table of limits, { nofile = 1024 }", value);
  options.limits.clear();
  for (const auto& [key, term] : *entries) {
    const auto name = key.text().value_or("");
    if (!find_limit(name)) return no_such_limit(name);
    const auto limit = limit_of(term);
    if (!limit) return refused(fmt::format("{} must be {}, not {}", name, limit_form, shown(term)));
    options.limits[name] = *limit;
  }
  return {};
}

Result<void> read_exit_codes(ProgramOptions& options, const Term& value) {
  constexpr std::string_view wanted = "a list of numbers from 0 to 255, [0, 3]";
  const auto* items = value.as_list();
  if (!items || items->empty() || items->size() > codes_max) return wrong(wanted, value);
  options.exit_codes.clear();
  for (const Term& item : *items) {
    const auto* code = item.as_integer();
    if (!code || *code < 0 || *code > 255) return wrong(wanted, item);
    options.exit_codes.push_back(static_cast<int>(*code));
  }
  std::sort(options.exit_codes.begin(), options.exit_codes.end());
  options.exit_codes.erase(std::unique(options.exit_codes.begin(), options.exit_codes.end()),
                           options.exit_codes.end());
  return {};
}

Result<std::chrono::milliseconds> time_of(std::string_view key, const Term& value, std::int64_t least,
                                          std::int64_t most) {
  const auto* number = value.as_integer();
  if (number && *number >= least && *number <= most) return std::chrono::milliseconds(*number);
  return refused(fmt::format("{} must be {} to {} milliseconds, not {}", key, least, most, shown(value)));
}

Result<void> read_asked(HealthCheck& check, std::string_view key, const Term& value) {
  if (key == "exec") {
    const auto* items = value.as_list();
    if (!items || items->empty()) return refused("exec must be a command, [\"program\", \"argument\"]");
    check.exec.clear();
    for (const Term& item : *items) {
      auto word = words(item, "text");
      if (!word) return refused("exec " + word.error().message);
      check.exec.push_back(std::move(*word));
    }
    return {};
  }
  auto text = words(value, "text");
  if (!text) return refused(fmt::format("{} {}", key, text.error().message));
  const auto target = key == "tcp" ? target_of_tcp(*text) : target_of_http(*text);
  if (!target) return refused(fmt::format("{} {}", key, target.error().message));
  (key == "tcp" ? check.tcp : check.http) = std::move(*text);
  return {};
}

Result<void> read_health_key(HealthCheck& check, std::string_view key, const Term& value) {
  constexpr std::int64_t hour = 3'600'000;
  constexpr std::int64_t day = 24 * hour;
  const auto take = [&](std::chrono::milliseconds& into, std::int64_t least,
                        std::int64_t most) -> Result<void> {
    auto time = time_of(key, value, least, most);
    if (!time) return time.error();
    into = *time;
    return {};
  };
  if (key == "tcp" || key == "http" || key == "exec") return read_asked(check, key, value);
  if (key == "interval_ms") return take(check.interval, 10, day);
  if (key == "timeout_ms") return take(check.timeout, 1, hour);
  if (key == "start_period_ms") return take(check.start_period, 0, day);
  if (key == "threshold") {
    const auto* number = value.as_integer();
    if (!number || *number < 1 || *number > 1000)
      return refused("threshold must be 1 to 1000, not " + shown(value));
    check.threshold = static_cast<unsigned>(*number);
    return {};
  }
  if (key == "on_failure") {
    const auto word = value.text().value_or("");
    if (word != "restart" && word != "report")
      return refused("on_failure must be \"restart\" or \"report\", not " + shown(value));
    check.on_failure = word == "report" ? HealthCheck::OnFailure::report : HealthCheck::OnFailure::restart;
    return {};
  }
  return refused(
      fmt::format("has no \"{}\"; allowed: tcp, http, exec, interval_ms, timeout_ms, threshold, "
                  "start_period_ms, on_failure",
                  key));
}

Result<void> read_health(ProgramOptions& options, const Term& value) {
  const auto* entries = value.as_map();
  if (!entries) return wrong("a table, { tcp = \"127.0.0.1:8080\" }", value);
  HealthCheck check;
  for (const auto& [key, term] : *entries)
    if (auto read = read_health_key(check, key.text().value_or(""), term); !read) return read;
  const int asked = (check.tcp.empty() ? 0 : 1) + (check.http.empty() ? 0 : 1) + (check.exec.empty() ? 0 : 1);
  if (asked != 1) return refused("must have one of tcp, http and exec");
  options.health = std::move(check);
  return {};
}

Term health_term(const HealthCheck& check) {
  const HealthCheck defaults;
  std::vector<std::pair<Term, Term>> entries;
  const auto add = [&](std::string_view key, Term value) {
    entries.emplace_back(Term::atom(key), std::move(value));
  };
  const auto add_time = [&](std::string_view key, std::chrono::milliseconds time,
                            std::chrono::milliseconds usual) {
    if (time != usual) add(key, Term(std::int64_t{time.count()}));
  };
  if (!check.tcp.empty()) add("tcp", Term::binary(check.tcp));
  if (!check.http.empty()) add("http", Term::binary(check.http));
  if (!check.exec.empty()) {
    std::vector<Term> items;
    for (const auto& word : check.exec) items.push_back(Term::binary(word));
    add("exec", Term::list(std::move(items)));
  }
  add_time("interval_ms", check.interval, defaults.interval);
  add_time("timeout_ms", check.timeout, defaults.timeout);
  if (check.threshold != defaults.threshold) add("threshold", Term(std::int64_t{check.threshold}));
  add_time("start_period_ms", check.start_period, defaults.start_period);
  if (check.on_failure == HealthCheck::OnFailure::report) add("on_failure", Term::binary("report"));
  return Term::map(std::move(entries));
}

std::string limit_word(std::uint64_t value) {
  return value == ResourceLimit::unlimited ? "unlimited" : std::to_string(value);
}

Term limit_term(const ResourceLimit& limit) {
  constexpr std::uint64_t most = INT64_MAX;
  if (limit.soft != limit.hard)
    return Term::binary(fmt::format("{}:{}", limit_word(limit.soft), limit_word(limit.hard)));
  if (limit.soft <= most) return Term(static_cast<std::int64_t>(limit.soft));
  return Term::binary(limit_word(limit.soft));
}

}  // namespace

const std::vector<LimitName>& limit_names() {
  static const std::vector<LimitName> names{{"as", RLIMIT_AS},           {"core", RLIMIT_CORE},
                                            {"cpu", RLIMIT_CPU},         {"data", RLIMIT_DATA},
                                            {"fsize", RLIMIT_FSIZE},     {"locks", RLIMIT_LOCKS},
                                            {"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE},
                                            {"nofile", RLIMIT_NOFILE},   {"nproc", RLIMIT_NPROC},
                                            {"rss", RLIMIT_RSS},         {"rtprio", RLIMIT_RTPRIO},
                                            {"rttime", RLIMIT_RTTIME},   {"sigpending", RLIMIT_SIGPENDING},
                                            {"stack", RLIMIT_STACK}};
  return names;
}

const std::vector<std::string>& option_names() {
  static const std::vector<std::string> names{
      "user", "group",      "umask",  "nice",     "limits",    "cgroup",         "env_file", "stdin",
      "pty",  "exit_codes", "health", "log_size", "log_files", "log_timestamps", "log_to"};
  return names;
}

bool is_option(std::string_view key) {
  const auto& names = option_names();
  return std::find(names.begin(), names.end(), key) != names.end();
}

Result<void> read_option(std::string_view key, const Term& value, ProgramOptions& options) {
  if (key == "user") return read_account(options.user, value);
  if (key == "group") return read_account(options.group, value);
  if (key == "umask") return read_umask(options, value);
  if (key == "nice") return read_nice(options, value);
  if (key == "limits") return read_limits(options, value);
  if (key == "env_file") return read_text(options.env_file, value, "a path");
  if (key == "stdin") return read_text(options.stdin_file, value, "a path");
  if (key == "exit_codes") return read_exit_codes(options, value);
  if (key == "health") return read_health(options, value);
  if (key == "cgroup") return read_cgroup(options.cgroup, value);
  if (key == "pty") return read_pty(options, value);
  if (key.starts_with("log_")) return read_log_option(key, value, options);
  return refused("is no option of a program");
}

std::vector<std::pair<Term, Term>> option_entries(const ProgramOptions& options) {
  const ProgramOptions defaults;
  std::vector<std::pair<Term, Term>> entries;
  const auto add = [&](std::string_view key, Term value) {
    entries.emplace_back(Term::atom(key), std::move(value));
  };
  const auto add_text = [&](std::string_view key, const std::string& text) {
    if (!text.empty()) add(key, Term::binary(text));
  };
  add_text("user", options.user);
  add_text("group", options.group);
  if (options.umask) add("umask", Term::binary(fmt::format("{:03o}", *options.umask)));
  if (options.nice) add("nice", Term(std::int64_t{*options.nice}));
  if (!options.limits.empty()) {
    std::vector<std::pair<Term, Term>> limits;
    for (const auto& [name, limit] : options.limits) limits.emplace_back(Term::atom(name), limit_term(limit));
    add("limits", Term::map(std::move(limits)));
  }
  if (options.cgroup.any()) add("cgroup", cgroup_term(options.cgroup));
  add_text("env_file", options.env_file);
  add_text("stdin", options.stdin_file);
  if (options.pty) add("pty", pty_term(*options.pty));
  if (options.exit_codes != defaults.exit_codes) {
    std::vector<Term> codes;
    for (const int code : options.exit_codes) codes.emplace_back(std::int64_t{code});
    add("exit_codes", Term::list(std::move(codes)));
  }
  if (options.health) add("health", health_term(*options.health));
  if (options.log_size) add("log_size", Term(std::uint64_t{*options.log_size}));
  if (options.log_files) add("log_files", Term(std::int64_t{*options.log_files}));
  if (options.log_timestamps) add("log_timestamps", Term::atom("true"));
  if (options.log_to != LogTo{}) add("log_to", log_to_term(options.log_to));
  return entries;
}

Result<void> validate(const ProgramOptions& options) {
  ProgramOptions read;
  for (const auto& [key, value] : option_entries(options)) {
    const auto& name = key.as_atom()->name;
    if (auto fine = read_option(name, value, read); !fine)
      return refused(fmt::format("{} {}", name, fine.error().message));
  }
  return {};
}

}  // namespace brood::exec
