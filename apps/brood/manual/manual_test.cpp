// The man page and the completions name all that the command line understands.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "apps/brood/cli/arguments.hpp"
#include "apps/brood/manual/words.hpp"

namespace brood::app::manual {
namespace manual_test {

TEST(Manual, KnowsEveryCommandAndOption) {
  const auto words = program_words();
  const auto names = [&](const std::string& command) {
    std::string out;
    for (const auto& one : words.commands) {
      if (one.name != command) continue;
      for (const auto& option : one.options)
        for (const auto& name : option.names) out += name + " ";
    }
    return out;
  };
  EXPECT_GT(words.commands.size(), 20U);
  EXPECT_EQ(names("logs"), "--since -p --previous -f --follow -n --lines ");
  EXPECT_EQ(names("nodes"), "-q --quiet ");
}

TEST(Manual, TheManPageHasThemAll) {
  const auto words = program_words();
  const auto page = man_page(words);
  EXPECT_EQ(page.rfind(".TH BROOD 1", 0), 0U);
  for (const auto& command : words.commands)
    EXPECT_NE(page.find(".SS " + command.name + "\n"), std::string::npos) << command.name;
  EXPECT_NE(page.find("\\fB\\-\\-start\\-before\\-stop\\fR"), std::string::npos);
  EXPECT_EQ(page.find("\n'"), std::string::npos) << "troff would take it for a request";
}

// What a shell says of a script; empty: nothing is wrong with it.
std::string syntax_error(const std::string& shell, const std::string& script) {
  const std::string path = ::testing::TempDir() + "completion." + shell;
  std::ofstream(path) << script;
  FILE* pipe = popen((shell + " -n " + path + " 2>&1").c_str(), "r");
  std::string out;
  for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) out += static_cast<char>(c);
  return pclose(pipe) == 0 ? "" : out + " (status)";
}

TEST(Manual, TheCompletionsAreScriptsOfTheirShells) {
  const auto words = program_words();
  EXPECT_EQ(syntax_error("bash", completion(words, "bash")), "");
  for (const char* shell : {"zsh", "fish"}) {
    const auto script = completion(words, shell);
    EXPECT_NE(script.find("partition"), std::string::npos);
    if (std::system((std::string("command -v ") + shell + " >/dev/null").c_str()) == 0) {
      EXPECT_EQ(syntax_error(shell, script), "");
    }
  }
  EXPECT_EQ(completion(words, "csh"), "");
}

TEST(Manual, BashCompletesCommandsOptionsAndChoices) {
  const std::string path = ::testing::TempDir() + "complete.bash";
  std::ofstream(path) << completion(program_words(), "bash") << R"(
answer() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _brood; echo "${COMPREPLY[*]}"; }
answer brood reb
answer brood logs --fol
answer brood start --restart te
answer brood completion z
)";
  FILE* pipe = popen(("bash " + path + " 2>&1").c_str(), "r");
  std::string out;
  for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) out += static_cast<char>(c);
  pclose(pipe);
  EXPECT_EQ(out, "rebalance\n--follow\ntemporary\nzsh\n");
}

}  // namespace manual_test
}  // namespace brood::app::manual
