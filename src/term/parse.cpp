// The parser of Erlang text: a recursive descent of bounded depth over one string.
#include <fmt/format.h>

#include <brood/term.hpp>
#include <charconv>
#include <cmath>

#include "term/bigint.hpp"
#include "term/etf.hpp"
#include "term/utf8.hpp"
#include "term/words.hpp"

namespace brood::inline v0 {
namespace {

constexpr int parse_depth_max = 256;

/// Collects the segments of a binary bit by bit.
struct Bits {
  Bytes bytes;
  std::size_t count = 0;

  void add(std::uint64_t value, std::size_t width) {
    for (std::size_t bit = width; bit-- > 0; ++count) {
      if (count % 8 == 0) bytes.push_back('\0');
      if (bit < 64 && (value >> bit & 1) != 0)
        bytes.back() = static_cast<char>(static_cast<std::uint8_t>(bytes.back()) | (0x80u >> count % 8));
    }
  }

  Term finish() && {
    if (count % 8 == 0) return Binary{std::move(bytes)};
    return Bitstring{std::move(bytes), static_cast<std::uint8_t>(count % 8)};
  }
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Term> all() {
    auto out = term();
    if (!out) return out;
    if (accept('.')) blank();
    if (at_ != text_.size()) return fail("there is more text after the term");
    return out;
  }

