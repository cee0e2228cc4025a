#include "node/tls/tls_engine.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>

#include "node/tls/tls_words.hpp"

namespace brood::node {
namespace {

constexpr std::size_t record_bytes_max = 16 * 1024;
/// What the peer can make us answer while we have nothing to say ourselves.
constexpr std::size_t answers_bytes_max = 256 * 1024;
constexpr int handshake_record = 0x16;
constexpr int alert_record = 0x15;

/// The alert that the peer sent, if that is what `error` says; else -1.
int alert_of(unsigned long error) {
  const int reason = ERR_GET_REASON(error);
  const bool is_alert = ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET &&
                        reason < SSL_AD_REASON_OFFSET + 256;
  return is_alert ? reason - SSL_AD_REASON_OFFSET : -1;
}

bool is_about_certificates(int alert) {
  switch (alert) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case TLS13_AD_CERTIFICATE_REQUIRED:
      return true;
    default:
      return false;
  }
}

}  // namespace

struct TlsEngine::Io {
  static TlsEngine& engine(BIO* bio) { return *static_cast<TlsEngine*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* out, int size) {
    BIO_clear_retry_flags(bio);
    BytesView& input = engine(bio).input_;
    const std::size_t count = std::min(input.size(), static_cast<std::size_t>(size));
    if (count == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    std::memcpy(out, input.data(), count);
    input.remove_prefix(count);
    return static_cast<int>(count);
  }
  static int write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    engine(bio).output_.append(data, static_cast<std::size_t>(size));
    return size;
  }
  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }
  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }
  static BIO_METHOD* methods() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "brood memory");
      BIO_meth_set_read(method, read);
      BIO_meth_set_write(method, write);
      BIO_meth_set_ctrl(method, control);
      BIO_meth_set_create(method, create);
      return method;
    }();
    return made;
  }

  static int verify(int ok, X509_STORE_CTX* store) {
    auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    TlsEngine& self = *static_cast<TlsEngine*>(SSL_get_app_data(ssl));
    X509* certificate = X509_STORE_CTX_get_current_cert(store);
    const bool is_peers = ok == 1 && X509_STORE_CTX_get_error_depth(store) == 0 && certificate != nullptr;
    if (is_peers && !self.host_.empty() && !tls::is_for_host(certificate, self.host_)) {
      X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
      ok = 0;
    }
    if (ok != 1) {
      self.verify_words_ = tls::why_refused(store, self.host_, self.ca_file_);
    }
    return ok;
  }
};

void TlsEngine::Free::operator()(SSL* ssl) const {
  SSL_free(ssl);
}

TlsEngine::TlsEngine(SSL_CTX* context, std::string host, std::string ca_file)
    : host_(std::move(host)), ca_file_(std::move(ca_file)), ssl_(SSL_new(context)) {
  BROOD_CHECK(ssl_ != nullptr, "no memory for a TLS connection");
  BIO* bio = BIO_new(Io::methods());
  BROOD_CHECK(bio != nullptr, "no memory for a TLS connection");
  BIO_set_data(bio, this);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, Io::verify);
  if (host_.empty()) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
    if (!tls::is_address(host_)) SSL_set_tlsext_host_name(ssl_.get(), host_.c_str());
  }
}

TlsEngine::~TlsEngine() = default;

TlsEngine::Step TlsEngine::handshake() {
  if (failure_ != TlsFailure::none) return Step::failed;
  const std::scoped_lock lock(mutex_);
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  done_ = result == 1;
  if (done_) return Step::done;
  if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return Step::wants_input;
  explain();
  return Step::failed;
}

void TlsEngine::feed(BytesView arrived) {
  if (first_byte_ < 0 && !arrived.empty()) first_byte_ = static_cast<unsigned char>(arrived.front());
  const std::scoped_lock lock(mutex_);
  BROOD_CHECK(input_.empty(), "TLS input is fed once the last is used up");
  input_ = arrived;
  has_unread_.store(true, std::memory_order_relaxed);
}

TlsEngine::Plain TlsEngine::read(std::span<char> space) {
  Plain plain;
  while (!ended_ && plain.count < space.size()) {
    const std::scoped_lock lock(mutex_);
    ERR_clear_error();
    std::size_t count = 0;
    const int result =
        SSL_read_ex(ssl_.get(), space.data() + plain.count, space.size() - plain.count, &count);
    const int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), result);
    if (!output_.empty()) has_output_.store(true, std::memory_order_release);
    if (result == 1) {
      plain.count += count;
      continue;
    }
    const bool flooded = output_.size() > answers_bytes_max;
    if (error == SSL_ERROR_WANT_READ && !flooded) {
      has_unread_.store(false, std::memory_order_relaxed);
      return plain;
    }
    ended_ = true;
    if (flooded) {
      fail(TlsFailure::broken, "it makes TLS answer more than it takes");
    } else if (error != SSL_ERROR_ZERO_RETURN) {
      explain();
    }
  }
  // What came before the end is given first.
  plain.ended = ended_ && plain.count == 0;
  return plain;
}

