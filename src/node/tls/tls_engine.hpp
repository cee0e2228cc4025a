// TlsEngine: one end of a TLS connection, on memory. It knows no socket: whoever drives it hands over what
// arrived (feed) and sends what it makes (take_output, encrypt).
//
//   handshake() ... wants_input, feed() ... done -> read(), encrypt()
//
// Both sides show a certificate and verify the other's chain; a client also that the certificate is for the
// host it dialled. A failure is final; words() say why, and the output has the alert that tells the peer.
//
// Thread rule: handshake(), feed() and read() on the io thread; encrypt() on any thread, one at a time. A
// lock keeps the two apart, for the time of a record.
#pragma once

#include <openssl/types.h>
#include <sys/uio.h>

#include <atomic>
#include <brood/term.hpp>
#include <memory>
#include <mutex>
#include <span>

namespace brood::node {

enum class TlsFailure : std::uint8_t {
  none,
  no_tls,           ///< The peer does not speak it, or no version or cipher that we allow.
  bad_certificate,  ///< One side does not accept the other's certificate.
  broken,           ///< What arrived is not what the peer can have sent.
};

class TlsEngine {
 public:
  enum class Step : std::uint8_t { done, wants_input, failed };
  struct Plain {
    std::size_t count = 0;  ///< With zero and not ended: more has to arrive.
    bool ended = false;     ///< Nothing more comes: the peer said goodbye, or it is broken (see failure()).
  };

  /// `host`: whom the peer's certificate must be for, a name or an address; empty: the side that accepts.
  /// `ca_file` is for words only.
  TlsEngine(SSL_CTX* context, std::string host, std::string ca_file);
  ~TlsEngine();
  TlsEngine(const TlsEngine&) = delete;
  TlsEngine& operator=(const TlsEngine&) = delete;

  [[nodiscard]] Step handshake();
  /// What arrived; must stay valid until wants_input, or a read() that gives nothing.
  void feed(BytesView arrived);
  /// Decrypts into `space`, as much as fits.
  [[nodiscard]] Plain read(std::span<char> space);
  /// Appends what is to be sent to `out`: what handshake() or read() made.
  void take_output(Bytes& out);
  struct Sealed {
    std::size_t taken = 0;
    bool broken = false;
  };
  /// Encrypts the first bytes of `pieces`, at most `bytes_max`, and appends the records to `out`, behind what
  /// take_output() would give. Takes nothing while a renewed handshake goes on.
  [[nodiscard]] Sealed encrypt(std::span<const iovec> pieces, std::size_t bytes_max, Bytes& out);
  /// The peer has shown that it is one of us: its buffers are kept, and it may shake hands again. OTP does so
  /// with TLS 1.2 after many records, and gives the connection up when it may not.
  void let_in();

  /// A renewed handshake goes on.
  [[nodiscard]] bool is_shaking_hands() const;
  /// read() has made something that is to be sent. Any thread.
  [[nodiscard]] bool has_output() const { return has_output_.load(std::memory_order_acquire); }
  /// Something has arrived that read() has not given yet. Any thread.
  [[nodiscard]] bool has_unread() const { return has_unread_.load(std::memory_order_relaxed); }
  /// Nothing has arrived at all.
  [[nodiscard]] bool untouched() const { return first_byte_ < 0; }
  [[nodiscard]] TlsFailure failure() const { return failure_; }
  /// Why it failed, about the peer as "it".
  [[nodiscard]] const std::string& words() const { return words_; }
  /// "TLSv1.3", once done.
  [[nodiscard]] std::string version() const;

 private:
  struct Io;  // the callbacks of OpenSSL
  struct Free {
    void operator()(SSL* ssl) const;
  };

  void explain();
  void fail(TlsFailure failure, std::string words);
  bool put_record(BytesView record, Sealed& sealed);

  const std::string host_;
  const std::string ca_file_;

  mutable std::mutex mutex_;  ///< Guards the next three.
  std::unique_ptr<SSL, Free> ssl_;
  BytesView input_;
  Bytes output_;

  Bytes record_;  ///< Of encrypt(): where small pieces are gathered; reused.
  std::atomic<bool> has_unread_{false};
  std::atomic<bool> has_output_{false};

  // Io thread.
  int first_byte_ = -1;
  bool done_ = false;
  bool ended_ = false;
  std::string verify_words_;  ///< What is wrong with the peer's certificate.
  TlsFailure failure_ = TlsFailure::none;
  std::string words_;
};

}  // namespace brood::node
