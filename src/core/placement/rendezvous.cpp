#include "core/placement/rendezvous.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "base/hash.hpp"
#include "core/placement/built_in.hpp"

namespace brood::core {
namespace {

constexpr std::size_t table_bits = 8;
constexpr std::size_t table_size = std::size_t{1} << table_bits;

// log2 of a mantissa in [1, 2) with 31 fraction bits, by repeated squaring: whole numbers only, so every
// compiler computes the same.
constexpr std::uint64_t log2_fraction(std::uint64_t mantissa) {
  std::uint64_t result = 0;
  for (int bit = 31; bit >= 0; --bit) {
    mantissa = (mantissa * mantissa) >> 31;
    if (mantissa >= (std::uint64_t{1} << 32)) {
      mantissa >>= 1;
      result |= std::uint64_t{1} << bit;
    }
  }
  return result;
}

constexpr auto make_table() {
  std::array<std::uint64_t, table_size + 1> table{};
  for (std::size_t i = 0; i < table_size; ++i)
    table[i] = log2_fraction((std::uint64_t{1} << 31) + (std::uint64_t{i} << (31 - table_bits)));
  table[table_size] = std::uint64_t{1} << 32;
  return table;
}
constexpr auto log2_table = make_table();

struct Score {
  std::uint64_t hash;
  std::uint64_t log;
  std::uint32_t weight;
};

std::uint64_t hash_of(std::uint64_t key, const RingNode& node) {
  return mix64(key ^ node.hash);
}

// weight / log is the score; compared without division. log is at most 2^38, so a weight below 2^25 fits.
bool better(const Score& a, const Score& b) {
  constexpr std::uint32_t weight_max = (std::uint32_t{1} << 25) - 1;
  const std::uint64_t left = std::min(a.weight, weight_max) * b.log;
  const std::uint64_t right = std::min(b.weight, weight_max) * a.log;
  if (left != right) return left > right;
  return a.hash > b.hash;
}

class RendezvousRing final : public Ring {
 public:
  explicit RendezvousRing(std::vector<RingNode> nodes)
      : nodes_(std::move(nodes)),
        equal_weights_(std::all_of(nodes_.begin(), nodes_.end(), [this](const RingNode& node) {
          return node.weight == nodes_.front().weight;
        })) {}

  [[nodiscard]] std::size_t first(const RingKey& key) const override;
  [[nodiscard]] std::vector<std::size_t> order(const RingKey& key) const override;

 private:
  [[nodiscard]] std::size_t first_of_equals(std::uint64_t key) const;
  [[nodiscard]] std::vector<std::size_t> order_of_equals(std::uint64_t key) const;
  [[nodiscard]] Score score(std::uint64_t key, std::size_t index) const {
    const std::uint64_t hash = hash_of(key, nodes_[index]);
    return {hash, negative_log2(hash), nodes_[index].weight};
  }

  std::vector<RingNode> nodes_;
  bool equal_weights_;
};

std::size_t RendezvousRing::first_of_equals(std::uint64_t key) const {
  std::size_t best = 0;
  std::uint64_t greatest = hash_of(key, nodes_[0]);
  for (std::size_t i = 1; i < nodes_.size(); ++i) {
    const std::uint64_t hash = hash_of(key, nodes_[i]);
    if (hash > greatest) {
      greatest = hash;
      best = i;
    }
  }
  return best;
}

std::size_t RendezvousRing::first(const RingKey& key) const {
  if (equal_weights_) return first_of_equals(key.hash);
  std::size_t best = 0;
  Score top = score(key.hash, 0);
  for (std::size_t i = 1; i < nodes_.size(); ++i) {
    const Score next = score(key.hash, i);
    if (better(next, top)) {
      top = next;
      best = i;
    }
  }
  return best;
}

// Of equal weights the greater hash is the better score, as in first_of_equals().
std::vector<std::size_t> RendezvousRing::order_of_equals(std::uint64_t key) const {
  std::vector<std::pair<std::uint64_t, std::size_t>> hashes;
  hashes.reserve(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) hashes.emplace_back(hash_of(key, nodes_[i]), i);
  std::sort(hashes.begin(), hashes.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  std::vector<std::size_t> result;
  result.reserve(hashes.size());
  for (const auto& entry : hashes) result.push_back(entry.second);
  return result;
}

std::vector<std::size_t> RendezvousRing::order(const RingKey& key) const {
  if (equal_weights_) return order_of_equals(key.hash);
  std::vector<std::pair<Score, std::size_t>> scored;
  scored.reserve(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) scored.emplace_back(score(key.hash, i), i);
  std::sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) {
    if (better(a.first, b.first)) return true;
    return !better(b.first, a.first) && a.second < b.second;
  });
  std::vector<std::size_t> result;
  result.reserve(scored.size());
  for (const auto& entry : scored) result.push_back(entry.second);
  return result;
}

}  // namespace

std::uint64_t negative_log2(std::uint64_t hash) noexcept {
  if (hash == 0) return std::uint64_t{64} << 32;
  const auto zeros = static_cast<unsigned>(std::countl_zero(hash));
  const std::uint64_t mantissa = hash << zeros;  // top bit set
  const std::size_t index = (mantissa >> (63 - table_bits)) & (table_size - 1);
  const std::uint64_t rest = (mantissa >> (63 - table_bits - 24)) & 0xffffff;
  const std::uint64_t low = log2_table[index];
  const std::uint64_t fraction = low + (((log2_table[index + 1] - low) * rest) >> 24);
  const std::uint64_t log = (std::uint64_t{63 - zeros} << 32) + fraction;
  const std::uint64_t negative = (std::uint64_t{64} << 32) - log;
  return negative == 0 ? 1 : negative;
}

std::uint64_t node_hash(const NodeName& node) noexcept {
  return stable_hash64(node.text());
}

std::shared_ptr<const Ring> rendezvous_ring(std::vector<RingNode> nodes) {
  return std::make_shared<RendezvousRing>(std::move(nodes));
}

std::shared_ptr<const Distribution> make_weighted_rendezvous(SettingsReader& /*settings*/) {
  return std::make_shared<WeightedRendezvous>();
}

}  // namespace brood::core
