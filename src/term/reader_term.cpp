// Reading and skipping terms as a whole. Both recurse, bounded by TermLimits::depth_max, and accept the same
// bytes, but for equal keys in a map, which only reading sees.
#include <brood/codec.hpp>

#include "term/etf.hpp"
#include "term/order.hpp"

namespace brood::inline v0 {

bool TermReader::claim(std::size_t terms) {
  if (left() < owed_ || left() - owed_ < terms) return false;
  owed_ += terms;
  return true;
}

Result<Term> TermReader::term() {
  const std::size_t start = position_;
  owed_ = 0;
  auto out = read_value(depth_);
  owed_ = 0;
  if (!out) position_ = start;
  return out;
}

Result<BytesView> TermReader::skip() {
  const std::size_t start = position_;
  owed_ = 0;
  const bool ok = skip_value(depth_);
  owed_ = 0;
  if (ok) return bytes_.substr(start, position_ - start);
  const Error error = broken("a term is cut short, too deep or not well formed");
  position_ = start;
  return error;
}

Result<Term> TermReader::read_value(std::uint32_t depth) {
  if (at_end()) return unexpected(Kind::end);
  const std::uint8_t tag = byte_at(0);
  switch (tag) {
    case etf::nil:
      ++position_;
      return Term();
    case etf::string:
      return read_list(depth);
    case etf::small_tuple:
    case etf::large_tuple:
    case etf::list:
    case etf::map:
    case etf::new_fun:
    case etf::export_fun:
      break;
    default:
      return read_leaf();
  }
  if (depth >= limits_.depth_max) return broken("terms are nested too deep");
  if (tag == etf::list) return read_list(depth);
  if (tag == etf::map) return read_map(depth);
  if (tag == etf::small_tuple || tag == etf::large_tuple) return read_tuple(depth);
  const std::size_t start = position_;
  if (!skip_fun(depth)) return broken("a fun is cut short or not well formed");
  return Term(OpaqueFun{Bytes(bytes_.substr(start, position_ - start))});
}

Result<Term> TermReader::read_tuple(std::uint32_t depth) {
  auto arity = tuple();
  if (!arity) return std::move(arity).error();
  if (!claim(*arity)) return broken("a tuple has fewer items than it says");
  std::vector<Term> items;
  items.reserve(*arity);
  for (std::size_t index = 0; index < *arity; ++index) {
    --owed_;
    auto item = read_value(depth + 1);
    if (!item) return item;
    items.push_back(std::move(*item));
  }
  return Term::tuple(std::move(items));
}

// The tail of a list may be a list again, without end; those are joined here in a loop.
Result<Term> TermReader::read_list(std::uint32_t depth) {
  std::vector<Term> items;
  for (;;) {
    if (left() >= 1 && byte_at(0) == etf::string) {
      auto octets = string_octets();
      if (!octets) return std::move(octets).error();
      if (items.empty()) items.reserve(octets->size());
      for (const char octet : *octets) items.emplace_back(std::int64_t{static_cast<std::uint8_t>(octet)});
      return Term::list(std::move(items));
    }
    auto length = list();
    if (!length) return std::move(length).error();
    if (!claim(*length + 1)) return broken("a list has fewer items than it says");
    if (items.empty()) items.reserve(*length);
    for (std::size_t index = 0; index < *length; ++index) {
      --owed_;
      auto item = read_value(depth + 1);
      if (!item) return item;
      items.push_back(std::move(*item));
    }
    --owed_;
    if (left() >= 1 && (byte_at(0) == etf::list || byte_at(0) == etf::string)) continue;
    auto tail = read_value(depth + 1);
    if (!tail) return tail;
    return Term::improper_list(std::move(items), std::move(*tail));
  }
}

Result<Term> TermReader::read_map(std::uint32_t depth) {
  auto size = map();
  if (!size) return std::move(size).error();
  if (!claim(*size * 2)) return broken("a map has fewer entries than it says");
  std::vector<std::pair<Term, Term>> entries;
  entries.reserve(*size);
  for (std::size_t index = 0; index < *size; ++index) {
    --owed_;
    auto key = read_value(depth + 1);
    if (!key) return key;
    --owed_;
    auto value = read_value(depth + 1);
    if (!value) return value;
    entries.emplace_back(std::move(*key), std::move(*value));
  }
  Term out = Term::map(std::move(entries));
  if (out.as_map()->size() != *size) return broken("a map has a key twice");
  return out;
}

bool TermReader::skip_many(std::size_t count, std::uint32_t depth) {
  if (!claim(count)) return false;
  for (; count > 0; --count) {
    --owed_;
    if (!skip_value(depth)) return false;
  }
  return true;
}

bool TermReader::skip_value(std::uint32_t depth) {
  for (;;) {
    if (at_end()) return false;
    const std::uint8_t tag = byte_at(0);
    switch (tag) {
      case etf::small_tuple:
      case etf::large_tuple:
      case etf::list:
      case etf::map:
      case etf::new_fun:
      case etf::export_fun:
        break;
      default:
        return skip_leaf();
    }
    if (depth >= limits_.depth_max) return false;
    if (tag == etf::new_fun || tag == etf::export_fun) return skip_fun(depth);
    if (tag == etf::map) {
      auto size = map();
      return size && skip_many(*size * 2, depth + 1);
    }
    if (tag != etf::list) {
      auto arity = tuple();
      return arity && skip_many(*arity, depth + 1);
    }
    auto length = list();
    if (!length || !claim(*length + 1)) return false;
    owed_ -= *length;
    if (!skip_many(*length, depth + 1)) return false;
    --owed_;
    // The tail: a list goes on at this depth, anything else is a level deeper.
    if (left() >= 1 && (byte_at(0) == etf::list || byte_at(0) == etf::string)) continue;
    return skip_value(depth + 1);
  }
}

bool TermReader::skip_fun(std::uint32_t depth) {
  const std::uint8_t tag = take_u8();
  if (tag == etf::export_fun) {
    if (!take_atom(nullptr) || !take_atom(nullptr) || left() < 2 || byte_at(0) != etf::small_integer)
      return false;
    position_ += 2;
    return true;
  }
  // Size (which counts itself), arity, a digest of 16 bytes, index, number of free variables.
  const std::size_t start = position_;
  if (left() < 29) return false;
  const std::size_t size = detail::get_u32(bytes_.data() + position_);
  const std::size_t free_variables = detail::get_u32(bytes_.data() + position_ + 25);
  if (size < 29 || size > left()) return false;
  position_ += 29;
  if (!take_atom(nullptr) || !integer() || !integer() || !pid()) return false;
  return skip_many(free_variables, depth + 1) && position_ - start == size;
}

Result<Term> decode_term(BytesView bytes, const TermLimits& limits) {
  if (bytes.size() > limits.bytes_max)
    return Error{Errc::limit_exceeded, "a term of " + std::to_string(bytes.size()) +
                                           " bytes exceeds the limit of " + std::to_string(limits.bytes_max)};
  TermReader reader(bytes, limits);
  if (auto ok = reader.version(); !ok) return std::move(ok).error();
  auto out = reader.term();
  if (out && !reader.at_end())
    return Error{Errc::malformed, "there are " + std::to_string(bytes.size() - reader.position()) +
                                      " bytes left over after the term"};
  return out;
}

}  // namespace brood::inline v0
