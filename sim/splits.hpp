// Splits: the network between some nodes is cut, in both directions or in one, for a while. What is sent over
// a cut waits; it arrives when the cut is undone, unless an end has given the connection up by then.
//
//   two, three   clean parts, of which none reaches another
//   one_way      what one part sends does not reach the other; what the other sends does
//   bridge       two parts, and a node that reaches both
//   flapping     two parts that reach each other again and again for a moment
//
// One split at a time. While there is one, and for some time after, the nodes rightly have different views:
// that time is called cloudy, and what is promised of it is less (see Promise and Ledger).
//
// Thread rule: one thread.
#pragma once

#include <array>

#include "sim/world.hpp"

namespace brood::sim {

enum class SplitKind : std::uint8_t { two, three, one_way, bridge, flapping };
inline constexpr std::size_t split_count = 5;
[[nodiscard]] std::string_view to_string(SplitKind kind) noexcept;

class Splits {
 public:
  explicit Splits(World& world);

  /// Of a kind and for a time by chance; nothing where one is under way.
  void begin();
  void begin(SplitKind kind, Duration length);
  /// Undoes it, and there is none any more.
  void heal();

  /// What `from` sends reaches `to`.
  [[nodiscard]] bool passes(std::size_t from, std::size_t to) const { return !cut_[from * count_ + to]; }
  [[nodiscard]] bool reach(std::size_t a, std::size_t b) const { return passes(a, b) && passes(b, a); }
  [[nodiscard]] bool is_cut() const { return cuts_ != 0; }
  /// There is a split, or was until some time ago.
  [[nodiscard]] bool cloudy() const { return is_cut() || (ever_ && world_.now() < over_at_ + clears_within); }
  /// Rises with each cut and each cut undone.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  [[nodiscard]] const std::array<std::uint64_t, split_count>& counts() const { return counts_; }

  /// How long after a split the cluster may take to be as if nothing had been: a connection that is not
  /// noticed to have ended, an attempt to connect that waits, a table, a fence, a rejoin.
  static constexpr Duration clears_within = std::chrono::seconds(60);

 private:
  using Part = std::vector<std::size_t>;
  void cut_between(const std::vector<Part>& parts, bool both);
  void undo();
  void flap(std::vector<Part> parts, std::size_t times, std::uint64_t serial);
  [[nodiscard]] std::vector<Part> draw_parts(std::size_t count);

  World& world_;
  Random random_;
  std::size_t count_;
  std::vector<bool> cut_;
  std::size_t cuts_ = 0;
  bool under_way_ = false;
  bool ever_ = false;
  std::uint64_t serial_ = 0;
  std::uint64_t changes_ = 0;
  Duration over_at_{};
  std::array<std::uint64_t, split_count> counts_{};
};

}  // namespace brood::sim
