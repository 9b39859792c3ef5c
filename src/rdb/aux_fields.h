// What an RDB file says about itself and its writer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"

namespace hearth::rdb {

struct AuxFields {
  std::string writer_version;                   // redis-ver, or valkey-ver
  std::optional<int64_t> created_at;            // ctime, Unix seconds
  std::optional<int64_t> used_memory;           // used-mem, bytes
  std::string replication_id;                   // repl-id
  std::optional<int64_t> replication_offset;    // repl-offset
  std::optional<int64_t> replication_database;  // repl-stream-db; -1 if none was selected
  bool is_aof_base = false;                     // aof-base, or aof-preamble
};

// Keeps a field; false if it is not one that we know.
bool TakeAuxField(std::string_view name, std::string_view value, AuxFields* fields);

// Tells the log what Redis tells of a field when it loads one. `now_seconds` is Unix time.
void LogAuxField(std::string_view name, std::string_view value, int64_t now_seconds, Logger& log);

}  // namespace hearth::rdb
