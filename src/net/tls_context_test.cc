#include "net/tls_context.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "net/testing/certificates.h"

namespace hearth::net {
namespace {

class TlsContextTest : public ::testing::Test {
 protected:
  TlsContextTest() { authority_.Issue("server"); }

  // "" if a context can be made.
  static std::string ErrorOf(const TlsOptions& options) {
    const auto context = TlsContext::Make(options);
    return context ? std::string() : context.error().message;
  }
  std::string Garbage() {
    const std::string path = authority_.path("garbage.pem");
    FILE* const file = std::fopen(path.c_str(), "w");
    std::fwrite("no certificate", 1, 14, file);
    std::fclose(file);
    return path;
  }

  TestAuthority authority_;
  TlsOptions options_ = authority_.Options("server");
};

TEST_F(TlsContextTest, IsMadeOfACertificateWithItsKey) { EXPECT_EQ(ErrorOf(options_), ""); }

TEST_F(TlsContextTest, SaysWhichFileIsNotConfigured) {
  TlsOptions options = options_;
  options.certificate_file.clear();
  EXPECT_EQ(ErrorOf(options), "No tls-cert-file configured!");
  options = options_;
  options.key_file.clear();
  EXPECT_EQ(ErrorOf(options), "No tls-key-file configured!");
  options = options_;
  options.client_certificate_file = options.certificate_file;
  EXPECT_EQ(ErrorOf(options), "No tls-client-key-file configured!");
}

TEST_F(TlsContextTest, SaysWhichFileCannotBeUsed) {
  const std::string garbage = Garbage();
  for (std::string TlsOptions::* const file :
       {&TlsOptions::certificate_file, &TlsOptions::key_file, &TlsOptions::authorities_file,
        &TlsOptions::dh_parameters_file}) {
    for (const std::string& path : {garbage, authority_.path("missing.pem")}) {
      TlsOptions options = options_;
      options.*file = path;
      const std::string error = ErrorOf(options);
      EXPECT_TRUE(error.starts_with("Failed to ")) << error;
      const bool names_it = error.find(path) != std::string::npos;
      EXPECT_TRUE(names_it || file == &TlsOptions::authorities_file) << error;
    }
  }
}

TEST_F(TlsContextTest, RefusesTheKeyOfAnotherCertificate) {
  authority_.Issue("other");
  options_.key_file = authority_.path("other.key");
  EXPECT_TRUE(ErrorOf(options_).starts_with("Failed to load private key: ")) << ErrorOf(options_);
  options_ = authority_.Options("server");
  options_.client_certificate_file = options_.certificate_file;
  options_.client_key_file = authority_.path("other.key");
  EXPECT_TRUE(ErrorOf(options_).starts_with("Failed to load private key: ")) << ErrorOf(options_);
}

// And never asks on a terminal.
TEST_F(TlsContextTest, OpensAnEncryptedKeyWithItsPasswordAlone) {
  authority_.Issue("locked", TestAuthority::kDay, "secret");
  TlsOptions options = authority_.Options("locked");
  for (const std::string& wrong : {std::string(), std::string("guess"), std::string(5000, 'x')}) {
    options.key_password = wrong;
    EXPECT_TRUE(ErrorOf(options).starts_with("Failed to load private key: ")) << ErrorOf(options);
  }
  options.key_password = "secret";
  EXPECT_EQ(ErrorOf(options), "");
}

TEST_F(TlsContextTest, KnowsTheVersionsOfTheProtocol) {
  for (const char* good : {"", "TLSv1.2", "TLSv1.3", "tlsv1.3 TLSv1.2", "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3"}) {
    options_.protocols = good;
    EXPECT_EQ(ErrorOf(options_), "") << good;
  }
  for (const char* bad : {"SSLv3", "TLSv1.2 TLSv1.4", "TLSv1.2,TLSv1.3", "\"TLSv1.2", " "}) {
    options_.protocols = bad;
    EXPECT_TRUE(ErrorOf(options_).starts_with("Invalid tls-protocols specified.")) << bad;
  }
}

TEST_F(TlsContextTest, RefusesCiphersThatThereAreNot) {
  options_.ciphers = "ROT13";
  EXPECT_EQ(ErrorOf(options_), "Failed to configure ciphers: ROT13");
  options_.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
  options_.cipher_suites = "ROT26";
  EXPECT_EQ(ErrorOf(options_), "Failed to configure ciphersuites: ROT26");
  options_.cipher_suites = "TLS_AES_256_GCM_SHA384";
  EXPECT_EQ(ErrorOf(options_), "");
}

// Each reload of certificates is a context; the library has identifiers for a hundred kinds of BIO only.
TEST_F(TlsContextTest, CanBeMadeAnyNumberOfTimes) {
  for (int i = 0; i < 150; ++i) ASSERT_EQ(ErrorOf(options_), "");
}

}  // namespace
}  // namespace hearth::net
