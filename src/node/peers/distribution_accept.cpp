// Incoming connections: who may come in, and what becomes of a connection that is there already.
#include <fmt/format.h>

#include "node/net/names.hpp"
#include "node/peers/distribution_impl.hpp"
#include "process/log/log.hpp"

namespace brood::node {

namespace asio = boost::asio;

namespace {

/// How long a channel has to show that its other end lives, when another node of that name comes.
constexpr milliseconds probe_patience{1000};
constexpr milliseconds probe_interval{10};

}  // namespace

void Distribution::Impl::on_accepted(Tcp::socket socket) {
  while (sessions_.size() >= std::max(1U, options.pending_handshakes_max)) drop_oldest_session();
  auto stream = std::make_unique<Stream>(std::move(socket), tls_ != nullptr ? tls_->server() : nullptr);
  auto session = std::make_shared<HandshakeSession>(
      std::move(stream), Handshake::acceptor(handshake_options()),
      // Weak: sessions_ holds the session.
      [weak = weak_from_this()](const SessionPtr& event_of, HandshakeSession::Event event) {
        if (const auto self = weak.lock()) self->on_incoming_event(event_of, event);
      });
  sessions_.push_back(session);
  session->start(options.handshake_timeout);
}

void Distribution::Impl::drop_oldest_session() {
  const SessionPtr session = sessions_.front();
  sessions_.pop_front();
  ++counts_.connections_refused;
  if (limiter_.allow("pending"))
    log::warn("{} handshakes are pending; the oldest make room for new ones", sessions_.size() + 1);
  session->cancel();
  // Our own attempt gave way to this one.
  const auto took_over = took_over_.extract(session);
  if (!took_over.empty()) resume_attempt(session->handshake().peer().name, took_over.mapped());
}

bool Distribution::Impl::is_pending(const SessionPtr& session) const {
  return std::find(sessions_.begin(), sessions_.end(), session) != sessions_.end();
}

void Distribution::Impl::on_incoming_event(const SessionPtr& session, HandshakeSession::Event event) {
  switch (event) {
    case HandshakeSession::Event::decide:
      return decide(session);
    case HandshakeSession::Event::authenticated:
      return on_authenticated(session);
    case HandshakeSession::Event::failed:
      return on_incoming_failed(session);
    case HandshakeSession::Event::established: {
      const NodeName name = session->handshake().peer().name;
      sessions_.remove(session);
      took_over_.erase(session);
      up(*session, std::nullopt);
      return learn_listening_port(name, session->remote());
    }
    case HandshakeSession::Event::more:
    case HandshakeSession::Event::alive:
      return;
  }
}

void Distribution::Impl::decide(const SessionPtr& session) {
  const NodeName& name = session->handshake().peer().name;
  if (name == options.name) return session->decide(HandshakeStatus::not_allowed);
  HandshakeStatus status = HandshakeStatus::ok;
  std::shared_ptr<Dialer> gives_way;
  std::uint64_t attempt = 0;
  {
    const std::unique_lock lock(peers_mutex_);
    // Not operator[]: a name that nobody has vouched for makes no entry.
    const auto found = peers_.find(name);
    if (found != peers_.end() && found->second.channel != nullptr) {
      status = HandshakeStatus::alive;
    } else if (found != peers_.end() && found->second.dialer != nullptr) {
      // The greater name wins; an attempt that the peer knows nothing of yet is in nobody's way.
      const bool ours = options.name > name && found->second.dialer->in_handshake();
      status = ours ? HandshakeStatus::nok : HandshakeStatus::ok_simultaneous;
      if (!ours) gives_way = std::exchange(found->second.dialer, nullptr);
      attempt = found->second.attempt;
    }
  }
  if (gives_way != nullptr) {
    gives_way->cancel();
    took_over_.emplace(session, attempt);
  }
  session->decide(status);
}

void Distribution::Impl::on_authenticated(const SessionPtr& session) {
  const PeerIdentity& peer = session->handshake().peer();
  const auto old = find(peer.name);
  if (old == nullptr) return session->acknowledge();
  const bool proves = session->handshake().proves();
  if (old->peer().proven && !proves) {
    return refuse_session(
        session, "a node of that name is connected that has proved to be it, which this one does not");
  }
  // Who only says the name gives way to who proves it, once he has. And the same start of a node has given
  // its old connection up, or it would not be here.
  if (proves && !old->peer().proven) return session->acknowledge();
  if (old->peer().creation == peer.creation) return session->acknowledge();
  probe(session, old);
}

void Distribution::Impl::refuse_session(const SessionPtr& session, const std::string& words) {
  sessions_.remove(session);
  const auto took_over = took_over_.extract(session);
  ++counts_.handshakes_refused;
  const NodeName name = session->handshake().peer().name;
  if (limiter_.allow(name.text()))
    log::warn("refused a second node {} from {}: {}", name.text(), to_text(session->remote()), words);
  session->cancel();
  if (!took_over.empty()) resume_attempt(name, took_over.mapped());
}

/// Another start of a node that is connected. It takes the place of the old one, unless that one still
/// answers: then there are two nodes of one name, and the first keeps it. A monitor of a name that nobody
/// has is a question that every node answers at once.
void Distribution::Impl::probe(const SessionPtr& session, const std::shared_ptr<Channel>& old) {
  const auto asked = Clock::now();
  const Pid nobody{options.name, 0, 0, creation};
  const Atom name("brood_are_you_there");
  const Ref ref{options.name, creation, {0, 0, 0}};
  Outgoing question{{.op = Op::monitor_p, .from = &nobody, .name = &name, .ref = &ref, .of_call = true}, {}};
  // A peer that cannot be asked shows by what it sends of itself that it lives.
  if (fit(old->dialect(), question) == Fit::goes) old->send({&question, 1}, Urgency::required);
  await_probe(session, old, asked);
}

void Distribution::Impl::await_probe(const SessionPtr& session, const std::shared_ptr<Channel>& old,
                                     Clock::time_point asked) {
  auto timer = std::make_shared<asio::steady_timer>(io, probe_interval);
  timer->async_wait([self = shared_from_this(), session, old, asked,
                     timer](const boost::system::error_code&) {
    if (!self->is_pending(session)) return;
    const PeerIdentity& peer = session->handshake().peer();
    if (self->find(peer.name) != old) return self->on_authenticated(session);
    if (old->last_received() > asked) {
      return self->refuse_session(
          session, fmt::format("the first one, at {}, is alive; choose another name", old->peer().address));
    }
    // What has arrived but is not yet read may be the answer, or the end.
    if (Clock::now() - asked > probe_patience && !old->has_unread()) return session->acknowledge();
    self->await_probe(session, old, asked);
  });
}

void Distribution::Impl::on_incoming_failed(const SessionPtr& session) {
  sessions_.remove(session);
  const NodeName name = session->handshake().peer().name;
  const auto took_over = took_over_.extract(session);
  const Handshake& handshake = session->handshake();
  const bool our_choice =
      session->end() == HandshakeSession::End::refused &&
      (handshake.failure() == HandshakeFailure::nok || handshake.failure() == HandshakeFailure::declined);
  // Connections that end without a word are given-up attempts and port checks.
  const bool no_word =
      session->end() == HandshakeSession::End::closed && (!session->has_begun() || session->is_silent());
  if (!our_choice && !no_word) {
    ++counts_.handshakes_refused;
    if (session->end() == HandshakeSession::End::refused &&
        (handshake.failure() == HandshakeFailure::no_proof ||
         handshake.failure() == HandshakeFailure::bad_proof))
      ++counts_.proofs_refused;
    const std::string remote = session->remote().address().to_string();
    const std::string who = name.empty() ? remote : fmt::format("{} at {}", name.text(), remote);
    // One line for each kind of failure: that of another process there must not hide this one.
    if (limiter_.allow(fmt::format("{} {}", static_cast<int>(session->end()), who)))
      log::warn("no connection from {}: {}", who, session->words());
  }
  // Our own attempt gave way to this one; now it is needed after all.
  if (!took_over.empty()) resume_attempt(name, took_over.mapped());
}

void Distribution::Impl::learn_listening_port(const NodeName& node, const Tcp::endpoint& remote) {
  if (!options.epmd) return;
  const auto address = remote.address();
  epmd::lookup(io, {Tcp::endpoint(address, options.epmd_port)}, std::string(alive_part(node)),
               options.handshake_timeout,
               [self = shared_from_this(), node, address](const Result<epmd::NodeAddress>& answer) {
                 if (!answer) return;
                 const std::unique_lock lock(self->peers_mutex_);
                 const auto found = self->peers_.find(node);
                 if (found == self->peers_.end()) return;
                 found->second.last_known = HostPort{address.to_string(), answer->port};
               });
}

}  // namespace brood::node
