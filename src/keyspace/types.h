// The types and encodings of values, with the names that TYPE and OBJECT ENCODING print.
#pragma once

#include <cstdint>
#include <string_view>

namespace hearth::keyspace {

enum class Type : uint8_t { kString, kList, kSet, kSortedSet, kHash, kStream };

enum class Encoding : uint8_t {
  kRaw,        // text; longer than 44 bytes, or made by changing a string in place
  kInt,        // a canonical int64
  kEmbstr,     // text of at most 44 bytes
  kListpack,   // one ds::Listpack
  kQuicklist,  // a ds::Quicklist
  kHashTable,  // a table of fields or members
  kIntset,     // one ds::Intset
  kSkiplist,   // a sorted tree beside a hash index; printed under the name that clients know
  kStream,
  kListpackEx,  // one ds::Listpack, of a hash with expiry of fields (expiring_pack.h)
};

constexpr std::string_view TypeName(Type type) {
  constexpr std::string_view kNames[] = {"string", "list", "set", "zset", "hash", "stream"};
  return kNames[static_cast<int>(type)];
}

constexpr std::string_view EncodingName(Encoding encoding) {
  constexpr std::string_view kNames[] = {"raw",       "int",    "embstr",   "listpack", "quicklist",
                                         "hashtable", "intset", "skiplist", "stream",   "listpackex"};
  return kNames[static_cast<int>(encoding)];
}

}  // namespace hearth::keyspace
