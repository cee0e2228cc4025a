// Origins: clients' requests at the node they came to: split by coordinator, a part at a time, asked again
// when one is lost, answered once per id.
//
// Of all bulk requests together only request_window ids are under way at once, or fewer (base/window.hpp); an
// answer makes room for the next. So the size of a request is a burden to this node and its client, and to no
// coordinator.
//
// Owns: the requests of this node's clients. Reads: views, instances. Sends requests to coordinators; where
// this node is the coordinator, through LocalCoordinator.
// Thread rule: none; owned by one core.
#pragma once

#include <unordered_map>

#include "core/base/window.hpp"
#include "core/members/joining.hpp"
#include "core/members/views.hpp"
#include "core/requests/copies.hpp"
#include "core/requests/open.hpp"
#include "core/rows/instances.hpp"

namespace brood::core {

/// This node's own coordinator (requests/coordinator.hpp), as far as origins need it.
class LocalCoordinator {
 public:
  virtual ~LocalCoordinator() = default;
  virtual void enqueue(Step& s, Request request) = 0;
  /// Whoever asked that waits still, and in that view. False: it is not open here.
  virtual bool keep(Step& s, const Asked& asked, const ChildId& id) = 0;
};

/// What a node that has left its cluster answers: `not_member`.
[[nodiscard]] Error has_left(const NodeName& self);

class Origins {
 public:
  Origins(const ChildTable& children, const Instances& instances, const Views& views,
          const Sessions& sessions, const Joining& joining, Sender& sender, LocalCoordinator& local)
      : children_(children),
        instances_(instances),
        views_(views),
        sessions_(sessions),
        joining_(joining),
        sender_(sender),
        local_(local) {}

  [[nodiscard]] bool any() const { return !origins_.empty(); }

  void start(Step& s, ClientStart& event);
  void stop(Step& s, ClientStop& event);
  void retry(Step& s, const ClientRetry& event);
  void lookup(Step& s, const ClientLookup& event);
  void move(Step& s, const ClientMove& event);
  /// Nobody waits for it any more. What was asked still happens, and a start goes on being tried; what was
  /// not asked is not. Anything but a start is not asked again: a stop that was refused would end much later
  /// what others have started since.
  void gone(ClientId client);
  /// This node has left: all are told so.
  void end_all(Step& s, const Error& error);
  /// This part of the cluster is locked, or this node stays out: all are told so, but those of nodes' files,
  /// which wait.
  void refuse_all(Step& s);
  /// A request of this node, also one from before it had its name.
  [[nodiscard]] bool is_own(const Settings& settings, const RequestKey& request) const;
  [[nodiscard]] bool is_renamed() const { return former_.has_value(); }
  void rename(const Settings& before) { former_ = {before.self, before.creation}; }

  /// The client of that own request has yet to hear of that id, and nothing is about to be told.
  [[nodiscard]] bool waits_for(const RequestKey& request, const ChildId& id) const;
  /// What an own or another coordinator says of one id.
  void take(Step& s, const RequestKey& request, std::uint64_t view, Outcome outcome);
  /// The view is another: all that is under way is asked again.
  void ask_all_again(Step& s) { ask_again(s, every_peer); }
  /// A channel to that peer is new: what it was asked may be lost.
  void ask_again(Step& s, PeerIndex peer);
  /// Something about the child has changed: it may show by now what a client waits to be told.
  void look(Step& s, const Child& child);

  [[nodiscard]] bool has_work() const { return !due_.empty() || !ended_.empty(); }
  /// Sends on what there is room for, of the request whose turn it is.
  void work(Step& s);
  /// Tells some of the clients whose time is over. For the beginning of each step: a node that has more to do
  /// than it can would get to nothing behind its tables.
  void tell_ended(Step& s) {
    if (!ended_.empty()) work_on_ended(s);
  }
  void on_time(Step& s);
  [[nodiscard]] Duration deadline() const;
  /// The replies of this step are out.
  void flush() { replies_.clear(); }

