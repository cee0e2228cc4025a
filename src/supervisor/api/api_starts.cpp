// The part of brood::Supervisor that starts and stops children.
#include <algorithm>
#include <unordered_map>

#include "supervisor/api/supervisor_impl.hpp"
#include "supervisor/driver/child_mapping.hpp"
#include "supervisor/driver/outcome_walk.hpp"
#include "supervisor/driver/outcomes.hpp"
#include "supervisor/driver/specs.hpp"
#include "supervisor/driver/start_order.hpp"
#include "supervisor/node/node_names.hpp"
#include "term/id_map.hpp"

namespace brood::inline v0 {

using std::chrono::milliseconds;
using supervisor::Answer;
using supervisor::Outcomes;

namespace {

constexpr milliseconds start_timeout{10000};
constexpr milliseconds batch_timeout{60000};

Id id_of(const ChildId& id) {
  return Id(id);
}

Result<Started> started(const core::Outcome& outcome) {
  if (outcome.error) return supervisor::told(outcome);
  return Started{supervisor::pid_of(outcome), id_of(outcome.id)};
}

std::string late_start(std::string_view id) {
  return fmt::format("the start of '{}' took too long; it may still happen", id);
}

/// What the options say of every child.
class Preparing {
 public:
  Preparing(supervisor::NodeImpl& node, const StartOptions& options)
      : node_(node), options_(options), mapping_(supervisor::ChildMapping::of(options.child_mapping)) {}

  [[nodiscard]] Result<core::NamedSpec> operator()(const ChildSpec& spec) const {
    auto made = supervisor::core_spec(spec, node_);
    if (!made) return made;
    auto whole = supervisor::with_defaults(made->spec, options_.metadata);
    if (whole) whole = mapping_.apply(made->id, *whole);
    return supervisor::named(std::move(made->id), std::move(whole));
  }

 private:
  supervisor::NodeImpl& node_;
  const StartOptions& options_;
  const supervisor::ChildMapping mapping_;
};

Result<supervisor::StartOrder> order_of(const StartOptions& options, milliseconds fallback) {
  supervisor::StartOrder order;
  if (options.on) {
    auto on = supervisor::checked_name(*options.on);
    if (!on) return Error{on.error().code, "option on: " + on.error().message};
    order.on = *std::move(on);
  }
  order.timeout = options.timeout.value_or(fallback);
  order.await_timeout = options.await_timeout;
  order.quiet = options.disable_logging;
  order.rolls_back = options.on_failure == OnFailure::rollback;
  return order;
}

/// Several that wait to be ended. The handler of one of them, or one that such a handler waits for, would
/// wait for ever.
template <typename V>
class Stopping final : public Answer<V> {
 public:
  Stopping(supervisor::Gate::Pass pass, supervisor::NodeImpl& node, const supervisor::Driver& driver,
           const std::vector<ChildId>& ids)
      : Answer<V>(std::move(pass)), runtime_(node.runtime()), supervisor_(driver.name()), ids_(ids) {
    for (const ChildId& id : ids) {
      const supervisor::EntryPtr entry = driver.registry().find(id);
      if (const supervisor::Place* place = entry ? entry->running() : nullptr)
        callees_.push_back(place->full_pid());
    }
  }
  void wait_begins(const Pid& waiter) override {
    const WorkerIdentity* self = process::Runtime::running_on_this_thread();
    const bool is_inside =
        self != nullptr && self->supervisor == supervisor_ &&
        std::any_of(ids_.begin(), ids_.end(), [&](const ChildId& id) { return self->child_id == Id(id); });
    const bool is_circle =
        is_inside || !std::all_of(callees_.begin(), callees_.end(), [&](const Pid& callee) {
          return runtime_.begin_wait(waiter, callee) != process::WaitBegun::circle;
        });
    if (!is_circle) return;
    (void)this->fail(Error{Errc::deadlock,
                           "a child would have to end before this handler returns, which waits for its end; "
                           "do not wait for it, or stop it from elsewhere"});
  }
  void wait_ends(const Pid& waiter) override {
    for (const Pid& callee : callees_) runtime_.end_wait(waiter, callee);
  }

