#include "exec/shim/line_sink.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "exec/test_world.hpp"

namespace brood::exec::test {
namespace line_sink_test {

/// A log of the machine, such as journald or a syslogd.
class MachineLog {
 public:
  explicit MachineLog(std::string path)
      : path_(std::move(path)), fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    unlink(path_.c_str());
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const timeval wait{.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  }
  ~MachineLog() { close(fd_); }
  MachineLog(const MachineLog&) = delete;
  MachineLog& operator=(const MachineLog&) = delete;

  /// Empty after ten seconds without one.
  std::string next() {
    std::string text(64 * 1024, '\0');
    const auto n = recv(fd_, text.data(), text.size(), 0);
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int fd_;
};

LineSink::Source source() {
  return {.child = "web/1", .supervisor = "main", .node = "n1@h", .pid = 7};
}

TEST(LineSink, TheJournalGetsEachLineWithItsChildAsAField) {
  const TempFolder folder;
  MachineLog journal(folder / "journal");
  LineSink sink(LineSink::Form::journal, journal.path(), source());
  sink.write("one\ntw");
  sink.write("o\r\n\n<3>wrong\nrest");
  const std::string fields =
      "SYSLOG_IDENTIFIER=web/1\nSYSLOG_PID=7\nBROOD_CHILD=web/1\nBROOD_SUPERVISOR=main\nBROOD_NODE=n1@h\n";
  EXPECT_EQ(journal.next(), "MESSAGE=one\nPRIORITY=6\n" + fields);
  EXPECT_EQ(journal.next(), "MESSAGE=two\nPRIORITY=6\n" + fields);
  EXPECT_EQ(journal.next(), "MESSAGE=wrong\nPRIORITY=3\n" + fields);
  sink.finish();
  EXPECT_EQ(journal.next(), "MESSAGE=rest\nPRIORITY=6\n" + fields);
  EXPECT_EQ(sink.lost(), 0U);
}

TEST(LineSink, AnIdWithALineBreakDoesNotMakeAFieldOfItsOwn) {
  const TempFolder folder;
  MachineLog journal(folder / "journal");
  auto odd = source();
  odd.child = "a\nPRIORITY=0";
  LineSink sink(LineSink::Form::journal, journal.path(), odd);
  sink.write("x\n");
  EXPECT_NE(journal.next().find(std::string("BROOD_CHILD\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\n", 33)),
            std::string::npos);
}

TEST(LineSink, SyslogGetsItsFormAndLongLinesInParts) {
  const TempFolder folder;
  MachineLog log(folder / "log");
  auto odd = source();
  odd.child = "a b:c";
  LineSink sink(LineSink::Form::syslog, log.path(), odd);
  sink.write("<4>careful\n" + std::string(1500, 'x') + "\n");
  const auto first = log.next();
  EXPECT_TRUE(first.starts_with("<28>")) << first;
  EXPECT_TRUE(first.ends_with(" a_b_c[7]: careful")) << first;
  EXPECT_TRUE(log.next().ends_with(": " + std::string(1024, 'x')));
  EXPECT_TRUE(log.next().ends_with(": " + std::string(476, 'x')));
}

TEST(LineSink, WhatNobodyTakesIsCountedAndOneThatComesBackIsFound) {
  const TempFolder folder;
  LineSink sink(LineSink::Form::syslog, folder / "log", source());
  sink.write("lost\n");
  EXPECT_EQ(sink.lost(), 5U);
  {
    MachineLog log(folder / "log");
    sink.write("a\n");
    EXPECT_TRUE(log.next().ends_with(": a"));
  }
  MachineLog log(folder / "log");
  sink.write("b\n");
  EXPECT_TRUE(log.next().ends_with(": b"));
  EXPECT_EQ(sink.lost(), 5U);
}

TEST(LineSink, OneThatDoesNotReadHoldsNobodyUp) {
  const TempFolder folder;
  MachineLog log(folder / "log");
  LineSink sink(LineSink::Form::syslog, log.path(), source());
  const auto begun = std::chrono::steady_clock::now();
  const std::string line(1000, 'x');
  for (int i = 0; i < 20'000; ++i) sink.write(line + "\n");
  EXPECT_GT(sink.lost(), 0U);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s) << "one wait, not one for each line";
}

TEST(LineSink, OfAProgramThatRunsTheOutputGoesThereBesideOrInsteadOfItsLog) {
  const TempFolder folder;
  MachineLog journal(folder / "journal");
  MachineLog syslog(folder / "syslog");
  LauncherOptions options{.heartbeat_limit = 0ms};
  options.journal_socket = journal.path();
  options.syslog_socket = syslog.path();
  World world(options);
  Command command{.argv = {"sh", "-c", "echo hello"}, .env = {{"BROOD_CHILD", "greeter"}}};
  command.options.log_to = {.file = true, .journal = true};
  EXPECT_TRUE(world.start("both", command)->wait_exit().success());
  const auto entry = journal.next();
  EXPECT_TRUE(entry.starts_with("MESSAGE=hello\n")) << entry;
  EXPECT_NE(entry.find("BROOD_CHILD=greeter\n"), std::string::npos) << entry;
  EXPECT_EQ(world.launcher.log("both", 0).text, "hello\n");
  command.options.log_to = {.file = false, .syslog = true};
  EXPECT_TRUE(world.start("instead", command)->wait_exit().success());
  EXPECT_TRUE(syslog.next().ends_with("]: hello"));
  EXPECT_EQ(world.launcher.log("instead", 0).text, "");
}

TEST(LineSink, WhereThereIsNoSuchLogTheStartFailsAndSaysSo) {
  const TempFolder folder;
  LauncherOptions options{.heartbeat_limit = 0ms};
  options.journal_socket = folder / "none";
  World world(options);
  Command command{.argv = {"true"}};
  command.options.log_to = {.journal = true};
  const auto run = world.start("a", command);
  ASSERT_TRUE(run->wait_start());
  ASSERT_FALSE(*run->start_now());
  const auto words = run->start_now()->error().message;
  EXPECT_TRUE(
      words.starts_with("log_to \"journal\": there is none here (" + folder.path() + "/none: No such file"))
      << words;
}

}  // namespace line_sink_test
}  // namespace brood::exec::test
