#include "exec/options/options.hpp"

#include <gtest/gtest.h>

#include "exec/options/env_file.hpp"

namespace brood::exec {
namespace options_test {

Term parse(std::string_view text) {
  auto term = parse_term(text);
  EXPECT_TRUE(term) << text;
  return term ? *term : Term();
}

/// All options of a map such as requests have it.
Result<ProgramOptions> read(std::string_view text) {
  ProgramOptions options;
  const Term map = parse(text);
  for (const auto& [key, value] : *map.as_map())
    if (auto fine = read_option(key.text().value(), value, options); !fine) return fine.error();
  return options;
}

ProgramOptions all_options() {
  ProgramOptions options;
  options.user = "www-data";
  options.group = "33";
  options.umask = 027;
  options.nice = -5;
  options.limits = {{"nofile", {1024, 4096}},
                    {"as", {std::uint64_t{512} << 20, std::uint64_t{512} << 20}},
                    {"core", {0, ResourceLimit::unlimited}},
                    {"stack", {}}};
  options.env_file = "/etc/app.env";
  options.stdin_file = "in.txt";
  options.exit_codes = {0, 3};
  options.health = HealthCheck{.http = "http://[::1]:8080/healthz",
                               .interval = std::chrono::seconds(3),
                               .timeout = std::chrono::milliseconds(500),
                               .threshold = 2,
                               .start_period = std::chrono::seconds(60),
                               .on_failure = HealthCheck::OnFailure::report};
  options.log_size = 10 << 20;
  options.log_files = 5;
  options.log_timestamps = true;
  options.cgroup = {.memory = std::uint64_t{512} << 20, .cpu = 1.5, .pids = 100};
  options.pty = PseudoTerminal{132, 40};
  options.log_to = {.file = true, .journal = true};
  return options;
}

TEST(ProgramOptions, AreReadFromTheirTerms) {
  const auto options = read(
      "#{user => <<\"www-data\">>, group => 33, umask => <<\"027\">>, nice => -5, env_file => "
      "<<\"/etc/app.env\">>, "
      "stdin => <<\"in.txt\">>, exit_codes => [3, 0, 3], limits => #{nofile => <<\"1024:4096\">>, as => "
      "<<\"512MiB\">>, core => <<\"0:unlimited\">>, stack => <<\"unlimited\">>}, health => #{http => "
      "<<\"http://[::1]:8080/healthz\">>, interval_ms => 3000, timeout_ms => 500, threshold => 2, "
      "start_period_ms => "
      "60000, on_failure => report}, log_size => <<\"10MiB\">>, log_files => 5, log_timestamps => true, "
      "cgroup => #{memory => <<\"512MiB\">>, cpu => 1.5, pids => 100}, pty => <<\"132x40\">>, log_to => "
      "[file, journal]}");
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(*options, all_options());
}

TEST(ProgramOptions, SurviveTheirTermsAndDefaultsHaveNone) {
  EXPECT_TRUE(option_entries({}).empty());
  ProgramOptions again;
  const auto entries = option_entries(all_options());
  EXPECT_EQ(entries.size(), option_names().size()) << "each option is among those of the test";
  for (const auto& [key, value] : entries) ASSERT_TRUE(read_option(key.as_atom()->name, value, again));
  EXPECT_EQ(again, all_options());
  EXPECT_TRUE(validate(all_options()));
}

TEST(ProgramOptions, WrongOnesAreRefusedInWordsThatSayWhatIsAllowed) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"#{user => <<>>}", "is empty"},
      {"#{user => {a}}", "must be a name or a number, not {a}"},
      {"#{umask => 27}", "must be octal digits as text, \"027\", not 27"},
      {"#{umask => <<\"1777\">>}", "must be octal digits"},
      {"#{umask => <<\"08\">>}", "must be octal digits"},
      {"#{cgroup => #{}}", "must be a table, { memory"},
      {"#{cgroup => #{memory => 0}}", "memory must be a number of bytes or \"512MiB\", at most 1 TiB, not 0"},
      {"#{cgroup => #{cpu => 0}}", "cpu must be a number of processors, 0.01 to 10000, not 0"},
      {"#{cgroup => #{cpu => <<\"50%\">>}}", "not \"50%\""},
      {"#{cgroup => #{pids => 0}}", "pids must be 1 to 4194304, not 0"},
      {"#{cgroup => #{io => 1}}", "has no \"io\"; allowed: memory, cpu, pids"},
      {"#{pty => <<\"80\">>}", "must be true, false, or columns and rows as \"132x40\", not \"80\""},
      {"#{pty => <<\"0x5\">>}", "not \"0x5\""},
      {"#{log_to => []}", "must be one or several of"},
      {"#{log_to => kafka}", "must be one or several of \"file\", \"journal\" and \"syslog\", not kafka"},
      {"#{nice => 20}", "must be a number from -20 to 19, not 20"},
      {"#{limits => [1]}", "must be a table of limits"},
      {"#{limits => #{files => 1}}", "has no \"files\"; allowed: as, core, cpu"},
      {"#{limits => #{nofile => -1}}", "nofile must be a number"},
      {"#{limits => #{nofile => <<\"9:8\">>}}", "nofile must be a number"},
      {"#{limits => #{as => <<\"1XB\">>}}", "as must be a number"},
      {"#{limits => #{as => <<\"99999999999TiB\">>}}", "as must be a number"},
      {"#{env_file => <<\"a\\0b\">>}", "has a zero byte"},
      {"#{exit_codes => []}", "must be a list of numbers from 0 to 255"},
      {"#{health => [1]}", "must be a table"},
      {"#{health => #{}}", "must have one of tcp, http and exec"},
      {"#{health => #{tcp => <<\"a:1\">>, exec => [<<\"x\">>]}}", "must have one of"},
      {"#{health => #{tcp => <<\"a\">>}}", "tcp must be HOST:PORT, not \"a\""},
      {"#{health => #{tcp => <<\"a:70000\">>}}", "tcp must be HOST:PORT"},
      {"#{health => #{http => <<\"https://a/\">>}}", "http must be http://HOST[:PORT][/PATH]"},
      {"#{health => #{http => <<\"http://a/b c\">>}}", "http must be"},
      {"#{health => #{exec => <<\"a\">>}}", "exec must be a command"},
      {"#{health => #{tcp => <<\"a:1\">>, every => 1}}", "has no \"every\"; allowed: tcp"},
      {"#{health => #{tcp => <<\"a:1\">>, interval_ms => 1}}", "interval_ms must be 10 to"},
      {"#{health => #{tcp => <<\"a:1\">>, threshold => 0}}", "threshold must be 1 to 1000, not 0"},
      {"#{health => #{tcp => <<\"a:1\">>, on_failure => stop}}", "on_failure must be"},
      {"#{log_size => -1}", "must be a number of bytes"},
      {"#{log_files => 1}", "must be a number from 2 to 100, not 1"},
      {"#{log_timestamps => 1}", "must be true or false, not 1"},
      {"#{exit_codes => [7, 256]}", "must be a list of numbers from 0 to 255, [0, 3], not 256"}};
  for (const auto& [text, words] : cases) {
    const auto options = read(text);
    ASSERT_FALSE(options) << text;
    EXPECT_EQ(options.error().code, Errc::invalid_argument);
    EXPECT_NE(options.error().message.find(words), std::string::npos) << options.error().message;
  }
}

