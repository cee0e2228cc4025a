#include "term/order.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "term/bigint.hpp"

namespace brood::inline v0 {
namespace {

using Order = std::strong_ordering;
using Value = Term::Value;

constexpr Order equal = Order::equal;

int rank(const Value& value) {
  struct Rank {
    int operator()(std::int64_t) const { return 0; }
    int operator()(const BigInt&) const { return 0; }
    int operator()(double) const { return 0; }
    int operator()(const Atom&) const { return 1; }
    int operator()(const Ref&) const { return 2; }
    int operator()(const OpaqueFun&) const { return 3; }
    int operator()(const Port&) const { return 4; }
    int operator()(const Pid&) const { return 5; }
    int operator()(const Term::Tuple&) const { return 6; }
    int operator()(const Term::Map&) const { return 7; }
    int operator()(const Term::List& list) const { return list.items.empty() ? 8 : 9; }
    int operator()(const Binary&) const { return 10; }
    int operator()(const Bitstring&) const { return 10; }
  };
  return std::visit(Rank{}, value);
}

BigInt to_big(const Value& value) {
  if (const auto* small = std::get_if<std::int64_t>(&value)) return bigint::from_int64(*small);
  return std::get<BigInt>(value);
}

Order order_of(double a, double b) {
  return a < b ? Order::less : a > b ? Order::greater : equal;
}

/// An integer against a float by their exact values.
Order compare_mixed(const Value& whole, double real) {
  const BigInt truncated = bigint::from_double(real);
  if (const auto order = bigint::compare(to_big(whole), truncated); order != 0) return order;
  return order_of(std::trunc(real), real);
}

Order compare_bytes(const Bytes& a, const Bytes& b) {
  const int order = a.compare(b);
  return order < 0 ? Order::less : order > 0 ? Order::greater : equal;
}

Order compare_bits(const Value& a, const Value& b) {
  struct Bits {
    const Bytes* bytes;
    unsigned last;
  };
  const auto bits_of = [](const Value& value) {
    if (const auto* whole = std::get_if<Binary>(&value)) return Bits{&whole->bytes, 8};
    const auto& part = std::get<Bitstring>(value);
    return Bits{&part.bytes, part.last_bits};
  };
  const Bits left = bits_of(a);
  const Bits right = bits_of(b);
  // Unused bits are zero, so a shorter bit string that is a prefix compares equal here or is shorter.
  if (left.bytes->size() == right.bytes->size()) {
    const auto order = compare_bytes(*left.bytes, *right.bytes);
    return order != 0 ? order : left.last <=> right.last;
  }
  const bool shorter = left.bytes->size() < right.bytes->size();
  const Bits& small = shorter ? left : right;
  const Bits& large = shorter ? right : left;
  // Only the bits that the shorter one has count; where they are equal it comes first.
  Order order = equal;
  for (std::size_t index = 0; order == 0 && index < small.bytes->size(); ++index) {
    const unsigned mask = index + 1 == small.bytes->size() ? (0xFF00u >> small.last) & 0xFFu : 0xFFu;
    order = static_cast<std::uint8_t>((*small.bytes)[index]) <=>
            static_cast<std::uint8_t>(static_cast<std::uint8_t>((*large.bytes)[index]) & mask);
  }
  if (order == 0) order = Order::less;
  return shorter ? order : 0 <=> order;
}

Order compare_words(const Ref& a, const Ref& b) {
  const std::size_t size = std::max(a.words.size(), b.words.size());
  for (std::size_t index = size; index-- > 0;) {
    const std::uint32_t left = index < a.words.size() ? a.words[index] : 0;
    const std::uint32_t right = index < b.words.size() ? b.words[index] : 0;
    if (left != right) return left <=> right;
  }
  return a.words.size() <=> b.words.size();
}

Order compare_place(const NodeName& node_a, std::uint32_t creation_a, const NodeName& node_b,
                    std::uint32_t creation_b) {
  const auto order = compare_bytes(node_a.text(), node_b.text());
  return order != 0 ? order : creation_a <=> creation_b;
}

Order compare_pids(const Pid& a, const Pid& b) {
  if (a.serial != b.serial) return a.serial <=> b.serial;
  if (a.id != b.id) return a.id <=> b.id;
  return compare_place(a.node, a.creation, b.node, b.creation);
}

Order compare_ports(const Port& a, const Port& b) {
  const auto order = compare_place(a.node, a.creation, b.node, b.creation);
  return order != 0 ? order : a.id <=> b.id;
}

Order compare_refs(const Ref& a, const Ref& b) {
  const auto order = compare_place(a.node, a.creation, b.node, b.creation);
  return order != 0 ? order : compare_words(a, b);
}

class Comparison {
 public:
  explicit Comparison(bool integers_first) : integers_first_(integers_first) {}

  Order run(const Term& a, const Term& b) {
    Order order = shallow(a, b, integers_first_);
    while (order == 0 && !pending_.empty()) {
      Pair& pair = pending_.back();
      const Term* left = pair.left;
      const Term* right = pair.right;
      const bool keys = pair.integers_first;
      ++pair.left;
      ++pair.right;
      if (--pair.count == 0) pending_.pop_back();
      order = shallow(*left, *right, keys);
    }
    return order;
  }

