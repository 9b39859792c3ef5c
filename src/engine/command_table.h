// Every command this server knows, each with its facts, its handler and its counters; found by name.
//
// Built by the composition root before the first client connects; renames (rename-command) happen then too.
// Afterwards lookups are safe from any thread, and the counters belong to the engine thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/command_facts.h"
#include "engine/latency_histogram.h"

namespace hearth::engine {

class Context;

// What runs a command: a function, or a member of an object that outlives the table.
struct Handler {
  void (*call)(void* self, Context& context) = nullptr;
  void* self = nullptr;
  explicit operator bool() const { return call != nullptr; }
};

// A plain function as a handler.
template <void (*kFunction)(Context&)>
constexpr Handler MakeHandler() {
  return {[](void*, Context& context) { kFunction(context); }, nullptr};
}

// A member function as a handler: MakeHandler<&PubSubCommands::Publish>(commands).
template <auto kMember, typename Object>
Handler MakeHandler(Object& object) {
  return {[](void* self, Context& context) { (static_cast<Object*>(self)->*kMember)(context); }, &object};
}

struct CommandCounters {
  uint64_t calls = 0;
  uint64_t ticks = 0;  // of env::Ticks(), spent in the handler
  uint64_t rejected = 0;
  uint64_t failed = 0;
  std::unique_ptr<LatencyHistogram> latency;  // from the first call on that latency-tracking saw
};

struct Command {
  const CommandFacts* facts = nullptr;
  Handler handler;
  uint32_t flags = 0;  // CommandFlag bits, from the facts
  int arity = 0;
  // Where the key stands that requests come with the hash of, so that its place can be fetched ahead of time:
  // the first one, if that has a place of its own. 0 for none. With no keys at all something else may stand
  // there (EVAL), which does no harm.
  int hashed_key = 0;
  uint16_t id = 0;
  Command* container = nullptr;
  std::vector<Command*> subcommands;
  // Whether a call with these arguments may write, where that depends on them; empty: as the flags say.
  std::function<bool(std::span<const std::string_view> args)> may_write;
  CommandCounters counters;

  bool is(uint32_t flag) const { return (flags & flag) != 0; }
  std::string_view full_name() const { return facts->full_name; }
  bool AcceptsArgumentCount(size_t count) const {
    const int n = static_cast<int>(count);
    return arity >= 0 ? n == arity : n >= -arity;
  }
};

class CommandTable {
 public:
  // Takes every command of AllCommandFacts(), without handlers.
  CommandTable();

  // Gives a command its handler; `full_name` as in the facts, "config|set". It must exist and have none yet.
  void Bind(std::string_view full_name, Handler handler);

  // Another handler in the place of the one that a command has.
  void Rebind(std::string_view full_name, Handler handler);

  // Leaves what exists in Sentinel mode, handlers included, and adds what exists there alone, without
  // handlers.
  void BecomeSentinel();

  // rename-command: an empty new name takes the command away. Fails if there is no such command or the new
  // name is taken; the error is the text after "rename-command".
  Status Rename(std::string_view name, std::string_view new_name);

  static constexpr uint16_t kNone = 0xffff;
  // Case-insensitive; kNone if there is no such command.
  uint16_t FindId(std::string_view name) const;
  Command* Find(std::string_view name) const {
    const uint16_t id = FindId(name);
    return id == kNone ? nullptr : commands_[id].get();
  }
  Command& at(uint16_t id) const { return *commands_[id]; }
  Command* FindSubcommand(const Command& container, std::string_view name) const;
  // "config|set" or "get", case-insensitive.
  Command* FindFull(std::string_view full_name) const;

  // Top-level commands that still have a name, in order of their facts.
  const std::vector<Command*>& commands() const { return top_level_; }
  // All, subcommands included.
  const std::vector<std::unique_ptr<Command>>& all() const { return commands_; }

 private:
  struct Slot {
    uint64_t prefix = 0;  // the first eight bytes in lower case
    uint16_t id = kNone;
    bool is_in_prefix = false;  // the prefix is the whole name, and all letters
    std::string name;
  };
  static constexpr size_t kSlots = 2048;

  static int HashedKey(const CommandFacts& facts);
  static uint64_t Prefix(std::string_view name);
  static size_t SlotOf(uint64_t prefix, size_t size);
  Command* Add(const CommandFacts& facts, Command* container);
  void AddName(std::string_view name, uint16_t id);
  void RebuildNames(const std::vector<std::pair<std::string, uint16_t>>& names);
  std::vector<std::pair<std::string, uint16_t>> Names() const;

  std::vector<std::unique_ptr<Command>> commands_;
  std::vector<Command*> top_level_;
  std::vector<Slot> slots_;
};

}  // namespace hearth::engine
