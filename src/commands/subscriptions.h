// What other commands need to know of subscriptions. Engine thread only.
#pragma once

#include "engine/client.h"

namespace hearth::commands {

// To be called when a client's subscriptions or its protocol changed: with RESP2, where messages cannot be
// told from replies, a subscriber may use few other commands.
inline void UpdateSubscribedState(engine::Client& client) {
  const engine::SubscriptionState* state = client.subscriptions.get();
  const bool is_subscribed = state != nullptr && state->count() + state->shard_channels.size() > 0;
  client.set(engine::Client::kSubscribedResp2, is_subscribed && client.writer.protocol() == 2);
}

}  // namespace hearth::commands
