#include "supervisor/requests/answers.hpp"

namespace brood::supervisor {

namespace {
constexpr std::size_t header_size = 5;  // a tag and a length of four bytes, for both
}

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
  return Term::tuple({Term::atom(to_string(error.code)), Term::binary(error.message)});
}

}  // namespace brood::supervisor
