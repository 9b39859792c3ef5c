// TLS as the tls-* directives have it: makes the context of certificates and rules, listens on the port for
// TLS, and follows CONFIG SET.
//
// Owned by Server; engine thread only.
#pragma once

#include "base/log.h"
#include "base/result.h"
#include "env/net.h"
#include "net/event_loop.h"
#include "net/handlers.h"
#include "net/io_threads.h"
#include "net/listener.h"
#include "net/tls_context.h"
#include "settings/configuration.h"

namespace hearth::server {

class TlsSetup {
 public:
  struct Parts {
    settings::Configuration& configuration;
    net::EventLoop& loop;
    env::Net& net;
    net::IoThreads& connections;
    Logger& log;
    net::Tls& tls;  // that this keeps up to date
    net::AcceptFilter filter;
  };
  explicit TlsSetup(const Parts& parts);

  // The error has been logged.
  Status Start();
  // Stops listening.
  void Close() { listener_.Close(); }

 private:
  // All or nothing; the error is a line for the log.
  Status MakeContext(const settings::Settings& settings);
  Status Listen(const settings::Settings& settings);
  void FollowChanges();

  settings::Configuration& configuration_;
  Logger& log_;
  net::Tls& tls_;
  net::Listener listener_;
};

}  // namespace hearth::server
