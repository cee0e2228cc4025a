#include "exec/options/output_options.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "exec/options/reading.hpp"

namespace brood::exec {
namespace {

constexpr std::uint64_t size_max = std::uint64_t{1} << 40;
constexpr std::uint64_t pids_max = 4'194'304;  // as many as Linux has
constexpr double cpu_least = 0.01;
constexpr double cpu_most = 10'000;
constexpr unsigned side_max = 9'999;
constexpr int log_files_max = 100;

std::optional<double> number_of(const Term& value) {
  if (const auto* whole = value.as_integer()) return static_cast<double>(*whole);
  if (const auto* fraction = value.as_float()) return *fraction;
  return std::nullopt;
}

Result<void> read_cgroup_key(CgroupLimits& limits, std::string_view key, const Term& value) {
  if (key == "memory") {
    const auto bytes = size_of(value);
    if (!bytes || *bytes == 0 || *bytes > size_max)
      return refused("memory must be a number of bytes or \"512MiB\", at most 1 TiB, not " + shown(value));
    limits.memory = bytes;
    return {};
  }
  if (key == "cpu") {
    const auto processors = number_of(value);
    if (!processors || *processors < cpu_least || *processors > cpu_most)
      return refused("cpu must be a number of processors, 0.01 to 10000, not " + shown(value));
    limits.cpu = processors;
    return {};
  }
  if (key == "pids") {
    const auto* number = value.as_integer();
    if (!number || *number < 1 || static_cast<std::uint64_t>(*number) > pids_max)
      return refused(fmt::format("pids must be 1 to {}, not {}", pids_max, shown(value)));
    limits.pids = static_cast<std::uint64_t>(*number);
    return {};
  }
  return refused(fmt::format("has no \"{}\"; allowed: memory, cpu, pids", key));
}

std::optional<PseudoTerminal> pty_of(std::string_view text) {
  const auto side = [](std::string_view digits, unsigned& into) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), into);
    return error == std::errc{} && end == digits.data() + digits.size() && into >= 1 && into <= side_max;
  };
  PseudoTerminal pty;
  const auto mark = text.find('x');
  if (mark == std::string_view::npos || !side(text.substr(0, mark), pty.columns) ||
      !side(text.substr(mark + 1), pty.rows))
    return std::nullopt;
  return pty;
}

Result<void> read_log_to(LogTo& into, const Term& value) {
  constexpr std::string_view wanted = "one or several of \"file\", \"journal\" and \"syslog\"";
  const std::vector<Term> one{value};
  const auto* words = value.as_list() ? value.as_list() : &one;
  if (words->empty()) return wrong(wanted, value);
  into = {.file = false};
  for (const Term& item : *words) {
    const auto word = item.text().value_or("");
    bool* target = word == "file"      ? &into.file
                   : word == "journal" ? &into.journal
                   : word == "syslog"  ? &into.syslog
                                       : nullptr;
    if (!target) return wrong(wanted, item);
    *target = true;
  }
  return {};
}

}  // namespace

Result<void> read_cgroup(CgroupLimits& into, const Term& value) {
  const auto* entries = value.as_map();
  if (!entries || entries->empty())
    return wrong("a table, { memory = \"512MiB\", cpu = 1.5, pids = 100 }", value);
  CgroupLimits limits;
  for (const auto& [key, term] : *entries)
    if (auto read = read_cgroup_key(limits, key.text().value_or(""), term); !read) return read;
  into = limits;
  return {};
}

Term cgroup_term(const CgroupLimits& limits) {
  std::vector<std::pair<Term, Term>> entries;
  if (limits.memory) entries.emplace_back(Term::atom("memory"), Term(*limits.memory));
  if (limits.cpu) {
    const auto whole = static_cast<std::int64_t>(*limits.cpu);
    const bool is_whole = static_cast<double>(whole) == *limits.cpu;
    entries.emplace_back(Term::atom("cpu"), is_whole ? Term(whole) : Term(*limits.cpu));
  }
  if (limits.pids) entries.emplace_back(Term::atom("pids"), Term(*limits.pids));
  return Term::map(std::move(entries));
}

Result<void> read_pty(ProgramOptions& options, const Term& value) {
  if (value.is_atom("true") || value.is_atom("false")) {
    options.pty = value.is_atom("true") ? std::optional<PseudoTerminal>(PseudoTerminal{}) : std::nullopt;
    return {};
  }
  const auto text = value.as_integer() ? std::nullopt : value.text();
  options.pty = text ? pty_of(*text) : std::nullopt;
  if (!options.pty) return wrong("true, false, or columns and rows as \"132x40\"", value);
  return {};
}

Term pty_term(const PseudoTerminal& pty) {
  if (pty == PseudoTerminal{}) return Term::atom("true");
  return Term::binary(fmt::format("{}x{}", pty.columns, pty.rows));
}

Result<void> read_log_option(std::string_view key, const Term& value, ProgramOptions& options) {
  if (key == "log_size") {
    const auto size = size_of(value);
    if (!size || *size > size_max) return wrong("a number of bytes or \"10MiB\", at most 1 TiB", value);
    options.log_size = size;
    return {};
  }
  if (key == "log_files") {
    const auto* number = value.as_integer();
    if (!number || *number < 2 || *number > log_files_max) return wrong("a number from 2 to 100", value);
    options.log_files = static_cast<unsigned>(*number);
    return {};
  }
  if (key == "log_to") return read_log_to(options.log_to, value);
  if (!value.is_atom("true") && !value.is_atom("false")) return wrong("true or false", value);
  options.log_timestamps = value.is_atom("true");
  return {};
}

Term log_to_term(const LogTo& to) {
  std::vector<Term> words;
  if (to.file) words.push_back(Term::binary("file"));
  if (to.journal) words.push_back(Term::binary("journal"));
  if (to.syslog) words.push_back(Term::binary("syslog"));
  return Term::list(std::move(words));
}

}  // namespace brood::exec
