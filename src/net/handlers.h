// What the engine gives to net/ and gets called by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace hearth::net {

class Batch;
class Connection;

// Called on the engine thread only.
class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;

  // A new connection has passed the accept filter. Nothing has been read from it.
  virtual void OnOpen(Connection& connection) = 0;

  // All batches that came in during this turn. Each is run now, or kept and completed later.
  virtual void OnBatches(std::span<Batch*> batches) = 0;

  // The peer has gone, or a Close has been carried out. Also comes while a batch is outstanding (the views of
  // that batch stay valid until this returns). Afterwards the connection and its batch do not exist any more.
  virtual void OnClosed(Connection& connection) = 0;

  // The wish of Connection::NotifyWhenUnsentBelow has come true.
  virtual void OnDrained(Connection& connection) { static_cast<void>(connection); }
};

// Called on the I/O thread that parsed the batch, possibly at the same time as the engine runs and as other
// threads resolve: must touch only the batch and what never changes.
class RequestResolver {
 public:
  virtual ~RequestResolver() = default;
  // Fills `command`, `flags` and `key_hash` of every request.
  virtual void Resolve(Batch& batch) = 0;
};

struct ConnectionLimits {
  size_t query_buffer_bytes =
      1024u * 1024 * 1024;  // client-query-buffer-limit; beyond it the connection is closed
  size_t max_bulk_bytes = 512u * 1024 * 1024;  // proto-max-bulk-len
  int64_t handshake_micros = 10'000'000;       // how long a client of TLS may take to be one
};

// Looks at a connection just accepted, before OnOpen (maxclients, protected mode). False turns it away: what
// the filter has written to connection.output() is sent, the connection is closed, and the handler never
// hears of it.
using AcceptFilter = std::function<bool(Connection&)>;

}  // namespace hearth::net
