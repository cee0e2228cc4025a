// Programs that say that they are ready, and those that wait for their name.
#include <array>
#include <cstdlib>

#include "exec/launcher/launcher.hpp"
#include "exec/test_world.hpp"

namespace brood::exec::test {
namespace ready_test {

/// Sends datagrams to $NOTIFY_SOCKET, then stays.
Command sender(const std::string& datagrams) {
  const std::string script =
      "import os, socket, time\n"
      "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
      "a = os.environ['NOTIFY_SOCKET']\n"
      "s.connect('\\0' + a[1:] if a[0] == '@' else a)\n"
      "for d in " +
      datagrams +
      ":\n"
      "    s.send(d)\n"
      "print('sent', flush=True)\n"
      "time.sleep(1000)\n";
  return {.argv = {"python3", "-c", script}};
}

bool has_sent(World& world, const std::string& name) {
  return eventually([&] { return world.launcher.log(name, 0).text.find("sent") != std::string::npos; });
}

TEST(Ready, AProgramSaysItOnceByTheProtocolOfSystemd) {
  World world;
  const auto run = world.start_notifying(
      "a", sender("[b'STATUS=loading\\nMAINPID=1', b'STATUS=up\\nREADY=1\\n', b'READY=1']"));
  EXPECT_TRUE(eventually([&] { return run->ready_now() > 0; }));
  ASSERT_TRUE(has_sent(world, "a"));
  run->program->stop(0ms);
  run->wait_exit();
  EXPECT_EQ(run->ready_now(), 1);
}

TEST(Ready, NothingElseCountsAsReady) {
  World world;
  const auto run =
      world.start_notifying("a", sender("[b'', b'READY=0', b'XREADY=1', b'READY=1 ', b'ready=1', b'\\xff' * "
                                        "100, b'READY=1\\n' + b'x' * 5000]"));
  ASSERT_TRUE(has_sent(world, "a"));
  // What comes after it on the same socket is read after it.
  const auto other = world.start_notifying("b", sender("[b'READY=1']"));
  EXPECT_TRUE(eventually([&] { return other->ready_now() > 0; }));
  EXPECT_EQ(run->ready_now(), 0);
}

TEST(Ready, AProgramThatRunsAsAnotherUserIsHeard) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to run one as another";
  World world;
  Command command = sender("[b'READY=1']");
  command.cwd = "/";
  command.options.user = "nobody";
  const auto run = world.start_notifying("a", command);
  EXPECT_TRUE(eventually([&] { return run->ready_now() > 0; }));
  run->program->stop(0ms);
  run->wait_exit();
}

TEST(Ready, AProgramThatIsNotAskedHasNoSocketNotEvenTheNodes) {
  const std::array<const char*, 3> names{"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"};
  for (const char* name : names) ASSERT_EQ(setenv(name, "1", 1), 0);
  World world;
  const auto run = world.shell("test -z \"$NOTIFY_SOCKET$WATCHDOG_PID$WATCHDOG_USEC\"");
  EXPECT_EQ(run->wait_exit(), ExitStatus{.code = 0});
  for (const char* name : names) unsetenv(name);
}

TEST(Ready, ASecondOneOfANameStartsWhenTheFirstHasEnded) {
  World world;
  const auto first = world.start("a", {.argv = {"sleep", "1000"}});
  const pid_t pid = first->wait_pid();
  const auto second = world.start("a", {.argv = {"sh", "-c", "echo second"}});
  const auto dropped = world.start("a", {.argv = {"sh", "-c", "echo never"}});
  const auto third = world.start("a", {.argv = {"sh", "-c", "echo third"}});
  dropped->program->stop(0ms);
  ASSERT_TRUE(dropped->wait_start());
  EXPECT_FALSE(*dropped->start_now()) << "it never ran";
  EXPECT_TRUE(lives(pid));
  EXPECT_FALSE(second->start_now().has_value());
  first->program->stop(0ms);
  EXPECT_EQ(second->wait_exit(), ExitStatus{.code = 0});
  EXPECT_EQ(third->wait_exit(), ExitStatus{.code = 0});
  const std::string text = world.launcher.log("a", 0).text;
  EXPECT_LT(text.find("second"), text.find("third"));
  EXPECT_EQ(text.find("never"), std::string::npos);
  EXPECT_TRUE(eventually([&] { return world.launcher.running() == 0; }));
}

TEST(Ready, ALauncherThatEndsDropsWhoWaits) {
  std::shared_ptr<Trial> second;
  {
    World world;
    const auto first = world.start("a", {.argv = {"sleep", "1000"}});
    first->wait_pid();
    second = world.start("a", {.argv = {"sleep", "1000"}});
  }
  EXPECT_FALSE(second->exit_now().has_value());
}

}  // namespace ready_test
}  // namespace brood::exec::test
