#include "exec/command.hpp"

#include <gtest/gtest.h>

namespace brood::exec {
namespace command_test {

Term parse(std::string_view text) {
  auto term = parse_term(text);
  EXPECT_TRUE(term) << text;
  return term ? *term : Term();
}

TEST(Command, AMapWithAllKeysIsRead) {
  const auto command = command_from_term(parse(
      "#{argv => [<<\"sleep\">>, \"5\"], cwd => <<\"/tmp\">>, env => #{<<\"A\">> => <<\"1\">>, b => c}, "
      "stop_signal => sigint, log_bytes_max => 100}"));
  ASSERT_TRUE(command) << command.error().message;
  const Command wanted{.argv = {"sleep", "5"},
                       .cwd = "/tmp",
                       .env = {{"A", "1"}, {"b", "c"}},
                       .stop_signal = SIGINT,
                       .log_bytes_max = 100};
  EXPECT_EQ(*command, wanted);
}

TEST(Command, EveryCommandSurvivesItsTerm) {
  const std::vector<Command> commands{
      {.argv = {"a"}},
      {.argv = {"a", "", "\xff"}, .cwd = "x", .env = {{"A", ""}}, .stop_signal = 40, .log_bytes_max = 0},
      {.argv = {"a"}, .stop_signal = SIGQUIT},
      {.argv = {"a"}, .options = {.user = "u", .umask = 077, .exit_codes = {1}}}};
  for (const auto& command : commands) {
    const auto again = command_from_term(to_term(command));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, command);
  }
}

TEST(Command, EachBadTermIsRefusedWithTheKeyInWords) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"[a]", "map"},
      {"#{}", "argv is missing"},
      {"#{argv => []}", "argv must be"},
      {"#{argv => \"ls\"}", "each item of argv"},
      {"#{argv => [<<>>]}", "names no program"},
      {"#{argv => [<<1,0>>]}", "zero byte"},
      {"#{argv => [a], cwd => 1}", "cwd must be"},
      {"#{argv => [a], env => [a]}", "env must be"},
      {"#{argv => [a], env => #{<<\"A=B\">> => a}}", "cannot name a variable"},
      {"#{argv => [a], env => #{a => 1}}", "env's a"},
      {"#{argv => [a], stop_signal => sigfoo}", "stop_signal must be"},
      {"#{argv => [a], stop_signal => 0}", "stop_signal must be"},
      {"#{argv => [a], stop_signal => 65}", "stop_signal must be"},
      {"#{argv => [a], log_bytes_max => -1}", "log_bytes_max must be"},
      {"#{argv => [a], nice => 40}", "command: nice must be a number"},
      {"#{argv => [a], colour => red}", "unknown key colour; allowed are argv"}};
  for (const auto& [text, words] : cases) {
    const auto command = command_from_term(parse(text));
    ASSERT_FALSE(command) << text;
    EXPECT_EQ(command.error().code, Errc::invalid_argument);
    EXPECT_NE(command.error().message.find(words), std::string::npos)
        << text << ": " << command.error().message;
  }
}

TEST(Command, SignalsHaveNamesBothWays) {
  EXPECT_EQ(signal_name(SIGTERM), "SIGTERM");
  EXPECT_EQ(signal_name(60), "signal 60");
  EXPECT_EQ(signal_from_name("term"), SIGTERM);
  EXPECT_EQ(signal_from_name("SIGHUP"), SIGHUP);
  EXPECT_EQ(signal_from_name("15"), SIGTERM);
  EXPECT_FALSE(signal_from_name("sig"));
  EXPECT_FALSE(signal_from_name(""));
}

TEST(ExitStatus, TellsInWordsHowItEnded) {
  EXPECT_EQ((ExitStatus{.code = 3}.text()), "exited with code 3");
  EXPECT_EQ((ExitStatus{.signal = SIGSEGV}.text()), "ended by SIGSEGV");
  EXPECT_EQ((ExitStatus{.signal = SIGTERM, .cause = EndCause::stopped}.text()), "stopped: ended by SIGTERM");
  EXPECT_TRUE((ExitStatus{.signal = SIGTERM, .cause = EndCause::stopped}.killed_by_stop()));
  EXPECT_FALSE((ExitStatus{.code = 0, .cause = EndCause::node_stalled}.success()));
}

}  // namespace command_test
}  // namespace brood::exec
