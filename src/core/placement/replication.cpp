// Replication: a child has as many instances as the factor says, or one on each node, on distinct nodes.
#include <fmt/format.h>

#include <algorithm>

#include "core/placement/built_in.hpp"

namespace brood::core {
namespace {

/// The factor of a child that runs on each node.
constexpr std::size_t on_each_node = 0;

class Replicated final : public Redundancy {
 public:
  Replicated(std::size_t factor, bool one_is_active, std::string signal, std::optional<Following> follows)
      : factor_(factor),
        one_is_active_(one_is_active),
        signal_(std::move(signal)),
        follows_(std::move(follows)) {}

  [[nodiscard]] std::string name() const override {
    return fmt::format("replication/1 factor={} mode={} signal={}{}",
                       factor_ == on_each_node ? "cluster_size" : fmt::format("{}", factor_),
                       one_is_active_ ? "active_passive" : "active_active", signal_, follows_in_words());
  }
  [[nodiscard]] std::size_t instances(std::size_t eligible) const override {
    return factor_ == on_each_node ? eligible : std::min(factor_, eligible);
  }
  [[nodiscard]] bool one_is_active() const override { return one_is_active_; }
  [[nodiscard]] bool tells(bool is_active) const override {
    return signal_ == "all" || signal_ == (is_active ? "active" : "passive");
  }
  [[nodiscard]] std::optional<Following> follows() const override { return follows_; }

 private:
  [[nodiscard]] std::string follows_in_words() const {
    if (!follows_) return "";
    if (follows_->every) return fmt::format(" follow=every_ms {}", follows_->every->count());
    return fmt::format(" follow=each_call wait_ms={} strict={}", follows_->wait.count(), follows_->strict);
  }

  std::size_t factor_;
  bool one_is_active_;
  std::string signal_;
  std::optional<Following> follows_;
};

std::size_t read_factor(SettingsReader& settings) {
  constexpr std::int64_t factor_max = 1000;
  const Setting* given = settings.any("factor");
  if (given == nullptr) return 2;
  if (const auto* text = std::get_if<std::string>(given); text != nullptr && *text == "cluster_size")
    return on_each_node;
  const auto* number = std::get_if<std::int64_t>(given);
  if (number != nullptr && *number >= 1 && *number <= factor_max) return static_cast<std::size_t>(*number);
  settings.problem("factor", fmt::format("must be 1 to {} or \"cluster_size\"", factor_max));
  return 2;
}

/// What passive instances follow, and how closely.
std::optional<Following> read_following(SettingsReader& settings, bool has_roles, std::size_t factor) {
  using std::chrono::milliseconds;
  constexpr milliseconds longest = std::chrono::hours(1);
  const bool each_call = settings.one_of("follow", "none", {"none", "each_call"}) == "each_call";
  const bool every = settings.has("follow_every_ms");
  Following following;
  const milliseconds period =
      settings.milliseconds("follow_every_ms", milliseconds(1000), milliseconds(10), longest);
  following.wait = settings.milliseconds("follow_wait_ms", following.wait, milliseconds(10), longest);
  following.strict = settings.boolean("follow_strict", following.strict);
  if (every) following.every = period;
  if (!each_call) {
    for (const std::string_view key : {"follow_wait_ms", "follow_strict"})
      if (settings.has(key)) settings.problem(key, "is of use with follow = \"each_call\" only");
    if (!every) return std::nullopt;
  }
  const std::string_view key = each_call ? "follow" : "follow_every_ms";
  if (each_call && every)
    settings.problem("follow_every_ms", "cannot be together with follow = \"each_call\"; choose one");
  if (!has_roles)
    settings.problem(key, "needs mode = \"active_passive\": where all instances are active, none follows");
  if (factor == 1) settings.problem(key, "needs a factor of at least 2: one instance has none that follows");
  return following;
}

}  // namespace

std::shared_ptr<const Redundancy> make_replication(SettingsReader& settings) {
  const std::size_t factor = read_factor(settings);
  const std::string mode = settings.one_of("mode", "active_active", {"active_active", "active_passive"});
  std::string signal = settings.one_of("signal", "all", {"all", "none", "active", "passive"});
  const bool has_roles = mode == "active_passive";
  return std::make_shared<Replicated>(factor, has_roles, std::move(signal),
                                      read_following(settings, has_roles, factor));
}

}  // namespace brood::core
