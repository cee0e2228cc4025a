#include "apps/brood/cli/client.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <future>
#include <mutex>
#include <random>
#include <thread>

#include "node/distribution.hpp"
#include "process/runtime.hpp"

namespace brood::app {
namespace {

using std::chrono::milliseconds;

// How much longer than the request's own time-out we wait, so that the node's own words arrive.
constexpr milliseconds answer_margin{1500};

// As far as can be seen from here it does not run, and whoever asks may want it to.
bool is_away(node::ConnectFailure failure) {
  return failure == node::ConnectFailure::epmd_unreachable ||
         failure == node::ConnectFailure::not_registered ||
         failure == node::ConnectFailure::connection_refused;
}

NodeName own_name(const std::string& peer_host) {
  std::string host(256, '\0');
  const bool loopback = peer_host.rfind("127.", 0) == 0 || peer_host == "::1" || peer_host == "localhost";
  if (loopback || ::gethostname(host.data(), host.size() - 1) != 0) {
    host = peer_host;
  } else {
    host.resize(host.find('\0'));
  }
  // Two clients at the same moment must not have one name: a node keeps one connection to each name.
  return NodeName(fmt::format("brood-cli-{}-{:08x}@{}", ::getpid(), std::random_device{}(), host));
}

node::DistributionOptions distribution_options(const ClientOptions& options, const NodeAddress& node) {
  node::DistributionOptions out;
  out.name = own_name(node.host);
  out.cookie = options.cookie;
  out.tls = options.tls;
  out.listen = false;
  out.epmd_port = options.epmd_port;
  out.hidden = true;
  // A program that has taken a node's name must not be told what is meant for the node.
  out.require_proof = true;
  out.handshake_timeout = options.connect_timeout;
  return out;
}

}  // namespace

struct Client::Impl {
  Impl(const ClientOptions& options, const NodeAddress& node)
      : peer(node.name),
        uses_tls(options.tls.has_value()),
        distribution(io, distribution_options(options, node)) {}

  ~Impl() {
    if (runtime) runtime->set_remote(nullptr);
    distribution.stop(milliseconds(200));
    work.reset();
    io.stop();
    if (thread.joinable()) thread.join();
    if (runtime) (void)runtime->stop(milliseconds(200));
  }

  [[nodiscard]] Outcome<Term> read(const process::CallResult& answer, milliseconds timeout) const;
  Outcome<void> open(const ClientOptions& options, const NodeAddress& node);
  void settle(Outcome<void> outcome) {
    const std::lock_guard guard(mutex);
    if (settled) return;
    settled = true;
    connected.set_value(std::move(outcome));
  }
  node::DistributionEvents events();

