// Drain: leaving in good order. Every child moves away by the ordinary rule, then this node says goodbye.
//
//   up -> draining -> left        draining -> up where a child could run nowhere else (unless for good), or
//                                 somebody takes the drain back
//
// Owns: who waits for the drain, and that this node has left. Reads: sessions, views, what is open. Tells:
// nothing; Machine ends what is open when it leaves. Thread rule: none; owned by one core.
#pragma once

#include "core/children/reconciler.hpp"

namespace brood::core {

class Drain {
 public:
  Drain(ChildTable& children, Locals& locals, Moves& moves, Sessions& sessions, Views& views)
      : children_(children), locals_(locals), moves_(moves), sessions_(sessions), views_(views) {}

  [[nodiscard]] bool has_left() const { return left_; }
  [[nodiscard]] bool wanted() const { return !clients_.empty(); }
  /// It was begun, and has not been refused.
  [[nodiscard]] bool active() const { return active_; }

  void ask(Step& s, const ClientDrain& event, bool rejoins);
  void forget(ClientId client) { std::erase(clients_, client); }
  void begin(Step& s);
  /// The view in which this node drains may be acted on. True: a child could run nowhere, and the drain is
  /// off.
  bool refuse_if_impossible(Step& s);
  void refuse(Step& s, const std::string& why);

  /// What else of this node is not done.
  struct Open {
    bool origins = false;   ///< Requests of its own clients.
    bool children = false;  ///< Children that are to be looked at.
    bool requests = false;  ///< Of others, that it coordinates.
  };
  [[nodiscard]] bool draining() const { return !left_ && sessions_.self().state == MemberState::draining; }
  /// Leaves once nothing is left here.
  void work(Step& s, const Open& open);
  [[nodiscard]] Duration deadline() const { return draining() ? look_at_ : Duration::max(); }

 private:
  void take_back(Step& s, ClientId client);
  void end(Step& s, const Error& why);
  void leave(Step& s);
  [[nodiscard]] bool only_homeless_left() const;
  [[nodiscard]] bool someone_is_up() const;
  [[nodiscard]] bool is_homeless(const Child& child) const;

  ChildTable& children_;
  Locals& locals_;
  Moves& moves_;
  Sessions& sessions_;
  Views& views_;
  std::vector<ClientId> clients_;
  Duration begun_{};
  Duration look_at_ = Duration::max();
  bool active_ = false;
  bool for_good_ = false;
  bool left_ = false;
};

}  // namespace brood::core
