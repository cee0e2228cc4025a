#include "node/channel/assembler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <brood/codec.hpp>
#include <utility>

namespace brood::node {

Assembler::Taken Assembler::take(const Frame& frame) {
  if (!complete_.body.empty()) complete_ = {};
  const auto header = read_header(frame.body);
  if (!header) return header.error();
  switch (header->kind) {
    case BodyKind::first_fragment:
      return begin(*header, frame.is_cut);
    case BodyKind::next_fragment:
      return go_on(*header, header->rest, frame.is_cut);
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
  const auto control = TermReader(header.rest).skip();
  if (!control) return Error{Errc::malformed, "a control message that does not end in its first fragment"};
  const auto [entry, is_new] = partial_.try_emplace(header.sequence);
  if (!is_new) return Error{Errc::malformed, "the first fragment of a message that has begun already"};
  Partial& partial = entry->second;
  partial.expected = header.fragment;
  put_header(partial.message.body);
  partial.message.body += *control;
  partial.message.payload.push_back(version_byte);
  bytes_ += partial.message.size();
  return go_on(header, header.rest.substr(control->size()), is_cut);
}

Assembler::Taken Assembler::go_on(const BodyHeader& header, BytesView more, bool is_cut) {
  const auto found = partial_.find(header.sequence);
  if (found == partial_.end()) return Error{Errc::malformed, "a fragment of a message that never began"};
  Partial& partial = found->second;
  if (header.fragment != partial.expected) {
    return Error{Errc::malformed, fmt::format("fragment {} of a message where {} was to come",
                                              header.fragment, partial.expected)};
  }
  std::optional<Frame> taken;
  if (!partial.given_up && (is_cut || !add(partial, more))) taken = give_up(partial, more);
  if (--partial.expected != 0) return taken;
  bytes_ -= partial.message.size();
  if (!partial.given_up) {
    complete_ = std::move(partial.message);
    taken = Frame{complete_.body};
  }
  partial_.erase(found);
  return taken;
}

/// False: that would be more than may be held.
bool Assembler::add(Partial& partial, BytesView more) {
  Bytes& payload = partial.message.payload;
  const std::size_t needed = partial.message.size() + more.size();
  if (needed > limits_.message_bytes_max || bytes_ + more.size() > limits_.bytes_max) return false;
  bytes_ += more.size();
  if (payload.size() + more.size() > payload.capacity()) {
    // Few steps, and the last one early: each copies all that is there, while other messages wait. What is
    // reserved and never arrives is address space, not memory.
    const std::uint64_t fragments = std::min<std::uint64_t>(partial.expected, 1 << 20);
    const std::size_t whole = std::min(needed + fragments * more.size(), limits_.message_bytes_max);
    payload.reserve(std::min(whole, 32 * needed));
  }
  payload += more;
  return true;
}

/// What has come of it is let go, but for its beginning.
Frame Assembler::give_up(Partial& partial, BytesView more) {
  bytes_ -= partial.message.size();
  partial.given_up = true;
  const Message message = std::exchange(partial.message, {});
  complete_ = {message.body, {}};
  for (const BytesView part : {BytesView(message.payload).substr(1), more})
    complete_.body +=
        part.substr(0, FrameBuffer::cut_bytes - std::min(complete_.body.size(), FrameBuffer::cut_bytes));
  return Frame{complete_.body, true};
}

}  // namespace brood::node
