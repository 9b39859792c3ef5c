// Turns captured values (keyspace/capture.h) into the commands that make them, in RESP: what AOF base files
// without RDB hold. Collections come in commands of up to kItemsPerCommand items.
//
// Any thread; one value at a time by one of them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "keyspace/capture.h"
#include "rdb/node_order.h"

namespace hearth::rdb {

inline constexpr uint64_t kItemsPerCommand = 64;

// Appends one command.
void PutCommand(std::string& to, std::initializer_list<std::string_view> words);

// One value, whole or in pieces, in commands that say its key each. Commands of other keys may stand between
// its own, but they must all run in the same database.
class CommandsEncoder {
 public:
  // `parts`: as in CaptureHandler::OnBegin.
  CommandsEncoder(const keyspace::CapturedKey& key, keyspace::CapturedParts parts);
  CommandsEncoder(const CommandsEncoder&) = delete;
  CommandsEncoder& operator=(const CommandsEncoder&) = delete;

  void Add(keyspace::CapturedParts parts, std::string& to);
  // All pieces have come: what must stand at the end.
  void End(std::string& to);

  // A whole value at once.
  static void Whole(const keyspace::CapturedKey& key, keyspace::CapturedParts parts, std::string& to);

 private:
  explicit CommandsEncoder(const keyspace::CapturedKey& key);
  void AddWhole(keyspace::CapturedParts parts, std::string& to);
  void AddItems(keyspace::CapturedParts& parts, std::string& to);
  void AddText(keyspace::CapturedParts parts);
  void AddListpack(std::string_view raw, std::string& to);
  void AddIntset(std::string_view raw, std::string& to);
  void AddNode(const keyspace::CapturedParts::NodeParts& node, std::string& to);
  void AddBlocks(keyspace::CapturedParts& parts, std::string& to);
  void PutBlock(ds::StreamId first_id, std::string_view pack, std::string& to) const;
  void PutFieldExpiry(std::string_view field, int64_t expiry_ms, std::string& to) const;

  const std::string key_;
  const keyspace::Type type_;
  const keyspace::Encoding encoding_;
  const int64_t expiry_ms_;
  NodeOrder node_order_;
  // A text; of a stream, its captured head, of which the commands behind its entries are made.
  std::string kept_;
  std::vector<keyspace::CapturedPending> pending_;
  // Entries are added in the order of their ids: the blocks that came before their turn.
  std::map<ds::StreamId, std::string> blocks_;
};

}  // namespace hearth::rdb
