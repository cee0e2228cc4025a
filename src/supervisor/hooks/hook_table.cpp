#include "supervisor/hooks/hook_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "process/log/log.hpp"

namespace brood::supervisor {
namespace {

constexpr std::size_t subscribers_max = 1000;
constexpr std::chrono::seconds line_every(10);

std::string plain_key(std::string key) {
  if (key.ends_with("_hook") && (kind_of(key) || key == "child_data_alter_hook")) key.resize(key.size() - 5);
  return key;
}

/// As plain_key() gives it.
bool is_own_key(const std::string& key) {
  return !key.empty() && !kind_of(key) && key != hooks::StartData::key;
}

bool starts_with(const ChildId& id, const std::string& prefix) {
  return prefix.empty() || Id(id).text().starts_with(prefix);
}

}  // namespace

HookTable::HookTable(std::string supervisor, HookLimits limits, std::shared_ptr<Lanes> lanes)
    : supervisor_(std::move(supervisor)), limits_(limits), lanes_(std::move(lanes)) {}

HookTable::PeoplePtr HookTable::people() const {
  const std::scoped_lock lock(mutex_);
  return people_;
}

void HookTable::replace(People people) {
  std::uint64_t kinds = 0;
  bool alters = false;
  for (const Hook& hook : people.hooks) {
    alters = alters || hook.alter != nullptr;
    if (hook.handler) kinds |= std::uint64_t{1} << kind_of(hook.key).value_or(own_kind);
  }
  for (const Subscriber& one : people.subscribers) {
    if (one.keys.empty()) kinds = ~std::uint64_t{0};
    for (const std::string& key : one.keys) kinds |= std::uint64_t{1} << kind_of(key).value_or(own_kind);
  }
  listens_ = !people.listeners.empty();
  people_ = std::make_shared<const People>(std::move(people));
  kinds_ = kinds;
  alters_ = alters && limits_.alter_timeout.count() > 0;
}

Result<void> HookTable::add(std::vector<Hook> hooks) {
  const std::scoped_lock lock(mutex_);
  People next = *people_;
  for (Hook& hook : hooks) {
    hook.key = plain_key(std::move(hook.key));
    if (hook.is_own && !hook.key.empty() && !is_own_key(hook.key))
      return Error{
          Errc::invalid_argument,
          fmt::format("hook '{0}': on_own() is for keys of the program's own, and '{1}' is brood's; its "
                      "hook is made by on<Event>(), or by on_start() for {2}",
                      hook.id, hook.key, hooks::StartData::key)};
    const bool alters = hook.key == hooks::StartData::key;
    if (hook.id.empty() || hook.key.empty() || (alters ? !hook.alter : !hook.handler))
      return Error{
          Errc::invalid_argument,
          fmt::format("hook '{}' of key '{}': it needs an id, a key and a handler", hook.id, hook.key)};
    const bool taken = std::any_of(next.hooks.begin(), next.hooks.end(), [&](const Hook& other) {
      return other.key == hook.key && other.id == hook.id;
    });
    if (taken)
      return Error{Errc::already_exists,
                   fmt::format("a hook '{}' of key {} is there already", hook.id, hook.key)};
    // Behind all of its key that are as great.
    const auto at = std::find_if(next.hooks.begin(), next.hooks.end(), [&](const Hook& other) {
      return other.key != hook.key ? other.key > hook.key : other.priority < hook.priority;
    });
    next.hooks.insert(at, std::move(hook));
  }
  replace(std::move(next));
  return {};
}

bool HookTable::cancel(const std::string& key, const std::string& id) {
  const std::scoped_lock lock(mutex_);
  People next = *people_;
  const std::string plain = plain_key(key);
  const auto gone =
      std::erase_if(next.hooks, [&](const Hook& hook) { return hook.key == plain && hook.id == id; });
  if (gone > 0) replace(std::move(next));
  return gone > 0;
}

std::vector<HookInfo> HookTable::list() const {
  std::vector<HookInfo> all;
  for (const Hook& hook : people()->hooks) all.push_back({hook.key, hook.id, hook.priority});
  return all;
}

std::uint64_t HookTable::listen(Listening listening) {
  const std::scoped_lock lock(mutex_);
  People next = *people_;
  next.listeners.push_back({++last_number_, std::move(listening)});
  replace(std::move(next));
  return last_number_;
}

void HookTable::unlisten(std::uint64_t number) {
  const std::scoped_lock lock(mutex_);
  People next = *people_;
  std::erase_if(next.listeners, [&](const Heard& one) { return one.number == number; });
  replace(std::move(next));
}

Result<std::uint64_t> HookTable::subscribe(std::vector<std::string> keys, Deliver deliver) {
  const std::scoped_lock lock(mutex_);
  if (people_->subscribers.size() >= subscribers_max)
    return Error{Errc::limit_exceeded, fmt::format("{} processes have subscribed already", subscribers_max)};
  People next = *people_;
  Subscriber one{++last_number_, {}, std::move(deliver)};
  for (std::string& key : keys) one.keys.insert(plain_key(std::move(key)));
  next.subscribers.push_back(std::move(one));
  replace(std::move(next));
  return last_number_;
}

void HookTable::unsubscribe(std::uint64_t number) {
  const std::scoped_lock lock(mutex_);
  People next = *people_;
  std::erase_if(next.subscribers, [&](const Subscriber& one) { return one.number == number; });
  replace(std::move(next));
}

bool HookTable::is_subscribed(std::uint64_t number) const {
  const PeoplePtr now = people();
  return std::any_of(now->subscribers.begin(), now->subscribers.end(),
                     [number](const Subscriber& one) { return one.number == number; });
}

// ---- telling --------------------------------------------------------------------------------------------

bool HookTable::take_room(std::atomic<std::size_t>& waiting) {
  if (waiting.fetch_add(1) < limits_.queue_max) return true;
  --waiting;
  ++dropped_;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  std::int64_t next = next_line_;
  if (now.count() >= next && next_line_.compare_exchange_strong(next, (now + line_every).count()))
    log::warn("{}: hooks are slower than what happens: {} events were dropped so far", supervisor_,
              dropped_.load());
  return false;
}

bool HookTable::tell(HookEvent event) {
  const PeoplePtr now = people();
  const bool is_handled = std::any_of(now->hooks.begin(), now->hooks.end(), [&](const Hook& hook) {
    return hook.handler && hook.key == key_of(event);
  });
  auto shared = std::make_shared<const HookEvent>(std::move(event));
  if (!now->subscribers.empty() && take_room(waiting_subscribers_)) {
    const bool put = lanes_->subscribers.put([self = shared_from_this(), shared] {
      self->deliver(*shared);
      --self->waiting_subscribers_;
    });
    if (!put) --waiting_subscribers_;
  }
  if (!is_handled) return true;
  if (!take_room(waiting_)) return false;
  const bool put = lanes_->events.put([self = shared_from_this(), shared] {
    self->run(*shared);
    --self->waiting_;
  });
  if (!put) --waiting_;
  return put;
}

Result<void> HookTable::emit(const std::string& key, Term data) {
  if (!is_own_key(plain_key(key)))
    return Error{Errc::invalid_argument, fmt::format("the key '{}' is not one of the program's own", key)};
  if (!wants(own_kind)) return {};
  if (tell(hooks::OwnEvent{key, std::move(data)})) return {};
  return Error{Errc::busy, "too many events wait for hooks; try again later"};
}

template <typename F>
void HookTable::guarded(const char* what, const std::string& id, const F& f) {
  const auto failed = [&](std::string_view words) {
    ++thrown_;
    log::warn("{}: {} '{}' threw: {}", supervisor_, what, id, words);
  };
  try {
    f();
  } catch (const std::exception& error) {
    failed(error.what());
  } catch (...) {
    failed("something that is no std::exception");
  }
}

void HookTable::run(const HookEvent& event) {
  for (const Hook& hook : people()->hooks) {
    if (!hook.handler || hook.key != key_of(event)) continue;
    guarded("the hook", hook.id, [&] { hook.handler(event); });
  }
  ++told_;
}

void HookTable::deliver(const HookEvent& event) {
  const std::string_view key = key_of(event);
  std::optional<Term> data;
  const PeoplePtr now = people();
  for (const Subscriber& one : now->subscribers) {
    if (!one.keys.empty() && !one.keys.contains(key)) continue;
    if (!data) data = data_term(event);
    if (!one.deliver(key, *data)) ++dropped_;
  }
}

void HookTable::tell_listeners(const std::optional<ChildId>& id, bool is_mine,
                               std::function<void(Listener&, const std::string&)> call) {
  if (!listens() || !take_room(waiting_)) return;
  const bool put = lanes_->events.put([self = shared_from_this(), id, is_mine, call = std::move(call)] {
    const PeoplePtr now = self->people();
    for (const Heard& one : now->listeners) {
      const Listening& how = one.listening;
      if (!how.listener || (id ? !starts_with(*id, how.id_prefix) : !is_mine && !how.every_node)) continue;
      self->guarded("the listener", std::to_string(one.number),
                    [&] { call(*how.listener, self->supervisor_); });
    }
    ++self->told_;
    --self->waiting_;
  });
  if (!put) --waiting_;
}

void HookTable::alter(hooks::StartData& data) {
  const PeoplePtr now = people();
  for (const Hook& hook : now->hooks) {
    if (!hook.alter) continue;
    const std::string worker = data.worker;
    const Term args = data.args;
    const std::uint64_t before = thrown_;
    guarded("the hook", hook.id, [&] { hook.alter(data); });
    if (thrown_ == before) continue;
    data.worker = worker;  // what it had changed by then is half a change
    data.args = args;
  }
}

void HookTable::end(std::chrono::milliseconds patience) {
  if (waiting_ > 0) {
    auto reached = std::make_shared<std::promise<void>>();
    auto future = reached->get_future();
    if (lanes_->events.put([reached] { reached->set_value(); })) (void)future.wait_for(patience);
  }
  const std::scoped_lock lock(mutex_);
  replace({});
}

HookCounters HookTable::counters() const {
  HookCounters counters;
  counters.told = told_;
  counters.thrown = thrown_;
  counters.dropped = dropped_;
  counters.late_alters = late_alters_;
  counters.subscribers = people()->subscribers.size();
  counters.waiting = waiting_ + waiting_subscribers_;
  return counters;
}

}  // namespace brood::supervisor
