// Clients that wait for keys, and the order in which they are served; and those that wait for something else
// (WAIT: for replicas), which have a deadline and no key.
//
// A client waits for one or more keys of a type (BLPOP, BLMOVE, BZPOPMIN, XREAD). When such a key comes into
// being or gets elements, it becomes ready; after the command that did it (the whole transaction, the whole
// script), the clients waiting for ready keys run their command again, longest waiting first per key. A
// command that finds nothing to do keeps its place.
//
// Owned by the engine; engine thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "keyspace/types.h"
#include "resp/writer.h"

namespace hearth::engine {

class Client;

struct BlockRequest {
  std::vector<std::string_view> keys;
  keyspace::Type type = keyspace::Type::kList;
  // Unix milliseconds after which `on_timeout` is written; 0 for never.
  int64_t deadline_ms = 0;
  enum class OnTimeout : uint8_t { kNull, kNullArray } on_timeout = OnTimeout::kNullArray;
  // Also run again when the key is deleted or becomes another type (XREADGROUP).
  bool wakes_on_removal = false;
  // For who waits without a key: written in place of `on_timeout`, and when Engine::Unblock ends the waiting.
  std::function<void(resp::Writer&)> answer;
  // Called when the waiting has ended, however it did.
  std::function<void()> on_end;
  // Arguments that mean the state of things at the first run (XREAD's `$`), as the next runs shall read them.
  std::vector<std::string> resolved_args;
};

// What a blocked client waits for. Hangs on Client::blocked.
struct BlockedState {
  int database = 0;
  std::vector<std::string> keys;
  keyspace::Type type = keyspace::Type::kList;
  int64_t deadline_ms = 0;
  BlockRequest::OnTimeout on_timeout = BlockRequest::OnTimeout::kNullArray;
  bool wakes_on_removal = false;
  std::function<void(resp::Writer&)> answer;
  std::function<void()> on_end;
  std::vector<std::string> resolved_args;
  uint64_t order = 0;  // rises with each client that blocks
};

class Blocking {
 public:
  // Anyone waiting for a key? While not, the keyspace need not report new ones.
  bool any() const { return !keys_.empty(); }
  size_t waiting_count() const { return waiting_count_; }
  // Those that wait no longer than a deadline.
  size_t deadline_count() const { return deadlines_.size(); }
  size_t key_count() const { return keys_.size(); }
  size_t key_count_for_removal() const { return removal_key_count_; }

  void Add(Client& client, int database, const BlockRequest& request);
  // Ends the waiting: served, timed out, unblocked or gone.
  void Remove(Client& client);

  // Key events from the keyspace.
  void MarkReady(int database, std::string_view key, keyspace::Type type);
  // `key` changed or went: clients that wait with `wakes_on_removal` look what became of it.
  void MarkRemoved(int database, std::string_view key);
  void MarkDatabaseReady(int database, const std::function<bool(std::string_view key)>& exists);

  bool has_ready() const { return !ready_.empty(); }
  // Takes the next ready key; false if there is none.
  struct ReadyKey {
    int database;
    std::string key;
  };
  bool TakeReady(ReadyKey& ready);
  // The clients waiting for a key, longest waiting first.
  std::vector<Client*> WaitingFor(const ReadyKey& ready) const;

  // Clients whose deadline is before `now_ms`.
  std::vector<Client*> TimedOut(int64_t now_ms) const;
  // The earliest deadline, or 0.
  int64_t NextDeadlineMs() const { return deadlines_.empty() ? 0 : deadlines_.begin()->first; }

 private:
  struct KeyId {
    int database;
    std::string key;
    bool operator==(const KeyId&) const = default;
  };
  struct KeyIdHash {
    size_t operator()(const KeyId& id) const;
  };
  void Enqueue(KeyId id);

  std::unordered_map<KeyId, std::list<Client*>, KeyIdHash> keys_;
  std::vector<KeyId> ready_;
  std::multimap<int64_t, Client*> deadlines_;
  size_t waiting_count_ = 0;
  size_t removal_key_count_ = 0;
  uint64_t next_order_ = 1;
};

}  // namespace hearth::engine
