// Clients: the requests of one supervisor whose callers wait for outcomes.
//
// Owns: what has come for each of them so far, and until when it waits. Calls: each `done` once. The time is
// an argument; the owner has one timer for all, set to next_deadline().
//
// Thread rule: control thread only, on which each `done` runs too.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "core/core.hpp"
#include "supervisor/driver/deadlines.hpp"

namespace brood::supervisor {

using Outcomes = std::vector<core::Outcome>;
/// Runs once: with an outcome for each id that was asked for, or fewer and a time-out.
using ClientDone = std::function<void(Outcomes outcomes, bool timed_out)>;

class Clients {
 public:
  /// `outcomes`: as many as are expected have their place from the beginning: to move what has come to a
  /// larger one takes as long as all else that a step does, and more.
  [[nodiscard]] core::ClientId add(ClientDone done, SteadyTime deadline, std::size_t outcomes = 1);
  /// Unknown clients (their time was over) are ignored.
  void reply(const core::Reply& reply);
  /// Ends those whose time is over, with what came for them; the core has to be told that they are gone.
  [[nodiscard]] std::vector<core::ClientId> expire(SteadyTime now);
  /// Ends one before its time, as if it were over. False: it is not there.
  bool give_up(core::ClientId id);
  /// Ends all of them, as if their time were over.
  void give_up_all();

  [[nodiscard]] std::optional<SteadyTime> next_deadline() const { return deadlines_.next(); }
  [[nodiscard]] std::size_t size() const { return clients_.size(); }

 private:
  struct Client {
    ClientDone done;
    Outcomes outcomes;
  };
  bool finish(core::ClientId id, bool timed_out);

  std::map<core::ClientId, Client> clients_;
  Deadlines<std::uint64_t> deadlines_;
  std::uint64_t last_ = 0;
};

}  // namespace brood::supervisor
