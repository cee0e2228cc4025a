// Two ends of TLS, on memory.
#include "node/tls/tls_engine.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <thread>

#include "node/tls/tls_context.hpp"
#include "node/tls/tls_test_support.hpp"

namespace brood::node {
namespace tls_engine_test {

using namespace test;

std::unique_ptr<TlsContext> context_of(const TlsOptions& options) {
  auto made = TlsContext::load(options, "");
  EXPECT_TRUE(made.has_value()) << made.error().message;
  return std::move(*made);
}

/// Two engines and the bytes between them.
struct Pair {
  Pair(std::unique_ptr<TlsEngine> a, std::unique_ptr<TlsEngine> b)
      : client(std::move(a)), server(std::move(b)) {}

  /// Goes on until neither has more to say; whether both are done.
  bool shake_hands() {
    auto left = TlsEngine::Step::wants_input;
    auto right = TlsEngine::Step::wants_input;
    for (int i = 0; i < 10; ++i) {
      if (left == TlsEngine::Step::wants_input) left = client->handshake();
      carry(*client, *server, to_server);
      if (right == TlsEngine::Step::wants_input) right = server->handshake();
      carry(*server, *client, to_client);
    }
    return left == TlsEngine::Step::done && right == TlsEngine::Step::done;
  }
  /// What one end made arrives at the other.
  static void carry(TlsEngine& from, TlsEngine& to, Bytes& bytes) {
    Bytes made;
    from.take_output(made);
    if (made.empty()) return;
    bytes = std::move(made);
    to.feed(bytes);
  }
  /// A client learns only when it reads that it was refused, with TLS 1.3.
  void let_client_read() const {
    char chunk[16];
    if (client->failure() == TlsFailure::none) (void)client->read(chunk);
  }

