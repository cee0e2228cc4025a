// The trace of a simulation: a hash over everything that happened, always, and lines for people, only when
// somebody wants to read them. Two runs of one seed must have the same hash.
//
// Thread rule: one thread.
#pragma once

#include <fmt/format.h>

#include "base/hash.hpp"
#include "core/core.hpp"
#include "sim/options.hpp"
#include "sim/timeline.hpp"

namespace brood::sim {

class Trace {
 public:
  Trace(const SimOptions& options, const Timeline& timeline) : options_(options), timeline_(timeline) {}

  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] bool wanted() const { return static_cast<bool>(options_.trace); }

  void mix(std::uint64_t value) { hash_ = combine64(hash_, value); }
  void mix(std::string_view bytes) { hash_ = combine64(hash_, fnv1a64(bytes)); }
  void mix(const core::Epoch& epoch) {
    mix(epoch.clock.value);
    mix(epoch.node.text());
  }
  /// All effects of one step but the messages, which are mixed where they are encoded.
  void mix(const core::Effects& effects);

  /// A line about no child in particular.
  template <typename... Ts>
  void line(fmt::format_string<Ts...> format, Ts&&... values) {
    if (wanted()) write(fmt::format(format, std::forward<Ts>(values)...));
  }
  /// A line about one child; left out when another is asked for.
  template <typename... Ts>
  void line_of(const ChildId& id, fmt::format_string<Ts...> format, Ts&&... values) {
    if (wanted() && speaks_of(id)) write(fmt::format(format, std::forward<Ts>(values)...));
  }
  void event(std::string_view node, const core::Event& event);
  void effects(std::string_view node, const core::Effects& effects);

 private:
  [[nodiscard]] bool speaks_of(const ChildId& id) const {
    return options_.trace_id.empty() || id.bytes() == options_.trace_id;
  }
  void write(const std::string& text);

  const SimOptions& options_;
  const Timeline& timeline_;
  std::uint64_t hash_ = 0;
};

}  // namespace brood::sim
