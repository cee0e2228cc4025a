#include "process/handover/parcel.hpp"

#include <array>
#include <brood/codec.hpp>

namespace brood::process {

constexpr auto brood_map_keys(const SavedState*) {
  return std::array{std::string_view("version"), std::string_view("state")};
}

constexpr auto brood_map_keys(const Parcel*) {
  return std::array{std::string_view("saved"), std::string_view("traps_exits"), std::string_view("mail"),
                    std::string_view("timers"), std::string_view("callers")};
}

namespace {

constexpr std::string_view parcel_tag = "brood_parcel";
constexpr std::uint64_t parcel_version = 1;
constexpr std::size_t bytes_each = 64;  // of a message or timer, beside what it holds

}  // namespace

std::size_t Parcel::bytes() const {
  std::size_t sum = 256 + saved.state.size();
  for (const ParcelMail& one : mail) sum += bytes_each + one.message.size() + one.caller.size();
  for (const ParcelTimer& one : timers) sum += bytes_each + one.message.size();
  for (const Bytes& one : callers) sum += bytes_each + one.size();
  return sum;
}

std::size_t Parcel::open_calls() const {
  std::size_t calls = callers.size();
  for (const ParcelMail& one : mail)
    if (one.kind == ParcelMail::Kind::call && !one.caller.empty()) ++calls;
  return calls;
}

EncodedTerm encode_parcel(const Parcel& parcel) {
  EncodedTerm out;
  out.reserve(parcel.bytes());
  TermWriter writer(out);
  writer.version();
  writer.tuple(3);
  writer.atom(parcel_tag);
  writer.unsigned_integer(parcel_version);
  write_term(writer, parcel);
  return out;
}

Result<Parcel> decode_parcel(BytesView bytes) {
  TermReader reader(bytes);
  if (!reader.version() || !reader.tuple(3)) return Error{Errc::malformed, "not a parcel"};
  const auto tag = reader.atom_view();
  if (!tag || *tag != parcel_tag) return Error{Errc::malformed, "not a parcel"};
  const auto version = reader.unsigned_integer();
  if (!version) return Error{Errc::malformed, "not a parcel"};
  if (*version != parcel_version)
    return Error{Errc::type_mismatch, "a parcel of version " + std::to_string(*version) +
                                          "; this node knows version " + std::to_string(parcel_version)};
  auto parcel = read_term<Parcel>(reader);
  if (!parcel) return Error{Errc::malformed, "not a parcel: " + parcel.error().message};
  if (!reader.at_end()) return Error{Errc::malformed, "not a parcel: bytes are left over"};
  return parcel;
}

}  // namespace brood::process
