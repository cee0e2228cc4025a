#include "apps/brood/fleet/fleet_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace brood::app::fleet {
namespace fleet_file_test {

using std::chrono::milliseconds;

FleetFile good(const std::string& text, const std::string& folder = "") {
  auto file = parse_fleet(text, folder);
  if (file) return std::move(*file);
  for (const auto& problem : file.error()) ADD_FAILURE() << problem.text("FILE");
  return {};
}

std::vector<std::string> bad(const std::string& text) {
  const auto file = parse_fleet(text, "");
  std::vector<std::string> out;
  if (file) return out;
  for (const auto& problem : file.error()) out.push_back(problem.text("FILE"));
  return out;
}

// The one problem of a text that has exactly one.
std::string only(const std::string& text) {
  const auto problems = bad(text);
  EXPECT_EQ(problems.size(), 1u) << testing::PrintToString(problems);
  return problems.empty() ? "" : problems.front();
}

// A child of supervisor web with these further lines; the child begins at line 1.
std::string child(const std::string& lines) {
  return "[[supervisor.web.child]]\nid = \"a\"\n" + lines;
}

ChildSpec good_child(const std::string& lines) {
  const auto file = good(child(lines));
  if (file.supervisors.empty() || file.supervisors[0].children.empty()) {
    ADD_FAILURE() << "no child";
    return {};
  }
  return file.supervisors[0].children[0];
}

const Command& command_of(const ChildSpec& spec) {
  return std::get<Command>(spec.run);
}

Term args_of(const ChildSpec& spec) {
  return decode_term(std::get<WorkerSpec>(spec.run).args).value_or(Term::atom("no_term"));
}

TEST(FleetFile, TheExampleOfTheGuideIsRead) {
  const auto file = good(R"([node]
name = "n1@127.0.0.1"
cookie_file = "cookie"
join = ["n2@127.0.0.1", "n3@127.0.0.1:9001"]

[supervisor.web]
migration = "cold_swap"

[[supervisor.web.child]]
id = "files-a"
exec = ["busybox", "httpd", "-f"]
restart = "permanent"

[[supervisor.web.child]]
id = "monitor/files-a"
worker = "tcp_monitor"
args = { host = "127.0.0.1", port = 7101, every_ms = 500 }
)",
                         "/etc/brood");
  EXPECT_EQ(file.node.name, "n1@127.0.0.1");
  EXPECT_EQ(file.node.cookie_file, "/etc/brood/cookie");
  EXPECT_EQ(file.node.join, (std::vector<std::string>{"n2@127.0.0.1", "n3@127.0.0.1:9001"}));
  ASSERT_EQ(file.supervisors.size(), 1u);
  EXPECT_EQ(file.supervisors[0].name, "web");
  const auto& children = file.supervisors[0].children;
  ASSERT_EQ(children.size(), 2u);
  EXPECT_EQ(children[0].id->term(), Term::binary("files-a"));
  EXPECT_EQ(command_of(children[0]).argv, (std::vector<std::string>{"busybox", "httpd", "-f"}));
  EXPECT_EQ(args_of(children[1]),
            parse_term("[#{every_ms => 500, host => <<\"127.0.0.1\">>, port => 7101}]").value());
}

TEST(FleetFile, AnEmptyFileIsAFleetOfNothing) {
  EXPECT_TRUE(good("").supervisors.empty());
}

TEST(FleetFile, TheFilesOfTlsAreRead) {
  const auto tls =
      good("[node.tls]\ncert_file = \"n1.pem\"\nkey_file = \"/k/n1.key\"\nca_file = \"ca.pem\"\n", "etc")
          .node.tls;
  ASSERT_TRUE(tls.has_value());
  EXPECT_EQ(tls->cert_file, "etc/n1.pem");
  EXPECT_EQ(tls->key_file, "/k/n1.key");
  EXPECT_EQ(tls->ca_file, "etc/ca.pem");
  EXPECT_EQ(tls->min_version, TlsVersion::v1_2);
  const std::string all = "[node.tls]\ncert_file = \"c\"\nkey_file = \"k\"\nca_file = \"a\"\n";
  EXPECT_EQ(good(all + "min_version = \"1.3\"\n").node.tls->min_version, TlsVersion::v1_3);
  EXPECT_EQ(good(all + "min_version = \"1.2\"\n").node.tls->min_version, TlsVersion::v1_2);
  EXPECT_FALSE(good("[node]\n").node.tls.has_value());
  EXPECT_NE(only(all + "min_version = \"1.1\"\n").find("FILE:5: node.tls.min_version: is \"1.1\""),
            std::string::npos);
  EXPECT_NE(only(all + "verify = false\n").find("FILE:5: node.tls.verify: "), std::string::npos);
  EXPECT_EQ(only("[node.tls]\ncert_file = \"c\"\nkey_file = \"k\"\n"),
            "FILE:1: node.tls: there is no ca_file; TLS needs cert_file, key_file and ca_file");
  EXPECT_EQ(only("[node]\ntls = true\n"), "FILE:2: node.tls: allowed: a table, [node.tls]");
}

