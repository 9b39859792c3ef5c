// Entries that no database has yet, with their values: what a decoder makes, on whatever thread, and
// Database::Adopt takes. A container must have been made with the cut state of the keyspace that will get it,
// while no cut begins or ends.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "keyspace/entry.h"

namespace hearth::keyspace {

struct FreeFreshEntry {
  void operator()(Entry* entry) const { FreeEntry(entry); }
};
using FreshEntry = std::unique_ptr<Entry, FreeFreshEntry>;

// A string in the encoding that SET would give it; `expiry_ms` < 0 for none.
FreshEntry NewStringEntry(std::string_view key, std::string_view text, int64_t expiry_ms, uint32_t access);

// Takes ownership of `container`.
FreshEntry NewContainerEntry(std::string_view key, Type type, Encoding encoding, void* container,
                             int64_t expiry_ms, uint32_t access);

}  // namespace hearth::keyspace
