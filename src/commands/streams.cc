// Streams: adding, reading ranges, deleting and trimming. Reading with waiting is in stream_reads.cc, groups
// in stream_groups.cc and stream_claims.cc, XINFO in stream_info.cc.
#include "commands/streams.h"

#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/numbers.h"
#include "commands/element_reply.h"
#include "commands/register.h"
#include "engine/engine.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::StreamOf;
using keyspace::StreamValue;

// ---- XADD

// The new entry's id; nothing if it would not be above the last one, which must not be the last there can be.
std::optional<StreamId> NextId(const NewStreamId& request, StreamId last, int64_t now_ms) {
  const auto now = static_cast<uint64_t>(now_ms);
  switch (request.kind) {
    case NewStreamId::Kind::kAuto:
      return now > last.ms ? StreamId{now, 0} : last.Next();
    case NewStreamId::Kind::kAutoSeq:
      if (request.id.ms > last.ms) return request.id;
      if (request.id.ms < last.ms || last.seq == UINT64_MAX) return std::nullopt;
      return StreamId{last.ms, last.seq + 1};
    case NewStreamId::Kind::kGiven:
      break;
  }
  return request.id > last ? std::optional(request.id) : std::nullopt;
}

void AddEffect(Context& ctx, const StreamTrimOptions& options, StreamId id, const keyspace::Stream& stream) {
  ctx.effects().Suppress();
  if (!ctx.effects().wanted()) return;
  const StreamIdText id_text(id);
  std::vector<std::string_view> words = {"XADD", ctx[1]};
  std::optional<ExactTrim> exact;
  if (options.trim) {
    exact.emplace(*options.trim, stream);
    words.insert(words.end(), {exact->strategy, "=", exact->threshold});
  }
  words.push_back(id_text);
  const auto pairs = ctx.args().subspan(options.end + 1);
  words.insert(words.end(), pairs.begin(), pairs.end());
  ctx.effects().Replace(words);
}

void XAdd(Context& ctx) {
  const auto options = ParseStreamTrim(ctx, 2, true);
  if (!options) return;
  if (options->end >= ctx.size()) return ctx.WrongArgumentCount();
  const NewStreamId& request = options->new_id;
  const auto pairs = ctx.args().subspan(options->end + 1);
  if (pairs.size() < 2 || pairs.size() % 2 == 1) return ctx.WrongArgumentCount();
  if (request.kind == NewStreamId::Kind::kGiven && request.id.IsZero()) {
    return ctx.Error("ERR The ID specified in XADD must be greater than 0-0");
  }
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  if (handle && !ctx.CheckType(&*handle, Type::kStream)) return;
  if (!handle && !options->creates_key) return ctx.reply().Null();
  const StreamId last = handle ? StreamOf(*handle).log.last_id() : StreamId{};
  if (last == StreamId::Max()) {
    return ctx.Error("ERR The stream has exhausted the last possible ID, unable to add more items");
  }
  const auto id = NextId(request, last, ctx.now_ms());
  if (!id)
    return ctx.Error("ERR The ID specified in XADD is equal or smaller than the target stream top item");
  if (!ds::StreamLog::IsStorable(pairs)) return ctx.Error("ERR Elements are too large to be stored");
  if (!handle) handle = StreamValue::Create(ctx.db(), key);
  StreamValue stream(handle);
  stream.Append(*id, pairs);
  ReplyStreamId(ctx.reply(), *id);
  ctx.Notify(settings::kNotifyStream, "xadd", key.text);
  if (options->trim && stream.Trim(*options->trim, false) > 0)
    ctx.Notify(settings::kNotifyStream, "xtrim", key.text);
  AddEffect(ctx, *options, *id, *stream);
  if (ctx.engine().blocking().any())
    ctx.engine().blocking().MarkReady(ctx.db().index(), key.text, Type::kStream);
}

// ---- reading

void XLen(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kStream)) return;
  ctx.reply().Integer(entry == nullptr ? 0 : static_cast<int64_t>(StreamOf(*entry).log.length()));
}