TEST(FleetFile, EverySettingOfTheNodeIsRead) {
  const auto node = good(R"([node]
cookie = "secret"
listen = "127.0.0.1"
port = 9001
epmd = false
epmd_port = 4370
exec_allow = true
unproven_peers = false
unproven_exec = true
send_total_mib = 64
log_dir = "logs"
log_level = "debug"
worker_libs = ["libx.so", "/opt/liby.so"]
threads = 3
tick_timeout_ms = 4000
erlang_tick_timeout_ms = 15000
hidden = false
stuck_after_ms = 100
form_wait_ms = 0
expect = 3
min_nodes = 2
)",
                         "etc")
                        .node;
  EXPECT_EQ(node.cookie, "secret");
  EXPECT_EQ(node.listen, "127.0.0.1");
  EXPECT_EQ(node.port, 9001);
  EXPECT_EQ(node.epmd, false);
  EXPECT_EQ(node.epmd_port, 4370);
  EXPECT_EQ(node.exec_allow, true);
  EXPECT_EQ(node.unproven_peers, false);
  EXPECT_EQ(node.unproven_exec, true);
  EXPECT_EQ(node.send_total_mib, 64U);
  EXPECT_EQ(node.log_dir, "etc/logs");
  EXPECT_EQ(node.log_level, "debug");
  EXPECT_EQ(node.worker_libs, (std::vector<std::string>{"etc/libx.so", "/opt/liby.so"}));
  EXPECT_EQ(node.threads, 3u);
  EXPECT_EQ(node.tick_timeout, milliseconds(4000));
  EXPECT_EQ(node.erlang_tick_timeout, milliseconds(15000));
  EXPECT_EQ(node.hidden, false);
  EXPECT_EQ(node.stuck_after, milliseconds(100));
  EXPECT_EQ(node.form_wait, milliseconds(0));
  EXPECT_EQ(node.expect, 3u);
  EXPECT_EQ(node.min_nodes, 2u);
}

TEST(FleetFile, HasWaysToFindOtherNodes) {
  const auto node = good(
                        "[node]\ndiscover_hosts = [\"h1\", \"h2\"]\ndiscover_prefix = \"web\"\n"
                        "discover_dns = \"brood.default.svc\"\ndiscover_multicast = \"239.1.2.3:7746\"\n"
                        "discover_every_ms = 250\n")
                        .node;
  EXPECT_EQ(node.discover_hosts, (std::vector<std::string>{"h1", "h2"}));
  EXPECT_EQ(node.discover_prefix, "web");
  EXPECT_EQ(node.discover_dns, "brood.default.svc");
  EXPECT_EQ(node.discover_multicast, "239.1.2.3:7746");
  EXPECT_EQ(node.discover_every, milliseconds(250));
}

TEST(FleetFileErrors, WaysToFindOtherNodesMustMeanSomething) {
  for (const std::string group : {"127.0.0.1:80", "239.1.2.3", "239.1.2.3:0", "239.1.2.3:70000",
                                  "239.1.2.300:80", "239.1.2.3:80x", "everybody"}) {
    EXPECT_EQ(only("[node]\ndiscover_multicast = \"" + group + "\"\n")
                  .rfind("FILE:2: node.discover_multicast: is ", 0),
              0u)
        << group;
  }
  EXPECT_EQ(
      only("[node]\ndiscover_every_ms = 500\n").rfind("FILE:2: node.discover_every_ms: there is neither", 0),
      0u);
  EXPECT_EQ(only("[node]\ndiscover_prefix = \"a\"\n").rfind("FILE:2: node.discover_prefix: ", 0), 0u);
}

