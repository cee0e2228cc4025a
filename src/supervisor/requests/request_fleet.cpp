// The request `fleet`: what `brood apply` does. It changes something only when every child that it would
// start or change may run somewhere: by the workers that the members have, and by the commands that their own
// files have now, which each member reads again first.
#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <mutex>

#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/eligibility.hpp"
#include "supervisor/driver/fleet.hpp"
#include "supervisor/driver/specs.hpp"
#include "supervisor/driver/start_order.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {

namespace {

using std::chrono::milliseconds;
using FileCommands = NodeImpl::FileCommands;

constexpr milliseconds fleet_timeout{60000};
constexpr milliseconds members_timeout{5000};
constexpr std::size_t refusals_told = 20;  // more of them would not be read

struct Options {
  bool dry_run = false;
  FleetOptions fleet;
  milliseconds timeout = fleet_timeout;
};

struct FleetPart {
  std::shared_ptr<Driver> driver;
  FleetPlan plan;
};

using Refusals = std::map<std::pair<std::string, ChildId>, Error>;

/// One `fleet` request on its way.
struct FleetRun {
  RequestPtr request;
  Options options;
  std::vector<FleetPart> parts;
  std::map<NodeName, FileCommands> files;  ///< What the members' own files have now. (query thread)
  Refusals refusals;                       ///< Steps that no member could carry out. (control thread)
  std::map<std::pair<std::string, ChildId>, std::optional<Error>> results;  ///< (control thread)
  std::size_t waiting = 0;                                                  ///< (control thread)

