// What each command takes, in one place because the help, the man page and the completions are made from it.
#include "apps/brood/cli/arguments.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "apps/brood/cli/version.hpp"
#include "apps/brood/fleet/fleet_file.hpp"
#include "apps/brood/fleet/section.hpp"
#include "apps/brood/manual/words.hpp"

namespace brood::app {
namespace {

constexpr const char* footer =
    "Exit status: 0 done; 1 refused, with the reason; 2 wrong usage; 3 the node cannot be reached, and why.\n"
    "An id is text; :name is an atom, {user,42} that tuple, :42 the number. Terms are written in Erlang "
    "syntax: '{add, 5}', '<<\"text\">>', '#{a "
    "=> 1}'.";

// CLI11 takes a word in brackets among ids, or in a command, for several words: `[a,b]` would be a and b.
// Marked it is one word, and the mark is gone before anybody reads it.
constexpr char bracket_mark = '\x01';

std::string marked(std::string word) {
  const bool brackets = word.size() > 1 && word.front() == '[' && word.back() == ']';
  const bool has_mark = !word.empty() && word.front() == bracket_mark;
  return brackets || has_mark ? bracket_mark + word : word;
}

std::string without_marks(std::string words) {
  words.erase(std::remove(words.begin(), words.end(), bracket_mark), words.end());
  return words;
}

std::string unmarked(std::string word) {
  if (!word.empty() && word.front() == bracket_mark) word.erase(0, 1);
  return word;
}

class Parser {
 public:
  explicit Parser(const Environment& environment)
      : app_("brood: named children, kept alive across a cluster", "brood") {
    out_.common.node = environment("BROOD_NODE");
    out_.common.supervisor = environment("BROOD_SUPERVISOR");
    out_.common.cookie_file = environment("BROOD_COOKIE_FILE");
    out_.common.tls_cert = environment("BROOD_TLS_CERT");
    out_.common.tls_key = environment("BROOD_TLS_KEY");
    out_.common.tls_ca = environment("BROOD_TLS_CA");
    app_.footer(footer);
    app_.require_subcommand(1);
    app_.set_help_flag("-h,--help", "Show this help");
    app_.set_help_all_flag("--help-all", "Show the help of all commands");
    app_.set_version_flag("--version", std::string("brood ") + version);
    add_common();
    add_node();
    add_start();
    add_children();
    add_messages();
    add_cluster();
    add_fleet();
    add_helpers();
    take_marks(app_);
    for (auto* sub : app_.get_subcommands({})) take_marks(*sub);
  }

  [[nodiscard]] manual::ProgramWords words() const {
    manual::ProgramWords out{app_.get_name(), app_.get_description(), version, footer, options_of(app_), {}};
    for (const auto* sub : app_.get_subcommands({})) {
      manual::CommandWords command{sub->get_name(), sub->get_description(), {}, {}};
      for (auto& option : options_of(*sub)) {
        const bool positional = option.names.empty();
        (positional ? command.positionals : command.options).push_back(std::move(option));
      }
      out.commands.push_back(std::move(command));
    }
    return out;
  }

  tl::expected<Arguments, ParseStop> parse(std::vector<std::string> words) {
    const auto end_of_options = std::find(words.begin(), words.end(), "--");
    const bool json = std::find(words.begin(), end_of_options, "--json") != end_of_options;
    has_dashes_ = end_of_options != words.end();
    if (auto unknown = unknown_command(words); !unknown.empty()) return wrong(unknown, json);
    std::reverse(words.begin(), words.end());  // as CLI11 takes them
    std::transform(words.begin(), words.end(), words.begin(), marked);
    try {
      app_.parse(words);
    } catch (const CLI::CallForVersion& e) {
      return tl::unexpected(
          ParseStop{0, json ? fmt::format("{{\"version\":\"{}\"}}", version) : std::string(e.what()), false});
    } catch (const CLI::CallForHelp&) {
      return tl::unexpected(ParseStop{0, app_.help(), false});
    } catch (const CLI::CallForAllHelp&) {
      return tl::unexpected(ParseStop{0, app_.help("", CLI::AppFormatMode::All), false});
    } catch (const CLI::ExtrasError& e) {
      return wrong(without_marks(e.what()) + cure_of_extras(), json);
    } catch (const CLI::ParseError& e) {
      return wrong(without_marks(e.what()), json);
    }
    out_.command = app_.get_subcommands().front()->get_name();
    // The environment is for the command line; a daemon's cookie is its file's or --cookie-file.
    if (out_.command == "node") forget_environment();
    // A node is drained to be ended: the whole of it, unless a supervisor is named here and now.
    const bool drains = out_.command == "drain" || out_.command == "undrain";
    if (drains && app_.count("--supervisor") == 0) out_.common.supervisor.clear();
    if (auto problem = check(); !problem.empty()) return wrong(problem, json);
    return out_;
  }

