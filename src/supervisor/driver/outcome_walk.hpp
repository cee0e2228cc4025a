// OutcomeWalk: the outcomes of many children, told one by one in the order in which they were asked for. In
// portions on the query thread where they are many: those of a million children take a second, and the
// control thread and those who read have other work to do.
//
// Thread rule: walk() once; `each` and `done` run on the thread that calls it, or on the query thread, one at
// a time.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "supervisor/driver/clients.hpp"
#include "term/id_map.hpp"

namespace brood::supervisor {

class OutcomeWalk : public std::enable_shared_from_this<OutcomeWalk> {
 public:
  /// `each` gets null for an id without an outcome.
  using Each = std::function<void(const ChildId& id, const core::Outcome* outcome)>;
  /// So many are told at once, where they are asked for.
  static constexpr std::size_t at_once = 512;

  /// Each id once.
  explicit OutcomeWalk(std::vector<ChildId> ids);

  void walk(boost::asio::io_context& queries, Outcomes outcomes, Each each, std::function<void()> done);

 private:
  void go_on(boost::asio::io_context& queries);
  [[nodiscard]] bool some();
  void end();

  const std::vector<ChildId> ids_;
  IdMap<std::uint32_t> index_;               ///< Of each in ids_.
  std::vector<const core::Outcome*> found_;  ///< By that index.
  Outcomes outcomes_;
  Each each_;
  std::function<void()> done_;
  std::size_t sorted_ = 0;
  std::size_t told_ = 0;
};

}  // namespace brood::supervisor