 private:
  [[nodiscard]] char look(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  Error fail(std::string_view what) const {
    return {Errc::malformed, fmt::format("column {}: {}", at_ + 1, what)};
  }

  void blank() {
    for (; at_ < text_.size(); ++at_) {
      const char letter = text_[at_];
      if (letter == '%') {
        while (at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
      } else if (letter != ' ' && letter != '\t' && letter != '\n' && letter != '\r') {
        break;
      }
    }
  }

  /// Takes the text if it comes next, after white space.
  bool accept(std::string_view expected) {
    blank();
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }
  bool accept(char expected) { return accept(std::string_view(&expected, 1)); }

  Result<Term> term() {
    blank();
    if (++depth_ > parse_depth_max) return fail("terms are nested too deep");
    auto out = term_here();
    --depth_;
    blank();
    return out;
  }

  Result<Term> term_here() {
    const char letter = look();
    if (at_ == text_.size()) return fail("a term is missing");
    if (words::is_digit(letter) || letter == '$') return number(false);
    if (letter == '-' || letter == '+') {
      ++at_;
      blank();
      if (!words::is_digit(look()) && look() != '$') return fail("a number is missing after the sign");
      return number(letter == '-');
    }
    if (words::is_lower(letter)) return bare_atom();
    if (letter == '\'') return quoted_atom();
    if (letter == '"') return string();
    if (accept("<<")) return binary();
    if (accept("#{")) return map();
    if (accept('{')) return tuple();
    if (accept('[')) return list();
    if (letter == '_' || (letter >= 'A' && letter <= 'Z')) return fail("variables are not allowed");
    return fail("this is the start of no term");
  }

  Result<Term> bare_atom() {
    const std::size_t start = at_;
    while (words::is_in_atom(look())) ++at_;
    const auto name = text_.substr(start, at_ - start);
    if (name.size() > etf::atom_characters_max) return fail("an atom has more than 255 characters");
    return Term::atom(name);
  }

  Result<Term> quoted_atom() {
    auto name = quoted('\'');
    if (!name) return std::move(name).error();
    if (!utf8::fits_atom(*name)) return fail("an atom has more than 255 characters");
    return Term(Atom(std::move(*name)));
  }

  Result<Term> string() {
    std::vector<Term> items;
    do {
      auto text = quoted('"');
      if (!text) return std::move(text).error();
      for (std::size_t at = 0; at < text->size();)
        items.emplace_back(static_cast<std::int64_t>(utf8::next(*text, at).value_or(0xFFFD)));
      blank();
    } while (look() == '"');
    return Term::list(std::move(items));
  }

  /// From the opening quote to the closing one, with escapes undone, as UTF-8.
  Result<std::string> quoted(char quote) {
    ++at_;
    std::string out;
    while (at_ < text_.size() && text_[at_] != quote) {
      auto character = this->character();
      if (!character) return std::move(character).error();
      utf8::append(out, *character);
    }
    if (at_ == text_.size()) return fail("the closing quote is missing");
    ++at_;
    return out;
  }

  Result<char32_t> character() {
    if (look() == '\\') return escape();
    const auto out = utf8::next(text_, at_);
    if (!out) return fail("the text is not UTF-8");
    return *out;
  }

  Result<char32_t> escape() {
    ++at_;
    const char letter = look();
    if (at_ == text_.size()) return fail("the text ends after a backslash");
    if (letter == 'x') return hex_escape();
    if (letter >= '0' && letter <= '7') {
      char32_t value = 0;
      for (int digit = 0; digit < 3 && look() >= '0' && look() <= '7'; ++digit, ++at_)
        value = value * 8 + static_cast<char32_t>(look() - '0');
      return value;
    }
    if (letter == '^') {
      const char control = look(1);
      if (control < '@' || control > '_') return fail("unknown control character");
      at_ += 2;
      return static_cast<char32_t>(control - '@');
    }
    if (letter == 's') return ++at_, U' ';
    if (const char control = words::control_of(letter)) return ++at_, static_cast<char32_t>(control);
    const auto itself = utf8::next(text_, at_);
    if (!itself) return fail("the text is not UTF-8");
    return *itself;
  }

  Result<char32_t> hex_escape() {
    ++at_;
    const bool braces = look() == '{';
    if (braces) ++at_;
    const std::size_t start = at_;
    while (is_digit_of(look(), 16) && at_ - start < (braces ? 6u : 2u)) ++at_;
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text_.data() + start, text_.data() + at_, value, 16);
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (error != std::errc() || end != text_.data() + at_ || at_ - start < (braces ? 1u : 2u) ||
        value > 0x10FFFF || surrogate)
      return fail("a character in hexadecimal is not well formed");
    if (braces && look() != '}') return fail("the closing brace of \\x{...} is missing");
    if (braces) ++at_;
    return static_cast<char32_t>(value);
  }

  Result<Term> number(bool negative) {
    if (look() == '$') {
      ++at_;
      if (at_ == text_.size()) return fail("a character is missing after $");
      auto code = character();
      if (!code) return std::move(code).error();
      const auto value = static_cast<std::int64_t>(*code);
      return Term(negative ? -value : value);
    }
    const std::size_t start = at_;
    digits(10);
    if (look() == '#') return based(text_.substr(start, at_ - start), negative);
    if (look() == '.' && words::is_digit(look(1))) return real(start, negative);
    return whole(start, 10, negative);
  }

  void digits(unsigned radix) {
    for (; at_ < text_.size(); ++at_) {
      const char letter = text_[at_];
      // Erlang allows 1_000: a single underscore between two digits.
      if (letter == '_' && at_ > 0 && is_digit_of(text_[at_ - 1], radix) && is_digit_of(look(1), radix))
        continue;
      if (!is_digit_of(letter, radix)) break;
    }
  }

  static bool is_digit_of(char letter, unsigned radix) {
    const unsigned value = words::is_digit(letter)            ? static_cast<unsigned>(letter - '0')
                           : words::is_lower(letter)          ? static_cast<unsigned>(letter - 'a' + 10)
                           : (letter >= 'A' && letter <= 'Z') ? static_cast<unsigned>(letter - 'A' + 10)
                                                              : 99;
    return value < radix;
  }

  std::string without_underscores(std::size_t start) const {
    std::string out;
    for (const char letter : text_.substr(start, at_ - start))
      if (letter != '_') out += letter;
    return out;
  }

  Result<Term> based(std::string_view base, bool negative) {
    unsigned radix = 0;
    const auto [end, error] = std::from_chars(base.data(), base.data() + base.size(), radix);
    if (error != std::errc() || end != base.data() + base.size() || radix < 2 || radix > 36)
      return fail("the base of a number must be 2 to 36");
    ++at_;
    const std::size_t start = at_;
    digits(radix);
    if (at_ == start) return fail("digits are missing after the base");
    return whole(start, radix, negative);
  }

  Result<Term> whole(std::size_t start, unsigned radix, bool negative) {
    if (words::is_in_atom(look())) return fail("a number runs into other text");
    auto value = bigint::from_digits(without_underscores(start), radix, negative);
    if (!value) return fail(fmt::format("more than {} digits are read in base 16 only", bigint::digits_max));
    return Term(std::move(*value));
  }

  Result<Term> real(std::size_t start, bool negative) {
    ++at_;
    digits(10);
    if (look() == 'e' || look() == 'E') {
      const std::size_t sign = look(1) == '-' || look(1) == '+' ? 1 : 0;
      if (!words::is_digit(look(1 + sign))) return fail("the exponent of a float is missing");
      at_ += 1 + sign;
      digits(10);
    }
    if (words::is_in_atom(look())) return fail("a number runs into other text");
    const std::string text = without_underscores(start);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    // Too close to zero for a float is zero in Erlang; from_chars calls both ends out of range.
    const bool tiny = error == std::errc::result_out_of_range && text.find("e-") != std::string::npos;
    if (tiny) value = 0;
    if ((error != std::errc() && !tiny) || end != text.data() + text.size() || !std::isfinite(value))
      return fail("the float is out of range");
    return Term(negative ? -value : value);
  }

  /// Items up to the closing text; what follows the last one is checked by `close`.
  template <typename Item>
  Result<void> items(std::string_view close, Item item) {
    if (accept(close)) return {};
    for (;;) {
      if (auto ok = item(); !ok) return ok;
      if (accept(close)) return {};
      if (!accept(',')) return fail(fmt::format("a comma or {} is missing", close));
    }
  }

  Result<void> append_to(std::vector<Term>& out) {
    auto item = term();
    if (!item) return std::move(item).error();
    out.push_back(std::move(*item));
    return {};
  }

  Result<Term> tuple() {
    std::vector<Term> out;
    if (auto ok = items("}", [&] { return append_to(out); }); !ok) return std::move(ok).error();
    return Term::tuple(std::move(out));
  }

  Result<Term> list() {
    std::vector<Term> out;
    Term tail;
    const auto item = [&]() -> Result<void> {
      if (auto ok = append_to(out); !ok) return ok;
      if (look() != '|') return {};
      ++at_;
      auto last = term();
      if (!last) return std::move(last).error();
      if (look() != ']') return fail("] is missing after the tail of a list");
      tail = std::move(*last);
      return {};
    };
    if (auto ok = items("]", item); !ok) return std::move(ok).error();
    return Term::improper_list(std::move(out), std::move(tail));
  }

  Result<Term> map() {
    std::vector<std::pair<Term, Term>> entries;
    const auto item = [&]() -> Result<void> {
      auto key = term();
      if (!key) return std::move(key).error();
      if (!accept("=>")) return fail("=> is missing in a map");
      auto value = term();
      if (!value) return std::move(value).error();
      entries.emplace_back(std::move(*key), std::move(*value));
      return {};
    };
    if (auto ok = items("}", item); !ok) return std::move(ok).error();
    return Term::map(std::move(entries));
  }

  Result<Term> binary() {
    Bits bits;
    if (auto ok = items(">>", [&] { return segment(bits); }); !ok) return std::move(ok).error();
    return std::move(bits).finish();
  }

  Result<void> segment(Bits& bits) {
    blank();
    if (look() == '"') {
      auto text = quoted('"');
      if (!text) return std::move(text).error();
      for (const char octet : *text) bits.add(static_cast<std::uint8_t>(octet), 8);
      if (accept('/') && !accept("utf8")) return fail("only /utf8 is known for a string in a binary");
      blank();
      return {};
    }
    auto value = term();
    if (!value) return std::move(value).error();
    const auto* number = value->as_integer();
    if (!number) return fail("a segment of a binary must be a string or an integer");
    std::uint64_t width = 8;
    if (accept(':')) {
      auto size = term();
      if (!size) return std::move(size).error();
      const auto* wanted = size->as_integer();
      if (!wanted || *wanted < 0 || *wanted > 64) return fail("the size of a segment must be 0 to 64 bits");
      width = static_cast<std::uint64_t>(*wanted);
    }
    // As in Erlang, what does not fit the width is cut; here it is more likely a mistake, so it is refused.
    const bool fits =
        width == 64 || (*number >= 0 ? static_cast<std::uint64_t>(*number) >> width == 0
                                     : *number >= -(std::int64_t{1} << (width > 0 ? width - 1 : 0)));
    if (!fits) return fail("an integer does not fit its segment of a binary");
    bits.add(static_cast<std::uint64_t>(*number), width);
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<Term> parse_term(std::string_view text) {
  return Parser(text).all();
}

}  // namespace brood::inline v0
