// The last requests and logins that were refused, as ACL LOG shows them. Alike ones within a minute count up
// in one entry. Owned by the engine's Acl; engine thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "engine/acl_selector.h"

namespace hearth::engine {

enum class AclContext : uint8_t { kTopLevel, kTransaction, kScript };

struct AclLogEntry {
  uint64_t id = 0;
  uint64_t count = 1;
  AclReason reason = AclReason::kNone;
  AclContext context = AclContext::kTopLevel;
  std::string object;  // the command, key or channel; for logins the command that asked
  std::string user;
  std::string client;  // the last one, as CLIENT LIST describes it
  int64_t created_ms = 0;
  int64_t updated_ms = 0;
};

class AclLog {
 public:
  // Counts up an entry that is alike, or adds this one (its id and times are set here) and drops the oldest
  // beyond `max_entries`.
  void Add(AclLogEntry entry, int64_t now_ms, size_t max_entries);
  void Clear() { entries_.clear(); }
  // The newest first.
  const std::deque<AclLogEntry>& entries() const { return entries_; }

  // "command", "toplevel": the words of ACL LOG.
  static std::string_view Name(AclReason reason);
  static std::string_view Name(AclContext context);

 private:
  // Entries that are compared with a new one, and for how long they count up.
  static constexpr size_t kCompared = 10;
  static constexpr int64_t kGroupedMs = 60'000;

  std::deque<AclLogEntry> entries_;
  uint64_t next_id_ = 0;
};

}  // namespace hearth::engine
