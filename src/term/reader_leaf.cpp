// Reading and skipping one term that holds no others.
#include <brood/codec.hpp>

#include "term/etf.hpp"
#include "term/etf_parts.hpp"

namespace brood::inline v0 {

Result<Term> TermReader::read_leaf() {
  const auto as_term = [](auto result) -> Result<Term> {
    if (!result) return std::move(result).error();
    return Term(std::move(*result));
  };
  switch (peek()) {
    case Kind::integer:
      return as_term(integer());
    case Kind::real:
      return as_term(real());
    case Kind::pid:
      return as_term(pid());
    case Kind::port:
      return as_term(port());
    case Kind::ref:
      return as_term(ref());
    case Kind::atom: {
      Atom out;
      if (!take_atom(&out.name)) return unexpected(Kind::atom);
      return Term(std::move(out));
    }
    case Kind::binary: {
      auto content = binary();
      if (!content) return std::move(content).error();
      return Term::binary(*content);
    }
    case Kind::big: {
      const auto big = etf::parse_big(bytes_.substr(position_));
      if (!big) return unexpected(Kind::big);
      position_ += big->size;
      return Term(BigInt{big->negative, Bytes(big->magnitude)});
    }
    case Kind::bitstring: {
      const std::size_t start = position_;
      if (!skip_leaf()) return unexpected(Kind::bitstring);
      const auto bits = static_cast<std::uint8_t>(bytes_[start + 5]);
      return Term(Bitstring{Bytes(bytes_.substr(start + 6, position_ - start - 6)), bits});
    }
    default:
      return unexpected(Kind::end);
  }
}

bool TermReader::skip_leaf() {
  const auto skip_bytes = [this](std::size_t count) {
    if (left() < count) return false;
    position_ += count;
    return true;
  };
  const auto skip_with_node = [&](std::size_t header, std::size_t after) {
    return skip_bytes(header) && take_atom(nullptr) && skip_bytes(after);
  };
  switch (byte_at(0)) {
    case etf::small_integer:
      return skip_bytes(2);
    case etf::integer:
      return skip_bytes(5);
    case etf::new_float:
    case etf::float_text:
      return real().has_value();
    case etf::atom_latin1:
    case etf::small_atom_latin1:
    case etf::atom_utf8:
    case etf::small_atom_utf8:
      return take_atom(nullptr);
    case etf::binary:
      return binary().has_value();
    case etf::string:
      return string_octets().has_value();
    case etf::nil:
      return skip_bytes(1);
    case etf::bit_binary: {
      if (left() < 6) return false;
      const std::size_t length = detail::get_u32(bytes_.data() + position_ + 1);
      const std::uint8_t bits = byte_at(5);
      return length > 0 && bits >= 1 && bits <= 8 && left() - 6 >= length && skip_bytes(6 + length);
    }
    case etf::small_big:
    case etf::large_big: {
      const auto big = etf::parse_big(bytes_.substr(position_));
      return big && skip_bytes(big->size);
    }
    case etf::pid:
      return skip_with_node(1, 9);
    case etf::new_pid:
      return skip_with_node(1, 12);
    case etf::port:
      return skip_with_node(1, 5);
    case etf::new_port:
      return skip_with_node(1, 8);
    case etf::v4_port:
      return skip_with_node(1, 12);
    case etf::reference:
      return skip_with_node(1, 5);
    case etf::new_reference:
    case etf::newer_reference: {
      if (left() < 3) return false;
      const std::size_t words = detail::get_u16(bytes_.data() + position_ + 1);
      if (words < 1 || words > etf::reference_words_max) return false;
      return skip_with_node(3, (byte_at(0) == etf::newer_reference ? 4 : 1) + 4 * words);
    }
    default:
      return false;
  }
}

}  // namespace brood::inline v0
