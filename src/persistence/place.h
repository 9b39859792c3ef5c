// Where in which history of writes a restarted server is: the rules of docs/formats/write_log.md ("A
// restart").
//
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/segments.h"
#include "replication/core/history.h"

namespace hearth::persistence {

// A place that the loaded dataset is known to be at.
struct Place {
  std::string id;
  uint64_t offset = 0;
  int database = -1;  // selected in the stream there; -1 if none was
};

// What a server goes on with.
struct Restored {
  replication::History history;
  uint64_t offset = 0;
  int database = -1;
  // The history is one that others may know.
  bool is_continued = false;
  // What the log on disk has up to `offset` is of that history.
  bool keeps_log = false;
};

// `known` is nullopt if nothing says where the dataset is, `kept` if there is no log on disk. `fresh_id` is
// one that nobody has used.
Restored Restore(const std::optional<Place>& known, const std::optional<log::Segments::Recovered>& kept,
                 bool is_replica, std::string fresh_id);

// What an orderly end notes beside the log: the state of the append-only file, which says nothing itself of
// its place, and what the segments do not say of the history's names.
struct EndNote {
  int database = -1;
  std::vector<replication::FormerName> former{};
  std::string aof_file;  // the last incremental file; empty if the AOF does not hold the whole dataset
  uint64_t aof_bytes = 0;

  bool operator==(const EndNote&) const = default;
};

std::string EncodeEndNote(const EndNote& note);
// nullopt if that is no note of ours.
std::optional<EndNote> DecodeEndNote(std::string_view text);

}  // namespace hearth::persistence