TEST(FleetFile, FormingIsASettingOfTheNodeForAllItsSupervisors) {
  const auto file = good("[node]\nform_wait_ms = 50\nexpect = 2\n[supervisor.a]\n[supervisor.b]\n");
  ASSERT_EQ(file.supervisors.size(), 2u);
  for (const auto& supervisor : file.supervisors) {
    EXPECT_EQ(supervisor.form_wait, milliseconds(50));
    EXPECT_EQ(supervisor.expect, 2u);
  }
}

TEST(FleetFile, EverySettingOfASupervisorIsRead) {
  const auto file = good("[supervisor.web]\nmax_restarts = 7\nmax_seconds = 2.5\nweight = 0\n");
  EXPECT_EQ(file.supervisors[0].max_restarts, 7u);
  EXPECT_EQ(good("[supervisor.web]\nmoves_in_flight = 20\n").supervisors[0].moves_in_flight, 20u);
  const auto history = good("[supervisor.web]\nhistory_events = 0\nhistory_mib = 3\n");
  EXPECT_EQ(history.supervisors[0].history_events, 0u);
  EXPECT_EQ(history.supervisors[0].history_bytes, 3u * 1024 * 1024);
  EXPECT_EQ(file.supervisors[0].max_seconds, milliseconds(2500));
  EXPECT_EQ(file.supervisors[0].weight, 0u);
}

TEST(FleetFile, WhichNodesGetChildrenIsRead) {
  const auto file = good(
      "[supervisor.a]\nnodes = [\"n1@h\", \"n2@h\"]\nmonitor_nodes = false\n"
      "[supervisor.b]\nmonitor_nodes = \"cluster\"\n[supervisor.c]\n");
  ASSERT_EQ(file.supervisors.size(), 3u);
  EXPECT_EQ(file.supervisors[0].nodes, (std::vector<NodeName>{"n1@h", "n2@h"}));
  EXPECT_EQ(file.supervisors[0].monitor_nodes, MonitorNodes::off);
  EXPECT_EQ(file.supervisors[1].monitor_nodes, MonitorNodes::cluster);
  EXPECT_EQ(file.supervisors[2].monitor_nodes, MonitorNodes::on);
  EXPECT_EQ(only("[supervisor.a]\nmonitor_nodes = 1\n"),
            "FILE:2: supervisor.a.monitor_nodes: allowed: true, false or \"cluster\"");
  EXPECT_NE(only("[supervisor.a]\nnodes = [\"n1@h:9\"]\n").find("has a port"), std::string::npos);
}

TEST(FleetFile, AGuidedChildHasAMapping) {
  const auto file = good(
      "[supervisor.a]\ndistribution = \"guided\"\n[[supervisor.a.child]]\nid = \"x\"\n"
      "worker = \"counter\"\nmapping = [\"n1@h\"]\n");
  EXPECT_EQ(file.supervisors[0].children[0].mapping, (std::vector<NodeName>{"n1@h"}));
}

// What a node would refuse once it reads the file is wrong with it.
TEST(FleetFile, AChildThatItsSupervisorWouldRefuseIsAProblemOfItsLine) {
  const auto child = [](const std::string& supervisor, const std::string& rest) {
    return only("[supervisor.a]\n" + supervisor +
                "\n[[supervisor.a.child]]\nid = \"x\"\nworker = \"counter\"\n" + rest + "\n");
  };
  const std::string guided = "distribution = \"guided\"";
  EXPECT_NE(child(guided, "").find("FILE:3: supervisor.a.child[0]: "), std::string::npos);
  EXPECT_NE(child(guided, "mapping = [\"n1@h\", \"n2@h\"]").find("FILE:3: "), std::string::npos);
  EXPECT_NE(child("", "mapping = [\"n1@h\"]").find("FILE:3: "), std::string::npos);
  EXPECT_NE(child(guided, "mapping = [\"n1@h\"]\nnodes = [\"n2@h\"]").find("no node could run it"),
            std::string::npos);
}

TEST(FleetFile, WhatIsPrintedOfAKeyDoesNothingToATerminal) {
  EXPECT_NE(only("[node]\n\"\\u001b[31mx\" = 1\n").find("FILE:2: node.\\x1b[31mx: unknown key"),
            std::string::npos);
}

