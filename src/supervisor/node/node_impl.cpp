#include "supervisor/node/node_impl.hpp"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <cstdlib>
#include <future>
#include <random>

#include "core/wire.hpp"
#include "node/epmd/epmd.hpp"
#include "process/log/log.hpp"
#include "process/sched/left_behind.hpp"
#include "supervisor/driver/router.hpp"
#include "supervisor/driver/specs.hpp"
#include "supervisor/node/cookie.hpp"
#include "supervisor/node/node_names.hpp"
#include "supervisor/node/otp_names.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {

using std::chrono::milliseconds;

namespace {

/// How long an end of the node waits for a child whose spec has a longer patience, or none that ends.
constexpr milliseconds shutdown_max(30000);
/// What ending takes, beyond the patience of the specs.
constexpr milliseconds shutdown_grace(2000);

const Atom request_name("brood");

/// Tells starts of a node without EPMD apart; 0 means "any" in the protocol, small numbers are OTP's.
std::uint32_t random_creation() {
  std::random_device device;
  std::uint32_t creation = 0;
  while (creation < 16) creation = device();
  return creation;
}

std::uint16_t epmd_port(const NodeOptions& options) {
  if (options.epmd_port != 0) return options.epmd_port;
  const char* text = std::getenv("ERL_EPMD_PORT");
  const int port = text ? std::atoi(text) : 0;
  return port > 0 && port < 65536 ? static_cast<std::uint16_t>(port) : 4369;
}

bool proves_death(node::ConnectFailure failure) {
  return failure == node::ConnectFailure::connection_refused ||
         failure == node::ConnectFailure::not_registered || failure == node::ConnectFailure::other_node;
}

/// The node is there and does not want us, or we do not want it; trying again changes nothing.
bool is_refusal(node::ConnectFailure failure) {
  return failure == node::ConnectFailure::wrong_cookie || failure == node::ConnectFailure::no_tls ||
         failure == node::ConnectFailure::bad_certificate;
}

}  // namespace

NodeImpl::NodeImpl(NodeOptions options) : options_(std::move(options)), workers_(options_.exec_allow) {}

NodeImpl::~NodeImpl() {
  stop();
}

Result<std::shared_ptr<NodeImpl>> NodeImpl::start(NodeOptions options) {
  std::shared_ptr<NodeImpl> node(new NodeImpl(std::move(options)));
  if (auto opened = node->open(); !opened) return opened.error();
  return node;
}

Result<void> NodeImpl::open() {
  if (options_.tick_timeout < milliseconds(200)) {
    return Error{Errc::invalid_argument, "tick_timeout must be at least 200 ms"};
  }
  if (options_.erlang_tick_timeout < milliseconds(200)) {
    return Error{Errc::invalid_argument, "erlang_tick_timeout must be at least 200 ms"};
  }
  for (const std::string& seed : options_.join) {
    auto address = parse_node_address(seed);
    if (!address) return address.error();
    join_.push_back(address->name);
  }
  if (options_.name.empty()) {
    name_ = NodeName("nonode@nohost");
    creation_ = random_creation();
    if (!join_.empty()) {
      return Error{Errc::invalid_argument, "a node without a name cannot join others; give it a name"};
    }
  } else {
    auto creation = listen(options_.name);
    if (!creation) return creation.error();
    name_ = parse_node_address(options_.name)->name;
    creation_ = *creation;
  }
  process::RuntimeOptions runtime_options;
  runtime_options.threads = options_.threads;
  runtime_options.stuck_after = options_.stuck_after;
  runtime_ = std::make_unique<process::Runtime>(name_, creation_, runtime_options);
  exec::LauncherOptions launcher_options;
  launcher_options.shim_path = options_.shim_path;
  launcher_options.log_dir = options_.log_dir;
  launcher_options.log_bytes_max = options_.log_bytes_max;
  launcher_options.log_limits.keep_for = options_.log_keep;
  launcher_options.log_limits.bytes_max = options_.log_keep_bytes_max;
  launcher_options.heartbeat_limit = options_.tick_timeout / 2;
  launcher_ = std::make_unique<exec::Launcher>(control_, launcher_options);
  router_ = std::make_unique<Router>(*this);
  requests_ = std::make_unique<RequestServer>(*this);
  wire_network();
  run_threads();
  start_discovery();
  return {};
}

