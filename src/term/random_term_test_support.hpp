// Random terms for tests.
#pragma once

#include <algorithm>
#include <brood/term.hpp>
#include <cmath>
#include <random>

#include "term/utf8.hpp"

namespace brood::test {

/// Whether a map of more than 32 entries is inside: Erlang writes those in the order of its hashes, all else
/// in one way.
inline bool has_large_map(const Term& term) {
  if (const auto* map = term.as_map()) {
    if (map->size() > 32) return true;
    return std::any_of(map->begin(), map->end(), [](const auto& entry) {
      return has_large_map(entry.first) || has_large_map(entry.second);
    });
  }
  const auto any = [](const std::vector<Term>& items) {
    return std::any_of(items.begin(), items.end(), has_large_map);
  };
  if (const auto* items = term.as_tuple()) return any(*items);
  if (const auto* list = std::get_if<Term::List>(&term.value())) return any(list->items) || any(list->tail);
  return false;
}

class RandomTerms {
 public:
  explicit RandomTerms(std::uint64_t seed) : random_(seed) {}

  /// Whether pids, ports, references and funs may appear.
  bool identities = true;
  /// Whether only text that Erlang's own parser reads the same way may appear.
  bool ascii = false;

  Term next(int depth = 4) {
    const auto kind = below(depth > 0 ? 16 : 12);
    switch (kind) {
      case 0:
        return Term(static_cast<std::int64_t>(random_()) >> below(64));
      case 1:
        return Term(static_cast<std::int64_t>(below(300)));
      case 2:
        return big();
      case 3:
        return real();
      case 4:
      case 5:
        return Term(Atom(text(below(12) == 0 ? 120 : 8)));
      case 6:
        return Term::binary(below(2) == 0 ? text(20) : octets(20));
      case 7:
        return Term(Bitstring{octets(10), static_cast<std::uint8_t>(below(8))});
      case 8:
        return identities ? identity() : Term();
      case 9:
        return Term::string(octets(below(40) == 0 ? 70000 : 12));
      case 10:
        return Term();
      case 11:
        return Term::atom(below(2) == 0 ? "true" : "ok");
      case 12:
        return Term::tuple(items(depth, below(60) == 0 ? 300 : 5));
      case 13:
        return Term::list(items(depth, 5));
      case 14:
        return Term::improper_list(items(depth, 4), next(depth - 1));
      default:
        return map(depth);
    }
  }

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

  std::string octets(std::size_t most) {
    std::string out(below(most + 1), '\0');
    for (char& octet : out) octet = static_cast<char>(random_());
    return out;
  }

  std::string text(std::size_t most) {
    std::string out;
    for (std::size_t left = below(most + 1); left > 0; --left) {
      const auto kind = below(ascii ? 9 : 12);
      utf8::append(out, static_cast<char32_t>(kind < 7    ? 'a' + below(26)
                                              : kind == 7 ? 32 + below(95)
                                              : kind == 8 ? 1 + below(127)
                                              : kind == 9 ? 0xA0 + below(0x100)
                                                          : 0x100 + below(0xC000)));
    }
    return out;
  }

 private:
  std::vector<Term> items(int depth, std::size_t most) {
    std::vector<Term> out(below(most + 1));
    for (Term& item : out) item = next(out.size() > 10 ? 0 : depth - 1);
    return out;
  }

  Term map(int depth) {
    std::vector<std::pair<Term, Term>> entries(below(below(20) == 0 ? 60 : 5));
    for (auto& [key, value] : entries) {
      key = next(entries.size() > 10 ? 0 : depth - 1);
      value = next(0);
    }
    return Term::map(std::move(entries));
  }

  Term big() { return BigInt{below(2) == 0, octets(below(30) == 0 ? 600 : 20)}; }

  Term real() {
    switch (below(4)) {
      case 0:
        return static_cast<double>(static_cast<std::int64_t>(below(2000)) - 1000);
      case 1:
        return (static_cast<double>(random_()) - 1e19) / 1e15;
      case 2:
        return std::ldexp(static_cast<double>(random_()), static_cast<int>(below(1900)) - 1000);
      default:
        return static_cast<double>(below(100)) / 8;
    }
  }

  Term identity() {
    const NodeName node(below(2) == 0 ? "n1@127.0.0.1" : "other@host");
    const auto creation = static_cast<std::uint32_t>(random_());
    switch (below(4)) {
      case 0:
        // The widths that OTP 25 keeps.
        return Pid{node, static_cast<std::uint32_t>(below(1 << 15)),
                   static_cast<std::uint32_t>(below(1 << 13)), creation};
      case 1:
        return Port{node, below(2) == 0 ? below(1 << 28) : random_() >> 1, creation};
      case 2: {
        Ref ref{node, creation, {static_cast<std::uint32_t>(below(1 << 18))}};
        for (auto more = below(3); more > 0; --more)
          ref.words.push_back(static_cast<std::uint32_t>(random_()));
        return ref;
      }
      default:
        return OpaqueFun{std::string("\x71\x77\x05lists\x77\x03map\x61\x02", 15)};
    }
  }

  std::mt19937_64 random_;
};

}  // namespace brood::test
