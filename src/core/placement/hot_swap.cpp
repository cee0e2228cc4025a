// Hot swap: a worker moves with its state, its unread mail, its timers and the calls that it owes an answer.
#include <fmt/format.h>

#include "core/placement/built_in.hpp"

namespace brood::core {
namespace {

using std::chrono::milliseconds;

class HotSwap final : public Migration {
 public:
  explicit HotSwap(HandoverTimes times) : times_(times) {}
  // How long one waits is each node's own affair.
  [[nodiscard]] std::string name() const override { return "hot_swap/1"; }
  [[nodiscard]] std::optional<HandoverTimes> hands_over() const override { return times_; }
  [[nodiscard]] bool stops_before_start() const override { return true; }

 private:
  HandoverTimes times_;
};

}  // namespace

std::shared_ptr<const Migration> make_hot_swap(SettingsReader& settings) {
  constexpr milliseconds most = std::chrono::hours(1);
  HandoverTimes times;
  times.data_wait = settings.milliseconds("handover_data_wait_ms", times.data_wait, milliseconds(1), most);
  times.timeout = settings.milliseconds("child_migration_timeout_ms", times.timeout, milliseconds(1), most);
  times.retention = settings.milliseconds("retention_ms", times.retention, milliseconds(0), most);
  if (times.timeout < times.data_wait)
    settings.problem("child_migration_timeout_ms", "must not be shorter than handover_data_wait_ms");
  return std::make_shared<HotSwap>(times);
}

}  // namespace brood::core