Result<std::uint32_t> NodeImpl::listen(const std::string& name) {
  auto address = parse_node_address(name);
  if (!address) return address.error();
  if (options_.cookie.empty()) {
    auto cookie = read_cookie(default_cookie_file());
    if (!cookie) return cookie.error();
    options_.cookie = std::move(*cookie);
  }
  node::DistributionOptions network;
  network.name = address->name;
  network.cookie = options_.cookie;
  network.tls = options_.tls;
  network.listen_address = options_.listen_address;
  network.listen_port_min = options_.port != 0 ? options_.port : address->port;
  network.epmd = options_.epmd;
  network.epmd_port = epmd_port(options_);
  network.hidden = options_.hidden;
  network.require_proof = !options_.unproven_peers && !options_.tls;
  network.send_total_max = options_.send_total_max;
  network.tick_timeout = options_.erlang_tick_timeout;  // until a node has shown that it is brood's
  warn_of_plain_exec();
  distribution_ = std::make_unique<node::Distribution>(network_, network);
  auto creation = distribution_->start();
  const bool may_start_epmd = options_.epmd && network.epmd_port == epmd_port(NodeOptions{});
  if (creation || creation.error().code != Errc::unreachable || !may_start_epmd) return creation;
  const std::string only_here = distribution_->loopback_address();
  if (auto started = node::epmd::start_epmd(only_here); !started) return creation;
  const char* asked = std::getenv("ERL_EPMD_ADDRESS");
  log::info("started EPMD, which did not run here, at {}; it stays when this node ends, until `epmd -kill`",
            asked != nullptr     ? asked
            : !only_here.empty() ? only_here
                                 : "all addresses of this machine (ERL_EPMD_ADDRESS gives it fewer)");
  // EPMD answers a little after it was started.
  const auto until = std::chrono::steady_clock::now() + milliseconds(3000);
  do {
    std::this_thread::sleep_for(milliseconds(20));
    creation = distribution_->start();
  } while (!creation && creation.error().code == Errc::unreachable &&
           std::chrono::steady_clock::now() < until);
  return creation;
}

void NodeImpl::wire_network() {
  workers_.on_change([weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self) return;
    for (auto& driver : self->drivers()) {
      driver->post(core::SettingsChanged{self->workers_.offers(driver->name()), driver->settings().weight});
    }
  });
  (void)runtime_->register_sink(peer_name,
                                [this](process::Incoming incoming) { on_peer_term(std::move(incoming)); });
  (void)runtime_->register_sink(request_name,
                                [this](const process::Incoming& incoming) { requests_->receive(incoming); });
  add_otp_names(*runtime_);
  if (!distribution_) return;
  wire_events(options_.join);
  wire_runtime();
}

void NodeImpl::wire_events(const std::vector<std::string>& join) {
  for (const std::string& seed : join) {
    auto address = parse_node_address(seed);
    if (address && address->port != 0)
      distribution_->set_address(address->name, address->host, address->port);
  }
  node::DistributionEvents events;
  events.on_up = [this](const node::PeerInfo& peer) { on_peer_up(peer); };
  events.on_down = [this](const node::PeerInfo& peer, node::DownReason reason, const std::string& words) {
    on_peer_down(peer, reason, words);
  };
  events.on_connect_failed = [this](const NodeName& node, node::ConnectFailure failure,
                                    const std::string& words) {
    on_seed_failed(node, failure, words);
    to_all_drivers(core::ConnectFailed{node, proves_death(failure), words});
  };
  distribution_->set_events(runtime_.get(), std::move(events));
}

