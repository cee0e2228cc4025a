#include "apps/brood/cli/arguments.hpp"

#include <gtest/gtest.h>

namespace brood::app {
namespace arguments_test {

std::string nothing(const std::string&) {
  return "";
}

Arguments good(std::vector<std::string> words) {
  auto parsed = parse_arguments(std::move(words), nothing);
  if (parsed) return std::move(*parsed);
  ADD_FAILURE() << parsed.error().text;
  return {};
}

std::string bad(const std::vector<std::string>& words) {
  const auto parsed = parse_arguments(words, nothing);
  if (parsed) {
    ADD_FAILURE() << testing::PrintToString(words) << " was accepted";
    return "";
  }
  EXPECT_EQ(parsed.error().status, exit_usage) << testing::PrintToString(words);
  return parsed.error().text;
}

TEST(Arguments, CommonOptionsStandBeforeOrAfterTheCommand) {
  for (const auto& words : {std::vector<std::string>{"--json", "--node", "n1@h", "ps"},
                            std::vector<std::string>{"ps", "--node", "n1@h", "--json"}}) {
    const auto arguments = good(words);
    EXPECT_EQ(arguments.command, "ps");
    EXPECT_EQ(arguments.common.node, "n1@h");
    EXPECT_TRUE(arguments.common.json);
  }
}

TEST(Arguments, AWordInBracketsIsOneWord) {
  const std::vector<std::string> words{"[1,2]", "[ -f x ]", "[]", "{}", "[\"a\",\"b\"]", "\x01[c]", ""};
  std::vector<std::string> start{"start", "x", "--env", "[A=1,B=2]", "--", "sh"};
  start.insert(start.end(), words.begin(), words.end());
  const auto started = good(start).start;
  EXPECT_EQ(started.env, (std::vector<std::string>{"[A=1,B=2]"}));
  EXPECT_EQ((std::vector<std::string>{started.command.begin() + 1, started.command.end()}), words);
  EXPECT_EQ(good({"start", "[1]", "--worker", "w", "--args", "[1,2]"}).start.args, "[1,2]");
  for (const char* command : {"stop", "wait", "logs", "restart"})
    EXPECT_EQ(good({command, "[a,b]", "c"}).ids, (std::vector<std::string>{"[a,b]", "c"})) << command;
  EXPECT_EQ(good({"call", "[a,b]", "[1,2]"}).term, "[1,2]");
  EXPECT_NE(bad({"ps", "[a,b]"}).find("not expected: [a,b]"), std::string::npos);
}

TEST(Arguments, TheEnvironmentNamesNodeAndCookie) {
  const auto environment = [](const std::string& name) {
    return name == "BROOD_NODE" ? "e@h" : name == "BROOD_COOKIE_FILE" ? "/c" : "";
  };
  const auto from = parse_arguments({"ps"}, environment);
  ASSERT_TRUE(from);
  EXPECT_EQ(from->common.node, "e@h");
  EXPECT_EQ(from->common.cookie_file, "/c");
  const auto over = parse_arguments({"ps", "--node", "o@h", "--cookie-file", "/o"}, environment);
  ASSERT_TRUE(over);
  EXPECT_EQ(over->common.node, "o@h");
  EXPECT_EQ(over->common.cookie_file, "/o");
  const auto daemon = parse_arguments({"node"}, environment);
  ASSERT_TRUE(daemon);
  EXPECT_EQ(daemon->common.cookie_file, "");
}

TEST(Arguments, TheEnvironmentNamesTheSupervisorButDrainsAllOfThem) {
  const auto environment = [](const std::string& name) { return name == "BROOD_SUPERVISOR" ? "web" : ""; };
  EXPECT_EQ(parse_arguments({"ps"}, environment)->common.supervisor, "web");
  EXPECT_EQ(parse_arguments({"ps", "--supervisor", "jobs"}, environment)->common.supervisor, "jobs");
  EXPECT_EQ(parse_arguments({"drain"}, environment)->common.supervisor, "");
  EXPECT_EQ(parse_arguments({"drain", "--supervisor", "web"}, environment)->common.supervisor, "web");
}

TEST(Arguments, SeveralNodesStandBetweenCommasOrSpaces) {
  EXPECT_EQ(node_list("n1@h"), (std::vector<std::string>{"n1@h"}));
  EXPECT_EQ(node_list("n1@h, n2@h:9000 n3@[::1]:9"),
            (std::vector<std::string>{"n1@h", "n2@h:9000", "n3@[::1]:9"}));
  EXPECT_EQ(node_list(" ,"), std::vector<std::string>{});
}

TEST(Arguments, AWorkerIsStartedByName) {
  const auto arguments = good({"start", "a", "--worker", "counter", "--args", "[1]", "--restart", "transient",
                               "--on", "n2@h", "--tag", "t", "--shutdown", "infinity"});
  EXPECT_EQ(arguments.id, "a");
  EXPECT_EQ(arguments.start.worker, "counter");
  EXPECT_EQ(arguments.start.args, "[1]");
  EXPECT_EQ(arguments.start.restart, "transient");
  EXPECT_EQ(arguments.start.on, "n2@h");
  EXPECT_EQ(arguments.start.tag, "t");
  EXPECT_EQ(arguments.start.shutdown, "infinity");
}

TEST(Arguments, ACommandStandsAfterTwoDashesWithItsOwnOptions) {
  const auto arguments =
      good({"start", "a", "--tag", "t", "--", "busybox", "httpd", "-f", "--json", "--", "start"});
  EXPECT_EQ(arguments.id, "a");
  EXPECT_EQ(arguments.start.tag, "t");
  EXPECT_EQ(arguments.start.command,
            (std::vector<std::string>{"busybox", "httpd", "-f", "--json", "--", "start"}));
  EXPECT_FALSE(arguments.common.json);
}

TEST(Arguments, StartSaysWhatToRun) {
  EXPECT_EQ(good({"start", "a", "--on", "n2@h"}).id, "a");  // one that was stopped
  EXPECT_NE(bad({"start", "a", "--tag", "t"}).find("start: what?"), std::string::npos);
  EXPECT_NE(bad({"start", "a", "--shutdown", "5"}).find("start: what?"), std::string::npos);
  EXPECT_NE(bad({"start", "a", "--worker", "w", "--", "ls"}).find("not both"), std::string::npos);
  EXPECT_NE(bad({"start", "a", "--args", "[1]", "--", "ls"}).find("--args is for --worker"),
            std::string::npos);
  EXPECT_NE(bad({"start", "a", "--worker", "w", "--cwd", "/"}).find("--cwd is for commands"),
            std::string::npos);
  EXPECT_NE(bad({"start", "a", "--env", "x", "--", "ls"}).find("NAME=VALUE"), std::string::npos);
  EXPECT_NE(bad({"start", "--worker", "w"}).find("id"), std::string::npos);
  EXPECT_NE(bad({"start", "a", "--worker", "w", "--restart", "always"}).find("always"), std::string::npos);
}

TEST(Arguments, TermsMayBeginWithADashAfterTwoDashes) {
  const auto arguments = good({"call", "a", "--", "-5"});
  EXPECT_EQ(arguments.term, "-5");
}

TEST(Arguments, SeveralIdsAreStopped) {
  EXPECT_EQ(good({"stop", "a", "b", "c"}).ids, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_NE(bad({"stop"}).find("stop: what? Give IDs, or --tag TAG"), std::string::npos);
  EXPECT_EQ(good({"stop", "--tag", "t"}).tag, "t");
  EXPECT_NE(bad({"stop", "a", "--tag", "t"}).find("not both"), std::string::npos);
  EXPECT_NE(bad({"move", "a", "n1@h", "--auto"}).find("not both"), std::string::npos);
  // As of a variable that is not set: `brood drain "$N"` is not meant for the node of --node.
  EXPECT_NE(bad({"drain", ""}).find("NODE is empty"), std::string::npos);
  EXPECT_NE(bad({"undrain", ""}).find("NODE is empty"), std::string::npos);
  EXPECT_NE(bad({"start", "a", "--worker", "w", "--on", ""}).find("--on is empty"), std::string::npos);
  EXPECT_NE(bad({"ps", "--tag", ""}).find("--tag is empty"), std::string::npos);
  EXPECT_NE(bad({"logs"}).find("logs: of what? Give IDs"), std::string::npos);
  EXPECT_NE(bad({"wait"}).find("wait: of what? Give IDs"), std::string::npos);
}

TEST(Arguments, AWordTooManyIsToldWithWhatWasMeant) {
  EXPECT_NE(bad({"start", "a", "python3", "-m", "http.server"}).find("stands after --"), std::string::npos);
  EXPECT_NE(bad({"call", "a", "add", "5"}).find("put it into quotes"), std::string::npos);
  EXPECT_NE(bad({"ps", "--phase", "runing"}).find("running"), std::string::npos);
}

TEST(Arguments, TheRestIsRead) {
  EXPECT_TRUE(good({"ps", "--local", "--tag", "t"}).local);
  EXPECT_EQ(good({"ps", "--tag", "t"}).tag, "t");
  EXPECT_EQ(good({"ps", "--limit", "5", "--after", "a"}).after, "a");
  bad({"ps", "--after", "a"});
  bad({"ps", "--after", "a", "--limit", "5", "--sort", "id"});
  bad({"logs", "a", "-f", "--previous"});
  bad({"start", "a", "--worker", "w", "--user", "u"});
  EXPECT_EQ(good({"show", "a"}).id, "a");
  EXPECT_EQ(good({"cast", "a", "x"}).term, "x");
  EXPECT_EQ(good({"call", "a", "x", "--timeout", "50"}).common.timeout, std::chrono::milliseconds(50));
  EXPECT_EQ(good({"where", "k"}).id, "k");
  const auto logs = good({"logs", "a", "-f", "-n", "5"});
  EXPECT_EQ(logs.ids, std::vector<std::string>{"a"});
  EXPECT_TRUE(logs.follow);
  EXPECT_EQ(logs.lines, 5u);
  EXPECT_EQ(good({"why", "a"}).id, "a");
  const auto events = good({"events", "-f", "--id", "web-", "--limit", "7"});
  EXPECT_TRUE(events.follow);
  EXPECT_EQ(events.prefix, "web-");
  EXPECT_EQ(events.lines, 7u);
  EXPECT_EQ(good({"drain"}).target, "");
  EXPECT_EQ(good({"undrain", "n2@h"}).target, "n2@h");
  EXPECT_EQ(good({"drain", "n2@h"}).target, "n2@h");
  EXPECT_TRUE(good({"apply", "f", "--dry-run"}).dry_run);
  EXPECT_FALSE(good({"apply", "f"}).prune);
  EXPECT_TRUE(good({"apply", "f", "--prune"}).prune);
  EXPECT_TRUE(good({"apply", "f", "--start-stopped"}).start_stopped);
  EXPECT_EQ(good({"nodes"}).command, "nodes");
  EXPECT_EQ(good({"workers"}).command, "workers");
  EXPECT_FALSE(good({"partition"}).cluster_size);
  EXPECT_EQ(good({"partition", "--reset-size", "3"}).cluster_size, 3u);
  EXPECT_EQ(good({"retry", "a"}).id, "a");
  EXPECT_EQ(good({"move", "a", "n2@h"}).target, "n2@h");
  EXPECT_TRUE(good({"move", "a", "--auto"}).by_itself);
  EXPECT_EQ(good({"forget", "n3@h"}).target, "n3@h");
  EXPECT_EQ(good({"rebalance"}).command, "rebalance");
  EXPECT_EQ(good({"scoreboard"}).command, "scoreboard");
}

TEST(Arguments, TlsIsThreeFilesOrNone) {
  EXPECT_FALSE(tls_of(good({"ps"}).common).has_value());
  const auto given = tls_of(good({"ps", "--tls-cert", "c", "--tls-key", "k", "--tls-ca", "a"}).common);
  ASSERT_TRUE(given.has_value());
  EXPECT_EQ(given->cert_file + given->key_file + given->ca_file, "cka");
  EXPECT_NE(bad({"ps", "--tls-cert", "c", "--tls-key", "k"}).find("give --tls-ca FILE (or BROOD_TLS_CA) too"),
            std::string::npos);
  EXPECT_NE(bad({"node", "--tls-ca", "a"}).find("give --tls-cert FILE (or BROOD_TLS_CERT) too"),
            std::string::npos);
  const auto environment = [](const std::string& name) {
    return name.rfind("BROOD_TLS_", 0) == 0 ? "/" + name.substr(10) : "";
  };
  const auto from = tls_of(parse_arguments({"ps", "--tls-cert", "c"}, environment)->common);
  ASSERT_TRUE(from.has_value());
  EXPECT_EQ(from->cert_file + from->key_file + from->ca_file, "c/KEY/CA");
  // A daemon has its own file.
  EXPECT_FALSE(tls_of(parse_arguments({"node", "--name", "n1@h"}, environment)->common).has_value());
}

TEST(Arguments, TheDaemonTakesListsOneByOne) {
  const auto arguments = good({"node",      "--config",      "f",      "--name",       "n1@h",
                               "--join",    "n2@h",          "--join", "n3@h",         "--worker-lib",
                               "a.so",      "--worker-lib",  "b.so",   "--exec-allow", "--log-level",
                               "debug",     "--log-dir",     "d",      "--supervisor", "s",
                               "--no-epmd", "--cookie-file", "c"});
  EXPECT_EQ(arguments.node.join, (std::vector<std::string>{"n2@h", "n3@h"}));
  EXPECT_EQ(arguments.node.worker_libs, (std::vector<std::string>{"a.so", "b.so"}));
  EXPECT_EQ(arguments.node.supervisors, (std::vector<std::string>{"s"}));
  EXPECT_TRUE(arguments.node.exec_allow);
  EXPECT_TRUE(arguments.node.no_epmd);
  EXPECT_EQ(arguments.common.cookie_file, "c");
}

TEST(Arguments, WrongOnesAreUsageErrors) {
  EXPECT_NE(bad({}).find("which command?"), std::string::npos);
  EXPECT_NE(bad({"strat", "a"}).find("did you mean \"start\"?"), std::string::npos);
  EXPECT_NE(bad({"strt", "a"}).find("did you mean \"start\"?"), std::string::npos);
  EXPECT_NE(bad({"list"}).find("here it is `brood ps`"), std::string::npos);
  EXPECT_NE(bad({"help"}).find("here it is `brood --help`"), std::string::npos);
  EXPECT_NE(bad({"update"}).find("here it is `brood apply`"), std::string::npos);
  EXPECT_NE(bad({"reload"}).find("here: `brood apply FILE` brings the cluster"), std::string::npos);
  EXPECT_EQ(bad({"wehn"}).find("did you mean"), std::string::npos);
  EXPECT_EQ(bad({"last"}).find("cat"), std::string::npos);
  bad({"ps", "extra"});
  bad({"ps", "--nonsense"});
  bad({"ps", "--timeout", "0"});
  bad({"ps", "--timeout", "soon"});
  bad({"ps", "--color", "green"});
  bad({"call", "a"});
  bad({"where"});
  bad({"restart"});
  bad({"restart", "a", "--tag", "blue"});
  bad({"wait", "a", "--for", "ever"});
  bad({"completion", "csh"});
  bad({"apply"});
  bad({"node", "--log-level", "loud"});
  bad({"node", "--node", "n1@h"});
  bad({"node", "--json"});
  bad({"logs", "a", "-f", "--json"});
  bad({"events", "-f", "--json"});
  bad({"why"});
  bad({"logs", "a", "-n", "-1"});
}

TEST(Arguments, ErrorsKnowThatJsonWasAskedFor) {
  const auto parsed = parse_arguments({"ps", "--json", "--nonsense"}, nothing);
  ASSERT_FALSE(parsed);
  EXPECT_TRUE(parsed.error().json);
  const auto command = parse_arguments({"start", "a", "--nonsense", "--", "x", "--json"}, nothing);
  ASSERT_FALSE(command);
  EXPECT_FALSE(command.error().json);
}

TEST(Arguments, HelpAndVersionAreNoErrors) {
  for (const auto& words : {std::vector<std::string>{"--help"}, std::vector<std::string>{"start", "--help"},
                            std::vector<std::string>{"--version"}, std::vector<std::string>{"--help-all"}}) {
    const auto parsed = parse_arguments(words, nothing);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().status, 0);
    EXPECT_FALSE(parsed.error().text.empty());
  }
}

}  // namespace arguments_test
}  // namespace brood::app
