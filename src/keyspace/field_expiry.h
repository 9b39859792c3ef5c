// When fields of hashes expire: what Database and the expiry cycle ask of a hash, whatever its encoding.
// Engine thread only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "keyspace/entry.h"
#include "keyspace/keyspace.h"

namespace hearth::keyspace {

// When the first field's time is over, Unix milliseconds; kNeverMs (field_table.h) for a hash of which no
// field has an expiry, and for other types.
int64_t NextFieldExpiry(const Entry& entry);

// Fields of a hash whose time is over before `ms`, up to `limit` of them.
size_t CountExpiringFields(const Entry& entry, int64_t ms, size_t limit);

// Fields whose time is over before this are absent for whoever reads or changes a hash, removed or not.
inline int64_t FieldsHiddenBefore(const Keyspace& keyspace) {
  return keyspace.expired_keys() == ExpiredKeys::kIgnore ? INT64_MIN : keyspace.now_ms();
}

}  // namespace hearth::keyspace
