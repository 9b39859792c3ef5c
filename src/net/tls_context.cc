#include "net/tls_context.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/text.h"
#include "net/tls_transport.h"

namespace hearth::net {
namespace {

struct Protocol {
  std::string_view name;
  int version;
  uint64_t off;
};
constexpr Protocol kProtocols[] = {{"TLSv1", TLS1_VERSION, SSL_OP_NO_TLSv1},
                                   {"TLSv1.1", TLS1_1_VERSION, SSL_OP_NO_TLSv1_1},
                                   {"TLSv1.2", TLS1_2_VERSION, SSL_OP_NO_TLSv1_2},
                                   {"TLSv1.3", TLS1_3_VERSION, SSL_OP_NO_TLSv1_3}};
constexpr std::string_view kUsualProtocols = "TLSv1.2 TLSv1.3";

// Without one of our own, OpenSSL would ask for the password on the terminal.
int GivePassword(char* to, int size, int, void* password) {
  const auto& text = *static_cast<const std::string*>(password);
  if (text.empty() || text.size() > static_cast<size_t>(size)) return -1;
  std::copy(text.begin(), text.end(), to);
  return static_cast<int>(text.size());
}

Status SetProtocols(SSL_CTX* context, const std::string& wanted) {
  const std::vector<std::string> names =
      SplitArguments(wanted.empty() ? kUsualProtocols : wanted).value_or(std::vector<std::string>());
  int lowest = 0;
  uint64_t off = 0;
  size_t known = 0;
  for (const Protocol& protocol : kProtocols) {
    const auto given = std::count_if(names.begin(), names.end(), [&](const std::string& name) {
      return EqualsIgnoreCase(name, protocol.name);
    });
    known += static_cast<size_t>(given);
    if (given == 0) off |= protocol.off;
    if (given > 0 && lowest == 0) lowest = protocol.version;
  }
  if (known != names.size() || lowest == 0) {
    return Fail(
        "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.");
  }
  // The system's own configuration may forbid old versions; who names one here wants it.
  SSL_CTX_set_min_proto_version(context, lowest);
  SSL_CTX_set_options(context, off);
  return {};
}

Status UseCertificate(SSL_CTX* context, const std::string& certificate_file, const std::string& key_file,
                      const std::string& password) {
  SSL_CTX_set_default_passwd_cb(context, GivePassword);
  SSL_CTX_set_default_passwd_cb_userdata(context, const_cast<std::string*>(&password));
  Status status;
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1) {
    status = Fail(TakeTlsError("Failed to load certificate: " + certificate_file));
  } else if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
             SSL_CTX_check_private_key(context) != 1) {
    status = Fail(TakeTlsError("Failed to load private key: " + key_file));
  }
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  return status;
}

Status UseDhParameters(SSL_CTX* context, const std::string& file) {
  if (file.empty()) {
    SSL_CTX_set_dh_auto(context, 1);
    return {};
  }
  BIO* const input = BIO_new_file(file.c_str(), "r");
  if (input == nullptr) return Fail(TakeTlsError("Failed to load tls-dh-params-file " + file));
  EVP_PKEY* const parameters = PEM_read_bio_Parameters(input, nullptr);
  BIO_free(input);
  if (parameters == nullptr) return Fail(TakeTlsError("Failed to read DH params from " + file));
  // Taken over if all is well.
  if (SSL_CTX_set0_tmp_dh_pkey(context, parameters) == 1) return {};
  EVP_PKEY_free(parameters);
  return Fail(TakeTlsError("Failed to use DH params of " + file));
}

Status UseAuthorities(SSL_CTX* context, const TlsOptions& options) {
  const std::string& file = options.authorities_file;
  const std::string& folder = options.authorities_folder;
  if (file.empty() && folder.empty()) return {};
  if (SSL_CTX_load_verify_locations(context, file.empty() ? nullptr : file.c_str(),
                                    folder.empty() ? nullptr : folder.c_str()) == 1) {
    return {};
  }
  return Fail(TakeTlsError("Failed to configure CA certificate(s) file/directory"));
}