  NodeName peer;
  bool uses_tls;
  boost::asio::io_context io{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  std::promise<Outcome<void>> connected;
  std::mutex mutex;
  bool settled = false;  ///< Guarded by `mutex`.
  node::Distribution distribution;
  std::unique_ptr<process::Runtime> runtime;
  std::thread thread;
};

node::DistributionEvents Client::Impl::events() {
  node::DistributionEvents out;
  out.on_up = [this](const node::PeerInfo& info) {
    if (info.name == peer) settle({});
  };
  out.on_down = [this](const node::PeerInfo& info, node::DownReason reason, const std::string& words) {
    if (info.name != peer) return;
    settle(unreachable(std::string(node::to_string(reason)), fmt::format("{}: {}", peer.text(), words)));
  };
  out.on_connect_failed = [this](const NodeName& name, node::ConnectFailure failure,
                                 const std::string& words) {
    if (name != peer) return;
    const bool lacks_files = failure == node::ConnectFailure::no_tls && !uses_tls;
    settle(
        unreachable(std::string(node::to_string(failure)),
                    fmt::format("cannot reach {}{}", words,
                                lacks_files        ? "; give --tls-cert, --tls-key and --tls-ca"
                                : is_away(failure) ? fmt::format("{} `brood node --name {}` starts it there",
                                                                 words.ends_with('?') ? "" : ";", name.text())
                                                   : "")));
  };
  return out;
}

Outcome<void> Client::Impl::open(const ClientOptions& options, const NodeAddress& node) {
  const auto creation = distribution.start();
  if (!creation) {
    // Nothing is listened at: what can be wrong with TLS is its files.
    if (options.tls) return usage(creation.error().message);
    return unreachable(std::string(brood::to_string(creation.error().code)), creation.error().message);
  }
  process::RuntimeOptions runtime_options;
  runtime_options.threads = 2;
  runtime = std::make_unique<process::Runtime>(distribution.name(), *creation, runtime_options);
  runtime->set_remote(&distribution);
  distribution.set_events(runtime.get(), events());
  if (node.port != 0) distribution.set_address(peer, node.host, node.port);
  thread = std::thread([this] { io.run(); });
  auto done = connected.get_future();
  distribution.connect(peer);
  if (done.wait_for(options.connect_timeout + answer_margin) != std::future_status::ready) {
    return unreachable("timeout", fmt::format("cannot reach {}: no connection within {} ms", peer.text(),
                                              (options.connect_timeout + answer_margin).count()));
  }
  return done.get();
}

Client::Client(ClientOptions options) : options_(std::move(options)) {}
Client::~Client() = default;

Outcome<std::unique_ptr<Client>> Client::connect(ClientOptions options) {
  std::unique_ptr<Client> client(new Client(std::move(options)));
  if (auto reached = client->reach_again(); !reached) return tl::unexpected(reached.error());
  return client;
}

Outcome<void> Client::reach_again() {
  std::optional<Trouble> trouble;
  for (const auto& node : options_.nodes) {
    auto impl = std::make_unique<Impl>(options_, node);
    const auto opened = impl->open(options_, node);
    if (opened) {
      impl_ = std::move(impl);
      return {};
    }
    if (opened.error().status != exit_unreachable) return opened;
    if (!trouble) {
      trouble = opened.error();
    } else {
      trouble->message += "\nbrood: " + opened.error().message;
    }
  }
  return tl::unexpected(*trouble);
}

Outcome<Term> Client::request(const Term& request, milliseconds timeout) {
  return impl_->read(
      impl_->runtime->call_and_wait(NamedProcess{Atom("brood"), impl_->peer},
                                    Message::encoded(encode_term(request)), timeout + answer_margin),
      timeout);
}

Outcome<Term> Client::request_while(const Term& request, milliseconds timeout,
                                    const std::function<void()>& meanwhile) {
  static constexpr milliseconds period{500};
  auto promise = std::make_shared<std::promise<process::CallResult>>();
  auto answer = promise->get_future();
  impl_->runtime->call_named(NamedProcess{Atom("brood"), impl_->peer}, encode_term(request),
                             timeout + answer_margin,
                             [promise](const process::CallResult& result) { promise->set_value(result); });
  while (answer.wait_for(period) != std::future_status::ready) meanwhile();
  return impl_->read(answer.get(), timeout);
}

Outcome<Term> Client::Impl::read(const process::CallResult& answer, milliseconds timeout) const {
  if (answer) {
    auto term = decode_term(*answer);
    if (term) return std::move(*term);
    return unreachable(
        "malformed", fmt::format("{} answered with what is no term: {}", peer.text(), term.error().message));
  }
  const auto& error = answer.error();
  switch (error.code) {
    case Errc::no_such_child:
      return unreachable("not_brood",
                         fmt::format("{} is there, but nothing called brood runs on it", peer.text()));
    case Errc::timeout:
      return unreachable("timeout",
                         fmt::format("{} did not answer within {} ms; what was asked may still happen",
                                     peer.text(), (timeout + answer_margin).count()));
    default:
      return unreachable(std::string(brood::to_string(error.code)),
                         fmt::format("{}: {}", peer.text(), error.message));
  }
}

const std::string& Client::node() const {
  return impl_->peer.text();
}

std::uint16_t epmd_port_from_environment() {
  const char* text = std::getenv("ERL_EPMD_PORT");
  const auto port = text == nullptr ? 0UL : std::strtoul(text, nullptr, 10);
  return port > 0 && port <= 65535 ? static_cast<std::uint16_t>(port) : std::uint16_t{4369};
}

}  // namespace brood::app
