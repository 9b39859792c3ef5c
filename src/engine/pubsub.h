// Channels, patterns and shard channels, with those who listen to them.
//
// Owned by the engine; engine thread only. Messages are written straight into the listeners' outputs.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace hearth::engine {

class Client;

class PubSub {
 public:
  enum class Kind { kChannel, kPattern, kShardChannel };

  // Looks after a listener each time that a message has gone into its output. The hook may close the client,
  // but must leave the subscriptions as they are. Set by the part that knows the output limits.
  void set_after_delivery(std::function<void(Client&)> hook) { after_delivery_ = std::move(hook); }

  // Subscribes or unsubscribes; false if nothing changed. The confirmation is the caller's to write.
  bool Subscribe(Client& client, Kind kind, std::string_view name);
  bool Unsubscribe(Client& client, Kind kind, std::string_view name);
  // Ends all of the client's subscriptions without a word.
  void Forget(Client& client);

  // Delivers a message; the number of clients that got it (patterns count once more for each match).
  size_t Publish(std::string_view channel, std::string_view message);
  size_t PublishShard(std::string_view channel, std::string_view message);
  // Would Publish reach anybody? Lets notifications skip their formatting.
  bool has_listeners() const { return !channels_.empty() || !patterns_.empty(); }

  size_t pattern_count() const { return patterns_.size(); }
  size_t channel_count() const { return channels_.size(); }
  size_t shard_channel_count() const { return shard_channels_.size(); }
  // Channels with at least one listener that match `pattern` (none: all).
  std::vector<std::string_view> Channels(Kind kind, std::optional<std::string_view> pattern) const;
  size_t ListenerCount(Kind kind, std::string_view channel) const;

 private:
  using Listeners = std::vector<Client*>;
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Table = std::unordered_map<std::string, Listeners, TextHash, std::equal_to<>>;

  Table& TableOf(Kind kind);
  const Table& TableOf(Kind kind) const;
  void Deliver(Client& client, std::string_view word, std::string_view pattern, std::string_view channel,
               std::string_view message) const;

  Table channels_;
  Table patterns_;
  Table shard_channels_;
  std::function<void(Client&)> after_delivery_;
};

}  // namespace hearth::engine
