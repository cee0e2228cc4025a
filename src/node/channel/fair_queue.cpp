#include "node/channel/fair_queue.hpp"

#include <functional>

#include "node/channel/dist_header.hpp"
#include "node/channel/frames.hpp"

namespace brood::node {
namespace {

/// Turns in one refill: what comes meanwhile waits for no more than these.
constexpr int turns_per_refill = 4;
constexpr std::size_t frame_length_bytes = 4;

/// `payload_bytes`: with version byte.
constexpr bool is_large(std::size_t payload_bytes) {
  return payload_bytes > fragment_bytes + 1;
}

std::size_t hash_of(BytesView text, std::uint64_t number) {
  return std::hash<BytesView>()(text) ^ (number * 0x9e3779b97f4a7c15U);
}

}  // namespace

FairQueue::Sender FairQueue::sender_of(const OutgoingControl& control) {
  const Pid* from = control.from;
  if (from != nullptr && from->id != 0) return {from->id, from->serial, 0};
  if (control.to != nullptr)
    return {0, 0, hash_of({}, std::uint64_t{control.to->serial} << 32 | control.to->id)};
  if (control.name != nullptr) return {0, 0, hash_of(control.name->name, 0)};
  std::uint64_t words = 0;
  if (control.ref != nullptr) {
    for (const std::uint32_t word : control.ref->words) words = words * 31 + word;
  }
  return {0, 0, hash_of({}, words)};
}

std::size_t FairQueue::append(const OutgoingControl& control, EncodedTerm&& payload) {
  std::size_t added = 0;
  const bool large = is_large(payload.size()) && framing_ == Framing::header;
  if (!large && in_line_.empty()) {
    added = ready_.append(control, std::move(payload), framing_);
  } else {
    const Sender sender = sender_of(control);
    added = large || in_line_.contains(sender) ? stand_in_line(sender, control, std::move(payload))
                                               : ready_.append(control, std::move(payload));
  }
  bytes_ += added;
  return added;
}

bool FairQueue::must_stand_in_line(const OutgoingControl& control, std::size_t payload_bytes) const {
  return is_large(payload_bytes) || (!in_line_.empty() && in_line_.contains(sender_of(control)));
}

std::size_t FairQueue::append_tick() {
  bytes_ += ready_.append_tick();
  return frame_length_bytes;
}

std::size_t FairQueue::stand_in_line(const Sender& sender, const OutgoingControl& control,
                                     EncodedTerm&& payload) {
  auto [place, is_new] = in_line_.try_emplace(sender);
  if (is_new) place->second = lines_.insert(lines_.end(), Line{sender, {}});
  std::deque<Item>& items = place->second->items;
  if (is_large(payload.size())) {
    Item item;
    TermWriter writer(item.head);
    encode_control(writer, control);
    item.head += control.head;
    const std::size_t payload_bytes = payload.size() - 1;
    item.payload = std::move(payload).shared();
    item.fragments = (payload_bytes + fragment_bytes - 1) / fragment_bytes;
    const std::size_t headers = item.fragments * (frame_length_bytes + next_fragment_header_bytes) +
                                first_fragment_header_bytes - next_fragment_header_bytes;
    const std::size_t added = item.head.size() + payload_bytes + headers;
    items.push_back(std::move(item));
    return added;
  }
  if (items.empty() || items.back().payload || items.back().head.size() >= fragment_bytes)
    items.emplace_back();
  Bytes& frames = items.back().head;
  const std::size_t start = begin_frame(frames);
  put_header(frames);
  TermWriter writer(frames);
  encode_control(writer, control);
  frames += control.head;
  if (!payload.empty()) frames.append(payload, 1);
  end_frame(frames, start, 0);
  return frames.size() - start;
}

bool FairQueue::refill(SendQueue& out) {
  if (bytes_ == 0) return false;
  out.swap(ready_);
  for (int turn = 0; turn < turns_per_refill && !lines_.empty(); ++turn) {
    Line& line = lines_.front();
    take_turn(line, out);
    if (line.items.empty()) {
      in_line_.erase(line.sender);
      lines_.pop_front();
    } else {
      lines_.splice(lines_.end(), lines_, lines_.begin());
    }
  }
  bytes_ -= out.bytes();
  return true;
}

void FairQueue::take_turn(Line& line, SendQueue& out) {
  Item& item = line.items.front();
  if (!item.payload) {
    out.append_bytes(item.head);
    line.items.pop_front();
  } else if (!send_fragment(item, out)) {
    line.items.pop_front();
  }
}

/// False: that was the last one.
bool FairQueue::send_fragment(Item& item, SendQueue& out) {
  head_.clear();
  const std::size_t start = begin_frame(head_);
  if (item.offset == 1) {
    item.sequence = ++last_sequence_;
    put_first_fragment_header(head_, item.sequence, item.fragments);
    head_ += item.head;
  } else {
    put_next_fragment_header(head_, item.sequence, item.fragments);
  }
  const BytesView part = BytesView(*item.payload).substr(item.offset, fragment_bytes);
  end_frame(head_, start, part.size());
  out.append_fragment(head_, item.payload, part);
  item.offset += part.size();
  return --item.fragments != 0;
}

void FairQueue::clear() {
  ready_.clear();
  lines_.clear();
  in_line_.clear();
  bytes_ = 0;
}

}  // namespace brood::node
