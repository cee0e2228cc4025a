// Alters: starts that wait for the handlers that may change what they start with (Hook::alter).
//
//   ask() --> the lane: handlers --> go on with what they made of it
//        \--> the time is over    --> go on with what the spec says
//        \--> take_back(): it is not to be started after all
//
// Owns: the starts that wait. Calls: the table, and whoever asked, once for each start that is not taken
// back. Thread rule: control thread only.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>

#include "core/base/types.hpp"
#include "supervisor/hooks/hook_table.hpp"

namespace brood::supervisor {

class Alters {
 public:
  /// `run`: the spec that is started: the very same, or a changed copy.
  using GoOn = std::function<void(const core::SpecPtr& run)>;

  /// `alive`: what keeps this object; asked on the control thread while it is there.
  Alters(boost::asio::io_context& control, std::shared_ptr<HookTable> table,
         std::function<std::shared_ptr<void>()> alive);
  [[nodiscard]] bool wanted() const { return table_->alters(); }
  void ask(const core::NamedSpec& child, const core::Epoch& epoch, bool restart, GoOn go_on);
  /// True: it waited, and does no more.
  bool take_back(const ChildId& id, const core::Epoch& epoch);
  void clear() { waiting_.clear(); }

 private:
  struct Waiting {
    core::Epoch epoch;
    GoOn go_on;
    std::unique_ptr<boost::asio::steady_timer> timer;
  };
  void done(const ChildId& id, const core::Epoch& epoch, const core::SpecPtr& run);

  boost::asio::io_context& control_;
  const std::shared_ptr<HookTable> table_;
  const std::function<std::shared_ptr<void>()> alive_;
  std::map<ChildId, Waiting> waiting_;
};

/// What handlers see of a spec, and the spec that they have made of it: the very same where they left it.
[[nodiscard]] hooks::StartData start_data(const std::string& supervisor, const core::NamedSpec& child,
                                          bool restart);
[[nodiscard]] core::SpecPtr altered(const core::SpecPtr& spec, const hooks::StartData& data);

}  // namespace brood::supervisor