  std::unique_ptr<TlsEngine> client;
  std::unique_ptr<TlsEngine> server;
  Bytes to_server;
  Bytes to_client;
};

/// What one end sends in these pieces, as the other reads it.
Bytes through(TlsEngine& from, TlsEngine& to, const std::vector<Bytes>& pieces) {
  std::vector<iovec> slots;
  for (const Bytes& piece : pieces) slots.push_back({const_cast<char*>(piece.data()), piece.size()});
  Bytes sealed;
  EXPECT_NE(from.encrypt(slots, SIZE_MAX, sealed).taken, 0U);
  Bytes out;
  char space[5000];
  to.feed(sealed);
  for (;;) {
    const auto plain = to.read(space);
    EXPECT_FALSE(plain.ended);
    if (plain.count == 0) return out;
    out.append(space, plain.count);
  }
}

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

/// A client that TlsContext would not make.
std::unique_ptr<SSL_CTX, FreeContext> odd_client(const TestCa& ca) {
  std::unique_ptr<SSL_CTX, FreeContext> context(SSL_CTX_new(TLS_method()));
  EXPECT_EQ(SSL_CTX_load_verify_file(context.get(), ca.path("ca.pem").c_str()), 1);
  return context;
}

TEST(TlsEngine, BytesComeThroughWhateverTheirPieces) {
  TestCa ca;
  const auto context = context_of(ca.issue("n1"));
  Pair pair(context->client("127.0.0.1"), context->server());
  ASSERT_TRUE(pair.shake_hands());
  EXPECT_EQ(pair.client->version(), "TLSv1.3");
  const std::vector<Bytes> pieces{"a", Bytes(20'000, 'b'), "c", Bytes(16 * 1024, 'd'), Bytes(70'000, 'e'),
                                  "f"};
  Bytes all;
  for (const Bytes& piece : pieces) all += piece;
  EXPECT_TRUE(through(*pair.client, *pair.server, pieces) == all);
  EXPECT_TRUE(through(*pair.server, *pair.client, pieces) == all);
}

TEST(TlsEngine, ItTakesNoMoreThanItMayAndTheFirstBytes) {
  TestCa ca;
  const auto context = context_of(ca.issue("n1"));
  Pair pair(context->client("127.0.0.1"), context->server());
  ASSERT_TRUE(pair.shake_hands());
  Bytes bytes = Bytes(40'000, 'x') + Bytes(40'000, 'y');
  const iovec pieces[]{{bytes.data(), 30'000}, {bytes.data() + 30'000, 50'000}};
  Bytes sealed;
  EXPECT_EQ(pair.client->encrypt(pieces, 65'536, sealed).taken, 65'536U);
  pair.server->feed(sealed);
  Bytes space(100'000, '\0');
  EXPECT_EQ(pair.server->read(space).count, 65'536U);
  EXPECT_EQ(space.substr(0, 65'536), bytes.substr(0, 65'536));
}

TEST(TlsEngine, WhatHasArrivedAndWasNotReadIsKnown) {
  TestCa ca;
  const auto context = context_of(ca.issue("n1"));
  Pair pair(context->client("127.0.0.1"), context->server());
  ASSERT_TRUE(pair.shake_hands());
  Bytes message(1000, 'x');
  const iovec piece{message.data(), message.size()};
  Bytes sealed;
  ASSERT_EQ(pair.client->encrypt({&piece, 1}, SIZE_MAX, sealed).taken, 1000U);
  pair.server->feed(sealed);
  char space[600];
  EXPECT_EQ(pair.server->read(space).count, 600U);
  EXPECT_TRUE(pair.server->has_unread());
  EXPECT_EQ(pair.server->read(space).count, 400U);
  EXPECT_FALSE(pair.server->has_unread());
}

TEST(TlsEngine, OneThreadMayReadWhileAnotherWrites) {
  TestCa ca;
  const auto context = context_of(ca.issue("n1"));
  Pair pair(context->client("127.0.0.1"), context->server());
  ASSERT_TRUE(pair.shake_hands());
  // What the client reads below.
  Bytes incoming(2'000'000, 'i');
  const iovec piece{incoming.data(), incoming.size()};
  Bytes sealed;
  ASSERT_EQ(pair.server->encrypt({&piece, 1}, SIZE_MAX, sealed).taken, incoming.size());
  std::vector<Bytes> outgoing;
  std::thread writer([&] {
    for (int i = 0; i < 100; ++i) {
      Bytes message(20'000, 'o');
      const iovec one{message.data(), message.size()};
      EXPECT_EQ(pair.client->encrypt({&one, 1}, SIZE_MAX, outgoing.emplace_back()).taken, message.size());
    }
  });
  std::size_t read = 0;
  char space[3000];
  pair.client->feed(sealed);
  while (const auto count = pair.client->read(space).count) read += count;
  writer.join();
  EXPECT_EQ(read, incoming.size());
  std::size_t arrived = 0;
  for (const Bytes& records : outgoing) {
    pair.server->feed(records);
    while (const auto count = pair.server->read(space).count) arrived += count;
  }
  EXPECT_EQ(arrived, 2'000'000U);
}

TEST(TlsEngine, BothSidesMustBeSignedByACaThatTheOtherKnows) {
  TestCa ours("ours");
  TestCa theirs("theirs");
  const auto us = context_of(ours.issue("n1"));
  const auto stranger = context_of(theirs.issue("n2"));
  {
    Pair pair(us->client("127.0.0.1"), stranger->server());
    EXPECT_FALSE(pair.shake_hands());
    EXPECT_EQ(pair.client->failure(), TlsFailure::bad_certificate);
    EXPECT_EQ(pair.client->words(), "its certificate is not signed by a CA of " + ours.path("ca.pem") +
                                        "; it has CN=n2, signed by CN=theirs");
    EXPECT_EQ(pair.server->words(), "it does not accept our certificate: unknown CA");
  }
  // The same stranger, who takes our certificate, dials us.
  auto trusting = theirs.issue("n3");
  trusting.ca_file = ours.path("ca.pem");
  Pair pair(context_of(trusting)->client("127.0.0.1"), us->server());
  EXPECT_FALSE(pair.shake_hands());
  EXPECT_EQ(pair.server->failure(), TlsFailure::bad_certificate);
  EXPECT_NE(pair.server->words().find("signed by CN=theirs"), std::string::npos) << pair.server->words();
  pair.let_client_read();
  EXPECT_EQ(pair.client->words(), "it does not accept our certificate: unknown CA");
}

TEST(TlsEngine, TheCertificateMustBeForTheHostThatWasDialled) {
  TestCa ca;
  const auto context = context_of(ca.issue("n1", {.names = "DNS:n1.example.org,DNS:*.wild.org,IP:10.0.0.7"}));
  const auto refusal = [&](const std::string& host) {
    Pair pair(context->client(host), context->server());
    return pair.shake_hands() ? "" : pair.client->words();
  };
  EXPECT_EQ(refusal("n1.example.org"), "");
  EXPECT_EQ(refusal("N1.Example.org"), "");
  EXPECT_EQ(refusal("10.0.0.7"), "");
  EXPECT_EQ(refusal("n7.wild.org"), "");
  const std::string is_for = "its certificate is for n1.example.org, *.wild.org, 10.0.0.7 (subjectAltName), ";
  EXPECT_EQ(refusal("n2.example.org"), is_for + "not for n2.example.org");
  EXPECT_EQ(refusal("10.0.0.8"), is_for + "not for 10.0.0.8");
  EXPECT_EQ(refusal("a.b.wild.org"), is_for + "not for a.b.wild.org");
  EXPECT_EQ(refusal("example.org"), is_for + "not for example.org");
}

TEST(TlsEngine, TheSubjectAloneNamesNoHost) {
  TestCa ca;
  const auto context = context_of(ca.issue("n1.example.org", {.names = ""}));
  Pair pair(context->client("n1.example.org"), context->server());
  EXPECT_FALSE(pair.shake_hands());
  EXPECT_EQ(pair.client->words(), "its certificate is for no host (subjectAltName), not for n1.example.org");
  // Of a node that only dials, nobody asks for which host it is.
  const auto server = context_of(ca.issue("n2"));
  Pair other(context->client("127.0.0.1"), server->server());
  EXPECT_TRUE(other.shake_hands());
}

TEST(TlsEngine, AnAddressMayStandAmongTheDnsNames) {
  TestCa ca;
  const auto context = context_of(ca.issue("n1", {.names = "DNS:127.0.0.1"}));
  Pair pair(context->client("127.0.0.1"), context->server());
  EXPECT_TRUE(pair.shake_hands());
}

TEST(TlsEngine, AnAddressMayBeOfVersion6) {
  TestCa ca;
  const auto context = context_of(ca.issue("n1", {.names = "IP:2001:db8::7"}));
  Pair pair(context->client("2001:db8::7"), context->server());
  EXPECT_TRUE(pair.shake_hands());
  Pair other(context->client("2001:db8::8"), context->server());
  EXPECT_FALSE(other.shake_hands());
  EXPECT_EQ(other.client->words(),
            "its certificate is for 2001:db8::7 (subjectAltName), not for 2001:db8::8");
}

TEST(TlsEngine, CertificatesOutOfTheirTimeAreRefused) {
  TestCa ca;
  const auto good = context_of(ca.issue("n1"));
  // Not with TlsContext, which refuses to begin with one that has expired.
  const auto dialled_by = [&](const TlsOptions& files) {
    auto odd = odd_client(ca);
    EXPECT_EQ(SSL_CTX_use_certificate_chain_file(odd.get(), files.cert_file.c_str()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey_file(odd.get(), files.key_file.c_str(), SSL_FILETYPE_PEM), 1);
    Pair pair(std::make_unique<TlsEngine>(odd.get(), "127.0.0.1", ""), good->server());
    EXPECT_FALSE(pair.shake_hands());
    pair.let_client_read();
    return std::pair(pair.server->words(), pair.client->words());
  };
  const auto expired = dialled_by(ca.issue("old", {.from_seconds = -7200, .to_seconds = -3600}));
  EXPECT_EQ(expired.first.substr(0, 35), "its certificate (CN=old) expired at") << expired.first;
  EXPECT_EQ(expired.second, "it does not accept our certificate: certificate expired");
  const auto early = dialled_by(ca.issue("new", {.from_seconds = 3600, .to_seconds = 7200}));
  EXPECT_EQ(early.first.substr(0, 43), "its certificate (CN=new) is not valid befor") << early.first;
}

TEST(TlsEngine, ACertificateForServersOnlyCannotDial) {
  TestCa ca;
  const auto good = context_of(ca.issue("n1"));
  const auto server_only = context_of(ca.issue("n2", {.usage = "serverAuth"}));
  Pair pair(server_only->client("127.0.0.1"), good->server());
  EXPECT_FALSE(pair.shake_hands());
  EXPECT_NE(pair.server->words().find("extendedKeyUsage"), std::string::npos) << pair.server->words();
  Pair other(good->client("127.0.0.1"), server_only->server());
  EXPECT_TRUE(other.shake_hands());
  const auto both = context_of(ca.issue("n3", {.usage = "serverAuth,clientAuth"}));
  Pair third(both->client("127.0.0.1"), both->server());
  EXPECT_TRUE(third.shake_hands());
}

TEST(TlsEngine, WhoDialsWithoutACertificateIsRefused) {
  TestCa ca;
  const auto good = context_of(ca.issue("n1"));
  const auto odd = odd_client(ca);
  Pair pair(std::make_unique<TlsEngine>(odd.get(), "127.0.0.1", ""), good->server());
  EXPECT_FALSE(pair.shake_hands());
  EXPECT_EQ(pair.server->failure(), TlsFailure::bad_certificate);
  EXPECT_EQ(pair.server->words(), "it shows no certificate");
}

TEST(TlsEngine, VersionsBelowTheLeastAreRefused) {
  TestCa ca;
  auto files = ca.issue("n1");
  const auto usual = context_of(files);
  files.min_version = TlsVersion::v1_3;
  const auto strict = context_of(files);
  const auto with = [&](TlsContext& server, int version) {
    auto odd = odd_client(ca);
    EXPECT_EQ(SSL_CTX_use_certificate_chain_file(odd.get(), files.cert_file.c_str()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey_file(odd.get(), files.key_file.c_str(), SSL_FILETYPE_PEM), 1);
    SSL_CTX_set_min_proto_version(odd.get(), version);
    SSL_CTX_set_max_proto_version(odd.get(), version);
    SSL_CTX_set_cipher_list(odd.get(), version < TLS1_2_VERSION ? "ALL:@SECLEVEL=0" : "DEFAULT");
    Pair pair(std::make_unique<TlsEngine>(odd.get(), "127.0.0.1", ""), server.server());
    const bool done = pair.shake_hands();
    pair.let_client_read();
    return done ? pair.server->version() : pair.server->words() + " / " + pair.client->words();
  };
  EXPECT_EQ(with(*usual, TLS1_2_VERSION), "TLSv1.2");
  EXPECT_EQ(with(*usual, TLS1_3_VERSION), "TLSv1.3");
  EXPECT_EQ(with(*strict, TLS1_3_VERSION), "TLSv1.3");
  const std::string none = "it allows no version of TLS that we allow";
  EXPECT_EQ(with(*usual, TLS1_1_VERSION), none + " / " + none);
  EXPECT_EQ(with(*usual, TLS1_VERSION), none + " / " + none);
  EXPECT_EQ(with(*strict, TLS1_2_VERSION), none + " / " + none);
}

/// A client of TLS 1.2 that asks for a new handshake. Whether it got one; it must lose nothing meanwhile.
bool renegotiates(bool let_in) {
  TestCa ca;
  const auto files = ca.issue("n1");
  const auto context = context_of(files);
  auto odd = odd_client(ca);
  EXPECT_EQ(SSL_CTX_use_certificate_chain_file(odd.get(), files.cert_file.c_str()), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey_file(odd.get(), files.key_file.c_str(), SSL_FILETYPE_PEM), 1);
  SSL_CTX_set_max_proto_version(odd.get(), TLS1_2_VERSION);
  const std::unique_ptr<SSL, decltype(&SSL_free)> client(SSL_new(odd.get()), &SSL_free);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(client.get(), in, out);
  SSL_set_connect_state(client.get());
  const auto server = context->server();
  Bytes carried;
  const auto to_server = [&] {
    char chunk[8192];
    const int made = BIO_read(out, chunk, sizeof chunk);
    if (made <= 0) return;
    carried.assign(chunk, static_cast<std::size_t>(made));
    server->feed(carried);
  };
  const auto exchange = [&] {
    for (int i = 0; i < 10; ++i) {
      (void)SSL_do_handshake(client.get());
      to_server();
      char space[100];
      if (server->handshake() == TlsEngine::Step::done) (void)server->read(space);
      Bytes answer;
      server->take_output(answer);
      if (!answer.empty()) BIO_write(in, answer.data(), static_cast<int>(answer.size()));
    }
  };
  exchange();
  EXPECT_EQ(SSL_is_init_finished(client.get()), 1);
  EXPECT_EQ(SSL_session_reused(client.get()), 0);
  EXPECT_EQ(SSL_SESSION_has_ticket(SSL_get_session(client.get())), 0);
  if (let_in) server->let_in();
  SSL_renegotiate(client.get());
  (void)SSL_do_handshake(client.get());
  to_server();
  char space[100];
  (void)server->read(space);
  EXPECT_TRUE(server->has_output());
  EXPECT_EQ(server->is_shaking_hands(), let_in);
  // Nothing is taken while it goes on.
  Bytes message = "later";
  const iovec piece{message.data(), message.size()};
  if (let_in) {
    Bytes sealed;
    const auto result = server->encrypt({&piece, 1}, SIZE_MAX, sealed);
    EXPECT_EQ(result.taken, 0U);
    EXPECT_FALSE(result.broken);
    EXPECT_FALSE(server->has_output());
    BIO_write(in, sealed.data(), static_cast<int>(sealed.size()));
  }
  exchange();
  if (SSL_is_init_finished(client.get()) == 0) return false;
  EXPECT_FALSE(server->is_shaking_hands());
  Bytes sealed;
  EXPECT_EQ(server->encrypt({&piece, 1}, SIZE_MAX, sealed).taken, 5U);
  BIO_write(in, sealed.data(), static_cast<int>(sealed.size()));
  EXPECT_EQ(SSL_read(client.get(), space, sizeof space), 5);
  return true;
}

TEST(TlsEngine, OnlyAPeerThatWasLetInMayShakeHandsAgain) {
  EXPECT_FALSE(renegotiates(false));
  EXPECT_TRUE(renegotiates(true));
}

TEST(TlsEngine, GarbageIsNoTls) {
  TestCa ca;
  const auto context = context_of(ca.issue("n1"));
  for (const Bytes& garbage : {Bytes("GET / HTTP/1.1\r\n\r\n"), Bytes(100, '\0'),
                               Bytes("\x00\x1cN\x00\x00\x00\x0d\x07\xdf\x7f\xbd", 11), Bytes(3000, '\xff')}) {
    const auto server = context->server();
    server->feed(garbage);
    EXPECT_EQ(server->handshake(), TlsEngine::Step::failed);
    EXPECT_EQ(server->failure(), TlsFailure::no_tls);
    EXPECT_EQ(server->words(), "it does not speak TLS");
    Bytes answer;
    server->take_output(answer);
    EXPECT_EQ(answer.substr(0, 2), "\x15\x03");
  }
}

TEST(TlsEngine, AHandshakeThatGoesWrongLaterFails) {
  TestCa ca;
  const auto context = context_of(ca.issue("n1"));
  const auto client = context->client("127.0.0.1");
  ASSERT_EQ(client->handshake(), TlsEngine::Step::wants_input);
  Bytes hello;
  client->take_output(hello);
  for (std::size_t i = 0; i < hello.size(); i += 7) {
    Bytes changed = hello;
    changed[i] = static_cast<char>(changed[i] ^ 0x55);
    const auto server = context->server();
    server->feed(changed);
    const auto step = server->handshake();
    EXPECT_TRUE(step != TlsEngine::Step::done);
    EXPECT_EQ(step == TlsEngine::Step::failed, !server->words().empty());
  }
}

TEST(TlsEngine, AChangedByteEndsTheConnection) {
  TestCa ca;
  const auto context = context_of(ca.issue("n1"));
  Pair pair(context->client("127.0.0.1"), context->server());
  ASSERT_TRUE(pair.shake_hands());
  Bytes first = "good";
  Bytes second = "bad";
  const iovec pieces[]{{first.data(), first.size()}, {second.data(), second.size()}};
  Bytes sealed;
  ASSERT_EQ(pair.client->encrypt({pieces, 1}, SIZE_MAX, sealed).taken, 4U);
  Bytes changed;
  ASSERT_EQ(pair.client->encrypt({pieces + 1, 1}, SIZE_MAX, changed).taken, 3U);
  changed.back() = static_cast<char>(changed.back() ^ 1);
  sealed += changed;
  pair.server->feed(sealed);
  char space[100];
  // What came before is given, and then the end, as often as one asks.
  const auto plain = pair.server->read(space);
  EXPECT_EQ(plain.count, 4U);
  EXPECT_FALSE(plain.ended);
  EXPECT_TRUE(pair.server->has_unread());
  EXPECT_TRUE(pair.server->read(space).ended);
  EXPECT_TRUE(pair.server->read(space).ended);
  EXPECT_EQ(pair.server->failure(), TlsFailure::broken);
}

}  // namespace tls_engine_test
}  // namespace brood::node
