#include "node/tls/tls_context.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "node/net/secret_file.hpp"
#include "node/tls/tls_words.hpp"
#include "process/log/log.hpp"

namespace brood::node {
namespace {

/// Certificates between a peer's and the CA.
constexpr int chain_depth_max = 10;
/// Of all certificates that a peer shows.
constexpr long chain_bytes_max = 32 * 1024;
/// What TLS 1.2 may use: keys that are gone when the connection is. Of TLS 1.3 all ciphers are like that.
constexpr const char* ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

Result<void> readable(const char* what, const std::string& file) {
  if (file.empty()) {
    return Error{Errc::invalid_argument,
                 fmt::format("TLS needs three files: certificate, key and CA; there is no {}", what)};
  }
  errno = 0;
  if (std::ifstream in(file); in && in.peek() != std::ifstream::traits_type::eof()) return {};
  const int error = errno;
  return Error{Errc::io, fmt::format("cannot read the {} {}: {}", what, file,
                                     error != 0 ? std::strerror(error) : "it is empty")};
}

/// Whether the file has a PEM block whose kind ends so: "CERTIFICATE", "PRIVATE KEY".
bool has_pem(const std::string& file, const std::string& kind) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("-----BEGIN ") && line.find(kind + "-----") != std::string::npos) return true;
  }
  return false;
}

/// A mistake that the other checks would answer with advice for a key: publish or hide the wrong file.
Result<void> not_mixed_up(const std::string& cert_file, const std::string& key_file) {
  const bool key_is_certificate = has_pem(key_file, "CERTIFICATE") && !has_pem(key_file, "PRIVATE KEY");
  const bool certificate_is_key = has_pem(cert_file, "PRIVATE KEY") && !has_pem(cert_file, "CERTIFICATE");
  if (key_is_certificate && certificate_is_key) {
    return Error{Errc::invalid_argument,
                 fmt::format("TLS certificate and key are mixed up: {} is a key, and {} a certificate",
                             cert_file, key_file)};
  }
  if (key_is_certificate)
    return Error{Errc::invalid_argument,
                 fmt::format("the file given as TLS key, {}, is a certificate; give the key", key_file)};
  if (certificate_is_key)
    return Error{
        Errc::invalid_argument,
        fmt::format("the file given as TLS certificate, {}, is a key; give the certificate", cert_file)};
  return {};
}

int no_password(char*, int, int, void*) {
  return -1;
}

Error unusable(std::string words) {
  const std::string reason = tls::reason_of(ERR_peek_last_error());
  return {Errc::invalid_argument, fmt::format("{} ({})", words, reason)};
}

}  // namespace

void TlsContext::Free::operator()(SSL_CTX* context) const {
  SSL_CTX_free(context);
}

Result<std::unique_ptr<TlsContext>> TlsContext::load(const TlsOptions& options, const std::string& own_host) {
  std::unique_ptr<TlsContext> made(new TlsContext(options));
  made->seen_ = made->stamps();
  auto context = made->read();
  if (!context) return context.error();
  made->context_ = std::move(*context);
  X509* certificate = SSL_CTX_get0_certificate(made->context_.get());
  if (!own_host.empty() && !tls::is_for_host(certificate, own_host)) {
    log::warn(
        "the TLS certificate {} is for {}, not for this node's host {}: peers that dial this node refuse it, "
        "so only those are met that it dials itself",
        options.cert_file, tls::hosts_of(certificate), own_host);
  }
  return made;
}

TlsContext::Stamps TlsContext::stamps() const {
  Stamps out{};
  std::size_t i = 0;
  for (const std::string* file : {&options_.cert_file, &options_.key_file, &options_.ca_file}) {
    struct stat info {};
    if (::stat(file->c_str(), &info) == 0) {
      out[i] = {.device = info.st_dev,
                .inode = info.st_ino,
                .size = info.st_size,
                .modified_ns = nanoseconds(info.st_mtim),
                .changed_ns = nanoseconds(info.st_ctim)};
    }
    ++i;
  }
  return out;
}

Result<TlsContext::ContextPtr> TlsContext::read() const {
  const auto& [cert_file, key_file, ca_file, min_version] = options_;
  if (auto good = readable("TLS certificate", cert_file); !good) return good.error();
  if (auto good = readable("TLS key", key_file); !good) return good.error();
  if (auto good = readable("TLS CA file", ca_file); !good) return good.error();
  if (auto good = not_mixed_up(cert_file, key_file); !good) return good.error();
  if (auto good = may_hold_secret(fmt::format("the TLS key {}", key_file), key_file); !good)
    return good.error();
  ERR_clear_error();
  ContextPtr context(SSL_CTX_new(TLS_method()));
  BROOD_CHECK(context != nullptr, "no memory for TLS");
  SSL_CTX* raw = context.get();
  SSL_CTX_set_min_proto_version(raw, min_version == TlsVersion::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(raw, ciphers);
  // No session is taken up again: each connection proves itself anew, with the files of its day.
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  // A record that could not be sealed is tried again, from where it then lies.
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify_depth(raw, chain_depth_max);
  SSL_CTX_set_max_cert_list(raw, chain_bytes_max);
  SSL_CTX_set_default_passwd_cb(raw, no_password);
  if (SSL_CTX_use_certificate_chain_file(raw, cert_file.c_str()) != 1) {
    return unusable(fmt::format("the TLS certificate {} cannot be used; it must be PEM", cert_file));
  }
  if (SSL_CTX_use_PrivateKey_file(raw, key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(raw) != 1) {
    const bool of_another = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ||
                            ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_TYPE_MISMATCH;
    if (of_another) return unusable(fmt::format("the TLS key {} does not belong to {}", key_file, cert_file));
    return unusable(
        fmt::format("the TLS key {} cannot be used; it must be PEM, without a password", key_file));
  }
  if (SSL_CTX_load_verify_file(raw, ca_file.c_str()) != 1) {
    return unusable(fmt::format("the TLS CA file {} cannot be used; it must be PEM", ca_file));
  }
  if (const X509* certificate = SSL_CTX_get0_certificate(raw); tls::is_expired(certificate)) {
    return Error{Errc::invalid_argument, fmt::format("the TLS certificate {} expired at {}; make a new one",
                                                     cert_file, tls::end_of(certificate))};
  }
  return context;
}

void TlsContext::refresh() {
  const Stamps now = stamps();
  if (now == seen_) return;
  seen_ = now;
  auto context = read();
  if (!context) {
    log::error("the changed TLS files are not used, those from before are: {}", context.error().message);
    return;
  }
  context_ = std::move(*context);
  log::info("TLS: {}, {} and {} were read again", options_.cert_file, options_.key_file, options_.ca_file);
}

std::unique_ptr<TlsEngine> TlsContext::server() {
  refresh();
  return std::make_unique<TlsEngine>(context_.get(), "", options_.ca_file);
}

std::unique_ptr<TlsEngine> TlsContext::client(const std::string& host) {
  refresh();
  return std::make_unique<TlsEngine>(context_.get(), host, options_.ca_file);
}

}  // namespace brood::node