TEST(FleetFile, EverySettingOfAProgramIsRead) {
  const auto spec = good_child(R"(exec = ["p"]
restart = "transient"
shutdown_ms = 100
tag = "t"
metadata = { owner = "me", size = 3 }
nodes = ["n1@h"]
env = { A = "1", B = "" }
cwd = "/srv"
stop_signal = "SIGINT"
)");
  EXPECT_EQ(spec.restart, Restart::transient);
  EXPECT_EQ(spec.shutdown.patience, milliseconds(100));
  EXPECT_EQ(spec.tag, "t");
  EXPECT_EQ(spec.metadata, parse_term("#{owner => <<\"me\">>, size => 3}").value());
  EXPECT_EQ(spec.nodes, (std::vector<NodeName>{"n1@h"}));
  EXPECT_EQ(command_of(spec).env, (std::map<std::string, std::string>{{"A", "1"}, {"B", ""}}));
  EXPECT_EQ(command_of(spec).cwd, "/srv");
  EXPECT_EQ(command_of(spec).stop_signal, 2);
}

TEST(FleetFile, DefaultsAreThoseOfTheApi) {
  const auto spec = good_child("worker = \"w\"\n");
  EXPECT_EQ(spec.restart, Restart::permanent);
  EXPECT_EQ(spec.shutdown.of(spec.type()).patience, milliseconds(5000));
  EXPECT_FALSE(spec.shutdown.of(spec.type()).infinity);
  EXPECT_TRUE(std::get<WorkerSpec>(spec.run).args.empty());
  EXPECT_FALSE(std::get<Command>(good_child("exec = [\"p\"]\n").run).stop_signal.has_value());
}

TEST(FleetFile, ShutdownMayBeAWord) {
  EXPECT_TRUE(good_child("worker = \"w\"\nshutdown = \"infinity\"\n").shutdown.infinity);
  EXPECT_EQ(good_child("worker = \"w\"\nshutdown = \"brutal_kill\"\n").shutdown.patience, milliseconds(0));
}

TEST(FleetFile, AStopSignalMayBeANumber) {
  EXPECT_EQ(std::get<Command>(good_child("exec = [\"p\"]\nstop_signal = 9\n").run).stop_signal, 9);
}

TEST(FleetFile, AnArrayOfArgsIsTheArguments) {
  const auto spec = good_child("worker = \"w\"\nargs = [1, 2.5, true, \"x\", [1], { k = \"v\" }]\n");
  EXPECT_EQ(args_of(spec), parse_term("[1, 2.5, true, <<\"x\">>, [1], #{k => <<\"v\">>}]").value());
}

TEST(FleetFile, AnIdMayBeAnAtom) {
  const auto file = good("[[supervisor.s.child]]\nid = \":main\"\nworker = \"w\"\n");
  EXPECT_EQ(file.supervisors[0].children[0].id->term(), Term::atom("main"));
}

TEST(FleetFile, CountMakesNumberedChildren) {
  const auto file = good(R"([[supervisor.s.child]]
id = "room-{n}"
count = 3
worker = "room"
args = { number = "{n}", list = ["{n}{n}"] }
)");
  const auto& children = file.supervisors[0].children;
  ASSERT_EQ(children.size(), 3u);
  EXPECT_EQ(children[0].id->term(), Term::binary("room-1"));
  EXPECT_EQ(children[2].id->term(), Term::binary("room-3"));
  EXPECT_EQ(args_of(children[1]), parse_term("[#{number => <<\"2\">>, list => [<<\"22\">>]}]").value());
}

TEST(FleetFile, CountNumbersTheWordsOfAProgram) {
  const auto file =
      good("[[supervisor.s.child]]\nid = \"s{n}\"\ncount = 2\nexec = [\"p\", \"127.0.0.1:710{n}\"]\n");
  EXPECT_EQ(command_of(file.supervisors[0].children[1]).argv[1], "127.0.0.1:7102");
}

TEST(FleetFile, TheMarkItselfIsWrittenInTwoBraces) {
  const auto file = good(
      "[[supervisor.s.child]]\nid = \"s{n}\"\ncount = 2\nexec = [\"sh\", \"-c\", \"n=5; echo ${{n}} "
      "{n}\"]\n");
  EXPECT_EQ(command_of(file.supervisors[0].children[1]).argv[2], "n=5; echo ${n} 2");
  EXPECT_NE(only("[[supervisor.s.child]]\nid = \"s{{n}}\"\ncount = 2\nworker = \"w\"\n").find("needs {n}"),
            std::string::npos);
}

