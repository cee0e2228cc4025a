#include "process/local/spec_terms.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace brood::process {

namespace {

/// A word of a spec and what it means.
template <typename T>
struct Word {
  std::string_view word;
  T value;
};
constexpr Word<RestartStrategy> strategies[] = {{"one_for_one", RestartStrategy::one_for_one},
                                                {"one_for_all", RestartStrategy::one_for_all},
                                                {"rest_for_one", RestartStrategy::rest_for_one}};
constexpr Word<AutoShutdown> auto_shutdowns[] = {{"never", AutoShutdown::never},
                                                 {"any_significant", AutoShutdown::any_significant},
                                                 {"all_significant", AutoShutdown::all_significant}};
constexpr Word<Restart> restarts[] = {
    {"permanent", Restart::permanent}, {"transient", Restart::transient}, {"temporary", Restart::temporary}};
constexpr Word<ChildType> types[] = {{"worker", ChildType::worker}, {"supervisor", ChildType::supervisor}};
constexpr Word<bool> booleans[] = {{"true", true}, {"false", false}};

template <typename T, std::size_t N>
std::string_view word_of(const Word<T> (&words)[N], T value) {
  for (const auto& word : words)
    if (word.value == value) return word.word;
  return "undefined";
}

Error bad(std::string_view where, std::string_view key, std::string_view what) {
  return {Errc::invalid_argument, fmt::format("{}, {}: {}", where, key, what)};
}

/// Where in the whole something is wrong, and reading one value of it. Text counts as the atom, for files
/// that know no atoms.
struct Place {
  std::string words;

  [[nodiscard]] Error bad(std::string_view key, std::string_view what) const {
    return process::bad(words, key, what);
  }

  template <typename T, std::size_t N>
  Result<void> read(std::string_view key, const Term& value, const Word<T> (&words_known)[N], T& into) const {
    const auto text = value.text();
    std::string known;
    for (const auto& word : words_known) {
      if (text == word.word) {
        into = word.value;
        return {};
      }
      known += fmt::format("{}{}", known.empty() ? "" : ", ", word.word);
    }
    return bad(key, fmt::format("must be one of {}, not {}", known, to_string(value, 100)));
  }

