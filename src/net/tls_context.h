// The certificates and rules of TLS, as OpenSSL wants them: one side for those who connect to us, one for
// where we connect to. Made of files once and never changed; a new configuration makes a new context, and
// connections keep the one that they began with. Any thread.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "env/net.h"
#include "net/transport.h"

struct bio_method_st;
struct ssl_ctx_st;
struct ssl_st;

namespace hearth::net {

// As the tls-* directives have it; paths of PEM files, empty for none.
struct TlsOptions {
  std::string certificate_file;  // with the chain that leads to an authority
  std::string key_file;
  std::string key_password;
  std::string client_certificate_file;  // to be shown to other servers; empty = the one above
  std::string client_key_file;
  std::string client_key_password;
  std::string dh_parameters_file;
  std::string authorities_file;  // whom we trust
  std::string authorities_folder;
  std::string protocols;      // "TLSv1.2 TLSv1.3"; empty = these two
  std::string ciphers;        // up to TLS 1.2; empty = the library's choice
  std::string cipher_suites;  // of TLS 1.3
  bool prefers_server_ciphers = false;
  bool keeps_sessions = true;
  int64_t kept_sessions = 20480;  // 0 = no limit
  int64_t session_seconds = 300;
};

// Whether those who connect to us have to show a certificate. One that is shown must be good in any case.
enum class ClientCertificates { kIgnored, kRequired, kOptional };

class TlsContext : public std::enable_shared_from_this<TlsContext> {
 public:
  // The error is a line for the log that says which file or option is wrong.
  static Result<std::shared_ptr<const TlsContext>> Make(const TlsOptions& options);
  // For Make.
  TlsContext();
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // The transport of a connected non-blocking socket; Handshake comes first.
  std::unique_ptr<Transport> Accept(env::Net& net, int fd, ClientCertificates wanted) const;
  std::unique_ptr<Transport> Connect(env::Net& net, int fd) const;

 private:
  Status Configure(const TlsOptions& options);

  bio_method_st* const socket_method_;
  ssl_ctx_st* const server_;
  ssl_ctx_st* const client_;
};

// The context of the moment, for those who accept and who connect. Owned by the composition root; engine
// thread.
class Tls {
 public:
  // Null as long as TLS is not in use.
  const std::shared_ptr<const TlsContext>& context() const { return context_; }
  void set_context(std::shared_ptr<const TlsContext> context) { context_ = std::move(context); }

  // What other servers are to be connected to with: null = plainly.
  std::shared_ptr<const TlsContext> for_links() const { return is_used_for_links_ ? context_ : nullptr; }
  void set_used_for_links(bool is_used) { is_used_for_links_ = is_used; }

 private:
  std::shared_ptr<const TlsContext> context_;
  bool is_used_for_links_ = false;
};

}  // namespace hearth::net
