// The files of TLS: what cannot be used, and what changes.
#include "node/tls/tls_context.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <fstream>
#include <sstream>

#include "node/tls/tls_test_support.hpp"
#include "process/log/log_capture.hpp"

namespace brood::node {
namespace tls_context_test {

using namespace test;

std::string refusal(const TlsOptions& options) {
  const auto made = TlsContext::load(options, "");
  return made ? "" : made.error().message;
}

TEST(TlsContext, FilesThatCannotBeUsedAreNamedWithWhatToDo) {
  TestCa ca;
  const auto good = ca.issue("n1");
  EXPECT_EQ(refusal(good), "");
  const auto with = [&](auto change) {
    auto changed = good;
    change(changed);
    return refusal(changed);
  };
  EXPECT_EQ(with([&](TlsOptions& o) { o.key_file = ""; }),
            "TLS needs three files: certificate, key and CA; there is no TLS key");
  EXPECT_EQ(with([&](TlsOptions& o) { o.cert_file = ca.path("none.pem"); }),
            "cannot read the TLS certificate " + ca.path("none.pem") + ": No such file or directory");
  ca.write_text("empty.pem", "");
  EXPECT_EQ(with([&](TlsOptions& o) { o.ca_file = ca.path("empty.pem"); }),
            "cannot read the TLS CA file " + ca.path("empty.pem") + ": it is empty");
  ca.write_text("text.pem", "no certificate\n");
  const auto begins = [](const std::string& text, const std::string& with_what) {
    EXPECT_EQ(text.substr(0, with_what.size()), with_what) << text;
  };
  begins(with([&](TlsOptions& o) { o.cert_file = ca.path("text.pem"); }),
         "the TLS certificate " + ca.path("text.pem") + " cannot be used; it must be PEM (");
  begins(with([&](TlsOptions& o) { o.ca_file = ca.path("text.pem"); }),
         "the TLS CA file " + ca.path("text.pem") + " cannot be used; it must be PEM (");
  ::chmod(ca.path("text.pem").c_str(), 0600);
  begins(with([&](TlsOptions& o) { o.key_file = ca.path("text.pem"); }),
         "the TLS key " + ca.path("text.pem") + " cannot be used; it must be PEM, without a password (");
  begins(with([&](TlsOptions& o) { o.key_file = ca.issue("n2").key_file; }),
         "the TLS key " + ca.path("n2.key") + " does not belong to " + good.cert_file);
  begins(with([&](TlsOptions& o) { std::swap(o.cert_file, o.key_file); }),
         "TLS certificate and key are mixed up: " + good.key_file + " is a key, and " + good.cert_file);
  begins(with([&](TlsOptions& o) { o.key_file = o.cert_file; }),
         "the file given as TLS key, " + good.cert_file + ", is a certificate");
  begins(with([&](TlsOptions& o) { o.cert_file = o.key_file; }),
         "the file given as TLS certificate, " + good.key_file + ", is a key");
  begins(refusal(ca.issue("old", {.from_seconds = -7200, .to_seconds = -3600})),
         "the TLS certificate " + ca.path("old.pem") + " expired at ");
  for (const unsigned mode : {0640U, 0604U, 0660U}) {
    ::chmod(good.key_file.c_str(), mode);
    begins(refusal(good), "the TLS key " + good.key_file + " can be accessed by others (mode ");
  }
}

TEST(TlsContext, AKeyWithAPasswordIsRefusedAndNobodyIsAsked) {
  TestCa ca;
  auto files = ca.issue("n1");
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  std::FILE* out = std::fopen(files.key_file.c_str(), "w");
  PEM_write_PKCS8PrivateKey(out, key.get(), EVP_aes_128_cbc(), "secret", 6, nullptr, nullptr);
  std::fclose(out);
  EXPECT_NE(refusal(files).find("without a password"), std::string::npos) << refusal(files);
}

class Reload : public ::testing::Test {
 protected:
  Reload() : files_(ca_.issue("n1")), context_(std::move(*TlsContext::load(files_, ""))) {}

  [[nodiscard]] long count(const std::string& words) const { return log_.count(words); }
  /// The name in the certificate that a new connection shows; whoever dials accepts any of this CA.
  std::string shown() {
    const auto client = context_->client("127.0.0.1");
    const auto server = context_->server();
    Bytes carried[2];
    for (int i = 0; i < 6; ++i) {
      TlsEngine& from = i % 2 == 0 ? *client : *server;
      TlsEngine& to = i % 2 == 0 ? *server : *client;
      (void)from.handshake();
      carried[i % 2].clear();
      from.take_output(carried[i % 2]);
      if (!carried[i % 2].empty()) to.feed(carried[i % 2]);
    }
    if (client->failure() == TlsFailure::none) return "n1";
    return client->words();
  }
  void copy(const std::string& from, const std::string& to) const {
    std::filesystem::copy_file(ca_.path(from), ca_.path(to),
                               std::filesystem::copy_options::overwrite_existing);
  }

  const log::LogCapture log_;
  TestCa ca_;
  TlsOptions files_;
  std::unique_ptr<TlsContext> context_;
};

TEST_F(Reload, ChangedFilesAreUsedForTheNextConnection) {
  EXPECT_EQ(shown(), "n1");
  EXPECT_EQ(count("read again"), 0);
  ca_.issue("n1", {.names = "DNS:elsewhere"});
  EXPECT_EQ(shown(), "its certificate is for elsewhere (subjectAltName), not for 127.0.0.1");
  EXPECT_EQ(count("read again"), 1);
  ca_.issue("n1");
  EXPECT_EQ(shown(), "n1");
  EXPECT_EQ(shown(), "n1");
  EXPECT_EQ(count("read again"), 2);
}

TEST_F(Reload, BrokenFilesLeaveTheOldOnesInPlaceAndAreLoggedOnce) {
  ca_.write_text("n1.pem", "half a certif");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(shown(), "n1");
  EXPECT_EQ(count("are not used"), 1);
  // A key of another certificate; a file that is gone.
  ca_.issue("n2");
  copy("n2.pem", "n1.pem");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(shown(), "n1");
  EXPECT_EQ(count("does not belong to"), 1);
  std::filesystem::remove(files_.ca_file);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(shown(), "n1");
  EXPECT_EQ(count("are not used"), 3);
  EXPECT_EQ(count("read again"), 0);
}

}  // namespace tls_context_test
}  // namespace brood::node
