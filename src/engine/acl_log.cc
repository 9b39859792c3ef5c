#include "engine/acl_log.h"

#include <algorithm>

namespace hearth::engine {

void AclLog::Add(AclLogEntry entry, int64_t now_ms, size_t max_entries) {
  entry.updated_ms = now_ms;
  const auto end = entries_.begin() + static_cast<int64_t>(std::min(kCompared, entries_.size()));
  const auto known = std::find_if(entries_.begin(), end, [&](const AclLogEntry& old) {
    return old.reason == entry.reason && old.context == entry.context &&
           now_ms - old.updated_ms <= kGroupedMs && old.object == entry.object && old.user == entry.user;
  });
  if (known != end) {
    entry.id = known->id;
    entry.count = known->count + 1;
    entry.created_ms = known->created_ms;
    entries_.erase(known);
  } else {
    entry.id = next_id_++;
    entry.created_ms = now_ms;
  }
  entries_.push_front(std::move(entry));
  if (entries_.size() > max_entries) entries_.resize(max_entries);
}

std::string_view AclLog::Name(AclReason reason) {
  switch (reason) {
    case AclReason::kNone:
      break;
    case AclReason::kCommand:
      return "command";
    case AclReason::kKey:
      return "key";
    case AclReason::kAuth:
      return "auth";
    case AclReason::kChannel:
      return "channel";
  }
  return "unknown";
}

std::string_view AclLog::Name(AclContext context) {
  switch (context) {
    case AclContext::kTransaction:
      return "multi";
    case AclContext::kScript:
      return "lua";
    case AclContext::kTopLevel:
      break;
  }
  return "toplevel";
}

}  // namespace hearth::engine
