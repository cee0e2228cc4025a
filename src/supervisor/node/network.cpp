#include "supervisor/node/network.hpp"

#include <boost/asio/post.hpp>
#include <cstdlib>
#include <future>
#include <thread>

#include "node/epmd/epmd.hpp"
#include "node/net/names.hpp"
#include "process/log/log.hpp"
#include "supervisor/node/cookie.hpp"
#include "supervisor/node/node_names.hpp"
#include "supervisor/node/node_trust.hpp"

namespace brood::supervisor {

using std::chrono::milliseconds;

std::uint16_t epmd_port(const NodeOptions& options) {
  if (options.epmd_port != 0) return options.epmd_port;
  const char* text = std::getenv("ERL_EPMD_PORT");
  const int port = text ? std::atoi(text) : 0;
  return port > 0 && port < 65536 ? static_cast<std::uint16_t>(port) : 4369;
}

Network::~Network() {
  if (loop_) loop_->stop();
}

Result<std::uint32_t> Network::listen(const std::string& name) {
  auto address = parse_node_address(name);
  if (!address) return address.error();
  cookie_ = options_.cookie;
  if (cookie_.empty()) {
    auto cookie = read_cookie(default_cookie_file());
    if (!cookie) return cookie.error();
    cookie_ = std::move(*cookie);
  }
  node::DistributionOptions network;
  network.name = address->name;
  network.cookie = cookie_;
  network.tls = options_.tls;
  network.listen_address = options_.listen_address;
  network.listen_port_min = options_.port != 0 ? options_.port : address->port;
  network.epmd = options_.epmd;
  network.epmd_port = epmd_port(options_);
  network.hidden = options_.hidden;
  network.require_proof = !options_.unproven_peers && !options_.tls;
  network.send_total_max = options_.send_total_max;
  network.tick_timeout = options_.erlang_tick_timeout;  // until a node has shown that it is brood's
  warn_of_plain_exec(options_);
  distribution_ = std::make_unique<node::Distribution>(io_, network);
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

void Network::forget() {
  if (distribution_) distribution_->stop(milliseconds(0));
  distribution_.reset();
}

void Network::set_events(process::Runtime& runtime, node::DistributionEvents events) {
  distribution_->set_events(&runtime, std::move(events));
}

void Network::go_up(process::Runtime& runtime) {
  runtime.set_remote(distribution_.get());
  up_ = distribution_.get();
}

void Network::start(process::Runtime& runtime) {
  loop_ = std::make_shared<node::NetworkLoop>(io_);
  loop_->start();
  runtime.set_poller(loop_);
  loop_->lend([&runtime] { return runtime.wake_to_poll(); });
}

void Network::run_on_loop(const std::function<void()>& call) {
  auto done = std::make_shared<std::promise<void>>();
  boost::asio::post(io_, [&call, done] {
    call();
    done->set_value();
  });
  done->get_future().wait();
}

void Network::hang_up(milliseconds patience) {
  if (distribution_) distribution_->stop(patience);
}

void Network::close(process::Runtime& runtime) {
  if (loop_) loop_->stop();
  runtime.set_remote(nullptr);
  up_ = nullptr;
  distribution_.reset();
}

std::string Network::own_address() const {
  const node::Distribution* up = up_;
  if (!up || options_.epmd) return {};
  const std::string& name = up->name().text();
  return node::with_port(name.substr(name.find('@') + 1), up->port());
}

void Network::connect(const NodeName& node, const std::string& address, bool last_known) {
  node::Distribution* up = up_;
  if (!up) return;
  if (const auto where = parse_host(address)) suggest_address(node, where->host, where->port);
  if (last_known) {
    up->connect_last_known(node);
  } else {
    up->connect(node);
  }
}

void Network::set_address(const NodeName& node, const std::string& host, std::uint16_t port) {
  if (node::Distribution* up = up_; up && port != 0) up->set_address(node, host, port);
}

void Network::suggest_address(const NodeName& node, const std::string& host, std::uint16_t port) {
  if (node::Distribution* up = up_; up && port != 0) up->suggest_address(node, host, port);
}

bool Network::is_proven(const NodeName& node) const {
  const node::Distribution* up = up_;
  return up && up->is_proven(node);
}

void Network::disconnect(const NodeName& node) {
  if (node::Distribution* up = up_) up->disconnect(node);
}

void Network::send(const Pid& from, const process::NamedProcess& to, std::vector<EncodedTerm> terms) {
  if (node::Distribution* up = up_) up->send_named(from, to, std::move(terms));
}

void Network::set_tick_timeout(const NodeName& node, milliseconds timeout) {
  if (node::Distribution* up = up_) up->set_tick_timeout(node, timeout);
}

void Network::flush(const std::vector<NodeName>& peers, std::chrono::steady_clock::time_point until) const {
  const node::Distribution* up = up_;
  if (!up) return;
  for (const NodeName& peer : peers)
    while (up->backlog(peer) > 0 && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(milliseconds(1));
}

}  // namespace brood::supervisor
