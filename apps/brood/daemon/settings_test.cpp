#include "apps/brood/daemon/settings.hpp"

#include <gtest/gtest.h>

namespace brood::app {
namespace settings_test {

Arguments arguments_of(std::vector<std::string> words) {
  words.insert(words.begin(), "node");
  return parse_arguments(std::move(words), [](const std::string&) { return ""; }).value();
}

Outcome<DaemonSettings> merged(std::vector<std::string> words, const std::string& file) {
  return merged_settings(arguments_of(std::move(words)), fleet::parse_fleet(file, "").value());
}

TEST(DaemonSettings, TheCommandLineWins) {
  const auto settings =
      merged({"--name", "n1@h", "--log-level", "debug", "--log-dir", "mine", "--exec-allow", "--no-epmd"},
             "[node]\nname = \"other@h\"\nlog_level = \"error\"\nlog_dir = \"theirs\"\n");
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->node.name, "n1@h");
  EXPECT_EQ(settings->log_level, "debug");
  EXPECT_EQ(settings->node.log_dir, "mine");
  EXPECT_TRUE(settings->node.exec_allow);
  EXPECT_FALSE(settings->node.epmd);
}

TEST(DaemonSettings, TheFileIsTakenWhereTheCommandLineIsSilent) {
  const auto settings =
      merged({},
             "[node]\nname = \"n1@h\"\nport = 9000\nexec_allow = true\ntick_timeout_ms = 1000\n"
             "stuck_after_ms = 70\nthreads = 4\nworker_libs = [\"a.so\"]\nepmd = false\n"
             "unproven_peers = false\nunproven_exec = true\nsend_total_mib = 64\n"
             "listen = \"127.0.0.2\"\nepmd_port = 5000\nerlang_tick_timeout_ms = 15000\nhidden = false\n");
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->node.name, "n1@h");
  EXPECT_EQ(settings->node.port, 9000);
  EXPECT_TRUE(settings->node.exec_allow);
  EXPECT_EQ(settings->node.tick_timeout.count(), 1000);
  EXPECT_EQ(settings->node.stuck_after.count(), 70);
  EXPECT_EQ(settings->node.erlang_tick_timeout.count(), 15000);
  EXPECT_FALSE(settings->node.hidden);
  EXPECT_FALSE(settings->node.unproven_peers);
  EXPECT_TRUE(settings->node.unproven_exec);
  EXPECT_EQ(settings->node.send_total_max, 64U * 1024 * 1024);
  EXPECT_EQ(settings->node.threads, 4u);
  EXPECT_EQ(settings->worker_libs, (std::vector<std::string>{"a.so"}));
  EXPECT_FALSE(settings->node.epmd);
  EXPECT_EQ(settings->node.listen_address, "127.0.0.2");
  EXPECT_EQ(settings->node.epmd_port, 5000);
}

TEST(DaemonSettings, ANodeIsHiddenUnlessItsFileSaysOtherwise) {
  EXPECT_TRUE(merged({"--name", "n1@h"}, "")->node.hidden);
}

TEST(DaemonSettings, TheCommandLinesCertificateWinsAndTheFilesVersionStays) {
  const std::string file =
      "[node.tls]\ncert_file = \"c\"\nkey_file = \"k\"\nca_file = \"a\"\nmin_version = \"1.3\"\n";
  const auto from_file = merged({"--name", "n1@h"}, file);
  ASSERT_TRUE(from_file && from_file->node.tls);
  EXPECT_EQ(from_file->node.tls->cert_file, "c");
  const auto given =
      merged({"--name", "n1@h", "--tls-cert", "c2", "--tls-key", "k2", "--tls-ca", "a2"}, file);
  ASSERT_TRUE(given && given->node.tls);
  EXPECT_EQ(given->node.tls->cert_file, "c2");
  EXPECT_EQ(given->node.tls->min_version, TlsVersion::v1_3);
  EXPECT_FALSE(merged({"--name", "n1@h"}, "[node]\n")->node.tls.has_value());
}

TEST(DaemonSettings, ListsOfBothAreTaken) {
  const auto settings = merged({"--name", "n1@h", "--worker-lib", "b.so", "--join", "n3@h"},
                               "[node]\nworker_libs = [\"a.so\"]\njoin = [\"n2@h\"]\n");
  EXPECT_EQ(settings->worker_libs, (std::vector<std::string>{"a.so", "b.so"}));
  EXPECT_EQ(settings->node.join, (std::vector<std::string>{"n2@h", "n3@h"}));
}

TEST(DaemonSettings, ANodeDoesNotJoinItself) {
  const auto settings =
      merged({"--name", "n1@h:9001"}, "[node]\njoin = [\"n1@h\", \"n2@h\", \"n2@h\", \"n1@h:9001\"]\n");
  EXPECT_EQ(settings->node.join, (std::vector<std::string>{"n2@h"}));
}

TEST(DaemonSettings, ANameIsNeeded) {
  const auto settings = merged({}, "");
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().status, exit_usage);
  EXPECT_FALSE(merged({"--name", "n1"}, ""));
  EXPECT_FALSE(merged({"--name", "n1@h", "--join", "n2"}, ""));
}

TEST(DaemonSettings, WithoutAnySupervisorThereIsMain) {
  EXPECT_EQ(merged({"--name", "n1@h"}, "")->supervisors[0].name, "main");
  EXPECT_EQ(merged({"--name", "n1@h"}, "[supervisor.web]\n")->supervisors.size(), 1u);
  const auto more = merged({"--name", "n1@h", "--supervisor", "jobs", "--supervisor", "web"},
                           "[node]\nexpect = 3\nmin_nodes = 2\n[supervisor.web]\nweight = 5\n");
  ASSERT_EQ(more->supervisors.size(), 2u);
  EXPECT_EQ(more->supervisors[0].weight, 5u);
  EXPECT_EQ(more->supervisors[1].name, "jobs");
  EXPECT_EQ(more->supervisors[1].expect, 3u);
  EXPECT_EQ(more->node.min_nodes, 2u);
}

}  // namespace settings_test
}  // namespace brood::app
