// What went wrong with TLS, in words for a log or whoever connects. Peers choose the names in certificates:
// what is shown of them is short and has no control characters.
//
// Pure functions on OpenSSL's objects.
#pragma once

#include <openssl/types.h>

#include <string>

namespace brood::node::tls {

/// An IPv4 or IPv6 address, no name.
[[nodiscard]] bool is_address(const std::string& host);
/// The hosts that a certificate is for: "n1.example.org, 10.0.0.1"; "no host" where it names none.
[[nodiscard]] std::string hosts_of(const X509* certificate);
/// Whether a certificate is for `host`, a name or an address. Only subjectAltNames count. An address may also
/// stand among the DNS names: OTP looks for it there and nowhere else.
[[nodiscard]] bool is_for_host(X509* certificate, const std::string& host);
[[nodiscard]] bool is_expired(const X509* certificate);
/// "2026-11-21 12:00:00 UTC"
[[nodiscard]] std::string end_of(const X509* certificate);
/// Why a verification failed. `host`: whom the certificate should have been for.
[[nodiscard]] std::string why_refused(X509_STORE_CTX* store, const std::string& host,
                                      const std::string& ca_file);
/// An error of OpenSSL's queue, in its words.
[[nodiscard]] std::string reason_of(unsigned long error);

}  // namespace brood::node::tls