  /// Whether an integer and a float, or two zeros of different sign, were held equal.
  [[nodiscard]] bool blurred() const { return blurred_; }

 private:
  /// `count` terms on each side still to be compared, the next ones at `left` and `right`.
  struct Pair {
    const Term* left;
    const Term* right;
    std::size_t count;
    bool integers_first;
  };

  void later(const std::vector<Term>& a, const std::vector<Term>& b, std::size_t count, bool keys) {
    if (count > 0) pending_.push_back({a.data(), b.data(), count, keys});
  }

  Order shallow(const Term& a, const Term& b, bool keys) {
    const Value& left = a.value();
    const Value& right = b.value();
    const int kind = rank(left);
    if (const int other = rank(right); kind != other) return kind <=> other;
    switch (kind) {
      case 0:
        return numbers(left, right, keys);
      case 1:
        return compare_bytes(std::get<Atom>(left).name, std::get<Atom>(right).name);
      case 2:
        return compare_refs(std::get<Ref>(left), std::get<Ref>(right));
      case 3:
        return compare_bytes(std::get<OpaqueFun>(left).encoded, std::get<OpaqueFun>(right).encoded);
      case 4:
        return compare_ports(std::get<Port>(left), std::get<Port>(right));
      case 5:
        return compare_pids(std::get<Pid>(left), std::get<Pid>(right));
      case 6:
        return tuples(std::get<Term::Tuple>(left).items, std::get<Term::Tuple>(right).items, keys);
      case 7:
        return maps(std::get<Term::Map>(left).entries, std::get<Term::Map>(right).entries, keys);
      case 9:
        return lists(std::get<Term::List>(left), std::get<Term::List>(right), keys);
      case 10:
        return compare_bits(left, right);
      default:
        return equal;
    }
  }

  Order numbers(const Value& a, const Value& b, bool keys) {
    const auto* small_a = std::get_if<std::int64_t>(&a);
    const auto* small_b = std::get_if<std::int64_t>(&b);
    if (small_a && small_b) return *small_a <=> *small_b;
    const auto* real_a = std::get_if<double>(&a);
    const auto* real_b = std::get_if<double>(&b);
    if (!real_a && !real_b) return bigint::compare(to_big(a), to_big(b));
    if (keys && !real_a != !real_b) return real_a ? Order::greater : Order::less;
    Order order = equal;
    if (real_a && real_b) {
      order = order_of(*real_a, *real_b);
      if (order == 0 && keys) return std::signbit(*real_b) <=> std::signbit(*real_a);
      if (order == 0 && std::signbit(*real_a) != std::signbit(*real_b)) blurred_ = true;
      return order;
    }
    order = real_a ? 0 <=> compare_mixed(b, *real_a) : compare_mixed(a, *real_b);
    if (order == 0) blurred_ = true;
    return order;
  }

  Order tuples(const std::vector<Term>& a, const std::vector<Term>& b, bool keys) {
    if (a.size() != b.size()) return a.size() <=> b.size();
    later(a, b, a.size(), keys);
    return equal;
  }

  Order maps(const std::vector<std::pair<Term, Term>>& a, const std::vector<std::pair<Term, Term>>& b,
             bool keys) {
    if (a.size() != b.size()) return a.size() <=> b.size();
    // Last in, first compared: all keys come before the first value.
    for (std::size_t index = a.size(); index-- > 0;)
      pending_.push_back({&a[index].second, &b[index].second, 1, keys});
    for (std::size_t index = a.size(); index-- > 0;)
      pending_.push_back({&a[index].first, &b[index].first, 1, true});
    return equal;
  }

  Order lists(const Term::List& a, const Term::List& b, bool keys) {
    const std::size_t common = std::min(a.items.size(), b.items.size());
    static const Term nil;
    const Term& tail_a = a.tail.empty() ? nil : a.tail.front();
    const Term& tail_b = b.tail.empty() ? nil : b.tail.front();
    if (a.items.size() == b.items.size()) {
      pending_.push_back({&tail_a, &tail_b, 1, keys});
    } else {
      // What is left of the longer one is a list; the other's tail is none, so their kinds decide.
      pending_.push_back(a.items.size() > common ? Pair{&some_list(), &tail_b, 1, keys}
                                                 : Pair{&tail_a, &some_list(), 1, keys});
    }
    later(a.items, b.items, common, keys);
    return equal;
  }

  static const Term& some_list() {
    static const Term list = Term::list({Term(0)});
    return list;
  }

  bool integers_first_;
  bool blurred_ = false;
  std::vector<Pair> pending_;
};

}  // namespace

std::strong_ordering compare_keys(const Term& a, const Term& b) {
  return Comparison(true).run(a, b);
}

std::strong_ordering Term::operator<=>(const Term& other) const {
  Comparison comparison(false);
  const auto order = comparison.run(*this, other);
  return order != 0 || !comparison.blurred() ? order : compare_keys(*this, other);
}

bool Term::operator==(const Term& other) const {
  return compare_keys(*this, other) == 0;
}

}  // namespace brood::inline v0
