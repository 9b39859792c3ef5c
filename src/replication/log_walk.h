// Goes through a part of the write log command by command, and finds which keys it wrote: what a rejoin goes
// by, on both sides.
//
// The keys are those that the commands' facts tell (engine/key_positions.h), without those that are only
// read. Commands that write what they do not name (FLUSHALL, SWAPDB, FUNCTION), and those that nobody here
// knows, make the answer unknown. Effects in the log are what a write did, so that what a random or a
// relative command chose is there by name.
//
// Whoever makes one feeds it, from one thread at a time; the commands' table is only read.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/command_table.h"
#include "engine/key_positions.h"
#include "replication/written_keys.h"
#include "resp/request_parser.h"

namespace hearth::replication {

class LogWalk {
 public:
  // Gets the bytes of every command that belongs to the dataset: no PING, REPLCONF or PUBLISH.
  using TakeCommand = std::function<Status(std::string_view bytes)>;

  // `database` is the one that is selected where the part begins; -1 if that is not known.
  LogWalk(const engine::CommandTable& commands, int database, int database_count);

  void set_take_command(TakeCommand take) { take_command_ = std::move(take); }

  // The next bytes. An error is what take_command gave, or says that the log is not to be understood.
  Status Feed(std::string_view bytes);
  // All of the last command has come.
  bool is_complete() const { return buffer_.empty(); }

  const std::shared_ptr<WrittenKeys>& keys() const { return keys_; }
  // Why the keys cannot be told; empty if they can.
  const std::string& unknown() const { return unknown_; }
  // Commands that wrote something; SELECT, MULTI and EXEC do not count.
  uint64_t command_count() const { return command_count_; }

 private:
  using Arguments = std::span<const std::string_view>;

  Status FeedSome(std::string_view bytes);
  const engine::Command* Find(Arguments args) const;
  Status Take(Arguments args, std::string_view bytes);
  void FindKeys(const engine::Command& command, Arguments args);
  void AddSpecified(const engine::Command& command, Arguments args);
  void AddMoved(Arguments args);
  void AddCopied(Arguments args);
  void Add(int database, std::string_view key);
  void GiveUp(std::string reason);

  const engine::CommandTable& commands_;
  int database_;
  const std::shared_ptr<WrittenKeys> keys_;
  TakeCommand take_command_;
  std::string unknown_;
  uint64_t command_count_ = 0;
  resp::RequestParser parser_;
  resp::ParsedRequests parsed_;
  std::string buffer_;
  std::vector<engine::KeyPosition> positions_;
};

}  // namespace hearth::replication
