// XINFO: what a stream, its groups and their consumers are like.
#include <algorithm>

#include <fmt/format.h>

#include "commands/help.h"
#include "commands/streams.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Type;
using keyspace::Consumer;
using keyspace::ConsumerGroup;
using keyspace::PendingEntry;
using keyspace::Stream;
using keyspace::StreamOf;

// The stream at argument 2; null, and an error replied, if it is not there.
const Stream* FindStream(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(2));
  if (entry == nullptr) {
    ctx.Error("ERR no such key");
    return nullptr;
  }
  return ctx.CheckType(entry, Type::kStream) ? &StreamOf(*entry) : nullptr;
}

void ReplyCount(resp::Writer& reply, std::string_view name, uint64_t count) {
  reply.Bulk(name);
  reply.Integer(static_cast<int64_t>(count));
}

void ReplyNamedId(resp::Writer& reply, std::string_view name, StreamId id) {
  reply.Bulk(name);
  ReplyStreamId(reply, id);
}

// A number that may not be known.
void ReplyKnown(resp::Writer& reply, std::string_view name, std::optional<int64_t> number) {
  reply.Bulk(name);
  if (!number) return reply.Null();
  reply.Integer(*number);
}
std::optional<int64_t> EntriesRead(const ConsumerGroup& group) {
  return group.entries_read == ConsumerGroup::kUnknownRead ? std::nullopt : std::optional(group.entries_read);
}

// The seven pairs with which both forms of XINFO STREAM begin.
void ReplyLog(resp::Writer& reply, const ds::StreamLog& log) {
  ReplyCount(reply, "length", log.length());
  ReplyCount(reply, "radix-tree-keys", log.blocks().size());
  // Ours is another tree; an empty one has its root, as users of the field expect.
  ReplyCount(reply, "radix-tree-nodes", 1 + log.blocks().node_count());
  ReplyNamedId(reply, "last-generated-id", log.last_id());
  ReplyNamedId(reply, "max-deleted-entry-id", log.max_deleted_id());
  ReplyCount(reply, "entries-added", log.entries_added());
  ReplyNamedId(reply, "recorded-first-entry-id", log.first_id());
}

void ReplyEdge(resp::Writer& reply, std::string_view name, const ds::StreamLog& log, bool is_last) {
  reply.Bulk(name);
  ds::StreamRange range(log, StreamId::Min(), StreamId::Max(), is_last);
  if (range.Next()) {
    ReplyStreamEntry(reply, range);
  } else {
    reply.Null();
  }
}

// ---- FULL; `count` bounds each list, 0 for no bound

void ReplyEntries(resp::Writer& reply, const ds::StreamLog& log, uint64_t count) {
  ds::StreamRange range(log, StreamId::Min(), StreamId::Max());
  const auto deferred = reply.DeferArray();
  size_t taken = 0;
  while ((count == 0 || taken < count) && range.Next()) {
    ReplyStreamEntry(reply, range);
    ++taken;
  }
  reply.Finish(deferred, taken);
}

void ReplyPending(resp::Writer& reply, const ds::IdMap<PendingEntry>& pending, bool names_consumer,
                  uint64_t count) {
  uint64_t left = count == 0 ? pending.size() : std::min<uint64_t>(count, pending.size());
  reply.Array(left);
  for (auto at = pending.First(); left > 0; at = pending.Next(at), --left) {
    const PendingEntry& entry = pending.ValueAt(at);
    reply.Array(names_consumer ? 4 : 3);
    ReplyStreamId(reply, pending.IdAt(at));
    if (names_consumer) reply.Bulk(entry.consumer->name);
    reply.Integer(entry.delivered_ms);
    reply.Integer(static_cast<int64_t>(entry.delivery_count));
  }
}

void ReplyFullConsumer(resp::Writer& reply, const Consumer& consumer, uint64_t count) {
  reply.Map(5);
  reply.Bulk("name");
  reply.Bulk(consumer.name);
  reply.Bulk("seen-time");
  reply.Integer(consumer.seen_ms);
  reply.Bulk("active-time");
  reply.Integer(consumer.active_ms);
  ReplyCount(reply, "pel-count", consumer.pending.size());
  reply.Bulk("pending");
  ReplyPending(reply, consumer.pending, false, count);
}

