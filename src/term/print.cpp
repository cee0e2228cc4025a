// Terms as Erlang text.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <brood/codec.hpp>
#include <charconv>

#include "term/bigint.hpp"
#include "term/utf8.hpp"
#include "term/words.hpp"

namespace brood::inline v0 {
namespace {

// Deeper terms show "..." there; no term from elsewhere is that deep.
constexpr int print_depth_max = 512;

class Printer {
 public:
  explicit Printer(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  void print(const Term& term) {
    if (full()) return;
    if (++depth_ > print_depth_max) {
      out_ += "...";
    } else {
      std::visit([this](const auto& value) { put(value); }, term.value());
    }
    --depth_;
  }

  std::string finish() {
    if (out_.size() <= bytes_max_) return std::move(out_);
    std::size_t keep = bytes_max_ > 3 ? bytes_max_ - 3 : 0;
    while (keep > 0 && (static_cast<unsigned char>(out_[keep]) & 0xC0) == 0x80) --keep;
    out_.resize(keep);
    return std::move(out_) + std::string("...").substr(0, bytes_max_);
  }

 private:
  [[nodiscard]] bool full() const { return out_.size() > bytes_max_; }

  void put(std::int64_t value) { out_ += std::to_string(value); }
  void put(const BigInt& value) { out_ += bigint::to_text(value); }

  void put(double value) {
    std::array<char, 40> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    std::string digits(text.data(), end);
    // Erlang wants a fraction: 1.0 and 1.0e22.
    if (digits.find('.') == std::string::npos) digits.insert(std::min(digits.find('e'), digits.size()), ".0");
    out_ += digits;
  }

  void put(const Atom& value) {
    if (words::is_bare_atom(value.name)) {
      out_ += value.name;
    } else {
      quoted(value.name, '\'');
    }
  }

  void put(const Binary& value) {
    if (is_text(value.bytes)) {
      out_ += "<<";
      if (!value.bytes.empty()) quoted(value.bytes, '"');
      out_ += ">>";
    } else {
      octets(value.bytes, 8);
    }
  }

  void put(const Bitstring& value) { octets(value.bytes, value.last_bits); }

  void octets(const Bytes& bytes, unsigned last_bits) {
    out_ += "<<";
    for (std::size_t index = 0; index < bytes.size() && !full(); ++index) {
      if (index > 0) out_ += ',';
      const auto octet = static_cast<std::uint8_t>(bytes[index]);
      const bool last = index + 1 == bytes.size() && last_bits < 8;
      out_ += std::to_string(last ? octet >> (8 - last_bits) : octet);
      if (last) out_ += fmt::format(":{}", last_bits);
    }
    out_ += ">>";
  }

  void put(const Pid& value) { out_ += to_string(value); }
  void put(const Port& value) { out_ += fmt::format("#Port<{}.{}>", value.node.text(), value.id); }
  void put(const Ref& value) {
    out_ += "#Ref<" + value.node.text();
    for (std::size_t index = value.words.size(); index-- > 0;) out_ += fmt::format(".{}", value.words[index]);
    out_ += '>';
  }

  void put(const OpaqueFun& value) {
    TermReader reader(BytesView(value.encoded).substr(std::min<std::size_t>(1, value.encoded.size())));
    auto module = reader.atom();
    auto function = module ? reader.atom() : module;
    auto arity = reader.integer();
    if (module && function && arity) {
      out_ += "fun ";
      put(Atom(*module));
      out_ += ':';
      put(Atom(*function));
      out_ += fmt::format("/{}", *arity);
    } else {
      out_ += fmt::format("#Fun<{} bytes>", value.encoded.size());
    }
  }

  void put(const Term::Tuple& value) {
    out_ += '{';
    sequence(value.items);
    out_ += '}';
  }

  void put(const Term::List& value) {
    if (value.tail.empty() && !value.items.empty() && is_text(value.items)) {
      std::string text;
      for (const Term& item : value.items) {
        utf8::append(text, static_cast<char32_t>(*item.as_integer()));
        if (text.size() > bytes_max_) break;
      }
      return quoted(text, '"');
    }
    out_ += '[';
    sequence(value.items);
    if (!value.tail.empty()) {
      out_ += '|';
      print(value.tail.front());
    }
    out_ += ']';
  }

  void put(const Term::Map& value) {
    out_ += "#{";
    bool first = true;
    for (const auto& [key, item] : value.entries) {
      if (full()) break;
      if (!first) out_ += ',';
      first = false;
      print(key);
      out_ += "=>";
      print(item);
    }
    out_ += '}';
  }

  void sequence(const std::vector<Term>& items) {
    for (std::size_t index = 0; index < items.size() && !full(); ++index) {
      if (index > 0) out_ += ',';
      print(items[index]);
    }
  }

  static bool is_text(const Bytes& bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
      const auto character = utf8::next(bytes, at);
      if (!character || !words::is_shown(*character)) return false;
    }
    return true;
  }

  static bool is_text(const std::vector<Term>& items) {
    return std::all_of(items.begin(), items.end(), [](const Term& item) {
      const auto* character = item.as_integer();
      return character && *character > 0 && *character <= 0x10FFFF &&
             words::is_shown(static_cast<char32_t>(*character));
    });
  }

  void quoted(std::string_view text, char quote) {
    out_ += quote;
    for (const char letter : text) {
      if (full()) break;
      const auto byte = static_cast<unsigned char>(letter);
      if (letter == quote || letter == '\\') {
        out_ += '\\';
        out_ += letter;
      } else if (const char name = words::escape_of(letter)) {
        out_ += '\\';
        out_ += name;
      } else if (byte < 0x20 || byte == 0x7F) {
        out_ += fmt::format("\\x{{{:X}}}", static_cast<unsigned>(byte));
      } else {
        out_ += letter;
      }
    }
    out_ += quote;
  }

  std::size_t bytes_max_;
  std::string out_;
  int depth_ = 0;
};

}  // namespace

std::string to_string(const Term& term, std::size_t bytes_max) {
  Printer printer(bytes_max);
  printer.print(term);
  return printer.finish();
}

std::string encoded_to_string(BytesView encoded, std::size_t bytes_max) {
  const auto term = decode_term(encoded);
  if (term) return to_string(*term, bytes_max);
  return fmt::format("({} bytes that are no term)", encoded.size());
}

std::string to_string(const Pid& pid) {
  return fmt::format("<{}.{}.{}>", pid.node.text(), pid.id, pid.serial);
}

}  // namespace brood::inline v0