 private:
  // Help is of every command, and is told of once.
  std::vector<manual::OptionWords> options_of(const CLI::App& app) const {
    std::vector<manual::OptionWords> out;
    for (const auto* option : app.get_options()) {
      if (&app != &app_ && (option == app.get_help_ptr() || option == app.get_help_all_ptr())) continue;
      manual::OptionWords words;
      for (const auto& name : option->get_snames()) words.names.push_back("-" + name);
      for (const auto& name : option->get_lnames()) words.names.push_back("--" + name);
      if (option->get_items_expected_max() > 0) words.value = option->get_type_name();
      if (const auto found = choices_.find(option); found != choices_.end()) words.choices = found->second;
      words.about = option->get_description();
      words.required = option->get_required();
      out.push_back(std::move(words));
    }
    return out;
  }

  static void take_marks(CLI::App& app) {
    for (auto* option :
         app.get_options([](const CLI::Option* one) { return one->get_items_expected_max() > 0; }))
      option->transform(unmarked);
  }

  CLI::Option* one_of(CLI::Option* option, std::vector<std::string> words) {
    option->check(CLI::IsMember(words));
    choices_[option] = std::move(words);
    return option;
  }

  CLI::App* command(const char* name, const char* about) {
    auto* sub = app_.add_subcommand(name, about);
    sub->fallthrough();
    sub->footer("Options that all commands have, and how ids and terms are written: brood --help");
    names_.emplace_back(name);
    return sub;
  }

  tl::unexpected<ParseStop> wrong(const std::string& what, bool json) const {
    const auto chosen = app_.get_subcommands();
    const auto help = chosen.empty() ? std::string("brood --help")
                                     : fmt::format("brood {} --help", chosen.front()->get_name());
    return tl::unexpected(ParseStop{exit_usage, json ? what : fmt::format("{}\nSee: {}", what, help), json});
  }

  void forget_environment() {
    if (app_.count("--cookie-file") == 0) out_.common.cookie_file.clear();
    if (app_.count("--tls-cert") == 0) out_.common.tls_cert.clear();
    if (app_.count("--tls-key") == 0) out_.common.tls_key.clear();
    if (app_.count("--tls-ca") == 0) out_.common.tls_ca.clear();
  }

  // What was most likely meant where a word is too many.
  std::string cure_of_extras() const {
    const auto chosen = app_.get_subcommands();
    const auto name = chosen.empty() ? std::string() : chosen.front()->get_name();
    if (name == "start" && !out_.start.command.empty() && !has_dashes_)
      return "; a command with options stands after --: brood start ID -- COMMAND...";
    if (name == "call" || name == "cast")
      return "; a term is one word: put it into quotes, '{add, 5}', or the shell parts it";
    return "";
  }

  // CLI11 would only say that the word was not expected.
  std::string unknown_command(const std::vector<std::string>& words) const {
    if (words.empty()) return fmt::format("which command? One of: {}", fleet::joined(names_));
    const auto& first = words.front();
    if (first.empty() || first.front() == '-' ||
        std::find(names_.begin(), names_.end(), first) != names_.end())
      return "";
    const auto other = other_name(first);
    return fmt::format("no such command: {}{}", first,
                       other.empty() ? fleet::did_you_mean(first, names_) : other);
  }

  // An option that only a command has, if one was given.
  static std::string option_of_commands(const StartArguments& start) {
    if (!start.cwd.empty()) return "cwd";
    if (!start.env.empty()) return "env";
    if (!start.stop_signal.empty()) return "stop-signal";
    if (!start.options.empty()) return dashed(start.options.front().first);
    if (!start.limits.empty()) return "limit";
    if (!start.cgroup.empty()) return "cgroup";
    return start.health.empty() ? "" : "health-...";
  }

