#include "node/channel/frames.hpp"

#include <algorithm>
#include <cstring>

#include "node/net/wire.hpp"

namespace brood::node {
namespace {

constexpr std::size_t usual_capacity = 256 * 1024;
constexpr std::size_t least_space = 16 * 1024;

}  // namespace

std::size_t begin_frame(Bytes& out) {
  const std::size_t start = out.size();
  out.append(4, '\0');
  return start;
}

void end_frame(Bytes& out, std::size_t start, std::size_t following) {
  wire::patch32(out, start, static_cast<std::uint32_t>(out.size() - start - 4 + following));
}

std::span<char> FrameBuffer::space() {
  const std::size_t used = end_ - begin_;
  const bool shrink = used == 0 && capacity_ > 4 * usual_capacity;
  const bool grow = capacity_ - used < least_space;
  if (shrink || grow) {
    // Doubling what has arrived keeps copying linear however long the frame claims to be.
    const std::size_t capacity = shrink || capacity_ == 0 ? usual_capacity : 2 * capacity_;
    std::unique_ptr<char[]> bytes(new char[capacity]);
    if (used != 0) std::memcpy(bytes.get(), bytes_.get() + begin_, used);
    bytes_ = std::move(bytes);
    capacity_ = capacity;
    begin_ = 0;
    end_ = used;
  } else if (begin_ != 0 && (used == 0 || capacity_ - end_ < least_space)) {
    std::memmove(bytes_.get(), bytes_.get() + begin_, used);
    begin_ = 0;
    end_ = used;
  }
  return {bytes_.get() + end_, capacity_ - end_};
}

std::optional<Frame> FrameBuffer::next() {
  const std::size_t passed = std::min(to_pass_over_, end_ - begin_);
  begin_ += passed;
  to_pass_over_ -= passed;
  const BytesView in(bytes_.get() + begin_, end_ - begin_);
  if (to_pass_over_ != 0 || in.size() < 4) return std::nullopt;
  const auto length = static_cast<std::size_t>(wire::get(in, 4));
  const bool is_cut = length > frame_bytes_max_;
  const std::size_t shown = is_cut ? std::min(length, cut_bytes) : length;
  if (in.size() - 4 < shown) return std::nullopt;
  begin_ += 4 + shown;
  to_pass_over_ = length - shown;
  return Frame{in.substr(4, shown), is_cut};
}

}  // namespace brood::node
