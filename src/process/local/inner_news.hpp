// InnerNews: what became of the processes of a local supervisor, on its way to it.
//
// Thread rule: put(), stuck() and close() from any thread; the rest belongs to the supervisor's process.
#pragma once

#include <brood/exit_reason.hpp>
#include <brood/future.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <variant>

namespace brood::process {

/// What happened to one start of an inner child; starts are numbered.
struct InnerEvent {
  enum class Kind : std::uint8_t {
    started,  ///< Or not: then it is no more.
    ended,
    overdue,  ///< It was told to end, and had no more time.
  };
  Kind kind = Kind::ended;
  std::uint64_t run = 0;
  Result<void> result = {};
  ExitReason reason = {};
};

class InnerNews {
 public:
  using Pick = std::function<bool(const InnerEvent&)>;

  /// `wake` is called, on any thread, when something has come that nobody waits for. `on_stuck` of the
  /// supervisor's process; may be empty.
  InnerNews(std::function<void()> wake, std::function<void(bool)> on_stuck)
      : wake_(std::move(wake)), on_stuck_(std::move(on_stuck)) {}

  void put(InnerEvent event);
  /// A handler of one of them runs for too long, or has returned after all.
  void stuck(bool is_stuck);
  /// The supervisor is no more.
  void close();

  /// The first that fits, taken out.
  [[nodiscard]] std::optional<InnerEvent> take(const Pick& fits);
  /// The same; else a future that is ready once another has come, of which `wake` then is not told.
  [[nodiscard]] std::variant<InnerEvent, Future<void>> take_or_wait(const Pick& fits);
  [[nodiscard]] bool has_some();

 private:
  [[nodiscard]] std::optional<InnerEvent> find(const Pick& fits);

  std::mutex mutex_;
  std::function<void()> wake_;
  std::function<void(bool)> on_stuck_;
  std::deque<InnerEvent> events_;
  std::shared_ptr<detail::FutureValue<void>> awaited_;
  unsigned stuck_ = 0;
  bool closed_ = false;
};

}  // namespace brood::process
