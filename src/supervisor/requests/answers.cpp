#include "supervisor/requests/answers.hpp"

#include <algorithm>
#include <array>

namespace brood::supervisor {

namespace {
/// The words of ProcessHub for what is wrong with where a child is to run.
constexpr std::array<std::string_view, 4> mapping_errors{
    "missing_child_mapping", "invalid_child_mapping", "child_mapping_mismatch", "child_replication_mismatch"};
constexpr std::size_t header_size = 5;  // a tag and a length of four bytes, for both
}  // namespace

Growing::Growing(Shape shape, Bytes before)
    : shape_(shape), bytes_(std::move(before)), header_at_(bytes_.size()) {
  // The length is filled in by take().
  TermWriter writer(bytes_);
  shape_ == Shape::list ? writer.list(1) : writer.map(1);
  BROOD_CHECK(bytes_.size() == header_at_ + header_size, "a list and a map begin with five bytes");
}

Bytes Growing::take() {
  if (shape_ == Shape::list && count_ == 0) {
    bytes_.resize(header_at_);
    TermWriter(bytes_).nil();
    return std::move(bytes_);
  }
  for (unsigned i = 0; i < 4; ++i)
    bytes_[header_at_ + 1 + i] = static_cast<char>(count_ >> (24 - 8 * i) & 0xff);
  if (shape_ == Shape::list) TermWriter(bytes_).nil();
  return std::move(bytes_);
}

Term reason_term(const core::Outcome& outcome) {
  const Error error = told(outcome);
  if (error.code == Errc::already_started && outcome.host) {
    return Term::tuple({Term::atom("already_started"), Term(pid_of(outcome))});
  }
  return reason_term(error);
}

Term reason_term(const Error& error) {
  if (error.code == Errc::invalid_argument && !error.detail.empty()) {
    const auto atom = decode_term(error.detail);
    const auto is = [&](std::string_view name) { return atom && atom->is_atom(name); };
    if (std::any_of(mapping_errors.begin(), mapping_errors.end(), is)) return *atom;
  }
  return Term::tuple({Term::atom(to_string(error.code)), Term::binary(error.message)});
}

}  // namespace brood::supervisor