void ReplyFullGroup(resp::Writer& reply, const Stream& stream, const ConsumerGroup& group, uint64_t count) {
  reply.Map(7);
  reply.Bulk("name");
  reply.Bulk(group.name);
  ReplyNamedId(reply, "last-delivered-id", group.last_id);
  ReplyKnown(reply, "entries-read", EntriesRead(group));
  ReplyKnown(reply, "lag", stream.LagOf(group));
  ReplyCount(reply, "pel-count", group.pending.size());
  reply.Bulk("pending");
  ReplyPending(reply, group.pending, true, count);
  reply.Bulk("consumers");
  reply.Array(group.consumers.size());
  for (const auto& [name, consumer] : group.consumers) ReplyFullConsumer(reply, *consumer, count);
}

// Nothing, and an error replied, if the options are wrong; -1 if FULL is not asked for.
std::optional<int64_t> ParseFull(Context& ctx) {
  constexpr int64_t kDefaultCount = 10;
  if (ctx.size() == 3) return -1;
  const bool is_full = ctx.Is(3, "full") && (ctx.size() == 4 || (ctx.size() == 6 && ctx.Is(4, "count")));
  if (!is_full) {
    ctx.Error(
        fmt::format("ERR unknown subcommand or wrong number of arguments for '{}'. Try XINFO HELP.", ctx[1]));
    return std::nullopt;
  }
  if (ctx.size() == 4) return kDefaultCount;
  const auto count = ctx.Integer(5);
  if (!count) return std::nullopt;
  return *count < 0 ? kDefaultCount : *count;
}

void XInfoStream(Context& ctx) {
  const Stream* stream = FindStream(ctx);
  if (stream == nullptr) return;
  const auto full = ParseFull(ctx);
  if (!full) return;
  resp::Writer& reply = ctx.reply();
  if (*full < 0) {
    reply.Map(10);
    ReplyLog(reply, stream->log);
    ReplyCount(reply, "groups", stream->groups.size());
    ReplyEdge(reply, "first-entry", stream->log, false);
    ReplyEdge(reply, "last-entry", stream->log, true);
    return;
  }
  const auto count = static_cast<uint64_t>(*full);
  reply.Map(9);
  ReplyLog(reply, stream->log);
  reply.Bulk("entries");
  ReplyEntries(reply, stream->log, count);
  reply.Bulk("groups");
  reply.Array(stream->groups.size());
  for (const auto& [name, group] : stream->groups) ReplyFullGroup(reply, *stream, *group, count);
}

void XInfoGroups(Context& ctx) {
  const Stream* stream = FindStream(ctx);
  if (stream == nullptr) return;
  resp::Writer& reply = ctx.reply();
  reply.Array(stream->groups.size());
  for (const auto& [name, group] : stream->groups) {
    reply.Map(6);
    reply.Bulk("name");
    reply.Bulk(name);
    ReplyCount(reply, "consumers", group->consumers.size());
    ReplyCount(reply, "pending", group->pending.size());
    ReplyNamedId(reply, "last-delivered-id", group->last_id);
    ReplyKnown(reply, "entries-read", EntriesRead(*group));
    ReplyKnown(reply, "lag", stream->LagOf(*group));
  }
}

void XInfoConsumers(Context& ctx) {
  const Stream* stream = FindStream(ctx);
  if (stream == nullptr) return;
  const ConsumerGroup* group = stream->FindGroup(ctx[3]);
  if (group == nullptr) {
    return ctx.Error(fmt::format("NOGROUP No such consumer group '{}' for key name '{}'", ShownName(ctx[3]),
                                 ShownName(ctx[2])));
  }
  resp::Writer& reply = ctx.reply();
  reply.Array(group->consumers.size());
  for (const auto& [name, consumer] : group->consumers) {
    reply.Map(4);
    reply.Bulk("name");
    reply.Bulk(name);
    ReplyCount(reply, "pending", consumer->pending.size());
    reply.Bulk("idle");
    reply.Integer(std::max<int64_t>(ctx.now_ms() - consumer->seen_ms, 0));
    reply.Bulk("inactive");
    reply.Integer(consumer->active_ms < 0 ? -1 : std::max<int64_t>(ctx.now_ms() - consumer->active_ms, 0));
  }
}

}  // namespace

void RegisterStreamInfo(engine::CommandTable& table) {
  table.Bind("xinfo|stream", engine::MakeHandler<&XInfoStream>());
  table.Bind("xinfo|groups", engine::MakeHandler<&XInfoGroups>());
  table.Bind("xinfo|consumers", engine::MakeHandler<&XInfoConsumers>());
  table.Bind("xinfo|help", engine::MakeHandler<&Help>());
}

}  // namespace hearth::commands