  // What other tools call the same.
  static std::string other_name(const std::string& word) {
    static const std::map<std::string, std::string> others{{"list", "ps"},
                                                           {"ls", "ps"},
                                                           {"status", "ps"},
                                                           {"watch", "top"},
                                                           {"monit", "top"},
                                                           {"rm", "stop"},
                                                           {"remove", "stop"},
                                                           {"kill", "stop"},
                                                           {"delete", "stop"},
                                                           {"down", "stop"},
                                                           {"run", "start"},
                                                           {"add", "start"},
                                                           {"up", "node"},
                                                           {"describe", "show"},
                                                           {"info", "show"},
                                                           {"inspect", "show"},
                                                           {"log", "logs"},
                                                           {"tail", "logs"},
                                                           {"send", "cast"},
                                                           {"members", "nodes"},
                                                           {"daemon", "node"},
                                                           {"leave", "drain"},
                                                           {"resume", "undrain"},
                                                           {"uncordon", "undrain"},
                                                           {"update", "apply"},
                                                           {"reread", "apply --dry-run"},
                                                           {"plan", "apply --dry-run"},
                                                           {"validate", "check"},
                                                           {"help", "--help"},
                                                           {"version", "--version"}};
    static const std::map<std::string, std::string> explained{
        {"reload",
         "`brood apply FILE` brings the cluster to a changed file, `brood restart --rolling` begins "
         "children anew"},
        {"scale", "`count` in the fleet file, and `brood apply FILE`"},
        {"enable", "what is in the fleet file starts with the node"},
        {"disable",
         "`brood stop` lasts until somebody starts it again; out of the file it goes with `brood "
         "apply --prune`"}};
    if (const auto found = explained.find(word); found != explained.end()) return "; here: " + found->second;
    const auto found = others.find(word);
    return found == others.end() ? "" : fmt::format("; here it is `brood {}`", found->second);
  }

  void add_common() {
    auto& common = out_.common;
    app_.add_option("--node", common.node,
                    "The node to ask: n1@127.0.0.1, or with its port where there is no EPMD; of several, "
                    "separated by commas, the first that can be reached (default: $BROOD_NODE)")
        ->type_name("NAME");
    app_.add_option("--supervisor", common.supervisor,
                    "The supervisor (default: $BROOD_SUPERVISOR, then the only one there)")
        ->type_name("NAME");
    app_.add_option("--cookie-file", common.cookie_file,
                    "The cluster's secret (default: $BROOD_COOKIE_FILE, the secret itself in "
                    "$BROOD_COOKIE, then ~/.erlang.cookie)")
        ->type_name("FILE");
    app_.add_option("--tls-cert", common.tls_cert,
                    "The certificate to show, where the cluster speaks TLS (default: $BROOD_TLS_CERT)")
        ->type_name("FILE");
    app_.add_option("--tls-key", common.tls_key, "Its key (default: $BROOD_TLS_KEY)")->type_name("FILE");
    app_.add_option("--tls-ca", common.tls_ca, "Whose certificates to believe (default: $BROOD_TLS_CA)")
        ->type_name("FILE");
    app_.add_option_function<std::uint32_t>(
            "--timeout", [this](std::uint32_t ms) { out_.common.timeout = std::chrono::milliseconds(ms); },
            "How long to wait for an answer, in milliseconds")
        ->type_name("MS")
        ->check(CLI::Range(1u, 86'400'000u));
    app_.add_flag("--json", common.json, "Print one JSON document, errors too");
    one_of(app_.add_option_function<std::string>(
                   "--color",
                   [this](const std::string& word) {
                     out_.common.color = word == "always"  ? When::always
                                         : word == "never" ? When::never
                                                           : When::automatic;
                   },
                   "auto, always or never")
               ->type_name("WHEN"),
           {"auto", "always", "never"});
  }

