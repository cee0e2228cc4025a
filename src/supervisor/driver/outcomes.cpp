#include "supervisor/driver/outcomes.hpp"

#include <fmt/format.h>

#include <brood/codec.hpp>

namespace brood::supervisor {

using std::chrono::milliseconds;

namespace {
/// How the core begins the words of an outcome for a child that is failed.
constexpr std::string_view is_failed = "it is failed: ";
constexpr milliseconds stop_timeout{10000};
constexpr milliseconds stop_margin{5000};
constexpr milliseconds stop_longest = std::chrono::hours(24);
}  // namespace

Pid pid_of(const core::Outcome& outcome) {
  if (!outcome.host) return {};
  return {outcome.host->node, outcome.pid.id, outcome.pid.serial, outcome.host->creation};
}

Error failed_error(const ChildId& id, std::string_view failure) {
  return {Errc::start_failed, fmt::format("child '{}' has failed and is not tried any more: {}; correct the "
                                          "cause and `retry` it",
                                          id.text(), failure)};
}

Error told(const core::Outcome& outcome) {
  Error error = *outcome.error;
  const std::string_view words = error.message;
  if (error.code == Errc::start_failed && words.starts_with(is_failed))
    return failed_error(outcome.id, words.substr(is_failed.size()));
  if (error.code != Errc::already_started) return error;
  if (outcome.host) error.detail = encode(pid_of(outcome));
  return error;
}

milliseconds time_to_stop(const core::Spec* spec) {
  if (spec == nullptr) return stop_timeout;
  if (spec->shutdown.infinity || spec->shutdown.patience > stop_longest - stop_margin) return stop_longest;
  return std::max(stop_timeout, spec->shutdown.patience + stop_margin);
}

}  // namespace brood::supervisor
