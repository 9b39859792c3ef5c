#include "server/tls_setup.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace hearth::server {
namespace {

using settings::Settings;

bool IsWanted(const Settings& settings) {
  return settings.tls_port != 0 || settings.tls_replication || settings.tls_cluster;
}

net::ClientCertificates WantedOf(const Settings& settings) {
  switch (settings.tls_auth_clients) {
    case settings::TlsAuthClients::kNo:
      return net::ClientCertificates::kIgnored;
    case settings::TlsAuthClients::kOptional:
      return net::ClientCertificates::kOptional;
    case settings::TlsAuthClients::kYes:
      break;
  }
  return net::ClientCertificates::kRequired;
}

net::TlsOptions OptionsOf(const Settings& settings) {
  return {.certificate_file = settings.tls_cert_file,
          .key_file = settings.tls_key_file,
          .key_password = settings.tls_key_file_pass,
          .client_certificate_file = settings.tls_client_cert_file,
          .client_key_file = settings.tls_client_key_file,
          .client_key_password = settings.tls_client_key_file_pass,
          .dh_parameters_file = settings.tls_dh_params_file,
          .authorities_file = settings.tls_ca_cert_file,
          .authorities_folder = settings.tls_ca_cert_dir,
          .protocols = settings.tls_protocols,
          .ciphers = settings.tls_ciphers,
          .cipher_suites = settings.tls_ciphersuites,
          .prefers_server_ciphers = settings.tls_prefer_server_ciphers,
          .keeps_sessions = settings.tls_session_caching,
          .kept_sessions = settings.tls_session_cache_size,
          .session_seconds = settings.tls_session_cache_timeout};
}

}  // namespace

TlsSetup::TlsSetup(const Parts& parts)
    : configuration_(parts.configuration),
      log_(parts.log),
      tls_(parts.tls),
      listener_(parts.loop, parts.net, parts.connections, parts.filter) {
  listener_.set_transport_maker([this, &net = parts.net](int fd) {
    return tls_.context()->Accept(net, fd, WantedOf(configuration_.settings()));
  });
  parts.connections.set_on_handshake_failed([this](const net::Connection& connection) {
    log_.Warning("Error accepting a client connection: {} (addr={} laddr={})", connection.handshake_failure(),
                 connection.peer_address(), connection.local_address());
  });
  FollowChanges();
}

Status TlsSetup::Start() {
  const Settings& settings = configuration_.settings();
  listener_.set_keepalive_seconds(static_cast<int>(settings.tcp_keepalive));
  listener_.set_most_accepts(static_cast<int>(settings.max_new_tls_connections_per_cycle));
  if (Status status = MakeContext(settings); !status) {
    log_.Warning("{}", status.error().message);
    log_.Warning("Failed to configure TLS. Check logs for more info.");
    return status;
  }
  if (Status status = Listen(settings); !status) {
    log_.Warning("{}", status.error().message);
    log_.Warning("Failed listening on port {} (tls), aborting.", settings.tls_port);
    return status;
  }
  return {};
}

Status TlsSetup::MakeContext(const Settings& settings) {
  std::shared_ptr<const net::TlsContext> context;
  if (IsWanted(settings)) {
    auto made = net::TlsContext::Make(OptionsOf(settings));
    if (!made) return std::unexpected(made.error());
    context = std::move(*made);
    const bool must_verify = WantedOf(settings) != net::ClientCertificates::kIgnored ||
                             settings.tls_replication || settings.tls_cluster;
    if (must_verify && settings.tls_ca_cert_file.empty() && settings.tls_ca_cert_dir.empty()) {
      return Fail(
          "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or "
          "tls-auth-clients are enabled!");
    }
  }
  tls_.set_context(std::move(context));
  tls_.set_used_for_links(settings.tls_replication);
  return {};
}

Status TlsSetup::Listen(const Settings& settings) {
  net::ListenOptions options;
  options.addresses = settings.tls_port != 0 ? settings.bind_addresses : std::vector<std::string>();
  options.port = static_cast<int>(settings.tls_port);
  options.backlog = static_cast<int>(settings.tcp_backlog);
  return listener_.Listen(options);
}

void TlsSetup::FollowChanges() {
  // The context before the port, which must not be open without one.
  configuration_.OnChange({"tls-port",
                           "tls-replication",
                           "tls-cluster",
                           "tls-cert-file",
                           "tls-key-file",
                           "tls-key-file-pass",
                           "tls-client-cert-file",
                           "tls-client-key-file",
                           "tls-client-key-file-pass",
                           "tls-dh-params-file",
                           "tls-ca-cert-file",
                           "tls-ca-cert-dir",
                           "tls-auth-clients",
                           "tls-protocols",
                           "tls-ciphers",
                           "tls-ciphersuites",
                           "tls-prefer-server-ciphers",
                           "tls-session-caching",
                           "tls-session-cache-size",
                           "tls-session-cache-timeout"},
                          [this](const Settings& settings) -> Status {
                            const Status status = MakeContext(settings);
                            if (status) return {};
                            log_.Warning("{}", status.error().message);
                            return Fail("Unable to update TLS configuration. Check server logs.");
                          });
  configuration_.OnChange({"tls-port", "bind", "tcp-backlog"}, [this](const Settings& settings) -> Status {
    const Status status = Listen(settings);
    if (status) return {};
    log_.Warning("{}", status.error().message);
    return Fail("Unable to listen on this port. Check server logs.");
  });
  configuration_.OnChange({"tcp-keepalive"}, [this](const Settings& settings) -> Status {
    listener_.set_keepalive_seconds(static_cast<int>(settings.tcp_keepalive));
    return {};
  });
  configuration_.OnChange({"max-new-tls-connections-per-cycle"}, [this](const Settings& settings) -> Status {
    listener_.set_most_accepts(static_cast<int>(settings.max_new_tls_connections_per_cycle));
    return {};
  });
}

}  // namespace hearth::server