TEST(ProgramOptions, ThatCppFilledInWrongAreRefusedToo) {
  ProgramOptions options;
  options.nice = 100;
  ASSERT_FALSE(validate(options));
  EXPECT_NE(validate(options).error().message.find("nice must be"), std::string::npos);
  options = {};
  options.limits["nofile"] = {9, 8};
  EXPECT_FALSE(validate(options));
  options = {};
  options.umask = 07777;
  EXPECT_FALSE(validate(options));
}

TEST(EnvFile, HasCommentsQuotesAndExports) {
  const auto env = parse_env_file(
      "# a comment\n\n  export LANG=C\nA=one two  # said\nB=\"x \\\"y\\\"\\n\" # said\nC='\\n $HOME'\nD=\nE "
      "= a#b\r\n"
      "A=last");
  ASSERT_TRUE(env) << env.error().message;
  const std::map<std::string, std::string> wanted{{"LANG", "C"},      {"A", "last"}, {"B", "x \"y\"\n"},
                                                  {"C", "\\n $HOME"}, {"D", ""},     {"E", "a#b"}};
  EXPECT_EQ(*env, wanted);
}

TEST(EnvFile, WrongLinesAreNamed) {
  const std::vector<std::pair<std::string, std::string>> cases{{"A=1\nwhat\n", "line 2: is no NAME=VALUE"},
                                                               {"=x", "line 1: is no NAME=VALUE"},
                                                               {"1A=x", "line 1: is no NAME=VALUE"},
                                                               {"A=\"x", "line 1: its quotes"},
                                                               {"A='x' y", "line 1: its quotes"}};
  for (const auto& [text, words] : cases) {
    const auto env = parse_env_file(text);
    ASSERT_FALSE(env) << text;
    EXPECT_NE(env.error().message.find(words), std::string::npos) << env.error().message;
  }
}

TEST(EnvFile, OneThatIsNotThereOrIsNoFileIsNamed) {
  const auto none = load_env_file("/nowhere/app.env");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::start_failed);
  EXPECT_EQ(none.error().message, "env_file \"/nowhere/app.env\": No such file or directory");
  EXPECT_EQ(load_env_file("/tmp").error().message, "env_file \"/tmp\": is no file");
}

}  // namespace options_test
}  // namespace brood::exec