TEST(FleetFile, WithoutCountTheMarkIsJustText) {
  const auto file = good("[[supervisor.s.child]]\nid = \"a{n}\"\nworker = \"w\"\n");
  EXPECT_EQ(file.supervisors[0].children[0].id->term(), Term::binary("a{n}"));
}

// ---- what is wrong ---------------------------------------------------------------------------------------

TEST(FleetFileErrors, BadTomlNamesTheLine) {
  const auto text = only("[node]\nname = \n");
  EXPECT_EQ(text.rfind("FILE:2: not valid TOML: ", 0), 0u) << text;
}

TEST(FleetFileErrors, TextWithoutQuotesIsToldSo) {
  const auto text = only("[node]\n\nname = n1@127.0.0.1\n");
  EXPECT_EQ(text.rfind("FILE:3: not valid TOML: ", 0), 0u) << text;
  EXPECT_NE(text.find("; text stands in quotes: name = \"n1@127.0.0.1\""), std::string::npos) << text;
  EXPECT_EQ(only("[node]\nname = \n").find("quotes:"), std::string::npos);
}

TEST(FleetFileErrors, WordsOfOtherToolsAreToldWithOurs) {
  const auto said = [](const std::string& key) { return only(child("worker = \"w\"\n" + key)); };
  EXPECT_NE(said("directory = \"/x\"\n").find("; here it is \"cwd\""), std::string::npos);
  EXPECT_NE(said("autorestart = true\n").find("; here it is \"restart\""), std::string::npos);
  EXPECT_NE(said("restart = \"on-failure\"\n").find("; here it is \"transient\""), std::string::npos);
  EXPECT_NE(said("restart = \"always\"\n").find("; here it is \"permanent\""), std::string::npos);
  EXPECT_NE(only("[[child]]\nid = \"a\"\n").find("; children are written as [[supervisor.NAME.child]]"),
            std::string::npos);
}

TEST(FleetFileErrors, AKeyGivenTwiceIsBadToml) {
  EXPECT_EQ(only("[node]\nname = \"a@b\"\nname = \"a@c\"\n").rfind("FILE:3: not valid TOML: ", 0), 0u);
}

TEST(FleetFileErrors, UnknownKeysAreRefusedWithTheAllowedOnesAndAGuess) {
  EXPECT_EQ(
      only("[node]\nnmae = \"a@b\"\n"),
      "FILE:2: node.nmae: unknown key; allowed: name, join, discover_hosts, discover_prefix, discover_dns, "
      "discover_multicast, discover_every_ms, cookie_file, cookie, tls, listen, port, epmd, "
      "epmd_port, "
      "exec_allow, unproven_peers, unproven_exec, send_total_mib, log_dir, log_level, log_format, "
      "worker_libs, threads, "
      "tick_timeout_ms, erlang_tick_timeout_ms, "
      "hidden, "
      "stuck_after_ms, form_wait_ms, expect, min_nodes; did you mean \"name\"?");
  EXPECT_EQ(only("[nodes]\n"),
            "FILE:1: nodes: unknown key; allowed: node, supervisor; did you mean \"node\"?");
  EXPECT_EQ(only("[supervisor.web]\nmigratoin = \"cold_swap\"\n"),
            "FILE:2: supervisor.web.migratoin: unknown key; allowed: distribution, redundancy, migration, "
            "synchronisation, partition, max_restarts, max_seconds, nodes, monitor_nodes, weight, "
            "moves_in_flight, history_events, history_mib, child; did "
            "you mean \"migration\"?");
  const auto text = only(child("worker = \"w\"\nrestrat = \"permanent\"\n"));
  EXPECT_EQ(
      text.rfind("FILE:4: supervisor.web.child[0].restrat: unknown key; allowed: id, count, worker, exec, ",
                 0),
      0u)
      << text;
  EXPECT_NE(text.find("did you mean \"restart\"?"), std::string::npos) << text;
}

TEST(FleetFileErrors, NothingIsGuessedForAWordLikeNoOther) {
  EXPECT_EQ(only("[supervisor.s]\nzzzzzzzzz = 1\n").find("did you mean"), std::string::npos);
}

struct Wrong {
  std::string text;
  std::string message;
};