  Result<std::int64_t> number(std::string_view key, const Term& value, std::int64_t least) const {
    constexpr std::int64_t most = 1'000'000'000;
    const auto* number = value.as_integer();
    if (number == nullptr || *number < least || *number > most)
      return bad(key,
                 fmt::format("must be a number from {} to {}, not {}", least, most, to_string(value, 100)));
    return *number;
  }
};

Result<void> read_flag(const Place& place, SupervisorSpec& spec, const std::string& key, const Term& value) {
  if (key == "strategy") {
    if (value.text() == "simple_one_for_one")
      return place.bad(
          key,
          "simple_one_for_one is what the distributed supervisor does itself: start such children "
          "there, each under its own id");
    return place.read(key, value, strategies, spec.strategy);
  }
  if (key == "auto_shutdown") return place.read(key, value, auto_shutdowns, spec.auto_shutdown);
  if (key == "intensity") {
    const auto number = place.number(key, value, 0);
    if (!number) return number.error();
    spec.intensity = static_cast<std::uint32_t>(*number);
    return {};
  }
  if (key == "period") {
    const auto number = place.number(key, value, 1);
    if (!number) return number.error();
    spec.period = std::chrono::seconds(*number);
    return {};
  }
  return place.bad(key, "unknown key; allowed: strategy, intensity, period, auto_shutdown");
}

Result<void> set_worker(const Place& place, InnerSpec& spec, const Term& worker) {
  auto name = worker.text();
  if (!name || name->empty()) return place.bad("start", to_string(worker, 100) + " is not a worker's name");
  if (*name == "exec")
    return place.bad("start", "a program cannot be an inner child; make it a child of the distributed one");
  spec.run.name = std::move(*name);
  return {};
}

Result<void> set_args(const Place& place, InnerSpec& spec, const Term& arguments) {
  if (arguments.as_list() == nullptr)
    return place.bad("start", "the arguments must be a list, not " + to_string(arguments, 200));
  spec.run.args = arguments.as_list()->empty() ? EncodedTerm{} : encode_term(arguments);
  return {};
}

Result<void> read_start(const Place& place, InnerSpec& spec, const Term& start) {
  const auto* items = start.as_tuple();
  const bool fits = items != nullptr && (items->size() == 2 || items->size() == 3);
  if (!fits && !start.as_atom() && !start.as_binary())
    return place.bad("start", "must be {Worker, Args}, not " + to_string(start, 200));
  if (auto set = set_worker(place, spec, fits ? items->front() : start); !set) return set;
  return fits ? set_args(place, spec, items->back()) : Result<void>();
}

Result<void> read_shutdown(const Place& place, InnerSpec& spec, const Term& value) {
  const auto text = value.text();
  if (text == "infinity") {
    spec.shutdown = {.infinity = true};
  } else if (text == "brutal_kill") {
    spec.shutdown.patience = std::chrono::milliseconds(0);
  } else if (const auto* ms = value.as_integer(); ms != nullptr && *ms >= 0 && *ms <= 31'536'000'000) {
    spec.shutdown.patience = std::chrono::milliseconds(*ms);
  } else {
    return place.bad("shutdown",
                     "must be milliseconds, brutal_kill or infinity, not " + to_string(value, 100));
  }
  return {};
}

Result<void> read_key(const Place& place, InnerSpec& spec, const std::string& key, const Term& value) {
  if (key == "id" || key == "modules") return {};
  if (key == "start") return read_start(place, spec, value);
  if (key == "worker") return set_worker(place, spec, value);
  if (key == "args") return set_args(place, spec, value);
  if (key == "restart") return place.read(key, value, restarts, spec.restart);
  if (key == "shutdown") return read_shutdown(place, spec, value);
  if (key == "type") return place.read(key, value, types, spec.run.type);
  if (key == "significant") return place.read(key, value, booleans, spec.significant);
  return place.bad(
      key,
      "unknown key; allowed: id, start, restart, shutdown, type, significant, modules (and worker, "
      "args in the place of start)");
}

/// OTP's bad_combination.
Result<void> check_significant(const Place& place, const InnerSpec& spec, AutoShutdown auto_shutdown) {
  if (!spec.significant) return {};
  if (auto_shutdown == AutoShutdown::never)
    return place.bad("significant",
                     "true needs auto_shutdown any_significant or all_significant; it is never");
  if (spec.restart == Restart::permanent)
    return place.bad("significant",
                     "true is for transient and temporary children; a permanent one never ends for good");
  return {};
}

const Term* find(const Term& map, std::string_view key) {
  return map.get(key);
}

/// All that one spec says, but what only its supervisor can judge.
Result<InnerSpec> read_entries(const Term& term) {
  const auto* entries = term.as_map();
  if (entries == nullptr)
    return bad("inner child", "spec", "must be a map with id and start, not " + to_string(term, 200));
  const Term* id = find(term, "id");
  if (id == nullptr) return bad("inner child", "id", "is missing in " + to_string(term, 200));
  if (*id == Term()) return bad("inner child", "id", "must not be the empty list");
  InnerSpec spec{.id = Id(*id)};
  const Place place{fmt::format("inner child '{}'", spec.id.text())};
  for (const auto& [key, value] : *entries) {
    const auto name = key.text();
    if (!name) return place.bad(to_string(key, 100), "keys must be atoms");
    if (auto read = read_key(place, spec, *name, value); !read) return read.error();
  }
  if (spec.run.name.empty()) return place.bad("start", "is missing; it says what to run: {Worker, Args}");
  const bool is_supervisor = spec.run.name == supervisor_worker;
  if (is_supervisor && find(term, "type") == nullptr) spec.run.type = ChildType::supervisor;
  spec.shutdown = spec.shutdown.of(spec.run.type);
  if (is_supervisor) {
    if (auto below = read_supervisor(spec.run.args); !below)
      return Error{below.error().code, fmt::format("{}: {}", place.words, below.error().message)};
  }
  return spec;
}

Result<void> add_children(SupervisorSpec& spec, const std::vector<Term>& specs) {
  std::set<Term> ids;
  for (const Term& each : specs) {
    auto inner = read_inner(each, spec.auto_shutdown);
    if (!inner) return inner.error();
    if (!ids.insert(inner->id.term()).second)
      return bad("supervisor", "children", fmt::format("the id '{}' is there twice", inner->id.text()));
    spec.children.push_back(std::move(*inner));
  }
  return {};
}

Term flags_term(const SupervisorSpec& spec) {
  return Term::map({{Term::atom("strategy"), Term::atom(word_of(strategies, spec.strategy))},
                    {Term::atom("intensity"), Term(std::int64_t{spec.intensity})},
                    {Term::atom("period"), Term(std::int64_t{spec.period.count()})},
                    {Term::atom("auto_shutdown"), Term::atom(word_of(auto_shutdowns, spec.auto_shutdown))}});
}

Term args_term(const InnerSpec& spec) {
  auto arguments = spec.run.args.empty() ? Result<Term>(Term::list({})) : decode_term(spec.run.args);
  return arguments ? *std::move(arguments) : Term::atom("undefined");
}

}  // namespace

