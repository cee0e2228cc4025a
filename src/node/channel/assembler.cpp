#include "node/channel/assembler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace brood::node {

Assembler::Taken Assembler::take(const Frame& frame) {
  if (!complete_.empty()) complete_ = Bytes();
  const auto header = read_header(frame.body);
  if (!header) return header.error();
  switch (header->kind) {
    case BodyKind::first_fragment:
      return begin(*header, frame.is_cut);
    case BodyKind::next_fragment:
      return go_on(*header, frame.is_cut);
    case BodyKind::whole:
    case BodyKind::bare:
      break;
  }
  return std::optional<Frame>(frame);
}

Assembler::Taken Assembler::begin(const BodyHeader& header, bool is_cut) {
  if (partial_.size() >= limits_.messages_max) {
    return Error{Errc::limit_exceeded,
                 fmt::format("fragments of more than {} messages at once", limits_.messages_max)};
  }
  const auto [entry, is_new] = partial_.try_emplace(header.sequence);
  if (!is_new) return Error{Errc::malformed, "the first fragment of a message that has begun already"};
  Partial& partial = entry->second;
  partial.expected = header.fragment;
  put_header(partial.body);
  bytes_ += partial.body.size();
  return go_on(header, is_cut);
}

Assembler::Taken Assembler::go_on(const BodyHeader& header, bool is_cut) {
  const auto found = partial_.find(header.sequence);
  if (found == partial_.end()) return Error{Errc::malformed, "a fragment of a message that never began"};
  Partial& partial = found->second;
  if (header.fragment != partial.expected) {
    return Error{Errc::malformed, fmt::format("fragment {} of a message where {} was to come",
                                              header.fragment, partial.expected)};
  }
  std::optional<Frame> taken;
  if (!partial.given_up && (is_cut || !add(partial, header.rest))) taken = give_up(partial, header.rest);
  if (--partial.expected != 0) return taken;
  bytes_ -= partial.body.size();
  if (!partial.given_up) {
    complete_ = std::move(partial.body);
    taken = Frame{complete_};
  }
  partial_.erase(found);
  return taken;
}

/// False: that would be more than may be held.
bool Assembler::add(Partial& partial, BytesView more) {
  const std::size_t needed = partial.body.size() + more.size();
  if (needed > limits_.message_bytes_max || bytes_ + more.size() > limits_.bytes_max) return false;
  bytes_ += more.size();
  if (needed > partial.body.capacity()) {
    // Few steps, and the last one early: each copies all that is there, while other messages wait. What is
    // reserved and never arrives is address space, not memory.
    const std::uint64_t fragments = std::min<std::uint64_t>(partial.expected, 1 << 20);
    const std::size_t whole = std::min(needed + fragments * more.size(), limits_.message_bytes_max);
    partial.body.reserve(std::min(whole, 32 * needed));
  }
  partial.body += more;
  return true;
}

/// What has come of it is let go, but for its beginning.
Frame Assembler::give_up(Partial& partial, BytesView more) {
  bytes_ -= partial.body.size();
  partial.given_up = true;
  complete_ = std::exchange(partial.body, Bytes());
  const std::size_t missing = FrameBuffer::cut_bytes - std::min(complete_.size(), FrameBuffer::cut_bytes);
  complete_.append(more.substr(0, missing));
  complete_.resize(std::min(complete_.size(), FrameBuffer::cut_bytes));
  return Frame{complete_, true};
}

}  // namespace brood::node
