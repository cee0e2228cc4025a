// Output: where a command writes. Text goes to stdout when the command ends (or at flush()); errors go to
// stderr, or, with --json, as the one document to stdout. A reader that closes the pipe ends it quietly.
//
// One thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "apps/brood/cli/outcome.hpp"

namespace brood::app {

enum class When : std::uint8_t { automatic, always, never };

class Output {
 public:
  Output(bool json, When color);

  [[nodiscard]] bool json() const { return json_; }
  [[nodiscard]] bool color() const { return color_; }
  /// Of the terminal; nullopt when stdout is none.
  [[nodiscard]] std::optional<std::size_t> width() const { return width_; }

  void write(std::string_view text) { buffer_ += text; }
  void line(std::string_view text) { (buffer_ += text) += '\n'; }
  /// A remark for a person: to stderr, not with --json.
  void remark(std::string_view text) const;
  /// How far something is: one line of stderr that the next one replaces, and an empty one takes away. Only
  /// for a person at a terminal.
  void progress(std::string_view text) const;
  [[nodiscard]] bool shows_progress() const;
  /// Writes what is there. False: nobody reads any more, or (then failed()) the disk is full.
  bool flush();
  [[nodiscard]] bool failed() const { return failed_; }
  /// Waits until `milliseconds` are over; false at once when the reader went away.
  [[nodiscard]] bool wait(int milliseconds) const;
  /// Asks a person: true when "yes" was typed. False without asking where stdin or stderr is no terminal.
  [[nodiscard]] bool confirm(std::string_view question);
  /// Shows the trouble and returns its status.
  int show(const Trouble& trouble);

 private:
  bool json_;
  bool color_ = false;
  bool failed_ = false;
  std::optional<std::size_t> width_;
  std::string buffer_;
};

/// Whether text to the file `fd` is coloured: NO_COLOR and TERM=dumb are heeded when automatic.
[[nodiscard]] bool wants_color(When when, int fd);

}  // namespace brood::app
