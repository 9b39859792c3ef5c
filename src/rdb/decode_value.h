// Turns one value of an RDB file or a DUMP payload, of any type number ever written, into an entry that a
// database can adopt. Touches no keyspace, so it runs on any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "ds/cut_state.h"
#include "keyspace/fresh_entry.h"
#include "rdb/format.h"
#include "rdb/reader.h"
#include "settings/settings.h"

namespace hearth::rdb {

struct DecodeContext {
  // Says which encodings suit the values. On another thread than the engine's it is a copy.
  const settings::Settings& settings;
  // Of the keyspace that will get the value; null if none will.
  const ds::CutState* cuts = nullptr;
  // Sorted sets and hashes in a compact encoding are held to their order, and to having nothing twice: for
  // bytes that anybody may have made. Structure is always checked.
  bool checks_deeply = true;
};

// What an entry has beside its value.
struct KeyAttributes {
  std::string_view key;
  int64_t expiry_ms = -1;
  uint32_t access = 0;
};

// False if `reader` has failed. An empty collection, which no key may hold, leaves `entry` null.
bool DecodeEntry(Reader& reader, ValueType type, const KeyAttributes& attributes,
                 const DecodeContext& context, keyspace::FreshEntry* entry);

}  // namespace hearth::rdb