void NodeImpl::wire_runtime() {
  runtime_->set_remote(distribution_.get());
  network_up_ = distribution_.get();
}

void NodeImpl::run_threads() {
  network_loop_ = std::make_shared<node::NetworkLoop>(network_);
  network_loop_->start();
  runtime_->set_poller(network_loop_);
  network_loop_->lend([runtime = runtime_.get()] { return runtime->wake_to_poll(); });
  for (auto* io : {&control_, &queries_}) {
    guards_.emplace_back(io->get_executor());
    threads_.emplace_back([io] { io->run(); });
  }
  Heart::Options heart;
  heart.limit = options_.tick_timeout / 2;
  heart.beat = [this] {
    runtime_->beat();
    launcher_->beat();
  };
  heart.fence = [this](bool on) { fence(on); };
  heart.on_gap = [this] {
    boost::asio::post(control_, [this] {
      for (auto& driver : drivers()) {
        driver->post(core::Tick{});
        driver->run_inbox();
      }
      heart_->gap_handled();
    });
  };
  runtime_->beat();
  runtime_->set_fence_limit(heart.limit);
  heart_ = std::make_unique<Heart>(std::move(heart));
  if (options_.report_crashes) {
    crash_guard_ =
        std::make_unique<CrashGuard>([this](const WorkerIdentity& child) { tell_of_crash(child); });
  }
}

void NodeImpl::tell_of_crash(const WorkerIdentity& child) {
  runtime_->set_fenced(true);  // nothing else begins in a program whose memory nobody can trust
  auto driver = find(child.supervisor);
  auto id = ChildId::from_term(child.child_id);
  if (!driver || !id) return;
  driver->post(core::Crashing{*id, core::Epoch{core::Hlc{child.epoch_clock}, name()}});
  std::promise<void> stepped;
  boost::asio::post(control_, [&] {
    driver->run_inbox();
    stepped.set_value();
  });
  if (stepped.get_future().wait_for(milliseconds(100)) != std::future_status::ready) return;
  const auto until = std::chrono::steady_clock::now() + milliseconds(100);
  for (const NodeName& peer : peers()) {
    while (distribution()->backlog(peer) > 0 && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(milliseconds(1));
    }
  }
}

void NodeImpl::stop() {
  if (stopped_.exchange(true)) return;
  { std::lock_guard lock(promote_mutex_); }  // one that is under way ends first
  if (threads_.empty()) {                    // open() failed half way
    if (distribution_) distribution_->stop(milliseconds(0));
    return;
  }
  up_.stop();
  crash_guard_.reset();
  if (distribution_) {  // else they were never started
    for (const auto& strategy : options_.discovery) strategy->stop();
  }
  auto all = drivers();
  // Beats go on meanwhile: the runtime must not fence the workers' last words.
  const bool emptied = end_children(all);
  const std::size_t stuck = runtime_->stop(milliseconds(2000));
  heart_.reset();
  if (distribution_) distribution_->stop(milliseconds(1000));
  guards_.clear();
  for (auto* io : {&control_, &queries_}) io->stop();
  network_loop_->stop();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  launcher_.reset();
  requests_.reset();
  router_.reset();
  runtime_->set_remote(nullptr);
  network_up_ = nullptr;
  distribution_.reset();
  if (stuck > 0 || !emptied) {
    // Handlers still run: their threads are left behind, and with them what their callbacks point into.
    log::warn("{} handlers still run; their threads are left behind", stuck);
    for (auto& driver : all) process::leave_behind(std::move(driver));
    process::leave_behind(shared_from_this());
    return;
  }
  all.clear();
  {
    std::lock_guard lock(mutex_);
    drivers_.clear();
  }
  runtime_.reset();
}

bool NodeImpl::end_children(const std::vector<std::shared_ptr<Driver>>& which) {
  return end_children(which, Children::Haste::by_spec) || end_children(which, Children::Haste::at_once);
}

