// A small hash of which fields have an expiry: a listpack of field, value and expiry in turn, byte for byte
// what Redis 7.4 keeps under this encoding and RDB stores. Triples stand in the order of their expiry (Unix
// milliseconds, a number); those without one say 0 and stand behind all others.
//
// Functions over ds::Listpack for HashReader, HashValue and FieldExpiry; engine thread. Positions are those
// of fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ds/listpack.h"

namespace hearth::keyspace::expiring_pack {

inline constexpr size_t kWidth = 3;

// kNone if there is no such field.
ds::ListpackView::Position Find(ds::ListpackView pack, std::string_view field);
// Unix milliseconds, or kNoFieldExpiry.
int64_t ExpiryAt(ds::ListpackView pack, ds::ListpackView::Position field);
// As FieldTable's.
int64_t NextExpiry(ds::ListpackView pack);
size_t CountExpiring(ds::ListpackView pack, int64_t ms, size_t limit);
std::vector<std::string> TakeExpiring(ds::Listpack& pack, int64_t ms, size_t limit);

// Adds a field that is not there, in its place. The texts must not point into the listpack.
void Insert(ds::Listpack& pack, std::string_view field, std::string_view value, int64_t expiry_ms);
// Gives a field a value and an expiry.
void Overwrite(ds::Listpack& pack, ds::ListpackView::Position at, std::string_view value, int64_t expiry_ms);
// Gives a field an expiry; kNoFieldExpiry takes it away.
void SetExpiry(ds::Listpack& pack, ds::ListpackView::Position at, int64_t expiry_ms);

// The same hash without an expiry, from one of fields and values in turn.
ds::Listpack FromPairs(ds::ListpackView pairs);

}  // namespace hearth::keyspace::expiring_pack
