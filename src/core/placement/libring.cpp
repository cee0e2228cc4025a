#include "core/placement/libring.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <brood/term.hpp>

#include "core/placement/built_in.hpp"
#include "term/phash2.hpp"
#include "term/utf8.hpp"

namespace brood::core {
namespace {

constexpr std::uint32_t places = 0xffff'ffff;
constexpr std::uint32_t default_weight = 100;
/// Of one node; more would be memory without a difference in the shares.
constexpr std::uint64_t points_max = 65'536;

// What term_to_binary makes of an atom: before OTP 26 in Latin-1, where that has all of its letters.
Bytes encoded_atom(std::string_view utf8, std::uint32_t otp) {
  std::string latin1;
  bool fits = otp < 26;
  for (std::size_t at = 0; fits && at < utf8.size();) {
    const auto letter = utf8::next(utf8, at);
    fits = letter && *letter <= 0xff;
    if (fits) latin1.push_back(static_cast<char>(*letter));
  }
  const std::string_view name = fits ? std::string_view(latin1) : utf8;
  Bytes bytes(1, '\x83');
  if (fits || name.size() > 0xff) {
    bytes.push_back(fits ? 'd' : 'v');
    bytes.push_back(static_cast<char>(name.size() >> 8));
  } else {
    bytes.push_back('w');
  }
  bytes.push_back(static_cast<char>(name.size()));
  return bytes.append(name);
}

class LibringRing final : public Ring {
 public:
  LibringRing(const std::vector<RingNode>& nodes, const LibringSettings& settings)
      : otp_(settings.otp), nodes_(nodes.size()) {
    for (std::size_t index = 0; index < nodes.size(); ++index) add(nodes[index], index, settings.points);
    // Two points at one place: the one of the node that comes first in the order of names is there.
    std::sort(points_.begin(), points_.end());
    points_.erase(std::unique(points_.begin(), points_.end(),
                              [](const Point& a, const Point& b) { return a.place == b.place; }),
                  points_.end());
  }

  [[nodiscard]] std::size_t first(const RingKey& key) const override { return points_[find(key)].node; }

  [[nodiscard]] std::vector<std::size_t> order(const RingKey& key) const override {
    std::vector<std::size_t> result;
    std::vector<bool> seen(nodes_);
    std::size_t at = find(key);
    for (std::size_t left = points_.size(); left > 0 && result.size() < nodes_; --left) {
      const std::size_t node = points_[at].node;
      if (!seen[node]) {
        seen[node] = true;
        result.push_back(node);
      }
      if (++at == points_.size()) at = 0;
    }
    // A node all of whose points are taken by others; only with very few points.
    for (std::size_t node = 0; node < nodes_; ++node)
      if (!seen[node]) result.push_back(node);
    return result;
  }

 private:
  struct Point {
    std::uint32_t place = 0;
    std::uint32_t node = 0;
    friend auto operator<=>(const Point&, const Point&) = default;
  };

  void add(const RingNode& node, std::size_t index, std::uint32_t points) {
    const std::uint64_t wanted = (std::uint64_t{node.weight} * points + default_weight / 2) / default_weight;
    const std::uint64_t count = std::clamp<std::uint64_t>(wanted, 1, points_max);
    for (std::uint64_t i = 1; i <= count; ++i) {
      const std::uint32_t hash =
          Phash2().tuple(2).atom(node.name.text()).integer(static_cast<std::int64_t>(i)).value();
      points_.push_back({hash % places, static_cast<std::uint32_t>(index)});
    }
  }

  // libring hashes an atom as the binary that it is encoded in, and everything else as it is.
  [[nodiscard]] std::uint32_t hash_of(const RingKey& key) const {
    if (key.id_kind == IdKind::atom) return Phash2().binary(encoded_atom(key.id, otp_)).value();
    if (key.id_kind == IdKind::term) {
      if (const auto term = decode_term(key.id)) return phash2(*term).value_or(0);
    }
    return Phash2().binary(key.id).value();
  }

  [[nodiscard]] std::size_t find(const RingKey& key) const {
    const std::uint32_t hash = hash_of(key);
    const auto at = std::lower_bound(points_.begin(), points_.end(), Point{hash % places, 0});
    return at == points_.end() ? 0 : static_cast<std::size_t>(at - points_.begin());
  }

  std::uint32_t otp_;
  std::size_t nodes_;
  std::vector<Point> points_;
};

}  // namespace

std::string Libring::name() const {
  return fmt::format("libring/1 points={} otp={}", settings_.points, settings_.otp);
}

std::shared_ptr<const Ring> Libring::prepare(std::vector<RingNode> nodes) const {
  return std::make_shared<LibringRing>(nodes, settings_);
}

std::shared_ptr<const Distribution> make_libring(SettingsReader& settings) {
  const LibringSettings defaults;
  return std::make_shared<Libring>(
      LibringSettings{static_cast<std::uint32_t>(settings.integer("points", defaults.points, 1, 4096)),
                      static_cast<std::uint32_t>(settings.integer("otp", defaults.otp, 17, 99))});
}

}  // namespace brood::core
