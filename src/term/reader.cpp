// TermReader's functions for one kind of term each. Any term (term, skip): reader_leaf.cpp, reader_term.cpp.
#include <fmt/format.h>

#include <bit>
#include <brood/codec.hpp>
#include <cmath>

#include "term/etf.hpp"
#include "term/etf_parts.hpp"
#include "term/utf8.hpp"

namespace brood::inline v0 {
namespace {

using Kind = TermReader::Kind;

std::string_view name_of(Kind kind) {
  constexpr std::string_view names[] = {"an integer",    "a big integer", "a float", "an atom",
                                        "a binary",      "a bit string",  "a pid",   "a port",
                                        "a reference",   "a fun",         "a tuple", "a list",
                                        "an empty list", "a map",         "nothing", "no term"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace

Error TermReader::broken(std::string_view what) const {
  return {Errc::malformed, fmt::format("at byte {}: {}", position_, what)};
}

Error TermReader::unexpected(Kind expected) const {
  const Kind found = peek();
  if (found == Kind::end)
    return broken(fmt::format("the bytes end where {} was expected", name_of(expected)));
  if (found == Kind::invalid) return broken(fmt::format("{} is the tag of no term", byte_at(0)));
  if (found == expected) return broken(fmt::format("{} is cut short or not well formed", name_of(expected)));
  return {Errc::type_mismatch,
          fmt::format("at byte {}: expected {}, found {}", position_, name_of(expected), name_of(found))};
}

TermReader::Kind TermReader::peek() const {
  if (at_end()) return Kind::end;
  switch (byte_at(0)) {
    case etf::small_integer:
    case etf::integer:
      return Kind::integer;
    case etf::small_big:
    case etf::large_big: {
      const auto wide = etf::parse_wide(bytes_.substr(position_));
      return wide && etf::to_signed(*wide) ? Kind::integer : Kind::big;
    }
    case etf::new_float:
    case etf::float_text:
      return Kind::real;
    case etf::atom_latin1:
    case etf::small_atom_latin1:
    case etf::atom_utf8:
    case etf::small_atom_utf8:
      return Kind::atom;
    case etf::binary:
      return Kind::binary;
    case etf::bit_binary:
      return Kind::bitstring;
    case etf::pid:
    case etf::new_pid:
      return Kind::pid;
    case etf::port:
    case etf::new_port:
    case etf::v4_port:
      return Kind::port;
    case etf::reference:
    case etf::new_reference:
    case etf::newer_reference:
      return Kind::ref;
    case etf::new_fun:
    case etf::export_fun:
      return Kind::fun;
    case etf::small_tuple:
    case etf::large_tuple:
      return Kind::tuple;
    case etf::nil:
      return Kind::nil;
    case etf::string:
    case etf::list:
      return Kind::list;
    case etf::map:
      return Kind::map;
    default:
      return Kind::invalid;
  }
}

Result<void> TermReader::version() {
  if (left() < 1 || byte_at(0) != etf::version) return broken("the version byte 131 is missing");
  ++position_;
  return {};
}

Result<std::int64_t> TermReader::integer_slow() {
  const auto wide = etf::parse_wide(bytes_.substr(position_));
  const auto value = wide ? etf::to_signed(*wide) : std::nullopt;
  if (!value) {
    if (peek() == Kind::big && etf::parse_big(bytes_.substr(position_)))
      return Error{Errc::type_mismatch,
                   fmt::format("at byte {}: the integer does not fit 64 bits", position_)};
    return unexpected(peek() == Kind::big ? Kind::big : Kind::integer);
  }
  position_ += wide->size;
  return *value;
}

Result<std::uint64_t> TermReader::unsigned_integer() {
  if (std::uint64_t value = 0; try_unsigned(value)) return value;
  if (const auto wide = etf::parse_wide(bytes_.substr(position_));
      wide && (!wide->negative || wide->magnitude == 0)) {
    position_ += wide->size;
    return wide->magnitude;
  }
  const std::size_t start = position_;
  auto value = integer();
  if (!value) return std::move(value).error();
  if (*value >= 0) return static_cast<std::uint64_t>(*value);
  position_ = start;
  return Error{Errc::type_mismatch,
               fmt::format("at byte {}: expected an integer of 0 or more, found {}", start, *value)};
}

Result<double> TermReader::real() {
  std::optional<double> value;
  std::size_t size = 0;
  if (left() >= 9 && byte_at(0) == etf::new_float) {
    const std::uint64_t high = detail::get_u32(bytes_.data() + position_ + 1);
    value = std::bit_cast<double>(high << 32 | detail::get_u32(bytes_.data() + position_ + 5));
    size = 9;
  } else if (left() >= 32 && byte_at(0) == etf::float_text) {
    value = etf::parse_float_text(bytes_.substr(position_ + 1, 31));
    size = 32;
  }
  if (!value || !std::isfinite(*value)) return unexpected(Kind::real);
  position_ += size;
  return *value;
}

bool TermReader::take_atom(std::string* name) {
  const auto atom = etf::parse_atom(bytes_.substr(position_));
  if (!atom) return false;
  if (name != nullptr && atom->latin1) {
    *name = utf8::from_latin1(atom->name);
  } else if (name != nullptr) {
    name->assign(atom->name);
  }
  position_ += atom->size;
  return true;
}

bool TermReader::take_node(NodeName& name) {
  const auto atom = etf::parse_atom(bytes_.substr(position_));
  if (!atom) return false;
  name = atom->latin1 ? NodeName(utf8::from_latin1(atom->name)) : NodeName(atom->name);
  position_ += atom->size;
  return true;
}

Result<std::string> TermReader::atom() {
  std::string name;
  if (!take_atom(&name)) return unexpected(Kind::atom);
  return name;
}

Result<NodeName> TermReader::node_name() {
  NodeName name;
  if (!take_node(name)) return unexpected(Kind::atom);
  return name;
}

Result<std::string_view> TermReader::atom_view_slow() {
  const auto atom = etf::parse_atom(bytes_.substr(position_));
  if (!atom) return unexpected(Kind::atom);
  if (atom->latin1)
    return Error{Errc::type_mismatch, fmt::format("at byte {}: the atom is in Latin-1", position_)};
  position_ += atom->size;
  return atom->name;
}

Result<bool> TermReader::boolean() {
  const std::size_t start = position_;
  auto name = atom_view();
  if (!name) return std::move(name).error();
  if (*name == "true") return true;
  if (*name == "false") return false;
  position_ = start;
  return Error{Errc::type_mismatch,
               fmt::format("at byte {}: expected true or false, found {}", start, *name)};
}

Result<BytesView> TermReader::binary_failed() {
  return unexpected(Kind::binary);
}

std::uint32_t TermReader::take_u32() {
  const std::uint32_t value = detail::get_u32(bytes_.data() + position_);
  position_ += 4;
  return value;
}

Result<Pid> TermReader::pid() {
  const std::size_t start = position_;
  Pid out;
  if (peek() == Kind::pid) {
    const std::size_t creation_size = byte_at(0) == etf::new_pid ? 4 : 1;
    ++position_;
    if (take_node(out.node) && left() >= 8 + creation_size) {
      out.id = take_u32();
      out.serial = take_u32();
      out.creation = creation_size == 4 ? take_u32() : take_u8();
      return out;
    }
  }
  position_ = start;
  return unexpected(Kind::pid);
}

Result<Port> TermReader::port() {
  const std::size_t start = position_;
  Port out;
  if (peek() == Kind::port) {
    const std::uint8_t tag = byte_at(0);
    const std::size_t id_size = tag == etf::v4_port ? 8 : 4;
    const std::size_t creation_size = tag == etf::port ? 1 : 4;
    ++position_;
    if (take_node(out.node) && left() >= id_size + creation_size) {
      out.id = take_u32();
      if (id_size == 8) out.id = out.id << 32 | take_u32();
      out.creation = creation_size == 4 ? take_u32() : take_u8();
      return out;
    }
  }
  position_ = start;
  return unexpected(Kind::port);
}

Result<Ref> TermReader::ref() {
  const std::size_t start = position_;
  const auto failed = [this, start] {
    position_ = start;
    return unexpected(Kind::ref);
  };
  if (peek() != Kind::ref) return failed();
  const std::uint8_t tag = take_u8();
  std::size_t words = 1;
  if (tag != etf::reference) {
    if (left() < 2) return failed();
    words = detail::get_u16(bytes_.data() + position_);
    position_ += 2;
    if (words < 1 || words > etf::reference_words_max) return failed();
  }
  Ref out;
  const std::size_t creation_size = tag == etf::newer_reference ? 4 : 1;
  if (!take_node(out.node) || left() < creation_size + 4 * words) return failed();
  if (tag == etf::reference) {
    out.words.push_back(take_u32());
    out.creation = take_u8();
    return out;
  }
  out.creation = creation_size == 4 ? take_u32() : take_u8();
  for (; words > 0; --words) out.words.push_back(take_u32());
  return out;
}

Result<std::size_t> TermReader::tuple_slow() {
  if (left() >= 5 && byte_at(0) == etf::large_tuple) {
    const std::size_t arity = detail::get_u32(bytes_.data() + position_ + 1);
    if (left() - 5 >= arity) {
      position_ += 5;
      return arity;
    }
  }
  return unexpected(Kind::tuple);
}

Result<void> TermReader::tuple(std::size_t arity) {
  const std::size_t start = position_;
  auto found = tuple();
  if (!found) return std::move(found).error();
  if (*found == arity) return {};
  position_ = start;
  return Error{Errc::type_mismatch, fmt::format("at byte {}: expected a tuple of {} items, found one of {}",
                                                start, arity, *found)};
}

Result<std::size_t> TermReader::list() {
  if (left() >= 1 && byte_at(0) == etf::nil) return std::size_t{0};
  if (left() >= 1 && byte_at(0) == etf::string)
    return Error{Errc::type_mismatch,
                 fmt::format("at byte {}: the list came as a string of octets", position_)};
  if (left() >= 6 && byte_at(0) == etf::list) {
    const std::size_t length = detail::get_u32(bytes_.data() + position_ + 1);
    if (left() - 6 >= length) {
      position_ += 5;
      return length;
    }
  }
  return unexpected(Kind::list);
}

Result<void> TermReader::list_end() {
  if (left() < 1 || byte_at(0) != etf::nil) return unexpected(Kind::nil);
  ++position_;
  return {};
}

Result<BytesView> TermReader::string_octets() {
  if (left() >= 3 && byte_at(0) == etf::string) {
    const std::size_t length = detail::get_u16(bytes_.data() + position_ + 1);
    if (left() - 3 >= length) {
      const auto octets = bytes_.substr(position_ + 3, length);
      position_ += 3 + length;
      return octets;
    }
  }
  return unexpected(Kind::list);
}

Result<std::size_t> TermReader::map() {
  if (left() >= 5 && byte_at(0) == etf::map) {
    const std::size_t size = detail::get_u32(bytes_.data() + position_ + 1);
    if ((left() - 5) / 2 >= size) {
      position_ += 5;
      return size;
    }
  }
  return unexpected(Kind::map);
}

}  // namespace brood::inline v0
