// ReplyGate: which reply of an active instance may leave, and when its state is to be saved for those who
// follow it. A reply waits until somebody holds the state after it.
//
//   enter() - handler - leave()      handled: 1, 2, 3 ...          a reply needs the state after its handler
//   begin_save() - sent()            one state is under way        it covers all that was handled before
//   followed()                       that state is held            what needs no more than it covers leaves
//
// One state is under way at a time; what is handled meanwhile goes with the next, all in one. What was not
// held when an instance gave its role back is never answered by a later state: nobody knows whether that one
// has it. So a reply says of which term it is; a term begins whenever a passive one becomes active.
//
// Owns: the replies that wait, and the numbers of what was handled, saved and held. Reads nothing. Tells by
// what its functions return: replies that may leave, and whether a state is to be saved. It does not know
// what a state is, who is sent one, or on which thread a reply is given: FollowGate of the process layer
// does, and the simulator.
//
// Thread rule: none of its own. Whoever has threads locks around each call; is_active() and term() may be
// read without the lock by the thread that calls become_active() and become_passive().
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace brood::flow {

/// Whether a state is to be saved, and who sees to it.
enum class SaveDue : std::uint8_t {
  no,
  now,    ///< By whoever is told, before anything else is handled.
  order,  ///< Between two handlers, by begin_ordered(): it is to be asked for.
};

template <typename Reply>
class ReplyGate {
 public:
  /// `replies_wait`: false: each reply leaves at once, and a state is saved from time to time.
  explicit ReplyGate(bool replies_wait) : replies_wait_(replies_wait) {}

  /// Replies that may leave now, in the order in which they were given.
  using Ready = std::vector<Reply>;
  struct Released {
    Ready ready;
    SaveDue due = SaveDue::no;  ///< Never `now`.
  };
  enum class Held : std::uint8_t { no, yes, order, unsafe };

  // ---- the role
  [[nodiscard]] bool is_active() const { return is_active_; }
  /// The one that runs, or the last.
  [[nodiscard]] std::uint64_t term() const { return term_; }
  /// What it begins with is to be saved. The replies that are returned were waiting when it was passive last:
  /// whether they are safe nobody can know, and they are to be told so.
  [[nodiscard]] Ready become_active() {
    const bool again = std::exchange(is_active_, true);
    // What it begins with is held by nobody under its own name yet: what it answers waits for that too.
    ++handled_;
    if (again) return {};
    ++term_;
    under_way_ = 0;
    return take_all();
  }
  /// Behind the last save.
  void become_passive() { is_active_ = false; }
  /// It ends: the callers of what is returned learn of that. Whatever comes later leaves at once.
  [[nodiscard]] Ready close() {
    is_closed_ = true;
    return take_all();
  }

  // ---- handlers of an active one
  void enter() { is_handling_ = true; }
  [[nodiscard]] SaveDue leave() {
    is_handling_ = false;
    ++handled_;
    if (wants_save()) return SaveDue::now;
    return replies_wait_ ? SaveDue::no : order();
  }

  // ---- replies
  /// A reply of a handler that began in that term, and runs or is over. `no`: it leaves at once. `unsafe`: it
  /// never does, and its caller is to be told so. Both leave it untouched. Otherwise it is taken.
  [[nodiscard]] Held hold(Reply& reply, std::uint64_t term) {
    const std::uint64_t needs = handled_ + (is_handling_ ? 1 : 0);
    if (!replies_wait_ || is_closed_) return Held::no;
    if (term != term_) return Held::unsafe;
    if (needs <= covered_) return Held::no;
    // Its last state has been saved, without this.
    if (!is_active_ && (under_way_ == 0 || needs > under_way_covers_)) return Held::unsafe;
    held_.push_back({needs, std::move(reply)});
    const bool asks = !is_handling_ && wants_save() && order() == SaveDue::order;
    return asks ? Held::order : Held::yes;
  }
  /// Somebody holds the state of that number, or nobody is waited for.
  [[nodiscard]] Released followed(std::uint64_t number) {
    if (under_way_ == 0 || number < under_way_) return {};
    covered_ = under_way_covers_;
    under_way_ = 0;
    Released out{take_ready()};
    if (!is_handling_ && wants_save()) out.due = order();
    return out;
  }
  /// Nobody is known to hold the state of that number, and it is not active any more: what is returned waited
  /// for it, and is to be told so.
  [[nodiscard]] Ready given_up(std::uint64_t number) {
    if (under_way_ == 0 || number < under_way_ || is_active_) return {};
    under_way_ = 0;
    return take_all();
  }

  // ---- saving
  /// What was ordered comes to its turn. False: there is no need any more.
  [[nodiscard]] bool begin_ordered() {
    is_ordered_ = false;
    return is_active_ && (!replies_wait_ || wants_save());
  }
  /// What a state that is taken now covers; nullopt: one is under way, and this one is not the last.
  [[nodiscard]] std::optional<std::uint64_t> begin_save(bool is_last) const {
    if (!is_last && under_way_ != 0) return std::nullopt;
    return handled_ + (is_handling_ ? 1 : 0);
  }
  /// The state is what it was when it was sent last.
  [[nodiscard]] Ready unchanged(std::uint64_t covers) {
    (under_way_ == 0 ? covered_ : under_way_covers_) = covers;
    return take_ready();
  }
  /// It is about to be sent under the number that is returned.
  [[nodiscard]] std::uint64_t sent(std::uint64_t covers) {
    ++number_;
    if (replies_wait_) {
      under_way_ = number_;
      under_way_covers_ = covers;
    }
    return number_;
  }

  // ---- for whoever watches
  /// The number of the state that replies wait for; 0: none.
  [[nodiscard]] std::uint64_t under_way() const { return under_way_; }
  /// The reply that has waited longest; nullptr: none waits.
  [[nodiscard]] const Reply* oldest() const { return held_.empty() ? nullptr : &held_.front().reply; }

 private:
  struct Waiting {
    std::uint64_t needs = 0;
    Reply reply;
  };

  [[nodiscard]] bool wants_save() const {
    return is_active_ && replies_wait_ && !held_.empty() && under_way_ == 0;
  }
  [[nodiscard]] SaveDue order() { return std::exchange(is_ordered_, true) ? SaveDue::no : SaveDue::order; }
  [[nodiscard]] Ready take_ready() {
    Ready ready;
    for (auto at = held_.begin(); at != held_.end();) {
      if (at->needs > covered_) {
        ++at;
        continue;
      }
      ready.push_back(std::move(at->reply));
      at = held_.erase(at);
    }
    return ready;
  }
  [[nodiscard]] Ready take_all() {
    Ready all;
    for (Waiting& one : std::exchange(held_, {})) all.push_back(std::move(one.reply));
    return all;
  }

  bool replies_wait_;
  bool is_active_ = false;
  bool is_handling_ = false;
  bool is_ordered_ = false;
  bool is_closed_ = false;
  std::uint64_t term_ = 0;
  std::uint64_t handled_ = 0;  ///< Handlers that may have changed the state.
  std::uint64_t covered_ = 0;  ///< So many of them are in a state that is held.
  std::uint64_t number_ = 0;   ///< Of the state that was sent last.
  std::uint64_t under_way_ = 0;
  std::uint64_t under_way_covers_ = 0;
  std::deque<Waiting> held_;
};

}  // namespace brood::flow
