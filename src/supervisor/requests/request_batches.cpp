// Requests that start or stop many children at once. Read and answered in portions, so that the requests of
// others go between.
#include <fmt/format.h>

#include <unordered_map>

#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/specs.hpp"
#include "supervisor/driver/start_order.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/requests/answers.hpp"
#include "supervisor/requests/requests.hpp"
#include "supervisor/requests/start_options.hpp"
#include "term/id_map.hpp"

namespace brood::supervisor {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds batch_timeout{60000};

/// A request's list and the options after it, read item by item.
class BatchReader {
 public:
  explicit BatchReader(BytesView raw) : reader_(raw) {}

  /// False: it is no list.
  [[nodiscard]] bool begin() {
    auto length = reader_.list();
    if (!length) return false;
    left_ = *length;
    return true;
  }
  [[nodiscard]] bool is_over() const { return left_ == 0; }
  [[nodiscard]] Result<Term> next() {
    --left_;
    return reader_.term();
  }
  [[nodiscard]] Result<Term> options(const std::vector<std::string_view>& allowed) {
    if (auto end = reader_.list_end(); !end)
      return Error{Errc::invalid_argument, "the list must be a proper one"};
    if (reader_.at_end()) return Term::map({});
    auto term = reader_.term();
    if (!term) return term.error();
    return read_options(*term, allowed);
  }

 private:
  TermReader reader_;
  std::size_t left_ = 0;
};

/// One start_children or stop_children, from its first spec to its answer. In portions on the query thread,
/// but for the time when the driver has it.
class Batch : public std::enable_shared_from_this<Batch> {
 public:
  explicit Batch(RequestPtr request) : request_(std::move(request)), reader_(request_->raw) {}
  virtual ~Batch() = default;
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  void begin() {
    if (!reader_.begin()) return request_->fail(Errc::invalid_argument, what());
    if (reader_.is_over()) return finish_reading();
    request_->in_portions([self = shared_from_this()] { return self->read_some(); });
  }

 protected:
  [[nodiscard]] virtual std::string what() const = 0;
  [[nodiscard]] virtual Result<void> take(const Term& item) = 0;
  /// All items are taken, and there is at least one.
  [[nodiscard]] virtual Result<void> go(BatchReader& reader) = 0;
  /// The term of one outcome without an error.
  [[nodiscard]] virtual Term done_term(const core::Outcome& outcome) = 0;
  [[nodiscard]] virtual Term error_reason(const core::Outcome& outcome) { return reason_term(outcome); }
  /// Completes the answer: `done` and `errors` are lists, `has_errors` when the second is not empty.
  virtual void finish(Growing done, Growing errors) = 0;

  [[nodiscard]] ClientDone when_done() {
    return [self = shared_from_this()](Outcomes outcomes, bool) {
      self->outcomes_ = std::move(outcomes);
      self->request_->in_portions([self] { return self->answer_some(); });
    };
  }
  [[nodiscard]] static EncodedTerm whole_answer(std::string_view done_key, Growing done, Growing errors,
                                                bool rolled_back) {
    const bool starts = done_key == "started";
    Bytes out;
    TermWriter writer(out);
    writer.version();
    writer.tuple(2);
    writer.atom("ok");
    writer.map(starts ? 4 : 3);
    writer.atom("status");
    writer.atom(errors.count() == 0 ? "ok" : "error");
    if (starts) {
      writer.atom("rollback");
      writer.boolean(rolled_back);
    }
    writer.atom(done_key);
    out += done.take();
    writer.atom("errors");
    out += errors.take();
    return EncodedTerm(std::move(out));
  }

  RequestPtr request_;
  std::vector<ChildId> ids_;  ///< In the order in which they were asked for.

 private:
  bool read_some() {
    for (const Slice slice; !reader_.is_over() && !slice.is_over();) {
      auto item = reader_.next();
      auto taken = item ? take(*item) : Result<void>(item.error());
      if (taken) continue;
      request_->fail(taken.error());
      return true;
    }
    if (!reader_.is_over()) return false;
    finish_reading();
    return true;
  }
  void finish_reading() {
    auto gone = go(reader_);
    if (!gone) request_->fail(gone.error());
  }
  bool answer_some() {
    const Slice slice;
    for (; at_ < outcomes_.size() && !slice.is_over(); ++at_) {
      const core::Outcome& outcome = outcomes_[at_];
      answered_.insert(outcome.id);
      if (outcome.error) {
        add_error(outcome.id, outcome.host ? Term(outcome.host->node) : Term::atom("undefined"),
                  error_reason(outcome));
      } else {
        done_.add(done_term(outcome));
      }
    }
    if (at_ < outcomes_.size()) return false;
    for (; missing_ < ids_.size() && !slice.is_over(); ++missing_) {
      if (!answered_.contains(ids_[missing_]))
        add_error(ids_[missing_], Term::atom("undefined"), Term::atom("timeout"));
    }
    if (missing_ < ids_.size()) return false;
    finish(std::move(done_), std::move(errors_));
    return true;
  }
  void add_error(const ChildId& id, Term node, Term reason) {
    errors_.add(Term::tuple({id.to_term(), std::move(node), std::move(reason)}));
  }

  BatchReader reader_;
  Outcomes outcomes_;
  IdSet answered_;
  std::size_t at_ = 0;
  std::size_t missing_ = 0;
  Growing done_{Growing::Shape::list};
  Growing errors_{Growing::Shape::list};
};

Result<void> no_children(const RequestPtr& request) {
  request->reply(Term::tuple({Term::atom("error"), Term::atom("no_children")}));
  return {};
}

class BatchStart final : public Batch {
 public:
  using Batch::Batch;

