// Callers: all who wait for something of a supervisor, with one timer: requests that wait for outcomes, and
// calls that wait for a child to run.
//
// Owns: Clients, Waiters, the timer. Calls: what they hand in, under a catch, for it is others' code; and
// `gone` for requests whose time is over. Thread rule: control thread only.
#pragma once

#include "supervisor/driver/alarm.hpp"
#include "supervisor/driver/clients.hpp"
#include "supervisor/driver/waiters.hpp"

namespace brood::supervisor {

class Callers {
 public:
  Callers(boost::asio::io_context& control, const Registry& registry,
          std::function<void(core::ClientId)> gone)
      : waiters_(registry), alarm_(control, [this] { look_at_the_time(); }), gone_(std::move(gone)) {}

  /// `owner` holds these Callers; see Alarm.
  [[nodiscard]] core::ClientId ask(std::chrono::milliseconds timeout, ClientDone done,
                                   std::weak_ptr<void> owner, std::size_t outcomes = 1);
  void wait(const ChildId& id, core::Hlc not_epoch, std::chrono::milliseconds timeout,
            std::function<void(bool)> then, Waiters::Row row, std::weak_ptr<void> owner,
            const NodeName& on = {});
  void reply(const core::Reply& reply) { clients_.reply(reply); }
  void look_at(const std::vector<ChildId>& changed) { waiters_.look_at(changed); }
  /// All that wait for a child to run look again, as if the time that they gave were over.
  void look_again() { waiters_.give_up_all(); }
  /// Answers one as if its time were over, and tells that it is gone.
  void give_up(core::ClientId id);
  void give_up_all();

 private:
  void look_at_the_time();
  void arm();

  Clients clients_;
  Waiters waiters_;
  Alarm alarm_;
  const std::function<void(core::ClientId)> gone_;
  std::weak_ptr<void> owner_;
};

}  // namespace brood::supervisor