TEST(FleetFileErrors, ValuesOfTheWrongKindAreRefused) {
  const std::vector<Wrong> all{
      {"[node]\nname = 3\n", "FILE:2: node.name: is a whole number; allowed: a text in quotes"},
      {"[node]\nname = \"\"\n", "FILE:2: node.name: is empty; leave the key out instead"},
      {"[node]\nport = \"x\"\n", "FILE:2: node.port: is a text; allowed: a whole number from 0 to 65535"},
      {"[node]\nport = 70000\n", "FILE:2: node.port: is 70000; allowed: a whole number from 0 to 65535"},
      {"[node]\nepmd = 1\n", "FILE:2: node.epmd: is a whole number; allowed: true or false"},
      {"[node]\njoin = \"n2@h\"\n",
       "FILE:2: node.join: is a text; allowed: an array of texts, [\"...\", \"...\"]"},
      {"[node]\njoin = [\"n2@h\", 3]\n",
       "FILE:2: node.join[1]: is a whole number; allowed: a text in quotes"},
      {"[node]\nlog_level = \"loud\"\n",
       "FILE:2: node.log_level: is \"loud\"; allowed: trace, debug, info, warning, error, critical, off"},
      {"[supervisor.s]\nmax_seconds = 0\n",
       "FILE:2: supervisor.s.max_seconds: is 0; allowed: a number above 0, at most 1000000000"},
      {"[supervisor.s]\nmax_seconds = true\n",
       "FILE:2: supervisor.s.max_seconds: is true or false; allowed: a number above 0"},
      {"[supervisor.s]\nmigration = \"warm\"\n",
       "FILE:2: supervisor.s.migration: there is no migration strategy 'warm'; there are: cold_swap, "
       "hot_swap"},
      {"[supervisor.s]\nmigration = 3\n",
       "FILE:2: supervisor.s.migration: is a whole number; allowed: the name of a strategy, or { use = "
       "\"name\", "
       "... } with its settings"},
      {"[supervisor.s]\nmigration = { wait_ms = 3 }\n",
       "FILE:2: supervisor.s.migration: has no key \"use\", which names the strategy"},
      {"[supervisor.s]\nmigration = { use = \"cold_swap\", wait_ms = 3 }\n",
       "FILE:2: supervisor.s.migration: migration strategy 'cold_swap': setting 'wait_ms' is unknown: it has "
       "none"},
      {"[supervisor.s]\nmigration = { use = \"cold_swap\", wait_ms = [3] }\n",
       "FILE:2: supervisor.s.migration: wait_ms is an array; allowed: a text, a number, true or false, an "
       "array of "
       "texts"},
      {"node = 3\n", "FILE:1: node: allowed: a table, [node]"},
      {"supervisor = 3\n", "FILE:1: supervisor: allowed: tables, one for each supervisor: [supervisor.NAME]"},
      {"[supervisor]\nweb = 3\n",
       "FILE:2: supervisor.web: allowed: a table, [supervisor.NAME]; a supervisor's settings stand under its "
       "name"},
      {"[supervisor.web]\nchild = 3\n",
       "FILE:2: supervisor.web.child: is a whole number; children are written as [[supervisor.web.child]]"},
  };
  for (const auto& wrong : all) EXPECT_EQ(only(wrong.text), wrong.message);
}

