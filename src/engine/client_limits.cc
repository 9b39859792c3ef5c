#include "engine/client_limits.h"

#include <algorithm>
#include <vector>

#include "engine/client_filters.h"
#include "engine/engine.h"

namespace hearth::engine {
namespace {

size_t TextBytes(const std::string& text) { return sizeof(std::string) + text.capacity(); }

// A node of an unordered_set<std::string>: link, cached hash and the string.
size_t SetBytes(const std::unordered_set<std::string>& names) {
  size_t bytes = names.bucket_count() * sizeof(void*);
  for (const std::string& name : names) bytes += 2 * sizeof(void*) + TextBytes(name);
  return bytes;
}

}  // namespace

size_t TransactionBytes(const Client& client) {
  if (client.transaction == nullptr) return 0;
  const TransactionState& transaction = *client.transaction;
  size_t bytes = transaction.queue_bytes + transaction.queue.capacity() * sizeof(QueuedCommand);
  for (const QueuedCommand& queued : transaction.queue) bytes += queued.args.size() * sizeof(std::string);
  for (const WatchedKey& watched : transaction.watched) bytes += sizeof(WatchedKey) + watched.key.capacity();
  return bytes;
}

size_t SubscriptionBytes(const Client& client) {
  if (client.subscriptions == nullptr) return 0;
  const SubscriptionState& state = *client.subscriptions;
  return sizeof(state) + SetBytes(state.channels) + SetBytes(state.patterns) + SetBytes(state.shard_channels);
}

size_t TrackingBytes(const Client& client) {
  if (client.tracking == nullptr) return 0;
  size_t bytes = sizeof(TrackingState);
  for (const std::string& prefix : client.tracking->prefixes) bytes += 4 * sizeof(void*) + TextBytes(prefix);
  return bytes;
}

size_t ClientMemoryBytes(const Client& client) {
  size_t bytes = sizeof(Client) + client.name.capacity() + TransactionBytes(client) +
                 SubscriptionBytes(client) + TrackingBytes(client);
  if (const net::Connection* connection = client.connection) {
    bytes += sizeof(*connection) + connection->input_bytes() + connection->input_free_bytes() +
             std::max(connection->unsent_bytes(), connection->output_memory_bytes());
  }
  return bytes;
}

const settings::OutputBufferLimit& ClientLimits::LimitFor(const Client& client) const {
  const ClientType type = TypeOf(client);
  const auto kind = type == ClientType::kPubSub    ? settings::ClientClass::kPubSub
                    : type == ClientType::kReplica ? settings::ClientClass::kReplica
                                                   : settings::ClientClass::kNormal;
  return engine_.settings().client_output_buffer_limit[static_cast<size_t>(kind)];
}

void ClientLimits::CheckOutput(Client& client) {
  if (client.connection == nullptr || client.is(Client::kClosing)) return;
  const settings::OutputBufferLimit& limit = LimitFor(client);
  if (limit.hard_bytes == 0 && limit.soft_bytes == 0) return;
  const size_t unsent = client.connection->unsent_bytes();
  bool is_over = limit.hard_bytes != 0 && unsent >= limit.hard_bytes;
  if (limit.soft_bytes != 0 && unsent >= limit.soft_bytes) {
    const int64_t now_ms = engine_.now_ms();
    if (client.soft_limit_since_ms == 0) client.soft_limit_since_ms = now_ms;
    is_over |= now_ms - client.soft_limit_since_ms > limit.soft_seconds * 1000;
  } else {
    client.soft_limit_since_ms = 0;
  }
  if (!is_over) return;
  engine_.log().Warning(
      "Closing client id={} addr={} name={}: its {} unsent bytes are over its output buffer limit", client.id,
      client.connection->peer_address(), client.name, unsent);
  ++engine_.stats().output_limit_disconnections;
  client.CloseNow();
}

void ClientLimits::CheckIdle(Client& client) {
  const int64_t timeout_seconds = engine_.settings().timeout;
  if (timeout_seconds == 0 || client.connection == nullptr) return;
  if (client.state & (Client::kBlocked | Client::kPaused | Client::kClosing | Client::kMonitoring)) return;
  if (TypeOf(client) != ClientType::kNormal) return;
  // What it asks, another thread answers.
  if (client.last_command != nullptr && client.last_command->full_name() == "client|probe") return;
  if (engine_.now_ms() - client.last_interaction_ms <= timeout_seconds * 1000) return;
  engine_.log().Verbose("Closing idle client id={} addr={}", client.id, client.connection->peer_address());
  client.CloseNow();
}

void ClientLimits::AfterBatch(Client& client) {
  CheckOutput(client);
  const size_t limit = TotalLimit();
  if (limit != 0 && ClientMemoryBytes(client) > limit) EnforceTotal();
}

void ClientLimits::Tick() {
  if (engine_.pubsub().has_listeners() || engine_.pubsub().shard_channel_count() != 0) {
    engine_.clients().ForEach([this](Client& client) {
      if (client.subscriptions != nullptr) CheckOutput(client);
    });
  }
  VisitSome();
  if (TotalLimit() != 0) EnforceTotal();
}

void ClientLimits::VisitSome() {
  const size_t share = engine_.clients().size() / kTicksPerRound + 1;
  last_visited_id_ = engine_.clients().ForSome(last_visited_id_, share, [this](Client& client) {
    CheckOutput(client);
    CheckIdle(client);
    if (client.connection == nullptr) return;
    Largest& largest = recent_[recent_index_];
    const net::Connection& connection = *client.connection;
    largest.input_bytes =
        std::max(largest.input_bytes, connection.input_bytes() + connection.input_free_bytes());
    largest.output_bytes = std::max(largest.output_bytes, connection.unsent_bytes());
  });
  if (++tick_ < kTicksPerRound) return;
  tick_ = 0;
  recent_index_ = (recent_index_ + 1) % kRecentRounds;
  recent_[recent_index_] = {};
}

size_t ClientLimits::recent_max_input_bytes() const {
  return std::max_element(recent_.begin(), recent_.end(),
                          [](const Largest& a, const Largest& b) { return a.input_bytes < b.input_bytes; })
      ->input_bytes;
}

size_t ClientLimits::recent_max_output_bytes() const {
  return std::max_element(recent_.begin(), recent_.end(),
                          [](const Largest& a, const Largest& b) { return a.output_bytes < b.output_bytes; })
      ->output_bytes;
}

size_t ClientLimits::TotalLimit() const {
  const int64_t limit = engine_.settings().maxmemory_clients;
  if (limit >= 0) return static_cast<size_t>(limit);
  // A percentage is kept as its negative.
  return engine_.settings().maxmemory / 100 * static_cast<size_t>(-limit);
}

void ClientLimits::EnforceTotal() {
  const size_t limit = TotalLimit();
  size_t total = 0;
  std::vector<std::pair<size_t, Client*>> evictable;
  engine_.clients().ForEach([&](Client& client) {
    if (client.connection == nullptr || client.is(Client::kClosing)) return;
    // Other servers are not to be put off by what clients hold.
    if (client.state & (Client::kReplica | Client::kFromPrimary)) return;
    const size_t bytes = ClientMemoryBytes(client);
    total += bytes;
    if (!client.is_exempt_from_eviction) evictable.emplace_back(bytes, &client);
  });
  if (total <= limit) return;
  std::sort(evictable.begin(), evictable.end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const auto& [bytes, client] : evictable) {
    if (total <= limit) return;
    engine_.log().Notice(
        "Evicting client id={} addr={} name={}: it holds {} bytes, all clients {} of {} allowed", client->id,
        client->connection->peer_address(), client->name, bytes, total, limit);
    ++engine_.stats().evicted_clients;
    total -= bytes;
    client->CloseNow();
  }
}

}  // namespace hearth::engine