 private:
  enum class Kind : std::uint8_t { start, stop, retry, lookup, move };
  struct Item {
    SpecPtr spec;                    ///< For starts.
    std::optional<SessionId> asked;  ///< The coordinator that has been asked,
    std::uint64_t view = 0;          ///< and in which view.
    Copies copies;                   ///< Of the question, and which of them were refused.
    bool asked_others = false;       ///< Another one was asked before, and may have done it.
    Duration begun_at{};
    std::optional<Outcome> held;  ///< Good, but our own tables do not show it yet.
  };
  struct Origin {
    RequestKey request;
    Kind kind = Kind::start;
    std::optional<ClientId> client;
    StartMode mode = StartMode::start;
    std::optional<NodeName> on;  ///< Of a start or a move: where to.
    MoveKind move = MoveKind::to_node;
    Duration deadline{};
    /// Doubles: an answer or a question may have been lost on the way. What is repeated also tells
    /// coordinators that somebody waits still.
    Duration repeat_every{};
    std::vector<NamedSpec> specs;  ///< Of a start, and
    std::vector<ChildId> ids;      ///< of the others: what is asked for.
    std::size_t next = 0;          ///< Of these, the first that has not been looked at.
    std::map<ChildId, Item> open;
    bool due = false;
    std::optional<Error> ended;  ///< All that is left is answered with this.
    [[nodiscard]] std::size_t size() const { return kind == Kind::start ? specs.size() : ids.size(); }
    [[nodiscard]] std::size_t left() const { return open.size() + size() - next; }
    [[nodiscard]] bool done() const { return left() == 0; }
  };
  Origin& make(Step& s, Kind kind, ClientId client, Duration patience);
  void begin(Step& s, Origin& origin);
  void set_due(Origin& origin);
  void open_more(Step& s, Origin& origin, std::vector<ChildId>& fresh);
  void ask(Step& s, Origin& origin, const std::vector<ChildId>& ids, PeerIndex again);
  void ask_coordinator(Step& s, Origin& origin, PeerIndex coordinator, std::span<const ChildId> ids);
  void pass_on(Step& s, PeerIndex to, Request request);
  [[nodiscard]] bool has_room(const Step& s, const Origin& origin) const;
  void feed(Step& s);
  void work_on_ended(Step& s);
  bool end_some(Step& s, Origin& origin, std::size_t& left);
  [[nodiscard]] bool is_refused(const Origin& origin) const;
  [[nodiscard]] static bool may_be_done(const Origin& origin, const Item& item, const Outcome& outcome);
  [[nodiscard]] Error partitioned(std::string_view words) const;
  [[nodiscard]] Error stays_out() const;
  [[nodiscard]] bool shows(Kind kind, const Outcome& outcome) const;
  void forget_held(const ChildId& id, std::uint64_t number);
  void reply(Step& s, Origin& origin, Outcome outcome);
  void close(Step& s, Origin& origin);

  const ChildTable& children_;
  const Instances& instances_;
  const Views& views_;
  const Sessions& sessions_;
  const Joining& joining_;
  Sender& sender_;
  LocalCoordinator& local_;
  std::optional<std::pair<NodeName, std::uint32_t>> former_;  ///< Name and creation before Renamed.
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Origin> origins_;
  std::map<ClientId, std::uint64_t> by_client_;
  std::deque<std::uint64_t> due_;
  std::deque<std::uint64_t> ended_;   ///< All that is left of them is answered with Origin::ended.
  std::deque<std::uint64_t> hungry_;  ///< More to ask, and no room in the window.
  std::size_t open_ = 0;              ///< Ids that are under way, of all.
  Window window_;                     ///< And how many may be.
  std::set<std::pair<Duration, std::uint64_t>> deadlines_;
  std::set<std::pair<Duration, std::uint64_t>> repeats_;
  std::unordered_map<ChildId, std::set<std::uint64_t>> held_;
  std::deque<std::tuple<Duration, ChildId, std::uint64_t>> held_until_;
  std::map<ClientId, std::size_t> replies_;  ///< Their places in this step's effects.
};

}  // namespace brood::core