TEST(FleetFileErrors, WrongChildrenAreRefused) {
  const std::string at = "FILE:3: supervisor.web.child[0].";
  const std::vector<Wrong> all{
      {"exec = [\"p\"]\nworker = \"w\"\n", at + "exec: there is a worker too; a child has one of them"},
      {"exec = []\n", at + "exec: names no program; allowed: [\"program\", \"argument\", ...]"},
      {"worker = \"exec\"\n", at + "worker: \"exec\" is no worker; use exec = [\"program\", ...]"},
      {"args = 3\nworker = \"w\"\n",
       at + "args: is a whole number; allowed: a table (one argument, a map) or an array (the arguments)"},
      {"args = [1]\nexec = [\"p\"]\n", at + "args: only a worker has args; put a program's in exec"},
      {"args = { at = 2001-01-01 }\nworker = \"w\"\n",
       at + "args.at: is a date or time; allowed: texts, numbers, true and false, arrays, tables"},
      {"restart = \"always\"\nworker = \"w\"\n",
       at + "restart: is \"always\"; allowed: permanent, transient, temporary; here it is \"permanent\""},
      {"restart = \"permanant\"\nworker = \"w\"\n", at + "restart: is \"permanant\"; allowed: permanent, "
                                                         "transient, temporary; did you mean \"permanent\"?"},
      {"shutdown_ms = -1\nworker = \"w\"\n",
       at + "shutdown_ms: is -1; allowed: a whole number from 0 to 86400000"},
      {"shutdown = 5\nworker = \"w\"\n",
       at + "shutdown: allowed: \"infinity\" or \"brutal_kill\"; for a time use shutdown_ms"},
      {"shutdown = \"infinity\"\nshutdown_ms = 5\nworker = \"w\"\n",
       at + "shutdown: there is a shutdown_ms too; give one of them"},
      {"nodes = [\"n1\"]\nworker = \"w\"\n",
       at + "nodes: 'n1' is not a node name: it has no '@'; write name@host or name@host:port"},
      {"nodes = [\"n1@h:1\"]\nworker = \"w\"\n", at + "nodes: \"n1@h:1\" has a port; allowed: name@host"},
      {"env = 3\nexec = [\"p\"]\n", at + "env: allowed: a table of texts, { LANG = \"C\" }"},
      {"env = { A = 3 }\nexec = [\"p\"]\n",
       at + "env.A: allowed: NAME = \"text\", without = in the name and zero bytes in the text"},
      {"cwd = \"/\"\nworker = \"w\"\n", at + "cwd: only a child with exec has it"},
      {"stop_signal = \"SIGNONE\"\nexec = [\"p\"]\n",
       at + "stop_signal: no such signal; allowed: a name (\"SIGINT\") or a number (2)"},
      {"metadata = 3\nworker = \"w\"\n", at + "metadata: allowed: a table"},
      {"count = 0\nworker = \"w\"\n", at + "count: is 0; allowed: a whole number from 1 to 100000"},
  };
  for (const auto& wrong : all) EXPECT_EQ(only(child(wrong.text)), wrong.message);
  EXPECT_EQ(only(child("")),
            "FILE:1: supervisor.web.child[0]: says nothing to run; allowed: worker = \"name\" or "
            "exec = [\"program\", ...]");
  EXPECT_EQ(only("[[supervisor.web.child]]\nworker = \"w\"\n"),
            "FILE:1: supervisor.web.child[0]: has no id; allowed: id = \"text\", or \":name\" for an atom");
  EXPECT_EQ(only(child("count = 2\nworker = \"w\"\n")),
            "FILE:2: supervisor.web.child[0].id: needs {n}, which count replaces by 1, 2, ...; for example "
            "\"room-{n}\"");
}

TEST(FleetFileErrors, AnIdIsUsedOnceInASupervisor) {
  EXPECT_EQ(only("[[supervisor.s.child]]\nid = \"a-2\"\nworker = \"w\"\n"
                 "[[supervisor.s.child]]\nid = \"a-{n}\"\ncount = 2\nworker = \"w\"\n"),
            "FILE:5: supervisor.s.child[1].id: \"a-2\" is the id of the child at line 2 already");
  good(
      "[[supervisor.s.child]]\nid = \"a\"\nworker = \"w\"\n[[supervisor.t.child]]\nid = \"a\"\nworker = "
      "\"w\"\n");
  good(
      "[[supervisor.s.child]]\nid = \"a\"\nworker = \"w\"\n[[supervisor.s.child]]\nid = \":a\"\nworker = "
      "\"w\"\n");
}

TEST(FleetFileErrors, AnIdHasAtMost255Bytes) {
  const auto text = only("[[supervisor.s.child]]\nid = \"" + std::string(256, 'x') + "\"\nworker = \"w\"\n");
  EXPECT_EQ(text, "FILE:2: supervisor.s.child[0].id: a child id has 256 bytes; at most 255 are allowed");
}

TEST(FleetFileErrors, NodeNamesAreChecked) {
  EXPECT_NE(only("[node]\nname = \"n1\"\n").find("it has no '@'"), std::string::npos);
  EXPECT_NE(only("[node]\nname = \"n 1@h\"\n").find("before '@'"), std::string::npos);
  EXPECT_NE(only("[node]\njoin = [\"n1@\"]\n").find("after the '@'"), std::string::npos);
  EXPECT_EQ(only("[node]\nname = \"n1@h:1\"\nport = 2\n"),
            "FILE:3: node.port: the name has a port already; give one of them");
}

