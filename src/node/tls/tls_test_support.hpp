// Certificates for tests: a CA of their own, and what it signs, in a folder that goes with the object.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <brood/tls.hpp>
#include <filesystem>
#include <memory>
#include <string>

namespace brood::node::test {

struct CertificateOptions {
  std::string names = "IP:127.0.0.1,DNS:127.0.0.1,DNS:localhost";  ///< subjectAltName.
  std::string usage = {};                                          ///< extendedKeyUsage; empty: none.
  long from_seconds = -3600;                                       ///< Of now.
  long to_seconds = 86'400;
};

/// A certificate authority with a folder of files.
class TestCa {
 public:
  explicit TestCa(const std::string& name = "test ca") : name_(name), key_(make_key()) {
    char folder[] = "/tmp/brood_tls_XXXXXX";
    EXPECT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    certificate_ = make(name_, key_.get(), key_.get(), {.names = "", .usage = ""}, true);
    write_certificate("ca.pem", certificate_.get());
  }
  ~TestCa() { std::filesystem::remove_all(folder_); }
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;

  [[nodiscard]] std::string path(const std::string& file) const { return folder_ + "/" + file; }
  /// Makes NAME.pem and NAME.key, signed by this CA.
  TlsOptions issue(const std::string& name, const CertificateOptions& options = {}) {
    const Key key = make_key();
    write_certificate(name + ".pem", make(name, key.get(), key_.get(), options, false).get());
    write_key(name + ".key", key.get());
    return {.cert_file = path(name + ".pem"), .key_file = path(name + ".key"), .ca_file = path("ca.pem")};
  }
  void write_text(const std::string& file, const std::string& text) const {
    std::FILE* out = std::fopen(path(file).c_str(), "w");
    ASSERT_NE(out, nullptr);
    std::fputs(text.c_str(), out);
    std::fclose(out);
  }

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

  static Key make_key() { return {EVP_EC_gen("P-256"), &EVP_PKEY_free}; }

  static void add_extension(X509* certificate, X509* issuer, int id, const std::string& text) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, text.c_str());
    ASSERT_NE(extension, nullptr) << text;
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  Certificate make(const std::string& name, EVP_PKEY* key, EVP_PKEY* signer,
                   const CertificateOptions& options, bool is_ca) {
    Certificate made(X509_new(), &X509_free);
    X509* raw = made.get();
    X509_set_version(raw, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(raw), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(raw), options.from_seconds);
    X509_gmtime_adj(X509_getm_notAfter(raw), options.to_seconds);
    X509_set_pubkey(raw, key);
    const auto put_name = [](X509_NAME* to, const std::string& text) {
      X509_NAME_add_entry_by_txt(to, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
    };
    put_name(X509_get_subject_name(raw), name);
    put_name(X509_get_issuer_name(raw), name_);
    X509* issuer = is_ca ? raw : certificate_.get();
    if (is_ca) add_extension(raw, issuer, NID_basic_constraints, "critical,CA:TRUE");
    if (!options.names.empty()) add_extension(raw, issuer, NID_subject_alt_name, options.names);
    if (!options.usage.empty()) add_extension(raw, issuer, NID_ext_key_usage, options.usage);
    EXPECT_NE(X509_sign(raw, signer, EVP_sha256()), 0);
    return made;
  }
  void write_certificate(const std::string& file, X509* certificate) const {
    std::FILE* out = std::fopen(path(file).c_str(), "w");
    ASSERT_NE(out, nullptr);
    PEM_write_X509(out, certificate);
    std::fclose(out);
  }
  void write_key(const std::string& file, EVP_PKEY* key) const {
    ::unlink(path(file).c_str());
    std::FILE* out = std::fopen(path(file).c_str(), "w");
    ASSERT_NE(out, nullptr);
    ::fchmod(::fileno(out), 0600);
    PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
  }

  std::string name_;
  std::string folder_;
  Key key_;
  Certificate certificate_{nullptr, &X509_free};
  long serial_ = 0;
};

}  // namespace brood::node::test