void Range(Context& ctx, size_t start_at, size_t end_at, bool backward) {
  const auto start = IntervalStart(ctx, start_at);
  if (!start) return;
  const auto end = IntervalEnd(ctx, end_at);
  if (!end) return;
  std::optional<int64_t> count;
  for (size_t i = 4; i < ctx.size(); i += 2) {
    if (!ctx.Is(i, "count") || i + 1 == ctx.size()) return ctx.SyntaxError();
    count = ctx.Integer(i + 1);
    if (!count) return;
  }
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (entry == nullptr) return ctx.reply().Array(0);
  if (!ctx.CheckType(entry, Type::kStream)) return;
  if (count && *count <= 0) return ctx.reply().NullArray();
  resp::Writer& reply = ctx.reply();
  const auto deferred = reply.DeferArray();
  ds::StreamRange range(StreamOf(*entry).log, *start, *end, backward);
  int64_t found = 0;
  while ((!count || found < *count) && range.Next()) {
    ReplyStreamEntry(reply, range);
    ++found;
  }
  reply.Finish(deferred, static_cast<size_t>(found));
}

void XRange(Context& ctx) { Range(ctx, 2, 3, false); }
void XRevRange(Context& ctx) { Range(ctx, 3, 2, true); }

// ---- removing

void XDel(Context& ctx) {
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  if (!handle) return ctx.reply().Integer(0);
  if (!ctx.CheckType(&*handle, Type::kStream)) return;
  for (size_t i = 2; i < ctx.size(); ++i) {
    if (!StreamIdArgument(ctx, i)) return;
  }
  StreamValue stream(handle);
  int64_t deleted = 0;
  for (size_t i = 2; i < ctx.size(); ++i) deleted += stream.Delete(*ParseStreamId(ctx[i], 0));
  if (deleted > 0) ctx.Notify(settings::kNotifyStream, "xdel", key.text);
  ctx.reply().Integer(deleted);
}

void XTrim(Context& ctx) {
  const auto options = ParseStreamTrim(ctx, 2, false);
  if (!options) return;
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  if (!handle) return ctx.reply().Integer(0);
  if (!ctx.CheckType(&*handle, Type::kStream)) return;
  StreamValue stream(handle);
  const uint64_t removed = options->trim ? stream.Trim(*options->trim) : 0;
  if (removed > 0) {
    ctx.Notify(settings::kNotifyStream, "xtrim", key.text);
    if (options->trim->is_approximate) {
      const ExactTrim exact(*options->trim, *stream);
      ctx.effects().Replace({"XTRIM", key.text, exact.strategy, "=", exact.threshold});
    }
  }
  ctx.reply().Integer(static_cast<int64_t>(removed));
}

// ---- XSETID

struct SetIdOptions {
  StreamId id;
  std::optional<uint64_t> entries_added;
  std::optional<StreamId> max_deleted_id;
};

std::optional<SetIdOptions> ParseSetId(Context& ctx) {
  const auto id = StreamIdArgument(ctx, 2);
  if (!id) return std::nullopt;
  SetIdOptions options{*id, {}, {}};
  for (size_t i = 3; i < ctx.size(); i += 2) {
    if (i + 1 < ctx.size() && ctx.Is(i, "entriesadded")) {
      const auto added = ctx.Integer(i + 1);
      if (!added) return std::nullopt;
      if (*added < 0) {
        ctx.Error("ERR entries_added must be positive");
        return std::nullopt;
      }
      options.entries_added = static_cast<uint64_t>(*added);
    } else if (i + 1 < ctx.size() && ctx.Is(i, "maxdeletedid")) {
      options.max_deleted_id = StreamIdArgument(ctx, i + 1);
      if (!options.max_deleted_id) return std::nullopt;
      if (*id < *options.max_deleted_id) {
        ctx.Error("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
        return std::nullopt;
      }
    } else {
      ctx.SyntaxError();
      return std::nullopt;
    }
  }
  return options;
}

void XSetId(Context& ctx) {
  const auto options = ParseSetId(ctx);
  if (!options) return;
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  if (!handle) return ctx.Error("ERR no such key");
  if (!ctx.CheckType(&*handle, Type::kStream)) return;
  StreamValue stream(handle);
  ds::StreamRange last(stream->log, StreamId::Min(), StreamId::Max(), true);
  if (last.Next()) {
    if (options->id < last.id()) {
      return ctx.Error("ERR The ID specified in XSETID is smaller than the target stream top item");
    }
    if (options->entries_added && *options->entries_added < stream->log.length()) {
      return ctx.Error("ERR The entries_added specified in XSETID is smaller than the target stream length");
    }
  }
  stream.SetLastId(options->id, options->entries_added, options->max_deleted_id);
  ctx.reply().Ok();
  ctx.Notify(settings::kNotifyStream, "xsetid", key.text);
}

}  // namespace

