// All that a command handler sees: its arguments, the caller's database, the reply, and the few services of
// the engine that commands use. Lives for one run of one command, on the engine thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "base/prng.h"
#include "engine/blocking.h"
#include "engine/client.h"
#include "engine/command_table.h"
#include "engine/effects.h"
#include "keyspace/database.h"
#include "keyspace/keyspace.h"
#include "resp/writer.h"
#include "settings/settings.h"

namespace hearth::engine {

class Engine;

using Arguments = std::span<const std::string_view>;
using keyspace::Entry;
using keyspace::Key;
using keyspace::Type;
using keyspace::WriteHandle;

class Context {
 public:
  Context(Engine& engine, Client& client, Command& command, Arguments args, uint64_t key_hash)
      : engine_(engine), client_(client), command_(command), args_(args), key_hash_(key_hash) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // ---- arguments; number 0 is the command's name

  Arguments args() const { return args_; }
  size_t size() const { return args_.size(); }
  std::string_view operator[](size_t i) const { return args_[i]; }
  // Argument i as a key. One of them has been hashed with the request already.
  Key key(size_t i) const {
    if (key_hash_ != 0 && static_cast<int>(i) == command_.hashed_key) return Key(args_[i], key_hash_);
    return Key(args_[i]);
  }
  // Argument i compared without case, for option words.
  bool Is(size_t i, std::string_view word) const;

  const Command& command() const { return command_; }
  Client& client() { return client_; }
  resp::Writer& reply() { return client_.writer; }

  // ---- data

  keyspace::Keyspace& keyspace();
  keyspace::Database& db() { return keyspace().database(client_.database); }
  const settings::Settings& settings();
  Prng& random() { return keyspace().random(); }
  // Unix milliseconds, fixed for the run of the command.
  int64_t now_ms() { return keyspace().now_ms(); }

  // The entry for a reader: counts hits and misses, reports a miss. Null if absent.
  const Entry* FindForRead(const Key& key);
  // Like FindForRead, but the key's place in the eviction order stays: EXISTS, TYPE, TTL.
  const Entry* Inspect(const Key& key);
  // Neither counts nor renews.
  const Entry* Peek(const Key& key) { return db().Find(key, keyspace::Database::Touch::kNo); }
  WriteHandle FindForWrite(const Key& key) { return db().FindForWrite(key); }

  // ---- errors: each replies, and counts for errorstats

  // `text` begins with its code: "ERR syntax error".
  void Error(std::string_view text);
  // The same for an error that has been counted already: a script hands on what one of its commands said.
  void ErrorCountedBefore(std::string_view text) {
    has_failed_ = true;
    reply().Error(text);
  }
  void SyntaxError() { Error("ERR syntax error"); }
  void WrongType() { Error("WRONGTYPE Operation against a key holding the wrong kind of value"); }
  void WrongArgumentCount();
  // True if the entry is absent (null) or of the type; else the error has been replied.
  bool CheckType(const Entry* entry, Type type) {
    if (entry == nullptr || entry->type() == type) return true;
    WrongType();
    return false;
  }
  // Argument i as a number in [low, high]; replies `error` (or the standard text) if it is not.
  std::optional<int64_t> Integer(size_t i, std::string_view error = {});
  std::optional<int64_t> IntegerIn(size_t i, int64_t low, int64_t high, std::string_view error = {});
  std::optional<double> Double(size_t i, std::string_view error = {});

  // ---- what a write owes beyond the keyspace

  // A keyspace notification in the caller's database. `classes` is a settings::NotifyFlag.
  void Notify(int classes, std::string_view event, std::string_view key) {
    NotifyIn(client_.database, classes, event, key);
  }
  void NotifyIn(int database, int classes, std::string_view event, std::string_view key);
  Effects& effects();

  // ---- blocking

  // False inside transactions and scripts, where a blocking command answers at once.
  bool may_block() const;
  // True when the command runs again because a key that it waited for may serve it now.
  bool is_retry() const { return is_retry_; }
  // Puts the caller to sleep until one of the keys is there with a value of `type`; the command is then run
  // again, and may call this again. Nothing must have been replied.
  void Block(BlockRequest request);

  Engine& engine() { return engine_; }

 private:
  friend class Engine;
  const Entry* Counted(const Key& key, keyspace::Database::Touch touch);

  Engine& engine_;
  Client& client_;
  Command& command_;
  Arguments args_;
  uint64_t key_hash_;
  bool is_retry_ = false;
  bool has_failed_ = false;
};

}  // namespace hearth::engine