  void add_node() {
    auto& node = out_.node;
    auto* sub = command("node", "Run a node of the cluster until SIGTERM or SIGINT");
    sub->add_option("--config", node.config,
                    "The fleet file: what the node is and what the cluster keeps alive")
        ->type_name("FILE");
    sub->add_option("--name", node.name, "name@host, or name@host:port to listen on that port")
        ->type_name("NAME");
    sub->add_option("--join", node.join, "A node to form the cluster with; may be given again")
        ->type_name("NODE")
        ->take_all()
        ->allow_extra_args(false);
    sub->add_option("--worker-lib", node.worker_libs, "A shared library with workers; may be given again")
        ->type_name("FILE")
        ->take_all()
        ->allow_extra_args(false);
    sub->add_option("--supervisor", node.supervisors,
                    "A supervisor to run beside those of the file; may be given again "
                    "(default without any: main)")
        ->type_name("NAME")
        ->take_all()
        ->allow_extra_args(false);
    sub->add_flag("--exec-allow", node.exec_allow, "Let whoever has the cookie start commands here");
    sub->add_flag("--no-epmd", node.no_epmd, "Do not register with EPMD: peers need name@host:port");
    one_of(sub->add_option("--log-level", node.log_level, fleet::joined(fleet::log_levels()))
               ->type_name("LEVEL"),
           fleet::log_levels());
    one_of(sub->add_option("--log-format", node.log_format,
                           fleet::joined(fleet::log_formats()) + "; auto: journal below systemd, else text")
               ->type_name("FORMAT"),
           fleet::log_formats());
    sub->add_option("--log-dir", node.log_dir, "Where the output of programs is kept")->type_name("DIR");
  }

  void add_start() {
    auto& start = out_.start;
    auto* sub = command("start", "Start a child: a worker, or after -- a command; or one that was stopped");
    sub->add_option("id", out_.id, "The child's id")->required()->type_name("ID");
    sub->add_option("command", start.command, "The command, after --")->type_name("-- CMD");
    sub->add_option("--worker", start.worker, "The worker's name")->type_name("NAME");
    sub->add_option("--args", start.args, "Its start arguments: a list of them, or one term that is no list")
        ->type_name("TERM");
    one_of(sub->add_option("--restart", start.restart, "permanent (default), transient or temporary")
               ->type_name("WHEN"),
           {"permanent", "transient", "temporary"});
    sub->add_option("--on", start.on, "Start it on this node instead of where its id belongs")
        ->type_name("NODE");
    sub->add_option("--nodes", start.nodes, "Only these nodes may run it")->type_name("NODE,...");
    sub->add_option("--mapping", start.mapping,
                    "Under guided distribution: the nodes that run it, as many as it has instances")
        ->type_name("NODE,...");
    sub->add_option("--tag", start.tag, "A word to find it by")->type_name("TAG");
    sub->add_option("--metadata", start.metadata, "Kept with it, for whoever asks: '#{team => <<\"web\">>}'")
        ->type_name("TERM");
    sub->add_option("--shutdown", start.shutdown,
                    "How long it may take to end: milliseconds, infinity or brutal_kill")
        ->type_name("MS");
    sub->add_option("--stop-signal", start.stop_signal, "What asks the command to end (default: TERM)")
        ->type_name("SIGNAL");
    sub->add_option("--cwd", start.cwd, "The command's working folder")->type_name("DIR");
    auto* before =
        sub->add_flag("--start-before-stop", start.start_before_stop,
                      "When it moves, the command starts on its new node before it ends on the old "
                      "one, and says that it is ready as sd_notify does");
    sub->add_option("--ready-timeout", start.ready_timeout, "How long it may take to say so (default: 60000)")
        ->type_name("MS")
        ->check(CLI::Range(1, 86'400'000))
        ->needs(before);
    sub->add_option("--env", start.env, "NAME=VALUE for the command; may be given again")
        ->type_name("NAME=VALUE")
        ->take_all()
        ->allow_extra_args(false);
    add_program_options(*sub);
  }