// ---- shared

void ReplyStreamEntry(resp::Writer& reply, ds::StreamRange& range) {
  reply.Array(2);
  ReplyStreamId(reply, range.id());
  reply.Array(2 * range.field_count());
  range.ForEachField([&](const ds::ListpackValue& field, const ds::ListpackValue& value) {
    ReplyElement(reply, field);
    ReplyElement(reply, value);
  });
}

bool ReplyStreamEntry(resp::Writer& reply, const ds::StreamLog& log, StreamId id) {
  ds::StreamRange range(log, id, id);
  if (!range.Next()) return false;
  ReplyStreamEntry(reply, range);
  return true;
}

keyspace::Consumer& FindOrCreateConsumer(Context& ctx, StreamValue& stream, keyspace::ConsumerGroup& group,
                                         std::string_view key, std::string_view name, bool* is_new) {
  keyspace::Consumer* consumer = group.FindConsumer(name);
  if (is_new != nullptr) *is_new = consumer == nullptr;
  if (consumer != nullptr) return *consumer;
  keyspace::Consumer& created = stream.CreateConsumer(group, name, ctx.now_ms());
  ctx.Notify(settings::kNotifyStream, "xgroup-createconsumer", key);
  return created;
}

void AddClaimEffect(Context& ctx, std::string_view key, const keyspace::ConsumerGroup& group,
                    std::string_view consumer, StreamId id, const keyspace::PendingEntry& entry) {
  if (!ctx.effects().wanted()) return;
  const std::string time = ToString(entry.delivered_ms);
  const std::string count = ToString(static_cast<int64_t>(entry.delivery_count));
  ctx.effects().Replace({"XCLAIM", key, group.name, consumer, "0", StreamIdText(id), "TIME", time,
                         "RETRYCOUNT", count, "FORCE", "JUSTID", "LASTID", StreamIdText(group.last_id)});
}

void AddGroupIdEffect(Context& ctx, std::string_view key, const keyspace::ConsumerGroup& group) {
  if (!ctx.effects().wanted()) return;
  ctx.effects().Replace({"XGROUP", "SETID", key, group.name, StreamIdText(group.last_id), "ENTRIESREAD",
                         ToString(group.entries_read)});
}

void NoSuchGroup(Context& ctx, std::string_view key, std::string_view group, std::string_view where) {
  ctx.Error(fmt::format("NOGROUP No such key '{}' or consumer group '{}'{}", ShownName(key), ShownName(group),
                        where));
}

void RegisterStreams(engine::CommandTable& table) {
  table.Bind("xadd", engine::MakeHandler<&XAdd>());
  table.Bind("xlen", engine::MakeHandler<&XLen>());
  table.Bind("xrange", engine::MakeHandler<&XRange>());
  table.Bind("xrevrange", engine::MakeHandler<&XRevRange>());
  table.Bind("xdel", engine::MakeHandler<&XDel>());
  table.Bind("xtrim", engine::MakeHandler<&XTrim>());
  table.Bind("xsetid", engine::MakeHandler<&XSetId>());
  RegisterStreamReads(table);
  RegisterStreamGroups(table);
  RegisterStreamClaims(table);
  RegisterStreamInfo(table);
}

}  // namespace hearth::commands
