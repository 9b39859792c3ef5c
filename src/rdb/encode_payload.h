// The payload of DUMP: one value with its type before it, version and checksum behind it. Engine thread.
// Format: docs/formats/rdb.md.
#pragma once

#include <string>

#include "keyspace/entry.h"
#include "rdb/encode_primitives.h"

namespace hearth::rdb {

std::string EncodePayload(const keyspace::Entry& entry, Compression compression);

}  // namespace hearth::rdb
