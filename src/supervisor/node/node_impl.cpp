#include "supervisor/node/node_impl.hpp"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <future>
#include <random>
#include <system_error>

#include "supervisor/node/otp_names.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {

using std::chrono::milliseconds;

namespace {

const Atom request_name("brood");

/// Tells starts of a node without EPMD apart; 0 means "any" in the protocol, small numbers are OTP's.
std::uint32_t random_creation() {
  std::random_device device;
  std::uint32_t creation = 0;
  while (creation < 16) creation = device();
  return creation;
}

Result<void> check(const NodeOptions& options) {
  if (options.tick_timeout < milliseconds(200))
    return Error{Errc::invalid_argument, "tick_timeout must be at least 200 ms"};
  if (options.erlang_tick_timeout < milliseconds(200))
    return Error{Errc::invalid_argument, "erlang_tick_timeout must be at least 200 ms"};
  if (options.name.empty() && !options.join.empty())
    return Error{Errc::invalid_argument, "a node without a name cannot join others; give it a name"};
  return {};
}

}  // namespace

NodeImpl::NodeImpl(NodeOptions options) : options_(std::move(options)), workers_(options_.exec_allow) {}

NodeImpl::~NodeImpl() {
  stop();
}

Result<std::shared_ptr<NodeImpl>> NodeImpl::start(NodeOptions options) {
  std::shared_ptr<NodeImpl> node(new NodeImpl(std::move(options)));
  try {
    if (auto opened = node->open(); !opened) return opened.error();
  } catch (const std::system_error& error) {  // of a thread that cannot be had
    return Error{Errc::io, fmt::format("the node cannot start its threads: {}", error.what())};
  }
  return node;
}

Result<void> NodeImpl::open() {
  if (auto checked = check(options_); !checked) return checked;
  const auto seeds = parse_node_addresses(options_.join);
  if (!seeds) return seeds.error();
  if (options_.name.empty()) {
    make_parts(NodeName("nonode@nohost"), random_creation());
  } else {
    auto creation = network_.listen(options_.name);
    if (!creation) return creation.error();
    make_parts(parse_node_address(options_.name)->name, *creation);
    network_.set_events(*runtime_, events_->events());
    network_.go_up(*runtime_);
    learn(*seeds);
  }
  run_threads();
  if (network_.is_up()) start_discovery();
  return {};
}

void NodeImpl::learn(const std::vector<NodeAddress>& seeds) {
  for (const NodeAddress& seed : seeds) {
    seeds_.add(seed.name);
    network_.set_address(seed.name, seed.host, seed.port);
  }
}

void NodeImpl::make_parts(const NodeName& name, std::uint32_t creation) {
  process::RuntimeOptions runtime;
  runtime.threads = options_.threads;
  runtime.stuck_after = options_.stuck_after;
  runtime_ = std::make_unique<process::Runtime>(name, creation, runtime);
  fences_ = std::make_unique<Fences>(*runtime_);
  exec::LauncherOptions launcher;
  launcher.shim_path = options_.shim_path;
  launcher.log_dir = options_.log_dir;
  launcher.log_bytes_max = options_.log_bytes_max;
  launcher.log_limits.keep_for = options_.log_keep;
  launcher.log_limits.bytes_max = options_.log_keep_bytes_max;
  launcher.heartbeat_limit = options_.tick_timeout / 2;
  launcher_ = std::make_unique<exec::Launcher>(control(), launcher);
  router_ = std::make_unique<Router>(*this);
  requests_ = std::make_unique<RequestServer>(*this);
  trust_ = std::make_unique<NodeTrust>(options_, *runtime_, network_, peers_);
  events_ = std::make_unique<PeerEvents>(PeerEvents::Parts{options_, *runtime_, network_, peers_, watch_,
                                                           seeds_, up_, *trust_, supervisors_, *requests_});
  make_heart();
  workers_.on_change([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    for (const auto& driver : self->drivers())
      driver->post(core::SettingsChanged{self->workers_.offers(driver->name()), driver->weight()});
  });
  (void)runtime_->register_sink(peer_name,
                                [this](const process::Incoming& incoming) { events_->receive(incoming); });
  (void)runtime_->register_sink(request_name,
                                [this](const process::Incoming& incoming) { requests_->receive(incoming); });
  add_otp_names(*runtime_);
}

void NodeImpl::make_heart() {
  Heart::Options heart;
  heart.limit = options_.tick_timeout / 2;
  heart.beat = [this] {
    runtime_->beat();
    launcher_->beat();
  };
  heart.fence = [this](bool on) { fence(on); };
  heart.on_gap = [this] {
    boost::asio::post(control(), [this] {
      for (const auto& driver : drivers()) driver->handle_now(core::Tick{});
      heart_->gap_handled();
    });
  };
  heart_ = std::make_unique<Heart>(std::move(heart));
}

void NodeImpl::run_threads() {
  network_.start(*runtime_);
  loops_.start();
  runtime_->beat();
  runtime_->set_fence_limit(options_.tick_timeout / 2);
  heart_->start();
  if (options_.report_crashes)
    crash_guard_ = std::make_unique<CrashGuard>([this](const WorkerIdentity& who) { tell_of_crash(who); });
}

void NodeImpl::tell_of_crash(const WorkerIdentity& child) {
  runtime_->set_fenced(true);  // nothing else begins in a program whose memory nobody can trust
  auto driver = find(child.supervisor);
  auto id = ChildId::of(child.child_id);
  if (!driver || !id) return;
  // Shared: a control thread that is late must not write into this frame.
  auto stepped = std::make_shared<std::promise<void>>();
  boost::asio::post(control(),
                    [driver, stepped, crash = core::Crashing{*id, {core::Hlc{child.epoch_clock}, name()}}] {
                      driver->handle_now(crash);
                      stepped->set_value();
                    });
  if (stepped->get_future().wait_for(milliseconds(100)) != std::future_status::ready) return;
  network_.flush(peers(), std::chrono::steady_clock::now() + milliseconds(100));
}

void NodeImpl::start_discovery() {
  for (const auto& strategy : options_.discovery) {
    DiscoveryHost host;
    host.name = name();
    host.port = network_.distribution()->port();
    host.epmd = options_.epmd;
    host.epmd_port = epmd_port(options_);
    host.cookie = network_.cookie();
    host.found = [this](const std::string& address) {
      if (const auto pass = enter()) events_->found(address);
    };
    strategy->start(std::move(host));
  }
}

ChildId NodeImpl::unique_id() {
  return *ChildId::binary(fmt::format("{}-{:x}-{}", name().text().substr(0, 200), creation(), next_id_++));
}

Pid NodeImpl::present(const Pid& pid) const {
  return is_here(pid.node) && runtime_->is_alive(pid) ? Pid{name(), pid.id, pid.serial, creation()} : pid;
}

void NodeImpl::send_to_peer(const NodeName& to, std::vector<EncodedTerm> terms) {
  // Nothing of the cluster is told to who has not proved to be of it.
  if (network_.is_proven(to) && peers_.creation_of(to))
    network_.send(Pid{name(), 0, 0, creation()}, {peer_name, to}, std::move(terms));
}

void NodeImpl::member_changed(const std::string& supervisor, const core::MemberEvent& event) {
  peers_.member_changed(supervisor, event);
}

Result<void> NodeImpl::reload() {
  auto commands = file_commands();
  if (!commands) return commands.error();
  if (!*commands) return {};
  for (auto& [supervisor, tokens] : **commands) workers_.trust(supervisor, std::move(tokens));
  return {};
}

}  // namespace brood::supervisor
