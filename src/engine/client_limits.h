// Keeps clients within bounds: replies that nobody fetches (client-output-buffer-limit), connections that
// nobody uses (timeout), and the memory of all connections together (maxmemory-clients).
//
// Owned by the composition root, which calls AfterBatch and AfterDelivery from the engine's hooks and Tick
// every 100 ms. Engine thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/client.h"
#include "settings/value_types.h"

namespace hearth::engine {

class Engine;

// Bytes that a client costs: its connection, unparsed input, unsent replies and session state. CLIENT LIST's
// tot-mem.
size_t ClientMemoryBytes(const Client& client);
// The part that a queued transaction and its watched keys hold.
size_t TransactionBytes(const Client& client);
// What its subscriptions hold.
size_t SubscriptionBytes(const Client& client);
// How it tracks keys, with its prefixes.
size_t TrackingBytes(const Client& client);

class ClientLimits {
 public:
  explicit ClientLimits(Engine& engine) : engine_(engine) {}

  // A client's batch is done, its replies are in its output.
  void AfterBatch(Client& client);

  // A message went into a subscriber's output. The memory of all clients together is left to the next Tick,
  // so that a message costs no look at anybody else.
  void AfterDelivery(Client& client) { CheckOutput(client); }

  // Every 100 ms. Subscribers, who get messages without asking, are looked at each time, others once a
  // second.
  void Tick();

  // The largest buffers seen in the last seconds, for INFO.
  size_t recent_max_input_bytes() const;
  size_t recent_max_output_bytes() const;

 private:
  static constexpr int kTicksPerRound = 10;
  static constexpr int kRecentRounds = 8;

  struct Largest {
    size_t input_bytes = 0;
    size_t output_bytes = 0;
  };

  void CheckOutput(Client& client);
  void CheckIdle(Client& client);
  void VisitSome();
  // Closes the largest clients until the rest stays within maxmemory-clients.
  void EnforceTotal();
  size_t TotalLimit() const;
  const settings::OutputBufferLimit& LimitFor(const Client& client) const;

  Engine& engine_;
  uint64_t last_visited_id_ = 0;
  int tick_ = 0;
  std::array<Largest, kRecentRounds> recent_;
  size_t recent_index_ = 0;
};

}  // namespace hearth::engine
