// Programs that have a terminal.
#include "exec/test_world.hpp"

namespace brood::exec::test {
namespace terminal_test {

Command in_terminal(const std::string& script, PseudoTerminal pty = {}) {
  Command command{.argv = {"sh", "-c", script}};
  command.options.pty = pty;
  return command;
}

TEST(Terminal, AProgramHasOneOfItsSizeAndItsLinesAreKeptAsOfAnyOther) {
  World world;
  const auto end =
      world
          .start("a",
                 in_terminal(
                     "test -t 0 && test -t 1 && test -t 2 && stty size && echo to >/dev/tty && echo $TERM",
                     {132, 40}))
          ->wait_exit();
  EXPECT_TRUE(end.success()) << end.text();
  EXPECT_TRUE(world.launcher.log("a", 0).text.starts_with("40 132\nto\n")) << world.launcher.log("a", 0).text;
  world.shell("test -t 1 && echo terminal || echo none; echo x >/dev/tty")->wait_exit();
  EXPECT_TRUE(world.launcher.log("shell", 0).text.starts_with("none\n")) << "others have none";
}

TEST(Terminal, AllThatIsWrittenBeforeItsEndIsKept) {
  World world;
  EXPECT_TRUE(world.start("a", in_terminal("seq 1 20000"))->wait_exit().success());
  std::string all;
  for (int i = 1; i <= 20000; ++i) all += std::to_string(i) + "\n";
  EXPECT_EQ(world.launcher.log("a", 0).text, all);
}

TEST(Terminal, OneThatWaitsForInputWaitsAndIsStoppedWithAllThatItStarted) {
  World world;
  const auto run = world.start(
      "a", in_terminal("sleep 1000 & echo $! > " + (world.folder / "pid") + "; read -r line; echo never"));
  const pid_t sleeper = wait_number(world.folder / "pid");
  run->program->stop(10s);
  EXPECT_EQ(run->wait_exit(), (ExitStatus{.signal = SIGTERM, .cause = EndCause::stopped}));
  EXPECT_FALSE(lives(sleeper));
}

TEST(Terminal, ItsStdinMayBeAFileAndOneWithoutALogIsNotHeldUp) {
  World world;
  std::ofstream(world.folder / "in") << "from a file\n";
  Command command = in_terminal("cat; test -t 1 && echo terminal");
  command.options.stdin_file = world.folder / "in";
  EXPECT_TRUE(world.start("a", command)->wait_exit().success());
  EXPECT_EQ(world.launcher.log("a", 0).text, "from a file\nterminal\n");
  Command mute = in_terminal("seq 1 50000");
  mute.log_bytes_max = 0;
  EXPECT_TRUE(world.start("mute", mute)->wait_exit().success());
}

}  // namespace terminal_test
}  // namespace brood::exec::test
