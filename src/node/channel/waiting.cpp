#include "node/channel/waiting.hpp"

namespace brood::node {
namespace {

template <typename T>
std::optional<T> copy_of(const T* given) {
  return given == nullptr ? std::nullopt : std::optional<T>(*given);
}

template <typename T>
const T* pointer_to(const std::optional<T>& kept) {
  return kept ? &*kept : nullptr;
}

}  // namespace

std::size_t Waiting::append(const OutgoingControl& control, EncodedTerm&& payload) {
  const std::size_t added = sizeof(Parcel) + control.head.size() + payload.size();
  bytes_ += added;
  parcels_.push_back({.plain = control,
                      .from = copy_of(control.from),
                      .to = copy_of(control.to),
                      .name = copy_of(control.name),
                      .ref = copy_of(control.ref),
                      .head = Bytes(control.head),
                      .payload = std::move(payload)});
  return added;
}

void Waiting::clear() {
  parcels_.clear();
  bytes_ = 0;
}

OutgoingControl Waiting::Parcel::control() const {
  OutgoingControl out = plain;
  out.from = pointer_to(from);
  out.to = pointer_to(to);
  out.name = pointer_to(name);
  out.ref = pointer_to(ref);
  out.head = head;
  return out;
}

}  // namespace brood::node
