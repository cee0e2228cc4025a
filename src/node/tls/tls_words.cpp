#include "node/tls/tls_words.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

namespace brood::node::tls {
namespace {

/// Of each text that a peer chose.
constexpr std::size_t shown_bytes_max = 200;

std::string shown(std::string_view text) {
  std::string out(text.substr(0, shown_bytes_max));
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  if (text.size() > shown_bytes_max) out += "...";
  return out;
}

std::string text_of(const X509_NAME* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
  if (out == nullptr || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0) return "?";
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return size > 0 ? shown({data, static_cast<std::size_t>(size)}) : "nobody";
}

std::string text_of(const ASN1_TIME* time) {
  std::tm tm{};
  if (ASN1_TIME_to_tm(time, &tm) != 1) return "?";
  char text[64];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &tm)};
}

std::string text_of(const GENERAL_NAME* name) {
  if (name->type == GEN_DNS) {
    const ASN1_STRING* text = name->d.dNSName;
    return shown({reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                  static_cast<std::size_t>(ASN1_STRING_length(text))});
  }
  if (name->type != GEN_IPADD) return {};
  const int size = ASN1_STRING_length(name->d.iPAddress);
  char text[INET6_ADDRSTRLEN] = {};
  if (size != 4 && size != 16) return {};
  ::inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress), text, sizeof text);
  return text;
}

}  // namespace

bool is_address(const std::string& host) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

std::string hosts_of(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      &GENERAL_NAMES_free);
  std::string out;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    if (out.size() > shown_bytes_max) return out + ", ...";
    const std::string host = text_of(sk_GENERAL_NAME_value(names.get(), i));
    if (!host.empty()) out += (out.empty() ? "" : ", ") + host;
  }
  return out.empty() ? "no host" : out;
}

bool is_for_host(X509* certificate, const std::string& host) {
  if (is_address(host) && X509_check_ip_asc(certificate, host.c_str(), 0) == 1) return true;
  constexpr unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
  return X509_check_host(certificate, host.data(), host.size(), flags, nullptr) == 1;
}

bool is_expired(const X509* certificate) {
  return X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
}

std::string end_of(const X509* certificate) {
  return text_of(X509_get0_notAfter(certificate));
}

std::string why_refused(X509_STORE_CTX* store, const std::string& host, const std::string& ca_file) {
  const int error = X509_STORE_CTX_get_error(store);
  const X509* leaf = X509_STORE_CTX_get0_cert(store);
  const X509* certificate = X509_STORE_CTX_get_current_cert(store);  // of the chain
  std::string general =
      fmt::format("its certificate is not accepted: {}", X509_verify_cert_error_string(error));
  if (certificate == nullptr || leaf == nullptr) return general;
  switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return fmt::format("its certificate is not signed by a CA of {}; it has {}, signed by {}", ca_file,
                         text_of(X509_get_subject_name(leaf)), text_of(X509_get_issuer_name(leaf)));
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format("its certificate is for {} (subjectAltName), not for {}", hosts_of(certificate),
                         host);
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format("its certificate ({}) expired at {}", text_of(X509_get_subject_name(certificate)),
                         end_of(certificate));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format("its certificate ({}) is not valid before {}; are the clocks right?",
                         text_of(X509_get_subject_name(certificate)),
                         text_of(X509_get0_notBefore(certificate)));
    case X509_V_ERR_INVALID_PURPOSE:
      return fmt::format(
          "its certificate ({}) is not for this use; extendedKeyUsage must have both "
          "serverAuth and clientAuth",
          text_of(X509_get_subject_name(certificate)));
    default:
      return general;
  }
}

std::string reason_of(unsigned long error) {
  const char* reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : fmt::format("error {:x}", error);
}

}  // namespace brood::node::tls