  void collect(const std::string& supervisor, const Outcomes& outcomes) {
    for (const auto& outcome : outcomes) results[{supervisor, outcome.id}] = outcome.error;
    if (--waiting == 0) answer();
  }
  void answer() const;
};
using RunPtr = std::shared_ptr<FleetRun>;

// ---- terms ----------------------------------------------------------------------------------------------

Term keys_term(const std::vector<std::string_view>& keys) {
  std::vector<Term> items;
  for (const auto key : keys) items.push_back(Term::atom(key));
  return Term::list(std::move(items));
}

Term step_term(const std::string& supervisor, const FleetStep& step, std::optional<Term> result) {
  std::vector<std::pair<Term, Term>> map{{Term::atom("supervisor"), Term::atom(supervisor)},
                                         {Term::atom("id"), step.id.to_term()},
                                         {Term::atom("action"), Term::atom(to_string(step.action))}};
  if (!step.keys.empty()) map.emplace_back(Term::atom("changed"), keys_term(step.keys));
  if (result) map.emplace_back(Term::atom("result"), std::move(*result));
  return Term::map(std::move(map));
}

Term unchanged_term(const std::string& supervisor, std::size_t count) {
  return Term::map({{Term::atom("supervisor"), Term::atom(supervisor)},
                    {Term::atom("action"), Term::atom("unchanged")},
                    {Term::atom("count"), Term(static_cast<std::int64_t>(count))}});
}

void FleetRun::answer() const {
  std::vector<Term> items;
  for (const FleetPart& part : parts) {
    const auto& name = part.driver->name();
    for (const FleetStep& step : part.plan.steps) {
      const auto key = std::make_pair(name, step.id);
      std::optional<Term> result;
      if (const auto refused = refusals.find(key); refused != refusals.end()) {
        result = error_term(refused->second);
      } else if (!options.dry_run && is_change(step.action)) {
        const auto found = results.find(key);
        result = found == results.end() ? error_term({Errc::timeout, "no answer in time"})
                 : found->second        ? error_term(*found->second)
                                        : Term::atom("ok");
      }
      items.push_back(step_term(name, step, std::move(result)));
    }
    items.push_back(unchanged_term(name, part.plan.unchanged));
  }
  request->reply(ok_term(Term::list(std::move(items))));
}

// ---- reading the request ----------------------------------------------------------------------------------

Result<bool> flag(const std::string& key, const Term& value) {
  if (value.is_atom("true")) return true;
  if (value.is_atom("false")) return false;
  return Error{Errc::invalid_argument, fmt::format("option {}: must be true or false", key)};
}

Result<Options> options_of(const Term& given) {
  const Term term = from_property_list(given).value_or(given);
  const auto* entries = term.as_map();
  if (!entries) return Error{Errc::invalid_argument, "options must be a map, not " + to_string(term, 200)};
  Options out;
  for (const auto& [name, value] : *entries) {
    const auto key = name.text().value_or(to_string(name, 100));
    if (key == "timeout") {
      const auto time = time_item(value);
      if (!time) return Error{Errc::invalid_argument, "option timeout: " + time.error().message};
      out.timeout = *time;
      continue;
    }
    bool* target = key == "dry_run"         ? &out.dry_run
                   : key == "prune"         ? &out.fleet.prune
                   : key == "start_stopped" ? &out.fleet.start_stopped
                                            : nullptr;
    if (!target)
      return Error{Errc::invalid_argument,
                   fmt::format("unknown option {}; allowed: dry_run, prune, start_stopped, timeout", key)};
    auto value_of = flag(key, value);
    if (!value_of) return value_of.error();
    *target = *value_of;
  }
  return out;
}

Error unknown_supervisor(const RequestPtr& request, const Term& key) {
  std::string known;
  for (const auto& driver : request->node.drivers()) known += (known.empty() ? "" : ", ") + driver->name();
  return {Errc::no_such_supervisor,
          fmt::format("no supervisor {} on {}; it runs: {}", key.text().value_or(to_string(key, 100)),
                      request->node.name().text(), known.empty() ? "none" : known)};
}

Result<std::vector<core::NamedSpec>> specs_of(const RequestPtr& request, const Driver& driver,
                                              const Term& children) {
  const auto* list = children.as_list();
  if (!list) return Error{Errc::invalid_argument, "fleet: the children must be a list of specs"};
  std::vector<core::NamedSpec> specs;
  specs.reserve(list->size());
  for (const Term& item : *list) {
    auto spec = core_spec(item, request->node);
    if (!spec) return spec.error();
    if (auto may = request->may_start(driver, **spec); !may) return may.error();
    specs.push_back(as_static(*spec));
  }
  return specs;
}

Result<std::vector<FleetPart>> plan(const RequestPtr& request, const FleetOptions& options) {
  const auto* by_supervisor = request->items[0].as_map();
  if (!by_supervisor)
    return Error{Errc::invalid_argument, "fleet takes a map of supervisors to lists of specs"};
  std::vector<FleetPart> parts;
  for (const auto& [key, value] : *by_supervisor) {
    const auto name = key.text();
    auto driver = name ? request->node.find(*name) : nullptr;
    if (!driver) return unknown_supervisor(request, key);
    if (driver->has_left()) return core::has_left(request->node.name());
    auto file = specs_of(request, *driver, value);
    if (!file) return file.error();
    if (auto fine = check_order(*file, driver->registry()); !fine) return fine.error();
    std::vector<FleetChild> now;
    driver->registry().for_each([&](const ChildId& id, const Entry& entry) {
      if (entry.spec) now.push_back({id, entry.spec, entry.wanted, entry.failed});
    });
    parts.push_back({driver, plan_fleet(now, *file, options)});
  }
  return parts;
}

// ---- what the members' own files have ---------------------------------------------------------------------

Term commands_term(const FileCommands& commands) {
  std::vector<std::pair<Term, Term>> map;
  for (const auto& [supervisor, tokens] : commands) {
    std::vector<Term> items;
    for (const auto& token : tokens) items.push_back(Term::binary(token));
    map.emplace_back(Term::atom(supervisor), Term::list(std::move(items)));
  }
  return Term::map(std::move(map));
}

std::optional<FileCommands> commands_from(const process::CallResult& answer) {
  if (!answer) return std::nullopt;
  const auto term = decode_term(*answer);
  if (!term || !term->is_record("ok", 2)) return std::nullopt;
  const auto* entries = (*term->as_tuple())[1].as_map();
  if (!entries) return std::nullopt;
  FileCommands out;
  for (const auto& [supervisor, tokens] : *entries) {
    const auto name = supervisor.text();
    const auto* list = tokens.as_list();
    if (!name || !list) continue;
    for (const Term& token : *list) {
      if (const auto text = token.text()) out[*name].insert(*text);
    }
  }
  return out;
}

std::vector<NodeName> other_members(const NodeImpl& node) {
  std::vector<NodeName> others;
  for (const auto& [name, views] : node.member_views()) {
    if (name != node.name() && node.connected_creation(name)) others.push_back(name);
  }
  return others;
}

/// Asks every other member; `then` runs once, on the query thread, when each has answered or taken too long.
void ask_members(NodeImpl& node, const Term& question,
                 const std::function<void(const NodeName&, const process::CallResult&)>& answered,
                 std::function<void()> then) {
  struct Wait {
    std::mutex mutex;
    std::size_t left = 0;
    std::function<void()> then;
  };
  const auto others = other_members(node);
  auto wait = std::make_shared<Wait>();
  wait->left = others.size() + 1;
  wait->then = std::move(then);
  const auto one_done = [wait, &queries = node.queries()] {
    const std::lock_guard lock(wait->mutex);
    if (--wait->left == 0) boost::asio::post(queries, std::move(wait->then));
  };
  for (const NodeName& other : others) {
    node.runtime().call_named({Atom("brood"), other}, encode_term(question), members_timeout,
                              [wait, other, answered, one_done](const process::CallResult& answer) {
                                {
                                  const std::lock_guard lock(wait->mutex);
                                  if (answered) answered(other, answer);
                                }
                                one_done();
                              });
  }
  one_done();
}

/// {file_commands}: what this node's own file has now; `undefined` where it has none. Changes nothing.
void file_commands(const RequestPtr& request) {
  const auto commands = request->node.file_commands();
  if (!commands) return request->fail(commands.error());
  request->reply(ok_term(*commands ? commands_term(**commands) : Term::atom("undefined")));
}

// ---- checking before anything is changed ------------------------------------------------------------------

/// The members as they will be once each has read its own file again.
std::vector<Candidate> members_to_be(const FleetRun& run, const Driver& driver) {
  auto members = candidates(driver.core());
  for (Candidate& member : members) {
    const auto file = run.files.find(member.name);
    if (file == run.files.end()) continue;
    std::set<std::string> offers = member.offers.names();
    std::erase_if(offers,
                  [](const std::string& offer) { return offer.starts_with("exec:") && offer != "exec:*"; });
    if (const auto tokens = file->second.find(driver.name()); tokens != file->second.end())
      offers.insert(tokens->second.begin(), tokens->second.end());
    member.offers = std::move(offers);
  }
  return members;
}

void check(FleetRun& run) {
  for (const FleetPart& part : run.parts) {
    const auto members = members_to_be(run, *part.driver);
    if (members.empty()) continue;  // the cluster forms yet: the starts wait for it, and are judged then
    for (const FleetStep& step : part.plan.steps) {
      // A retry is of what is there already: whether it can run now is for it to show.
      if (!step.spec || !is_change(step.action) || step.action == FleetAction::retry) continue;
      const auto refuse = [&](Error why) {
        run.refusals.emplace(std::make_pair(part.driver->name(), step.id), std::move(why));
      };
      if (auto fine = part.driver->accepts({step.id, step.spec}); !fine)
        refuse(fine.error());
      else if (auto why = why_nowhere(*step.spec, members))
        refuse(std::move(*why));
    }
  }
}

Error nothing_changed(const Refusals& refusals) {
  std::string words;
  std::size_t told = 0;
  for (const auto& [key, error] : refusals) {
    if (++told > refusals_told) break;
    words += fmt::format("{}{}: {}", words.empty() ? "" : "; ", key.second.text(), error.message);
  }
  if (refusals.size() > refusals_told) words += fmt::format("; and {} more", refusals.size() - refusals_told);
  return {refusals.begin()->second.code, "nothing was changed. " + words};
}

// ---- doing it ---------------------------------------------------------------------------------------------

void carry_out(const RunPtr& run) {
  struct Work {
    std::shared_ptr<Driver> driver;
    std::vector<core::NamedSpec> starts;
    std::vector<core::NamedSpec> changes;  ///< Of what is there; not of what is stopped meanwhile.
    std::vector<ChildId> removals;
    std::vector<ChildId> retries;
  };
  std::vector<Work> all;
  for (const FleetPart& part : run->parts) {
    Work work{part.driver, {}, {}, {}, {}};
    for (const FleetStep& step : part.plan.steps) {
      if (!is_change(step.action)) continue;
      if (step.action == FleetAction::remove)
        work.removals.push_back(step.id);
      else if (step.action == FleetAction::retry)
        work.retries.push_back(step.id);
      else
        (step.action == FleetAction::start ? work.starts : work.changes).push_back({step.id, step.spec});
    }
    run->waiting += (work.starts.empty() ? 0U : 1U) + (work.changes.empty() ? 0U : 1U) +
                    (work.removals.empty() ? 0U : 1U) + work.retries.size();
    all.push_back(std::move(work));
  }
  if (run->waiting == 0) return run->answer();
  const auto timeout = run->options.timeout;
  for (Work& work : all) {
    const auto collect = [run, name = work.driver->name()](const Outcomes& outcomes, bool) {
      run->collect(name, outcomes);
    };
    if (!work.starts.empty())
      work.driver->start({.mode = core::StartMode::apply, .timeout = timeout}, std::move(work.starts),
                         collect);
    if (!work.changes.empty())
      work.driver->start({.mode = core::StartMode::change, .timeout = timeout}, std::move(work.changes),
                         [collect](Outcomes outcomes, bool timed_out) {
                           for (core::Outcome& outcome : outcomes)
                             if (outcome.error && outcome.error->code == Errc::no_such_child)
                               outcome.error = Error{Errc::stopped, "it was stopped meanwhile, and stays so"};
                           collect(outcomes, timed_out);
                         });
    if (!work.removals.empty()) work.driver->stop(std::move(work.removals), timeout, collect);
    for (const ChildId& id : work.retries) work.driver->retry(id, timeout, collect);
  }
}

/// Every member trusts the commands of its own file as it is now; then the steps are carried out.
void reload_and_carry_out(const RunPtr& run) {
  auto& node = run->request->node;
  if (auto own = node.reload(); !own) return run->request->fail(own.error());
  ask_members(node, Term::atom("reload"), nullptr,
              [run] { boost::asio::post(run->request->node.control(), [run] { carry_out(run); }); });
}

void check_and_go_on(const RunPtr& run) {
  boost::asio::post(run->request->node.control(), [run] {
    check(*run);
    if (run->options.dry_run) return run->answer();
    if (!run->refusals.empty()) return run->request->fail(nothing_changed(run->refusals));
    boost::asio::post(run->request->node.queries(), [run] { reload_and_carry_out(run); });
  });
}

void begin(const RequestPtr& request, const Options& options) {
  auto parts = plan(request, options.fleet);
  if (!parts) return request->fail(parts.error());
  auto run = std::make_shared<FleetRun>(FleetRun{request, options, std::move(*parts), {}, {}, {}, 0});
  auto own = request->node.file_commands();
  if (!own) return request->fail(own.error());
  if (*own) run->files[request->node.name()] = std::move(**own);
  ask_members(
      request->node, Term::tuple({Term::atom("file_commands")}),
      [run](const NodeName& node, const process::CallResult& answer) {
        if (auto commands = commands_from(answer)) run->files[node] = std::move(*commands);
      },
      [run] { check_and_go_on(run); });
}

// What there is to be compared with, this node knows once it has joined.
void fleet(const RequestPtr& request) {
  auto options = options_of(request->items[1]);
  if (!options) return request->fail(options.error());
  once_up(request, options->timeout,
          [options = *options](const RequestPtr& joined) { begin(joined, options); });
}

}  // namespace

std::vector<Route> fleet_routes() {
  return {
      {"fleet", 2, Needs::nothing, fleet},
      {"file_commands", 0, Needs::nothing, file_commands},
  };
}

}  // namespace brood::supervisor