 private:
  process::Runtime& runtime_;
  const std::string supervisor_;
  const std::vector<ChildId> ids_;
  std::vector<Pid> callees_;
};

}  // namespace

// ---- starts ----------------------------------------------------------------------------------------------

Future<Started> Supervisor::start_child(const ChildSpec& spec, const StartOptions& options) {
  auto pass = impl_->enter();
  if (!pass) return Future<Started>::of(impl_->stopped());
  auto made = Preparing(*impl_->node, options)(spec);
  if (!made) return Future<Started>::of(made.error());
  auto order = order_of(options, start_timeout);
  if (!order) return Future<Started>::of(order.error());
  if (auto fine = supervisor::check_order({*made}, impl_->driver->registry()); !fine)
    return Future<Started>::of(fine.error());
  const ChildId id = made->id;
  if (options.check_existing) {
    const supervisor::EntryPtr entry = impl_->driver->registry().find(id);
    if (entry && entry->wanted && entry->running() != nullptr)
      return Future<Started>::of(Error{Errc::already_started, fmt::format("'{}' runs already", id.text()),
                                       encode(entry->running()->full_pid())});
  }
  auto answer = std::make_shared<Answer<Started>>(std::move(pass));
  impl_->driver->start(
      *std::move(order), {*made}, [impl = impl_, answer, id](const Outcomes& outcomes, bool) {
        answer->give(outcomes.empty() ? impl->late(late_start(id.text())) : started(outcomes.front()));
      });
  return Future<Started>(std::move(answer));
}

namespace {

/// One start of many, from its specs to its result.
class ManyStarts : public std::enable_shared_from_this<ManyStarts> {
 public:
  ManyStarts(std::shared_ptr<supervisor::Driver> driver, bool rolls_back, supervisor::Gate::Pass pass)
      : answer(std::make_shared<Answer<StartResult>>(std::move(pass))),
        driver_(std::move(driver)),
        rolls_back_(rolls_back) {}

  void take(const ChildSpec& spec, Result<core::NamedSpec> made) {
    if (made && !seen_.insert(made->id).second)
      made = Error{Errc::invalid_argument,
                   fmt::format("id '{}' is in the list twice; the first one counts", made->id.text())};
    if (made) {
      ids_.push_back(made->id);
      specs.push_back(std::move(*made));
    } else {
      result_.errors.push_back({spec.id.value_or(Id("")), std::nullopt, made.error()});
    }
  }
  /// The ids that this node knows already.
  [[nodiscard]] std::vector<Term> known() const {
    std::vector<Term> ids;
    for (const ChildId& id : ids_) {
      const supervisor::EntryPtr entry = driver_->registry().find(id);
      if (entry && entry->wanted) ids.push_back(id.to_term());
    }
    return ids;
  }
  /// All are taken. On the caller's thread, for it is work for each of them.
  void all_taken() { walk_ = std::make_shared<supervisor::OutcomeWalk>(std::move(ids_)); }
  void finish(supervisor::NodeImpl& node, Outcomes outcomes) {
    walk_->walk(
        node.queries(), std::move(outcomes),
        [self = shared_from_this()](const ChildId& id, const core::Outcome* outcome) {
          self->add(id, outcome);
        },
        [self = shared_from_this()] { self->end(); });
  }
  /// Why nothing is started at all: what is to be rolled back cannot all be started.
  [[nodiscard]] const Error* hopeless() const {
    return rolls_back_ && !result_.errors.empty() ? &result_.errors.front().error : nullptr;
  }

  const std::shared_ptr<Answer<StartResult>> answer;
  std::vector<core::NamedSpec> specs;

 private:
  void add(const ChildId& id, const core::Outcome* outcome) {
    if (outcome == nullptr) {
      const Errc code = driver_->has_ended() ? Errc::stopped : Errc::timeout;
      result_.errors.push_back({id_of(id), std::nullopt, Error{code, late_start(id.text())}});
    } else if (outcome->error) {
      const auto& host = outcome->host;
      result_.errors.push_back(
          {id_of(id), host ? std::optional(host->node) : std::nullopt, supervisor::told(*outcome)});
    } else {
      result_.started.push_back({supervisor::pid_of(*outcome), id_of(id)});
    }
  }
  void end() {
    result_.rollback = rolls_back_ && !result_.errors.empty() && !result_.started.empty();
    answer->give(std::move(result_));
  }