  void add_program_options(CLI::App& sub) {
    auto& start = out_.start;
    const auto add = [&](const char* name, const char* key, const char* type, const char* about) {
      sub.add_option_function<std::string>(
             name, [&start, key](const std::string& text) { start.options.emplace_back(key, text); }, about)
          ->type_name(type);
    };
    add("--user", "user", "NAME",
        "As whom the command runs: another one than the node only where that is root");
    add("--group", "group", "NAME", "Its group (default: the user's)");
    add("--umask", "umask", "OCTAL", "Its umask, 027");
    add("--nice", "nice", "N", "Its niceness, -20 to 19");
    sub.add_option("--limit", start.limits,
                   "A limit of setrlimit, nofile=1024, as=2GiB, core=unlimited; may be given again")
        ->type_name("NAME=VALUE")
        ->take_all()
        ->allow_extra_args(false);
    sub.add_option("--cgroup", start.cgroup,
                   "A limit of its cgroup, for it and all that it starts: memory=512MiB, cpu=1.5, pids=100; "
                   "may be given "
                   "again")
        ->type_name("NAME=VALUE")
        ->take_all()
        ->allow_extra_args(false);
    add("--env-file", "env_file", "FILE", "A file of NAME=VALUE lines on its node, read at each start");
    add("--stdin", "stdin", "FILE", "What it reads from stdin (default: /dev/null)");
    add("--pty", "pty", "SIZE", "It gets a terminal of so many columns and rows, 80x24");
    add("--exit-codes", "exit_codes", "CODE,...", "With which it has ended well (default: 0)");
    add("--log-size", "log_size", "BYTES", "Of its output is kept, 10MiB (default: 1MiB)");
    add("--log-files", "log_files", "N", "In so many files; the oldest goes when all are full (default: 2)");
    sub.add_flag_function(
        "--log-timestamps", [&start](std::int64_t) { start.options.emplace_back("log_timestamps", "true"); },
        "Each line of its log begins with the time");
    add("--log-to", "log_to", "WHERE,...", "Where its output goes: file (default), journal, syslog");
    const auto add_health = [&](const char* name, const char* key, const char* type, const char* about) {
      sub.add_option_function<std::string>(
             name, [&start, key](const std::string& text) { start.health.emplace_back(key, text); }, about)
          ->type_name(type);
    };
    add_health("--health-tcp", "tcp", "HOST:PORT", "It is well if it takes a connection there");
    add_health("--health-http", "http", "URL", "It is well if http://HOST:PORT/PATH answers with 200 to 399");
    add_health("--health-exec", "exec", "CMD",
               "It is well if this command, which no shell reads, exits with 0");
    add_health("--health-interval", "interval_ms", "MS", "How often it is asked (default: 10000)");
    add_health("--health-timeout", "timeout_ms", "MS", "How long an answer may take (default: 2000)");
    add_health("--health-threshold", "threshold", "N",
               "So many bad answers in a row: it is unhealthy (default: 3)");
    add_health("--health-start-period", "start_period_ms", "MS",
               "So long after its start bad answers do not count");
    add_health("--health-on-failure", "on_failure", "WHAT", "restart (default), or report: it is only shown");
    sub.add_option("--after", start.after, "It starts once these children run, and are healthy")
        ->type_name("ID,...");
    const auto add_time = [&](const char* name, auto& into, const char* about) {
      sub.add_option(name, into, about)->type_name("MS")->check(CLI::Range(0, 86'400'000));
    };
    add_time("--start-period", start.start_period,
             "One that ends sooner has not started, and is tried after a pause");
    add_time("--backoff", start.backoff,
             "The pause before the second restart in a row; it doubles (default: 20)");
    add_time("--backoff-max", start.backoff_max, "The longest of these pauses (default: 5000)");
    sub.add_option(
           "--give-up-after", start.give_up_after,
           "It is given up once it has failed so often on every node that may run it (default: 0, never)")
        ->type_name("N")
        ->check(CLI::Range(0, 1'000'000));
  }

