// What handlers build answers of when these may be large: lists and maps that are encoded item by item, and
// the time that one portion may take.
//
// Thread rule: one thread at a time.
#pragma once

#include <brood/codec.hpp>
#include <chrono>
#include <cstdint>

#include "supervisor/driver/outcomes.hpp"

namespace brood::supervisor {

/// A list or map that grows, behind bytes that are there already.
class Growing {
 public:
  enum class Shape : std::uint8_t { list, map };
  explicit Growing(Shape shape, Bytes before = {});

  /// Writes the next item; for a map its key and value.
  [[nodiscard]] TermWriter next() {
    ++count_;
    return TermWriter(bytes_);
  }
  void add(const Term& item) { next().term(item); }
  [[nodiscard]] std::uint32_t count() const { return count_; }
  /// All of it, closed.
  [[nodiscard]] Bytes take();

 private:
  Shape shape_;
  Bytes bytes_;
  std::size_t header_at_;
  std::uint32_t count_ = 0;
};

/// The time of one portion of work on the query thread.
class Slice {
 public:
  [[nodiscard]] bool is_over() const { return std::chrono::steady_clock::now() >= until_; }

 private:
  std::chrono::steady_clock::time_point until_ =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
};

/// The reason as OTP users know it: {already_started, Pid}, or {Code, <<"words">>}.
[[nodiscard]] Term reason_term(const core::Outcome& outcome);
/// The same of an error; the four of guided placement are the bare atoms of ProcessHub
/// (missing_child_mapping, ...).
[[nodiscard]] Term reason_term(const Error& error);

}  // namespace brood::supervisor
