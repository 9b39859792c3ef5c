// Unpacks LZF, the packing of long strings in RDB and of inner list nodes (docs/formats/rdb.md, "LZF").
// Pure functions; any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace hearth::ds {

// With so much room behind the text, UnpackLzf is fastest up to its end.
inline constexpr size_t kLzfSlackBytes = 32;

// Unpacks `packed` to `to`. False, with anything in `to`, if that does not give exactly `size` bytes. Bytes
// between `size` and `room`, which is no less, may be overwritten.
bool UnpackLzf(std::string_view packed, char* to, size_t size, size_t room);

}  // namespace hearth::ds
