// Reads a whole RDB file from a source and hands what it finds, in order, to a sink. Touches no keyspace: it
// runs on any thread, usually behind a LoadPipeline (load_pipeline.h). Format: docs/formats/rdb.md.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "keyspace/fresh_entry.h"
#include "rdb/decode_value.h"
#include "rdb/source.h"

namespace hearth::rdb {

struct LoadOptions {
  DecodeContext decoding;
  int database_count = 16;
  // Unix milliseconds: the time of access of keys that come without their own, and what expiries are held to.
  int64_t now_ms = 0;
  // A primary drops the keys whose time is over; a replica, and who loads the base of an AOF, keeps them.
  bool drops_expired = false;
  // Compares the checksum at the end with that of the bytes.
  bool checks_sum = true;
};

// A key on its way into a database.
struct LoadedKey {
  keyspace::FreshEntry entry;
  uint64_t hash = 0;
  uint64_t offset = 0;  // of its record in the file
};

// What stands in the file beside the keys comes before them. An error stops the loading and is what it gives.
class LoadSink {
 public:
  virtual Status OnAux(std::string_view name, std::string_view value) = 0;
  // The code of a library of functions.
  virtual Status OnFunction(std::string_view code) = 0;
  // The keys that follow belong to this database.
  virtual Status OnDatabase(int index) = 0;
  // About so many keys follow in the database, of which so many have an expiry.
  virtual Status OnResize(uint64_t keys, uint64_t expiring) = 0;
  virtual Status OnKey(LoadedKey key) = 0;

 protected:
  ~LoadSink() = default;
};

struct LoadSummary {
  int version = 0;
  uint64_t bytes = 0;  // up to the end of the RDB; an AOF goes on there
  uint64_t keys = 0;   // given to the sink
  uint64_t expired_keys = 0;
  uint64_t empty_keys = 0;  // skipped
  bool has_checksum = false;
};

// Every error says at which byte and why.
Result<LoadSummary> LoadRdb(ByteSource& source, const LoadOptions& options, LoadSink& sink);

}  // namespace hearth::rdb
