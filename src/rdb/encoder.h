// Turns captured values (keyspace/capture.h) into RDB: whole ones at once, large ones piece by piece.
//
// Any thread; one value at a time by one of them. Format: docs/formats/rdb.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "keyspace/capture.h"
#include "rdb/encode_primitives.h"
#include "rdb/format.h"
#include "rdb/node_order.h"

namespace hearth::rdb {

// What files are written in: the oldest version that can hold them.
inline constexpr int kFileVersion = 10;
inline constexpr int kFileVersionWithFieldExpiries = kFirstVersionWithFieldExpiry;

struct EncodeOptions {
  // Of the types that can hold a value: kOldest takes the one that the oldest release from 7.0 on reads, as
  // files do, and kOf72 the one that 7.2 writes, as payloads of DUMP do.
  enum class Forms : uint8_t { kOldest, kOf72 };

  Forms forms = Forms::kOldest;
  Compression compression = Compression::kYes;
  // There may be hashes of which fields expire.
  bool may_have_field_expiries = false;
};

// The type byte of a value that is captured whole, or in pieces. Hashes in pieces tell too late whether
// fields expire; so they are all of the type that can say it, where any hash does.
ValueType TypeOfWhole(const keyspace::CapturedKey& key, keyspace::CapturedParts parts,
                      const EncodeOptions& options);
ValueType TypeOfPieces(const keyspace::CapturedKey& key, const EncodeOptions& options);

// Appends the value, without its type, from a whole record.
void EncodeWhole(const keyspace::CapturedKey& key, ValueType type, keyspace::CapturedParts parts,
                 const EncodeOptions& options, std::string& to);

// A value that comes in pieces. What can be written already is appended to a buffer of the caller's at each
// step; what cannot is kept here: list nodes and blocks of streams that came before their turn, and a text.
class PieceEncoder {
 public:
  // Appends the beginning of the value, without its type. `parts`: as in CaptureHandler::OnBegin.
  PieceEncoder(const keyspace::CapturedKey& key, ValueType type, keyspace::CapturedParts parts,
               const EncodeOptions& options, std::string& to);

  void Add(keyspace::CapturedParts parts, std::string& to);
  // All pieces have come.
  void End(std::string& to);

 private:
  void AddText(keyspace::CapturedParts parts);
  void AddBlocks(keyspace::CapturedParts parts, std::string& to);

  const EncodeOptions options_;
  const ValueType type_;
  NodeOrder node_order_;
  std::map<ds::StreamId, std::string> blocks_;  // encoded; those that came before their turn
  // A text; of a stream, its captured head, which goes behind the blocks.
  std::string kept_;
  std::vector<keyspace::CapturedPending> pending_;
  uint64_t text_left_;
};

}  // namespace hearth::rdb