 private:
  [[nodiscard]] std::string what() const override { return "start_children takes a list of specs"; }

  Result<void> take(const Term& item) override {
    auto spec = core_spec(item, request_->node);
    if (!spec) return spec.error();
    if (auto may = request_->may_start(*request_->driver, **spec); !may) return may.error();
    if (!seen_.insert(spec->id).second) {
      return Error{Errc::invalid_argument, fmt::format("id '{}' is in the list twice", spec->id.text())};
    }
    if (auto fine = request_->driver->accepts(*spec); !fine && !refused_) refused_ = fine.error();
    ids_.push_back(spec->id);
    specs_.push_back(std::move(*spec));
    return {};
  }

  Result<void> go(BatchReader& reader) override {
    auto options = reader.options(StartAsked::names);
    if (!options) return options.error();
    auto asked = StartAsked::read(*options, batch_timeout);
    if (!asked) return asked.error();
    if (specs_.empty()) return no_children(request_);
    if (auto fine = check_order(specs_, request_->driver->registry()); !fine) return fine.error();
    if (asked->check_existing && refuses_existing()) return {};
    if (!asked->mapping.is_given() && refused_) return *refused_;
    for (core::NamedSpec& child : specs_) {
      auto made = asked->apply(child);
      if (!made) return made.error();
      child = std::move(*made);
      if (!asked->mapping.is_given()) continue;
      if (auto fine = request_->driver->accepts(child); !fine) return fine.error();
    }
    rolls_back_ = asked->order.rolls_back;
    request_->driver->start(asked->order, std::move(specs_), when_done());
    return {};
  }

  /// Answers, where some of them are there already: {error, {already_started, [Id]}}.
  bool refuses_existing() {
    std::vector<Term> known;
    for (const ChildId& id : ids_) {
      const EntryPtr entry = request_->driver->registry().find(id);
      if (entry && entry->wanted) known.push_back(id.to_term());
    }
    if (known.empty()) return false;
    request_->reply(Term::tuple(
        {Term::atom("error"), Term::tuple({Term::atom("already_started"), Term::list(std::move(known))})}));
    return true;
  }

  Term done_term(const core::Outcome& outcome) override {
    any_started_ = true;
    return Term::tuple(
        {outcome.id.to_term(), Term::list({Term::tuple({Term(outcome.host->node), Term(pid_of(outcome))})})});
  }

  void finish(Growing done, Growing errors) override {
    const bool rolled_back = rolls_back_ && errors.count() > 0 && any_started_;
    request_->reply_bytes(whole_answer("started", std::move(done), std::move(errors), rolled_back));
  }

  std::vector<core::NamedSpec> specs_;
  std::optional<Error> refused_;  ///< The first that the distribution cannot place, unless a mapping follows.
  IdSet seen_;
  bool any_started_ = false;
  bool rolls_back_ = false;
};

class BatchStop final : public Batch {
 public:
  using Batch::Batch;

 private:
  [[nodiscard]] std::string what() const override { return "stop_children takes a list of ids"; }

  Result<void> take(const Term& item) override {
    auto id = ChildId::from_term(item);
    if (!id) return id.error();
    if (!ran_.try_emplace(*id).second) return {};
    ids_.push_back(*id);
    // Asked now: when it is stopped, nobody knows any more.
    if (const EntryPtr entry = request_->driver->registry().find(*id)) {
      for (const Place& place : entry->places) {
        if (place.has_pid()) ran_[*id].push_back(place.host);
      }
      longest_ = std::max(longest_, time_to_stop(entry->spec.get()));
    }
    return {};
  }

  Result<void> go(BatchReader& reader) override {
    auto options = reader.options({"timeout"});
    if (!options) return options.error();
    auto timeout = timeout_option(*options, longest_);
    if (!timeout) return timeout.error();
    if (ids_.empty()) return no_children(request_);
    request_->driver->stop(ids_, *timeout, when_done());
    return {};
  }

  Term done_term(const core::Outcome& outcome) override {
    std::vector<Term> nodes;
    for (const auto& host : ran_[outcome.id]) nodes.emplace_back(host->node);
    return Term::tuple({outcome.id.to_term(), Term::list(std::move(nodes))});
  }
  Term error_reason(const core::Outcome& outcome) override {
    return outcome.error->code == Errc::no_such_child ? Term::atom("not_found") : reason_term(outcome);
  }
  void finish(Growing done, Growing errors) override {
    request_->reply_bytes(whole_answer("stopped", std::move(done), std::move(errors), false));
  }

  std::unordered_map<ChildId, std::vector<std::shared_ptr<const core::SessionId>>> ran_;
  milliseconds longest_ = batch_timeout;
};

void start_children(const RequestPtr& request) {
  std::make_shared<BatchStart>(request)->begin();
}

void stop_children(const RequestPtr& request) {
  std::make_shared<BatchStop>(request)->begin();
}

}  // namespace

std::vector<Route> batch_routes() {
  return {
      {"start_children", 2, Needs::member, start_children, Speed::queued, Raw::rest},
      {"start_children", 3, Needs::member, start_children, Speed::queued, Raw::rest},
      {"stop_children", 2, Needs::member, stop_children, Speed::queued, Raw::rest},
      {"stop_children", 3, Needs::member, stop_children, Speed::queued, Raw::rest},
  };
}

}  // namespace brood::supervisor
