// Client-side caching (CLIENT TRACKING): who has read what, and who is told when it changes.
//
// Clients in the default mode are remembered with the keys that they read, and told once of the next change.
// Clients that track prefixes (BCAST) are told of every change below them, once a turn of the loop. A client
// that is in the middle of its own command is told after its reply. While nobody tracks, nothing is kept and
// the keyspace reports nothing.
//
// Owned by the engine, which tells it of commands and changes; engine thread only. Messages are written
// straight into the outputs of those who get them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "engine/broadcast_prefixes.h"
#include "engine/client.h"
#include "engine/clients.h"
#include "engine/key_positions.h"
#include "engine/tracked_keys.h"
#include "resp/writer.h"
#include "settings/settings.h"

namespace hearth::engine {

class Tracking {
 public:
  Tracking(const Clients& clients, const settings::Settings& settings, uint64_t random_seed)
      : clients_(clients), settings_(settings), random_(random_seed) {}

  bool any() const { return client_count_ != 0; }
  size_t client_count() const { return client_count_; }
  size_t key_count() const { return keys_.key_count(); }
  size_t item_count() const { return keys_.item_count(); }
  size_t prefix_count() const { return prefixes_.size(); }

  // Looks after a client each time that a message has gone into its output; it may close the client.
  void set_after_delivery(std::function<void(Client&)> hook) { after_delivery_ = std::move(hook); }

  // Turns tracking on, or changes how a client tracks: the modes are those of `wanted`, and its prefixes come
  // to those that the client has (none of them: all keys). The caller has checked that this makes sense.
  void Enable(Client& client, const TrackingState& wanted);
  // Does nothing for a client that does not track. Also for one that goes.
  void Disable(Client& client);

  // ---- what runs; the caller is who must not be told until the unit has ended, and whose reads count

  void BeginUnit(Client& caller) { caller_ = &caller; }
  void EndUnit() {
    caller_ = nullptr;
    if (!pending_.empty()) SendPending();
  }
  bool is_caller_tracking() const { return caller_ != nullptr && caller_->is(Client::kTracking); }
  // A command has run for the caller, who tracks: the keys that it has read are remembered.
  void RememberKeys(const Command& command, std::span<const std::string_view> args);
  // A request is over, run or refused: what CLIENT CACHING said was for this one, unless that was it.
  void EndRequest(Client& client, const Command* command);

  // ---- what happened to keys

  void OnChanged(std::string_view key);
  // It went by itself, which even a client that skips its own changes cannot know; after OnChanged.
  void OnVanished(std::string_view key);
  // All keys of one database or of all are gone: clients are to forget everything.
  void OnFlushed();

  // To be called at the end of every turn: tells of what changed below prefixes, and forgets keys beyond
  // tracking-table-max-keys. True if there are more of these, and it should be called again soon.
  bool Step();

 private:
  // How many keys too many one command, and one turn, makes up for.
  static constexpr int kForgetAfterCommand = 100;
  static constexpr int kForgetInTurn = 1000;

  // Somebody has to be told once the caller has its reply.
  struct Pending {
    uint64_t client_id;
    std::optional<std::string> key;  // none: all keys
  };

  bool RemembersReads(const TrackingState& state) const;
  // Tells those who have read the key, and forgets it.
  void Invalidate(std::string_view key);
  bool ForgetBeyondLimit(int keys);
  bool MustWait(const Client& client) const;
  void SendKey(Client& client, std::string_view key);
  void SendAll(Client& client);
  void SendPending();
  void Broadcast();
  // Who is told in the client's place, or the client itself; null if that one has gone, of which the client
  // is then told.
  Client* ReceiverOf(Client& client);
  // Sends a message whose body `write(writer)` writes.
  template <typename Write>
  void Send(Client& client, Write&& write);

  const Clients& clients_;
  const settings::Settings& settings_;
  Prng random_;
  TrackedKeys keys_;
  BroadcastPrefixes prefixes_;
  size_t client_count_ = 0;
  Client* caller_ = nullptr;
  std::vector<Pending> pending_;
  std::vector<KeyPosition> positions_;  // of the keys of a command, kept for its memory
  std::function<void(Client&)> after_delivery_;
};

}  // namespace hearth::engine
