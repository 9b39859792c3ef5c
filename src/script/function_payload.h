// The payload of FUNCTION DUMP and RESTORE: the code of each library as in an RDB file, then version and
// checksum. Format: docs/formats/rdb.md. Pure functions; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "rdb/encode_primitives.h"

namespace hearth::script {

std::string EncodeFunctions(std::span<const std::string> codes, rdb::Compression compression);

// The error is the text after "ERR ".
Result<std::vector<std::string>> DecodeFunctions(std::string_view payload);

}  // namespace hearth::script
