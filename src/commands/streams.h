// What the files of the stream commands share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "commands/stream_ids.h"
#include "engine/context.h"
#include "keyspace/stream_value.h"

namespace hearth::commands {

// XREAD, XREADGROUP.
void RegisterStreamReads(engine::CommandTable& table);
// XGROUP and its subcommands, XACK.
void RegisterStreamGroups(engine::CommandTable& table);
// XPENDING, XCLAIM, XAUTOCLAIM.
void RegisterStreamClaims(engine::CommandTable& table);
// XINFO and its subcommands.
void RegisterStreamInfo(engine::CommandTable& table);

// XADD's and XTRIM's options, from `first` on.
struct StreamTrimOptions {
  std::optional<ds::StreamTrim> trim;
  bool creates_key = true;  // no NOMKSTREAM
  NewStreamId new_id;       // XADD's
  size_t end;               // the first argument behind the options: XADD's id
};
// For XTRIM (`is_add` false) the options are all that is left. Replies the error.
std::optional<StreamTrimOptions> ParseStreamTrim(engine::Context& ctx, size_t first, bool is_add);
// The options that do the same to a stream trimmed already, for the effects: "MAXLEN = n" or "MINID = id".
struct ExactTrim {
  ExactTrim(const ds::StreamTrim& trim, const keyspace::Stream& trimmed);
  std::string_view strategy;
  std::string threshold;
};

// The entry that `range` stands on, as [id, [field, value, ...]].
void ReplyStreamEntry(resp::Writer& reply, ds::StreamRange& range);
// The entry `id` of a log; false, and nothing replied, if it is not there.
bool ReplyStreamEntry(resp::Writer& reply, const ds::StreamLog& log, StreamId id);

// The consumer of that name; made, with the notification that this is worth, if it is new.
keyspace::Consumer& FindOrCreateConsumer(engine::Context& ctx, keyspace::StreamValue& stream,
                                         keyspace::ConsumerGroup& group, std::string_view key,
                                         std::string_view name, bool* is_new = nullptr);

// Passes on that a group's pending entry is as it is now.
void AddClaimEffect(engine::Context& ctx, std::string_view key, const keyspace::ConsumerGroup& group,
                    std::string_view consumer, StreamId id, const keyspace::PendingEntry& entry);
// Passes on how far a group has come.
void AddGroupIdEffect(engine::Context& ctx, std::string_view key, const keyspace::ConsumerGroup& group);

// A name as errors show it: up to its first zero byte.
inline std::string_view ShownName(std::string_view name) { return name.substr(0, name.find('\0')); }
// XREADGROUP's form ends with " in XREADGROUP with GROUP option".
void NoSuchGroup(engine::Context& ctx, std::string_view key, std::string_view group,
                 std::string_view where = {});

}  // namespace hearth::commands
