// The constants of the RDB format (docs/formats/rdb.md), shared by its readers and writers: what stands
// between the keys of a file, the numbers of value types, the forms of strings. Facts of the format; nothing
// here is a choice of ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hearth::rdb {

inline constexpr std::string_view kMagic = "REDIS";
// Magic and four digits of the version.
inline constexpr size_t kHeaderBytes = 9;
inline constexpr size_t kChecksumBytes = 8;

// What we read. Writers choose their own within this range.
inline constexpr int kMinVersion = 1;
inline constexpr int kMaxVersion = 12;
// Of files and payloads that any 7.2 server reads.
inline constexpr int kVersion72 = 11;
// The first version with a checksum behind the end, and the first that has field expiries.
inline constexpr int kFirstVersionWithChecksum = 5;
inline constexpr int kFirstVersionWithFieldExpiry = 12;

// A DUMP payload ends with its version (u16 LE) and checksum (u64 LE).
inline constexpr size_t kPayloadFooterBytes = 10;

// The byte that begins everything in a file: either one of these or the value type of a key.
enum class Opcode : uint8_t {
  kSlotInfo = 244,       // lengths: slot, keys, keys with an expiry
  kFunction2 = 245,      // string: the code of a library
  kFunctionPreGa = 246,  // of a release candidate; refused
  kModuleAux = 247,      // length: module id; tagged values
  kIdle = 248,           // length: seconds since the next key's last access
  kFreq = 249,           // byte: the next key's LFU counter
  kAux = 250,            // strings: name, value
  kResizeDb = 251,       // lengths: keys, keys with an expiry
  kExpireTimeMs = 252,   // i64 LE: the next key's expiry, Unix milliseconds
  kExpireTime = 253,     // i32 LE: the next key's expiry, Unix seconds
  kSelectDb = 254,       // length: database
  kEof = 255,            // u64 LE: checksum, 0 if none was computed (since version 5)
};

enum class ValueType : uint8_t {
  kString = 0,
  kList = 1,
  kSet = 2,
  kZset = 3,  // scores as text
  kHash = 4,
  kZset2 = 5,  // scores as doubles
  kModulePreGa = 6,
  kModule2 = 7,
  kHashZipmap = 9,
  kListZiplist = 10,
  kSetIntset = 11,
  kZsetZiplist = 12,
  kHashZiplist = 13,
  kListQuicklist = 14,  // nodes are ziplists
  kStreamListpacks = 15,
  kHashListpack = 16,
  kZsetListpack = 17,
  kListQuicklist2 = 18,  // nodes are listpacks or single elements
  kStreamListpacks2 = 19,
  kSetListpack = 20,
  kStreamListpacks3 = 21,
  kHashMetadataPreGa = 22,
  kHashListpackExPreGa = 23,
  kHashMetadata = 24,
  kHashListpackEx = 25,
};

constexpr bool IsValueType(uint8_t byte) {
  return byte <= static_cast<uint8_t>(ValueType::kHashListpackEx) && byte != 8;
}

// The two high bits of a length's first byte tell its form.
inline constexpr uint8_t kLengthFormMask = 0xc0;
inline constexpr uint8_t kLength6 = 0x00;
inline constexpr uint8_t kLength14 = 0x40;
inline constexpr uint8_t kLength32 = 0x80;  // the whole byte; u32 big endian follows
inline constexpr uint8_t kLength64 = 0x81;  // the whole byte; u64 big endian follows
inline constexpr uint8_t kSpecialString = 0xc0;

// The low six bits of a special string's first byte.
enum class StringForm : uint8_t { kInt8 = 0, kInt16 = 1, kInt32 = 2, kLzf = 3 };

// Texts of scores (ValueType::kZset) whose length byte is no length.
inline constexpr uint8_t kScoreNan = 253;
inline constexpr uint8_t kScorePlusInfinity = 254;
inline constexpr uint8_t kScoreMinusInfinity = 255;

// The kinds of node in kListQuicklist2.
inline constexpr uint64_t kNodePlain = 1;
inline constexpr uint64_t kNodePacked = 2;

// The tags of a module's values, and when its auxiliary fields are read.
enum class ModuleTag : uint8_t {
  kEnd = 0,
  kSigned = 1,
  kUnsigned = 2,
  kFloat = 3,
  kDouble = 4,
  kString = 5,
};
inline constexpr uint64_t kModuleAuxBefore = 1;
inline constexpr uint64_t kModuleAuxAfter = 2;

// The flags of a stream's entries.
inline constexpr int64_t kStreamEntryDeleted = 1;
inline constexpr int64_t kStreamEntrySameFields = 2;

}  // namespace hearth::rdb
