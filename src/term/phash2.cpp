#include "term/phash2.hpp"

#include <algorithm>
#include <bit>
#include <vector>

namespace brood::inline v0 {
namespace {

// The golden ratio, and its multiples for the kinds of terms.
constexpr std::uint32_t golden = 0x9e3779b9;
constexpr std::uint32_t times(std::uint32_t n) {
  return golden * n;
}
constexpr std::uint32_t small_integer = times(1);
constexpr std::uint32_t later_nil = times(2);
constexpr std::uint32_t later_atom = times(3);
constexpr std::uint32_t list_octets = times(4);
constexpr std::uint32_t pid_number = times(5);
constexpr std::uint32_t port_number = times(6);
constexpr std::uint32_t ref_number = times(7);
constexpr std::uint32_t tuple_arity = times(9);
constexpr std::uint32_t negative_integer = times(10);
constexpr std::uint32_t positive_integer = times(11);
constexpr std::uint32_t real_bits = times(12);
constexpr std::uint32_t binary_bytes = times(13);
constexpr std::uint32_t bitstring_end = times(15);
constexpr std::uint32_t map_size = times(16);
constexpr std::uint32_t map_entries = times(19);

// Jenkins' mixing of three words, of 1996.
void mix(std::uint32_t& a, std::uint32_t& b, std::uint32_t& c) {
  a = (a - b - c) ^ (c >> 13);
  b = (b - c - a) ^ (a << 8);
  c = (c - a - b) ^ (b >> 13);
  a = (a - b - c) ^ (c >> 12);
  b = (b - c - a) ^ (a << 16);
  c = (c - a - b) ^ (b >> 5);
  a = (a - b - c) ^ (c >> 3);
  b = (b - c - a) ^ (a << 10);
  c = (c - a - b) ^ (b >> 15);
}

std::uint32_t byte_at(BytesView bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

// Up to four bytes, the first the lowest; those beyond the end are 0.
std::uint32_t word_at(BytesView bytes, std::size_t at) {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < 4 && at + i < bytes.size(); ++i) word |= byte_at(bytes, at + i) << (8 * i);
  return word;
}

std::uint32_t hash_block(BytesView bytes, std::uint32_t before) {
  std::uint32_t a = golden, b = golden, c = before;
  const auto length = static_cast<std::uint32_t>(bytes.size());
  for (; bytes.size() >= 12; bytes.remove_prefix(12)) {
    a += word_at(bytes, 0);
    b += word_at(bytes, 4);
    c += word_at(bytes, 8);
    mix(a, b, c);
  }
  a += word_at(bytes, 0);
  b += word_at(bytes, 4);
  // The lowest byte of the last word is that of the length.
  c += length + (word_at(bytes, 8) << 8);
  mix(a, b, c);
  return c;
}

// hashpjw. Letters of Latin-1 count as the one byte that they were before OTP had UTF-8 in atoms.
std::uint32_t hash_name(std::string_view utf8) {
  std::uint32_t hash = 0;
  for (std::size_t at = 0; at < utf8.size(); ++at) {
    std::uint32_t letter = byte_at(utf8, at);
    const bool latin1 =
        (letter & 0xfe) == 0xc2 && at + 1 < utf8.size() && (byte_at(utf8, at + 1) & 0xc0) == 0x80;
    if (latin1) letter = ((letter << 6) | (byte_at(utf8, ++at) & 0x3f)) & 0xff;
    hash = (hash << 4) + letter;
    const std::uint32_t high = hash & 0xf0000000;
    hash ^= high >> 24;
    hash ^= high;
  }
  return hash;
}

}  // namespace

void Phash2::words(std::uint32_t first, std::uint32_t second, std::uint32_t constant) {
  std::uint32_t a = constant + first, b = constant + second;
  mix(a, b, hash_);
}

Phash2& Phash2::tuple(std::uint32_t arity) {
  words(arity, 0, tuple_arity);
  return *this;
}

// An atom alone, or first, is its name's hash as it is.
Phash2& Phash2::atom(std::string_view utf8) {
  const std::uint32_t name = hash_name(utf8);
  if (hash_ == 0)
    hash_ = name;
  else
    words(name, 0, later_atom);
  return *this;
}

Phash2& Phash2::binary(BytesView bytes) {
  const std::uint32_t before = binary_bytes + hash_;
  hash_ = bytes.empty() ? before : hash_block(bytes, before);
  return *this;
}

Phash2& Phash2::integer(std::int64_t value) {
  constexpr std::int64_t small_max = (std::int64_t{1} << 27) - 1;
  const std::uint64_t magnitude =
      value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  if (value > small_max || value < -small_max - 1) {
    words(static_cast<std::uint32_t>(magnitude), static_cast<std::uint32_t>(magnitude >> 32),
          value < 0 ? negative_integer : positive_integer);
    return *this;
  }
  if (value < 0) words(static_cast<std::uint32_t>(magnitude), 0, small_integer);
  words(static_cast<std::uint32_t>(value), 0, small_integer);
  return *this;
}

Phash2& Phash2::big(const BigInt& value) {
  // In digits of 64 bits, the last one filled up with zeros.
  for (std::size_t at = 0; at < value.magnitude.size(); at += 8)
    words(word_at(value.magnitude, at), word_at(value.magnitude, at + 4),
          value.negative ? negative_integer : positive_integer);
  return *this;
}

// A zero is positive, as Erlang's are equal.
Phash2& Phash2::real(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value == 0 ? 0.0 : value);
  words(static_cast<std::uint32_t>(bits >> 32), static_cast<std::uint32_t>(bits), real_bits);
  return *this;
}

