#include "node/send_queue.hpp"

#include <algorithm>

#include "node/frames.hpp"

namespace brood::node {
namespace {

/// From here on a payload is moved in as a piece of its own.
constexpr std::size_t own_piece_bytes = 32 * 1024;
/// A piece that has grown to this is not added to any more.
constexpr std::size_t piece_bytes_max = 512 * 1024;
/// Memory of a piece that is kept for the next messages.
constexpr std::size_t kept_bytes_max = 1024 * 1024;

}  // namespace

Bytes& SendQueue::open_piece() {
  if (open_ && pieces_[used_ - 1].size() < piece_bytes_max) return pieces_[used_ - 1];
  if (used_ == pieces_.size()) pieces_.emplace_back();
  open_ = true;
  return pieces_[used_++];
}

void SendQueue::seal(Bytes&& piece) {
  if (used_ == pieces_.size()) pieces_.emplace_back();
  pieces_[used_++] = std::move(piece);
  open_ = false;
}

std::size_t SendQueue::append(const OutgoingControl& control, Bytes&& payload) {
  Bytes& piece = open_piece();
  const std::size_t start = begin_frame(piece);
  TermWriter writer(piece);
  encode_control(writer, control);
  std::size_t added = 0;
  if (payload.size() < own_piece_bytes) {
    piece += payload;
    end_frame(piece, start, 0);
    added = piece.size() - start;
  } else {
    end_frame(piece, start, payload.size());
    added = piece.size() - start + payload.size();
    seal(std::move(payload));
  }
  bytes_ += added;
  return added;
}

std::size_t SendQueue::append_tick() {
  open_piece().append(4, '\0');
  bytes_ += 4;
  return 4;
}

void SendQueue::append_all(SendQueue&& other) {
  for (std::size_t i = other.first_; i < other.used_; ++i) {
    if (i == other.first_ && other.offset_ != 0) other.pieces_[i].erase(0, other.offset_);
    seal(std::move(other.pieces_[i]));
  }
  bytes_ += other.bytes_;
  other = SendQueue();
}

void SendQueue::recycle(Bytes& piece) {
  if (piece.capacity() > kept_bytes_max) {
    piece = Bytes();
  } else {
    piece.clear();
  }
}

void SendQueue::clear() {
  for (std::size_t i = 0; i < used_; ++i) recycle(pieces_[i]);
  used_ = first_ = offset_ = bytes_ = 0;
  open_ = false;
}

std::size_t SendQueue::gather(std::span<iovec> slots) const {
  std::size_t filled = 0;
  for (std::size_t i = first_; i < used_ && filled < slots.size(); ++i) {
    const std::size_t skip = i == first_ ? offset_ : 0;
    // writev does not write through the pointer.
    slots[filled].iov_base = const_cast<char*>(pieces_[i].data() + skip);
    slots[filled].iov_len = pieces_[i].size() - skip;
    ++filled;
  }
  return filled;
}

void SendQueue::consume(std::size_t count) {
  bytes_ -= count;
  while (first_ < used_) {
    const std::size_t left = pieces_[first_].size() - offset_;
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
