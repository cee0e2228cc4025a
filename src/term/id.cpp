// IdKey and Id.
#include <brood/id.hpp>
#include <new>

#include "base/hash.hpp"
#include "term/child_id.hpp"

namespace brood::inline v0 {
namespace detail {

namespace {
std::uint64_t hash_of(IdKind kind, std::string_view bytes) noexcept {
  const std::string_view tag = kind == IdKind::atom ? "a" : kind == IdKind::binary ? "b" : "t";
  return mix64(fnv1a64(bytes, fnv1a64(tag)));
}
}  // namespace

IdKey::IdKey(IdKind kind, std::string_view bytes) : hash_(hash_of(kind, bytes)), kind_(kind) {
  BROOD_CHECK(bytes.size() <= bytes_max, "an id has at most 255 bytes");
  size_ = static_cast<std::uint8_t>(bytes.size());
  if (is_far()) {
    const char* const far = copy_of(bytes);
    std::memcpy(place_, &far, sizeof(far));
  } else {
    bytes.copy(place_, in_place);
  }
}

const char* IdKey::copy_of(std::string_view bytes) {
  char* const copy = static_cast<char*>(::operator new(bytes.size()));
  bytes.copy(copy, bytes.size());
  return copy;
}

void IdKey::free_far() noexcept {
  ::operator delete(const_cast<char*>(far()));  // NOLINT(cppcoreguidelines-pro-type-const-cast): its own
}

}  // namespace detail

Id::Id(std::string_view text) {
  if (auto id = ChildId::binary(text)) {
    key_ = std::move(*id);
  } else {
    odd_ = std::make_shared<const Term>(Term::binary(text));
  }
}

Id::Id(const Atom& atom) : Id(Term(atom)) {}

Id::Id(const Term& term) {
  if (auto id = ChildId::from_term(term)) {
    key_ = std::move(*id);
  } else {
    odd_ = std::make_shared<const Term>(term);
  }
}

Term Id::term() const {
  if (odd_) return *odd_;
  return key_.empty() ? Term::binary({}) : ChildId::of(*this)->to_term();
}

IdKind Id::kind() const {
  if (!odd_) return key_.kind();
  if (odd_->as_atom() != nullptr) return IdKind::atom;
  return odd_->as_binary() != nullptr ? IdKind::binary : IdKind::term;
}

std::string Id::text() const {
  if (kind() == IdKind::term) return to_string(term());
  return odd_ ? std::string(*odd_->text()) : std::string(key_.bytes());
}

}  // namespace brood::inline v0