std::string_view to_string(Restart restart) noexcept {
  return word_of(restarts, restart);
}
std::string_view to_string(ChildType type) noexcept {
  return word_of(types, type);
}

Term reason_of(const Error& error) {
  if (auto detail = decode_term(error.detail)) return *std::move(detail);
  return Term::tuple({Term::atom(brood::to_string(error.code)), Term::binary(error.message)});
}

Result<InnerSpec> read_inner(const Term& term, AutoShutdown auto_shutdown) {
  auto spec = read_entries(term);
  if (!spec) return spec;
  const Place place{fmt::format("inner child '{}'", spec->id.text())};
  if (auto fine = check_significant(place, *spec, auto_shutdown); !fine) return fine.error();
  return spec;
}

Result<SupervisorSpec> read_supervisor(BytesView args) {
  const auto term = args.empty() ? Result<Term>(Term::list({})) : decode_term(args);
  if (!term) return term.error();
  const auto* items = term->as_list();
  const auto* flags = items != nullptr && items->size() == 2 ? items->front().as_map() : nullptr;
  const auto* specs = flags != nullptr ? items->back().as_list() : nullptr;
  if (specs == nullptr)
    return Error{Errc::invalid_argument,
                 "the start arguments of a supervisor are [Flags, Specs], a map and a list of maps, not " +
                     to_string(*term, 200)};
  SupervisorSpec spec;
  const Place place{"supervisor"};
  for (const auto& [key, value] : *flags) {
    const auto name = key.text();
    if (!name) return place.bad(to_string(key, 100), "keys must be atoms");
    if (auto read = read_flag(place, spec, *name, value); !read) return read.error();
  }
  if (auto added = add_children(spec, *specs); !added) return added.error();
  return spec;
}

Term inner_term(const InnerSpec& spec) {
  const Shutdown given = spec.shutdown.of(spec.run.type);
  Term shutdown = given.infinity                 ? Term::atom("infinity")
                  : given.patience->count() == 0 ? Term::atom("brutal_kill")
                                                 : Term(std::int64_t{given.patience->count()});
  return Term::map({{Term::atom("id"), spec.id.term()},
                    {Term::atom("start"), Term::tuple({Term::atom(spec.run.name), args_term(spec)})},
                    {Term::atom("restart"), Term::atom(to_string(spec.restart))},
                    {Term::atom("shutdown"), std::move(shutdown)},
                    {Term::atom("type"), Term::atom(to_string(spec.run.type))},
                    {Term::atom("significant"), Term(spec.significant)}});
}

std::set<std::string> workers_of(const SupervisorSpec& spec) {
  std::set<std::string> workers{std::string(supervisor_worker)};
  for (const InnerSpec& inner : spec.children) {
    workers.insert(inner.run.name);
    if (inner.run.name != supervisor_worker) continue;
    if (const auto below = read_supervisor(inner.run.args)) workers.merge(workers_of(*below));
  }
  return workers;
}

}  // namespace brood::process

namespace brood::inline v0 {

EncodedTerm SupervisorSpec::args() const {
  std::vector<Term> specs;
  specs.reserve(children.size());
  for (const InnerSpec& inner : children) specs.push_back(process::inner_term(inner));
  return encode_term(Term::list({process::flags_term(*this), Term::list(std::move(specs))}));
}

}  // namespace brood::inline v0
