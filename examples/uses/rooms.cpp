// Chat rooms: a room is a child that is started by whoever enters it first. What is said in it reaches all
// who have entered, on whichever node they are. A room moves with all it holds when nodes come and go; who
// was on a node that is lost has left.
//
//   enter ROOM, say ROOM TEXT, guests ROOM, where ROOM
#include <algorithm>
#include <iostream>

#include "place.hpp"

namespace uses {
namespace {

struct heard {
  std::string room;
  std::string text;
};
struct enter {
  brood::Pid guest;
};
struct say {
  std::string text;
};
struct guests {};

// A process of this program, outside any supervisor, which prints what its rooms tell it.
class Guest : public brood::Worker {
 public:
  using handles = brood::messages<heard>;
  void on(heard h) { std::cout << h.room << ": " << h.text << std::endl; }
};

class Room : public brood::Worker {
 public:
  using handles = brood::messages<enter, say, guests>;
  explicit Room(std::string name) : name_(std::move(name)) {}

  std::string on(enter e) {
    if (std::find(guests_.begin(), guests_.end(), e.guest) == guests_.end()) add(e.guest);
    return "entered, number " + std::to_string(guests_.size());
  }
  std::string on(say s) {
    for (const brood::Pid& guest : guests_) (void)cast(guest, heard{name_, s.text});
    return "line " + std::to_string(++lines_);
  }
  std::string on(guests) const { return std::to_string(guests_.size()); }

  // A guest has ended, or its node is lost.
  void on_down(const brood::Down& down) { std::erase(guests_, down.pid); }

  // A move takes the guests along. Monitors do not move: restore() makes them anew.
  struct State {
    std::vector<brood::Pid> guests;
    std::int64_t lines;
  };
  State save() const { return {guests_, lines_}; }
  void restore(State state) {
    for (const brood::Pid& guest : state.guests) add(guest);
    lines_ = state.lines;
  }

 private:
  void add(const brood::Pid& guest) {
    guests_.push_back(guest);
    context().monitor(guest);
  }

  std::string name_;
  std::vector<brood::Pid> guests_;
  std::int64_t lines_ = 0;
};

}  // namespace

void rooms(const Words& names) {
  brood::Node node(node_options(names));
  (void)node.workers().add<Room>("room");
  brood::Supervisor rooms(node, {.name = "rooms",
                                 .strategies = {.migration = "hot_swap"},
                                 .expect = static_cast<std::uint32_t>(names.size())});
  const auto guest = node.spawn<Guest>();
  if (!guest) throw brood::NodeError(guest.error());
  prompt(node, [&](const Words& words) -> std::string {
    const std::string& name = words[1];
    if (words[0] == "enter") {
      // Where it runs already this changes nothing, and says so by already_started.
      (void)rooms.start_child({.id = name, .run = brood::WorkerSpec{"room", brood::args(name)}}).get();
      return words_of(rooms.call<std::string>(name, enter{*guest}).get());
    }
    if (words[0] == "say") return words_of(rooms.call<std::string>(name, say{words[2]}).get());
    if (words[0] == "guests") return words_of(rooms.call<std::string>(name, guests{}).get());
    if (words[0] == "where") return where(rooms, name);
    return "enter ROOM, say ROOM TEXT, guests ROOM, where ROOM";
  });
}

}  // namespace uses
