// Frames of an established channel: four bytes of length, then a body; an empty body is a tick. FrameBuffer
// cuts received bytes into frames without copying them; begin_frame()/end_frame() write one in place. What
// the body of a message begins with is in dist_header.hpp.
//
// Memory is taken for what has arrived, never for a length that a peer claims.
//
// Thread rule: none of its own. Source: "Distribution Protocol", section "Protocol between Connected Nodes".
#pragma once

#include <brood/term.hpp>
#include <memory>
#include <optional>
#include <span>

namespace brood::node {

/// Opens a frame at the end of `out`; returns where, for end_frame().
std::size_t begin_frame(Bytes& out);
/// Writes the length of the frame opened at `start`; `following` more bytes of it are sent from elsewhere.
void end_frame(Bytes& out, std::size_t start, std::size_t following);

struct Frame {
  BytesView body;       ///< Empty: a tick.
  bool is_cut = false;  ///< It is larger than may be: this is its beginning, the rest is passed over.
};

class FrameBuffer {
 public:
  /// How much of a frame over the limit is shown: more than any control message takes.
  static constexpr std::size_t cut_bytes = 64 * 1024;

  explicit FrameBuffer(std::size_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max) {}

  /// Room to receive into; never empty. Views that next() returned end here.
  [[nodiscard]] std::span<char> space();
  /// `count` bytes of the last space() have been filled.
  void commit(std::size_t count) { end_ += count; }
  /// The next complete frame, or the beginning of one that is over the limit; nullopt when more bytes are
  /// needed.
  [[nodiscard]] std::optional<Frame> next();

 private:
  std::size_t frame_bytes_max_;
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t to_pass_over_ = 0;  ///< Of a frame over the limit.
};

}  // namespace brood::node
