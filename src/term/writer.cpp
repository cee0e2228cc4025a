// TermWriter's longer parts, and the encoding of a Term, without recursion.
#include <algorithm>
#include <bit>
#include <brood/codec.hpp>
#include <cmath>
#include <vector>

#include "term/etf.hpp"
#include "term/utf8.hpp"

namespace brood::inline v0 {
namespace {

using detail::put_big_endian;

void put_u32(Bytes& out, std::uint32_t value) {
  char bytes[4];
  put_big_endian(bytes, value);
  out.append(bytes, 4);
}

void put_big_header(Bytes& out, std::size_t size, bool negative) {
  if (size < 256) {
    const char header[3] = {static_cast<char>(etf::small_big),
                            static_cast<char>(static_cast<std::uint8_t>(size)), static_cast<char>(negative)};
    out.append(header, 3);
  } else {
    detail::put_header(out, etf::large_big, size);
    out.push_back(static_cast<char>(negative));
  }
}

/// The items of a proper list as octets, where Erlang itself would send STRING_EXT.
bool is_octet_string(const Term::List& list) {
  if (!list.tail.empty() || list.items.empty() || list.items.size() > etf::string_length_max) return false;
  return std::all_of(list.items.begin(), list.items.end(), [](const Term& item) {
    const auto* octet = item.as_integer();
    return octet && *octet >= 0 && *octet <= 255;
  });
}

void put_octet_string(Bytes& out, const std::vector<Term>& items) {
  char header[3] = {static_cast<char>(etf::string)};
  put_big_endian(header + 1, static_cast<std::uint16_t>(items.size()));
  out.append(header, 3);
  for (const Term& item : items)
    out.push_back(static_cast<char>(static_cast<std::uint8_t>(*item.as_integer())));
}

/// Writes a term; what is inside waits on a stack of its own.
class Encoder {
 public:
  explicit Encoder(TermWriter& writer) : writer_(writer) {}

  void run(const Term& term) {
    one(term);
    while (!waiting_.empty()) {
      Waiting& top = waiting_.back();
      if (top.index == top.count) {
        const bool end = top.proper_list;
        waiting_.pop_back();
        if (end) writer_.nil();
        continue;
      }
      const std::size_t index = top.index++;
      if (top.entries) {
        const auto& [key, value] = top.entries[index / 2];
        one(index % 2 == 0 ? key : value);
      } else {
        one(top.items[index]);
      }
    }
  }

 private:
  struct Waiting {
    const Term* items;
    const std::pair<Term, Term>* entries;
    std::size_t count;
    bool proper_list = false;
    std::size_t index = 0;
  };

  void one(const Term& term) {
    std::visit([this](const auto& value) { put(value); }, term.value());
  }

  void put(std::int64_t value) { writer_.integer(value); }
  void put(double value) { writer_.real(value); }
  void put(const Atom& value) { writer_.atom(value.name); }
  void put(const Binary& value) { writer_.binary(value.bytes); }
  void put(const Pid& value) { writer_.pid(value); }
  void put(const Ref& value) { writer_.ref(value); }
  void put(const Port& value) { writer_.port(value); }
  void put(const BigInt& value) { writer_.big(value); }
  void put(const Bitstring& value) { writer_.bitstring(value); }
  void put(const OpaqueFun& value) {
    if (value.encoded.empty()) return writer_.nil();
    writer_.buffer().append(value.encoded);
  }

  void put(const Term::Tuple& value) {
    writer_.tuple(value.items.size());
    if (!value.items.empty()) waiting_.push_back({value.items.data(), nullptr, value.items.size()});
  }

  void put(const Term::List& value) {
    if (value.items.empty()) return writer_.nil();
    if (is_octet_string(value)) return put_octet_string(writer_.buffer(), value.items);
    writer_.list(value.items.size());
    if (!value.tail.empty()) waiting_.push_back({value.tail.data(), nullptr, 1});
    waiting_.push_back({value.items.data(), nullptr, value.items.size(), value.tail.empty()});
  }

  void put(const Term::Map& value) {
    writer_.map(value.entries.size());
    if (!value.entries.empty()) waiting_.push_back({nullptr, value.entries.data(), value.entries.size() * 2});
  }

