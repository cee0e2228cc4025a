// TlsOptions: the files by which a node shows others who it is, and by which it knows whom to believe. With
// them all its connections are encrypted, and both sides prove who they are before the cookie is asked for;
// there is no way to leave the proof out. docs/guide/tls.md says how to make the files.
//
// Plain data. The files are looked at again at each new connection: what has changed is used from then on,
// and connections that stand are left alone.
#pragma once

#include <cstdint>
#include <string>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

enum class TlsVersion : std::uint8_t { v1_2, v1_3 };

struct TlsOptions {
  /// PEM: the node's certificate, and behind it those between it and the CA, if any. It names the host of the
  /// node's name as a subjectAltName (DNS or IP), or no peer will connect to it.
  std::string cert_file;
  std::string key_file;  ///< PEM, without a password; only its owner may have access to it.
  std::string ca_file;   ///< PEM: the CAs that sign the certificates of peers. The system's are not asked.
  TlsVersion min_version = TlsVersion::v1_2;  ///< Peers that can do less are refused.
};

}  // namespace brood::inline v0

#pragma GCC visibility pop