  void add_children() {
    auto* stop = command("stop", "Stop children for good");
    stop->add_option("ids", out_.ids, "Their ids")->type_name("ID...");
    stop->add_option("--tag", out_.tag, "All with this tag")->type_name("TAG");
    auto* ps = command("ps", "Show the children");
    ps->add_flag("--local", out_.local, "Only those on the node asked");
    ps->add_option("--tag", out_.tag, "Only those with this tag")->type_name("TAG");
    ps->add_option("--id", out_.prefix, "Only those whose ids begin with this")->type_name("PREFIX");
    one_of(ps->add_option("--phase", out_.phase, "Only those in this phase, or of this health")
               ->type_name("PHASE"),
           {"starting", "running", "restarting", "stopping", "stuck", "moved", "waiting", "failed", "stopped",
            "healthy", "unhealthy"});
    ps->add_option("--on", out_.on, "Only those on this node")->type_name("NODE");
    one_of(ps->add_option("--sort", out_.sort, "By id, node, phase, restarts or up, the most first")
               ->type_name("KEY"),
           {"id", "node", "phase", "restarts", "up"});
    ps->add_option_function<std::int64_t>(
          "--limit", [this](std::int64_t n) { out_.limit = static_cast<std::size_t>(n); },
          "Only so many; without --sort it is a page, and says where the next begins")
        ->type_name("N")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{100'000}));
    ps->add_option("--after", out_.after, "The page behind this child")->type_name("ID");
    ps->add_flag("-q,--quiet", out_.quiet, "Only their ids, a line each");
    ps->add_flag("-a,--all", out_.all, "Also those of fleet files that were stopped, or have ended for good");
    auto* top = command("top", "Watch nodes and children, until q is pressed");
    top->add_option("--every", out_.every_ms, "How often to look (default: 1000)")
        ->type_name("MS")
        ->check(CLI::Range(100u, 3'600'000u));
    auto* show = command("show", "Show everything about one child");
    show->add_option("id", out_.id, "Its id")->required()->type_name("ID");
    auto* why = command("why", "Show why a child is where it is, and what has happened to it");
    why->add_option("id", out_.id, "Its id")->required()->type_name("ID");
    auto* events = command("events", "Show what has happened to children and nodes, and why");
    events->add_flag("-f,--follow", out_.follow, "Go on as more happens");
    events->add_option("--id", out_.prefix, "Only of children whose ids begin with this")
        ->type_name("PREFIX");
    events
        ->add_option_function<std::int64_t>(
            "-n,--limit", [this](std::int64_t n) { out_.lines = static_cast<std::size_t>(n); },
            "Only the last so many (default: 1000)")
        ->type_name("EVENTS")
        ->check(CLI::Range(std::int64_t{0}, std::int64_t{100'000}));
    auto* retry = command("retry", "Try a failed child again");
    retry->add_option("id", out_.id, "Its id")->required()->type_name("ID");
    auto* restart =
        command("restart", "End children and start them anew where they are, one after the other");
    restart->add_option("ids", out_.ids, "Their ids")->type_name("ID...");
    restart->add_option("--tag", out_.tag, "All with this tag")->type_name("TAG");
    restart->add_flag("--rolling", out_.rolling, "Wait until each is well, and end at the first that is not");
    auto* signal = command("signal", "Send a signal to a program");
    signal->add_option("id", out_.id, "Its id")->required()->type_name("ID");
    signal->add_option("signal", out_.target, "HUP, SIGUSR1 or a number")->required()->type_name("SIGNAL");
    auto* wait =
        command("wait", "Wait until children run, are healthy, or have ended (default: at most a minute)");
    wait->add_option("ids", out_.ids, "Their ids")->type_name("ID...");
    one_of(wait->add_option("--for", out_.wait_for,
                            "running (default), healthy, or stopped: it has ended and is not started again")
               ->type_name("STATE"),
           {"running", "healthy", "stopped"});
    auto* logs = command("logs", "Show what programs wrote");
    logs->add_option("ids", out_.ids, "Their ids; of several, each line says whose it is")
        ->type_name("ID...");
    logs->add_option("--since", out_.since,
                     "What came since then: 10m ago, or \"2026-11-28 11:00\", with a Z for UTC")
        ->type_name("TIME");
    logs->add_flag("-p,--previous", out_.previous, "What the run before the last one wrote");
    logs->add_flag("-f,--follow", out_.follow, "Go on as it writes more, across restarts and moves");
    logs->add_option_function<std::int64_t>(
            "-n,--lines", [this](std::int64_t n) { out_.lines = static_cast<std::size_t>(n); },
            "Only the last lines")
        ->type_name("LINES")
        ->check(CLI::Range(std::int64_t{0}, std::int64_t{1'000'000'000}));
  }

  void add_messages() {
    auto* call = command("call", "Call a child and print its reply");
    call->add_option("id", out_.id, "Its id")->required()->type_name("ID");
    call->add_option("term", out_.term, "The message, in Erlang syntax")->required()->type_name("TERM");
    auto* cast = command("cast", "Send a child a message without waiting");
    cast->add_option("id", out_.id, "Its id")->required()->type_name("ID");
    cast->add_option("term", out_.term, "The message, in Erlang syntax")->required()->type_name("TERM");
  }

  void add_cluster() {
    auto* nodes = command("nodes", "Show the nodes of the cluster");
    nodes->add_flag("-q,--quiet", out_.quiet, "Only the names of those that are up, a line each");
    auto* where = command("where", "Show on which node an id belongs, and where it runs");
    where->add_option("key", out_.id, "The id, whether it runs or not")->required()->type_name("KEY");
    auto* drain = command("drain", "Move every child away from a node");
    drain->add_option("node", out_.target, "The node (default: --node)")->type_name("NODE");
    auto* undrain = command("undrain", "Take a node back that is being drained");
    undrain->add_option("node", out_.target, "The node (default: --node)")->type_name("NODE");
    auto* move = command("move", "Move a child to a node, where it stays; or let it go back");
    move->add_option("id", out_.id, "Its id")->required()->type_name("ID");
    move->add_option("node", out_.target, "The node")->type_name("NODE");
    move->add_flag("--auto", out_.by_itself, "Where it runs is the distribution's to say again");
    command("rebalance", "Under the distribution load_balancer: give nodes their shares of what runs");
    command("scoreboard", "Show how loaded the nodes are, by which the load balancer gives them children");
    auto* forget = command("forget", "Say that a node which was lost will not come back");
    forget->add_option("node", out_.target, "The node")->required()->type_name("NODE");
    command("workers", "Show the worker names that the node knows");
    auto* partition =
        command("partition", "Show whether this part of the cluster may run children, and why not");
    partition
        ->add_option_function<std::uint32_t>(
            "--reset-size", [this](std::uint32_t size) { out_.cluster_size = size; },
            "Say how many nodes the cluster has, also where too few of them are left to go on")
        ->type_name("NODES")
        ->check(CLI::Range(1u, 1'000'000u));
  }

  void add_fleet() {
    auto* apply = command("apply", "Bring the cluster to what a fleet file says");
    apply->add_option("file", out_.target, "The fleet file")->required()->type_name("FILE");
    apply->add_flag("--dry-run", out_.dry_run, "Only say what would be done, and what would be refused");
    apply->add_flag("--prune", out_.prune, "Stop and remove what stood in a file and is not in this one");
    apply->add_flag("--start-stopped", out_.start_stopped,
                    "Start again what was stopped, and what has ended for good");
  }

  void add_helpers() {
    auto* check = command("check", "Say what is wrong with a fleet file, without any node");
    check->add_option("file", out_.target, "The fleet file")->required()->type_name("FILE");
    auto* init =
        command("init", "Write a fleet file for the programs of a folder, a Procfile or a supervisord.conf");
    init->add_option("source", out_.target,
                     "What to read (default: this folder, and the file of these two in it)")
        ->type_name("FILE");
    init->add_option("--output", out_.init.output, "Where to write (default: fleet.toml; - is stdout)")
        ->type_name("FILE");
    init->add_option("--name", out_.init.name, "The node's name (default: n1@127.0.0.1)")->type_name("NAME");
    init->add_flag("--force", out_.init.force, "Write over a file that is there");
    auto* completion =
        command("completion", "Print the completions of a shell: source <(brood completion bash)");
    one_of(completion->add_option("shell", out_.target, "bash, zsh or fish")->required()->type_name("SHELL"),
           {"bash", "zsh", "fish"});
    command("man", "Print the man page: brood man | man -l -");
  }

  static std::string dashed(std::string key) {
    std::replace(key.begin(), key.end(), '_', '-');
    return key;
  }

  std::string check_start() const {
    const auto& start = out_.start;
    if (start.worker.empty() && start.command.empty()) {
      // Nothing but an id: what was stopped.
      const StartArguments none;
      StartArguments given = start;
      given.on.clear();
      return given == none ? "" : "start: what? Give --worker NAME, or -- and a command";
    }
    if (!start.worker.empty() && !start.command.empty()) return "start: a worker or a command, not both";
    if (start.worker.empty() && !start.args.empty())
      return "start: --args is for --worker; a command's go after --";
    if (start.worker.empty() && start.command.empty() && gives_more_than_id())
      return "start: what? Give --worker NAME, or -- and a command; or, of a child of the fleet file "
             "that was stopped, its ID alone";
    if (start.command.empty())
      if (const auto option = option_of_commands(start); !option.empty())
        return fmt::format("start: --{} is for commands", option);
    const bool good_env = std::all_of(start.env.begin(), start.env.end(), [](const std::string& pair) {
      return pair.find('=') != std::string::npos && pair.front() != '=';
    });
    return good_env ? "" : "start: --env takes NAME=VALUE";
  }

  // Besides the options that all commands have.
  bool gives_more_than_id() const {
    const auto given = app_.get_subcommands().front()->parse_order();
    return std::any_of(given.begin(), given.end(),
                       [](const auto* option) { return !option->get_positional(); });
  }

  /// As of a variable of the shell that is not set. What such a command would do instead is not what was
  /// meant.
  std::string check_empty() const {
    for (const CLI::Option* option : app_.get_subcommands().front()->parse_order()) {
      const std::string type = option->get_type_name();
      const bool names = type == "NODE" || type == "NODE,..." || type == "TAG" || type == "MS";
      const auto& results = option->results();
      if (names && std::find(results.begin(), results.end(), "") != results.end())
        return fmt::format("{}: {} is empty", out_.command,
                           option->get_positional() ? type : option->get_name());
    }
    return "";
  }

  std::string check_tls() const {
    const auto& common = out_.common;
    if (common.tls_cert.empty() && common.tls_key.empty() && common.tls_ca.empty()) return "";
    const char* missing = common.tls_cert.empty()  ? "--tls-cert FILE (or BROOD_TLS_CERT)"
                          : common.tls_key.empty() ? "--tls-key FILE (or BROOD_TLS_KEY)"
                          : common.tls_ca.empty()  ? "--tls-ca FILE (or BROOD_TLS_CA)"
                                                   : nullptr;
    return missing == nullptr ? "" : fmt::format("TLS needs certificate, key and CA: give {} too", missing);
  }

  std::string check() const {
    if (auto problem = check_tls(); !problem.empty()) return problem;
    if (auto problem = check_empty(); !problem.empty()) return problem;
    if (out_.command == "node") {
      if (app_.count("--node") > 0) return "node: this node's own name is --name";
      return out_.common.json ? "node: it prints no JSON" : "";
    }
    if (out_.follow && out_.common.json) return out_.command + ": --json is one document; -f never ends";
    if (out_.command == "ps" && !out_.after.empty() && (!out_.limit || !out_.sort.empty()))
      return "ps: --after is of pages: it takes --limit, and no --sort";
    if (out_.follow && out_.previous) return "logs: what ran before writes no more: -f has nothing to follow";
    if (out_.command == "move" && out_.target.empty() != out_.by_itself)
      return out_.by_itself ? "move: a NODE or --auto, not both" : "move: where to? Give a NODE, or --auto";
    if ((out_.command == "restart" || out_.command == "stop") && out_.ids.empty() == out_.tag.empty())
      return out_.command +
             (out_.tag.empty() ? ": what? Give IDs, or --tag TAG" : ": IDs or --tag TAG, not both");
    if (out_.all && (out_.limit || out_.local))
      return "ps: -a is of all children: it takes no --limit and no --local";
    if ((out_.command == "logs" || out_.command == "wait") && out_.ids.empty())
      return out_.command + ": of what? Give IDs";
    return out_.command == "start" ? check_start() : "";
  }

  CLI::App app_;
  Arguments out_;
  bool has_dashes_ = false;  // "--" is among the words
  std::map<const CLI::Option*, std::vector<std::string>> choices_;
  std::vector<std::string> names_;
};

}  // namespace

std::vector<std::string> node_list(const std::string& text) {
  constexpr const char* between = ", \t";
  std::vector<std::string> out;
  for (std::size_t at = text.find_first_not_of(between); at != std::string::npos;) {
    const auto end = text.find_first_of(between, at);
    out.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(between, end);
  }
  return out;
}

std::optional<TlsOptions> tls_of(const CommonArguments& arguments) {
  if (arguments.tls_cert.empty()) return std::nullopt;
  return TlsOptions{
      .cert_file = arguments.tls_cert, .key_file = arguments.tls_key, .ca_file = arguments.tls_ca};
}

manual::ProgramWords program_words() {
  return Parser([](const std::string&) { return std::string(); }).words();
}

tl::expected<Arguments, ParseStop> parse_arguments(std::vector<std::string> words,
                                                   const Environment& environment) {
  return Parser(environment).parse(std::move(words));
}

}  // namespace brood::app
