#include "engine/client_filters.h"

#include "base/text.h"
#include "engine/acl_user.h"

namespace hearth::engine {

std::optional<ClientType> ParseClientType(std::string_view name) {
  if (EqualsIgnoreCase(name, "normal")) return ClientType::kNormal;
  if (EqualsIgnoreCase(name, "slave") || EqualsIgnoreCase(name, "replica")) return ClientType::kReplica;
  if (EqualsIgnoreCase(name, "pubsub")) return ClientType::kPubSub;
  if (EqualsIgnoreCase(name, "master")) return ClientType::kPrimary;
  return std::nullopt;
}

ClientType TypeOf(const Client& client) {
  if (client.is(Client::kFromPrimary)) return ClientType::kPrimary;
  if (client.is(Client::kReplica)) return ClientType::kReplica;
  const SubscriptionState* subscriptions = client.subscriptions.get();
  if (subscriptions == nullptr) return ClientType::kNormal;
  return subscriptions->count() + subscriptions->shard_channels.size() > 0 ? ClientType::kPubSub
                                                                           : ClientType::kNormal;
}

bool ClientFilter::Matches(const Client& client, const Client& caller, int64_t now_ms) const {
  // One that is being closed is gone for everybody but its own connection.
  if (client.connection == nullptr || client.is(Client::kClosing)) return false;
  if (skips_caller && &client == &caller) return false;
  if (id && client.id != *id) return false;
  if (type && TypeOf(client) != *type) return false;
  if (address && client.connection->peer_address() != *address) return false;
  if (local_address && client.connection->local_address() != *local_address) return false;
  if (user && (client.user == nullptr || client.user->name() != *user)) return false;
  return !minimum_age_seconds || (now_ms - client.created_ms) / 1000 >= *minimum_age_seconds;
}

}  // namespace hearth::engine
