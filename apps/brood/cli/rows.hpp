// What the requests `describe` and `node_info` answer, as plain data, and how it is shown.
//
// Pure functions.
#pragma once

#include <brood/term.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apps/brood/cli/display.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/cli/program_options.hpp"

namespace brood::app {

struct InstanceRow {
  std::string node;
  std::string pid;
  std::int64_t os_pid = 0;  ///< 0: a worker, which has none of its own.
  std::string phase;
  std::string role;
  std::string health;  ///< "healthy", "unhealthy", "starting"; empty: it has no check.
  std::int64_t restarts = 0;
  std::int64_t uptime_ms = 0;
  std::string reason;    ///< Why it is not running, in words.
  std::string last_end;  ///< How what ran before it there ended, in words; empty: not known.
  std::optional<std::int64_t> next_try_ms;  ///< Until it is started again.
};

struct ChildRow {
  std::string supervisor;  ///< Filled in by whoever asked it.
  std::string id;          ///< As the command line takes it.
  std::string worker;
  std::string restart;
  std::vector<std::string> tags;
  bool is_static = false;
  bool wanted = true;  ///< False: it was stopped.
  bool failed = false;
  std::string failure;
  std::string waiting;                      ///< Why it runs nowhere, though it should.
  std::string last_end;                     ///< How what ran last ended, in words; empty: not known.
  std::optional<std::int64_t> next_try_ms;  ///< Until it is tried again.
  std::string node_for;
  Term args;
  std::string shutdown;
  OptionList options;
  std::vector<InstanceRow> instances;
};

/// Whether its program has a health check.
[[nodiscard]] bool has_health_check(const ChildRow& row);
/// The command of a program, each word quoted for a shell where it has to be.
[[nodiscard]] std::string command_line(const std::vector<std::string>& words);

struct NodeRow {
  std::string name;
  bool up = false;
  bool self = false;
  std::string state;
  std::map<std::string, std::int64_t> children;  ///< By supervisor.
};

/// Missing and unknown keys are no error: the node may be of another version.
/// A `last_end` of the requests about programs, in words: how and when, in UTC, as the marks within a log
/// are.
[[nodiscard]] std::string end_words(const Term& end);
[[nodiscard]] std::vector<ChildRow> child_rows(const Term& answer);
[[nodiscard]] std::vector<NodeRow> node_rows(const Term& answer);

/// `of_several`: supervisors, so that each row says of which.
[[nodiscard]] Table children_table(const std::vector<ChildRow>& rows, bool of_several);
[[nodiscard]] Json children_json(const std::vector<ChildRow>& rows);
[[nodiscard]] std::string child_text(const ChildRow& row, bool color);
[[nodiscard]] Json child_json(const ChildRow& row);
[[nodiscard]] Table nodes_table(const std::vector<NodeRow>& rows);
[[nodiscard]] Json nodes_json(const std::vector<NodeRow>& rows);

}  // namespace brood::app
