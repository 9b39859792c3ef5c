// The compact forms that values have in RDB as one string: listpacks, and the ziplists and zipmaps of older
// versions, which become listpacks. Every byte of their structure is checked. The Read functions give false
// if the reader has failed. Any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>

#include "ds/listpack.h"
#include "rdb/reader.h"

namespace hearth::rdb {

// A string that holds a listpack.
bool ReadListpack(Reader& reader, std::optional<ds::Listpack>* pack);

// A string that holds a ziplist or a zipmap, turned into a listpack.
bool ReadZiplist(Reader& reader, std::optional<ds::Listpack>* pack);
bool ReadZipmap(Reader& reader, std::optional<ds::Listpack>* pack);

// True for well-formed bytes; `pack` gets the elements in order. Safe on arbitrary bytes.
bool ZiplistToListpack(std::string_view raw, ds::Listpack* pack);
bool ZipmapToListpack(std::string_view raw, ds::Listpack* pack);

// Whether two of the elements 0, stride, 2 * stride... are equal.
bool HasDuplicates(ds::ListpackView pack, size_t stride);

}  // namespace hearth::rdb