void TlsEngine::take_output(Bytes& out) {
  const std::scoped_lock lock(mutex_);
  has_output_.store(false, std::memory_order_relaxed);
  out += output_;
  output_.clear();
}

TlsEngine::Sealed TlsEngine::encrypt(std::span<const iovec> pieces, std::size_t bytes_max, Bytes& out) {
  Sealed sealed;
  std::size_t seen = 0;
  bool goes_on = true;
  for (const iovec& piece : pieces) {
    BytesView left(static_cast<const char*>(piece.iov_base), piece.iov_len);
    left = left.substr(0, bytes_max - seen);
    seen += left.size();
    while (goes_on && !left.empty()) {
      // What fills a record goes without a copy.
      if (record_.empty() && left.size() >= record_bytes_max) {
        goes_on = put_record(left.substr(0, record_bytes_max), sealed);
        left.remove_prefix(record_bytes_max);
        continue;
      }
      const BytesView part = left.substr(0, record_bytes_max - record_.size());
      record_ += part;
      left.remove_prefix(part.size());
      if (record_.size() < record_bytes_max) continue;
      goes_on = put_record(record_, sealed);
      record_.clear();
    }
    if (!goes_on || seen == bytes_max) break;
  }
  if (goes_on && !record_.empty()) put_record(record_, sealed);
  record_.clear();
  take_output(out);
  return sealed;
}

bool TlsEngine::put_record(BytesView record, Sealed& sealed) {
  const std::scoped_lock lock(mutex_);
  ERR_clear_error();
  std::size_t written = 0;
  const int result = SSL_write_ex(ssl_.get(), record.data(), record.size(), &written);
  if (result == 1) {
    sealed.taken += record.size();
    return true;
  }
  sealed.broken = SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ;
  return false;
}

bool TlsEngine::is_shaking_hands() const {
  const std::scoped_lock lock(mutex_);
  return failure_ == TlsFailure::none && SSL_is_init_finished(ssl_.get()) == 0;
}

void TlsEngine::let_in() {
  const std::scoped_lock lock(mutex_);
  SSL_clear_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_clear_options(ssl_.get(), SSL_OP_NO_RENEGOTIATION);
  SSL_set_options(ssl_.get(), SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
}

std::string TlsEngine::version() const {
  const std::scoped_lock lock(mutex_);
  return SSL_get_version(ssl_.get());
}

void TlsEngine::explain() {
  const unsigned long error = ERR_get_error();
  const int reason = ERR_GET_REASON(error);
  const TlsFailure kind = done_ ? TlsFailure::broken : TlsFailure::no_tls;
  if (const int alert = alert_of(error); alert >= 0) {
    const std::string said = SSL_alert_desc_string_long(alert);
    if (is_about_certificates(alert)) {
      return fail(TlsFailure::bad_certificate, fmt::format("it does not accept our certificate: {}", said));
    }
    if (alert == SSL_AD_PROTOCOL_VERSION) {
      return fail(TlsFailure::no_tls, "it allows no version of TLS that we allow");
    }
    if (alert == SSL_AD_HANDSHAKE_FAILURE) {
      // OTP's word for a certificate that is not for the host it dialled, among others.
      return fail(TlsFailure::bad_certificate,
                  "it ended the TLS handshake: there is no cipher in common, or our certificate is not for "
                  "the host that it dialled");
    }
    return fail(kind, fmt::format("it ended TLS: {}", said));
  }
  const bool is_ssl = ERR_GET_LIB(error) == ERR_LIB_SSL;
  if (is_ssl && reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    return fail(TlsFailure::bad_certificate,
                verify_words_.empty() ? "its certificate is not accepted" : verify_words_);
  }
  if (is_ssl && reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
    return fail(TlsFailure::bad_certificate, "it shows no certificate");
  }
  if (is_ssl && (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_VERSION_TOO_LOW)) {
    return fail(TlsFailure::no_tls, "it allows no version of TLS that we allow");
  }
  if (is_ssl && reason == SSL_R_NO_SHARED_CIPHER) {
    return fail(TlsFailure::no_tls, "it has no TLS cipher or curve that we allow");
  }
  if (!done_ && first_byte_ != handshake_record && first_byte_ != alert_record) {
    // OpenSSL does not answer such a peer; one of ours understands this.
    output_.append("\x15\x03\x03\x00\x02\x02\x46", 7);
    return fail(TlsFailure::no_tls, "it does not speak TLS");
  }
  fail(kind, fmt::format("TLS: {}", tls::reason_of(error)));
}

void TlsEngine::fail(TlsFailure failure, std::string words) {
  failure_ = failure;
  words_ = std::move(words);
}

}  // namespace brood::node