bool NodeImpl::end_children(const std::vector<std::shared_ptr<Driver>>& which, Children::Haste haste) {
  struct Ending {
    std::promise<milliseconds> patience;
    std::promise<void> quiet;
  };
  std::vector<std::shared_ptr<Ending>> endings;
  for (const auto& driver : which) {
    auto ending = endings.emplace_back(std::make_shared<Ending>());
    boost::asio::post(control_, [driver, haste, ending] {
      ending->patience.set_value(driver->shut_down(haste, [ending] { ending->quiet.set_value(); }));
    });
  }
  milliseconds patience(0);
  for (const auto& ending : endings) patience = std::max(patience, ending->patience.get_future().get());
  const auto until = std::chrono::steady_clock::now() + std::min(patience, shutdown_max) + shutdown_grace;
  return std::all_of(endings.begin(), endings.end(), [&](const std::shared_ptr<Ending>& ending) {
    return ending->quiet.get_future().wait_until(until) == std::future_status::ready;
  });
}

// ---- supervisors -----------------------------------------------------------------------------------------

core::Settings NodeImpl::settings_for(const SupervisorOptions& options) const {
  core::Settings settings;
  settings.supervisor = options.name;
  settings.self = name();
  settings.creation = creation();
  settings.join = join_;
  std::erase(settings.join, name());
  settings.discovers = distribution() && !options_.discovery.empty();
  settings.weight = options.weight;
  settings.offers = workers_.offers(options.name);
  settings.address = own_address();
  settings.form_wait = options.form_wait;
  settings.expect = options.expect;
  settings.tick_timeout = options_.tick_timeout;
  settings.max_restarts = options.max_restarts;
  settings.max_seconds = options.max_seconds;
  return settings;
}

Result<std::shared_ptr<Driver>> NodeImpl::add_supervisor(SupervisorOptions options) {
  if (options.name.empty() || options.name.size() > 255) {
    return Error{Errc::invalid_argument, "a supervisor needs a name of 1 to 255 characters"};
  }
  std::vector<core::SpecPtr> specs;
  std::set<std::string> tokens;
  for (const ChildSpec& child : options.children) {
    auto spec = core_spec(child, *this);
    if (!spec)
      return Error{spec.error().code, fmt::format("supervisor '{}': {}", options.name, spec.error().message)};
    auto made = std::make_shared<core::Spec>(**spec);
    made->is_static = true;
    if (made->is_program()) tokens.insert(made->needs);
    specs.push_back(std::move(made));
  }
  workers_.trust(options.name, std::move(tokens));
  std::shared_ptr<Driver> driver;
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return Error{Errc::invalid_argument, "the node has stopped"};
    if (drivers_.contains(options.name)) {
      return Error{Errc::already_exists, fmt::format("a supervisor named '{}' already runs on node {}",
                                                     options.name, name().value)};
    }
    driver = std::make_shared<Driver>(*this, settings_for(options));
    drivers_.emplace(options.name, driver);
  }
  up_.begins(options.name);
  boost::asio::post(control_, [driver, specs = std::move(specs)]() mutable {
    driver->boot();
    if (specs.empty()) return;
    driver->start(core::StartMode::ensure, std::move(specs), std::nullopt, std::chrono::hours(24),
                  [name = driver->name()](const Outcomes& outcomes, bool) {
                    for (const auto& outcome : outcomes) {
                      if (outcome.error) {
                        log::warn("{}: static child {}: {}", name, outcome.id.text(), outcome.error->message);
                      }
                    }
                  });
  });
  return driver;
}

void NodeImpl::remove_supervisor(const std::string& name) {
  std::shared_ptr<Driver> driver;
  {
    std::lock_guard lock(mutex_);
    auto it = drivers_.find(name);
    if (it == drivers_.end()) return;
    driver = it->second;
  }
  if (!stopped_) {
    std::promise<void> drained;
    driver->drain(Driver::Drain::for_good, milliseconds(10000),
                  [&drained](const Outcomes&, bool) { drained.set_value(); });
    drained.get_future().wait();
    // What cannot even be killed keeps its driver.
    if (!end_children({driver})) process::leave_behind(driver);
  }
  up_.settled(name);
  std::lock_guard lock(mutex_);
  drivers_.erase(name);
}