// What both sides have in common.
Status SetRules(SSL_CTX* context, const TlsOptions& options) {
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  // As much as its buffer holds is read at once, and not the head of a record before its body.
  SSL_CTX_set_read_ahead(context, 1);
  HEARTH_TRY(SetProtocols(context, options.protocols));
  if (!options.ciphers.empty() && SSL_CTX_set_cipher_list(context, options.ciphers.c_str()) != 1) {
    ERR_clear_error();
    return Fail("Failed to configure ciphers: " + options.ciphers);
  }
  if (!options.cipher_suites.empty() &&
      SSL_CTX_set_ciphersuites(context, options.cipher_suites.c_str()) != 1) {
    ERR_clear_error();
    return Fail("Failed to configure ciphersuites: " + options.cipher_suites);
  }
  return UseAuthorities(context, options);
}

void SetSessions(SSL_CTX* context, const TlsOptions& options) {
  if (!options.keeps_sessions) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return;
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
  SSL_CTX_sess_set_cache_size(context, options.kept_sessions);
  SSL_CTX_set_timeout(context, options.session_seconds);
}

}  // namespace

TlsContext::TlsContext()
    : socket_method_(MakeSocketMethod()),
      server_(SSL_CTX_new(TLS_server_method())),
      client_(SSL_CTX_new(TLS_client_method())) {
  HEARTH_ASSERT(socket_method_ != nullptr && server_ != nullptr && client_ != nullptr);
}

TlsContext::~TlsContext() {
  SSL_CTX_free(server_);
  SSL_CTX_free(client_);
  FreeSocketMethod(socket_method_);
}

Result<std::shared_ptr<const TlsContext>> TlsContext::Make(const TlsOptions& options) {
  auto context = std::make_shared<TlsContext>();
  ERR_clear_error();
  HEARTH_TRY(context->Configure(options));
  return std::shared_ptr<const TlsContext>(std::move(context));
}

Status TlsContext::Configure(const TlsOptions& options) {
  if (options.certificate_file.empty()) return Fail("No tls-cert-file configured!");
  if (options.key_file.empty()) return Fail("No tls-key-file configured!");
  const bool has_client_files = !options.client_certificate_file.empty();
  if (has_client_files && options.client_key_file.empty()) return Fail("No tls-client-key-file configured!");
  for (SSL_CTX* const context : {server_, client_}) HEARTH_TRY(SetRules(context, options));
  HEARTH_TRY(UseCertificate(server_, options.certificate_file, options.key_file, options.key_password));
  HEARTH_TRY(has_client_files
                 ? UseCertificate(client_, options.client_certificate_file, options.client_key_file,
                                  options.client_key_password)
                 : UseCertificate(client_, options.certificate_file, options.key_file, options.key_password));
  if (options.prefers_server_ciphers) SSL_CTX_set_options(server_, SSL_OP_CIPHER_SERVER_PREFERENCE);
  HEARTH_TRY(UseDhParameters(server_, options.dh_parameters_file));
  SetSessions(server_, options);
  SSL_CTX_set_verify(client_, SSL_VERIFY_PEER, nullptr);
  return {};
}

std::unique_ptr<Transport> TlsContext::Accept(env::Net& net, int fd, ClientCertificates wanted) const {
  SSL* const ssl = SSL_new(server_);
  HEARTH_ASSERT(ssl != nullptr);
  int verify = SSL_VERIFY_NONE;
  if (wanted == ClientCertificates::kOptional) verify = SSL_VERIFY_PEER;
  if (wanted == ClientCertificates::kRequired) verify = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_set_verify(ssl, verify, nullptr);
  // A session that was begun without a certificate is not resumed where one is asked for.
  const auto mode = static_cast<unsigned char>(wanted);
  SSL_set_session_id_context(ssl, &mode, sizeof(mode));
  SSL_set_accept_state(ssl);
  return std::make_unique<TlsTransport>(shared_from_this(), socket_method_, ssl, net, fd);
}

std::unique_ptr<Transport> TlsContext::Connect(env::Net& net, int fd) const {
  SSL* const ssl = SSL_new(client_);
  HEARTH_ASSERT(ssl != nullptr);
  SSL_set_connect_state(ssl);
  return std::make_unique<TlsTransport>(shared_from_this(), socket_method_, ssl, net, fd);
}

}  // namespace hearth::net
