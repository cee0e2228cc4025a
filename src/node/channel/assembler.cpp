#include "node/channel/assembler.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace brood::node {

Result<std::optional<BytesView>> Assembler::take(BytesView body) {
  if (!complete_.empty()) complete_ = Bytes();
  const auto header = read_header(body);
  if (!header) return header.error();
  switch (header->kind) {
    case BodyKind::first_fragment:
      return begin(*header);
    case BodyKind::next_fragment:
      return go_on(*header);
    case BodyKind::whole:
    case BodyKind::bare:
      break;
  }
  return std::optional<BytesView>(body);
}

Result<std::optional<BytesView>> Assembler::begin(const BodyHeader& header) {
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
  return go_on(header);
}

Result<std::optional<BytesView>> Assembler::go_on(const BodyHeader& header) {
  const auto found = partial_.find(header.sequence);
  if (found == partial_.end()) return Error{Errc::malformed, "a fragment of a message that never began"};
  Partial& partial = found->second;
  if (header.fragment != partial.expected) {
    return Error{Errc::malformed, fmt::format("fragment {} of a message where {} was to come",
                                              header.fragment, partial.expected)};
  }
  if (auto added = add(partial, header.rest); !added) return added.error();
  if (--partial.expected != 0) return std::optional<BytesView>();
  bytes_ -= partial.body.size();
  complete_ = std::move(partial.body);
  partial_.erase(found);
  return std::optional<BytesView>(complete_);
}

Result<void> Assembler::add(Partial& partial, BytesView more) {
  if (partial.body.size() + more.size() > limits_.message_bytes_max) {
    return Error{Errc::limit_exceeded,
                 fmt::format("a message of more than {} bytes", limits_.message_bytes_max)};
  }
  if (bytes_ + more.size() > limits_.bytes_max) {
    return Error{Errc::limit_exceeded,
                 fmt::format("incomplete messages of more than {} bytes together", limits_.bytes_max)};
  }
  bytes_ += more.size();
  const std::size_t needed = partial.body.size() + more.size();
  if (needed > partial.body.capacity()) {
    // Growing in large steps: each copies all that is there.
    const std::uint64_t fragments = std::min<std::uint64_t>(partial.expected, 1 << 20);
    partial.body.reserve(std::min<std::size_t>(needed + fragments * more.size(), 4 * needed));
  }
  partial.body += more;
  return {};
}

}  // namespace brood::node