std::shared_ptr<Driver> NodeImpl::find(const std::string& name) const {
  std::lock_guard lock(mutex_);
  auto it = drivers_.find(name);
  return it == drivers_.end() ? nullptr : it->second;
}

std::vector<std::shared_ptr<Driver>> NodeImpl::drivers() const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Driver>> all;
  for (const auto& [name, driver] : drivers_) all.push_back(driver);
  return all;
}

ChildId NodeImpl::unique_id() {
  return *ChildId::binary(fmt::format("{}-{:x}-{}", name().value.substr(0, 200), creation(), next_id_++));
}

void NodeImpl::drain(Driver::Drain kind, milliseconds timeout, std::function<void(Result<void>)> done) {
  draining_ = true;
  struct Count {
    std::size_t left;
    Result<void> result;
    std::function<void(Result<void>)> done;
  };
  auto all = drivers();
  if (all.empty()) {
    done({});
    return;
  }
  // All drains end on the control thread, so the count needs no lock.
  auto count = std::make_shared<Count>(Count{all.size(), {}, std::move(done)});
  for (auto& driver : all) {
    driver->drain(kind, timeout, [this, count, driver](const Outcomes& outcomes, bool timed_out) {
      if (timed_out) {
        count->result =
            Error{Errc::timeout, fmt::format("supervisor '{}' still has children here", driver->name())};
      }
      for (const auto& outcome : outcomes) {
        if (outcome.error) count->result = *outcome.error;
      }
      if (--count->left == 0) {
        if (!count->result) draining_ = false;
        count->done(std::move(count->result));
      }
    });
  }
}

void NodeImpl::on_seed_failed(const NodeName& node, node::ConnectFailure failure, const std::string& words) {
  {
    std::lock_guard lock(mutex_);
    if (std::find(join_.begin(), join_.end(), node) == join_.end() || runtime_->is_here(node)) return;
  }
  if (is_refusal(failure)) {
    up_.refused(node.value, {Errc::not_allowed, fmt::format("cannot join {}", words)});
  } else {
    up_.gone(node.value);
  }
  warn_of_seed(node, failure, words);
}

// A seed that cannot be joined makes two clusters of one: say so, but not with each try.
void NodeImpl::warn_of_seed(const NodeName& node, node::ConnectFailure failure, const std::string& words) {
  const auto now = std::chrono::steady_clock::now();
  {
    std::lock_guard lock(mutex_);
    auto [it, first] = seed_warnings_.try_emplace({node, failure}, now);
    if (!first && now - it->second < std::chrono::minutes(1)) return;
    it->second = now;
  }
  if (failure == node::ConnectFailure::other_node) {
    log::warn("cannot join seed {}; give `join` that name, or this node will form a cluster of its own",
              words);
  } else if (proves_death(failure)) {
    log::info("seed {} does not run yet: {}", node.value, words);
  } else {
    log::warn("cannot join seed {}: {}", node.value, words);
  }
}

void NodeImpl::start_discovery() {
  if (!distribution()) return;  // promote() does it
  for (const auto& strategy : options_.discovery) {
    DiscoveryHost host;
    host.name = name().value;
    host.port = distribution()->port();
    host.epmd = options_.epmd;
    host.epmd_port = epmd_port(options_);
    host.cookie = options_.cookie;
    host.found = [this](const std::string& address) { on_found(address); };
    strategy->start(std::move(host));
  }
}

// ---- the network -----------------------------------------------------------------------------------------

void NodeImpl::to_all_drivers(const core::Event& event) {
  for (auto& driver : drivers()) driver->post(event);
}