  TermWriter& writer_;
  std::vector<Waiting> waiting_;
};

}  // namespace

void TermWriter::wide_integer(bool negative, std::uint64_t magnitude) {
  char bytes[11] = {static_cast<char>(etf::small_big), 0, static_cast<char>(negative)};
  std::size_t size = 0;
  for (; magnitude != 0; magnitude >>= 8) bytes[3 + size++] = static_cast<char>(magnitude & 0xFF);
  bytes[1] = static_cast<char>(size);
  out_.append(bytes, 3 + size);
}

void TermWriter::big(const BigInt& value) {
  const std::size_t last = value.magnitude.find_last_not_of('\0');
  const std::size_t size = last == std::string::npos ? 0 : last + 1;
  if (size <= 8) {
    std::uint64_t magnitude = 0;
    for (std::size_t index = size; index-- > 0;)
      magnitude = magnitude << 8 | static_cast<std::uint8_t>(value.magnitude[index]);
    if (!value.negative) return unsigned_integer(magnitude);
    if (magnitude <= std::uint64_t{1} << 63) return integer(static_cast<std::int64_t>(0 - magnitude));
  }
  put_big_header(out_, size, value.negative);
  out_.append(value.magnitude, 0, size);
}

void TermWriter::real(double value) {
  if (!std::isfinite(value)) return atom(std::isnan(value) ? "nan" : value > 0 ? "infinity" : "neg_infinity");
  char bytes[9] = {static_cast<char>(etf::new_float)};
  put_big_endian(bytes + 1, std::bit_cast<std::uint64_t>(value));
  out_.append(bytes, 9);
}

void TermWriter::atom_slow(std::string_view name) {
  std::string fitted;
  if (!utf8::fits_atom(name)) name = fitted = utf8::fit_atom(name);
  if (name.size() < 256) {
    const char header[2] = {static_cast<char>(etf::small_atom_utf8),
                            static_cast<char>(static_cast<std::uint8_t>(name.size()))};
    out_.append(header, 2);
  } else {
    char header[3] = {static_cast<char>(etf::atom_utf8)};
    put_big_endian(header + 1, static_cast<std::uint16_t>(name.size()));
    out_.append(header, 3);
  }
  out_.append(name);
}

void TermWriter::bitstring(const Bitstring& value) {
  if (value.bytes.empty() || value.last_bits == 0 || value.last_bits > 7) return binary(value.bytes);
  detail::put_header(out_, etf::bit_binary, value.bytes.size());
  out_.push_back(static_cast<char>(value.last_bits));
  out_.append(value.bytes);
  const unsigned mask = 0xFF00u >> value.last_bits;
  out_.back() = static_cast<char>(static_cast<std::uint8_t>(out_.back()) & mask);
}

void TermWriter::pid(const Pid& value) {
  out_.push_back(static_cast<char>(etf::new_pid));
  atom(value.node.text());
  char bytes[12];
  put_big_endian(put_big_endian(put_big_endian(bytes, value.id), value.serial), value.creation);
  out_.append(bytes, sizeof bytes);
}

void TermWriter::port(const Port& value) {
  const bool small = value.id <= UINT32_MAX;
  out_.push_back(static_cast<char>(small ? etf::new_port : etf::v4_port));
  atom(value.node.text());
  if (small) {
    put_u32(out_, static_cast<std::uint32_t>(value.id));
  } else {
    char bytes[8];
    put_big_endian(bytes, value.id);
    out_.append(bytes, 8);
  }
  put_u32(out_, value.creation);
}

void TermWriter::ref(const Ref& value) {
  const std::size_t size = std::max<std::size_t>(value.words.size(), 1);
  const char header[3] = {static_cast<char>(etf::newer_reference), 0, static_cast<char>(size)};
  out_.append(header, 3);
  atom(value.node.text());
  put_u32(out_, value.creation);
  for (std::size_t index = 0; index < size; ++index)
    put_u32(out_, index < value.words.size() ? value.words[index] : 0);
}

void TermWriter::encoded(BytesView bytes) {
  if (!bytes.empty() && static_cast<std::uint8_t>(bytes.front()) == etf::version) bytes.remove_prefix(1);
  out_.append(bytes);
}

void TermWriter::term(const Term& value) {
  Encoder(*this).run(value);
}

EncodedTerm encode_term(const Term& term) {
  EncodedTerm out;
  TermWriter writer(out);
  writer.version();
  writer.term(term);
  out.share();
  return out;
}

}  // namespace brood::inline v0
