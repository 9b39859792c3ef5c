// For tests: an authority and certificates that it has signed, as PEM files in a temporary folder.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "net/tls_context.h"

namespace hearth::net {

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "authority") : name_(name), key_(EVP_EC_gen("P-256")) {
    std::string pattern = (std::filesystem::temp_directory_path() / "hearth-tls-XXXXXX").string();
    const char* const made = mkdtemp(pattern.data());
    EXPECT_NE(made, nullptr);
    folder_ = pattern;
    const Certificate certificate = Sign(name_, key_.get(), kDay);
    Write("authority.crt", [&](FILE* file) { return PEM_write_X509(file, certificate.get()); });
  }
  ~TestAuthority() { std::filesystem::remove_all(folder_); }
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  std::string path(const std::string& file) const { return (folder_ / file).string(); }

  // Makes NAME.crt and NAME.key, good for `seconds` from now; encrypted with the password if there is one.
  void Issue(const std::string& name, long seconds = kDay, std::string password = {}) {
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate = Sign(name, key.get(), seconds);
    Write(name + ".crt", [&](FILE* file) { return PEM_write_X509(file, certificate.get()); });
    Write(name + ".key", [&](FILE* file) {
      const EVP_CIPHER* const cipher = password.empty() ? nullptr : EVP_aes_128_cbc();
      return PEM_write_PrivateKey(file, key.get(), cipher, nullptr, 0, nullptr,
                                  password.empty() ? nullptr : password.data());
    });
  }
  // With the certificate of that name.
  TlsOptions Options(const std::string& name) const {
    TlsOptions options;
    options.certificate_file = path(name + ".crt");
    options.key_file = path(name + ".key");
    options.authorities_file = path("authority.crt");
    return options;
  }
  std::shared_ptr<const TlsContext> Context(const std::string& name) const {
    auto context = TlsContext::Make(Options(name));
    EXPECT_TRUE(context.has_value()) << context.error().message;
    return *context;
  }

  static constexpr long kDay = 86'400;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  using Key = std::unique_ptr<EVP_PKEY, Free>;
  using Certificate = std::unique_ptr<X509, Free>;

  // By our key; our own certificate if that is the key that it is for.
  Certificate Sign(const std::string& name, EVP_PKEY* key, long seconds) {
    Certificate certificate(X509_new());
    X509* const x = certificate.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(x), -2 * kDay);
    X509_gmtime_adj(X509_getm_notAfter(x), seconds);
    SetName(X509_get_subject_name(x), name);
    SetName(X509_get_issuer_name(x), name_);
    X509_set_pubkey(x, key);
    if (key == key_.get()) {
      X509_EXTENSION* const extension =
          X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
      X509_add_ext(x, extension, -1);
      X509_EXTENSION_free(extension);
    }
    EXPECT_GT(X509_sign(x, key_.get(), EVP_sha256()), 0);
    return certificate;
  }
  static void SetName(X509_NAME* to, const std::string& name) {
    X509_NAME_add_entry_by_txt(to, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.data()),
                               static_cast<int>(name.size()), -1, 0);
  }
  template <typename Writer>
  void Write(const std::string& file, Writer write) {
    FILE* const out = std::fopen(path(file).c_str(), "w");
    ASSERT_NE(out, nullptr);
    EXPECT_EQ(write(out), 1);
    std::fclose(out);
  }

  const std::string name_;
  const Key key_;
  long serial_ = 0;
  std::filesystem::path folder_;
};

}  // namespace hearth::net
