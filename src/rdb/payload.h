// The payloads of DUMP and RESTORE: a value type, the value, and a footer of version and checksum.
// Any thread. Format: docs/formats/rdb.md.
#pragma once

#include <optional>
#include <string_view>

#include "rdb/decode_value.h"

namespace hearth::rdb {

// What stands before the footer; nothing if the version is not one that we read or the checksum is wrong
// (which tests may want to be left unchecked).
std::optional<std::string_view> PayloadBody(std::string_view payload, bool checks_sum = true);

// The entry that such a body makes, which anybody may have composed. An empty collection is an error too.
Result<keyspace::FreshEntry> DecodePayload(std::string_view body, const KeyAttributes& attributes,
                                           const DecodeContext& context);

}  // namespace hearth::rdb
