#include "node/channel/send_queue.hpp"

#include <algorithm>

#include "node/channel/dist_header.hpp"
#include "node/channel/frames.hpp"

namespace brood::node {
namespace {

/// From here on a payload is a piece of its own.
constexpr std::size_t own_piece_bytes = 32 * 1024;
/// A piece that has grown to this is not added to any more.
constexpr std::size_t piece_bytes_max = 512 * 1024;
/// Memory of a piece that is kept for the next messages.
constexpr std::size_t kept_bytes_max = 1024 * 1024;
/// And so many pieces: after a time of slow reading, a peer's queue gives back what it has grown to.
constexpr std::size_t kept_pieces_max = 4;

/// All of a body but the payload, of which the version byte is not sent with it.
void put_message_head(Bytes& out, const OutgoingControl& control, BytesView payload, Framing framing) {
  const bool has_version_bytes = framing == Framing::bare;
  if (has_version_bytes) {
    out.append({pass_through, version_byte});
  } else {
    put_header(out);
  }
  const bool is_inside = has_reason_inside(control.op);
  TermWriter writer(out);
  encode_control(writer, control, is_inside ? payload : BytesView());
  if (has_version_bytes && !is_inside && !payload.empty()) out.push_back(version_byte);
  out += control.head;
}

}  // namespace

Bytes& SendQueue::open_piece() {
  if (open_ && pieces_[used_ - 1].own.size() < piece_bytes_max) return pieces_[used_ - 1].own;
  if (used_ == pieces_.size()) pieces_.emplace_back();
  open_ = true;
  return pieces_[used_++].own;
}

void SendQueue::seal(SharedOctets shared, BytesView part) {
  if (used_ == pieces_.size()) pieces_.emplace_back();
  Piece& piece = pieces_[used_++];
  piece.shared = std::move(shared);
  piece.part = part;
  open_ = false;
}

std::size_t SendQueue::append(const OutgoingControl& control, EncodedTerm&& payload, Framing framing) {
  Bytes& piece = open_piece();
  const std::size_t start = begin_frame(piece);
  put_message_head(piece, control, payload, framing);
  if (has_reason_inside(control.op)) payload.clear();
  const std::size_t payload_bytes = payload.empty() ? 0 : payload.size() - 1;
  std::size_t added = 0;
  if (payload_bytes < own_piece_bytes) {
    if (payload_bytes != 0) piece.append(payload, 1);
    end_frame(piece, start, 0);
    added = piece.size() - start;
  } else {
    end_frame(piece, start, payload_bytes);
    added = piece.size() - start + payload_bytes;
    SharedOctets shared = std::move(payload).shared();
    const BytesView part = BytesView(*shared).substr(1);
    seal(std::move(shared), part);
  }
  bytes_ += added;
  return added;
}

std::size_t SendQueue::append_tick() {
  open_piece().append(4, '\0');
  bytes_ += 4;
  return 4;
}

void SendQueue::append_bytes(BytesView frames) {
  open_piece() += frames;
  bytes_ += frames.size();
}

void SendQueue::append_fragment(BytesView head, const SharedOctets& payload, BytesView part) {
  append_bytes(head);
  seal(payload, part);
  bytes_ += part.size();
}

void SendQueue::recycle(Piece& piece) {
  piece.shared = {};
  if (piece.own.capacity() > kept_bytes_max) {
    piece.own = Bytes();
  } else {
    piece.own.clear();
  }
}

void SendQueue::clear() {
  for (std::size_t i = 0; i < used_; ++i) recycle(pieces_[i]);
  if (pieces_.size() > kept_pieces_max) {
    pieces_.resize(kept_pieces_max);
    pieces_.shrink_to_fit();
  }
  used_ = first_ = offset_ = bytes_ = 0;
  open_ = false;
}

std::size_t SendQueue::gather(std::span<iovec> slots) const {
  std::size_t filled = 0;
  for (std::size_t i = first_; i < used_ && filled < slots.size(); ++i) {
    const BytesView left = pieces_[i].view().substr(i == first_ ? offset_ : 0);
    // writev does not write through the pointer.
    slots[filled].iov_base = const_cast<char*>(left.data());
    slots[filled].iov_len = left.size();
    ++filled;
  }
  return filled;
}

void SendQueue::consume(std::size_t count) {
  bytes_ -= count;
  while (first_ < used_) {
    const std::size_t left = pieces_[first_].view().size() - offset_;
    if (count < left) {
      offset_ += count;
      return;
    }
    count -= left;
    recycle(pieces_[first_]);
    ++first_;
    offset_ = 0;
  }
  clear();
}

void SendQueue::swap(SendQueue& other) noexcept {
  std::swap(*this, other);
}

}  // namespace brood::node
