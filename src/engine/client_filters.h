// Kinds of clients and conditions on them, as CLIENT LIST and CLIENT KILL name them. Engine thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/client.h"

namespace hearth::engine {

enum class ClientType : uint8_t { kNormal, kReplica, kPubSub, kPrimary };

// "normal", "slave", "replica", "pubsub" or "master", any case.
std::optional<ClientType> ParseClientType(std::string_view name);
ClientType TypeOf(const Client& client);

// All conditions that are set must hold.
struct ClientFilter {
  std::optional<uint64_t> id;
  std::optional<ClientType> type;
  std::optional<std::string_view> address;        // of the peer
  std::optional<std::string_view> local_address;  // that the peer connected to
  std::optional<std::string_view> user;
  std::optional<int64_t> minimum_age_seconds;
  bool skips_caller = true;

  bool Matches(const Client& client, const Client& caller, int64_t now_ms) const;
};

}  // namespace hearth::engine
