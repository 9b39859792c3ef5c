// What clients are refused whatever their command, as things stand now. Whoever knows a reason says so: the
// disk's (persistence/), the replicas' and the primary's (replication/). Owned by the engine; engine thread
// only.
#pragma once

#include <string>

namespace hearth::engine {

struct Refusals {
  // Whole error replies; empty for no refusal.
  std::string disk;      // writes, and PING: data cannot be kept
  std::string replicas;  // writes: too few replicas are in touch
  // A replica that takes no writes but its primary's.
  bool is_read_only = false;
  // A replica without its primary that is not to show old data.
  bool is_stale = false;
  // Nothing is evicted here: the primary sees to that.
  bool ignores_maxmemory = false;

  bool operator==(const Refusals&) const = default;
};

}  // namespace hearth::engine
