#include "sim/splits.hpp"

#include "sim/ledger.hpp"
#include "sim/network.hpp"

namespace brood::sim {
using namespace std::chrono_literals;

std::string_view to_string(SplitKind kind) noexcept {
  constexpr std::array<std::string_view, split_count> names{"two", "three", "one_way", "bridge", "flapping"};
  return names[static_cast<std::size_t>(kind)];
}

Splits::Splits(World& world)
    : world_(world),
      random_(world.options.seed ^ 0x5b17ULL),
      count_(world.nodes.size()),
      cut_(count_ * count_) {}

void Splits::begin() {
  if (count_ < 2 || under_way_) return;
  // Before the nodes have met, those of a dynamic quorum know of no others that they could miss.
  if (world_.profile.partition == Partition::dynamic_quorum && world_.now() < 25s) return;
  const auto kind = static_cast<SplitKind>(random_.below(split_count));
  const Duration length =
      random_.chance(300) ? random_.between(Duration(100ms), Duration(8s)) : random_.between(8s, 50s);
  if (count_ < 3 && (kind == SplitKind::three || kind == SplitKind::bridge)) return;
  begin(kind, length);
}

std::vector<Splits::Part> Splits::draw_parts(std::size_t count) {
  Part all(count_);
  for (std::size_t i = 0; i < count_; ++i) all[i] = i;
  for (std::size_t i = count_; i > 1; --i) std::swap(all[i - 1], all[random_.below(i)]);
  std::vector<Part> parts(count);
  for (std::size_t i = 0; i < count_; ++i) {
    const std::size_t part = i < count ? i : random_.below(count);
    parts[part].push_back(all[i]);
  }
  return parts;
}

void Splits::begin(SplitKind kind, Duration length) {
  under_way_ = ever_ = true;
  ++counts_[static_cast<std::size_t>(kind)];
  const std::uint64_t serial = ++serial_;
  auto parts = draw_parts(kind == SplitKind::three || kind == SplitKind::bridge ? 3 : 2);
  if (kind == SplitKind::bridge) {  // the third part is one node, and is cut off from nobody
    while (parts[2].size() > 1) {
      parts[random_.below(2)].push_back(parts[2].back());
      parts[2].pop_back();
    }
    parts.pop_back();
  }
  std::string words;
  for (const Part& part : parts) {
    words += words.empty() ? "" : " |";
    for (const std::size_t node : part) words += fmt::format(" {}", world_.nodes[node].name.text());
  }
  world_.trace.line("THE NETWORK SPLITS ({}):{}", to_string(kind), words);
  cut_between(parts, kind != SplitKind::one_way);
  if (kind == SplitKind::flapping) {
    world_.timeline.after(random_.between(Duration(100ms), Duration(12s)), [=, this] {
      if (serial == serial_ && under_way_) undo();
    });
    flap(parts, 2 + random_.below(4), serial);
    return;
  }
  world_.timeline.after(length, [=, this] {
    if (serial == serial_ && under_way_) heal();
  });
}

void Splits::flap(std::vector<Part> parts, std::size_t times, std::uint64_t serial) {
  world_.timeline.after(random_.between(12s, 16s), [=, this] {
    if (serial != serial_ || !under_way_) return;
    if (times == 0) return heal();
    undo();
    cut_between(parts, true);
    world_.timeline.after(random_.between(Duration(100ms), Duration(11s)), [=, this] {
      if (serial == serial_ && under_way_) undo();
    });
    flap(parts, times - 1, serial);
  });
}

void Splits::cut_between(const std::vector<Part>& parts, bool both) {
  for (std::size_t p = 0; p < parts.size(); ++p)
    for (std::size_t q = 0; q < parts.size(); ++q) {
      if (p == q || (!both && p > q)) continue;
      for (const std::size_t from : parts[p])
        for (const std::size_t to : parts[q]) {
          if (cut_[from * count_ + to]) continue;
          cut_[from * count_ + to] = true;
          ++cuts_;
        }
    }
  ++changes_;
  for (std::size_t from = 0; from < count_; ++from)
    for (std::size_t to = 0; to < count_; ++to)
      if (cut_[from * count_ + to]) world_.network->cut(from, to);
}

void Splits::undo() {
  if (cuts_ == 0) return;
  world_.trace.line("THE NETWORK IS WHOLE AGAIN");
  const auto was = cut_;
  cut_.assign(count_ * count_, false);
  cuts_ = 0;
  ++changes_;
  over_at_ = world_.now();
  for (std::size_t from = 0; from < count_; ++from)
    for (std::size_t to = 0; to < count_; ++to)
      if (was[from * count_ + to]) world_.network->uncut(from, to);
}

void Splits::heal() {
  undo();
  under_way_ = false;
}

}  // namespace brood::sim
