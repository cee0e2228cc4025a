#include "exec/logs/log_store.hpp"

#include <set>

#include "exec/shim/shim_log.hpp"
#include "exec/test_world.hpp"

namespace brood::exec::test {
namespace {

std::uint64_t folder_bytes(const std::string& folder) {
  std::uint64_t bytes = 0;
  for (const auto& segment : log_segments(folder)) bytes += segment.size;
  return bytes;
}

std::string numbered_lines(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

TEST(LogName, IsAPlainFileNameForAnyBytes) {
  EXPECT_EQ(log_file_name("alice-1.x_Y"), "alice-1.x_Y");
  EXPECT_EQ(log_file_name(".."), "%2E.");
  EXPECT_EQ(log_file_name("a/b%"), "a%2Fb%25");
  EXPECT_EQ(log_file_name(std::string("\0\xff", 2)), "%00%FF");
  EXPECT_EQ(log_file_name(""), "%");
}

TEST(LogName, LongOnesAreCutAndStayDifferent) {
  std::set<std::string> names;
  for (char last = 'a'; last <= 'z'; ++last) {
    const auto name = log_file_name(std::string(254, '\x01') + last);
    EXPECT_LE(name.size(), 200u);
    names.insert(name);
  }
  EXPECT_EQ(names.size(), 26u);
}

TEST(Log, AnEmptyOneReadsAsEmpty) {
  TempFolder folder;
  EXPECT_EQ(read_log(folder / "none", 5, 100).text, "");
  EXPECT_EQ(read_log_tail(folder / "none", 5, 100).text, "");
}

TEST(Log, KeepsTheNewestHalfAtLeastAndNeverMoreThanAllowed) {
  TempFolder folder;
  const std::string path = folder / "log";
  std::string all;
  LogWriter writer(path, 1000);
  for (int i = 0; i < 500; ++i) {
    const auto text = numbered_lines(i, i + 1);
    writer.write(text);
    all += text;
    EXPECT_LE(folder_bytes(path), 1000u);
    const auto kept = read_log(path, 0, 10000);
    EXPECT_EQ(kept.next, all.size());
    EXPECT_EQ(kept.text, all.substr(kept.offset));
    EXPECT_GE(kept.text.size(), std::min<std::size_t>(all.size(), 500));
  }
  EXPECT_EQ(writer.lost(), 0u);
}

TEST(Log, OnePieceFarAboveTheLimitKeepsItsEnd) {
  TempFolder folder;
  LogWriter writer(folder / "log", 1000);
  const auto text = numbered_lines(0, 5000);
  writer.write(text);
  const auto kept = read_log(folder / "log", 0, 10000);
  EXPECT_EQ(kept.offset + kept.text.size(), text.size());
  EXPECT_EQ(kept.text, text.substr(kept.offset));
}

TEST(Log, ReadingOnFromAnOffsetSeesEveryByteOnce) {
  TempFolder folder;
  LogWriter writer(folder / "log", 4000);
  std::string all;
  std::string seen;
  std::uint64_t at = 0;
  for (int i = 0; i < 2000; ++i) {
    all += numbered_lines(i, i + 1);
    writer.write(numbered_lines(i, i + 1));
    const auto more = read_log(folder / "log", at, 7);  // slower than it grows, at times
    EXPECT_GE(more.offset, at);
    if (more.offset != at) seen.resize(more.offset, '?');
    seen += more.text;
    at = more.next;
  }
  while (at < all.size()) {
    const auto more = read_log(folder / "log", at, 64);
    ASSERT_FALSE(more.text.empty());
    seen.resize(more.offset, '?');
    seen += more.text;
    at = more.next;
  }
  ASSERT_EQ(seen.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_TRUE(seen[i] == all[i] || seen[i] == '?') << i;
  EXPECT_EQ(seen.substr(seen.size() - 2000), all.substr(all.size() - 2000));
}

TEST(Log, ASecondWriterGoesOnWhereTheFirstEnded) {
  TempFolder folder;
  std::string all;
  for (int i = 0; i < 100; ++i) {
    LogWriter writer(folder / "log", 600);
    writer.write(numbered_lines(i, i + 1));
    all += numbered_lines(i, i + 1);
  }
  const auto kept = read_log(folder / "log", 0, 10000);
  EXPECT_EQ(kept.next, all.size());
  EXPECT_EQ(kept.text, all.substr(kept.offset));
}

TEST(Log, TheTailIsTheLastLines) {
  TempFolder folder;
  LogWriter writer(folder / "log", 10000);
  writer.write("\na\nb\nc\n");
  EXPECT_EQ(read_log_tail(folder / "log", 0, 100).text, "");
  EXPECT_EQ(read_log_tail(folder / "log", 1, 100).text, "c\n");
  EXPECT_EQ(read_log_tail(folder / "log", 3, 100).text, "a\nb\nc\n");
  EXPECT_EQ(read_log_tail(folder / "log", 9, 100).text, "\na\nb\nc\n");
  writer.write("d");
  EXPECT_EQ(read_log_tail(folder / "log", 2, 100).text, "c\nd");
  EXPECT_EQ(read_log_tail(folder / "log", 2, 100).offset, 5u);
  EXPECT_EQ(read_log_tail(folder / "log", 9, 2).text, "\nd");
}

TEST(Log, PastItsEndIsItsEnd) {
  TempFolder folder;
  LogWriter writer(folder / "log", 100);
  writer.write("abc");
  const auto text = read_log(folder / "log", 50, 10);
  EXPECT_EQ(text.text, "");
  EXPECT_EQ(text.next, 3u);
}

TEST(Log, AFolderThatCannotBeMadeLosesTheOutputAndSaysSoLater) {
  TempFolder folder;
  LogWriter writer(folder / "not/there", 1000);
  writer.write("lost\n");
  EXPECT_EQ(writer.lost(), 5u);
  std::filesystem::create_directory(folder / "not");
  writer.write("kept\n");
  EXPECT_EQ(read_log(folder / "not/there", 0, 1000).text,
            "[brood: 5 bytes of output lost: No such file or directory]\nkept\n");
  EXPECT_EQ(writer.lost(), 5u);
}

TEST(Log, ARemovedFolderIsMadeAgain) {
  TempFolder folder;
  LogWriter writer(folder / "log", 20);
  writer.write("0123456789");
  std::filesystem::remove_all(folder / "log");
  writer.write("abc");
  EXPECT_EQ(read_log(folder / "log", 0, 100).text, "abc");
}

}  // namespace
}  // namespace brood::exec::test
