// What a simulated server has on its disk, and what a restart makes of it: by the rules of
// persistence/place.h.
//
// Owned by the world, so that it outlives the process; one thread. Limitations: what is written reaches the
// disk whole or not at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/prng.h"
#include "log/segments.h"
#include "persistence/place.h"
#include "replication/core/history.h"
#include "sim/host.h"
#include "sim/replication/model_log.h"

namespace hearth::sim {

// How a server keeps its data, drawn once for each history.
struct Keeping {
  bool has_append_only = false;
  bool has_disk_log = false;
  uint64_t memory_bytes = 0;  // of the log
  uint64_t disk_bytes = 0;
  bool rewrites_configuration = false;
};

// The write log of a running server, with how much of it can still be had.
struct KeptLog {
  using Names = std::vector<log::Segments::Recovered::Name>;

  ModelLog log;
  bool is_wanted = false;
  uint64_t memory_first = 0;
  uint64_t disk_first = 0;
  uint64_t disk_end = 0;
  Names names;  // of what is on disk; the end of the last one is the log's

  // A new log, under `id`.
  void Begin(const std::string& id, uint64_t offset, const Dataset& now);
  void Rename(const std::string& id);
  // Forgets what there is no room for.
  void Trim(const Keeping& keeping);
};

struct Storage {
  struct Snapshot {
    Dataset dataset;
    std::optional<persistence::Place> place;
  };
  struct AppendOnly {
    Dataset dataset;
    bool has_ended_in_order = false;
  };
  struct Segments {
    log::Segments::Recovered found;
    ModelLog log;
  };

  std::optional<Snapshot> snapshot;
  std::optional<AppendOnly> append_only;
  std::optional<Segments> segments;
  std::optional<HostId> primary;  // in the configuration file
};

struct Restarted {
  replication::History history;
  KeptLog kept;
  bool fits = true;  // the log that is kept says of its end what the dataset is
};

// What a process leaves that is killed: some of its last writes may be missing.
void LeaveBehind(Storage& storage, const Keeping& keeping, const KeptLog& kept, Prng& random);
// What one leaves that ends in order.
void LeaveInOrder(Storage& storage, const Keeping& keeping, const KeptLog& kept);
// `keeps_id` plants a bug: a primary goes on under the id that it had.
Restarted Restart(const Storage& storage, const Keeping& keeping, std::string fresh_id, bool keeps_id);

}  // namespace hearth::sim
