#include "exec/logs/log_store.hpp"

#include <set>

#include "exec/logs/last_end.hpp"
#include "exec/shim/shim_log.hpp"
#include "exec/test_world.hpp"

namespace brood::exec::test {
namespace log_store_test {

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
  LogWriter writer({.folder = path, .keep = {.bytes_max = 1000}});
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

TEST(Log, MoreFilesKeepMoreOfTheWhole) {
  TempFolder folder;
  const std::string path = folder / "log";
  LogWriter writer({.folder = path, .keep = {.bytes_max = 1000, .files = 5}});
  std::string all;
  for (int i = 0; i < 500; ++i) {
    writer.write(numbered_lines(i, i + 1));
    all += numbered_lines(i, i + 1);
    EXPECT_GE(read_log(path, 0, 10000).text.size(), std::min<std::size_t>(all.size(), 800));
    EXPECT_LE(log_segments(path).size(), 5u);
  }
}

TEST(Log, WhatCameSinceATimeIsFound) {
  TempFolder folder;
  const std::string path = folder / "log";
  EXPECT_EQ(log_offset_since(path, 0), 0u);
  const std::int64_t begun = wall_clock_ms();
  LogWriter writer({.folder = path, .keep = {.bytes_max = 1000}});
  writer.write("first\n");
  EXPECT_EQ(log_offset_since(path, begun), 0u);
  EXPECT_EQ(log_offset_since(path, wall_clock_ms() + 2000), 6u) << "nothing came since";
  // As if it had been a minute later.
  {
    std::ofstream times(log_times_path(path, 0), std::ios::app | std::ios::binary);
    const LogTime later{6, begun + 60'000};
    times.write(reinterpret_cast<const char*>(&later), sizeof later);
  }
  EXPECT_EQ(log_offset_since(path, begun + 30'000), 6u);
  EXPECT_EQ(log_offset_since(path, begun + 60'500), 6u) << "the second after it has no time of its own";
  for (int i = 0; i < 500; ++i) writer.write(numbered_lines(i, i + 1));
  const auto files =
      std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator());
  EXPECT_EQ(files, 4) << "times go with their text";
  EXPECT_EQ(log_offset_since(path, 0), log_segments(path).front().base);
}

TEST(Log, OnePieceFarAboveTheLimitKeepsItsEnd) {
  TempFolder folder;
  LogWriter writer({.folder = folder / "log", .keep = {.bytes_max = 1000}});
  const auto text = numbered_lines(0, 5000);
  writer.write(text);
  const auto kept = read_log(folder / "log", 0, 10000);
  EXPECT_EQ(kept.offset + kept.text.size(), text.size());
  EXPECT_EQ(kept.text, text.substr(kept.offset));
}

TEST(Log, ReadingOnFromAnOffsetSeesEveryByteOnce) {
  TempFolder folder;
  LogWriter writer({.folder = folder / "log", .keep = {.bytes_max = 4000}});
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
    LogWriter writer({.folder = folder / "log", .keep = {.bytes_max = 600}});
    writer.write(numbered_lines(i, i + 1));
    all += numbered_lines(i, i + 1);
  }
  const auto kept = read_log(folder / "log", 0, 10000);
  EXPECT_EQ(kept.next, all.size());
  EXPECT_EQ(kept.text, all.substr(kept.offset));
}

TEST(Log, TheTailIsTheLastLines) {
  TempFolder folder;
  LogWriter writer({.folder = folder / "log", .keep = {.bytes_max = 10000}});
  writer.write("\na\nb\nc\n");
  EXPECT_EQ(read_log_tail(folder / "log", 0, 100).text, "");
  EXPECT_EQ(read_log_tail(folder / "log", 1, 100).text, "c\n");
  EXPECT_EQ(read_log_tail(folder / "log", 3, 100).text, "a\nb\nc\n");
  EXPECT_EQ(read_log_tail(folder / "log", 9, 100).text, "\na\nb\nc\n");
  writer.write("d");
  EXPECT_EQ(read_log_tail(folder / "log", 2, 100).text, "c\nd");
  EXPECT_EQ(read_log_tail(folder / "log", 2, 100).offset, 5u);
  EXPECT_EQ(read_log_tail(folder / "log", 9, 2).text, "d");
}

TEST(Log, PastItsEndIsItsEnd) {
  TempFolder folder;
  LogWriter writer({.folder = folder / "log", .keep = {.bytes_max = 100}});
  writer.write("abc");
  const auto text = read_log(folder / "log", 50, 10);
  EXPECT_EQ(text.text, "");
  EXPECT_EQ(text.next, 3u);
}

TEST(Log, AFolderThatCannotBeMadeLosesTheOutputAndSaysSoLater) {
  TempFolder folder;
  std::ofstream(folder / "not") << "a file";
  LogWriter writer({.folder = folder / "not/there", .keep = {.bytes_max = 1000}});
  writer.write("lost\n");
  EXPECT_EQ(writer.lost(), 5u);
  std::filesystem::remove(folder / "not");
  writer.write("kept\n");
  EXPECT_EQ(read_log(folder / "not/there", 0, 1000).text,
            "[brood: 5 bytes of output lost: Not a directory]\nkept\n");
  EXPECT_EQ(writer.lost(), 5u);
}

TEST(Log, ARemovedFolderIsMadeAgainAtOnceAndItsOffsetsGoOn) {
  TempFolder folder;
  LogWriter writer({.folder = folder / "logs/log", .keep = {.bytes_max = 1000}});
  writer.write("0123456789\n");
  for (const char* removed : {"logs/log", "logs"}) {
    std::filesystem::remove_all(folder / removed);
    const auto before = read_log(folder / "logs/log", 0, 100);
    EXPECT_EQ(before.text, "");
    writer.write("abc\n");
    EXPECT_EQ(read_log(folder / "logs/log", 0, 100).text, "abc\n");
  }
  EXPECT_EQ(read_log(folder / "logs/log", 0, 100).offset, 15u);
  EXPECT_EQ(writer.lost(), 0u);
}

TEST(Log, ARemovedSegmentIsMadeAgain) {
  TempFolder folder;
  LogWriter writer({.folder = folder / "log", .keep = {.bytes_max = 1000}});
  writer.write("abc\n");
  std::filesystem::remove(log_segment_path(folder / "log", 0));
  writer.write("def\n");
  EXPECT_EQ(read_log(folder / "log", 0, 100).text, "def\n");
}

TEST(Log, WhatCannotBeMadeAgainIsCountedAsLost) {
  TempFolder folder;
  LogWriter writer({.folder = folder / "logs/log", .keep = {.bytes_max = 1000}});
  writer.write("abc\n");
  std::filesystem::remove_all(folder / "logs");
  std::ofstream(folder / "logs") << "a file";
  writer.write("def\n");
  EXPECT_EQ(writer.lost(), 4u);
}

TEST(Log, TrimmedTextBeginsAtALineOrElseAtACharacter) {
  const auto trimmed = [](std::string text) {
    LogText log{std::move(text), 100, 0};
    trim_to_line(log);
    return std::pair(log.text, log.offset);
  };
  EXPECT_EQ(trimmed("rest\nnext\n"), std::pair(std::string("next\n"), std::uint64_t{105}));
  EXPECT_EQ(trimmed("\x9f\x98\x80smile"), std::pair(std::string("smile"), std::uint64_t{103}));
  EXPECT_EQ(trimmed("only the end of a line\n").second, 100u);
  EXPECT_EQ(trimmed(""), std::pair(std::string(), std::uint64_t{100}));
}

TEST(Log, TheTailOfARotatedLogIsWholeLines) {
  TempFolder folder;
  LogWriter writer({.folder = folder / "log", .keep = {.bytes_max = 1000}});
  for (int i = 0; i < 500; ++i) writer.write(numbered_lines(i, i + 1));
  for (const std::size_t bytes : {50u, 51u, 52u, 53u, 54u, 55u, 56u, 57u, 58u, 5000u}) {
    const auto tail = read_log_tail(folder / "log", 1000, bytes);
    EXPECT_TRUE(tail.text.starts_with("line ")) << tail.text;
    EXPECT_TRUE(tail.text.ends_with("line 499\n")) << tail.text;
    EXPECT_EQ(tail.next - tail.offset, tail.text.size());
  }
  // Exactly five lines: none of them is given up.
  EXPECT_EQ(read_log_tail(folder / "log", 1000, 45).text, numbered_lines(495, 500));
}

// ---- runs -----------------------------------------------------------------------------------------------

TEST(LogRun, TheNextOneBeginsWithHowTheLastOneEnded) {
  TempFolder folder;
  {
    LogWriter writer({.folder = folder / "log", .keep = {.bytes_max = 1000}});
    writer.begin_run();
    writer.write("one");  // no end of line
    EXPECT_EQ(read_last_end(folder / "log"), std::nullopt);
    writer.end_run({.status = {.code = 3}});
  }
  const auto end = read_last_end(folder / "log");
  ASSERT_TRUE(end);
  EXPECT_EQ(end->status, ExitStatus{.code = 3});
  EXPECT_LE(end->started_ms, end->ended_ms);
  EXPECT_EQ(read_log(folder / "log", 0, 1000).text, "one");
  LogWriter writer({.folder = folder / "log", .keep = {.bytes_max = 1000}});
  writer.begin_run();
  writer.write("two\n");
  const auto text = read_log(folder / "log", 0, 1000).text;
  EXPECT_TRUE(text.starts_with("one\n[brood: exited with code 3 at " + wall_clock_text(end->ended_ms) +
                               "; started at "))
      << text;
  EXPECT_TRUE(text.ends_with(" UTC]\ntwo\n")) << text;
  EXPECT_EQ(read_last_end(folder / "log"), end) << "still known while the next one runs";
}

TEST(LogRun, AfterOneWithoutAnEndSaysThatItIsNotKnown) {
  TempFolder folder;
  for (int i = 0; i < 2; ++i) {
    LogWriter writer({.folder = folder / "log", .keep = {.bytes_max = 1000}});
    writer.begin_run();
    writer.write("text\n");
  }
  const auto text = read_log(folder / "log", 0, 1000).text;
  EXPECT_TRUE(text.starts_with("text\n[brood: how the run before ended is not known; started at ")) << text;
}

TEST(LogRun, EachFieldOfAnEndIsKept) {
  TempFolder folder;
  const LastEnd end{.status = {.code = 1,
                               .signal = 2,
                               .cause = EndCause::node_gone,
                               .log_bytes_lost = std::uint64_t{1} << 40,
                               .left_behind = 4},
                    .started_ms = 1'700'000'000'123,
                    .ended_ms = 1'700'000'000'456};
  ASSERT_TRUE(write_last_end(folder.path(), end));
  EXPECT_EQ(read_last_end(folder.path()), end);
  for (const char* bad : {"", "brood-end 1 2 3", "brood-end 2 1 2 3 4 0 6 7", "brood-end 1 1 2 3 4 99 6 7"}) {
    std::ofstream(folder / "end") << bad;
    EXPECT_EQ(read_last_end(folder.path()), std::nullopt) << bad;
  }
}

}  // namespace log_store_test
}  // namespace brood::exec::test
