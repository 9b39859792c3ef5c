#include "rdb/aux_fields.h"

#include <algorithm>

#include "base/numbers.h"

namespace hearth::rdb {

bool TakeAuxField(std::string_view name, std::string_view value, AuxFields* fields) {
  if (name == "redis-ver" || name == "valkey-ver") {
    fields->writer_version = value;
  } else if (name == "ctime") {
    fields->created_at = ParseInt64(value);
  } else if (name == "used-mem") {
    fields->used_memory = ParseInt64(value);
  } else if (name == "repl-id") {
    fields->replication_id = value;
  } else if (name == "repl-offset") {
    fields->replication_offset = ParseInt64(value);
  } else if (name == "repl-stream-db") {
    fields->replication_database = ParseInt64(value);
  } else if (name == "aof-base" || name == "aof-preamble") {
    fields->is_aof_base = fields->is_aof_base || value == "1";
  } else {
    // Scripts in files of old writers are not kept any more.
    return name == "redis-bits" || name == "lua";
  }
  return true;
}

void LogAuxField(std::string_view name, std::string_view value, int64_t now_seconds, Logger& log) {
  AuxFields field;
  if (name.starts_with('%')) {
    log.Notice("RDB '{}': {}", name, value);
  } else if (!TakeAuxField(name, value, &field)) {
    log.Debug("Unrecognized RDB AUX field: '{}'", name);
  } else if (!field.writer_version.empty()) {
    log.Notice("Loading RDB produced by version {}", value);
  } else if (field.created_at) {
    log.Notice("RDB age {} seconds", std::max<int64_t>(now_seconds - *field.created_at, 0));
  } else if (field.used_memory) {
    log.Notice("RDB memory usage when created {:.2f} Mb",
               static_cast<double>(*field.used_memory) / (1 << 20));
  } else if (field.is_aof_base) {
    log.Notice("RDB is base AOF");
  }
}

}  // namespace hearth::rdb
