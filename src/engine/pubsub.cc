#include "engine/pubsub.h"

#include <algorithm>

#include "base/text.h"
#include "engine/client.h"

namespace hearth::engine {
namespace {

std::unordered_set<std::string>& NamesOf(SubscriptionState& state, PubSub::Kind kind) {
  switch (kind) {
    case PubSub::Kind::kChannel:
      return state.channels;
    case PubSub::Kind::kPattern:
      return state.patterns;
    case PubSub::Kind::kShardChannel:
      break;
  }
  return state.shard_channels;
}

// A listener that is being closed stays in the tables until it is gone, but gets nothing more.
bool IsCutOff(const Client& client) { return client.is(Client::kClosing); }

}  // namespace

PubSub::Table& PubSub::TableOf(Kind kind) {
  return kind == Kind::kChannel ? channels_ : kind == Kind::kPattern ? patterns_ : shard_channels_;
}

const PubSub::Table& PubSub::TableOf(Kind kind) const { return const_cast<PubSub*>(this)->TableOf(kind); }

bool PubSub::Subscribe(Client& client, Kind kind, std::string_view name) {
  if (client.subscriptions == nullptr) client.subscriptions = std::make_unique<SubscriptionState>();
  if (!NamesOf(*client.subscriptions, kind).emplace(name).second) return false;
  TableOf(kind)[std::string(name)].push_back(&client);
  return true;
}

bool PubSub::Unsubscribe(Client& client, Kind kind, std::string_view name) {
  if (client.subscriptions == nullptr) return false;
  if (NamesOf(*client.subscriptions, kind).erase(std::string(name)) == 0) return false;
  Table& table = TableOf(kind);
  const auto found = table.find(name);
  std::erase(found->second, &client);
  if (found->second.empty()) table.erase(found);
  return true;
}

void PubSub::Forget(Client& client) {
  if (client.subscriptions == nullptr) return;
  for (Kind kind : {Kind::kChannel, Kind::kPattern, Kind::kShardChannel}) {
    const auto names = NamesOf(*client.subscriptions, kind);
    for (const std::string& name : names) Unsubscribe(client, kind, name);
  }
  client.subscriptions.reset();
}

void PubSub::Deliver(Client& client, std::string_view word, std::string_view pattern,
                     std::string_view channel, std::string_view message) const {
  resp::Writer& out = client.writer;
  const bool by_pattern = word == "pmessage";
  out.Push(by_pattern ? 4 : 3);
  out.Bulk(word);
  if (by_pattern) out.Bulk(pattern);
  out.Bulk(channel);
  out.Bulk(message);
  if (client.connection != nullptr) client.connection->ScheduleWrite();
  if (after_delivery_) after_delivery_(client);
}

size_t PubSub::Publish(std::string_view channel, std::string_view message) {
  size_t receivers = 0;
  if (const auto found = channels_.find(channel); found != channels_.end()) {
    for (Client* client : found->second) {
      if (IsCutOff(*client)) continue;
      Deliver(*client, "message", {}, channel, message);
      ++receivers;
    }
  }
  for (const auto& [pattern, listeners] : patterns_) {
    if (!GlobMatch(pattern, channel)) continue;
    for (Client* client : listeners) {
      if (IsCutOff(*client)) continue;
      Deliver(*client, "pmessage", pattern, channel, message);
      ++receivers;
    }
  }
  return receivers;
}

size_t PubSub::PublishShard(std::string_view channel, std::string_view message) {
  const auto found = shard_channels_.find(channel);
  if (found == shard_channels_.end()) return 0;
  size_t receivers = 0;
  for (Client* client : found->second) {
    if (IsCutOff(*client)) continue;
    Deliver(*client, "smessage", {}, channel, message);
    ++receivers;
  }
  return receivers;
}

std::vector<std::string_view> PubSub::Channels(Kind kind, std::optional<std::string_view> pattern) const {
  std::vector<std::string_view> names;
  for (const auto& [name, listeners] : TableOf(kind)) {
    if (!pattern || GlobMatch(*pattern, name)) names.push_back(name);
  }
  return names;
}

size_t PubSub::ListenerCount(Kind kind, std::string_view channel) const {
  const Table& table = TableOf(kind);
  const auto found = table.find(channel);
  return found == table.end() ? 0 : found->second.size();
}

}  // namespace hearth::engine
