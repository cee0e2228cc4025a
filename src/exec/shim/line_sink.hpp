// LineSink: sends the lines of a program's output to a log of the machine: systemd's journal, in its own
// protocol, or /dev/log as of RFC 3164.
//
// A line that begins with <0> to <7> has that priority, as systemd takes it from its own services; else it is
// `info`. Lines that are longer than those logs take are parted. What cannot be sent within a tenth of a
// second is lost, and counted; then nothing is waited for until something can be sent again.
//
// Plain C++ and POSIX only. One thread; lost() from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace brood::exec {

class LineSink {
 public:
  enum class Form { journal, syslog };
  /// Whose output it is: each an entry of its own in the journal.
  struct Source {
    std::string child;
    std::string supervisor;
    std::string node;
    int pid = 0;
  };

  LineSink(Form form, std::string path, Source source);
  ~LineSink();
  LineSink(const LineSink&) = delete;
  LineSink& operator=(const LineSink&) = delete;

  void write(std::string_view text);
  /// Sends what there is of a last line without an end.
  void finish();
  [[nodiscard]] std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  void send_line(std::string_view line);
  bool send(const std::string& datagram);
  bool open();

  Form form_;
  std::string path_;
  Source source_;
  std::string rest_;
  int fd_ = -1;
  bool waits_ = true;
  std::atomic<std::uint64_t> lost_{0};
};

}  // namespace brood::exec
