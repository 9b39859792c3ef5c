// Counters of the engine for INFO; reset by CONFIG RESETSTAT.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace hearth::engine {

struct EngineStats {
  uint64_t commands_processed = 0;
  uint64_t error_replies = 0;
  uint64_t unexpected_errors = 0;  // to our primary's commands, or to those of our own files
  uint64_t connections_received = 0;
  uint64_t connections_rejected = 0;
  uint64_t evicted_clients = 0;
  uint64_t output_limit_disconnections = 0;
  uint64_t pubsub_published = 0;
  uint64_t payloads_checked = 0;                        // by RESTORE, in depth
  std::map<std::string, uint64_t, std::less<>> errors;  // by code: "ERR", "WRONGTYPE"
  bool has_too_many_errors = false;                     // so many codes that none is counted any more
  uint64_t memory_exceeded_us = 0;  // how long memory was above maxmemory, in stretches that ended
};

}  // namespace hearth::engine
