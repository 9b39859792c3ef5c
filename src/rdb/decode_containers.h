// The decoders of containers, one for each type of value, for DecodeEntry alone. Each gives false if the
// reader has failed; what it has made is then freed.
#pragma once

#include <cstdint>
#include <string>

#include "keyspace/types.h"
#include "rdb/decode_value.h"

namespace hearth::rdb {

// What is to hang on an entry; whoever gets it owns it. Null for an empty collection.
struct Container {
  keyspace::Encoding encoding = keyspace::Encoding::kListpack;
  void* pointer = nullptr;
};

bool DecodeList(Reader& reader, ValueType type, const DecodeContext& context, Container* container);
bool DecodeSet(Reader& reader, ValueType type, const DecodeContext& context, Container* container);
bool DecodeSortedSet(Reader& reader, ValueType type, const DecodeContext& context, Container* container);
bool DecodeHash(Reader& reader, ValueType type, const DecodeContext& context, Container* container);
// Of hash types since version 12.
bool DecodeHashWithExpiries(Reader& reader, ValueType type, const DecodeContext& context,
                            Container* container);
bool DecodeStream(Reader& reader, ValueType type, const DecodeContext& context, Container* container);

// Passes over a module's value or auxiliary fields, up to and with their end tag.
bool SkipModuleValues(Reader& reader);
// The name that a module's id spells.
std::string ModuleName(uint64_t id);

}  // namespace hearth::rdb
