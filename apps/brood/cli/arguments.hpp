// What the command line asks for.
//
// Plain data; parse_arguments() is pure but for the environment that it is given.
#pragma once

#include <brood/tls.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "apps/brood/cli/output.hpp"
#include "apps/brood/manual/words.hpp"

namespace brood::app {

struct CommonArguments {
  std::string node;         ///< Whom to ask: a node, or several, by commas; from BROOD_NODE when not given.
  std::string supervisor;   ///< From BROOD_SUPERVISOR when not given; empty: the only one there.
  std::string cookie_file;  ///< From BROOD_COOKIE_FILE when not given; empty: see supervisor::find_cookie().
  std::string tls_cert;     ///< From BROOD_TLS_CERT when not given. All three, or none: plain text.
  std::string tls_key;      ///< From BROOD_TLS_KEY.
  std::string tls_ca;       ///< From BROOD_TLS_CA.
  std::optional<std::chrono::milliseconds> timeout;
  bool json = false;
  When color = When::automatic;
};

struct NodeArguments {
  std::string config;
  std::string name;
  std::vector<std::string> join;
  std::vector<std::string> worker_libs;
  std::vector<std::string> supervisors;
  bool exec_allow = false;
  bool no_epmd = false;
  std::string log_level;
  std::string log_format;
  std::string log_dir;
};

struct StartArguments {
  std::string worker;
  std::string args;  ///< A term in Erlang syntax; empty: none.
  std::vector<std::string> command;
  std::string restart = "permanent";
  std::string on;
  std::string mapping;  ///< Nodes, by commas; empty: none.
  std::string tag;
  std::string shutdown;
  std::string nodes;     ///< By commas; empty: all.
  std::string metadata;  ///< A map in Erlang syntax; empty: none.
  std::string stop_signal;
  std::string cwd;
  bool start_before_stop = false;
  std::int64_t ready_timeout = 60000;  ///< Milliseconds.
  std::vector<std::string> env;
  std::vector<std::pair<std::string, std::string>> options;  ///< Of a program, by the fleet file's keys.
  std::vector<std::string> limits;                           ///< NAME=VALUE
  std::vector<std::string> cgroup;                           ///< NAME=VALUE
  std::vector<std::pair<std::string, std::string>> health;   ///< Of its health check, by the keys of that.
  std::string after;                                         ///< Ids, by commas.
  std::int64_t start_period = 0;                             ///< Milliseconds.
  std::optional<std::int64_t> backoff;                       ///< Milliseconds.
  std::optional<std::int64_t> backoff_max;
  std::optional<std::uint32_t> give_up_after;
  friend bool operator==(const StartArguments&, const StartArguments&) = default;
};

struct InitArguments {
  std::string output = "fleet.toml";  ///< "-": stdout.
  std::string name = "n1@127.0.0.1";
  bool force = false;
};

struct Arguments {
  std::string command;  ///< "ps", "start", ...
  CommonArguments common;
  NodeArguments node;
  StartArguments start;
  InitArguments init;
  std::vector<std::string> ids;               ///< stop, restart, wait, logs
  bool by_itself = false;                     ///< move --auto
  std::string id;                             ///< start, show, call, cast, where (the key), logs, retry
  std::string term;                           ///< call, cast
  std::string target;                         ///< A node, a file, a shell, a signal: what the command says.
  std::string wait_for = "running";           ///< wait
  bool quiet = false;                         ///< ps, nodes
  bool all = false;                           ///< ps
  std::uint32_t every_ms = 1000;              ///< top
  bool rolling = false;                       ///< restart
  std::string tag;                            ///< ps, restart, stop
  std::string prefix;                         ///< events, ps: of ids
  std::string phase;                          ///< ps
  std::string on;                             ///< ps: a node
  std::string sort;                           ///< ps
  std::optional<std::size_t> limit;           ///< ps; nullopt: all
  std::string after;                          ///< ps: an id
  std::optional<std::uint32_t> cluster_size;  ///< partition: to be set
  bool local = false;                         ///< ps
  bool follow = false;                        ///< logs, events
  std::string since;                          ///< logs
  bool previous = false;                      ///< logs
  std::optional<std::size_t> lines;           ///< logs, events; nullopt: all
  bool dry_run = false;                       ///< apply
  bool prune = false;                         ///< apply
  bool start_stopped = false;                 ///< apply
};

/// Why there is nothing to do: help or the version was asked for (status 0), or the line is wrong (status 2).
struct ParseStop {
  int status = 0;
  std::string text;
  bool json = false;  ///< --json was among the arguments.
};

/// The files of TLS, if they were given; parse_arguments() has seen to it that it is all of them or none.
[[nodiscard]] std::optional<TlsOptions> tls_of(const CommonArguments& arguments);

/// The nodes of --node or BROOD_NODE, which stand between commas or spaces.
[[nodiscard]] std::vector<std::string> node_list(const std::string& text);

using Environment = std::function<std::string(const std::string& name)>;

/// What the command line understands.
[[nodiscard]] manual::ProgramWords program_words();

/// `words` are the program's arguments without its name.
[[nodiscard]] tl::expected<Arguments, ParseStop> parse_arguments(std::vector<std::string> words,
                                                                 const Environment& environment);

}  // namespace brood::app