/// {Supervisor, <<Message>>}, as Driver::send() writes it: a binary, so that it is read where it lies.
void NodeImpl::on_peer_term(process::Incoming incoming) {
  const auto creation = proven_creation(incoming.from.node);
  if (!creation) return;
  note_brood(incoming.from.node);
  TermReader reader(incoming.term);
  if (!reader.version() || !reader.tuple(2)) return;
  auto name = reader.atom();
  if (!name) return;
  auto driver = find(*name);
  if (!driver) return;
  auto bytes = reader.binary();
  if (!bytes) return;
  auto body = core::decode(*bytes);
  if (!body) {
    log::warn("{}: message from {} was not understood: {}", *name, incoming.from.node.value,
              body.error().message);
    return;
  }
  if (distribution() && std::holds_alternative<core::Hello>(*body)) {
    distribution()->set_tick_timeout(incoming.from.node, options_.tick_timeout);
  }
  driver->post(core::PeerMessage{incoming.from.node, *creation, std::move(*body)});
}

void NodeImpl::send_to_peer(const NodeName& to, const Bytes& term) {
  // Nothing of the cluster is told to who has not proved to be of it.
  if (!distribution() || !distribution()->is_proven(to) || !connected_creation(to)) return;
  distribution()->send_named(Pid{name(), 0, 0, creation()}, {peer_name, to}, term);
}

void NodeImpl::connect(const NodeName& node, const std::string& address, bool last_known) {
  if (!distribution()) return;
  if (const auto where = parse_host(address); where && where->port != 0)
    distribution()->suggest_address(node, where->host, where->port);
  if (last_known) {
    distribution()->connect_last_known(node);
  } else {
    distribution()->connect(node);
  }
}

void NodeImpl::disconnect(const NodeName& node) {
  if (distribution()) distribution()->disconnect(node);
}

std::map<NodeName, std::uint32_t> NodeImpl::connected() const {
  std::lock_guard lock(mutex_);
  return connected_;
}

std::optional<std::uint32_t> NodeImpl::connected_creation(const NodeName& node) const {
  std::lock_guard lock(mutex_);
  auto it = connected_.find(node);
  if (it == connected_.end()) return std::nullopt;
  return it->second;
}

std::vector<NodeName> NodeImpl::peers() const {
  std::vector<NodeName> names;
  for (const auto& [name, creation] : connected()) names.push_back(name);
  return names;
}

void NodeImpl::fence(bool on) {
  std::lock_guard lock(mutex_);
  fences_ += on ? 1 : -1;
  runtime_->set_fenced(fences_ > 0);
}

void NodeImpl::member_changed(const std::string& supervisor, const core::MemberEvent& event) {
  if (event.state == core::MemberState::up && is_here(event.session.node)) up_.settled(supervisor);
  std::lock_guard lock(mutex_);
  members_[event.session.node][supervisor] = {std::string(core::to_string(event.state)),
                                              event.state == core::MemberState::up};
}

std::map<NodeName, std::map<std::string, MemberView>> NodeImpl::member_views() const {
  std::lock_guard lock(mutex_);
  return members_;
}

void NodeImpl::on_reload(std::function<Result<FileCommands>()> read) {
  std::lock_guard lock(mutex_);
  read_file_ = std::move(read);
}

Result<std::optional<NodeImpl::FileCommands>> NodeImpl::file_commands() const {
  std::function<Result<FileCommands>()> read;
  {
    std::lock_guard lock(mutex_);
    read = read_file_;
  }
  if (!read) return std::optional<FileCommands>{};
  auto commands = read();
  if (!commands) return commands.error();
  return std::optional<FileCommands>(std::move(*commands));
}

Result<void> NodeImpl::reload() {
  auto commands = file_commands();
  if (!commands) return commands.error();
  if (!*commands) return {};
  for (auto& [supervisor, tokens] : **commands) worker_table().trust(supervisor, std::move(tokens));
  return {};
}

}  // namespace brood::supervisor
