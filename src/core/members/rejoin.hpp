// Rejoin: a node whose session was declared over, and that may have been replaced, gives up what others run
// too before it is up again: those who asked for it may have had their answer since.
//
// Owns: that it rejoins, and which children still have to end. Reads: instances, own, what may have several
// instances, who was not met. Asks locals to end children. Thread rule: none; owned by one core.
#pragma once

#include "core/children/locals.hpp"
#include "core/members/views.hpp"

namespace brood::core {

class Rejoin {
 public:
  Rejoin(ChildTable& children, const Instances& instances, Locals& locals, const Views& views,
         const Joining& joining)
      : children_(children), instances_(instances), locals_(locals), views_(views), joining_(joining) {}

  [[nodiscard]] bool pending() const { return pending_; }
  void begin() {
    pending_ = true;
    told_ = false;
  }
  /// What was told to end before this sleep is told again.
  void slept() { told_ = false; }
  void done() { pending_ = false; }
  /// True once all that had to has ended (or does not within two tick time-outs of when it was told to).
  [[nodiscard]] bool gave_up(Step& s);
  /// Where the child runs has changed: it may have been started elsewhere since the others were told to end.
  void look(Step& s, Child& child);
  /// A handler that was stuck has returned: its child ends soon, and is worth waiting for.
  void handler_returned(const Step& s, const Child& child);
  [[nodiscard]] Duration deadline() const { return pending_ && told_ ? until_ : Duration::max(); }

 private:
  void tell(Step& s);
  void tell_the_rest(Step& s);
  void end(Step& s, Child& child);
  [[nodiscard]] bool may_have_been_missed() const;
  [[nodiscard]] bool is_replaced(const Child& child) const;

  ChildTable& children_;
  const Instances& instances_;
  Locals& locals_;
  const Views& views_;
  const Joining& joining_;
  bool pending_ = false;
  bool told_ = false;
  Duration until_{};
  std::set<ChildRef> ending_;
};

}  // namespace brood::core