  const std::shared_ptr<supervisor::Driver> driver_;
  const bool rolls_back_;
  std::vector<ChildId> ids_;
  std::shared_ptr<supervisor::OutcomeWalk> walk_;
  IdSet seen_;
  StartResult result_;
};

Error some_run_already(std::vector<Term> known) {
  constexpr std::size_t told_max = 12;
  std::string words = fmt::format("{} of them run already, so none was started: ", known.size());
  for (std::size_t i = 0; i < std::min(known.size(), told_max); ++i)
    words += (i == 0 ? "" : ", ") + Id(known[i]).text();
  if (known.size() > told_max) words += fmt::format(" and {} more", known.size() - told_max);
  return {Errc::already_started, words, encode_term(Term::list(std::move(known)))};
}

}  // namespace

Future<StartResult> Supervisor::start_children(const std::vector<ChildSpec>& specs,
                                               const StartOptions& options) {
  auto pass = impl_->enter();
  if (!pass) return Future<StartResult>::of(impl_->stopped());
  auto order = order_of(options, batch_timeout);
  if (!order) return Future<StartResult>::of(order.error());
  const auto starts =
      std::make_shared<ManyStarts>(impl_->driver, options.on_failure == OnFailure::rollback, std::move(pass));
  const Preparing prepare(*impl_->node, options);
  for (const ChildSpec& spec : specs) starts->take(spec, prepare(spec));
  if (options.check_existing) {
    if (auto known = starts->known(); !known.empty()) {
      starts->answer->give(some_run_already(std::move(known)));
      return Future<StartResult>(starts->answer);
    }
  }
  if (auto fine = supervisor::check_order(starts->specs, impl_->driver->registry()); !fine) {
    starts->answer->give(fine.error());
    return Future<StartResult>(starts->answer);
  }
  starts->all_taken();
  if (const Error* why = starts->hopeless()) {
    starts->answer->give(*why);
  } else if (starts->specs.empty()) {
    starts->finish(*impl_->node, {});
  } else {
    impl_->driver->start(*std::move(order), std::move(starts->specs),
                         [node = impl_->node, starts](Outcomes outcomes, bool) {
                           starts->finish(*node, std::move(outcomes));
                         });
  }
  return Future<StartResult>(starts->answer);
}

// ---- stops -----------------------------------------------------------------------------------------------

Future<void> Supervisor::stop_child(const Id& id, const StopOptions& options) {
  auto pass = impl_->enter();
  if (!pass) return Future<void>::of(impl_->stopped());
  auto child = ChildId::of(id);
  if (!child) return Future<void>::of(child.error());
  const supervisor::EntryPtr entry = impl_->driver->registry().find(*child);
  const auto timeout =
      options.timeout.value_or(supervisor::time_to_stop(entry ? entry->spec.get() : nullptr));
  auto answer = std::make_shared<Stopping<void>>(std::move(pass), *impl_->node, *impl_->driver,
                                                 std::vector<ChildId>{*child});
  impl_->driver->stop({*child}, timeout, [impl = impl_, answer, id = *child](const Outcomes& outcomes, bool) {
    if (outcomes.empty()) {
      answer->give(impl->late(fmt::format("the stop of '{}' took too long", id.text())));
    } else if (outcomes.front().error) {
      answer->give(supervisor::told(outcomes.front()));
    } else {
      answer->give(Result<void>());
    }
  });
  return Future<void>(std::move(answer));
}

Future<void> Supervisor::terminate_child(const Pid& pid, const StopOptions& options) {
  const auto id = whois(pid);
  if (id) return stop_child(*id, options);
  if (!impl_->enter()) return Future<void>::of(impl_->stopped());
  return Future<void>::of(Error{Errc::no_such_child, "no child has the pid " + to_string(pid)});
}

Future<StopResult> Supervisor::stop_children(const std::vector<Id>& ids, const StopOptions& options) {
  auto pass = impl_->enter();
  if (!pass) return Future<StopResult>::of(impl_->stopped());
  StopResult result;
  std::vector<ChildId> children;
  std::unordered_map<ChildId, std::vector<NodeName>> ran;
  milliseconds longest = batch_timeout;
  for (const Id& id : ids) {
    auto child = ChildId::of(id);
    if (!child) {
      result.errors.push_back({id, std::nullopt, child.error()});
      continue;
    }
    const auto [place, is_new] = ran.try_emplace(*child);
    if (!is_new) continue;
    children.push_back(*child);
    const supervisor::EntryPtr entry = impl_->driver->registry().find(*child);
    if (!entry) continue;
    // Asked now: when it is stopped, nobody knows any more.
    for (const supervisor::Place& at : entry->places)
      if (at.has_pid()) place->second.push_back(at.host->node);
    longest = std::max(longest, supervisor::time_to_stop(entry->spec.get()));
  }
  auto answer =
      std::make_shared<Stopping<StopResult>>(std::move(pass), *impl_->node, *impl_->driver, children);
  if (children.empty()) {
    answer->give(std::move(result));
    return Future<StopResult>(std::move(answer));
  }
  struct Stops {
    StopResult result;
    std::unordered_map<ChildId, std::vector<NodeName>> ran;
  };
  auto stops = std::make_shared<Stops>(Stops{std::move(result), std::move(ran)});
  auto walk = std::make_shared<supervisor::OutcomeWalk>(children);
  auto done = [impl = impl_, answer, stops, walk](Outcomes outcomes, bool) {
    walk->walk(
        impl->node->queries(), std::move(outcomes),
        [impl, stops](const ChildId& id, const core::Outcome* outcome) {
          if (outcome == nullptr) {
            stops->result.errors.push_back(
                {id_of(id), std::nullopt,
                 impl->late(fmt::format("the stop of '{}' took too long", id.text()))});
          } else if (outcome->error) {
            stops->result.errors.push_back({id_of(id), std::nullopt, supervisor::told(*outcome)});
          } else {
            stops->result.stopped.push_back({id_of(id), std::move(stops->ran[id])});
          }
        },
        [answer, stops] { answer->give(std::move(stops->result)); });
  };
  impl_->driver->stop(children, options.timeout.value_or(longest), std::move(done));
  return Future<StopResult>(std::move(answer));
}

// ---- one child that is there -----------------------------------------------------------------------------

namespace {

/// The answer to a request of which only matters whether it worked.
template <typename AnswerPtr>
supervisor::ClientDone plainly(AnswerPtr answer, std::function<Error()> late) {
  return [answer = std::move(answer), late = std::move(late)](const Outcomes& outcomes, bool) {
    if (outcomes.empty()) {
      answer->give(late());
    } else if (outcomes.front().error) {
      answer->give(supervisor::told(outcomes.front()));
    } else {
      answer->give(Result<void>());
    }
  };
}

}  // namespace

Future<Started> Supervisor::restart_child(const Id& id, std::optional<milliseconds> timeout) {
  auto pass = impl_->enter();
  if (!pass) return Future<Started>::of(impl_->stopped());
  auto child = ChildId::of(id);
  if (!child) return Future<Started>::of(child.error());
  const supervisor::EntryPtr entry = impl_->driver->registry().find(*child);
  if (!entry || !entry->wanted || !entry->spec)
    return Future<Started>::of(Error{Errc::no_such_child, fmt::format("no child '{}'", child->text())});
  const auto most = timeout.value_or(supervisor::time_to_stop(entry->spec.get()) + start_timeout);
  auto answer = std::make_shared<Answer<Started>>(std::move(pass));
  impl_->driver->start(
      {.mode = core::StartMode::restart, .timeout = most}, {{*child, entry->spec}},
      [impl = impl_, answer, id = *child](const Outcomes& outcomes, bool) {
        answer->give(outcomes.empty() ? impl->late(late_start(id.text())) : started(outcomes.front()));
      });
  return Future<Started>(std::move(answer));
}

Future<void> Supervisor::retry(const Id& id, milliseconds timeout) {
  auto pass = impl_->enter();
  if (!pass) return Future<void>::of(impl_->stopped());
  auto child = ChildId::of(id);
  if (!child) return Future<void>::of(child.error());
  auto answer = std::make_shared<Answer<void>>(std::move(pass));
  impl_->driver->retry(*child, timeout, plainly(answer, [impl = impl_] {
    return impl->late("it took too long; it may still happen");
  }));
  return Future<void>(std::move(answer));
}

Future<void> Supervisor::update_metadata(const Id& id, const std::function<Term(const Term&)>& change,
                                         milliseconds timeout) {
  auto pass = impl_->enter();
  if (!pass) return Future<void>::of(impl_->stopped());
  auto child = ChildId::of(id);
  if (!child) return Future<void>::of(child.error());
  const supervisor::EntryPtr entry = impl_->driver->registry().find(*child);
  if (!entry || !entry->wanted || !entry->spec)
    return Future<void>::of(Error{Errc::no_such_child, fmt::format("no child '{}'", child->text())});
  auto changed =
      supervisor::with_changed_metadata(entry->spec, change(supervisor::metadata_of(*entry->spec)));
  if (!changed) return Future<void>::of(changed.error());
  auto answer = std::make_shared<Answer<void>>(std::move(pass));
  impl_->driver->start({.mode = core::StartMode::change, .timeout = timeout}, {{*child, *changed}},
                       plainly(answer, [impl = impl_] {
                         return impl->late("the change of metadata took too long; it may still happen");
                       }));
  return Future<void>(std::move(answer));
}

}  // namespace brood::inline v0
