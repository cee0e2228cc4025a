// Options of starts and stops, and what comes of many at once.
#pragma once

#include <brood/id.hpp>
#include <brood/result.hpp>
#include <brood/term.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

/// What becomes of a request to start children when one of them could not be started.
enum class OnFailure : std::uint8_t {
  /// The others run, and what was not started in time may still start.
  proceed,
  /// Nothing of it is left: what was started is stopped again, and what may still start is taken back. What
  /// was there before stays. The result comes after that, and still names as started what was. Where a spec
  /// is none, nothing is started at all, and its error is that of the request.
  rollback,
};

/// How children are to be started. For one child and for many.
struct StartOptions {
  /// Start there; it may move from there later. not_member where that node is unknown, down or no member.
  std::optional<NodeName> on = std::nullopt;
  /// How long it is tried; none: 10 s for one child, 60 s for many. A time-out undoes nothing: what was asked
  /// for may still happen (but see `on_failure`).
  std::optional<std::chrono::milliseconds> timeout = std::nullopt;
  /// When the future is ready at the latest, with `timeout` for what was not answered until then; it goes on
  /// being tried. None: not before `timeout`.
  std::optional<std::chrono::milliseconds> await_timeout = std::nullopt;
  /// Nothing is started when this node knows one of the ids already: already_started, which names them. Else
  /// each id is answered for itself. Of starts at the same time on several nodes one counts in either case.
  bool check_existing = false;
  OnFailure on_failure = OnFailure::proceed;
  /// Put into the metadata of each; what a spec says itself comes first.
  Term metadata = Term::map({});
  /// No line in this node's log about these children until they have been started, or could not be.
  bool disable_logging = false;
  /// With the distribution `guided`: the nodes of each child, ahead of what its spec says. Where it is given
  /// it says something of each, or their specs do: invalid_argument (child_mapping_mismatch).
  std::map<Id, std::vector<NodeName>> child_mapping = {};
};

struct StopOptions {
  /// None: as long as the specs let the children take, and some seconds for the news.
  std::optional<std::chrono::milliseconds> timeout = std::nullopt;
};

struct Started {
  Pid pid;
  Id id;
};

/// What of a request did not work.
struct ChildError {
  Id id;
  std::optional<NodeName> node;  ///< Where, as far as somebody said.
  Error error;
};

/// One that was stopped, and where it ran.
struct Stopped {
  Id id;
  std::vector<NodeName> nodes;
};

/// What came of start_children(), in the order of the specs where no other is said.
struct StartResult {
  std::vector<Started> started = {};
  std::vector<ChildError> errors = {};
  bool rollback = false;  ///< What was started was stopped again: OnFailure::rollback.

  [[nodiscard]] bool ok() const { return errors.empty(); }  ///< All were started. The `status`.
  [[nodiscard]] const Started* find(const Id& id) const;    ///< Null: it was not started.
  [[nodiscard]] const ChildError* error_of(const Id& id) const;
  [[nodiscard]] const Started* first() const { return started.empty() ? nullptr : &started.front(); }
  [[nodiscard]] std::optional<Pid> pid() const;  ///< Of the first.
  [[nodiscard]] std::vector<Pid> pids() const;
  [[nodiscard]] std::optional<NodeName> node() const;  ///< Of the first.
  [[nodiscard]] std::vector<NodeName> nodes() const;   ///< Each once, sorted.
  [[nodiscard]] std::vector<Id> cids() const;          ///< Of those that were started.
  /// For people: one line, and one for each error, of which at most `errors_max` are shown.
  [[nodiscard]] std::string format(std::size_t errors_max = 10) const;
};

/// What came of stop_children(), in the order of the ids.
struct StopResult {
  std::vector<Stopped> stopped = {};
  std::vector<ChildError> errors = {};

  [[nodiscard]] bool ok() const { return errors.empty(); }  ///< All were stopped. The `status`.
  [[nodiscard]] const ChildError* error_of(const Id& id) const;
  [[nodiscard]] const Stopped* first() const { return stopped.empty() ? nullptr : &stopped.front(); }
  [[nodiscard]] std::vector<NodeName> nodes() const;  ///< On which they ran, each once, sorted.
  [[nodiscard]] std::vector<Id> cids() const;         ///< Of those that were stopped.
  [[nodiscard]] std::string format(std::size_t errors_max = 10) const;
};

}  // namespace brood::inline v0

#pragma GCC visibility pop