Phash2& Phash2::bitstring(const Bitstring& value) {
  BytesView bytes = value.bytes;
  const std::uint32_t last = byte_at(bytes, bytes.size() - 1) >> (8 - value.last_bits);
  bytes.remove_suffix(1);
  hash_ = hash_block(bytes, binary_bytes + hash_);
  words(value.last_bits, last, bitstring_end);
  return *this;
}

// Of a pid its number counts alone, and of a reference its first word.
Phash2& Phash2::pid(const Pid& value) {
  words(value.id, 0, pid_number);
  return *this;
}
Phash2& Phash2::ref(const Ref& value) {
  words(value.words.empty() ? 0 : value.words[0], 0, ref_number);
  return *this;
}
Phash2& Phash2::port(const Port& value) {
  words(static_cast<std::uint32_t>(value.id), static_cast<std::uint32_t>(value.id >> 32), port_number);
  return *this;
}

Phash2& Phash2::nil() {
  constexpr std::uint32_t nil_alone = 3468870702;
  constexpr std::uint32_t nil_tag = 2;
  if (hash_ == 0)
    hash_ = nil_alone;
  else
    words(nil_tag, 0, later_nil);
  return *this;
}

// Four at a time, the first the highest.
Phash2& Phash2::octets(std::span<const std::uint8_t> bytes) {
  for (; !bytes.empty(); bytes = bytes.subspan(std::min<std::size_t>(4, bytes.size()))) {
    std::uint32_t word = 0;
    for (const std::uint8_t byte : bytes.first(std::min<std::size_t>(4, bytes.size())))
      word = word << 8 | byte;
    words(word, 0, list_octets);
  }
  return *this;
}

Phash2& Phash2::map(std::uint32_t size, std::uint32_t entries) {
  words(size, 0, map_size);
  if (size > 0) words(entries, 0, map_entries);
  return *this;
}

namespace {

bool add(Phash2& hash, const Term& term);

bool add_list(Phash2& hash, const Term::List& list) {
  std::vector<std::uint8_t> octets;
  for (const Term& item : list.items) {
    const std::int64_t* number = item.as_integer();
    if (number && *number >= 0 && *number <= 255) {
      octets.push_back(static_cast<std::uint8_t>(*number));
      continue;
    }
    hash.octets(octets);
    octets.clear();
    if (!add(hash, item)) return false;
  }
  hash.octets(octets);
  if (!list.tail.empty()) return add(hash, list.tail.front());
  hash.nil();
  return true;
}

// The order of the entries is not to be seen.
bool add_map(Phash2& hash, const Term::Map& map) {
  std::uint32_t entries = 0;
  for (const auto& [key, value] : map.entries) {
    Phash2 entry;
    if (!add(entry, key) || !add(entry, value)) return false;
    entries ^= entry.value();
  }
  hash.map(static_cast<std::uint32_t>(map.entries.size()), entries);
  return true;
}

bool add(Phash2& hash, const Term& term) {
  if (const Atom* atom = term.as_atom()) return hash.atom(atom->name), true;
  if (const Binary* binary = term.as_binary()) return hash.binary(binary->bytes), true;
  if (const std::int64_t* number = term.as_integer()) return hash.integer(*number), true;
  if (const BigInt* big = term.as_big()) return hash.big(*big), true;
  if (const double* real = term.as_float()) return hash.real(*real), true;
  if (const Bitstring* bits = term.as_bitstring()) return hash.bitstring(*bits), true;
  if (const Pid* pid = term.as_pid()) return hash.pid(*pid), true;
  if (const Port* port = term.as_port()) return hash.port(*port), true;
  if (const Ref* ref = term.as_ref()) return hash.ref(*ref), true;
  if (const auto* list = std::get_if<Term::List>(&term.value())) return add_list(hash, *list);
  if (const auto* map = std::get_if<Term::Map>(&term.value())) return add_map(hash, *map);
  const auto* items = term.as_tuple();
  if (!items) return false;
  hash.tuple(static_cast<std::uint32_t>(items->size()));
  for (const Term& item : *items)
    if (!add(hash, item)) return false;
  return true;
}

}  // namespace

std::optional<std::uint32_t> phash2(const Term& term) {
  Phash2 hash;
  if (!add(hash, term)) return std::nullopt;
  return hash.value();
}

}  // namespace brood::inline v0