TEST(FleetFileErrors, OneCookieOnly) {
  EXPECT_EQ(only("[node]\ncookie = \"c\"\ncookie_file = \"f\"\n"),
            "FILE:2: node.cookie: there is a cookie_file too; give one of them");
}

TEST(FleetFileErrors, AllAreSaidAtOnceInTheOrderOfTheirLines) {
  const auto problems =
      bad("[node]\nport = \"x\"\nzzz = 1\n[supervisor.s]\nweight = -1\n[[supervisor.s.child]]\n");
  ASSERT_EQ(problems.size(), 5u) << testing::PrintToString(problems);
  std::vector<std::string> lines;
  lines.reserve(problems.size());
  for (const auto& problem : problems) lines.push_back(problem.substr(0, 7));
  EXPECT_EQ(lines, (std::vector<std::string>{"FILE:2:", "FILE:3:", "FILE:5:", "FILE:6:", "FILE:6:"}));
}

// ---- files ----------------------------------------------------------------------------------------------

class FleetOnDisk : public testing::Test {
 protected:
  FleetOnDisk() {
    std::string name = testing::TempDir() + "brood-fleet-XXXXXX";
    folder = ::mkdtemp(name.data());
    path = folder + "/fleet.toml";
  }
  ~FleetOnDisk() override {
    ::unlink(path.c_str());
    ::rmdir(folder.c_str());
  }
  void write(const std::string& text, mode_t mode) {
    std::ofstream(path) << text;
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }
  std::string folder;
  std::string path;
};

TEST_F(FleetOnDisk, CommandsAreRelativeToTheFileWhereverItIsReadFrom) {
  write(
      "[[supervisor.web.child]]\nid = \"a\"\nexec = [\"./run\", \"./argument\"]\ncwd = \"data\"\n"
      "[[supervisor.web.child]]\nid = \"b\"\nexec = [\"sh\"]\ncwd = \".\"\n"
      "[[supervisor.web.child]]\nid = \"c\"\nexec = [\"/bin/sh\"]\n",
      0644);
  const auto before = std::filesystem::current_path();
  for (const auto& [from, name] : {std::pair<std::string, std::string>{"/", path}, {folder, "fleet.toml"}}) {
    std::filesystem::current_path(from);
    const auto file = load_fleet(name);
    std::filesystem::current_path(before);
    ASSERT_TRUE(file);
    const auto& children = file->supervisors[0].children;
    EXPECT_EQ(command_of(children[0]).argv, (std::vector<std::string>{folder + "/run", "./argument"}));
    EXPECT_EQ(command_of(children[0]).cwd, folder + "/data");
    EXPECT_EQ(command_of(children[1]).argv.front(), "sh") << "looked for in PATH";
    EXPECT_EQ(command_of(children[1]).cwd, folder);
    EXPECT_EQ(command_of(children[2]).argv.front(), "/bin/sh");
    EXPECT_FALSE(command_of(children[2]).cwd.has_value());
  }
}

TEST_F(FleetOnDisk, PathsAreRelativeToTheFile) {
  write("[node]\ncookie_file = \"cookie\"\n", 0644);
  EXPECT_EQ(load_fleet(path)->node.cookie_file, folder + "/cookie");
}

TEST_F(FleetOnDisk, AFileThatIsNotThereIsSaidByName) {
  const auto file = load_fleet(path);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error()[0].text(path), path + ": cannot be read: No such file or directory");
}

TEST_F(FleetOnDisk, AFolderIsNoFile) {
  const auto file = load_fleet(folder);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error()[0].what, "is a folder, not a file");
}

TEST_F(FleetOnDisk, ACookieMayStandOnlyInAFileThatOthersCannotRead) {
  write("[node]\ncookie = \"secret\"\n", 0644);
  const auto open_file = load_fleet(path);
  ASSERT_FALSE(open_file);
  EXPECT_EQ(open_file.error()[0].key, "node.cookie");
  EXPECT_EQ(open_file.error()[0].what, "this file can be accessed by others (mode 644); run `chmod 400 " +
                                           path + "`; or use cookie_file");
  write("[node]\ncookie = \"secret\"\n", 0600);
  EXPECT_EQ(load_fleet(path)->node.cookie, "secret");
}

}  // namespace fleet_file_test
}  // namespace brood::app::fleet
